/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_RESOLVE_QUERY_H
#define IIIF_RESOLVE_QUERY_H
/**
 * @file query.h
 * @brief IIIFQuery: SQL with names of values in braces, as a statement of apr_dbd and the values
 * that go with it. A value is never part of the text. @see apr_dbd.h, apr_dbd_prepare
 */
#include <apr_pools.h>

#include "base/err.h"

#define IIIF_QUERY_VALUES_MAX 16 /**< placeholders in one query */

/** What may stand in braces. */
typedef enum {
    IIIF_QUERY_IDENTIFIER, /**< the decoded identifier */
    IIIF_QUERY_ID,         /**< it as a number, [1-9][0-9]{0,17}; -1 when it is none */
    IIIF_QUERY_STEM,       /**< it without the extension of its last segment */
    IIIF_QUERY_PREFIXED    /**< IIIFIdentifierPrefix and it */
} iiif_query_value_e;

typedef struct iiif_query_t {
    const char *statement; /**< for apr_dbd_prepare() */
    const char *condition; /**< likewise, without values: asked first; NULL: always holds */
    unsigned count;        /**< of values */
    iiif_query_value_e values[IIIF_QUERY_VALUES_MAX];
} iiif_query_t;

/**
 * @param query filled on success, untouched on failure; texts in @a pool
 * @param sql   as configured
 * @param when  a query whose first row says that @a sql is to be asked; NULL: always
 * @return APR_SUCCESS; APR_EINVAL: an unknown name in braces, a known one within quotes, a quote
 *         that is not closed, "?", or more than IIIF_QUERY_VALUES_MAX values
 */
apr_status_t iiif_query_parse(iiif_query_t *query, const char *sql, const char *when,
                              iiif_err_t *err, apr_pool_t *pool);

/** Can @a identifier be a value at all? Not when it is empty or over 1000 bytes, has control
 * characters or is ill-formed UTF-8. */
int iiif_query_can_ask(const char *identifier);

/** Can @a query yield a row? Not where {id} is its only value, and @a identifier no number. */
int iiif_query_may_yield(const iiif_query_t *query, const char *identifier);

/**
 * The values of @a identifier, in order.
 * @param values room for IIIF_QUERY_VALUES_MAX, of which query->count are filled; in @a pool
 * @param prefix IIIFIdentifierPrefix; NULL: none
 */
void iiif_query_values(const char *values[], const iiif_query_t *query, const char *identifier,
                       const char *prefix, apr_pool_t *pool);
#endif
