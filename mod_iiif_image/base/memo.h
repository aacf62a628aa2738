/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_BASE_MEMO_H
#define IIIF_BASE_MEMO_H
/**
 * @file memo.h
 * @brief A bounded number of byte strings by key; the least recently used go first. What they mean,
 * and how long, is the caller's affair. Safe to call from any thread.
 */
#include <apr_pools.h>

typedef struct iiif_memo_t iiif_memo_t;

#define IIIF_MEMO_KEY 20 /**< bytes of a key: a SHA-1 */

/**
 * @param max  number of strings; 0: none is kept
 * @param pool the memo lives as long
 */
apr_status_t iiif_memo_create(iiif_memo_t **memo, unsigned max, apr_pool_t *pool);

/** A copy of what was put under @a key, in @a pool; NULL: nothing. */
const unsigned char *iiif_memo_get(apr_size_t *len, iiif_memo_t *memo, const unsigned char *key,
                                   apr_pool_t *pool);

/** Keep a copy, instead of what there is. When memory is short, nothing is kept. */
void iiif_memo_put(iiif_memo_t *memo, const unsigned char *key, const unsigned char *bytes,
                   apr_size_t len);
#endif
