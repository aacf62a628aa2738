/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One colour rule for tile, region and full image: what leaves is 8-bit sRGB, or 8-bit gray, with
 * an alpha band where the source has one.
 */
#include <string.h>

#include "image/private.h"

#include "base/banned.h"

int iiif_colour_bands(VipsImage *image)
{
    VipsInterpretation space = vips_image_guess_interpretation(image);

    if (space == VIPS_INTERPRETATION_B_W || space == VIPS_INTERPRETATION_GREY16 || image->Bands < 3)
        return 1;
    return space == VIPS_INTERPRETATION_CMYK ? 4 : 3;
}

static int is_lab(VipsImage *image)
{
    return image->Type == VIPS_INTERPRETATION_LAB || image->Type == VIPS_INTERPRETATION_LABS
           || image->Coding == VIPS_CODING_LABQ;
}

int iiif_colour_is_ranged(VipsImage *image)
{
    return image->BandFmt != VIPS_FORMAT_UCHAR && image->BandFmt != VIPS_FORMAT_USHORT
           && !is_lab(image);
}

/* What white is where the sample type does not say it. Display values: no gamma is added. */
static double range_of_maximum(double max)
{
    return max <= 1 ? 1 : max <= 255 ? 255 : max <= 65535 ? 65535 : max;
}

apr_status_t iiif_colour_range(double *range, const iiif_source_t *source,
                               const iiif_wanted_t *wanted, iiif_err_t *err)
{
    VipsImage *image;
    double max = 0;
    int failed;
    apr_status_t rv;

    *range = 0;
    if (!source->ranged)
        return APR_SUCCESS;
    rv = iiif_level_open(&image, source, &source->levels[source->level_count - 1], err);
    if (rv != APR_SUCCESS)
        return rv;
    iiif_watch(image, wanted);
    failed = vips_max(image, &max, NULL);
    *range = range_of_maximum(max);
    g_object_unref(image);
    return failed ? iiif_vips_failed(err, IIIF_EBADSOURCE, "read") : APR_SUCCESS;
}

static int scale_to_bytes(VipsImage *in, VipsImage **out, double range)
{
    VipsObject *scope = VIPS_OBJECT(vips_image_new());
    VipsImage **t = (VipsImage **)vips_object_local_array(scope, 2);
    VipsInterpretation space = iiif_colour_bands(in) == 1   ? VIPS_INTERPRETATION_B_W
                               : iiif_colour_bands(in) == 4 ? VIPS_INTERPRETATION_CMYK
                                                            : VIPS_INTERPRETATION_sRGB;
    int failed = vips_linear1(in, &t[0], 255 / range, 0.5, NULL)
                 || vips_cast(t[0], &t[1], VIPS_FORMAT_UCHAR, NULL)
                 || vips_copy(t[1], out, "interpretation", space, NULL);

    g_object_unref(scope);
    return failed;
}

static int cut_bands(VipsImage *in, VipsImage **out)
{
    int keep = iiif_colour_bands(in) + 1;

    if (in->Bands <= keep)
        return vips_copy(in, out, NULL);
    /* more bands than a colour and its alpha: a multispectral stack shows its first ones */
    return vips_extract_band(in, out, 0, "n", keep - 1, NULL);
}

/* By way of floats: straight from its packed coding, libvips goes by a table of six bits. */
static int lab_to_srgb(VipsImage *in, VipsImage **out)
{
    VipsImage *lab = NULL;
    int failed = vips_colourspace(in, &lab, VIPS_INTERPRETATION_LAB, NULL)
                 || vips_colourspace(lab, out, VIPS_INTERPRETATION_sRGB, NULL);

    g_clear_object(&lab);
    return failed;
}

int iiif_colour_to_samples(VipsImage *in, VipsImage **out, double range)
{
    VipsImage *cut = NULL;
    int failed = cut_bands(in, &cut);

    if (!failed && is_lab(cut))
        failed = lab_to_srgb(cut, out);
    else if (!failed && range > 0)
        failed = scale_to_bytes(cut, out, range);
    else if (!failed)
        failed = vips_copy(cut, out, NULL);
    g_clear_object(&cut);
    return failed;
}

static const unsigned char *profile_of(VipsImage *image, size_t *size)
{
    const void *profile;

    *size = 0;
    if (!vips_image_get_typeof(image, VIPS_META_ICC_NAME)
        || vips_image_get_blob(image, VIPS_META_ICC_NAME, &profile, size))
        return NULL;
    return profile;
}

/* ICC.1:2001-04, 6.2: behind the header a count, then signature, offset and size of each tag. */
static int has_tag(const unsigned char *profile, size_t size, const char *signature)
{
    size_t at;

    for (at = 132; at + 12 <= size && at < 132 + 12 * 100; at += 12) {
        if (!memcmp(profile + at, signature, 4))
            return at < 132 + 12 * (size_t)profile[131];
    }
    return 0;
}

/* A profile whose only table is A2B0 has it for every intent (6.3.1.1), as scanners' do; libvips
 * would take it for unfit, and another one in its place. */
static VipsIntent intent_of(const unsigned char *profile, size_t size)
{
    return has_tag(profile, size, "A2B0") && !has_tag(profile, size, "A2B1")
               ? VIPS_INTENT_PERCEPTUAL
               : VIPS_INTENT_RELATIVE;
}

static int to_srgb(VipsImage *in, VipsImage **out, const unsigned char *profile, size_t size)
{
    return vips_icc_transform(in, out, "srgb", "embedded", TRUE, "intent", intent_of(profile, size),
                              "depth", 8, NULL);
}

