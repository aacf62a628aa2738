/* SPDX-License-Identifier: Apache-2.0 */
#include "image/window.h"

#include <math.h>
#include <string.h>

#include "image/orientation.h"
#include "tap.h"

typedef enum { CEIL, FLOOR } rounding_e;

/* A pyramid of halves, as JPEG 2000 (sides rounded up) and JPEG's DCT scaling (down) have it. */
static iiif_source_t pyramid(iiif_dims_t stored, int orientation, int count, rounding_e rounding)
{
    iiif_source_t source = { .stored = stored, .orientation = orientation, .level_count = 0 };
    int k;

    source.full = iiif_orientation_dims(orientation, stored);
    for (k = 0; k < count; ++k) {
        unsigned factor = 1u << k;
        iiif_dims_t dims = iiif_level_dims(stored, factor);

        if (rounding == FLOOR)
            dims = (iiif_dims_t){ stored.width / factor, stored.height / factor };
        if (!dims.width || !dims.height)
            break;
        source.levels[source.level_count++] =
            (iiif_level_t){ .dims = dims, .scale_x = factor, .scale_y = factor, .subifd = -1 };
    }
    return source;
}

/* clang-format off */
static const struct {
    iiif_dims_t stored;
    int orientation;
    rounding_e rounding;
    iiif_rect_t region;
    iiif_dims_t size;
    int level;
    iiif_rect_t rect;
} cases[] = {
    /* whole images */
    { { 1024, 768 }, 1, CEIL,  { 0, 0, 1024, 768 }, { 1024, 768 }, 0, { 0, 0, 1024, 768 } },
    { { 1024, 768 }, 1, CEIL,  { 0, 0, 1024, 768 }, { 512, 384 },  1, { 0, 0, 512, 384 } },
    { { 1024, 768 }, 1, CEIL,  { 0, 0, 1024, 768 }, { 513, 385 },  0, { 0, 0, 1024, 768 } },
    { { 1024, 768 }, 1, CEIL,  { 0, 0, 1024, 768 }, { 511, 383 },  1, { 0, 0, 512, 384 } },
    { { 1024, 768 }, 1, CEIL,  { 0, 0, 1024, 768 }, { 256, 192 },  2, { 0, 0, 256, 192 } },
    { { 1024, 768 }, 1, CEIL,  { 0, 0, 1024, 768 }, { 1, 1 },      3, { 0, 0, 128, 96 } },
    { { 1024, 768 }, 1, CEIL,  { 0, 0, 1024, 768 }, { 2048, 1536 }, 0, { 0, 0, 1024, 768 } },
    /* the narrower side decides */
    { { 1024, 768 }, 1, CEIL,  { 0, 0, 1024, 768 }, { 512, 10 },   1, { 0, 0, 512, 384 } },
    { { 1024, 768 }, 1, CEIL,  { 0, 0, 1024, 768 }, { 128, 768 },  0, { 0, 0, 1024, 768 } },
    /* tiles of the grid fall on pixels of their level */
    { { 1024, 768 }, 1, CEIL,  { 512, 0, 512, 512 }, { 256, 256 }, 1, { 256, 0, 256, 256 } },
    { { 1024, 768 }, 1, CEIL,  { 0, 512, 512, 256 }, { 256, 128 }, 1, { 0, 256, 256, 128 } },
    { { 1024, 768 }, 6, CEIL,  { 0, 512, 512, 512 }, { 256, 256 }, 1, { 256, 128, 256, 256 } },
    /* a region between the pixels of a level is read where it is exact enough */
    { { 1024, 768 }, 1, CEIL,  { 1, 1, 512, 512 },  { 256, 256 },  1, { 1, 1, 256, 256 } },
    { { 1024, 768 }, 1, CEIL,  { 3, 3, 8, 8 },      { 1, 1 },      3, { 0, 0, 1, 1 } },
};

static const struct {
    iiif_dims_t stored;
    rounding_e rounding;
    apr_uint32_t tile;
} grids[] = {
    { { 1024, 1024 }, CEIL, 256 },
    { { 1000, 800 },  CEIL, 256 },
    { { 1001, 801 },  CEIL, 256 },
    { { 1025, 769 },  CEIL, 256 }, /* a last column and row of one pixel */
    { { 999, 777 },   CEIL, 128 },
    { { 1027, 515 },  CEIL, 128 },
};
/* clang-format on */

static int same(iiif_rect_t a, iiif_rect_t b)
{
    return a.x == b.x && a.y == b.y && a.width == b.width && a.height == b.height;
}

static int inside(iiif_rect_t r, iiif_dims_t dims)
{
    return r.width && r.height && r.x < dims.width && r.y < dims.height
           && r.width <= dims.width - r.x && r.height <= dims.height - r.y;
}

/* How far a window's edges are from the region's, in pixels of the result, on one axis. The last
 * pixel of a level may stand for less than a whole one: there the image's edge is its edge. */
