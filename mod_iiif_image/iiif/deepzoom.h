/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_DEEPZOOM_H
#define IIIF_DEEPZOOM_H
/**
 * @file deepzoom.h
 * @brief Deep Zoom: its descriptor, and which region at which size a tile is.
 * @see
 * https://learn.microsoft.com/en-us/previous-versions/windows/silverlight/dotnet-windows-silverlight/cc645077(v=vs.95)
 *
 * Level 0 is one pixel, the last level the full image; each is the full image divided by a power of
 * two, sides rounded up. A tile is `tile` pixels a side, and `overlap` more towards each neighbour.
 */
#include <apr_pools.h>

#include "iiif/types.h"

/** One pyramid. */
typedef struct iiif_deepzoom_t {
    iiif_dims_t full;
    apr_uint32_t tile;    /**< pixels a side, without overlap; 1 or more */
    apr_uint32_t overlap; /**< pixels towards each neighbour; less than @a tile */
    const char *format;   /**< as the descriptor spells it, and the extension of the tiles */
} iiif_deepzoom_t;

/** A tile by its URL: `{name}_files/{level}/{column}_{row}.{format}`. */
typedef struct iiif_deepzoom_tile_t {
    apr_uint32_t level, column, row;
} iiif_deepzoom_tile_t;

/** Number of the last level: ceil(log2(max(width, height))); the levels are 0 to this. */
apr_uint32_t iiif_deepzoom_last_level(iiif_dims_t full);

/**
 * What a tile shows: a region of the full image, and its size in pixels.
 * @param region,size filled on success
 * @return 1; 0: there is no such tile
 */
int iiif_deepzoom_region(iiif_rect_t *region, iiif_dims_t *size, const iiif_deepzoom_t *pyramid,
                         const iiif_deepzoom_tile_t *tile);

/**
 * The tile that shows exactly @a region at exactly @a size. Where the same region and size are
 * found on several levels, any of them.
 * @return 1; 0: none does
 */
int iiif_deepzoom_find(iiif_deepzoom_tile_t *tile, const iiif_deepzoom_t *pyramid,
                       iiif_rect_t region, iiif_dims_t size);

/** The descriptor, XML, in @a pool. */
const char *iiif_deepzoom_descriptor(const iiif_deepzoom_t *pyramid, apr_pool_t *pool);
#endif
