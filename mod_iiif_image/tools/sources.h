/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TOOLS_SOURCES_H
#define IIIF_TOOLS_SOURCES_H
/**
 * @file sources.h
 * @brief Which files are to be tiled: those of a command line, of directories, of a list on stdin.
 */
#include <apr_hash.h>
#include <apr_pools.h>
#include <apr_tables.h>

#include "base/err.h"

/** One file. In the pool of its list. */
typedef struct iiifctl_file_t {
    const char *path;   /**< as it was given or found, absolute */
    const char *root;   /**< the directory of which it is thought to be served */
    const char *name;   /**< below @a root; NULL: it cannot be served, */
    const char *reason; /**< and why */
    apr_off_t size;     /**< bytes; 0 when it is not known */
} iiifctl_file_t;

/** Where files come from. Not to be changed by others. */
typedef struct iiifctl_sources_t {
    const char *root;          /**< of --root, absolute; NULL: each file's own */
    const char *store;         /**< of --into, absolute: what is made is not tiled again */
    apr_array_header_t *files; /**< of iiifctl_file_t *, those that are known */
    int next;                  /**< which of them comes next */
    int list;                  /**< a descriptor to read more from; -1: none, or at its end */
    char separator;            /**< of the list: a newline, or NUL */
    apr_array_header_t *line;  /**< of char: what has been read of the next path */
    apr_pool_t *pool;
} iiifctl_sources_t;

/** Take one operand: a file, or a directory with all images below it. Hidden names, links to
 *  directories and trees of tiles are passed over. */
void iiifctl_sources_add(iiifctl_sources_t *sources, const char *operand);

/** The next file; NULL: none now, or, if @a sources->list is -1, none any more. */
const iiifctl_file_t *iiifctl_sources_next(iiifctl_sources_t *sources);

/** Read from the list, which can be read; adds what is complete. */
void iiifctl_sources_read(iiifctl_sources_t *sources);
#endif
