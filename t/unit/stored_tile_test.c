/* SPDX-License-Identifier: Apache-2.0 */
#include "stores.h"

/*
 * Stores made by `vips dzsave`, of an image of awkward size. What a store has to hold, and under
 * which name, is computed here once more, by counting; that it holds so many files, find(1) says.
 */

#define JPG  IIIF_FORMAT_JPG
#define PNG  IIIF_FORMAT_PNG
#define WEBP IIIF_FORMAT_WEBP

static const iiif_dims_t awkward = { 1301, 907 }, wide = { 4000, 3000 }, square = { 4096, 4096 },
                         small = { 640, 640 }, halved = { 1025, 600 };

/* clang-format off */
static const struct {
    const char *name;    /* of the source, in the store's directory */
    const char *base;    /* what dzsave is told to write, */
    const char *options; /* and how */
    iiif_stored_kind_e kind;
    const char *path, *tiles; /* the description, and the directory of tiles, behind the store's */
    iiif_format_e format;
    const char *extension;
    apr_uint32_t tile, overlap;
    int version;
} stores[] = {
    { "a.tif", "a", "--tile-size 256 --overlap 0 --suffix .jpg", IIIF_STORED_DEEPZOOM, "a.dzi", "a_files",
      JPG, "jpg", 256, 0, 0 },
    { "b.tif", "b.tif", "--tile-size 254 --overlap 1 --suffix .png", IIIF_STORED_DEEPZOOM,
      "b.tif.dzi", "b.tif_files", PNG, "png", 254, 1, 0 },
    { "c", "c", "--tile-size 200 --overlap 57 --suffix .webp", IIIF_STORED_DEEPZOOM, "c.dzi",
      "c_files", WEBP, "webp", 200, 57, 0 },
    { "d.jpg", "d", "--tile-size 128 --overlap 0 --suffix .jpeg", IIIF_STORED_DEEPZOOM, "d.dzi",
      "d_files", JPG, "jpeg", 128, 0, 0 },
    { "e.tif", "e", "--layout zoomify --tile-size 64", IIIF_STORED_ZOOMIFY, "e/ImageProperties.xml",
      "e", JPG, "jpg", 64, 0, 0 },
    { "f.tif", "f_zdata", "--layout zoomify --tile-size 256", IIIF_STORED_ZOOMIFY,
      "f_zdata/ImageProperties.xml", "f_zdata", JPG, "jpg", 256, 0, 0 },
    { "g.tif", "g", "--layout iiif --tile-size 256", IIIF_STORED_LEVEL0, "g/info.json", "g",
      JPG, "jpg", 256, 0, 2 },
    { "h.tif", "h.tif", "--layout iiif3 --tile-size 128", IIIF_STORED_LEVEL0, "h.tif/info.json",
      "h.tif", JPG, "jpg", 128, 0, 3 },
    { "i.tif", "i", "--layout iiif3 --tile-size 512 --suffix .png", IIIF_STORED_LEVEL0,
      "i/info.json", "i", PNG, "png", 512, 0, 3 }, /* which its info.json does not say */
    { "p/l\xc3\xa4 n.d/map 1.v2.tif", "p/l\xc3\xa4 n.d/map 1.v2", "--tile-size 256 --overlap 0 --suffix .jpg",
      IIIF_STORED_DEEPZOOM, "p/l\xc3\xa4 n.d/map 1.v2.dzi", "p/l\xc3\xa4 n.d/map 1.v2_files",
      JPG, "jpg", 256, 0, 0 },
};

