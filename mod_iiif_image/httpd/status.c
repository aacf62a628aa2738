/* SPDX-License-Identifier: Apache-2.0 */
/* What renders there are now: "SetHandler iiif-status". */
#include <apr_strings.h>
#include <httpd.h>
#include <http_protocol.h>
#include <string.h>

#include "httpd/hooks.h"
#include "httpd/process.h"
#include "httpd/respond.h"
#include "plan/lanes.h"

#include "base/banned.h"

#define HANDLER_NAME "iiif-status"

typedef struct line_t {
    const char *name;
    apr_uint64_t value;
} line_t;

static const char *text_of(const line_t lines[], apr_pool_t *pool)
{
    const char *text = "";

    for (; lines->name; ++lines)
        text = apr_psprintf(pool, "%s%s %" APR_UINT64_T_FMT "\n", text, lines->name, lines->value);
    return text;
}

/* One name and one number a line, for people and for programs that watch them. */
static const char *describe(const iiif_lanes_report_t *report, apr_pool_t *pool)
{
    const line_t lines[] = {
        { "processes", report->processes },
        { "threads", report->limits.threads },
        { "memory", report->limits.memory },
        { "queue", report->limits.queue },
        { "shadow", (apr_uint64_t)report->limits.shadow },
        { "running-small", report->running[IIIF_LANE_SMALL] },
        { "running-large", report->running[IIIF_LANE_LARGE] },
        { "memory-small", report->bytes[IIIF_LANE_SMALL] },
        { "memory-large", report->bytes[IIIF_LANE_LARGE] },
        { "waiting", report->waiting },
        { "admitted", report->counts[IIIF_LANES_ADMITTED] },
        { "refused-full", report->counts[IIIF_LANES_FULL] },
        { "refused-waited", report->counts[IIIF_LANES_WAITED] },
        { "refused-too-big", report->counts[IIIF_LANES_TOO_BIG] },
        { "gone-waiting", report->counts[IIIF_LANES_LEFT] },
        { "gone-running", report->counts[IIIF_LANES_CUT] },
        { "average-milliseconds", report->average / 1000 },
        { NULL, 0 },
    };

    return text_of(lines, pool);
}

int iiif_status(request_rec *r)
{
    iiif_lanes_report_t report;
    const char *text;

    if (!r->handler || strcmp(r->handler, HANDLER_NAME))
        return DECLINED;
    if (r->method_number != M_GET)
        return HTTP_METHOD_NOT_ALLOWED;
    iiif_lanes_report(&report, iiif_process()->lanes);
    text = describe(&report, r->pool);
    ap_set_content_type(r, "text/plain; charset=utf-8");
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    return iiif_send_text(r, text, strlen(text));
}
