/* SPDX-License-Identifier: Apache-2.0 */
#include "image/difference.h"

#include <math.h>

#include "image/private.h"

#include "base/banned.h"

#define PIXELS_MAX 1000000000u
#define PEAK       255.0

/* Upright, without alpha, in three samples of 8 bits. */
static int normalize(VipsImage *scope, VipsImage *in, VipsImage **out)
{
    VipsImage **t = (VipsImage **)vips_object_local_array(VIPS_OBJECT(scope), 4);
    VipsArrayDouble *white = vips_array_double_newv(1, PEAK);
    int failed;

    failed = vips_autorot(in, &t[0], NULL)
             || vips_colourspace(t[0], &t[1], VIPS_INTERPRETATION_sRGB, NULL)
             || (vips_image_hasalpha(t[1]) ? vips_flatten(t[1], &t[2], "background", white, NULL)
                                           : vips_copy(t[1], &t[2], NULL))
             || vips_cast(t[2], &t[3], VIPS_FORMAT_UCHAR, NULL);
    vips_area_unref(VIPS_AREA(white));
    if (failed)
        return -1;
    g_object_ref(t[3]);
    *out = t[3];
    return 0;
}

static apr_status_t decode(VipsImage **image, VipsImage *scope, const iiif_bytes_t *bytes,
                           const char *which, iiif_err_t *err)
{
    VipsImage *read = vips_image_new_from_buffer(bytes->data, bytes->len, "", "fail_on",
                                                 VIPS_FAIL_ON_ERROR, NULL);
    int failed;

    if (!read)
        return iiif_vips_failed(err, IIIF_EBADSOURCE, which);
    if ((apr_uint64_t)read->Xsize * (apr_uint64_t)read->Ysize > PIXELS_MAX) {
        g_object_unref(read);
        return iiif_fail(err, IIIF_ETOOBIG, "%s: it has too many pixels", which);
    }
    failed = normalize(scope, read, image);
    g_object_unref(read);
    return failed ? iiif_vips_failed(err, IIIF_EBADSOURCE, which) : APR_SUCCESS;
}

/* Both passes decode; nothing is kept but rows. */
static apr_status_t measure(iiif_difference_t *difference, VipsImage *scope,
                            VipsImage *const images[2], iiif_err_t *err)
{
    VipsImage **t = (VipsImage **)vips_object_local_array(VIPS_OBJECT(scope), 4);
    double square;

    if (vips_subtract(images[0], images[1], &t[0], NULL) || vips_abs(t[0], &t[1], NULL)
        || vips_avg(t[1], &difference->mean, NULL) || vips_cast(t[1], &t[2], VIPS_FORMAT_INT, NULL)
        || vips_multiply(t[2], t[2], &t[3], NULL) || vips_avg(t[3], &square, NULL))
        return iiif_vips_failed(err, IIIF_EBADSOURCE, "compare");
    difference->psnr = square > 0 ? 10 * log10(PEAK * PEAK / square) : IIIF_PSNR_EQUAL;
    if (difference->psnr > IIIF_PSNR_EQUAL)
        difference->psnr = IIIF_PSNR_EQUAL;
    return APR_SUCCESS;
}

static iiif_dims_t dims_of(const VipsImage *image)
{
    return (iiif_dims_t){ (apr_uint32_t)image->Xsize, (apr_uint32_t)image->Ysize };
}

apr_status_t iiif_difference(iiif_difference_t *difference, const iiif_bytes_t images[2],
                             iiif_err_t *err)
{
    static const char *const names[2] = { "the first image", "the second image" };
    iiif_difference_t found = { .mean = 0, .psnr = 0 };
    VipsImage *scope = vips_image_new(), *decoded[2] = { NULL, NULL };
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = 0; i < 2 && rv == APR_SUCCESS; ++i) {
        rv = decode(&decoded[i], scope, &images[i], names[i], err);
        if (decoded[i])
            found.dims[i] = dims_of(decoded[i]);
    }
    if (rv == APR_SUCCESS && iiif_dims_equal(found.dims[0], found.dims[1]))
        rv = measure(&found, scope, decoded, err);
    if (rv == APR_SUCCESS)
        *difference = found;
    for (i = 0; i < 2; ++i) {
        if (decoded[i])
            g_object_unref(decoded[i]);
    }
    g_object_unref(scope);
    return rv;
}
