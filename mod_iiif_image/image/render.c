/* SPDX-License-Identifier: Apache-2.0 */
#include "image/render.h"

#include <apr_strings.h>
#include <math.h>

#include "image/jp2.h"
#include "image/orientation.h"
#include "image/private.h"
#include "image/square.h"
#include "image/vips_process.h"

#include "base/banned.h"

/* One step of the pipeline: takes the reference in *image and leaves the next one there. */
static int step(VipsImage **image, int failed, VipsImage **next)
{
    if (failed || !*next) {
        g_clear_object(next);
        return -1;
    }
    g_object_unref(*image);
    *image = *next;
    return 0;
}

static double centred(double scale)
{
    return (1 - 1 / scale) / 2;
}

/* vips_resize() enlarges with half a pixel of the result too far right and down (8.14): its affine
 * step, with pixel centres kept where they are. */
static int enlarge(VipsImage *in, VipsImage **out, double hscale, double vscale)
{
    VipsInterpolate *bicubic = vips_interpolate_new("bicubic");
    int failed = vips_affine(in, out, hscale, 0.0, 0.0, vscale, "interpolate", bicubic, "idx",
                             centred(hscale), "idy", centred(vscale), "extend", VIPS_EXTEND_COPY,
                             "premultiplied", TRUE, NULL);

    g_object_unref(bicubic);
    return failed;
}

/* Each axis may shrink or grow. */
static int resize(VipsImage *in, VipsImage **out, iiif_dims_t size)
{
    const double hscale = (double)size.width / in->Xsize, vscale = (double)size.height / in->Ysize;
    VipsImage *shrunk = NULL;
    int failed;

    if (iiif_can_reduce(in, size))
        return iiif_reduce(in, out, size);

    if (hscale <= 1 && vscale <= 1)
        return vips_resize(in, out, hscale, "vscale", vscale, NULL);
    failed = vips_resize(in, &shrunk, fmin(hscale, 1), "vscale", fmin(vscale, 1), NULL)
             || enlarge(shrunk, out, fmax(hscale, 1), fmax(vscale, 1));
    g_clear_object(&shrunk);
    return failed;
}

/* Back from colours weighted by alpha. A cast would cut fractions off, and darken. */
static int unweighted(VipsImage *in, VipsImage **out, VipsBandFormat format)
{
    VipsObject *scope = VIPS_OBJECT(vips_image_new());
    VipsImage **t = (VipsImage **)vips_object_local_array(scope, 2);
    int failed = vips_unpremultiply(in, &t[0], NULL) || vips_rint(t[0], &t[1], NULL)
                 || vips_cast(t[1], out, format, NULL);

    g_object_unref(scope);
    return failed;
}

/* Resampling mixes neighbours, so colour has to be weighted by alpha first. */
static int resample(VipsImage *in, VipsImage **out, iiif_dims_t size)
{
    VipsObject *scope = VIPS_OBJECT(vips_image_new());
    VipsImage **t = (VipsImage **)vips_object_local_array(scope, 2);
    int failed;

    if (!vips_image_hasalpha(in))
        failed = resize(in, out, size);
    else
        failed = vips_premultiply(in, &t[0], NULL) || resize(t[0], &t[1], size)
                 || unweighted(t[1], out, in->BandFmt);
    g_object_unref(scope);
    return failed;
}

/* libvips rounds for itself: hold it to the size that was promised. */
static int exact_size(VipsImage **image, iiif_dims_t size)
{
    VipsImage *next = NULL;

    if ((*image)->Xsize == (int)size.width && (*image)->Ysize == (int)size.height)
        return 0;
    return step(image,
                vips_embed(*image, &next, 0, 0, (int)size.width, (int)size.height, "extend",
                           VIPS_EXTEND_COPY, NULL),
                &next);
}

static int scale_to(VipsImage **image, iiif_dims_t size)
{
    VipsImage *next = NULL;

    if ((*image)->Xsize == (int)size.width && (*image)->Ysize == (int)size.height)
        return 0;
    if (step(image, resample(*image, &next, size), &next))
        return -1;
    return exact_size(image, size);
}

