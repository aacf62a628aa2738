/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/zoomify.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "dzsave.h"
#include "tap.h"

#define HUGE_ 4294967295u

/* clang-format off */
/* Counted by hand: 8213x5237 halved up is 8213, 4107, 2054, 1027, 514, 257, 129 by 5237, 2619, 1310,
 * 655, 328, 164, 82: 33*21 + 17*11 + 9*6 + 5*3 + 3*2 + 2*1 + 1 tiles of 256; halved down it ends a
 * level earlier, at 256x163. */
static const struct {
    iiif_dims_t full;
    apr_uint32_t tile;
    apr_uint64_t tile_count;
    apr_uint32_t level_count; /* 0: no such pyramid */
    iiif_dims_t first, second;
} counts[] = {
    { { 8213, 5237 }, 256, 958, 7, { 129, 82 },  { 257, 164 } },
    { { 8213, 5237 }, 256, 956, 6, { 256, 163 }, { 513, 327 } },
    { { 8213, 5237 }, 256, 957, 0, { 0, 0 },     { 0, 0 } },
    { { 4000, 3000 }, 256, 257, 5, { 250, 188 }, { 500, 375 } }, /* both ways: taken as up */
    { { 513, 511 },   256, 9,   3, { 129, 128 }, { 257, 256 } }, /* 3*2 + 2*1 + 1 */
    { { 513, 511 },   256, 7,   2, { 256, 255 }, { 513, 511 } },
    { { 256, 256 },   256, 1,   1, { 256, 256 }, { 0, 0 } },
    { { 257, 1 },     256, 3,   2, { 129, 1 },   { 257, 1 } },   /* a ribbon does not vanish */
    { { 259, 1 },     64,  11,  4, { 33, 1 },    { 65, 1 } },    /* 5 + 3 + 2 + 1 */
    { { 259, 1 },     64,  9,   3, { 64, 1 },    { 129, 1 } },   /* 5 + 3 + 1 */
    { { 1, 1 },       1,   1,   1, { 1, 1 },     { 0, 0 } },
    { { HUGE_, HUGE_ }, HUGE_, 1, 1, { HUGE_, HUGE_ }, { 0, 0 } },
    { { HUGE_, 1 },   1, APR_UINT64_C(8589934590), 33, { 1, 1 }, { 2, 1 } },
    { { HUGE_, HUGE_ }, 1, APR_UINT64_MAX, 33, { 1, 1 }, { 2, 2 } }, /* more than can be said */
    { { 256, 256 },   256, 0,   0, { 0, 0 },     { 0, 0 } },
    { { 0, 256 },     256, 0,   0, { 0, 0 },     { 0, 0 } },
    { { 256, 0 },     256, 1,   0, { 0, 0 },     { 0, 0 } },
    { { 256, 256 },   0,   1,   0, { 0, 0 },     { 0, 0 } },
};

