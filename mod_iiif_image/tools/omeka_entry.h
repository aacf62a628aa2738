/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TOOLS_OMEKA_ENTRY_H
#define IIIF_TOOLS_OMEKA_ENTRY_H
/**
 * @file omeka_entry.h
 * @brief The JSON in media.data: what Image Server notes there of tiles and of sizes in pixels.
 *
 *     {"dimensions": {"original": {"width", "height"}, "large", "medium", "square"},
 *      "tile": {TYPE: {"tile_type", "metadata_path", "media_path", "url_base", "path_base",
 *                      "url_query", "size", "overlap", "total", "source": {"width", "height"},
 *                      "format"}}}
 *
 * Omeka's renderer takes the first TYPE. All else in the object is others', and is kept.
 */
#include <apr_pools.h>
#include <cjson/cJSON.h>

#include "base/err.h"
#include "iiif/types.h"

/** The tiles of one type. */
typedef struct iiifctl_entry_t {
    const char *type;     /**< "deepzoom", "zoomify", "jpeg2000" or "tiled_tiff" */
    const char *metadata; /**< path of what describes them; NULL: nothing does */
    const char *media;    /**< path of their directory, or of the one file; both below: */
    const char *path_base, *url_base; /**< the directory of tiles, absolute, and its URL */
    apr_uint32_t size, overlap;       /**< of tiles, in pixels */
    apr_uint64_t total;               /**< how many tiles; 0: it is not said */
    iiif_dims_t source;               /**< of the image */
    const char *format;               /**< of tiles, as their extension */
} iiifctl_entry_t;

/** Note an entry in @a tiles, an object of them by type, unless there is one of its type. */
void iiifctl_entry_add(cJSON *tiles, const iiifctl_entry_t *entry);

/** Note the size of one image in @a dimensions, an object: "original", "large" and so on. */
void iiifctl_entry_add_size(cJSON *dimensions, const char *name, iiif_dims_t size);

/** What is known of one media. Borrowed for the call. */
typedef struct iiifctl_entries_t {
    const cJSON *tiles;      /**< all tiles that there are, by type */
    const cJSON *dimensions; /**< sizes that fill in for those that are missing; NULL: none do */
} iiifctl_entries_t;

/**
 * Bring media.data up to date: `tile` holds what there is, types that are new first, the others in
 * the order they had; `dimensions` gains what it does not have.
 * @param updated set on success, in @a pool; NULL: @a data says all that already
 * @param data    as it is in the database; NULL: nothing
 * @return APR_SUCCESS; APR_EINVAL: it is no object that could be written again without a loss
 */
apr_status_t iiifctl_entries_merge(const char **updated, const char *data,
                                   const iiifctl_entries_t *entries, iiif_err_t *err,
                                   apr_pool_t *pool);
#endif