static int turn(VipsImage **image, int quarters)
{
    static const VipsAngle angles[] = { VIPS_ANGLE_D0, VIPS_ANGLE_D90, VIPS_ANGLE_D180,
                                        VIPS_ANGLE_D270 };
    VipsImage *next = NULL;

    return quarters ? step(image, vips_rot(*image, &next, angles[quarters], NULL), &next) : 0;
}

static int flip(VipsImage **image, int wanted)
{
    VipsImage *next = NULL;

    return wanted ? step(image, vips_flip(*image, &next, VIPS_DIRECTION_HORIZONTAL, NULL), &next)
                  : 0;
}

/* Turning needs pixels in any order, a source gives them from top to bottom: keep the scaled ones.
 */
static int hold(VipsImage **image)
{
    VipsImage *next = vips_image_copy_memory(*image);

    return step(image, 0, &next);
}

/* About the middle of in to the middle of the canvas, pixel centres where they belong: the place
 * that vips_similarity() finds for itself is up to a pixel off (8.14). */
static int turn_about_middle(VipsImage *in, VipsImage **out, double degrees, iiif_dims_t canvas)
{
    double radians = degrees * M_PI / 180, c = cos(radians), s = sin(radians);
    const int whole[4] = { 0, 0, (int)canvas.width, (int)canvas.height };
    VipsArrayInt *area = vips_array_int_new(whole, 4);
    VipsInterpolate *bicubic = vips_interpolate_new("bicubic");
    int failed = vips_affine(in, out, c, -s, s, c, "interpolate", bicubic, "oarea", area, "idx",
                             (1 - in->Xsize) / 2.0, "idy", (1 - in->Ysize) / 2.0, "odx",
                             (canvas.width - 1) / 2.0, "ody", (canvas.height - 1) / 2.0,
                             "premultiplied", TRUE, NULL);

    vips_area_unref(VIPS_AREA(area));
    g_object_unref(bicubic);
    return failed;
}

/* An angle that is no quarter turn: the canvas grows, and its corners are transparent. */
static int turn_freely(VipsImage **image, double degrees, iiif_dims_t canvas)
{
    VipsObject *scope = VIPS_OBJECT(vips_image_new());
    VipsImage **t = (VipsImage **)vips_object_local_array(scope, 3), *next = NULL;
    VipsInterpretation space = (*image)->Type;
    int failed;

    if (vips_image_hasalpha(*image))
        failed = vips_copy(*image, &t[0], NULL);
    else
        failed = vips_addalpha(*image, &t[0], NULL);
    failed = failed || vips_premultiply(t[0], &t[1], NULL)
             || turn_about_middle(t[1], &t[2], degrees, canvas)
             || unweighted(t[2], &next, VIPS_FORMAT_UCHAR);
    g_object_unref(scope);
    if (step(image, failed, &next))
        return -1;
    (*image)->Type = space;
    return 0;
}

static int orient(VipsImage **image, const iiif_source_t *source, const iiif_resolved_t *resolved)
{
    int quarters, flipped, asked = iiif_rotation_quarters(&resolved->rotation);

    iiif_orientation_steps(&quarters, &flipped, source->orientation);
    if ((quarters || asked) && hold(image))
        return -1;
    if (turn(image, quarters) || flip(image, flipped) || flip(image, resolved->rotation.mirror))
        return -1;
    if (asked >= 0)
        return turn(image, asked);
    return turn_freely(image, iiif_rotation_angle(&resolved->rotation), resolved->canvas);
}

/* Luma as JPEG defines it (ITU-R BT.601), so that a rendered gray is the Y of a JPEG tile. */
#define LUMA_RED   0.299
#define LUMA_GREEN 0.587
#define LUMA_BLUE  0.114

