/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lanczos of three lobes, as vips_reduce() has it, for 8-bit samples without alpha: what nearly
 * every render needs. libvips before 8.16 does the horizontal half of it sample by sample, which
 * took more time than decoding and encoding together.
 *
 * Each result is the sum of weighted samples of the rows around it, then of the columns. Weights
 * are integers whose sum is 2^14, so that a plain surface stays exactly what it is; between the two
 * sums samples keep six bits behind the point. Pairs of samples meet pairs of weights, which is one
 * instruction of the processors that we have.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "image/private.h"

#include "base/banned.h"

#define LOBES        3
#define WEIGHT_BITS  14
#define BETWEEN_BITS 6   /* of a sample between the two sums */
#define STEPS        256 /* of the table of weights, a pixel */
#define REACH        ((ptrdiff_t)LOBES * STEPS)
#define FACTOR_MAX   4 /* beyond that libvips takes means of whole pixels first */

typedef int16_t shorts_t __attribute__((vector_size(16)));
typedef int32_t sums_t __attribute__((vector_size(16)));
typedef uint8_t bytes_t __attribute__((vector_size(16)));
typedef uint8_t half_t __attribute__((vector_size(8)));
typedef int16_t pixel_t __attribute__((vector_size(8)));

/* Along one side: each pixel of the result is made of so many pixels (taps) from its start. */
typedef struct axis_t {
    int pairs; /* taps by two; those beyond the image's end weigh nothing */
    int *starts;
    int16_t *weights; /* two times pairs of them for each pixel of the result */
} axis_t;

typedef struct reduce_t {
    VipsImage *in;
    axis_t across, down;
} reduce_t;

static int16_t *weights_of(const axis_t *axis, int i)
{
    return axis->weights + (ptrdiff_t)2 * i * axis->pairs;
}

static double sinc(double x)
{
    return x == 0 ? 1 : sin(M_PI * x) / (M_PI * x);
}

/* The kernel from its middle outwards, and a zero behind it. */
static void fill_table(double table[REACH + 2])
{
    int i;

    for (i = 0; i <= REACH; ++i) {
        const double x = (double)i / STEPS;

        table[i] = sinc(x) * sinc(x / LOBES);
    }
    table[REACH] = table[REACH + 1] = 0;
}

