/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_file_io.h>
#include <math.h>

#include "image/private.h"
#include "images.h"

#define SIDE   1024 /* of the pictures */
#define DEGREE APR_UINT64_C(10000000000)

static iiif_look_t plain_look(void)
{
    iiif_look_t look = { .keep_metadata = 0 };
    int i;

    for (i = 0; i < IIIF_FORMATS; ++i) {
        look.quality[i] = iiif_format((iiif_format_e)i)->default_quality;
        look.effort[i] = iiif_format((iiif_format_e)i)->default_effort;
    }
    return look;
}

/* A region of a source at a size, decoded again; NULL when it fails. */
static VipsImage *render(iiif_bytes_t *bytes, const iiif_source_t *source, iiif_rect_t region,
                         iiif_dims_t size, iiif_format_e format, const iiif_look_t *look)
{
    const iiif_resolved_t resolved = { .region = region,
                                       .square = IIIF_SQUARE_CENTRE,
                                       .size = size,
                                       .canvas = size,
                                       .format = format };
    iiif_err_t err = { "" };
    VipsImage *image = NULL;

    *bytes = (iiif_bytes_t){ NULL, 0 };
    if (!ok(iiif_render(bytes, source, &resolved, look, &err) == APR_SUCCESS, "  rendered %s",
            err.text))
        return NULL;
    if (format == IIIF_FORMAT_PNG)
        vips_pngload_buffer(bytes->data, bytes->len, &image, NULL);
    else if (format == IIIF_FORMAT_WEBP)
        vips_webpload_buffer(bytes->data, bytes->len, &image, NULL);
    else
        vips_jpegload_buffer(bytes->data, bytes->len, &image, NULL);
    return image;
}

/* -- sharpness --------------------------------------------------------------------------------- */

/* Rings that get finer towards the edges, up to one line a pixel and a half: whatever is left of
 * them where the result cannot hold them is aliasing. */
static VipsImage *rings(void)
{
    unsigned char *samples = malloc((size_t)SIDE * SIDE * 3), *s = samples;
    VipsImage *image;
    int x, y, band;

    for (y = 0; y < SIDE; ++y) {
        for (x = 0; x < SIDE; ++x) {
            const double dx = x - SIDE / 2.0, dy = y - SIDE / 2.0;
            const double value = 127.5 + 100 * cos((dx * dx + dy * dy) * M_PI / (1.6 * SIDE));

            for (band = 0; band < 3; ++band)
                *s++ = (unsigned char)lrint(value);
        }
    }
    image = vips_image_new_from_memory_copy(samples, (size_t)SIDE * SIDE * 3, SIDE, SIDE, 3,
                                            VIPS_FORMAT_UCHAR);
    image->Type = VIPS_INTERPRETATION_sRGB;
    free(samples);
    return image;
}

/* Decibels between two images of one size; -1: they are not. */
static double psnr(VipsImage *one, VipsImage *other)
{
    VipsObject *scope = VIPS_OBJECT(vips_image_new());
    VipsImage **t = (VipsImage **)vips_object_local_array(scope, 2);
    double mean = -1;

    if (one->Xsize != other->Xsize || one->Ysize != other->Ysize
        || vips_subtract(one, other, &t[0], NULL) || vips_multiply(t[0], t[0], &t[1], NULL)
        || vips_avg(t[1], &mean, NULL))
        mean = -1;
    g_object_unref(scope);
    return mean < 0 ? -1 : 10 * log10(255 * 255 / fmax(mean, 1e-6));
}

/* clang-format off */
/* Every path from pixels to a smaller image. What JPEG loses of the source is part of the figure. */
static const struct {
    const char *name, *options;
    double least; /* decibels */
} paths[] = {
    { "plain.png",    "[compression=1]", 45 },
    { "tiles.tif",    "[tile,compression=deflate]", 45 },
    { "pyramid.tif",  "[tile,pyramid,compression=deflate]", 20 },
    { "jpeg.tif",     "[tile,pyramid,compression=jpeg,Q=95]", 20 },
    { "one-level.tif", "[tile,compression=jpeg,Q=95]", 23 }, /* by DCT scaling */
    { "plain.jpg",    "[Q=95]", 23 },                        /* likewise */
};
static const unsigned odd_sides[] = { 701, 511, 401, 307, 187, 97 };
/* clang-format on */

