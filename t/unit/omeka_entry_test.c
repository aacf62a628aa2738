/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/omeka_entry.h"

#include <apr_general.h>
#include <string.h>

#include "tap.h"

/* One entry, shortened: only what says which one it is. */
#define DZ  "\"deepzoom\":{\"size\":256}"
#define ZF  "\"zoomify\":{\"size\":256}"
#define OLD "\"deepzoom\":{\"size\":512}"
#define ORI "\"original\":{\"width\":10,\"height\":20}"

/* media.data, what there is, and media.data afterwards; NULL afterwards: it says that already */
static const struct {
    const char *data, *tiles, *dimensions, *updated;
} merges[] = {
    { NULL, "{" DZ "}", NULL, "{\"tile\":{" DZ "}}" },
    { "", "{" DZ "}", NULL, "{\"tile\":{" DZ "}}" },
    { "null", "{" DZ "}", NULL, "{\"tile\":{" DZ "}}" },
    { "[]", "{" DZ "}", NULL, "{\"tile\":{" DZ "}}" },
    { NULL, "{}", NULL, NULL },
    { "[]", "{}", "{}", NULL },
    { "{\"tile\":{" DZ "}}", "{" DZ "}", NULL, NULL },
    { "{ \"tile\" : { \"deepzoom\" : { \"size\" : 256 } } }", "{" DZ "}", NULL, NULL },
    /* refreshed in its place, and all else is kept */
    { "{\"a\":[1,{}],\"tile\":{" OLD "},\"z\":null}", "{" DZ "}", NULL,
      "{\"a\":[1,{}],\"tile\":{" DZ "},\"z\":null}" },
    { "{\"html\":\"<b>\\u00e9\\/\\\"</b>\",\"x\":1.5}", "{" DZ "}", NULL,
      "{\"html\":\"<b>\xc3\xa9/\\\"</b>\",\"x\":1.5,\"tile\":{" DZ "}}" },
    /* what is new comes first, as the renderer takes the first one */
    { "{\"tile\":{" ZF "}}", "{" DZ "," ZF "}", NULL, "{\"tile\":{" DZ "," ZF "}}" },
    { "{\"tile\":{" ZF "}}", "{" ZF "," DZ "}", NULL, "{\"tile\":{" DZ "," ZF "}}" },
    /* and what was there keeps its order */
    { "{\"tile\":{" ZF "," DZ "}}", "{" DZ "," ZF "}", NULL, NULL },
    { "{\"tile\":{" ZF "," OLD "}}", "{" DZ "," ZF "}", NULL, "{\"tile\":{" ZF "," DZ "}}" },
    /* without files, no entry */
    { "{\"tile\":{" ZF "," DZ "}}", "{" DZ "}", NULL, "{\"tile\":{" DZ "}}" },
    { "{\"a\":1,\"tile\":{" DZ "}}", "{}", NULL, "{\"a\":1}" },
    { "{\"tile\":[]}", "{" DZ "}", NULL, "{\"tile\":{" DZ "}}" },
    /* sizes that are missing */
    { NULL, "{}", "{" ORI "}", "{\"dimensions\":{" ORI "}}" },
    { "{\"dimensions\":{\"original\":{\"width\":null,\"height\":null}}}", "{}", "{" ORI "}",
      "{\"dimensions\":{" ORI "}}" },
    { "{\"dimensions\":{\"original\":{\"width\":1,\"height\":2}}}", "{}", "{" ORI "}", NULL },
    { "{\"dimensions\":{\"large\":{\"width\":1,\"height\":2}}}", "{}", "{" ORI "}",
      "{\"dimensions\":{\"large\":{\"width\":1,\"height\":2}," ORI "}}" },
};

/* What could not be written again as it was. */
static const char *const refused[] = {
    "{",
    "text",
    "1",
    "\"text\"",
    "[1]",
    "[{\"a\":1}]",
    "{\"id\":12345678901234567890}",
    "{\"a\":\"b\\u0000c\"}",
    "{\"a\":\"cut",
};

