/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_IMAGE_RAW_TILE_H
#define IIIF_IMAGE_RAW_TILE_H
/**
 * @file raw_tile.h
 * @brief Tiles of a TIFF that are images as they are stored: where they lie, and how they leave
 * without being decoded. @see TIFF Technical Note 2 (JPEG in TIFF)
 */
#include "iiif/resolved.h"
#include "image/jpeg.h"
#include "image/source.h"

/** The tiles of one level, numbered row by row. Made once; read by many threads. */
typedef struct iiif_raw_level_t {
    iiif_dims_t tile; /**< pixels; every tile is stored full, beyond the level's edge too */
    apr_uint32_t columns, rows;
    apr_uint64_t *offsets;     /**< bytes from the file's start */
    apr_uint32_t *lengths;     /**< bytes; 0: this one is not sent raw */
    apr_uint32_t *checked;     /**< a bit a tile, atomic: its header has been found right */
    iiif_format_e format;      /**< JPG or WEBP */
    iiif_jpeg_header_t jpeg;   /**< of JPG: what every tile's header must agree with */
    int alpha;                 /**< of WEBP: tiles may have it */
    const unsigned char *head; /**< sent in place of the tile's first @a skip bytes: SOI, APPn and
                                  the tables that all tiles share */
    apr_size_t head_length;
    apr_size_t skip;
} iiif_raw_level_t;

/** One tile, and what becomes of it on its way. */
typedef struct iiif_raw_tile_t {
    const iiif_raw_level_t *level; /**< borrowed from the source; NULL: no tile */
    apr_uint32_t index;
    int changed; /**< leaves as @a change says; 0: as it is stored */
    iiif_jpeg_change_t change;
} iiif_raw_tile_t;

/**
 * Find out which levels of @a source can be sent raw, from the directories of its file: those of
 * 8-bit JPEG (YCbCr, RGB, gray) or WebP, upright, with a profile that is sRGB or small enough to go
 * along. A tile whose place is outside the file is left out. What cannot be read is no error: it is
 * then rendered, or fails there. Each level says why it cannot.
 * @param bytes added to: the memory this takes
 */
void iiif_raw_levels_read(iiif_source_t *source, apr_size_t *bytes, apr_pool_t *pool);

/**
 * The tile that is exactly what @a resolved asks for, without decoding.
 * @return 1; 0: none is
 */
int iiif_raw_tile_find(iiif_raw_tile_t *tile, const iiif_source_t *source,
                       const iiif_resolved_t *resolved);

/** Has this tile been read before, in the life of its source, and found right? Then it may be sent
 * from the file, if that is unchanged. */
int iiif_raw_tile_is_checked(const iiif_raw_tile_t *tile);

/**
 * Why iiif_raw_tile_find() finds none, in a few words, static: of the level that is nearest to what
 * is asked for.
 */
const char *iiif_raw_tile_missing(const iiif_source_t *source, const iiif_resolved_t *resolved);

/** Bytes of the whole image, of a tile that is not changed. */
apr_size_t iiif_raw_tile_length(const iiif_raw_tile_t *tile);

/**
 * Read the tile, make sure that nobody has written to the file meanwhile and, the first time, that
 * its bytes are one whole image of the size and kind that the directory says; change it if that is
 * what it needs.
 * @param bytes the whole image on success; untouched on failure
 * @return APR_SUCCESS; IIIF_EBADSOURCE: they are not; IIIF_ECHANGED: the file is being written to
 */
apr_status_t iiif_raw_tile_read(iiif_bytes_t *bytes, const iiif_raw_tile_t *tile,
                                const iiif_source_t *source, iiif_err_t *err);
#endif
