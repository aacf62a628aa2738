/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/lease.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/range_lock.h"

#include "base/banned.h"

#define PLACES (~APR_UINT64_C(0) >> 2) /* off_t has a sign, and file systems an end */

/* One place in the lease file, or all of them. */
typedef struct range_t {
    const char *directory, *file;
    apr_off_t at, len;
} range_t;

/* Whoever may write to the directory may take leases there: else its second user could not. To its
 * owner root alone can give the file, to its group members, too. */
static void share(int fd, const char *directory)
{
    struct stat store;
    mode_t mode = S_IRUSR | S_IWUSR;
    int is_given;

    if (stat(directory, &store))
        return;
    is_given = !fchown(fd, store.st_uid, store.st_gid) || !fchown(fd, (uid_t)-1, store.st_gid);
    if (store.st_mode & S_IWOTH)
        mode |= S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH;
    else if (store.st_mode & S_IWGRP && is_given)
        mode |= S_IRGRP | S_IWGRP;
    fchmod(fd, mode);
}

/* A mode is given to what is new alone, and links are not followed: nobody who may write there has
 * that of another file changed, or another file made. */
static int open_file(const range_t *range)
{
    const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
    int fd;

    do {
        fd = open(range->file, flags);
        if (fd < 0 && errno == ENOENT) {
            fd = open(range->file, flags | O_CREAT | O_EXCL, 0666);
            if (fd >= 0)
                share(fd, range->directory);
        }
    } while (fd < 0 && errno == EEXIST); /* another was faster */
    return fd;
}

static apr_status_t take(iiifctl_lease_t *lease, const range_t *range, int wait, iiif_err_t *err)
{
    apr_status_t rv;

    lease->fd = open_file(range);
    if (lease->fd < 0)
        return iiif_fail(err, APR_FROM_OS_ERROR(errno), "cannot open %s: %s", range->file,
                         strerror(errno));
    rv = iiif_range_lock(lease->fd, range->at, range->len, wait);
    if (rv == APR_SUCCESS)
        return APR_SUCCESS;
    iiifctl_lease_drop(lease);
    if (rv == APR_EBUSY)
        return iiif_fail(err, APR_EAGAIN, "another process makes it");
    return iiif_fail(err, rv, "cannot lock %s", range->file);
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
    const range_t place = { directory, lease_file(directory, pool), (apr_off_t)(hash & PLACES), 1 };

    return take(lease, &place, wait, err);
}

apr_status_t iiifctl_lease_take_all(iiifctl_lease_t *lease, const char *directory, iiif_err_t *err,
                                    apr_pool_t *pool)
{
    const range_t all = { directory, lease_file(directory, pool), 0, 0 };

    return take(lease, &all, 0, err);
}

void iiifctl_lease_drop(iiifctl_lease_t *lease)
{
    if (lease->fd >= 0)
        close(lease->fd);
    lease->fd = -1;
}