static double drift(apr_uint32_t offset, apr_uint32_t length, apr_uint32_t full, double scale,
                    apr_uint32_t start, apr_uint32_t count, apr_uint32_t side, apr_uint32_t wanted)
{
    double left = fabs(start * scale - offset);
    double right = fabs((start + count) * scale - (offset + length));

    if (offset + length == full && start + count == side)
        right = 0;
    return fmax(left, right) * wanted / length;
}

/* Does a window keep what the header promises? */
static int keeps(const iiif_source_t *source, const iiif_window_t *window, iiif_rect_t region,
                 iiif_dims_t size)
{
    const iiif_level_t *level = window->level;
    iiif_rect_t r = iiif_orientation_to_stored(source->orientation, region, source->full);
    iiif_dims_t wanted = iiif_orientation_dims(source->orientation, size);
    iiif_rect_t at = window->rect;

    if (!inside(at, level->dims))
        return 0;
    if (level == &source->levels[0])
        return same(at, r);
    return at.width >= wanted.width && at.height >= wanted.height
           && drift(r.x, r.width, source->stored.width, level->scale_x, at.x, at.width,
                    level->dims.width, wanted.width)
                  <= 0.5 + 1e-9
           && drift(r.y, r.height, source->stored.height, level->scale_y, at.y, at.height,
                    level->dims.height, wanted.height)
                  <= 0.5 + 1e-9;
}

/* All tiles of the grid: each is read from the level of its factor, and pixel for pixel. A corner
 * of one or two pixels is a tile of several factors. */
static void test_grid(iiif_dims_t stored, int orientation, rounding_e rounding, apr_uint32_t side)
{
    iiif_source_t source = pyramid(stored, orientation, 4, rounding);
    unsigned seen = 0, wrong = 0, k, x, y;

    for (k = 0; k < 4; ++k) {
        unsigned span = side << k, factor = 1u << k;

        for (y = 0; y < source.full.height; y += span)
            for (x = 0; x < source.full.width; x += span) {
                iiif_rect_t region = { x, y, span, span };
                iiif_window_t window;
                iiif_dims_t size;

                if (region.width > source.full.width - x)
                    region.width = source.full.width - x;
                if (region.height > source.full.height - y)
                    region.height = source.full.height - y;
                size = iiif_level_dims((iiif_dims_t){ region.width, region.height }, factor);
                window = iiif_window_choose(&source, region, size);
                ++seen;
                wrong += !keeps(&source, &window, region, size)
                         || (orientation == 1
                             && (window.level < &source.levels[k]
                                 || (k == 0 && window.level != &source.levels[0])
                                 || window.rect.width != size.width
                                 || window.rect.height != size.height));
            }
    }
    ok(!wrong, "%ux%u, orientation %d: %u tiles of %u, %u are not exact", stored.width,
       stored.height, orientation, seen, side, wrong);
}

/* A small generator, the same everywhere: Numerical Recipes' LCG. */
static unsigned next(unsigned *state, unsigned below)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % below;
}

static void test_any_region(rounding_e rounding)
{
    unsigned state = 20240517, seen = 0, wrong = 0, reduced = 0;

    while (seen < 200000) {
        iiif_dims_t stored = { 1 + next(&state, 3000), 1 + next(&state, 3000) };
        iiif_source_t source =
            pyramid(stored, 1 + (int)next(&state, 8), 1 + (int)next(&state, 7), rounding);
        iiif_rect_t region = { next(&state, source.full.width), next(&state, source.full.height), 0,
                               0 };
        iiif_dims_t size;
        iiif_window_t window;

        region.width = 1 + next(&state, source.full.width - region.x);
        region.height = 1 + next(&state, source.full.height - region.y);
        size = (iiif_dims_t){ 1 + next(&state, region.width * 2),
                              1 + next(&state, region.height * 2) };
        window = iiif_window_choose(&source, region, size);
        wrong += !keeps(&source, &window, region, size);
        reduced += window.level != &source.levels[0];
        ++seen;
    }
    ok(!wrong && reduced > seen / 50, "%u regions at any size, %u from smaller levels, %u wrong",
       seen, reduced, wrong);
}

int main(void)
{
    unsigned i;
    int orientation;

    for (i = 0; i < ROWS(cases); ++i) {
        iiif_source_t source = pyramid(cases[i].stored, cases[i].orientation, 4, cases[i].rounding);
        iiif_window_t got = iiif_window_choose(&source, cases[i].region, cases[i].size);

        ok(got.level == &source.levels[cases[i].level] && same(got.rect, cases[i].rect),
           "%u,%u,%u,%u at %ux%u -> level %d, %u,%u,%u,%u", cases[i].region.x, cases[i].region.y,
           cases[i].region.width, cases[i].region.height, cases[i].size.width, cases[i].size.height,
           (int)(got.level - source.levels), got.rect.x, got.rect.y, got.rect.width,
           got.rect.height);
    }
    for (i = 0; i < ROWS(grids); ++i)
        for (orientation = 1; orientation <= 8; ++orientation)
            test_grid(grids[i].stored, orientation, grids[i].rounding, grids[i].tile);
    test_any_region(CEIL);
    test_any_region(FLOOR);
    return done_testing();
}
