/* SPDX-License-Identifier: Apache-2.0 */
#include "resolve/query.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <string.h>

#include "tap.h"

/* clang-format off */
static const struct {
    const char *sql, *statement, *values; /* values by their first letters; NULL: refused */
} texts[] = {
    { "SELECT 1",                               "SELECT 1",                              "" },
    { "a = {id}",                               "a = %lld",                              "d" },
    { "a = {identifier} AND b={stem}",          "a = %s AND b=%s",                       "is" },
    { "{prefixed}{id}{prefixed}",               "%s%lld%s",                              "pdp" },
    { "a LIKE '%x' AND b = {id}",               "a LIKE '%%x' AND b = %lld",             "d" },
    { "a % 2 = 0 AND '%s' <> {stem}",           "a %% 2 = 0 AND '%%s' <> %s",            "s" },
    { "a = 'it''s' AND b = {id}",               "a = 'it''s' AND b = %lld",              "d" },
    { "a = '?' AND `?` = {id} AND \"?\" = 1",   "a = '?' AND `?` = %lld AND \"?\" = 1",  "d" },
    { "a = '\"' AND b = {id}",                  "a = '\"' AND b = %lld",                 "d" },
    { "a = '{}' AND b = '{1}' AND c = '{A}'",   "a = '{}' AND b = '{1}' AND c = '{A}'",  "" },
    { "a = '{,id}' AND b = '{id'",              "a = '{,id}' AND b = '{id'",             "" },
    { "{{id}}",                                 "{%lld}",                                "d" },
    { "{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}",
      "%lld%lld%lld%lld%lld%lld%lld%lld%lld%lld%lld%lld%lld%lld%lld%lld", "dddddddddddddddd" },
    { "{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}", NULL, NULL },
    { "a = {name}",                             NULL, NULL },
    { "a = {identifiers}",                      NULL, NULL },
    { "a = {i}",                                NULL, NULL },
    { "a = '{id}'",                             NULL, NULL },
    { "a = \"{identifier}\"",                   NULL, NULL },
    { "a = '{other}'",                          NULL, NULL },
    { "a = ?",                                  NULL, NULL },
    { "a = 'open",                              NULL, NULL },
    { "a = {id} `",                             NULL, NULL },
};

static const struct {
    const char *identifier, *id, *stem, *prefixed;
} values[] = {
    { "1",                  "1",                  "1",            "ark:/1" },
    { "123456789012345678", "123456789012345678", "123456789012345678", "ark:/123456789012345678" },
    { "1234567890123456789", "-1",                "1234567890123456789", "ark:/1234567890123456789" },
    { "0",                  "-1",                 "0",            "ark:/0" },
    { "01",                 "-1",                 "01",           "ark:/01" },
    { "12abc",              "-1",                 "12abc",        "ark:/12abc" },
    { "-1",                 "-1",                 "-1",           "ark:/-1" },
    { "+5",                 "-1",                 "+5",           "ark:/+5" },
    { " 5",                 "-1",                 " 5",           "ark:/ 5" },
    { "5 ",                 "-1",                 "5 ",           "ark:/5 " },
    { "1.5",                "-1",                 "1",            "ark:/1.5" },
    { "a.jpg",              "-1",                 "a",            "ark:/a.jpg" },
    { "a.b.jpg",            "-1",                 "a.b",          "ark:/a.b.jpg" },
    { "d.e/a",              "-1",                 "d.e/a",        "ark:/d.e/a" },
    { "d.e/a.jpg",          "-1",                 "d.e/a",        "ark:/d.e/a.jpg" },
    { ".jpg",               "-1",                 ".jpg",         "ark:/.jpg" },
    { "d/.jpg",             "-1",                 "d/.jpg",       "ark:/d/.jpg" },
    { "a.",                 "-1",                 "a.",           "ark:/a." },
    { "x' OR '1'='1",       "-1",                 "x' OR '1'='1", "ark:/x' OR '1'='1" },
};
/* clang-format on */

