/* SPDX-License-Identifier: Apache-2.0 */
/* httpd -t -D IIIF_ASKED=URL: the answer to one request, on standard output, by the configuration
 * that was read. No port is bound and no log opened, so it may be done beside a running server. */
#include <apr_strings.h>
#include <apr_uri.h>
#include <ap_listen.h>
#include <ap_provider.h>
#include <httpd.h>
#include <http_config.h>
#include <http_connection.h>
#include <http_core.h>
#include <http_main.h>
#include <http_protocol.h>
#include <http_request.h>
#include <http_ssl.h>
#include <http_vhost.h>
#include <mod_auth.h>
#include <mpm_common.h>
#include <scoreboard.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <util_cfgtree.h>

#include "httpd/context.h"
#include "httpd/hooks.h"
#include "httpd/respond.h"

#include "base/banned.h"

#define ASKED "IIIF_ASKED="
#define SINK  "iiif-rehearse-sink"

static const char *asked_url(void)
{
    int i;

    for (i = 0; i < ap_server_config_defines->nelts; ++i) {
        const char *define = APR_ARRAY_IDX(ap_server_config_defines, i, const char *);

        if (!strncmp(define, ASKED, strlen(ASKED)))
            return define + strlen(ASKED);
    }
    return NULL;
}

/* -- what modules ask that were not started -----------------------------------------------------
 */

static int is_secure(void)
{
    const char *url = asked_url();

    return url && !strncmp(url, "https:", 6);
}

/* mod_ssl knows by the connection, which is none of its own. */
static int tell_secure(conn_rec *c)
{
    (void)c;
    return is_secure() ? OK : DECLINED;
}

static const char *tell_scheme(const request_rec *r)
{
    (void)r;
    return is_secure() ? "https" : "http";
}

static apr_port_t tell_port(const request_rec *r)
{
    (void)r;
    return is_secure() ? DEFAULT_HTTPS_PORT : DEFAULT_HTTP_PORT;
}

/* `Require ssl` */
static authz_status check_secure(request_rec *r, const char *require, const void *parsed)
{
    (void)r;
    (void)require;
    (void)parsed;
    return is_secure() ? AUTHZ_GRANTED : AUTHZ_DENIED;
}

/* mod_ssl's own provider asks a connection of its own, too. */
static void replace_provider(apr_pool_t *pool)
{
    const authz_provider *known =
        ap_lookup_provider(AUTHZ_PROVIDER_GROUP, "ssl", AUTHZ_PROVIDER_VERSION);
    authz_provider *ours;

    if (!known)
        return;
    ours = apr_pmemdup(pool, known, sizeof(*known));
    ours->check_authorization = check_secure;
    ap_register_provider(pool, AUTHZ_PROVIDER_GROUP, "ssl", AUTHZ_PROVIDER_VERSION, ours);
}

/* Without what https fulfils, siblings behind a directive and all below. */
static void drop_rules(ap_directive_t **at)
{
    while (*at) {
        if (!strcasecmp((*at)->directive, "SSLRequireSSL"))
            *at = (*at)->next;
        else {
            drop_rules(&(*at)->first_child);
            at = &(*at)->next;
        }
    }
}

/* The configuration is read, but no directive has been obeyed. */
static int secure_rules(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)plog;
    (void)ptemp;
    if (ap_find_linked_module("mod_ssl.c"))
        replace_provider(pconf);
    if (ap_find_linked_module("mod_ssl.c") && is_secure())
        drop_rules(&ap_conftree);
    return OK;
}

/* mod_mime has not read its types, and of what is ours they do not matter. */
static int skip_type(request_rec *r)
{
    (void)r;
    return OK;
}

/* The end of the connection: an answer with its headers, as a client would get it. */
static apr_status_t write_out(ap_filter_t *f, apr_bucket_brigade *bb)
{
    apr_bucket *bucket;
    apr_file_t *out;
    apr_status_t rv = apr_file_open_stdout(&out, f->c->pool);

    for (bucket = APR_BRIGADE_FIRST(bb); rv == APR_SUCCESS && bucket != APR_BRIGADE_SENTINEL(bb);
         bucket = APR_BUCKET_NEXT(bucket)) {
        const char *data;
        apr_size_t len;

        rv = apr_bucket_read(bucket, &data, &len, APR_BLOCK_READ);
        if (rv == APR_SUCCESS && len)
            rv = apr_file_write_full(out, data, len, NULL);
    }
    apr_brigade_cleanup(bb);
    return rv;
}

/* -- where a client would have arrived ----------------------------------------------------------
 */

static int takes_port(const server_addr_rec *addr, apr_port_t port)
{
    return !addr->host_port || addr->host_port == port;
}

