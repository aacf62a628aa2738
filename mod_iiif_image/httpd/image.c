/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/image.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <httpd.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <http_ssl.h>
#include <string.h>

#include "httpd/auto_pyramid.h"
#include "httpd/base_url.h"
#include "httpd/derivatives.h"
#include "httpd/lanes.h"
#include "httpd/negotiate.h"
#include "httpd/respond.h"
#include "httpd/warned.h"
#include "iiif/info.h"
#include "image/vips_process.h"
#include "plan/fingerprint.h"

#include "base/banned.h"

#define RAW_REVISION         "raw 1" /* raise with every change of what stands before a stored tile */
#define TRIES                3       /* while the file is being replaced */
#define WRITING              apr_time_from_msec(20) /* longer than one write takes */
#define WAITS                5
#define FRESH                apr_time_from_sec(5) /* what is wrong with it may be a writer's doing */
#define SETTLED_FOR_SENDFILE apr_time_from_sec(10)

/* In the log note iiif-plan. */
static const char *const plan_names[] = {
    [IIIF_PLAN_INFO] = "info",         [IIIF_PLAN_DESCRIPTOR] = "descriptor",
    [IIIF_PLAN_REDIRECT] = "redirect", [IIIF_PLAN_STATIC_FILE] = "static",
    [IIIF_PLAN_RAW_TILE] = "raw",      [IIIF_PLAN_RENDER] = "render"
};

/* A write changes the time of a file when it begins, so that a file of this moment may be half
 * written, and its stamp still stay the same. One that was emptied has yet to be written. */
static int is_in_flux(const apr_finfo_t *finfo)
{
    apr_time_t age = apr_time_now() - finfo->mtime;

    return (age > -WRITING && age < WRITING)
           || (!finfo->size && !iiif_stamp_time_is_past(finfo->ctime, FRESH));
}

static apr_status_t look_again(iiif_context_t *context, request_rec *r)
{
    apr_status_t rv = apr_stat(&context->ref.finfo, context->ref.path,
                               APR_FINFO_MIN | IIIF_STAMP_WANTED, r->pool);

    return rv == APR_SUCCESS ? rv : iiif_fail(&context->err, rv, "the file was removed");
}

static apr_status_t wait_for_writer(iiif_context_t *context, request_rec *r)
{
    apr_status_t rv;
    int i;

    for (i = 0; is_in_flux(&context->ref.finfo); ++i) {
        if (i == WAITS)
            return iiif_fail(&context->err, IIIF_ECHANGED, "the file is being written to");
        apr_sleep(WRITING);
        if ((rv = look_again(context, r)) != APR_SUCCESS)
            return rv;
    }
    return APR_SUCCESS;
}

/* A file that seems damaged: is it not the one that was meant any more? There is some waiting for
 * it where it was changed only just, or is empty: some file systems set the time of a file that is
 * emptied when that is done. */
static int has_changed(const char *path, const iiif_stamp_t *meant, apr_pool_t *pool)
{
    apr_finfo_t finfo;
    iiif_stamp_t now;
    int i;

    for (i = 0; i < 2; ++i) {
        if (i)
            apr_sleep(WRITING);
        if (apr_stat(&finfo, path, IIIF_STAMP_WANTED, pool) != APR_SUCCESS)
            return 1;
        now = iiif_stamp_of(&finfo);
        if (!iiif_stamp_equal(&now, meant))
            return 1;
        if (finfo.size && iiif_stamp_time_is_past(finfo.ctime, FRESH))
            return 0;
    }
    return 0;
}

/* Of a file that is damaged, or was replaced since it was looked at. */
static apr_status_t check_damage(iiif_context_t *context, const char *path,
                                 const iiif_stamp_t *meant, apr_pool_t *pool)
{
    return has_changed(path, meant, pool)
               ? iiif_fail(&context->err, IIIF_ECHANGED, "the file was replaced while it was read")
               : IIIF_EBADSOURCE;
}