/* What is known of 4000x3000 and 640x640 in tiles of 256; level and position are written out. */
static const struct {
    const iiif_dims_t *full;
    iiif_rect_t region;
    iiif_dims_t size;
    const char *deepzoom, *zoomify; /* NULL: neither is a tile */
} golden[] = {
    { &wide, { 0, 0, 256, 256 },        { 256, 256 }, "12/0_0",   "TileGroup0/4-0-0" },
    { &wide, { 3840, 2816, 160, 184 },  { 160, 184 }, "12/15_11", "TileGroup1/4-15-11" },
    { &wide, { 3584, 2560, 416, 440 },  { 208, 220 }, "11/7_5",   "TileGroup0/3-7-5" },
    { &wide, { 3072, 2048, 928, 952 },  { 232, 238 }, "10/3_2",   "TileGroup0/2-3-2" },
    { &wide, { 2048, 2048, 1952, 952 }, { 244, 119 }, "9/1_1",    "TileGroup0/1-1-1" },
    { &wide, { 0, 0, 4000, 3000 },      { 250, 188 }, "8/0_0",    "TileGroup0/0-0-0" },
    { &wide, { 0, 0, 4000, 3000 },      { 250, 187 }, NULL, NULL },
    { &wide, { 0, 0, 4000, 3000 },      { 500, 375 }, NULL, NULL },
    { &wide, { 3584, 2560, 416, 440 },  { 208, 221 }, NULL, NULL },
    /* the corner's rectangle is a cell of two levels: the size decides */
    { &small, { 512, 512, 128, 128 },   { 128, 128 }, "10/2_2",   "TileGroup0/2-2-2" },
    { &small, { 512, 512, 128, 128 },   { 64, 64 },   "9/1_1",    "TileGroup0/1-1-1" },
    { &small, { 512, 512, 128, 128 },   { 32, 32 },   NULL, NULL },
    { &small, { 0, 0, 640, 640 },       { 160, 160 }, "8/0_0",    "TileGroup0/0-0-0" },
    /* aligned, and no tiles */
    { &square, { 0, 0, 300, 300 },        { 300, 300 },   NULL, NULL },
    { &square, { 0, 0, 512, 512 },        { 512, 512 },   NULL, NULL },
    { &square, { 0, 0, 512, 512 },        { 255, 255 },   NULL, NULL },
    { &square, { 256, 256, 1000, 1000 },  { 1000, 1000 }, NULL, NULL },
    { &square, { 2048, 2048, 2048, 2048 }, { 1024, 1024 }, NULL, NULL },
    { &square, { 0, 0, 4096, 4096 },      { 200, 200 },   NULL, NULL },
    { &square, { 128, 0, 256, 256 },      { 256, 256 },   NULL, NULL },
    { &square, { 256, 0, 512, 512 },      { 256, 256 },   NULL, NULL },
    { &square, { 3840, 3840, 256, 256 },  { 256, 256 },   "12/15_15", "TileGroup1/4-15-15" },
};

/* clang-format on */

/* -- every tile of a store ------------------------------------------------------------------- */

typedef struct level_t {
    unsigned shift;
    apr_uint32_t width, height, columns, rows;
} level_t;

static apr_uint32_t up(apr_uint32_t value, apr_uint32_t by)
{
    return value / by + (value % by != 0);
}

static level_t level_at(unsigned shift, apr_uint32_t tile)
{
    level_t level = { shift, up(awkward.width, 1u << shift), up(awkward.height, 1u << shift), 0,
                      0 };

    level.columns = up(level.width, tile);
    level.rows = up(level.height, tile);
    return level;
}

/* Until one tile holds it; Deep Zoom goes on to one pixel. */
static int is_last(const level_t *level, iiif_stored_kind_e kind)
{
    return kind == IIIF_STORED_DEEPZOOM ? level->width == 1 && level->height == 1
                                        : level->columns == 1 && level->rows == 1;
}

/* From and to in pixels of the level, with overlap; then the same of the full image. */
static void span_of(apr_uint32_t *from, apr_uint32_t *to, unsigned i, unsigned index,
                    apr_uint32_t side)
{
    apr_uint32_t tile = stores[i].tile, overlap = stores[i].overlap;

    *from = index ? index * tile - overlap : 0;
    *to = (index + 1) * tile + overlap < side ? (index + 1) * tile + overlap : side;
}

static iiif_stored_want_t want_of(unsigned i, const level_t *level, unsigned column, unsigned row)
{
    iiif_stored_want_t want = { .format = stores[i].format };
    apr_uint32_t left, right, top, bottom;

    span_of(&left, &right, i, column, level->width);
    span_of(&top, &bottom, i, row, level->height);
    want.size = (iiif_dims_t){ right - left, bottom - top };
    want.region.x = left << level->shift;
    want.region.y = top << level->shift;
    right <<= level->shift;
    bottom <<= level->shift;
    want.region.width = (right < awkward.width ? right : awkward.width) - want.region.x;
    want.region.height = (bottom < awkward.height ? bottom : awkward.height) - want.region.y;
    return want;
}

