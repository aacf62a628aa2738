/* SPDX-License-Identifier: Apache-2.0 */
#include "store/image_size.h"

#include <apr_file_io.h>
#include <string.h>

#include "base/banned.h"

#define SEGMENTS_MAX 1024 /* of a JPEG before its frame: 16 MB of ICC profile are 256 */
#define BOXES_MAX    64   /* of a JPEG 2000 file before its header */
#define ENTRIES_MAX  4096 /* of a TIFF directory */

/* The bytes at @a offset, all @a len of them, or 0. The file is buffered: near bytes cost nothing.
 */
static int read_at(apr_file_t *file, apr_uint64_t offset, unsigned char *bytes, apr_size_t len)
{
    apr_off_t at = (apr_off_t)offset;

    return offset <= APR_INT64_MAX && apr_file_seek(file, APR_SET, &at) == APR_SUCCESS
           && apr_file_read_full(file, bytes, len, NULL) == APR_SUCCESS;
}

static apr_uint64_t big_endian(const unsigned char *bytes, int count)
{
    apr_uint64_t value = 0;
    int i;

    for (i = 0; i < count; ++i)
        value = value << 8 | bytes[i];
    return value;
}

static apr_uint64_t little_endian(const unsigned char *bytes, int count)
{
    apr_uint64_t value = 0;

    while (count-- > 0)
        value = value << 8 | bytes[count];
    return value;
}

/* Each reader below: 1 and the dimensions, or 0. */

/* The frame is SOF0, SOF1 or SOF2; what may stand before it are segments that say their length. */
static int jpeg_dims(iiif_dims_t *dims, apr_file_t *file)
{
    apr_uint64_t offset = 2;
    unsigned char b[9];
    int i;

    for (i = 0; i < SEGMENTS_MAX && read_at(file, offset, b, 4); ++i) {
        if (b[0] != 0xff)
            return 0;
        if (b[1] == 0xff) { /* a fill byte (B.1.1.2) */
            ++offset;
            continue;
        }
        if (b[1] >= 0xc0 && b[1] <= 0xc2) {
            if (!read_at(file, offset, b, 9) || b[4] != 8)
                return 0;
            dims->height = (apr_uint32_t)big_endian(b + 5, 2);
            dims->width = (apr_uint32_t)big_endian(b + 7, 2);
            return 1;
        }
        /* other frames, markers without a length, the scan */
        if ((b[1] >= 0xc3 && b[1] <= 0xcf && b[1] != 0xc4 && b[1] != 0xcc)
            || (b[1] >= 0xd0 && b[1] <= 0xda) || b[1] <= 0x01 || big_endian(b + 2, 2) < 2)
            return 0;
        offset += 2 + big_endian(b + 2, 2);
    }
    return 0;
}

static int png_dims(iiif_dims_t *dims, apr_file_t *file)
{
    unsigned char b[16];

    if (!read_at(file, 8, b, sizeof(b)) || memcmp(b, "\0\0\0\x0dIHDR", 8) != 0)
        return 0;
    dims->width = (apr_uint32_t)big_endian(b + 8, 4);
    dims->height = (apr_uint32_t)big_endian(b + 12, 4);
    return 1;
}

static int gif_dims(iiif_dims_t *dims, apr_file_t *file)
{
    unsigned char b[4];

    if (!read_at(file, 6, b, sizeof(b)))
        return 0;
    dims->width = (apr_uint32_t)little_endian(b, 2);
    dims->height = (apr_uint32_t)little_endian(b + 2, 2);
    return 1;
}

static int webp_dims(iiif_dims_t *dims, apr_file_t *file)
{
    unsigned char b[18];
    apr_uint64_t bits;

    if (!read_at(file, 12, b, sizeof(b)))
        return 0;
    if (!memcmp(b, "VP8X", 4)) {
        dims->width = (apr_uint32_t)little_endian(b + 12, 3) + 1;
        dims->height = (apr_uint32_t)little_endian(b + 15, 3) + 1;
        return 1;
    }
    if (!memcmp(b, "VP8L", 4) && b[8] == 0x2f) {
        bits = little_endian(b + 9, 4);
        dims->width = (apr_uint32_t)(bits & 0x3fff) + 1;
        dims->height = (apr_uint32_t)(bits >> 14 & 0x3fff) + 1;
        return 1;
    }
    if (!memcmp(b, "VP8 ", 4) && !memcmp(b + 11, "\x9d\x01\x2a", 3)) {
        dims->width = (apr_uint32_t)little_endian(b + 14, 2) & 0x3fff;
        dims->height = (apr_uint32_t)little_endian(b + 16, 2) & 0x3fff;
        return 1;
    }
    return 0;
}

