/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/direct_file.h"

#include <apr_strings.h>
#include <string.h>
#include <strings.h>

#include "base/path.h"
#include "resolve/query.h"
#include "resolve/source_file.h"

#include "base/banned.h"

/* Of the last segment; NULL: it has none. */
static const char *extension_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');

    return dot && dot > (slash ? slash + 1 : path) ? dot + 1 : NULL;
}

static int is_listed(const char *extension, const apr_array_header_t *extensions)
{
    int i;

    for (i = 0; extension && extensions && i < extensions->nelts; ++i) {
        if (!strcasecmp(extension, APR_ARRAY_IDX(extensions, i, const char *)))
            return 1;
    }
    return 0;
}

static apr_status_t find_file(iiif_source_ref_t *ref, const char *relative,
                              const iiif_record_t *record, const iiif_resolve_rules_t *rules,
                              apr_pool_t *pool)
{
    iiif_source_ref_t found = { .page = 1, .record = record };

    if (iiif_path_join(&found.path, rules->root, relative, NULL, pool) != APR_SUCCESS
        || !iiif_is_file(&found.finfo, found.path, pool))
        return IIIF_ENOTFOUND;
    found.name = iiif_name_below(found.path, rules->root);
    *ref = found;
    return APR_SUCCESS;
}

/* Of the record without the extension, if its file has it. */
static apr_status_t ask(iiif_source_ref_t *ref, const char *identifier, const char *extension,
                        const iiif_resolve_rules_t *rules, apr_pool_t *pool)
{
    const char *name = apr_pstrmemdup(pool, identifier, (apr_size_t)(extension - 1 - identifier)),
               *own;
    iiif_record_t *record = apr_pcalloc(pool, sizeof(*record));
    apr_status_t rv;

    if (!iiif_query_can_ask(name))
        return IIIF_ENOTFOUND;
    rv = rules->ask(record, name, rules->baton, NULL, pool);
    if (rv != APR_SUCCESS)
        return rv;
    own = record->path && record->is_public ? extension_of(record->path) : NULL;
    return own && !strcasecmp(own, extension) ? find_file(ref, record->path, record, rules, pool)
                                              : IIIF_ENOTFOUND;
}

apr_status_t iiif_direct_file(iiif_source_ref_t *ref, const char *identifier,
                              const iiif_dir_conf_t *settings, const iiif_resolve_rules_t *rules,
                              apr_pool_t *pool)
{
    const char *extension = extension_of(identifier);

    if (!is_listed(extension, settings->direct_files))
        return IIIF_ENOTFOUND;
    return settings->resolver == &iiif_resolver_dbd ? ask(ref, identifier, extension, rules, pool)
                                                    : find_file(ref, identifier, NULL, rules, pool);
}
