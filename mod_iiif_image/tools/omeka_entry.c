/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/omeka_entry.h"

#include <apr_strings.h>
#include <string.h>

#include "base/banned.h"

#define EXACT 9007199254740992.0 /* 2^53: whole numbers beyond it are not told apart */

static void add_text(cJSON *object, const char *name, const char *text)
{
    if (text)
        cJSON_AddStringToObject(object, name, text);
    else
        cJSON_AddNullToObject(object, name);
}

static void add_number(cJSON *object, const char *name, apr_uint64_t number)
{
    if (number)
        cJSON_AddNumberToObject(object, name, (double)number);
    else
        cJSON_AddNullToObject(object, name);
}

void iiifctl_entry_add_size(cJSON *dimensions, const char *name, iiif_dims_t size)
{
    cJSON *object = cJSON_AddObjectToObject(dimensions, name);

    cJSON_AddNumberToObject(object, "width", size.width);
    cJSON_AddNumberToObject(object, "height", size.height);
}

void iiifctl_entry_add(cJSON *tiles, const iiifctl_entry_t *entry)
{
    cJSON *object;

    if (cJSON_GetObjectItemCaseSensitive(tiles, entry->type))
        return;
    object = cJSON_AddObjectToObject(tiles, entry->type);
    add_text(object, "tile_type", entry->type);
    add_text(object, "metadata_path", entry->metadata);
    add_text(object, "media_path", entry->media);
    add_text(object, "url_base", entry->url_base);
    add_text(object, "path_base", entry->path_base);
    add_text(object, "url_query", "");
    cJSON_AddNumberToObject(object, "size", entry->size);
    cJSON_AddNumberToObject(object, "overlap", entry->overlap);
    add_number(object, "total", entry->total);
    iiifctl_entry_add_size(object, "source", entry->source);
    add_text(object, "format", entry->format);
}

/* -- bringing data up to date -------------------------------------------------------------------
 */

static int is_exact(const cJSON *json)
{
    const cJSON *child;
    const double number = cJSON_IsNumber(json) ? cJSON_GetNumberValue(json) : 0;

    if (number > EXACT || number < -EXACT)
        return 0;
    cJSON_ArrayForEach(child, json)
    {
        if (!is_exact(child))
            return 0;
    }
    return 1;
}

/* PHP writes an array without keys for one that is empty. */
static apr_status_t read_data(cJSON **json, const char *data, iiif_err_t *err)
{
    cJSON *read = data && *data ? cJSON_Parse(data) : cJSON_CreateObject();

    if (cJSON_IsNull(read) || (cJSON_IsArray(read) && !cJSON_GetArraySize(read))) {
        cJSON_Delete(read);
        read = cJSON_CreateObject();
    }
    if (cJSON_IsObject(read) && is_exact(read) && !(data && strstr(data, "\\u0000"))) {
        *json = read;
        return APR_SUCCESS;
    }
    cJSON_Delete(read);
    return iiif_fail(err, APR_EINVAL, "its data is no JSON that could be written without a loss");
}

/* Types that are new, then those that there were. */
static cJSON *order_tiles(const cJSON *before, const cJSON *tiles)
{
    cJSON *ordered = cJSON_CreateObject();
    const cJSON *child;

    cJSON_ArrayForEach(child, tiles)
    {
        if (!cJSON_GetObjectItemCaseSensitive(before, child->string))
            cJSON_AddItemToObject(ordered, child->string, cJSON_Duplicate(child, 1));
    }
    cJSON_ArrayForEach(child, before)
    {
        const cJSON *now =
            child->string ? cJSON_GetObjectItemCaseSensitive(tiles, child->string) : NULL;

        if (now && !cJSON_GetObjectItemCaseSensitive(ordered, child->string))
            cJSON_AddItemToObject(ordered, child->string, cJSON_Duplicate(now, 1));
    }
    return ordered;
}

/* In the same order, too: the first one counts. */
static int is_same(const cJSON *a, const cJSON *b)
{
    return a && b && cJSON_IsObject(a) && cJSON_Compare(a, b, 1)
           && (!a->child || !strcmp(a->child->string, b->child->string));
}

static int put(cJSON *json, const char *name, const cJSON *before, cJSON *now)
{
    if (is_same(before, now) || (!before && !cJSON_GetArraySize(now))) {
        cJSON_Delete(now);
        return 0;
    }
    if (!cJSON_GetArraySize(now)) {
        cJSON_Delete(now);
        cJSON_DeleteItemFromObjectCaseSensitive(json, name);
    }
    else if (before)
        cJSON_ReplaceItemInObjectCaseSensitive(json, name, now);
    else
        cJSON_AddItemToObject(json, name, now);
    return 1;
}

static int has_size(const cJSON *size)
{
    return cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(size, "width")) > 0
           && cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(size, "height")) > 0;
}

static cJSON *complete_dimensions(const cJSON *before, const cJSON *known)
{
    cJSON *all = cJSON_IsObject(before) ? cJSON_Duplicate(before, 1) : cJSON_CreateObject();
    const cJSON *child;

    cJSON_ArrayForEach(child, known)
    {
        const cJSON *there = cJSON_GetObjectItemCaseSensitive(all, child->string);

        if (has_size(there))
            continue;
        if (there)
            cJSON_DeleteItemFromObjectCaseSensitive(all, child->string);
        cJSON_AddItemToObject(all, child->string, cJSON_Duplicate(child, 1));
    }
    return all;
}

apr_status_t iiifctl_entries_merge(const char **updated, const char *data,
                                   const iiifctl_entries_t *entries, iiif_err_t *err,
                                   apr_pool_t *pool)
{
    const cJSON *before;
    cJSON *json = NULL;
    char *text = NULL;
    int changed = 0;
    apr_status_t rv = read_data(&json, data, err);

    if (rv != APR_SUCCESS)
        return rv;
    before = cJSON_GetObjectItemCaseSensitive(json, "tile");
    changed |= put(json, "tile", before, order_tiles(before, entries->tiles));
    before = cJSON_GetObjectItemCaseSensitive(json, "dimensions");
    if (entries->dimensions)
        changed |=
            put(json, "dimensions", before, complete_dimensions(before, entries->dimensions));
    if (changed)
        text = cJSON_PrintUnformatted(json);
    *updated = text ? apr_pstrdup(pool, text) : NULL;
    cJSON_free(text);
    cJSON_Delete(json);
    return APR_SUCCESS;
}
