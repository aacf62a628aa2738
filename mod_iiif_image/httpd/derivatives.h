/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_HTTPD_DERIVATIVES_H
#define IIIF_HTTPD_DERIVATIVES_H
/**
 * @file derivatives.h
 * @brief Renders that are kept: looked for before one is made, made by one for all who ask, kept
 * afterwards. What became of a request is in the note iiif-store.
 */
#include "httpd/config.h"
#include "httpd/context.h"
#include "image/render.h"
#include "plan/fingerprint.h"

/** One request's dealings with the store. In its pool. */
typedef struct iiif_derived_t iiif_derived_t;

/** What all children share: before they are forked. */
apr_status_t iiif_derivatives_create(apr_pool_t *pconf);

/**
 * What the store has of it. No file is looked at.
 * @param fingerprint of the render
 * @return NULL: there is no store here
 */
iiif_derived_t *iiif_derived(request_rec *r, const iiif_context_t *context,
                             const iiif_dir_conf_t *settings,
                             const iiif_fingerprint_t *fingerprint);

/**
 * Find it, or become the one who makes it; while another does, wait for that one. A HEAD only
 * looks.
 * @param derived may be NULL
 * @return APR_SUCCESS: send it if iiif_derived_is_found(), else render it, and say so to
 *         iiif_derived_keep(); IIIF_EBUSY: another is at it for too long, too many wait, or the
 *         client has gone
 */
apr_status_t iiif_derived_find(iiif_derived_t *derived, request_rec *r, iiif_err_t *err);

/** Is it there? @param derived may be NULL */
int iiif_derived_is_found(const iiif_derived_t *derived);

/** Send what was found. @return OK or AP_FILTER_ERROR */
int iiif_derived_send(iiif_derived_t *derived, request_rec *r);

/**
 * The render is over: keep it, if it is to be kept, and let those who wait go on.
 * @param derived may be NULL
 * @param rv      of the render; IIIF_EBUSY, IIIF_ECHANGED: another try may have more luck
 * @param bytes   of a render that succeeded
 */
void iiif_derived_keep(iiif_derived_t *derived, request_rec *r, apr_status_t rv,
                       const iiif_bytes_t *bytes);
#endif
