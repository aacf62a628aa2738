/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_IMAGE_TIFF_FILE_H
#define IIIF_IMAGE_TIFF_FILE_H
/**
 * @file tiff_file.h
 * @brief A TIFF opened with libtiff so that a hostile one harms nobody: errors are the handle's
 * own, memory is bounded, nothing is mapped.
 */
#include <apr_pools.h>
#include <tiffio.h>

#include "base/err.h"

typedef struct iiif_tiff_t {
    TIFF *handle;
    iiif_err_t said; /**< libtiff's first complaint; "" : none */
} iiif_tiff_t;

/**
 * Open @a path. It is closed with @a pool, which @a tiff must outlive.
 * @return APR_SUCCESS or IIIF_EBADSOURCE
 */
apr_status_t iiif_tiff_open(iiif_tiff_t *tiff, const char *path, iiif_err_t *err, apr_pool_t *pool);
#endif
