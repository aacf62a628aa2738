/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IIIFResolver dbd. The identifier is what a database knows; its record names the file. Identifiers
 * are no paths: "ark:/12345/x//y" is one.
 */
#include <apr_strings.h>

#include "base/path.h"
#include "iiif/identifier.h"
#include "resolve/query.h"
#include "resolve/resolver.h"
#include "resolve/source_file.h"

#include "base/banned.h"

static apr_status_t no_image(iiif_err_t *err)
{
    return iiif_fail(err, IIIF_ENOTFOUND, "no image has this identifier");
}

static apr_status_t find_file(iiif_source_ref_t *ref, const iiif_record_t *record,
                              const iiif_resolve_rules_t *rules, iiif_err_t *err, apr_pool_t *pool)
{
    const char *path, *inside_store;
    iiif_source_ref_t found = { .page = 1, .record = record };

    if (iiif_path_join(&path, rules->root, record->path, NULL, pool) != APR_SUCCESS
        || !iiif_is_file(&found.finfo, path, pool)
        || !iiif_is_allowed_image(path, rules->formats, pool))
        return no_image(err);
    found.path = path;
    found.name = record->name ? record->name : iiif_name_below(path, rules->root);
    if (iiif_path_join(&inside_store, rules->root, found.name, NULL, pool) != APR_SUCCESS)
        return iiif_fail(err, IIIF_ENOTFOUND, "the record's name cannot name a file");
    *ref = found;
    return APR_SUCCESS;
}

static apr_status_t find(iiif_source_ref_t *ref, const char *identifier,
                         const iiif_resolve_rules_t *rules, iiif_err_t *err, apr_pool_t *pool)
{
    iiif_record_t *record = apr_pcalloc(pool, sizeof(*record));
    apr_status_t rv;

    if (!iiif_query_can_ask(identifier))
        return no_image(err);
    rv = rules->ask(record, identifier, rules->baton, err, pool);
    if (rv == IIIF_ENOTFOUND || (rv == APR_SUCCESS && (!record->path || !record->is_public)))
        return no_image(err);
    return rv == APR_SUCCESS ? find_file(ref, record, rules, err, pool) : rv;
}

static apr_status_t resolve(iiif_source_ref_t *ref, const char *identifier,
                            const iiif_resolve_rules_t *rules, iiif_err_t *err, apr_pool_t *pool)
{
    unsigned page = 1;
    const char *name;
    apr_status_t rv = find(ref, identifier, rules, err, pool);

    if (rv != IIIF_ENOTFOUND || !rules->pages)
        return rv;
    name = iiif_identifier_page(&page, identifier, pool);
    if (name && (rv = find(ref, name, rules, err, pool)) == APR_SUCCESS)
        ref->page = page;
    return rv;
}

const iiif_resolver_t iiif_resolver_dbd = { "dbd", resolve };
