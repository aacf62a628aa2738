/* SPDX-License-Identifier: Apache-2.0 */
#include "image/upright.h"

#include <string.h>

#include "image/orientation.h"
#include "image/private.h"

#include "base/banned.h"

#define SIDE    64   /* of what is compared; proportions do not matter */
#define APART   0.25 /* mean square of samples of 0 to 255, below which two are one picture */
#define LIKE    0.25 /* 0.5 is a copy that is upright, -0.5 one that is not: see stand() */
#define PIXELS  (SIDE * SIDE)
#define QUALITY 100

typedef struct picture_t {
    unsigned char samples[PIXELS];
} picture_t;

static apr_status_t decode(picture_t *picture, const iiif_bytes_t *bytes, iiif_err_t *err)
{
    VipsImage *image = vips_image_new_from_buffer(bytes->data, bytes->len, "", "fail_on",
                                                  VIPS_FAIL_ON_ERROR, NULL);
    size_t size = 0;
    void *samples = image ? vips_image_write_to_memory(image, &size) : NULL;

    if (image)
        g_object_unref(image);
    if (size != sizeof(picture->samples)) {
        g_free(samples);
        return iiif_vips_failed(err, IIIF_EBADSOURCE, "thumbnail");
    }
    memcpy(picture->samples, samples, size);
    g_free(samples);
    return APR_SUCCESS;
}

iiif_resolved_t iiif_upright_view(const iiif_source_t *source)
{
    return (iiif_resolved_t){ .region = { 0, 0, source->full.width, source->full.height },
                              .square = IIIF_SQUARE_CENTRE,
                              .size = { SIDE, SIDE },
                              .canvas = { SIDE, SIDE },
                              .quality = IIIF_QUALITY_GRAY,
                              .format = IIIF_FORMAT_JPG };
}

static apr_status_t look_at(picture_t *picture, const iiif_source_t *source, iiif_err_t *err)
{
    const iiif_look_t look = { .background = { 255, 255, 255 },
                               .quality = { [IIIF_FORMAT_JPG] = QUALITY } };
    const iiif_resolved_t resolved = iiif_upright_view(source);
    iiif_bytes_t bytes = { NULL, 0 };
    apr_status_t rv = iiif_render(&bytes, source, &resolved, &look, err);

    if (rv == APR_SUCCESS)
        rv = decode(picture, &bytes, err);
    iiif_bytes_free(bytes.data);
    return rv;
}

/* As the file has it, before it is turned. */
static void unturn(picture_t *stored, const picture_t *shown, int orientation)
{
    const iiif_dims_t full = { SIDE, SIDE };
    apr_uint32_t i;

    for (i = 0; i < PIXELS; ++i) {
        const iiif_rect_t at = { i % SIDE, i / SIDE, 1, 1 };
        const iiif_rect_t from = iiif_orientation_to_stored(orientation, at, full);

        stored->samples[from.y * SIDE + from.x] = shown->samples[i];
    }
}

/* Where a copy stands between what is shown and what is stored: the part of it that goes the way
 * from one to the other. As both have the same samples in other places, that is half of the way for
 * the one and minus half for the other, whatever brightness has been added; contrast multiplies it.
 * Where both look alike, as of a blank page, any copy stands with what is shown. */
static double stand(const picture_t *copy, const picture_t *shown, const picture_t *stored)
{
    double part = 0, way = 0;
    int i;

    for (i = 0; i < PIXELS; ++i) {
        const int apart = shown->samples[i] - stored->samples[i];

        part += copy->samples[i] * apart;
        way += apart * apart;
    }
    return way < APART * PIXELS ? 0.5 : part / way;
}

apr_status_t iiif_upright_check(const iiif_source_t *copy, const iiif_source_t *original,
                                iiif_err_t *err)
{
    picture_t seen = { { 0 } }, shown = { { 0 } }, stored = { { 0 } };
    double stands;
    apr_status_t rv = look_at(&shown, original, err);

    if (rv == APR_SUCCESS)
        rv = look_at(&seen, copy, err);
    if (rv != APR_SUCCESS)
        return rv;
    unturn(&stored, &shown, original->orientation);
    stands = stand(&seen, &shown, &stored);
    if (stands > LIKE)
        return APR_SUCCESS;
    return iiif_fail(err, IIIF_EBADSOURCE,
                     stands < -LIKE ? "it was not turned as the image is (orientation %d)"
                                    : "nothing tells whether it was turned as the image is "
                                      "(orientation %d)",
                     original->orientation);
}
