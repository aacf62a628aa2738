/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_IMAGE_WINDOW_H
#define IIIF_IMAGE_WINDOW_H
/**
 * @file window.h
 * @brief Which level of a source to read for a region at a size, and which of its pixels.
 */
#include "base/wanted.h"
#include "image/source.h"

typedef struct iiif_window_t {
    const iiif_level_t *level;   /**< borrowed from the source */
    unsigned shrink;             /**< 1, 2, 4 or 8: that many pixels to one while decoding */
    iiif_rect_t rect;            /**< in pixels of that level, as stored, when it is shrunk */
    const iiif_wanted_t *wanted; /**< who waits for its pixels; NULL: somebody. Borrowed while the
                                    window is open. */
} iiif_window_t;

/**
 * The smallest level, as stored or shrunk while decoding, that has a pixel for each pixel wanted,
 * and on which the region's edges fall within half a pixel of the result, or within one at the
 * image's right and lower edge. A tile of the announced grid falls on them exactly. Level 0 always
 * serves.
 * @param region in pixels of the full image, as shown
 * @param size   wanted, as shown
 */
iiif_window_t iiif_window_choose(const iiif_source_t *source, iiif_rect_t region, iiif_dims_t size);
#endif
