/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_HTTPD_IMAGE_H
#define IIIF_HTTPD_IMAGE_H
/** @file image.h
 *  @brief Answers that are images: by httpd's own hand, as stored bytes, or rendered. */
#include "httpd/config.h"
#include "httpd/context.h"

/** Make the plan, as the settings and the file are now; what went wrong is kept in @a context. */
void iiif_make_plan(request_rec *r, iiif_context_t *context, const iiif_dir_conf_t *settings);

/** Hand a STATIC_FILE over to httpd's core: from now on @a r is a request for that file. */
void iiif_hand_over(request_rec *r, const iiif_context_t *context, const iiif_dir_conf_t *settings);

/** Answer a RAW_TILE or a RENDER. @return as a handler does */
int iiif_send_image(request_rec *r, iiif_context_t *context, const iiif_dir_conf_t *settings);
#endif
