/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IIIFResolver filesystem. The identifier "maps/1643" is, in this order:
 *   - the file maps/1643 itself, when its extension is an allowed format's, or when it has another
 *     extension or none but starts with the bytes of an allowed format;
 *   - the one file maps/1643.<extension> with the extension of an allowed format, in lower or else
 *     in upper case; files of two extensions are ambiguous, and nothing is found.
 */
#include <apr_file_info.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#include "base/path.h"
#include "iiif/identifier.h"
#include "resolve/resolver.h"
#include "resolve/source_file.h"

#include "base/banned.h"

/* A file that is found, with what is known of it. */
typedef struct found_t {
    const char *path;
    apr_finfo_t finfo;
} found_t;

static int is_file(found_t *found, const char *path, apr_pool_t *pool)
{
    found->path = path;
    return iiif_is_file(&found->finfo, path, pool);
}

static int is_directory(const char *path, apr_pool_t *pool)
{
    apr_finfo_t finfo;

    return apr_stat(&finfo, path, APR_FINFO_TYPE, pool) == APR_SUCCESS && finfo.filetype == APR_DIR;
}

/* path.extension, or path.EXTENSION */
static int with_extension(found_t *found, const char *path, const char *extension, apr_pool_t *pool)
{
    char *lower = apr_pstrcat(pool, path, ".", extension, NULL), *upper, *s;

    if (is_file(found, lower, pool))
        return 1;
    upper = apr_pstrdup(pool, lower);
    for (s = upper + strlen(path); *s; ++s)
        *s = (char)apr_toupper(*s);
    return is_file(found, upper, pool);
}

static apr_status_t search_extensions(found_t *found, const char *path,
                                      iiif_source_format_set_t allowed, iiif_err_t *err,
                                      apr_pool_t *pool)
{
    const char *directory = apr_pstrmemdup(pool, path, (apr_size_t)(strrchr(path, '/') - path) + 1);
    found_t first = { NULL, { 0 } }, next;
    unsigned i, k;

    /* one look spares many where a path below no directory was asked for */
    if (!is_directory(directory, pool))
        return iiif_fail(err, IIIF_ENOTFOUND, "no image has this identifier");
    for (i = 0; i < IIIF_SOURCE_FORMATS; ++i) {
        const iiif_source_format_t *format = iiif_source_format((iiif_source_format_e)i);

        for (k = 0; (allowed & 1u << i) && k < IIIF_EXTENSIONS_MAX && format->extensions[k]; ++k) {
            if (!with_extension(&next, path, format->extensions[k], pool))
                continue;
            if (first.path)
                return iiif_fail(err, IIIF_ENOTFOUND,
                                 "the identifier is ambiguous: several files have this name");
            first = next;
        }
    }
    if (!first.path)
        return iiif_fail(err, IIIF_ENOTFOUND, "no image has this identifier");
    *found = first;
    return APR_SUCCESS;
}

static apr_status_t find_file(found_t *found, const char *identifier,
                              const iiif_resolve_rules_t *rules, iiif_err_t *err, apr_pool_t *pool)
{
    const char *path;
    apr_status_t rv = iiif_path_join(&path, rules->root, identifier, err, pool);

    if (rv != APR_SUCCESS)
        return rv;
    if (is_file(found, path, pool) && iiif_is_allowed_image(path, rules->formats, pool))
        return APR_SUCCESS;
    return search_extensions(found, path, rules->formats, err, pool);
}

static apr_status_t resolve(iiif_source_ref_t *ref, const char *identifier,
                            const iiif_resolve_rules_t *rules, iiif_err_t *err, apr_pool_t *pool)
{
    unsigned page = 1;
    found_t found;
    const char *name;
    apr_status_t rv = find_file(&found, identifier, rules, err, pool);

    if (rv != APR_SUCCESS && rules->pages && (name = iiif_identifier_page(&page, identifier, pool)))
        rv = find_file(&found, name, rules, err, pool);
    if (rv == APR_SUCCESS)
        *ref = (iiif_source_ref_t){ found.path, page, iiif_name_below(found.path, rules->root),
                                    found.finfo, NULL };
    return rv;
}

const iiif_resolver_t iiif_resolver_filesystem = { "filesystem", resolve };
