/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_RESOLVE_RECORD_H
#define IIIF_RESOLVE_RECORD_H
/**
 * @file record.h
 * @brief What a database says of an identifier, and the bytes in which that is remembered.
 */
#include <apr_pools.h>
#include <apr_time.h>

#define IIIF_RECORD_TEXT_MAX 4096 /**< bytes of each text: thousands of records are remembered */

/** Texts are NULL where nothing is said, or too much. */
typedef struct iiif_record_t {
    const char *path;        /**< of the file, below the root */
    const char *name;        /**< in tile stores; NULL: by its path */
    const char *etag;        /**< part of validators: another one is another image */
    const char *rights;      /**< URI of a licence */
    const char *attribution; /**< text */
    int is_public;
    int has_base; /**< does the identifier alone mean it, as a base URI? */
} iiif_record_t;

/** An answer, and when it was given. */
typedef struct iiif_answer_t {
    apr_time_t asked;
    int found;            /**< 0: there is no such record */
    iiif_record_t record; /**< if found */
} iiif_answer_t;

/** As bytes, which begin with the number of their form. */
const unsigned char *iiif_answer_encode(apr_size_t *len, const iiif_answer_t *answer,
                                        apr_pool_t *pool);

/**
 * @param answer filled on success, undefined on failure; texts in @a pool
 * @param bytes  not trusted
 * @return false: they are no answer, or of another form
 */
int iiif_answer_decode(iiif_answer_t *answer, const unsigned char *bytes, apr_size_t len,
                       apr_pool_t *pool);
#endif
