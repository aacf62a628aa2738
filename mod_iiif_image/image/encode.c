/* SPDX-License-Identifier: Apache-2.0 */
#include "image/private.h"

#include "base/banned.h"

typedef int (*encode_fn)(VipsImage *image, iiif_bytes_t *bytes, const iiif_encoding_t *encoding);

/* Rows across all of an image that is turned lie across all of what it is made of. */
static int has_cheap_rows(const VipsImage *image)
{
    return image->dhint != VIPS_DEMAND_STYLE_SMALLTILE;
}

/* libvips writes EXIF, XMP and IPTC; most images have none, and are done faster without it. */
static int encode_jpeg(VipsImage *image, iiif_bytes_t *bytes, const iiif_encoding_t *encoding)
{
    if (!iiif_metadata_has(image) && has_cheap_rows(image))
        return iiif_encode_jpeg(image, bytes, encoding);
    return vips_jpegsave_buffer(image, &bytes->data, &bytes->len, "Q", encoding->quality, NULL);
}

/* A JPEG on a page has none of them. */
static int encode_pdf(VipsImage *image, iiif_bytes_t *bytes, const iiif_encoding_t *encoding)
{
    if (has_cheap_rows(image))
        return iiif_encode_jpeg(image, bytes, encoding);
    return vips_jpegsave_buffer(image, &bytes->data, &bytes->len, "Q", encoding->quality, "strip",
                                TRUE, NULL);
}

static int encode_png(VipsImage *image, iiif_bytes_t *bytes, const iiif_encoding_t *encoding)
{
    return vips_pngsave_buffer(image, &bytes->data, &bytes->len, "compression", encoding->effort,
                               "bitdepth", encoding->bilevel && image->Bands == 1 ? 1 : 8, NULL);
}

static int encode_tiff(VipsImage *image, iiif_bytes_t *bytes, const iiif_encoding_t *encoding)
{
    if (encoding->bilevel && image->Bands == 1)
        return vips_tiffsave_buffer(image, &bytes->data, &bytes->len, "compression",
                                    VIPS_FOREIGN_TIFF_COMPRESSION_CCITTFAX4, "bitdepth", 1, NULL);
    return vips_tiffsave_buffer(image, &bytes->data, &bytes->len, "compression",
                                VIPS_FOREIGN_TIFF_COMPRESSION_DEFLATE, "predictor",
                                VIPS_FOREIGN_TIFF_PREDICTOR_HORIZONTAL, NULL);
}

static int encode_gif(VipsImage *image, iiif_bytes_t *bytes, const iiif_encoding_t *encoding)
{
    return vips_gifsave_buffer(image, &bytes->data, &bytes->len, "effort", encoding->effort,
                               "dither", encoding->bilevel ? 0.0 : 1.0, NULL);
}

static int encode_webp(VipsImage *image, iiif_bytes_t *bytes, const iiif_encoding_t *encoding)
{
    return vips_webpsave_buffer(image, &bytes->data, &bytes->len, "Q", encoding->quality,
                                "lossless", encoding->bilevel, "effort", encoding->effort, NULL);
}

static int encode_jp2(VipsImage *image, iiif_bytes_t *bytes, const iiif_encoding_t *encoding)
{
    return vips_jp2ksave_buffer(image, &bytes->data, &bytes->len, "Q", encoding->quality,
                                "lossless", encoding->bilevel, NULL);
}

static int encode_avif(VipsImage *image, iiif_bytes_t *bytes, const iiif_encoding_t *encoding)
{
    return vips_heifsave_buffer(
        image, &bytes->data, &bytes->len, "Q", encoding->quality, "lossless", encoding->bilevel,
        "compression", VIPS_FOREIGN_HEIF_COMPRESSION_AV1, "effort", encoding->effort, NULL);
}

static int encode_jxl(VipsImage *image, iiif_bytes_t *bytes, const iiif_encoding_t *encoding)
{
    return vips_jxlsave_buffer(image, &bytes->data, &bytes->len, "Q", encoding->quality, "lossless",
                               encoding->bilevel, "effort", encoding->effort, NULL);
}

static const encode_fn encoders[IIIF_FORMATS] = {
    [IIIF_FORMAT_JPG] = encode_jpeg,  [IIIF_FORMAT_PNG] = encode_png,
    [IIIF_FORMAT_TIF] = encode_tiff,  [IIIF_FORMAT_GIF] = encode_gif,
    [IIIF_FORMAT_WEBP] = encode_webp, [IIIF_FORMAT_JP2] = encode_jp2,
    [IIIF_FORMAT_PDF] = encode_pdf,   [IIIF_FORMAT_AVIF] = encode_avif,
    [IIIF_FORMAT_JXL] = encode_jxl,
};

void iiif_bytes_free(void *data)
{
    g_free(data);
}

apr_status_t iiif_encode(iiif_bytes_t *bytes, VipsImage *image, const iiif_encoding_t *encoding,
                         iiif_err_t *err)
{
    iiif_bytes_t made = { NULL, 0 }, jpeg;
    iiif_dims_t dims = { (apr_uint32_t)image->Xsize, (apr_uint32_t)image->Ysize };
    apr_status_t rv;

    if (encoders[encoding->format](image, &made, encoding))
        return iiif_vips_failed(err, IIIF_EBADSOURCE, "render");
    if (encoding->format == IIIF_FORMAT_PDF) {
        jpeg = made;
        rv = iiif_pdf_from_jpeg(&made, &jpeg, dims, err);
        iiif_bytes_free(jpeg.data);
        if (rv != APR_SUCCESS)
            return rv;
    }
    *bytes = made;
    return APR_SUCCESS;
}
