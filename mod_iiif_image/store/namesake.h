/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_STORE_NAMESAKE_H
#define IIIF_STORE_NAMESAKE_H
/**
 * @file namesake.h
 * @brief What is called by the name of a source without its extension may be of another source.
 */
#include <apr_pools.h>

/** @a path, which has a slash, without the extension of its last segment, in @a pool; NULL: it has
 *  none. */
const char *iiif_without_extension(const char *path, apr_pool_t *pool);

/** Is @a name the end of the source's own @a path? Else somebody gave it who knows, and what looks
 *  like an extension is none. */
int iiif_is_own_name(const char *name, const char *path);

/**
 * Does another image beside the source at @a path have its name but for the extension, or that name
 * itself? Then what is called by the name alone may be of either, and whoever may see the one may
 * not see the other.
 */
int iiif_has_namesake(const char *path, apr_pool_t *pool);
#endif
