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
 */
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

/** Is @a record, a file of that directory, of no use: is its source gone, or another by now, or is
 *  it no such file? */
int iiifctl_failure_is_over(const char *record, apr_pool_t *pool);
#endif
