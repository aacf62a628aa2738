/* SPDX-License-Identifier: Apache-2.0 */
/* Claiming a request, and turning it into its source file. */
#include <apr_strings.h>
#include <httpd.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <string.h>

#include "base/path.h"
#include "httpd/config.h"
#include "httpd/context.h"
#include "httpd/direct_file.h"
#include "httpd/hooks.h"
#include "httpd/log.h"
#include "httpd/real_file.h"
#include "httpd/resolutions.h"

#include "base/banned.h"

iiif_context_t *iiif_context(const request_rec *r)
{
    return ap_get_module_config(r->request_config, &iiif_image_module);
}

/* What follows prefix in path, without the slash; NULL when path is elsewhere. */
static const char *below(const char *path, const char *prefix)
{
    apr_size_t len = strlen(prefix);

    if (strncmp(path, prefix, len) || (path[len] && path[len] != '/'))
        return NULL;
    return path[len] ? path + len + 1 : path + len;
}

/* The root with the longest prefix; a <Location>'s own before the server's of equal length. */
static const iiif_root_t *find_root(const request_rec *r, const iiif_dir_conf_t *settings)
{
    const apr_array_header_t *roots = iiif_server_settings(r->server)->roots;
    const iiif_root_t *best = NULL;
    int i;

    for (i = 0; i < roots->nelts; ++i) {
        const iiif_root_t *root = &APR_ARRAY_IDX(roots, i, const iiif_root_t);

        if (below(r->uri, root->prefix) && (!best || strlen(root->prefix) > strlen(best->prefix)))
            best = root;
    }
    if (settings->location_root && below(r->uri, settings->location_prefix)
        && (!best || strlen(settings->location_prefix) >= strlen(best->prefix))) {
        iiif_root_t *own = apr_palloc(r->pool, sizeof(*own));

        *own = (iiif_root_t){ settings->location_prefix, settings->location_root };
        return own;
    }
    return best;
}

/* httpd has decoded unreserved characters, and cleaned the path; a document's id keeps the client's
 * own spelling. */
static void keep_spelling(request_rec *r, iiif_context_t *context)
{
    apr_size_t len = strcspn(r->unparsed_uri, "?");
    iiif_request_t readings[IIIF_READINGS_MAX];
    const char *rest;
    int i, n;

    if (!strncmp(r->unparsed_uri, r->uri, len) && !r->uri[len])
        return;
    rest = below(apr_pstrmemdup(r->pool, r->unparsed_uri, len), context->prefix);
    n = rest ? iiif_request_read(readings, rest, r->pool) : 0;
    for (i = 0; i < n; ++i) {
        if (readings[i].kind == context->request.kind
            && !strcmp(readings[i].identifier, context->request.identifier)) {
            context->request.encoded = readings[i].encoded;
            return;
        }
    }
}

typedef enum {
    NOT_FOUND,
    FOUND,   /* in the context */
    NOT_OURS /* whatever IIIFFallback says */
} found_e;

/* Below a root of which a database knows the images, no file is anybody's for its own name. */
static found_e find_real(request_rec *r, iiif_context_t *context, const iiif_root_t *root,
                         const iiif_request_t *reading, const iiif_dir_conf_t *settings)
{
    iiif_real_t file = { .type = NULL };
    const int by_name = settings->resolver == &iiif_resolver_filesystem;
    iiif_real_e real = iiif_real_file(r, &file, by_name ? root : NULL, reading);

    if (real == IIIF_REAL_ELSEWHERE)
        return NOT_OURS;
    if (real == IIIF_REAL_NONE)
        return NOT_FOUND;
    context->ref = file.ref;
    context->request = *reading;
    context->file_type = file.type;
    return FOUND;
}

/* A base URI that no image has may be the name of a file. */
static int find_direct_file(request_rec *r, iiif_context_t *context, const iiif_request_t *reading,
                            const iiif_dir_conf_t *settings, const iiif_resolve_rules_t *where)
{
    const apr_status_t rv =
        iiif_direct_file(&context->ref, reading->identifier, settings, where, r->pool);

    if (rv == IIIF_EDOWN)
        context->rv = iiif_fail(&context->err, rv, "it is not known now what file this is");
    if (rv != APR_SUCCESS)
        return 0;
    context->rv = APR_SUCCESS;
    context->request = *reading;
    context->file_type = "";
    return 1;
}

/* An identifier alone may mean something else, whose manifest that is. */
static int is_meant(iiif_context_t *context, const iiif_request_t *reading)
{
    const iiif_record_t *record = context->ref.record;

    if (reading->kind != IIIF_REQUEST_BASE || !record || record->has_base)
        return 1;
    context->ref = (iiif_source_ref_t){ .path = NULL };
    context->rv = iiif_fail(&context->err, IIIF_ENOTFOUND, "no image has this identifier");
    return 0;
}

