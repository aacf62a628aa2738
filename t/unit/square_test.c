/* SPDX-License-Identifier: Apache-2.0 */
/* Squares that pixels decide on, beside those of the vips command as thumbnailers call it. */
#include "image/square.h"

#include <math.h>

#include "images.h"

#define BUSY 240 /* pixels: the side of the part with all that there is to see */

typedef struct scene_t {
    iiif_dims_t dims;
    unsigned at[2]; /* where the busy part begins */
} scene_t;

static const scene_t landscape = { { 1500, 700 }, { 1010, 300 } };
static const scene_t portrait = { { 640, 1400 }, { 90, 170 } };
static const scene_t strip = { { 2600, 500 }, { 400, 130 } };

/* Dull slopes, and in one place discs in strong colours, those of skin among them. */
static unsigned char scene_sample(const scene_t *scene, unsigned x, unsigned y, unsigned band)
{
    static const unsigned char colours[4][4] = {
        { 220, 160, 130, 255 }, { 250, 30, 40, 255 }, { 20, 40, 240, 200 }, { 240, 240, 20, 255 }
    };
    const double u = (double)x - scene->at[0], v = (double)y - scene->at[1];
    const double radius = hypot(fmod(u, 60) - 30, fmod(v, 60) - 30);
    const unsigned disc = (unsigned)(u / 60 + 2 * floor(v / 60)) % 4;
    const double slope = band == 3 ? 255 : 90 + 30 * sin(x / 170.0 + band) + 20 * cos(y / 130.0);
    const double edge = fmin(fmax((25 - radius) / 3 + 0.5, 0), 1);

    if (u < 0 || v < 0 || u >= BUSY || v >= BUSY)
        return (unsigned char)lrint(slope);
    return (unsigned char)lrint(slope + edge * (colours[disc][band] - slope));
}

/* A new reference. */
static VipsImage *draw(const scene_t *scene, int bands)
{
    const size_t size = (size_t)scene->dims.width * scene->dims.height * (size_t)bands;
    unsigned char *samples = malloc(size), *s = samples;
    VipsImage *image;
    unsigned x, y, band;

    for (y = 0; samples && y < scene->dims.height; ++y) {
        for (x = 0; x < scene->dims.width; ++x) {
            for (band = 0; band < (unsigned)bands; ++band)
                *s++ = scene_sample(scene, x, y, band);
        }
    }
    image = vips_image_new_from_memory_copy(samples, size, (int)scene->dims.width,
                                            (int)scene->dims.height, bands, VIPS_FORMAT_UCHAR);
    free(samples);
    image->Type = bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
    return image;
}

/* clang-format off */
static const struct {
    const char *name, *options;
    const scene_t *scene;
    int bands, orientation;
    VipsInterpretation space;
} files[] = {
    { "landscape.png",  "[compression=1]",         &landscape, 3, 1, VIPS_INTERPRETATION_sRGB },
    { "landscape.jpg",  "[Q=90]",                  &landscape, 3, 1, VIPS_INTERPRETATION_sRGB },
    { "turned-6.jpg",   "[Q=90]",                  &landscape, 3, 6, VIPS_INTERPRETATION_sRGB },
    { "turned-3.jpg",   "[Q=90]",                  &strip,     3, 3, VIPS_INTERPRETATION_sRGB },
    { "turned-5.tif",   "[tile]",                  &portrait,  3, 5, VIPS_INTERPRETATION_sRGB },
    { "portrait.png",   "[compression=1]",         &portrait,  3, 1, VIPS_INTERPRETATION_sRGB },
    { "tiles.tif",      "[tile,compression=jpeg,Q=95]", &strip, 3, 1, VIPS_INTERPRETATION_sRGB },
    { "gray.png",       "[compression=1]",         &landscape, 1, 1, VIPS_INTERPRETATION_B_W },
    { "alpha.png",      "[compression=1]",         &landscape, 4, 1, VIPS_INTERPRETATION_sRGB },
    { "deep.png",       "[compression=1]",         &landscape, 3, 1, VIPS_INTERPRETATION_RGB16 },
    { "inks.tif",       "[compression=deflate]",   &portrait,  3, 1, VIPS_INTERPRETATION_CMYK },
};
/* clang-format on */

