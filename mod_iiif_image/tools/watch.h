/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TOOLS_WATCH_H
#define IIIF_TOOLS_WATCH_H
/**
 * @file watch.h
 * @brief Directories that are watched: first all images below them, then whatever is written or
 * moved there.
 *
 * A file is taken when its writer has closed it, and nothing more has happened to it for a second.
 * inotify sees what this host does; changes by others of a network file system it does not.
 */
#include "tools/sources.h"

typedef struct iiifctl_watch_t iiifctl_watch_t;

/**
 * Begin to watch.
 * @param watch       set on success; lives as long as @a pool
 * @param directories of const char *, absolute; borrowed
 * @return APR_SUCCESS; APR_ENOTDIR: one of them is none; what inotify says
 */
apr_status_t iiifctl_watch_open(iiifctl_watch_t **watch, const apr_array_header_t *directories,
                                iiif_err_t *err, apr_pool_t *pool);

/** Let it feed @a sources. */
void iiifctl_watch_feed(iiifctl_watch_t *watch, iiifctl_sources_t *sources);

/** Has it missed anything? A directory that could not be watched, or none that is left. */
int iiifctl_watch_failed(const iiifctl_watch_t *watch);
#endif
