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

typedef struct iiif_stamp_t {
    apr_time_t mtime; /**< microseconds */
    apr_off_t size;   /**< bytes */
    apr_ino_t inode;
    apr_dev_t device;
} iiif_stamp_t;

/** What to ask of stat() for a stamp. */
#define IIIF_STAMP_WANTED (APR_FINFO_MTIME | APR_FINFO_SIZE | APR_FINFO_IDENT | APR_FINFO_TYPE)

/** What stat() said of IIIF_STAMP_WANTED. */
static inline iiif_stamp_t iiif_stamp_of(const apr_finfo_t *finfo)
{
    return (iiif_stamp_t){ finfo->mtime, finfo->size, finfo->inode, finfo->device };
}

/** The time of last modification, as apr_stat() gives it. */
static inline apr_time_t iiif_stamp_time(const struct stat *now)
{
    return now->st_mtim.tv_sec * APR_USEC_PER_SEC + now->st_mtim.tv_nsec / 1000;
}

/**
 * Was the file last written to longer ago than @a limit? A time in the future is that of a clock
 * that differs, as a file server's may, and no; unless it is hours away, and means nothing.
 */
static inline int iiif_stamp_is_older(const iiif_stamp_t *stamp, apr_time_t limit)
{
    apr_time_t age = apr_time_now() - stamp->mtime;

    return age > limit || age < -apr_time_from_sec(3600);
}

static inline int iiif_stamp_equal(const iiif_stamp_t *a, const iiif_stamp_t *b)
{
    return a->mtime == b->mtime && a->size == b->size && a->inode == b->inode
           && a->device == b->device;
}
#endif
