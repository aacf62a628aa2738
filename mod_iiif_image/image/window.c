/* SPDX-License-Identifier: Apache-2.0 */
#include "image/window.h"

#include <math.h>

#include "image/orientation.h"
#include "image/raw_decode.h"

#include "base/banned.h"

#define DRIFT_MAX  0.5 /* pixels of the result */
#define SHRINK_MAX 8   /* pixels of a JPEG to one, by DCT scaling */

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
    double strictness = 1;
    span_t span;

    if (left >= sides[1])
        left = sides[1] - 1.0;
    if (right > sides[1])
        right = sides[1];
    if (right <= left)
        right = left + 1;
    /* beyond the image's edge there is nothing that would have to fit: twice as much is allowed */
    if (offset + (apr_uint64_t)length == sides[0] && right == sides[1] && right - left >= wanted)
        strictness = 0.5;
    span.start = (apr_uint32_t)left;
    span.length = (apr_uint32_t)(right - left);
    span.density = length / scale / wanted;
    span.drift =
        fmax(fabs(left - exact_left), strictness * fabs(right - exact_right)) / span.density;
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

/* A level as it is read: as it is stored, or shrunk while it is decoded. */
typedef struct reading_t {
    const iiif_level_t *level;
    unsigned shrink;
} reading_t;

/* Whole pixels of what is shrunk: the last ones may have less than that many behind them. */
static int try_reading(iiif_window_t *window, const iiif_source_t *source, iiif_rect_t stored,
                       iiif_dims_t wanted, reading_t reading)
{
    const iiif_level_t *level = reading.level;
    const unsigned shrink = reading.shrink;
    const apr_uint32_t across[2] = { source->stored.width, level->dims.width / shrink };
    const apr_uint32_t down[2] = { source->stored.height, level->dims.height / shrink };
    span_t x, y;

    if (!across[1] || !down[1])
        return 0;
    x = span_on(stored.x, stored.width, wanted.width, level->scale_x * shrink, across);
    y = span_on(stored.y, stored.height, wanted.height, level->scale_y * shrink, down);
    if (!serves(&x) || !serves(&y))
        return 0;
    *window = (iiif_window_t){ level, shrink, { x.start, y.start, x.length, y.length }, NULL };
    return 1;
}

iiif_window_t iiif_window_choose(const iiif_source_t *source, iiif_rect_t region, iiif_dims_t size)
{
    iiif_rect_t stored = iiif_orientation_to_stored(source->orientation, region, source->full);
    iiif_dims_t wanted = iiif_orientation_dims(source->orientation, size);
    iiif_window_t window = { &source->levels[0], 1, stored, NULL };
    int unscaled = wanted.width == stored.width && wanted.height == stored.height;
    unsigned shrink;
    int i;

    for (i = unscaled ? -1 : source->level_count - 1; i >= 0; --i) {
        const iiif_level_t *level = &source->levels[i];

        for (shrink = SHRINK_MAX; shrink > 0; shrink /= 2) {
            const reading_t reading = { level, shrink };

            if (shrink > 1 ? !iiif_raw_can_decode(level->raw, shrink) : i == 0)
                continue;
            if (try_reading(&window, source, stored, wanted, reading))
                return window;
        }
    }
    return window;
}
