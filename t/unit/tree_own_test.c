/* SPDX-License-Identifier: Apache-2.0 */
/* What belongs to a tree of tiles, by its path there; directories end in a slash. */
#include "tools/tree_own.h"

#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tap.h"

/* clang-format off */
static const struct {
    iiif_stored_kind_e kind;
    int own;
    const char *path;
} cases[] = {
    { IIIF_STORED_DEEPZOOM, 1, "0/" },
    { IIIF_STORED_DEEPZOOM, 1, "12/15_11.jpeg" },
    { IIIF_STORED_DEEPZOOM, 1, "vips-properties.xml" },
    { IIIF_STORED_DEEPZOOM, 0, "notes.txt" },
    { IIIF_STORED_DEEPZOOM, 0, "notes/" },
    { IIIF_STORED_DEEPZOOM, 0, "12/notes.txt" },
    { IIIF_STORED_DEEPZOOM, 0, "12/15_11." },
    { IIIF_STORED_DEEPZOOM, 0, "12/15_11.jpg~" },
    { IIIF_STORED_DEEPZOOM, 0, "12/15_11.jpg/" },
    { IIIF_STORED_DEEPZOOM, 0, "12" },
    { IIIF_STORED_DEEPZOOM, 0, ".hidden" },
    { IIIF_STORED_DEEPZOOM, 0, "12/13/" },
    { IIIF_STORED_DEEPZOOM, 0, "TileGroup0/" },
    { IIIF_STORED_ZOOMIFY,  1, "ImageProperties.xml" },
    { IIIF_STORED_ZOOMIFY,  1, "TileGroup0/4-15-11.jpg" },
    { IIIF_STORED_ZOOMIFY,  0, "TileGroup/4-15-11.jpg" },
    { IIIF_STORED_ZOOMIFY,  0, "TileGroup0/notes.txt" },
    { IIIF_STORED_ZOOMIFY,  0, "12/15_11.jpg" },
    { IIIF_STORED_LEVEL0,   1, "info.json" },
    { IIIF_STORED_LEVEL0,   1, "manifest.json" },
    { IIIF_STORED_LEVEL0,   1, "0,0,256,256/128,128/0/default.jpg" },
    { IIIF_STORED_LEVEL0,   1, "0,0,256,256/128,/0/native.jpg" },
    { IIIF_STORED_LEVEL0,   1, "full/max/0/default.webp" },
    { IIIF_STORED_LEVEL0,   1, "full/full/0/default.jpg" },
    { IIIF_STORED_LEVEL0,   0, "fuller/" },
    { IIIF_STORED_LEVEL0,   0, "full/max/0/mine.jpg" },
    { IIIF_STORED_LEVEL0,   0, "full/max/default.jpg" },
    { IIIF_STORED_LEVEL0,   0, "default.jpg" },
    { IIIF_STORED_LEVEL0,   0, "info.json.old" },
    { IIIF_STORED_LEVEL0,   0, "info.json/" },
};
/* clang-format on */

static char scratch[] = "/tmp/iiif_own.XXXXXX";

/* A path below the scratch directory, with all above it; a file, unless it ends in a slash. */
static void make(const char *path, apr_pool_t *pool)
{
    const char *whole = apr_pstrcat(pool, scratch, "/", path, NULL);
    const char *slash = strrchr(whole, '/');
    FILE *file;

    if (apr_dir_make_recursive(apr_pstrmemdup(pool, whole, (apr_size_t)(slash - whole)),
                               APR_FPROT_OS_DEFAULT, pool)
        != APR_SUCCESS)
        abort();
    if (slash[1] && (!(file = fopen(whole, "w")) || fclose(file)))
        abort();
}

static apr_status_t look(const char *path, iiif_stored_kind_e kind, iiif_err_t *err,
                         apr_pool_t *pool)
{
    return iiifctl_tree_own(apr_pstrcat(pool, scratch, "/", path, NULL), kind, err, pool);
}

int main(void)
{
    iiif_err_t err = { "" };
    apr_pool_t *pool;
    unsigned i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (!mkdtemp(scratch))
        abort();
    for (i = 0; i < ROWS(cases); ++i) {
        const char *tree = apr_psprintf(pool, "%u", i);

        make(apr_pstrcat(pool, tree, "/", cases[i].path, NULL), pool);
        ok(look(tree, cases[i].kind, &err, pool) == (cases[i].own ? APR_SUCCESS : APR_EEXIST),
           "'%s' is %s", cases[i].path, cases[i].own ? "a tree's own" : "not");
    }
    make("both/0/0_0.jpg", pool);
    make("both/1/notes.txt", pool);
    ok(look("both", IIIF_STORED_DEEPZOOM, &err, pool) == APR_EEXIST
           && strstr(err.text, "both/1/notes.txt is no tile"),
       "what is somebody's among tiles is told: %s", err.text);
    ok(look("none", IIIF_STORED_DEEPZOOM, &err, pool) == APR_SUCCESS, "no directory, nobody's");
    ok(look("both/1/notes.txt", IIIF_STORED_DEEPZOOM, NULL, pool) == APR_EEXIST, "a file is none");
    if (symlink("both/0", apr_pstrcat(pool, scratch, "/link", NULL))
        || symlink("nowhere", apr_pstrcat(pool, scratch, "/dangling", NULL)))
        abort();
    ok(look("link", IIIF_STORED_DEEPZOOM, NULL, pool) == APR_EEXIST, "a link is followed");
    ok(look("dangling", IIIF_STORED_DEEPZOOM, NULL, pool) == APR_EEXIST, "  to nowhere, too");
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
