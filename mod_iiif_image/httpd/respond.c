/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/respond.h"

#include <apr_siphash.h>
#include <apr_strings.h>
#include <httpd.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <string.h>
#include <strings.h>

#include "httpd/context.h"
#include "httpd/log.h"

#include "base/banned.h"

#define RETRY_AFTER "2"  /* seconds */
#define SMALL       8192 /* bytes of a body: no client is too slow for so many */

static int status_of(apr_status_t rv)
{
    switch (rv) {
    case IIIF_EBADREQUEST: return HTTP_BAD_REQUEST;
    case IIIF_ENOTFOUND: return HTTP_NOT_FOUND;
    case IIIF_ENOTIMPL: return HTTP_NOT_IMPLEMENTED;
    case IIIF_ETOOBIG: return HTTP_REQUEST_ENTITY_TOO_LARGE;
    case IIIF_ECHANGED:
    case IIIF_EBUSY:
    case IIIF_EDOWN:
    case IIIF_EGONE: return HTTP_SERVICE_UNAVAILABLE;
    default: break;
    }
    if (APR_STATUS_IS_ENOENT(rv) || APR_STATUS_IS_ENOTDIR(rv))
        return HTTP_NOT_FOUND;
    return APR_STATUS_IS_EACCES(rv) ? HTTP_FORBIDDEN : HTTP_INTERNAL_SERVER_ERROR;
}

/* What a stranger is told: our own failures carry words of libraries and paths, which stay in the
 * log. */
static const char *sentence_for(apr_status_t rv, const iiif_err_t *err)
{
    if (rv == IIIF_ECHANGED)
        return "this image is being replaced; try again in a moment";
    switch (status_of(rv)) {
    case HTTP_FORBIDDEN: return "the server may not read this image";
    case HTTP_INTERNAL_SERVER_ERROR:
        return "this image could not be made; the server's error log says why";
    default: return err->text;
    }
}

/* mod_expires would tell caches to keep the refusal. */
static void remove_expires(request_rec *r)
{
    ap_filter_t *f, *next;

    for (f = r->output_filters; f; f = next) {
        next = f->next;
        if (!strcasecmp(f->frec->name, "MOD_EXPIRES"))
            ap_remove_output_filter(f);
    }
}

static int send_refusal(request_rec *r, int status, const char *sentence)
{
    static const char *const stale[] = { "ETag", "Last-Modified", "Link", "Content-Disposition",
                                         "Accept-Ranges" };
    unsigned i;

    for (i = 0; i < sizeof(stale) / sizeof(stale[0]); ++i)
        apr_table_unset(r->headers_out, stale[i]);
    remove_expires(r);
    if (status == HTTP_SERVICE_UNAVAILABLE && !apr_table_get(r->headers_out, "Retry-After"))
        apr_table_setn(r->headers_out, "Retry-After", RETRY_AFTER);
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    r->status = status;
    ap_set_content_type(r, "text/plain; charset=utf-8");
    sentence = apr_pstrcat(r->pool, ap_escape_logitem(r->pool, sentence), "\n", NULL);
    return iiif_send_text(r, sentence, strlen(sentence));
}

int iiif_refuse(request_rec *r, apr_status_t rv, const iiif_err_t *err)
{
    const iiif_context_t *context = iiif_context(r);
    int status = status_of(rv);
    const char *identifier = context->request.identifier ? context->request.identifier : r->uri;

    if (status == HTTP_INTERNAL_SERVER_ERROR || status == HTTP_FORBIDDEN)
        ap_log_rerror(APLOG_MARK, APLOG_ERR, rv < APR_OS_START_USERERR ? rv : 0, r,
                      IIIF_LOGNO(0002) "%s: %s", identifier, err->text);
    else
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, IIIF_LOGNO(0003) "%s: %s", identifier,
                      err->text);
    return send_refusal(r, status, sentence_for(rv, err));
}

int iiif_refuse_method(request_rec *r)
{
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, IIIF_LOGNO(0004) "%s: method %s is not answered",
                  r->uri, r->method);
    apr_table_setn(r->headers_out, "Allow", "GET, HEAD, OPTIONS");
    return send_refusal(r, HTTP_METHOD_NOT_ALLOWED, "an image is read with GET or HEAD");
}

const char *iiif_etag(request_rec *r, const iiif_piece_t pieces[])
{
    unsigned char key[APR_SIPHASH_KSIZE] = { 0 }, digest[APR_SIPHASH_DSIZE];
    char *text = apr_palloc(r->pool, sizeof(digest) * 2 + 3);
    int i;

    for (i = 0; pieces[i].data; ++i) { /* each under what came out of those before it */
        apr_siphash24_auth(digest, pieces[i].data, pieces[i].len, key);
        memcpy(key, digest, sizeof(digest));
        key[sizeof(digest)] = (unsigned char)i;
    }
    text[0] = '"';
    ap_bin2hex(key, sizeof(digest), text + 1);
    text[sizeof(digest) * 2 + 1] = '"';
    text[sizeof(digest) * 2 + 2] = '\0';
    return text;
}

int iiif_check_conditions(request_rec *r, const char *etag)
{
    apr_table_setn(r->headers_out, "ETag", etag);
    ap_update_mtime(r, r->finfo.mtime);
    ap_set_last_modified(r);
    ap_set_accept_ranges(r);
    return ap_meets_conditions(r);
}

static int pass(request_rec *r, apr_bucket_brigade *bb, apr_off_t len)
{
    ap_set_content_length(r, len);
    if (r->header_only)
        apr_brigade_cleanup(bb);
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(bb->bucket_alloc));
    /* httpd would leave what is small to another thread, which costs more than to send it; behind
     * the end, where filters that compress do not see it */
    if (!r->header_only && len <= SMALL)
        APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_flush_create(bb->bucket_alloc));
    if (ap_pass_brigade(r->output_filters, bb) != APR_SUCCESS && !r->connection->aborted)
        return AP_FILTER_ERROR;
    return OK;
}

static int pass_one(request_rec *r, apr_bucket *body, apr_size_t len)
{
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);

    APR_BRIGADE_INSERT_TAIL(bb, body);
    return pass(r, bb, (apr_off_t)len);
}

int iiif_send_text(request_rec *r, const char *text, apr_size_t len)
{
    return pass_one(r, apr_bucket_pool_create(text, len, r->pool, r->connection->bucket_alloc),
                    len);
}

int iiif_send_bytes(request_rec *r, iiif_bytes_t *bytes)
{
    return pass_one(r,
                    apr_bucket_heap_create(bytes->data, bytes->len, iiif_bytes_free,
                                           r->connection->bucket_alloc),
                    bytes->len);
}

int iiif_send_part(request_rec *r, const iiif_part_t *part)
{
    apr_bucket_alloc_t *alloc = r->connection->bucket_alloc;
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, alloc);

    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_heap_create(part->head, part->head_length, NULL, alloc));
    APR_BRIGADE_INSERT_TAIL(
        bb, apr_bucket_file_create(part->file, part->offset, part->length, r->pool, alloc));
    return pass(r, bb, (apr_off_t)(part->head_length + part->length));
}

int iiif_send_file(request_rec *r, apr_file_t *file, apr_size_t length)
{
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);
    apr_bucket *body =
        apr_bucket_file_create(file, 0, length, r->pool, r->connection->bucket_alloc);

    if (core->enable_mmap == ENABLE_MMAP_OFF)
        apr_bucket_file_enable_mmap(body, 0);
    return pass_one(r, body, length);
}