static const char *write_scene(unsigned i, apr_pool_t *pool)
{
    VipsImage *drawn = draw(files[i].scene, files[i].bands), *image = NULL;

    if (vips_colourspace(drawn, &image, files[i].space, NULL))
        abort();
    g_object_unref(drawn);
    if (files[i].orientation != 1)
        vips_image_set_int(image, VIPS_META_ORIENTATION, files[i].orientation);
    return write_image(files[i].name, image, files[i].options, pool);
}

/* Inks stay inks in a thumbnail. */
static VipsImage *as_shown(VipsImage *image)
{
    VipsImage *shown = NULL, *held;

    if (image->Type != VIPS_INTERPRETATION_CMYK)
        return vips_image_copy_memory(image);
    if (vips_colourspace(image, &shown, VIPS_INTERPRETATION_sRGB, NULL))
        return NULL;
    held = vips_image_copy_memory(shown);
    g_object_unref(shown);
    return held;
}

/* What the command makes; NULL when it fails. */
static VipsImage *thumbnail(const char *path, int side, const char *how, apr_pool_t *pool)
{
    const char *out = path_of("thumbnail.tif", pool);
    VipsImage *image = NULL, *shown;

    if (system(apr_psprintf(pool,
                            "vips thumbnail %s %s %d --height %d --crop %s --size down --linear "
                            "--intent absolute",
                            path, out, side, side, how)))
        return NULL;
    if (vips_tiffload(out, &image, NULL))
        return NULL;
    shown = as_shown(image);
    g_object_unref(image);
    return shown;
}

static iiif_resolved_t square_of(const iiif_source_t *source, int side, iiif_square_e how)
{
    const iiif_dims_t full = source->full, size = { (apr_uint32_t)side, (apr_uint32_t)side };
    const apr_uint32_t shorter = full.width < full.height ? full.width : full.height;

    return (iiif_resolved_t){ .region = { 0, 0, shorter, shorter },
                              .square = how,
                              .size = size,
                              .canvas = size,
                              .format = IIIF_FORMAT_PNG };
}

static VipsImage *render(iiif_bytes_t *bytes, const iiif_source_t *source,
                         const iiif_resolved_t *resolved, int linear)
{
    const iiif_look_t look = { .linear_light = linear };
    VipsImage *image = NULL;
    iiif_err_t err = { "" };

    if (iiif_render(bytes, source, resolved, &look, &err) != APR_SUCCESS
        || vips_pngload_buffer(bytes->data, bytes->len, &image, NULL))
        return NULL;
    return image;
}

/* Decibels between two images of one size; -1: they are not. */
static double psnr(VipsImage *one, VipsImage *other)
{
    VipsObject *scope = VIPS_OBJECT(vips_image_new());
    VipsImage **t = (VipsImage **)vips_object_local_array(scope, 2);
    double mean = -1;

    if (!one || !other || one->Xsize != other->Xsize || one->Ysize != other->Ysize
        || vips_subtract(one, other, &t[0], NULL) || vips_multiply(t[0], t[0], &t[1], NULL)
        || vips_avg(t[1], &mean, NULL))
        mean = -1;
    g_object_unref(scope);
    return mean < 0 ? -1 : 10 * log10(255 * 255 / fmax(mean, 1e-6));
}

/* Hard edges in strong colours are the worst case of light that is not linear, and so libvips takes
 * gray; inks are rounded twice. A square that is elsewhere by as little as it can be, a 32nd, has
 * less than 20. */