static void test_sharpness(unsigned i, apr_pool_t *pool)
{
    const iiif_look_t look = plain_look();
    const iiif_rect_t whole = { 0, 0, SIDE, SIDE };
    VipsImage *picture_of = rings();
    const iiif_source_t *source;
    unsigned k;

    g_object_ref(picture_of);
    source = open_source(write_image(paths[i].name, picture_of, paths[i].options, pool), pool);
    for (k = 0; source && k < ROWS(odd_sides); ++k) {
        const iiif_dims_t size = { odd_sides[k], odd_sides[k] };
        VipsImage *want = NULL, *rough = NULL;
        iiif_bytes_t bytes;
        VipsImage *made = render(&bytes, source, whole, size, IIIF_FORMAT_PNG, &look);
        double fine, coarse;

        vips_resize(picture_of, &want, (double)size.width / SIDE, NULL);
        vips_resize(picture_of, &rough, (double)size.width / SIDE, "kernel", VIPS_KERNEL_NEAREST,
                    NULL);
        fine = made ? psnr(made, want) : -1;
        coarse = psnr(rough, want);
        ok(fine >= paths[i].least && fine > coarse + 7,
           "%s to %u: %.1f dB beside libvips' Lanczos of the original; the nearest pixel has %.1f",
           paths[i].name, size.width, fine, coarse);
        g_clear_object(&rough);
        g_clear_object(&want);
        g_clear_object(&made);
        iiif_bytes_free(bytes.data);
    }
    g_object_unref(picture_of);
}

/* -- tiles meet -------------------------------------------------------------------------------- */

/* A file of JPEG tiles at a half: all of it, and a part across four tiles, are the same pixels. */
static void test_seams(apr_pool_t *pool)
{
    const iiif_look_t look = plain_look();
    const iiif_rect_t whole = { 0, 0, 320, 240 }, part = { 64, 64, 192, 128 };
    const char *path =
        write_image("seams.tif", picture((iiif_dims_t){ 320, 240 }, 3),
                    "[tile,tile-width=64,tile-height=64,compression=jpeg,Q=90]", pool);
    const iiif_source_t *source = open_source(path, pool);
    iiif_bytes_t bytes[2] = { { NULL, 0 }, { NULL, 0 } };
    VipsImage *all, *some, *want = NULL, *original = picture((iiif_dims_t){ 320, 240 }, 3);
    VipsImage *small = NULL;
    double near;

    if (!source)
        return;
    all = render(&bytes[0], source, whole, (iiif_dims_t){ 160, 120 }, IIIF_FORMAT_PNG, &look);
    some = render(&bytes[1], source, part, (iiif_dims_t){ 96, 64 }, IIIF_FORMAT_PNG, &look);
    ok(all && some && !vips_extract_area(all, &want, 32, 32, 96, 64, NULL) && psnr(some, want) > 90,
       "a part of tiles made smaller is that of the whole");
    near = all && !vips_shrink(original, &small, 2, 2, NULL) ? psnr(all, small) : -1;
    ok(near > 35, "and what the means of the original are: %.1f dB", near);
    g_clear_object(&small);
    g_clear_object(&want);
    g_clear_object(&some);
    g_clear_object(&all);
    g_object_unref(original);
    iiif_bytes_free(bytes[0].data);
    iiif_bytes_free(bytes[1].data);
}

/* -- linear light ------------------------------------------------------------------------------ */

static VipsImage *mesh(int bands)
{
    unsigned char samples[64 * 64 * 4], *s = samples;
    VipsImage *image;
    int i, band;

    for (i = 0; i < 64 * 64; ++i) {
        for (band = 0; band < bands; ++band)
            *s++ = band == 3 || (i % 64 + i / 64) % 2 ? 255 : 0;
    }
    image = vips_image_new_from_memory_copy(samples, (size_t)(s - samples), 64, 64, bands,
                                            VIPS_FORMAT_UCHAR);
    image->Type = bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
    return image;
}

