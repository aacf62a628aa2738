/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/info.h"

#include <apr_strings.h>
#include <string.h>
#include <strings.h>

#include "base/path.h"
#include "iiif/features.h"
#include "iiif/tiling.h"

#include "base/banned.h"

#define CONTEXT_2 "http://iiif.io/api/image/2/context.json"
#define CONTEXT_3 "http://iiif.io/api/image/3/context.json"

const char *iiif_info_profile_uri(iiif_version_e version)
{
    return version == IIIF_VERSION_2 ? "http://iiif.io/api/image/2/level2.json"
                                     : "http://iiif.io/api/image/3/level2.json";
}

static cJSON *dims_object(iiif_dims_t dims)
{
    cJSON *object = cJSON_CreateObject();

    cJSON_AddNumberToObject(object, "width", dims.width);
    cJSON_AddNumberToObject(object, "height", dims.height);
    return object;
}

/* Smallest first, as the specification's own examples do; those beyond the limits left out. */
static void add_sizes(cJSON *json, const iiif_info_t *info)
{
    cJSON *sizes = cJSON_CreateArray();
    int k;

    for (k = iiif_level_count(info->subject.full, info->tile) - 1; k >= 0; --k) {
        iiif_dims_t level = iiif_level_dims(info->subject.full, APR_UINT64_C(1) << k);

        if (iiif_within_limits(level, &info->subject.limits))
            cJSON_AddItemToArray(sizes, dims_object(level));
    }
    if (cJSON_GetArraySize(sizes))
        cJSON_AddItemToObject(json, "sizes", sizes);
    else
        cJSON_Delete(sizes);
}

/* Tiles of one size, which are there for some levels, or for all. */
static void add_tile(cJSON *tiles, const iiif_info_t *info, iiif_dims_t size)
{
    cJSON *tile = cJSON_CreateObject(), *factors;
    const int all = iiif_dims_equal(size, info->tile);
    int k, count = iiif_level_count(info->subject.full, info->tile);

    cJSON_AddNumberToObject(tile, "width", size.width);
    if (info->version == IIIF_VERSION_3 || size.height != size.width)
        cJSON_AddNumberToObject(tile, "height", size.height);
    factors = cJSON_AddArrayToObject(tile, "scaleFactors");
    for (k = 0; k < count; ++k) {
        if (all || iiif_dims_equal(size, info->stored[k]))
            cJSON_AddItemToArray(factors, cJSON_CreateNumber((double)(APR_UINT64_C(1) << k)));
    }
    cJSON_AddItemToArray(tiles, tile);
}

/* Are tiles of this size those of a larger level, too? */
static int is_told(const iiif_info_t *info, int k)
{
    int i;

    for (i = 0; i < k && !iiif_dims_equal(info->stored[i], info->stored[k]); ++i)
        continue;
    return i < k;
}

/* First for all levels, as some viewers read the first entry alone (OpenLayers, Leaflet); then, for
 * those that are stored otherwise, as OpenSeadragon takes the last entry of a level. Each size once
 * (3.0, 5.4). */
static void add_tiles(cJSON *json, const iiif_info_t *info)
{
    cJSON *tiles = cJSON_AddArrayToObject(json, "tiles");
    int k, count = iiif_level_count(info->subject.full, info->tile);

    add_tile(tiles, info, info->tile);
    for (k = 0; k < count; ++k) {
        if (info->stored[k].width && !is_told(info, k))
            add_tile(tiles, info, info->stored[k]);
    }
}

static void add_limits(cJSON *json, const iiif_limits_t *limits)
{
    if (limits->max_width)
        cJSON_AddNumberToObject(json, "maxWidth", limits->max_width);
    if (limits->max_height)
        cJSON_AddNumberToObject(json, "maxHeight", limits->max_height);
    if (limits->max_area)
        cJSON_AddNumberToObject(json, "maxArea", (double)limits->max_area);
}

