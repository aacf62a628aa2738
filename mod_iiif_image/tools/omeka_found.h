/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TOOLS_OMEKA_FOUND_H
#define IIIF_TOOLS_OMEKA_FOUND_H
/**
 * @file omeka_found.h
 * @brief What lies on disk for one media: tiles in the layouts of Image Server, and sizes.
 */
#include "iiif/types.h"
#include "tools/omeka.h"

/** The type of `media.data.tile` for the tiles that @a path, below the directory of tiles,
 *  describes or is. @param length of the storage id that it begins with. @return NULL: none */
const char *iiifctl_omeka_type_of(apr_size_t *length, const char *path);

/** What iiifctl calls the format of tiles of a type; NULL: it is no type of Image Server. */
const char *iiifctl_omeka_format_of(const char *type);

/** Is anything of the tiles of that type there? */
int iiifctl_omeka_has_tiles(const iiifctl_omeka_t *omeka, const char *storage_id, const char *type,
                            apr_pool_t *pool);

/** Size in pixels of the image whose tiles @a path, absolute, describes or is.
 *  @return APR_SUCCESS; IIIF_EBADSOURCE: it cannot be read, or is no such thing */
apr_status_t iiifctl_omeka_tiled_size(iiif_dims_t *size, const char *path, iiif_err_t *err,
                                      apr_pool_t *pool);

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
