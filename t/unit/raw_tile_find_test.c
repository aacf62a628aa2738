/* SPDX-License-Identifier: Apache-2.0 */
#include "image/raw_tile.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>

#include "tap.h"

#define JPG  IIIF_FORMAT_JPG
#define PNG  IIIF_FORMAT_PNG
#define WEBP IIIF_FORMAT_WEBP
#define GRAY IIIF_QUALITY_GRAY
#define BITS IIIF_QUALITY_BITONAL
#define DEF  IIIF_QUALITY_DEFAULT
#define NONE (-1)

/* -- which request finds which tile --------------------------------------------------------------
 */

/* clang-format off */
/* Made up: sides, levels and how tiles are stored. No file is looked at. */
static const struct layout_t {
    iiif_dims_t full, tile;
    iiif_format_e format;
    int components, horizontal, vertical, ycbcr;
    struct {
        iiif_dims_t dims;
        double scale_x, scale_y;
    } levels[4];
} layouts[] = {
    /* halves that are whole pixels, in 4:2:0 */
    { { 1000, 700 }, { 256, 256 }, JPG, 3, 2, 2, 1,
      { { { 1000, 700 }, 1, 1 }, { { 500, 350 }, 2, 2 }, { { 250, 175 }, 4, 4 }, { { 125, 88 }, 8, 8 } } },
    /* odd sides, rounded up and down */
    { { 1001, 701 }, { 256, 256 }, JPG, 3, 2, 2, 1,
      { { { 1001, 701 }, 1, 1 }, { { 501, 351 }, 2, 2 }, { { 251, 176 }, 4, 4 } } },
    { { 1001, 701 }, { 256, 256 }, JPG, 3, 2, 2, 1,
      { { { 1001, 701 }, 1, 1 }, { { 500, 350 }, 2, 2 }, { { 250, 175 }, 4, 4 } } },
    /* a last column that rounding down leaves out */
    { { 513, 300 }, { 256, 256 }, JPG, 3, 1, 1, 1, { { { 513, 300 }, 1, 1 }, { { 256, 150 }, 2, 2 } } },
    { { 1000, 700 }, { 128, 64 }, JPG, 3, 1, 1, 1, { { { 1000, 700 }, 1, 1 }, { { 500, 350 }, 2, 2 } } },
    { { 900, 600 }, { 100, 100 }, JPG, 3, 1, 1, 1,
      { { { 900, 600 }, 1, 1 }, { { 360, 240 }, 2.5, 2.5 }, { { 300, 200 }, 3, 3 } } },
    /* a level that is no half down */
    { { 1000, 700 }, { 256, 256 }, JPG, 3, 1, 1, 1, { { { 1000, 700 }, 1, 1 }, { { 500, 347 }, 2, 700. / 347 } } },
    { { 200, 100 }, { 256, 256 }, JPG, 1, 1, 1, 0, { { { 200, 100 }, 1, 1 }, { { 100, 50 }, 2, 2 } } },
    { { 1000, 700 }, { 256, 256 }, JPG, 3, 1, 1, 0, { { { 1000, 700 }, 1, 1 } } },
    { { 1000, 700 }, { 256, 256 }, WEBP, 0, 0, 0, 0, { { { 1000, 700 }, 1, 1 }, { { 500, 350 }, 2, 2 } } },
    { { 4294967295u, 4294967295u }, { 2147483648u, 2147483648u }, WEBP, 0, 0, 0, 0,
      { { { 4294967295u, 4294967295u }, 1, 1 }, { { 2147483648u, 2147483648u }, 2, 2 } } },
};
enum { MAP, UP, DOWN, LOST, OBLONG, THIRDS, SKEWED, SMALL, RGB, WEBPS, HUGE };

