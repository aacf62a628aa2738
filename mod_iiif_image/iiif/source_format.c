/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/source_format.h"

#include <string.h>
#include <strings.h>

#include "base/banned.h"

/* clang-format off */
static const iiif_source_format_t formats[IIIF_SOURCE_FORMATS] = {
    [IIIF_SOURCE_JPEG] = { "jpeg", { "jpg", "jpeg", "jpe" } },
    [IIIF_SOURCE_PNG]  = { "png",  { "png" } },
    [IIIF_SOURCE_TIFF] = { "tiff", { "tif", "tiff", "ptif", "btf" } },
    [IIIF_SOURCE_JP2]  = { "jp2",  { "jp2", "j2k", "jpx", "j2c" } },
    [IIIF_SOURCE_WEBP] = { "webp", { "webp" } },
    [IIIF_SOURCE_GIF]  = { "gif",  { "gif" } },
    [IIIF_SOURCE_HEIF] = { "heif", { "heic", "heif", "hif" } },
    [IIIF_SOURCE_AVIF] = { "avif", { "avif" } },
    [IIIF_SOURCE_JXL]  = { "jxl",  { "jxl" } },
    [IIIF_SOURCE_PDF]  = { "pdf",  { "pdf" } },
    [IIIF_SOURCE_SVG]  = { "svg",  { "svg" } },
};

/* First bytes, from each format's own specification; ISO base media files by their major brand. */
static const struct {
    iiif_source_format_e format;
    unsigned offset, len;
    const char *bytes;
} signatures[] = {
    { IIIF_SOURCE_JPEG, 0,  3, "\xff\xd8\xff" },
    { IIIF_SOURCE_PNG,  0,  8, "\x89PNG\r\n\x1a\n" },
    { IIIF_SOURCE_TIFF, 0,  4, "II*\0" },
    { IIIF_SOURCE_TIFF, 0,  4, "MM\0*" },
    { IIIF_SOURCE_TIFF, 0,  4, "II+\0" },                  /* BigTIFF */
    { IIIF_SOURCE_TIFF, 0,  4, "MM\0+" },
    { IIIF_SOURCE_JP2,  0, 12, "\0\0\0\x0cjP  \r\n\x87\n" },
    { IIIF_SOURCE_JP2,  0,  4, "\xff\x4f\xff\x51" },       /* bare codestream */
    { IIIF_SOURCE_WEBP, 8,  4, "WEBP" },
    { IIIF_SOURCE_GIF,  0,  5, "GIF87" },
    { IIIF_SOURCE_GIF,  0,  5, "GIF89" },
    { IIIF_SOURCE_AVIF, 4,  8, "ftypavif" },
    { IIIF_SOURCE_AVIF, 4,  8, "ftypavis" },
    { IIIF_SOURCE_HEIF, 4,  8, "ftypheic" },
    { IIIF_SOURCE_HEIF, 4,  8, "ftypheix" },
    { IIIF_SOURCE_HEIF, 4,  8, "ftypmif1" },
    { IIIF_SOURCE_HEIF, 4,  8, "ftypmsf1" },
    { IIIF_SOURCE_HEIF, 4,  8, "ftyphevc" },
    { IIIF_SOURCE_JXL,  0,  2, "\xff\x0a" },
    { IIIF_SOURCE_JXL,  0, 12, "\0\0\0\x0cJXL \r\n\x87\n" },
    { IIIF_SOURCE_PDF,  0,  5, "%PDF-" },
};
/* clang-format on */

const iiif_source_format_t *iiif_source_format(iiif_source_format_e format)
{
    return &formats[format];
}

iiif_source_format_e iiif_source_format_by_name(const char *name)
{
    unsigned i = 0;

    while (i < IIIF_SOURCE_FORMATS && strcasecmp(formats[i].name, name))
        ++i;
    return (iiif_source_format_e)i;
}

iiif_source_format_e iiif_source_format_by_extension(const char *extension)
{
    unsigned i, k;

    for (i = 0; i < IIIF_SOURCE_FORMATS; ++i) {
        for (k = 0; k < IIIF_EXTENSIONS_MAX && formats[i].extensions[k]; ++k) {
            if (!strcasecmp(formats[i].extensions[k], extension))
                return (iiif_source_format_e)i;
        }
    }
    return IIIF_SOURCE_FORMATS;
}

/* SVG is text: a root element within the first bytes, behind declaration, comment or DOCTYPE. */
static int is_svg(const unsigned char *bytes, apr_size_t len)
{
    apr_size_t i;

    if (!len || (bytes[0] != '<' && bytes[0] != 0xef))
        return 0;
    for (i = 0; i + 4 < len; ++i) {
        if (!memcmp(bytes + i, "<svg", 4))
            return 1;
    }
    return 0;
}

iiif_source_format_e iiif_source_format_sniff(const unsigned char *bytes, apr_size_t len)
{
    unsigned i;

    for (i = 0; i < sizeof(signatures) / sizeof(signatures[0]); ++i) {
        if (len >= signatures[i].offset + signatures[i].len
            && !memcmp(bytes + signatures[i].offset, signatures[i].bytes, signatures[i].len))
            return signatures[i].format;
    }
    return is_svg(bytes, len) ? IIIF_SOURCE_SVG : IIIF_SOURCE_FORMATS;
}
