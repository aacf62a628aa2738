/* SPDX-License-Identifier: Apache-2.0 */
#include "store/lease.h"

#include <apr_strings.h>
#include <unistd.h>

#include "base/range_lock.h"

#include "base/banned.h"

#define OFFSET_MASK (((apr_uint64_t)1 << 62) - 1) /* a file's length is a signed 64-bit number */

struct iiif_lease_t {
    int fd;
    apr_off_t at;
    apr_pool_t *pool;
};

static apr_status_t close_lease(void *data)
{
    const iiif_lease_t *lease = data;

    close(lease->fd);
    return APR_SUCCESS;
}

apr_status_t iiif_lease_open(iiif_lease_t **lease, const char *directory, apr_uint64_t hash,
                             apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, directory, "/leases", NULL);
    iiif_lease_t *made = apr_palloc(pool, sizeof(*made));

    made->at = (apr_off_t)(hash & OFFSET_MASK);
    made->pool = pool;
    made->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (made->fd < 0)
        return errno;
    apr_pool_cleanup_register(pool, made, close_lease, apr_pool_cleanup_null);
    *lease = made;
    return APR_SUCCESS;
}

apr_status_t iiif_lease_take(iiif_lease_t *lease)
{
    return iiif_range_lock(lease->fd, lease->at, 1, 0);
}

apr_status_t iiif_lease_succeed(iiif_lease_t *lease)
{
    return iiif_range_lock(lease->fd, lease->at + 1, 1, 0);
}

void iiif_lease_release(iiif_lease_t *lease)
{
    apr_pool_cleanup_run(lease->pool, lease, close_lease);
}