static const char *letters(const iiif_query_t *query, apr_pool_t *pool)
{
    static const char of[] = { [IIIF_QUERY_IDENTIFIER] = 'i',
                               [IIIF_QUERY_ID] = 'd',
                               [IIIF_QUERY_STEM] = 's',
                               [IIIF_QUERY_PREFIXED] = 'p' };
    char *text = apr_pcalloc(pool, IIIF_QUERY_VALUES_MAX + 1);
    unsigned i;

    for (i = 0; i < query->count; ++i)
        text[i] = of[query->values[i]];
    return text;
}

static void test_texts(apr_pool_t *pool)
{
    unsigned i;

    for (i = 0; i < ROWS(texts); ++i) {
        iiif_query_t query = { NULL };
        iiif_err_t err = { "" };
        apr_status_t rv = iiif_query_parse(&query, texts[i].sql, NULL, &err, pool);

        if (texts[i].statement)
            ok(rv == APR_SUCCESS && !strcmp(query.statement, texts[i].statement)
                   && !strcmp(letters(&query, pool), texts[i].values) && !query.condition,
               "%s is %s", texts[i].sql, rv ? err.text : query.statement);
        else
            ok(rv == APR_EINVAL && *err.text && !query.statement, "%s is refused: %s", texts[i].sql,
               err.text);
    }
}

static void test_conditions(apr_pool_t *pool)
{
    iiif_query_t query = { NULL };
    iiif_err_t err = { "" };

    ok(iiif_query_parse(&query, "a = {id}", "SELECT 1 WHERE b LIKE '%'", &err, pool) == APR_SUCCESS
           && query.count == 1 && !strcmp(query.condition, "SELECT 1 WHERE b LIKE '%%'"),
       "a condition is a statement, too");
    ok(iiif_query_parse(&query, "a", "b = {id}", &err, pool) == APR_EINVAL, "without values");
}

static void test_values(apr_pool_t *pool)
{
    iiif_query_t query, number;
    const char *got[IIIF_QUERY_VALUES_MAX];
    unsigned i;

    iiif_query_parse(&query, "{identifier} {id} {stem} {prefixed}", NULL, NULL, pool);
    iiif_query_parse(&number, "{id} {id}", NULL, NULL, pool);
    for (i = 0; i < ROWS(values); ++i) {
        iiif_query_values(got, &query, values[i].identifier, "ark:/", pool);
        ok(!strcmp(got[0], values[i].identifier) && !strcmp(got[1], values[i].id)
               && !strcmp(got[2], values[i].stem) && !strcmp(got[3], values[i].prefixed),
           "'%s': %s, '%s', '%s'", got[0], got[1], got[2], got[3]);
        ok(iiif_query_may_yield(&query, values[i].identifier)
               && iiif_query_may_yield(&number, values[i].identifier)
                      == !!strcmp(values[i].id, "-1"),
           "it is asked for, as a number if it is one");
    }
    iiif_query_values(got, &query, "x", NULL, pool);
    ok(!strcmp(got[3], "x"), "no prefix");
}

static void test_identifiers(apr_pool_t *pool)
{
    static const struct {
        const char *identifier;
        int can;
    } cases[] = { { "a", 1 },
                  { "ark:/12345//x", 1 },
                  { "Größe", 1 },
                  { "\\ ' \" %", 1 },
                  { "https://a.b/?c=d#e", 1 },
                  { "..", 1 },
                  { "", 0 },
                  { "a\nb", 0 },
                  { "\x7f", 0 },
                  { "\xff", 0 },
                  { "\xc0\xaf", 0 },
                  { "\xed\xa0\x80", 0 },
                  { "\xf4\x90\x80\x80", 0 } };
    char *text = apr_pcalloc(pool, 1002);
    unsigned i;

    for (i = 0; i < ROWS(cases); ++i)
        ok(iiif_query_can_ask(cases[i].identifier) == cases[i].can, "'%s' can%s be asked for",
           cases[i].identifier, cases[i].can ? "" : "not");
    memset(text, 'x', 1001);
    ok(!iiif_query_can_ask(text) && iiif_query_can_ask(text + 1), "1000 bytes are enough");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_texts(pool);
    test_conditions(pool);
    test_values(pool);
    test_identifiers(pool);
    apr_terminate();
    return done_testing();
}