/* A tile's place: its level as the layout counts it, column, row, and its number among all. */
typedef struct place_t {
    unsigned level, column, row, number;
} place_t;

static const char *name_of(unsigned i, const iiif_stored_want_t *want, const place_t *at,
                           apr_pool_t *pool)
{
    const iiif_rect_t *r = &want->region;
    const char *size = apr_psprintf(pool, stores[i].version == 3 ? "%u,%u" : "%u,",
                                    want->size.width, want->size.height);

    switch (stores[i].kind) {
    case IIIF_STORED_DEEPZOOM:
        return apr_psprintf(pool, "%s/%u/%u_%u.%s", stores[i].tiles, at->level, at->column, at->row,
                            stores[i].extension);
    case IIIF_STORED_ZOOMIFY:
        return apr_psprintf(pool, "%s/TileGroup%u/%u-%u-%u.jpg", stores[i].tiles, at->number / 256,
                            at->level, at->column, at->row);
    case IIIF_STORED_LEVEL0:
        return apr_psprintf(pool, "%s/%u,%u,%u,%u/%s/0/default.%s", stores[i].tiles, r->x, r->y,
                            r->width, r->height, size, stores[i].extension);
    case IIIF_STORED_PYRAMID: break;
    }
    return NULL;
}

/* The same tile a pixel off in any way is none. Small ones may be a tile of another level. */
static int is_exact(const iiif_stored_set_t *set, const iiif_stored_want_t *want, apr_pool_t *pool)
{
    static const struct {
        int x, y, width, height, columns, rows;
    } off[] = {
        { 1, 0, 0, 0, 0, 0 },  { 0, 1, 0, 0, 0, 0 }, { 0, 0, -1, 0, 0, 0 }, { 0, 0, 0, -1, 0, 0 },
        { 0, 0, 0, 0, -1, 0 }, { 0, 0, 0, 0, 1, 0 }, { 0, 0, 0, 0, 0, -1 }, { 0, 0, 0, 0, 0, 1 },
    };
    iiif_stored_want_t other = *want;
    unsigned k;

    other.format = IIIF_FORMAT_GIF;
    if (!is_tile(set, &other, NULL, pool))
        return 0;
    for (k = 0; k < ROWS(off) && want->size.width > 8 && want->size.height > 8; ++k) {
        other = *want;
        other.region.x += (apr_uint32_t)off[k].x;
        other.region.y += (apr_uint32_t)off[k].y;
        other.region.width += (apr_uint32_t)off[k].width;
        other.region.height += (apr_uint32_t)off[k].height;
        other.size.width += (apr_uint32_t)off[k].columns;
        other.size.height += (apr_uint32_t)off[k].rows;
        if (!is_tile(set, &other, NULL, pool))
            return 0;
    }
    return 1;
}

static void has_every_tile(unsigned i, const iiif_stored_set_t *set, apr_pool_t *pool)
{
    const int deepzoom = stores[i].kind == IIIF_STORED_DEEPZOOM;
    unsigned last = 0, shift, count = 0, found = 0, exact = 0;
    const char *missed = "";

    while (!is_last((const level_t[]){ level_at(last, stores[i].tile) }, stores[i].kind))
        ++last;
    for (shift = last + 1; shift-- > 0;) {
        level_t level = level_at(shift, stores[i].tile);
        place_t at = { last - shift, 0, 0, 0 };

        for (at.row = 0; at.row < level.rows; ++at.row) {
            for (at.column = 0; at.column < level.columns; ++at.column, ++count) {
                iiif_stored_want_t want = want_of(i, &level, at.column, at.row);
                const char *name;

                at.number = count;
                name = name_of(i, &want, &at, pool);
                if (is_tile(set, &want, name, pool) && is_tile(set, &want, name, pool))
                    ++found;
                else
                    missed = name;
                exact += (unsigned)is_exact(set, &want, pool);
            }
        }
    }
    ok(found == count && count > 0, "  %u of %u tiles are found %s", found, count, missed);
    ok(exact == count, "  and each for its own region, size and format alone");
    ok(count_files(apr_psprintf(pool, "*.%s' -path '%s/%s/*", stores[i].extension, directory,
                                stores[i].tiles),
                   pool)
           == count,
       "  and so many files there are%s", deepzoom ? ", down to one pixel" : "");
}

