/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sums of image/lanczos.c, with vectors of LANES times 16 bytes; included there once for each
 * kind of processor, so that it has no guard. Instructions mix what is in one lane only: it is a
 * block of 16 samples while rows are summed up, and eight rows while columns are.
 */
#define ROWS  (8 * LANES)          /* of the result, made together */
#define BLOCK ((size_t)16 * LANES) /* samples of a row, made together */

#define JOIN_(name, lanes) name##_##lanes
#define JOIN(name, lanes)  JOIN_(name, lanes)
#define shorts_t           JOIN(shorts, LANES)
#define sums_t             JOIN(sums, LANES)
#define bytes_t            JOIN(bytes, LANES)
#define NAME(function)     JOIN(function, LANES)

typedef int16_t shorts_t __attribute__((vector_size(16 * LANES)));
typedef int32_t sums_t __attribute__((vector_size(16 * LANES)));
typedef uint8_t bytes_t __attribute__((vector_size(16 * LANES)));

/* clang-format off */
/* Every other element of both, from element i of each lane on. */
#define FOUR(i, n) i, (i) + (n), (i) + 1, (i) + (n) + 1, (i) + 2, (i) + (n) + 2, (i) + 3, (i) + (n) + 3
#if LANES == 1
#define ZIP_SHORTS(a, b, i) __builtin_shufflevector(a, b, FOUR(i, 8))
#define ZIP_BYTES(a, b, i)  __builtin_shufflevector(a, b, FOUR(i, 16), FOUR((i) + 4, 16))
#else
#define ZIP_SHORTS(a, b, i) __builtin_shufflevector(a, b, FOUR(i, 16), FOUR((i) + 8, 16))
#define ZIP_BYTES(a, b, i)                                                              \
    __builtin_shufflevector(a, b, FOUR(i, 32), FOUR((i) + 4, 32), FOUR((i) + 16, 32), FOUR((i) + 20, 32))
#endif

/* Products of pairs, added; sums by a power of two (gcc's analyzer does not know shifts of vectors);
 * and sums to shorts, shorts to bytes, where what does not fit is cut off. */
#if LANES == 2
#define PRODUCTS(samples, weights) __builtin_ia32_pmaddwd256(samples, weights)
#define SHIFT(sums, bits)          __builtin_ia32_psradi256(sums, bits)
#define TO_SHORTS(low, high)       __builtin_ia32_packssdw256(low, high)
#define TO_BYTES(low, high)        ((bytes_t)__builtin_ia32_packuswb256(low, high))
#elif defined(__SSE2__)
#define PRODUCTS(samples, weights) __builtin_ia32_pmaddwd128(samples, weights)
#define SHIFT(sums, bits)          __builtin_ia32_psradi128(sums, bits)
#define TO_SHORTS(low, high)       __builtin_ia32_packssdw128(low, high)
#define TO_BYTES(low, high)        ((bytes_t)__builtin_ia32_packuswb128(low, high))
#else
#define PRODUCTS plain_products
#define SHIFT    plain_shift
#define TO_SHORTS plain_shorts
#define TO_BYTES plain_bytes
/* clang-format on */

static sums_t plain_products(shorts_t samples, shorts_t weights)
{
    sums_t sums = { 0 };
    int i;

    for (i = 0; i < 4; ++i)
        sums[i] = samples[2 * i] * weights[2 * i] + samples[2 * i + 1] * weights[2 * i + 1];
    return sums;
}

static sums_t plain_shift(sums_t sums, int bits)
{
    int i;

    for (i = 0; i < 4; ++i)
        sums[i] >>= bits;
    return sums;
}

static shorts_t plain_shorts(sums_t low, sums_t high)
{
    shorts_t shorts = { 0 };
    int i;

    for (i = 0; i < 4; ++i) {
        shorts[i] = (int16_t)CLAMP(low[i], INT16_MIN, INT16_MAX);
        shorts[i + 4] = (int16_t)CLAMP(high[i], INT16_MIN, INT16_MAX);
    }
    return shorts;
}