/* A tile, what it shows, and the pyramid by its number of tiles. */
static const struct {
    iiif_dims_t full;
    apr_uint32_t tile_size;
    apr_uint64_t tile_count;
    iiif_zoomify_tile_t tile;
    iiif_rect_t region;
    iiif_dims_t size;
} tiles[] = {
    /* what viewers ask of 4000x3000 in tiles of 256 */
    { { 4000, 3000 }, 256, 257, { 0, 4, 0, 0 },   { 0, 0, 256, 256 },        { 256, 256 } },
    { { 4000, 3000 }, 256, 257, { 1, 4, 15, 11 }, { 3840, 2816, 160, 184 },  { 160, 184 } },
    { { 4000, 3000 }, 256, 257, { 0, 4, 14, 11 }, { 3584, 2816, 256, 184 },  { 256, 184 } }, /* the 256th */
    { { 4000, 3000 }, 256, 257, { 0, 3, 7, 5 },   { 3584, 2560, 416, 440 },  { 208, 220 } },
    { { 4000, 3000 }, 256, 257, { 0, 2, 3, 2 },   { 3072, 2048, 928, 952 },  { 232, 238 } },
    { { 4000, 3000 }, 256, 257, { 0, 1, 1, 1 },   { 2048, 2048, 1952, 952 }, { 244, 119 } },
    { { 4000, 3000 }, 256, 257, { 0, 0, 0, 0 },   { 0, 0, 4000, 3000 },      { 250, 188 } },
    /* halved up, 265 tiles are before the full image: 1 + 2 + 6 + 15 + 54 + 187 */
    { { 8213, 5237 }, 256, 958, { 1, 6, 0, 0 },   { 0, 0, 256, 256 },        { 256, 256 } },
    { { 8213, 5237 }, 256, 958, { 3, 6, 32, 20 }, { 8192, 5120, 21, 117 },   { 21, 117 } },
    { { 8213, 5237 }, 256, 958, { 0, 5, 16, 0 },  { 8192, 0, 21, 512 },      { 11, 256 } },
    { { 8213, 5237 }, 256, 958, { 0, 0, 0, 0 },   { 0, 0, 8213, 5237 },      { 129, 82 } },
    /* halved down, the same is a level lower, and the edge a pixel narrower */
    { { 8213, 5237 }, 256, 956, { 1, 5, 0, 0 },   { 0, 0, 256, 256 },        { 256, 256 } },
    { { 8213, 5237 }, 256, 956, { 3, 5, 32, 20 }, { 8192, 5120, 21, 117 },   { 21, 117 } },
    { { 8213, 5237 }, 256, 956, { 0, 4, 15, 9 },  { 7680, 4608, 512, 512 },  { 256, 256 } },
    { { 8213, 5237 }, 256, 956, { 0, 4, 16, 0 },  { 8192, 0, 21, 512 },      { 10, 256 } },
    { { 8213, 5237 }, 256, 956, { 0, 3, 8, 5 },   { 8192, 5120, 21, 117 },   { 5, 29 } },
    { { 8213, 5237 }, 256, 956, { 0, 0, 0, 0 },   { 0, 0, 8213, 5237 },      { 256, 163 } },
    /* a power of two that is left over belongs to the last tile */
    { { 513, 511 },   256, 7,   { 0, 0, 0, 0 },   { 0, 0, 513, 511 },        { 256, 255 } },
    { { HUGE_, HUGE_ }, HUGE_, 1, { 0, 0, 0, 0 }, { 0, 0, HUGE_, HUGE_ },    { HUGE_, HUGE_ } },
    { { HUGE_, 1 },   1, APR_UINT64_C(8589934590), { 0, 0, 0, 0 }, { 0, 0, HUGE_, 1 }, { 1, 1 } },
    { { HUGE_, 1 },   1, APR_UINT64_C(8589934590), { 33554431, 32, HUGE_ - 2, 0 },
      { HUGE_ - 2, 0, 1, 1 }, { 1, 1 } },                 /* (2^32 - 1 + 2^32 - 3) / 256 */
};

/* Tiles that 4000x3000 has not, and one that is in another group. */
static const iiif_zoomify_tile_t none[] = {
    { 0, 5, 0, 0 },   { 0, HUGE_, 0, 0 }, { 0, 4, 16, 0 },        { 0, 4, 0, 12 },
    { 0, 0, 1, 0 },   { 0, 0, 0, 1 },     { 0, 4, HUGE_, HUGE_ }, { 0, 4, 16777216, 0 },
    { 1, 4, 14, 11 }, { 0, 4, 15, 11 },   { APR_UINT64_MAX, 0, 0, 0 },
};

/* What no tile shows. */
static const struct {
    iiif_dims_t full;
    apr_uint32_t tile_size;
    apr_uint64_t tile_count;
    iiif_rect_t region;
    iiif_dims_t size;
} strangers[] = {
    { { 4000, 3000 }, 256, 257, { 0, 0, 256, 256 },       { 256, 255 } },
    { { 4000, 3000 }, 256, 257, { 0, 0, 256, 255 },       { 256, 256 } },
    { { 4000, 3000 }, 256, 257, { 1, 0, 256, 256 },       { 256, 256 } },
    { { 4000, 3000 }, 256, 257, { 3840, 2816, 256, 256 }, { 256, 256 } },
    { { 4000, 3000 }, 256, 257, { 0, 0, 4000, 3000 },     { 250, 187 } },
    { { 4000, 3000 }, 256, 257, { 0, 0, 4000, 3000 },     { 125, 94 } }, /* Deep Zoom's next */
    { { 4000, 3000 }, 256, 257, { HUGE_, HUGE_, HUGE_, HUGE_ }, { HUGE_, HUGE_ } },
    { { 4000, 3000 }, 256, 257, { 0, 0, 0, 0 },           { 0, 0 } },
    /* halved down: not at the size that rounding up gives, nor short of the edge */
    { { 8213, 5237 }, 256, 956, { 8192, 0, 21, 512 },     { 11, 256 } },
    { { 8213, 5237 }, 256, 956, { 8192, 0, 20, 512 },     { 10, 256 } },
    { { 8213, 5237 }, 256, 956, { 0, 0, 8213, 5237 },     { 257, 164 } },
    { { 8213, 5237 }, 256, 956, { 0, 0, 8192, 5216 },     { 256, 163 } },
    { { 513, 511 },   256, 7,   { 0, 0, 512, 510 },       { 256, 255 } },
    { { 513, 511 },   256, 7,   { 0, 0, 513, 511 },       { 257, 256 } },
};
/* clang-format on */

