/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_STORE_EVICTOR_H
#define IIIF_STORE_EVICTOR_H
/**
 * @file evictor.h
 * @brief Evicts in the background: a thread of a process, which is there while there is something
 * to do. No request waits for it.
 */
#include <apr_pools.h>

#include "base/err.h"

/** Of one process; any thread may use it. */
typedef struct iiif_evictor_t iiif_evictor_t;

/** Make one. When @a pool goes, what runs is told to stop, and waited for. */
apr_status_t iiif_evictor_create(iiif_evictor_t **evictor, apr_pool_t *pool);

/**
 * Evict in @a directory (iiif_bound_evict()), unless the thread is at work already, or failed less
 * than ten seconds ago.
 * @param directory borrowed as long as @a evictor lives
 * @param err a sentence, on failure
 * @return APR_SUCCESS; or why it failed when it was last at work, which is said once, or why it
 *         cannot be started
 */
apr_status_t iiif_evictor_start(iiif_evictor_t *evictor, const char *directory, apr_int64_t bound,
                                iiif_err_t *err);
#endif
