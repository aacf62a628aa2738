/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan.h"

#include <apr_file_io.h>
#include <fcntl.h>

#include "images.h"

/*
 * One image of 304x208 in many files, with and without tiles made beforehand, and what is planned
 * for it. Levels are 304x208, 152x104, 76x52 and 38x26; with tiles of 64 that is 5x4, 3x2, 2x1 and
 * 1 of them, 29 in all, and level 9 of Deep Zoom, 3 of Zoomify, is the full one.
 */
static const iiif_dims_t sides = { 304, 208 };

#define TILES  "[tile,tile-width=64,tile-height=64,compression=jpeg,pyramid]"
#define NO     IIIF_ENOTFOUND
#define STATIC IIIF_PLAN_STATIC_FILE
#define RAW    IIIF_PLAN_RAW_TILE
#define RENDER IIIF_PLAN_RENDER
#define XML    IIIF_PLAN_DESCRIPTOR
#define DZI(overlap, tile)                                                                         \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"                                                 \
    "<Image xmlns=\"http://schemas.microsoft.com/deepzoom/2008\" Format=\"jpg\" "                  \
    "Overlap=\"" overlap "\" TileSize=\"" tile "\">\n"                                             \
    "  <Size Width=\"304\" Height=\"208\"/>\n</Image>\n"
#define ZOOMIFY(count, tile)                                                                       \
    "<IMAGE_PROPERTIES WIDTH=\"304\" HEIGHT=\"208\" NUMTILES=\"" count "\" NUMIMAGES=\"1\" "       \
    "VERSION=\"1.8\" TILESIZE=\"" tile "\" />\n"

/* clang-format off */
/* The sources, and what the store has of each. */
static const struct {
    const char *name, *options;
    const char *stored;   /* a file in the store; NULL: nothing */
    iiif_dims_t dims;     /* of a pyramid; 0,0: of no pyramid, but */
    const char *text;     /* a file of this text, or, NULL, a set of tiles: */
    VipsForeignDzLayout layout;
    int tile, overlap;
} sources[] = {
    { "jpegs.tif", TILES, NULL, { 0, 0 }, NULL, 0, 0, 0 },
    { "plain.jpg", "", NULL, { 0, 0 }, NULL, 0, 0, 0 },
    { "deep.jpg", "", "deep", { 0, 0 }, NULL, VIPS_FOREIGN_DZ_LAYOUT_DZ, 64, 0 },
    { "over.jpg", "", "over", { 0, 0 }, NULL, VIPS_FOREIGN_DZ_LAYOUT_DZ, 62, 1 },
    { "wide.jpg", "", "wide", { 0, 0 }, NULL, VIPS_FOREIGN_DZ_LAYOUT_DZ, 126, 1 },
    { "small.jpg", "", "small", { 0, 0 }, NULL, VIPS_FOREIGN_DZ_LAYOUT_DZ, 32, 0 },
    { "zoom.jpg", "", "zoom", { 0, 0 }, NULL, VIPS_FOREIGN_DZ_LAYOUT_ZOOMIFY, 64, 0 },
    { "huge.jpg", "", "huge.dzi", { 0, 0 }, DZI("1073741824", "2147483648"), 0, 0, 0 },
    { "pyramid.jpg", "", "pyramid.tif", { 304, 208 }, NULL, 0, 0, 0 },
    { "strips.tif", "", "strips.tif", { 304, 208 }, NULL, 0, 0, 0 },
    { "both.tif", TILES, "both.tif", { 304, 208 }, NULL, 0, 0, 0 },
    { "wrong.jpg", "", "wrong.tif", { 208, 304 }, NULL, 0, 0, 0 },
    { "text.jpg", "", "text.tif", { 0, 0 }, "no pyramid", 0, 0, 0 },
};