/* The address by which a virtual host of that name is reached; NULL: by any, or there is none. */
static apr_sockaddr_t *address_of(request_rec *r, server_rec *main_server, const apr_uri_t *uri)
{
    const server_addr_rec *addr = NULL;

    for (r->server = main_server->next; r->server; r->server = r->server->next) {
        for (addr = r->server->addrs; addr && !takes_port(addr, uri->port); addr = addr->next)
            continue;
        if (addr && ap_matches_request_vhost(r, uri->hostname, uri->port))
            break;
    }
    r->server = main_server;
    return addr && !apr_sockaddr_is_wildcard(addr->host_addr) ? addr->host_addr : NULL;
}

/* A path alone is asked of the first virtual host, or of the main server if there is none. httpd
 * lists virtual hosts backwards. */
static void complete(apr_uri_t *uri, const server_rec *main_server, apr_pool_t *pool)
{
    const server_rec *s = main_server;
    apr_port_t port;

    if (uri->hostname) {
        if (!uri->port_str)
            uri->port = apr_uri_port_of_scheme(uri->scheme);
        return;
    }
    while (s->next)
        s = s->next;
    port = s->addrs ? s->addrs->host_port : s->port;
    uri->hostname = s->server_hostname;
    uri->port = port ? port : ap_listeners ? ap_listeners->bind_addr->port : DEFAULT_HTTP_PORT;
    uri->hostinfo = apr_psprintf(pool, "%s:%u", uri->hostname, uri->port);
}

/* A connection without a socket, from this host. */
static conn_rec *make_connection(server_rec *s, apr_pool_t *pool)
{
    conn_rec *c = apr_pcalloc(pool, sizeof(*c));

    c->pool = pool;
    c->base_server = s;
    c->conn_config = ap_create_conn_config(pool);
    c->notes = apr_table_make(pool, 4);
    c->bucket_alloc = apr_bucket_alloc_create(pool);
    c->keepalive = AP_CONN_CLOSE;
    c->client_ip = c->local_ip = apr_pstrdup(pool, "127.0.0.1");
    apr_sockaddr_info_get(&c->client_addr, c->client_ip, APR_INET, 0, 0, pool);
    apr_sockaddr_info_get(&c->local_addr, c->client_ip, APR_INET, 0, 0, pool);
    ap_add_output_filter(SINK, NULL, NULL, c);
    return c;
}

static void arrive(request_rec *r, const apr_uri_t *uri)
{
    conn_rec *c = r->connection;
    apr_sockaddr_t *own = address_of(r, c->base_server, uri);

    if (own)
        apr_sockaddr_info_copy(&c->local_addr, own, c->pool);
    c->local_addr->port = uri->port;
    c->local_addr->sa.sin.sin_port = htons(uri->port);
    ap_update_vhost_given_ip(c);
    r->server = c->base_server;
    ap_update_vhost_from_headers(r);
    r->per_dir_config = r->server->lookup_defaults;
}

/* -- modules that prepare later phases ----------------------------------------------------------
 */

enum { AT_START = 1, IN_CHILD = 2, WITH_REQUEST = 4 };

/* What they do then is asked for by others. Not all modules: some open files and memory, and MPMs
 * expect a socket. */
static const struct {
    const char *module;
    int phases;
} started[] = {
    { "core.c", AT_START }, /* finds what it asks of modules, as the type of authentication */
    { "mod_dbd.c", AT_START | IN_CHILD },
    { "mod_auth_digest.c", WITH_REQUEST },
    { "mod_setenvif.c", WITH_REQUEST },
};

static int takes_part(const char *module, int phase)
{
    unsigned i;

    for (i = 0; i < sizeof(started) / sizeof(started[0]); ++i) {
        if (started[i].phases & phase && !strcmp(started[i].module, module))
            return 1;
    }
    return 0;
}

static int prepare_server(apr_pool_t *pconf, server_rec *s)
{
    const apr_array_header_t *hooks = ap_hook_get_post_config();
    int i, rv = OK;

    for (i = 0; (rv == OK || rv == DECLINED) && i < hooks->nelts; ++i) {
        const ap_LINK_post_config_t *hook = &APR_ARRAY_IDX(hooks, i, ap_LINK_post_config_t);

        if (takes_part(hook->szName, AT_START))
            rv = hook->pFunc(pconf, pconf, pconf, s);
    }
    return rv == OK || rv == DECLINED;
}

