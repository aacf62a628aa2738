/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/source_format.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define NONE IIIF_SOURCE_FORMATS

/* clang-format off */
static const struct {
    const char *bytes;
    unsigned len;
    iiif_source_format_e format;
} files[] = {
    { "\xff\xd8\xff\xe0\0\x10JFIF",           10, IIIF_SOURCE_JPEG },
    { "\xff\xd8\xff",                          3, IIIF_SOURCE_JPEG },
    { "\xff\xd8",                              2, NONE },
    { "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR",      16, IIIF_SOURCE_PNG },
    { "\x89PNG\r\n\x1a",                       7, NONE },
    { "\x89PNG\n\x1a\n\0",                     8, NONE },       /* line ends converted */
    { "II*\0\x08\0\0\0",                       8, IIIF_SOURCE_TIFF },
    { "MM\0*\0\0\0\x08",                       8, IIIF_SOURCE_TIFF },
    { "II+\0\x08\0\0\0",                       8, IIIF_SOURCE_TIFF },
    { "MM\0+\0\x08\0\0",                       8, IIIF_SOURCE_TIFF },
    { "II*",                                   3, NONE },
    { "IIII",                                  4, NONE },
    { "MM*\0",                                 4, NONE },
    { "\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14" "ftypjp2 ", 24, IIIF_SOURCE_JP2 },
    { "\xff\x4f\xff\x51\0\x2f",                6, IIIF_SOURCE_JP2 },
    { "\0\0\0\x0cjP  \r\n\x87",               11, NONE },
    { "RIFF\x24\0\0\0WEBPVP8 ",               16, IIIF_SOURCE_WEBP },
    { "RIFF\x24\0\0\0WAVEfmt ",               16, NONE },
    { "GIF89a\1\0\1\0",                       10, IIIF_SOURCE_GIF },
    { "GIF87a",                                6, IIIF_SOURCE_GIF },
    { "GIF90a",                                6, NONE },
    { "\0\0\0\x18" "ftypheic",                12, IIIF_SOURCE_HEIF },
    { "\0\0\0\x18" "ftypmif1",                12, IIIF_SOURCE_HEIF },
    { "\0\0\0\x1c" "ftypavif",                12, IIIF_SOURCE_AVIF },
    { "\0\0\0\x1c" "ftypavis",                12, IIIF_SOURCE_AVIF },
    { "\0\0\0\x18" "ftypisom",                12, NONE },       /* a film */
    { "\0\0\0\x18" "ftypavi",                 11, NONE },
    { "\xff\x0a\x10\xb0",                      4, IIIF_SOURCE_JXL },
    { "\0\0\0\x0cJXL \r\n\x87\n",             12, IIIF_SOURCE_JXL },
    { "%PDF-1.7\n",                            9, IIIF_SOURCE_PDF },
    { "%PDF",                                  4, NONE },
    { "%!PS-Adobe-3.0 EPSF-3.0",              23, NONE },
    { "<svg xmlns=\"http://www.w3.org/2000/svg\">", 40, IIIF_SOURCE_SVG },
    { "<?xml version=\"1.0\"?>\n<!-- c -->\n<svg>", 38, IIIF_SOURCE_SVG },
    { "\xef\xbb\xbf<svg >",                    9, IIIF_SOURCE_SVG },
    { "<svg",                                  4, NONE },       /* no element yet */
    { "<html><body>",                         12, NONE },
    { "text <svg >",                          11, NONE },
    { "",                                      0, NONE },
    { "\0",                                    1, NONE },
    { "BM\x36\0\0\0",                          6, NONE },
    { "P6\n1 1\n255\n",                       11, NONE },
    { "#!/bin/sh\n",                          10, NONE },
    { "<?php phpinfo();",                     16, NONE },
    { "push graphic-context",                 20, NONE },
};