static int to_gray(VipsImage *in, VipsImage **out)
{
    VipsObject *scope = VIPS_OBJECT(vips_image_new());
    VipsImage **t = (VipsImage **)vips_object_local_array(scope, 4);
    int failed;

    if (in->Bands == 3)
        t[0] = vips_image_new_matrixv(3, 1, LUMA_RED, LUMA_GREEN, LUMA_BLUE);
    else
        t[0] =
            vips_image_new_matrixv(4, 2, LUMA_RED, LUMA_GREEN, LUMA_BLUE, 0.0, 0.0, 0.0, 0.0, 1.0);
    failed = vips_recomb(in, &t[1], t[0], NULL) || vips_rint(t[1], &t[2], NULL)
             || vips_cast(t[2], &t[3], VIPS_FORMAT_UCHAR, NULL)
             || vips_copy(t[3], out, "interpretation", VIPS_INTERPRETATION_B_W, NULL);
    g_object_unref(scope);
    return failed;
}

/* Gray keeps alpha; bitonal hardens it, so that every visible pixel is black or white. */
static int reduce_quality(VipsImage **image, iiif_quality_e quality)
{
    VipsImage *next = NULL;

    if (quality < IIIF_QUALITY_GRAY)
        return 0;
    if ((*image)->Bands >= 3 && step(image, to_gray(*image, &next), &next))
        return -1;
    next = NULL;
    if (quality == IIIF_QUALITY_BITONAL
        && step(image, vips_moreeq_const1(*image, &next, 128, NULL), &next))
        return -1;
    return 0;
}

static int flatten(VipsImage **image, const unsigned char background[3])
{
    double gray = LUMA_RED * background[0] + LUMA_GREEN * background[1] + LUMA_BLUE * background[2];
    double colour[3] = { background[0], background[1], background[2] };
    int colours = (*image)->Bands - 1;
    VipsArrayDouble *ink =
        colours == 1 ? vips_array_double_new(&gray, 1) : vips_array_double_new(colour, 3);
    VipsImage *next = NULL;
    int failed = step(image, vips_flatten(*image, &next, "background", ink, NULL), &next);

    vips_area_unref(VIPS_AREA(ink));
    return failed;
}

static int to_samples(VipsImage **image, double range)
{
    VipsImage *next = NULL;

    return step(image, iiif_colour_to_samples(*image, &next, range), &next);
}

static int to_display(VipsImage **image)
{
    VipsImage *next = NULL;

    return step(image, iiif_colour_to_display(*image, &next), &next);
}

#define SKIP_BAND 64 /* rows read and forgotten at a time */

/* A source that is read from top to bottom is read down to a region in bands: asked for the region
 * alone, libvips would hold every row above it at once. */
static int skip_rows(VipsImage *image, int rows, const iiif_wanted_t *wanted)
{
    VipsRegion *region = vips_region_new(image);
    VipsRect band = { 0, 0, 1, 0 };
    int failed = 0;

    for (; !failed && band.top < rows; band.top += band.height) {
        band.height = rows - band.top < SKIP_BAND ? rows - band.top : SKIP_BAND;
        failed = !iiif_is_wanted(wanted) || vips_region_prepare(region, &band);
    }
    g_object_unref(region);
    return failed;
}

static int crop(VipsImage **image, const iiif_window_t *window)
{
    const iiif_rect_t rect = window->rect;
    VipsImage *next = NULL;

    if (rect.width == (apr_uint32_t)(*image)->Xsize && rect.height == (apr_uint32_t)(*image)->Ysize)
        return 0;
    if (vips_image_is_sequential(*image) && skip_rows(*image, (int)rect.y, window->wanted))
        return -1;
    return step(image,
                vips_extract_area(*image, &next, (int)rect.x, (int)rect.y, (int)rect.width,
                                  (int)rect.height, NULL),
                &next);
}

