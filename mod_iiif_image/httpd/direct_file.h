/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_HTTPD_DIRECT_FILE_H
#define IIIF_HTTPD_DIRECT_FILE_H
/** @file direct_file.h
 *  @brief IIIFDirectFiles: {prefix}/{identifier}.{extension} is the file itself. */
#include "httpd/config.h"

/**
 * The file of an identifier that no image has.
 * @param ref        filled on success, untouched on failure
 * @param identifier with the extension
 * @param settings   in force: resolver, extensions
 * @return APR_SUCCESS; IIIF_ENOTFOUND; IIIF_EDOWN
 */
apr_status_t iiif_direct_file(iiif_source_ref_t *ref, const char *identifier,
                              const iiif_dir_conf_t *settings, const iiif_resolve_rules_t *rules,
                              apr_pool_t *pool);
#endif
