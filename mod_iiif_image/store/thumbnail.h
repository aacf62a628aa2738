/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_STORE_THUMBNAIL_H
#define IIIF_STORE_THUMBNAIL_H
/**
 * @file thumbnail.h
 * @brief Whole images made smaller beforehand, in the directories of `IIIFThumbnails`: one file for
 * each source, `NAME.jpg`, with NAME as in a tile store.
 */
#include "store/tile_store.h"

typedef struct iiif_thumbnail_t {
    const char *path;
    apr_finfo_t finfo;
} iiif_thumbnail_t;

/**
 * The thumbnail of a source in one directory, if it is the whole image at exactly @a size. Its own
 * header is read; nothing is remembered.
 * @param thumbnail filled on success, and in part with IIIF_EBADSOURCE; in @a pool
 * @param query     its directory is one of `IIIFThumbnails`
 * @return APR_SUCCESS; IIIF_ENOTFOUND: there is none, or of another size, or it is being written;
 *         IIIF_EBADSOURCE: there is one that is none of this image
 */
apr_status_t iiif_thumbnail_find(iiif_thumbnail_t *thumbnail, const iiif_stored_query_t *query,
                                 iiif_dims_t size, iiif_err_t *err, apr_pool_t *pool);
#endif
