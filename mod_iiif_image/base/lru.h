/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_BASE_LRU_H
#define IIIF_BASE_LRU_H
/**
 * @file lru.h
 * @brief What a process remembers of files: values by name, each true of one content of a file,
 * bounded in bytes and open files; the least recently used go first. Safe to call from any thread.
 */
#include <apr_pools.h>

#include "base/stamp.h"

typedef struct iiif_lru_t iiif_lru_t;

/**
 * @param max_bytes sum of what iiif_lru_put() is told
 * @param max_files number of open files that values may hold
 * @param pool      the lru lives as long; values still held are destroyed with it
 */
apr_status_t iiif_lru_create(iiif_lru_t **lru, apr_size_t max_bytes, unsigned max_files,
                             apr_pool_t *pool);

/**
 * The value of @a name, if it is of the content that @a stamp names; one of another content is
 * forgotten.
 * @param pool holds the value: it is not destroyed before @a pool is cleared
 * @return the value, shared and read-only; NULL when there is none
 */
const void *iiif_lru_get(iiif_lru_t *lru, const char *name, const iiif_stamp_t *stamp,
                         apr_pool_t *pool);

/** A value to be remembered. */
typedef struct iiif_lru_value_t {
    const void *value;
    apr_size_t bytes;  /**< its weight */
    unsigned files;    /**< open files it holds */
    apr_pool_t *owner; /**< a pool of its own, made by iiif_lru_pool(); destroyed with the value */
} iiif_lru_value_t;

#define IIIF_LRU_POOL_BYTES 8192 /**< the least that a pool takes */

/** A pool for one value, used by one thread until it is put; apr_pool_destroy() it when the value
 *  cannot be made. NULL: memory is short. */
apr_pool_t *iiif_lru_pool(void);

/**
 * Remember @a value, and hold it for @a pool. One that is there already is replaced; who holds it,
 * keeps it. One heavier than the whole lru is held for @a pool alone.
 */
void iiif_lru_put(iiif_lru_t *lru, const char *name, const iiif_stamp_t *stamp,
                  const iiif_lru_value_t *value, apr_pool_t *pool);

/** Sums of bytes and open files of what is remembered now. */
void iiif_lru_usage(iiif_lru_t *lru, apr_size_t *bytes, unsigned *files);
#endif