static int same_rect(iiif_rect_t a, iiif_rect_t b)
{
    return a.x == b.x && a.y == b.y && a.width == b.width && a.height == b.height;
}

static int same_dims(iiif_dims_t a, iiif_dims_t b)
{
    return a.width == b.width && a.height == b.height;
}

static int same_tile(iiif_zoomify_tile_t a, iiif_zoomify_tile_t b)
{
    return a.group == b.group && a.level == b.level && a.column == b.column && a.row == b.row;
}

static void test_counts(void)
{
    unsigned i;

    for (i = 0; i < ROWS(counts); ++i) {
        iiif_zoomify_t p = { .tile = 77 };
        int found = iiif_zoomify_by_count(&p, counts[i].full, counts[i].tile, counts[i].tile_count);
        int good = counts[i].level_count ? found && p.level_count == counts[i].level_count
                                               && p.tile_count == counts[i].tile_count
                                               && same_dims(p.levels[0], counts[i].first)
                                               && same_dims(p.levels[1], counts[i].second)
                                               && same_dims(p.levels[p.level_count - 1], p.full)
                                         : !found && p.tile == 77;

        ok(good,
           "%ux%u in %" APR_UINT64_T_FMT " tiles of %u: %u levels, %" APR_UINT64_T_FMT
           " tiles, %ux%u first",
           counts[i].full.width, counts[i].full.height, counts[i].tile_count, counts[i].tile,
           p.level_count, p.tile_count, p.levels[0].width, p.levels[0].height);
    }
}

static void test_tiles(void)
{
    unsigned i;

    for (i = 0; i < ROWS(tiles); ++i) {
        iiif_zoomify_tile_t tile = tiles[i].tile, found = { 99, 99, 99, 99 };
        iiif_rect_t region = { 0, 0, 0, 0 };
        iiif_dims_t size = { 0, 0 };
        iiif_zoomify_t pyramid;
        int made =
            iiif_zoomify_by_count(&pyramid, tiles[i].full, tiles[i].tile_size, tiles[i].tile_count);
        int exists = made && iiif_zoomify_region(&region, &size, &pyramid, &tile);
        int known = made && iiif_zoomify_find(&found, &pyramid, tiles[i].region, tiles[i].size);

        ok(exists && same_rect(region, tiles[i].region) && same_dims(size, tiles[i].size),
           "%" APR_UINT64_T_FMT "/%u-%u-%u shows %u,%u,%u,%u at %ux%u", tile.group, tile.level,
           tile.column, tile.row, region.x, region.y, region.width, region.height, size.width,
           size.height);
        ok(known && same_tile(found, tile), "  and is found: %" APR_UINT64_T_FMT "/%u-%u-%u",
           found.group, found.level, found.column, found.row);
    }
}

