/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_HTTPD_CONTEXT_H
#define IIIF_HTTPD_CONTEXT_H
/** @file context.h
 *  @brief What the phases of one request hand on, in r->request_config. */
#include <httpd.h>

#include "plan/plan.h"

typedef struct iiif_context_t {
    const char *prefix;     /**< of the IIIFImageRoot, as configured; "" for the site's root */
    iiif_request_t request; /**< the reading that named a source */
    iiif_source_ref_t ref;  /**< path NULL: nothing found, and IIIFFallback notfound */
    const char *file_type;  /**< a file that is sent as it is, of this type; "": as httpd has it;
                               NULL: an image */
    iiif_plan_t *plan;      /**< NULL when it could not be made: */
    apr_status_t rv;        /**< why, */
    iiif_err_t err;         /**< and the sentence */
} iiif_context_t;

/** The context of a claimed request, or NULL. */
iiif_context_t *iiif_context(const request_rec *r);
#endif
