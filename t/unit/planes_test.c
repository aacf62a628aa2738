/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image/planes.c against the pipeline that makes RGB of everything: what comes out of both is held
 * against a PNG of the same, which no encoder has touched, and planes may not be farther from it.
 */
#include <math.h>
#include <tiffio.h>

#include "image/private.h"
#include "image/raw_tile.h"
#include "images.h"

#define WIDTH  701
#define HEIGHT 523

/* Waves of colour, short enough for half a pixel to show. */
static VipsImage *waves(int bands)
{
    unsigned char *samples = malloc((size_t)WIDTH * HEIGHT * 3), *s = samples;
    VipsImage *image;
    int x, y;

    for (y = 0; y < HEIGHT; ++y) {
        for (x = 0; x < WIDTH; ++x) {
            *s++ = (unsigned char)(128 + 100 * sin(x / 7.0));
            if (bands == 1)
                continue;
            *s++ = (unsigned char)(128 + 100 * sin(y / 9.0 + 1));
            *s++ = (unsigned char)(128 + 100 * sin((x + y) / 11.0));
        }
    }
    image = vips_image_new_from_memory_copy(samples, (size_t)(s - samples), WIDTH, HEIGHT, bands,
                                            VIPS_FORMAT_UCHAR);
    image->Type = bands == 1 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
    free(samples);
    return image;
}

/* libvips writes 4:2:0 alone, and RGB. */
static const char *write_sampled(const char *name, unsigned across, unsigned down, apr_pool_t *pool)
{
    const apr_uint32_t width = 128, height = 64;
    const char *path = path_of(name, pool);
    TIFF *tiff = TIFFOpen(path, "w");
    VipsImage *image = waves(3), *wide = NULL, *part = NULL;
    apr_uint32_t x, y;

    vips_embed(image, &wide, 0, 0, WIDTH + 128, HEIGHT + 64, "extend", VIPS_EXTEND_COPY, NULL);
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, WIDTH);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, HEIGHT);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 3);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_JPEG);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_YCBCR);
    TIFFSetField(tiff, TIFFTAG_YCBCRSUBSAMPLING, across, down);
    TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    TIFFSetField(tiff, TIFFTAG_JPEGQUALITY, 95);
    TIFFSetField(tiff, TIFFTAG_TILEWIDTH, width);
    TIFFSetField(tiff, TIFFTAG_TILELENGTH, height);
    for (y = 0; y < HEIGHT; y += height) {
        for (x = 0; x < WIDTH; x += width) {
            size_t size;
            void *pixels;

            vips_extract_area(wide, &part, (int)x, (int)y, (int)width, (int)height, NULL);
            pixels = vips_image_write_to_memory(part, &size);
            TIFFWriteEncodedTile(tiff, TIFFComputeTile(tiff, x, y, 0, 0), pixels, (tmsize_t)size);
            g_free(pixels);
            g_clear_object(&part);
        }
    }
    TIFFClose(tiff);
    g_object_unref(wide);
    g_object_unref(image);
    apr_file_mtime_set(path, apr_time_now() - apr_time_from_sec(60), pool);
    return path;
}

static iiif_look_t look_of(int quality)
{
    iiif_look_t look = { .background = { 255, 255, 255 } };

    look.quality[IIIF_FORMAT_JPG] = quality;
    look.effort[IIIF_FORMAT_PNG] = 1;
    return look;
}

typedef struct request_t {
    iiif_rect_t region;
    iiif_dims_t size;
    iiif_quality_e quality;
} request_t;

static iiif_resolved_t resolve(const request_t *request, iiif_format_e format)
{
    return (iiif_resolved_t){ .region = request->region,
                              .square = IIIF_SQUARE_CENTRE,
                              .size = request->size,
                              .canvas = request->size,
                              .quality = request->quality,
                              .format = format };
}

static VipsImage *decode(const iiif_bytes_t *bytes, iiif_format_e format)
{
    VipsImage *image = NULL, *held;

    if (format == IIIF_FORMAT_PNG)
        vips_pngload_buffer(bytes->data, bytes->len, &image, NULL);
    else
        vips_jpegload_buffer(bytes->data, bytes->len, &image, NULL);
    held = vips_image_copy_memory(image);
    g_object_unref(image);
    return held;
}

