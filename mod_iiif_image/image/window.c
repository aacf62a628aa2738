/* SPDX-License-Identifier: Apache-2.0 */
#include "image/window.h"

#include <math.h>

#include "image/orientation.h"

#include "base/banned.h"

#define DRIFT_MAX 0.5 /* pixels of the result */

/* One axis of a region on a level. */
typedef struct span_t {
    apr_uint32_t start, length; /* pixels of the level */
    double drift;               /* how far its worse edge is off, in pixels of the result */
    double density;             /* pixels of the level for one of the result */
} span_t;

static span_t span_on(apr_uint32_t offset, apr_uint32_t length, apr_uint32_t wanted,
                      const double scale, const apr_uint32_t sides[2])
{
    double exact_left = (double)offset / scale;
    double exact_right = ((double)offset + length) / scale;
    double left = round(exact_left), right = round(exact_right);
    span_t span;

    if (left >= sides[1])
        left = sides[1] - 1.0;
    if (right > sides[1])
        right = sides[1];
    if (right <= left)
        right = left + 1;
    span.start = (apr_uint32_t)left;
    span.length = (apr_uint32_t)(right - left);
    span.density = length / scale / wanted;
    span.drift = fmax(fabs(left - exact_left), fabs(right - exact_right)) / span.density;
    /* a last tile, pixel for pixel: its last one may stand for less than one */
    if (offset + (apr_uint64_t)length == sides[0] && left == exact_left
        && sides[1] - span.start == wanted) {
        span.length = wanted;
        span.density = 1;
        span.drift = 0;
    }
    return span;
}

static int serves(const span_t *span)
{
    return span->density >= 1 - 1e-9 && span->drift <= DRIFT_MAX;
}

iiif_window_t iiif_window_choose(const iiif_source_t *source, iiif_rect_t region, iiif_dims_t size)
{
    iiif_rect_t stored = iiif_orientation_to_stored(source->orientation, region, source->full);
    iiif_dims_t wanted = iiif_orientation_dims(source->orientation, size);
    iiif_window_t window = { &source->levels[0], stored, NULL };
    int unscaled = wanted.width == stored.width && wanted.height == stored.height;
    int i;

    for (i = unscaled ? 0 : source->level_count - 1; i > 0; --i) {
        const iiif_level_t *level = &source->levels[i];
        const apr_uint32_t across[2] = { source->stored.width, level->dims.width };
        const apr_uint32_t down[2] = { source->stored.height, level->dims.height };
        span_t x = span_on(stored.x, stored.width, wanted.width, level->scale_x, across);
        span_t y = span_on(stored.y, stored.height, wanted.height, level->scale_y, down);

        if (!serves(&x) || !serves(&y))
            continue;
        window.level = level;
        window.rect = (iiif_rect_t){ x.start, y.start, x.length, y.length };
        break;
    }
    return window;
}
