/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_BASE_PATH_H
#define IIIF_BASE_PATH_H
/**
 * @file path.h
 * @brief From a stranger's text to a path that cannot leave its root.
 */
#include <apr_pools.h>

#include "base/err.h"

/** Bytes of the well-formed UTF-8 sequence that NUL-terminated @a text begins with; 0: there is
 * none, or it is a control character. */
int iiif_path_utf8_sequence(const char *text);

/**
 * Is @a text well-formed UTF-8 without control characters? Overlong forms, surrogates and code
 * points above U+10FFFF are refused (RFC 3629, 3).
 */
int iiif_path_is_clean_utf8(const char *text);

/**
 * Join @a relative under @a root.
 *
 * Refused: an empty text, a leading slash, an empty, "." or ".." segment, a backslash, a control
 * character, ill-formed UTF-8, a segment over 255 bytes. Symbolic links are not looked at here:
 * httpd's directory walk judges them by `Options`.
 *
 * @param path     filled on success, untouched on failure; allocated in @a pool
 * @param root     absolute directory, without trailing slash unless it is "/"
 * @param relative percent-decoded, NUL-terminated; borrowed
 * @param err      one sentence on failure; may be NULL
 * @return APR_SUCCESS, or IIIF_ENOTFOUND: no such file can exist under the root
 */
apr_status_t iiif_path_join(const char **path, const char *root, const char *relative,
                            iiif_err_t *err, apr_pool_t *pool);
#endif