/* A level of a format whose loader gives all of it. */
static apr_status_t open_cropped(VipsImage **image, const iiif_source_t *source,
                                 const iiif_window_t *window, iiif_err_t *err)
{
    VipsImage *opened = NULL;
    apr_status_t rv = iiif_level_open(&opened, source, window->level, err);

    if (rv != APR_SUCCESS)
        return rv;
    if (crop(&opened, window)) {
        g_object_unref(opened);
        return iiif_vips_failed(err, IIIF_EBADSOURCE, "render");
    }
    *image = opened;
    return APR_SUCCESS;
}

apr_status_t iiif_window_open(VipsImage **image, const iiif_source_t *source,
                              const iiif_window_t *window, iiif_err_t *err)
{
    apr_status_t rv;

    if (source->format == IIIF_SOURCE_JP2)
        rv = iiif_jp2_window(image, source, window, err);
    else if (source->format == IIIF_SOURCE_JPEG)
        rv = iiif_jpeg_window(image, source, window, err);
    else
        rv = iiif_tiff_window(image, source, window, err);
    if (rv == IIIF_ENOTIMPL)
        rv = open_cropped(image, source, window, err);
    if (rv != APR_SUCCESS)
        return rv;
    iiif_watch(*image, window->wanted);
    /* of all levels what is true of the largest: some writers put the profile there alone */
    vips_image_remove(*image, VIPS_META_ICC_NAME);
    if (source->profile)
        vips_image_set_blob_copy(*image, VIPS_META_ICC_NAME, source->profile, source->profile_size);
    return APR_SUCCESS;
}

static int to_linear(VipsImage **image)
{
    VipsImage *next = NULL;

    return step(image, iiif_linear_light(*image, &next), &next);
}

static int from_linear(VipsImage **image)
{
    VipsImage *next = NULL;

    return step(image, iiif_linear_samples(*image, &next), &next);
}

/* Samples of the source's own space are scaled: fewer are left to convert. Light is known of sRGB
 * alone. */
static int scale_colours(VipsImage **image, iiif_dims_t size, int linear)
{
    if (!linear || ((*image)->Xsize == (int)size.width && (*image)->Ysize == (int)size.height))
        return scale_to(image, size) || to_display(image);
    return to_display(image) || to_linear(image) || scale_to(image, size) || from_linear(image);
}

static int finish(VipsImage **image, const iiif_resolved_t *resolved, const iiif_look_t *look)
{
    int opaque = !iiif_format(resolved->format)->alpha;

    if (opaque && vips_image_hasalpha(*image) && flatten(image, look->background))
        return -1;
    return reduce_quality(image, resolved->quality);
}

/* Size, rotation, quality: the order is normative (3.0, 4.6), and a window is the region.
 * Orientation belongs to the source, but is applied to the scaled pixels: region and size were
 * turned to match. */
static int transform(VipsImage **image, const iiif_source_t *source,
                     const iiif_resolved_t *resolved, const iiif_look_t *look, double range)
{
    const iiif_dims_t size = iiif_orientation_dims(source->orientation, resolved->size);

    return to_samples(image, range) || scale_colours(image, size, look->linear_light)
           || orient(image, source, resolved) || finish(image, resolved, look);
}

#define REVISION 7 /* of the pipeline: raise it with every change of the pixels that leave it */

/* There may be alpha, of the source or in the corners of a canvas, and the format has none. */
static int shows_background(const iiif_source_t *source, const iiif_resolved_t *resolved)
{
    const unsigned opaque = source->natural == IIIF_QUALITY_GRAY ? 1 : 3;

    return !iiif_format(resolved->format)->alpha
           && (source->bands != opaque || iiif_rotation_quarters(&resolved->rotation) < 0);
}

const char *iiif_look_key(const iiif_look_t *look, const iiif_source_t *source,
                          const iiif_resolved_t *resolved, apr_pool_t *pool)
{
    const iiif_format_e format = resolved->format;
    const unsigned char *b = look->background;
    const char *behind = shows_background(source, resolved)
                             ? apr_psprintf(pool, "%02x%02x%02x", b[0], b[1], b[2])
                             : "-";

    return apr_psprintf(pool, "%d %d %d %d %d %s %s", REVISION, look->quality[format],
                        look->effort[format], look->keep_metadata, look->linear_light, behind,
                        iiif_vips_version());
}