/* From the store, or without. */
static const struct {
    const char *source;
    int store;
    apr_uint32_t max_width;
    const char *path;
    apr_status_t want;
    iiif_plan_kind_e kind;
    const char *file; /* of STATIC, below the store; of XML, its text */
} cases[] = {
    /* a tile stored in the source, by each of its names */
    { "jpegs.tif", 0, 0, "ID/0,0,64,64/max/0/default.jpg",     0, RAW, NULL },
    { "jpegs.tif", 1, 0, "ID/0,0,64,64/max/0/default.jpg",     0, RAW, NULL },
    { "jpegs.tif", 0, 0, "ID/0,0,64,64/64,/0/color.jpg",       0, RAW, NULL },
    { "jpegs.tif", 0, 0, "2/ID/0,0,64,64/full/0/default.jpg",  0, RAW, NULL },
    { "jpegs.tif", 0, 0, "ID/256,192,48,16/max/0/default.jpg", 0, RAW, NULL },
    { "jpegs.tif", 0, 0, "ID/128,128,128,80/64,/0/default.jpg", 0, RAW, NULL },
    { "jpegs.tif", 0, 0, "ID/full/38,/0/default.jpg",          0, RAW, NULL },
    { "jpegs.tif", 0, 0, "ID/0,0,64,64/max/!90/gray.jpg",      0, RAW, NULL },
    { "jpegs.tif", 0, 0, "ID_files/9/0_0.jpg",                 0, RAW, NULL },
    { "jpegs.tif", 0, 0, "ID_files/9/4_3.jpeg",                0, RAW, NULL },
    { "jpegs.tif", 0, 0, "ID_files/8/1_1.jpg",                 0, RAW, NULL },
    { "jpegs.tif", 0, 0, "ID_zdata/TileGroup0/3-0-0.jpg",      0, RAW, NULL },
    { "jpegs.tif", 0, 0, "ID_zdata/TileGroup0/0-0-0.jpg",      0, RAW, NULL },
    /* nearly */
    { "jpegs.tif", 0, 0, "ID/0,0,65,64/max/0/default.jpg",     0, RENDER, NULL },
    { "jpegs.tif", 0, 0, "ID/0,0,64,64/63,/0/default.jpg",     0, RENDER, NULL },
    { "jpegs.tif", 0, 0, "ID/0,0,64,64/max/0/default.png",     0, RENDER, NULL },
    { "jpegs.tif", 0, 0, "ID/0,0,64,64/max/0/bitonal.jpg",     0, RENDER, NULL },
    { "jpegs.tif", 0, 0, "ID/0,0,64,64/max/1/default.jpg",     0, RENDER, NULL },
    { "jpegs.tif", 0, 0, "ID/full/max/0/default.jpg",          0, RENDER, NULL },
    { "jpegs.tif", 0, 0, "ID_files/9/0_0.png",                 0, RENDER, NULL },
    { "jpegs.tif", 0, 0, "ID_files/0/0_0.jpg",                 0, RENDER, NULL },
    { "plain.jpg", 1, 0, "ID/0,0,64,64/max/0/default.jpg",     0, RENDER, NULL },
    { "plain.jpg", 1, 0, "ID_files/9/0_0.jpg",                 0, RENDER, NULL },
    { "plain.jpg", 1, 0, "ID_zdata/TileGroup0/0-0-0.jpg",      0, RENDER, NULL },
    /* what is no tile */
    { "jpegs.tif", 0, 0, "ID_files/10/0_0.jpg",                NO, RENDER, NULL },
    { "jpegs.tif", 0, 0, "ID_files/4294967295/0_0.jpg",        NO, RENDER, NULL },
    { "jpegs.tif", 0, 0, "ID_files/9/5_0.jpg",                 NO, RENDER, NULL },
    { "jpegs.tif", 0, 0, "ID_files/9/0_4.jpg",                 NO, RENDER, NULL },
    { "jpegs.tif", 0, 0, "ID_files/9/4294967295_4294967295.jpg", NO, RENDER, NULL },
    { "jpegs.tif", 0, 0, "ID_files/9/0_0.tile",                NO, RENDER, NULL },
    { "jpegs.tif", 0, 0, "ID_zdata/TileGroup0/4-0-0.jpg",      NO, RENDER, NULL },
    { "jpegs.tif", 0, 0, "ID_zdata/TileGroup1/3-0-0.jpg",      NO, RENDER, NULL },
    { "jpegs.tif", 0, 0, "ID_zdata/TileGroup0/3-5-0.jpg",      NO, RENDER, NULL },
    { "plain.jpg", 0, 0, "ID_files/9/1_0.jpg",                 NO, RENDER, NULL },
    /* descriptors */
    { "jpegs.tif", 0, 0, "ID.dzi",                             0, XML, DZI("0", "64") },
    { "jpegs.tif", 0, 0, "ID_zdata/ImageProperties.xml",       0, XML, ZOOMIFY("29", "64") },
    { "plain.jpg", 0, 0, "ID.dzi",                             0, XML, DZI("0", "512") },
    { "plain.jpg", 0, 0, "ID_zdata/ImageProperties.xml",       0, XML, ZOOMIFY("1", "512") },
    { "plain.jpg", 0, 100, "ID.dzi",                           0, XML, DZI("0", "64") },
    { "plain.jpg", 0, 100, "ID_zdata/ImageProperties.xml",     0, XML, ZOOMIFY("29", "64") },
    { "deep.jpg", 1, 0, "ID.dzi",                              0, XML, DZI("0", "64") },
    { "deep.jpg", 0, 0, "ID.dzi",                              0, XML, DZI("0", "512") },
    { "over.jpg", 1, 0, "ID.dzi",                              0, XML, DZI("1", "62") },
    { "over.jpg", 1, 64, "ID.dzi",                             0, XML, DZI("1", "62") },
    { "over.jpg", 1, 63, "ID.dzi",                             0, XML, DZI("0", "32") },
    { "small.jpg", 1, 0, "ID.dzi",                             0, XML, DZI("0", "32") },
    { "huge.jpg", 1, 0, "ID.dzi",                              0, XML, DZI("1073741824", "2147483648") },
    { "huge.jpg", 1, 304, "ID.dzi",                            0, XML, DZI("1073741824", "2147483648") },
    { "huge.jpg", 1, 100, "ID.dzi",                            0, XML, DZI("0", "64") },
    /* tiles in the store, by each of their names */
    { "deep.jpg", 1, 0, "ID/0,0,64,64/max/0/default.jpg",      0, STATIC, "deep_files/9/0_0.jpg" },
    { "deep.jpg", 1, 0, "ID/0,0,64,64/max/0/color.jpg",        0, STATIC, "deep_files/9/0_0.jpg" },
    { "deep.jpg", 1, 0, "2/ID/0,0,64,64/64,/0/default.jpg",    0, STATIC, "deep_files/9/0_0.jpg" },
    { "deep.jpg", 1, 0, "ID/256,192,48,16/max/0/default.jpg",  0, STATIC, "deep_files/9/4_3.jpg" },
    { "deep.jpg", 1, 0, "ID/full/38,26/0/default.jpg",         0, STATIC, "deep_files/6/0_0.jpg" },
    { "deep.jpg", 1, 0, "ID_files/8/1_1.jpg",                  0, STATIC, "deep_files/8/1_1.jpg" },
    { "deep.jpg", 1, 0, "ID_zdata/TileGroup0/2-1-1.jpg",       0, STATIC, "deep_files/8/1_1.jpg" },
    { "over.jpg", 1, 0, "ID/0,0,63,63/max/0/default.jpg",      0, STATIC, "over_files/9/0_0.jpg" },
    { "over.jpg", 1, 0, "ID_files/9/1_1.jpg",                  0, STATIC, "over_files/9/1_1.jpg" },
    { "zoom.jpg", 1, 0, "ID/0,0,64,64/max/0/default.jpg",      0, STATIC, "zoom/TileGroup0/3-0-0.jpg" },
    { "zoom.jpg", 1, 0, "ID_zdata/TileGroup0/3-4-3.jpg",       0, STATIC, "zoom/TileGroup0/3-4-3.jpg" },
    { "deep.jpg", 0, 0, "ID/0,0,64,64/max/0/default.jpg",      0, RENDER, NULL },
    { "deep.jpg", 1, 0, "ID/0,0,64,64/max/90/default.jpg",     0, RENDER, NULL },
    { "deep.jpg", 1, 0, "ID/0,0,64,64/max/!0/default.jpg",     0, RENDER, NULL },
    { "deep.jpg", 1, 0, "ID/0,0,64,64/max/0/gray.jpg",         0, RENDER, NULL },
    { "deep.jpg", 1, 0, "ID/0,0,64,64/max/0/default.png",      0, RENDER, NULL },
    { "deep.jpg", 1, 0, "ID/0,0,65,64/max/0/default.jpg",      0, RENDER, NULL },
    { "over.jpg", 1, 0, "ID/0,0,62,62/max/0/default.jpg",      0, RENDER, NULL },
    { "over.jpg", 1, 63, "ID_files/9/0_0.jpg",                 0, RENDER, NULL },
    { "huge.jpg", 1, 0, "ID_files/9/0_0.jpg",                  0, RENDER, NULL },
    { "huge.jpg", 1, 100, "ID_files/9/5_0.jpg",                NO, RENDER, NULL },
    /* tiles in a pyramid made of the source */
    { "pyramid.jpg", 1, 0, "ID/0,0,64,64/max/0/default.jpg",   0, RAW, NULL },
    { "pyramid.jpg", 1, 0, "ID_files/9/0_0.jpg",               0, RAW, NULL },
    { "pyramid.jpg", 0, 0, "ID/0,0,64,64/max/0/default.jpg",   0, RENDER, NULL },
    { "strips.tif", 1, 0, "ID/0,0,64,64/max/0/default.jpg",    0, RAW, NULL },
    { "wrong.jpg", 1, 0, "ID/0,0,64,64/max/0/default.jpg",     0, RENDER, NULL },
    { "text.jpg", 1, 0, "ID/0,0,64,64/max/0/default.jpg",      0, RENDER, NULL },
};

