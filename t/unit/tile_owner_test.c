/* SPDX-License-Identifier: Apache-2.0 */
/* Whose tile a file is, by its path. */
#include "store/tile_owner.h"

#include <apr_general.h>
#include <string.h>

#include "tap.h"

/* clang-format off */
static const struct {
    const char *path, *owner; /* NULL: nobody's */
} cases[] = {
    { "a_files/0/0_0.jpg",                    "a" },
    { "maps/1643_files/12/15_11.jpeg",        "maps/1643" },
    { "a.b_files/9/1_2.png",                  "a.b" },
    { "a_files/vips-properties.xml",          "a" },
    { "a_zdata/TileGroup0/4-15-11.jpg",       "a" },
    { "x/y_zdata/ImageProperties.xml",        "x/y" },
    { "a_zdata/vips-properties.xml",          "a" },
    /* of trees in trees, the inner one */
    { "a_files/1/b_files/2/0_0.jpg",          "a_files/1/b" },
    { "a_files/b_zdata/TileGroup1/1-0-0.jpg", "a_files/b" },
    { "_files_files/1/0_0.jpg",               "_files" },
    /* a directory that is only called so */
    { "my_files/photo.jpg",                   NULL },
    { "my_files/10/photo.jpg",                NULL },
    { "my_files/10/0_0",                      NULL },
    { "my_files/10/0_0.jpg.jpg",              NULL },
    { "my_files/10/0_0.",                     NULL },
    { "my_files/10/_0.jpg",                   NULL },
    { "my_files/10/0_0.jpg/x",                NULL },
    { "my_files/-1/0_0.jpg",                  NULL },
    { "my_files/1/2/0_0.jpg",                 NULL },
    { "my_files/ImageProperties.xml",         NULL },
    { "my_zdata/TileGroup/0-0-0.jpg",         NULL },
    { "my_zdata/tilegroup0/0-0-0.jpg",        NULL },
    { "my_zdata/10/0_0.jpg",                  NULL },
    /* of no name */
    { "_files/1/0_0.jpg",                     NULL },
    { "maps/_files/1/0_0.jpg",                NULL },
    { "maps/_zdata/ImageProperties.xml",      NULL },
    /* no tree */
    { "a.dzi", NULL }, { "a.jpg", NULL }, { "a_files", NULL }, { "a_files/", NULL }, { "", NULL }, { "a_FILES/1/0_0.jpg", NULL },
};
/* clang-format on */

int main(void)
{
    apr_pool_t *pool;
    unsigned i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    for (i = 0; i < ROWS(cases); ++i) {
        const char *owner = iiif_tile_owner(cases[i].path, pool);

        ok(owner && cases[i].owner ? !strcmp(owner, cases[i].owner) : owner == cases[i].owner,
           "'%s' is a tile of %s", cases[i].path, owner ? owner : "nobody");
    }
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
