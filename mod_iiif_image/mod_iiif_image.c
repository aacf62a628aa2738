/* SPDX-License-Identifier: Apache-2.0 */
/* The module record, and where the module takes part in a request. */
#include "httpd/auto_pyramid.h"
#include "httpd/config.h"
#include "httpd/hooks.h"
#include "httpd/lanes.h"

#include <ap_mpm.h>
#include <http_request.h>

static void register_hooks(apr_pool_t *pool)
{
    static const char *const before_watchdog[] = { "mod_watchdog.c", NULL };

    iiif_register_public(pool);
    ap_hook_pre_config(iiif_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(iiif_check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(iiif_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(iiif_auto_pyramid_config, NULL, before_watchdog, APR_HOOK_MIDDLE);
    ap_hook_child_init(iiif_child_init, NULL, NULL, APR_HOOK_MIDDLE);
    /* before any rewriting: the path is still encoded, and DONE keeps httpd from decoding it */
    ap_hook_pre_translate_name(iiif_claim, NULL, NULL, APR_HOOK_REALLY_FIRST);
    /* before mod_rewrite and mod_alias map what was claimed to something else */
    ap_hook_translate_name(iiif_translate, NULL, NULL, APR_HOOK_REALLY_FIRST);
    /* before anything is done for a file that was not granted */
    ap_hook_fixups(iiif_public_again, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_fixups(iiif_public_elsewhere, NULL, NULL, APR_HOOK_REALLY_FIRST);
    /* behind authorization, and last: whatever other modules made of the source's name is over */
    ap_hook_fixups(iiif_fixups, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_child_status(iiif_child_status, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(iiif_status, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(iiif_handler, NULL, NULL, APR_HOOK_MIDDLE);
    iiif_rehearse_hooks();
}

AP_DECLARE_MODULE(iiif_image) = { STANDARD20_MODULE_STUFF, iiif_dir_conf_create,
                                  iiif_dir_conf_merge,     iiif_server_conf_create,
                                  iiif_server_conf_merge,  iiif_directives,
                                  register_hooks,          AP_MODULE_FLAG_NONE };
