/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_STORE_TILE_STORE_H
#define IIIF_STORE_TILE_STORE_H
/**
 * @file tile_store.h
 * @brief Tiles made beforehand, in the directory of `IIIFTileStore`: what there is of one source,
 * and which file is exactly what a request asks for.
 *
 * With NAME the source's path below its root, with its extension, or without where no other image
 * beside it has the same name but for that, looked for in this order: `NAME.dzi`, `NAME.js` and
 * `NAME_files/` (Deep Zoom), `NAME_zdata/` (Zoomify), `NAME/` with ImageProperties.xml (Zoomify) or
 * info.json (IIIF level 0), `NAME.tif`, `NAME.jp2` (pyramids, read as sources).
 */
#include <apr_pools.h>

#include "base/err.h"
#include "base/lru.h"
#include "base/stamp.h"
#include "iiif/deepzoom.h"
#include "iiif/format.h"
#include "iiif/zoomify.h"

typedef enum {
    IIIF_STORED_DEEPZOOM,
    IIIF_STORED_ZOOMIFY,
    IIIF_STORED_LEVEL0, /**< a IIIF tree: {region}/{size}/0/default.{format} */
    IIIF_STORED_PYRAMID /**< one file that holds all levels, TIFF or JPEG 2000 */
} iiif_stored_kind_e;

/** One set of tiles of one source. */
typedef struct iiif_stored_t {
    iiif_stored_kind_e kind;
    const char *path;     /**< the file that describes it: .dzi, ImageProperties.xml, info.json; or
                               the pyramid itself */
    iiif_stamp_t stamp;   /**< of @a path */
    const char *tiles;    /**< directory of the tiles, without trailing slash; NULL: a pyramid */
    iiif_dims_t full;     /**< as its description says; 0,0 for a pyramid: not known here */
    iiif_dims_t tile;     /**< without overlap; 0,0 for a pyramid */
    iiif_format_e format; /**< of the tiles; of LEVEL0 the preferred one, any other may be there */
    iiif_deepzoom_t deepzoom; /**< of DEEPZOOM */
    iiif_zoomify_t zoomify;   /**< of ZOOMIFY */
    iiif_version_e version;   /**< of LEVEL0: 2 or 3 */
    apr_uint32_t *checked;    /**< private, atomic: marks of tiles whose header was right */
    apr_uint32_t slots;       /**< private: how many @a checked holds: a power of two, or 0 for a
                                   pyramid */
} iiif_stored_t;

#define IIIF_STORED_LINE                                                                           \
    16 /**< private: marks that share a cache line, and make room for another */
#define IIIF_STORED_MAX 8

/** All that is usable for one source, in the order of preference. */
typedef struct iiif_stored_set_t {
    apr_time_t source; /**< when the source was written: an older tile is not of it */
    int count;
    iiif_stored_t sets[IIIF_STORED_MAX];
    int refused_count;
    struct {
        const char *path;   /**< what was found and is not used, */
        const char *reason; /**< and why, for one log line */
        iiif_stamp_t stamp; /**< of @a path */
    } refused[IIIF_STORED_MAX];
} iiif_stored_set_t;

struct iiif_source_t;

/** May that be used for @a original, by what this layer does not see? The answer is remembered.
 *  @return APR_SUCCESS; else not, for the reason in @a err */
typedef apr_status_t iiif_stored_check_fn(const iiif_stored_t *stored,
                                          const struct iiif_source_t *original, iiif_err_t *err,
                                          apr_pool_t *pool);

/** What to look for. Borrowed for the call. */
typedef struct iiif_stored_query_t {
    const char *directory; /**< of `IIIFTileStore`, absolute */
    const char *name;    /**< the source's path below its root, with extension, no leading slash */
    const char *path;    /**< of the source, absolute: is there another of its name beside it? */
    iiif_stamp_t source; /**< of the source: what is older is stale */
    iiif_dims_t full;    /**< of the source, as a person sees it */
    iiif_stored_check_fn *check;          /**< asked last of what would be used; NULL: nobody */
    const struct iiif_source_t *original; /**< for @a check: the source */
} iiif_stored_query_t;

/**
 * The tiles of one source, remembered in @a lru for IIIF_STORED_SECONDS between two looks at the
 * directory, and afterwards while nothing there has changed.
 * @param lru   of this purpose alone
 * @param pool  holds the result
 * @return never NULL; with count 0 when there is nothing usable
 */
const iiif_stored_set_t *iiif_stored_find(iiif_lru_t *lru, const iiif_stored_query_t *query,
                                          apr_pool_t *pool);

#define IIIF_STORED_SECONDS 1

/** Exactly what is asked for; no rotation, quality `default`. */
typedef struct iiif_stored_want_t {
    iiif_rect_t region;
    iiif_dims_t size;
    iiif_format_e format;
} iiif_stored_want_t;

/**
 * The file in @a set that is @a want. Its own header has been looked at, once: a file that is
 * missing, empty, cut short, older than the source, of other dimensions or no image of its type is
 * passed over.
 * @param finfo of the file, on success
 * @return its path, in @a pool; NULL: none
 */
const char *iiif_stored_tile(apr_finfo_t *finfo, const iiif_stored_set_t *set,
                             const iiif_stored_want_t *want, apr_pool_t *pool);

/** The first set of @a kind, or NULL. */
const iiif_stored_t *iiif_stored_of_kind(const iiif_stored_set_t *set, iiif_stored_kind_e kind);
#endif
