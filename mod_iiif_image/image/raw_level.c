/* SPDX-License-Identifier: Apache-2.0 */
/* Which levels of a TIFF hold tiles that are images as they are stored, and where these lie. */
#include <apr_strings.h>
#include <string.h>

#include "image/raw_tile.h"
#include "image/tiff_file.h"

#include "base/banned.h"

#define TILES_MAX   (1u << 19) /* of one level: 13 bytes each are kept */
#define LENGTH_MAX  (1u << 26) /* bytes of one tile */
#define PROFILE_MAX 4096       /* bytes of a profile that goes along with each tile */

/* How the tiles of one directory are stored. */
typedef struct storage_t {
    uint16_t compression, photometric, planar, bits, samples, sample_format;
    uint16_t horizontal, vertical; /* chroma subsampling */
    int premultiplied;
    uint32_t tile_width, tile_height;
    const unsigned char *tables; /* JPEGTables; libtiff's own, NULL: none */
    uint32_t tables_length;
} storage_t;

typedef struct segment_t {
    const unsigned char *data;
    apr_size_t length;
} segment_t;

/* clang-format off */
/* What is stored as an image of its own, by TIFF's numbers; and what a JPEG has to say of itself. */
static const struct {
    uint16_t compression, photometric, samples;
    iiif_format_e format;
    segment_t opening; /* between SOI and tables */
} kinds[] = {
#define JFIF  { (const unsigned char *)"\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0", 18 }
#define ADOBE { (const unsigned char *)"\xff\xee\0\x0e" "Adobe\0\x64\0\0\0\0\0", 16 }
    { COMPRESSION_JPEG, PHOTOMETRIC_YCBCR,      3, IIIF_FORMAT_JPG,  JFIF },
    { COMPRESSION_JPEG, PHOTOMETRIC_MINISBLACK, 1, IIIF_FORMAT_JPG,  JFIF },
    /* JFIF would mean YCbCr; transform 0 of Adobe says RGB, without it Safari guesses wrong */
    { COMPRESSION_JPEG, PHOTOMETRIC_RGB,        3, IIIF_FORMAT_JPG,  ADOBE },
    { COMPRESSION_WEBP, PHOTOMETRIC_RGB,        3, IIIF_FORMAT_WEBP, { NULL, 0 } },
    { COMPRESSION_WEBP, PHOTOMETRIC_RGB,        4, IIIF_FORMAT_WEBP, { NULL, 0 } },
#undef JFIF
#undef ADOBE
};
#define KINDS ((int)(sizeof(kinds) / sizeof(kinds[0])))
/* clang-format on */

static void read_storage(storage_t *s, TIFF *handle)
{
    *s = (storage_t){ .photometric = PHOTOMETRIC_MINISWHITE, .horizontal = 1, .vertical = 1 };
    TIFFGetFieldDefaulted(handle, TIFFTAG_COMPRESSION, &s->compression);
    TIFFGetFieldDefaulted(handle, TIFFTAG_PLANARCONFIG, &s->planar);
    TIFFGetFieldDefaulted(handle, TIFFTAG_BITSPERSAMPLE, &s->bits);
    TIFFGetFieldDefaulted(handle, TIFFTAG_SAMPLESPERPIXEL, &s->samples);
    TIFFGetFieldDefaulted(handle, TIFFTAG_SAMPLEFORMAT, &s->sample_format);
    TIFFGetField(handle, TIFFTAG_PHOTOMETRIC, &s->photometric);
    TIFFGetField(handle, TIFFTAG_TILEWIDTH, &s->tile_width);
    TIFFGetField(handle, TIFFTAG_TILELENGTH, &s->tile_height);
    if (s->photometric == PHOTOMETRIC_YCBCR)
        TIFFGetFieldDefaulted(handle, TIFFTAG_YCBCRSUBSAMPLING, &s->horizontal, &s->vertical);
    s->premultiplied = iiif_tiff_is_premultiplied(handle);
    if (!TIFFGetField(handle, TIFFTAG_JPEGTABLES, &s->tables_length, &s->tables))
        s->tables_length = 0;
}

