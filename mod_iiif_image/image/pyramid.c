/* SPDX-License-Identifier: Apache-2.0 */
#include "image/pyramid.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "image/orientation.h"
#include "image/private.h"

#include "base/banned.h"

#define HELD_MAX    67108864.0   /* bytes of pixels that wait in memory to be turned */
#define CLASSIC_MAX 4000000000.0 /* bytes of a TIFF whose places are of 32 bits */

/* One image on its way from source to file; each step replaces it. */
typedef struct work_t {
    const iiif_source_t *source;
    const iiif_pyramid_rules_t *rules;
    const char *directory;
    VipsImage *image;
    apr_pool_t *pool;
} work_t;

/* @a next takes the place of the image. @return 0, or -1 as libvips does */
static int step(work_t *work, int failed, VipsImage **next)
{
    if (failed)
        return -1;
    g_object_unref(work->image);
    work->image = *next;
    return 0;
}

/* -- upright ------------------------------------------------------------------------------------
 */

static double bytes_of(VipsImage *image)
{
    return (double)vips_format_sizeof(image->BandFmt) * image->Bands * image->Xsize * image->Ysize;
}

/* Where pixels wait that are read in another order than they are stored in. */
static VipsImage *new_shelf(const work_t *work)
{
    const char *path = apr_pstrcat(work->pool, work->directory, "/upright.v", NULL);
    VipsImage *image;

    if (bytes_of(work->image) <= HELD_MAX)
        return vips_image_new_memory();
    image = g_object_new(VIPS_TYPE_IMAGE, "filename", path, "mode", "w", NULL);
    if (vips_object_build(VIPS_OBJECT(image)))
        g_clear_object(&image);
    return image;
}

static int settle(work_t *work)
{
    VipsImage *shelf = new_shelf(work);

    if (!shelf)
        return -1;
    if (vips_image_write(work->image, shelf)) {
        g_object_unref(shelf);
        return -1;
    }
    return step(work, 0, &shelf);
}

static int make_upright(work_t *work)
{
    VipsImage *next = NULL;
    int quarters, flip;

    iiif_orientation_steps(&quarters, &flip, work->source->orientation);
    if (quarters && settle(work))
        return -1;
    if (quarters && step(work, vips_rot(work->image, &next, (VipsAngle)quarters, NULL), &next))
        return -1;
    return flip ? step(work, vips_flip(work->image, &next, VIPS_DIRECTION_HORIZONTAL, NULL), &next)
                : 0;
}

/* -- colours ------------------------------------------------------------------------------------
 */

/* Samples that a profile describes, made 8 bits and left as they are else. */
static int keep_colours(work_t *work)
{
    VipsImage *next = NULL;

    if (work->image->BandFmt == VIPS_FORMAT_USHORT
        && step(work, vips_rshift_const1(work->image, &next, 8, NULL), &next))
        return -1;
    return step(work, vips_cast(work->image, &next, VIPS_FORMAT_UCHAR, NULL), &next)
           || step(work,
                   vips_copy(work->image, &next, "interpretation",
                             iiif_colour_bands(work->image) == 1 ? VIPS_INTERPRETATION_B_W
                                                                 : VIPS_INTERPRETATION_sRGB,
                             NULL),
                   &next);
}

/* Pixels that conversion would only copy. */
static int is_displayable(const work_t *work)
{
    const VipsImage *image = work->image;

    return image->BandFmt == VIPS_FORMAT_UCHAR && !work->source->profile
           && ((image->Type == VIPS_INTERPRETATION_sRGB && image->Bands == 3)
               || (image->Type == VIPS_INTERPRETATION_B_W && image->Bands == 1));
}

static int convert_colours(work_t *work)
{
    VipsImage *next = NULL;

    if (is_displayable(work))
        return 0;
    if (step(work, iiif_colour_to_display(work->image, &next), &next)
        || step(work, vips_copy(work->image, &next, NULL), &next))
        return -1;
    vips_image_remove(work->image, VIPS_META_ICC_NAME);
    return 0;
}

static int keeps_profile(const work_t *work)
{
    return work->rules->format == IIIF_PYRAMID_TIFF && !work->rules->srgb && work->source->profile
           && iiif_colour_bands(work->image) != 4;
}

static int has_alpha(const work_t *work)
{
    return work->image->Bands == 2 || work->image->Bands == 4;
}

static int is_tree(const iiif_pyramid_rules_t *rules)
{
    return rules->format != IIIF_PYRAMID_TIFF && rules->format != IIIF_PYRAMID_JP2;
}

