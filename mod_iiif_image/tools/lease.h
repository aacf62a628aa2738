/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TOOLS_LEASE_H
#define IIIF_TOOLS_LEASE_H
/**
 * @file lease.h
 * @brief One maker at a time for each result, of all processes and hosts that share a directory.
 *
 * A lease is a lock on one byte of the file `.iiifctl-lease`, at a place that the name's hash says.
 * The kernel, or the file server, takes it back when its holder dies, so nothing has to be cleaned
 * up and nobody waits for the dead. The file belongs to who was first; it can be opened by all who
 * may write to the directory by its mode, as that was then. Needs a file system with locks: local
 * ones, NFS 4.
 */
#include <apr_pools.h>

#include "base/err.h"

/** By it, a directory that is a tile store is known. */
#define IIIFCTL_LEASE_FILE ".iiifctl-lease"

typedef struct iiifctl_lease_t {
    int fd;
} iiifctl_lease_t;

/**
 * Take the lease of @a path.
 * @param directory where the lease file is, made if need be; the same for all who may meet, by
 *                  whatever name they call it
 * @param path      what is to be made, below it
 * @param wait      0: do not; else until the holder is done, or dead
 * @return APR_SUCCESS; APR_EAGAIN: another has it; else the file cannot be made or locked
 */
apr_status_t iiifctl_lease_take(iiifctl_lease_t *lease, const char *directory, const char *path,
                                int wait, iiif_err_t *err, apr_pool_t *pool);

/**
 * Take all leases of @a directory at once: nobody makes anything there until it is dropped.
 * @return APR_SUCCESS; APR_EAGAIN: somebody has one; else as above
 */
apr_status_t iiifctl_lease_take_all(iiifctl_lease_t *lease, const char *directory, iiif_err_t *err,
                                    apr_pool_t *pool);

/** Give it back; nothing happens when it was not taken. */
void iiifctl_lease_drop(iiifctl_lease_t *lease);
#endif
