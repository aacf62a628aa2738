/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "image/private.h"
#include "image/vips_process.h"
#include "tap.h"

static unsigned next(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 24;
}

/* Noise is the hardest there is: neighbours say nothing of each other. */
static VipsImage *noise(int width, int height, int bands)
{
    const size_t size = (size_t)(width * height * bands);
    unsigned char *samples = malloc(size);
    unsigned state = 7;
    VipsImage *image;
    size_t i;

    for (i = 0; i < size; ++i)
        samples[i] = (unsigned char)next(&state);
    image = vips_image_new_from_memory_copy(samples, size, width, height, bands, VIPS_FORMAT_UCHAR);
    image->Type = bands == 1   ? VIPS_INTERPRETATION_B_W
                  : bands == 4 ? VIPS_INTERPRETATION_CMYK
                               : VIPS_INTERPRETATION_sRGB;
    free(samples);
    return image;
}

static double sinc(double x)
{
    return x == 0 ? 1 : sin(M_PI * x) / (M_PI * x);
}

/* By definition, in floating point: a pixel of the result is the weighted mean of those around its
 * centre, the image going on beyond its edges as it ends there. */
static double lanczos(const double *line, int from, int stride, double centre, double factor)
{
    double sum = 0, weights = 0;
    int k;

    for (k = (int)floor(centre - 3 * factor); k <= centre + 3 * factor + 1; ++k) {
        const double x = (k - centre) / factor;
        const double weight = fabs(x) < 3 ? sinc(x) * sinc(x / 3) : 0;

        sum += weight * line[(k < 0 ? 0 : k >= from ? from - 1 : k) * stride];
        weights += weight;
    }
    return sum / weights;
}

/* One band: its columns, then its rows. */
static double *by_formula(VipsImage *in, int band, int width, int height)
{
    const unsigned char *samples = (const unsigned char *)in->data;
    const double across = (double)in->Xsize / width, down = (double)in->Ysize / height;
    double *all = calloc((size_t)(in->Xsize * in->Ysize), sizeof(double));
    double *low = calloc((size_t)(in->Xsize * height), sizeof(double));
    double *want = calloc((size_t)(width * height), sizeof(double));
    int x, y, i;

    for (i = 0; i < in->Xsize * in->Ysize; ++i)
        all[i] = samples[i * in->Bands + band];
    for (y = 0; y < height; ++y) {
        for (x = 0; x < in->Xsize; ++x)
            low[y * in->Xsize + x] =
                lanczos(all + x, in->Ysize, in->Xsize, (y + 0.5) * down - 0.5, down);
        for (x = 0; x < width; ++x)
            want[y * width + x] =
                lanczos(low + y * in->Xsize, in->Xsize, 1, (x + 0.5) * across - 0.5, across);
    }
    free(low);
    free(all);
    return want;
}

static void test_formula(const int from[2], const int to[2], int bands)
{
    VipsImage *in = noise(from[0], from[1], bands), *out = NULL;
    size_t size = 0;
    unsigned char *made = NULL;
    double most = 0;
    int i, band;

    if (!iiif_reduce(in, &out, (iiif_dims_t){ (unsigned)to[0], (unsigned)to[1] }))
        made = vips_image_write_to_memory(out, &size);
    if (!ok(made && size == (size_t)(to[0] * to[1] * bands), "%dx%d, %d bands, to %dx%d", from[0],
            from[1], bands, to[0], to[1]))
        return;
    for (band = 0; band < bands; ++band) {
        double *want = by_formula(in, band, to[0], to[1]);

        for (i = 0; i < to[0] * to[1]; ++i)
            most = fmax(most, fabs(made[i * bands + band] - fmin(fmax(want[i], 0), 255)));
        free(want);
    }
    ok(most < 0.6, "  %.2f from the formula at most", most);
    g_free(made);
    g_object_unref(out);
    g_object_unref(in);
}

/* The largest difference of two images of one size. */
static double farthest(VipsImage *one, VipsImage *other)
{
    VipsObject *scope = VIPS_OBJECT(vips_image_new());
    VipsImage **t = (VipsImage **)vips_object_local_array(scope, 2);
    double most = 999;

    if (one->Xsize != other->Xsize || one->Ysize != other->Ysize || one->Bands != other->Bands
        || vips_subtract(one, other, &t[0], NULL) || vips_abs(t[0], &t[1], NULL)
        || vips_max(t[1], &most, NULL))
        most = 999;
    g_object_unref(scope);
    return most;
}

