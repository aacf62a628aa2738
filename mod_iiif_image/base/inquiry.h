/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_BASE_INQUIRY_H
#define IIIF_BASE_INQUIRY_H
/**
 * @file inquiry.h
 * @brief Questions to somebody who may never answer. A few threads ask; whoever wants to know waits
 * as long as it can afford, and may leave. The same question is asked once at a time. After a
 * failure nobody asks for a moment, then one does, to see.
 */
#include <apr_pools.h>
#include <apr_time.h>

#include "base/err.h"

#define IIIF_INQUIRY_THREADS 4
#define IIIF_INQUIRY_PAUSE   apr_time_from_sec(1) /**< after a failure */

typedef struct iiif_inquiries_t iiif_inquiries_t;

/** What was found out, as bytes. */
typedef struct iiif_finding_t {
    const unsigned char *bytes;
    apr_size_t len;
    const char *from; /**< where; a literal */
} iiif_finding_t;

/** One question. */
typedef struct iiif_inquiry_t {
    const unsigned char *key; /**< the same for the same question */
    apr_size_t key_len;
    /**
     * Asks; called in a thread of the inquiries.
     * @param finding in @a pool, which is the inquiry's own
     * @return APR_SUCCESS, or a status that counts as a failure
     */
    apr_status_t (*ask)(iiif_finding_t *finding, void *baton, iiif_err_t *err, apr_pool_t *pool);
    void *baton;      /**< for @a ask; in @a pool */
    apr_pool_t *pool; /**< of its own, from iiif_lru_pool(): is given away, and holds all of this */
} iiif_inquiry_t;

/**
 * @param pool lives until iiif_inquiries_end() has returned true; threads are made when they are
 * needed
 */
apr_status_t iiif_inquiries_create(iiif_inquiries_t **inquiries, apr_pool_t *pool);

/**
 * Ask, or wait with those who have asked already. Safe to call from any thread.
 * @param finding  filled on success; a copy in @a pool
 * @param patience how long to wait
 * @return APR_SUCCESS; APR_EAGAIN: it was not asked, as it failed a moment ago, or as all threads
 *         still wait; APR_TIMEUP: no answer in time; what @a ask has returned
 */
apr_status_t iiif_inquire(iiif_finding_t *finding, iiif_inquiries_t *inquiries,
                          const iiif_inquiry_t *inquiry, apr_interval_time_t patience,
                          iiif_err_t *err, apr_pool_t *pool);

/** Was the last question answered, and does no thread wait for one that nobody has patience for? */
int iiif_inquiries_are_well(iiif_inquiries_t *inquiries);

/**
 * Ask no more, and end the threads.
 * @param patience how long to wait for one that asks
 * @return false: it still does, so that nothing it uses may be destroyed
 */
int iiif_inquiries_end(iiif_inquiries_t *inquiries, apr_interval_time_t patience);
#endif
