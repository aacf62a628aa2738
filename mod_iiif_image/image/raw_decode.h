/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_IMAGE_RAW_DECODE_H
#define IIIF_IMAGE_RAW_DECODE_H
/**
 * @file raw_decode.h
 * @brief Pixels of JPEG tiles that lie whole in the file, by libjpeg-turbo alone: libtiff would
 * decode the same row by row, and never smaller.
 */
#include "image/raw_tile.h"

/** Decodes one tile after the other, in one thread at a time. */
typedef struct iiif_raw_decoder_t iiif_raw_decoder_t;

/** Where the pixels of a whole tile go. */
typedef struct iiif_raw_pixels_t {
    unsigned char *pixels; /**< gray, or RGB */
    apr_size_t stride;     /**< bytes from one row to the next, at most 2^31 - 1 */
    unsigned shrink;       /**< 1, 2, 4 or 8 pixels of the tile to one, by DCT scaling */
} iiif_raw_pixels_t;

/** Where the samples of a whole tile go, as JPEG has them: luma, and two of chroma. */
typedef struct iiif_raw_planes_t {
    iiif_dims_t tile;          /**< as stored, or by 2, 4 or 8 smaller each way, by DCT scaling */
    unsigned char *samples[3]; /**< of each component that the tile has */
    int strides[3];            /**< bytes from one row to the next */
} iiif_raw_planes_t;

/** In @a pool, and gone with it. @return APR_SUCCESS or APR_ENOMEM */
apr_status_t iiif_raw_decoder_make(iiif_raw_decoder_t **decoder, iiif_err_t *err, apr_pool_t *pool);

/** Are the tiles of @a level, which may be NULL, decoded here, each to whole pixels when shrunk? */
int iiif_raw_can_decode(const iiif_raw_level_t *level, unsigned shrink);

/**
 * Decode a whole tile, beyond the level's edge too. YCbCr becomes RGB.
 * @param tile not changed on its way
 * @return APR_SUCCESS; IIIF_EBADSOURCE: no JPEG of the directory's kind, or damaged, and pixels may
 *         be half written; IIIF_ECHANGED: the file is being written to
 */
apr_status_t iiif_raw_decode(const iiif_raw_pixels_t *to, iiif_raw_decoder_t *decoder,
                             const iiif_raw_tile_t *tile, const iiif_source_t *source,
                             iiif_err_t *err);

/** The same, without making RGB of it: so many samples of each component as the tile has. */
apr_status_t iiif_raw_decode_planes(iiif_raw_planes_t *to, iiif_raw_decoder_t *decoder,
                                    const iiif_raw_tile_t *tile, const iiif_source_t *source,
                                    iiif_err_t *err);
#endif
