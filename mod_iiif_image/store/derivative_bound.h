/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_STORE_DERIVATIVE_BOUND_H
#define IIIF_STORE_DERIVATIVE_BOUND_H
/**
 * @file derivative_bound.h
 * @brief How much a store of derivatives holds, and who goes when it is full; for all processes and
 * hosts that share its directory.
 *
 * `usage`, 40 bytes: "iiif-derivatives 1 ", the bytes in twenty digits, a newline; byte 0 is locked
 * for a change of it, byte 1 while somebody evicts. What is about to be written is added before it
 * is, so whoever is killed in between has counted too much; each eviction counts anew. Files and
 * directories count in whole blocks of 4 KiB, about as `du` counts them.
 */
#include <apr.h>
#include <apr_time.h>

#include "base/err.h"

/** What a file of @a size bytes takes of the bound; a directory takes IIIF_BOUND_BLOCK. */
apr_int64_t iiif_bound_cost(apr_int64_t size);

#define IIIF_BOUND_BLOCK 4096

/**
 * Take @a cost bytes of @a bound, before they are written.
 * @param evict set to 1 when the store has come to its bound, or it is not known how much it holds
 * @return APR_SUCCESS: write; IIIF_EFULL: more than 4 % of the bound, or the store would be 4 %
 *         beyond it, or it must be counted first; or why `usage` cannot be used
 */
apr_status_t iiif_bound_take(int *evict, const char *directory, apr_int64_t bound,
                             apr_int64_t cost);

/**
 * Correct what is held by @a change.
 * @param total what it is now; untouched on failure
 * @return APR_SUCCESS; APR_EINCOMPLETE: it is not known; or why `usage` cannot be used
 */
apr_status_t iiif_bound_add(apr_int64_t *total, const char *directory, apr_int64_t change);

/**
 * Count what is there, and remove what was not used for the longest time until 95 % of the bound
 * are left; also temporary files older than an hour, and directories that are empty. Who is
 * evicting already is left to it. Memory does not grow with the store: of files whose last use was
 * equally long ago, within 3 %, any may go first.
 * @param stop of any thread, atomic: not 0 ends it early
 * @return APR_SUCCESS, also when another is at it or @a stop was set; or why it did not do
 */
apr_status_t iiif_bound_evict(const char *directory, apr_int64_t bound, const int *stop,
                              iiif_err_t *err);

/** What a person wants to be gone. Borrowed for the call. */
typedef struct iiif_bound_order_t {
    apr_int64_t bound; /**< bytes that may be left; 0: any number */
    apr_time_t unused; /**< what was last used before that goes; 0: nothing for that reason */
    /** When the source was written of which @a segment is the escaped name: what is older is of
     *  another content, and goes. 0: not known; APR_INT64_MAX: there is no such source */
    apr_time_t (*source_time)(void *baton, const char *segment); /**< NULL: none is known */
    void *baton;
    int dry; /**< nothing is changed, only counted */
} iiif_bound_order_t;

/** What became of it, in derivatives and bytes of the bound; directories count in bytes alone. */
typedef struct iiif_bound_result_t {
    apr_int64_t files, bytes; /**< before */
    apr_int64_t removed_files, removed_bytes;
} iiif_bound_result_t;

/**
 * Remove what @a order says, and, as eviction does, what killed writers left and what is empty; and
 * correct the count. Waits for whoever evicts. Servers may go on meanwhile.
 * @param result filled on success
 */
apr_status_t iiif_bound_clean(iiif_bound_result_t *result, const char *directory,
                              const iiif_bound_order_t *order, iiif_err_t *err);

/** Is @a directory a store of derivatives: has its `usage` the head of one? */
int iiif_bound_is_store(const char *directory);
#endif
