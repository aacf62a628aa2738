/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/lease.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/banned.h"

#define PLACES (~APR_UINT64_C(0) >> 2) /* off_t has a sign, and file systems an end */

/* Locks of an open file, not of the process: another descriptor of the lease file, closed, would
 * drop those of the process. */
#ifdef F_OFD_SETLK
#define SETLK  F_OFD_SETLK
#define SETLKW F_OFD_SETLKW
#else
#define SETLK  F_SETLK
#define SETLKW F_SETLKW
#endif

apr_uint64_t iiifctl_lease_hash(const char *name)
{
    apr_uint64_t hash = APR_UINT64_C(0xcbf29ce484222325);

    for (; *name; ++name)
        hash = (hash ^ (unsigned char)*name) * APR_UINT64_C(0x100000001b3);
    return hash;
}

static apr_status_t take(iiifctl_lease_t *lease, const char *directory, struct flock *range,
                         int wait, iiif_err_t *err, apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, directory, "/.iiifctl-lease", NULL);
    int failed;

    lease->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lease->fd < 0)
        return iiif_fail(err, APR_FROM_OS_ERROR(errno), "cannot open %s", path);
    do
        failed = fcntl(lease->fd, wait ? SETLKW : SETLK, range) ? errno : 0;
    while (failed == EINTR);
    if (!failed)
        return APR_SUCCESS;
    iiifctl_lease_drop(lease);
    if (failed == EAGAIN || failed == EACCES)
        return iiif_fail(err, APR_EAGAIN, "another process makes it");
    return iiif_fail(err, APR_FROM_OS_ERROR(failed), "cannot lock %s", path);
}

apr_status_t iiifctl_lease_take(iiifctl_lease_t *lease, const char *directory, const char *name,
                                int wait, iiif_err_t *err, apr_pool_t *pool)
{
    struct flock place = { .l_type = F_WRLCK,
                           .l_whence = SEEK_SET,
                           .l_start = (off_t)(iiifctl_lease_hash(name) & PLACES),
                           .l_len = 1 };

    return take(lease, directory, &place, wait, err, pool);
}

apr_status_t iiifctl_lease_take_all(iiifctl_lease_t *lease, const char *directory, iiif_err_t *err,
                                    apr_pool_t *pool)
{
    struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET }; /* from 0 to any end */

    return take(lease, directory, &all, 0, err, pool);
}

void iiifctl_lease_drop(iiifctl_lease_t *lease)
{
    if (lease->fd >= 0)
        close(lease->fd);
    lease->fd = -1;
}
