/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_IMAGE_JP2_HEADER_H
#define IIIF_IMAGE_JP2_HEADER_H
/**
 * @file jp2_header.h
 * @brief What the codestream of a JPEG 2000 says of itself, read before OpenJPEG believes it.
 * @see ISO 15444-1, annex A (markers) and I (boxes)
 *
 * OpenJPEG (2.5.0) allocates what a header claims: a state for every tile of the image when it
 * reads the header, and all code blocks and precincts of a tile when it decodes any part of it. A
 * file of some hundred bytes can ask for gigabytes.
 */
#include "base/err.h"
#include "iiif/types.h"

#define IIIF_JP2_COMPONENTS_MAX 16

typedef struct iiif_jp2_header_t {
    apr_uint32_t x0, y0, x1, y1;          /**< the image on the reference grid; x0 < x1 < 2^31 */
    apr_uint32_t tile_x0, tile_y0;        /**< where the first tile begins there */
    apr_uint32_t tile_width, tile_height; /**< there, > 0 */
    int tiled;                            /**< more than one tile? */
    unsigned components;                  /**< 1 to IIIF_JP2_COMPONENTS_MAX */
    apr_byte_t dx[IIIF_JP2_COMPONENTS_MAX], dy[IIIF_JP2_COMPONENTS_MAX]; /**< sampling, > 0 */
    unsigned resolutions; /**< that every component of every tile has: 1 to 33 */
} iiif_jp2_header_t;

/**
 * Read the main header, and those of all tile-parts that the file has.
 * @param header filled on success, untouched on failure
 * @param fd     open for reading; its position is neither used nor changed
 * @return APR_SUCCESS; IIIF_EBADSOURCE: no codestream, or one against the rules; IIIF_ETOOBIG: it
 *         asks for more tiles, code blocks or precincts than its pixels explain
 */
apr_status_t iiif_jp2_header_read(iiif_jp2_header_t *header, int fd, iiif_err_t *err);

/** Pixels of a resolution, 0 the full one: sides are those of its first component, and 0 where
 *  there is no pixel left. */
iiif_dims_t iiif_jp2_header_dims(const iiif_jp2_header_t *header, unsigned resolution);
#endif
