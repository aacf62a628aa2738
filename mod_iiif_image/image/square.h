/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_IMAGE_SQUARE_H
#define IIIF_IMAGE_SQUARE_H
/**
 * @file square.h
 * @brief Where to put a square that pixels decide on: `IIIFSquareCrop attention|entropy`.
 */
#include "image/render.h"

/**
 * Move resolved->region to the part of the image that libvips' smartcrop finds most interesting,
 * looking at the smallest level of at least 256 pixels. Does nothing for other squares.
 * @param wanted asked on the way; when it is not any more, the rest fails
 * @return APR_SUCCESS or IIIF_EBADSOURCE
 */
apr_status_t iiif_square_find(iiif_resolved_t *resolved, const iiif_source_t *source,
                              const iiif_wanted_t *wanted, iiif_err_t *err);
#endif
