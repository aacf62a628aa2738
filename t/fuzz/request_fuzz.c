/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stranger's path, read, parsed, resolved against images of many shapes, and spelled canonically.
 * Not only must nothing crash: what comes out must be geometry that can be rendered, and one image
 * must have one name. So too for the tiles of Deep Zoom and Zoomify.
 *
 * Input: the path behind the prefix. Its bytes choose the image and the limits, too, so that a seed
 * is plain text.
 */
#include <apr_general.h>
#include <apr_pools.h>
#include <apr_strings.h>
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "iiif/identifier.h"
#include "iiif/request.h"
#include "iiif/resolved.h"
#include "iiif/tiling.h"

#define ALL       ((1u << IIIF_FORMATS) - 1)
#define INPUT_MAX 4096
#define SUBJECTS  4 /* images an input is resolved against */
#define COUNT(a)  (sizeof(a) / sizeof((a)[0]))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const iiif_version_e versions[] = { IIIF_VERSION_2, IIIF_VERSION_3 };

/* Sides and bounds at which arithmetic goes wrong, if it does. */
static const apr_uint32_t sides[] = { 1,     2,     3,     7,     99,         100,        101,
                                      256,   300,   801,   1000,  4001,       16384,      65500,
                                      65535, 65536, 65537, 70000, 2147483647, 4294967295u };
static const apr_uint32_t bounds[] = {
    0, 0, 0, 1, 2, 50, 100, 360, 1000, 5000, 65536, 4294967295u
};
static const apr_uint64_t areas[] = {
    0, 0, 0, 1, 2, 99, 599, 10000, 1000000, APR_UINT64_C(4294967296), APR_UINT64_MAX
};

/* FNV-1a, then a step of an LCG for each choice: the same input makes the same choices. */
static uint64_t hash(const uint8_t *data, size_t size)
{
    uint64_t h = UINT64_C(14695981039346656037);
    size_t i;

    for (i = 0; i < size; ++i)
        h = (h ^ data[i]) * UINT64_C(1099511628211);
    return h;
}

static size_t choose(uint64_t *state, size_t count)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)(*state >> 33) % count;
}

static iiif_subject_t choose_subject(uint64_t *state)
{
    static const iiif_quality_e natural[] = { IIIF_QUALITY_COLOR, IIIF_QUALITY_GRAY,
                                              IIIF_QUALITY_BITONAL };
    iiif_subject_t subject = { 0 };

    subject.full.width = sides[choose(state, COUNT(sides))];
    subject.full.height = sides[choose(state, COUNT(sides))];
    subject.natural = natural[choose(state, COUNT(natural))];
    subject.square = (iiif_square_e)choose(state, IIIF_SQUARE_ATTENTION + 1);
    subject.limits.max_width = bounds[choose(state, COUNT(bounds))];
    if (subject.limits.max_width)
        subject.limits.max_height = bounds[choose(state, COUNT(bounds))];
    subject.limits.max_area = areas[choose(state, COUNT(areas))];
    subject.limits.upscale = (int)choose(state, 2);
    return subject;
}

static void check_geometry(const iiif_resolved_t *r, const iiif_subject_t *subject)
{
    int quarters = iiif_rotation_quarters(&r->rotation);
    apr_uint32_t most = iiif_format(r->format)->max_side;

    assert(r->region.width >= 1 && r->region.height >= 1);
    assert((apr_uint64_t)r->region.x + r->region.width <= subject->full.width);
    assert((apr_uint64_t)r->region.y + r->region.height <= subject->full.height);
    assert(r->size.width >= 1 && r->size.height >= 1);
    assert(iiif_within_limits(r->size, &subject->limits));
    if (!subject->limits.upscale)
        assert(r->size.width <= r->region.width && r->size.height <= r->region.height);
    assert(r->canvas.width >= 1 && r->canvas.width <= most);
    assert(r->canvas.height >= 1 && r->canvas.height <= most);
    if (quarters >= 0)
        assert(r->canvas.width == (quarters % 2 ? r->size.height : r->size.width)
               && r->canvas.height == (quarters % 2 ? r->size.width : r->size.height));
    else /* no larger than the two sides end to end, no smaller than the shorter one */
        assert(r->canvas.width <= (apr_uint64_t)r->size.width + r->size.height
               && r->canvas.height <= (apr_uint64_t)r->size.width + r->size.height);
    assert(r->rotation.degrees < APR_UINT64_C(3600000000000));
    assert(r->quality == IIIF_QUALITY_DEFAULT || r->quality > subject->natural);
    assert(r->square == IIIF_SQUARE_CENTRE || r->region.width == r->region.height);
}

