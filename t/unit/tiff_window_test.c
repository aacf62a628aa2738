/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>
#include <unistd.h>

#include "image/private.h"
#include "image/vips_process.h"
#include "tap.h"

#define SIDES                                                                                      \
    {                                                                                              \
        301, 203                                                                                   \
    }
#define TILE_WIDTH  64
#define TILE_HEIGHT 48
#define PROFILE     "not a real profile, but bytes that come back"

#define GRAY  PHOTOMETRIC_MINISBLACK
#define RGB   PHOTOMETRIC_RGB
#define YCC   PHOTOMETRIC_YCBCR
#define ZIP   COMPRESSION_ADOBE_DEFLATE
#define NONE  COMPRESSION_NONE
#define JPG   COMPRESSION_JPEG
#define CONT  PLANARCONFIG_CONTIG
#define APART PLANARCONFIG_SEPARATE
#define UINT  SAMPLEFORMAT_UINT

typedef struct layout_t {
    const char *mode; /* as TIFFOpen() takes it */
    uint16_t photometric, samples, bits, compression, planar, format;
    int alpha; /* the kind of the last sample; -1: a colour, or something unnamed */
    apr_status_t want;
} layout_t;

/* clang-format off */
static const layout_t layouts[] = {
    { "w",  GRAY, 1, 8,  ZIP,  CONT,  UINT, -1, APR_SUCCESS },
    { "w",  GRAY, 2, 8,  ZIP,  CONT,  UINT, EXTRASAMPLE_UNASSALPHA, APR_SUCCESS },
    { "w",  GRAY, 1, 16, ZIP,  CONT,  UINT, -1, APR_SUCCESS },
    { "wb", GRAY, 2, 16, NONE, CONT,  UINT, EXTRASAMPLE_UNASSALPHA, APR_SUCCESS },
    { "w",  GRAY, 5, 8,  ZIP,  CONT,  UINT, -1, APR_SUCCESS }, /* a multispectral stack */
    { "w",  RGB,  3, 8,  NONE, CONT,  UINT, -1, APR_SUCCESS },
    { "w",  RGB,  3, 8,  COMPRESSION_LZW, CONT, UINT, -1, APR_SUCCESS },
    { "w",  RGB,  3, 8,  COMPRESSION_PACKBITS, CONT, UINT, -1, APR_SUCCESS },
    { "w8", RGB,  4, 8,  ZIP,  CONT,  UINT, EXTRASAMPLE_UNASSALPHA, APR_SUCCESS },
    { "w",  RGB,  4, 8,  ZIP,  CONT,  UINT, EXTRASAMPLE_UNSPECIFIED, APR_SUCCESS },
    { "wb", RGB,  3, 16, ZIP,  CONT,  UINT, -1, APR_SUCCESS },
    { "wl", RGB,  4, 16, ZIP,  CONT,  UINT, EXTRASAMPLE_UNASSALPHA, APR_SUCCESS },
    { "w",  GRAY, 1, 8,  JPG,  CONT,  UINT, -1, APR_SUCCESS },
    { "w",  RGB,  3, 8,  JPG,  CONT,  UINT, -1, APR_SUCCESS },
    { "wb", YCC,  3, 8,  JPG,  CONT,  UINT, -1, APR_SUCCESS },
    /* libvips' affair */
    { "w",  RGB,  3, 8,  ZIP,  APART, UINT, -1, IIIF_ENOTIMPL },
    { "w",  RGB,  4, 8,  ZIP,  CONT,  UINT, EXTRASAMPLE_ASSOCALPHA, IIIF_ENOTIMPL },
    { "w",  RGB,  3, 32, ZIP,  CONT,  SAMPLEFORMAT_IEEEFP, -1, IIIF_ENOTIMPL },
    { "w",  GRAY, 1, 32, ZIP,  CONT,  UINT, -1, IIIF_ENOTIMPL },
    { "w",  GRAY, 1, 16, ZIP,  CONT,  SAMPLEFORMAT_INT, -1, IIIF_ENOTIMPL },
    { "w",  GRAY, 1, 1,  NONE, CONT,  UINT, -1, IIIF_ENOTIMPL },
    { "w",  PHOTOMETRIC_MINISWHITE, 1, 8, ZIP, CONT, UINT, -1, IIIF_ENOTIMPL },
    { "w",  PHOTOMETRIC_SEPARATED,  4, 8, ZIP, CONT, UINT, -1, IIIF_ENOTIMPL },
    { "w",  PHOTOMETRIC_CIELAB,     3, 8, ZIP, CONT, UINT, -1, IIIF_ENOTIMPL },
};