/* What info.json announces, where pixels come from, and what is refused. */
static const struct {
    const char *source;
    int store;
    apr_uint32_t max_width;
    apr_uint32_t tile;
    const char *pixels;  /* below the store; NULL: the source itself */
    const char *refused; /* likewise */
} announced[] = {
    { "jpegs.tif",   0, 0,   64,  NULL, NULL },
    { "jpegs.tif",   1, 50,  32,  NULL, NULL },
    { "plain.jpg",   1, 0,   512, NULL, NULL },
    { "plain.jpg",   1, 100, 64,  NULL, NULL },
    { "deep.jpg",    1, 0,   64,  NULL, NULL },
    { "deep.jpg",    0, 0,   512, NULL, NULL },
    { "wide.jpg",    1, 0,   512, NULL, NULL }, /* tiles that overlap are not on the grid */
    { "small.jpg",   1, 0,   512, NULL, NULL }, /* too small to be worth it */
    { "zoom.jpg",    1, 0,   64,  NULL, NULL },
    { "pyramid.jpg", 1, 0,   64,  "pyramid.tif", NULL },
    { "pyramid.jpg", 0, 0,   512, NULL, NULL },
    { "strips.tif",  1, 0,   64,  "strips.tif", NULL },
    { "both.tif",    1, 0,   64,  NULL, NULL }, /* it is a pyramid itself */
    { "wrong.jpg",   1, 0,   512, NULL, "wrong.tif" },
    { "text.jpg",    1, 0,   512, NULL, "text.tif" },
};
/* clang-format on */

