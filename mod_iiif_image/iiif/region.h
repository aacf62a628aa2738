/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_REGION_H
#define IIIF_REGION_H
/**
 * @file region.h
 * @brief The {region} parameter of an image request. @see https://iiif.io/api/image/3.0/#41-region
 *
 * Parsing needs no image, resolving does: a malformed URI is refused before any file is opened.
 * The grammar is the same in 2.1 and 3.0.
 */
#include "base/err.h"
#include "iiif/types.h"

typedef enum {
    IIIF_REGION_FULL,
    IIIF_REGION_SQUARE,
    IIIF_REGION_PIXELS,
    IIIF_REGION_PERCENT
} iiif_region_kind_e;

typedef struct iiif_region_t {
    iiif_region_kind_e kind;
    apr_uint64_t v[4]; /**< x,y,w,h: pixels, or percent in units of 1e-10, as @a kind says */
} iiif_region_t;

/** Where `square` lies along the longer side. */
typedef enum {
    IIIF_SQUARE_CENTRE,
    IIIF_SQUARE_LOW,      /**< at the left or top */
    IIIF_SQUARE_HIGH,     /**< at the right or bottom */
    IIIF_SQUARE_ENTROPY,  /**< where most happens; known only once pixels are read */
    IIIF_SQUARE_ATTENTION /**< where a person would look; known only once pixels are read */
} iiif_square_e;

/** What `IIIFSquareCrop` calls these, by iiif_square_e; the last is NULL. Static. */
const char *const *iiif_square_names(void);

/**
 * Parse one {region} segment.
 * @param region filled on success, untouched on failure
 * @param text   the segment, percent-decoded, NUL-terminated; borrowed for the call
 * @param err    receives one sentence on failure; may be NULL
 * @return APR_SUCCESS, or IIIF_EBADREQUEST
 */
apr_status_t iiif_region_parse(iiif_region_t *region, const char *text, iiif_err_t *err);

/**
 * The rectangle @a region selects in an image of @a full size: cropped at the image's edge;
 * wholly outside, or of zero area, is an error (4.1). A percentage is rounded to the nearest
 * pixel, and to one pixel where one side alone would vanish. IIIF_SQUARE_ENTROPY and
 * IIIF_SQUARE_ATTENTION are placed in the centre here; iiif_square_find() moves them.
 * @return APR_SUCCESS, or IIIF_EBADREQUEST
 */
apr_status_t iiif_region_resolve(iiif_rect_t *rect, const iiif_region_t *region,
                                 iiif_square_e square, iiif_dims_t full, iiif_err_t *err);
#endif