static void test_light(const char *name, const char *options, int bands, apr_pool_t *pool)
{
    const iiif_source_t *source = open_source(write_image(name, mesh(bands), options, pool), pool);
    iiif_look_t look = plain_look();

    if (!source)
        return;
    for (look.linear_light = 0; look.linear_light < 2; ++look.linear_light) {
        /* (0.5)^(1/2.4) * 1.055 - 0.055 of 255 */
        const double want = look.linear_light ? 187.5 : 127.5;
        iiif_bytes_t bytes;
        VipsImage *made = render(&bytes, source, (iiif_rect_t){ 0, 0, 64, 64 },
                                 (iiif_dims_t){ 16, 16 }, IIIF_FORMAT_PNG, &look);
        double *pixel = NULL;
        int count = 0;

        if (made)
            vips_getpoint(made, &pixel, &count, 8, 8, NULL);
        ok(count == bands && fabs(pixel[0] - want) <= 2 && (bands != 4 || pixel[3] == 255),
           "%s, linear light %d: a mesh is %.0f", name, look.linear_light, pixel ? pixel[0] : -1);
        g_free(pixel);
        g_clear_object(&made);
        iiif_bytes_free(bytes.data);
    }
}

/* -- metadata ---------------------------------------------------------------------------------- */

#define XMP "<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"

/* libvips drops what stands in the last brackets of a text. */
static VipsImage *signed_picture(void)
{
    VipsImage *image = picture((iiif_dims_t){ 320, 240 }, 3);

    vips_image_set_string(image, "exif-ifd0-Artist", "Ada (the first) ()");
    vips_image_set_string(image, "exif-ifd0-Copyright", "CC BY, ASCII, Ada ()");
    vips_image_set_string(image, "exif-ifd0-Make", "Camera ()");
    vips_image_set_int(image, VIPS_META_ORIENTATION, 6);
    vips_image_set_blob_copy(image, VIPS_META_XMP_NAME, XMP, sizeof(XMP) - 1);
    return image;
}

static int says(VipsImage *image, const char *field, const char *text)
{
    const char *told;

    return vips_image_get_typeof(image, field) && !vips_image_get_string(image, field, &told)
           && g_str_has_prefix(told, text) && !strncmp(told + strlen(text), " (", 2);
}

static void test_metadata(const iiif_source_t *source, const char *what, iiif_format_e format)
{
    iiif_look_t look = plain_look();

    for (look.keep_metadata = 0; look.keep_metadata < 2; ++look.keep_metadata) {
        const char *how = look.keep_metadata ? "keep" : "strip";
        iiif_bytes_t bytes;
        VipsImage *made = render(&bytes, source, (iiif_rect_t){ 0, 0, 240, 320 },
                                 (iiif_dims_t){ 120, 160 }, format, &look);

        if (!ok(made != NULL, "%s as %s, %s", what, iiif_format(format)->extension, how))
            return;
        ok(says(made, "exif-ifd0-Artist", "Ada (the first)")
               && says(made, "exif-ifd0-Copyright", "CC BY, ASCII, Ada"),
           "  says whose work it is");
        ok(says(made, "exif-ifd0-Make", "Camera") == look.keep_metadata
               && !vips_image_get_typeof(made, VIPS_META_XMP_NAME) == !look.keep_metadata,
           "  and %s", look.keep_metadata ? "all else" : "nothing else");
        ok(vips_image_get_orientation(made) == 1 && made->Xsize == 120, "  and is upright");
        g_object_unref(made);
        iiif_bytes_free(bytes.data);
    }
}

