/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weights are integers whose sum is 2^14, so that a plain surface stays exactly what it is; between
 * the two sums samples keep six bits behind the point. Pairs of samples meet pairs of weights,
 * which is one instruction of the processors that we have.
 *
 * Eight rows are made together, or sixteen. What they are after the first sum is kept by columns,
 * so that the second sum is over whole vectors, too, whatever a pixel's place and number of
 * samples. Pairs begin with an even row, or column, so that what several rows of the result have in
 * common is paired once.
 */
#include "image/lanczos.h"

#include <glib.h>
#include <math.h>
#include <string.h>

#include "base/banned.h"

#define LOBES        3
#define WEIGHT_BITS  14
#define BETWEEN_BITS 6   /* of a sample between the two sums */
#define STEPS        256 /* of the table of weights, a pixel */
#define REACH        ((ptrdiff_t)LOBES * STEPS)
#define TAPS_MAX     (2 * LOBES * IIIF_LANCZOS_FACTOR_MAX + 4)
#define LANES_MAX    2
#define ROWS_MAX     (8 * LANES_MAX) /* of the result, made together, */
#define PAIRS_MAX    ((ROWS_MAX * IIIF_LANCZOS_FACTOR_MAX + TAPS_MAX) / 2) /* and of the source */

static double sinc(double x)
{
    return x == 0 ? 1 : sin(M_PI * x) / (M_PI * x);
}

/* The kernel from its middle outwards, and a zero behind it. Written once a process. */
static double kernel[REACH + 2];

static void fill_kernel(void)
{
    int i;

    for (i = 0; i < REACH; ++i) {
        const double x = (double)i / STEPS;

        kernel[i] = sinc(x) * sinc(x / LOBES);
    }
}

static double kernel_at(double x)
{
    const double at = fabs(x) * STEPS;
    const int i = (int)at;

    return i >= REACH ? 0 : kernel[i] + (kernel[i + 1] - kernel[i]) * (at - i);
}

static int16_t *weights_of(const iiif_lanczos_axis_t *axis, int i)
{
    return axis->weights + (ptrdiff_t)2 * i * axis->pairs;
}

/* To integers of an exact sum: what rounding leaves over goes to the heaviest. */
static void round_weights(int16_t *weights, const double *exact, int taps, double sum)
{
    const double unit = (1 << WEIGHT_BITS) / sum;
    int t, left = 1 << WEIGHT_BITS, heaviest = 0;

    for (t = 0; t < taps; ++t) {
        weights[t] = (int16_t)(exact[t] * unit + (exact[t] < 0 ? -0.5 : 0.5));
        left -= weights[t];
        if (weights[t] > weights[heaviest])
            heaviest = t;
    }
    weights[heaviest] = (int16_t)(weights[heaviest] + left);
}

static void weigh(iiif_lanczos_axis_t *axis, int i, const iiif_lanczos_span_t *span)
{
    const double factor = span->factor, centre = span->origin + (i + 0.5) * factor - 0.5;
    const double narrow = 1 / factor;
    const int first = (int)ceil(centre - LOBES * factor);
    const int last = (int)floor(centre + LOBES * factor);
    const int start = MAX(0, MIN(first, span->from - 1)) & ~1;
    double exact[TAPS_MAX] = { 0 }, sum = 0;
    int k;

    for (k = first; k <= last; ++k) {
        const double weight = kernel_at((k - centre) * narrow);

        exact[CLAMP(k, 0, span->from - 1) - start] += weight;
        sum += weight;
    }
    axis->starts[i] = start;
    round_weights(weights_of(axis, i), exact, 2 * axis->pairs, sum);
}

void iiif_lanczos_axis_make(iiif_lanczos_axis_t *axis, const iiif_lanczos_span_t *span)
{
    static GOnce once = G_ONCE_INIT;
    const int reach = (int)floor(2 * LOBES * span->factor) + 1;
    int i;

    g_once(&once, (GThreadFunc)(void (*)(void))fill_kernel, NULL);
    axis->pairs = (reach + 2) / 2; /* from an even one on */
    axis->starts = g_new(int, span->to);
    axis->weights = g_new0(int16_t, (gsize)span->to * 2 * (gsize)axis->pairs);
    for (i = 0; i < span->to; ++i)
        weigh(axis, i, span);
}

void iiif_lanczos_axis_free(iiif_lanczos_axis_t *axis)
{
    g_free(axis->starts);
    g_free(axis->weights);
}

#define SUM_BITS  (WEIGHT_BITS + BETWEEN_BITS)
#define LESS_BITS (WEIGHT_BITS - BETWEEN_BITS)

/* Two weights as they are read together with two samples. */
static int32_t weights_at(const int16_t *weights)
{
    int32_t both;

    memcpy(&both, weights, sizeof(both));
    return both;
}

/* Rows of the source by two, that rows of the result are made of. */
typedef struct taps_t {
    const unsigned char *at[PAIRS_MAX][2];
    int count;
    /* of each row of the result: */
    int first[ROWS_MAX]; /* which pair, */
    int pairs;           /* how many, */
    const int16_t *weights[ROWS_MAX];
} taps_t;

/* Of so many rows of the result from row @a y on, of which those beyond @a last are like it. */
static void find_taps(taps_t *taps, const iiif_lanczos_rows_t *rows,
                      const iiif_lanczos_axis_t *down, int y, int last)
{
    const int start = down->starts[y];
    int i, t;

    for (i = 0; i < ROWS_MAX; ++i) {
        const int row = MIN(y + i, last);

        taps->first[i] = (down->starts[row] - start) / 2;
        taps->weights[i] = weights_of(down, row);
    }
    taps->pairs = down->pairs;
    taps->count = (down->starts[MIN(y + ROWS_MAX - 1, last)] - start) / 2 + down->pairs;
    for (t = 0; t < 2 * taps->count; ++t)
        taps->at[t / 2][t % 2] =
            rows->samples
            + (ptrdiff_t)(MIN(start + t, rows->bottom - 1) - rows->top) * rows->stride;
}

typedef struct across_t {
    const iiif_lanczos_axis_t *axis;
    int bands;
} across_t;

#define LANES 1
#include "image/lanczos_sums.inc"
#undef LANES

/* What most processors of servers have, and not all. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define HAS_AVX2 1
#pragma GCC push_options
#pragma GCC target("avx2")
#define LANES 2
#include "image/lanczos_sums.inc"
#undef LANES
#pragma GCC pop_options
#else
#define HAS_AVX2 0
#endif

void *iiif_lanczos_room(size_t samples)
{
    return g_aligned_alloc0(samples + (size_t)LANES_MAX * 16 + (size_t)4 * TAPS_MAX,
                            (size_t)LANES_MAX * 16, (size_t)LANES_MAX * 16);
}

void iiif_lanczos_reduce(const iiif_lanczos_area_t *area, const iiif_lanczos_rows_t *rows,
                         const iiif_lanczos_axis_t *across, const iiif_lanczos_axis_t *down,
                         void *room)
{
#if HAS_AVX2
    if (__builtin_cpu_supports("avx2")) {
        reduce_2(area, rows, across, down, room);
        return;
    }
#endif
    reduce_1(area, rows, across, down, room);
}
