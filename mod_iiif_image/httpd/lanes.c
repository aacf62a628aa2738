/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/lanes.h"

#include <ap_mpm.h>
#include <apr_strings.h>
#include <http_config.h>
#include <http_log.h>
#include <unistd.h>

#include "httpd/client.h"
#include "httpd/config.h"
#include "httpd/log.h"
#include "httpd/process.h"
#include "httpd/shared_memory.h"
#include "image/vips_process.h"

#include "base/banned.h"

#define RETAINED    "mod_iiif_image: lanes 3" /* another layout is another number */
#define GENERATIONS 2                         /* of children at once, while a restart goes on */
#define SPARE       2                         /* renders, beyond one for each processor */
#define QUEUE_MAX   64                        /* of IIIFRenderQueue auto */
#define KEPT_MIN    ((apr_size_t)1 << 20)     /* bytes of an answer that are worth counting */

/* Kept across restarts, in memory of the process; the parent's, and by forking the children's. */
typedef struct retained_t {
    iiif_lanes_memory_t *memory; /* NULL: there was none to be had */
} retained_t;

static int mpm(int question)
{
    int answer = 0;

    return ap_mpm_query(question, &answer) == APR_SUCCESS && answer > 0 ? answer : 1;
}

apr_status_t iiif_lanes_create(server_rec *s)
{
    const unsigned processes = (unsigned)mpm(AP_MPMQ_HARD_LIMIT_DAEMONS) * GENERATIONS;
    retained_t *retained = ap_retained_data_get(RETAINED);
    void *memory;
    apr_status_t rv;

    if (retained)
        return APR_SUCCESS;
    retained = ap_retained_data_create(RETAINED, sizeof(*retained));
    rv = iiif_shared_memory_create(&memory, iiif_lanes_size(processes), s->process->pool);
    if (rv == APR_SUCCESS)
        rv = iiif_lanes_init(memory, processes);
    if (rv == APR_SUCCESS)
        retained->memory = memory;
    return rv;
}

static iiif_lanes_memory_t *shared_memory(void)
{
    const retained_t *retained = ap_retained_data_get(RETAINED);

    return retained ? retained->memory : NULL;
}

void iiif_child_status(server_rec *s, pid_t pid, ap_generation_t generation, int slot,
                       mpm_child_status status)
{
    iiif_lanes_memory_t *memory = shared_memory();

    (void)s;
    (void)generation;
    (void)slot;
    if (status == MPM_CHILD_EXITED && memory)
        iiif_lanes_forget(memory, pid);
}

static apr_uint64_t physical_memory(void)
{
    return (apr_uint64_t)sysconf(_SC_PHYS_PAGES) * (apr_uint64_t)sysconf(_SC_PAGESIZE);
}

static unsigned part(unsigned workers, unsigned divisor)
{
    return workers < divisor ? 1 : workers / divisor;
}

static iiif_lanes_limits_t limits_of(const iiif_render_conf_t *conf)
{
    const unsigned threads = (unsigned)mpm(AP_MPMQ_MAX_THREADS);
    const unsigned workers = threads * (unsigned)mpm(AP_MPMQ_MAX_DAEMONS);
    const unsigned queue = part(workers, 4) < QUEUE_MAX ? part(workers, 4) : QUEUE_MAX;

    const unsigned processors = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
    const unsigned most = part(workers * 3, 4);

    return (iiif_lanes_limits_t){
        .threads = conf->threads               ? (unsigned)conf->threads
                   : processors + SPARE < most ? processors + SPARE
                                               : most,
        .spare = conf->threads ? 0 : SPARE,
        .memory = conf->memory ? (apr_uint64_t)conf->memory : physical_memory() / 4,
        .queue = conf->queue < 0 ? queue : (unsigned)conf->queue,
        .queue_here = { [IIIF_LANE_SMALL] = part(threads, 2),
                        [IIIF_LANE_LARGE] = part(threads, 4) },
        .busy = most,
        .busy_here = part(threads * 3, 4),
        .patience = apr_time_from_sec(conf->seconds),
        .shadow = conf->shadow,
    };
}