/* Fields of a TIFF, which libvips does not tell of. */
static void test_tiff_rights(apr_pool_t *pool)
{
    const char *path = write_image("signed.tif", picture((iiif_dims_t){ 320, 240 }, 3),
                                   "[tile,pyramid,compression=jpeg]", pool);
    const iiif_look_t look = plain_look();
    const iiif_source_t *source;
    iiif_bytes_t bytes;
    VipsImage *made;

    ok(!system(apr_pstrcat(pool, "tiffset -s 315 'Ada' ", path, " && tiffset -s 33432 'CC BY' ",
                           path, NULL)),
       "tiffset writes fields");
    source = open_source(path, pool);
    made = source ? render(&bytes, source, (iiif_rect_t){ 0, 0, 320, 240 },
                           (iiif_dims_t){ 100, 75 }, IIIF_FORMAT_JPG, &look)
                  : NULL;
    ok(made && says(made, "exif-ifd0-Artist", "Ada") && says(made, "exif-ifd0-Copyright", "CC BY"),
       "a TIFF's fields go along");
    g_clear_object(&made);
    iiif_bytes_free(bytes.data);
}

/* -- bytes ------------------------------------------------------------------------------------- */

static void test_effort(apr_pool_t *pool)
{
    const iiif_source_t *source = open_source(
        write_image("effort.png", picture((iiif_dims_t){ 320, 240 }, 3), NULL, pool), pool);
    iiif_look_t look = plain_look();
    iiif_bytes_t bytes[2];
    int i;

    for (i = 0; i < 2; ++i) {
        VipsImage *made;

        look.effort[IIIF_FORMAT_PNG] = i ? 9 : 0;
        made = render(&bytes[i], source, (iiif_rect_t){ 0, 0, 320, 240 }, (iiif_dims_t){ 320, 240 },
                      IIIF_FORMAT_PNG, &look);
        g_clear_object(&made);
    }
    ok(bytes[0].len > 320 * 240 * 3 && bytes[1].len < bytes[0].len / 2,
       "a PNG of effort 0 is not compressed, one of 9 is: %" APR_SIZE_T_FMT " and %" APR_SIZE_T_FMT
       " bytes",
       bytes[0].len, bytes[1].len);
    iiif_bytes_free(bytes[0].data);
    iiif_bytes_free(bytes[1].data);
}

static const char *key_of(const iiif_look_t *look, const iiif_source_t *source,
                          iiif_format_e format, apr_pool_t *pool)
{
    const iiif_resolved_t resolved = { .format = format };

    return iiif_look_key(look, source, &resolved, pool);
}

/* What changes bytes changes the key, in the formats that it is for. */
static void test_key(apr_pool_t *pool)
{
    const iiif_source_t source = { .natural = IIIF_QUALITY_COLOR, .bands = 3 };
    const iiif_look_t plain = plain_look();
    const char *jpg = key_of(&plain, &source, IIIF_FORMAT_JPG, pool);
    const char *png = key_of(&plain, &source, IIIF_FORMAT_PNG, pool);
    iiif_look_t look = plain;

    look.effort[IIIF_FORMAT_PNG] = 9;
    ok(strcmp(png, key_of(&look, &source, IIIF_FORMAT_PNG, pool))
           && !strcmp(jpg, key_of(&look, &source, IIIF_FORMAT_JPG, pool)),
       "the key knows of effort");
    look = plain;
    look.keep_metadata = 1;
    ok(strcmp(jpg, key_of(&look, &source, IIIF_FORMAT_JPG, pool)) != 0, "  of metadata");
    look = plain;
    look.linear_light = 1;
    ok(strcmp(jpg, key_of(&look, &source, IIIF_FORMAT_JPG, pool)) != 0, "  and of linear light");
}

