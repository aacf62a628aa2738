/* SPDX-License-Identifier: Apache-2.0 */
/* From a plan to an answer. */
#include <apr_strings.h>
#include <httpd.h>
#include <http_protocol.h>
#include <http_request.h>
#include <scoreboard.h>
#include <string.h>

#include "httpd/base_url.h"
#include "httpd/config.h"
#include "httpd/context.h"
#include "httpd/hooks.h"
#include "httpd/image.h"
#include "httpd/negotiate.h"
#include "httpd/respond.h"
#include "iiif/info.h"
#include "image/vips_process.h"

#include "base/banned.h"

#define HANDLER_NAME "iiif-image"

int iiif_fixups(request_rec *r)
{
    iiif_context_t *context = iiif_context(r);
    iiif_dir_conf_t settings;

    if (!context || context->is_file)
        return DECLINED;
    if (r->handler && !strcmp(r->handler, "redirect-handler"))
        return DECLINED; /* a RewriteRule of the source's directory has taken it */
    r->handler = HANDLER_NAME;
    r->content_encoding = NULL; /* of the source's name, not of the answer */
    r->content_languages = NULL;
    if (!context->ref.path || r->method_number != M_GET)
        return OK;
    settings = iiif_settings(r);
    iiif_make_plan(r, context, &settings);
    if (context->rv == APR_SUCCESS && context->plan->kind == IIIF_PLAN_STATIC_FILE)
        iiif_hand_over(r, context, &settings);
    return OK;
}

static int send_info(request_rec *r, const iiif_context_t *context, const iiif_dir_conf_t *settings)
{
    const iiif_plan_t *plan = context->plan;
    const iiif_accept_t accept = iiif_accept_read(r);
    int v3 = plan->version == IIIF_VERSION_3, ld_json = iiif_accept_ld_json(&accept, plan->version),
        rv;
    const char *type =
        !ld_json ? "application/json"
        : v3     ? "application/ld+json;profile=\"http://iiif.io/api/image/3/context.json\""
                 : "application/ld+json";
    const iiif_info_t info = { .version = plan->version,
                               .id = iiif_base_uri(r, context, settings),
                               .encoded = iiif_base_identifier(r, context),
                               .subject = plan->subject,
                               .tile = plan->tile,
                               .formats = iiif_vips_formats(),
                               .rights = settings->rights,
                               .attribution = settings->attribution,
                               .logo = settings->logo,
                               .links = settings->links,
                               .extra = settings->info };
    const char *text = iiif_info_json(&info, r->pool);
    const char *const parts[] = { text, type, NULL };

    if (!text)
        return HTTP_INTERNAL_SERVER_ERROR;
    ap_set_content_type(r, type);
    apr_table_mergen(r->headers_out, "Vary", "Accept");
    if (!ld_json) /* JSON-LD 1.0, 6.8: where plain JSON has its context */
        apr_table_mergen(
            r->headers_out, "Link",
            apr_psprintf(
                r->pool,
                "<http://iiif.io/api/image/%d/context.json>;"
                "rel=\"http://www.w3.org/ns/json-ld#context\";type=\"application/ld+json\"",
                (int)plan->version));
    iiif_add_link(r, iiif_info_profile_uri(plan->version), "profile");
    ap_update_mtime(r, ap_scoreboard_image->global->restart_time); /* settings are part of it */
    rv = iiif_check_conditions(r, parts);
    return rv == OK ? iiif_send_text(r, text) : rv;
}

static int send_redirect(request_rec *r, const iiif_context_t *context,
                         const iiif_dir_conf_t *settings)
{
    apr_table_setn(r->headers_out, "Location",
                   apr_pstrcat(r->pool, iiif_base_uri(r, context, settings), "/info.json", NULL));
    if (context->request.version == IIIF_VERSION_NONE)
        apr_table_mergen(r->headers_out, "Vary", "Accept");
    r->status = HTTP_SEE_OTHER;
    r->content_type = NULL; /* mod_mime's, of the source; an empty body has none */
    return iiif_send_text(r, "");
}

static int send_descriptor(request_rec *r, const iiif_context_t *context)
{
    const char *const parts[] = { context->plan->descriptor, NULL };
    int rv;

    ap_set_content_type(r, "application/xml");
    rv = iiif_check_conditions(r, parts);
    return rv == OK ? iiif_send_text(r, context->plan->descriptor) : rv;
}

int iiif_handler(request_rec *r)
{
    iiif_context_t *context = iiif_context(r);
    iiif_dir_conf_t settings;
    int rv;

    if (!context || !r->handler || strcmp(r->handler, HANDLER_NAME))
        return DECLINED;
    if ((rv = ap_discard_request_body(r)) != OK)
        return rv;
    if (r->method_number != M_GET) /* HEAD is M_GET with header_only */
        return iiif_refuse_method(r);
    if (context->rv != APR_SUCCESS)
        return iiif_refuse(r, context->rv, &context->err);
    settings = iiif_settings(r);
    switch (context->plan->kind) {
    case IIIF_PLAN_INFO: return send_info(r, context, &settings);
    case IIIF_PLAN_REDIRECT: return send_redirect(r, context, &settings);
    case IIIF_PLAN_DESCRIPTOR: return send_descriptor(r, context);
    case IIIF_PLAN_STATIC_FILE:
    case IIIF_PLAN_RAW_TILE:
    case IIIF_PLAN_RENDER: return iiif_send_image(r, context, &settings);
    }
    return HTTP_INTERNAL_SERVER_ERROR; /* not reached: -Wswitch-enum sees a new kind */
}
