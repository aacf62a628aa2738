/* SPDX-License-Identifier: Apache-2.0 */
/* What happens once a server and once a child. */
#include <apr_file_info.h>
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "httpd/config.h"
#include "httpd/dbd.h"
#include "httpd/derivatives.h"
#include "httpd/hooks.h"
#include "httpd/lanes.h"
#include "httpd/log.h"
#include "httpd/process.h"
#include "httpd/shared_answers.h"
#include "httpd/warned.h"
#include "image/vips_process.h"

#include "base/banned.h"

#define INDEX_BYTES ((apr_size_t)64 << 20) /* of IIIFSourceIndex */
#define FILES_MAX   4096u

/* The roots that @a s itself names: a merged list has the main server's behind them. */
static int own_roots(const server_rec *s, const server_rec *main_server)
{
    int all = iiif_server_settings(s)->roots->nelts;

    return s == main_server ? all : all - iiif_server_settings(main_server)->roots->nelts;
}

static void warn_of_missing_roots(server_rec *s, int count, apr_pool_t *pool)
{
    const apr_array_header_t *roots = iiif_server_settings(s)->roots;
    int i;

    for (i = 0; i < count; ++i) {
        const iiif_root_t *root = &APR_ARRAY_IDX(roots, i, const iiif_root_t);
        apr_finfo_t finfo;
        apr_status_t rv = apr_stat(&finfo, root->directory, APR_FINFO_TYPE, pool);

        if (rv != APR_SUCCESS || finfo.filetype != APR_DIR)
            ap_log_error(APLOG_MARK, APLOG_WARNING, rv, s,
                         IIIF_LOGNO(0007) "IIIFImageRoot %s: %s is not a directory (yet)",
                         *root->prefix ? root->prefix : "/", root->directory);
    }
}

static int is_within(const char *directory, const char *root)
{
    apr_size_t length = root[1] ? strlen(root) : 0; /* "/" holds all */

    return !strncmp(directory, root, length) && (!directory[length] || directory[length] == '/');
}

/* Derivatives are removed and replaced, so no images of a site may be among them. */
static const char *fault_with(const iiif_place_t *store, const iiif_place_t *other)
{
    if (other->kind == IIIF_PLACE_IMAGES && is_within(store->directory, other->directory))
        return "it lies in the directory of an IIIFImageRoot";
    if (other->kind == IIIF_PLACE_TILES && !strcmp(store->directory, other->directory))
        return "it is the directory of an IIIFTileStore";
    if (other->kind == IIIF_PLACE_THUMBNAILS && !strcmp(store->directory, other->directory))
        return "it is a directory of IIIFThumbnails";
    return NULL;
}

static const char *fault_of(const iiif_place_t *store, const server_rec *main_server)
{
    const server_rec *s;
    const char *fault = NULL;
    int i;

    for (s = main_server; s; s = s->next) {
        const apr_array_header_t *places = iiif_server_settings(s)->places;

        for (i = 0; i < places->nelts && !fault; ++i)
            fault = fault_with(store, &APR_ARRAY_IDX(places, i, const iiif_place_t));
    }
    return fault;
}

/* Are all stores of @a s where they may be? */
static int check_stores(const server_rec *s, const server_rec *main_server)
{
    const apr_array_header_t *places = iiif_server_settings(s)->places;
    int i, good = 1;

    for (i = 0; i < places->nelts; ++i) {
        const iiif_place_t *place = &APR_ARRAY_IDX(places, i, const iiif_place_t);
        const char *fault =
            place->kind == IIIF_PLACE_DERIVATIVES ? fault_of(place, main_server) : NULL;

        if (!fault)
            continue;
        ap_log_error(APLOG_MARK, APLOG_EMERG, 0, s, IIIF_LOGNO(0011) "IIIFDerivativeStore %s: %s",
                     place->directory, fault);
        good = 0;
    }
    return good;
}