/* And so does a background, of images that it is behind. */
static void test_key_background(apr_pool_t *pool)
{
    static const struct {
        iiif_quality_e natural;
        unsigned bands;
        iiif_format_e format;
        unsigned angle; /* degrees */
        int shows;
    } rows[] = { { IIIF_QUALITY_COLOR, 3, IIIF_FORMAT_JPG, 0, 0 },
                 { IIIF_QUALITY_COLOR, 3, IIIF_FORMAT_JPG, 90, 0 },
                 { IIIF_QUALITY_COLOR, 3, IIIF_FORMAT_JPG, 30, 1 },
                 { IIIF_QUALITY_COLOR, 3, IIIF_FORMAT_PNG, 30, 0 },
                 { IIIF_QUALITY_COLOR, 4, IIIF_FORMAT_JPG, 0, 1 },
                 { IIIF_QUALITY_COLOR, 4, IIIF_FORMAT_PDF, 0, 1 },
                 { IIIF_QUALITY_COLOR, 4, IIIF_FORMAT_WEBP, 0, 0 },
                 { IIIF_QUALITY_GRAY, 1, IIIF_FORMAT_JPG, 0, 0 },
                 { IIIF_QUALITY_GRAY, 2, IIIF_FORMAT_JPG, 0, 1 },
                 { IIIF_QUALITY_GRAY, 3, IIIF_FORMAT_JPG, 0, 1 } };
    const iiif_look_t plain = plain_look();
    iiif_look_t look = plain;
    unsigned i;

    look.background[1] = 7;
    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        const iiif_source_t source = { .natural = rows[i].natural, .bands = rows[i].bands };
        const iiif_resolved_t resolved = { .format = rows[i].format,
                                           .rotation = { 0, rows[i].angle * DEGREE } };

        ok(!strcmp(iiif_look_key(&plain, &source, &resolved, pool),
                   iiif_look_key(&look, &source, &resolved, pool))
               == !rows[i].shows,
           "%u bands as %s, turned by %u: the background %s", rows[i].bands,
           iiif_format(rows[i].format)->extension, rows[i].angle,
           rows[i].shows ? "matters" : "does not matter");
    }
}

/* Chroma has half its pixels below quality 90, and all of them from there on. */
static void test_subsampling(apr_pool_t *pool)
{
    const iiif_source_t *source = open_source(
        write_image("chroma.png", picture((iiif_dims_t){ 320, 240 }, 3), NULL, pool), pool);
    static const struct {
        int quality;
        const char *want;
    } rows[] = { { 89, "4:2:0" }, { 90, "4:4:4" } };
    iiif_look_t look = plain_look();
    unsigned i;

    for (i = 0; i < ROWS(rows); ++i) {
        iiif_bytes_t bytes;
        VipsImage *made;
        const char *is = "";

        look.quality[IIIF_FORMAT_JPG] = rows[i].quality;
        made = render(&bytes, source, (iiif_rect_t){ 0, 0, 320, 240 }, (iiif_dims_t){ 320, 240 },
                      IIIF_FORMAT_JPG, &look);
        if (made)
            vips_image_get_string(made, "jpeg-chroma-subsample", &is);
        ok(!strcmp(is, rows[i].want), "quality %d is %s", rows[i].quality, is);
        g_clear_object(&made);
        iiif_bytes_free(bytes.data);
    }
}

int main(void)
{
    apr_pool_t *pool = begin_images("render_test");
    const iiif_source_t *source;
    unsigned i;

    for (i = 0; i < ROWS(paths); ++i)
        test_sharpness(i, pool);
    test_seams(pool);
    test_light("mesh.png", NULL, 3, pool);
    test_light("mesh-gray.png", NULL, 1, pool);
    test_light("mesh-alpha.png", NULL, 4, pool);
    test_light("mesh.jpg", "[Q=100]", 1, pool);
    test_light("mesh.tif", "[tile,tile-width=16,tile-height=16,compression=jpeg,Q=100]", 1, pool);
    source = open_source(write_image("signed.jpg", signed_picture(), NULL, pool), pool);
    test_metadata(source, "a signed JPEG", IIIF_FORMAT_JPG);
    test_metadata(source, "a signed JPEG", IIIF_FORMAT_PNG);
    test_metadata(source, "a signed JPEG", IIIF_FORMAT_WEBP);
    test_tiff_rights(pool);
    test_effort(pool);
    test_key(pool);
    test_key_background(pool);
    test_subsampling(pool);
    end_images(pool);
    return done_testing();
}