static void test_merges(apr_pool_t *pool)
{
    unsigned i;

    for (i = 0; i < ROWS(merges); ++i) {
        cJSON *tiles = cJSON_Parse(merges[i].tiles);
        cJSON *dimensions = merges[i].dimensions ? cJSON_Parse(merges[i].dimensions) : NULL;
        const iiifctl_entries_t entries = { tiles, dimensions };
        const char *updated = "none", *want = merges[i].updated;
        apr_status_t rv = iiifctl_entries_merge(&updated, merges[i].data, &entries, NULL, pool);

        ok(rv == APR_SUCCESS && (want ? updated && !strcmp(updated, want) : !updated),
           "%s and %s: %s", merges[i].data, merges[i].tiles, updated);
        if (updated && rv == APR_SUCCESS) {
            const char *again = "none";

            iiifctl_entries_merge(&again, updated, &entries, NULL, pool);
            ok(!again, "  and that is it");
        }
        cJSON_Delete(tiles);
        cJSON_Delete(dimensions);
    }
}

static void test_refusals(apr_pool_t *pool)
{
    cJSON *tiles = cJSON_CreateObject();
    const iiifctl_entries_t entries = { tiles, NULL };
    unsigned i;

    for (i = 0; i < ROWS(refused); ++i) {
        const char *updated = "none";
        iiif_err_t err = { "" };

        ok(iiifctl_entries_merge(&updated, refused[i], &entries, &err, pool) == APR_EINVAL
               && !strcmp(updated, "none") && *err.text,
           "%s is left alone", refused[i]);
    }
    cJSON_Delete(tiles);
}

/* Member by member as Image Server 3.6 writes it. */
static void test_entry(void)
{
    static const char want[] =
        "{\"zoomify\":{\"tile_type\":\"zoomify\",\"metadata_path\":\"a/b_zdata/"
        "ImageProperties.xml\","
        "\"media_path\":\"a/b_zdata\",\"url_base\":\"https://example.org/files/tile\","
        "\"path_base\":\"/srv/files/tile\",\"url_query\":\"\",\"size\":256,\"overlap\":0,"
        "\"total\":257,\"source\":{\"width\":4000,\"height\":3000},\"format\":\"jpg\"},"
        "\"tiled_tiff\":{\"tile_type\":\"tiled_tiff\",\"metadata_path\":null,"
        "\"media_path\":\"a/b.tif\",\"url_base\":\"https://example.org/files/tile\","
        "\"path_base\":\"/srv/files/tile\",\"url_query\":\"\",\"size\":256,\"overlap\":0,"
        "\"total\":null,\"source\":{\"width\":4000,\"height\":3000},\"format\":\"tif\"}}";
    iiifctl_entry_t entry = { "zoomify",
                              "a/b_zdata/ImageProperties.xml",
                              "a/b_zdata",
                              "/srv/files/tile",
                              "https://example.org/files/tile",
                              256,
                              0,
                              257,
                              { 4000, 3000 },
                              "jpg" };
    cJSON *tiles = cJSON_CreateObject();
    char *text;

    iiifctl_entry_add(tiles, &entry);
    entry.size = 1;
    iiifctl_entry_add(tiles, &entry);
    entry = (iiifctl_entry_t){
        "tiled_tiff", NULL, "a/b.tif", "/srv/files/tile", "https://example.org/files/tile",
        256,          0,    0,         { 4000, 3000 },    "tif"
    };
    iiifctl_entry_add(tiles, &entry);
    text = cJSON_PrintUnformatted(tiles);
    ok(!strcmp(text, want), "entries are as Image Server writes them, the first of a type: %s",
       text);
    cJSON_free(text);
    cJSON_Delete(tiles);
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_merges(pool);
    test_refusals(pool);
    test_entry();
    apr_terminate();
    return done_testing();
}
