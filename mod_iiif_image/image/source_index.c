/* SPDX-License-Identifier: Apache-2.0 */
#include "image/source_index.h"

#include <apr_strings.h>

#include "base/banned.h"

/* File systems tell time in steps, of 4 ms to 2 s: two writes within one have the same time. */
#define SETTLED_AFTER apr_time_from_sec(2)

static apr_status_t destroy(void *owner)
{
    apr_pool_destroy(owner);
    return APR_SUCCESS;
}

static apr_status_t read_now(const iiif_source_t **source, const iiif_source_key_t *key,
                             const iiif_source_rules_t *rules, iiif_err_t *err, apr_pool_t *owner)
{
    iiif_source_t *made;
    apr_status_t rv =
        iiif_source_open(&made, apr_pstrdup(owner, key->path), key->page, rules, err, owner);

    if (rv == APR_SUCCESS)
        *source = made;
    return rv;
}

/* A file may well be called "a.tif;2", but none "a.tif//2". */
static const char *name_of(const iiif_source_key_t *key, apr_pool_t *pool)
{
    return key->page == 1 ? key->path : apr_psprintf(pool, "%s//%u", key->path, key->page);
}

apr_status_t iiif_source_get(const iiif_source_t **source, const iiif_source_key_t *key,
                             const iiif_source_rules_t *rules, iiif_err_t *err, apr_pool_t *pool)
{
    const char *name = name_of(key, pool);
    const iiif_source_t *found =
        rules->index ? iiif_lru_get(rules->index, name, &key->stamp, pool) : NULL;
    apr_pool_t *owner;
    apr_status_t rv;

    if (found) {
        rv = iiif_source_check(found, rules, err); /* they may be another directory's */
        if (rv == APR_SUCCESS)
            *source = found;
        return rv;
    }
    if (!(owner = iiif_lru_pool()))
        return iiif_fail(err, APR_ENOMEM, "no memory for a source");
    rv = read_now(source, key, rules, err, owner);
    if (rv != APR_SUCCESS)
        apr_pool_destroy(owner);
    else if (rules->index && iiif_stamp_time_is_past((*source)->stamp.mtime, SETTLED_AFTER)
             && !iiif_stamp_may_repeat(&(*source)->stamp))
        iiif_lru_put(rules->index, name, &(*source)->stamp,
                     &(iiif_lru_value_t){ *source, (*source)->weight + IIIF_LRU_POOL_BYTES,
                                          (*source)->fd >= 0, owner },
                     pool);
    else
        apr_pool_cleanup_register(pool, owner, destroy, apr_pool_cleanup_null);
    return rv;
}
