/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/site.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <cjson/cJSON.h>
#include <string.h>
#include <unistd.h>

#include "iiif/tiling.h"

#include "base/banned.h"

#define PRESENTATION "http://iiif.io/api/presentation/3/context.json"

/* One site in the making. */
typedef struct work_t {
    const iiifctl_site_t *site;
    const char *directory;
    iiif_subject_t subject;
    int levels;
    apr_pool_t *pool;
    apr_pool_t *scratch; /* of one file */
} work_t;

static iiif_dims_t level_of(const work_t *work, int level)
{
    return iiif_level_dims(work->site->source->full, APR_UINT64_C(1) << level);
}

/* What neither format can hold at full size, is offered as large as they can. */
static void set_limits(work_t *work)
{
    apr_uint32_t side = iiif_format(IIIF_FORMAT_JPG)->max_side;
    int level = 0;

    if (iiif_format(work->site->second)->max_side < side)
        side = iiif_format(work->site->second)->max_side;
    while (level_of(work, level).width > side || level_of(work, level).height > side)
        ++level;
    if (level)
        work->subject.limits = (iiif_limits_t){ .max_width = level_of(work, level).width,
                                                .max_height = level_of(work, level).height };
}

static apr_status_t write_file(const char *path, const void *data, apr_size_t length,
                               iiif_err_t *err, apr_pool_t *pool)
{
    const char *directory = apr_pstrmemdup(pool, path, (apr_size_t)(strrchr(path, '/') - path));
    apr_file_t *file = NULL;
    apr_status_t rv = apr_dir_make_recursive(directory, APR_FPROT_OS_DEFAULT, pool), closed;
    char reason[120];

    if (rv == APR_SUCCESS)
        rv = apr_file_open(&file, path, APR_FOPEN_WRITE | APR_FOPEN_CREATE | APR_FOPEN_TRUNCATE,
                           APR_FPROT_OS_DEFAULT, pool);
    if (rv == APR_SUCCESS) {
        rv = apr_file_write_full(file, data, length, NULL);
        closed = apr_file_close(file);
        rv = rv == APR_SUCCESS ? closed : rv;
    }
    return rv == APR_SUCCESS ? rv
                             : iiif_fail(err, rv, "cannot write %s: %s", path,
                                         apr_strerror(rv, reason, sizeof(reason)));
}

/* A place of the image, at a size, under a name of its own. */
static apr_status_t write_image(const work_t *work, const char *name,
                                const iiif_resolved_t *resolved, iiif_err_t *err)
{
    const char *path = apr_psprintf(work->scratch, "%s/%s/0/default.%s", work->directory, name,
                                    iiif_format(resolved->format)->extension);
    iiif_bytes_t bytes;
    apr_status_t rv = iiif_render(&bytes, work->site->source, resolved, work->site->look, err);

    if (rv != APR_SUCCESS)
        return rv;
    rv = write_file(path, bytes.data, bytes.len, err, work->scratch);
    iiif_bytes_free(bytes.data);
    return rv;
}

static iiif_resolved_t part(iiif_rect_t region, iiif_dims_t size, iiif_format_e format)
{
    return (iiif_resolved_t){ .region = region,
                              .size = size,
                              .canvas = size,
                              .quality = IIIF_QUALITY_DEFAULT,
                              .format = format };
}

/* -- whole images -------------------------------------------------------------------------------
 */

/* The same file by a second name; a copy of it where the file system knows no links. */
static apr_status_t name_again(const work_t *work, const char *size, const char *extension,
                               iiif_err_t *err)
{
    const char *file = apr_pstrcat(work->scratch, "/0/default.", extension, NULL);
    const char *from = apr_pstrcat(work->scratch, work->directory, "/full/", size, file, NULL);
    const char *to = apr_pstrcat(work->scratch, work->directory, "/full/max", file, NULL);
    apr_status_t rv =
        apr_dir_make_recursive(apr_pstrcat(work->scratch, work->directory, "/full/max/0", NULL),
                               APR_FPROT_OS_DEFAULT, work->scratch);

    if (rv == APR_SUCCESS && link(from, to))
        rv = apr_file_copy(from, to, APR_FPROT_FILE_SOURCE_PERMS, work->scratch);
    return rv == APR_SUCCESS ? rv : iiif_fail(err, rv, "cannot write %s", to);
}

