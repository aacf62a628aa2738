/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TOOLS_FAILURES_H
#define IIIF_TOOLS_FAILURES_H
/**
 * @file failures.h
 * @brief Sources that could not be tiled, remembered so that they are not tried again before they
 * change: for --once.
 *
 * A file for each target in `.iiifctl-failed` of the tile store: a JSON object of the path of the
 * source, a hash of its stamp, and why it failed. Whoever finds none, or cannot read it, tries.
 * Links are not followed: what others have put there leads nowhere.
 */
#include <apr_tables.h>

#include "tools/target.h"

/** In a tile store. */
#define IIIFCTL_FAILED_DIRECTORY ".iiifctl-failed"

/**
 * Has this very content of @a path failed?
 * @param reason why; untouched if not
 */
int iiifctl_failure_is_known(const iiifctl_target_t *target, const char *path, iiif_err_t *reason,
                             apr_pool_t *pool);

/** Remember that @a path failed. What was changed after @a since, when it was begun with, may not
 *  be what failed, and is not remembered; nor is what cannot be written. */
void iiifctl_failure_note(const iiifctl_target_t *target, const char *path, apr_time_t since,
                          const iiif_err_t *reason, apr_pool_t *pool);

/** There are tiles now: remove what is remembered of @a target. */
void iiifctl_failure_forget(const iiifctl_target_t *target, apr_pool_t *pool);

/** What is remembered in @a store of sources that are gone, or others by now, and what somebody
 *  was killed in writing. @return of const char *, names below the directory; in @a pool */
apr_array_header_t *iiifctl_failures_over(const char *store, apr_pool_t *pool);

/** Remove one of them. The directory goes with the last one. @return APR_SUCCESS, or why not */
apr_status_t iiifctl_failure_remove(const char *store, const char *name, iiif_err_t *err,
                                    apr_pool_t *pool);
#endif
