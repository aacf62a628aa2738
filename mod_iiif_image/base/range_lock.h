/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_BASE_RANGE_LOCK_H
#define IIIF_BASE_RANGE_LOCK_H
/**
 * @file range_lock.h
 * @brief Locks on bytes of a file, which need not have as many: of the open file
 * description, so between threads as between processes and, on NFS, hosts. The kernel releases them
 * when the description is closed, however its process ends.
 */
#include <apr_errno.h>
#include <errno.h>
#include <fcntl.h>

/**
 * Lock @a len bytes from @a at on of @a fd, which is open for writing, against all other
 * descriptions.
 * @param len  0: to any end
 * @param wait until they are free; 0: not
 * @return APR_SUCCESS; APR_EBUSY: another has one, and @a wait is 0; or why they cannot be locked
 */
static inline apr_status_t iiif_range_lock(int fd, apr_off_t at, apr_off_t len, int wait)
{
    struct flock range = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = len };
    int failed;

    do
        failed = fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &range);
    while (failed && errno == EINTR);
    if (!failed)
        return APR_SUCCESS;
    return !wait && (errno == EAGAIN || errno == EACCES) ? APR_EBUSY : errno;
}
#endif
