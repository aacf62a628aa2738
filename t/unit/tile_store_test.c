/* SPDX-License-Identifier: Apache-2.0 */
#include "stores.h"

#include <apr_thread_proc.h>

static const iiif_dims_t awkward = { 1301, 907 };

/* clang-format off */
/* Descriptions that are there and not used, of an image of 1301x907. */
static const struct {
    const char *name, *text;
    int age; /* seconds it is newer than the source */
    const char *reason;
} refused[] = {
    { "old.dzi",    "<Image TileSize='256' Format='jpg' Overlap='0'><Size Width='1301' Height='907'/></Image>",
      -1, "it is older than the image" },
    { "turned.dzi", "<Image TileSize='256' Format='jpg' Overlap='0'><Size Width='907' Height='1301'/></Image>",
      1, "it is of 907x1301, the image of 1301x907" },
    { "none.dzi",   "no XML", 1, "it is no Deep Zoom descriptor in XML" },
    { "empty.dzi",  "", 1, "it is empty" },
    { "nojs.js",    "alert('no JSON')", 1, "it is no Deep Zoom descriptor in JSON" },
    { "otherjs.js",  "{\"Image\":{\"Format\":\"jpg\",\"Overlap\":\"0\",\"TileSize\":\"256\",\"Size\":{\"Width\":\"907\",\"Height\":\"1301\"}}}",
      1, "it is of 907x1301, the image of 1301x907" },
    { "count_zdata/ImageProperties.xml", "<IMAGE_PROPERTIES WIDTH='1301' HEIGHT='907' NUMTILES='34' TILESIZE='256'/>",
      1, "34 tiles of 256 pixels are no pyramid of 1301x907" }, /* 24 + 6 + 2 + 1 = 33, up or down */
    { "otherzoom/ImageProperties.xml", "<IMAGE_PROPERTIES WIDTH='907' HEIGHT='1301' NUMTILES='33' TILESIZE='256'/>",
      1, "it is of 907x1301, the image of 1301x907" },
    { "noinfo/info.json", "{\"width\":1301,\"height\":907}", 1, "it is of no Image API 2 or 3" },
    { "oldtif.tif",  "a pyramid", -1, "it is older than the image" },
    { "emptyjp2.jp2", "", 1, "it is empty" },
};
/* clang-format on */

/* -- what is not believed -------------------------------------------------------------------- */

static void is_refused(unsigned i, apr_pool_t *pool)
{
    const char *path = write_file(refused[i].name, refused[i].text, pool);
    const char *name = apr_pstrmemdup(pool, refused[i].name, strcspn(refused[i].name, "._/"));
    const iiif_stored_set_t *set;

    set_age(path, refused[i].age, pool);
    set = find(name, awkward, pool);
    ok(set->count == 0 && set->refused_count == 1 && !strcmp(set->refused[0].path, path)
           && !strcmp(set->refused[0].reason, refused[i].reason)
           && set->refused[0].stamp.mtime == source.mtime + apr_time_from_sec(refused[i].age)
           && set->refused[0].stamp.size == (apr_off_t)strlen(refused[i].text),
       "%s: %s", refused[i].name, set->refused_count ? set->refused[0].reason : "not refused");
    apr_file_remove(path, pool);
}

static void is_too_large(apr_pool_t *pool)
{
    const apr_size_t most = 1048576;
    char *text = apr_palloc(pool, most + 2);
    const char *descriptor =
        "<Image TileSize='256' Format='jpg' Overlap='0'><Size Width='7' Height='7'/></Image>";
    const iiif_stored_set_t *set;

    memset(text, ' ', most + 1);
    memcpy(text, descriptor, strlen(descriptor));
    text[most + 1] = '\0';
    write_file("over.dzi", text, pool);
    set = find("over", (iiif_dims_t){ 7, 7 }, pool);
    ok(set->count == 0 && set->refused_count == 1
           && !strcmp(set->refused[0].reason, "it is larger than 1 MB"),
       "a description of a megabyte and a byte");
    text[most] = '\0';
    write_file("most.dzi", text, pool);
    set = find("most", (iiif_dims_t){ 7, 7 }, pool);
    ok(set->count == 1 && set->refused_count == 0, "one of a megabyte");
}