/* Colours from all parts of the space, as one row. */
#define CHART_STEPS  6
#define CHART_PIXELS (CHART_STEPS * CHART_STEPS * CHART_STEPS)

static VipsImage *make_chart(int bands)
{
    unsigned char samples[CHART_PIXELS * 3], *s = samples;
    int i;

    for (i = 0; i < CHART_PIXELS; ++i) {
        if (bands == 1)
            *s++ = (unsigned char)(i * 255 / (CHART_PIXELS - 1));
        else {
            *s++ = (unsigned char)(i / (CHART_STEPS * CHART_STEPS) * 255 / (CHART_STEPS - 1));
            *s++ = (unsigned char)(i / CHART_STEPS % CHART_STEPS * 255 / (CHART_STEPS - 1));
            *s++ = (unsigned char)(i % CHART_STEPS * 255 / (CHART_STEPS - 1));
        }
    }
    return vips_image_new_from_memory_copy(samples, (size_t)(s - samples), CHART_PIXELS, 1, bands,
                                           VIPS_FORMAT_UCHAR);
}

/* How far the profile moves a sample of the chart at most; 0 when it does not fit. */
static double greatest_move(VipsImage *chart, const unsigned char *profile, size_t size)
{
    VipsObject *scope = VIPS_OBJECT(vips_image_new());
    VipsImage **t = (VipsImage **)vips_object_local_array(scope, 4);
    double most = 0;

    if (vips_copy(chart, &t[0], "interpretation",
                  chart->Bands == 1 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB, NULL)) {
        g_object_unref(scope);
        return most;
    }
    vips_image_set_blob_copy(t[0], VIPS_META_ICC_NAME, profile, size);
    if (to_srgb(t[0], &t[1], profile, size) || vips_subtract(t[1], chart, &t[2], NULL)
        || vips_abs(t[2], &t[3], NULL) || vips_max(t[3], &most, NULL))
        vips_error_clear();
    g_object_unref(scope);
    return most;
}

static int changes_colours(const unsigned char *profile, size_t size, int bands)
{
    VipsImage *chart;
    double moved;

    if (bands == 4) /* no sRGB */
        return 1;
    if (!(chart = make_chart(bands)))
        return 0;
    moved = greatest_move(chart, profile, size);
    g_object_unref(chart);
    return moved > 1;
}

const unsigned char *iiif_colour_profile(VipsImage *image, size_t *size)
{
    const unsigned char *profile = profile_of(image, size);

    if (profile && changes_colours(profile, *size, iiif_colour_bands(image)))
        return profile;
    *size = 0;
    return NULL;
}

/* Colours alone, without alpha, to 8 bits of sRGB or gray. */
static int convert(VipsImage *in, VipsImage **out)
{
    VipsInterpretation target = in->Bands == 1 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
    VipsImage *managed = NULL;
    size_t size;
    const unsigned char *profile = profile_of(in, &size);
    int failed;

    if (profile && !to_srgb(in, &managed, profile, size)) {
        failed = vips_colourspace(managed, out, target, NULL);
        g_object_unref(managed);
        return failed;
    }
    vips_error_clear(); /* a profile that does not fit its image is ignored, as browsers do */
    return vips_colourspace(in, out, target, NULL);
}

/* Give untyped bands the space that their number and depth imply. */
static int name_space(VipsImage *in, VipsImage **out)
{
    int wide = in->BandFmt == VIPS_FORMAT_USHORT;
    VipsInterpretation space = vips_image_guess_interpretation(in);

    if (space != VIPS_INTERPRETATION_CMYK)
        space = iiif_colour_bands(in) == 1
                    ? (wide ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_B_W)
                    : (wide ? VIPS_INTERPRETATION_RGB16 : VIPS_INTERPRETATION_sRGB);
    return vips_copy(in, out, "interpretation", space, NULL);
}

static int alpha_to_bytes(VipsImage *in, VipsImage **out, int band)
{
    VipsImage *alpha = NULL;
    int failed = vips_extract_band(in, &alpha, band, NULL);

    if (!failed && in->BandFmt == VIPS_FORMAT_USHORT)
        failed = vips_rshift_const1(alpha, out, 8, NULL);
    else if (!failed)
        failed = vips_copy(alpha, out, NULL);
    g_clear_object(&alpha);
    return failed;
}

int iiif_colour_to_display(VipsImage *in, VipsImage **out)
{
    VipsObject *scope = VIPS_OBJECT(vips_image_new());
    VipsImage **t = (VipsImage **)vips_object_local_array(scope, 7);
    int colours = iiif_colour_bands(in), alpha = in->Bands > colours;
    int failed = name_space(in, &t[0]) || vips_extract_band(t[0], &t[1], 0, "n", colours, NULL)
                 || convert(t[1], &t[2]) || vips_cast(t[2], &t[3], VIPS_FORMAT_UCHAR, NULL);

    if (!failed && alpha)
        failed = alpha_to_bytes(in, &t[4], colours)
                 || vips_cast(t[4], &t[5], VIPS_FORMAT_UCHAR, NULL)
                 || vips_bandjoin2(t[3], t[5], &t[6], NULL)
                 || vips_copy(t[6], out, "interpretation", t[3]->Type, NULL);
    else if (!failed)
        failed = vips_copy(t[3], out, NULL);
    g_object_unref(scope);
    return failed;
}