static const struct {
    const char *text;
    iiif_source_format_e by_name, by_extension;
} names[] = {
    { "jpeg",  IIIF_SOURCE_JPEG, IIIF_SOURCE_JPEG },
    { "jpg",   NONE,             IIIF_SOURCE_JPEG },
    { "JPG",   NONE,             IIIF_SOURCE_JPEG },
    { "jpe",   NONE,             IIIF_SOURCE_JPEG },
    { "JPEG",  IIIF_SOURCE_JPEG, IIIF_SOURCE_JPEG },
    { "png",   IIIF_SOURCE_PNG,  IIIF_SOURCE_PNG },
    { "tiff",  IIIF_SOURCE_TIFF, IIIF_SOURCE_TIFF },
    { "tif",   NONE,             IIIF_SOURCE_TIFF },
    { "Tif",   NONE,             IIIF_SOURCE_TIFF },
    { "ptif",  NONE,             IIIF_SOURCE_TIFF },
    { "btf",   NONE,             IIIF_SOURCE_TIFF },
    { "jp2",   IIIF_SOURCE_JP2,  IIIF_SOURCE_JP2 },
    { "j2k",   NONE,             IIIF_SOURCE_JP2 },
    { "jpx",   NONE,             IIIF_SOURCE_JP2 },
    { "j2c",   NONE,             IIIF_SOURCE_JP2 },
    { "webp",  IIIF_SOURCE_WEBP, IIIF_SOURCE_WEBP },
    { "gif",   IIIF_SOURCE_GIF,  IIIF_SOURCE_GIF },
    { "heif",  IIIF_SOURCE_HEIF, IIIF_SOURCE_HEIF },
    { "heic",  NONE,             IIIF_SOURCE_HEIF },
    { "avif",  IIIF_SOURCE_AVIF, IIIF_SOURCE_AVIF },
    { "jxl",   IIIF_SOURCE_JXL,  IIIF_SOURCE_JXL },
    { "pdf",   IIIF_SOURCE_PDF,  IIIF_SOURCE_PDF },
    { "svg",   IIIF_SOURCE_SVG,  IIIF_SOURCE_SVG },
    { "svgz",  NONE,             NONE },
    { "",      NONE,             NONE },
    { "tif ",  NONE,             NONE },
    { ".tif",  NONE,             NONE },
    { "xcf",   NONE,             NONE },
};
/* clang-format on */

/* From a block of just its size, so that a reader beyond its end is caught under a sanitizer. */
static iiif_source_format_e sniff(const char *bytes, unsigned len)
{
    unsigned char *block = malloc(len ? len : 1);
    iiif_source_format_e format;

    memcpy(block, bytes, len);
    format = iiif_source_format_sniff(block, len);
    free(block);
    return format;
}

int main(void)
{
    unsigned i, k;

    for (i = 0; i < ROWS(files); ++i) {
        iiif_source_format_e got = sniff(files[i].bytes, files[i].len);

        ok(got == files[i].format, "row %u, %u bytes -> %s", i, files[i].len,
           got == NONE ? "none" : iiif_source_format(got)->name);
    }
    for (i = 0; i < ROWS(names); ++i)
        ok(iiif_source_format_by_name(names[i].text) == names[i].by_name
               && iiif_source_format_by_extension(names[i].text) == names[i].by_extension,
           "'%s' as a name and as an extension", names[i].text);
    for (i = 0; i < IIIF_SOURCE_FORMATS; ++i) {
        const iiif_source_format_t *row = iiif_source_format((iiif_source_format_e)i);

        ok(iiif_source_format_by_name(row->name) == (iiif_source_format_e)i && row->extensions[0],
           "the row of %s is whole", row->name);
        for (k = 0; k < IIIF_EXTENSIONS_MAX && row->extensions[k]; ++k)
            ok(iiif_source_format_by_extension(row->extensions[k]) == (iiif_source_format_e)i,
               "  .%s is nobody else's", row->extensions[k]);
    }
    ok((IIIF_SOURCE_FORMATS_DEFAULT & 1u << IIIF_SOURCE_AVIF)
           && !(IIIF_SOURCE_FORMATS_DEFAULT
                & (1u << IIIF_SOURCE_JXL | 1u << IIIF_SOURCE_PDF | 1u << IIIF_SOURCE_SVG)),
       "JPEG XL, PDF and SVG are not read unless asked for");
    return done_testing();
}
