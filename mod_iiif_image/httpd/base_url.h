/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_HTTPD_BASE_URL_H
#define IIIF_HTTPD_BASE_URL_H
/** @file base_url.h
 *  @brief The URI that clients know an image by. */
#include "httpd/config.h"
#include "httpd/context.h"

/**
 * The base URI of the image: {scheme}://{server}{/prefix}[/version]/{identifier}, no trailing
 * slash. Scheme and server are httpd's own (`UseCanonicalName`), a trusted proxy's word, or
 * `IIIFBaseURL`; the identifier is spelled as the client spelled it. Allocated in r->pool.
 */
const char *iiif_base_uri(request_rec *r, const iiif_context_t *context,
                          const iiif_dir_conf_t *settings);

/** The identifier as it stands in there. */
const char *iiif_base_identifier(request_rec *r, const iiif_context_t *context);
#endif