static const struct {
    int layout;
    iiif_rect_t region;
    iiif_dims_t size;
    const char *rotation;
    iiif_quality_e quality;
    iiif_format_e format;
    int level, index; /* NONE: no tile is what is asked for */
    iiif_dims_t crop;
} cases[] = {
    { MAP, { 0, 0, 256, 256 },       { 256, 256 }, "0", DEF, JPG, 0, 0, { 0, 0 } },
    { MAP, { 256, 256, 256, 256 },   { 256, 256 }, "0", DEF, JPG, 0, 5, { 0, 0 } },
    { MAP, { 768, 0, 232, 256 },     { 232, 256 }, "0", DEF, JPG, 0, 3, { 232, 256 } },
    { MAP, { 0, 512, 256, 188 },     { 256, 188 }, "0", DEF, JPG, 0, 8, { 256, 188 } },
    { MAP, { 768, 512, 232, 188 },   { 232, 188 }, "0", DEF, JPG, 0, 11, { 232, 188 } },
    { MAP, { 0, 0, 512, 512 },       { 256, 256 }, "0", DEF, JPG, 1, 0, { 0, 0 } },
    { MAP, { 0, 512, 512, 188 },     { 256, 94 },  "0", DEF, JPG, 1, 2, { 256, 94 } },
    { MAP, { 512, 512, 488, 188 },   { 244, 94 },  "0", DEF, JPG, 1, 3, { 244, 94 } },
    { MAP, { 0, 0, 1000, 700 },      { 250, 175 }, "0", DEF, JPG, 2, 0, { 250, 175 } },
    { MAP, { 0, 0, 1000, 700 },      { 125, 88 },  "0", DEF, JPG, 3, 0, { 125, 88 } },
    /* nearly */
    { MAP, { 0, 0, 1000, 700 },      { 125, 87 },  "0", DEF, JPG, NONE, 0, { 0, 0 } },
    { MAP, { 0, 0, 1000, 700 },      { 1000, 700 }, "0", DEF, JPG, NONE, 0, { 0, 0 } },
    { MAP, { 0, 0, 255, 256 },       { 255, 256 }, "0", DEF, JPG, NONE, 0, { 0, 0 } },
    { MAP, { 0, 0, 257, 256 },       { 257, 256 }, "0", DEF, JPG, NONE, 0, { 0, 0 } },
    { MAP, { 1, 0, 256, 256 },       { 256, 256 }, "0", DEF, JPG, NONE, 0, { 0, 0 } },
    { MAP, { 0, 128, 256, 256 },     { 256, 256 }, "0", DEF, JPG, NONE, 0, { 0, 0 } },
    { MAP, { 0, 0, 256, 256 },       { 255, 256 }, "0", DEF, JPG, NONE, 0, { 0, 0 } },
    { MAP, { 0, 0, 256, 256 },       { 512, 512 }, "0", DEF, JPG, NONE, 0, { 0, 0 } },
    { MAP, { 0, 0, 256, 256 },       { 128, 128 }, "0", DEF, JPG, NONE, 0, { 0, 0 } },
    { MAP, { 0, 0, 512, 256 },       { 256, 128 }, "0", DEF, JPG, NONE, 0, { 0, 0 } },
    { MAP, { 256, 0, 512, 512 },     { 256, 256 }, "0", DEF, JPG, NONE, 0, { 0, 0 } },
    { MAP, { 768, 512, 231, 188 },   { 231, 188 }, "0", DEF, JPG, NONE, 0, { 0, 0 } },
    /* turned, mirrored, gray: sides that move must be whole MCUs, of 16 pixels, in gray of 8 */
    { MAP, { 256, 256, 256, 256 },   { 256, 256 }, "!0", DEF, JPG, 0, 5, { 0, 0 } },
    { MAP, { 256, 256, 256, 256 },   { 256, 256 }, "90", DEF, JPG, 0, 5, { 0, 0 } },
    { MAP, { 256, 256, 256, 256 },   { 256, 256 }, "180", DEF, JPG, 0, 5, { 0, 0 } },
    { MAP, { 256, 256, 256, 256 },   { 256, 256 }, "!90", DEF, JPG, 0, 5, { 0, 0 } },
    { MAP, { 256, 256, 256, 256 },   { 256, 256 }, "270", GRAY, JPG, 0, 5, { 0, 0 } },
    { MAP, { 512, 512, 488, 188 },   { 244, 94 },  "0", GRAY, JPG, 1, 3, { 244, 94 } },
    { MAP, { 768, 512, 232, 188 },   { 232, 188 }, "!270", DEF, JPG, 0, 11, { 232, 188 } },
    { MAP, { 768, 512, 232, 188 },   { 232, 188 }, "!0", GRAY, JPG, 0, 11, { 232, 188 } },
    { MAP, { 768, 512, 232, 188 },   { 232, 188 }, "270", GRAY, JPG, 0, 11, { 232, 188 } },
    { MAP, { 768, 0, 232, 256 },     { 232, 256 }, "90", DEF, JPG, 0, 3, { 232, 256 } },
    { MAP, { 768, 512, 232, 188 },   { 232, 188 }, "!0", DEF, JPG, NONE, 0, { 0, 0 } },
    { MAP, { 768, 512, 232, 188 },   { 232, 188 }, "90", GRAY, JPG, NONE, 0, { 0, 0 } },
    { MAP, { 768, 512, 232, 188 },   { 232, 188 }, "180", GRAY, JPG, NONE, 0, { 0, 0 } },
    { MAP, { 768, 0, 232, 256 },     { 232, 256 }, "270", DEF, JPG, NONE, 0, { 0, 0 } },
    { MAP, { 0, 0, 256, 256 },       { 256, 256 }, "22.5", DEF, JPG, NONE, 0, { 0, 0 } },
    { MAP, { 0, 0, 256, 256 },       { 256, 256 }, "0", BITS, JPG, NONE, 0, { 0, 0 } },
    { MAP, { 0, 0, 256, 256 },       { 256, 256 }, "0", DEF, PNG, NONE, 0, { 0, 0 } },
    { MAP, { 0, 0, 256, 256 },       { 256, 256 }, "0", DEF, WEBP, NONE, 0, { 0, 0 } },
    /* what viewers ask for is rounded up */
    { UP, { 768, 512, 233, 189 },    { 233, 189 }, "0", DEF, JPG, 0, 11, { 233, 189 } },
    { UP, { 512, 512, 489, 189 },    { 245, 95 },  "0", DEF, JPG, 1, 3, { 245, 95 } },
    { UP, { 512, 512, 489, 189 },    { 244, 94 },  "0", DEF, JPG, NONE, 0, { 0, 0 } },
    { UP, { 0, 0, 1001, 701 },       { 251, 176 }, "0", DEF, JPG, 2, 0, { 251, 176 } },
    { UP, { 0, 0, 1001, 701 },       { 250, 175 }, "0", DEF, JPG, NONE, 0, { 0, 0 } },
    { DOWN, { 0, 0, 512, 512 },      { 256, 256 }, "0", DEF, JPG, 1, 0, { 0, 0 } },
    { DOWN, { 768, 512, 233, 189 },  { 233, 189 }, "0", DEF, JPG, 0, 11, { 233, 189 } },
    { DOWN, { 512, 0, 489, 512 },    { 245, 256 }, "0", DEF, JPG, NONE, 0, { 0, 0 } },
    { DOWN, { 512, 0, 489, 512 },    { 244, 256 }, "0", DEF, JPG, NONE, 0, { 0, 0 } },
    { DOWN, { 0, 0, 1001, 701 },     { 251, 176 }, "0", DEF, JPG, NONE, 0, { 0, 0 } },
    { DOWN, { 0, 0, 1001, 701 },     { 250, 175 }, "0", DEF, JPG, NONE, 0, { 0, 0 } },
    { LOST, { 0, 0, 512, 300 },      { 256, 150 }, "0", DEF, JPG, 1, 0, { 256, 150 } },
    { LOST, { 512, 0, 1, 300 },      { 1, 150 },   "0", DEF, JPG, NONE, 0, { 0, 0 } },
    { LOST, { 512, 0, 1, 256 },      { 1, 256 },   "0", DEF, JPG, 0, 2, { 1, 256 } },
    /* tiles that are not square, factors that are no power of two */
    { OBLONG, { 128, 64, 128, 64 },  { 128, 64 },  "0", DEF, JPG, 0, 9, { 0, 0 } },
    { OBLONG, { 896, 640, 104, 60 }, { 104, 60 },  "0", DEF, JPG, 0, 87, { 104, 60 } },
    { OBLONG, { 256, 128, 256, 128 }, { 128, 64 }, "0", DEF, JPG, 1, 5, { 0, 0 } },
    { OBLONG, { 128, 64, 128, 64 },  { 128, 64 },  "90", DEF, JPG, 0, 9, { 0, 0 } },
    { OBLONG, { 0, 0, 128, 128 },    { 128, 128 }, "0", DEF, JPG, NONE, 0, { 0, 0 } },
    { OBLONG, { 0, 0, 64, 128 },     { 64, 128 },  "0", DEF, JPG, NONE, 0, { 0, 0 } },
    { THIRDS, { 300, 300, 300, 300 }, { 100, 100 }, "0", DEF, JPG, 2, 4, { 0, 0 } },
    { THIRDS, { 600, 300, 300, 300 }, { 100, 100 }, "0", DEF, JPG, 2, 5, { 0, 0 } },
    { THIRDS, { 0, 0, 250, 250 },    { 100, 100 }, "0", DEF, JPG, NONE, 0, { 0, 0 } },
    { THIRDS, { 0, 0, 200, 200 },    { 100, 100 }, "0", DEF, JPG, NONE, 0, { 0, 0 } },
    { SKEWED, { 0, 0, 256, 256 },    { 256, 256 }, "0", DEF, JPG, 0, 0, { 0, 0 } },
    { SKEWED, { 0, 0, 512, 512 },    { 256, 256 }, "0", DEF, JPG, NONE, 0, { 0, 0 } },
    { SMALL, { 0, 0, 200, 100 },     { 200, 100 }, "0", DEF, JPG, 0, 0, { 200, 100 } },
    { SMALL, { 0, 0, 200, 100 },     { 100, 50 },  "0", DEF, JPG, 1, 0, { 100, 50 } },
    { SMALL, { 0, 0, 200, 100 },     { 200, 100 }, "!0", DEF, JPG, 0, 0, { 200, 100 } },
    { SMALL, { 0, 0, 200, 100 },     { 200, 100 }, "90", DEF, JPG, NONE, 0, { 0, 0 } },
    { SMALL, { 0, 0, 200, 100 },     { 50, 25 },   "0", DEF, JPG, NONE, 0, { 0, 0 } },
    { RGB, { 0, 0, 256, 256 },       { 256, 256 }, "90", DEF, JPG, 0, 0, { 0, 0 } },
    { RGB, { 0, 0, 256, 256 },       { 256, 256 }, "0", GRAY, JPG, NONE, 0, { 0, 0 } },
    { WEBPS, { 512, 0, 256, 256 },   { 256, 256 }, "0", DEF, WEBP, 0, 2, { 0, 0 } },
    { WEBPS, { 0, 0, 512, 512 },     { 256, 256 }, "0", DEF, WEBP, 1, 0, { 0, 0 } },
    { WEBPS, { 0, 0, 256, 256 },     { 256, 256 }, "0", DEF, JPG, NONE, 0, { 0, 0 } },
    { WEBPS, { 768, 0, 232, 256 },   { 232, 256 }, "0", DEF, WEBP, NONE, 0, { 0, 0 } },
    { WEBPS, { 0, 0, 256, 256 },     { 256, 256 }, "!0", DEF, WEBP, NONE, 0, { 0, 0 } },
    { WEBPS, { 0, 0, 256, 256 },     { 256, 256 }, "0", GRAY, WEBP, NONE, 0, { 0, 0 } },
    { HUGE, { 0, 0, 4294967295u, 4294967295u }, { 2147483648u, 2147483648u }, "0", DEF, WEBP, 1, 0, { 0, 0 } },
    { HUGE, { 2147483648u, 0, 2147483647u, 2147483648u }, { 2147483647u, 2147483648u }, "0", DEF, WEBP, NONE, 0, { 0, 0 } },
};
/* clang-format on */