static void test_absent(void)
{
    iiif_zoomify_t pyramid = iiif_zoomify_pyramid((iiif_dims_t){ 4000, 3000 }, 256);
    iiif_zoomify_tile_t found = { 6, 7, 8, 9 };
    iiif_rect_t region = { 1, 2, 3, 4 };
    iiif_dims_t size = { 5, 6 };
    unsigned i;

    for (i = 0; i < ROWS(none); ++i)
        ok(!iiif_zoomify_region(&region, &size, &pyramid, &none[i])
               && same_rect(region, (iiif_rect_t){ 1, 2, 3, 4 })
               && same_dims(size, (iiif_dims_t){ 5, 6 }),
           "there is no %" APR_UINT64_T_FMT "/%u-%u-%u", none[i].group, none[i].level,
           none[i].column, none[i].row);
    for (i = 0; i < ROWS(strangers); ++i) {
        iiif_dims_t full = strangers[i].full;

        ok(iiif_zoomify_by_count(&pyramid, full, strangers[i].tile_size, strangers[i].tile_count)
               && !iiif_zoomify_find(&found, &pyramid, strangers[i].region, strangers[i].size)
               && same_tile(found, (iiif_zoomify_tile_t){ 6, 7, 8, 9 }),
           "no tile of %ux%u shows %u,%u,%u,%u at %ux%u", full.width, full.height,
           strangers[i].region.x, strangers[i].region.y, strangers[i].region.width,
           strangers[i].region.height, strangers[i].size.width, strangers[i].size.height);
    }
}

/* All tiles in the order they are numbered: each is in the group that counting gives and in no
 * other, shows what a level divided by 2^k has there, and is found. */
static unsigned walk(const iiif_zoomify_t *p, unsigned *wrong)
{
    iiif_zoomify_tile_t tile = { 0, 0, 0, 0 }, found = { 0, 0, 0, 0 };
    unsigned count = 0;

    for (tile.level = 0; tile.level < p->level_count; ++tile.level) {
        apr_uint32_t factor = 1u << (p->level_count - 1 - tile.level), step = p->tile * factor;

        for (tile.row = 0; tile.row * step < p->full.height; ++tile.row) {
            for (tile.column = 0; tile.column * step < p->full.width; ++tile.column, ++count) {
                apr_uint32_t x = tile.column * step, y = tile.row * step;
                iiif_rect_t want = { x, y, step, step }, region;
                iiif_dims_t size;

                if (want.width > p->full.width - x)
                    want.width = p->full.width - x;
                if (want.height > p->full.height - y)
                    want.height = p->full.height - y;
                tile.group = count / 256;
                *wrong +=
                    !(iiif_zoomify_region(&region, &size, p, &tile) && same_rect(region, want)
                      && size.width == (want.width + factor - 1) / factor
                      && size.height == (want.height + factor - 1) / factor
                      && iiif_zoomify_find(&found, p, region, size)
                      && (same_tile(found, tile)
                          || (found.level > tile.level && size.width == 1 && size.height == 1)));
                ++tile.group;
                *wrong += iiif_zoomify_region(&region, &size, p, &tile) != 0;
            }
        }
    }
    *wrong += count != p->tile_count;
    return count;
}

static void test_round_trip(void)
{
    unsigned i, count = 0, wrong = 0;

    srand(20240229);
    for (i = 0; i < 400; ++i) {
        iiif_dims_t full = { 1 + (apr_uint32_t)rand() % (i % 2 ? 700 : 60),
                             1 + (apr_uint32_t)rand() % (i % 3 ? 300 : 9) };
        iiif_zoomify_t pyramid = iiif_zoomify_pyramid(full, 1 + (apr_uint32_t)rand() % 40);

        count += walk(&pyramid, &wrong);
    }
    ok(count > 100000 && !wrong, "%u tiles of 400 pyramids: %u are wrong", count, wrong);
}

/* All tiles of a level that is @a w by @a h pixels: each is found at the size that cutting gives.
 */
static unsigned walk_down(const iiif_zoomify_t *p, unsigned shift, apr_uint32_t w, apr_uint32_t h,
                          unsigned *wrong)
{
    apr_uint32_t x, y, tile = p->tile;
    unsigned count = 0;

    for (y = 0; y < h; y += tile) {
        for (x = 0; x < w; x += tile, ++count) {
            iiif_rect_t region = { x << shift, y << shift, tile << shift, tile << shift };
            iiif_dims_t size = { tile, tile };
            iiif_zoomify_tile_t found = { 0, 0, 0, 0 };

            if (x + tile >= w) {
                region.width = p->full.width - region.x;
                size.width = w - x;
            }
            if (y + tile >= h) {
                region.height = p->full.height - region.y;
                size.height = h - y;
            }
            *wrong += !iiif_zoomify_find(&found, p, region, size)
                      || found.level != p->level_count - 1 - shift || found.column != x / tile
                      || found.row != y / tile;
        }
    }
    return count;
}

