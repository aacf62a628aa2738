/* SPDX-License-Identifier: Apache-2.0 */
/* What happens once a server and once a child. */
#include <apr_file_info.h>
#include <httpd.h>
#include <http_config.h>
#include <http_log.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "httpd/config.h"
#include "httpd/hooks.h"
#include "httpd/lanes.h"
#include "httpd/log.h"
#include "httpd/process.h"
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

int iiif_check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                      server_rec *main_server)
{
    server_rec *s;

    (void)pconf;
    (void)plog;
    if (!ap_find_linked_module("mod_headers.c"))
        ap_log_error(
            APLOG_MARK, APLOG_WARNING, 0, main_server,
            IIIF_LOGNO(0005) "mod_headers is not loaded: without its CORS headers, viewers on "
                             "other sites cannot read info.json");
    for (s = main_server; s; s = s->next)
        warn_of_missing_roots(s, own_roots(s, main_server), ptemp);
    return OK;
}

int iiif_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    apr_status_t rv = iiif_warned_create(pconf);
    const apr_status_t lanes = iiif_lanes_create(s);

    (void)plog;
    (void)ptemp;
    if (rv != APR_SUCCESS)
        ap_log_error(APLOG_MARK, APLOG_WARNING, rv, s,
                     IIIF_LOGNO(0009) "no shared memory: some warnings will be repeated");
    if (lanes != APR_SUCCESS)
        ap_log_error(APLOG_MARK, APLOG_WARNING, lanes, s,
                     IIIF_LOGNO(0011) "no shared memory for renders: IIIFRenderThreads, "
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

static apr_status_t make_memory(apr_size_t bytes, apr_pool_t *pchild, iiif_err_t *err)
{
    apr_status_t rv = iiif_lru_create(&process.sources, bytes / 2, max_files(), pchild);

    if (rv == APR_SUCCESS)
        rv = iiif_lru_create(&process.stored, bytes / 4, FILES_MAX, pchild);
    if (rv == APR_SUCCESS)
        rv = iiif_lru_create(&process.infos, bytes / 4, FILES_MAX, pchild);
    return rv == APR_SUCCESS ? rv : iiif_fail(err, rv, "no memory for what is to be remembered");
}

void iiif_child_init(apr_pool_t *pchild, server_rec *s)
{
    apr_int64_t configured = iiif_server_settings(s)->index_bytes;
    iiif_err_t err = { "" };
    apr_status_t rv = iiif_vips_start("mod_iiif_image", &err);

    if (rv == APR_SUCCESS && iiif_lanes_open(&process.lanes, s, pchild) == APR_ENOMEM)
        rv = iiif_fail(&err, APR_ENOMEM, "no memory for the queue of renders");
    if (rv == APR_SUCCESS)
        rv = make_memory(configured < 0 ? INDEX_BYTES : (apr_size_t)configured, pchild, &err);
    if (rv == APR_SUCCESS)
        return;
    ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, IIIF_LOGNO(0006) "%s", err.text);
    exit(APEXIT_CHILDFATAL); /* a server that answers nothing is worse than one that says why */
}
