/* SPDX-License-Identifier: Apache-2.0 */
/* On SQLite, in a file, by the driver that httpd would use. */
#include "resolve/ask_dbd.h"

#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <string.h>

#include "tap.h"

static iiif_connection_t connection;

static int tell(const char *sql)
{
    int rows;

    return apr_dbd_query(connection.driver, connection.handle, &rows, sql);
}

static int open_database(const char *file, apr_pool_t *pool)
{
    return apr_dbd_init(pool) == APR_SUCCESS
           && apr_dbd_get_driver(pool, "sqlite3", &connection.driver) == APR_SUCCESS
           && apr_pool_create(&connection.pool, pool) == APR_SUCCESS
           && apr_dbd_open(connection.driver, connection.pool, file, &connection.handle)
                  == APR_SUCCESS
           && !tell("CREATE TABLE m (id INTEGER PRIMARY KEY, t TEXT, path TEXT, pub, etag TEXT)")
           && !tell("INSERT INTO m VALUES (1, 'one', 'a.jpg', 1, 'e1')")
           && !tell("INSERT INTO m VALUES (2, 'two', 'b.jpg', 0, NULL)")
           && !tell("INSERT INTO m VALUES (3, 'three', NULL, 1, NULL)")
           && !tell("INSERT INTO m VALUES (4, 'O''Brien', 'd ä.jpg', NULL, 'x')")
           && !tell("INSERT INTO m VALUES (5, '50%', 'e.jpg', 't', '')")
           && !tell("INSERT INTO m VALUES (6, '1', 'f.jpg', 2, '')");
}

static apr_status_t ask(iiif_record_t *record, const char *sql, const char *identifier,
                        iiif_err_t *err, apr_pool_t *pool)
{
    const char *values[IIIF_QUERY_VALUES_MAX];
    iiif_query_t query;
    apr_status_t rv = iiif_query_parse(&query, sql, NULL, err, pool);

    if (rv != APR_SUCCESS)
        return rv;
    iiif_query_values(values, &query, identifier, NULL, pool);
    return iiif_ask_record(record, &connection, &query, values, err, pool);
}

/* clang-format off */
#define BY_ID   "SELECT path, pub AS is_public, etag FROM m WHERE id = {id}"
#define BY_TEXT "SELECT etag, 7 AS page, PATH, pub AS IS_PUBLIC FROM m WHERE t = {identifier}"
static const struct {
    const char *sql, *identifier;
    apr_status_t want;
    const char *path, *etag;
    int is_public;
} cases[] = {
    { BY_ID,   "1",       APR_SUCCESS,    "a.jpg",   "e1", 1 },
    { BY_ID,   "2",       APR_SUCCESS,    "b.jpg",   NULL, 0 },
    { BY_ID,   "3",       APR_SUCCESS,    NULL,      NULL, 1 },
    { BY_ID,   "4",       APR_SUCCESS,    "d ä.jpg", "x",  0 },
    { BY_ID,   "5",       APR_SUCCESS,    "e.jpg",   "",   1 },
    { BY_ID,   "6",       APR_SUCCESS,    "f.jpg",   "",   0 },
    { BY_ID,   "7",       IIIF_ENOTFOUND, NULL,      NULL, 0 },
    { BY_ID,   "1abc",    IIIF_ENOTFOUND, NULL,      NULL, 0 },
    { BY_TEXT, "one",     APR_SUCCESS,    "a.jpg",   "e1", 1 },
    { BY_TEXT, "O'Brien", APR_SUCCESS,    "d ä.jpg", "x",  0 },
    { BY_TEXT, "50%",     APR_SUCCESS,    "e.jpg",   "",   1 },
    { BY_TEXT, "1",       APR_SUCCESS,    "f.jpg",   "",   0 },
    { BY_TEXT, "ONE",     IIIF_ENOTFOUND, NULL,      NULL, 0 },
    { BY_TEXT, "x' OR '1'='1", IIIF_ENOTFOUND, NULL, NULL, 0 },
    { "SELECT path FROM m WHERE id = {id}",     "2", APR_SUCCESS, "b.jpg", NULL, 1 },
    { "SELECT path FROM m WHERE t LIKE '5%' AND {id} > 0", "1", APR_SUCCESS, "e.jpg", NULL, 1 },
    { "SELECT path FROM m WHERE id % 4 = 1 AND {id} > 0 ORDER BY id DESC", "1", APR_SUCCESS, "e.jpg", NULL, 1 },
    { "SELECT id FROM m WHERE id = {id}",       "1", IIIF_EDOWN,  NULL, NULL, 0 },
    { "SELECT path FROM none WHERE id = {id}",  "1", IIIF_EDOWN,  NULL, NULL, 0 },
    { "SELEC path FROM m WHERE id = {id}",      "1", IIIF_EDOWN,  NULL, NULL, 0 },
};
/* clang-format on */

