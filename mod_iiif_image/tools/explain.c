/* SPDX-License-Identifier: Apache-2.0 */
/* iiifctl explain: how a URL is understood, and how it would be answered. */
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>

#include "image/window.h"
#include "tools/output.h"
#include "tools/served.h"
#include "tools/verbs.h"

#include "base/banned.h"

enum { PREFIX = IIIFCTL_OWN };

static const iiifctl_option_t options[] = {
    IIIFCTL_SERVED_OPTIONS,
    { PREFIX, "prefix", "PATH", "of URLs, before version and identifier (default /iiif)" },
    { IIIFCTL_JSON, "json", NULL, "one JSON object" },
    { 0, NULL, NULL, NULL }
};

static const char *const kinds[] = {
    [IIIF_REQUEST_BASE] = "base URI",
    [IIIF_REQUEST_INFO] = "info.json",
    [IIIF_REQUEST_IMAGE] = "image",
    [IIIF_REQUEST_DEEPZOOM] = "Deep Zoom descriptor",
    [IIIF_REQUEST_DEEPZOOM_TILE] = "Deep Zoom tile",
    [IIIF_REQUEST_ZOOMIFY] = "Zoomify properties",
    [IIIF_REQUEST_ZOOMIFY_TILE] = "Zoomify tile",
};

/* What follows the prefix, still encoded; of a whole URL, too, as it is copied from elsewhere. */
static const char *behind_prefix(const char *url, const char *prefix, apr_pool_t *pool)
{
    const char *path = apr_pstrmemdup(pool, url, strcspn(url, "?#")), *host = strstr(path, "://");
    apr_size_t len = strlen(prefix);

    if (*path != '/' && host)
        path = host + 3 + strcspn(host + 3, "/");
    if (!strncmp(path, prefix, len) && path[len] == '/')
        path += len;
    return *path == '/' ? path + 1 : path;
}

/* Does an identifier mean this file: its name, with its extension or without? */
static int means(const char *identifier, const char *name)
{
    const char *slash = strrchr(name, '/'), *dot = strrchr(slash ? slash : name, '.');

    return !strcmp(identifier, name)
           || (dot && strlen(identifier) == (apr_size_t)(dot - name)
               && !strncmp(identifier, name, (apr_size_t)(dot - name)));
}

/* The reading whose identifier means the file, else the likelier one. */
static int choose(const iiif_request_t *readings, int count, const char *name)
{
    int i;

    for (i = 0; i < count; ++i) {
        if (means(readings[i].identifier, name))
            return i;
    }
    return 0;
}

/* -- told as pairs ------------------------------------------------------------------------------
 */

static void tell(cJSON *told, const char *name, const char *text)
{
    cJSON_AddStringToObject(told, name, text);
}

static void tell_readings(cJSON *told, const iiif_request_t *readings, int count, int used)
{
    cJSON *array = cJSON_AddArrayToObject(told, "readings");
    int i;

    for (i = 0; i < count; ++i) {
        cJSON *reading = cJSON_CreateObject();

        tell(reading, "kind", kinds[readings[i].kind]);
        tell(reading, "identifier", readings[i].identifier);
        if (readings[i].version != IIIF_VERSION_NONE)
            cJSON_AddNumberToObject(reading, "version", readings[i].version);
        if (readings[i].kind == IIIF_REQUEST_IMAGE) {
            tell(reading, "region", readings[i].region);
            tell(reading, "size", readings[i].size);
            tell(reading, "rotation", readings[i].rotation);
            tell(reading, "quality", readings[i].quality);
            tell(reading, "format", readings[i].format);
        }
        cJSON_AddBoolToObject(reading, "used", i == used);
        cJSON_AddItemToArray(array, reading);
    }
}

static const char *spell_rect(iiif_rect_t r, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%u,%u,%u,%u", r.x, r.y, r.width, r.height);
}

static const char *spell_dims(iiif_dims_t d, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%u,%u", d.width, d.height);
}

static void tell_resolved(cJSON *told, const iiif_plan_t *plan, apr_pool_t *pool)
{
    const iiif_resolved_t *r = &plan->resolved;

    tell(told, "region", spell_rect(r->region, pool));
    tell(told, "size", spell_dims(r->size, pool));
    tell(told, "canvas", spell_dims(r->canvas, pool));
    tell(told, "quality", iiif_quality_name(r->quality));
    tell(told, "format", iiif_format(r->format)->extension);
    tell(told, "canonical3", iiif_canonical(r, &plan->subject, IIIF_VERSION_3, pool));
    tell(told, "canonical2", iiif_canonical(r, &plan->subject, IIIF_VERSION_2, pool));
    tell(told, "key", plan->key);
}

/* -- why not cheaper ----------------------------------------------------------------------------
 */

static const char *why_not_static(const iiif_plan_t *plan, const iiifctl_served_t *served)
{
    const iiif_resolved_t *r = &plan->resolved;

    if (!served->rules.tile_store)
        return "no tile store is given (--store)";
    if (served->ref.page != 1)
        return "a tile store has tiles of the first page alone";
    if (r->square != IIIF_SQUARE_CENTRE || r->quality != IIIF_QUALITY_DEFAULT || r->rotation.mirror
        || iiif_rotation_quarters(&r->rotation))
        return "stored tiles are upright and of quality default";
    return plan->refusals ? "what the tile store has is not used, see refused"
                          : "no file of the tile store is exactly that";
}

