/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/info.h"

#include <apr_strings.h>
#include <httpd.h>
#include <http_protocol.h>
#include <http_request.h>
#include <scoreboard.h>
#include <string.h>

#include "base/path.h"
#include "httpd/base_url.h"
#include "httpd/negotiate.h"
#include "httpd/process.h"
#include "httpd/respond.h"
#include "iiif/info.h"
#include "image/vips_process.h"

#include "base/banned.h"

/* clang-format off */
static const struct {
    const char *type, *context;
} plain[] = { /* JSON-LD 1.0, 6.8: where plain JSON has its context */
#define CONTEXT(n) "<http://iiif.io/api/image/" n "/context.json>;" \
                   "rel=\"http://www.w3.org/ns/json-ld#context\";type=\"application/ld+json\", "
    [IIIF_VERSION_2] = { "application/json", CONTEXT("2") },
    [IIIF_VERSION_3] = { "application/json", CONTEXT("3") },
#undef CONTEXT
}, linked[] = {
    [IIIF_VERSION_2] = { "application/ld+json", "" },
    [IIIF_VERSION_3] = { "application/ld+json;profile=\"http://iiif.io/api/image/3/context.json\"", "" },
};
/* clang-format on */

/* A document as it was sent before, and what it was made of. Settings are told apart by where they
 * lie, as they are read once in the life of a process; what a record says, by its text. */
typedef struct document_t {
    iiif_info_t info;
    apr_size_t len;
    const char *text;
    const char *etags[2]; /* as plain JSON, as JSON-LD */
} document_t;

