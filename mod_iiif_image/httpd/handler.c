/* SPDX-License-Identifier: Apache-2.0 */
/* From a plan to an answer. */
#include <apr_strings.h>
#include <httpd.h>
#include <http_protocol.h>
#include <http_request.h>
#include <string.h>

#include "httpd/base_url.h"
#include "httpd/config.h"
#include "httpd/context.h"
#include "httpd/hooks.h"
#include "httpd/image.h"
#include "httpd/info.h"
#include "httpd/respond.h"

#include "base/banned.h"

#define HANDLER_NAME "iiif-image"

int iiif_fixups(request_rec *r)
{
    iiif_context_t *context = iiif_context(r);
    iiif_dir_conf_t settings;

    if (!context)
        return DECLINED;
    if (context->file_type && r->method_number == M_GET) {
        /* by no handler that its name might ask for */
        if (*context->file_type)
            ap_set_content_type(r, context->file_type);
        r->handler = "default-handler";
        return OK;
    }
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

static int send_redirect(request_rec *r, const iiif_context_t *context,
                         const iiif_dir_conf_t *settings)
{
    apr_table_setn(r->headers_out, "Location",
                   apr_pstrcat(r->pool, iiif_base_uri(r, context, settings), "/info.json", NULL));
    if (context->request.version == IIIF_VERSION_NONE)
        apr_table_mergen(r->headers_out, "Vary", "Accept");
    r->status = HTTP_SEE_OTHER;
    r->content_type = NULL; /* mod_mime's, of the source; an empty body has none */
    return iiif_send_text(r, "", 0);
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
    case IIIF_PLAN_INFO: return iiif_send_info(r, context, &settings);
    case IIIF_PLAN_REDIRECT: return send_redirect(r, context, &settings);
    case IIIF_PLAN_DESCRIPTOR: return iiif_send_descriptor(r, context);
    case IIIF_PLAN_STATIC_FILE:
    case IIIF_PLAN_RAW_TILE:
    case IIIF_PLAN_RENDER: return iiif_send_image(r, context, &settings);
    }
    return HTTP_INTERNAL_SERVER_ERROR; /* not reached: -Wswitch-enum sees a new kind */
}
