/* SPDX-License-Identifier: Apache-2.0 */
#include "image/raw_tile.h"

#include <apr_file_io.h>
#include <sys/stat.h>
#include <tiffio.h>

#include "images.h"

#define TILED "tile,tile-width=64,tile-height=48,pyramid"

static const iiif_dims_t sides = { 320, 192 };

/* JFIF 1.01 without density, a marker of Adobe's with transform 0. */
static const char jfif[] = "\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0";
static const char adobe[] = "\xff\xee\0\x0e"
                            "Adobe\0\x64\0\0\0\0";

/* clang-format off */
static const struct {
    const char *name;
    int bands;
    const char *options;
    iiif_format_e format; /* IIIF_FORMATS: not sent raw */
    const char *opening;  /* between SOI and the rest; both have their last zero as terminator */
    const char *profile;  /* of libvips' own, that goes along */
} files[] = {
    { "ycc.tif",       3, "[" TILED ",compression=jpeg,Q=75]", IIIF_FORMAT_JPG, jfif, NULL },
    { "rgb.tif",       3, "[" TILED ",compression=jpeg,Q=95]", IIIF_FORMAT_JPG, adobe, NULL },
    { "gray.tif",      1, "[" TILED ",compression=jpeg,Q=75]", IIIF_FORMAT_JPG, jfif, NULL },
    { "big.tif",       3, "[" TILED ",compression=jpeg,Q=75,bigtiff]", IIIF_FORMAT_JPG, jfif, NULL },
    { "subifd.tif",    3, "[" TILED ",compression=jpeg,Q=75,subifd]", IIIF_FORMAT_JPG, jfif, NULL },
    { "ycc-p3.tif",    3, "[" TILED ",compression=jpeg,Q=75,profile=p3]", IIIF_FORMAT_JPG, jfif, "p3" },
    { "rgb-p3.tif",    3, "[" TILED ",compression=jpeg,Q=95,profile=p3]", IIIF_FORMAT_JPG, adobe, "p3" },
    { "ycc-srgb.tif",  3, "[" TILED ",compression=jpeg,Q=75,profile=srgb]", IIIF_FORMAT_JPG, jfif, NULL },
    { "gray-p3.tif",   1, "[" TILED ",compression=jpeg,Q=75,profile=p3]", IIIF_FORMAT_JPG, jfif, NULL },
    { "webp.tif",      3, "[" TILED ",compression=webp,Q=90]", IIIF_FORMAT_WEBP, NULL, NULL },
    { "lossless.tif",  3, "[" TILED ",compression=webp,lossless]", IIIF_FORMAT_WEBP, NULL, NULL },
    { "webp-rgba.tif", 4, "[" TILED ",compression=webp,lossless]", IIIF_FORMAT_WEBP, NULL, NULL },
    { "webp-times.tif", 4, "[" TILED ",compression=webp,lossless,premultiply]", IIIF_FORMATS, NULL, NULL },
    { "webp-srgb.tif", 3, "[" TILED ",compression=webp,profile=srgb]", IIIF_FORMAT_WEBP, NULL, NULL },
    { "webp-p3.tif",   3, "[" TILED ",compression=webp,profile=p3]", IIIF_FORMATS, NULL, NULL },
    { "deflate.tif",   3, "[" TILED ",compression=deflate]", IIIF_FORMATS, NULL, NULL },
    { "plain.tif",     3, "[" TILED "]", IIIF_FORMATS, NULL, NULL },
    { "strips.tif",    3, "[compression=jpeg,Q=75]", IIIF_FORMATS, NULL, NULL },
    { "ycc.jpg",       3, NULL, IIIF_FORMATS, NULL, NULL },
};
/* clang-format on */

/* -- what is sent before a tile ---------------------------------------------------------------- */

typedef struct bytes_t {
    unsigned char data[8192];
    size_t len;
} bytes_t;

static void add(bytes_t *bytes, const void *data, size_t len)
{
    if (len > sizeof(bytes->data) - bytes->len)
        abort();
    memcpy(bytes->data + bytes->len, data, len);
    bytes->len += len;
}

