/* SPDX-License-Identifier: Apache-2.0 */
#include "resolve/ask_dbd.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <string.h>
#include <strings.h>

#include "base/banned.h"

#define STATEMENTS "mod_iiif_image: statements" /* of a connection's pool */
#define FIRST_ROW  1                            /* apr_dbd counts from 1 */

/* In a pool of its own, below the connection's, so that it can be dropped. */
typedef struct statement_t {
    apr_dbd_prepared_t *prepared;
    apr_pool_t *pool;
} statement_t;

/* Of one connection. */
typedef struct statements_t {
    apr_hash_t *by_text; /* of statement_t */
    unsigned labels;     /* given out: where they name something (PostgreSQL), no two are equal */
} statements_t;

static apr_status_t down(iiif_err_t *err, const iiif_connection_t *c, int rv)
{
    const char *said = apr_dbd_error(c->driver, c->handle, rv);

    return iiif_fail(err, IIIF_EDOWN, "the database says: %s", said && *said ? said : "(nothing)");
}

static statements_t *statements_of(const iiif_connection_t *c)
{
    void *kept = NULL;
    statements_t *made;

    apr_pool_userdata_get(&kept, STATEMENTS, c->pool);
    if (kept)
        return kept;
    made = apr_pcalloc(c->pool, sizeof(*made));
    made->by_text = apr_hash_make(c->pool);
    apr_pool_userdata_setn(made, STATEMENTS, NULL, c->pool);
    return made;
}

static void drop(statements_t *statements, const char *text)
{
    statement_t *statement = apr_hash_get(statements->by_text, text, APR_HASH_KEY_STRING);

    if (!statement)
        return;
    apr_hash_set(statements->by_text, text, APR_HASH_KEY_STRING, NULL);
    apr_pool_destroy(statement->pool);
}

static apr_status_t prepare(statement_t **out, const iiif_connection_t *c, const char *text,
                            iiif_err_t *err)
{
    statements_t *statements = statements_of(c);
    statement_t *statement = apr_hash_get(statements->by_text, text, APR_HASH_KEY_STRING);
    apr_pool_t *pool;
    int rv;

    *out = statement;
    if (statement)
        return APR_SUCCESS;
    apr_pool_create(&pool, c->pool);
    statement = apr_pcalloc(pool, sizeof(*statement));
    statement->pool = pool;
    rv = apr_dbd_prepare(c->driver, pool, c->handle, text,
                         apr_psprintf(pool, "iiif_%u", statements->labels++), &statement->prepared);
    if (rv) {
        down(err, c, rv);
        apr_pool_destroy(pool);
        return IIIF_EDOWN;
    }
    apr_hash_set(statements->by_text, apr_pstrdup(pool, text), APR_HASH_KEY_STRING, statement);
    *out = statement;
    return APR_SUCCESS;
}

/* One try. All rows are read, or the connection would be busy for the next. */
static apr_status_t select_once(apr_dbd_results_t **results, const iiif_connection_t *c,
                                const char *text, const char *values[], iiif_err_t *err,
                                apr_pool_t *pool)
{
    statement_t *statement;
    apr_status_t rv = prepare(&statement, c, text, err);
    int said;

    if (rv != APR_SUCCESS)
        return rv;
    *results = NULL;
    said = apr_dbd_pselect(c->driver, pool, c->handle, results, statement->prepared, 1, 0, values);
    return said ? down(err, c, said) : APR_SUCCESS;
}

/* A server that was restarted has forgotten what was prepared, and a driver may connect again
 * without a word: whatever fails is prepared and tried once more. */
static apr_status_t select_rows(apr_dbd_results_t **results, const iiif_connection_t *c,
                                const char *text, const char *values[], iiif_err_t *err,
                                apr_pool_t *pool)
{
    apr_status_t rv = select_once(results, c, text, values, err, pool);

    if (rv == APR_SUCCESS)
        return rv;
    drop(statements_of(c), text);
    rv = select_once(results, c, text, values, err, pool);
    if (rv != APR_SUCCESS)
        drop(statements_of(c), text);
    return rv;
}