static void add_formats(cJSON *json, const char *name, const iiif_info_t *info)
{
    cJSON *formats = cJSON_AddArrayToObject(json, name);
    const int promised = info->static_files ? 0 : 2;
    unsigned i;

    for (i = 0; i < IIIF_FORMATS; ++i) {
        if ((info->formats & 1u << i) && iiif_format((iiif_format_e)i)->level > promised)
            cJSON_AddItemToArray(formats,
                                 cJSON_CreateString(iiif_format((iiif_format_e)i)->extension));
    }
    if (!cJSON_GetArraySize(formats)) /* an empty list is left out (2.1, 5.3) */
        cJSON_DeleteItemFromObjectCaseSensitive(json, name);
}

/* 3.0, 4.4: name all but `default` that work, and not `color` where there is none. */
static void add_qualities(cJSON *json, const char *name, const iiif_info_t *info)
{
    cJSON *qualities = cJSON_AddArrayToObject(json, name);
    int q;

    for (q = (int)info->subject.natural; q <= (int)IIIF_QUALITY_BITONAL; ++q)
        cJSON_AddItemToArray(qualities, cJSON_CreateString(iiif_quality_name((iiif_quality_e)q)));
}

static void add_features(cJSON *json, const char *name, const iiif_info_t *info)
{
    cJSON *features = cJSON_AddArrayToObject(json, name);
    const iiif_feature_t *f;

    for (f = iiif_features; f->name; ++f) {
        if (iiif_feature_is_extra(f, info->version, info->subject.limits.upscale))
            cJSON_AddItemToArray(features, cJSON_CreateString(f->name));
    }
}

static const char *with_identifier(const char *uri, const char *encoded, apr_pool_t *pool)
{
    static const char mark[] = "{identifier}";
    const char *done = "", *at;

    for (; (at = strstr(uri, mark)); uri = at + sizeof(mark) - 1)
        done = apr_pstrcat(pool, done, apr_pstrmemdup(pool, uri, (apr_size_t)(at - uri)), encoded,
                           NULL);
    return apr_pstrcat(pool, done, uri, NULL);
}

/* Services older than the 3.0 APIs, "AuthCookieService1" or "ImageService2", keep their @id and
 * @type inside a document of 3.0 (5.8). */
static int is_older_service(const char *type)
{
    return type && *type && (type[strlen(type) - 1] == '1' || !strcmp(type, "ImageService2"));
}

static cJSON *link_object(const iiif_link_t *link, const iiif_info_t *info, apr_pool_t *pool)
{
    cJSON *object = cJSON_CreateObject();
    int v3 = info->version == IIIF_VERSION_3, at = !v3 || is_older_service(link->type);

    cJSON_AddStringToObject(object, at ? "@id" : "id",
                            with_identifier(link->id, info->encoded, pool));
    if (link->type)
        cJSON_AddStringToObject(object, at ? "@type" : "type", link->type);
    if (link->label && v3)
        cJSON_AddItemToArray(
            cJSON_AddArrayToObject(cJSON_AddObjectToObject(object, "label"), "none"),
            cJSON_CreateString(link->label));
    if (link->label && !v3)
        cJSON_AddStringToObject(object, "label", link->label);
    if (link->format)
        cJSON_AddStringToObject(object, "format", link->format);
    if (link->profile)
        cJSON_AddStringToObject(object, "profile", link->profile);
    return object;
}

/* 2.1 knows `service` alone of the three. */
static void add_links(cJSON *json, const iiif_info_t *info, apr_pool_t *pool)
{
    int i;

    for (i = 0; info->links && i < info->links->nelts; ++i) {
        const iiif_link_t *link = &APR_ARRAY_IDX(info->links, i, iiif_link_t);
        cJSON *list = cJSON_GetObjectItemCaseSensitive(json, link->property);

        if (info->version == IIIF_VERSION_2 && strcmp(link->property, "service"))
            continue;
        if (!list)
            list = cJSON_AddArrayToObject(json, link->property);
        cJSON_AddItemToArray(list, link_object(link, info, pool));
    }
}