static apr_status_t plan_once(request_rec *r, iiif_context_t *context,
                              const iiif_plan_rules_t *rules)
{
    const iiif_source_ref_t *ref = &context->ref;
    const iiif_stamp_t meant = iiif_stamp_of(&ref->finfo);
    apr_status_t rv =
        iiif_plan_make(&context->plan, &context->request, ref, rules, &context->err, r->pool);

    return rv == IIIF_EBADSOURCE ? check_damage(context, ref->path, &meant, r->pool) : rv;
}

/* Of the file that is there, once nobody writes to it. */
static apr_status_t plan_what_is_there(request_rec *r, iiif_context_t *context,
                                       const iiif_plan_rules_t *rules)
{
    apr_status_t rv;
    int i;

    for (i = 1; (rv = wait_for_writer(context, r)) == APR_SUCCESS; ++i) {
        rv = plan_once(r, context, rules);
        if (rv != IIIF_ECHANGED || i == TRIES || (rv = look_again(context, r)) != APR_SUCCESS)
            break;
    }
    return rv;
}

void iiif_make_plan(request_rec *r, iiif_context_t *context, const iiif_dir_conf_t *settings)
{
    iiif_plan_rules_t rules = iiif_plan_rules(settings);
    const iiif_stamp_t *stamp;

    if (context->request.version == IIIF_VERSION_NONE)
        rules.accepted = iiif_accept_read(r).version;
    if (context->plan && context->plan->pixels != context->plan->source)
        rules.tile_store = NULL; /* tried before: the pyramid is gone, but still remembered */
    context->rv = plan_what_is_there(r, context, &rules);
    if (context->rv != APR_SUCCESS || !context->plan)
        return;
    apr_table_setn(r->notes, "iiif-plan", plan_names[context->plan->kind]);
    iiif_warn_of_refusals(r, context->plan->refusals);
    if (!context->plan->source)
        return;
    stamp = &context->plan->source->stamp; /* newer than ours, if it was replaced just now */
    r->finfo.mtime = stamp->mtime;
    r->finfo.ctime = stamp->ctime;
    r->finfo.size = stamp->size;
    r->finfo.inode = stamp->inode;
    r->finfo.device = stamp->device;
}

/* 3.0, 4.8. ";" is where link header parsers end a URI, quoted or not. */
static void add_links(request_rec *r, const iiif_context_t *context, const char *uri)
{
    const char *semicolon;

    while ((semicolon = strchr(uri, ';')))
        uri = apr_pstrcat(r->pool, apr_pstrmemdup(r->pool, uri, (apr_size_t)(semicolon - uri)),
                          "%3B", semicolon + 1, NULL);
    apr_table_setn(r->headers_out, "Link",
                   apr_pstrcat(r->pool, "<", uri, ">;rel=\"canonical\", <",
                               iiif_info_profile_uri(context->plan->version), ">;rel=\"profile\"",
                               NULL));
}

/* 2.1, appendix A: a name under which to save, from identifier and parameters (RFC 6266). */
static void name_file(request_rec *r, const iiif_context_t *context, const char *canonical)
{
    char *name = apr_pstrcat(r->pool, "inline; filename=\"", context->request.identifier, "_",
                             canonical, "\"", NULL);
    char *s = name + sizeof("inline; filename=\"") - 1;

    for (; s[1]; ++s) {
        if (!apr_isalnum(*s) && !strchr(".-_,", *s))
            *s = '_';
    }
    apr_table_setn(r->headers_out, "Content-Disposition", name);
}

/* What a 304 says, too (RFC 9110, 15.4.5). */
static void describe_always(request_rec *r, const iiif_context_t *context)
{
    ap_set_content_type(r, iiif_format(context->plan->resolved.format)->mime_type);
    if (context->request.kind == IIIF_REQUEST_IMAGE
        && context->request.version == IIIF_VERSION_NONE)
        apr_table_setn(r->headers_out, "Vary", "Accept");
}