static void tell_refusals(cJSON *told, const iiif_plan_t *plan, apr_pool_t *pool)
{
    cJSON *array;
    int i;

    if (!plan->refusals)
        return;
    array = cJSON_AddArrayToObject(told, "refused");
    for (i = 0; i < plan->refusals->nelts; ++i) {
        const iiif_plan_refusal_t *refusal = &APR_ARRAY_IDX(plan->refusals, i, iiif_plan_refusal_t);

        cJSON_AddItemToArray(array, cJSON_CreateString(apr_pstrcat(pool, refusal->path, ": ",
                                                                   refusal->reason, NULL)));
    }
}

static int is_image(const iiif_plan_t *plan)
{
    if (!plan->pixels)
        return 0;
    return plan->kind == IIIF_PLAN_STATIC_FILE || plan->kind == IIIF_PLAN_RAW_TILE
           || plan->kind == IIIF_PLAN_RENDER;
}

/* The level that a raw tile is of. */
static int level_of(const iiif_source_t *pixels, const iiif_raw_level_t *raw)
{
    int i;

    for (i = 0; i < pixels->level_count && pixels->levels[i].raw != raw; ++i)
        continue;
    return i;
}

static void tell_raw(cJSON *told, const iiif_plan_t *plan)
{
    cJSON_AddNumberToObject(told, "level", level_of(plan->pixels, plan->raw.level));
    cJSON_AddNumberToObject(told, "tile", plan->raw.index);
    tell(told, "sent", plan->raw.changed ? "rearranged without loss" : "as it is stored");
}

static void tell_window(cJSON *told, const iiif_plan_t *plan, apr_pool_t *pool)
{
    const iiif_window_t window =
        iiif_window_choose(plan->pixels, plan->resolved.region, plan->resolved.size);

    tell(told, "window",
         apr_psprintf(pool, "%s of level %d, %s", spell_rect(window.rect, pool),
                      (int)(window.level - plan->pixels->levels),
                      spell_dims(window.level->dims, pool)));
}

static void tell_plan(cJSON *told, const iiif_plan_t *plan, const iiifctl_served_t *served,
                      apr_pool_t *pool)
{
    tell(told, "plan", iiifctl_plan_name(plan->kind));
    if (plan->pixels && plan->pixels != plan->source)
        tell(told, "readFrom", plan->pixels->path);
    if (plan->descriptor)
        tell(told, "descriptor", plan->descriptor);
    if (!is_image(plan))
        return;
    tell_resolved(told, plan, pool);
    if (plan->kind == IIIF_PLAN_STATIC_FILE)
        tell(told, "file", plan->file);
    else
        tell(told, "notStatic", why_not_static(plan, served));
    if (plan->kind == IIIF_PLAN_RAW_TILE)
        tell_raw(told, plan);
    if (plan->kind == IIIF_PLAN_RENDER) {
        tell(told, "notRaw", iiif_raw_tile_missing(plan->pixels, &plan->resolved));
        tell_window(told, plan, pool);
    }
    tell_refusals(told, plan, pool);
}

/* -- for people ---------------------------------------------------------------------------------
 */

static void print_pairs(const cJSON *object, int indent)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, object)
    {
        const char *name = item->string ? item->string : "-";

        if (cJSON_IsArray(item) || cJSON_IsObject(item)) {
            printf("%*s%s\n", indent, "", name);
            print_pairs(item, indent + 2);
        }
        else if (cJSON_IsString(item))
            printf("%*s%-12s %s\n", indent, "", name, item->valuestring);
        else if (cJSON_IsBool(item))
            printf("%*s%-12s %s\n", indent, "", name, cJSON_IsTrue(item) ? "yes" : "no");
        else
            printf("%*s%-12s %.0f\n", indent, "", name, item->valuedouble);
    }
}

static int say(cJSON *told, int as_json, int code)
{
    if (as_json)
        iiifctl_print_json(told);
    else {
        print_pairs(told, 0);
        cJSON_Delete(told);
    }
    return code;
}

static int explain(const iiifctl_call_t *call, const char *path, const iiifctl_served_t *served)
{
    iiif_request_t readings[IIIF_READINGS_MAX];
    const int json = iiifctl_has(call, IIIFCTL_JSON);
    int count = iiif_request_read(readings, path, call->pool), used;
    cJSON *told = cJSON_CreateObject();
    iiif_plan_t *plan;
    iiif_err_t err;

    tell(told, "path", path);
    if (!count) {
        tell(told, "error", "it has not the form of a IIIF, Deep Zoom or Zoomify URL");
        return say(told, json, IIIFCTL_FAILED);
    }
    used = choose(readings, count, served->ref.name);
    tell_readings(told, readings, count, used);
    if (!means(readings[used].identifier, served->ref.name))
        tell(told, "note", "its identifier is not that of the file below its root (--root)");
    if (iiif_plan_make(&plan, &readings[used], &served->ref, &served->rules, &err, call->pool)
        != APR_SUCCESS) {
        tell(told, "error", err.text);
        return say(told, json, IIIFCTL_FAILED);
    }
    tell_plan(told, plan, served, call->pool);
    return say(told, json, IIIFCTL_OK);
}

static int run(const iiifctl_call_t *call)
{
    iiifctl_served_t served;
    const char *path;
    int code;

    if (call->operands->nelts != 2)
        return iiifctl_usage(call, "URL-PATH and FILE have to be given");
    path = APR_ARRAY_IDX(call->operands, 0, const char *);
    code = iiifctl_served_open(&served, call, APR_ARRAY_IDX(call->operands, 1, const char *));
    if (code != IIIFCTL_OK)
        return code;
    return explain(call, behind_prefix(path, iiifctl_value(call, PREFIX, "/iiif"), call->pool),
                   &served);
}

const iiifctl_verb_t iiifctl_verb_explain = { "explain", "URL-PATH FILE",
                                              "tells how a URL is understood and answered", options,
                                              run };