/* On gray, the colour's luma, as in a render. */
static int flatten(work_t *work)
{
    const unsigned char *b = work->rules->background;
    double colour[3] = { b[0], b[1], b[2] };
    VipsArrayDouble *background;
    VipsImage *next = NULL;
    int failed, gray = work->image->Bands == 2;

    if (gray)
        colour[0] = 0.299 * b[0] + 0.587 * b[1] + 0.114 * b[2];
    background = vips_array_double_new(colour, gray ? 1 : 3);
    failed = vips_flatten(work->image, &next, "background", background, NULL);
    vips_area_unref(VIPS_AREA(background));
    return step(work, failed, &next);
}

static int make_displayable(work_t *work, double range)
{
    VipsImage *next = NULL;

    if (step(work, iiif_colour_to_samples(work->image, &next, range), &next)
        || (keeps_profile(work) ? keep_colours(work) : convert_colours(work)))
        return -1;
    return is_tree(work->rules) && has_alpha(work) ? flatten(work) : 0;
}

/* What the source's file said of itself does not describe these pixels; but for the profile. */
static int strip(work_t *work)
{
    VipsImage *next = NULL;
    char **fields, **field;

    if (step(work, vips_copy(work->image, &next, NULL), &next))
        return -1;
    fields = vips_image_get_fields(work->image);
    for (field = fields; *field; ++field) {
        if (strcmp(*field, VIPS_META_ICC_NAME) != 0)
            vips_image_remove(work->image, *field); /* width and its like cannot be, and stay */
    }
    g_strfreev(fields);
    return 0;
}

/* -- writers ------------------------------------------------------------------------------------
 */

/* Pixels that cannot be computed are zeros, and that is noted. libvips 8.14 closes the lower levels
 * of a pyramid after it has freed what they are written to, when its source fails meanwhile. */
static int endure(VipsRegion *out, void *sequence, void *unused, void *failed, gboolean *stop)
{
    VipsRegion *in = sequence;

    (void)unused;
    (void)stop;
    if (!vips_region_prepare(in, &out->valid))
        return vips_region_region(out, in, &out->valid, out->valid.left, out->valid.top);
    __atomic_store_n((int *)failed, 1, __ATOMIC_RELAXED);
    vips_region_black(out);
    return 0;
}

static VipsImage *enduring(VipsImage *image, int *failed)
{
    VipsImage *out = vips_image_new();

    if (!vips_image_pipelinev(out, VIPS_DEMAND_STYLE_THINSTRIP, image, NULL)
        && !vips_image_generate(out, vips_start_one, endure, vips_stop_one, image, failed))
        return out;
    g_object_unref(out);
    return NULL;
}

/* Where a file goes whose writer must not hear of a full disk: OpenJPEG tries for ever to write
 * what libvips 8.14 reports as not written, and a pyramid TIFF crashes as above. What went wrong is
 * kept; what is read after that, is zeros. */
typedef struct sink_t {
    int fd;
    int failed; /* errno; 0: nothing */
} sink_t;

static gint64 sink_write(VipsTargetCustom *target, const void *data, gint64 length, sink_t *sink)
{
    const char *bytes = data;
    gint64 done = 0;

    (void)target;
    while (done < length && !sink->failed) {
        ssize_t n = write(sink->fd, bytes + done, (size_t)(length - done));

        if (n < 0 && errno != EINTR)
            sink->failed = errno;
        else if (n > 0)
            done += n;
    }
    return length;
}

static gint64 sink_seek(VipsTargetCustom *target, gint64 offset, int whence, sink_t *sink)
{
    (void)target;
    return lseek(sink->fd, offset, whence);
}

static gint64 sink_read(VipsTargetCustom *target, void *data, gint64 length, sink_t *sink)
{
    (void)target;
    if (!sink->failed)
        return read(sink->fd, data, (size_t)length);
    memset(data, 0, (size_t)length);
    return length;
}

static VipsTarget *sink_open(sink_t *sink, const char *path)
{
    VipsTargetCustom *target;

    *sink = (sink_t){ open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), 0 };
    if (sink->fd < 0) {
        vips_error("tile", "cannot open the result: %s", g_strerror(errno));
        return NULL;
    }
    target = vips_target_custom_new();
    g_signal_connect(target, "write", G_CALLBACK(sink_write), sink);
    g_signal_connect(target, "seek", G_CALLBACK(sink_seek), sink);
    g_signal_connect(target, "read", G_CALLBACK(sink_read), sink);
    return VIPS_TARGET(target);
}

/* @return 0; -1: it was not written whole */
static int sink_close(sink_t *sink, VipsTarget *target)
{
    g_object_unref(target);
    if (close(sink->fd) && !sink->failed)
        sink->failed = errno;
    if (sink->failed)
        vips_error("tile", "cannot write: %s", g_strerror(sink->failed));
    return sink->failed ? -1 : 0;
}