static const char *in_store(const char *name, apr_pool_t *pool)
{
    return path_of(apr_pstrcat(pool, "store/", name, NULL), pool);
}

static void write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);

    if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        ok(0, "%s cannot be written", path);
    close(fd);
}

static void make_source(unsigned i, apr_pool_t *pool)
{
    const char *path = sources[i].stored ? in_store(sources[i].stored, pool) : NULL;
    VipsImage *image = picture(sides, 3);

    write_image(sources[i].name, picture(sides, 3), sources[i].options, pool);
    if (path && sources[i].dims.width)
        write_image(path + strlen(directory) + 1, picture(sources[i].dims, 3), TILES, pool);
    else if (path && sources[i].text)
        write_text(path, sources[i].text);
    else if (path
             && vips_dzsave(image, path, "layout", sources[i].layout, "tile_size", sources[i].tile,
                            "overlap", sources[i].overlap, "suffix", ".jpg", NULL))
        ok(0, "no tiles for %s: %s", sources[i].name, vips_error_buffer());
    g_object_unref(image);
}

static iiif_lru_t *remembered;

/* As a request does: find the file, read the path, plan. */
static apr_status_t plan_for(iiif_plan_t **plan, const char *name, const char *path,
                             iiif_plan_rules_t *rules, apr_pool_t *pool)
{
    iiif_source_ref_t ref = { .path = path_of(name, pool), .page = 1, .name = name };
    iiif_request_t readings[IIIF_READINGS_MAX];

    rules->versions[0] = IIIF_VERSION_3;
    rules->versions[1] = IIIF_VERSION_2;
    rules->formats = (1u << IIIF_FORMATS) - 1;
    rules->source.formats = IIIF_SOURCE_FORMATS_DEFAULT;
    rules->upscale = IIIF_UPSCALE_OFF;
    rules->tile = 512;
    rules->stored = remembered;
    if (apr_stat(&ref.finfo, ref.path, IIIF_STAMP_WANTED, pool) != APR_SUCCESS
        || !iiif_request_read(readings, path, pool))
        return APR_EGENERAL;
    return iiif_plan_make(plan, &readings[0], &ref, rules, NULL, pool);
}