/* How a TIFF lays out its first directory: classic, or BigTIFF. */
typedef struct tiff_t {
    apr_uint64_t (*number)(const unsigned char *bytes, int count);
    int big;
    apr_uint64_t directory; /* where it begins */
} tiff_t;

static int tiff_header(tiff_t *tiff, apr_file_t *file)
{
    unsigned char b[16];

    if (!read_at(file, 0, b, 8))
        return 0;
    tiff->number = b[0] == 'I' ? little_endian : big_endian;
    tiff->big = tiff->number(b + 2, 2) == 43;
    if (tiff->big && !read_at(file, 0, b, 16))
        return 0;
    tiff->directory = tiff->big ? tiff->number(b + 8, 8) : tiff->number(b + 4, 4);
    return 1;
}

/* SHORT, LONG and LONG8 stand at the start of the value field. 0: not a side. */
static apr_uint32_t tiff_side(const tiff_t *tiff, const unsigned char *entry)
{
    const unsigned char *field = entry + (tiff->big ? 12 : 8);
    apr_uint64_t type = tiff->number(entry + 2, 2), value = 0;

    if (type == 3)
        value = tiff->number(field, 2);
    else if (type == 4)
        value = tiff->number(field, 4);
    else if (type == 16 && tiff->big)
        value = tiff->number(field, 8);
    return value <= APR_UINT32_MAX ? (apr_uint32_t)value : 0;
}

static int tiff_dims(iiif_dims_t *dims, apr_file_t *file)
{
    unsigned char b[20];
    apr_uint64_t i, count;
    apr_size_t entry;
    tiff_t tiff;

    if (!tiff_header(&tiff, file) || !read_at(file, tiff.directory, b, tiff.big ? 8 : 2))
        return 0;
    count = tiff.number(b, tiff.big ? 8 : 2);
    entry = tiff.big ? 20 : 12;
    tiff.directory += tiff.big ? 8 : 2;
    for (i = 0; i < count && i < ENTRIES_MAX; ++i) {
        if (!read_at(file, tiff.directory + i * entry, b, entry))
            return 0;
        if (tiff.number(b, 2) == 256) /* ImageWidth */
            dims->width = tiff_side(&tiff, b);
        if (tiff.number(b, 2) == 257) /* ImageLength */
            dims->height = tiff_side(&tiff, b);
    }
    return 1;
}

/* The image header box is the first in the JP2 header box, which is one of the file's. */
static int jp2_dims(iiif_dims_t *dims, apr_file_t *file)
{
    apr_uint64_t offset = 12;
    unsigned char b[24];
    int i;

    for (i = 0; i < BOXES_MAX && offset < APR_INT64_MAX && read_at(file, offset, b, 8); ++i) {
        apr_uint64_t length = big_endian(b, 4);

        if (!memcmp(b + 4, "jp2h", 4)) {
            if (!read_at(file, offset + 8, b, 16) || memcmp(b + 4, "ihdr", 4) != 0)
                return 0;
            dims->height = (apr_uint32_t)big_endian(b + 8, 4);
            dims->width = (apr_uint32_t)big_endian(b + 12, 4);
            return 1;
        }
        if (length == 1 && read_at(file, offset + 8, b + 8, 8))
            length = big_endian(b + 8, 8);
        if (length < 8 || length > APR_INT64_MAX)
            return 0;
        offset += length;
    }
    return 0;
}

