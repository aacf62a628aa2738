/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_HTTPD_INFO_H
#define IIIF_HTTPD_INFO_H
/** @file info.h
 *  @brief Answers that describe an image: info.json, and the descriptors of Deep Zoom and Zoomify.
 */
#include "httpd/config.h"
#include "httpd/context.h"

/** @return as a handler does */
int iiif_send_info(request_rec *r, const iiif_context_t *context, const iiif_dir_conf_t *settings);

/** @return as a handler does */
int iiif_send_descriptor(request_rec *r, const iiif_context_t *context);
#endif
