/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_STORE_IMAGE_SIZE_H
#define IIIF_STORE_IMAGE_SIZE_H
/**
 * @file image_size.h
 * @brief Type and dimensions of an image file, from its header. No pixel is decoded.
 *
 * Read are JPEG (baseline and progressive, 8 bits: what browsers show), PNG, WebP, GIF, TIFF and
 * BigTIFF (first directory), JPEG 2000 (file or bare codestream).
 * @see ITU-T T.81, annex B; W3C PNG, 11.2.1; RFC 9649; GIF89a, 18; TIFF 6.0, 2; ITU-T T.800, I.5.3
 */
#include <apr_pools.h>

#include "base/err.h"
#include "iiif/format.h"

typedef struct iiif_image_size_t {
    iiif_format_e format; /**< what its bytes are, whatever it is called */
    iiif_dims_t dims;     /**< as stored: an EXIF orientation is not looked at */
    int ended; /**< its last bytes are what ends such a file, where the format has an end */
} iiif_image_size_t;

/** The formats that iiif_image_size_read() knows. */
#define IIIF_IMAGE_SIZE_FORMATS                                                                    \
    (1u << IIIF_FORMAT_JPG | 1u << IIIF_FORMAT_PNG | 1u << IIIF_FORMAT_WEBP                        \
     | 1u << IIIF_FORMAT_GIF | 1u << IIIF_FORMAT_TIF | 1u << IIIF_FORMAT_JP2)

/**
 * Read the header of the file at @a path. A few kilobytes are read, wherever they lie; a hostile
 * file ends the search, it does not lengthen it.
 * @param size filled on success, untouched on failure
 * @param pool for the open file, which is closed again
 * @return APR_SUCCESS; IIIF_EBADSOURCE: no image of a known type, or without pixels; else why the
 *         file cannot be opened
 */
apr_status_t iiif_image_size_read(iiif_image_size_t *size, const char *path, iiif_err_t *err,
                                  apr_pool_t *pool);
#endif