static const iiif_rect_t rects[] = {
    { 0, 0, 301, 203 },
    { 0, 0, 1, 1 },
    { 64, 48, 64, 48 },   /* a tile */
    { 63, 47, 2, 2 },     /* where four meet */
    { 256, 192, 45, 11 }, /* the corner, which the file fills up */
    { 300, 202, 1, 1 },
    { 17, 100, 200, 3 },
    { 130, 5, 1, 190 },
};
/* clang-format on */

static const iiif_dims_t sides = SIDES;

/* What a file holds, sample by sample; smooth, so that JPEG keeps it nearly. */
static unsigned sample_at(apr_uint32_t x, apr_uint32_t y, unsigned band, unsigned bits)
{
    unsigned value = x / 3 + y / 3 * (band % 2) + 20 * band;

    return bits == 16 ? value << 8 | (x * 31 + y * 17 + band) % 251 : value;
}

typedef enum { WHOLE, SPARSE, BUT_ONE } parts_e; /* which tiles are written */

#define ONE 6 /* the second of the second row: from 64,48 to 127,95 */

/* Every third tile is left out of a sparse file. */
static int is_blank(apr_uint32_t x, apr_uint32_t y)
{
    return (x / TILE_WIDTH + y / TILE_HEIGHT * ((sides.width + TILE_WIDTH - 1) / TILE_WIDTH)) % 3
           == 1;
}

static void fill_tile(unsigned char *tile, const layout_t *layout, apr_uint32_t left,
                      apr_uint32_t top)
{
    apr_uint32_t x, y;
    unsigned band, at = 0, bands = layout->planar == APART ? 1 : layout->samples;

    for (y = top; y < top + TILE_HEIGHT; ++y) {
        for (x = left; x < left + TILE_WIDTH; ++x) {
            for (band = 0; band < bands; ++band, ++at) {
                unsigned value = sample_at(x, y, band, layout->bits);

                if (layout->bits == 16)
                    ((uint16_t *)(void *)tile)[at] = (uint16_t)value;
                else
                    tile[at] = (unsigned char)value;
            }
        }
    }
}