/* What is particular to the kind, and nothing of other kinds. */
static int is_planned(const iiif_plan_t *plan, unsigned i, apr_pool_t *pool)
{
    int raw = cases[i].kind == RAW, file = cases[i].kind == STATIC, xml = cases[i].kind == XML;

    return plan->kind == cases[i].kind && !plan->raw.level == !raw && !plan->file == !file
           && !plan->descriptor == !xml && !plan->key == !!xml
           && (!file
               || (!strcmp(plan->file, in_store(cases[i].file, pool)) && plan->finfo.size > 0
                   && plan->finfo.filetype == APR_REG))
           && (!xml || !strcmp(plan->descriptor, cases[i].file));
}

static void test_case(unsigned i, apr_pool_t *pool)
{
    iiif_plan_rules_t rules = { .max = { .max_width = cases[i].max_width },
                                .tile_store = cases[i].store ? path_of("store", pool) : NULL };
    iiif_plan_t *plan = NULL;
    apr_status_t rv = plan_for(&plan, cases[i].source, cases[i].path, &rules, pool);

    ok(rv == cases[i].want && !rv == !!plan && (rv || is_planned(plan, i, pool)),
       "%s of %s%s: %d, plan %d %s", cases[i].path, cases[i].source,
       cases[i].store ? " and its store" : "", rv, plan ? (int)plan->kind : -1,
       plan && plan->file ? plan->file : "");
}

static int is_refusal(const apr_array_header_t *refusals, const char *path)
{
    const iiif_plan_refusal_t *first;

    if (!path || !refusals)
        return !path && !refusals;
    first = &APR_ARRAY_IDX(refusals, 0, iiif_plan_refusal_t);
    return refusals->nelts == 1 && !strcmp(first->path, path) && *first->reason
           && first->stamp.size > 0 && first->stamp.inode;
}

