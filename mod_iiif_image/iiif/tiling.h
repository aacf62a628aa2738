/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TILING_H
#define IIIF_TILING_H
/**
 * @file tiling.h
 * @brief Tiles, scaleFactors and sizes. @see https://iiif.io/api/image/3.0/#54-tiles
 *
 * Level k is the full image divided by 2^k, sides rounded up. `sizes` and `tiles.scaleFactors` are
 * made from the same levels, so that they agree in number and value: OpenSeadragon 4.1 to 5.0.1
 * takes `sizes` for its levels when they are as many.
 */
#include "iiif/types.h"

#define IIIF_LEVELS_MAX 33

/** ceil(full / factor) on both sides. @a factor >= 1. */
iiif_dims_t iiif_level_dims(iiif_dims_t full, apr_uint64_t factor);

/**
 * How many levels 1, 2, 4 … an image has: the last is the first that fits one tile.
 * @return 1 to IIIF_LEVELS_MAX
 */
int iiif_level_count(iiif_dims_t full, iiif_dims_t tile);

/** @a tile, halved until one of the image is within @a limits: what may be announced as tiles. */
iiif_dims_t iiif_tile_within(iiif_dims_t tile, iiif_dims_t full, const iiif_limits_t *limits);

/** Is an image of @a dims within @a limits? */
int iiif_within_limits(iiif_dims_t dims, const iiif_limits_t *limits);
#endif