/* -- which of several ------------------------------------------------------------------------ */

static void is_ordered(apr_pool_t *pool)
{
    static const char *const names[] = {
        "all.jpg.dzi", "all.jpg_zdata/ImageProperties.xml", "all.jpg.tif",   "all.dzi",
        "all.js",      "all/ImageProperties.xml",           "all/info.json", "all.tif",
        "all.jp2",
    };
    static const char *const texts[] = {
        ['i'] = "<Image TileSize='8' Format='jpg' Overlap='0'><Size Width='7' Height='7'/></Image>",
        ['s'] = "x({\"Image\":{\"Format\":\"jpg\",\"Overlap\":0,\"TileSize\":8,"
                "\"Size\":{\"Width\":7,\"Height\":7}}})",
        ['l'] = "<IMAGE_PROPERTIES WIDTH='7' HEIGHT='7' NUMTILES='1' TILESIZE='256'/>",
        ['n'] =
            "{\"@context\":\"http://iiif.io/api/image/3/context.json\",\"width\":7,\"height\":7}",
        ['f'] = "pyramid",
        ['2'] = "pyramid",
    };
    const iiif_stored_set_t *set;
    const iiif_dims_t full = { 7, 7 };
    unsigned i, k;

    for (i = 0; i < ROWS(names); ++i)
        set_age(write_file(names[i], texts[(int)names[i][strlen(names[i]) - 1]], pool), 0, pool);
    set = find("all.jpg", full, pool);
    for (i = k = 0; i < ROWS(names); ++i) {
        if (!strcmp(names[i], "all.js"))
            continue;
        ok((int)k < set->count && !strcmp(set->sets[k].path, under(names[i], pool)), "%s is %u",
           names[i], k);
        ++k;
    }
    ok(set->count == (int)k && set->refused_count == 0,
       "the .js beside the .dzi says nothing new; as old as the source is new enough");
    ok(set->sets[2].kind == IIIF_STORED_PYRAMID && !set->sets[2].tiles && !set->sets[2].full.width
           && iiif_stored_of_kind(set, IIIF_STORED_PYRAMID) == &set->sets[2]
           && iiif_stored_of_kind(set, IIIF_STORED_LEVEL0) == &set->sets[5],
       "the first of a kind");
    ok(!iiif_stored_of_kind(find("most", full, pool), IIIF_STORED_PYRAMID), "none of a kind");
}

static void is_not_itself(apr_pool_t *pool)
{
    const char *path = write_file("self.tif", "an image", pool);
    iiif_stored_query_t query = query_of("self.tif", (iiif_dims_t){ 7, 7 });
    const iiif_stored_set_t *set;
    apr_finfo_t finfo;

    apr_stat(&finfo, path, APR_FINFO_MIN | APR_FINFO_IDENT, pool);
    query.source = iiif_stamp_of(&finfo);
    write_file("self.jp2", "another", pool);
    set = iiif_stored_find(lru, &query, pool);
    ok(set->count == 1 && set->refused_count == 0
           && !strcmp(set->sets[0].path, under("self.jp2", pool)),
       "a source in the store is no tile of itself");
    ++query.source.mtime;
    query.full.width = 8;
    set_age(under("self.jp2", pool), -1, pool);
    set = iiif_stored_find(lru, &query, pool);
    ok(set->count == 0 && set->refused_count == 1, "nor is it older than itself");
}

