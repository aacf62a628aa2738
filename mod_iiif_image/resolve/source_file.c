/* SPDX-License-Identifier: Apache-2.0 */
#include "resolve/source_file.h"

#include <apr_file_io.h>
#include <string.h>

#include "base/stamp.h"

#include "base/banned.h"

int iiif_is_file(apr_finfo_t *finfo, const char *path, apr_pool_t *pool)
{
    return apr_stat(finfo, path, APR_FINFO_MIN | IIIF_STAMP_WANTED, pool) == APR_SUCCESS
           && finfo->filetype == APR_REG;
}

static const char *extension_of(const char *path)
{
    const char *name = strrchr(path, '/'), *dot = strrchr(path, '.');

    return dot && name && dot > name + 1 ? dot + 1 : NULL;
}

static iiif_source_format_e format_by_content(const char *path, apr_pool_t *pool)
{
    unsigned char bytes[IIIF_SNIFF_BYTES];
    apr_size_t len = 0;
    apr_file_t *file;

    if (apr_file_open(&file, path, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT, pool) != APR_SUCCESS)
        return IIIF_SOURCE_FORMATS;
    apr_file_read_full(file, bytes, sizeof(bytes), &len);
    apr_file_close(file);
    return iiif_source_format_sniff(bytes, len);
}

int iiif_is_allowed_image(const char *path, iiif_source_format_set_t allowed, apr_pool_t *pool)
{
    const char *extension = extension_of(path);
    iiif_source_format_e format =
        extension ? iiif_source_format_by_extension(extension) : IIIF_SOURCE_FORMATS;

    if (format == IIIF_SOURCE_FORMATS)
        format = format_by_content(path, pool);
    return format != IIIF_SOURCE_FORMATS && (allowed & 1u << format);
}

const char *iiif_name_below(const char *path, const char *root)
{
    apr_size_t len = strlen(root);

    while (path[len] == '/')
        ++len;
    return path + len;
}
