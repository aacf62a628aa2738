/* SPDX-License-Identifier: Apache-2.0 */
/* Samples of sRGB as amounts of light, in 16 bits, and back. @see IEC 61966-2-1 */
#include <math.h>

#include "image/private.h"

#include "base/banned.h"

#define LIGHT_MAX 65535

/* Of a sample from 0 to 1. */
static double light_of(double sample)
{
    return sample <= 0.04045 ? sample / 12.92 : pow((sample + 0.055) / 1.055, 2.4);
}

static int has_alpha(int bands)
{
    return bands == 2 || bands == 4;
}

/* For each 8-bit sample of each band its light; alpha is in proportion already. */
static VipsImage *light_table(int bands)
{
    uint16_t table[256 * 4], *t = table;
    int sample, band;

    for (sample = 0; sample < 256; ++sample) {
        for (band = 0; band < bands; ++band)
            *t++ = has_alpha(bands) && band == bands - 1
                       ? (uint16_t)(sample * 257)
                       : (uint16_t)lrint(light_of(sample / 255.0) * LIGHT_MAX);
    }
    return vips_image_new_from_memory_copy(table, (size_t)(256 * bands) * sizeof(*table), 256, 1,
                                           bands, VIPS_FORMAT_USHORT);
}

/* For each light of each band the sample whose own is nearest, by the middles between two. */
static VipsImage *sample_table(int bands)
{
    const size_t size = (size_t)(LIGHT_MAX + 1) * (size_t)bands;
    unsigned char *table = g_malloc(size);
    VipsImage *made;
    int band;

    for (band = 0; band < bands; ++band) {
        const int linear = has_alpha(bands) && band == bands - 1;
        int light, sample = 0;

        for (light = 0; light <= LIGHT_MAX; ++light) {
            while (sample < 255
                   && light >= (linear ? (sample + 0.5) / 255 : light_of((sample + 0.5) / 255))
                                   * LIGHT_MAX)
                ++sample;
            table[light * bands + band] = (unsigned char)sample;
        }
    }
    made = vips_image_new_from_memory_copy(table, size, LIGHT_MAX + 1, 1, bands, VIPS_FORMAT_UCHAR);
    g_free(table);
    return made;
}

static int map(VipsImage *in, VipsImage **out, VipsImage *table, VipsInterpretation space)
{
    VipsImage *mapped = NULL;
    int failed = !table || vips_maplut(in, &mapped, table, NULL)
                 || vips_copy(mapped, out, "interpretation", space, NULL);

    g_clear_object(&mapped);
    g_clear_object(&table);
    return failed;
}

int iiif_linear_light(VipsImage *in, VipsImage **out)
{
    return map(in, out, light_table(in->Bands),
               in->Bands < 3 ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_RGB16);
}

int iiif_linear_samples(VipsImage *in, VipsImage **out)
{
    return map(in, out, sample_table(in->Bands),
               in->Bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB);
}
