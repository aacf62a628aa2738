/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_IMAGE_PIXELS_CHECK_H
#define IIIF_IMAGE_PIXELS_CHECK_H
/**
 * @file pixels_check.h
 * @brief Does a file decode, from its first pixel to its last?
 */
#include "image/source.h"

/**
 * Decode the file at @a path, and forget the pixels row by row.
 * @param dims that it has to have, upright
 * @return APR_SUCCESS; IIIF_EBADSOURCE: it is damaged, or of another size; as iiif_source_open()
 */
apr_status_t iiif_pixels_check(const char *path, iiif_dims_t dims, iiif_err_t *err,
                               apr_pool_t *pool);

/** Decode one level of a source, as a render reads it. @return as iiif_pixels_check() */
apr_status_t iiif_level_check(const iiif_source_t *source, const iiif_level_t *level,
                              iiif_err_t *err);

/**
 * Follow all directories of a TIFF: pages, and the levels below them.
 * @return APR_SUCCESS; IIIF_EBADSOURCE: one is not where another says; APR_ENOMEM
 */
apr_status_t iiif_directories_check(const char *path, iiif_err_t *err, apr_pool_t *pool);
#endif
