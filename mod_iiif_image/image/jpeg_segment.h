/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_IMAGE_JPEG_SEGMENT_H
#define IIIF_IMAGE_JPEG_SEGMENT_H
/**
 * @file jpeg_segment.h
 * @brief The segments of a JPEG stream, one after the other, and the Huffman tables in one. What
 * image/jpeg.c and image/jpeg_crop.c share. @see ITU-T T.81, B.1.1.4 and B.2.4.2
 */
#include "image/jpeg.h"

typedef struct iiif_jpeg_segment_t {
    int marker;                /**< its second byte, 0xC0 to 0xFE */
    const unsigned char *body; /**< behind marker and length */
    apr_size_t len;            /**< of the body */
} iiif_jpeg_segment_t;

/**
 * Read the segment at @a cursor, which moves behind it.
 * @return IIIF_JPEG_IS; IIIF_JPEG_MORE: it is not all there; IIIF_JPEG_NOT: no segment that may
 *         stand between SOI and the entropy-coded data
 */
iiif_jpeg_verdict_e iiif_jpeg_segment_next(iiif_jpeg_segment_t *segment, const unsigned char *data,
                                           apr_size_t len, apr_size_t *cursor);

/** One Huffman table as DHT has it. */
typedef struct iiif_jpeg_code_t {
    int ac;                       /**< of AC coefficients; else of DC ones */
    int slot;                     /**< 0 to 3 */
    const unsigned char *counts;  /**< 16: how many codes have 1, 2, … 16 bits */
    const unsigned char *symbols; /**< in the order of their codes */
    int count;                    /**< of the symbols, 0 to 256 */
} iiif_jpeg_code_t;

/** Take the first table off a DHT segment. @return 1: there was one; 0: it is at its end; -1: it
 *  is broken */
int iiif_jpeg_code_next(iiif_jpeg_code_t *code, iiif_jpeg_segment_t *segment);
#endif