/* A property that a merged file may bring, and the versions that have it. Names not listed here and
 * not made by the server are extensions (3.0, 5.7) and go into both. */
static const struct {
    const char *name;
    int in_2, in_3;
} merge_rules[] = {
    { "attribution", 1, 0 },
    { "license", 1, 0 },
    { "logo", 1, 0 },
    { "rights", 0, 1 },
    { "partOf", 0, 1 },
    { "seeAlso", 0, 1 },
    { "preferredFormats", 0, 1 },
    { "service", 1, 1 },
    { "@context", 0, 0 },
    { "@id", 0, 0 },
    { "@type", 0, 0 },
    { "id", 0, 0 },
    { "type", 0, 0 },
    { "protocol", 0, 0 },
    { "profile", 0, 0 },
    { "width", 0, 0 },
    { "height", 0, 0 },
    { "sizes", 0, 0 },
    { "tiles", 0, 0 },
    { "maxWidth", 0, 0 },
    { "maxHeight", 0, 0 },
    { "maxArea", 0, 0 },
    { "extraFormats", 0, 0 },
    { "extraQualities", 0, 0 },
    { "extraFeatures", 0, 0 },
};

static int may_merge(const char *name, iiif_version_e version)
{
    unsigned i;

    for (i = 0; i < sizeof(merge_rules) / sizeof(merge_rules[0]); ++i) {
        if (!strcmp(name, merge_rules[i].name))
            return version == IIIF_VERSION_2 ? merge_rules[i].in_2 : merge_rules[i].in_3;
    }
    return 1;
}

static void merge_extra(cJSON *json, const iiif_info_t *info)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, info->extra)
    {
        if (!may_merge(item->string, info->version))
            continue;
        cJSON_DeleteItemFromObjectCaseSensitive(json, item->string);
        cJSON_AddItemToObject(json, item->string, cJSON_Duplicate(item, 1));
    }
}

/* First key of the document; the IIIF context is the last of several (3.0, 5.2). */
static void add_context(cJSON *json, const iiif_info_t *info)
{
    const char *ours = info->version == IIIF_VERSION_2 ? CONTEXT_2 : CONTEXT_3;
    const cJSON *more =
        info->extra ? cJSON_GetObjectItemCaseSensitive(info->extra, "@context") : NULL;
    cJSON *list, *item;

    if (!more || info->version == IIIF_VERSION_2) {
        cJSON_AddStringToObject(json, "@context", ours);
        return;
    }
    list = cJSON_AddArrayToObject(json, "@context");
    if (!cJSON_IsArray(more))
        cJSON_AddItemToArray(list, cJSON_Duplicate(more, 1));
    else
        cJSON_ArrayForEach(item, more) cJSON_AddItemToArray(list, cJSON_Duplicate(item, 1));
    for (item = list->child; item; item = item->next) {
        if (cJSON_IsString(item) && !strcmp(item->valuestring, ours)) {
            cJSON_Delete(cJSON_DetachItemViaPointer(list, item));
            break;
        }
    }
    cJSON_AddItemToArray(list, cJSON_CreateString(ours));
}

static cJSON *build_2(const iiif_info_t *info, apr_pool_t *pool)
{
    cJSON *json = cJSON_CreateObject(), *profile, *details;

    add_context(json, info);
    cJSON_AddStringToObject(json, "@id", info->id);
    cJSON_AddStringToObject(json, "@type", "iiif:Image");
    cJSON_AddStringToObject(json, "protocol", "http://iiif.io/api/image");
    cJSON_AddNumberToObject(json, "width", info->subject.full.width);
    cJSON_AddNumberToObject(json, "height", info->subject.full.height);
    add_sizes(json, info);
    add_tiles(json, info);
    profile = cJSON_AddArrayToObject(json, "profile");
    cJSON_AddItemToArray(profile, cJSON_CreateString(iiif_info_profile_uri(IIIF_VERSION_2)));
    details = cJSON_CreateObject();
    add_formats(details, "formats", info);
    add_qualities(details, "qualities", info);
    add_features(details, "supports", info);
    add_limits(details, &info->subject.limits);
    cJSON_AddItemToArray(profile, details);
    if (info->attribution)
        cJSON_AddStringToObject(json, "attribution", info->attribution);
    if (info->rights)
        cJSON_AddStringToObject(json, "license", info->rights);
    if (info->logo)
        cJSON_AddStringToObject(json, "logo", info->logo);
    add_links(json, info, pool);
    return json;
}