/* All of `sizes`, the largest first. */
static apr_status_t write_sizes(const work_t *work, iiif_format_e format, iiif_err_t *err)
{
    const iiif_dims_t full = work->site->source->full;
    int level, has_max = 0;
    apr_status_t rv = APR_SUCCESS;

    for (level = 0; level < work->levels && rv == APR_SUCCESS; ++level) {
        const iiif_dims_t dims = level_of(work, level);
        const iiif_resolved_t resolved =
            part((iiif_rect_t){ 0, 0, full.width, full.height }, dims, format);
        const char *size = apr_psprintf(work->scratch, "%u,%u", dims.width, dims.height);

        if (!iiif_within_limits(dims, &work->subject.limits))
            continue;
        rv = write_image(work, apr_pstrcat(work->scratch, "full/", size, NULL), &resolved, err);
        if (rv == APR_SUCCESS && !has_max)
            rv = name_again(work, size, iiif_format(format)->extension, err);
        has_max = 1;
        apr_pool_clear(work->scratch);
    }
    return rv;
}

/* -- tiles of a second format -------------------------------------------------------------------
 */

static apr_uint32_t least(apr_uint64_t a, apr_uint32_t b)
{
    return a < b ? (apr_uint32_t)a : b;
}

static apr_status_t write_tile(const work_t *work, apr_uint64_t factor, apr_uint64_t x,
                               apr_uint64_t y, iiif_err_t *err)
{
    const iiif_dims_t full = work->site->source->full;
    const apr_uint64_t cell = work->site->tile * factor;
    const iiif_rect_t region = { (apr_uint32_t)x, (apr_uint32_t)y,
                                 least(cell, full.width - (apr_uint32_t)x),
                                 least(cell, full.height - (apr_uint32_t)y) };
    const iiif_dims_t size = iiif_level_dims((iiif_dims_t){ region.width, region.height }, factor);
    const iiif_resolved_t resolved = part(region, size, work->site->second);
    apr_status_t rv =
        write_image(work,
                    apr_psprintf(work->scratch, "%u,%u,%u,%u/%u,%u", region.x, region.y,
                                 region.width, region.height, size.width, size.height),
                    &resolved, err);

    apr_pool_clear(work->scratch);
    return rv;
}

static apr_status_t write_tiles(const work_t *work, iiif_err_t *err)
{
    const iiif_dims_t full = work->site->source->full;
    apr_status_t rv = APR_SUCCESS;
    apr_uint64_t x, y;
    int level;

    for (level = 0; level < work->levels; ++level) {
        const apr_uint64_t factor = APR_UINT64_C(1) << level, cell = work->site->tile * factor;

        for (y = 0; y < full.height; y += cell) {
            for (x = 0; x < full.width && rv == APR_SUCCESS; x += cell)
                rv = write_tile(work, factor, x, y, err);
        }
    }
    return rv;
}

/* -- documents ----------------------------------------------------------------------------------
 */

static apr_status_t write_info(const work_t *work, iiif_err_t *err)
{
    const iiifctl_site_t *site = work->site;
    const char *second = iiif_format(site->second)->extension, *text;
    iiif_info_t info = { .version = IIIF_VERSION_3,
                         .id = site->id,
                         .encoded = site->encoded,
                         .subject = work->subject,
                         .tile = { site->tile, site->tile },
                         .formats = 1u << IIIF_FORMAT_JPG | 1u << site->second,
                         .static_files = 1,
                         .rights = site->rights };
    apr_status_t rv = APR_SUCCESS;

    if (site->second != IIIF_FORMAT_JPG)
        rv = iiif_info_extra_parse(
            &info.extra, apr_psprintf(work->pool, "{\"preferredFormats\":[\"%s\"]}", second), err,
            work->pool);
    if (rv != APR_SUCCESS)
        return rv;
    text = iiif_info_json(&info, work->pool);
    return write_file(apr_pstrcat(work->pool, work->directory, "/info.json", NULL), text,
                      strlen(text), err, work->pool);
}

static cJSON *resource(cJSON *object, const char *id, const char *type)
{
    cJSON_AddStringToObject(object, "id", id);
    cJSON_AddStringToObject(object, "type", type);
    return object;
}

static void add_dims(cJSON *object, iiif_dims_t dims)
{
    cJSON_AddNumberToObject(object, "width", dims.width);
    cJSON_AddNumberToObject(object, "height", dims.height);
}

