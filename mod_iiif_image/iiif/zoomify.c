/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/zoomify.h"

#include <apr_strings.h>
#include <string.h>

#include "base/banned.h"

#define GROUP_TILES 256

__extension__ typedef unsigned __int128 wide_t; /* tiles of one pixel may be more than 2^64 */

static apr_uint64_t tiles_along(apr_uint32_t side, apr_uint32_t tile)
{
    return ((apr_uint64_t)side + tile - 1) / tile;
}

static wide_t tiles_below(const iiif_zoomify_t *pyramid, apr_uint32_t level)
{
    wide_t count = 0;
    apr_uint32_t i;

    for (i = 0; i < level; ++i)
        count += (wide_t)tiles_along(pyramid->levels[i].width, pyramid->tile)
                 * tiles_along(pyramid->levels[i].height, pyramid->tile);
    return count;
}

static void count_tiles(iiif_zoomify_t *pyramid)
{
    wide_t count = tiles_below(pyramid, pyramid->level_count);

    pyramid->tile_count = count > APR_UINT64_MAX ? APR_UINT64_MAX : (apr_uint64_t)count;
}

iiif_zoomify_t iiif_zoomify_pyramid(iiif_dims_t full, apr_uint32_t tile)
{
    iiif_zoomify_t pyramid = { .full = full, .tile = tile };
    apr_uint32_t i;

    pyramid.level_count = (apr_uint32_t)iiif_level_count(full, (iiif_dims_t){ tile, tile });
    for (i = 0; i < pyramid.level_count; ++i)
        pyramid.levels[pyramid.level_count - 1 - i] = iiif_level_dims(full, APR_UINT64_C(1) << i);
    count_tiles(&pyramid);
    return pyramid;
}

/* Halving again and again and rounding down each time is dividing by 2^k and rounding down once. A
 * ribbon keeps one pixel. */
static iiif_dims_t halved_down(iiif_dims_t full, unsigned shift)
{
    iiif_dims_t level = { full.width >> shift, full.height >> shift };

    level.width += !level.width;
    level.height += !level.height;
    return level;
}

static iiif_zoomify_t pyramid_down(iiif_dims_t full, apr_uint32_t tile)
{
    iiif_zoomify_t pyramid = { .full = full, .tile = tile, .level_count = 1 };
    iiif_dims_t level = full;
    apr_uint32_t i;

    while (level.width > tile || level.height > tile)
        level = halved_down(full, pyramid.level_count++);
    for (i = 0; i < pyramid.level_count; ++i)
        pyramid.levels[pyramid.level_count - 1 - i] = halved_down(full, i);
    count_tiles(&pyramid);
    return pyramid;
}

int iiif_zoomify_by_count(iiif_zoomify_t *pyramid, iiif_dims_t full, apr_uint32_t tile,
                          apr_uint64_t tile_count)
{
    iiif_zoomify_t made;

    if (!full.width || !full.height || !tile)
        return 0;
    made = iiif_zoomify_pyramid(full, tile);
    if (made.tile_count != tile_count)
        made = pyramid_down(full, tile);
    if (made.tile_count != tile_count)
        return 0;
    *pyramid = made;
    return 1;
}

/* One side of one level. */
typedef struct axis_t {
    apr_uint32_t full, side; /* pixels of the image, of the level */
    apr_uint32_t tile;
    unsigned shift; /* the level is the image divided by 2^shift */
} axis_t;

/* A column or row of tiles: a part of the full image, and how many pixels show it. */
typedef struct span_t {
    apr_uint32_t from, length, pixels;
} span_t;

/* A tile with others behind it is T pixels that show T * 2^k of the image, whichever way the level
 * was rounded. The last one ends where the image ends. In a level halved down it has fewer pixels
 * than rounding up would give it, and what they stand for is known only of the whole: all that is
 * left of the image. So it answers for just that region at just that size, and for none that ends
 * at a multiple of 2^k before the edge: writers squeeze the rest into its pixels or drop it, and
 * nothing in the file tells which. */
