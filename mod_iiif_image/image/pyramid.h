/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_IMAGE_PYRAMID_H
#define IIIF_IMAGE_PYRAMID_H
/**
 * @file pyramid.h
 * @brief Writes tiles of a source beforehand: one file that holds all levels, or a tree of tiles.
 *
 * Pixels are upright, of 8 bits. Trees are sRGB or gray, without alpha: they are of JPEG. A TIFF
 * keeps the ICC profile, unless its colours are of another kind than RGB or gray; so does no
 * JPEG 2000, because libvips 8.14 leaves profiles out. Other metadata stays with the source.
 */
#include "image/source.h"

/** In the order of the table of formats. */
typedef enum {
    IIIF_PYRAMID_TIFF, /**< JPEG tiles; deflated ones where there is alpha. Halved rounding down */
    IIIF_PYRAMID_DEEPZOOM,
    IIIF_PYRAMID_ZOOMIFY,
    IIIF_PYRAMID_JP2,
    IIIF_PYRAMID_LEVEL0_3, /**< a tree of the Image API 3 */
    IIIF_PYRAMID_LEVEL0_2,
    IIIF_PYRAMIDS /**< how many */
} iiif_pyramid_e;

/** How to write. Borrowed for the call. */
typedef struct iiif_pyramid_rules_t {
    iiif_pyramid_e format;
    apr_uint32_t tile;           /**< pixels a side; of TIFF, a multiple of 16 */
    apr_uint32_t overlap;        /**< of DEEPZOOM alone: pixels, less than @a tile */
    int quality;                 /**< 1 to 100 */
    int srgb;                    /**< TIFF: colours are converted, no profile is kept */
    unsigned char background[3]; /**< sRGB, where alpha lets it through and the format has none */
} iiif_pyramid_rules_t;

/**
 * Write it, under @a directory, as "tiles": tiles.tif, tiles.jp2, tiles.dzi and tiles_files/, or
 * tiles/ with ImageProperties.xml or info.json. What is there of that name is overwritten; after a
 * failure, parts may be left.
 *
 * Pixels pass from top to bottom, so memory is bounded by some rows of tiles. Those of a source
 * that is stored turned wait in a file in @a directory, uncompressed, when they are more than
 * 64 MB; it is removed again.
 * @param source of one page; read from its file
 * @return APR_SUCCESS; IIIF_EBADSOURCE: the source is damaged, or the result cannot be written,
 *         which libvips does not tell apart; IIIF_ECHANGED: the source was replaced meanwhile
 */
apr_status_t iiif_pyramid_make(const char *directory, const iiif_source_t *source,
                               const iiif_pyramid_rules_t *rules, iiif_err_t *err,
                               apr_pool_t *pool);
#endif