static const struct {
    int from[2], to[2];
} sizes[] = {
    { { 100, 80 }, { 99, 61 } },  { { 97, 61 }, { 25, 17 } },   { { 300, 20 }, { 299, 5 } },
    { { 7, 5 }, { 2, 2 } },       { { 2, 3 }, { 1, 1 } },       { { 1, 1 }, { 1, 1 } },
    { { 1000, 3 }, { 700, 1 } },  { { 3, 1000 }, { 1, 611 } },  { { 64, 64 }, { 33, 16 } },
    { { 2000, 1 }, { 1200, 1 } }, { { 15, 200 }, { 15, 199 } }, { { 16, 16 }, { 5, 16 } },
};

static void test_same_size(void)
{
    VipsImage *in = noise(61, 43, 3), *out = NULL;

    ok(!iiif_reduce(in, &out, (iiif_dims_t){ 61, 43 }) && farthest(in, out) == 0,
       "of its own size it stays what it is");
    g_clear_object(&out);
    g_object_unref(in);
}

static void test_plain(int value)
{
    VipsImage *black = NULL, *plain = NULL, *out = NULL;
    double least = -1, most = -1;

    vips_black(&black, 317, 211, "bands", 3, NULL);
    vips_linear1(black, &plain, 1, value, "uchar", TRUE, NULL);
    if (!iiif_reduce(plain, &out, (iiif_dims_t){ 100, 57 })) {
        vips_min(out, &least, NULL);
        vips_max(out, &most, NULL);
    }
    ok(least == value && most == value, "a plain %d stays %d: %.0f to %.0f", value, value, least,
       most);
    g_clear_object(&out);
    g_clear_object(&plain);
    g_clear_object(&black);
}

/* Parts are asked for in any order, and of any width. */
static void test_parts(void)
{
    VipsImage *in = noise(300, 200, 3), *out = NULL, *whole, *part = NULL, *want = NULL;

    iiif_reduce(in, &out, (iiif_dims_t){ 211, 133 });
    whole = vips_image_copy_memory(out);
    ok(!vips_extract_area(out, &part, 101, 77, 39, 41, NULL)
           && !vips_extract_area(whole, &want, 101, 77, 39, 41, NULL) && farthest(part, want) == 0,
       "a part is that of the whole");
    g_clear_object(&want);
    g_clear_object(&part);
    g_object_unref(whole);
    g_object_unref(out);
    g_object_unref(in);
}

static void test_limits(void)
{
    VipsImage *in = noise(400, 400, 3), *alpha = noise(400, 400, 4), *wide = NULL;

    alpha->Type = VIPS_INTERPRETATION_sRGB;
    vips_cast(in, &wide, VIPS_FORMAT_USHORT, NULL);
    ok(iiif_can_reduce(in, (iiif_dims_t){ 400, 100 }), "to a quarter");
    ok(!iiif_can_reduce(in, (iiif_dims_t){ 400, 99 }), "not to less");
    ok(!iiif_can_reduce(in, (iiif_dims_t){ 401, 400 }), "nor to more");
    ok(!iiif_can_reduce(alpha, (iiif_dims_t){ 200, 200 }), "nor with alpha");
    ok(!iiif_can_reduce(wide, (iiif_dims_t){ 200, 200 }), "nor with 16 bits");
    g_object_unref(wide);
    g_object_unref(alpha);
    g_object_unref(in);
}

int main(void)
{
    iiif_err_t err = { "" };
    unsigned i;
    int bands;

    ok(iiif_vips_start("reduce_test", &err) == APR_SUCCESS, "libvips starts %s", err.text);
    for (i = 0; i < ROWS(sizes); ++i) {
        for (bands = 1; bands <= 4; ++bands)
            test_formula(sizes[i].from, sizes[i].to, bands);
    }
    test_same_size();
    test_plain(0);
    test_plain(1);
    test_plain(128);
    test_plain(255);
    test_parts();
    test_limits();
    return done_testing();
}
