/* SPDX-License-Identifier: Apache-2.0 */
#include "resolve/query.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#include "base/path.h"

#include "base/banned.h"

#define IDENTIFIER_MAX 1000 /* bytes; what is longer is in no column with an index */
#define DIGITS_MAX     18   /* fit 64 bits, whatever they are */

static const struct {
    const char *name, *marker; /* in braces; for apr_dbd_prepare() */
} names[] = { [IIIF_QUERY_IDENTIFIER] = { "identifier", "%s" },
              [IIIF_QUERY_ID] = { "id", "%lld" },
              [IIIF_QUERY_STEM] = { "stem", "%s" },
              [IIIF_QUERY_PREFIXED] = { "prefixed", "%s" } };

/* One text on its way from @a s to @a to. */
typedef struct reading_t {
    const char *s;
    char *to;
    char quote; /* that is open, or NUL */
    iiif_query_t *query;
} reading_t;

/* The length of "{word}" at @a s, or 0. */
static apr_size_t braced(const char *s)
{
    apr_size_t len = 1;

    while (apr_islower(s[len]) || s[len] == '_')
        ++len;
    return s[0] == '{' && len > 1 && s[len] == '}' ? len + 1 : 0;
}

static apr_status_t read_name(reading_t *r, apr_size_t len, iiif_err_t *err)
{
    unsigned i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); ++i) {
        if (strlen(names[i].name) == len - 2 && !memcmp(r->s + 1, names[i].name, len - 2))
            break;
    }
    if (i == sizeof(names) / sizeof(names[0]))
        return iiif_fail(err, APR_EINVAL, "%.*s is not one of {identifier} {id} {stem} {prefixed}",
                         (int)len, r->s);
    if (r->quote)
        return iiif_fail(err, APR_EINVAL, "%.*s stands within quotes: values need none", (int)len,
                         r->s);
    if (r->query->count == IIIF_QUERY_VALUES_MAX)
        return iiif_fail(err, APR_EINVAL, "there are more than %u values", IIIF_QUERY_VALUES_MAX);
    r->query->values[r->query->count++] = (iiif_query_value_e)i;
    r->to = apr_cpystrn(r->to, names[i].marker, strlen(names[i].marker) + 1);
    r->s += len;
    return APR_SUCCESS;
}

static apr_status_t read_character(reading_t *r, iiif_err_t *err)
{
    const char c = *r->s++;

    if (c == '?' && !r->quote)
        return iiif_fail(err, APR_EINVAL, "\"?\" is what a value becomes, and cannot be written");
    if (c == r->quote)
        r->quote = '\0';
    else if (!r->quote && strchr("'\"`", c))
        r->quote = c;
    *r->to++ = c;
    if (c == '%') /* is apr_dbd's own mark */
        *r->to++ = c;
    return APR_SUCCESS;
}

/* No marker is longer than its name, and no character becomes more than two. */
static apr_status_t read_text(const char **statement, iiif_query_t *query, const char *text,
                              iiif_err_t *err, apr_pool_t *pool)
{
    char *start = apr_palloc(pool, strlen(text) * 2 + 1);
    reading_t r = { text, start, '\0', query };
    apr_status_t rv = APR_SUCCESS;

    while (rv == APR_SUCCESS && *r.s) {
        apr_size_t len = braced(r.s);

        rv = len ? read_name(&r, len, err) : read_character(&r, err);
    }
    if (rv == APR_SUCCESS && r.quote)
        rv = iiif_fail(err, APR_EINVAL, "a %c is not closed", r.quote);
    *r.to = '\0';
    *statement = start;
    return rv;
}

apr_status_t iiif_query_parse(iiif_query_t *query, const char *sql, const char *when,
                              iiif_err_t *err, apr_pool_t *pool)
{
    iiif_query_t read = { NULL }, condition = { NULL };
    apr_status_t rv = read_text(&read.statement, &read, sql, err, pool);

    if (rv == APR_SUCCESS && when)
        rv = read_text(&read.condition, &condition, when, err, pool);
    if (rv == APR_SUCCESS && condition.count)
        rv = iiif_fail(err, APR_EINVAL, "a condition has no values: its answer is remembered");
    if (rv == APR_SUCCESS)
        *query = read;
    return rv;
}

int iiif_query_can_ask(const char *identifier)
{
    return *identifier && strlen(identifier) <= IDENTIFIER_MAX
           && iiif_path_is_clean_utf8(identifier);
}

static int is_number(const char *identifier)
{
    const apr_size_t len = strspn(identifier, "0123456789");

    return len && len <= DIGITS_MAX && !identifier[len] && *identifier != '0';
}

int iiif_query_may_yield(const iiif_query_t *query, const char *identifier)
{
    unsigned i;

    for (i = 0; i < query->count; ++i) {
        if (query->values[i] != IIIF_QUERY_ID)
            return 1;
    }
    return !query->count || is_number(identifier);
}

static const char *stem_of(const char *identifier, apr_pool_t *pool)
{
    const char *slash = strrchr(identifier, '/'), *dot = strrchr(identifier, '.');
    const char *segment = slash ? slash + 1 : identifier;

    return dot && dot > segment && dot[1]
               ? apr_pstrmemdup(pool, identifier, (apr_size_t)(dot - identifier))
               : identifier;
}

void iiif_query_values(const char *values[], const iiif_query_t *query, const char *identifier,
                       const char *prefix, apr_pool_t *pool)
{
    unsigned i;

    for (i = 0; i < query->count; ++i) {
        switch (query->values[i]) {
        case IIIF_QUERY_IDENTIFIER: values[i] = identifier; break;
        case IIIF_QUERY_ID: values[i] = is_number(identifier) ? identifier : "-1"; break;
        case IIIF_QUERY_STEM: values[i] = stem_of(identifier, pool); break;
        case IIIF_QUERY_PREFIXED:
            values[i] = prefix ? apr_pstrcat(pool, prefix, identifier, NULL) : identifier;
            break;
        }
    }
}
