/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_SIZE_H
#define IIIF_SIZE_H
/**
 * @file size.h
 * @brief The {size} parameter of an image request.
 * @see https://iiif.io/api/image/3.0/#42-size @see https://iiif.io/api/image/2.1/#size
 *
 * The versions differ in the grammar (`full` in 2.1, `^` in 3.0) and in who may enlarge: any form
 * but `!w,h` in 2.1, only `^` forms in 3.0.
 */
#include "base/err.h"
#include "iiif/types.h"

typedef enum {
    IIIF_SIZE_FULL, /**< 2.1: the region's own size */
    IIIF_SIZE_MAX,
    IIIF_SIZE_WIDTH,    /**< w, */
    IIIF_SIZE_HEIGHT,   /**< ,h */
    IIIF_SIZE_EXACT,    /**< w,h */
    IIIF_SIZE_CONFINED, /**< !w,h */
    IIIF_SIZE_PERCENT   /**< pct:n */
} iiif_size_kind_e;

typedef struct iiif_size_t {
    iiif_size_kind_e kind;
    int caret;           /**< 3.0: `^`; 2.1: set for the forms that may enlarge */
    apr_uint64_t width;  /**< pixels, or percent in units of 1e-10 */
    apr_uint64_t height; /**< pixels */
} iiif_size_t;

/**
 * Parse one {size} segment by the grammar of @a version.
 * @param size filled on success, untouched on failure
 * @param text percent-decoded, NUL-terminated; borrowed
 * @return APR_SUCCESS, or IIIF_EBADREQUEST
 */
apr_status_t iiif_size_parse(iiif_size_t *size, const char *text, iiif_version_e version,
                             iiif_err_t *err);

/**
 * The size in pixels that @a size asks of a region, before rotation.
 * The side that is not given is rounded to the nearest pixel, and never less than one.
 * @param dims   filled on success, untouched on failure; each side 1 or more
 * @param region size of the extracted region
 * @return APR_SUCCESS; IIIF_EBADREQUEST: enlarging without `^`, under one pixel, or beyond a limit
 *         (4.2); IIIF_ENOTIMPL: a `^` form that needs enlarging where that is switched off
 */
apr_status_t iiif_size_resolve(iiif_dims_t *dims, const iiif_size_t *size, iiif_dims_t region,
                               const iiif_limits_t *limits, iiif_err_t *err);

/** What `max` gives: the region's own size, scaled down where the limits ask for it. */
iiif_dims_t iiif_size_max(iiif_dims_t region, const iiif_limits_t *limits);

/** What `^max` gives: the largest size of this shape the limits allow; without limits, or without
 *  upscaling, the same as `max` (IIIF/api issue 1823). */
iiif_dims_t iiif_size_upmax(iiif_dims_t region, const iiif_limits_t *limits);

/** The size that `w,` gives. */
iiif_dims_t iiif_size_by_width(iiif_dims_t region, apr_uint64_t width);
#endif