apr_status_t iiif_lanes_open(iiif_lanes_t **lanes, server_rec *s, apr_pool_t *pchild)
{
    const iiif_lanes_limits_t limits = limits_of(&iiif_server_settings(s)->render);
    iiif_lanes_memory_t *memory = shared_memory();
    const apr_status_t rv = iiif_lanes_join(lanes, memory, &limits, pchild);

    return rv == APR_SUCCESS && !memory ? APR_ENOSPC : rv;
}

static int client_is_there(void *r)
{
    return !iiif_client_has_gone(r);
}

/* In the log note iiif-refused, and in the log in shadow. */
static const char *const refusals[IIIF_LANES_COUNTS] = { [IIIF_LANES_FULL] = "full",
                                                         [IIIF_LANES_WAITED] = "waited",
                                                         [IIIF_LANES_TOO_BIG] = "too-big",
                                                         [IIIF_LANES_LEFT] = "gone",
                                                         [IIIF_LANES_CUT] = "gone" };

static void leave_notes(request_rec *r, const iiif_ticket_t *ticket)
{
    const apr_int64_t waited = apr_time_as_msec(ticket->waited);

    apr_table_setn(r->notes, "iiif-lane", ticket->cost.lane == IIIF_LANE_LARGE ? "large" : "small");
    apr_table_setn(r->notes, "iiif-wait", apr_psprintf(r->pool, "%" APR_INT64_T_FMT, waited));
    if (refusals[ticket->counted])
        apr_table_setn(r->notes, "iiif-refused", refusals[ticket->counted]);
}

apr_status_t iiif_pass_take(iiif_pass_t *pass, request_rec *r, const iiif_plan_t *plan,
                            const iiif_look_t *look, iiif_err_t *err)
{
    const iiif_source_t source = iiif_look_source(look, plan->pixels);
    const iiif_cost_t cost = iiif_cost_of(&source, &plan->resolved);
    apr_status_t rv;

    pass->r = r;
    pass->wanted = (iiif_wanted_t){ client_is_there, r };
    rv = iiif_lanes_enter(&pass->ticket, iiif_process()->lanes, &cost, &pass->wanted, err);
    leave_notes(r, &pass->ticket);
    if (rv == IIIF_EBUSY)
        apr_table_setn(r->headers_out, "Retry-After",
                       apr_psprintf(r->pool, "%u", pass->ticket.retry_after));
    else if (rv == APR_SUCCESS && pass->ticket.counted != IIIF_LANES_ADMITTED)
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, IIIF_LOGNO(0013) "%s: would be refused: %s",
                      r->uri, refusals[pass->ticket.counted]);
    return rv;
}

/* The request is over. When the child is, too, nobody counts any more. */
static apr_status_t drop(void *ticket)
{
    if (iiif_process()->lanes)
        iiif_lanes_drop(iiif_process()->lanes, ticket);
    return APR_SUCCESS;
}

/* Until the client has it, or has gone. */
static void keep(iiif_pass_t *pass, apr_size_t len)
{
    iiif_ticket_t *ticket;

    if (len < KEPT_MIN)
        return;
    pass->ticket.kept = len;
    ticket = apr_pmemdup(pass->r->pool, &pass->ticket, sizeof(pass->ticket));
    apr_pool_cleanup_register(pass->r->pool, ticket, drop, apr_pool_cleanup_null);
}

void iiif_pass_return(iiif_pass_t *pass, apr_status_t rv, apr_size_t len)
{
    const int cut = rv == IIIF_EGONE;

    if (rv == APR_SUCCESS)
        keep(pass, len);
    if (cut)
        apr_table_setn(pass->r->notes, "iiif-refused", refusals[IIIF_LANES_CUT]);
    if (iiif_lanes_leave(iiif_process()->lanes, &pass->ticket, cut)
        && pass->ticket.cost.lane == IIIF_LANE_LARGE)
        iiif_vips_give_back();
}