static int resolve(iiif_resolved_t *resolved, const char *path, iiif_version_e version,
                   const iiif_subject_t *subject, apr_pool_t *pool)
{
    iiif_request_t readings[IIIF_READINGS_MAX];
    iiif_params_t params;

    return iiif_request_read(readings, path, pool) > 0 && readings[0].kind == IIIF_REQUEST_IMAGE
           && iiif_params_parse(&params, &readings[0], version, ALL, NULL) == APR_SUCCESS
           && iiif_resolve(resolved, &params, subject, NULL) == APR_SUCCESS;
}

/* In each version there is a canonical spelling that asks for the same image and is its own. */
static void check_canonical(const iiif_resolved_t *resolved, const iiif_subject_t *subject,
                            apr_pool_t *pool)
{
    const char *key = iiif_key(resolved, pool);
    size_t i;

    for (i = 0; i < COUNT(versions); ++i) {
        const char *canonical = iiif_canonical(resolved, subject, versions[i], pool);
        iiif_resolved_t again;

        assert(
            resolve(&again, apr_pstrcat(pool, "x/", canonical, NULL), versions[i], subject, pool));
        assert(!strcmp(iiif_canonical(&again, subject, versions[i], pool), canonical));
        assert(!strcmp(iiif_key(&again, pool), key));
    }
}

static void check_image(const iiif_request_t *request, uint64_t state, apr_pool_t *pool)
{
    size_t i, k;

    for (i = 0; i < SUBJECTS; ++i) {
        iiif_subject_t subject = choose_subject(&state);

        for (k = 0; k < COUNT(versions); ++k) {
            iiif_params_t params;
            iiif_resolved_t resolved;
            iiif_err_t err = { "" };

            if (iiif_params_parse(&params, request, versions[k], ALL, &err) != APR_SUCCESS
                || iiif_resolve(&resolved, &params, &subject, &err) != APR_SUCCESS) {
                assert(*err.text);
                continue;
            }
            check_geometry(&resolved, &subject);
            check_canonical(&resolved, &subject, pool);
        }
    }
}

static void check_identifier(const iiif_request_t *request, apr_pool_t *pool)
{
    const char *tidy = iiif_percent_tidy(request->encoded, pool), *decoded = NULL, *name;
    unsigned page = 0;

    assert(*request->identifier && *request->encoded);
    assert(iiif_percent_decode(&decoded, tidy, strlen(tidy), NULL, pool) == APR_SUCCESS);
    assert(!strcmp(decoded, request->identifier));
    assert(!strpbrk(tidy, "?#[]\"<> \r\n"));
    name = iiif_identifier_page(&page, request->identifier, pool);
    assert(!name || (*name && page >= 1 && page <= 65535));
}

static void check_within(iiif_rect_t region, iiif_dims_t size, iiif_dims_t full)
{
    assert(size.width >= 1 && size.height >= 1);
    assert(size.width <= region.width && size.height <= region.height);
    assert((apr_uint64_t)region.x + region.width <= full.width);
    assert((apr_uint64_t)region.y + region.height <= full.height);
}

/* Whatever the numbers: there is no such tile, or it lies in the image and is found again, if not
 * on its own level. */
static void check_deepzoom(const iiif_request_t *request, uint64_t state)
{
    iiif_deepzoom_t pyramid = { .format = request->format };
    iiif_deepzoom_tile_t found;
    iiif_rect_t region, again;
    iiif_dims_t size, pixels;
    size_t i;

    for (i = 0; i < SUBJECTS; ++i) {
        pyramid.full = choose_subject(&state).full;
        pyramid.tile = sides[choose(&state, COUNT(sides))];
        pyramid.overlap = bounds[choose(&state, COUNT(bounds))];
        if (!iiif_deepzoom_region(&region, &size, &pyramid, &request->deepzoom))
            continue;
        check_within(region, size, pyramid.full);
        assert(iiif_deepzoom_find(&found, &pyramid, region, size));
        assert(found.level >= request->deepzoom.level);
        assert(iiif_deepzoom_region(&again, &pixels, &pyramid, &found));
        assert(!memcmp(&again, &region, sizeof(region)) && !memcmp(&pixels, &size, sizeof(size)));
    }
}

