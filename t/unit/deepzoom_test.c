/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/deepzoom.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "dzsave.h"
#include "tap.h"

#define HUGE_ 4294967295u

/* clang-format off */
static const struct {
    iiif_dims_t full;
    apr_uint32_t last;
} lasts[] = {
    { { 1, 1 },         0 },
    { { 2, 1 },         1 },
    { { 1, 3 },         2 },
    { { 4, 4 },         2 },
    { { 5, 4 },         3 },
    { { 4000, 3000 },   12 },
    { { 4096, 1 },      12 },
    { { 4097, 1 },      13 },
    { { 2147483648u, 1 }, 31 },
    { { 1, HUGE_ },     32 },
};

/* A tile, and what it shows. */
static const struct {
    iiif_deepzoom_t pyramid;
    iiif_deepzoom_tile_t tile;
    iiif_rect_t region;
    iiif_dims_t size;
} tiles[] = {
    /* what viewers ask of 4000x3000 in tiles of 256 */
    { { { 4000, 3000 }, 256, 0, "jpg" }, { 12, 0, 0 },   { 0, 0, 256, 256 },        { 256, 256 } },
    { { { 4000, 3000 }, 256, 0, "jpg" }, { 12, 15, 11 }, { 3840, 2816, 160, 184 },  { 160, 184 } },
    { { { 4000, 3000 }, 256, 0, "jpg" }, { 11, 7, 5 },   { 3584, 2560, 416, 440 },  { 208, 220 } },
    { { { 4000, 3000 }, 256, 0, "jpg" }, { 10, 3, 2 },   { 3072, 2048, 928, 952 },  { 232, 238 } },
    { { { 4000, 3000 }, 256, 0, "jpg" }, { 9, 1, 1 },    { 2048, 2048, 1952, 952 }, { 244, 119 } },
    { { { 4000, 3000 }, 256, 0, "jpg" }, { 8, 0, 0 },    { 0, 0, 4000, 3000 },      { 250, 188 } },
    { { { 4000, 3000 }, 256, 0, "jpg" }, { 1, 0, 0 },    { 0, 0, 4000, 3000 },      { 2, 2 } },
    { { { 4000, 3000 }, 256, 0, "jpg" }, { 0, 0, 0 },    { 0, 0, 4000, 3000 },      { 1, 1 } },
    /* an overlap goes to both neighbours, where there are any */
    { { { 4000, 3000 }, 254, 1, "jpg" }, { 12, 0, 0 },   { 0, 0, 255, 255 },        { 255, 255 } },
    { { { 4000, 3000 }, 254, 1, "jpg" }, { 12, 1, 2 },   { 253, 507, 256, 256 },    { 256, 256 } },
    { { { 4000, 3000 }, 254, 1, "jpg" }, { 12, 15, 11 }, { 3809, 2793, 191, 207 },  { 191, 207 } },
    { { { 4000, 3000 }, 254, 1, "jpg" }, { 11, 1, 0 },   { 506, 0, 512, 510 },      { 256, 255 } },
    /* the last column is narrower than the overlap it gives back */
    { { { 9, 5 }, 4, 3, "png" },         { 4, 2, 1 },    { 5, 1, 4, 4 },            { 4, 4 } },
    /* the size tells levels apart: level 9's tile 1_1 shows the same corner in 64x64 */
    { { { 640, 640 }, 256, 0, "jpg" },   { 10, 2, 2 },   { 512, 512, 128, 128 },    { 128, 128 } },
    { { { 640, 640 }, 256, 0, "jpg" },   { 9, 1, 1 },    { 512, 512, 128, 128 },    { 64, 64 } },
    /* a last pixel that stands for one pixel of two, of four */
    { { { 641, 1 }, 256, 0, "jpg" },     { 9, 1, 0 },    { 512, 0, 129, 1 },        { 65, 1 } },
    { { { 641, 1 }, 256, 0, "jpg" },     { 8, 0, 0 },    { 0, 0, 641, 1 },          { 161, 1 } },
    { { { HUGE_, HUGE_ }, HUGE_, 0, "jpg" }, { 32, 0, 0 }, { 0, 0, HUGE_, HUGE_ },  { HUGE_, HUGE_ } },
    { { { HUGE_, HUGE_ }, 1, 0, "jpg" }, { 32, HUGE_ - 1, 0 }, { HUGE_ - 1, 0, 1, 1 }, { 1, 1 } },
    { { { HUGE_, 1 }, 2147483648u, 2147483647u, "jpg" }, { 32, 1, 0 },
      { 1, 0, HUGE_ - 1, 1 }, { HUGE_ - 1, 1 } },
    { { { HUGE_, 1 }, 1, 0, "jpg" },     { 31, 2147483646u, 0 }, { HUGE_ - 3, 0, 2, 1 }, { 1, 1 } },
};