/* ICC.1:2010, annex B.4: a marker, its length, a name, "chunk 1 of 1". */
static void add_profile(bytes_t *bytes, const char *name)
{
    VipsBlob *blob;
    size_t size;
    const void *profile;
    unsigned char length[2];

    if (vips_profile_load(name, &blob, NULL))
        abort();
    profile = vips_blob_get(blob, &size);
    length[0] = (unsigned char)((size + 16) / 256);
    length[1] = (unsigned char)((size + 16) % 256);
    add(bytes, "\xff\xe2", 2);
    add(bytes, length, 2);
    add(bytes, "ICC_PROFILE\0\1\1", 14);
    add(bytes, profile, size);
    vips_area_unref(VIPS_AREA(blob));
}

/* The tables of the level, as libtiff has them, without the SOI and EOI around. */
static void add_tables(bytes_t *bytes, TIFF *file)
{
    const unsigned char *tables = NULL;
    uint32_t len = 0;

    if (TIFFGetField(file, TIFFTAG_JPEGTABLES, &len, &tables) && len > 4)
        add(bytes, tables + 2, len - 4);
}

static int is_head(const iiif_raw_level_t *level, unsigned i, TIFF *file)
{
    bytes_t want = { .len = 0 };

    if (files[i].format == IIIF_FORMAT_JPG) {
        add(&want, "\xff\xd8", 2);
        add(&want, files[i].opening, files[i].opening == jfif ? sizeof(jfif) : sizeof(adobe));
        if (files[i].profile)
            add_profile(&want, files[i].profile);
        add_tables(&want, file);
    }
    return level->head_length == want.len && !memcmp(level->head, want.data, want.len)
           && level->skip == (want.len ? 2 : 0);
}

/* -- the tiles themselves ------------------------------------------------------------------------
 */

static VipsImage *decode(const iiif_bytes_t *bytes, int bands)
{
    VipsImage *image = vips_image_new_from_buffer(bytes->data, bytes->len, "", NULL);

    if (image && (image->Xsize != 64 || image->Ysize != 48 || image->Bands != bands))
        g_clear_object(&image);
    return image;
}

/* How far the worst sample of a tile of the largest level is off, which tiles fill. */
static int farthest(const iiif_bytes_t *bytes, apr_uint32_t left, apr_uint32_t top, int bands)
{
    VipsImage *image = decode(bytes, bands);
    size_t size = 0;
    unsigned char *samples = image ? vips_image_write_to_memory(image, &size) : NULL;
    const unsigned char *s = samples;
    apr_uint32_t x, y;
    int band, worst = samples ? 0 : 256;

    for (y = top; samples && y < top + 48; ++y) {
        for (x = left; x < left + 64; ++x) {
            for (band = 0; band < bands; ++band, ++s)
                worst = MAX(worst, abs(*s - sample_at(x, y, band)));
        }
    }
    g_free(samples);
    g_clear_object(&image);
    return worst;
}

/* Head and tile, the tile as libtiff reads it. */
static int is_whole(const iiif_bytes_t *bytes, const iiif_raw_level_t *level, TIFF *file,
                    apr_uint32_t index)
{
    static unsigned char stream[65536];
    tmsize_t len = TIFFReadRawTile(file, index, stream, sizeof(stream));

    return len > (tmsize_t)level->skip
           && bytes->len == level->head_length + (size_t)len - level->skip
           && !memcmp(bytes->data, level->head, level->head_length)
           && !memcmp((char *)bytes->data + level->head_length, stream + level->skip,
                      (size_t)len - level->skip);
}

static void test_tile(const iiif_source_t *source, const iiif_level_t *level, unsigned i,
                      TIFF *file, apr_uint32_t index)
{
    const iiif_raw_tile_t tile = { .level = level->raw, .index = index };
    apr_uint32_t left = index % level->raw->columns * 64, top = index / level->raw->columns * 48;
    iiif_bytes_t bytes = { NULL, 0 };
    iiif_err_t err = { "" };
    int worst = 256;

    if (iiif_raw_tile_read(&bytes, &tile, source, &err) == APR_SUCCESS
        && iiif_raw_tile_length(&tile) == bytes.len && is_whole(&bytes, level->raw, file, index))
        worst = level == source->levels ? farthest(&bytes, left, top, files[i].bands) : 0;
    /* the next tile differs by 16 across, by 6 down */
    ok(worst <= (level->raw->format == IIIF_FORMAT_JPG ? 5 : 7),
       "  tile %u from %u,%u is whole, and %d off %s", index, left, top, worst, err.text);
    iiif_bytes_free(bytes.data);
}

