/* SPDX-License-Identifier: Apache-2.0 */
/* What happens once a server and once a child. */
#include <httpd.h>
#include <http_config.h>
#include <http_log.h>
#include <stdlib.h>

#include "httpd/config.h"
#include "httpd/hooks.h"
#include "httpd/log.h"
#include "image/vips_process.h"

#include "base/banned.h"

int iiif_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    (void)pconf;
    (void)plog;
    (void)ptemp;
    if (!ap_find_linked_module("mod_headers.c"))
        ap_log_error(
            APLOG_MARK, APLOG_WARNING, 0, s,
            IIIF_LOGNO(
                0005) "mod_headers is not loaded: without its CORS headers, viewers on other sites "
                      "cannot read info.json");
    return OK;
}

void iiif_child_init(apr_pool_t *pchild, server_rec *s)
{
    iiif_err_t err = { "" };

    (void)pchild;
    if (iiif_vips_start("mod_iiif_image", &err) == APR_SUCCESS)
        return;
    ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, IIIF_LOGNO(0006) "%s", err.text);
    exit(APEXIT_CHILDFATAL); /* a server that answers nothing is worse than one that says why */
}
