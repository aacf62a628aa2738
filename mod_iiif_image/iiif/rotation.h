/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_ROTATION_H
#define IIIF_ROTATION_H
/**
 * @file rotation.h
 * @brief The {rotation} parameter of an image request. @see
 * https://iiif.io/api/image/3.0/#43-rotation
 */
#include <apr_pools.h>

#include "base/err.h"
#include "iiif/types.h"

typedef struct iiif_rotation_t {
    int mirror;           /**< reflect on the vertical axis first */
    apr_uint64_t degrees; /**< clockwise, in units of 1e-10, from 0 to below 360: 360 is 0 */
} iiif_rotation_t;

/**
 * Parse one {rotation} segment: an optional "!", then a decimal from 0 to 360.
 * @param rotation filled on success, untouched on failure
 * @return APR_SUCCESS, or IIIF_EBADREQUEST
 */
apr_status_t iiif_rotation_parse(iiif_rotation_t *rotation, const char *text, iiif_err_t *err);

/** Quarter turns clockwise, 0 to 3; -1 when the angle is no multiple of 90 degrees. */
int iiif_rotation_quarters(const iiif_rotation_t *rotation);

/** The angle in degrees, for arithmetic. */
double iiif_rotation_angle(const iiif_rotation_t *rotation);

/** Canonical text (3.0, 4.8): "0", "!90", "22.5", "0.5"; allocated in @a pool. */
const char *iiif_rotation_canonical(const iiif_rotation_t *rotation, apr_pool_t *pool);

/**
 * The canvas that holds an image of @a dims after rotation: exact for quarter turns, else the
 * bounding box, rounded (2.1, appendix A: w cos n + h sin n).
 */
iiif_dims_t iiif_rotation_canvas(const iiif_rotation_t *rotation, iiif_dims_t dims);
#endif
