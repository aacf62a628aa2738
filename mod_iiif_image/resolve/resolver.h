/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_RESOLVE_RESOLVER_H
#define IIIF_RESOLVE_RESOLVER_H
/**
 * @file resolver.h
 * @brief From an identifier to the file that holds its pixels.
 *
 * A resolver answers for identifiers, not for permissions: httpd's own rules on the file decide
 * later who may see it.
 */
#include <apr_pools.h>

#include "base/err.h"
#include "base/stamp.h"
#include "iiif/source_format.h"
#include "resolve/record.h"

/** Where the source of an image lies. */
typedef struct iiif_source_ref_t {
    const char *path;  /**< absolute */
    unsigned page;     /**< from 1 */
    const char *name;  /**< in a tile store: the path below its root, without leading slash */
    apr_finfo_t finfo; /**< of the file: IIIF_STAMP_WANTED */
    const iiif_record_t *record; /**< what a database says of it; NULL: there is none */
} iiif_source_ref_t;

typedef struct iiif_resolve_rules_t {
    const char *root;                 /**< absolute directory that no path leaves */
    iiif_source_format_set_t formats; /**< extensions that are tried, or taken as they are */
    int pages;                        /**< does "identifier;page" mean a page? */
    /**
     * Asks the database; for iiif_resolver_dbd alone.
     * @param record     filled on success; texts in @a pool
     * @param identifier as iiif_query_can_ask() allows
     * @return APR_SUCCESS; IIIF_ENOTFOUND: there is none; IIIF_EDOWN
     */
    apr_status_t (*ask)(iiif_record_t *record, const char *identifier, void *baton, iiif_err_t *err,
                        apr_pool_t *pool);
    void *baton;
} iiif_resolve_rules_t;

typedef struct iiif_resolver_t {
    const char *name; /**< in `IIIFResolver` */
    /**
     * @param ref        filled on success, untouched on failure
     * @param identifier decoded, any bytes but NUL; not trusted
     * @return APR_SUCCESS; IIIF_ENOTFOUND; IIIF_EDOWN: nobody knows now
     */
    apr_status_t (*resolve)(iiif_source_ref_t *ref, const char *identifier,
                            const iiif_resolve_rules_t *rules, iiif_err_t *err, apr_pool_t *pool);
} iiif_resolver_t;

/** The resolver called @a name, or NULL. */
const iiif_resolver_t *iiif_resolver_by_name(const char *name);

/** The names of all, separated by blanks, for messages. */
#define IIIF_RESOLVER_NAMES "filesystem dbd"

/** Files below a directory: the identifier is the path, with or without its extension. */
extern const iiif_resolver_t iiif_resolver_filesystem;

/**
 * Files below a directory: a database says which. What is not public is not found, and nobody is
 * told the difference.
 */
extern const iiif_resolver_t iiif_resolver_dbd;
#endif