static void is_store(unsigned i, apr_pool_t *pool)
{
    const iiif_stored_set_t *set;
    const iiif_stored_t *stored;

    save(&awkward, stores[i].base, stores[i].options, pool);
    set = find(stores[i].name, awkward, pool);
    stored = iiif_stored_of_kind(set, stores[i].kind);
    if (!ok(set->count == 1 && set->refused_count == 0 && stored == &set->sets[0]
                && !strcmp(stored->path, under(stores[i].path, pool))
                && !strcmp(stored->tiles, under(stores[i].tiles, pool))
                && stored->full.width == awkward.width && stored->full.height == awkward.height
                && stored->tile.width == stores[i].tile && stored->tile.height == stores[i].tile
                && stored->stamp.mtime > source.mtime && stored->stamp.size > 0,
            "%s: %s", stores[i].name, stores[i].path))
        return;
    ok(stored->format
           == (stores[i].kind == IIIF_STORED_LEVEL0 && stores[i].version == 3 ? JPG
                                                                              : stores[i].format),
       "  in the format it says");
    has_every_tile(i, set, pool);
}

/* -- what is known of sizes written out ------------------------------------------------------ */

static void is_golden(unsigned i, apr_pool_t *pool)
{
    const char *name = apr_psprintf(pool, "golden/%u.tif", golden[i].full->width);
    const iiif_stored_want_t want = { golden[i].region, golden[i].size, JPG };
    const iiif_stored_set_t *set = find(name, *golden[i].full, pool);
    iiif_stored_set_t one = { .count = 1 };
    const char *base = apr_psprintf(pool, "golden/%u", golden[i].full->width);

    one.sets[0] = set->sets[0];
    ok(set->count == 2 && set->sets[0].kind == IIIF_STORED_DEEPZOOM
           && is_tile(&one, &want,
                      golden[i].deepzoom
                          ? apr_pstrcat(pool, base, "_files/", golden[i].deepzoom, ".jpg", NULL)
                          : NULL,
                      pool),
       "%u: %u,%u,%u,%u/%u,%u is %s", golden[i].full->width, want.region.x, want.region.y,
       want.region.width, want.region.height, want.size.width, want.size.height,
       golden[i].deepzoom ? golden[i].deepzoom : "no tile");
    one.sets[0] = set->sets[1];
    ok(set->sets[1].kind == IIIF_STORED_ZOOMIFY
           && is_tile(&one, &want,
                      golden[i].zoomify
                          ? apr_pstrcat(pool, base, "_zdata/", golden[i].zoomify, ".jpg", NULL)
                          : NULL,
                      pool),
       "  and %s", golden[i].zoomify ? golden[i].zoomify : "no tile");
}

static void are_golden(apr_pool_t *pool)
{
    const iiif_dims_t *images[] = { &wide, &square, &small };
    unsigned i;

    for (i = 0; i < ROWS(images); ++i) {
        const char *base = apr_psprintf(pool, "golden/%u", images[i]->width);

        save(images[i], base, "--tile-size 256 --overlap 0 --suffix .jpg", pool);
        save(images[i], apr_pstrcat(pool, base, "_zdata", NULL), "--layout zoomify --tile-size 256",
             pool);
    }
    for (i = 0; i < ROWS(golden); ++i)
        is_golden(i, pool);
}