static void check_zoomify(const iiif_request_t *request, uint64_t state)
{
    iiif_zoomify_tile_t found;
    iiif_rect_t region, again;
    iiif_dims_t size, pixels;
    size_t i;

    for (i = 0; i < SUBJECTS; ++i) {
        iiif_dims_t full = choose_subject(&state).full;
        iiif_zoomify_t pyramid = iiif_zoomify_pyramid(full, sides[choose(&state, COUNT(sides))]);

        if (!iiif_zoomify_region(&region, &size, &pyramid, &request->zoomify))
            continue;
        check_within(region, size, full);
        assert(iiif_zoomify_find(&found, &pyramid, region, size));
        assert(found.level >= request->zoomify.level);
        assert(iiif_zoomify_region(&again, &pixels, &pyramid, &found));
        assert(!memcmp(&again, &region, sizeof(region)) && !memcmp(&pixels, &size, sizeof(size)));
    }
}

/* A tile and a descriptor have one spelling but for escapes; it is read as the same again, and as
 * nothing else but a base URI. */
static void check_spelling(const iiif_request_t *request, apr_pool_t *pool)
{
    const iiif_deepzoom_tile_t *d = &request->deepzoom;
    const iiif_zoomify_tile_t *z = &request->zoomify;
    const char *path = apr_pstrcat(pool, request->encoded, "_zdata/ImageProperties.xml", NULL);
    iiif_request_t readings[IIIF_READINGS_MAX];

    if (request->kind == IIIF_REQUEST_DEEPZOOM)
        path = apr_pstrcat(pool, request->encoded, ".dzi", NULL);
    else if (request->kind == IIIF_REQUEST_DEEPZOOM_TILE)
        path = apr_psprintf(pool, "%s_files/%u/%u_%u.%s", request->encoded, d->level, d->column,
                            d->row, request->format);
    else if (request->kind == IIIF_REQUEST_ZOOMIFY_TILE)
        path = apr_psprintf(pool, "%s_zdata/TileGroup%" APR_UINT64_T_FMT "/%u-%u-%u.jpg",
                            request->encoded, z->group, z->level, z->column, z->row);
    if (request->version != IIIF_VERSION_NONE)
        path = apr_psprintf(pool, "%d/%s", (int)request->version, path);
    assert(iiif_request_read(readings, path, pool) == 2);
    assert(readings[0].kind == request->kind && readings[0].version == request->version);
    assert(!strcmp(readings[0].identifier, request->identifier));
    assert(!memcmp(&readings[0].deepzoom, d, sizeof(*d)));
    assert(!memcmp(&readings[0].zoomify, z, sizeof(*z)));
    assert(readings[1].kind == IIIF_REQUEST_BASE);
}

static void check_kind(const iiif_request_t *request, uint64_t state, apr_pool_t *pool)
{
    switch (request->kind) {
    case IIIF_REQUEST_BASE:
    case IIIF_REQUEST_INFO: return;
    case IIIF_REQUEST_IMAGE: check_image(request, state, pool); return;
    case IIIF_REQUEST_DEEPZOOM_TILE: check_deepzoom(request, state); break;
    case IIIF_REQUEST_ZOOMIFY_TILE: check_zoomify(request, state); break;
    case IIIF_REQUEST_DEEPZOOM:
    case IIIF_REQUEST_ZOOMIFY: break;
    }
    check_spelling(request, pool);
}

/* Decoding never lengthens a text. */
static void check_decoding(const char *text, apr_pool_t *pool)
{
    const char *decoded = NULL;

    if (iiif_percent_decode(&decoded, text, strlen(text), NULL, pool) == APR_SUCCESS)
        assert(strlen(decoded) <= strlen(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *root;
    iiif_request_t readings[IIIF_READINGS_MAX];
    apr_pool_t *pool;
    char *path;
    int i, n;

    if (size > INPUT_MAX || memchr(data, '\0', size))
        return 0;
    if (!root) {
        apr_initialize();
        apr_pool_create(&root, NULL);
    }
    apr_pool_create(&pool, root);
    path = malloc(size + 1); /* of just its size: a sanitizer sees a step beyond it */
    memcpy(path, data, size);
    path[size] = '\0';
    n = iiif_request_read(readings, path, pool);
    assert(n >= 0 && n <= IIIF_READINGS_MAX);
    for (i = 0; i < n; ++i) {
        check_identifier(&readings[i], pool);
        check_kind(&readings[i], hash(data, size), pool);
    }
    check_decoding(path, pool);
    free(path);
    apr_pool_destroy(pool);
    return 0;
}