/* What keeps tiles from being images of their own, whatever their compression; NULL: nothing. */
static const char *wrong_samples(const storage_t *s)
{
    if (!s->tile_width || !s->tile_height)
        return "its tiles have no size";
    if (s->planar != PLANARCONFIG_CONTIG)
        return "its colours are stored apart";
    if (s->bits != 8 || s->sample_format != SAMPLEFORMAT_UINT)
        return "its samples are not of 8 bits";
    return s->premultiplied ? "its colours are multiplied by its alpha" : NULL;
}

/* What keeps a tile of this compression from it. */
static const char *wrong_kind(const storage_t *s)
{
    if (s->compression == COMPRESSION_JPEG)
        return "its JPEG is not of YCbCr, RGB or gray";
    return s->compression == COMPRESSION_WEBP ? "its WebP is not of RGB"
                                              : "its compression is neither JPEG nor WebP";
}

/* Row of the table above; KINDS: none. */
static int kind_of(const storage_t *s)
{
    int i;

    for (i = 0; i < KINDS; ++i) {
        if (kinds[i].compression == s->compression && kinds[i].photometric == s->photometric
            && kinds[i].samples == s->samples)
            break;
    }
    return i;
}

/* What lies between SOI and EOI of JPEGTables, and noted in @a jpeg. @return length 0: there are
 * none; data NULL: they are broken */
static segment_t tables_of(const storage_t *s, iiif_jpeg_header_t *jpeg)
{
    if (!s->tables_length)
        return (segment_t){ (const unsigned char *)"", 0 };
    if (!iiif_jpeg_tables(jpeg, s->tables, s->tables_length))
        return (segment_t){ NULL, 0 };
    return (segment_t){ s->tables + 2, s->tables_length - 4 };
}

/* The profile of the pixels as stored, where a reader has to know it. One of another colour space
 * than its image's is ignored, as a render ignores it. */
static segment_t profile_for(const iiif_source_t *source, const storage_t *s)
{
    segment_t profile = { source->profile, source->profile_size };

    if (profile.length < 20 || memcmp(profile.data + 16, s->samples == 1 ? "GRAY" : "RGB ", 4))
        profile.length = 0;
    return profile;
}

/* SOI, opening, profile, tables: what a JPEG tile lacks, or must say. */
static void make_head(iiif_raw_level_t *level, segment_t opening, segment_t profile,
                      segment_t tables, apr_pool_t *pool)
{
    /* ICC.1:2010, annex B.4: the first chunk of one */
    static const unsigned char icc_opening[18] = "\xff\xe2\0\0ICC_PROFILE\0\1\1";
    apr_size_t icc = profile.length ? profile.length + sizeof(icc_opening) : 0;
    unsigned char *head = apr_palloc(pool, 2 + opening.length + icc + tables.length), *h = head;

    *h++ = 0xff;
    *h++ = 0xd8;
    memcpy(h, opening.data, opening.length);
    h += opening.length;
    if (icc) {
        memcpy(h, icc_opening, sizeof(icc_opening));
        h[2] = (unsigned char)((icc - 2) >> 8);
        h[3] = (unsigned char)((icc - 2) & 0xff);
        memcpy(h + sizeof(icc_opening), profile.data, profile.length);
        h += icc;
    }
    memcpy(h, tables.data, tables.length);
    level->head = head;
    level->head_length = (apr_size_t)(h - head) + tables.length;
    level->skip = 2; /* the tile's own SOI */
}

/* What every tile has to be, and what stands before it. @return NULL; else why this level is not
 * sent raw */
static const char *describe(iiif_raw_level_t *level, const iiif_source_t *source, TIFF *handle,
                            apr_pool_t *pool)
{
    storage_t s;
    int kind, i;
    segment_t tables, profile;
    const char *wrong;

    read_storage(&s, handle);
    if ((wrong = wrong_samples(&s)))
        return wrong;
    kind = kind_of(&s);
    if (kind == KINDS)
        return wrong_kind(&s);
    profile = profile_for(source, &s);
    level->format = kinds[kind].format;
    level->tile = (iiif_dims_t){ s.tile_width, s.tile_height };
    level->alpha = s.samples == 4;
    level->head = (const unsigned char *)"";
    if (level->format != IIIF_FORMAT_JPG)
        return profile.length ? "WebP tiles cannot take its ICC profile along" : NULL;
    level->jpeg = (iiif_jpeg_header_t){ .dims = level->tile,
                                        .components = s.samples,
                                        .bits = 8,
                                        .baseline = 1,
                                        .jfif = s.photometric != PHOTOMETRIC_RGB,
                                        .adobe = s.photometric == PHOTOMETRIC_RGB ? 0 : -1,
                                        .ycbcr = s.photometric == PHOTOMETRIC_YCBCR };
    for (i = 0; i < s.samples; ++i) {
        level->jpeg.horizontal[i] = i ? 1 : s.horizontal;
        level->jpeg.vertical[i] = i ? 1 : s.vertical;
    }
    tables = tables_of(&s, &level->jpeg);
    if (!tables.data)
        return "its JPEG tables are damaged";
    if (profile.length > PROFILE_MAX)
        return "its ICC profile is too large to go along with every tile";
    make_head(level, kinds[kind].opening, profile, tables, pool);
    return NULL;
}