static bytes_t plain_bytes(shorts_t low, shorts_t high)
{
    bytes_t bytes = { 0 };
    int i;

    for (i = 0; i < 8; ++i) {
        bytes[i] = (uint8_t)CLAMP(low[i], 0, 255);
        bytes[i + 8] = (uint8_t)CLAMP(high[i], 0, 255);
    }
    return bytes;
}
#endif

static inline sums_t NAME(add_products)(sums_t sums, shorts_t samples, int32_t weights)
{
    const sums_t zero = { 0 };

    return sums + PRODUCTS(samples, (shorts_t)(zero + weights));
}

/* By a power of two, to the nearest. */
static inline shorts_t NAME(divide)(sums_t low, sums_t high, int bits)
{
    const int32_t half = 1 << (bits - 1);

    return TO_SHORTS(SHIFT(low + half, bits), SHIFT(high + half, bits));
}

/* A block of one row, down: each lane's first eight samples, and the others. */
static inline void NAME(sum_block)(shorts_t out[2], const taps_t *taps, size_t at)
{
    const bytes_t zero = { 0 };
    sums_t sums[4] = { { 0 }, { 0 }, { 0 }, { 0 } };
    int t;

    for (t = 0; t < taps->pairs; ++t) {
        const int32_t weights = weights_at(taps->weights + (ptrdiff_t)2 * t);
        bytes_t a, b, low, high;

        memcpy(&a, taps->at[t][0] + at, sizeof(a));
        memcpy(&b, taps->at[t][1] + at, sizeof(b));
        low = ZIP_BYTES(a, b, 0);
        high = ZIP_BYTES(a, b, 8);
        sums[0] = NAME(add_products)(sums[0], (shorts_t)ZIP_BYTES(low, zero, 0), weights);
        sums[1] = NAME(add_products)(sums[1], (shorts_t)ZIP_BYTES(low, zero, 8), weights);
        sums[2] = NAME(add_products)(sums[2], (shorts_t)ZIP_BYTES(high, zero, 0), weights);
        sums[3] = NAME(add_products)(sums[3], (shorts_t)ZIP_BYTES(high, zero, 8), weights);
    }
    out[0] = NAME(divide)(sums[0], sums[1], LESS_BITS);
    out[1] = NAME(divide)(sums[2], sums[3], LESS_BITS);
}

/* The same of those that are left at the end of a row. */
static void NAME(sum_rest)(shorts_t out[2], const taps_t *taps, size_t at, size_t samples)
{
    size_t k;
    int t;

    for (k = 0; k < samples; ++k) {
        int sum = 1 << (LESS_BITS - 1);

        for (t = 0; t < 2 * taps->pairs; ++t)
            sum += taps->weights[t] * taps->at[t / 2][t % 2][at + k];
        out[k % 16 / 8][k / 16 * 8 + k % 8] = (int16_t)(sum >> LESS_BITS);
    }
}

static inline void NAME(zip)(shorts_t to[8], const shorts_t from[8])
{
    to[0] = ZIP_SHORTS(from[0], from[4], 0);
    to[1] = ZIP_SHORTS(from[0], from[4], 4);
    to[2] = ZIP_SHORTS(from[1], from[5], 0);
    to[3] = ZIP_SHORTS(from[1], from[5], 4);
    to[4] = ZIP_SHORTS(from[2], from[6], 0);
    to[5] = ZIP_SHORTS(from[2], from[6], 4);
    to[6] = ZIP_SHORTS(from[3], from[7], 0);
    to[7] = ZIP_SHORTS(from[3], from[7], 4);
}

/* In each lane, eight rows of eight samples to columns of rows, or back. */
static inline void NAME(turn)(shorts_t columns[8], const shorts_t rows[8])
{
    shorts_t once[8], twice[8];

    NAME(zip)(once, rows);
    NAME(zip)(twice, once);
    NAME(zip)(columns, twice);
}