/* Sides halved again and again, down, wherever that makes another number of tiles. */
static void test_halved_down(void)
{
    unsigned i, count = 0, wrong = 0;

    srand(20240301);
    for (i = 0; i < 400; ++i) {
        iiif_dims_t full = { 300 + (apr_uint32_t)rand() % 700, 300 + (apr_uint32_t)rand() % 700 };
        apr_uint32_t w = full.width, h = full.height, tile = 8 + (apr_uint32_t)rand() % 40, k = 0;
        apr_uint64_t made = (w + tile - 1) / tile * ((h + tile - 1) / tile);
        iiif_zoomify_t p;

        while (w > tile || h > tile) {
            w /= 2;
            h /= 2;
            made += (w + tile - 1) / tile * ((h + tile - 1) / tile);
        }
        if (made == iiif_zoomify_pyramid(full, tile).tile_count)
            continue;
        if (!iiif_zoomify_by_count(&p, full, tile, made)) {
            ++wrong;
            continue;
        }
        for (w = full.width, h = full.height; k < p.level_count; ++k, w /= 2, h /= 2)
            count += walk_down(&p, k, w, h, &wrong);
    }
    ok(count > 50000 && !wrong, "%u tiles of pyramids halved down: %u are wrong", count, wrong);
}

/* Every file of `vips dzsave`, and no other, with its size in pixels, and what it says of them. */
static void test_dzsave(iiif_dims_t full, apr_uint32_t tile_size, apr_pool_t *pool)
{
    iiif_zoomify_t p = iiif_zoomify_pyramid(full, tile_size);
    const char *directory = dzsave("zoomify", full, tile_size, 0, pool), *text;
    iiif_zoomify_tile_t tile = { 0, 0, 0, 0 };
    unsigned wrong = 0, count = 0, columns;

    for (tile.level = 0; tile.level < p.level_count; ++tile.level) {
        columns = (p.levels[tile.level].width + tile_size - 1) / tile_size;
        for (tile.row = 0; tile.row * tile_size < p.levels[tile.level].height; ++tile.row) {
            for (tile.column = 0; tile.column < columns; ++tile.column, ++count) {
                const char *path;
                iiif_rect_t region;
                iiif_dims_t size = { 0, 0 };

                tile.group = count / 256;
                path = apr_psprintf(pool, "%s/pyramid/TileGroup%" APR_UINT64_T_FMT "/%u-%u-%u.png",
                                    directory, tile.group, tile.level, tile.column, tile.row);
                wrong += !iiif_zoomify_region(&region, &size, &p, &tile)
                         || !same_dims(size, png_dims(path));
            }
        }
    }
    ok(count > 256 && !wrong && dzsave_count(directory, pool) == count && count == p.tile_count,
       "vips, %ux%u in tiles of %u: of %u tiles, %u differ; files: %u", full.width, full.height,
       tile_size, count, wrong, dzsave_count(directory, pool));
    text = dzsave_text(apr_pstrcat(pool, directory, "/pyramid/ImageProperties.xml", NULL), pool);
    ok(!strcmp(text, iiif_zoomify_properties(&p, pool)), "  and its properties are ours: %s", text);
    dzsave_remove(directory, pool);
}

int main(void)
{
    iiif_zoomify_t pyramid = iiif_zoomify_pyramid((iiif_dims_t){ 8213, 5237 }, 256);
    const char *text;
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_counts();
    test_tiles();
    test_absent();
    test_round_trip();
    test_halved_down();
    test_dzsave((iiif_dims_t){ 1027, 643 }, 64, pool);
    test_dzsave((iiif_dims_t){ 8213, 5237 }, 256, pool);
    text = iiif_zoomify_properties(&pyramid, pool);
    ok(!strcmp(text, "<IMAGE_PROPERTIES WIDTH=\"8213\" HEIGHT=\"5237\" NUMTILES=\"958\" "
                     "NUMIMAGES=\"1\" VERSION=\"1.8\" TILESIZE=\"256\" />\n"),
       "properties: %s", text);
    apr_terminate();
    return done_testing();
}