static void are_no_names(apr_pool_t *pool)
{
    static const char *const names[] = {
        "",        "/a.tif", "../a.tif", "p/../a.tif", "p//a.tif",
        "./a.tif", "a.tif/", "..",       "p\\a.tif",   "\xff.tif"
    };
    const char *text = "{\"@context\":\"http://iiif.io/api/image/3/context.json\","
                       "\"width\":1301,\"height\":907}";
    unsigned i;

    write_file("p/a.tif/info.json", text, pool);
    write_file("a.tif/info.json", text, pool);
    ok(find("a.tif", awkward, pool)->count == 1 && find("p/a.tif", awkward, pool)->count == 1,
       "there is something to be found");
    for (i = 0; i < ROWS(names); ++i) {
        const iiif_stored_set_t *set = find(names[i], awkward, pool);

        ok(set->count == 0 && set->refused_count == 0, "'%s' names nothing", names[i]);
    }
    ok(find("nothing", awkward, pool)->count == 0 && find("nothing.tif", awkward, pool)->count == 0
           && find("a.tif/x", awkward, pool)->count == 0,
       "and some names have nothing");
    write_file(".jp2", "of no name", pool);
    ok(find(".jpg", awkward, pool)->count == 0, "a leading dot begins no extension");
}

/* -- remembering ----------------------------------------------------------------------------- */

static const iiif_stored_want_t remembered_want = { { 0, 0, 7, 7 }, { 7, 7 }, IIIF_FORMAT_JPG };

/* Find and take a tile for more than the second that is remembered, each time in a pool of its own.
 */
