/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_IMAGE_JPEG_CROP_H
#define IIIF_IMAGE_JPEG_CROP_H
/**
 * @file jpeg_crop.h
 * @brief The top left of a baseline JPEG, cut from its Huffman codes: no coefficient is made.
 */
#include "image/jpeg.h"

/**
 * Keep the MCUs that @a dims needs; all segments in front of the scan stay, only the frame's
 * dimensions change. Whoever decodes it finds the same coefficients.
 * @param out    filled on success, untouched on failure; freed by iiif_bytes_free()
 * @param header of @a data
 * @param dims   1 to those of the header
 * @return 1; 0: not this way. The stream is not one baseline scan without restarts, it is damaged,
 *         its code has none for a new DC difference, or memory is short
 */
int iiif_jpeg_crop(iiif_bytes_t *out, const unsigned char *data, apr_size_t len,
                   const iiif_jpeg_header_t *header, iiif_dims_t dims);
#endif
