/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/php_ini.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>
#include <strings.h>

#include "base/banned.h"

#define BLANKS    " \t\r"
#define OPERATORS "{}|&~!()^=\"'" /* that PHP does something with, where there are no quotes */

/* Words that mean something else where there are no quotes. */
static const struct {
    const char *word, *value;
} words[] = {
    { "null", "" }, { "no", "" },   { "off", "" }, { "false", "" },
    { "none", "" }, { "yes", "1" }, { "on", "1" }, { "true", "1" },
};

/* Where reading is. */
typedef struct cursor_t {
    const char *at;
    int line; /* from 1 */
    iiif_err_t *err;
    apr_pool_t *pool;
} cursor_t;

static apr_status_t refuse(const cursor_t *cursor, const char *what)
{
    return iiif_fail(cursor->err, APR_EINVAL, "line %d: %s", cursor->line, what);
}

static void skip_blanks(cursor_t *cursor)
{
    cursor->at += strspn(cursor->at, BLANKS);
}

static void skip_line(cursor_t *cursor)
{
    cursor->at += strcspn(cursor->at, "\n");
    if (!*cursor->at)
        return;
    ++cursor->at;
    ++cursor->line;
}

/* Does a backslash before @a next stand for nothing but itself? */
static int is_plain(char quote, char next)
{
    return quote == '\'' || (next != '"' && next != '\'' && next != '\\');
}

static apr_status_t read_quoted(const char **value, cursor_t *cursor)
{
    const char quote = *cursor->at++;
    char *out = apr_palloc(cursor->pool, strlen(cursor->at) + 1), *end = out;

    while (*cursor->at && *cursor->at != quote) {
        if (quote == '"' && cursor->at[0] == '$' && cursor->at[1] == '{')
            return refuse(cursor, "${...} is known to PHP alone");
        if (*cursor->at == '\\' && !is_plain(quote, cursor->at[1]))
            ++cursor->at;
        cursor->line += *cursor->at == '\n';
        *end++ = *cursor->at++;
    }
    *end = '\0';
    if (!*cursor->at)
        return refuse(cursor, "the quotes are not closed");
    ++cursor->at;
    skip_blanks(cursor);
    if (*cursor->at && *cursor->at != '\n' && *cursor->at != ';')
        return refuse(cursor, "there is text behind the quotes");
    *value = out;
    return APR_SUCCESS;
}

static const char *meaning(const char *text)
{
    unsigned i;

    for (i = 0; i < sizeof(words) / sizeof(words[0]); ++i) {
        if (!strcasecmp(text, words[i].word))
            return words[i].value;
    }
    return text;
}

static apr_status_t read_bare(const char **value, cursor_t *cursor)
{
    apr_size_t len = strcspn(cursor->at, ";\n");
    char *text = apr_pstrmemdup(cursor->pool, cursor->at, len);

    while (len && strchr(BLANKS, text[len - 1]))
        text[--len] = '\0';
    if (strpbrk(text, OPERATORS))
        return refuse(cursor, "PHP computes with such a value: it needs quotes");
    *value = meaning(text);
    return APR_SUCCESS;
}

/* name = value, with the cursor on the name */
static apr_status_t read_setting(apr_table_t *values, cursor_t *cursor)
{
    apr_size_t len = strcspn(cursor->at, "=;\n");
    char *name = apr_pstrmemdup(cursor->pool, cursor->at, len);
    const char *value = NULL;
    apr_status_t rv;

    cursor->at += len;
    while (len && strchr(BLANKS, name[len - 1]))
        name[--len] = '\0';
    if (*cursor->at != '=')
        return APR_SUCCESS;
    ++cursor->at;
    skip_blanks(cursor);
    rv = *cursor->at == '"' || *cursor->at == '\'' ? read_quoted(&value, cursor)
                                                   : read_bare(&value, cursor);
    if (rv == APR_SUCCESS)
        apr_table_setn(values, name, value);
    return rv;
}

apr_status_t iiifctl_php_ini_read(apr_table_t **values, const char *text, iiif_err_t *err,
                                  apr_pool_t *pool)
{
    cursor_t cursor = { text, 1, err, pool };
    apr_table_t *table = apr_table_make(pool, 8);
    apr_status_t rv = APR_SUCCESS;

    for (; *cursor.at && rv == APR_SUCCESS; skip_line(&cursor)) {
        skip_blanks(&cursor);
        if (*cursor.at && !strchr(";[\n", *cursor.at))
            rv = read_setting(table, &cursor);
    }
    if (rv == APR_SUCCESS)
        *values = table;
    return rv;
}
