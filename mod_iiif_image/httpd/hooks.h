/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_HTTPD_HOOKS_H
#define IIIF_HTTPD_HOOKS_H
/** @file hooks.h
 *  @brief One function for each phase of httpd that we take part in. */
#include <httpd.h>

/** pre_config: names of what may be configured. */
int iiif_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);
/** check_config, so also in a configtest: warn about what the configuration lacks. */
int iiif_check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);
/** Memory that all children share. */
int iiif_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);
/** Start libvips: after the fork, before the child has threads. */
void iiif_child_init(apr_pool_t *pchild, server_rec *s);
/** pre_translate_name: is it a IIIF URI that names an image? DONE, else DECLINED. */
int iiif_claim(request_rec *r);
/** translate_name: the source is the file that httpd's rules are about; preflights end here. */
int iiif_translate(request_rec *r);
/** fixups: make the plan. */
int iiif_fixups(request_rec *r);
/** Answer. */
int iiif_handler(request_rec *r);
/** With -t -D IIIF_ASKED=URL: take part in that, too, and answer that one request on standard
 *  output. To be called when hooks are registered; does nothing otherwise. */
void iiif_rehearse_hooks(void);
/** Answer as "SetHandler iiif-status" wants it. */
int iiif_status(request_rec *r);
/** fixups: what was granted by `Require iiif-public` was granted to one file. */
int iiif_public_again(request_rec *r);
/** fixups: what it guards is not to be had by another name. */
int iiif_public_elsewhere(request_rec *r);
/** post_config: where links lead, that lead to what it guards. */
void iiif_public_locate(server_rec *s, apr_pool_t *pconf);
/** The provider of `Require iiif-public`. */
void iiif_register_public(apr_pool_t *pool);
#endif
