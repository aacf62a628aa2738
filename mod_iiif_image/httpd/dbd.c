/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/dbd.h"

#include <apr_dbd.h>
#include <apr_optional.h>
#include <apr_strings.h>
#include <http_config.h>
#include <mod_dbd.h>
#include <strings.h>

#include "resolve/ask_dbd.h"

#include "base/banned.h"

#define CONDITION_HOLDS apr_time_from_sec(60) /* a condition's answer, until it is asked again */

int iiif_dbd_is_there(void)
{
    return APR_RETRIEVE_OPTIONAL_FN(ap_dbd_open) && APR_RETRIEVE_OPTIONAL_FN(ap_dbd_close);
}

/* The last of a server's own, as httpd takes it. */
static const char *argument_of(const ap_directive_t *first, const char *name)
{
    const char *found = NULL;

    for (; first; first = first->next) {
        if (!strcasecmp(first->directive, name))
            found = first->args;
    }
    return found;
}

/* Does one of them say something else than the last? */
static int is_told_twice(const ap_directive_t *first, const char *name)
{
    const char *last = argument_of(first, name);
    int other = 0;

    for (; last && first; first = first->next)
        other |= !strcasecmp(first->directive, name) && strcmp(first->args, last) != 0;
    return other;
}

/* The contents of the section that a virtual host was made of. */
static const ap_directive_t *section_of(const server_rec *s)
{
    const ap_directive_t *d;

    for (d = s->is_virtual ? ap_conftree : NULL; d; d = d->next) {
        if (!strcasecmp(d->directive, "<VirtualHost") && s->defn_name
            && d->line_num == (int)s->defn_line_number && !strcmp(d->filename, s->defn_name))
            return d->first_child;
    }
    return NULL;
}

/* mod_dbd tells nobody what it was told. */
static const char *setting(const server_rec *s, const char *name)
{
    const char *own = argument_of(section_of(s), name);

    if (!own)
        own = argument_of(ap_conftree, name);
    return own ? own : "";
}

int iiif_dbd_is_told_twice(const server_rec *s)
{
    const ap_directive_t *const own = s->is_virtual ? section_of(s) : ap_conftree;

    return is_told_twice(own, "DBDParams") || is_told_twice(own, "DBDriver");
}

const char *iiif_dbd_name(const server_rec *s, apr_pool_t *pool)
{
    return apr_pstrcat(pool, setting(s, "DBDriver"), "\n", setting(s, "DBDParams"), "\n",
                       s->server_hostname, NULL);
}

/* Two threads that both find it old both ask. */
static apr_status_t holds(const iiif_database_t *database, int i, const iiif_connection_t *c,
                          iiif_err_t *err, apr_pool_t *pool)
{
    const char *condition = APR_ARRAY_IDX(database->queries, i, iiif_query_t).condition;
    const apr_uint64_t now = (apr_uint64_t)apr_time_now();
    apr_uint64_t known = __atomic_load_n(&database->conditions[i], __ATOMIC_RELAXED);
    apr_status_t rv;

    if (!condition)
        return APR_SUCCESS;
    if (known >> 1 <= now && now - (known >> 1) < CONDITION_HOLDS)
        return known & 1 ? APR_SUCCESS : IIIF_ENOTFOUND;
    rv = iiif_ask_condition(c, condition, err, pool);
    if (rv == APR_SUCCESS || rv == IIIF_ENOTFOUND)
        __atomic_store_n(&database->conditions[i], now << 1 | (rv == APR_SUCCESS),
                         __ATOMIC_RELAXED);
    return rv;
}

/* IIIF_ENOTFOUND: no query's condition holds. */
static apr_status_t choose(const iiif_query_t **query, const iiif_database_t *database,
                           const iiif_connection_t *c, iiif_err_t *err, apr_pool_t *pool)
{
    apr_status_t rv = iiif_fail(err, IIIF_ENOTFOUND, "no IIIFQuery applies");
    int i;

    for (i = 0; i < database->queries->nelts && rv == IIIF_ENOTFOUND; ++i) {
        *query = &APR_ARRAY_IDX(database->queries, i, iiif_query_t);
        rv = holds(database, i, c, err, pool);
    }
    return rv;
}

static apr_status_t ask(iiif_record_t *record, const iiif_database_t *database,
                        const iiif_connection_t *c, const char *const identifiers[2],
                        iiif_err_t *err, apr_pool_t *pool)
{
    const char *values[IIIF_QUERY_VALUES_MAX];
    const iiif_query_t *query = NULL;
    apr_status_t rv = choose(&query, database, c, err, pool);

    if (rv != APR_SUCCESS)
        return rv;
    if (!iiif_query_may_yield(query, identifiers[0]))
        return iiif_fail(err, IIIF_ENOTFOUND, "the identifier is no number");
    iiif_query_values(values, query, identifiers[0], identifiers[1], pool);
    return iiif_ask_record(record, c, query, values, err, pool);
}

static void copy(iiif_record_t *to, const iiif_record_t *from, apr_pool_t *pool)
{
    *to = (iiif_record_t){ apr_pstrdup(pool, from->path),
                           apr_pstrdup(pool, from->name),
                           apr_pstrdup(pool, from->etag),
                           apr_pstrdup(pool, from->rights),
                           apr_pstrdup(pool, from->attribution),
                           from->is_public,
                           from->has_base };
}

apr_status_t iiif_dbd_ask(iiif_record_t *record, const iiif_database_t *database,
                          const char *identifier, const char *prefix, iiif_err_t *err,
                          apr_pool_t *pool)
{
    const char *const identifiers[2] = { identifier, prefix };
    APR_OPTIONAL_FN_TYPE(ap_dbd_open) *const open = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_open);
    APR_OPTIONAL_FN_TYPE(ap_dbd_close) *const close = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_close);
    ap_dbd_t *opened = open(pool, database->server);
    iiif_record_t found = { NULL };
    iiif_connection_t connection;
    apr_pool_t *results; /* gone before the connection is somebody else's */
    apr_status_t rv;

    if (!opened)
        return iiif_fail(err, IIIF_EDOWN, "there is no connection: mod_dbd's own line says why");
    apr_pool_create(&results, pool);
    connection = (iiif_connection_t){ opened->driver, opened->handle, opened->pool };
    rv = ask(&found, database, &connection, identifiers, err, results);
    if (rv == APR_SUCCESS)
        copy(record, &found, pool);
    apr_pool_destroy(results);
    close(database->server, opened);
    return rv;
}