static apr_uint32_t up(apr_uint32_t value, apr_uint32_t by)
{
    return value / by + (value % by != 0);
}

static iiif_raw_level_t *make_level(const struct layout_t *layout, unsigned level, apr_pool_t *pool)
{
    iiif_raw_level_t *raw = apr_pcalloc(pool, sizeof(*raw));
    apr_uint32_t i;

    raw->tile = layout->tile;
    raw->columns = up(layout->levels[level].dims.width, layout->tile.width);
    raw->rows = up(layout->levels[level].dims.height, layout->tile.height);
    raw->format = layout->format;
    raw->jpeg = (iiif_jpeg_header_t){ .dims = layout->tile,
                                      .components = layout->components,
                                      .horizontal = { layout->horizontal, 1, 1 },
                                      .vertical = { layout->vertical, 1, 1 },
                                      .bits = 8,
                                      .baseline = 1,
                                      .ycbcr = layout->ycbcr };
    raw->lengths = apr_palloc(pool, raw->columns * raw->rows * sizeof(*raw->lengths));
    for (i = 0; i < raw->columns * raw->rows; ++i)
        raw->lengths[i] = 100;
    return raw;
}

static iiif_source_t *make_source(int row, apr_pool_t *pool)
{
    const struct layout_t *layout = &layouts[row];
    iiif_source_t *source = apr_pcalloc(pool, sizeof(*source));
    unsigned i;

    source->full = layout->full;
    for (i = 0; i < ROWS(layout->levels) && layout->levels[i].dims.width; ++i)
        source->levels[i] = (iiif_level_t){ .dims = layout->levels[i].dims,
                                            .scale_x = layout->levels[i].scale_x,
                                            .scale_y = layout->levels[i].scale_y,
                                            .raw = make_level(layout, i, pool) };
    source->level_count = (int)i;
    return source;
}

