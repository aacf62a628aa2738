/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_PLAN_COST_H
#define IIIF_PLAN_COST_H
/**
 * @file cost.h
 * @brief What a render will cost, estimated from header facts before a pixel is read.
 */
#include "iiif/resolved.h"
#include "image/source.h"

/** Which queue a render stands in. */
typedef enum {
    IIIF_LANE_SMALL, /**< tiles and previews of a pyramid: at most IIIF_LARGE_BYTES of work */
    IIIF_LANE_LARGE,
    IIIF_LANES
} iiif_lane_e;

#define IIIF_LARGE_BYTES ((apr_uint64_t)64 << 20) /**< of work, beyond which a render is large */

typedef struct iiif_cost_t {
    apr_uint64_t work;   /**< bytes of pixels that are decoded, and of those that are encoded */
    apr_uint64_t memory; /**< bytes held at its peak; an upper bound, with few exceptions */
    iiif_lane_e lane;
} iiif_cost_t;

/**
 * The cost of rendering @a resolved out of @a pixels, as iiif_look_source() has it. Cannot fail;
 * saturates far below 2^64, as sides are 32-bit numbers and pixels few bytes.
 */
iiif_cost_t iiif_cost_of(const iiif_source_t *pixels, const iiif_resolved_t *resolved);
#endif
