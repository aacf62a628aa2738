/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_HTTPD_AUTO_PYRAMID_H
#define IIIF_HTTPD_AUTO_PYRAMID_H
/** @file auto_pyramid.h
 *  @brief Pyramids of large sources, made by iiifctl in the background once somebody asks for such
 * an image: one at a time on a host, under mod_watchdog. */
#include <httpd.h>

#include "httpd/config.h"
#include "plan/plan.h"

/** Make the queue, in memory that the children will share, and ask mod_watchdog for a thread: both
 *  if any `IIIFAutoPyramid` is on. Before mod_watchdog's own post_config. @return OK, or a status
 *  with which httpd does not start: mod_watchdog is missing */
int iiif_auto_pyramid_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

/** An image was rendered by @a plan: should there be a pyramid of its source, remember to make it.
 *  Never waits. */
void iiif_auto_pyramid_ask(request_rec *r, const iiif_plan_t *plan, const iiif_source_ref_t *ref,
                           const iiif_dir_conf_t *settings);
#endif
