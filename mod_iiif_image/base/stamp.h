/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_BASE_STAMP_H
#define IIIF_BASE_STAMP_H
/**
 * @file stamp.h
 * @brief Which content of a file was meant: whoever replaces a file changes one of these.
 */
#include <apr_file_info.h>
#include <apr_time.h>
#include <sys/stat.h>

#include "base/hash.h"

typedef struct iiif_stamp_t {
    apr_time_t mtime; /**< of the content, microseconds; anybody may set it */
    apr_time_t ctime; /**< of any change; nobody can */
    apr_off_t size;   /**< bytes */
    apr_ino_t inode;
    apr_dev_t device;
} iiif_stamp_t;

/** What to ask of stat() for a stamp. */
#define IIIF_STAMP_WANTED                                                                          \
    (APR_FINFO_MTIME | APR_FINFO_CTIME | APR_FINFO_SIZE | APR_FINFO_IDENT | APR_FINFO_TYPE)

/** What stat() said of IIIF_STAMP_WANTED. */
static inline iiif_stamp_t iiif_stamp_of(const apr_finfo_t *finfo)
{
    return (iiif_stamp_t){ finfo->mtime, finfo->ctime, finfo->size, finfo->inode, finfo->device };
}

static inline int iiif_stamp_equal(const iiif_stamp_t *a, const iiif_stamp_t *b)
{
    return a->mtime == b->mtime && a->ctime == b->ctime && a->size == b->size
           && a->inode == b->inode && a->device == b->device;
}

/** The hash of what @a hash is of, and of @a stamp; not of the device, which hosts number apart. */
static inline apr_uint64_t iiif_stamp_hash(apr_uint64_t hash, const iiif_stamp_t *stamp)
{
    hash = iiif_hash(hash, &stamp->mtime, sizeof(stamp->mtime));
    hash = iiif_hash(hash, &stamp->ctime, sizeof(stamp->ctime));
    hash = iiif_hash(hash, &stamp->size, sizeof(stamp->size));
    return iiif_hash(hash, &stamp->inode, sizeof(stamp->inode));
}

static inline apr_time_t iiif_stamp_time(struct timespec t)
{
    return t.tv_sec * APR_USEC_PER_SEC + t.tv_nsec / 1000;
}

/** Is that what stat() itself says? A file that has lost its name, and its ctime with it, to
 * another is still the same. */
static inline int iiif_stamp_is(const iiif_stamp_t *stamp, const struct stat *now)
{
    const iiif_stamp_t other = { iiif_stamp_time(now->st_mtim),
                                 now->st_nlink ? iiif_stamp_time(now->st_ctim) : stamp->ctime,
                                 now->st_size, now->st_ino, now->st_dev };

    return iiif_stamp_equal(stamp, &other);
}

/**
 * Is @a time, of a file, longer ago than @a limit? A time in the future is that of a clock that
 * differs, as a file server's may, and is not; unless it is hours away, and means nothing.
 */
static inline int iiif_stamp_time_is_past(apr_time_t time, apr_time_t limit)
{
    apr_time_t age = apr_time_now() - time;

    return age > limit || age < -apr_time_from_sec(3600);
}

/**
 * May another content of the file have this very stamp? Some file systems tell time in whole
 * seconds (ext3, vfat, and NFS of such), so that what is written twice within one looks the same.
 * A ctime without a fraction is taken for one of theirs, until that second is over.
 */
static inline int iiif_stamp_may_repeat(const iiif_stamp_t *stamp)
{
    return stamp->ctime % APR_USEC_PER_SEC == 0
           && !iiif_stamp_time_is_past(stamp->ctime, apr_time_from_sec(2));
}
#endif
