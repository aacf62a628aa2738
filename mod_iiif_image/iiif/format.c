/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/format.h"

#include <string.h>
#include <strings.h>

#include "base/banned.h"

/* clang-format off */
/* Image API 2.1 and 3.0, 4.5, then two that 3.0 allows as an extension (4.9). Sides: libjpeg's
 * JPEG_MAX_DIMENSION, the 31 bits of PNG and TIFF cut to what an image library handles, 16 bits of
 * GIF, 14 of WebP, the AV1 frame header's 16, and 15 of a Cairo surface for PDF. Efforts: zlib's, and as
 * libvips hands them on to cgif, libwebp, libheif and libjxl. */
static const iiif_format_t formats[IIIF_FORMATS] = {
    [IIIF_FORMAT_JPG]  = { "jpg",  "image/jpeg",      65500,  0, 0, 1, 85, 0, 0, 0 },
    [IIIF_FORMAT_PNG]  = { "png",  "image/png",       1000000, 1, 2, 0, 0, 0, 9, 6 },
    [IIIF_FORMAT_TIF]  = { "tif",  "image/tiff",      1000000, 1, 3, 0, 0, 0, 0, 0 },
    [IIIF_FORMAT_GIF]  = { "gif",  "image/gif",       65535,  1, 3, 0, 0, 1, 10, 3 },
    [IIIF_FORMAT_WEBP] = { "webp", "image/webp",      16383,  1, 3, 1, 80, 0, 6, 2 },
    [IIIF_FORMAT_JP2]  = { "jp2",  "image/jp2",       1000000, 1, 3, 1, 48, 0, 0, 0 },
    [IIIF_FORMAT_PDF]  = { "pdf",  "application/pdf", 32767,  0, 3, 1, 85, 0, 0, 0 },
    [IIIF_FORMAT_AVIF] = { "avif", "image/avif",      16384,  1, 3, 1, 60, 0, 9, 1 },
    [IIIF_FORMAT_JXL]  = { "jxl",  "image/jxl",       1000000, 1, 3, 1, 75, 1, 9, 3 },
};
/* clang-format on */

const iiif_format_t *iiif_format(iiif_format_e format)
{
    return &formats[format];
}

apr_status_t iiif_format_parse(iiif_format_e *format, const char *text, iiif_format_set_t available,
                               iiif_err_t *err)
{
    unsigned i;

    for (i = 0; i < IIIF_FORMATS; ++i) {
        if (!strcmp(text, formats[i].extension) && (available & 1u << i)) {
            *format = (iiif_format_e)i;
            return APR_SUCCESS;
        }
    }
    return iiif_fail(err, IIIF_EBADREQUEST, "format '%s' is not one this server writes", text);
}

int iiif_format_of_extension(iiif_format_e *format, const char *extension,
                             iiif_format_set_t available)
{
    unsigned i;

    if (!strcasecmp(extension, "jpeg"))
        extension = formats[IIIF_FORMAT_JPG].extension;
    else if (!strcasecmp(extension, "tiff"))
        extension = formats[IIIF_FORMAT_TIF].extension;
    for (i = 0; i < IIIF_FORMATS; ++i) {
        if (!strcasecmp(extension, formats[i].extension) && (available & 1u << i)) {
            *format = (iiif_format_e)i;
            return 1;
        }
    }
    return 0;
}
