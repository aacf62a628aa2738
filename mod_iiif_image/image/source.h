/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_IMAGE_SOURCE_H
#define IIIF_IMAGE_SOURCE_H
/**
 * @file source.h
 * @brief What a source file says of itself: facts from its header, no pixels.
 */
#include <apr_pools.h>
#include <apr_portable.h>

#include "base/err.h"
#include "base/lru.h"
#include "base/stamp.h"
#include "iiif/quality.h"
#include "iiif/source_format.h"
#include "iiif/tiling.h"
#include "iiif/types.h"

/** One size at which a source can be read: stored (TIFF, JPEG 2000) or made while decoding (JPEG).
 */
typedef struct iiif_level_t {
    iiif_dims_t dims; /**< as stored, before orientation */
    double scale_x;   /**< level 0 pixels for one pixel of this level; 2 for a half-size level */
    double scale_y;
    int page;               /**< page of the file it is in, from 0 */
    int subifd;             /**< TIFF: which SubIFD of that page, from 0; -1: the page itself */
    int shrink;             /**< JPEG: 1, 2, 4 or 8, by DCT scaling; else 1 */
    apr_uint64_t directory; /**< TIFF: where its directory lies in the file */
    const struct iiif_raw_level_t *raw; /**< its tiles can be sent as they are stored; NULL: not, */
    const char *blocked;                /**< and this is why, in a few words; static */
} iiif_level_t;

/** Texts that say whose work an image is: EXIF's and TIFF's fields of these names. */
typedef enum { IIIF_RIGHTS_ARTIST, IIIF_RIGHTS_COPYRIGHT, IIIF_RIGHTS } iiif_rights_e;

typedef struct iiif_source_t {
    const char *path;
    const char
        *file; /**< the name to open it by: the descriptor's, while @a fd is open, else @a path */
    iiif_stamp_t stamp; /**< the content these facts are of */
    apr_size_t weight;  /**< bytes of memory these facts take */
    apr_os_file_t fd;   /**< open for reading while there are raw levels; else -1 */
    iiif_source_format_e format;
    iiif_dims_t stored;     /**< of level 0, before orientation */
    iiif_dims_t full;       /**< as a person sees it: what info.json reports */
    int orientation;        /**< EXIF, 1 to 8 */
    iiif_quality_e natural; /**< COLOR or GRAY */
    unsigned bands;         /**< of its pixels, alpha and more included */
    unsigned pixel;         /**< bytes of one, decoded */
    int whole;              /**< progressive or interlaced: no row is there before the last */
    apr_uint32_t strip;     /**< TIFF without tiles: rows that are decoded at once; else 0 */
    int ranged;             /**< samples whose white is found by looking: see image/colour.c */
    const void *profile;    /**< ICC, where it is not sRGB; NULL: none */
    apr_size_t profile_size;
    const char *rights[IIIF_RIGHTS]; /**< NULL: the file does not say */
    iiif_dims_t tile;                /**< of a tiled file, as a person sees it; 0,0: not tiled */
    int level_count;                 /**< 1 or more */
    iiif_level_t levels[IIIF_LEVELS_MAX]; /**< largest first; level 0 is the full image */
} iiif_source_t;

/** What a caller allows. */
typedef struct iiif_source_rules_t {
    iiif_source_format_set_t formats;
    apr_uint64_t max_pixels; /**< width x height of the full image; 0: no bound */
    iiif_lru_t *index;       /**< where iiif_source_get() remembers; NULL: nowhere */
} iiif_source_rules_t;

/**
 * Read the header of @a path.
 * @param source filled on success; allocated in @a pool, which holds its open file
 * @param path   borrowed for as long as @a source is used
 * @param page   from 1; 1 is the only page of most files
 * @return APR_SUCCESS; APR_ENOENT and other I/O statuses; IIIF_EBADSOURCE: not an image of an
 *         allowed format, or damaged; IIIF_ETOOBIG: beyond max_pixels; IIIF_ENOTFOUND: no such page
 */
apr_status_t iiif_source_open(iiif_source_t **source, const char *path, unsigned page,
                              const iiif_source_rules_t *rules, iiif_err_t *err, apr_pool_t *pool);

/** A source whose file stays open, so that its name cannot come to mean another one. */
typedef struct iiif_held_source_t {
    iiif_source_t source; /**< the same facts; its file is the open one */
    int fd;
    char name[32]; /**< that of the descriptor */
} iiif_held_source_t;

/**
 * Hold the file that @a source describes while it is read. Looking at it before and after is not
 * enough: a name that means another file in between (a symbolic link, turned and turned back)
 * would give one's pixels for the other's.
 * @param held filled on success, until iiif_source_let_go(); it is not to be moved
 * @return APR_SUCCESS, or IIIF_ECHANGED: by that name there is none any more, or another
 */
apr_status_t iiif_source_hold(iiif_held_source_t *held, const iiif_source_t *source,
                              iiif_err_t *err);

/** Close it. Nothing may use held->source any more. */
void iiif_source_let_go(iiif_held_source_t *held);

/** Is the file by that name still the one that @a source describes? @return APR_SUCCESS,
 *  IIIF_ECHANGED, or why it cannot be told */
apr_status_t iiif_source_check_file(const iiif_source_t *source);

/** Is @a source, which is known already, within @a rules? @return APR_SUCCESS, IIIF_EBADSOURCE or
 *  IIIF_ETOOBIG */
apr_status_t iiif_source_check(const iiif_source_t *source, const iiif_source_rules_t *rules,
                               iiif_err_t *err);
#endif