static double kernel_at(const double *table, double x)
{
    const double at = fabs(x) * STEPS;
    const int i = (int)at;

    return i >= REACH ? 0 : table[i] + (table[i + 1] - table[i]) * (at - i);
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

#define TAPS_MAX (2 * LOBES * FACTOR_MAX + 4)

/* Pixels beyond an edge are those of the edge. */
static void weigh(axis_t *axis, int i, const double *table, int from, int to)
{
    const double factor = (double)from / to, centre = (i + 0.5) * factor - 0.5;
    const int first = (int)ceil(centre - LOBES * factor);
    const int last = (int)floor(centre + LOBES * factor);
    const int start = MAX(0, MIN(first, from - 2 * axis->pairs));
    double exact[TAPS_MAX] = { 0 }, sum = 0;
    int k;

    for (k = first; k <= last; ++k) {
        const double weight = kernel_at(table, (k - centre) / factor);

        exact[CLAMP(k, 0, from - 1) - start] += weight;
        sum += weight;
    }
    axis->starts[i] = start;
    round_weights(weights_of(axis, i), exact, 2 * axis->pairs, sum);
}

static void fill_axis(axis_t *axis, int from, int to)
{
    const int reach = (int)floor(2 * LOBES * (double)from / to) + 1;
    double table[REACH + 2];
    int i;

    axis->pairs = (reach + 1) / 2;
    axis->starts = g_new(int, to);
    axis->weights = g_new0(int16_t, (gsize)to * 2 * (gsize)axis->pairs);
    fill_table(table);
    for (i = 0; i < to; ++i)
        weigh(axis, i, table, from, to);
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

#define SUM_BITS  (WEIGHT_BITS + BETWEEN_BITS)
#define LESS_BITS (WEIGHT_BITS - BETWEEN_BITS)

/* Up to four samples, from what they are summed up to. */
static uint32_t to_bytes(sums_t sums)
{
    const sums_t whole = divide(sums, SUM_BITS);
    uint32_t bytes = 0;
#ifdef __SSE2__
    const shorts_t shorts = __builtin_ia32_packssdw128(whole, whole);
    const bytes_t clipped = (bytes_t)__builtin_ia32_packuswb128(shorts, shorts);

    memcpy(&bytes, &clipped, sizeof(bytes));
#else
    unsigned char *b = (unsigned char *)&bytes;
    int i;

    for (i = 0; i < 4; ++i)
        b[i] = (unsigned char)CLAMP(whole[i], 0, 255);
#endif
    return bytes;
}

/* Two weights as they are read together with two samples. */
static int32_t weights_at(const int16_t *weights)
{
    int32_t both;

    memcpy(&both, weights, sizeof(both));
    return both;
}

/* The rows that make up one row of the result. */
typedef struct rows_t {
    const unsigned char *at[TAPS_MAX / 2][2];
    int pairs;
    const int16_t *weights;
} rows_t;

#define BLOCK 16 /* samples */

static shorts_t widen(bytes_t pairs, int high)
{
    const half_t half = high ? __builtin_shufflevector(pairs, pairs, 8, 9, 10, 11, 12, 13, 14, 15)
                             : __builtin_shufflevector(pairs, pairs, 0, 1, 2, 3, 4, 5, 6, 7);

    return __builtin_convertvector(half, shorts_t);
}

static void sum_block(int16_t *out, const rows_t *rows, size_t at)
{
    sums_t sums[4] = { { 0 }, { 0 }, { 0 }, { 0 } };
    size_t k;
    int t;

    for (t = 0; t < rows->pairs; ++t) {
        const int32_t weights = weights_at(rows->weights + (ptrdiff_t)2 * t);
        bytes_t a, b, low, high;

        memcpy(&a, rows->at[t][0] + at, BLOCK);
        memcpy(&b, rows->at[t][1] + at, BLOCK);
        low = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        high = __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30,
                                       15, 31);
        sums[0] = add_products(sums[0], widen(low, 0), weights);
        sums[1] = add_products(sums[1], widen(low, 1), weights);
        sums[2] = add_products(sums[2], widen(high, 0), weights);
        sums[3] = add_products(sums[3], widen(high, 1), weights);
    }
    for (k = 0; k < 4; ++k) {
        const pixel_t four = __builtin_convertvector(divide(sums[k], LESS_BITS), pixel_t);

        memcpy(out + at + 4 * k, &four, sizeof(four));
    }
}

static void sum_sample(int16_t *out, const rows_t *rows, size_t at)
{
    int t, sum = 0;

    for (t = 0; t < 2 * rows->pairs; ++t)
        sum += rows->weights[t] * rows->at[t / 2][t % 2][at];
    out[at] = (int16_t)((sum + (1 << (LESS_BITS - 1))) >> LESS_BITS);
}

static void sum_rows(int16_t *out, const rows_t *rows, size_t samples)
{
    size_t at = 0;

    for (; at + BLOCK <= samples; at += BLOCK)
        sum_block(out, rows, at);
    for (; at < samples; ++at)
        sum_sample(out, rows, at);
}

/* Room behind a row of samples, and of bytes: all is read and written by fours. */
#define BEHIND ((size_t)4 * (TAPS_MAX + 4))

static void sum_columns(unsigned char *out, const int16_t *in, const axis_t *axis,
                        const VipsRect *asked, ptrdiff_t bands)
{
    int i, t;

    for (i = asked->left; i < VIPS_RECT_RIGHT(asked); ++i, out += bands) {
        const int16_t *samples = in + axis->starts[i] * bands;
        const int16_t *weights = weights_of(axis, i);
        sums_t sums = { 0 };
        uint32_t bytes;

        for (t = 0; t < axis->pairs; ++t, samples += 2 * bands) {
            pixel_t a, b;

            memcpy(&a, samples, sizeof(a));
            memcpy(&b, samples + bands, sizeof(b));
            sums = add_products(sums, __builtin_shufflevector(a, b, 0, 4, 1, 5, 2, 6, 3, 7),
                                weights_at(weights + (ptrdiff_t)2 * t));
        }
        bytes = to_bytes(sums);
        memcpy(out, &bytes, sizeof(bytes));
    }
}

/* What rows of the source an area of the result is made of. */
static VipsRect needed_rows(const reduce_t *reduce, const VipsRect *asked)
{
    const axis_t *down = &reduce->down;
    const int first = down->starts[asked->top];
    const int end = down->starts[VIPS_RECT_BOTTOM(asked) - 1] + 2 * down->pairs;

    return (VipsRect){ 0, first, reduce->in->Xsize, MIN(end, reduce->in->Ysize) - first };
}

/* The rows that make up row @a y, of a region that holds them whole. Behind the last one there is
 * none: its weight is nothing. */
static rows_t rows_for(const reduce_t *reduce, const VipsRegion *region, int y)
{
    const axis_t *down = &reduce->down;
    rows_t rows = { .pairs = down->pairs, .weights = weights_of(down, y) };
    int t;

    for (t = 0; t < TAPS_MAX; ++t) {
        const int row =
            MIN(down->starts[y] + t, VIPS_RECT_BOTTOM(&region->valid) - 1) - region->valid.top;

        rows.at[t / 2][t % 2] = region->data + (ptrdiff_t)row * region->bpl;
    }
    return rows;
}

static void reduce_row(unsigned char *row, int16_t *between, const VipsRegion *region,
                       const reduce_t *reduce, const VipsRect *asked)
{
    const int bands = reduce->in->Bands;
    const rows_t rows = rows_for(reduce, region, asked->top);

    sum_rows(between, &rows, (size_t)reduce->in->Xsize * (size_t)bands);
    sum_columns(row, between, &reduce->across, asked, bands);
}

static int give_reduced(VipsRegion *out, void *sequence, void *in, void *reducev, gboolean *stop)
{
    const reduce_t *reduce = reducev;
    const size_t bands = (size_t)reduce->in->Bands;
    const size_t length = (size_t)out->valid.width * bands;
    const VipsRect needed = needed_rows(reduce, &out->valid);
    VipsRect asked = out->valid;
    unsigned char *to = VIPS_REGION_ADDR_TOPLEFT(out), *row;
    int16_t *between;

    (void)in;
    (void)stop;
    if (vips_region_prepare(sequence, &needed))
        return -1;
    between = g_new0(int16_t, (size_t)reduce->in->Xsize * bands + BEHIND);
    row = g_malloc(length + BEHIND);
    for (; asked.top < VIPS_RECT_BOTTOM(&out->valid); ++asked.top, to += out->bpl) {
        reduce_row(row, between, sequence, reduce, &asked);
        memcpy(to, row, length);
    }
    g_free(row);
    g_free(between);
    return 0;
}

static void free_reduce(VipsImage *image, void *reducev)
{
    reduce_t *reduce = reducev;

    (void)image;
    g_object_unref(reduce->in);
    g_free(reduce->across.starts);
    g_free(reduce->across.weights);
    g_free(reduce->down.starts);
    g_free(reduce->down.weights);
    g_free(reduce);
}

static int is_within(int from, apr_uint32_t to)
{
    return to <= (apr_uint32_t)from && (apr_uint64_t)to * FACTOR_MAX >= (apr_uint32_t)from;
}

int iiif_can_reduce(VipsImage *in, iiif_dims_t size)
{
    return in->BandFmt == VIPS_FORMAT_UCHAR && in->Coding == VIPS_CODING_NONE && in->Bands <= 4
           && !vips_image_hasalpha(in) && is_within(in->Xsize, size.width)
           && is_within(in->Ysize, size.height);
}

int iiif_reduce(VipsImage *in, VipsImage **out, iiif_dims_t size)
{
    reduce_t *reduce = g_new0(reduce_t, 1);
    VipsImage *made = vips_image_new();

    reduce->in = g_object_ref(in);
    g_signal_connect(made, "close", G_CALLBACK(free_reduce), reduce);
    fill_axis(&reduce->across, in->Xsize, (int)size.width);
    fill_axis(&reduce->down, in->Ysize, (int)size.height);
    if (!vips_image_pipelinev(made, VIPS_DEMAND_STYLE_FATSTRIP, in, NULL)) {
        made->Xsize = (int)size.width;
        made->Ysize = (int)size.height;
        if (!vips_image_generate(made, vips_start_one, give_reduced, vips_stop_one, in, reduce)) {
            *out = made;
            return 0;
        }
    }
    g_object_unref(made);
    return -1;
}