static iiif_resolved_t resolved_of(unsigned i)
{
    iiif_resolved_t resolved = { .region = cases[i].region,
                                 .square = IIIF_SQUARE_CENTRE,
                                 .size = cases[i].size,
                                 .quality = cases[i].quality,
                                 .format = cases[i].format };

    if (iiif_rotation_parse(&resolved.rotation, cases[i].rotation, NULL) != APR_SUCCESS)
        ok(0, "%s is no rotation", cases[i].rotation);
    return resolved;
}

/* What has to become of a tile on its way, from what was asked for alone. */
static int leaves_as_asked(const iiif_raw_tile_t *tile, unsigned i)
{
    const iiif_jpeg_change_t *change = &tile->change;
    int mirror = cases[i].rotation[0] == '!', gray = cases[i].quality == GRAY;
    int quarters = (int)strtol(cases[i].rotation + mirror, NULL, 10) / 90;

    return change->crop.width == cases[i].crop.width && change->crop.height == cases[i].crop.height
           && change->mirror == mirror && change->quarters == quarters && change->gray == gray
           && !tile->changed == !(mirror || quarters || gray || cases[i].crop.width);
}

static void test_find(apr_pool_t *pool)
{
    unsigned i;

    for (i = 0; i < ROWS(cases); ++i) {
        const iiif_source_t *source = make_source(cases[i].layout, pool);
        const iiif_resolved_t resolved = resolved_of(i);
        iiif_raw_tile_t tile = { .level = NULL };
        int found = iiif_raw_tile_find(&tile, source, &resolved);

        ok(found == (cases[i].level != NONE)
               && (!found
                   || (tile.level == source->levels[cases[i].level].raw
                       && tile.index == (unsigned)cases[i].index && leaves_as_asked(&tile, i))),
           "%ux%u: %u,%u,%u,%u/%u,%u/%s as %s of %s is %s", source->full.width, source->full.height,
           resolved.region.x, resolved.region.y, resolved.region.width, resolved.region.height,
           resolved.size.width, resolved.size.height, cases[i].rotation,
           iiif_format(resolved.format)->extension, iiif_quality_name(resolved.quality),
           cases[i].level == NONE
               ? "no tile"
               : apr_psprintf(pool, "tile %d of level %d", cases[i].index, cases[i].level));
    }
}