static int same(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

static void test_case(unsigned i, apr_pool_t *pool)
{
    iiif_record_t record = { .path = "untouched", .is_public = -1 };
    iiif_err_t err = { "" };
    apr_status_t rv = ask(&record, cases[i].sql, cases[i].identifier, &err, pool);

    ok(rv == cases[i].want
           && (rv ? *err.text && same(record.path, "untouched")
                  : same(record.path, cases[i].path) && same(record.etag, cases[i].etag)
                        && record.is_public == cases[i].is_public && !record.name && !record.rights
                        && !record.attribution),
       "%s of '%s': %s", cases[i].sql, cases[i].identifier, rv ? err.text : "a record");
}

static void test_all_columns(apr_pool_t *pool)
{
    iiif_record_t record = { NULL };

    ok(ask(&record,
           "SELECT 'p' AS path, 'n' AS name, 'r' AS rights, 'a' AS attribution, NULL AS is_public,"
           " 0 AS has_base",
           "x", NULL, pool)
               == APR_SUCCESS
           && same(record.path, "p") && same(record.name, "n") && same(record.rights, "r")
           && same(record.attribution, "a") && !record.is_public && !record.has_base,
       "every column has its place");
    ok(ask(&record, "SELECT 'p' AS path", "x", NULL, pool) == APR_SUCCESS && record.is_public
           && record.has_base,
       "and what is not said is so");
}

/* What fills the memory that thousands of answers share. */
static void test_long_texts(apr_pool_t *pool)
{
    iiif_record_t record = { NULL };

    ok(ask(&record,
           "SELECT 'p' AS path, hex(zeroblob(2048)) AS etag, hex(zeroblob(2049)) AS rights,"
           " hex(zeroblob(500000)) AS attribution",
           "x", NULL, pool)
               == APR_SUCCESS
           && same(record.path, "p") && record.etag && strlen(record.etag) == IIIF_RECORD_TEXT_MAX
           && !record.rights && !record.attribution,
       "what is too long is not said");
    ok(ask(&record, "SELECT hex(zeroblob(500000)) AS path", "x", NULL, pool) == APR_SUCCESS
           && !record.path,
       "nor is a path that no file has");
}

static void test_conditions(apr_pool_t *pool)
{
    iiif_err_t err = { "" };

    ok(iiif_ask_condition(&connection, "SELECT 1 FROM m WHERE t LIKE '5%%'", &err, pool)
           == APR_SUCCESS,
       "a condition holds");
    ok(iiif_ask_condition(&connection, "SELECT 1 FROM m WHERE id = 99", &err, pool)
           == IIIF_ENOTFOUND,
       "or not");
    ok(iiif_ask_condition(&connection, "SELECT 1 FROM none", &err, pool) == IIIF_EDOWN,
       "or cannot be asked: %s", err.text);
}

static void test_recovery(apr_pool_t *pool)
{
    iiif_record_t record;
    iiif_err_t err = { "" };

    tell("ALTER TABLE m RENAME TO gone");
    ok(ask(&record, BY_ID, "1", &err, pool) == IIIF_EDOWN, "a statement that worked fails: %s",
       err.text);
    ok(ask(&record, BY_ID, "1", &err, pool) == IIIF_EDOWN, "and again");
    tell("ALTER TABLE gone RENAME TO m");
    ok(ask(&record, BY_ID, "1", &err, pool) == APR_SUCCESS,
       "and works again on the same connection");
}

static void test_many(apr_pool_t *pool)
{
    iiif_record_t record;
    apr_pool_t *request;
    int i, good = 0;

    apr_pool_create(&request, pool);
    for (i = 0; i < 2000; ++i) {
        good +=
            ask(&record, i % 2 ? BY_ID : BY_TEXT, i % 2 ? "1" : "one", NULL, request) == APR_SUCCESS
            && same(record.path, "a.jpg");
        apr_pool_clear(request);
    }
    ok(good == 2000, "statements are kept, results are not");
}

int main(void)
{
    char file[] = "/tmp/iiif-ask.XXXXXX";
    apr_file_t *made;
    apr_pool_t *pool;
    unsigned i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    apr_file_mktemp(&made, file, APR_FOPEN_CREATE | APR_FOPEN_READ | APR_FOPEN_WRITE, pool);
    if (ok(open_database(file, pool), "there is a database")) {
        for (i = 0; i < ROWS(cases); ++i)
            test_case(i, pool);
        test_all_columns(pool);
        test_long_texts(pool);
        test_conditions(pool);
        test_recovery(pool);
        test_many(pool);
        apr_dbd_close(connection.driver, connection.handle);
    }
    apr_file_remove(file, pool);
    apr_terminate();
    return done_testing();
}
