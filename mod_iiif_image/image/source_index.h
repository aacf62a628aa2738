/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_IMAGE_SOURCE_INDEX_H
#define IIIF_IMAGE_SOURCE_INDEX_H
/**
 * @file source_index.h
 * @brief The sources that a process knows: read once, found again by path as long as the file is
 * the same.
 */
#include "base/lru.h"
#include "image/source.h"

/** Which source. Borrowed for the call. */
typedef struct iiif_source_key_t {
    const char *path;
    unsigned page;      /**< from 1 */
    iiif_stamp_t stamp; /**< of the file, as the request found it */
} iiif_source_key_t;

/**
 * The source of @a key, from @a rules->index, or read now. A file that was written to within the
 * last seconds is not remembered: a later change might leave its stamp as it is.
 * @param source shared and read-only; held for @a pool. Its stamp is that of the file it was read
 *               from, which is newer than the key's when the file has just been replaced
 * @return as iiif_source_open()
 */
apr_status_t iiif_source_get(const iiif_source_t **source, const iiif_source_key_t *key,
                             const iiif_source_rules_t *rules, iiif_err_t *err, apr_pool_t *pool);
#endif
