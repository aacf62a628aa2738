/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/database.h"

#include <apr_dbd.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include <string.h>

#include "base/banned.h"

/* In what drivers differ. */
static const struct {
    const char *driver;
    const char *begin; /* said first; NULL: nothing */
    const char
        *before;       /* around a column and a value that are compared byte by byte: a collation */
    const char *after; /* takes letters with and without accents for the same */
} dialects[] = {
    { "mysql", "SET NAMES utf8mb4", "CAST(", " AS BINARY)" },
    { "pgsql", "SET client_encoding TO 'UTF8'", "", "" },
    { NULL, NULL, "", "" },
};

struct iiifctl_database_t {
    const apr_dbd_driver_t *driver;
    apr_dbd_t *handle;
    int dialect;          /* row of the table above */
    apr_hash_t *prepared; /* of apr_dbd_prepared_t, by SQL */
    apr_pool_t *pool;
};

static int dialect_of(const char *driver)
{
    int i = 0;

    while (dialects[i].driver && strcmp(dialects[i].driver, driver) != 0)
        ++i;
    return i;
}

static apr_status_t fail(const iiifctl_database_t *database, int status, iiif_err_t *err)
{
    const char *said = apr_dbd_error(database->driver, database->handle, status);

    return iiif_fail(err, APR_EGENERAL, "the database says: %.200s", said ? said : "nothing");
}

static apr_status_t close_database(void *data)
{
    const iiifctl_database_t *database = data;

    return apr_dbd_close(database->driver, database->handle);
}

static apr_status_t begin(const iiifctl_database_t *database, iiif_err_t *err)
{
    const char *sql = dialects[database->dialect].begin;
    int unused, status = 0;

    if (sql)
        status = apr_dbd_query(database->driver, database->handle, &unused, sql);
    return status ? fail(database, status, err) : APR_SUCCESS;
}

apr_status_t iiifctl_database_open(iiifctl_database_t **database, const char *driver,
                                   const char *params, iiif_err_t *err, apr_pool_t *pool)
{
    iiifctl_database_t *opened = apr_pcalloc(pool, sizeof(*opened));
    const char *said = NULL;
    apr_status_t rv = apr_dbd_init(pool);

    if (rv == APR_SUCCESS)
        rv = apr_dbd_get_driver(pool, driver, &opened->driver);
    if (rv != APR_SUCCESS)
        return iiif_fail(err, APR_EGENERAL,
                         "APR has no driver '%s' here; on Debian it is libaprutil1-dbd-%s", driver,
                         driver);
    rv = apr_dbd_open_ex(opened->driver, pool, params, &opened->handle, &said);
    if (rv != APR_SUCCESS)
        return iiif_fail(err, APR_EGENERAL, "the database cannot be reached: %.200s",
                         said ? said : "the driver does not say why");
    apr_pool_cleanup_register(pool, opened, close_database, apr_pool_cleanup_null);
    opened->dialect = dialect_of(driver);
    opened->prepared = apr_hash_make(pool);
    opened->pool = pool;
    rv = begin(opened, err);
    if (rv == APR_SUCCESS)
        *database = opened;
    return rv;
}

static apr_status_t prepare(apr_dbd_prepared_t **statement, iiifctl_database_t *database,
                            const char *sql, iiif_err_t *err)
{
    int status;

    *statement = apr_hash_get(database->prepared, sql, APR_HASH_KEY_STRING);
    if (*statement)
        return APR_SUCCESS;
    status =
        apr_dbd_prepare(database->driver, database->pool, database->handle, sql, NULL, statement);
    if (status)
        return fail(database, status, err);
    apr_hash_set(database->prepared, apr_pstrdup(database->pool, sql), APR_HASH_KEY_STRING,
                 *statement);
    return APR_SUCCESS;
}

/* Not by apr_dbd_get_entry(): that of MySQL leaves what it has cut off without an end. */
static const char **read_row(const iiifctl_database_t *database, apr_dbd_row_t *row, int columns,
                             apr_pool_t *pool)
{
    const char **values = apr_pcalloc(pool, (apr_size_t)columns * sizeof(*values));
    int i;

    for (i = 0; i < columns; ++i) {
        char *text = NULL;

        if (apr_dbd_datum_get(database->driver, row, i, APR_DBD_TYPE_STRING, &text) == APR_SUCCESS)
            values[i] = apr_pstrdup(pool, text);
    }
    return values;
}

apr_status_t iiifctl_database_select(apr_array_header_t **rows, iiifctl_database_t *database,
                                     const iiifctl_question_t *question, iiif_err_t *err,
                                     apr_pool_t *pool)
{
    apr_array_header_t *found = apr_array_make(pool, 16, sizeof(const char **));
    apr_dbd_prepared_t *statement;
    apr_dbd_results_t *answer = NULL;
    apr_dbd_row_t *row = NULL;
    apr_pool_t *scratch;
    apr_status_t rv = prepare(&statement, database, question->sql, err);
    int status;

    if (rv != APR_SUCCESS)
        return rv;
    apr_pool_create(&scratch, pool);
    status = apr_dbd_pselect(database->driver, scratch, database->handle, &answer, statement, 0, 0,
                             question->values);
    while (!status && !(status = apr_dbd_get_row(database->driver, scratch, answer, &row, -1)))
        APR_ARRAY_PUSH(found, const char **) =
            read_row(database, row, apr_dbd_num_cols(database->driver, answer), pool);
    if (status > 0)
        rv = fail(database, status, err);
    else
        *rows = found;
    apr_pool_destroy(scratch);
    return rv;
}

apr_status_t iiifctl_database_change(int *changed, iiifctl_database_t *database,
                                     const iiifctl_question_t *question, iiif_err_t *err,
                                     apr_pool_t *pool)
{
    apr_dbd_prepared_t *statement;
    apr_status_t rv = prepare(&statement, database, question->sql, err);
    int rows = 0, status;

    if (rv != APR_SUCCESS)
        return rv;
    status = apr_dbd_pquery(database->driver, pool, database->handle, &rows, statement, 0,
                            question->values);
    if (status)
        return fail(database, status, err);
    *changed = rows;
    return APR_SUCCESS;
}

const char *iiifctl_database_same(const iiifctl_database_t *database, const char *column,
                                  apr_pool_t *pool)
{
    const char *before = dialects[database->dialect].before;
    const char *after = dialects[database->dialect].after;

    return apr_pstrcat(pool, before, column, after, " = ", before, "%s", after, NULL);
}

const char *iiifctl_database_escape(const char *sql, apr_pool_t *pool)
{
    char *escaped = apr_palloc(pool, 2 * strlen(sql) + 1), *end = escaped;

    for (; *sql; ++sql) {
        if (*sql == '%')
            *end++ = '%';
        *end++ = *sql;
    }
    *end = '\0';
    return escaped;
}
