/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_RESOLVE_ASK_DBD_H
#define IIIF_RESOLVE_ASK_DBD_H
/**
 * @file ask_dbd.h
 * @brief A query put to a database by apr_dbd. Statements are prepared when they are first needed
 * on a connection, and again when it has lost them.
 *
 * One thread at a time uses a connection. A call may take as long as the driver waits.
 */
#include <apr_dbd.h>

#include "base/err.h"
#include "resolve/query.h"
#include "resolve/record.h"

typedef struct iiif_connection_t {
    const apr_dbd_driver_t *driver;
    apr_dbd_t *handle;
    apr_pool_t *pool; /**< lives as long as the connection, and no longer; holds the statements */
} iiif_connection_t;

/**
 * The first row of @a query, by the names of its columns: path (which must be there), is_public,
 * name, etag, rights, attribution.
 * @param record filled on success, untouched on failure; texts in @a pool
 * @param values from iiif_query_values()
 * @return APR_SUCCESS; IIIF_ENOTFOUND: no row; IIIF_EDOWN: no answer, or one without path
 */
apr_status_t iiif_ask_record(iiif_record_t *record, const iiif_connection_t *connection,
                             const iiif_query_t *query, const char *values[], iiif_err_t *err,
                             apr_pool_t *pool);

/** Does @a statement, of iiif_query_t.condition, yield a row? APR_SUCCESS; IIIF_ENOTFOUND: none;
 * IIIF_EDOWN. */
apr_status_t iiif_ask_condition(const iiif_connection_t *connection, const char *statement,
                                iiif_err_t *err, apr_pool_t *pool);
#endif
