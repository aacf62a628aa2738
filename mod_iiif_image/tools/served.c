/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/served.h"

#include <apr_file_info.h>
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>

#include "image/vips_process.h"
#include "tools/output.h"

#include "base/banned.h"

#define MAX_PIXELS  1000000000L /* as IIIFMaxSourcePixels */
#define TILE        512         /* as IIIFTileSize */
#define STORE_BYTES (1 << 20)

int iiifctl_failed(const iiifctl_call_t *call, const char *kind, const char *of, const char *why)
{
    cJSON *object;

    if (!iiifctl_has(call, IIIFCTL_JSON)) {
        fprintf(stderr, "iiifctl %s: %s: %s\n", call->verb->name, of, why);
        return IIIFCTL_FAILED;
    }
    object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, kind, of);
    cJSON_AddStringToObject(object, "error", why);
    iiifctl_print_json(object);
    return IIIFCTL_FAILED;
}

int iiifctl_served_failed(const iiifctl_call_t *call, const char *file, const iiif_err_t *err)
{
    return iiifctl_failed(call, "source", file, err->text);
}

const char *iiifctl_plan_name(iiif_plan_kind_e kind)
{
    static const char *const names[] = {
        [IIIF_PLAN_INFO] = "info",         [IIIF_PLAN_DESCRIPTOR] = "descriptor",
        [IIIF_PLAN_REDIRECT] = "redirect", [IIIF_PLAN_STATIC_FILE] = "static",
        [IIIF_PLAN_RAW_TILE] = "raw",      [IIIF_PLAN_RENDER] = "render"
    };

    return names[kind];
}

/* What the server has when nothing is configured. */
static void take_defaults(iiifctl_served_t *served, long max_pixels)
{
    int i;

    served->rules = (iiif_plan_rules_t){ .versions = { IIIF_VERSION_3, IIIF_VERSION_2 },
                                         .formats = iiif_vips_formats(),
                                         .source = { IIIF_SOURCE_FORMATS_DEFAULT,
                                                     (apr_uint64_t)max_pixels, NULL },
                                         .upscale = IIIF_UPSCALE_ON,
                                         .square = IIIF_SQUARE_CENTRE,
                                         .tile = TILE };
    served->look = (iiif_look_t){ .background = { 255, 255, 255 } };
    for (i = 0; i < IIIF_FORMATS; ++i) {
        served->look.quality[i] = iiif_format((iiif_format_e)i)->default_quality;
        served->look.effort[i] = iiif_format((iiif_format_e)i)->default_effort;
    }
}

static apr_status_t find_file(iiif_source_ref_t *ref, const char *path, const char *root,
                              iiif_err_t *err, apr_pool_t *pool)
{
    apr_size_t len = root ? strlen(root) : 0;
    apr_status_t rv;
    char reason[120];

    *ref = (iiif_source_ref_t){ .path = path };
    rv = apr_stat(&ref->finfo, path, APR_FINFO_MIN | IIIF_STAMP_WANTED, pool);
    if (rv != APR_SUCCESS)
        return iiif_fail(err, rv, "%s", apr_strerror(rv, reason, sizeof(reason)));
    if (ref->finfo.filetype != APR_REG)
        return iiif_fail(err, APR_EGENERAL, "it is no file");
    if (!root)
        ref->name = strrchr(path, '/') + 1;
    else if (!strncmp(path, root, len) && path[len] == '/')
        ref->name = path + len + 1;
    else
        return iiif_fail(err, APR_EGENERAL, "it is not below %s", root);
    return APR_SUCCESS;
}

int iiifctl_served_open(iiifctl_served_t *served, const iiifctl_call_t *call, const char *file)
{
    static const long pages[2] = { 1, 65535 }, pixels[2] = { 0, 1000000000000000L };
    const char *store = iiifctl_value(call, IIIFCTL_STORE, NULL);
    const char *root = iiifctl_value(call, IIIFCTL_ROOT, NULL);
    long page = 1, max_pixels = MAX_PIXELS;
    iiif_err_t err;
    apr_status_t rv;

    if (iiifctl_number_of(&page, call, IIIFCTL_PAGE, pages) != IIIFCTL_OK
        || iiifctl_number_of(&max_pixels, call, IIIFCTL_PIXELS, pixels) != IIIFCTL_OK)
        return IIIFCTL_USAGE;
    rv = find_file(&served->ref, iiifctl_absolute(file, call->pool),
                   root ? iiifctl_absolute(root, call->pool) : NULL, &err, call->pool);
    if (rv == APR_SUCCESS)
        rv = iiif_vips_start("iiifctl", &err);
    if (rv != APR_SUCCESS)
        return iiifctl_served_failed(call, file, &err);
    served->ref.page = (unsigned)page;
    take_defaults(served, max_pixels);
    if (store) {
        served->rules.tile_store = iiifctl_absolute(store, call->pool);
        rv = iiif_lru_create(&served->rules.stored, STORE_BYTES, 1, call->pool);
    }
    return rv == APR_SUCCESS ? IIIFCTL_OK : IIIFCTL_FAILED;
}
