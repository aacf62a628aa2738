/* SPDX-License-Identifier: Apache-2.0 */
/* `Require iiif-public`: a file is for everybody if a database says so of its record. */
#include <apr_strings.h>
#include <httpd.h>
#include <http_log.h>
#include <http_request.h>
#include <mod_auth.h>
#include <string.h>

#include "httpd/arguments.h"
#include "httpd/context.h"
#include "httpd/hooks.h"
#include "httpd/log.h"
#include "httpd/resolutions.h"
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

static const char *parse(cmd_parms *cmd, const char *line, const void **parsed)
{
    *parsed = NULL;
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

void iiif_register_public(apr_pool_t *pool)
{
    static const authz_provider provider = { check, parse };

    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, "iiif-public", AUTHZ_PROVIDER_VERSION,
                              &provider, AP_AUTH_INTERNAL_PER_CONF);
}