/* SIZ: the image area is the reference grid without its offset. */
static int codestream_dims(iiif_dims_t *dims, apr_file_t *file)
{
    unsigned char b[16];
    apr_uint64_t right, bottom, left, top;

    if (!read_at(file, 8, b, sizeof(b)))
        return 0;
    right = big_endian(b, 4);
    bottom = big_endian(b + 4, 4);
    left = big_endian(b + 8, 4);
    top = big_endian(b + 12, 4);
    if (left >= right || top >= bottom)
        return 0;
    *dims = (iiif_dims_t){ (apr_uint32_t)(right - left), (apr_uint32_t)(bottom - top) };
    return 1;
}

/* clang-format off */
static const struct {
    iiif_format_e format;
    apr_size_t len;
    const char *bytes; /* the file's first; "????" stands for any four */
    int (*dims)(iiif_dims_t *dims, apr_file_t *file);
    apr_size_t end_len;
    const char *end;   /* and its last, where the format has an end */
} types[] = {
    { IIIF_FORMAT_JPG,   3, "\xff\xd8\xff",             jpeg_dims,       2, "\xff\xd9" },
    { IIIF_FORMAT_PNG,   8, "\x89PNG\r\n\x1a\n",        png_dims,        8, "IEND\xae\x42\x60\x82" },
    { IIIF_FORMAT_WEBP, 12, "RIFF????WEBP",             webp_dims,       0, "" },
    { IIIF_FORMAT_GIF,   6, "GIF87a",                   gif_dims,        1, ";" },
    { IIIF_FORMAT_GIF,   6, "GIF89a",                   gif_dims,        1, ";" },
    { IIIF_FORMAT_TIF,   4, "II*\0",                    tiff_dims,       0, "" },
    { IIIF_FORMAT_TIF,   4, "MM\0*",                    tiff_dims,       0, "" },
    { IIIF_FORMAT_TIF,   4, "II+\0",                    tiff_dims,       0, "" },
    { IIIF_FORMAT_TIF,   4, "MM\0+",                    tiff_dims,       0, "" },
    { IIIF_FORMAT_JP2,  12, "\0\0\0\x0cjP  \r\n\x87\n", jp2_dims,        0, "" },
    { IIIF_FORMAT_JP2,   4, "\xff\x4f\xff\x51",         codestream_dims, 2, "\xff\xd9" },
};
/* clang-format on */

static int begins_with(const unsigned char *bytes, const char *signature, apr_size_t len)
{
    apr_size_t i;

    for (i = 0; i < len; ++i) {
        if (signature[i] != '?' && bytes[i] != (unsigned char)signature[i])
            return 0;
    }
    return 1;
}

/* A writer that was stopped leaves a file without its end. */
static int ends_with(apr_file_t *file, const char *end, apr_size_t len)
{
    unsigned char last[8];
    apr_off_t from = -(apr_off_t)len;

    return !len
           || (apr_file_seek(file, APR_END, &from) == APR_SUCCESS
               && apr_file_read_full(file, last, len, NULL) == APR_SUCCESS
               && !memcmp(last, end, len));
}

static int header_dims(iiif_image_size_t *size, apr_file_t *file)
{
    unsigned char first[12];
    unsigned i;

    if (!read_at(file, 0, first, sizeof(first)))
        return 0;
    for (i = 0; i < sizeof(types) / sizeof(types[0]); ++i) {
        if (begins_with(first, types[i].bytes, types[i].len)) {
            size->format = types[i].format;
            size->ended = ends_with(file, types[i].end, types[i].end_len);
            return types[i].dims(&size->dims, file);
        }
    }
    return 0;
}

apr_status_t iiif_image_size_read(iiif_image_size_t *size, const char *path, iiif_err_t *err,
                                  apr_pool_t *pool)
{
    iiif_image_size_t found = { IIIF_FORMATS, { 0, 0 }, 0 };
    apr_file_t *file;
    apr_status_t rv =
        apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BUFFERED, APR_FPROT_OS_DEFAULT, pool);
    int known;

    if (rv != APR_SUCCESS)
        return iiif_fail(err, rv, "%s cannot be opened", path);
    known = header_dims(&found, file);
    apr_file_close(file);
    if (!known || !found.dims.width || !found.dims.height)
        return iiif_fail(err, IIIF_EBADSOURCE, "%s is no image of a known type", path);
    *size = found;
    return APR_SUCCESS;
}
