/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TOOLS_FINDING_H
#define IIIF_TOOLS_FINDING_H
/**
 * @file finding.h
 * @brief What `iiifctl check` finds out of one image file or one tree of tiles.
 */
#include <apr_pools.h>

#include "image/source.h"
#include "store/description.h"
#include "store/tile_store.h"

/** How to check. */
typedef struct iiifctl_check_t {
    int tiles;           /**< decode the tiles of image files, too */
    int raw;             /**< a level that is not sent raw is wrong */
    const char *sources; /**< root of the originals, absolute; NULL: not looked at */
} iiifctl_check_t;

typedef struct iiifctl_finding_t {
    const char *path; /**< of the image, or of what describes the tiles */
    const char *kind; /**< "jpeg", "tiff" and so on; "deepzoom", "zoomify", "iiif2", "iiif3" */
    iiif_dims_t full; /**< 0,0: not known */
    apr_uint64_t tiles, wrong;   /**< looked at, and of these not right */
    apr_uint64_t sparse;         /**< tiles that have no bytes and stand for zeros */
    const char *reason;          /**< what is wrong; NULL: nothing */
    const iiif_source_t *source; /**< of an image: its levels; else NULL */
} iiifctl_finding_t;

/**
 * Check an image file.
 * @param store directory that it is a pyramid in, if originals are looked at, absolute
 */
iiifctl_finding_t iiifctl_check_image(const char *path, const char *store,
                                      const iiifctl_check_t *check, apr_pool_t *pool);

/**
 * Check the tiles that @a path describes, all of them: .dzi, .js, ImageProperties.xml, info.json.
 * @param store as above
 */
iiifctl_finding_t iiifctl_check_tree(const char *path, const char *store,
                                     const iiifctl_check_t *check, apr_pool_t *pool);

/**
 * Read what describes tiles.
 * @param path one of which iiifctl_is_description() is true
 * @return APR_SUCCESS; why it cannot be read, or IIIF_EBADSOURCE
 */
apr_status_t iiifctl_description_read(iiif_description_t *description, const char *path,
                                      iiif_err_t *err, apr_pool_t *pool);

/** Is that the name of a description of tiles, by its end? */
int iiifctl_is_description(const char *path);

/**
 * The original of which @a path is the tiles, in a tile store.
 * @param query  filled with its name, path, stamp and size, on success
 * @param suffix behind the original's name in @a path
 * @return APR_SUCCESS; IIIF_ENOTFOUND: there is none; as iiif_source_open()
 */
apr_status_t iiifctl_original_find(iiif_stored_query_t *query, const char *path, const char *suffix,
                                   const char *store, const char *sources, iiif_err_t *err,
                                   apr_pool_t *pool);
#endif