static void test_level(const iiif_source_t *source, int number, unsigned i, TIFF *file)
{
    const iiif_level_t *level = &source->levels[number];
    const iiif_raw_level_t *raw = level->raw;
    apr_uint32_t columns = (level->dims.width + 63) / 64, rows = (level->dims.height + 47) / 48, k;
    int right = TIFFSetSubDirectory(file, level->directory);

    if (!ok(right && raw && raw->format == files[i].format && raw->tile.width == 64
                && raw->tile.height == 48 && raw->columns == columns && raw->rows == rows,
            "%s: level %d is sent raw", files[i].name, number))
        return;
    for (k = 0; k < columns * rows; ++k)
        right = right && raw->offsets[k] == TIFFGetStrileOffset(file, k)
                && raw->lengths[k] == TIFFGetStrileByteCount(file, k);
    ok(right, "  its tiles lie where they lie");
    ok(is_head(raw, i, file), "  and what they lack is put before them");
    for (k = 0; k < columns * rows; ++k)
        test_tile(source, level, i, file, k);
}

static void test_file(unsigned i, apr_pool_t *pool)
{
    const char *path =
        write_image(files[i].name, picture(sides, files[i].bands), files[i].options, pool);
    const iiif_source_t *source = open_source(path, pool);
    apr_size_t least = sizeof(*source);
    TIFF *file;
    int k, raw = 0, told = 0;

    if (!source)
        return;
    for (k = 0; k < source->level_count; ++k)
        raw += source->levels[k].raw != NULL;
    for (k = 0; k < source->level_count; ++k)
        told += !source->levels[k].raw == (source->levels[k].blocked != NULL);
    ok(told == source->level_count, "%s: a level that is not sent raw says why", files[i].name);
    if (files[i].format == IIIF_FORMATS) {
        ok(!raw && source->fd < 0, "%s: no level is sent raw, and no file stays open",
           files[i].name);
        return;
    }
    ok(raw == source->level_count && raw >= 3 && source->fd >= 0, "%s: all %d levels are",
       files[i].name, raw);
    file = TIFFOpen(path, "r");
    for (k = 0; k < source->level_count; ++k) {
        test_level(source, k, i, file);
        if (source->levels[k].raw) /* a place and a length each */
            least += (apr_size_t)source->levels[k].raw->columns * source->levels[k].raw->rows * 12
                     + sizeof(iiif_raw_level_t) + source->levels[k].raw->head_length;
    }
    TIFFClose(file);
    ok(source->weight >= least + source->profile_size && source->weight < 2 * least + 4096,
       "  and that weighs %" APR_SIZE_T_FMT " bytes", source->weight);
}

/* -- what libvips does not write -----------------------------------------------------------------
 */

static const struct foreign_t {
    const char *name;
    uint16_t photometric, samples, bits, planar, orientation;
    int tables; /* JPEGTABLESMODE */
    int raw;
} foreign[] = {
    { "with-tables.tif", PHOTOMETRIC_RGB, 3, 8, PLANARCONFIG_CONTIG, 1, 3, 1 },
    { "half-tables.tif", PHOTOMETRIC_RGB, 3, 8, PLANARCONFIG_CONTIG, 1, 1, 1 },
    { "own-tables.tif", PHOTOMETRIC_RGB, 3, 8, PLANARCONFIG_CONTIG, 1, 0, 1 },
    { "own-tables-gray.tif", PHOTOMETRIC_MINISBLACK, 1, 8, PLANARCONFIG_CONTIG, 1, 0, 1 },
    { "white-is-zero.tif", PHOTOMETRIC_MINISWHITE, 1, 8, PLANARCONFIG_CONTIG, 1, 3, 0 },
    { "inks.tif", PHOTOMETRIC_SEPARATED, 4, 8, PLANARCONFIG_CONTIG, 1, 3, 0 },
    { "apart.tif", PHOTOMETRIC_RGB, 3, 8, PLANARCONFIG_SEPARATE, 1, 3, 0 },
    { "mirrored.tif", PHOTOMETRIC_RGB, 3, 8, PLANARCONFIG_CONTIG, 2, 3, 0 },
    { "turned.tif", PHOTOMETRIC_RGB, 3, 8, PLANARCONFIG_CONTIG, 6, 3, 0 },
};