/* The first case, and what stands in its way. */
static void test_not_found(apr_pool_t *pool)
{
    iiif_source_t *source = make_source(MAP, pool);
    iiif_resolved_t resolved = resolved_of(0);
    iiif_raw_tile_t tile;

    resolved.square = IIIF_SQUARE_ATTENTION;
    ok(!iiif_raw_tile_find(&tile, source, &resolved), "a square whose place pixels decide");
    resolved.square = IIIF_SQUARE_ENTROPY;
    ok(!iiif_raw_tile_find(&tile, source, &resolved), "likewise");
    resolved.square = IIIF_SQUARE_CENTRE;
    source->fd = -1;
    ok(!iiif_raw_tile_find(&tile, source, &resolved), "no file is open");
    source->fd = 0;
    source->levels[0].raw->lengths[0] = 0;
    ok(!iiif_raw_tile_find(&tile, source, &resolved), "a tile that is left out");
    source->levels[0].raw->lengths[0] = 1;
    resolved.quality = GRAY;
    ok(iiif_raw_tile_find(&tile, source, &resolved), "gray is luma");
    source->profile = "colours";
    ok(!iiif_raw_tile_find(&tile, source, &resolved), "but that of other colours than sRGB is not");
    resolved.quality = DEF;
    ok(iiif_raw_tile_find(&tile, source, &resolved), "and none of these");
    source->levels[0].raw = NULL;
    ok(!iiif_raw_tile_find(&tile, source, &resolved), "a level that is stored otherwise");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_find(pool);
    test_not_found(pool);
    apr_terminate();
    return done_testing();
}
