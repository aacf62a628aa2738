/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_HTTPD_NEGOTIATE_H
#define IIIF_HTTPD_NEGOTIATE_H
/**
 * @file negotiate.h
 * @brief What the Accept header asks of info.json.
 * @see https://iiif.io/api/image/3.0/#51-image-information-request @see RFC 9110, 12.5.1
 */
#include <httpd.h>

#include "iiif/types.h"

typedef struct iiif_accept_t {
    iiif_version_e version; /**< whose context document a profile parameter names, or NONE */
    int version_weight;     /**< of the range that names it, in thousandths; 0: none does */
    int json;               /**< application/json: its weight in thousandths; -1: not named */
    int ld_json;            /**< application/ld+json, likewise */
    int any;                /**< application/ * and * / *, the greater */
} iiif_accept_t;

/** Read the Accept headers of @a r. */
iiif_accept_t iiif_accept_read(const request_rec *r);

/** Is JSON-LD to be sent, rather than plain JSON? Each version has its own default. */
int iiif_accept_ld_json(const iiif_accept_t *accept, iiif_version_e version);
#endif