static void test_alike(const iiif_source_t *source, unsigned i, iiif_square_e how, int side,
                       apr_pool_t *pool)
{
    const char *word = how == IIIF_SQUARE_ENTROPY ? "entropy" : "attention";
    const iiif_resolved_t resolved = square_of(source, side, how);
    VipsImage *theirs = thumbnail(source->path, side, word, pool), *ours, *usual;
    iiif_bytes_t linear = { NULL, 0 }, plain = { NULL, 0 };
    const int is_rough = files[i].bands == 1 || files[i].space == VIPS_INTERPRETATION_CMYK;
    double close, near;

    ours = render(&linear, source, &resolved, 1);
    usual = render(&plain, source, &resolved, 0);
    close = psnr(ours, theirs);
    near = psnr(usual, theirs);
    ok(close >= (is_rough ? 30 : 35) && near >= 29,
       "%s, square by %s to %d: %.1f dB beside vips thumbnail, %.1f where light is not linear",
       files[i].name, word, side, close, near);
    g_clear_object(&usual);
    g_clear_object(&ours);
    g_clear_object(&theirs);
    iiif_bytes_free(plain.data);
    iiif_bytes_free(linear.data);
}

static void test_file(unsigned i, apr_pool_t *pool)
{
    static const int sides[] = { 60, 200, 333 };
    const iiif_source_t *source = open_source(write_scene(i, pool), pool);
    unsigned k;

    for (k = 0; source && k < ROWS(sides); ++k) {
        test_alike(source, i, IIIF_SQUARE_ATTENTION, sides[k], pool);
        test_alike(source, i, IIIF_SQUARE_ENTROPY, sides[k], pool);
    }
}

/* -- by hand: the busy part is inside ---------------------------------------------------------- */

static void test_place(const char *name, const char *options, int side, apr_pool_t *pool)
{
    const iiif_source_t *source =
        open_source(write_image(name, draw(&landscape, 3), options, pool), pool);
    iiif_resolved_t resolved = square_of(source, side, IIIF_SQUARE_ATTENTION);
    iiif_err_t err = { "" };
    apr_status_t rv = iiif_square_find(&resolved, source, NULL, &err);

    ok(rv == APR_SUCCESS && resolved.region.y == 0 && resolved.region.x <= landscape.at[0]
           && resolved.region.x + 700 >= landscape.at[0] + BUSY && resolved.region.x <= 800,
       "%s: %d pixels of the square show what there is to see, from %u", name, side,
       resolved.region.x);
}

static void test_bounds(apr_pool_t *pool)
{
    const iiif_source_t *source = open_source(path_of("landscape.png", pool), pool);
    iiif_resolved_t small = square_of(source, 700, IIIF_SQUARE_ATTENTION), large, centre;
    iiif_dims_t seen = iiif_square_seen(source, &small);
    iiif_err_t err;

    ok(seen.width == 1500 && seen.height == 700, "a thumbnail is not enlarged");
    large = square_of(source, 5000, IIIF_SQUARE_ATTENTION);
    ok(iiif_square_find(&small, source, NULL, &err) == APR_SUCCESS
           && iiif_square_find(&large, source, NULL, &err) == APR_SUCCESS
           && small.region.x == large.region.x,
       "  and an enlarged square is where that of the image itself is");
    centre = square_of(source, 200, IIIF_SQUARE_CENTRE);
    ok(iiif_square_find(&centre, source, NULL, &err) == APR_SUCCESS && centre.region.x == 0,
       "other squares stay where they are");
    small = square_of(source, 100, IIIF_SQUARE_ATTENTION);
    seen = iiif_square_seen(source, &small);
    ok(seen.width == 214 && seen.height == 100, "100 of a square are 214x100 of the image");
}

int main(void)
{
    apr_pool_t *pool = begin_images("square_test");
    unsigned i;

    for (i = 0; i < ROWS(files); ++i)
        test_file(i, pool);
    test_place("pyramid.tif", "[tile,pyramid,compression=jpeg,Q=90]", 100, pool);
    test_place("pyramid.tif", "[tile,pyramid,compression=jpeg,Q=90]", 300, pool);
    test_place("levels.jp2", "[lossless]", 150, pool);
    test_bounds(pool);
    end_images(pool);
    return done_testing();
}
