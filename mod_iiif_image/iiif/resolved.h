/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_RESOLVED_H
#define IIIF_RESOLVED_H
/**
 * @file resolved.h
 * @brief An image request met with an image: integers only, and their canonical spellings.
 * @see https://iiif.io/api/image/3.0/#48-canonical-uri-syntax
 * @see https://iiif.io/api/image/2.1/#canonical-uri-syntax
 */
#include "iiif/request.h"

/** Pixels of the largest canvas that a rotation by no quarter turn may make, whatever the limits;
 *  also never more than twice maxArea. */
#define IIIF_CANVAS_MAX (APR_UINT64_C(1) << 28)

/** What the resolution needs to know of a source and of the settings. */
typedef struct iiif_subject_t {
    iiif_dims_t full;       /**< the size that info.json reports */
    iiif_quality_e natural; /**< COLOR or GRAY: what `default` means here */
    iiif_limits_t limits;
    iiif_square_e square;
} iiif_subject_t;

typedef struct iiif_resolved_t {
    iiif_rect_t region; /**< in pixels of the full image */
    iiif_square_e
        square; /**< CENTRE: @a region is final; ENTROPY, ATTENTION: pixels decide its place */
    iiif_dims_t size; /**< before rotation */
    iiif_rotation_t rotation;
    iiif_dims_t canvas;     /**< after rotation: the size of the image sent */
    iiif_quality_e quality; /**< DEFAULT wherever it gives the same pixels */
    iiif_format_e format;
} iiif_resolved_t;

/**
 * Meet @a params with @a subject, in the order of the specification (3.0, 4.6).
 * @param resolved filled on success, untouched on failure
 * @return APR_SUCCESS, IIIF_EBADREQUEST or IIIF_ENOTIMPL, as the parameters' own resolve functions
 *         say; IIIF_EBADREQUEST also when the format cannot hold so large
 *         an image; IIIF_ETOOBIG: the rotated canvas is beyond IIIF_CANVAS_MAX or twice maxArea
 */
apr_status_t iiif_resolve(iiif_resolved_t *resolved, const iiif_params_t *params,
                          const iiif_subject_t *subject, iiif_err_t *err);

/**
 * "region/size/rotation/quality.format" as @a version spells it canonically: asking for it gives
 * the same image, and is its own canonical form. Allocated in @a pool.
 */
const char *iiif_canonical(const iiif_resolved_t *resolved, const iiif_subject_t *subject,
                           iiif_version_e version, apr_pool_t *pool);

/**
 * One name for the same pixels: every spelling, in both versions, gives the same key,
 * "x,y,w,h/w,h/rotation/quality.format". Allocated in @a pool.
 */
const char *iiif_key(const iiif_resolved_t *resolved, apr_pool_t *pool);
#endif