/* Zoomify halved rounding down: 1025x600 is 5 x 3 tiles, 512x300 2 x 2, 256x150 one. */
static void is_halved_down(apr_pool_t *pool)
{
    /* clang-format off */
    static const struct {
        iiif_rect_t region;
        iiif_dims_t size;
        const char *name;
    } tiles[] = {
        { { 0, 0, 1025, 600 },    { 256, 150 }, "0-0-0" },
        { { 0, 0, 512, 512 },     { 256, 256 }, "1-0-0" },
        { { 512, 0, 513, 512 },   { 256, 256 }, "1-1-0" },
        { { 0, 512, 512, 88 },    { 256, 44 },  "1-0-1" },
        { { 512, 512, 513, 88 },  { 256, 44 },  "1-1-1" },
        { { 0, 0, 256, 256 },     { 256, 256 }, "2-0-0" },
        { { 1024, 512, 1, 88 },   { 1, 88 },    "2-4-2" },
        { { 0, 0, 1025, 600 },    { 257, 150 }, NULL }, /* as rounding up would have it */
        { { 1024, 0, 1, 512 },    { 1, 256 },   NULL },
    };
    /* clang-format on */
    const iiif_stored_set_t *set;
    unsigned i;

    for (i = 0; i < ROWS(tiles) && tiles[i].name; ++i)
        save_tile(apr_pstrcat(pool, "down/TileGroup0/", tiles[i].name, ".jpg", NULL), tiles[i].size,
                  pool);
    write_file("down/ImageProperties.xml",
               "<IMAGE_PROPERTIES WIDTH='1025' HEIGHT='600' NUMTILES='20' TILESIZE='256'/>", pool);
    set = find("down.jpg", halved, pool);
    for (i = 0; i < ROWS(tiles); ++i) {
        const iiif_stored_want_t want = { tiles[i].region, tiles[i].size, JPG };
        const char *name = tiles[i].name;

        ok(set->count == 1
               && is_tile(set, &want,
                          name ? apr_pstrcat(pool, "down/TileGroup0/", name, ".jpg", NULL) : NULL,
                          pool),
           "halved down: %u,%u,%u,%u/%u,%u is %s", want.region.x, want.region.y, want.region.width,
           want.region.height, want.size.width, want.size.height, name ? name : "no tile");
    }
}

/* -- names a tree may use -------------------------------------------------------------------- */

static void is_spelled(apr_pool_t *pool)
{
    /* clang-format off */
    static const struct {
        int version;
        const char *name; /* of the file */
        iiif_rect_t region;
        iiif_dims_t size;
        iiif_format_e format;
        int is; /* is it found? */
    } trees[] = {
        { 2, "full/100,75/0/default.jpg",      { 0, 0, 400, 300 }, { 100, 75 },  JPG, 1 },
        { 2, "full/100,/0/default.jpg",        { 0, 0, 400, 300 }, { 100, 75 },  JPG, 1 },
        { 2, "full/full/0/default.jpg",        { 0, 0, 400, 300 }, { 400, 300 }, JPG, 1 },
        { 2, "full/max/0/default.jpg",         { 0, 0, 400, 300 }, { 400, 300 }, JPG, 0 },
        { 3, "full/max/0/default.jpg",         { 0, 0, 400, 300 }, { 400, 300 }, JPG, 1 },
        { 3, "full/full/0/default.jpg",        { 0, 0, 400, 300 }, { 400, 300 }, JPG, 0 },
        { 3, "0,0,400,300/max/0/default.png",  { 0, 0, 400, 300 }, { 400, 300 }, PNG, 1 },
        { 3, "100,0,50,60/max/0/default.webp", { 100, 0, 50, 60 }, { 50, 60 },   WEBP, 1 },
        { 2, "100,0,50,60/full/0/default.jpg", { 100, 0, 50, 60 }, { 50, 60 },   JPG, 1 },
        { 3, "100,0,50,60/25,/0/default.jpg",  { 100, 0, 50, 60 }, { 25, 30 },   JPG, 1 },
        { 2, "100,0,50,60/25,30/0/default.jpg", { 100, 0, 50, 60 }, { 25, 30 },  JPG, 1 },
        { 3, "100,0,50,60/max/0/default.jpg",  { 100, 0, 50, 60 }, { 25, 30 },   JPG, 0 },
        { 3, "full/50,60/0/default.jpg",       { 100, 0, 50, 60 }, { 50, 60 },   JPG, 0 },
        { 3, "100,0,50,60/50,60/90/default.jpg", { 100, 0, 50, 60 }, { 50, 60 }, JPG, 0 },
    };
    /* clang-format on */
    unsigned i;

    for (i = 0; i < ROWS(trees); ++i) {
        const char *base = apr_psprintf(pool, "tree%u", i),
                   *name = apr_pstrcat(pool, base, "/", trees[i].name, NULL);
        iiif_stored_want_t want = { trees[i].region, trees[i].size, trees[i].format };
        const iiif_stored_set_t *set;

        write_file(apr_pstrcat(pool, base, "/info.json", NULL),
                   apr_psprintf(pool,
                                "{\"@context\":\"http://iiif.io/api/image/%d/context.json\","
                                "\"width\":400,\"height\":300}",
                                trees[i].version),
                   pool);
        save_tile(name, trees[i].size, pool);
        set = find(base, (iiif_dims_t){ 400, 300 }, pool);
        ok(is_tile(set, &want, trees[i].is ? name : NULL, pool), "%d: %s is %s", trees[i].version,
           trees[i].name, trees[i].is ? "found" : "another name");
        ++want.size.height; /* "w," would be the same file */
        ok(is_tile(set, &want, NULL, pool), "  and not at another height");
    }
}

