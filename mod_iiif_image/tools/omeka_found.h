/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TOOLS_OMEKA_FOUND_H
#define IIIF_TOOLS_OMEKA_FOUND_H
/**
 * @file omeka_found.h
 * @brief What lies on disk for one media: tiles in the layouts of Image Server, and sizes.
 */
#include "tools/omeka.h"

/** Name of the type of `media.data.tile` for the tiles that @a path, below the directory of tiles,
 *  describes or is, and how long the storage id before it is. @return NULL: it is none such */
const char *iiifctl_omeka_type_of(apr_size_t *length, const char *path);

/**
 * The tiles of a media that can be read, as an object of entries by type; the caller deletes it.
 * @param url_base of the directory of tiles
 */
cJSON *iiifctl_omeka_tiles(const iiifctl_omeka_t *omeka, const iiifctl_media_t *media,
                           const char *url_base, apr_pool_t *pool);

/** The sizes of a media's original and thumbnails, those that can be read; the caller deletes it.
 */
cJSON *iiifctl_omeka_dimensions(const iiifctl_omeka_t *omeka, const iiifctl_media_t *media,
                                apr_pool_t *pool);
#endif
