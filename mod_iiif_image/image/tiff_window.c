/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A window of one level of a tiled TIFF, decoded tile by tile: only the tiles that it covers.
 *
 * Tiles that are JPEGs as they are stored are found by what is known of the source, and decoded by
 * libjpeg-turbo, smaller where that is wanted. All others, and those that are not what their
 * directory says, are libtiff's: the level's directory is read where it is, without walking to it.
 *
 * A sparse file (GDAL's SPARSE_OK, cloud optimized GeoTIFF) has tiles of no bytes, which stand for
 * zeros: black, and transparent where there is alpha. libvips takes them for damage.
 */
#include <string.h>

#include "image/private.h"
#include "image/raw_decode.h"
#include "image/tiff_file.h"

#include "base/banned.h"

#define TILE_BYTES_MAX ((apr_uint64_t)64 << 20) /* decoded; larger ones are libvips' affair */
#define WINDOW_BYTES_MAX                                                                           \
    ((apr_uint64_t)16 << 20) /* decoded at once; larger ones as they are used */

/* What the pixels of a tile are. */
typedef struct layout_t {
    VipsInterpretation space;
    int bands;
    size_t pixel;        /* bytes */
    iiif_dims_t tile;    /* pixels, as stored */
    apr_uint64_t length; /* of a tile, bytes, as stored */
} layout_t;

typedef struct tiles_t {
    const iiif_source_t *source;
    const iiif_level_t *level;
    unsigned shrink;             /* pixels of the level to one */
    const iiif_wanted_t *wanted; /* asked once a row of tiles */
    iiif_raw_decoder_t *decoder; /* NULL: libtiff decodes all */
    iiif_tiff_t tiff;            /* opened when it is needed */
    layout_t layout;
    iiif_dims_t tile;       /* pixels, when it is shrunk */
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

/* Samples as libvips would hand them on? */
static int read_layout(layout_t *layout, TIFF *handle)
{
    uint16_t photometric = short_field(handle, TIFFTAG_PHOTOMETRIC);
    uint16_t bits = short_field(handle, TIFFTAG_BITSPERSAMPLE);
    uint16_t compression = short_field(handle, TIFFTAG_COMPRESSION);
    unsigned i;

    if (short_field(handle, TIFFTAG_PLANARCONFIG) != PLANARCONFIG_CONTIG
        || short_field(handle, TIFFTAG_SAMPLEFORMAT) != SAMPLEFORMAT_UINT
        || !TIFFIsCODECConfigured(compression) || iiif_tiff_is_premultiplied(handle))
        return 0;
    layout->bands = short_field(handle, TIFFTAG_SAMPLESPERPIXEL);
    layout->pixel = (size_t)layout->bands * (bits / 8);
    for (i = 0; i < G_N_ELEMENTS(layouts); ++i) {
        if (layouts[i].photometric == photometric && layouts[i].bits == bits
            && layouts[i].colours <= layout->bands
            && (compression == COMPRESSION_JPEG || !layouts[i].jpeg)) {
            layout->space = layouts[i].space;
            return !layouts[i].jpeg
                   || TIFFSetField(handle, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
        }
    }
    return 0;
}

static int read_tile_size(layout_t *layout, TIFF *handle)
{
    if (!TIFFIsTiled(handle) || !TIFFGetField(handle, TIFFTAG_TILEWIDTH, &layout->tile.width)
        || !TIFFGetField(handle, TIFFTAG_TILELENGTH, &layout->tile.height))
        return 0;
    layout->length = TIFFTileSize64(handle);
    return layout->length && layout->length <= TILE_BYTES_MAX
           && layout->length
                  == (apr_uint64_t)layout->tile.width * layout->tile.height * layout->pixel;
}

/* As the directory of the level in the file has it. */
static apr_status_t open_file(layout_t *layout, tiles_t *tiles, iiif_err_t *err)
{
    const iiif_level_t *level = tiles->level;
    uint32_t width = 0, height = 0;
    /* h: go to the level's directory alone; O: load the places of those tiles that are read */
    apr_status_t rv = iiif_tiff_open(&tiles->tiff, tiles->source->file, "rhO", err, tiles->pool);

    if (rv != APR_SUCCESS)
        return rv;
    if (!TIFFSetSubDirectory(tiles->tiff.handle, level->directory)
        || !TIFFGetField(tiles->tiff.handle, TIFFTAG_IMAGEWIDTH, &width)
        || !TIFFGetField(tiles->tiff.handle, TIFFTAG_IMAGELENGTH, &height)
        || width != level->dims.width || height != level->dims.height)
        return iiif_fail(err, IIIF_EBADSOURCE, "the file changed while it was read");
    if (!read_layout(layout, tiles->tiff.handle) || !read_tile_size(layout, tiles->tiff.handle))
        return iiif_fail(err, IIIF_ENOTIMPL, "no tiles that are decoded one by one");
    return APR_SUCCESS;
}

/* As it is known of tiles that are images by themselves. */
static apr_status_t know_layout(tiles_t *tiles, iiif_err_t *err)
{
    const iiif_raw_level_t *raw = tiles->level->raw;
    const int bands = raw->jpeg.components;

    tiles->layout =
        (layout_t){ .space = bands == 1 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB,
                    .bands = bands,
                    .pixel = (size_t)bands,
                    .tile = raw->tile,
                    .length = (apr_uint64_t)raw->tile.width * raw->tile.height * (unsigned)bands };
    if (tiles->layout.length > TILE_BYTES_MAX)
        return iiif_fail(err, IIIF_ENOTIMPL, "tiles are too large");
    return iiif_raw_decoder_make(&tiles->decoder, err, tiles->pool);
}

static apr_status_t free_samples(void *samples)
{
    g_free(samples);
    return APR_SUCCESS;
}

/* No pool's own memory: a large tile would stay with its allocator. */
static apr_status_t make_room(tiles_t *tiles, iiif_err_t *err)
{
    tiles->samples = g_try_malloc(tiles->layout.length);
    if (!tiles->samples)
        return iiif_fail(err, APR_ENOMEM, "no memory for a tile");
    apr_pool_cleanup_register(tiles->pool, tiles->samples, free_samples, apr_pool_cleanup_null);
    return APR_SUCCESS;
}

static apr_status_t open_tiles(tiles_t *tiles, iiif_err_t *err)
{
    apr_status_t rv = iiif_raw_can_decode(tiles->level->raw, tiles->shrink)
                          ? know_layout(tiles, err)
                          : open_file(&tiles->layout, tiles, err);

    if (rv != APR_SUCCESS)
        return rv;
    tiles->tile = (iiif_dims_t){ tiles->layout.tile.width / tiles->shrink,
                                 tiles->layout.tile.height / tiles->shrink };
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
                                      (tmsize_t)tiles->layout.length);
    }
    g_free(jpeg);
    return read && !complaint(tiles, read);
}

/* Decode one tile into tiles->samples, by libtiff. */
static apr_status_t read_stored(tiles_t *tiles, uint32_t index, iiif_err_t *err)
{
    iiif_tiff_t *tiff = &tiles->tiff;
    int failed = 0, read;
    apr_uint64_t length = TIFFGetStrileByteCountWithErr(tiff->handle, index, &failed);

    memset(tiles->samples, 0, (size_t)tiles->layout.length);
    if (!length && !failed && !TIFFGetStrileOffset(tiff->handle, index))
        return APR_SUCCESS;
    tiff->said.text[0] = tiff->warned.text[0] = '\0';
    read =
        !failed
        && TIFFReadEncodedTile(tiff->handle, index, tiles->samples, (tmsize_t)tiles->layout.length)
               > 0;
    if (complaint(tiles, read) && !(read && decodes_with_end(tiles, index, length)))
        return iiif_fail(err, IIIF_EBADSOURCE, "tile %u: %s", index, complaint(tiles, read));
    return APR_SUCCESS;
}

/* Pixels of 8 bits to their means, in place. */
static void shrink_samples(tiles_t *tiles)
{
    const unsigned shrink = tiles->shrink, bits = shrink == 2 ? 2 : shrink == 4 ? 4 : 6;
    const size_t bands = (size_t)tiles->layout.bands;
    const size_t stride = tiles->layout.tile.width * bands;
    unsigned char *to = tiles->samples;
    size_t x, y, band;
    unsigned i;

    for (y = 0; y < tiles->tile.height; ++y) {
        for (x = 0; x < tiles->tile.width; ++x) {
            for (band = 0; band < bands; ++band) {
                const unsigned char *from =
                    tiles->samples + y * shrink * stride + x * shrink * bands + band;
                unsigned sum = 1u << (bits - 1);

                for (i = 0; i < 1u << bits; ++i)
                    sum += from[i / shrink * stride + i % shrink * bands];
                *to++ = (unsigned char)(sum >> bits);
            }
        }
    }
}

/* What libjpeg-turbo was not given, or did not take. Where libtiff finds another kind of tile than
 * the source is known for, it is not that file. */
static apr_status_t read_otherwise(tiles_t *tiles, uint32_t index, iiif_err_t *err)
{
    layout_t found = tiles->layout;
    apr_status_t rv = APR_SUCCESS;

    if (!tiles->tiff.handle)
        rv = open_file(&found, tiles, err);
    if (rv == APR_SUCCESS
        && (found.pixel != tiles->layout.pixel || found.length != tiles->layout.length
            || !iiif_dims_equal(found.tile, tiles->layout.tile)))
        rv = iiif_fail(err, IIIF_EBADSOURCE, "the file changed while it was read");
    if (rv == APR_SUCCESS)
        rv = read_stored(tiles, index, err);
    if (rv == APR_SUCCESS && tiles->shrink > 1)
        shrink_samples(tiles);
    return rv;
}

/* Decode one tile, whole and shrunk. */
static apr_status_t read_tile(const iiif_raw_pixels_t *to, tiles_t *tiles, uint32_t index,
                              iiif_err_t *err)
{
    const iiif_raw_tile_t raw = { .level = tiles->level->raw, .index = index };

    if (tiles->decoder && raw.level->lengths[index]
        && iiif_raw_decode(to, tiles->decoder, &raw, tiles->source, NULL) == APR_SUCCESS)
        return APR_SUCCESS;
    return read_otherwise(tiles, index, err);
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
    const size_t pixel = tiles->layout.pixel;
    apr_uint32_t left = MAX(x, area->x), right = MIN(x + tiles->tile.width, area->x + area->width);
    apr_uint32_t row = MAX(y, area->y);
    apr_uint32_t below = MIN(y + tiles->tile.height, area->y + area->height);

    for (; row < below; ++row) {
        size_t from = (size_t)(row - y) * tiles->tile.width + (left - x);
        size_t to = (row - area->y) * canvas->stride + (left - area->x) * pixel;

        memcpy(canvas->pixels + to, tiles->samples + from * pixel, (right - left) * pixel);
    }
}

/* Decode the tile whose corner is (x, y) of the level, and leave what the canvas has of it there.
 */
static apr_status_t draw_tile(const canvas_t *canvas, tiles_t *tiles, apr_uint32_t x,
                              apr_uint32_t y, iiif_err_t *err)
{
    const apr_uint32_t columns =
        (tiles->level->dims.width + tiles->layout.tile.width - 1) / tiles->layout.tile.width;
    const uint32_t index = y / tiles->tile.height * columns + x / tiles->tile.width;
    const iiif_raw_pixels_t to = { tiles->samples, tiles->tile.width * tiles->layout.pixel,
                                   tiles->shrink };
    apr_status_t rv = read_tile(&to, tiles, index, err);

    if (rv == APR_SUCCESS)
        copy_tile(canvas, tiles, x, y);
    return rv;
}

static apr_status_t decode(const canvas_t *canvas, tiles_t *tiles, iiif_err_t *err)
{
    const iiif_rect_t *area = &canvas->area;
    apr_uint32_t first = area->x - area->x % tiles->tile.width, x;
    apr_uint32_t y = area->y - area->y % tiles->tile.height;
    apr_status_t rv = APR_SUCCESS;

    for (; rv == APR_SUCCESS && y < area->y + area->height; y += tiles->tile.height) {
        if (!iiif_is_wanted(tiles->wanted))
            return iiif_fail(err, IIIF_EGONE, "nobody waits for it any more");
        for (x = first; rv == APR_SUCCESS && x < area->x + area->width; x += tiles->tile.width)
            rv = draw_tile(canvas, tiles, x, y, err);
    }
    return rv;
}

/* An image of what the file says, still without pixels. */
static VipsImage *describe(VipsImage *image, const layout_t *layout, iiif_dims_t dims)
{
    vips_image_init_fields(image, (int)dims.width, (int)dims.height, layout->bands,
                           layout->pixel > (size_t)layout->bands ? VIPS_FORMAT_USHORT
                                                                 : VIPS_FORMAT_UCHAR,
                           VIPS_CODING_NONE, layout->space, 1, 1);
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
    t[0] = describe(vips_image_new(), &tiles->layout,
                    (iiif_dims_t){ rect.width, rect.height + above });
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

static void free_pixels(VipsImage *image, void *pixels)
{
    (void)image;
    g_free(pixels);
}

/* All of a window that is not large. */
static apr_status_t decode_whole(VipsImage **image, tiles_t *tiles, iiif_rect_t rect,
                                 iiif_err_t *err)
{
    const layout_t *layout = &tiles->layout;
    const size_t stride = rect.width * layout->pixel, length = stride * rect.height;
    const canvas_t canvas = { rect, g_try_malloc(length), stride };
    apr_status_t rv;

    if (!canvas.pixels)
        return iiif_fail(err, APR_ENOMEM, "no memory for the pixels of a window");
    rv = decode(&canvas, tiles, err);
    if (rv != APR_SUCCESS) {
        g_free(canvas.pixels);
        return rv;
    }
    *image = describe(
        vips_image_new_from_memory(
            canvas.pixels, length, (int)rect.width, (int)rect.height, layout->bands,
            layout->pixel > (size_t)layout->bands ? VIPS_FORMAT_USHORT : VIPS_FORMAT_UCHAR),
        layout, (iiif_dims_t){ rect.width, rect.height });
    g_signal_connect(*image, "postclose", G_CALLBACK(free_pixels), canvas.pixels);
    return APR_SUCCESS;
}

apr_status_t iiif_tiff_window(VipsImage **image, const iiif_source_t *source,
                              const iiif_window_t *window, iiif_err_t *err)
{
    const iiif_rect_t rect = window->rect;
    apr_pool_t *pool;
    tiles_t *tiles;
    apr_status_t rv;

    if (source->format != IIIF_SOURCE_TIFF || !source->tile.width)
        return iiif_fail(err, IIIF_ENOTIMPL, "no tiles");
    apr_pool_create(&pool, NULL); /* of its own, for as long as the image */
    tiles = apr_pcalloc(pool, sizeof(*tiles));
    tiles->pool = pool;
    tiles->source = source;
    tiles->level = window->level;
    tiles->shrink = window->shrink;
    tiles->wanted = window->wanted;
    rv = open_tiles(tiles, err);
    if (rv == APR_SUCCESS
        && (apr_uint64_t)rect.width * rect.height * tiles->layout.pixel > WINDOW_BYTES_MAX)
        return stream(image, tiles, rect, err);
    if (rv == APR_SUCCESS)
        rv = decode_whole(image, tiles, rect, err);
    apr_pool_destroy(pool);
    return rv;
}
