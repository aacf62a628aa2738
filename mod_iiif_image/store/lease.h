/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_STORE_LEASE_H
#define IIIF_STORE_LEASE_H
/**
 * @file lease.h
 * @brief Who makes a derivative: one thread of all processes and hosts that share a store; the
 * others wait for it. A lease ends with its maker, however that ends; one who neither goes on nor
 * ends has it for good, and a successor beside it.
 *
 * A lock on one byte of `leases` in the store's directory, which stays empty; the byte is told by
 * the derivative's hash, and that of a successor is the next one.
 */
#include <apr_pools.h>

#include "base/err.h"

typedef struct iiif_lease_t iiif_lease_t;

/**
 * Open a lease, which nobody has by that.
 * @param hash 62 bits of it count; two derivatives of the same bits wait for each other
 * @param pool holds it, and releases it at the latest
 * @return APR_SUCCESS, or why not
 */
apr_status_t iiif_lease_open(iiif_lease_t **lease, const char *directory, apr_uint64_t hash,
                             apr_pool_t *pool);

/** Take it, without waiting. @return APR_SUCCESS; APR_EBUSY: another has it; or why not */
apr_status_t iiif_lease_take(iiif_lease_t *lease);

/** Take the place of a maker from which nothing came: one such at a time, while it still has the
 *  lease. @return as iiif_lease_take() */
apr_status_t iiif_lease_succeed(iiif_lease_t *lease);

/** Release it, if it was taken, and close it. */
void iiif_lease_release(iiif_lease_t *lease);
#endif
