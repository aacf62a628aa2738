/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TOOLS_OUTPUT_H
#define IIIF_TOOLS_OUTPUT_H
/**
 * @file output.h
 * @brief What iiifctl says: text for people, one JSON object a line for machines, and a bar on a
 * terminal.
 */
#include <apr_time.h>
#include <cjson/cJSON.h>
#include <stdio.h>

/** Print @a object on one line, and delete it. */
void iiifctl_print_json(cJSON *object);

/** Before a process ends: what could not be written to standard output was not said.
 *  @return @a code, or IIIFCTL_FAILED instead of IIIFCTL_OK */
int iiifctl_close_output(int code);

/** How far a run is. */
typedef struct iiifctl_progress_t {
    int shown;          /**< there is a terminal */
    int files, total;   /**< done, of; total 0: not known */
    apr_off_t bytes;    /**< of sources that are done, */
    apr_off_t expected; /**< of */
    apr_time_t began;
    apr_time_t drawn; /**< last */
} iiifctl_progress_t;

iiifctl_progress_t iiifctl_progress_begin(int wanted);

/** Draw the bar, at most ten times a second unless @a now. */
void iiifctl_progress_draw(iiifctl_progress_t *progress, int now);

/** Make room for a line. */
void iiifctl_progress_clear(const iiifctl_progress_t *progress);

/** The text of a bar, without its colours and its line: "[###   ]  12/40 files, 33.1 MB/s, 0:42
 *  left". @a now is when. */
void iiifctl_progress_text(char *text, size_t size, const iiifctl_progress_t *progress,
                           apr_time_t now);
#endif