static const char *write_foreign(const struct foreign_t *f, apr_pool_t *pool)
{
    const char *path = path_of(f->name, pool);
    TIFF *file = TIFFOpen(path, "w");
    uint32_t i;
    unsigned char *tile;

    TIFFSetField(file, TIFFTAG_IMAGEWIDTH, 128);
    TIFFSetField(file, TIFFTAG_IMAGELENGTH, 128);
    TIFFSetField(file, TIFFTAG_TILEWIDTH, 64);
    TIFFSetField(file, TIFFTAG_TILELENGTH, 64);
    TIFFSetField(file, TIFFTAG_BITSPERSAMPLE, f->bits);
    TIFFSetField(file, TIFFTAG_SAMPLESPERPIXEL, f->samples);
    TIFFSetField(file, TIFFTAG_PHOTOMETRIC, f->photometric);
    TIFFSetField(file, TIFFTAG_PLANARCONFIG, f->planar);
    TIFFSetField(file, TIFFTAG_ORIENTATION, f->orientation);
    TIFFSetField(file, TIFFTAG_COMPRESSION, COMPRESSION_JPEG);
    TIFFSetField(file, TIFFTAG_JPEGTABLESMODE, f->tables);
    tile = calloc(1, (size_t)TIFFTileSize(file));
    for (i = 0; i < TIFFNumberOfTiles(file); ++i) {
        if (i != 1 || f->planar == PLANARCONFIG_SEPARATE) /* one is left out */
            TIFFWriteEncodedTile(file, i, tile, TIFFTileSize(file));
    }
    free(tile);
    TIFFClose(file);
    return path;
}

static void test_foreign(unsigned i, apr_pool_t *pool)
{
    const struct foreign_t *f = &foreign[i];
    const iiif_source_t *source = open_source(write_foreign(f, pool), pool);
    iiif_raw_tile_t tile = { .level = source ? source->levels[0].raw : NULL };
    iiif_bytes_t bytes = { NULL, 0 };
    VipsImage *image;

    if (!ok(source && !tile.level == !f->raw && (source->fd >= 0) == f->raw, "  is %ssent raw",
            f->raw ? "" : "not ")
        || !tile.level)
        return;
    ok(tile.level->lengths[0] && !tile.level->lengths[1] && tile.level->lengths[2]
           && tile.level->lengths[3],
       "  but the tile that it lacks");
    ok((tile.level->head_length
        > 2 + (f->photometric == PHOTOMETRIC_RGB ? sizeof(adobe) : sizeof(jfif)))
           == (f->tables > 0),
       "  tables go before a tile where it has none");
    tile.index = 3;
    ok(iiif_raw_tile_read(&bytes, &tile, source, NULL) == APR_SUCCESS, "  a tile is read");
    image = vips_image_new_from_buffer(bytes.data ? bytes.data : "", bytes.len, "", NULL);
    ok(image && image->Xsize == 64 && image->Ysize == 64 && image->Bands == f->samples,
       "  and is an image");
    g_clear_object(&image);
    iiif_bytes_free(bytes.data);
}

int main(void)
{
    apr_pool_t *pool = begin_images("raw_level_test");
    unsigned i;

    for (i = 0; i < ROWS(files); ++i)
        test_file(i, pool);
    for (i = 0; i < ROWS(foreign); ++i)
        test_foreign(i, pool);
    end_images(pool);
    return done_testing();
}