static cJSON *add_one(cJSON *parent, const char *name, cJSON *object)
{
    cJSON_AddItemToArray(cJSON_AddArrayToObject(parent, name), object);
    return object;
}

static const char *below(const work_t *work, const char *name)
{
    return apr_pstrcat(work->pool, work->site->id, "/", name, NULL);
}

/* The whole image at a level, as a resource with its service. */
static cJSON *image_resource(const work_t *work, const char *size, int level)
{
    const char *name = apr_pstrcat(work->pool, "full/", size, "/0/default.jpg", NULL);
    cJSON *image = resource(cJSON_CreateObject(), below(work, name), "Image"), *service;

    cJSON_AddStringToObject(image, "format", "image/jpeg");
    add_dims(image, level_of(work, level));
    service =
        add_one(image, "service", resource(cJSON_CreateObject(), work->site->id, "ImageService3"));
    cJSON_AddStringToObject(service, "profile", "level0");
    return image;
}

static int largest_level(const work_t *work)
{
    int level = 0;

    while (!iiif_within_limits(level_of(work, level), &work->subject.limits))
        ++level;
    return level;
}

/* Presentation API 3.0, 5.3 to 5.6: a canvas of the image's size, painted with it. */
static cJSON *canvas_of(const work_t *work)
{
    cJSON *canvas = resource(cJSON_CreateObject(), below(work, "canvas/1"), "Canvas");
    cJSON *page, *annotation;

    add_dims(canvas, work->site->source->full);
    page = add_one(canvas, "items",
                   resource(cJSON_CreateObject(), below(work, "canvas/1/page"), "AnnotationPage"));
    annotation =
        add_one(page, "items",
                resource(cJSON_CreateObject(), below(work, "canvas/1/page/image"), "Annotation"));
    cJSON_AddStringToObject(annotation, "motivation", "painting");
    cJSON_AddItemToObject(annotation, "body", image_resource(work, "max", largest_level(work)));
    cJSON_AddStringToObject(annotation, "target", below(work, "canvas/1"));
    return canvas;
}

static cJSON *manifest_of(const work_t *work)
{
    const iiif_dims_t least_dims = level_of(work, work->levels - 1);
    const char *size = apr_psprintf(work->pool, "%u,%u", least_dims.width, least_dims.height);
    cJSON *manifest = cJSON_CreateObject();

    cJSON_AddStringToObject(manifest, "@context", PRESENTATION);
    resource(manifest, below(work, "manifest.json"), "Manifest");
    add_one(cJSON_AddObjectToObject(manifest, "label"), "none",
            cJSON_CreateString(work->site->label));
    if (work->site->rights)
        cJSON_AddStringToObject(manifest, "rights", work->site->rights);
    add_one(manifest, "thumbnail", image_resource(work, size, work->levels - 1));
    add_one(manifest, "items", canvas_of(work));
    return manifest;
}

static apr_status_t write_manifest(const work_t *work, iiif_err_t *err)
{
    cJSON *manifest = manifest_of(work);
    char *printed = cJSON_Print(manifest);
    const char *text = apr_pstrcat(work->pool, printed ? printed : "", "\n", NULL);

    cJSON_free(printed);
    cJSON_Delete(manifest);
    return write_file(apr_pstrcat(work->pool, work->directory, "/manifest.json", NULL), text,
                      strlen(text), err, work->pool);
}

apr_status_t iiifctl_site_write(const iiifctl_site_t *site, const char *directory, iiif_err_t *err,
                                apr_pool_t *pool)
{
    const iiif_dims_t tile = { site->tile, site->tile };
    work_t work = { site, directory, { .full = site->source->full }, 0, pool, NULL };
    apr_status_t rv = apr_pool_create(&work.scratch, pool);

    work.levels = iiif_level_count(site->source->full, tile);
    set_limits(&work);
    if (rv == APR_SUCCESS)
        rv = write_sizes(&work, IIIF_FORMAT_JPG, err);
    if (rv == APR_SUCCESS && site->second != IIIF_FORMAT_JPG)
        rv = write_sizes(&work, site->second, err);
    if (rv == APR_SUCCESS && site->second != IIIF_FORMAT_JPG)
        rv = write_tiles(&work, err);
    if (rv == APR_SUCCESS)
        rv = write_manifest(&work, err);
    return rv == APR_SUCCESS ? write_info(&work, err) : rv;
}