static void test_announced(unsigned i, apr_pool_t *pool)
{
    const char *pixels = announced[i].pixels ? in_store(announced[i].pixels, pool)
                                             : path_of(announced[i].source, pool);
    iiif_plan_rules_t rules = { .max = { .max_width = announced[i].max_width },
                                .tile_store = announced[i].store ? path_of("store", pool) : NULL };
    iiif_plan_t *plan = NULL;

    if (!ok(plan_for(&plan, announced[i].source, "ID/info.json", &rules, pool) == APR_SUCCESS
                && plan->kind == IIIF_PLAN_INFO,
            "%s%s has an info.json", announced[i].source,
            announced[i].store ? " and its store" : ""))
        return;
    ok(plan->tile.width == announced[i].tile && plan->tile.height == announced[i].tile,
       "  that announces tiles of %ux%u", plan->tile.width, plan->tile.height);
    ok(!strcmp(plan->source->path, path_of(announced[i].source, pool))
           && !strcmp(plan->pixels->path, pixels)
           && (plan->pixels == plan->source) == !announced[i].pixels,
       "  its pixels come from %s", plan->pixels->path);
    ok(is_refusal(plan->refusals,
                  announced[i].refused ? in_store(announced[i].refused, pool) : NULL),
       "  and what is of no use is said: %s",
       announced[i].refused ? announced[i].refused : "nothing");
}

/* Of two pyramids the one that fits; a page that is not the first has none; a source that is too
 * large is refused before. */
static void test_choices(apr_pool_t *pool)
{
    iiif_plan_rules_t rules = { .tile_store = path_of("store", pool) };
    iiif_plan_t *plan = NULL;

    write_image("two.jpg", picture(sides, 3), NULL, pool);
    write_image("store/two.jpg.tif", picture((iiif_dims_t){ 303, 208 }, 3), TILES, pool);
    write_image("store/two.tif", picture(sides, 3), TILES, pool);
    ok(plan_for(&plan, "two.jpg", "ID/0,0,64,64/max/0/default.jpg", &rules, pool) == APR_SUCCESS
           && plan->kind == RAW && !strcmp(plan->pixels->path, in_store("two.tif", pool))
           && is_refusal(plan->refusals, in_store("two.jpg.tif", pool)),
       "of two pyramids the one that is of this image");
    rules.source.max_pixels = 304 * 208 - 1;
    plan = NULL;
    ok(plan_for(&plan, "two.jpg", "ID/0,0,64,64/max/0/default.jpg", &rules, pool) == IIIF_ETOOBIG
           && !plan,
       "a source that is too large has no tiles either");
}

static void test_pages(apr_pool_t *pool)
{
    iiif_plan_rules_t rules = { .tile_store = path_of("store", pool) };
    const iiif_dims_t stacked = { sides.width, 2 * sides.height };
    iiif_request_t request = { .kind = IIIF_REQUEST_INFO, .encoded = "ID", .identifier = "ID" };
    iiif_source_ref_t ref = { .path = path_of("book.tif", pool), .page = 2, .name = "book.tif" };
    iiif_plan_t *first = NULL, *second = NULL;

    write_image("book.tif", picture(stacked, 3), "[page-height=208]", pool);
    write_image("store/book.tif", picture(sides, 3), TILES, pool);
    ok(plan_for(&first, "book.tif", "ID/info.json", &rules, pool) == APR_SUCCESS
           && first->pixels != first->source && first->tile.width == 64,
       "the store is of the first page");
    apr_stat(&ref.finfo, ref.path, IIIF_STAMP_WANTED, pool);
    ok(iiif_plan_make(&second, &request, &ref, &rules, NULL, pool) == APR_SUCCESS
           && second->pixels == second->source && second->source->levels[0].page == 1
           && second->tile.width == 512,
       "and not of the second");
}

int main(void)
{
    apr_pool_t *pool = begin_images("plan_tiles_test");
    unsigned i;

    if (iiif_lru_create(&remembered, 1 << 20, 100, pool) != APR_SUCCESS
        || apr_dir_make(path_of("store", pool), APR_FPROT_OS_DEFAULT, pool) != APR_SUCCESS)
        abort();
    for (i = 0; i < ROWS(sources); ++i)
        make_source(i, pool);
    for (i = 0; i < ROWS(cases); ++i)
        test_case(i, pool);
    for (i = 0; i < ROWS(announced); ++i)
        test_announced(i, pool);
    test_choices(pool);
    test_pages(pool);
    end_images(pool);
    return done_testing();
}
