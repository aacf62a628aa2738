/* SPDX-License-Identifier: Apache-2.0 */
#include "store/image_size.h"

#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define B(literal) literal, sizeof(literal) - 1
#define JPG        IIIF_FORMAT_JPG
#define PNG        IIIF_FORMAT_PNG
#define WEBP       IIIF_FORMAT_WEBP
#define GIF        IIIF_FORMAT_GIF
#define TIF        IIIF_FORMAT_TIF
#define JP2        IIIF_FORMAT_JP2

#define PNG_START "\x89PNG\r\n\x1a\n"
#define JP2_START "\0\0\0\x0cjP  \r\n\x87\n"
#define JP2_FTYP                                                                                   \
    "\0\0\0\x14"                                                                                   \
    "ftypjp2 \0\0\0\0jp2 "
#define WEBP_START "RIFF\x40\0\0\0WEBP"

/* clang-format off */
/* Headers by hand, complete to the last byte that is read, and at least the 12 that tell the type:
 * each shorter one is refused. */
static const struct {
    const char *what, *bytes;
    apr_size_t len;
    iiif_format_e format;
    iiif_dims_t dims;
} headers[] = {
    { "JPEG, frame first", B("\xff\xd8\xff\xc0\x00\x11\x08\x00\xf0\x01\x40\x03"), JPG, { 320, 240 } },
    { "JPEG, 65535x1", B("\xff\xd8\xff\xc0\x00\x11\x08\x00\x01\xff\xff\x03"), JPG, { 65535, 1 } },
    { "JPEG, progressive, behind APP0 and DQT",
      B("\xff\xd8\xff\xe0\x00\x04JF\xff\xdb\x00\x03\x01\xff\xc2\x00\x11\x08\x01\x02\x03\x04"),
      JPG, { 0x304, 0x102 } },
    { "JPEG, fill bytes", B("\xff\xd8\xff\xff\xff\xfe\x00\x02\xff\xc1\x00\x0b\x08\x00\x07\x00\x09"),
      JPG, { 9, 7 } },
    { "JPEG, a DHT and a DAC are no frame",
      B("\xff\xd8\xff\xc4\x00\x02\xff\xcc\x00\x02\xff\xc0\x00\x0b\x08\x00\x07\x00\x09"), JPG, { 9, 7 } },
    { "JPEG, an SOF inside a comment is none",
      B("\xff\xd8\xff\xfe\x00\x0b\xff\xc0\x00\x0b\x08\x00\x01\x00\x01\xff\xc0\x00\x0b\x08\x00\x07\x00\x09"),
      JPG, { 9, 7 } },
    { "PNG", B(PNG_START "\0\0\0\x0dIHDR\x00\x01\x00\x02\x00\x00\x00\x03"), PNG, { 65538, 3 } },
    { "GIF 87", B("GIF87a\x02\x01\x04\x03\0\0"), GIF, { 0x102, 0x304 } },
    { "GIF 89", B("GIF89a\xff\xff\x01\x00\0\0"), GIF, { 65535, 1 } },
    { "WebP, lossy, scaling bits set",
      B(WEBP_START "VP8 \0\0\0\0\x10\x00\x00\x9d\x01\x2a\x40\x41\xf0\xc0"), WEBP, { 0x140, 0xf0 } },
    { "WebP, lossless: 14 bits each, less one",
      B(WEBP_START "VP8L\0\0\0\0\x2f\xff\xff\xff\x0f\0\0\0\0\0"), WEBP, { 16384, 16384 } },
    { "WebP, extended", B(WEBP_START "VP8X\x0a\0\0\0\0\0\0\0\x3f\x01\x00\xef\x00\x00"), WEBP, { 320, 240 } },
    { "TIFF, little endian, SHORT",
      B("II*\0\x08\0\0\0\x02\0\x00\x01\x03\0\x01\0\0\0\x40\x01\0\0\x01\x01\x03\0\x01\0\0\0\xf0\0\0\0"),
      TIF, { 320, 240 } },
    { "TIFF, big endian, LONG and SHORT",
      B("MM\0*\0\0\0\x08\0\x02\x01\x00\0\x04\0\0\0\x01\0\x01\0\0\x01\x01\0\x03\0\0\0\x01\0\xf0\0\0"),
      TIF, { 65536, 240 } },
    { "TIFF, the directory elsewhere, behind another tag",
      B("II*\0\x0a\0\0\0??\x03\0\xfe\0\x04\0\x01\0\0\0\0\0\0\0"
        "\x00\x01\x04\0\x01\0\0\0\x09\0\0\0\x01\x01\x04\0\x01\0\0\0\x07\0\0\0"), TIF, { 9, 7 } },
    { "BigTIFF, LONG8 and LONG",
      B("II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0"
        "\x00\x01\x10\0\x01\0\0\0\0\0\0\0\x09\0\0\0\0\0\0\0"
        "\x01\x01\x04\0\x01\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0"), TIF, { 9, 7 } },
    { "JPEG 2000", B(JP2_START JP2_FTYP "\0\0\0\x2djp2h\0\0\0\x16ihdr\0\0\0\x07\0\0\0\x09"), JP2, { 9, 7 } },
    { "JPEG 2000, a long box before the header",
      B(JP2_START "\0\0\0\x01" "free\0\0\0\0\0\0\0\x12??\0\0\0\x2djp2h\0\0\0\x16ihdr\0\0\0\x07\0\0\0\x09"),
      JP2, { 9, 7 } },
    { "codestream, the image area begins at 1,2",
      B("\xff\x4f\xff\x51\0\x29\0\0\0\0\0\x0a\0\0\0\x09\0\0\0\x01\0\0\0\x02"), JP2, { 9, 7 } },
};