static int count_roots(const server_rec *s)
{
    const apr_array_header_t *places = iiif_server_settings(s)->places;
    int i, count = 0;

    for (i = 0; i < places->nelts; ++i)
        count += APR_ARRAY_IDX(places, i, const iiif_place_t).kind == IIIF_PLACE_IMAGES;
    return count;
}

/* Where @a s asks a database: is there who can, and is it the one that is meant? A site that was
 * answered from another's would show what is private there, or another image. */
static int check_database(const server_rec *s)
{
    if (!iiif_server_settings(s)->asks_database)
        return 1;
    if (!iiif_dbd_is_there()) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, 0, s,
                     IIIF_LOGNO(0020) "IIIFResolver dbd needs mod_dbd, which is not loaded");
        return 0;
    }
    if (count_roots(s) < 2 || !iiif_dbd_is_told_twice(s))
        return 1;
    ap_log_error(
        APLOG_MARK, APLOG_EMERG, 0, s,
        IIIF_LOGNO(0024) "%s has several IIIFImageRoot, and several DBDParams or DBDriver, "
                         "of which the last would be those of all: name the database in "
                         "each IIIFQuery (of omeka-s.conf: Define OMEKA_SCHEMA, and the "
                         "same OMEKA_DATABASE), or give each site a <VirtualHost>",
        s->server_hostname ? s->server_hostname : "the server");
    return 0;
}

static int has_tile_store(const server_rec *s)
{
    const apr_array_header_t *places = iiif_server_settings(s)->places;
    int i, found = 0;

    for (i = 0; i < places->nelts; ++i)
        found |= APR_ARRAY_IDX(places, i, const iiif_place_t).kind == IIIF_PLACE_TILES;
    return found;
}

/* Where @a s has pyramids made in the background: can they be? */
static void warn_of_pyramids(const server_rec *s, const server_rec *main_server)
{
    const char *command = iiif_server_settings(main_server)->command;

    if (!iiif_server_settings(s)->auto_pyramid)
        return;
    if (!has_tile_store(s) && !has_tile_store(main_server))
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     IIIF_LOGNO(0034) "IIIFAutoPyramid: there is no IIIFTileStore to make any in");
    if (access(command, X_OK))
        ap_log_error(APLOG_MARK, APLOG_WARNING, errno, s,
                     IIIF_LOGNO(0035) "IIIFAutoPyramid: %s (IIIFCtl) cannot be run", command);
}

int iiif_check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                      server_rec *main_server)
{
    server_rec *s;
    int good = 1;

    (void)pconf;
    (void)plog;
    if (!ap_find_linked_module("mod_headers.c"))
        ap_log_error(
            APLOG_MARK, APLOG_WARNING, 0, main_server,
            IIIF_LOGNO(0005) "mod_headers is not loaded: without its CORS headers, viewers on "
                             "other sites cannot read info.json");
    for (s = main_server; s; s = s->next)
        warn_of_missing_roots(s, own_roots(s, main_server), ptemp);
    for (s = main_server; s; s = s->next)
        warn_of_pyramids(s, main_server);
    for (s = main_server; s; s = s->next)
        good &= check_stores(s, main_server) & check_database(s);
    return good ? OK : HTTP_INTERNAL_SERVER_ERROR;
}

int iiif_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)plog;
    (void)ptemp;
    return iiif_shared_answers_register(pconf) == APR_SUCCESS ? OK : HTTP_INTERNAL_SERVER_ERROR;
}

