/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_HTTPD_REAL_FILE_H
#define IIIF_HTTPD_REAL_FILE_H
/** @file real_file.h
 *  @brief Real files of Deep Zoom and Zoomify win over what we would make up under their names. */
#include "httpd/config.h"
#include "iiif/request.h"

typedef enum {
    IIIF_REAL_NONE,     /**< there is none */
    IIIF_REAL_HERE,     /**< below the image root: to be sent as it is */
    IIIF_REAL_ELSEWHERE /**< in the DocumentRoot, or a tile that a real set does not have: the rest
                           of httpd knows */
} iiif_real_e;

/** One that is sent as it is. */
typedef struct iiif_real_t {
    iiif_source_ref_t ref;
    const char *type; /**< media type */
} iiif_real_t;

/**
 * @param found   filled when HERE, else untouched
 * @param root    NULL: only what lies in the DocumentRoot is looked for
 * @param reading of Deep Zoom or Zoomify
 */
iiif_real_e iiif_real_file(request_rec *r, iiif_real_t *found, const iiif_root_t *root,
                           const iiif_request_t *reading);
#endif
