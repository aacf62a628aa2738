/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_T_IMAGES_H
#define IIIF_T_IMAGES_H
/**
 * @file images.h
 * @brief A directory of images that a test has libvips write, as old as it likes.
 */
#include <apr_file_info.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vips/vips.h>

#include "base/stamp.h"
#include "iiif/types.h"
#include "image/source.h"
#include "image/vips_process.h"
#include "tap.h"

#define UNUSED __attribute__((unused))

static char directory[] = "/tmp/iiif_images.XXXXXX";

UNUSED static apr_pool_t *begin_images(const char *program)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (!mkdtemp(directory) || iiif_vips_start(program, NULL) != APR_SUCCESS)
        abort();
    return pool;
}

static const char *path_of(const char *name, apr_pool_t *pool)
{
    return apr_pstrcat(pool, directory, "/", name, NULL);
}

/** What the images hold, up to 320x240: smooth, so that JPEG keeps it nearly, and nowhere alike. */
static unsigned char sample_at(apr_uint32_t x, apr_uint32_t y, int band)
{
    return (unsigned char)(x / 4 + y / 8 * (unsigned)(band % 2 + 1) + 40 * (unsigned)band);
}

/** A new reference. */
UNUSED static VipsImage *picture(iiif_dims_t dims, int bands)
{
    size_t size = (size_t)dims.width * dims.height * (size_t)bands;
    unsigned char *samples = malloc(size), *s = samples;
    VipsImage *image;
    apr_uint32_t x, y;
    int band;

    for (y = 0; samples && y < dims.height; ++y) {
        for (x = 0; x < dims.width; ++x) {
            for (band = 0; band < bands; ++band)
                *s++ = sample_at(x, y, band);
        }
    }
    image = vips_image_new_from_memory_copy(samples, size, (int)dims.width, (int)dims.height, bands,
                                            VIPS_FORMAT_UCHAR);
    free(samples);
    if (!image)
        abort();
    image->Type = bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
    return image;
}

/** Write an image, a minute old. @param options of libvips' saver: "[tile,pyramid]"; NULL: none */
UNUSED static const char *write_image(const char *name, VipsImage *image, const char *options,
                                      apr_pool_t *pool)
{
    const char *path = path_of(name, pool);

    if (vips_image_write_to_file(image, apr_pstrcat(pool, path, options, NULL), NULL)
        || apr_file_mtime_set(path, apr_time_now() - apr_time_from_sec(60), pool) != APR_SUCCESS)
        ok(0, "%s cannot be written: %s", name, vips_error_buffer());
    g_object_unref(image);
    return path;
}

/** A file as a source; NULL, and a test has failed, if it is none. */
UNUSED static iiif_source_t *open_source(const char *path, apr_pool_t *pool)
{
    static const iiif_source_rules_t rules = { .formats = IIIF_SOURCE_FORMATS_DEFAULT };
    iiif_source_t *source = NULL;
    iiif_err_t err = { "" };

    ok(iiif_source_open(&source, path, 1, &rules, &err, pool) == APR_SUCCESS, "%s opens %s", path,
       err.text);
    return source;
}

/** The stamp of a file as a request finds it. */
UNUSED static iiif_stamp_t stamp_of(const char *path, apr_pool_t *pool)
{
    apr_finfo_t finfo = { .size = 0 };

    apr_stat(&finfo, path, IIIF_STAMP_WANTED, pool);
    return iiif_stamp_of(&finfo);
}

static void end_images(apr_pool_t *pool)
{
    if (system(apr_pstrcat(pool, "rm -r ", directory, NULL)))
        ok(0, "%s is left", directory);
    apr_pool_destroy(pool);
    apr_terminate();
}
#endif
