/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_IMAGE_DIFFERENCE_H
#define IIIF_IMAGE_DIFFERENCE_H
/**
 * @file difference.h
 * @brief How far two encoded images are apart, by their pixels.
 */
#include "image/render.h"

/** The peak signal-to-noise ratio of images that are equal, and the highest that is told. */
#define IIIF_PSNR_EQUAL 99.0

typedef struct iiif_difference_t {
    iiif_dims_t dims[2]; /**< as a person sees them */
    double mean; /**< of |a - b| over all samples of 0 to 255; 0 when sizes differ, as is: */
    double psnr; /**< dB, at most IIIF_PSNR_EQUAL */
} iiif_difference_t;

/**
 * Decode two images and compare them as sRGB of 8 bits, on white where they are transparent. Call
 * iiif_vips_start() before.
 * @param difference filled on success
 * @param images     two of them, in any format that libvips may read here
 * @return APR_SUCCESS; IIIF_EBADSOURCE: one cannot be decoded, @a err says which; IIIF_ETOOBIG:
 *         more than a thousand million pixels
 */
apr_status_t iiif_difference(iiif_difference_t *difference, const iiif_bytes_t images[2],
                             iiif_err_t *err);
#endif
