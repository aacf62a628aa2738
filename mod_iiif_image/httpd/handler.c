/* SPDX-License-Identifier: Apache-2.0 */
/* From a plan to an answer. */
#include <apr_lib.h>
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
#include "httpd/negotiate.h"
#include "httpd/respond.h"
#include "iiif/info.h"
#include "image/vips_process.h"

#include "base/banned.h"

#define HANDLER_NAME "iiif-image"

int iiif_fixups(request_rec *r)
{
    iiif_context_t *context = iiif_context(r);
    iiif_plan_rules_t rules;
    iiif_dir_conf_t settings;

    if (!context)
        return DECLINED;
    if (r->handler && !strcmp(r->handler, "redirect-handler"))
        return DECLINED; /* a RewriteRule of the source's directory has taken it */
    r->handler = HANDLER_NAME;
    r->content_encoding = NULL; /* of the source's name, not of the answer */
    r->content_languages = NULL;
    if (!context->ref.path || r->method_number != M_GET)
        return OK;
    settings = iiif_settings(r);
    rules = iiif_plan_rules(&settings);
    rules.accepted = iiif_accept_read(r).version;
    context->rv = iiif_plan_make(&context->plan, &context->request, &context->ref, &rules,
                                 &context->err, r->pool);
    return OK;
}

/* The file itself, whoever replaces it changes one of these, and the page in it. */
static const char *identity(request_rec *r, unsigned page)
{
    return apr_psprintf(
        r->pool, "%s %u %" APR_TIME_T_FMT " %" APR_OFF_T_FMT " %" APR_UINT64_T_HEX_FMT, r->filename,
        page, r->finfo.mtime, r->finfo.size, (apr_uint64_t)r->finfo.inode);
}

static void vary_by_accept(request_rec *r, const iiif_context_t *context)
{
    if (context->plan->kind == IIIF_PLAN_INFO || context->request.version == IIIF_VERSION_NONE)
        apr_table_mergen(r->headers_out, "Vary", "Accept");
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
    r->status = HTTP_SEE_OTHER;
    r->content_type = NULL; /* mod_mime's, of the source; an empty body has none */
    return iiif_send_text(r, "");
}

/* 3.0, 4.8. ";" is where link header parsers end a URI, quoted or not. */
static void add_links(request_rec *r, const iiif_context_t *context,
                      const iiif_dir_conf_t *settings)
{
    const char *uri = apr_pstrcat(r->pool, iiif_base_uri(r, context, settings), "/",
                                  context->plan->canonical, NULL);
    const char *semicolon;

    while ((semicolon = strchr(uri, ';')))
        uri = apr_pstrcat(r->pool, apr_pstrmemdup(r->pool, uri, (apr_size_t)(semicolon - uri)),
                          "%3B", semicolon + 1, NULL);
    iiif_add_link(r, uri, "canonical");
    iiif_add_link(r, iiif_info_profile_uri(context->plan->version), "profile");
}

/* 2.1, appendix A: a name under which to save, from identifier and parameters (RFC 6266). */
static void name_file(request_rec *r, const iiif_context_t *context)
{
    char *name =
             apr_pstrcat(r->pool, context->request.identifier, "_", context->plan->canonical, NULL),
         *s;

    for (s = name; *s; ++s) {
        if (!apr_isalnum(*s) && !strchr(".-_,", *s))
            *s = '_';
    }
    apr_table_setn(r->headers_out, "Content-Disposition",
                   apr_psprintf(r->pool, "inline; filename=\"%s\"", name));
}

static int send_render(request_rec *r, iiif_context_t *context, const iiif_dir_conf_t *settings)
{
    const iiif_plan_t *plan = context->plan;
    const iiif_look_t look = iiif_look(settings);
    const char *const parts[] = { identity(r, context->ref.page), plan->key,
                                  iiif_look_key(&look, plan->resolved.format, r->pool), NULL };
    iiif_bytes_t bytes;
    int rv;

    ap_set_content_type(r, iiif_format(plan->resolved.format)->mime_type);
    add_links(r, context, settings);
    name_file(r, context);
    rv = iiif_check_conditions(r, parts);
    if (rv != OK || r->header_only)
        return rv;
    context->rv = iiif_render(&bytes, plan->source, &plan->resolved, &look, &context->err);
    iiif_vips_thread_end();
    if (context->rv != APR_SUCCESS)
        return iiif_refuse(r, context->rv, &context->err);
    return iiif_send_bytes(r, &bytes);
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
    vary_by_accept(r, context);
    switch (context->plan->kind) {
    case IIIF_PLAN_INFO: return send_info(r, context, &settings);
    case IIIF_PLAN_REDIRECT: return send_redirect(r, context, &settings);
    case IIIF_PLAN_RENDER: return send_render(r, context, &settings);
    }
    return HTTP_INTERNAL_SERVER_ERROR; /* not reached: -Wswitch-enum sees a new kind */
}