static int save_tiff(const work_t *work, const char *path)
{
    /* a third more for the smaller levels; JPEG may be as long as its pixels, and hardly longer */
    const int big = bytes_of(work->image) * 4 / 3 > CLASSIC_MAX;
    const int side = (int)work->rules->tile;
    int broken = 0, failed;
    sink_t sink;
    VipsTarget *target = sink_open(&sink, apr_pstrcat(work->pool, path, ".tif", NULL));
    VipsImage *image = target ? enduring(work->image, &broken) : NULL;

    failed = !image
             || vips_tiffsave_target(image, target, "compression",
                                     has_alpha(work) ? VIPS_FOREIGN_TIFF_COMPRESSION_DEFLATE
                                                     : VIPS_FOREIGN_TIFF_COMPRESSION_JPEG,
                                     "predictor", VIPS_FOREIGN_TIFF_PREDICTOR_HORIZONTAL, "Q",
                                     work->rules->quality, "tile", TRUE, "tile_width", side,
                                     "tile_height", side, "pyramid", TRUE, "bigtiff", big, NULL);
    g_clear_object(&image);
    return (target && sink_close(&sink, target)) || failed || broken ? -1 : 0;
}

static int save_jp2(const work_t *work, const char *path)
{
    const int side = (int)work->rules->tile;
    sink_t sink;
    VipsTarget *target = sink_open(&sink, apr_pstrcat(work->pool, path, ".jp2", NULL));
    int failed = !target
                 || vips_jp2ksave_target(work->image, target, "Q", work->rules->quality,
                                         "tile_width", side, "tile_height", side, NULL);

    return (target && sink_close(&sink, target)) || failed ? -1 : 0;
}

static int save_tree(const work_t *work, const char *path, VipsForeignDzLayout layout)
{
    const char *suffix = apr_psprintf(work->pool, ".jpg[Q=%d]", work->rules->quality);

    return vips_dzsave(work->image, path, "layout", layout, "suffix", suffix, "overlap",
                       (int)work->rules->overlap, "tile_size", (int)work->rules->tile, NULL);
}

static int save(const work_t *work, const char *path)
{
    switch (work->rules->format) {
    case IIIF_PYRAMID_TIFF: return save_tiff(work, path);
    case IIIF_PYRAMID_JP2: return save_jp2(work, path);
    case IIIF_PYRAMID_DEEPZOOM: return save_tree(work, path, VIPS_FOREIGN_DZ_LAYOUT_DZ);
    case IIIF_PYRAMID_ZOOMIFY: return save_tree(work, path, VIPS_FOREIGN_DZ_LAYOUT_ZOOMIFY);
    case IIIF_PYRAMID_LEVEL0_3: return save_tree(work, path, VIPS_FOREIGN_DZ_LAYOUT_IIIF3);
    case IIIF_PYRAMID_LEVEL0_2: return save_tree(work, path, VIPS_FOREIGN_DZ_LAYOUT_IIIF);
    case IIIF_PYRAMIDS: break;
    }
    return -1; /* not reached: -Wswitch-enum sees a new format */
}

/* Files beside the tiles that nobody asked for. */
static void remove_rest(const work_t *work, const char *path)
{
    static const char *const rest[] = { "/vips-properties.xml", "_files/vips-properties.xml" };
    unsigned i;

    for (i = 0; i < sizeof(rest) / sizeof(rest[0]); ++i)
        apr_file_remove(apr_pstrcat(work->pool, path, rest[i], NULL), work->pool);
    apr_file_remove(apr_pstrcat(work->pool, work->directory, "/upright.v", NULL), work->pool);
}

static apr_status_t write_all(work_t *work, double range, iiif_err_t *err)
{
    const char *path = apr_pstrcat(work->pool, work->directory, "/tiles", NULL);

    if (make_displayable(work, range) || make_upright(work) || strip(work) || save(work, path))
        return iiif_vips_failed(err, IIIF_EBADSOURCE, "tile");
    return APR_SUCCESS;
}

apr_status_t iiif_pyramid_make(const char *directory, const iiif_source_t *source,
                               const iiif_pyramid_rules_t *rules, iiif_err_t *err, apr_pool_t *pool)
{
    const iiif_window_t all = {
        &source->levels[0], 1, { 0, 0, source->stored.width, source->stored.height }, NULL
    };
    work_t work = { source, rules, directory, NULL, pool };
    double range;
    apr_status_t rv = iiif_colour_range(&range, source, NULL, err);

    if (rv == APR_SUCCESS)
        rv = iiif_window_open(&work.image, source, &all, err);
    if (rv != APR_SUCCESS)
        return rv;
    rv = write_all(&work, range, err);
    g_object_unref(work.image);
    remove_rest(&work, apr_pstrcat(pool, directory, "/tiles", NULL));
    if (iiif_source_check_file(source) != APR_SUCCESS)
        return iiif_fail(err, IIIF_ECHANGED, "the file was replaced while it was read");
    return rv;
}
