/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TOOLS_CLEAN_H
#define IIIF_TOOLS_CLEAN_H
/**
 * @file clean.h
 * @brief What `iiifctl clean` was told, and what it has removed.
 */
#include <apr_pools.h>

#include "base/err.h"

typedef struct iiifctl_clean_t {
    const char *store;   /**< absolute */
    const char *sources; /**< root of the originals, absolute; NULL: they are not looked at */
    int dry;             /**< nothing is removed */
    int json;
    apr_int64_t kept, removed, bytes; /**< sets of tiles, and bytes of what is removed */
    int failed;                       /**< could not be removed */
    int busy;                         /**< being made: left for the next time */
    apr_pool_t *pool;
} iiifctl_clean_t;

/** Say what has been removed, or would be, and count it. */
void iiifctl_clean_tell(iiifctl_clean_t *clean, const char *path, const char *reason,
                        apr_int64_t bytes);

/** Say what could not be removed. */
void iiifctl_clean_failed(iiifctl_clean_t *clean, const char *path, const iiif_err_t *err);

/** Clean a tile store: of what killed runs left, of tiles whose original is gone or another one,
 *  and of directories that are empty. */
void iiifctl_clean_tiles(iiifctl_clean_t *clean);
#endif