/* Columns of a block, from what its rows are summed up to. */
static inline void NAME(turn_block)(shorts_t *columns, const shorts_t sums[ROWS][2])
{
    shorts_t rows[8];
    ptrdiff_t part;
    int y;

    for (part = 0; part < 2; ++part) {
#if LANES == 1
        for (y = 0; y < 8; ++y)
            rows[y] = sums[y][part];
        NAME(turn)(columns + part * 8, rows);
#else
        for (y = 0; y < 8; ++y)
            rows[y] = __builtin_shufflevector(sums[y][part], sums[y + 8][part], 0, 1, 2, 3, 4, 5, 6,
                                              7, 16, 17, 18, 19, 20, 21, 22, 23);
        NAME(turn)(columns + part * 8, rows);
        for (y = 0; y < 8; ++y)
            rows[y] = __builtin_shufflevector(sums[y][part], sums[y + 8][part], 8, 9, 10, 11, 12,
                                              13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
        NAME(turn)(columns + 16 + part * 8, rows);
#endif
    }
}

/* Rows of the result, still of all columns of the source, which are left in the room. */
static void NAME(sum_rows)(shorts_t *room, const taps_t taps[ROWS], size_t samples)
{
    size_t at;
    int y;

    for (at = 0; at < samples; at += BLOCK, room += BLOCK) {
        shorts_t sums[ROWS][2];

        for (y = 0; y < ROWS; ++y) {
            if (at + BLOCK <= samples)
                NAME(sum_block)(sums[y], &taps[y], at);
            else
                NAME(sum_rest)(sums[y], &taps[y], at, samples - at);
        }
        NAME(turn_block)(room, (const shorts_t(*)[2])sums);
    }
}

/* One sample of all rows, across. */
static inline shorts_t NAME(sum_columns)(const shorts_t *columns, int step, const int16_t *weights,
                                         int pairs)
{
    sums_t low = { 0 }, high = { 0 };
    int t;

    for (t = 0; t < pairs; ++t, columns += 2 * (ptrdiff_t)step) {
        const shorts_t a = columns[0], b = columns[step];
        const int32_t both = weights_at(weights + (ptrdiff_t)2 * t);

        low = NAME(add_products)(low, ZIP_SHORTS(a, b, 0), both);
        high = NAME(add_products)(high, ZIP_SHORTS(a, b, 4), both);
    }
    return NAME(divide)(low, high, SUM_BITS);
}

/* Eight samples of all rows, by columns, to as many rows as there are. */
static inline void NAME(put_samples)(unsigned char *to, const iiif_lanczos_area_t *area, int rows,
                                     const shorts_t columns[8], size_t samples)
{
    shorts_t turned[8];
    int y;

    NAME(turn)(turned, columns);
    for (y = 0; y < rows; ++y, to += area->stride) {
        const bytes_t bytes = TO_BYTES(turned[y % 8], turned[y % 8]);

        memcpy(to, (const unsigned char *)&bytes + (ptrdiff_t)y / 8 * 16, samples);
    }
}

static void NAME(reduce_rows)(unsigned char *to, const iiif_lanczos_area_t *area, int rows,
                              const across_t *across, const shorts_t *room)
{
    const int bands = across->bands, samples = area->width * bands;
    shorts_t columns[8] = { { 0 } };
    int x, band, i = 0;

    for (x = area->left; x < area->left + area->width; ++x) {
        const shorts_t *first = room + (ptrdiff_t)across->axis->starts[x] * bands;
        const int16_t *weights = weights_of(across->axis, x);

        for (band = 0; band < bands; ++band) {
            columns[i++ % 8] = NAME(sum_columns)(first + band, bands, weights, across->axis->pairs);
            if (i % 8 == 0)
                NAME(put_samples)(to + i - 8, area, rows, columns, 8);
        }
    }
    if (samples % 8)
        NAME(put_samples)(to + samples - samples % 8, area, rows, columns, (size_t)samples % 8);
}

static void NAME(reduce)(const iiif_lanczos_area_t *area, const iiif_lanczos_rows_t *rows,
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
        NAME(sum_rows)(room, taps, (size_t)rows->width * (size_t)rows->bands);
        NAME(reduce_rows)(area->samples + y * area->stride, area, count, &line, room);
    }
}

#undef ROWS
#undef BLOCK
#undef FOUR
#undef ZIP_SHORTS
#undef ZIP_BYTES
#undef PRODUCTS
#undef SHIFT
#undef TO_SHORTS
#undef TO_BYTES
