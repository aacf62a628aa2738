/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/base_url.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <httpd.h>
#include <http_core.h>
#include <http_protocol.h>
#include <string.h>
#include <strings.h>

#include "iiif/identifier.h"

#include "base/banned.h"

static int is_trusted(request_rec *r, const iiif_dir_conf_t *settings)
{
    int i;

    for (i = 0; settings->trusted_proxies && i < settings->trusted_proxies->nelts; ++i) {
        if (apr_ipsubnet_test(APR_ARRAY_IDX(settings->trusted_proxies, i, apr_ipsubnet_t *),
                              r->connection->client_addr))
            return 1;
    }
    return 0;
}

/* The last of a list is what the trusted proxy itself added; those before it came from its client,
 * and mod_proxy, like others, passes them on. */
static const char *forwarded(request_rec *r, const char *name)
{
    const char *field = apr_table_get(r->headers_in, name), *comma;

    if (!field)
        return NULL;
    if ((comma = strrchr(field, ',')))
        field = comma + 1;
    while (apr_isspace(*field))
        ++field;
    return apr_pstrmemdup(r->pool, field, strcspn(field, " \t"));
}

/* Made of host characters only. */
static const char *forwarded_host(request_rec *r)
{
    const char *host = forwarded(r, "X-Forwarded-Host"), *s;

    for (s = host; s && *s; ++s) {
        if (!apr_isalnum(*s) && !strchr(".-:[]", *s))
            return NULL;
    }
    return host && *host ? host : NULL;
}

static const char *forwarded_scheme(request_rec *r)
{
    const char *scheme = forwarded(r, "X-Forwarded-Proto");

    if (!scheme)
        return NULL;
    return !strcasecmp(scheme, "https") ? "https" : !strcasecmp(scheme, "http") ? "http" : NULL;
}

/* scheme://server, without a slash behind it */
static const char *origin(request_rec *r, const iiif_dir_conf_t *settings)
{
    const char *own = ap_construct_url(r->pool, "", r), *host, *scheme;

    if (!is_trusted(r, settings))
        return own;
    host = forwarded_host(r);
    scheme = forwarded_scheme(r);
    if (!host && !scheme)
        return own;
    /* a proxy that tells the scheme alone passes the public Host on, with the public port in it */
    if (!host && !(host = apr_table_get(r->headers_in, "Host")))
        host = ap_get_server_name_for_url(r);
    return apr_pstrcat(r->pool, scheme ? scheme : ap_http_scheme(r), "://", host, NULL);
}

/* scheme://server/prefix */
static const char *root_url(request_rec *r, const iiif_context_t *context,
                            const iiif_dir_conf_t *settings)
{
    const char *configured = settings->base_url, *path;
    apr_size_t len;

    if (!configured)
        return apr_pstrcat(r->pool, origin(r, settings), context->prefix, NULL);
    path = strchr(strstr(configured, "://") + 3, '/');
    if (!path || !path[1]) /* scheme and host alone, with or without a slash behind them */
        return apr_pstrcat(
            r->pool,
            apr_pstrmemdup(r->pool, configured,
                           path ? (apr_size_t)(path - configured) : strlen(configured)),
            context->prefix, NULL);
    len = strlen(configured);
    while (configured[len - 1] == '/')
        --len;
    return apr_pstrmemdup(r->pool, configured, len);
}

const char *iiif_base_identifier(request_rec *r, const iiif_context_t *context)
{
    return iiif_percent_tidy(context->request.encoded, r->pool);
}

const char *iiif_base_uri(request_rec *r, const iiif_context_t *context,
                          const iiif_dir_conf_t *settings)
{
    static const char *const versions[] = {
        [IIIF_VERSION_NONE] = "/", [IIIF_VERSION_2] = "/2/", [IIIF_VERSION_3] = "/3/"
    };

    return apr_pstrcat(r->pool, root_url(r, context, settings), versions[context->request.version],
                       iiif_base_identifier(r, context), NULL);
}
