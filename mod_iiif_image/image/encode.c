/* SPDX-License-Identifier: Apache-2.0 */
#include "image/private.h"

#include "base/banned.h"

typedef int (*encode_fn)(VipsImage *image, iiif_bytes_t *bytes, int quality, int bilevel);

static int encode_jpeg(VipsImage *image, iiif_bytes_t *bytes, int quality, int bilevel)
{
    (void)bilevel;
    return iiif_encode_jpeg(image, bytes, quality);
}

static int encode_png(VipsImage *image, iiif_bytes_t *bytes, int quality, int bilevel)
{
    (void)quality;
    return vips_pngsave_buffer(image, &bytes->data, &bytes->len, "strip", TRUE, "compression", 6,
                               "bitdepth", bilevel && image->Bands == 1 ? 1 : 8, NULL);
}

static int encode_tiff(VipsImage *image, iiif_bytes_t *bytes, int quality, int bilevel)
{
    (void)quality;
    if (bilevel && image->Bands == 1)
        return vips_tiffsave_buffer(image, &bytes->data, &bytes->len, "strip", TRUE, "compression",
                                    VIPS_FOREIGN_TIFF_COMPRESSION_CCITTFAX4, "bitdepth", 1, NULL);
    return vips_tiffsave_buffer(image, &bytes->data, &bytes->len, "strip", TRUE, "compression",
                                VIPS_FOREIGN_TIFF_COMPRESSION_DEFLATE, "predictor",
                                VIPS_FOREIGN_TIFF_PREDICTOR_HORIZONTAL, NULL);
}

static int encode_gif(VipsImage *image, iiif_bytes_t *bytes, int quality, int bilevel)
{
    (void)quality;
    return vips_gifsave_buffer(image, &bytes->data, &bytes->len, "effort", 3, "dither",
                               bilevel ? 0.0 : 1.0, NULL);
}

static int encode_webp(VipsImage *image, iiif_bytes_t *bytes, int quality, int bilevel)
{
    return vips_webpsave_buffer(image, &bytes->data, &bytes->len, "Q", quality, "lossless", bilevel,
                                "effort", 2, "strip", TRUE, NULL);
}

static int encode_jp2(VipsImage *image, iiif_bytes_t *bytes, int quality, int bilevel)
{
    return vips_jp2ksave_buffer(image, &bytes->data, &bytes->len, "Q", quality, "lossless", bilevel,
                                NULL);
}

static int encode_avif(VipsImage *image, iiif_bytes_t *bytes, int quality, int bilevel)
{
    return vips_heifsave_buffer(image, &bytes->data, &bytes->len, "Q", quality, "lossless", bilevel,
                                "compression", VIPS_FOREIGN_HEIF_COMPRESSION_AV1, "effort", 1,
                                "strip", TRUE, NULL);
}

static int encode_jxl(VipsImage *image, iiif_bytes_t *bytes, int quality, int bilevel)
{
    return vips_jxlsave_buffer(image, &bytes->data, &bytes->len, "Q", quality, "lossless", bilevel,
                               "effort", 3, "strip", TRUE, NULL);
}

static const encode_fn encoders[IIIF_FORMATS] = {
    [IIIF_FORMAT_JPG] = encode_jpeg,  [IIIF_FORMAT_PNG] = encode_png,
    [IIIF_FORMAT_TIF] = encode_tiff,  [IIIF_FORMAT_GIF] = encode_gif,
    [IIIF_FORMAT_WEBP] = encode_webp, [IIIF_FORMAT_JP2] = encode_jp2,
    [IIIF_FORMAT_PDF] = encode_jpeg,  [IIIF_FORMAT_AVIF] = encode_avif,
    [IIIF_FORMAT_JXL] = encode_jxl,
};

void iiif_bytes_free(void *data)
{
    g_free(data);
}

apr_status_t iiif_encode(iiif_bytes_t *bytes, VipsImage *image, iiif_format_e format, int quality,
                         int bilevel, iiif_err_t *err)
{
    iiif_bytes_t made = { NULL, 0 }, jpeg;
    iiif_dims_t dims = { (apr_uint32_t)image->Xsize, (apr_uint32_t)image->Ysize };
    apr_status_t rv;

    if (encoders[format](image, &made, quality, bilevel))
        return iiif_vips_failed(err, IIIF_EBADSOURCE, "render");
    if (format == IIIF_FORMAT_PDF) {
        jpeg = made;
        rv = iiif_pdf_from_jpeg(&made, &jpeg, dims, err);
        iiif_bytes_free(jpeg.data);
        if (rv != APR_SUCCESS)
            return rv;
    }
    *bytes = made;
    return APR_SUCCESS;
}
