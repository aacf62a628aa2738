/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TOOLS_DATABASE_H
#define IIIF_TOOLS_DATABASE_H
/**
 * @file database.h
 * @brief A connection to a database by APR's drivers, and what is asked through it.
 *
 * Statements are prepared once for a connection and found again by their text. Values are bound,
 * never written into SQL; each is a text, as %s or %lld in the statement says. For one thread.
 */
#include <apr_pools.h>
#include <apr_tables.h>

#include "base/err.h"

typedef struct iiifctl_database_t iiifctl_database_t;

/**
 * Connect; text goes both ways in UTF-8.
 * @param database set on success; closed with @a pool
 * @param driver   "mysql" and so on
 * @param params   as DBDParams has them
 * @param err      one sentence on failure, without @a params
 * @return APR_SUCCESS; APR_EGENERAL: there is no such driver here, or no connection
 */
apr_status_t iiifctl_database_open(iiifctl_database_t **database, const char *driver,
                                   const char *params, iiif_err_t *err, apr_pool_t *pool);

/** One statement and the values of its placeholders, in order; NULL is SQL's. */
typedef struct iiifctl_question_t {
    const char *sql;
    const char **values;
} iiifctl_question_t;

/**
 * Ask, and read all rows of the answer; bound them by LIMIT.
 * @param rows of const char *const *: the columns of a row, NULL for SQL's; all in @a pool
 * @return APR_SUCCESS; APR_EGENERAL: what the database says is in @a err
 */
apr_status_t iiifctl_database_select(apr_array_header_t **rows, iiifctl_database_t *database,
                                     const iiifctl_question_t *question, iiif_err_t *err,
                                     apr_pool_t *pool);

/** Change rows. @param changed how many, on success. @return as iiifctl_database_select() */
apr_status_t iiifctl_database_change(int *changed, iiifctl_database_t *database,
                                     const iiifctl_question_t *question, iiif_err_t *err,
                                     apr_pool_t *pool);

/** SQL that is true where @a column is the text %s, byte by byte; in @a pool. */
const char *iiifctl_database_same(const iiifctl_database_t *database, const char *column,
                                  apr_pool_t *pool);

/** SQL of a person, as a statement that is prepared has it: with its '%' doubled; in @a pool. */
const char *iiifctl_database_escape(const char *sql, apr_pool_t *pool);
#endif
