/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TOOLS_SOURCES_H
#define IIIF_TOOLS_SOURCES_H
/**
 * @file sources.h
 * @brief Which files are to be tiled: those of a command line, of directories, of a list on stdin,
 * and of feeds that have no end.
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
    const char *stored; /**< its name in the tile store; NULL: @a name */
    apr_off_t size;     /**< bytes; 0 when it is not known */
    void *origin;       /**< what its feed knows it by; NULL: nothing */
} iiifctl_file_t;

struct iiifctl_sources_t;

/** Where files come from that has no end: a directory that is watched, a queue. */
typedef struct iiifctl_feed_t {
    void *baton;
    /** Do what time asks for. @param wanted files would be worked on at once: add those that are
     *  there. @return milliseconds until the next call, -1: any */
    int (*tick)(struct iiifctl_sources_t *sources, void *baton, int wanted);
    /** The descriptor of @a sources can be read. */
    void (*read)(struct iiifctl_sources_t *sources, void *baton);
    /** One with an origin is done with; may be NULL. */
    void (*done)(void *baton, const iiifctl_file_t *file, int failed);
    /** A directory is about to be read; may be NULL. */
    void (*entered)(void *baton, const char *directory, const char *root);
} iiifctl_feed_t;

/** Where files come from. Not to be changed by others. */
typedef struct iiifctl_sources_t {
    const char *root;           /**< of --root, absolute; NULL: each file's own */
    const char *stores[2];      /**< absolute; NULL: none. What is made there is no source */
    apr_array_header_t *files;  /**< of iiifctl_file_t *, those that are known */
    int next;                   /**< which of them comes next */
    int list;                   /**< a descriptor to read more from; -1: none, or at its end */
    char separator;             /**< of the list: a newline, or NUL */
    apr_array_header_t *line;   /**< of char: what has been read of the next path */
    const iiifctl_feed_t *feed; /**< reads it; NULL: it is text */
    void *origin;               /**< of what is added now */
    apr_hash_t *claims;         /**< path by name, of all that were ever added; NULL: of several
                                     roots that have the same name, each is taken */
    apr_pool_t *pool;           /**< of what is known of files, alone */
} iiifctl_sources_t;

/** Take one operand: a file, or a directory with all images below it. Hidden names, links to
 *  directories, trees of tiles and, below it, tile stores are passed over. A store is told by what
 *  it is, not by its path, and one of another run by its leases. */
void iiifctl_sources_add(iiifctl_sources_t *sources, const char *operand);

/** Take what was found at @a path below @a root, as if its directory had just been read: what is
 *  hidden, a tree of tiles, a store, a result or no image is passed over. */
void iiifctl_sources_find(iiifctl_sources_t *sources, const char *path, const char *root);

/** Take one file as it is, from a feed that knows all of it. */
void iiifctl_sources_put(iiifctl_sources_t *sources, const iiifctl_file_t *file);

/** Forget all files, which are done with. */
void iiifctl_sources_forget(iiifctl_sources_t *sources);

/** The next file; NULL: none now, or, if @a sources->list is -1, none any more. */
const iiifctl_file_t *iiifctl_sources_next(iiifctl_sources_t *sources);

/** Read from the list, which can be read; adds what is complete. */
void iiifctl_sources_read(iiifctl_sources_t *sources);
#endif
