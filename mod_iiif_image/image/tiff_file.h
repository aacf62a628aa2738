/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_IMAGE_TIFF_FILE_H
#define IIIF_IMAGE_TIFF_FILE_H
/**
 * @file tiff_file.h
 * @brief An open TIFF whose complaints are its own. For image/tiff*.c: the only header that names
 * libtiff's types.
 */
#include <apr_pools.h>
#include <tiffio.h>

#include "base/err.h"

typedef struct iiif_tiff_t {
    TIFF *handle;
    iiif_err_t said;   /**< libtiff's first complaint; "": none */
    iiif_err_t warned; /**< the first warning of JPEG: it goes on where others fail */
} iiif_tiff_t;

/**
 * Open a file for reading.
 * @param tiff filled; has to stay where it is while the file is open, which is as long as @a pool
 * @param mode "r" with libtiff's flags; the file is never mapped
 * @return APR_SUCCESS; IIIF_EBADSOURCE: no TIFF; APR_ENOMEM
 */
apr_status_t iiif_tiff_open(iiif_tiff_t *tiff, const char *path, const char *mode, iiif_err_t *err,
                            apr_pool_t *pool);

/** Are colours of the current directory multiplied by alpha already, so that they have to be
 * divided by it first? */
int iiif_tiff_is_premultiplied(TIFF *handle);
#endif
