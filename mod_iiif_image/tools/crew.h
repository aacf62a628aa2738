/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TOOLS_CREW_H
#define IIIF_TOOLS_CREW_H
/**
 * @file crew.h
 * @brief Several processes that work off a list of files.
 *
 * Processes, not threads: an image that crashes a decoder takes one of them along, with its file's
 * name known. They are forked by a process that never starts libvips, whose threads do not survive
 * that. They end with the process that leads them, however it ends.
 */
#include <apr_time.h>

#include "tools/sources.h"

typedef enum {
    IIIFCTL_MADE,
    IIIFCTL_KEPT,      /**< current already */
    IIIFCTL_ELSEWHERE, /**< another process makes it just now */
    IIIFCTL_BROKEN,
    IIIFCTL_OUTCOMES /**< how many */
} iiifctl_outcome_e;

/** What became of one file. */
typedef struct iiifctl_report_t {
    iiifctl_outcome_e outcome;
    iiif_err_t err; /**< of BROKEN: why */
} iiifctl_report_t;

typedef struct iiifctl_crew_t {
    int size;   /**< processes */
    int strict; /**< begin nothing more after one is BROKEN */
    iiifctl_sources_t *sources;
    void *baton; /**< for the functions: */
    /** In a worker, once, before anything else. */
    apr_status_t (*begin)(void *baton, iiif_err_t *err);
    /** In a worker. @param wait where another makes it: wait until it is done or dead */
    void (*work)(iiifctl_report_t *report, void *baton, const iiifctl_file_t *file, int wait,
                 apr_pool_t *pool);
    /** In the leader: its worker is dead; remove what it has left. @param since when it got the
     *  file. @param err why it died, where that is told: may be bettered; else NULL */
    void (*tidy)(void *baton, const iiifctl_file_t *file, apr_time_t since, iiif_err_t *err,
                 apr_pool_t *pool);
    /** In the leader: one file is done with. */
    void (*done)(void *baton, const iiifctl_file_t *file, const iiifctl_report_t *report);
} iiifctl_crew_t;

/**
 * Work everything off. Files that others make are tried again at the end, waiting.
 * @return 0; else the signal that ended it (SIGINT, SIGTERM or SIGHUP): the workers are gone, and
 *         what they had begun is removed
 */
int iiifctl_crew_run(const iiifctl_crew_t *crew, apr_pool_t *pool);
#endif