static void describe(request_rec *r, const iiif_context_t *context, const iiif_dir_conf_t *settings)
{
    const iiif_plan_t *plan = context->plan;
    const char *canonical = iiif_canonical(&plan->resolved, &plan->subject, plan->version, r->pool);

    add_links(r, context,
              apr_pstrcat(r->pool, iiif_base_uri(r, context, settings), "/", canonical, NULL));
    name_file(r, context, canonical);
}

void iiif_hand_over(request_rec *r, const iiif_context_t *context, const iiif_dir_conf_t *settings)
{
    describe_always(r, context);
    describe(r, context, settings);
    r->filename = apr_pstrdup(r->pool, context->plan->file);
    r->canonical_filename = r->filename;
    r->finfo = context->plan->finfo;
    r->handler = "default-handler";
}

static int check_conditions(request_rec *r, const iiif_plan_t *plan,
                            const iiif_fingerprint_t *fingerprint)
{
    const iiif_piece_t pieces[] = { { fingerprint->text, IIIF_FINGERPRINT_DIGITS },
                                    { plan->key, strlen(plan->key) },
                                    { NULL, 0 } };

    ap_update_mtime(r, plan->pixels->stamp.mtime);
    return iiif_check_conditions(r, iiif_etag(r, pieces));
}

/* Straight from the file: where nobody on the way looks at the bytes, and where nobody seems to be
 * writing to the file, as what the kernel sends later cannot be checked any more. Nor a tile whose
 * bytes have to be looked at anyway: once read they are sent sooner than the file is opened. */
static int can_send_from_file(request_rec *r, const iiif_plan_t *plan)
{
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);

    return core->enable_sendfile == ENABLE_SENDFILE_ON && !plan->raw.changed
           && iiif_raw_tile_is_checked(&plan->raw) && !r->connection->master
           && !ap_ssl_conn_is_ssl(r->connection)
           && iiif_stamp_time_is_past(plan->pixels->stamp.ctime, SETTLED_FOR_SENDFILE);
}

/* A descriptor of this request's own: filters, and what is left of a partial write, use its file
 * position. */
static int send_from_file(request_rec *r, const iiif_plan_t *plan, apr_file_t *file)
{
    const iiif_raw_level_t *level = plan->raw.level;
    const iiif_part_t part = { (const char *)level->head, level->head_length, file,
                               (apr_off_t)(level->offsets[plan->raw.index] + level->skip),
                               level->lengths[plan->raw.index] - level->skip };

    return iiif_send_part(r, &part);
}

static apr_file_t *open_again(request_rec *r, const iiif_source_t *source)
{
    apr_file_t *file;
    apr_finfo_t finfo;
    iiif_stamp_t stamp;

    if (apr_file_open(&file, source->path, APR_FOPEN_READ | APR_FOPEN_SENDFILE_ENABLED,
                      APR_FPROT_OS_DEFAULT, r->pool)
            != APR_SUCCESS
        || apr_file_info_get(&finfo, IIIF_STAMP_WANTED, file) != APR_SUCCESS)
        return NULL;
    stamp = iiif_stamp_of(&finfo);
    return iiif_stamp_equal(&stamp, &source->stamp) ? file : NULL;
}

/* One try: context->rv says whether the file was there all the time. */
static int send_raw(request_rec *r, iiif_context_t *context, const iiif_dir_conf_t *settings)
{
    const iiif_plan_t *plan = context->plan;
    apr_file_t *file;
    iiif_bytes_t bytes;
    const iiif_fingerprint_t fingerprint = iiif_fingerprint(plan, RAW_REVISION);
    int rv = check_conditions(r, plan, &fingerprint);

    if (rv != OK)
        return rv;
    describe(r, context, settings);
    if (can_send_from_file(r, plan) && (file = open_again(r, plan->pixels)))
        return send_from_file(r, plan, file);
    context->rv = iiif_raw_tile_read(&bytes, &plan->raw, plan->pixels, &context->err);
    return context->rv == APR_SUCCESS ? iiif_send_bytes(r, &bytes) : OK;
}

