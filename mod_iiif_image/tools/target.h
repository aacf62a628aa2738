/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TOOLS_TARGET_H
#define IIIF_TOOLS_TARGET_H
/**
 * @file target.h
 * @brief Where the tiles of one source go in a tile store: what is there already, and how new ones
 * take their place whole.
 *
 * They are made as "tiles" in a directory of its own beside their place, `.iiifctl-HASH`, and
 * renamed. A tree's description comes last and goes first, so that a server never finds it without
 * its tiles. The directory's name follows from the target's, so the next maker finds what a killed
 * one has left.
 */
#include <apr_pools.h>

#include "image/pyramid.h"
#include "store/tile_store.h"

/** A format of tiles. */
typedef struct iiifctl_format_t {
    const char *name; /**< of --format */
    iiif_pyramid_e pyramid;
    iiif_stored_kind_e kind;
    iiif_version_e version;  /**< of a IIIF tree */
    const char *made[3];     /**< names beside "tiles" that are made, description last; then NULL */
    const char *placed[2];   /**< what they are called behind the source's name */
    const char *description; /**< behind the source's name: what a store looks for */
    apr_uint32_t tile;       /**< pixels, unless told otherwise */
    int quality;             /**< likewise, 1 to 100 */
} iiifctl_format_t;

/** The format called @a name, or NULL. */
const iiifctl_format_t *iiifctl_format_by_name(const char *name);

/** The names of all, for messages. */
#define IIIFCTL_FORMAT_NAMES "tiff, deepzoom, zoomify, jp2, iiif3, iiif2"

typedef struct iiifctl_target_t {
    const iiifctl_format_t *format;
    const char *store;     /**< the directory of `IIIFTileStore`, absolute */
    const char *name;      /**< of the source, below its root, with extension */
    const char *base;      /**< store/name */
    const char *result;    /**< the path that is told: file or directory */
    const char *temporary; /**< directory in which it is made */
} iiifctl_target_t;

iiifctl_target_t iiifctl_target(const iiifctl_format_t *format, const char *store, const char *name,
                                apr_pool_t *pool);

typedef enum {
    IIIFCTL_ABSENT,  /**< nothing there */
    IIIFCTL_CURRENT, /**< tiles that the server uses for this source */
    IIIFCTL_STALE,   /**< tiles, but older than the source, of another size, or half of a tree */
    IIIFCTL_FOREIGN  /**< something else is in the way */
} iiifctl_state_e;

/**
 * What is there. As the tile store decides it, and for a pyramid as its reader.
 * @param reason why it is not current; may be NULL
 */
iiifctl_state_e iiifctl_target_state(const iiifctl_target_t *target, const iiif_source_t *source,
                                     iiif_err_t *reason, apr_pool_t *pool);

/** Is it the source that lies in its place? That is never replaced. */
int iiifctl_target_is_source(const iiifctl_target_t *target, const iiif_source_t *source,
                             apr_pool_t *pool);

/** Make the temporary directory, empty, and those above it. */
apr_status_t iiifctl_target_begin(const iiifctl_target_t *target, iiif_err_t *err,
                                  apr_pool_t *pool);

/** Are the tiles in the temporary directory all there, as a server would read them, and not older
 *  than the source? @return APR_SUCCESS; IIIF_EBADSOURCE: what is wrong */
apr_status_t iiifctl_target_verify(const iiifctl_target_t *target, const iiif_source_t *source,
                                   iiif_err_t *err, apr_pool_t *pool);

/** Put what was made in its place. What was there goes with the temporary directory. */
apr_status_t iiifctl_target_commit(const iiifctl_target_t *target, iiif_err_t *err,
                                   apr_pool_t *pool);

/** Take what is in its place away: out of the way first, then away, so that whoever is killed
 *  meanwhile leaves litter and no half of it; for whoever holds the lease. */
apr_status_t iiifctl_target_remove(const iiifctl_target_t *target, iiif_err_t *err,
                                   apr_pool_t *pool);

/** Is the file system full, of bytes or of files, or does @a err say that it was? To be asked
 * before what was made is removed. */
int iiifctl_target_is_full(const iiifctl_target_t *target, const iiif_err_t *err);

/** Making it has failed: put before what a library said that the disk is full, if it is. To be
 * called before what was made is removed. */
void iiifctl_target_explain(const iiifctl_target_t *target, iiif_err_t *err);

/** Put that before it, as it is known. */
void iiifctl_target_explain_full(iiif_err_t *err);

/** Is there a temporary directory: somebody makes it now, or was killed? */
int iiifctl_target_has_rest(const iiifctl_target_t *target);

/** Remove the temporary directory and all in it; for whoever holds the lease. */
void iiifctl_target_end(const iiifctl_target_t *target, apr_pool_t *pool);
#endif