static VipsImage *by_pipeline(const iiif_source_t *source, const request_t *request,
                              iiif_format_e format, int quality)
{
    iiif_look_t look = look_of(quality);
    const iiif_resolved_t resolved = resolve(request, format);
    iiif_bytes_t bytes = { NULL, 0 };
    iiif_err_t err = { "" };
    VipsImage *image = NULL;

    look.keep_metadata = 1; /* which planes leave to the pipeline */
    if (ok(iiif_render(&bytes, source, &resolved, &look, &err) == APR_SUCCESS, "  rendered %s",
           err.text))
        image = decode(&bytes, format);
    iiif_bytes_free(bytes.data);
    return image;
}

static apr_status_t planes(iiif_bytes_t *bytes, const iiif_source_t *source,
                           const iiif_resolved_t *resolved, const iiif_look_t *look)
{
    iiif_window_t window = iiif_window_choose(source, resolved->region, resolved->size);

    window.wanted = look->wanted;
    return iiif_planes_render(bytes, source, &window, resolved, look);
}

static VipsImage *by_planes(const iiif_source_t *source, const request_t *request, int quality)
{
    const iiif_look_t look = look_of(quality);
    const iiif_resolved_t resolved = resolve(request, IIIF_FORMAT_JPG);
    iiif_bytes_t bytes = { NULL, 0 };
    VipsImage *image = NULL;

    if (ok(planes(&bytes, source, &resolved, &look) == APR_SUCCESS, "  made of planes"))
        image = decode(&bytes, IIIF_FORMAT_JPG);
    iiif_bytes_free(bytes.data);
    return image;
}

static double mean_square(VipsImage *a, VipsImage *b)
{
    VipsImage *t[2] = { NULL, NULL };
    double mean = 1e9;

    if (!vips_subtract(a, b, &t[0], NULL) && !vips_multiply(t[0], t[0], &t[1], NULL))
        vips_avg(t[1], &mean, NULL);
    g_clear_object(&t[0]);
    g_clear_object(&t[1]);
    return mean;
}

static void compare(const iiif_source_t *source, const request_t *request, int quality)
{
    VipsImage *png = by_pipeline(source, request, IIIF_FORMAT_PNG, quality);
    VipsImage *jpeg = by_pipeline(source, request, IIIF_FORMAT_JPG, quality);
    VipsImage *made = by_planes(source, request, quality);

    if (png && jpeg && made) {
        const double theirs = mean_square(jpeg, png), ours = mean_square(made, png);

        ok(made->Xsize == (int)request->size.width && made->Ysize == (int)request->size.height
               && made->Bands == jpeg->Bands,
           "  %dx%d, %d bands", made->Xsize, made->Ysize, made->Bands);
        ok(ours <= theirs * 1.06 + 3, "  as near to what no encoder touched: %.2f to %.2f", ours,
           theirs);
        ok(mean_square(made, jpeg) < theirs + 25, "  and to the other: %.2f",
           mean_square(made, jpeg));
    }
    g_clear_object(&png);
    g_clear_object(&jpeg);
    g_clear_object(&made);
}

/* clang-format off */
static const struct {
    const char *name, *options;
    int bands, across, down;
} sources[] = {
    { "420.tif",   "[tile,compression=jpeg,Q=85,tile-width=256,tile-height=256]", 3, 2, 2 },
    { "444.tif",   NULL, 3, 1, 1 },
    { "422.tif",   NULL, 3, 2, 1 },
    { "small.tif", "[tile,compression=jpeg,Q=85,tile-width=16,tile-height=16]", 3, 2, 2 },
    { "wide.tif",  "[tile,compression=jpeg,Q=85,tile-width=512,tile-height=48]", 3, 2, 2 },
    { "tall.tif",  "[tile,pyramid,compression=jpeg,Q=85,tile-width=32,tile-height=512]", 3, 2, 2 },
    { "gray.tif",  "[tile,compression=jpeg,Q=85,tile-width=128,tile-height=128]", 1, 1, 1 },
};

