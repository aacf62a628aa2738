/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_IMAGE_ENCODE_H
#define IIIF_IMAGE_ENCODE_H
/**
 * @file encode.h
 * @brief Pixels to the bytes of a format: one row an encoder.
 */
#include <vips/vips.h>

#include "image/render.h"

/**
 * Encode 8-bit sRGB or gray pixels, with alpha only where the format has it. No metadata is kept:
 * the pixels are sRGB and upright.
 * @param bytes  filled on success, untouched on failure
 * @param bilevel the pixels are 0 and 255 only; formats that have one-bit samples use them
 * @return APR_SUCCESS, IIIF_EBADSOURCE (pixels are computed while they are encoded, so a damaged
 *         source shows here) or APR_EGENERAL
 */
apr_status_t iiif_encode(iiif_bytes_t *bytes, VipsImage *image, iiif_format_e format, int quality,
                         int bilevel, iiif_err_t *err);

/** A one-page PDF that shows a JPEG: one pixel is one point, or less where PDF's page ends. */
apr_status_t iiif_pdf_from_jpeg(iiif_bytes_t *pdf, const iiif_bytes_t *jpeg, iiif_dims_t dims,
                                iiif_err_t *err);
#endif
