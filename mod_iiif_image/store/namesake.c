/* SPDX-License-Identifier: Apache-2.0 */
#include "store/namesake.h"

#include <apr_file_info.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#include "iiif/source_format.h"

#include "base/banned.h"

const char *iiif_without_extension(const char *path, apr_pool_t *pool)
{
    const char *name = strrchr(path, '/') + 1, *dot = strrchr(name, '.');

    return dot && dot > name ? apr_pstrmemdup(pool, path, (apr_size_t)(dot - path)) : NULL;
}

int iiif_is_own_name(const char *name, const char *path)
{
    const apr_size_t length = strlen(name), all = strlen(path);

    return all > length && path[all - length - 1] == '/' && !strcmp(path + all - length, name);
}

static int is_other_file(const char *name, const char *extension, const char *path,
                         apr_pool_t *pool)
{
    const char *other = apr_pstrcat(pool, name, ".", extension, NULL);
    apr_finfo_t finfo;

    return strcmp(other, path) && apr_stat(&finfo, other, APR_FINFO_TYPE, pool) == APR_SUCCESS;
}

static int is_file(const char *path, apr_pool_t *pool)
{
    apr_finfo_t finfo;

    return apr_stat(&finfo, path, APR_FINFO_TYPE, pool) == APR_SUCCESS && finfo.filetype == APR_REG;
}

int iiif_has_namesake(const char *path, apr_pool_t *pool)
{
    const char *name = iiif_without_extension(path, pool);
    int i, k, found = name && is_file(name, pool);

    for (i = 0; name && i < IIIF_SOURCE_FORMATS && !found; ++i) {
        const char *const *extensions = iiif_source_format((iiif_source_format_e)i)->extensions;

        for (k = 0; k < IIIF_EXTENSIONS_MAX && extensions[k] && !found; ++k) {
            char *upper = apr_pstrdup(pool, extensions[k]), *s;

            for (s = upper; *s; ++s)
                *s = (char)apr_toupper(*s);
            found = is_other_file(name, extensions[k], path, pool)
                    || is_other_file(name, upper, path, pool);
        }
    }
    return found;
}