/* What of @a text follows its scheme; NULL: it is neither http nor https. */
static const char *behind_scheme(const char *text)
{
    return !strncasecmp(text, "http://", 7)    ? text + 7
           : !strncasecmp(text, "https://", 8) ? text + 8
                                               : NULL;
}

int iiif_info_is_uri(const char *text)
{
    const char *host = behind_scheme(text);

    return host && *host && *host != '/' && !strpbrk(host, " <>\"")
           && iiif_path_is_clean_utf8(text);
}

int iiif_info_is_registered(const char *rights)
{
    static const char *const hosts[] = { "creativecommons.org/", "rightsstatements.org/" };
    const char *host = behind_scheme(rights);
    unsigned i;

    for (i = 0; host && i < sizeof(hosts) / sizeof(hosts[0]); ++i) {
        if (!strncasecmp(host, hosts[i], strlen(hosts[i])))
            return 1;
    }
    return 0;
}

/* 5.6 wants the URI that these two publish, which is not the address that a browser shows. */
static const char *published(const char *rights, apr_pool_t *pool)
{
    return iiif_info_is_registered(rights)
               ? apr_pstrcat(pool, "http://", behind_scheme(rights), NULL)
               : rights;
}

static cJSON *build_3(const iiif_info_t *info, apr_pool_t *pool)
{
    cJSON *json = cJSON_CreateObject();

    add_context(json, info);
    cJSON_AddStringToObject(json, "id", info->id);
    cJSON_AddStringToObject(json, "type", "ImageService3");
    cJSON_AddStringToObject(json, "protocol", "http://iiif.io/api/image");
    cJSON_AddStringToObject(json, "profile", info->static_files ? "level0" : "level2");
    cJSON_AddNumberToObject(json, "width", info->subject.full.width);
    cJSON_AddNumberToObject(json, "height", info->subject.full.height);
    add_limits(json, &info->subject.limits);
    add_sizes(json, info);
    add_tiles(json, info);
    if (info->rights)
        cJSON_AddStringToObject(json, "rights", published(info->rights, pool));
    add_formats(json, "extraFormats", info);
    if (!info->static_files) {
        add_qualities(json, "extraQualities", info);
        add_features(json, "extraFeatures", info);
    }
    add_links(json, info, pool);
    return json;
}

const char *iiif_info_json(const iiif_info_t *info, apr_pool_t *pool)
{
    cJSON *json = info->version == IIIF_VERSION_2 ? build_2(info, pool) : build_3(info, pool);
    char *printed, *text;

    if (info->extra)
        merge_extra(json, info);
    printed = cJSON_Print(json);
    cJSON_Delete(json);
    text = printed ? apr_pstrcat(pool, printed, "\n", NULL) : NULL;
    cJSON_free(printed);
    return text;
}

static apr_status_t delete_extra(void *extra)
{
    cJSON_Delete(extra);
    return APR_SUCCESS;
}

apr_status_t iiif_info_extra_parse(const cJSON **extra, const char *text, iiif_err_t *err,
                                   apr_pool_t *pool)
{
    cJSON *json = cJSON_ParseWithOpts(text, NULL, 1);

    if (!cJSON_IsObject(json)) {
        cJSON_Delete(json);
        return iiif_fail(err, IIIF_EBADSOURCE, "not one JSON object");
    }
    apr_pool_cleanup_register(pool, json, delete_extra, apr_pool_cleanup_null);
    *extra = json;
    return APR_SUCCESS;
}