/* For light, levels as they are stored: what is made smaller while it is decoded is a mean of
 * samples. */
iiif_source_t iiif_look_source(const iiif_look_t *look, const iiif_source_t *source)
{
    iiif_source_t stored = *source;
    int i;

    if (!look->linear_light)
        return stored;
    for (i = 0; i < stored.level_count; ++i)
        stored.levels[i].raw = NULL;
    while (stored.levels[stored.level_count - 1].shrink > 1)
        --stored.level_count;
    return stored;
}

static apr_status_t encode(iiif_bytes_t *bytes, VipsImage *image, const iiif_resolved_t *resolved,
                           const iiif_look_t *look, iiif_err_t *err)
{
    const iiif_encoding_t encoding = { resolved->format, look->quality[resolved->format],
                                       look->effort[resolved->format],
                                       resolved->quality == IIIF_QUALITY_BITONAL, look->wanted };

    iiif_watch(image, look->wanted); /* again: what is held in memory has no source */
    return iiif_encode(bytes, image, &encoding, err);
}

static apr_status_t render(iiif_bytes_t *bytes, const iiif_source_t *source,
                           const iiif_resolved_t *resolved, const iiif_look_t *look,
                           iiif_err_t *err)
{
    const iiif_source_t from = iiif_look_source(look, source);
    iiif_resolved_t placed = *resolved;
    iiif_window_t window;
    VipsImage *image = NULL;
    double range = 0;
    apr_status_t rv = iiif_square_find(&placed, &from, look->wanted, err);

    if (rv == APR_SUCCESS)
        rv = iiif_colour_range(&range, &from, look->wanted, err);
    if (rv != APR_SUCCESS)
        return rv;
    window = iiif_window_choose(&from, placed.region, placed.size);
    window.wanted = look->wanted;
    if (iiif_planes_render(bytes, &from, &window, &placed, look) == APR_SUCCESS)
        return APR_SUCCESS;
    rv = iiif_window_open(&image, &from, &window, err);
    if (rv != APR_SUCCESS)
        return rv;
    if (transform(&image, &from, &placed, look, range))
        rv = iiif_vips_failed(err, IIIF_EBADSOURCE, "render");
    else
        rv = iiif_metadata_set(&image, &from, look->keep_metadata, err);
    if (rv == APR_SUCCESS)
        rv = encode(bytes, image, &placed, look, err);
    g_object_unref(image);
    return rv;
}

/* Libraries open the file by its name, more than once: what was made of two of them is nothing. */
static apr_status_t render_held(iiif_bytes_t *bytes, const iiif_source_t *source,
                                const iiif_resolved_t *resolved, const iiif_look_t *look,
                                iiif_err_t *err)
{
    iiif_bytes_t made = { NULL, 0 };
    apr_status_t rv = render(&made, source, resolved, look, err);

    if (rv != APR_SUCCESS && !iiif_is_wanted(look->wanted))
        return iiif_fail(err, IIIF_EGONE, "the client has gone while its image was made");
    if (iiif_source_check_file(source) != APR_SUCCESS) {
        iiif_bytes_free(made.data);
        return iiif_fail(err, IIIF_ECHANGED, "the file was replaced while it was read");
    }
    if (rv == APR_SUCCESS)
        *bytes = made;
    return rv;
}

apr_status_t iiif_render(iiif_bytes_t *bytes, const iiif_source_t *source,
                         const iiif_resolved_t *resolved, const iiif_look_t *look, iiif_err_t *err)
{
    iiif_held_source_t held;
    apr_status_t rv = iiif_source_hold(&held, source, err);

    if (rv != APR_SUCCESS)
        return rv;
    rv = render_held(bytes, &held.source, resolved, look, err);
    iiif_source_let_go(&held);
    return rv;
}
