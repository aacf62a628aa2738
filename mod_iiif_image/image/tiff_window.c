/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A window of one level of a tiled TIFF, decoded tile by tile: only the tiles that it covers, and
 * the level's directory read where it is, without walking to it.
 *
 * A sparse file (GDAL's SPARSE_OK, cloud optimized GeoTIFF) has tiles of no bytes, which stand for
 * zeros: black, and transparent where there is alpha. libvips takes them for damage.
 */
#include <string.h>

#include "image/private.h"
#include "image/tiff_file.h"

#include "base/banned.h"

#define TILE_BYTES_MAX ((apr_uint64_t)64 << 20) /* decoded; larger ones are libvips' affair */

typedef struct tiles_t {
    iiif_tiff_t tiff;
    VipsInterpretation space;
    int bands;
    size_t pixel;           /* bytes */
    iiif_dims_t tile;       /* pixels */
    apr_uint64_t length;    /* of a tile, bytes */
    unsigned char *samples; /* of one tile */
    apr_uint32_t left, top; /* of the image made of it, on the level */
    apr_pool_t *pool;       /* everything here, the open file too */
} tiles_t;

/* clang-format off */
/* What is decoded here: rows of samples that need no work but YCbCr's, which libjpeg does. TIFF
 * 6.0, sections 4, 6, 21; bands beyond these are alpha or more, and are kept. */
static const struct {
    uint16_t photometric, bits;
    int colours;
    int jpeg; /* only where JPEG compresses it */
    VipsInterpretation space;
} layouts[] = {
    { PHOTOMETRIC_MINISBLACK, 8,  1, 0, VIPS_INTERPRETATION_B_W },
    { PHOTOMETRIC_MINISBLACK, 16, 1, 0, VIPS_INTERPRETATION_GREY16 },
    { PHOTOMETRIC_RGB,        8,  3, 0, VIPS_INTERPRETATION_sRGB },
    { PHOTOMETRIC_RGB,        16, 3, 0, VIPS_INTERPRETATION_RGB16 },
    { PHOTOMETRIC_YCBCR,      8,  3, 1, VIPS_INTERPRETATION_sRGB },
};
/* clang-format on */

static uint16_t short_field(TIFF *handle, uint32_t tag)
{
    uint16_t value = 0;

    return TIFFGetFieldDefaulted(handle, tag, &value) ? value : 0;
}

/* Colours already multiplied by alpha have to be divided by it first. */
static int is_premultiplied(TIFF *handle)
{
    uint16_t count = 0, i;
    uint16_t *kinds = NULL;

    TIFFGetFieldDefaulted(handle, TIFFTAG_EXTRASAMPLES, &count, &kinds);
    for (i = 0; i < count; ++i) {
        if (kinds[i] == EXTRASAMPLE_ASSOCALPHA)
            return 1;
    }
    return 0;
}

/* Samples as libvips would hand them on? */
static int read_layout(tiles_t *tiles)
{
    TIFF *handle = tiles->tiff.handle;
    uint16_t photometric = short_field(handle, TIFFTAG_PHOTOMETRIC);
    uint16_t bits = short_field(handle, TIFFTAG_BITSPERSAMPLE);
    uint16_t compression = short_field(handle, TIFFTAG_COMPRESSION);
    unsigned i;

    if (short_field(handle, TIFFTAG_PLANARCONFIG) != PLANARCONFIG_CONTIG
        || short_field(handle, TIFFTAG_SAMPLEFORMAT) != SAMPLEFORMAT_UINT
        || !TIFFIsCODECConfigured(compression) || is_premultiplied(handle))
        return 0;
    tiles->bands = short_field(handle, TIFFTAG_SAMPLESPERPIXEL);
    tiles->pixel = (size_t)tiles->bands * (bits / 8);
    for (i = 0; i < G_N_ELEMENTS(layouts); ++i) {
        if (layouts[i].photometric == photometric && layouts[i].bits == bits
            && layouts[i].colours <= tiles->bands
            && (compression == COMPRESSION_JPEG || !layouts[i].jpeg)) {
            tiles->space = layouts[i].space;
            return !layouts[i].jpeg
                   || TIFFSetField(handle, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
        }
    }
    return 0;
}

static int read_tile_size(tiles_t *tiles)
{
    TIFF *handle = tiles->tiff.handle;

    if (!TIFFIsTiled(handle) || !TIFFGetField(handle, TIFFTAG_TILEWIDTH, &tiles->tile.width)
        || !TIFFGetField(handle, TIFFTAG_TILELENGTH, &tiles->tile.height))
        return 0;
    tiles->length = TIFFTileSize64(handle);
    return tiles->length && tiles->length <= TILE_BYTES_MAX
           && tiles->length == (apr_uint64_t)tiles->tile.width * tiles->tile.height * tiles->pixel;
}

static apr_status_t free_samples(void *samples)
{
    g_free(samples);
    return APR_SUCCESS;
}

/* No pool's own memory: a large tile would stay with its allocator. */
static apr_status_t make_room(tiles_t *tiles, iiif_err_t *err)
{
    tiles->samples = g_try_malloc(tiles->length);
    if (!tiles->samples)
        return iiif_fail(err, APR_ENOMEM, "no memory for a tile");
    apr_pool_cleanup_register(tiles->pool, tiles->samples, free_samples, apr_pool_cleanup_null);
    return APR_SUCCESS;
}

static apr_status_t open_tiles(tiles_t *tiles, const iiif_source_t *source,
                               const iiif_level_t *level, iiif_err_t *err)
{
    uint32_t width = 0, height = 0;
    /* h: go to the level's directory alone; O: load the places of those tiles that are read */
    apr_status_t rv = iiif_tiff_open(&tiles->tiff, source->file, "rhO", err, tiles->pool);

    if (rv != APR_SUCCESS)
        return rv;
    if (!TIFFSetSubDirectory(tiles->tiff.handle, level->directory)
        || !TIFFGetField(tiles->tiff.handle, TIFFTAG_IMAGEWIDTH, &width)
        || !TIFFGetField(tiles->tiff.handle, TIFFTAG_IMAGELENGTH, &height)
        || width != level->dims.width || height != level->dims.height)
        return iiif_fail(err, IIIF_EBADSOURCE, "the file changed while it was read");
    if (!read_layout(tiles) || !read_tile_size(tiles))
        return iiif_fail(err, IIIF_ENOTIMPL, "no tiles that are decoded one by one");
    return make_room(tiles, err);
}

/* What there is to complain of in the last read; NULL: nothing. libjpeg only warns of codes that no
 * encoder writes, and goes on with gray or noise. */
static const char *complaint(const tiles_t *tiles, int read)
{
    if (!read)
        return tiles->tiff.said.text[0] ? tiles->tiff.said.text : "nobody knows where it is";
    return tiles->tiff.warned.text[0] ? tiles->tiff.warned.text : NULL;
}

/* Is all that a JPEG lacks the marker at its end, which some writers leave out? Then it decodes
 * with one. */
static int decodes_with_end(tiles_t *tiles, uint32_t index, apr_uint64_t length)
{
    TIFF *handle = tiles->tiff.handle;
    unsigned char *jpeg = length <= TILE_BYTES_MAX ? g_try_malloc(length + 2) : NULL;
    int read = jpeg && TIFFReadRawTile(handle, index, jpeg, (tmsize_t)length) == (tmsize_t)length;

    if (read) {
        jpeg[length] = 0xff;
        jpeg[length + 1] = 0xd9;
        tiles->tiff.warned.text[0] = '\0';
        read = TIFFReadFromUserBuffer(handle, index, jpeg, (tmsize_t)length + 2, tiles->samples,
                                      (tmsize_t)tiles->length);
    }
    g_free(jpeg);
    return read && !complaint(tiles, read);
}

/* Decode one tile into tiles->samples. */
static apr_status_t read_tile(tiles_t *tiles, uint32_t index, iiif_err_t *err)
{
    iiif_tiff_t *tiff = &tiles->tiff;
    int failed = 0, read;
    apr_uint64_t length = TIFFGetStrileByteCountWithErr(tiff->handle, index, &failed);

    memset(tiles->samples, 0, (size_t)tiles->length);
    if (!length && !failed && !TIFFGetStrileOffset(tiff->handle, index))
        return APR_SUCCESS;
    tiff->said.text[0] = tiff->warned.text[0] = '\0';
    read = !failed
           && TIFFReadEncodedTile(tiff->handle, index, tiles->samples, (tmsize_t)tiles->length) > 0;
    if (complaint(tiles, read) && !(read && decodes_with_end(tiles, index, length)))
        return iiif_fail(err, IIIF_EBADSOURCE, "tile %u: %s", index, complaint(tiles, read));
    return APR_SUCCESS;
}

/* Where the pixels of an area of the level go. */
typedef struct canvas_t {
    iiif_rect_t area;
    unsigned char *pixels; /* its first one */
    size_t stride;         /* bytes from one row to the next */
} canvas_t;

/* Copy what the decoded tile, whose corner is (x, y) of the level, has of the canvas. */
static void copy_tile(const canvas_t *canvas, const tiles_t *tiles, apr_uint32_t x, apr_uint32_t y)
{
    const iiif_rect_t *area = &canvas->area;
    apr_uint32_t left = MAX(x, area->x), right = MIN(x + tiles->tile.width, area->x + area->width);
    apr_uint32_t row = MAX(y, area->y);
    apr_uint32_t below = MIN(y + tiles->tile.height, area->y + area->height);

    for (; row < below; ++row) {
        size_t from = (size_t)(row - y) * tiles->tile.width + (left - x);
        size_t to = (row - area->y) * canvas->stride + (left - area->x) * tiles->pixel;

        memcpy(canvas->pixels + to, tiles->samples + from * tiles->pixel,
               (right - left) * tiles->pixel);
    }
}

static apr_status_t decode(const canvas_t *canvas, tiles_t *tiles, iiif_err_t *err)
{
    const iiif_rect_t *area = &canvas->area;
    apr_uint32_t first = area->x - area->x % tiles->tile.width, x;
    apr_uint32_t y = area->y - area->y % tiles->tile.height;

    for (; y < area->y + area->height; y += tiles->tile.height) {
        for (x = first; x < area->x + area->width; x += tiles->tile.width) {
            uint32_t index = TIFFComputeTile(tiles->tiff.handle, x, y, 0, 0);
            apr_status_t rv = read_tile(tiles, index, err);

            if (rv != APR_SUCCESS)
                return rv;
            copy_tile(canvas, tiles, x, y);
        }
    }
    return APR_SUCCESS;
}

/* An image of what the file says, still without pixels. */
static VipsImage *describe(VipsImage *image, const tiles_t *tiles, iiif_dims_t dims)
{
    uint32_t length = 0;
    void *profile = NULL;

    vips_image_init_fields(image, (int)dims.width, (int)dims.height, tiles->bands,
                           tiles->pixel > (size_t)tiles->bands ? VIPS_FORMAT_USHORT
                                                               : VIPS_FORMAT_UCHAR,
                           VIPS_CODING_NONE, tiles->space, 1, 1);
    if (TIFFGetField(tiles->tiff.handle, TIFFTAG_ICCPROFILE, &length, &profile) && length)
        vips_image_set_blob_copy(image, VIPS_META_ICC_NAME, profile, length);
    return image;
}

/* libvips asks for some rows; its cache of lines does so one thread at a time. */
static int give_rows(VipsRegion *out, void *sequence, void *window, void *unused, gboolean *stop)
{
    tiles_t *tiles = window;
    const VipsRect *asked = &out->valid;
    const iiif_rect_t area = { tiles->left + (apr_uint32_t)asked->left,
                               tiles->top + (apr_uint32_t)asked->top, (apr_uint32_t)asked->width,
                               (apr_uint32_t)asked->height };
    const canvas_t canvas = { area, VIPS_REGION_ADDR_TOPLEFT(out), (size_t)VIPS_REGION_LSKIP(out) };
    iiif_err_t err;

    (void)sequence;
    (void)unused;
    (void)stop;
    if (decode(&canvas, tiles, &err) == APR_SUCCESS)
        return 0;
    vips_error("tiff", "%s", err.text);
    return -1;
}

static void close_tiles(VipsImage *image, void *tiles)
{
    (void)image;
    apr_pool_destroy(((tiles_t *)tiles)->pool);
}

/* An image of which a row or two of tiles is in memory at a time, decoded while it is used: as fast
 * as all of it at once, and the larger it is the faster. It starts at the edge of a tile, so that
 * none is decoded twice. */
static apr_status_t stream(VipsImage **image, tiles_t *tiles, iiif_rect_t rect, iiif_err_t *err)
{
    VipsObject *scope = VIPS_OBJECT(vips_image_new());
    VipsImage **t = (VipsImage **)vips_object_local_array(scope, 2);
    apr_uint32_t above = rect.y % tiles->tile.height;
    int failed;

    tiles->left = rect.x;
    tiles->top = rect.y - above;
    t[0] = describe(vips_image_new(), tiles, (iiif_dims_t){ rect.width, rect.height + above });
    g_signal_connect(t[0], "close", G_CALLBACK(close_tiles), tiles);
    failed =
        vips_image_pipelinev(t[0], VIPS_DEMAND_STYLE_THINSTRIP, NULL)
        || vips_image_generate(t[0], NULL, give_rows, NULL, tiles, NULL)
        || vips_linecache(t[0], &t[1], "tile_height", (int)tiles->tile.height, "access",
                          VIPS_ACCESS_SEQUENTIAL, NULL)
        || vips_extract_area(t[1], image, 0, (int)above, (int)rect.width, (int)rect.height, NULL);
    g_object_unref(scope);
    return failed ? iiif_vips_failed(err, IIIF_EBADSOURCE, "window") : APR_SUCCESS;
}

apr_status_t iiif_tiff_window(VipsImage **image, const iiif_source_t *source,
                              const iiif_level_t *level, iiif_rect_t rect, iiif_err_t *err)
{
    apr_pool_t *pool;
    tiles_t *tiles;
    apr_status_t rv;

    if (source->format != IIIF_SOURCE_TIFF || !source->tile.width)
        return iiif_fail(err, IIIF_ENOTIMPL, "no tiles");
    apr_pool_create(&pool, NULL); /* of its own, for as long as the image */
    tiles = apr_pcalloc(pool, sizeof(*tiles));
    tiles->pool = pool;
    rv = open_tiles(tiles, source, level, err);
    if (rv != APR_SUCCESS) {
        apr_pool_destroy(pool);
        return rv;
    }
    return stream(image, tiles, rect, err);
}