static void prepare_child(apr_pool_t *pconf, server_rec *s)
{
    const apr_array_header_t *hooks = ap_hook_get_child_init();
    int i;

    for (i = 0; hooks && i < hooks->nelts; ++i) {
        const ap_LINK_child_init_t *hook = &APR_ARRAY_IDX(hooks, i, ap_LINK_child_init_t);

        if (takes_part(hook->szName, IN_CHILD))
            hook->pFunc(pconf, s);
    }
}

static int prepare_request(request_rec *r)
{
    const apr_array_header_t *hooks = ap_hook_get_post_read_request();
    int i, status = OK;

    for (i = 0; hooks && i < hooks->nelts && (status == OK || status == DECLINED); ++i) {
        const ap_LINK_post_read_request_t *hook =
            &APR_ARRAY_IDX(hooks, i, ap_LINK_post_read_request_t);

        if (takes_part(hook->szName, WITH_REQUEST))
            status = hook->pFunc(r);
    }
    return status == DECLINED ? OK : status;
}

/* -- the request --------------------------------------------------------------------------------
 */

/* As HTTP/1.0, so that the body is not in chunks. */
static request_rec *make_request(conn_rec *c, const apr_uri_t *uri)
{
    request_rec *r = ap_create_request(c);
    const char *path = apr_uri_unparse(r->pool, uri, APR_URI_UNP_OMITSITEPART);

    ap_add_input_filter("HTTP_IN", NULL, r, c);
    r->the_request = apr_pstrcat(r->pool, "GET ", path, " HTTP/1.0", NULL);
    r->method = "GET";
    r->method_number = M_GET;
    r->protocol = apr_pstrdup(r->pool, "HTTP/1.0");
    r->proto_num = HTTP_VERSION(1, 0);
    r->request_time = apr_time_now();
    r->status = HTTP_OK;
    ap_parse_uri(r, path);
    apr_table_setn(r->headers_in, "Host", uri->hostinfo);
    return r;
}

/* In a line that is told. */
static int refuse(request_rec *r, int status, const char *text)
{
    r->status = status;
    ap_set_content_type(r, "text/plain");
    return iiif_send_text(r, text, strlen(text));
}

/* mod_ssl's note: an .htaccess file is not in the tree above, and http is http. */
static int wants_tls(const request_rec *r, int status)
{
    return status == HTTP_FORBIDDEN && apr_table_get(r->notes, "ssl-access-forbidden");
}

static void answer(request_rec *r)
{
    int status = prepare_request(r);

    if (status == OK)
        status = ap_process_request_internal(r);
    if (status == OK && iiif_context(r))
        status = ap_invoke_handler(r);
    else if (status == OK) /* no other module's handler is run: it may send a mail */
        status = refuse(r, HTTP_NOT_FOUND, "mod_iiif_image leaves it to the rest of httpd\n");
    else if (wants_tls(r, status))
        status = refuse(r, status,
                        "SSLRequireSSL asks for a TLS connection, and this request has none\n");
    if (status == OK || status == DONE)
        ap_finalize_request_protocol(r);
    else
        ap_die(status, r);
}

/* What the phases of a request expect of a child: its user, its scoreboard, what is ours. */
static int become_child(apr_pool_t *pconf, server_rec *s)
{
    if (ap_run_pre_mpm(pconf, SB_NOT_SHARED) != OK || !prepare_server(pconf, s)
        || iiif_post_config(pconf, pconf, pconf, s) != OK)
        return 0;
    ap_run_optional_fn_retrieve();
    if (!geteuid() && ap_run_drop_privileges(pconf, s) != OK)
        return 0;
    prepare_child(pconf, s);
    iiif_child_init(pconf, s);
    return 1;
}

static void rehearse(apr_pool_t *pconf, server_rec *s)
{
    const char *url = asked_url();
    apr_uri_t uri;
    request_rec *r;

    if (!url || apr_uri_parse(pconf, url, &uri) != APR_SUCCESS || !uri.path)
        return;
    if (!become_child(pconf, s))
        exit(APEXIT_CHILDFATAL);
    complete(&uri, s, pconf);
    ap_register_output_filter(SINK, write_out, NULL, AP_FTYPE_NETWORK);
    r = make_request(make_connection(s, pconf), &uri);
    arrive(r, &uri);
    answer(r);
    _exit(0); /* modules would clean up what they never began */
}

void iiif_rehearse_hooks(void)
{
    if (!asked_url())
        return;
    ap_hook_pre_config(secure_rules, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_test_config(rehearse, NULL, NULL, APR_HOOK_LAST);
    ap_hook_type_checker(skip_type, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_ssl_conn_is_ssl(tell_secure, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_http_scheme(tell_scheme, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_default_port(tell_port, NULL, NULL, APR_HOOK_REALLY_FIRST);
}
