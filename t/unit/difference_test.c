/* SPDX-License-Identifier: Apache-2.0 */
#include "image/difference.h"

#include <math.h>

#include "images.h"

static const iiif_dims_t small = { 64, 48 };

/* Encoded, in memory of libvips' */
static iiif_bytes_t encoded(VipsImage *image, const char *suffix)
{
    iiif_bytes_t bytes = { NULL, 0 };

    if (vips_image_write_to_buffer(image, suffix, &bytes.data, &bytes.len, NULL))
        ok(0, "it cannot be encoded: %s", vips_error_buffer());
    g_object_unref(image);
    return bytes;
}

/* All of one value. */
static VipsImage *plain(iiif_dims_t dims, double value, int bands)
{
    VipsImage *black, *image, *typed;

    if (vips_black(&black, (int)dims.width, (int)dims.height, "bands", bands, NULL)
        || vips_linear1(black, &image, 1, value, "uchar", TRUE, NULL)
        || vips_copy(image, &typed, "interpretation",
                     bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB, NULL))
        abort();
    g_object_unref(black);
    g_object_unref(image);
    return typed;
}

/* Of values a and b in all pixels: mean |a - b|, and 20 log10(255 / |a - b|) dB */
static const struct {
    double a, b, mean, psnr;
} values[] = {
    { 100, 100, 0, IIIF_PSNR_EQUAL }, { 100, 101, 1, 48.1308 },
    { 101, 100, 1, 48.1308 },         { 0, 255, 255, 0 },
    { 10, 35, 25, 20.1720 },
};

static void test_values(void)
{
    unsigned i, j;

    for (i = 0; i < ROWS(values); ++i) {
        const iiif_bytes_t images[2] = { encoded(plain(small, values[i].a, 3), ".png"),
                                         encoded(plain(small, values[i].b, 3), ".png") };
        iiif_difference_t d = { .mean = -1 };

        ok(iiif_difference(&d, images, NULL) == APR_SUCCESS && fabs(d.mean - values[i].mean) < 1e-9
               && fabs(d.psnr - values[i].psnr) < 1e-3,
           "%.0f and %.0f: mean %.3f, %.4f dB", values[i].a, values[i].b, d.mean, d.psnr);
        for (j = 0; j < 2; ++j)
            g_free(images[j].data);
    }
}

static apr_status_t compare(iiif_difference_t *d, iiif_bytes_t a, iiif_bytes_t b, iiif_err_t *err)
{
    const iiif_bytes_t images[2] = { a, b };
    apr_status_t rv = iiif_difference(d, images, err);

    g_free(a.data);
    g_free(b.data);
    return rv;
}

static void test_kinds(void)
{
    iiif_difference_t d = { .mean = -1 };
    iiif_bytes_t cut = encoded(picture((iiif_dims_t){ 320, 240 }, 3), ".jpg");
    iiif_err_t err = { "" };
    VipsImage *turned;

    compare(&d, encoded(picture(small, 3), ".png"), encoded(picture(small, 3), ".jpg[Q=95]"), NULL);
    ok(d.psnr > 35 && d.psnr < IIIF_PSNR_EQUAL && d.mean > 0 && d.mean < 4,
       "formats that lose something: %.1f dB, mean %.2f", d.psnr, d.mean);
    compare(&d, encoded(plain(small, 70, 1), ".png"), encoded(plain(small, 70, 3), ".png"), NULL);
    ok(d.mean == 0 && d.psnr == IIIF_PSNR_EQUAL, "gray as such and in three bands is equal");
    compare(&d, encoded(plain(small, 0, 4), ".png"), encoded(plain(small, 255, 3), ".png"), NULL);
    ok(d.mean == 0, "what is transparent is white");
    ok(compare(&d, encoded(plain(small, 1, 3), ".png"),
               encoded(plain((iiif_dims_t){ 64, 47 }, 1, 3), ".png"), NULL)
               == APR_SUCCESS
           && d.dims[0].height == 48 && d.dims[1].height == 47 && d.mean == 0 && d.psnr == 0,
       "of other sizes there are no numbers");
    turned = picture(small, 3);
    vips_image_set_int(turned, "orientation", 6);
    compare(&d, encoded(turned, ".jpg"), encoded(picture((iiif_dims_t){ 48, 64 }, 3), ".jpg"),
            NULL);
    ok(d.dims[0].width == 48 && d.dims[0].height == 64, "both are upright");
    d.mean = -1;
    cut.len /= 2;
    ok(compare(&d, cut, encoded(picture((iiif_dims_t){ 320, 240 }, 3), ".jpg"), &err)
               == IIIF_EBADSOURCE
           && d.mean == -1,
       "one that is cut short cannot be compared: %s", err.text);
    ok(compare(&d, encoded(picture(small, 3), ".jpg"), (iiif_bytes_t){ g_strdup("<html>"), 6 },
               &err)
               == IIIF_EBADSOURCE
           && strstr(err.text, "the second image"),
       "nor can a page: %s", err.text);
}

int main(void)
{
    apr_pool_t *pool = begin_images("difference_test");

    test_values();
    test_kinds();
    end_images(pool);
    return done_testing();
}
