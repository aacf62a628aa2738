/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TYPES_H
#define IIIF_TYPES_H
/**
 * @file types.h
 * @brief The nouns every part of the protocol shares: plain values, no ownership.
 */
#include <apr.h>

/** A version of the Image API. 2 stands for 2.1 (2.1.1), which contains 2.0. */
typedef enum {
    IIIF_VERSION_NONE = 0, /**< the URI names none; content negotiation decides */
    IIIF_VERSION_2 = 2,
    IIIF_VERSION_3 = 3
} iiif_version_e;

typedef struct iiif_dims_t {
    apr_uint32_t width;  /**< pixels, > 0 */
    apr_uint32_t height; /**< pixels, > 0 */
} iiif_dims_t;

static inline int iiif_dims_equal(iiif_dims_t a, iiif_dims_t b)
{
    return a.width == b.width && a.height == b.height;
}

typedef struct iiif_rect_t {
    apr_uint32_t x, y;          /**< top left corner, pixels from (0,0) */
    apr_uint32_t width, height; /**< pixels, > 0 */
} iiif_rect_t;

/**
 * The largest image sent, for one source: what info.json announces as maxWidth, maxHeight and
 * maxArea (Image API 3.0, 5.2), and what every size is held to.
 */
typedef struct iiif_limits_t {
    apr_uint32_t max_width;  /**< pixels; 0: no limit */
    apr_uint32_t max_height; /**< pixels; 0: no limit; never set without max_width */
    apr_uint64_t max_area;   /**< pixels; 0: no limit */
    int upscale;             /**< may a region be enlarged at all? */
} iiif_limits_t;
#endif