static const struct {
    const char *what, *bytes;
    apr_size_t len;
} refused[] = {
    { "nothing", B("") },
    { "text", B("this is no image, and long enough") },
    { "JPEG of no height", B("\xff\xd8\xff\xc0\x00\x11\x08\x00\x00\x01\x40\x03") },
    { "JPEG of no width", B("\xff\xd8\xff\xc0\x00\x11\x08\x00\xf0\x00\x00\x03") },
    { "JPEG of 12 bits", B("\xff\xd8\xff\xc1\x00\x11\x0c\x00\xf0\x01\x40\x03") },
    { "JPEG, lossless", B("\xff\xd8\xff\xc3\x00\x11\x08\x00\xf0\x01\x40\x03") },
    { "JPEG, arithmetic", B("\xff\xd8\xff\xc9\x00\x11\x08\x00\xf0\x01\x40\x03") },
    { "JPEG, scan before frame",
      B("\xff\xd8\xff\xda\x00\x02\xff\xc0\x00\x11\x08\x00\xf0\x01\x40\x03") },
    { "JPEG, a segment shorter than its length field",
      B("\xff\xd8\xff\xe0\x00\x01\xff\xc0\x00\x11\x08\x00\xf0\x01\x40\x03") },
    { "JPEG, no marker", B("\xff\xd8\xff\xe0\x00\x02\x00\xc0\x00\x11\x08\x00\xf0\x01\x40\x03") },
    { "JPEG, ends at once", B("\xff\xd8\xff\xd9\x00\x02\xff\xc0\x00\x11\x08\x00\xf0\x01\x40\x03") },
    { "PNG, another chunk first", B(PNG_START "\0\0\0\x0dIDAT\0\0\0\x01\0\0\0\x01") },
    { "PNG of no width", B(PNG_START "\0\0\0\x0dIHDR\0\0\0\0\0\0\0\x01") },
    { "WebP, unknown chunk", B(WEBP_START "ABCD\x0a\0\0\0\0\0\0\0\x3f\x01\x00\xef\x00\x00") },
    { "RIFF, no WebP", B("RIFF\x40\0\0\0WAVEVP8X\x0a\0\0\0\0\0\0\0\x3f\x01\x00\xef\x00\x00") },
    { "TIFF, directory at its own end", B("II*\0\xff\xff\xff\xff\x02\0\x00\x01") },
    { "TIFF without sides", B("II*\0\x08\0\0\0\0\0\0\0") },
    { "TIFF, width of a strange type",
      B("II*\0\x08\0\0\0\x02\0\x00\x01\x0c\0\x01\0\0\0\x40\x01\0\0\x01\x01\x03\0\x01\0\0\0\xf0\0\0\0") },
    { "BigTIFF, directory beyond any file", B("II+\0\x08\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0") },
    { "BigTIFF, 2^64 - 1 entries, of which there are none",
      B("II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff") },
    { "BigTIFF, a side of 2^32",
      B("II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0"
        "\x00\x01\x10\0\x01\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0"
        "\x01\x01\x04\0\x01\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0") },
    { "JPEG 2000, a box of no length", B(JP2_START "\0\0\0\0free\0\0\0\x2djp2h\0\0\0\x16ihdr\0\0\0\x07\0\0\0\x09") },
    { "JPEG 2000, a box beyond any file",
      B(JP2_START "\0\0\0\x01" "free\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\x2djp2h\0\0\0\x16ihdr\0\0\0\x07\0\0\0\x09") },
    { "JPEG 2000, no image header", B(JP2_START "\0\0\0\x2djp2h\0\0\0\x16" "colr\0\0\0\x07\0\0\0\x09") },
    { "codestream, no area", B("\xff\x4f\xff\x51\0\x29\0\0\0\0\0\x01\0\0\0\x09\0\0\0\x01\0\0\0\x02") },
};