static void describe(TIFF *file, const layout_t *layout, iiif_dims_t dims)
{
    TIFFSetField(file, TIFFTAG_IMAGEWIDTH, dims.width);
    TIFFSetField(file, TIFFTAG_IMAGELENGTH, dims.height);
    TIFFSetField(file, TIFFTAG_BITSPERSAMPLE, layout->bits);
    TIFFSetField(file, TIFFTAG_SAMPLESPERPIXEL, layout->samples);
    TIFFSetField(file, TIFFTAG_SAMPLEFORMAT, layout->format);
    TIFFSetField(file, TIFFTAG_PHOTOMETRIC, layout->photometric);
    TIFFSetField(file, TIFFTAG_PLANARCONFIG, layout->planar);
    TIFFSetField(file, TIFFTAG_TILEWIDTH, TILE_WIDTH);
    TIFFSetField(file, TIFFTAG_TILELENGTH, TILE_HEIGHT);
    TIFFSetField(file, TIFFTAG_COMPRESSION, layout->compression);
    TIFFSetField(file, TIFFTAG_ICCPROFILE, (uint32_t)sizeof(PROFILE), PROFILE);
    if (layout->alpha >= 0) {
        uint16_t kind = (uint16_t)layout->alpha;

        TIFFSetField(file, TIFFTAG_EXTRASAMPLES, 1, &kind);
    }
    if (layout->photometric == YCC) {
        TIFFSetField(file, TIFFTAG_YCBCRSUBSAMPLING, 2, 2);
        TIFFSetField(file, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    }
}

static void write_tiles(TIFF *file, const layout_t *layout, iiif_dims_t dims, parts_e parts)
{
    unsigned char *tile;
    apr_uint32_t x, y;
    uint16_t plane, planes = layout->planar == APART ? layout->samples : 1;

    describe(file, layout, dims);
    tile = calloc(1, (size_t)TIFFTileSize(file) + 8 * TILE_WIDTH * TILE_HEIGHT);
    for (plane = 0; plane < planes; ++plane) {
        for (y = 0; y < dims.height; y += TILE_HEIGHT) {
            for (x = 0; x < dims.width; x += TILE_WIDTH) {
                if ((parts == SPARSE && is_blank(x, y))
                    || (parts == BUT_ONE && TIFFComputeTile(file, x, y, 0, 0) == ONE))
                    continue;
                fill_tile(tile, layout, x, y);
                TIFFWriteTile(file, tile, x, y, 0, plane);
            }
        }
    }
    free(tile);
}

static void write_file(const char *path, const layout_t *layout, parts_e parts)
{
    TIFF *file = TIFFOpen(path, layout->mode);

    write_tiles(file, layout, sides, parts);
    TIFFClose(file);
}

static iiif_source_t *open_source(const char *path, const char *what, apr_pool_t *pool)
{
    static const iiif_source_rules_t rules = { .formats = 1u << IIIF_SOURCE_TIFF };
    iiif_source_t *source = NULL;
    iiif_err_t err = { "" };

    ok(iiif_source_open(&source, path, 1, &rules, &err, pool) == APR_SUCCESS, "%s opens %s", what,
       err.text);
    return source;
}

/* How far a window's worst sample is from what the file holds; -1: it cannot be read. */
static int farthest(VipsImage *window, const layout_t *layout, iiif_rect_t rect, int sparse)
{
    size_t size = 0, at = 0;
    void *bytes = vips_image_write_to_memory(window, &size);
    apr_uint32_t x, y;
    unsigned band;
    int worst = 0;

    if (!bytes || size != (size_t)rect.width * rect.height * layout->samples * layout->bits / 8) {
        g_free(bytes);
        return -1;
    }
    for (y = rect.y; y < rect.y + rect.height; ++y) {
        for (x = rect.x; x < rect.x + rect.width; ++x) {
            for (band = 0; band < layout->samples; ++band, ++at) {
                int is =
                    layout->bits == 16 ? ((uint16_t *)bytes)[at] : ((unsigned char *)bytes)[at];
                int blank = sparse && is_blank(x, y);
                int apart = abs(is - (int)(blank ? 0 : sample_at(x, y, band, layout->bits)));

                /* a blank one is black, nothing else */
                worst = MAX(worst, blank && apart ? 0x10000 : apart);
            }
        }
    }
    g_free(bytes);
    return worst;
}

/* The largest difference from what libvips reads, or -1 where they are of different kinds. */
static double from_vips(VipsImage *window, const char *path, iiif_rect_t rect)
{
    VipsObject *scope = VIPS_OBJECT(vips_image_new());
    VipsImage **t = (VipsImage **)vips_object_local_array(scope, 4);
    double most = -1;

    if (!vips_tiffload(path, &t[0], NULL)
        && !vips_extract_area(t[0], &t[1], (int)rect.x, (int)rect.y, (int)rect.width,
                              (int)rect.height, NULL)
        && t[1]->Bands == window->Bands && t[1]->BandFmt == window->BandFmt
        && t[1]->Type == window->Type && t[1]->Coding == window->Coding
        && !vips_subtract(t[1], window, &t[2], NULL) && !vips_abs(t[2], &t[3], NULL))
        vips_max(t[3], &most, NULL);
    g_object_unref(scope);
    return most;
}

/* Of the largest level, as it is. */
static apr_status_t open_window(VipsImage **window, const iiif_source_t *source, iiif_rect_t rect,
                                iiif_err_t *err)
{
    const iiif_window_t at = { source->levels, 1, rect, NULL };

    return iiif_tiff_window(window, source, &at, err);
}

static void test_rect(const iiif_source_t *source, const layout_t *layout, iiif_rect_t rect,
                      int sparse)
{
    int allowed = layout->compression != JPG ? 0 : layout->photometric == YCC ? 24 : 12;
    VipsImage *window = NULL;
    iiif_err_t err = { "" };
    int worst;

    if (!ok(open_window(&window, source, rect, &err) == APR_SUCCESS, "  %u,%u,%u,%u opens %s",
            rect.x, rect.y, rect.width, rect.height, err.text))
        return;
    worst = farthest(window, layout, rect, sparse);
    ok(worst >= 0 && worst <= allowed, "  and its samples are %d off", worst);
    if (!sparse)
        ok(from_vips(window, source->path, rect) == 0, "  and what libvips reads");
    g_object_unref(window);
}

static void test_layout(const layout_t *layout, const char *path, int sparse, apr_pool_t *pool)
{
    VipsImage *window = NULL;
    iiif_source_t *source;
    unsigned i;

    write_file(path, layout, sparse ? SPARSE : WHOLE);
    source = open_source(path,
                         apr_psprintf(pool,
                                      "%s: photometric %u, %u samples of %u bits, compression %u%s",
                                      layout->mode, layout->photometric, layout->samples,
                                      layout->bits, layout->compression, sparse ? ", sparse" : ""),
                         pool);
    if (!source)
        return;
    if (layout->want != APR_SUCCESS)
        ok(open_window(&window, source, rects[0], NULL) == layout->want && !window,
           "  is left to libvips");
    for (i = 0; layout->want == APR_SUCCESS && i < ROWS(rects); ++i)
        test_rect(source, layout, rects[i], sparse);
}

/* A page, its half in a SubIFD, and another page: each level's own tiles, wherever it is. */
static void test_levels(const char *path, apr_pool_t *pool)
{
    const iiif_dims_t half = { (sides.width + 1) / 2, (sides.height + 1) / 2 };
    const layout_t *gray = &layouts[0], *colour = &layouts[5];
    TIFF *file = TIFFOpen(path, "w");
    toff_t below[1] = { 0 };
    iiif_source_t *source;
    VipsImage *window = NULL;
    iiif_window_t below_it = { NULL, 1, { 0, 0, half.width, half.height }, NULL };

    TIFFSetField(file, TIFFTAG_SUBIFD, 1, below);
    write_tiles(file, colour, sides, WHOLE);
    TIFFWriteDirectory(file);
    TIFFSetField(file, TIFFTAG_SUBFILETYPE, FILETYPE_REDUCEDIMAGE);
    write_tiles(file, gray, half, SPARSE);
    TIFFWriteDirectory(file);
    write_tiles(file, colour, sides, WHOLE);
    TIFFClose(file);
    source = open_source(path, "a file of three directories", pool);
    if (!ok(source && source->level_count == 2, "a page with a smaller level"))
        return;
    below_it.level = &source->levels[1];
    ok(iiif_tiff_window(&window, source, &below_it, NULL) == APR_SUCCESS && window->Bands == 1
           && farthest(window, gray, (iiif_rect_t){ 0, 0, half.width, half.height }, 1) == 0,
       "  which is read where it is");
    g_clear_object(&window);
    source->levels[1].dims.width++;
    ok(iiif_tiff_window(&window, source, &below_it, NULL) == IIIF_EBADSOURCE && !window,
       "  and not where the file has become another one");
    source->levels[0].directory = 3;
    ok(open_window(&window, source, (iiif_rect_t){ 0, 0, 1, 1 }, NULL) == IIIF_EBADSOURCE
           && !window,
       "  or has no directory there");
}

/* -- damage ------------------------------------------------------------------------------------ */

typedef void (*spoil_fn)(unsigned char *tile, uint64_t *length);

static void spoil_middle(unsigned char *tile, uint64_t *length)
{
    memset(tile + *length / 2, 0xff, 8);
    memset(tile + *length / 2 + 8, 0x55, 16);
}

static void cut_half(unsigned char *tile, uint64_t *length)
{
    (void)tile;
    *length /= 2;
}

static void cut_end_marker(unsigned char *tile, uint64_t *length)
{
    (void)tile;
    *length -= 2;
}

/* clang-format off */
static const struct {
    const char *what;
    unsigned layout;
    spoil_fn spoil;
    int sound; /* does the picture lack nothing? */
} damages[] = {
    { "deflate, other bytes in the middle", 8,  spoil_middle, 0 },
    { "deflate, a half",                    8,  cut_half, 0 },
    { "LZW, a half",                        6,  cut_half, 0 },
    { "JPEG, other bytes in the middle",    14, spoil_middle, 0 },
    { "JPEG, a half",                       14, cut_half, 0 },
    { "JPEG without its last marker",       14, cut_end_marker, 1 },
};
/* clang-format on */

/* A file of which one tile is spoilt. */
static void write_spoilt(const char *path, const layout_t *layout, spoil_fn spoil)
{
    unsigned char bytes[1 << 16];
    uint64_t length;
    TIFF *file;

    write_file(path, layout, WHOLE);
    file = TIFFOpen(path, "r");
    length = (uint64_t)TIFFReadRawTile(file, ONE, bytes, sizeof(bytes));
    TIFFClose(file);
    spoil(bytes, &length);
    file = TIFFOpen(path, layout->mode);
    write_tiles(file, layout, sides, BUT_ONE);
    TIFFWriteRawTile(file, ONE, bytes, (tmsize_t)length);
    TIFFClose(file);
}

static int reads(const iiif_source_t *source, iiif_rect_t rect)
{
    VipsImage *window = NULL;
    double mean = 0;
    int read =
        open_window(&window, source, rect, NULL) == APR_SUCCESS && !vips_avg(window, &mean, NULL);

    g_clear_object(&window);
    return read;
}

static void test_damage(unsigned i, const char *path, apr_pool_t *pool)
{
    iiif_source_t *source;

    write_spoilt(path, &layouts[damages[i].layout], damages[i].spoil);
    source = open_source(path, damages[i].what, pool);
    if (!source)
        return;
    ok(reads(source, (iiif_rect_t){ 70, 50, 40, 40 }) == damages[i].sound, "  the tile is %s",
       damages[i].sound ? "read" : "damage");
    ok(reads(source, (iiif_rect_t){ 0, 0, sides.width, sides.height }) == damages[i].sound,
       "  and so is the whole");
    ok(reads(source, (iiif_rect_t){ 128, 48, 173, 155 }), "  not a part beside it");
}

/* -- made smaller while decoding --------------------------------------------------------------- */

/* The largest difference of a window's first band from the pixels in the middle of what it stands
 * for; where a tile has no bytes, from zero. */
static int farthest_shrunk(VipsImage *window, unsigned shrink)
{
    size_t size = 0;
    unsigned char *bytes = vips_image_write_to_memory(window, &size);
    apr_uint32_t x, y;
    int worst = bytes ? 0 : 999;

    for (y = 0; bytes && y < (apr_uint32_t)window->Ysize; ++y) {
        for (x = 0; x < (apr_uint32_t)window->Xsize; ++x) {
            const apr_uint32_t at_x = x * shrink + shrink / 2, at_y = y * shrink + shrink / 2;
            const int want = is_blank(at_x, at_y) ? 0 : (int)sample_at(at_x, at_y, 0, 8);

            worst = MAX(worst, abs(bytes[(y * (unsigned)window->Xsize + x) * 3] - want));
        }
    }
    g_free(bytes);
    return worst;
}

static void test_shrunk(const char *path, apr_pool_t *pool)
{
    const iiif_source_t *source;
    unsigned shrink;

    write_file(path, &layouts[14], SPARSE);
    source = open_source(path, "sparse JPEG tiles", pool);
    for (shrink = 2; source && shrink <= 8; shrink *= 2) {
        const iiif_window_t at = {
            source->levels, shrink, { 0, 0, sides.width / shrink, sides.height / shrink }, NULL
        };
        VipsImage *window = NULL;

        ok(iiif_tiff_window(&window, source, &at, NULL) == APR_SUCCESS, "  are read, %u to one",
           shrink);
        ok(window && farthest_shrunk(window, shrink) <= 12, "  and near the original, or zeros");
        g_clear_object(&window);
    }
}

/* A tile that libjpeg-turbo is not given: of all its pixels, then their means. */
static void test_shrunk_otherwise(const char *path, apr_pool_t *pool)
{
    const iiif_rect_t tile = { 32, 24, 32, 24 };
    const iiif_source_t *source;
    VipsImage *window[2] = { NULL, NULL };
    double mean[2] = { -1, -1 };
    int i;

    for (i = 0; i < 2; ++i) {
        if (i)
            write_spoilt(path, &layouts[14], cut_end_marker);
        else
            write_file(path, &layouts[14], WHOLE);
        source = open_source(path, i ? "without its last marker" : "a sound one", pool);
        if (source
            && iiif_tiff_window(&window[i], source,
                                &(iiif_window_t){ source->levels, 2, tile, NULL }, NULL)
                   == APR_SUCCESS)
            vips_avg(window[i], &mean[i], NULL);
        g_clear_object(&window[i]);
    }
    ok(mean[0] > 0 && abs((int)(mean[0] - mean[1])) < 1,
       "half a tile is the same by libtiff: %.2f and %.2f", mean[0], mean[1]);
}

int main(void)
{
    const char *temp = "/tmp", *path;
    iiif_err_t err = { "" };
    apr_pool_t *pool;
    unsigned i;
    char *top;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    TIFFSetWarningHandler(NULL);
    ok(iiif_vips_start("tiff_window_test", &err) == APR_SUCCESS, "libvips starts %s", err.text);
    apr_temp_dir_get(&temp, pool);
    top = apr_pstrcat(pool, temp, "/tiff_window_test.XXXXXX", NULL);
    if (!ok(mkdtemp(top) != NULL, "a directory of our own: %s", top))
        return done_testing();
    path = apr_pstrcat(pool, top, "/test.tif", NULL);
    for (i = 0; i < ROWS(layouts); ++i) {
        test_layout(&layouts[i], path, 0, pool);
        if (layouts[i].want == APR_SUCCESS)
            test_layout(&layouts[i], path, 1, pool);
    }
    test_levels(path, pool);
    for (i = 0; i < ROWS(damages); ++i)
        test_damage(i, path, pool);
    test_shrunk(path, pool);
    test_shrunk_otherwise(path, pool);
    unlink(path);
    ok(rmdir(top) == 0, "and nothing is left of it");
    apr_terminate();
    return done_testing();
}