/* Tiles that there are not, also of a descriptor that makes no sense. */
static const struct {
    iiif_deepzoom_t pyramid;
    iiif_deepzoom_tile_t tile;
} none[] = {
    { { { 4000, 3000 }, 256, 0, "jpg" },   { 13, 0, 0 } },
    { { { 4000, 3000 }, 256, 0, "jpg" },   { HUGE_, 0, 0 } },
    { { { 4000, 3000 }, 256, 0, "jpg" },   { 12, 16, 0 } },
    { { { 4000, 3000 }, 256, 0, "jpg" },   { 12, 0, 12 } },
    { { { 4000, 3000 }, 256, 0, "jpg" },   { 12, HUGE_, 0 } },
    { { { 4000, 3000 }, 256, 0, "jpg" },   { 12, 16777216, 0 } }, /* 2^24 * 256 is 2^32 */
    { { { 4000, 3000 }, 256, 0, "jpg" },   { 0, 1, 0 } },
    { { { 512, 512 }, 256, 0, "jpg" },     { 9, 2, 0 } },
    { { { 512, 512 }, 256, 1, "jpg" },     { 9, 2, 0 } },         /* nothing but overlap */
    { { { 4000, 3000 }, 0, 0, "jpg" },     { 0, 0, 0 } },
    { { { 4000, 3000 }, 256, 256, "jpg" }, { 12, 0, 0 } },
    { { { 4000, 3000 }, 256, HUGE_, "jpg" }, { 12, 1, 1 } },
    { { { 0, 3000 }, 256, 0, "jpg" },      { 12, 0, 0 } },
    { { { 3000, 0 }, 256, 0, "jpg" },      { 12, 0, 0 } },
};

/* What no tile shows. */
static const struct {
    iiif_deepzoom_t pyramid;
    iiif_rect_t region;
    iiif_dims_t size;
} strangers[] = {
    { { { 4000, 3000 }, 256, 0, "jpg" }, { 0, 0, 256, 256 },       { 255, 256 } },
    { { { 4000, 3000 }, 256, 0, "jpg" }, { 0, 0, 255, 256 },       { 255, 256 } },
    { { { 4000, 3000 }, 256, 0, "jpg" }, { 1, 0, 256, 256 },       { 256, 256 } },
    { { { 4000, 3000 }, 256, 0, "jpg" }, { 0, 1, 256, 256 },       { 256, 256 } },
    { { { 4000, 3000 }, 256, 0, "jpg" }, { 3840, 2816, 256, 256 }, { 256, 256 } },
    { { { 4000, 3000 }, 256, 0, "jpg" }, { 257, 0, 512, 512 },     { 256, 256 } },
    { { { 4000, 3000 }, 256, 0, "jpg" }, { 0, 0, 4000, 3000 },     { 250, 187 } },
    { { { 4000, 3000 }, 256, 0, "jpg" }, { 0, 0, 4000, 3000 },     { 4000, 3000 } },
    { { { 4000, 3000 }, 256, 0, "jpg" }, { 0, 0, 0, 0 },           { 0, 0 } },
    { { { 4000, 3000 }, 256, 0, "jpg" }, { HUGE_, HUGE_, HUGE_, HUGE_ }, { HUGE_, HUGE_ } },
    { { { 4000, 3000 }, 254, 1, "jpg" }, { 254, 254, 254, 254 },   { 254, 254 } },
    { { { 4000, 3000 }, 254, 1, "jpg" }, { 0, 0, 254, 254 },       { 254, 254 } },
    { { { 640, 640 }, 256, 0, "jpg" },   { 512, 512, 128, 128 },   { 32, 32 } },
    { { { 4000, 3000 }, 0, 0, "jpg" },   { 0, 0, 256, 256 },       { 256, 256 } },
    { { { 4000, 3000 }, 256, 256, "jpg" }, { 0, 0, 512, 512 },     { 512, 512 } },
    { { { 0, 0 }, 256, 0, "jpg" },       { 0, 0, 0, 0 },           { 0, 0 } },
};

