/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weights are integers whose sum is 2^14, so that a plain surface stays exactly what it is; between
 * the two sums samples keep six bits behind the point. Pairs of samples meet pairs of weights,
 * which is one instruction of the processors that we have.
 *
 * Eight rows are made together. What they are after the first sum is kept by columns of eight, so
 * that the second sum is over whole vectors, too, whatever a pixel's place and number of samples.
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
#define ROWS         IIIF_LANCZOS_ROWS

typedef int16_t shorts_t __attribute__((vector_size(16)));
typedef int32_t sums_t __attribute__((vector_size(16)));
typedef uint8_t bytes_t __attribute__((vector_size(16)));

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
    int t, left = 1 << WEIGHT_BITS, heaviest = 0;

    for (t = 0; t < taps; ++t) {
        weights[t] = (int16_t)lrint(exact[t] / sum * (1 << WEIGHT_BITS));
        left -= weights[t];
        if (weights[t] > weights[heaviest])
            heaviest = t;
    }
    weights[heaviest] = (int16_t)(weights[heaviest] + left);
}

static void weigh(iiif_lanczos_axis_t *axis, int i, const iiif_lanczos_span_t *span)
{
    const double factor = span->factor, centre = span->origin + (i + 0.5) * factor - 0.5;
    const int first = (int)ceil(centre - LOBES * factor);
    const int last = (int)floor(centre + LOBES * factor);
    const int start = MAX(0, MIN(first, span->from - 2 * axis->pairs));
    double exact[TAPS_MAX] = { 0 }, sum = 0;
    int k;

    for (k = first; k <= last; ++k) {
        const double weight = kernel_at((k - centre) / factor);

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
    axis->pairs = (reach + 1) / 2;
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

/* Two products a sum. */
static sums_t add_products(sums_t sums, shorts_t samples, int32_t weights)
{
    const sums_t both = { weights, weights, weights, weights };
#ifdef __SSE2__
    return sums + __builtin_ia32_pmaddwd128(samples, (shorts_t)both);
#else
    const shorts_t w = (shorts_t)both;
    int i;

    for (i = 0; i < 4; ++i)
        sums[i] += samples[2 * i] * w[2 * i] + samples[2 * i + 1] * w[2 * i + 1];
    return sums;
#endif
}

/* By a power of two, to the nearest. gcc's analyzer does not know shifts of vectors. */
static sums_t divide(sums_t sums, int bits)
{
    const sums_t up = sums + (1 << (bits - 1));
#ifdef __SSE2__
    return __builtin_ia32_psradi128(up, bits);
#else
    sums_t divided = up;
    int i;

    for (i = 0; i < 4; ++i)
        divided[i] = up[i] >> bits;
    return divided;
#endif
}

/* Eight sums to shorts; those that do not fit are cut off. */
static shorts_t to_shorts(sums_t low, sums_t high)
{
#ifdef __SSE2__
    return __builtin_ia32_packssdw128(low, high);
#else
    shorts_t shorts;
    int i;

    for (i = 0; i < 4; ++i) {
        shorts[i] = (int16_t)CLAMP(low[i], INT16_MIN, INT16_MAX);
        shorts[i + 4] = (int16_t)CLAMP(high[i], INT16_MIN, INT16_MAX);
    }
    return shorts;
#endif
}

static bytes_t to_bytes(shorts_t low, shorts_t high)
{
#ifdef __SSE2__
    return (bytes_t)__builtin_ia32_packuswb128(low, high);
#else
    bytes_t bytes;
    int i;

    for (i = 0; i < 8; ++i) {
        bytes[i] = (uint8_t)CLAMP(low[i], 0, 255);
        bytes[i + 8] = (uint8_t)CLAMP(high[i], 0, 255);
    }
    return bytes;
#endif
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

/* The rows that make up one row of the result. */
typedef struct taps_t {
    const unsigned char *at[TAPS_MAX / 2][2];
    int pairs;
    const int16_t *weights;
} taps_t;

static void find_taps(taps_t *taps, const iiif_lanczos_rows_t *rows,
                      const iiif_lanczos_axis_t *down, int y)
{
    int t;

    taps->pairs = down->pairs;
    taps->weights = weights_of(down, y);
    for (t = 0; t < 2 * down->pairs; ++t)
        taps->at[t / 2][t % 2] =
            rows->samples
            + (ptrdiff_t)(MIN(down->starts[y] + t, rows->bottom - 1) - rows->top) * rows->stride;
}

#define BLOCK 16 /* samples */

/* Bytes of the first or second half to shorts. */
static shorts_t widen_low(bytes_t b)
{
    const bytes_t zero = { 0 };

    return (shorts_t)__builtin_shufflevector(b, zero, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6,
                                             22, 7, 23);
}

static shorts_t widen_high(bytes_t b)
{
    const bytes_t zero = { 0 };

    return (shorts_t)__builtin_shufflevector(b, zero, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29,
                                             14, 30, 15, 31);
}

/* So many samples of one row, down. */
static void sum_block(shorts_t out[2], const taps_t *taps, size_t at)
{
    sums_t sums[4] = { { 0 }, { 0 }, { 0 }, { 0 } };
    int t;

    for (t = 0; t < taps->pairs; ++t) {
        const int32_t weights = weights_at(taps->weights + (ptrdiff_t)2 * t);
        bytes_t a, b, low, high;

        memcpy(&a, taps->at[t][0] + at, BLOCK);
        memcpy(&b, taps->at[t][1] + at, BLOCK);
        low = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        high = __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30,
                                       15, 31);
        sums[0] = add_products(sums[0], widen_low(low), weights);
        sums[1] = add_products(sums[1], widen_high(low), weights);
        sums[2] = add_products(sums[2], widen_low(high), weights);
        sums[3] = add_products(sums[3], widen_high(high), weights);
    }
    out[0] = to_shorts(divide(sums[0], LESS_BITS), divide(sums[1], LESS_BITS));
    out[1] = to_shorts(divide(sums[2], LESS_BITS), divide(sums[3], LESS_BITS));
}

/* The same of those that are left at the end of a row. */
static void sum_rest(shorts_t out[2], const taps_t *taps, size_t at, size_t samples)
{
    size_t k;
    int t;

    for (k = 0; k < samples; ++k) {
        int sum = 1 << (LESS_BITS - 1);

        for (t = 0; t < 2 * taps->pairs; ++t)
            sum += taps->weights[t] * taps->at[t / 2][t % 2][at + k];
        out[k / ROWS][k % ROWS] = (int16_t)(sum >> LESS_BITS);
    }
}

/* Every other element of both, from their first or second halves. */
static shorts_t zip_low(shorts_t a, shorts_t b)
{
    return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}

static shorts_t zip_high(shorts_t a, shorts_t b)
{
    return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}

static void zip(shorts_t to[ROWS], const shorts_t from[ROWS])
{
    to[0] = zip_low(from[0], from[4]);
    to[1] = zip_high(from[0], from[4]);
    to[2] = zip_low(from[1], from[5]);
    to[3] = zip_high(from[1], from[5]);
    to[4] = zip_low(from[2], from[6]);
    to[5] = zip_high(from[2], from[6]);
    to[6] = zip_low(from[3], from[7]);
    to[7] = zip_high(from[3], from[7]);
}

/* Rows of eight samples to columns of eight rows. */
static void turn(shorts_t columns[ROWS], const shorts_t rows[ROWS])
{
    shorts_t once[ROWS], twice[ROWS];

    zip(once, rows);
    zip(twice, once);
    zip(columns, twice);
}

/* Eight rows of the result, still of all columns, which are left in the room. */
static void sum_rows(shorts_t *room, const taps_t taps[ROWS], size_t samples)
{
    size_t at;
    int y;

    for (at = 0; at < samples; at += BLOCK, room += BLOCK) {
        shorts_t left[ROWS], right[ROWS];

        for (y = 0; y < ROWS; ++y) {
            shorts_t sums[2] = { { 0 } };

            if (at + BLOCK <= samples)
                sum_block(sums, &taps[y], at);
            else
                sum_rest(sums, &taps[y], at, samples - at);
            left[y] = sums[0];
            right[y] = sums[1];
        }
        turn(room, left);
        turn(room + ROWS, right);
    }
}

/* One sample of eight rows, across. */
static shorts_t sum_columns(const shorts_t *columns, int step, const int16_t *weights, int pairs)
{
    sums_t low = { 0 }, high = { 0 };
    int t;

    for (t = 0; t < pairs; ++t, columns += 2 * (ptrdiff_t)step) {
        const int32_t both = weights_at(weights + (ptrdiff_t)2 * t);

        low = add_products(low, zip_low(columns[0], columns[step]), both);
        high = add_products(high, zip_high(columns[0], columns[step]), both);
    }
    return to_shorts(divide(low, SUM_BITS), divide(high, SUM_BITS));
}

/* Eight samples of eight rows, by columns, to as many rows as there are. */
static void put_samples(unsigned char *to, const iiif_lanczos_area_t *area, int rows,
                        const shorts_t columns[ROWS], size_t samples)
{
    shorts_t turned[ROWS];
    int y;

    turn(turned, columns);
    for (y = 0; y < rows; ++y, to += area->stride) {
        const bytes_t bytes = to_bytes(turned[y], turned[y]);

        memcpy(to, &bytes, samples);
    }
}

typedef struct across_t {
    const iiif_lanczos_axis_t *axis;
    int bands;
} across_t;

static void reduce_rows(unsigned char *to, const iiif_lanczos_area_t *area, int rows,
                        const across_t *across, const shorts_t *room)
{
    const int bands = across->bands, samples = area->width * bands;
    shorts_t columns[ROWS] = { { 0 } };
    int x, band, i = 0;

    for (x = area->left; x < area->left + area->width; ++x) {
        const shorts_t *first = room + (ptrdiff_t)across->axis->starts[x] * bands;
        const int16_t *weights = weights_of(across->axis, x);

        for (band = 0; band < bands; ++band) {
            columns[i++ % ROWS] = sum_columns(first + band, bands, weights, across->axis->pairs);
            if (i % ROWS == 0)
                put_samples(to + i - ROWS, area, rows, columns, ROWS);
        }
    }
    if (samples % ROWS)
        put_samples(to + samples - samples % ROWS, area, rows, columns, (size_t)samples % ROWS);
}

void *iiif_lanczos_room(size_t samples)
{
    return g_aligned_alloc0(samples + BLOCK + (size_t)4 * TAPS_MAX, sizeof(shorts_t),
                            sizeof(shorts_t));
}

void iiif_lanczos_reduce(const iiif_lanczos_area_t *area, const iiif_lanczos_rows_t *rows,
                         const iiif_lanczos_axis_t *across, const iiif_lanczos_axis_t *down,
                         void *room)
{
    const across_t line = { across, rows->bands };
    taps_t taps[ROWS];
    int y, i;

    for (y = 0; y < area->height; y += ROWS) {
        const int count = MIN(ROWS, area->height - y);

        for (i = 0; i < ROWS; ++i)
            find_taps(&taps[i], rows, down, area->top + y + MIN(i, count - 1));
        sum_rows(room, taps, (size_t)rows->width * (size_t)rows->bands);
        reduce_rows(area->samples + y * area->stride, area, count, &line, room);
    }
}