static void *APR_THREAD_FUNC take_tiles(apr_thread_t *thread, void *failed)
{
    apr_time_t end = apr_time_now() + apr_time_from_msec(IIIF_STORED_SECONDS * 1000 + 200);
    unsigned long rounds = 0;
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    for (; apr_time_now() < end; ++rounds, apr_pool_clear(pool)) {
        const iiif_stored_set_t *set = find("kept", (iiif_dims_t){ 7, 7 }, pool);

        if (!is_tile(set, &remembered_want, "kept_files/3/0_0.jpg", pool))
            __atomic_store_n((int *)failed, 1, __ATOMIC_RELAXED);
    }
    if (rounds < 10)
        __atomic_store_n((int *)failed, 1, __ATOMIC_RELAXED);
    apr_pool_destroy(pool);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

static int threads_agree(apr_pool_t *pool)
{
    apr_thread_t *threads[4];
    apr_status_t rv;
    unsigned i;
    int failed = 0;

    for (i = 0; i < ROWS(threads); ++i) {
        if (apr_thread_create(&threads[i], NULL, take_tiles, &failed, pool) != APR_SUCCESS)
            abort();
    }
    for (i = 0; i < ROWS(threads); ++i)
        apr_thread_join(&rv, threads[i]);
    return !failed;
}

static void wait_until_old(void)
{
    apr_sleep(apr_time_from_msec(IIIF_STORED_SECONDS * 1000 + 50));
}

/* A change within the second is not seen. On a machine that stalls, the second may pass meanwhile;
 * then it is tried again. */
static int is_not_looked_at(const char *path, int age, apr_pool_t *pool)
{
    const iiif_stored_set_t *set, *again;
    apr_time_t before;
    int tries = 0;

    do {
        before = apr_time_now();
        wait_until_old();
        set = find("kept", (iiif_dims_t){ 7, 7 }, pool); /* looks */
        set_age(path, age + tries, pool);
        again = find("kept", (iiif_dims_t){ 7, 7 }, pool);
    } while (apr_time_now() - before > apr_time_from_msec(IIIF_STORED_SECONDS * 2000)
             && ++tries < 20);
    set_age(path, age, pool);
    return again == set;
}

static void is_remembered(apr_pool_t *pool)
{
    const iiif_dims_t full = { 7, 7 };
    const char *text =
        "<Image TileSize='8' Format='jpg' Overlap='0'><Size Width='7' Height='7'/></Image>";
    const char *path = write_file("kept.dzi", text, pool);
    iiif_stored_query_t query = query_of("kept", full);
    const iiif_stored_set_t *set = find("kept", full, pool), *again;

    save_tile("kept_files/3/0_0.jpg", full, pool);
    ok(set->count == 1 && find("kept", full, pool) == set, "remembered");
    ok(find("kept", (iiif_dims_t){ 7, 8 }, pool)->refused_count == 1,
       "for this size of the source");
    ok(threads_agree(pool), "threads find the same tiles, and after a second as well");
    ok(find("kept", full, pool) == set, "kept, as nothing has changed");
    ok(is_not_looked_at(path, 30, pool), "a change is not seen within a second");
    wait_until_old();
    again = find("kept", full, pool);
    ok(again != set && again->count == 1
           && again->sets[0].stamp.mtime == source.mtime + apr_time_from_sec(30),
       "read anew when it has changed");
    ok(is_tile(set, &remembered_want, "kept_files/3/0_0.jpg", pool),
       "who holds the old one, may use it");
    write_file("kept.jp2", "new", pool);
    apr_file_remove(path, pool);
    wait_until_old();
    again = find("kept", full, pool);
    ok(again->count == 1 && again->sets[0].kind == IIIF_STORED_PYRAMID,
       "what is gone, and what is new");
    ++query.source.mtime;
    again = iiif_stored_find(lru, &query, pool);
    ok(again->count == 1 && again != find("kept", full, pool), "another source, another answer");
}

/* Tiles under a name that two images share may be of either. */
static void is_of_one_image(apr_pool_t *pool)
{
    static const char *const namesakes[] = { "twin.jpg", "twin.TIF", "twin.jp2" };
    const iiif_dims_t full = { 7, 7 };
    const char *text =
        "<Image TileSize='8' Format='jpg' Overlap='0'><Size Width='7' Height='7'/></Image>";
    iiif_stored_query_t query = query_of("twin.png", full);
    unsigned i;

    query.path = write_file("twin.png", "the source", pool);
    write_file("twin.dzi", text, pool);
    for (i = 0; i < ROWS(namesakes); ++i) {
        const char *path = write_file(namesakes[i], "another image", pool);

        ok(!iiif_stored_find(lru, &query, pool)->count, "not while there is a %s", namesakes[i]);
        apr_file_remove(path, pool);
        wait_until_old();
        ok(iiif_stored_find(lru, &query, pool)->count == 1, "  and again when it is gone");
        wait_until_old();
    }
    write_file("twin.txt", "no image", pool);
    ok(iiif_stored_find(lru, &query, pool)->count == 1, "a text has no tiles");
    write_file("twin.jpg", "another image", pool);
    write_file("twin.png.dzi", text, pool);
    wait_until_old();
    ok(iiif_stored_find(lru, &query, pool)->count == 1, "those under the whole name are its own");
}

/* A name that is not the file's own is whole: what is behind its dot is no extension. */
static void is_of_whole_name(apr_pool_t *pool)
{
    const char *text =
        "<Image TileSize='8' Format='jpg' Overlap='0'><Size Width='7' Height='7'/></Image>";
    iiif_stored_query_t query = query_of("given.name", (iiif_dims_t){ 7, 7 });

    write_file("given.dzi", text, pool);
    ok(iiif_stored_find(lru, &query, pool)->count == 1, "the file given.name may have given.dzi");
    query.path = "/nowhere/given.name.jpg";
    wait_until_old();
    ok(!iiif_stored_find(lru, &query, pool)->count, "  another that is called so may not");
    write_file("given.name.dzi", text, pool);
    wait_until_old();
    ok(iiif_stored_find(lru, &query, pool)->count == 1, "  but given.name.dzi");
}

int main(void)
{
    apr_pool_t *pool = begin_stores();
    unsigned i;

    for (i = 0; i < ROWS(refused); ++i)
        is_refused(i, pool);
    is_too_large(pool);
    is_ordered(pool);
    is_not_itself(pool);
    are_no_names(pool);
    is_remembered(pool);
    is_of_one_image(pool);
    is_of_whole_name(pool);
    end_stores(pool);
    return done_testing();
}
