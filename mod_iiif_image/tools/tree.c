/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/tree.h"

#include <apr_strings.h>

#include "image/pixels_check.h"
#include "image/raw_tile.h"

#include "base/banned.h"

/* One look at all tiles. */
typedef struct look_t {
    iiifctl_tree_t *tree;
    const iiif_stored_set_t *set;
    int decode;
    apr_pool_t *pool;    /* for what is found */
    apr_pool_t *scratch; /* cleared with each tile */
} look_t;

/* A column or row. */
typedef struct span_t {
    apr_uint32_t from, length; /* of the full image */
    apr_uint32_t pixels;       /* of the tile */
} span_t;

static void note_wrong(const look_t *look, const iiif_stored_want_t *want, const char *reason)
{
    if (look->tree->wrong++)
        return;
    look->tree->first =
        apr_psprintf(look->pool, "%u,%u,%u,%u/%u,%u", want->region.x, want->region.y,
                     want->region.width, want->region.height, want->size.width, want->size.height);
    look->tree->reason = apr_pstrdup(look->pool, reason);
}

/* In names of version 2 a size is its width: in the last corner the tiles of several levels, one
 * pixel wide, are called the same, and the one that was written last is there. */
static int has_namesakes(const iiif_stored_t *stored, const iiif_stored_want_t *want)
{
    return stored->kind == IIIF_STORED_LEVEL0 && stored->version == IIIF_VERSION_2
           && want->size.width == 1 && want->region.x + want->region.width == stored->full.width
           && want->region.y + want->region.height == stored->full.height;
}

static void look_at(const look_t *look, const iiif_stored_want_t *want)
{
    const char *path;
    apr_finfo_t finfo;
    iiif_err_t err;

    apr_pool_clear(look->scratch);
    ++look->tree->tiles;
    if (has_namesakes(&look->set->sets[0], want))
        return;
    path = iiif_stored_tile(&finfo, look->set, want, look->scratch);
    if (!path)
        note_wrong(look, want, "missing, cut short, of another size or older than the image");
    else if (look->decode
             && iiif_pixels_check(path, want->size, &err, look->scratch) != APR_SUCCESS)
        note_wrong(look, want, err.text);
}

static void look_at_deepzoom(const look_t *look, const iiif_deepzoom_t *pyramid)
{
    iiif_stored_want_t want = { .format = look->set->sets[0].format };
    iiif_deepzoom_tile_t t = { 0, 0, 0 };

    for (; iiif_deepzoom_region(&want.region, &want.size, pyramid, &t); ++t.level) {
        for (t.row = 0; iiif_deepzoom_region(&want.region, &want.size, pyramid, &t); ++t.row) {
            for (; iiif_deepzoom_region(&want.region, &want.size, pyramid, &t); ++t.column)
                look_at(look, &want);
            t.column = 0;
        }
        t.row = 0;
    }
}

/* One column or row of a level: which part of the full image's side it shows, in how many pixels.
 * Of a level that was halved rounding down, the last one shows more than it has pixels for.
 * @return 0: there is none */
static int span_at(span_t *span, apr_uint32_t index, apr_uint64_t factor,
                   const apr_uint32_t sides[3])
{
    apr_uint32_t full = sides[0], level = sides[1], tile = sides[2];
    apr_uint64_t start = (apr_uint64_t)index * tile;
    int is_last = start + tile >= level;

    if (start >= level)
        return 0;
    span->from = (apr_uint32_t)(start * factor);
    span->length = is_last ? full - span->from : (apr_uint32_t)(tile * factor);
    span->pixels = is_last ? (apr_uint32_t)(level - start) : tile;
    return 1;
}

/* A level of a grid without overlap. */
static void look_at_level(const look_t *look, iiif_dims_t level, apr_uint64_t factor)
{
    const iiif_stored_t *stored = &look->set->sets[0];
    const apr_uint32_t across[3] = { stored->full.width, level.width, stored->tile.width };
    const apr_uint32_t down[3] = { stored->full.height, level.height, stored->tile.height };
    apr_uint32_t row, column;
    span_t x, y;

    for (row = 0; span_at(&y, row, factor, down); ++row) {
        for (column = 0; span_at(&x, column, factor, across); ++column)
            look_at(look, &(iiif_stored_want_t){ { x.from, y.from, x.length, y.length },
                                                 { x.pixels, y.pixels },
                                                 stored->format });
    }
}

static void look_at_zoomify(const look_t *look, const iiif_zoomify_t *pyramid)
{
    apr_uint32_t i;

    for (i = 0; i < pyramid->level_count; ++i)
        look_at_level(look, pyramid->levels[i], APR_UINT64_C(1) << (pyramid->level_count - 1 - i));
}

static void look_at_level0(const look_t *look, const iiif_stored_t *stored)
{
    int i, count = iiif_level_count(stored->full, stored->tile);

    for (i = 0; i < count; ++i)
        look_at_level(look, iiif_level_dims(stored->full, APR_UINT64_C(1) << i),
                      APR_UINT64_C(1) << i);
}

apr_status_t iiifctl_tree_check(iiifctl_tree_t *tree, const iiif_stored_set_t *set, int decode,
                                apr_pool_t *pool)
{
    look_t look = { tree, set, decode, pool, NULL };
    apr_status_t rv = apr_pool_create(&look.scratch, pool);

    *tree = (iiifctl_tree_t){ 0 };
    if (rv != APR_SUCCESS)
        return rv;
    if (set->sets[0].kind == IIIF_STORED_DEEPZOOM)
        look_at_deepzoom(&look, &set->sets[0].deepzoom);
    else if (set->sets[0].kind == IIIF_STORED_ZOOMIFY)
        look_at_zoomify(&look, &set->sets[0].zoomify);
    else
        look_at_level0(&look, &set->sets[0]);
    apr_pool_destroy(look.scratch);
    return APR_SUCCESS;
}

static apr_uint64_t count_missing(const iiif_raw_level_t *raw)
{
    apr_uint64_t missing = 0;
    apr_uint32_t i;

    for (i = 0; i < raw->columns * raw->rows; ++i)
        missing += !raw->lengths[i];
    return missing;
}

/* Halved once more, it would have had a side without pixels: a ribbon's levels end before. */
static int could_go_on(const iiif_source_t *pyramid, const iiif_level_t *last)
{
    return (last->dims.width > pyramid->tile.width || last->dims.height > pyramid->tile.height)
           && last->dims.width > 1 && last->dims.height > 1;
}

apr_status_t iiifctl_pyramid_check(const iiif_source_t *pyramid, apr_uint64_t *missing,
                                   iiif_err_t *err)
{
    const iiif_level_t *last = &pyramid->levels[pyramid->level_count - 1];
    apr_uint64_t gone = 0;
    int i;

    for (i = 0; i < pyramid->level_count; ++i)
        gone += pyramid->levels[i].raw ? count_missing(pyramid->levels[i].raw) : 0;
    *missing = gone;
    if (pyramid->format != IIIF_SOURCE_TIFF) /* a codestream has its resolutions in itself */
        return APR_SUCCESS;
    if (!pyramid->tile.width)
        return iiif_fail(err, IIIF_EBADSOURCE, "it is not tiled");
    if (could_go_on(pyramid, last))
        return iiif_fail(err, IIIF_EBADSOURCE, "its levels end at %ux%u pixels, above one tile",
                         last->dims.width, last->dims.height);
    return APR_SUCCESS;
}
