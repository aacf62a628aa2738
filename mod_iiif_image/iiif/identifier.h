/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_IDENTIFIER_H
#define IIIF_IDENTIFIER_H
/**
 * @file identifier.h
 * @brief Identifiers in URIs and out of them. @see
 * https://iiif.io/api/image/3.0/#9-uri-encoding-and-decoding
 */
#include <apr_pools.h>

#include "base/err.h"

/**
 * Percent-decode one segment, once. "+" is a plus.
 * @param decoded filled on success, untouched on failure; NUL-terminated, in @a pool
 * @param text    the encoded bytes; not NUL-terminated
 * @param len     how many
 * @return APR_SUCCESS, or IIIF_EBADREQUEST: a "%" without two hex digits, or %00
 */
apr_status_t iiif_percent_decode(const char **decoded, const char *text, apr_size_t len,
                                 iiif_err_t *err, apr_pool_t *pool);

/**
 * @a text as a client wrote it, cleared of what may not stand in a header or a JSON string's URI:
 * bytes outside RFC 3986's pchar set and "/" are percent-encoded, escapes stay. In @a pool.
 */
const char *iiif_percent_tidy(const char *text, apr_pool_t *pool);

/**
 * Split "name;7" into "name" and page 7.
 * @param page filled on success: 1 to 65535
 * @return the part before the last ";", in @a pool; NULL when @a identifier ends in no page number
 */
const char *iiif_identifier_page(unsigned *page, const char *identifier, apr_pool_t *pool);
#endif