static found_e find_source(request_rec *r, iiif_context_t *context, const iiif_root_t *root,
                           const iiif_dir_conf_t *settings)
{
    const iiif_plan_rules_t rules = iiif_plan_rules(settings);
    iiif_asker_t asker = { r, settings };
    const iiif_resolve_rules_t where = { root->directory, rules.source.formats, settings->pages,
                                         iiif_resolutions_ask, &asker };
    iiif_request_t readings[IIIF_READINGS_MAX];
    int i, n = iiif_request_read(readings, below(r->uri, root->prefix), r->pool);

    context->rv = iiif_fail(&context->err, IIIF_ENOTFOUND, "this is no image request");
    for (i = 0; i < n; ++i) {
        if (!iiif_plan_has_version(&rules, readings[i].version)
            || (readings[i].kind >= IIIF_REQUEST_DEEPZOOM && !settings->deepzoom))
            continue;
        if (readings[i].kind >= IIIF_REQUEST_DEEPZOOM) {
            found_e real = find_real(r, context, root, &readings[i], settings);

            if (real != NOT_FOUND)
                return real;
        }
        context->rv = settings->resolver->resolve(&context->ref, readings[i].identifier, &where,
                                                  &context->err, r->pool);
        if (context->rv == APR_SUCCESS && is_meant(context, &readings[i])) {
            context->request = readings[i];
            return FOUND;
        }
        if (context->rv == IIIF_ENOTFOUND && readings[i].kind == IIIF_REQUEST_BASE
            && find_direct_file(r, context, &readings[i], settings, &where))
            return FOUND;
        if (context->rv == IIIF_EDOWN) /* what the other reading means is not known, either */
            return NOT_FOUND;
    }
    return NOT_FOUND;
}

static const char *kind_of(const iiif_context_t *context)
{
    static const char *const kinds[] = {
        [IIIF_REQUEST_BASE] = "base",           [IIIF_REQUEST_INFO] = "info",
        [IIIF_REQUEST_IMAGE] = "image",         [IIIF_REQUEST_DEEPZOOM] = "info",
        [IIIF_REQUEST_DEEPZOOM_TILE] = "image", [IIIF_REQUEST_ZOOMIFY] = "info",
        [IIIF_REQUEST_ZOOMIFY_TILE] = "image"
    };

    if (!context->ref.path)
        return context->rv == IIIF_EDOWN ? "unavailable" : "notfound";
    return context->file_type && !*context->file_type ? "file" : kinds[context->request.kind];
}

static void mark(request_rec *r, iiif_context_t *context)
{
    apr_table_setn(r->subprocess_env, "IIIF", kind_of(context));
    ap_set_module_config(r->request_config, &iiif_image_module, context);
}

/* A name that no file has, beside where the identifier points, if it is a path: the rules of that
 * directory decide who is told that there is nothing. */
static char *missing_file(request_rec *r, const iiif_root_t *root, const iiif_resolver_t *resolver)
{
    iiif_request_t readings[IIIF_READINGS_MAX];
    const char *path = NULL;

    if (resolver == &iiif_resolver_filesystem
        && iiif_request_read(readings, below(r->uri, root->prefix), r->pool) > 0)
        iiif_path_join(&path, root->directory, readings[0].identifier, NULL, r->pool);
    if (!path)
        path = apr_pstrcat(r->pool, root->directory, "/", NULL);
    return apr_pstrcat(r->pool,
                       apr_pstrmemdup(r->pool, path, (apr_size_t)(strrchr(path, '/') - path)),
                       "/.iiif-not-found", NULL);
}

/* Are clients told that there is no image, or that nobody knows now, or is it left to others? */
static int is_refused(const iiif_context_t *context, const iiif_dir_conf_t *settings)
{
    return context->rv == IIIF_EDOWN ? settings->unavailable : settings->notfound;
}

int iiif_claim(request_rec *r)
{
    const iiif_dir_conf_t settings = iiif_settings(r);
    const iiif_root_t *root;
    iiif_context_t *context;
    found_e found;

    if (r->proxyreq || !r->uri || r->uri[0] != '/' || !(root = find_root(r, &settings)))
        return DECLINED;
    context = apr_pcalloc(r->pool, sizeof(*context));
    context->prefix = root->prefix;
    found = find_source(r, context, root, &settings);
    if (found == FOUND)
        keep_spelling(r, context);
    else if (found == NOT_OURS || !is_refused(context, &settings)) {
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r,
                      IIIF_LOGNO(0001) "%s is left to the rest of httpd: %s", r->uri,
                      context->err.text);
        return DECLINED;
    }
    else
        context->ref.path = NULL;
    if (!context->ref.path)
        r->filename = missing_file(r, root, settings.resolver);
    mark(r, context);
    return DONE;
}

int iiif_translate(request_rec *r)
{
    const iiif_context_t *context = iiif_context(r);

    if (!context)
        return DECLINED;
    if (r->method_number == M_OPTIONS) {
        /* a preflight carries no credentials (Fetch, 3.2.2), so it cannot wait for
         * authentication */
        apr_table_setn(r->err_headers_out, "Allow", "GET, HEAD, OPTIONS");
        return HTTP_NO_CONTENT;
    }
    if (context->ref.path) {
        r->filename = apr_pstrdup(r->pool, context->ref.path);
        r->finfo = context->ref.finfo; /* which saves httpd to ask again */
    }
    return OK;
}
