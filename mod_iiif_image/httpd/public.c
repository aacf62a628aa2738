/* SPDX-License-Identifier: Apache-2.0 */
/* `Require iiif-public`: a file is for everybody if a database says so of its record. */
#include <apr_strings.h>
#include <httpd.h>
#include <http_log.h>
#include <http_request.h>
#include <limits.h>
#include <mod_auth.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "httpd/arguments.h"
#include "httpd/context.h"
#include "httpd/hooks.h"
#include "httpd/log.h"
#include "httpd/resolutions.h"
#include "httpd/warned.h"
#include "resolve/query.h"
#include "store/tile_owner.h"

#include "base/banned.h"

#define GRANTED "iiif-public" /* note: the file that was granted */

/* Answered by the record already, or, where there is none, told like every other to be missing. */
static int is_answered(const request_rec *r, const iiif_dir_conf_t *settings)
{
    const iiif_context_t *context = iiif_context(r);

    if (!context)
        return 0;
    return context->ref.record || (!context->ref.path && settings->resolver == &iiif_resolver_dbd);
}

/* What the record of the file is called: its path below the directory in which the query stands, of
 * tiles that of their tree. NULL: it is nothing there. */
static const char *name_of(const request_rec *r, const char *directory)
{
    const apr_size_t length = strlen(directory);
    const char *name, *owner;

    if (!length || !r->filename || strncmp(r->filename, directory, length))
        return NULL;
    name = r->filename + length;
    owner = iiif_tile_owner(name, r->pool);
    return owner ? owner : name;
}

static apr_status_t ask(request_rec *r, const iiif_dir_conf_t *settings, iiif_err_t *err)
{
    const char *name = settings->queries ? name_of(r, settings->query_directory) : NULL;
    iiif_asker_t asker = { r, settings };
    iiif_record_t record;
    apr_status_t rv;

    if (!name)
        return iiif_fail(err, APR_EINVAL, "no IIIFQuery stands in a <Directory> that it is in");
    if (!iiif_query_can_ask(name))
        return iiif_fail(err, IIIF_ENOTFOUND, "no record can have this name");
    rv = iiif_resolutions_ask(&record, name, &asker, err, r->pool);
    if (rv != APR_SUCCESS)
        return rv;
    return record.path && record.is_public ? APR_SUCCESS
                                           : iiif_fail(err, IIIF_ENOTFOUND, "it is not public");
}

static authz_status check(request_rec *r, const char *line, const void *parsed)
{
    const iiif_dir_conf_t settings = iiif_settings(r);
    iiif_err_t err = { "" };
    apr_status_t rv;

    (void)line;
    (void)parsed;
    rv = is_answered(r, &settings) ? APR_SUCCESS : ask(r, &settings, &err);
    if (rv == APR_SUCCESS) {
        apr_table_setn(r->notes, GRANTED, apr_pstrdup(r->pool, r->filename));
        return AUTHZ_GRANTED;
    }
    if (rv == APR_EINVAL)
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, IIIF_LOGNO(0030) "Require iiif-public: %s: %s",
                      r->filename, err.text);
    else
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      IIIF_LOGNO(0031) "%s is not granted by iiif-public: %s", r->filename,
                      err.text);
    return AUTHZ_DENIED;
}

/* All that is in a <Directory> of one path, not only some of its files. */
static void guard(cmd_parms *cmd)
{
    const ap_directive_t *section = cmd->directive->parent;

    while (section && !strncasecmp(section->directive, "<Require", strlen("<Require")))
        section = section->parent;
    if (section && !strcasecmp(section->directive, "<Directory") && *section->args != '~'
        && !strpbrk(cmd->path, "*?["))
        APR_ARRAY_PUSH(iiif_server_conf_of(cmd)->guarded, iiif_guarded_t) =
            (iiif_guarded_t){ cmd->path, cmd->path };
}

