/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/tiling.h"

#include "tap.h"

#define HUGE_ 4294967295u

/* clang-format off */
static const struct {
    iiif_dims_t full;
    apr_uint64_t factor;
    iiif_dims_t level;
} levels[] = {
    { { 6000, 4000 }, 1,  { 6000, 4000 } },
    { { 6000, 4000 }, 2,  { 3000, 2000 } },
    { { 6000, 4000 }, 64, { 94, 63 } },
    { { 1001, 801 },  2,  { 501, 401 } },
    { { 1001, 801 },  4,  { 251, 201 } },
    { { 1, 1 },       1,  { 1, 1 } },
    { { 1, 1 },       2,  { 1, 1 } },
    { { 1, 1000 },    1024, { 1, 1 } },
    { { HUGE_, HUGE_ }, 1, { HUGE_, HUGE_ } },
    { { HUGE_, HUGE_ }, 2, { 2147483648u, 2147483648u } },
    { { HUGE_, 1 },   APR_UINT64_C(1) << 32, { 1, 1 } },
};

static const struct {
    iiif_dims_t full, tile;
    int count;
} counts[] = {
    { { 512, 512 },   { 512, 512 }, 1 },
    { { 513, 512 },   { 512, 512 }, 2 },
    { { 512, 513 },   { 512, 512 }, 2 },
    { { 1024, 1024 }, { 512, 512 }, 2 },
    { { 1025, 1 },    { 512, 512 }, 3 },
    { { 6000, 4000 }, { 512, 512 }, 5 }, /* 6000 / 16 = 375 */
    { { 1, 1 },       { 1, 1 },     1 },
    { { 2, 1 },       { 1, 1 },     2 },
    { { 1000, 800 },  { 1024, 64 }, 5 },
    { { HUGE_, HUGE_ }, { 256, 256 }, 25 },
    { { HUGE_, HUGE_ }, { 1, 1 },   33 },
    { { HUGE_, 1 },   { HUGE_, 1 }, 1 },
};

static const struct {
    iiif_dims_t tile, full;
    iiif_limits_t limits;
    iiif_dims_t want;
} tiles[] = {
    { { 512, 512 }, { 6000, 4000 }, { 0, 0, 0, 0 },       { 512, 512 } },
    { { 512, 512 }, { 6000, 4000 }, { 512, 512, 0, 0 },   { 512, 512 } },
    { { 512, 512 }, { 6000, 4000 }, { 511, 511, 0, 0 },   { 256, 256 } },
    { { 512, 512 }, { 6000, 4000 }, { 6000, 200, 0, 0 },  { 128, 128 } },
    { { 512, 512 }, { 6000, 4000 }, { 0, 0, 50000, 0 },   { 128, 128 } },
    { { 512, 512 }, { 300, 200 },   { 300, 200, 0, 0 },   { 512, 512 } }, /* the tile is the image */
    { { 240, 100 }, { 6000, 4000 }, { 100, 100, 0, 0 },   { 60, 25 } },
    { { 512, 512 }, { 6000, 4000 }, { 1, 1, 1, 0 },       { 1, 1 } },
};

static const struct {
    iiif_dims_t dims;
    iiif_limits_t limits;
    int within;
} limits[] = {
    { { 1000, 800 }, { 0, 0, 0, 0 },            1 },
    { { 1000, 800 }, { 1000, 800, 800000, 0 },  1 },
    { { 1000, 800 }, { 999, 800, 0, 0 },        0 },
    { { 1000, 800 }, { 1000, 799, 0, 0 },       0 },
    { { 1000, 800 }, { 1000, 0, 0, 0 },         1 },
    { { 1000, 800 }, { 0, 0, 799999, 0 },       0 },
    { { 1000, 800 }, { 0, 0, 800000, 0 },       1 },
    { { 65536, 65536 }, { 0, 0, 1, 0 },         0 }, /* 2^32 is no 0 */
    { { HUGE_, HUGE_ }, { 0, 0, 1, 0 },         0 },
    { { HUGE_, HUGE_ }, { 0, 0, APR_UINT64_C(18446744065119617025), 0 }, 1 },
};
/* clang-format on */

static int fits(iiif_dims_t dims, iiif_dims_t tile)
{
    return dims.width <= tile.width && dims.height <= tile.height;
}

int main(void)
{
    unsigned i;

    for (i = 0; i < ROWS(levels); ++i) {
        iiif_dims_t got = iiif_level_dims(levels[i].full, levels[i].factor);

        ok(got.width == levels[i].level.width && got.height == levels[i].level.height,
           "%ux%u by %" APR_UINT64_T_FMT " -> %ux%u", levels[i].full.width, levels[i].full.height,
           levels[i].factor, got.width, got.height);
    }
    for (i = 0; i < ROWS(tiles); ++i) {
        iiif_dims_t got = iiif_tile_within(tiles[i].tile, tiles[i].full, &tiles[i].limits);

        ok(got.width == tiles[i].want.width && got.height == tiles[i].want.height,
           "tiles of %ux%u within the limits: %ux%u", tiles[i].tile.width, tiles[i].tile.height,
           got.width, got.height);
    }
    for (i = 0; i < ROWS(counts); ++i) {
        int got = iiif_level_count(counts[i].full, counts[i].tile);
        iiif_dims_t last = iiif_level_dims(counts[i].full, APR_UINT64_C(1) << (got - 1));

        ok(got == counts[i].count && got <= IIIF_LEVELS_MAX && fits(last, counts[i].tile),
           "%ux%u in tiles of %ux%u: %d levels", counts[i].full.width, counts[i].full.height,
           counts[i].tile.width, counts[i].tile.height, got);
        ok(got == 1
               || !fits(iiif_level_dims(counts[i].full, APR_UINT64_C(1) << (got - 2)),
                        counts[i].tile),
           "  the last is the first that fits one tile");
    }
    for (i = 0; i < ROWS(limits); ++i)
        ok(iiif_within_limits(limits[i].dims, &limits[i].limits) == limits[i].within,
           "%ux%u is %s %u,%u,%" APR_UINT64_T_FMT, limits[i].dims.width, limits[i].dims.height,
           limits[i].within ? "within" : "beyond", limits[i].limits.max_width,
           limits[i].limits.max_height, limits[i].limits.max_area);
    return done_testing();
}