static int send_derived(request_rec *r, iiif_derived_t *derived)
{
    apr_table_setn(r->notes, "iiif-plan", plan_names[IIIF_PLAN_STATIC_FILE]);
    return iiif_derived_send(derived, r);
}

/* When its turn has come. */
static apr_status_t render(iiif_bytes_t *bytes, request_rec *r, const iiif_plan_t *plan,
                           const iiif_look_t *settings, iiif_err_t *err)
{
    iiif_look_t look = *settings;
    iiif_pass_t pass;
    apr_status_t rv = iiif_pass_take(&pass, r, plan, &look, err);

    if (rv != APR_SUCCESS)
        return rv;
    look.wanted = &pass.wanted;
    rv = iiif_render(bytes, plan->pixels, &plan->resolved, &look, err);
    iiif_vips_thread_end();
    iiif_pass_return(&pass, rv, bytes->len);
    return rv;
}

static int send_render(request_rec *r, iiif_context_t *context, const iiif_dir_conf_t *settings)
{
    const iiif_plan_t *plan = context->plan;
    const iiif_look_t look = iiif_look(settings);
    const iiif_fingerprint_t fingerprint =
        iiif_fingerprint(plan, iiif_look_key(&look, plan->pixels, &plan->resolved, r->pool));
    iiif_derived_t *derived;
    iiif_bytes_t bytes = { NULL, 0 };
    int rv = check_conditions(r, plan, &fingerprint);

    if (rv != OK)
        return rv;
    describe(r, context, settings);
    derived = iiif_derived(r, context, settings, &fingerprint);
    context->rv = iiif_derived_find(derived, r, &context->err);
    if (iiif_derived_is_found(derived))
        return send_derived(r, derived);
    if (r->header_only || context->rv != APR_SUCCESS)
        return OK;
    context->rv = render(&bytes, r, plan, &look, &context->err);
    iiif_derived_keep(derived, r, context->rv, &bytes);
    if (context->rv == APR_SUCCESS || context->rv == IIIF_ETOOBIG) /* for want of a pyramid */
        iiif_auto_pyramid_ask(r, plan, &context->ref, settings);
    return context->rv == APR_SUCCESS ? iiif_send_bytes(r, &bytes) : OK;
}

static int send_once(request_rec *r, iiif_context_t *context, const iiif_dir_conf_t *settings)
{
    int rv = OK;

    describe_always(r, context);
    if (context->plan->kind == IIIF_PLAN_RAW_TILE) {
        rv = send_raw(r, context, settings);
        if (context->rv != IIIF_EBADSOURCE)
            return rv;
        context->rv = APR_SUCCESS; /* not the tile it should be: what do decoders say? */
    }
    apr_table_setn(r->notes, "iiif-plan", plan_names[IIIF_PLAN_RENDER]);
    rv = send_render(r, context, settings);
    if (context->rv == IIIF_EBADSOURCE)
        context->rv = check_damage(context, context->plan->pixels->path,
                                   &context->plan->pixels->stamp, r->pool);
    return rv;
}

int iiif_send_image(request_rec *r, iiif_context_t *context, const iiif_dir_conf_t *settings)
{
    int i, rv = send_once(r, context, settings);

    for (i = 1; i < TRIES && context->rv == IIIF_ECHANGED; ++i) {
        if ((context->rv = look_again(context, r)) == APR_SUCCESS)
            iiif_make_plan(r, context, settings);
        if (context->rv == APR_SUCCESS)
            rv = send_once(r, context, settings);
    }
    if (context->rv == IIIF_EBUSY) /* nothing was rendered, and renders are counted by this note */
        apr_table_unset(r->notes, "iiif-plan");
    return context->rv == APR_SUCCESS ? rv : iiif_refuse(r, context->rv, &context->err);
}
