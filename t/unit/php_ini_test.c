/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/php_ini.h"

#include <apr_general.h>
#include <string.h>

#include "tap.h"

/* Of the name "x", as PHP 8.2 gives them; NULL: refused */
static const struct {
    const char *text, *value;
} values[] = {
    { "x = \"secret\"", "secret" },
    { "x=\"secret\"\n", "secret" },
    { "  x\t=\tsecret  \r\n", "secret" },
    { "x = \"a;b\" ; a comment", "a;b" },
    { "x = a;b", "a" },
    { "x = 'a\\'", "a\\" },
    { "x = 'a\"b;c'", "a\"b;c" },
    { "x = \"a\\\"b\"", "a\"b" },
    { "x = \"a\\\\b\"", "a\\b" },
    { "x = \"a\\'b\"", "a'b" },
    { "x = \"a\\nb\"", "a\\nb" },
    { "x = \"a = b\"", "a = b" },
    { "x = a = b", NULL },
    { "x = it's", NULL },
    { "x = a b", "a b" },
    { "x = a\\b$c", "a\\b$c" },
    { "x = \"two\nlines\"", "two\nlines" },
    { "x = \"\"", "" },
    { "x =", "" },
    { "x = 1\nx", "1" },
    { "x = null", "" },
    { "x = None", "" },
    { "x = yes", "1" },
    { "x = \"yes\"", "yes" },
    { "x = 3306", "3306" },
    { "x = p\xc3\xa4ss", "p\xc3\xa4ss" },
    { "x = 1\nx = 2", "2" },
    { "[database]\nx = 1\n[other]", "1" },
    { "; x = 0\n\n;\nx = 1", "1" },
    { "x = \"a\\", NULL },
    { "x = \"open", NULL },
    { "x = \"a\"b", NULL },
    { "x = \"${HOME}\"", NULL },
    { "x = '${HOME}'", "${HOME}" },
    { "x = a|b", NULL },
    { "x = a\"b\"", NULL },
    { "x = ${HOME}", NULL },
};

static void test_values(apr_pool_t *pool)
{
    unsigned i;

    for (i = 0; i < ROWS(values); ++i) {
        apr_table_t *table = NULL;
        iiif_err_t err = { "" };
        apr_status_t rv = iiifctl_php_ini_read(&table, values[i].text, &err, pool);
        const char *value = table ? apr_table_get(table, "x") : NULL;

        if (values[i].value)
            ok(rv == APR_SUCCESS && value && !strcmp(value, values[i].value), "%s", values[i].text);
        else
            ok(rv == APR_EINVAL && !table && *err.text, "%s: refused, %s", values[i].text,
               err.text);
    }
}

int main(void)
{
    static const char omeka[] =
        "user     = \"omeka\"\npassword = \"p;w d\"\ndbname   = \"omeka_s\"\n"
        "host     = \"localhost\"\n;port     = \n;unix_socket = \n";
    apr_table_t *table = NULL;
    apr_pool_t *pool;
    iiif_err_t err = { "" };

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_values(pool);
    iiifctl_php_ini_read(&table, omeka, &err, pool);
    ok(table && apr_table_elts(table)->nelts == 4
           && !strcmp(apr_table_get(table, "password"), "p;w d")
           && !strcmp(apr_table_get(table, "host"), "localhost"),
       "the file as Omeka S ships it");
    iiifctl_php_ini_read(&table, "a = 1\n\nb = \"x\ny\"\nc = s3cret|", &err, pool);
    ok(!strncmp(err.text, "line 5:", 7) && !strstr(err.text, "s3cret"),
       "a refusal tells the line and keeps the secret: %s", err.text);
    apr_terminate();
    return done_testing();
}
