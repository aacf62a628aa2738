/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image/lanczos.c has code for two kinds of processor, of which reduce_test.c sees one. All is
 * integers once the weights are there, so both give the same, bit for bit.
 */
#include <stdlib.h>

#include "tap.h"
#undef ROWS

#include "image/lanczos.c"

typedef struct sizes_t {
    int bands, width, height, to_width, to_height;
    double left, top; /* where the result begins */
} sizes_t;

static const sizes_t sizes[] = {
    { 1, 333, 211, 200, 150, 0, 0 },  { 3, 333, 211, 200, 150, 0, 0 },
    { 4, 64, 64, 33, 17, 0, 0 },      { 1, 17, 3, 5, 2, 0, 0 },
    { 2, 1, 1, 1, 1, 0, 0 },          { 1, 40, 100, 40, 99, 0.5, 0.5 },
    { 3, 1000, 40, 250, 10, 0, 0.5 }, { 1, 15, 15, 16, 32, 0, 0 },
};

typedef void (*reduce_fn)(const iiif_lanczos_area_t *area, const iiif_lanczos_rows_t *rows,
                          const iiif_lanczos_axis_t *across, const iiif_lanczos_axis_t *down,
                          void *room);

static void fill(unsigned char *samples, size_t length)
{
    unsigned state = 12345;
    size_t i;

    for (i = 0; i < length; ++i) {
        state = state * 1103515245u + 12345;
        samples[i] = state >> 16 & 64 ? 255 : (unsigned char)(state >> 16);
    }
}

static unsigned char *reduce(reduce_fn by, const sizes_t *s, const unsigned char *samples)
{
    const double across_factor = s->to_width > s->width ? 1 : (double)s->width / s->to_width;
    const double down_factor = s->to_height > s->height ? 1 : (double)s->height / s->to_height;
    const iiif_lanczos_span_t x = { s->left, across_factor, s->width, s->to_width };
    const iiif_lanczos_span_t y = { s->top, down_factor, s->height, s->to_height };
    const ptrdiff_t stride = (ptrdiff_t)s->to_width * s->bands;
    unsigned char *out = calloc((size_t)s->to_height, (size_t)stride);
    const iiif_lanczos_area_t area = { out, stride, 0, 0, s->to_width, s->to_height };
    const iiif_lanczos_rows_t rows = { samples,  (ptrdiff_t)s->width * s->bands,
                                       0,        s->height,
                                       s->width, s->bands };
    void *room = iiif_lanczos_room((size_t)s->width * (size_t)s->bands);
    iiif_lanczos_axis_t across, down;

    iiif_lanczos_axis_make(&across, &x);
    iiif_lanczos_axis_make(&down, &y);
    by(&area, &rows, &across, &down, room);
    iiif_lanczos_axis_free(&across);
    iiif_lanczos_axis_free(&down);
    g_aligned_free(room);
    return out;
}

static void compare(const sizes_t *s, reduce_fn by)
{
    const size_t length = (size_t)s->width * (size_t)s->height * (size_t)s->bands;
    unsigned char *samples = malloc(length), *plain, *other;

    fill(samples, length);
    plain = reduce(reduce_1, s, samples);
    other = reduce(by, s, samples);
    ok(!memcmp(plain, other, (size_t)s->to_width * (size_t)s->to_height * (size_t)s->bands),
       "%dx%d to %dx%d, %d bands", s->width, s->height, s->to_width, s->to_height, s->bands);
    free(samples);
    free(plain);
    free(other);
}

int main(void)
{
    unsigned i;

    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); ++i)
        compare(&sizes[i], iiif_lanczos_reduce);
    return done_testing();
}