static const char *parse(cmd_parms *cmd, const char *line, const void **parsed)
{
    *parsed = NULL;
    guard(cmd);
    iiif_server_conf_of(cmd)->asks_database = 1;
    return *line ? "Require iiif-public takes no arguments" : NULL;
}

/* httpd authorizes once for all that a request leads to under the same settings: to another file by
 * a RewriteRule, or by one of several that have its name. Each file is a question of its own. */
int iiif_public_again(request_rec *r)
{
    const request_rec *parent = r->prev ? r->prev : r->main;
    const char *granted = parent ? apr_table_get(parent->notes, GRANTED) : NULL;

    if (!granted || parent->per_dir_config != r->per_dir_config)
        return DECLINED;
    if (!r->filename || strcmp(granted, r->filename))
        return check(r, NULL, NULL) == AUTHZ_GRANTED ? DECLINED : HTTP_FORBIDDEN;
    apr_table_setn(r->notes, GRANTED, granted);
    return DECLINED;
}

/* Of what is not there (yet), as of the directory in which it would be. */
static const char *real_directory(const char *directory, apr_pool_t *pool)
{
    char *there = apr_pstrmemdup(pool, directory, strlen(directory) - 1), *slash;
    char real[PATH_MAX];

    while (!realpath(there, real)) {
        slash = strrchr(there, '/');
        if (!slash || slash == there)
            return directory;
        *slash = '\0';
    }
    return apr_pstrcat(pool, real[1] ? real : "", directory + strlen(there), NULL);
}

void iiif_public_locate(server_rec *s, apr_pool_t *pconf)
{
    int i;

    for (; s; s = s->next) {
        const apr_array_header_t *guarded = iiif_server_settings(s)->guarded;

        for (i = 0; i < guarded->nelts; ++i) {
            iiif_guarded_t *one = &APR_ARRAY_IDX(guarded, i, iiif_guarded_t);

            one->real = real_directory(one->directory, pconf);
        }
    }
}

/* @a directory ends in a slash. */
static int is_in(const char *path, const char *directory)
{
    const apr_size_t length = strlen(directory) - 1;

    return !strncmp(path, directory, length) && (!path[length] || path[length] == '/');
}

/* Which holds the file, although httpd has come to it by no name of one. NULL: none. */
static const iiif_guarded_t *guarded_elsewhere(const request_rec *r,
                                               const apr_array_header_t *guarded)
{
    char real[PATH_MAX];
    int i;

    for (i = 0; i < guarded->nelts; ++i) {
        if (is_in(r->filename, APR_ARRAY_IDX(guarded, i, iiif_guarded_t).directory))
            return NULL;
    }
    if (!realpath(r->filename, real))
        return NULL;
    for (i = 0; i < guarded->nelts; ++i) {
        if (is_in(real, APR_ARRAY_IDX(guarded, i, iiif_guarded_t).real))
            return &APR_ARRAY_IDX(guarded, i, iiif_guarded_t);
    }
    return NULL;
}

/* A <Directory> holds for one name of a directory, which may have others by links. */
int iiif_public_elsewhere(request_rec *r)
{
    const apr_array_header_t *guarded = iiif_server_settings(r->server)->guarded;
    const iiif_guarded_t *found = NULL;
    iiif_dir_conf_t settings;

    if (guarded->nelts && r->finfo.filetype != APR_NOFILE && r->filename && *r->filename == '/')
        found = guarded_elsewhere(r, guarded);
    if (!found)
        return DECLINED;
    settings = iiif_settings(r);
    if (is_answered(r, &settings))
        return DECLINED;
    if (iiif_is_due(found->directory))
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      IIIF_LOGNO(0033) "Require iiif-public: %s is in %s, by another name, for "
                                       "which no <Directory> asks: spell both alike",
                      r->filename, found->directory);
    return HTTP_FORBIDDEN;
}

void iiif_register_public(apr_pool_t *pool)
{
    static const authz_provider provider = { check, parse };

    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, "iiif-public", AUTHZ_PROVIDER_VERSION,
                              &provider, AP_AUTH_INTERNAL_PER_CONF);
}
