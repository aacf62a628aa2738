/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_ZOOMIFY_H
#define IIIF_ZOOMIFY_H
/**
 * @file zoomify.h
 * @brief Zoomify: its properties, and which region at which size a tile is.
 *
 * Level 0 is the first that fits one tile, the last the full image. Writers halve the sides
 * rounding up (libvips) or down (Zoomify's own, and others). NUMTILES tells which one did, where it
 * makes more or fewer tiles; 4000x3000 in tiles of 256 are 257 both ways, but level 0 is 250x188 or
 * 250x187.
 */
#include <apr_pools.h>

#include "iiif/tiling.h"
#include "iiif/types.h"

/** One pyramid, smallest level first. */
typedef struct iiif_zoomify_t {
    iiif_dims_t full;
    apr_uint32_t tile;                   /**< pixels a side; 1 or more */
    apr_uint32_t level_count;            /**< 1 or more */
    iiif_dims_t levels[IIIF_LEVELS_MAX]; /**< in pixels */
    apr_uint64_t tile_count;             /**< NUMTILES, over all levels */
} iiif_zoomify_t;

/** A tile by its URL: `TileGroup{group}/{level}-{column}-{row}.jpg`. */
typedef struct iiif_zoomify_tile_t {
    apr_uint64_t group; /**< index / 256; tiles are counted from level 0, row by row */
    apr_uint32_t level, column, row;
} iiif_zoomify_tile_t;

/** The pyramid of sides halved rounding up: what this server shows of any image. */
iiif_zoomify_t iiif_zoomify_pyramid(iiif_dims_t full, apr_uint32_t tile);

/**
 * The pyramid that has @a tile_count tiles: halved rounding up, or else down. Takes numbers as a
 * file has them, zeros too.
 * @param pyramid filled on success, untouched on failure
 * @return 1; 0: neither has
 */
int iiif_zoomify_by_count(iiif_zoomify_t *pyramid, iiif_dims_t full, apr_uint32_t tile,
                          apr_uint64_t tile_count);

/**
 * What a tile shows: a region of the full image and its size in pixels. For a pyramid halved
 * rounding up.
 * @return 1; 0: there is no such tile, or it is in another group
 */
int iiif_zoomify_region(iiif_rect_t *region, iiif_dims_t *size, const iiif_zoomify_t *pyramid,
                        const iiif_zoomify_tile_t *tile);

/**
 * The tile that shows exactly @a region at exactly @a size. The last tile of a row or column shows
 * the image to its edge; halved rounding down, it may have a pixel less for it.
 * @param tile filled on success, untouched on failure
 * @return 1; 0: none does
 */
int iiif_zoomify_find(iiif_zoomify_tile_t *tile, const iiif_zoomify_t *pyramid, iiif_rect_t region,
                      iiif_dims_t size);

/** ImageProperties.xml, in @a pool. */
const char *iiif_zoomify_properties(const iiif_zoomify_t *pyramid, apr_pool_t *pool);
#endif