static int same_text(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

static int same_settings(const iiif_info_t *a, const iiif_info_t *b)
{
    return a->formats == b->formats && same_text(a->rights, b->rights)
           && same_text(a->attribution, b->attribution) && a->logo == b->logo
           && a->links == b->links && a->extra == b->extra;
}

static int same_limits(const iiif_limits_t *a, const iiif_limits_t *b)
{
    return a->max_width == b->max_width && a->max_height == b->max_height
           && a->max_area == b->max_area && a->upscale == b->upscale;
}

/* The same id and source are known already. */
static int same_info(const iiif_info_t *a, const iiif_info_t *b)
{
    return a->version == b->version && same_settings(a, b)
           && same_limits(&a->subject.limits, &b->subject.limits)
           && iiif_dims_equal(a->subject.full, b->subject.full)
           && a->subject.natural == b->subject.natural && iiif_dims_equal(a->tile, b->tile)
           && !memcmp(a->stored, b->stored, sizeof(a->stored));
}

static const char *etag_of(request_rec *r, const char *text, apr_size_t len, const char *type)
{
    const iiif_piece_t pieces[] = { { text, len }, { type, strlen(type) }, { NULL, 0 } };

    return iiif_etag(r, pieces);
}

static const document_t *make_document(request_rec *r, const iiif_info_t *info, apr_pool_t *pool)
{
    const char *text = iiif_info_json(info, r->pool);
    document_t *made = apr_pcalloc(pool, sizeof(*made));

    if (!text)
        return NULL;
    made->info = *info;
    made->info.id = made->info.encoded = NULL; /* the request's own; the name has them */
    made->info.rights = apr_pstrdup(pool, info->rights);
    made->info.attribution = apr_pstrdup(pool, info->attribution);
    made->len = strlen(text);
    made->text = apr_pstrmemdup(pool, text, made->len);
    made->etags[0] = apr_pstrdup(pool, etag_of(r, text, made->len, plain[info->version].type));
    made->etags[1] = apr_pstrdup(pool, etag_of(r, text, made->len, linked[info->version].type));
    return made;
}

/* Two versions of one image may have one id. */
static const document_t *find_document(request_rec *r, const iiif_info_t *info,
                                       const iiif_stamp_t *stamp)
{
    const char *name =
        apr_pstrcat(r->pool, info->version == IIIF_VERSION_2 ? "2 " : "3 ", info->id, NULL);
    const document_t *found = iiif_lru_get(iiif_process()->infos, name, stamp, r->pool);
    iiif_lru_value_t value = { NULL, 0, 0, NULL };

    if (found && same_info(&found->info, info))
        return found;
    if (!(value.owner = iiif_lru_pool()))
        return NULL;
    value.value = found = make_document(r, info, value.owner);
    if (!found) {
        apr_pool_destroy(value.owner);
        return NULL;
    }
    value.bytes = IIIF_LRU_POOL_BYTES + found->len;
    iiif_lru_put(iiif_process()->infos, name, stamp, &value, r->pool);
    return found;
}

static const char *rights_of(const iiif_record_t *record)
{
    return record && record->rights && iiif_info_is_uri(record->rights) ? record->rights : NULL;
}

/* Of a database, where a text may have several lines. */
static const char *attribution_of(const iiif_record_t *record, apr_pool_t *pool)
{
    char *text = record && record->attribution && *record->attribution
                     ? apr_pstrdup(pool, record->attribution)
                     : NULL;
    char *s;

    for (s = text; s && (s = strpbrk(s, "\t\n\r")); ++s)
        *s = ' ';
    return text && iiif_path_is_clean_utf8(text) ? text : NULL;
}

/* What the record of this image says goes before what is configured for all; also where 3.0 has no
 * place for it (5.6), as the licence of all others is not this one's. */
static void take_record(iiif_info_t *info, const iiif_record_t *record, apr_pool_t *pool)
{
    const char *rights = rights_of(record), *attribution = attribution_of(record, pool);

    if (rights)
        info->rights =
            info->version == IIIF_VERSION_2 || iiif_info_is_registered(rights) ? rights : NULL;
    if (attribution)
        info->attribution = attribution;
}

/* When a record was changed, nobody says: what has one is known by its ETag alone. */
static int check_conditions(request_rec *r, const char *etag, const iiif_record_t *record)
{
    int rv;

    if (record)
        apr_table_unset(r->headers_in, "If-Modified-Since");
    ap_update_mtime(r, ap_scoreboard_image->global->restart_time); /* settings are part of it */
    rv = iiif_check_conditions(r, etag);
    if (record)
        apr_table_unset(r->headers_out, "Last-Modified");
    return rv;
}

int iiif_send_info(request_rec *r, const iiif_context_t *context, const iiif_dir_conf_t *settings)
{
    const iiif_plan_t *plan = context->plan;
    const iiif_accept_t accept = iiif_accept_read(r);
    const int ld_json = iiif_accept_ld_json(&accept, plan->version);
    const char *type = ld_json ? linked[plan->version].type : plain[plan->version].type;
    const char *link = ld_json ? linked[plan->version].context : plain[plan->version].context;
    iiif_info_t info = { .version = plan->version,
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
    const document_t *document;
    int rv;

    memcpy(info.stored, plan->stored, sizeof(info.stored));
    take_record(&info, context->ref.record, r->pool);
    document = find_document(r, &info, &plan->source->stamp);
    if (!document)
        return HTTP_INTERNAL_SERVER_ERROR;
    ap_set_content_type(r, type);
    apr_table_mergen(r->headers_out, "Vary", "Accept");
    apr_table_setn(r->headers_out, "Link",
                   apr_pstrcat(r->pool, link, "<", iiif_info_profile_uri(plan->version),
                               ">;rel=\"profile\"", NULL));
    rv = check_conditions(r, document->etags[ld_json], context->ref.record);
    return rv == OK ? iiif_send_text(r, document->text, document->len) : rv;
}

int iiif_send_descriptor(request_rec *r, const iiif_context_t *context)
{
    const char *text = context->plan->descriptor;
    const apr_size_t len = strlen(text);
    int rv;

    ap_set_content_type(r, "application/xml");
    ap_update_mtime(r, ap_scoreboard_image->global->restart_time); /* as of info.json */
    rv = iiif_check_conditions(r, etag_of(r, text, len, "application/xml"));
    return rv == OK ? iiif_send_text(r, text, len) : rv;
}