/* @return NULL; else what is wrong with the number of tiles */
static const char *locate(iiif_raw_level_t *level, iiif_dims_t dims, TIFF *handle, apr_off_t size,
                          apr_pool_t *pool)
{
    apr_uint64_t columns = (dims.width + (apr_uint64_t)level->tile.width - 1) / level->tile.width;
    apr_uint64_t rows = (dims.height + (apr_uint64_t)level->tile.height - 1) / level->tile.height;
    apr_uint32_t i, count = (apr_uint32_t)(columns * rows);

    if (columns > TILES_MAX || rows > TILES_MAX || columns * rows > TILES_MAX)
        return "it has too many tiles";
    if (TIFFNumberOfTiles(handle) != count)
        return "it has not the tiles of its size";
    level->columns = (apr_uint32_t)columns;
    level->rows = (apr_uint32_t)rows;
    level->offsets = apr_palloc(pool, count * sizeof(*level->offsets));
    level->lengths = apr_palloc(pool, count * sizeof(*level->lengths));
    level->checked = apr_pcalloc(pool, (count / 32 + 1) * sizeof(*level->checked));
    for (i = 0; i < count; ++i) {
        apr_uint64_t offset = TIFFGetStrileOffset(handle, i);
        apr_uint64_t length = TIFFGetStrileByteCount(handle, i);
        int inside = offset && length > level->skip && length <= LENGTH_MAX
                     && length <= (apr_uint64_t)size && offset <= (apr_uint64_t)size - length;

        level->offsets[i] = offset;
        level->lengths[i] = inside ? (apr_uint32_t)length : 0;
    }
    return NULL;
}

static const char *read_level(iiif_raw_level_t *raw, const iiif_source_t *source,
                              const iiif_level_t *level, TIFF *handle, apr_pool_t *pool)
{
    const char *wrong;

    if (!TIFFSetSubDirectory(handle, level->directory))
        return "its directory cannot be read";
    if (!TIFFIsTiled(handle))
        return "it is not tiled";
    if ((wrong = describe(raw, source, handle, pool)))
        return wrong;
    return locate(raw, level->dims, handle, source->stamp.size, pool);
}

/* What keeps all levels of a source from it; NULL: nothing. */
static const char *wrong_source(const iiif_source_t *source)
{
    if (source->format != IIIF_SOURCE_TIFF)
        return "it is no TIFF";
    if (!source->tile.width)
        return "it is not tiled";
    return source->orientation == 1 ? NULL : "it is stored turned";
}

void iiif_raw_levels_read(iiif_source_t *source, apr_size_t *bytes, apr_pool_t *pool)
{
    const char *wrong = wrong_source(source);
    apr_pool_t *scratch;
    iiif_tiff_t tiff;
    int i;

    apr_pool_create(&scratch, pool);
    if (!wrong && iiif_tiff_open(&tiff, source->file, "rO", NULL, scratch) != APR_SUCCESS)
        wrong = "its directory cannot be read";
    for (i = 0; i < source->level_count; ++i) {
        iiif_level_t *level = &source->levels[i];
        iiif_raw_level_t *raw = apr_pcalloc(wrong ? scratch : pool, sizeof(*raw));

        level->blocked = wrong ? wrong : read_level(raw, source, level, tiff.handle, pool);
        if (level->blocked)
            continue;
        level->raw = raw;
        *bytes += sizeof(*raw) + raw->head_length + (apr_size_t)raw->columns * raw->rows * 13;
    }
    apr_pool_destroy(scratch);
}
