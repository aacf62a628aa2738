/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_RESOLVE_SOURCE_FILE_H
#define IIIF_RESOLVE_SOURCE_FILE_H
/**
 * @file source_file.h
 * @brief Is it a file that may be a source?
 */
#include <apr_file_info.h>

#include "iiif/source_format.h"

/** Is there a regular file? Then @a finfo is what stat() says of it: IIIF_STAMP_WANTED. */
int iiif_is_file(apr_finfo_t *finfo, const char *path, apr_pool_t *pool);

/** Is it of a format in @a allowed, by its extension, or by its first bytes where the extension is
 * no format's? */
int iiif_is_allowed_image(const char *path, iiif_source_format_set_t allowed, apr_pool_t *pool);

/** What follows @a root in a path that begins with it, without leading slash. */
const char *iiif_name_below(const char *path, const char *root);
#endif
