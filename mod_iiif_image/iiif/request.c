/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/request.h"

#include <apr_strings.h>
#include <string.h>

#include "iiif/identifier.h"

#include "base/banned.h"

#define PARAMETERS 4 /* segments behind the identifier of an image request */

/* A path cut at its slashes: the first segment, and the last ones, are all that matters. */
typedef struct segments_t {
    const char *start;            /* of the identifier */
    const char *end;              /* of the whole */
    const char *tail[PARAMETERS]; /* starts of the last segments, tail[0] the leftmost */
    int count;                    /* of all segments from start */
} segments_t;

static segments_t cut(const char *start, const char *end)
{
    segments_t cuts = { start, end, { NULL }, 1 };
    const char *s;
    int found = 0;

    for (s = end; s > start; --s) {
        if (s[-1] != '/')
            continue;
        if (found < PARAMETERS)
            cuts.tail[PARAMETERS - ++found] = s;
        ++cuts.count;
    }
    return cuts;
}

static int decode(const char **out, const char *start, const char *end, apr_pool_t *pool)
{
    return iiif_percent_decode(out, start, (apr_size_t)(end - start), NULL, pool) == APR_SUCCESS;
}

static int read_identifier(iiif_request_t *request, const char *start, const char *end,
                           apr_pool_t *pool)
{
    if (end <= start || !decode(&request->identifier, start, end, pool))
        return 0;
    request->encoded = apr_pstrmemdup(pool, start, (apr_size_t)(end - start));
    return 1;
}

/* The last segment at its last dot, after decoding: "default%2Ejpg" is legal. */
static int read_quality_format(iiif_request_t *request, const char *start, const char *end,
                               apr_pool_t *pool)
{
    const char *text, *dot;

    if (!decode(&text, start, end, pool))
        return 0;
    dot = strrchr(text, '.');
    request->quality = dot ? apr_pstrmemdup(pool, text, (apr_size_t)(dot - text)) : text;
    request->format = dot ? dot + 1 : "";
    return 1;
}

static int read_image(iiif_request_t *request, const segments_t *cuts, apr_pool_t *pool)
{
    const char *const *t = cuts->tail;

    if (cuts->count <= PARAMETERS)
        return 0;
    request->kind = IIIF_REQUEST_IMAGE;
    return read_identifier(request, cuts->start, t[0] - 1, pool)
           && decode(&request->region, t[0], t[1] - 1, pool)
           && decode(&request->size, t[1], t[2] - 1, pool)
           && decode(&request->rotation, t[2], t[3] - 1, pool)
           && read_quality_format(request, t[3], cuts->end, pool)
           && iiif_request_means_image(request);
}

static int read_info(iiif_request_t *request, const segments_t *cuts, apr_pool_t *pool)
{
    const char *last = cuts->tail[PARAMETERS - 1], *text;

    if (!last || !decode(&text, last, cuts->end, pool) || strcmp(text, "info.json"))
        return 0;
    request->kind = IIIF_REQUEST_INFO;
    return read_identifier(request, cuts->start, last - 1, pool);
}

static int read_base(iiif_request_t *request, const segments_t *cuts, apr_pool_t *pool)
{
    const char *end = cuts->end;

    if (end > cuts->start && end[-1] == '/')
        --end;
    request->kind = IIIF_REQUEST_BASE;
    return read_identifier(request, cuts->start, end, pool);
}

/* A version needs something behind it: "/iiif/3" is identifier "3". */
static int starts_with_version(const char *path)
{
    return (path[0] == '2' || path[0] == '3') && path[1] == '/' && path[2];
}

int iiif_request_read(iiif_request_t readings[IIIF_READINGS_MAX], const char *path,
                      apr_pool_t *pool)
{
    typedef int (*read_fn)(iiif_request_t *, const segments_t *, apr_pool_t *);
    static const read_fn reads[] = { read_info, read_image, read_base };
    const char *end = path + strlen(path);
    int versioned = starts_with_version(path), n = 0;
    segments_t with = cut(path, end), without = versioned ? cut(path + 2, end) : with;
    unsigned i;

    for (i = 0; i < sizeof(reads) / sizeof(reads[0]) && n < IIIF_READINGS_MAX; ++i) {
        iiif_request_t request = { .version = versioned ? (iiif_version_e)(path[0] - '0')
                                                        : IIIF_VERSION_NONE };

        if (!reads[i](&request, &without, pool)) {
            /* "/iiif/2/info.json" and "/iiif/2/full/max/0/default.jpg": then 2 is the identifier */
            if (!versioned || reads[i] == read_base)
                continue;
            request = (iiif_request_t){ .version = IIIF_VERSION_NONE };
            if (!reads[i](&request, &with, pool) || strchr(request.encoded, '/'))
                continue;
        }
        readings[n++] = request;
    }
    return n;
}

apr_status_t iiif_params_parse(iiif_params_t *params, const iiif_request_t *request,
                               iiif_version_e version, iiif_format_set_t available, iiif_err_t *err)
{
    iiif_params_t parsed = { .version = version };
    apr_status_t rv;

    if ((rv = iiif_region_parse(&parsed.region, request->region, err)) != APR_SUCCESS
        || (rv = iiif_size_parse(&parsed.size, request->size, version, err)) != APR_SUCCESS
        || (rv = iiif_rotation_parse(&parsed.rotation, request->rotation, err)) != APR_SUCCESS
        || (rv = iiif_quality_parse(&parsed.quality, request->quality, err)) != APR_SUCCESS
        || (rv = iiif_format_parse(&parsed.format, request->format, available, err)) != APR_SUCCESS)
        return rv;
    *params = parsed;
    return APR_SUCCESS;
}

int iiif_request_means_image(const iiif_request_t *request)
{
    iiif_params_t p;
    int good = iiif_region_parse(&p.region, request->region, NULL) == APR_SUCCESS;

    good += iiif_size_parse(&p.size, request->size, IIIF_VERSION_3, NULL) == APR_SUCCESS
            || iiif_size_parse(&p.size, request->size, IIIF_VERSION_2, NULL) == APR_SUCCESS;
    good += iiif_rotation_parse(&p.rotation, request->rotation, NULL) == APR_SUCCESS;
    good += iiif_quality_parse(&p.quality, request->quality, NULL) == APR_SUCCESS;
    good += iiif_format_parse(&p.format, request->format, (1u << IIIF_FORMATS) - 1, NULL)
            == APR_SUCCESS;
    return good >= 2;
}
