/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_STORE_DERIVATIVE_H
#define IIIF_STORE_DERIVATIVE_H
/**
 * @file derivative.h
 * @brief Derivatives that are kept, in the directory of `IIIFDerivativeStore`.
 *
 * `hh/{name}/{fingerprint}/{key}`: hh two hexadecimal digits of a hash of the name; the name of the
 * source, escaped to one segment; the fingerprint of all that its pixels depend on; the key with
 * "_" for its slashes. Another content of the source, or another setting, is another file: nothing
 * is ever stale, nothing is ever changed. Behind the image stands its length (16 bytes, "IIIF" and
 * twelve digits); a file that does not end so was not written whole before the power failed, and
 * is removed when it is met.
 *
 * The time of last access is set by us, at most once a minute, as that of the last use; so it does
 * not matter how the file system is mounted. The time of modification is the source's.
 */
#include <apr_file_io.h>
#include <apr_pools.h>

#include "base/err.h"

/** A fingerprint: so many lower case hexadecimal digits. */
#define IIIF_FINGERPRINT_DIGITS 32

typedef struct iiif_derivative_store_t {
    const char *directory; /**< absolute; made by whoever configured it, never by us */
    apr_int64_t bound;     /**< bytes, as `du` counts them */
    int unlinked; /**< may a file be written before it has a name (O_TMPFILE)? 0: as on file systems
                       that cannot, under another name in `tmp/` */
} iiif_derivative_store_t;

typedef struct iiif_derivative_t {
    const iiif_derivative_store_t *store;
    const char *path;  /**< absolute */
    apr_uint64_t hash; /**< of @a path below the directory: the same on all hosts */
} iiif_derivative_t;

/** What is asked for. Borrowed for the call. */
typedef struct iiif_derivative_query_t {
    const char *name;        /**< of the source, any bytes but NUL; not trusted */
    const char *fingerprint; /**< IIIF_FINGERPRINT_DIGITS */
    const char *key;         /**< of iiif_key() */
} iiif_derivative_query_t;

/**
 * Name a derivative. No file is looked at.
 * @param store borrowed for as long as @a derivative is used
 * @param pool  holds the path
 */
void iiif_derivative_name(iiif_derivative_t *derivative, const iiif_derivative_store_t *store,
                          const iiif_derivative_query_t *query, apr_pool_t *pool);

/** An open derivative. */
typedef struct iiif_derivative_file_t {
    apr_file_t *file;
    apr_size_t length; /**< of the image, which begins at 0 */
} iiif_derivative_file_t;

/**
 * Open it, and note that it was used. Once open it can be read to its end, whoever removes it.
 * @param file  filled on success; in @a pool
 * @param flags of apr_file_open() besides APR_FOPEN_READ
 * @return APR_SUCCESS; APR_ENOENT: it is not there, or was not whole and has been removed; or why
 *         it cannot be read
 */
apr_status_t iiif_derivative_open(iiif_derivative_file_t *file, const iiif_derivative_t *derivative,
                                  apr_int32_t flags, apr_pool_t *pool);

/** What is to be kept. */
typedef struct iiif_derivative_content_t {
    const void *data;
    apr_size_t length;
    apr_time_t mtime; /**< of the source */
} iiif_derivative_content_t;

/**
 * Keep it: whole, or not at all. Directories are made as needed.
 * @param evict set when the store has come to its bound: iiif_evictor_start()
 * @return APR_SUCCESS, also when another was as quick; IIIF_EFULL: not now, or it is larger than 4
 * % of the bound; or why it cannot be written, with a sentence
 */
apr_status_t iiif_derivative_write(int *evict, const iiif_derivative_t *derivative,
                                   const iiif_derivative_content_t *content, iiif_err_t *err);
#endif