static const struct {
    iiif_deepzoom_t pyramid;
    const char *text;
} descriptors[] = {
    { { { 4000, 3000 }, 256, 0, "jpg" },
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<Image xmlns=\"http://schemas.microsoft.com/deepzoom/2008\" Format=\"jpg\" Overlap=\"0\" TileSize=\"256\">\n"
      "  <Size Width=\"4000\" Height=\"3000\"/>\n"
      "</Image>\n" },
    { { { HUGE_, 1 }, 254, 1, "<\"&>" },
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<Image xmlns=\"http://schemas.microsoft.com/deepzoom/2008\" Format=\"&lt;&quot;&amp;&gt;\" Overlap=\"1\" TileSize=\"254\">\n"
      "  <Size Width=\"4294967295\" Height=\"1\"/>\n"
      "</Image>\n" },
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

static int same_tile(iiif_deepzoom_tile_t a, iiif_deepzoom_tile_t b)
{
    return a.level == b.level && a.column == b.column && a.row == b.row;
}

static void test_tiles(void)
{
    unsigned i;

    for (i = 0; i < ROWS(tiles); ++i) {
        iiif_deepzoom_tile_t tile = tiles[i].tile, found = { 99, 99, 99 };
        iiif_rect_t region = { 0, 0, 0, 0 };
        iiif_dims_t size = { 0, 0 };
        int exists = iiif_deepzoom_region(&region, &size, &tiles[i].pyramid, &tile);
        int known = iiif_deepzoom_find(&found, &tiles[i].pyramid, tiles[i].region, tiles[i].size);

        ok(exists && same_rect(region, tiles[i].region) && same_dims(size, tiles[i].size),
           "%u/%u_%u shows %u,%u,%u,%u at %ux%u", tile.level, tile.column, tile.row, region.x,
           region.y, region.width, region.height, size.width, size.height);
        ok(known && same_tile(found, tile), "  and is found: %u/%u_%u", found.level, found.column,
           found.row);
    }
}

/* 257x257 in tiles of 128: the last pixel alone is the last tile of the full image, and of its
 * half. */
static void test_found_twice(void)
{
    static const iiif_deepzoom_t pyramid = { { 257, 257 }, 128, 0, "jpg" };
    static const iiif_rect_t corner = { 256, 256, 1, 1 };
    static const iiif_dims_t pixel = { 1, 1 };
    iiif_deepzoom_tile_t fine = { 9, 2, 2 }, coarse = { 8, 1, 1 }, found = { 99, 99, 99 };
    iiif_rect_t a, b;
    iiif_dims_t size_a, size_b;

    ok(iiif_deepzoom_region(&a, &size_a, &pyramid, &fine)
           && iiif_deepzoom_region(&b, &size_b, &pyramid, &coarse) && same_rect(a, corner)
           && same_rect(b, corner) && same_dims(size_a, pixel) && same_dims(size_b, pixel),
       "9/2_2 and 8/1_1 show the same pixel");
    ok(iiif_deepzoom_find(&found, &pyramid, corner, pixel) && same_tile(found, fine),
       "  and the finer is found");
}

static void test_absent(void)
{
    iiif_rect_t region = { 1, 2, 3, 4 };
    iiif_dims_t size = { 5, 6 };
    iiif_deepzoom_tile_t found = { 7, 8, 9 };
    unsigned i;

    for (i = 0; i < ROWS(none); ++i)
        ok(!iiif_deepzoom_region(&region, &size, &none[i].pyramid, &none[i].tile)
               && same_rect(region, (iiif_rect_t){ 1, 2, 3, 4 })
               && same_dims(size, (iiif_dims_t){ 5, 6 }),
           "%ux%u has no %u/%u_%u", none[i].pyramid.full.width, none[i].pyramid.full.height,
           none[i].tile.level, none[i].tile.column, none[i].tile.row);
    for (i = 0; i < ROWS(strangers); ++i)
        ok(!iiif_deepzoom_find(&found, &strangers[i].pyramid, strangers[i].region,
                               strangers[i].size)
               && same_tile(found, (iiif_deepzoom_tile_t){ 7, 8, 9 }),
           "no tile shows %u,%u,%u,%u at %ux%u", strangers[i].region.x, strangers[i].region.y,
           strangers[i].region.width, strangers[i].region.height, strangers[i].size.width,
           strangers[i].size.height);
}

/* A level of a pyramid, tile by tile: together they show all, each is found, and what is found
 * shows the same. Where a pixel is all of the last tile on two levels, the finer is found. */
static unsigned walk_level(const iiif_deepzoom_t *pyramid, apr_uint32_t level, unsigned *wrong)
{
    iiif_deepzoom_tile_t tile = { level, 0, 0 }, found;
    iiif_rect_t region, again;
    iiif_dims_t size, pixels;
    unsigned count = 0;
    apr_uint64_t right = 0, bottom = 0;

    for (tile.row = 0;; ++tile.row) {
        for (tile.column = 0; iiif_deepzoom_region(&region, &size, pyramid, &tile);
             ++tile.column, ++count) {
            int good = region.x <= right && region.y <= bottom
                       && iiif_deepzoom_find(&found, pyramid, region, size)
                       && iiif_deepzoom_region(&again, &pixels, pyramid, &found)
                       && same_rect(again, region) && same_dims(pixels, size)
                       && (same_tile(found, tile)
                           || (found.level > level && size.width == 1 && size.height == 1));

            *wrong += !good;
            right = (apr_uint64_t)region.x + region.width;
        }
        if (!tile.column)
            break;
        *wrong += right != pyramid->full.width;
        right = 0;
        bottom = (apr_uint64_t)region.y + region.height;
    }
    *wrong += bottom != pyramid->full.height;
    return count;
}

static void test_round_trip(void)
{
    unsigned i, count = 0, wrong = 0;

    srand(20240229);
    for (i = 0; i < 400; ++i) {
        iiif_deepzoom_t pyramid = { .tile = 1 + (apr_uint32_t)rand() % 40, .format = "jpg" };
        apr_uint32_t level;

        pyramid.full.width = 1 + (apr_uint32_t)rand() % (i % 2 ? 700 : 60);
        pyramid.full.height = 1 + (apr_uint32_t)rand() % (i % 3 ? 300 : 9);
        pyramid.overlap = i % 4 ? (apr_uint32_t)rand() % pyramid.tile : 0;
        for (level = 0; level <= iiif_deepzoom_last_level(pyramid.full); ++level)
            count += walk_level(&pyramid, level, &wrong);
    }
    ok(count > 100000 && !wrong, "%u tiles of 400 pyramids: %u are not found again", count, wrong);
}

/* Every file of `vips dzsave`, and no other, with its size in pixels. */
static void test_dzsave(apr_uint32_t tile_size, apr_uint32_t overlap, apr_pool_t *pool)
{
    iiif_deepzoom_t pyramid = { { 1027, 643 }, tile_size, overlap, "png" };
    const char *directory = dzsave("dz", pyramid.full, tile_size, overlap, pool);
    unsigned wrong = 0, count = 0;
    iiif_deepzoom_tile_t tile;

    for (tile.level = 0; tile.level <= iiif_deepzoom_last_level(pyramid.full); ++tile.level) {
        for (tile.row = 0;; ++tile.row) {
            iiif_rect_t region;
            iiif_dims_t size;

            for (tile.column = 0; iiif_deepzoom_region(&region, &size, &pyramid, &tile);
                 ++tile.column, ++count)
                wrong += !same_dims(
                    size, png_dims(apr_psprintf(pool, "%s/pyramid_files/%u/%u_%u.png", directory,
                                                tile.level, tile.column, tile.row)));
            if (!tile.column)
                break;
        }
    }
    ok(count > 100 && !wrong && dzsave_count(directory, pool) == count,
       "vips, tiles of %u and %u: of %u tiles, %u differ; files: %u", tile_size, overlap, count,
       wrong, dzsave_count(directory, pool));
    dzsave_remove(directory, pool);
}

int main(void)
{
    apr_pool_t *pool;
    unsigned i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    for (i = 0; i < ROWS(lasts); ++i)
        ok(iiif_deepzoom_last_level(lasts[i].full) == lasts[i].last, "%ux%u: levels 0 to %u",
           lasts[i].full.width, lasts[i].full.height, iiif_deepzoom_last_level(lasts[i].full));
    test_tiles();
    test_found_twice();
    test_absent();
    test_round_trip();
    test_dzsave(64, 0, pool);
    test_dzsave(62, 1, pool);
    for (i = 0; i < ROWS(descriptors); ++i) {
        const char *text = iiif_deepzoom_descriptor(&descriptors[i].pyramid, pool);

        ok(!strcmp(text, descriptors[i].text), "descriptor: %s", text);
    }
    apr_terminate();
    return done_testing();
}
