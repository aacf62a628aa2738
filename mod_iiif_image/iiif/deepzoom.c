/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/deepzoom.h"

#include <apr_strings.h>
#include <apr_xml.h>
#include <string.h>

#include "iiif/tiling.h"

#include "base/banned.h"

#define XML_NAMESPACE "http://schemas.microsoft.com/deepzoom/2008"

/* From one pixel to before another, along one side. */
typedef struct span_t {
    apr_uint64_t from, to;
} span_t;

apr_uint32_t iiif_deepzoom_last_level(iiif_dims_t full)
{
    apr_uint32_t side = full.width > full.height ? full.width : full.height, level = 0;

    while (APR_UINT64_C(1) << level < side)
        ++level;
    return level;
}

/* A descriptor that was read may say anything. */
static int is_sound(const iiif_deepzoom_t *pyramid)
{
    return pyramid->full.width && pyramid->full.height && pyramid->overlap < pyramid->tile;
}

/* Pixels of the level that a column or row of tiles has; 0: there is none of this index. */
static int tile_span(span_t *span, const iiif_deepzoom_t *pyramid, apr_uint32_t index,
                     apr_uint32_t side)
{
    apr_uint64_t start = (apr_uint64_t)index * pyramid->tile;

    if (start >= side)
        return 0;
    span->from = index ? start - pyramid->overlap : 0;
    span->to = start + pyramid->tile + pyramid->overlap;
    if (span->to > side)
        span->to = side;
    return 1;
}

/* The same in pixels of the full image: the last pixel of a level may stand for less than others.
 */
static span_t enlarged(span_t span, unsigned shift, apr_uint32_t full)
{
    span_t large = { span.from << shift, span.to << shift };

    if (large.to > full)
        large.to = full;
    return large;
}

/* What a tile shows of a level that exists: the full image divided by 2^shift. */
static int tile_region(iiif_rect_t *region, iiif_dims_t *size, const iiif_deepzoom_t *pyramid,
                       const iiif_deepzoom_tile_t *tile, unsigned shift)
{
    iiif_dims_t level = iiif_level_dims(pyramid->full, APR_UINT64_C(1) << shift);
    span_t x, y, wide, high;

    if (!tile_span(&x, pyramid, tile->column, level.width)
        || !tile_span(&y, pyramid, tile->row, level.height))
        return 0;
    wide = enlarged(x, shift, pyramid->full.width);
    high = enlarged(y, shift, pyramid->full.height);
    *region =
        (iiif_rect_t){ (apr_uint32_t)wide.from, (apr_uint32_t)high.from,
                       (apr_uint32_t)(wide.to - wide.from), (apr_uint32_t)(high.to - high.from) };
    *size = (iiif_dims_t){ (apr_uint32_t)(x.to - x.from), (apr_uint32_t)(y.to - y.from) };
    return 1;
}

int iiif_deepzoom_region(iiif_rect_t *region, iiif_dims_t *size, const iiif_deepzoom_t *pyramid,
                         const iiif_deepzoom_tile_t *tile)
{
    apr_uint32_t last = iiif_deepzoom_last_level(pyramid->full);

    return is_sound(pyramid) && tile->level <= last
           && tile_region(region, size, pyramid, tile, last - tile->level);
}

/* The index of the tile that would begin at a pixel of the full image. */
static apr_uint32_t index_at(const iiif_deepzoom_t *pyramid, apr_uint32_t pixel, unsigned shift)
{
    apr_uint64_t from = (apr_uint64_t)pixel >> shift;

    return from ? (apr_uint32_t)((from + pyramid->overlap) / pyramid->tile) : 0;
}

int iiif_deepzoom_find(iiif_deepzoom_tile_t *tile, const iiif_deepzoom_t *pyramid,
                       iiif_rect_t region, iiif_dims_t size)
{
    apr_uint32_t last = iiif_deepzoom_last_level(pyramid->full), level;

    if (!is_sound(pyramid))
        return 0;
    /* the finest first; each level has one tile that could begin there, and that one is asked */
    for (level = last + 1; level-- > 0;) {
        iiif_deepzoom_tile_t guess = { level, index_at(pyramid, region.x, last - level),
                                       index_at(pyramid, region.y, last - level) };
        iiif_rect_t shown;
        iiif_dims_t pixels;

        if (tile_region(&shown, &pixels, pyramid, &guess, last - level)
            && !memcmp(&shown, &region, sizeof(shown)) && !memcmp(&pixels, &size, sizeof(pixels))) {
            *tile = guess;
            return 1;
        }
    }
    return 0;
}

const char *iiif_deepzoom_descriptor(const iiif_deepzoom_t *pyramid, apr_pool_t *pool)
{
    return apr_psprintf(pool,
                        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                        "<Image xmlns=\"" XML_NAMESPACE "\" Format=\"%s\" Overlap=\"%u\" "
                        "TileSize=\"%u\">\n"
                        "  <Size Width=\"%u\" Height=\"%u\"/>\n"
                        "</Image>\n",
                        apr_xml_quote_string(pool, pyramid->format, 1), pyramid->overlap,
                        pyramid->tile, pyramid->full.width, pyramid->full.height);
}