/* Of 4:4:4 chroma is halved once more, so that a quarter would be an eighth. */
static const request_t requests[] = {
    { { 0, 0, WIDTH, HEIGHT },     { WIDTH, HEIGHT },  IIIF_QUALITY_DEFAULT },
    { { 0, 0, WIDTH, HEIGHT },     { 400, 298 },       IIIF_QUALITY_COLOR },
    { { 0, 0, WIDTH, HEIGHT },     { 399, 299 },       IIIF_QUALITY_GRAY },
    { { 101, 33, 333, 211 },       { 333, 211 },       IIIF_QUALITY_DEFAULT },
    { { 100, 32, 320, 208 },       { 320, 208 },       IIIF_QUALITY_DEFAULT },
    { { 100, 33, 320, 209 },       { 319, 208 },       IIIF_QUALITY_DEFAULT },
    { { 17, 255, 501, 268 },       { 289, 155 },       IIIF_QUALITY_DEFAULT },
    { { 600, 400, 101, 123 },      { 60, 80 },         IIIF_QUALITY_DEFAULT },
    { { 247, 247, 17, 17 },          { 17, 17 },           IIIF_QUALITY_DEFAULT },
    { { 685, 507, 16, 16 },        { 16, 16 },         IIIF_QUALITY_GRAY },
};
/* clang-format on */

static void test_pixels(apr_pool_t *pool)
{
    unsigned i, k;

    for (i = 0; i < ROWS(sources); ++i) {
        const char *path =
            sources[i].options
                ? write_image(sources[i].name, waves(sources[i].bands), sources[i].options, pool)
                : write_sampled(sources[i].name, (unsigned)sources[i].across,
                                (unsigned)sources[i].down, pool);
        const iiif_source_t *source = open_source(path, pool);

        ok(source->levels[0].raw && source->levels[0].raw->jpeg.horizontal[0] == sources[i].across
               && source->levels[0].raw->jpeg.vertical[0] == sources[i].down,
           "%s is sampled as it should be", sources[i].name);
        for (k = 0; k < ROWS(requests); ++k) {
            const request_t *r = &requests[k];

            ok(1, "%s: %u,%u,%u,%u to %ux%u", sources[i].name, r->region.x, r->region.y,
               r->region.width, r->region.height, r->size.width, r->size.height);
            compare(source, r, 85);
        }
    }
}

/* Made smaller while they are decoded, too. */
static void test_shrunk(apr_pool_t *pool)
{
    static const request_t third = { { 3, 5, 690, 510 }, { 230, 170 }, IIIF_QUALITY_DEFAULT };
    static const request_t eighth = { { 0, 0, 700, 520 }, { 87, 65 }, IIIF_QUALITY_DEFAULT };
    static const char *const names[] = { "420.tif", "444.tif", "tall.tif", "gray.tif" };
    unsigned i;

    for (i = 0; i < ROWS(names); ++i) {
        const iiif_source_t *source = open_source(path_of(names[i], pool), pool);

        compare(source, &third, 85);
        compare(source, &third, 60);
        if (strcmp(names[i], "444.tif")) /* which has tiles of 64 rows */
            compare(source, &eighth, 85);
    }
}