/* -- tiles that are not what they should be -------------------------------------------------- */

/* In a.tif's Deep Zoom, last level but one; then in all stores of one source. */
static void are_passed_over(apr_pool_t *pool)
{
    const iiif_stored_want_t want = { { 0, 0, 512, 512 }, { 256, 256 }, JPG };
    const char *name = "broken_files/10/0_0.jpg", *spare = "broken_zdata/TileGroup0/2-0-0.jpg",
               *path = under(name, pool);
    const iiif_stored_set_t *set;

    save(&awkward, "broken", "--tile-size 256 --overlap 0 --suffix .jpg", pool);
    set = find("broken", awkward, pool);
    ok(is_tile(set, &want, name, pool), "a whole tile");
    save_tile(name, (iiif_dims_t){ 256, 255 }, pool);
    ok(is_tile(set, &want, NULL, pool), "replaced by one of another size");
    save_tile(name, (iiif_dims_t){ 256, 256 }, pool);
    ok(is_tile(set, &want, name, pool), "and by one of the right size");
    run(apr_psprintf(pool, "truncate -s -1 %s", path));
    ok(is_tile(set, &want, NULL, pool), "not when its last byte is missing");
    run(apr_psprintf(pool, "cp %s %s", image_of((iiif_dims_t){ 256, 256 }, ".png", pool), path));
    ok(is_tile(set, &want, NULL, pool), "a PNG under its name");
    write_file(name, "no image at all", pool);
    ok(is_tile(set, &want, NULL, pool), "text under its name");
    write_file(name, "", pool);
    ok(is_tile(set, &want, NULL, pool), "empty");
    apr_file_remove(path, pool);
    ok(is_tile(set, &want, NULL, pool), "missing");
    apr_dir_make(path, APR_FPROT_OS_DEFAULT, pool);
    ok(is_tile(set, &want, NULL, pool), "a directory");
    save(&awkward, "broken_zdata", "--layout zoomify --tile-size 256", pool);
    set = find("broken.png", awkward, pool);
    ok(set->count == 2 && is_tile(set, &want, spare, pool), "another set has it");
    run(apr_psprintf(pool, "rmdir %s", path));
    save_tile(name, (iiif_dims_t){ 256, 256 }, pool);
    ok(is_tile(set, &want, name, pool), "until the first has it again");
}

/* An lru that holds nothing must not stand in the way. */
static void is_forgotten(apr_pool_t *pool)
{
    const iiif_stored_query_t query = query_of("a.tif", awkward);
    const iiif_stored_want_t want = { { 0, 0, 256, 256 }, { 256, 256 }, JPG };
    iiif_lru_t *none;

    if (iiif_lru_create(&none, 0, 0, pool) != APR_SUCCESS)
        abort();
    ok(is_tile(iiif_stored_find(none, &query, pool), &want, "a_files/11/0_0.jpg", pool),
       "found without a memory");
}

int main(void)
{
    apr_pool_t *pool = begin_stores();
    unsigned i;

    for (i = 0; i < ROWS(stores); ++i)
        is_store(i, pool);
    are_golden(pool);
    is_halved_down(pool);
    is_spelled(pool);
    are_passed_over(pool);
    is_forgotten(pool);
    end_stores(pool);
    return done_testing();
}