int iiif_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    apr_status_t rv = iiif_warned_create(pconf);
    const apr_status_t lanes = iiif_lanes_create(s);

    if (rv == APR_SUCCESS)
        rv = iiif_derivatives_create(pconf);
    (void)plog;
    iiif_public_locate(s, pconf);
    if (ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_CREATE_PRE_CONFIG)
        iiif_shared_answers_create(s, pconf, ptemp);
    if (rv != APR_SUCCESS)
        ap_log_error(APLOG_MARK, APLOG_WARNING, rv, s,
                     IIIF_LOGNO(0009) "no shared memory: some warnings will be repeated");
    if (lanes != APR_SUCCESS)
        ap_log_error(APLOG_MARK, APLOG_WARNING, lanes, s,
                     IIIF_LOGNO(0014) "no shared memory for renders: IIIFRenderThreads, "
                                      "IIIFRenderMemory and IIIFRenderQueue hold for each process");
    return OK;
}

/* Written by iiif_child_init() alone, before the child has threads. */
static iiif_process_t process;

const iiif_process_t *iiif_process(void)
{
    return &process;
}

/* A quarter of the descriptors a process may open: connections need the rest. */
static unsigned max_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == RLIM_INFINITY
        || limit.rlim_cur / 4 > FILES_MAX)
        return FILES_MAX;
    return (unsigned)(limit.rlim_cur / 4);
}

/* Requests may end after the child's pool does. */
static apr_status_t forget_lanes(void *p)
{
    ((iiif_process_t *)p)->lanes = NULL;
    return APR_SUCCESS;
}

static apr_status_t make_memory(apr_size_t bytes, server_rec *s, apr_pool_t *pchild,
                                iiif_err_t *err)
{
    apr_status_t rv = iiif_lru_create(&process.sources, bytes / 2, max_files(), pchild);

    if (rv == APR_SUCCESS)
        rv = iiif_lru_create(&process.stored, bytes / 4, FILES_MAX, pchild);
    if (rv == APR_SUCCESS)
        rv = iiif_lru_create(&process.infos, bytes / 4, FILES_MAX, pchild);
    if (rv == APR_SUCCESS)
        rv = iiif_evictor_create(&process.evictor, pchild);
    if (rv == APR_SUCCESS)
        rv = iiif_resolutions_open(&process.resolutions, s, pchild);
    return rv == APR_SUCCESS ? rv : iiif_fail(err, rv, "no memory for what is to be remembered");
}

/* In a child, as the user that it runs as. */
static void warn_of_stores(server_rec *s)
{
    const apr_array_header_t *places = iiif_server_settings(s)->places;
    int i;

    for (i = 0; i < places->nelts; ++i) {
        const iiif_place_t *place = &APR_ARRAY_IDX(places, i, const iiif_place_t);

        if (place->kind == IIIF_PLACE_DERIVATIVES && access(place->directory, W_OK | X_OK)
            && iiif_is_due(place->directory))
            ap_log_error(APLOG_MARK, APLOG_WARNING, errno, s,
                         IIIF_LOGNO(0012) "IIIFDerivativeStore %s: httpd's user cannot write "
                                          "there, so nothing is kept",
                         place->directory);
    }
}

void iiif_child_init(apr_pool_t *pchild, server_rec *s)
{
    apr_int64_t configured = iiif_server_settings(s)->index_bytes;
    iiif_err_t err = { "" };
    apr_status_t rv = iiif_vips_start("mod_iiif_image", &err);

    if (rv == APR_SUCCESS && iiif_lanes_open(&process.lanes, s, pchild) == APR_ENOMEM)
        rv = iiif_fail(&err, APR_ENOMEM, "no memory for the queue of renders");
    apr_pool_cleanup_register(pchild, &process, forget_lanes, apr_pool_cleanup_null);
    if (rv == APR_SUCCESS)
        rv = make_memory(configured < 0 ? INDEX_BYTES : (apr_size_t)configured, s, pchild, &err);
    for (; rv == APR_SUCCESS && s; s = s->next)
        warn_of_stores(s);
    if (rv == APR_SUCCESS)
        return;
    ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, IIIF_LOGNO(0006) "%s", err.text);
    exit(APEXIT_CHILDFATAL); /* a server that answers nothing is worse than one that says why */
}