static int tile_span(span_t *span, const axis_t *axis, apr_uint32_t index)
{
    apr_uint64_t start = (apr_uint64_t)index * axis->tile, from = start << axis->shift;

    if (start >= axis->side)
        return 0;
    span->from = (apr_uint32_t)from;
    if (axis->side - start > axis->tile) {
        span->pixels = axis->tile;
        span->length = (apr_uint32_t)((apr_uint64_t)axis->tile << axis->shift);
    }
    else {
        span->pixels = (apr_uint32_t)(axis->side - start);
        span->length = axis->full - span->from;
    }
    return 1;
}

/* What a tile shows, whatever its group. */
static int tile_region(iiif_rect_t *region, iiif_dims_t *size, const iiif_zoomify_t *pyramid,
                       const iiif_zoomify_tile_t *tile)
{
    span_t x, y;
    axis_t across = { .full = pyramid->full.width, .tile = pyramid->tile };
    axis_t down = { .full = pyramid->full.height, .tile = pyramid->tile };

    if (tile->level >= pyramid->level_count)
        return 0;
    across.side = pyramid->levels[tile->level].width;
    down.side = pyramid->levels[tile->level].height;
    across.shift = down.shift = pyramid->level_count - 1 - tile->level;
    if (!tile_span(&x, &across, tile->column) || !tile_span(&y, &down, tile->row))
        return 0;
    *region = (iiif_rect_t){ x.from, y.from, x.length, y.length };
    *size = (iiif_dims_t){ x.pixels, y.pixels };
    return 1;
}

/* Of a tile that exists. */
static apr_uint64_t group_of(const iiif_zoomify_t *pyramid, const iiif_zoomify_tile_t *tile)
{
    wide_t across = tiles_along(pyramid->levels[tile->level].width, pyramid->tile);
    wide_t index = tiles_below(pyramid, tile->level) + across * tile->row + tile->column;

    return (apr_uint64_t)(index / GROUP_TILES);
}

int iiif_zoomify_region(iiif_rect_t *region, iiif_dims_t *size, const iiif_zoomify_t *pyramid,
                        const iiif_zoomify_tile_t *tile)
{
    iiif_rect_t shown;
    iiif_dims_t pixels;

    if (!tile_region(&shown, &pixels, pyramid, tile) || group_of(pyramid, tile) != tile->group)
        return 0;
    *region = shown;
    *size = pixels;
    return 1;
}

int iiif_zoomify_find(iiif_zoomify_tile_t *tile, const iiif_zoomify_t *pyramid, iiif_rect_t region,
                      iiif_dims_t size)
{
    apr_uint32_t level;

    for (level = pyramid->level_count; level-- > 0;) {
        unsigned shift = pyramid->level_count - 1 - level;
        iiif_zoomify_tile_t guess = {
            .level = level,
            .column = (apr_uint32_t)(((apr_uint64_t)region.x >> shift) / pyramid->tile),
            .row = (apr_uint32_t)(((apr_uint64_t)region.y >> shift) / pyramid->tile)
        };
        iiif_rect_t shown;
        iiif_dims_t pixels;

        if (tile_region(&shown, &pixels, pyramid, &guess) && !memcmp(&shown, &region, sizeof(shown))
            && !memcmp(&pixels, &size, sizeof(pixels))) {
            guess.group = group_of(pyramid, &guess);
            *tile = guess;
            return 1;
        }
    }
    return 0;
}

const char *iiif_zoomify_properties(const iiif_zoomify_t *pyramid, apr_pool_t *pool)
{
    return apr_psprintf(pool,
                        "<IMAGE_PROPERTIES WIDTH=\"%u\" HEIGHT=\"%u\" "
                        "NUMTILES=\"%" APR_UINT64_T_FMT "\" NUMIMAGES=\"1\" VERSION=\"1.8\" "
                        "TILESIZE=\"%u\" />\n",
                        pyramid->full.width, pyramid->full.height, pyramid->tile_count,
                        pyramid->tile);
}