static void test_left(apr_pool_t *pool)
{
    const iiif_source_t *source = open_source(path_of("420.tif", pool), pool);
    const request_t whole = { { 0, 0, WIDTH, HEIGHT }, { 300, 224 }, IIIF_QUALITY_DEFAULT };
    const request_t enlarged = { { 0, 0, 100, 100 }, { 101, 100 }, IIIF_QUALITY_DEFAULT };
    const request_t narrow = { { 686, 100, 15, 200 }, { 15, 200 }, IIIF_QUALITY_DEFAULT };
    const request_t low = { { 100, 508, 200, 15 }, { 200, 15 }, IIIF_QUALITY_DEFAULT };
    const request_t bitonal = { { 0, 0, WIDTH, HEIGHT }, { 300, 224 }, IIIF_QUALITY_BITONAL };
    iiif_resolved_t resolved = resolve(&whole, IIIF_FORMAT_JPG), other;
    iiif_look_t look = look_of(85);
    iiif_source_t changed = *source;
    iiif_bytes_t bytes = { NULL, 0 };

    other = resolve(&enlarged, IIIF_FORMAT_JPG);
    ok(planes(&bytes, source, &other, &look) == IIIF_ENOTIMPL, "left: what is enlarged");
    other = resolve(&narrow, IIIF_FORMAT_JPG);
    ok(planes(&bytes, source, &other, &look) == IIIF_ENOTIMPL, "what is narrow");
    other = resolve(&low, IIIF_FORMAT_JPG);
    ok(planes(&bytes, source, &other, &look) == IIIF_ENOTIMPL, "what is low");
    other = resolved;
    look.quality[IIIF_FORMAT_JPG] = 90;
    ok(planes(&bytes, source, &other, &look) == IIIF_ENOTIMPL, "chroma that would be enlarged");
    look.quality[IIIF_FORMAT_JPG] = 85;
    other = resolve(&bitonal, IIIF_FORMAT_JPG);
    ok(planes(&bytes, source, &other, &look) == IIIF_ENOTIMPL, "bitonal");
    other = resolve(&whole, IIIF_FORMAT_PNG);
    ok(planes(&bytes, source, &other, &look) == IIIF_ENOTIMPL, "other formats");
    other = resolved;
    other.rotation.mirror = 1;
    ok(planes(&bytes, source, &other, &look) == IIIF_ENOTIMPL, "what is mirrored");
    changed.orientation = 6;
    ok(planes(&bytes, &changed, &resolved, &look) == IIIF_ENOTIMPL, "what is stored turned");
    changed = *source;
    changed.profile = "profile";
    ok(planes(&bytes, &changed, &resolved, &look) == IIIF_ENOTIMPL, "what is of other colours");
    changed = *source;
    changed.rights[IIIF_RIGHTS_ARTIST] = "somebody";
    ok(planes(&bytes, &changed, &resolved, &look) == IIIF_ENOTIMPL, "what bears a name");
    look.linear_light = 1;
    ok(planes(&bytes, source, &resolved, &look) == IIIF_ENOTIMPL, "what is scaled in light");
    ok(!bytes.data, "nothing is made of any");
}

static int never(void *unused)
{
    (void)unused;
    return 0;
}

static void test_unwanted(apr_pool_t *pool)
{
    const iiif_source_t *source = open_source(path_of("420.tif", pool), pool);
    const request_t whole = { { 0, 0, WIDTH, HEIGHT }, { 300, 224 }, IIIF_QUALITY_DEFAULT };
    const iiif_resolved_t resolved = resolve(&whole, IIIF_FORMAT_JPG);
    const iiif_wanted_t wanted = { .is_wanted = never };
    iiif_look_t look = look_of(85);
    iiif_bytes_t bytes = { NULL, 0 };

    look.wanted = &wanted;
    ok(planes(&bytes, source, &resolved, &look) == IIIF_EGONE && !bytes.data,
       "it is cut when nobody waits");
}

/* A byte of a tile's scan that no decoder takes. */
static void test_damage(apr_pool_t *pool)
{
    const char *path = path_of("420.tif", pool);
    const request_t whole = { { 0, 0, WIDTH, HEIGHT }, { 300, 224 }, IIIF_QUALITY_DEFAULT };
    const iiif_resolved_t resolved = resolve(&whole, IIIF_FORMAT_JPG);
    const iiif_source_t *source = open_source(path, pool);
    const iiif_raw_level_t *raw = source->levels[0].raw;
    const iiif_look_t look = look_of(85);
    iiif_bytes_t bytes = { NULL, 0 };
    FILE *file = fopen(path, "r+b");
    int i;

    fseek(file, (long)(raw->offsets[2] + raw->lengths[2] / 2), SEEK_SET);
    for (i = 0; i < 40; ++i)
        fputc(i % 2 ? 0xd7 : 0xff, file);
    fclose(file);
    apr_file_mtime_set(path, apr_time_now() - apr_time_from_sec(30), pool);
    source = open_source(path, pool);
    ok(planes(&bytes, source, &resolved, &look) != APR_SUCCESS && !bytes.data,
       "a damaged tile makes nothing");
}

int main(void)
{
    apr_pool_t *pool = begin_images("planes_test");

    test_pixels(pool);
    test_shrunk(pool);
    test_left(pool);
    test_unwanted(pool);
    test_damage(pool);
    end_images(pool);
    return done_testing();
}
