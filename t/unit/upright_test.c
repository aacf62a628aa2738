/* SPDX-License-Identifier: Apache-2.0 */
#include "images.h"

#include "plan/upright.h"

/* How tiles of "image.jpg" are written, by vips. */
static const struct {
    const char *verb, *rest; /* before and behind what it reads */
    iiif_stored_kind_e kind;
    int has_orientation; /* what is not turned says so, and is turned when it is read */
} writers[] = {
    { "dzsave", "tiles/image.jpg --overlap 0 --tile-size 64", IIIF_STORED_DEEPZOOM, 0 },
    { "dzsave", "tiles/image.jpg_zdata --layout zoomify --tile-size 64", IIIF_STORED_ZOOMIFY, 0 },
    { "dzsave", "tiles/image.jpg --layout iiif3 --tile-size 64", IIIF_STORED_LEVEL0, 0 },
    { "tiffsave", "tiles/image.jpg.tif --tile --pyramid --tile-width 64 --tile-height 64",
      IIIF_STORED_PYRAMID, 1 },
    { "jp2ksave", "tiles/image.jpg.jp2", IIIF_STORED_PYRAMID, 0 },
};

static void run(const char *command, apr_pool_t *pool)
{
    if (system(apr_psprintf(pool, "cd %s && %s", directory, command)) != 0)
        ok(0, "%s", command);
}

/* image.jpg, and turned.jpg: the same upright. The former is older than all that comes. */
static void write_original(VipsImage *image, int orientation, apr_pool_t *pool)
{
    const char *path = path_of("image.jpg", pool);
    VipsImage *tagged;

    run("rm -f image.jpg turned.jpg", pool);
    if (vips_copy(image, &tagged, NULL))
        abort();
    vips_image_set_int(tagged, VIPS_META_ORIENTATION, orientation);
    if (vips_jpegsave(tagged, path, "Q", 95, NULL))
        abort();
    g_object_unref(tagged);
    run("vips autorot image.jpg turned.jpg[Q=95]", pool);
    if (apr_file_mtime_set(path, apr_time_now() - apr_time_from_sec(60), pool) != APR_SUCCESS)
        abort();
}

static const iiif_stored_set_t *look(int knows_original, apr_pool_t *pool)
{
    const iiif_source_rules_t rules = { IIIF_SOURCE_FORMATS_DEFAULT, 0, NULL };
    const char *path = path_of("image.jpg", pool);
    iiif_source_t *original;
    iiif_lru_t *lru;

    if (iiif_source_open(&original, path, 1, &rules, NULL, pool) != APR_SUCCESS
        || iiif_lru_create(&lru, 1 << 20, 1, pool) != APR_SUCCESS)
        abort();
    const iiif_stored_query_t query = { path_of("tiles", pool),
                                        "image.jpg",
                                        path,
                                        original->stamp,
                                        original->full,
                                        iiif_stored_upright,
                                        knows_original ? original : NULL };

    return iiif_stored_find(lru, &query, pool);
}

static void is_told(unsigned i, const char *reads, int orientation, int used, apr_pool_t *pool)
{
    const iiif_stored_set_t *set;

    run("rm -rf tiles && mkdir tiles", pool);
    run(apr_pstrcat(pool, "vips ", writers[i].verb, " ", reads, " ", writers[i].rest, NULL), pool);
    set = look(1, pool);
    ok(set->count == used && set->refused_count == !used
           && (!used || set->sets[0].kind == writers[i].kind),
       "orientation %d, %s of %s: %s", orientation, writers[i].verb, reads,
       set->refused_count ? set->refused[0].reason : "used");
    if (!used)
        ok(look(0, pool)->count == 1, "  and is used where its original is not known");
}

static void test_orientation(int orientation, apr_pool_t *pool)
{
    VipsImage *image = picture((iiif_dims_t){ orientation > 4 ? 240 : 320, 240 }, 3);
    unsigned i;

    write_original(image, orientation, pool);
    for (i = 0; i < sizeof(writers) / sizeof(writers[0]); ++i) {
        is_told(i, "turned.jpg", orientation, 1, pool);
        is_told(i, "image.jpg", orientation, orientation == 1 || writers[i].has_orientation, pool);
    }
    g_object_unref(image);
}

/* Which of them it is does not matter. */
static void test_blank(apr_pool_t *pool)
{
    VipsImage *image;

    if (vips_black(&image, 320, 240, "bands", 3, NULL))
        abort();
    write_original(image, 3, pool);
    is_told(0, "turned.jpg", 3, 1, pool);
    is_told(0, "image.jpg", 3, 1, pool);
    write_original(image, 1, pool);
    is_told(0, "turned.jpg", 1, 1, pool);
    g_object_unref(image);
}

int main(void)
{
    apr_pool_t *pool = begin_images("upright_test");
    int orientation;

    for (orientation = 1; orientation <= 8; ++orientation)
        test_orientation(orientation, pool);
    test_blank(pool);
    end_images(pool);
    return done_testing();
}