/* What libvips writes of an image of 613x207. */
static const struct {
    const char *suffix, *options;
    iiif_format_e format;
} written[] = {
    { ".jpg",  "",                           JPG },
    { ".jpg",  "[interlace,profile=srgb]",   JPG },
    { ".png",  "",                           PNG },
    { ".webp", "",                           WEBP },
    { ".webp", "[lossless]",                 WEBP },
    { ".webp", "[profile=srgb]",             WEBP }, /* extended */
    { ".gif",  "",                           GIF },
    { ".tif",  "",                           TIF },
    { ".tif",  "[tile,pyramid,compression=jpeg]", TIF },
    { ".tif",  "[bigtiff]",                  TIF },
    { ".jp2",  "",                           JP2 },
};
/* clang-format on */

static char directory[] = "/tmp/image_size_test.XXXXXX";

static const char *write_file(const char *bytes, apr_size_t len, apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, directory, "/file", NULL);
    apr_file_t *file;

    if (apr_file_open(&file, path, APR_FOPEN_WRITE | APR_FOPEN_CREATE | APR_FOPEN_TRUNCATE,
                      APR_FPROT_OS_DEFAULT, pool)
            != APR_SUCCESS
        || apr_file_write_full(file, bytes, len, NULL) != APR_SUCCESS
        || apr_file_close(file) != APR_SUCCESS)
        abort();
    return path;
}

static int reads(iiif_image_size_t *size, const char *path, apr_pool_t *pool)
{
    return iiif_image_size_read(size, path, NULL, pool) == APR_SUCCESS;
}

static void run(const char *command)
{
    ok(system(command) == 0, "%s", command);
}

static void is_written(unsigned i, apr_pool_t *pool)
{
    const char *path = apr_psprintf(pool, "%s/%u%s", directory, i, written[i].suffix);
    iiif_image_size_t size;

    run(apr_psprintf(pool, "vips copy %s/source.v '%s%s'", directory, path, written[i].options));
    ok(reads(&size, path, pool) && size.format == written[i].format && size.dims.width == 613
           && size.dims.height == 207 && size.ended,
       "  is of 613x207, and whole");
}

int main(void)
{
    iiif_image_size_t size = { .format = 0 }, before;
    apr_pool_t *pool, *row;
    iiif_err_t err;
    unsigned i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    apr_pool_create(&row, pool);
    if (!mkdtemp(directory))
        return 1;
    memset(&before, 0x55, sizeof(before));
    for (i = 0; i < ROWS(headers); ++i) {
        apr_size_t len = headers[i].len;

        ok(reads(&size, write_file(headers[i].bytes, len, row), row)
               && size.format == headers[i].format && size.dims.width == headers[i].dims.width
               && size.dims.height == headers[i].dims.height,
           "%s: %ux%u", headers[i].what, size.dims.width, size.dims.height);
        for (len = headers[i].len; len-- > 0;) {
            if (reads(&size, write_file(headers[i].bytes, len, row), row))
                break;
            apr_pool_clear(row);
        }
        ok(len == (apr_size_t)-1, "  and not a byte less");
    }
    for (i = 0; i < ROWS(refused); ++i) {
        const char *path = write_file(refused[i].bytes, refused[i].len, row);

        size = before;
        ok(iiif_image_size_read(&size, path, &err, row) == IIIF_EBADSOURCE && strstr(err.text, path)
               && !memcmp(&size, &before, sizeof(size)),
           "%s is refused", refused[i].what);
    }
    ok(APR_STATUS_IS_ENOENT(iiif_image_size_read(&size, "/nowhere/at/all", &err, row)),
       "a file that is not there");
    run(apr_psprintf(pool, "vips black %s/source.v 613 207 --bands 3", directory));
    for (i = 0; i < ROWS(written); ++i)
        is_written(i, pool);
    run(apr_psprintf(pool, "rm -r %s", directory));
    apr_terminate();
    return done_testing();
}
