/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/lease.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/range_lock.h"

#include "base/banned.h"

#define PLACES (~APR_UINT64_C(0) >> 2) /* off_t has a sign, and file systems an end */

/* One place, or all of them. */
typedef struct range_t {
    apr_off_t at, len;
} range_t;

static apr_status_t take(iiifctl_lease_t *lease, const char *path, range_t range, int wait,
                         iiif_err_t *err)
{
    apr_status_t rv;

    lease->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lease->fd < 0)
        return iiif_fail(err, APR_FROM_OS_ERROR(errno), "cannot open %s: %s", path,
                         strerror(errno));
    rv = iiif_range_lock(lease->fd, range.at, range.len, wait);
    if (rv == APR_SUCCESS)
        return APR_SUCCESS;
    iiifctl_lease_drop(lease);
    if (rv == APR_EBUSY)
        return iiif_fail(err, APR_EAGAIN, "another process makes it");
    return iiif_fail(err, rv, "cannot lock %s", path);
}

static const char *lease_file(const char *directory, apr_pool_t *pool)
{
    return apr_pstrcat(pool, directory, "/" IIIFCTL_LEASE_FILE, NULL);
}

/* Hosts may have mounted it in different places, and people use links. */
static const char *name_below(const char *path, const char *directory)
{
    const apr_size_t len = strlen(directory);

    return !strncmp(path, directory, len) && path[len] == '/' ? path + len + 1 : path;
}

apr_status_t iiifctl_lease_take(iiifctl_lease_t *lease, const char *directory, const char *path,
                                int wait, iiif_err_t *err, apr_pool_t *pool)
{
    const apr_uint64_t hash = iiif_hash_text(IIIF_HASH_EMPTY, name_below(path, directory));
    const range_t place = { (apr_off_t)(hash & PLACES), 1 };

    return take(lease, lease_file(directory, pool), place, wait, err);
}

apr_status_t iiifctl_lease_take_all(iiifctl_lease_t *lease, const char *directory, iiif_err_t *err,
                                    apr_pool_t *pool)
{
    return take(lease, lease_file(directory, pool), (range_t){ 0, 0 }, 0, err);
}

void iiifctl_lease_drop(iiifctl_lease_t *lease)
{
    if (lease->fd >= 0)
        close(lease->fd);
    lease->fd = -1;
}