static apr_status_t first_row(apr_dbd_row_t **row, const iiif_connection_t *c,
                              apr_dbd_results_t *results, iiif_err_t *err, apr_pool_t *pool)
{
    int rv;

    *row = NULL;
    rv = apr_dbd_get_row(c->driver, pool, results, row, FIRST_ROW);
    if (rv == -1)
        return iiif_fail(err, IIIF_ENOTFOUND, "the database has no such row");
    return rv ? down(err, c, rv) : APR_SUCCESS;
}

/* NULL when it is NULL, or longer than any text of a record is. Not by apr_dbd_get_entry(): that of
 * MySQL leaves what it has cut off without an end. */
static const char *text_of(const iiif_connection_t *c, apr_dbd_row_t *row, int column,
                           apr_pool_t *pool)
{
    char *text = NULL;

    if (apr_dbd_datum_get(c->driver, row, column, APR_DBD_TYPE_STRING, &text) != APR_SUCCESS)
        return NULL;
    return text && strlen(text) <= IIIF_RECORD_TEXT_MAX ? apr_pstrdup(pool, text) : NULL;
}

/* As databases write what is true; all else is not. */
static int is_true(const char *text)
{
    return text && (!strcmp(text, "1") || !strcasecmp(text, "t") || !strcasecmp(text, "true"));
}

/* Which column is asked for goes by its name, which some databases change to lower case. */
static apr_status_t read_row(iiif_record_t *record, const iiif_connection_t *c,
                             apr_dbd_results_t *results, apr_dbd_row_t *row, apr_pool_t *pool)
{
    const struct {
        const char *name;
        const char **text;
    } texts[] = { { "path", &record->path },
                  { "name", &record->name },
                  { "etag", &record->etag },
                  { "rights", &record->rights },
                  { "attribution", &record->attribution } };
    const struct {
        const char *name;
        int *flag;
    } flags[] = { { "is_public", &record->is_public }, { "has_base", &record->has_base } };
    const int columns = apr_dbd_num_cols(c->driver, results);
    int i, has_path = 0;
    unsigned k;

    record->is_public = record->has_base = 1;
    for (i = 0; i < columns; ++i) {
        const char *name = apr_dbd_get_name(c->driver, results, i);

        for (k = 0; name && k < sizeof(texts) / sizeof(texts[0]); ++k) {
            if (!strcasecmp(name, texts[k].name))
                *texts[k].text = text_of(c, row, i, pool);
        }
        for (k = 0; name && k < sizeof(flags) / sizeof(flags[0]); ++k) {
            if (!strcasecmp(name, flags[k].name))
                *flags[k].flag = is_true(text_of(c, row, i, pool));
        }
        has_path |= name && !strcasecmp(name, "path");
    }
    return has_path ? APR_SUCCESS : IIIF_EDOWN;
}

apr_status_t iiif_ask_record(iiif_record_t *record, const iiif_connection_t *connection,
                             const iiif_query_t *query, const char *values[], iiif_err_t *err,
                             apr_pool_t *pool)
{
    apr_dbd_results_t *results;
    iiif_record_t read = { NULL };
    apr_dbd_row_t *row;
    apr_status_t rv = select_rows(&results, connection, query->statement, values, err, pool);

    if (rv == APR_SUCCESS)
        rv = first_row(&row, connection, results, err, pool);
    if (rv != APR_SUCCESS)
        return rv;
    if (read_row(&read, connection, results, row, pool) != APR_SUCCESS)
        return iiif_fail(err, IIIF_EDOWN, "the query has no column that is called path");
    *record = read;
    return APR_SUCCESS;
}

apr_status_t iiif_ask_condition(const iiif_connection_t *connection, const char *statement,
                                iiif_err_t *err, apr_pool_t *pool)
{
    const char *values[1] = { NULL };
    apr_dbd_results_t *results;
    apr_dbd_row_t *row;
    apr_status_t rv = select_rows(&results, connection, statement, values, err, pool);

    return rv == APR_SUCCESS ? first_row(&row, connection, results, err, pool) : rv;
}
