/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_T_DZSAVE_H
#define IIIF_T_DZSAVE_H
/**
 * @file dzsave.h
 * @brief Pyramids as the vips command writes them, to compare with: which files there are, and how
 * many pixels each has.
 */
#include <apr_strings.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iiif/types.h"

/**
 * A black image of @a full pixels as "pyramid" in @a layout, "dz" or "zoomify", its tiles in PNG.
 * @return its directory, new; an empty string: it could not be made, so that no file is found
 */
static const char *dzsave(const char *layout, iiif_dims_t full, apr_uint32_t tile,
                          apr_uint32_t overlap, apr_pool_t *pool)
{
    char *directory = apr_pstrdup(pool, "/tmp/iiif-dzsave.XXXXXX");

    if (!mkdtemp(directory)
        || system(apr_psprintf(pool,
                               "cd %s && vips black black.v %u %u && "
                               "vips dzsave black.v pyramid --layout %s --tile-size %u "
                               "--overlap %u --suffix '.png[compression=1]'",
                               directory, full.width, full.height, layout, tile, overlap)))
        return "";
    return directory;
}

/** How many tiles lie in a directory that dzsave() made. */
static unsigned dzsave_count(const char *directory, apr_pool_t *pool)
{
    FILE *find = popen(apr_psprintf(pool, "find '%s' -name '*.png'", directory), "r");
    unsigned count = 0;
    int c;

    while (find && (c = getc(find)) != EOF)
        count += c == '\n';
    if (find)
        pclose(find);
    return count;
}

/** The text of a file, up to 4 KiB; an empty string: there is none. */
__attribute__((unused)) static const char *dzsave_text(const char *path, apr_pool_t *pool)
{
    char *text = apr_pcalloc(pool, 4097);
    FILE *file = fopen(path, "rb");

    if (file) {
        text[fread(text, 1, 4096, file)] = '\0';
        fclose(file);
    }
    return text;
}

static void dzsave_remove(const char *directory, apr_pool_t *pool)
{
    if (*directory && system(apr_pstrcat(pool, "rm -r ", directory, NULL)))
        printf("# %s is left\n", directory);
}

/** Width and height as the first chunk has them; 0x0: no such file, or no PNG. */
static iiif_dims_t png_dims(const char *path)
{
    unsigned char head[24];
    iiif_dims_t dims = { 0, 0 };
    FILE *file = fopen(path, "rb");
    int i;

    if (!file)
        return dims;
    if (fread(head, 1, sizeof(head), file) == sizeof(head) && !memcmp(head + 12, "IHDR", 4)) {
        for (i = 0; i < 4; ++i) {
            dims.width = dims.width << 8 | head[16 + i];
            dims.height = dims.height << 8 | head[20 + i];
        }
    }
    fclose(file);
    return dims;
}
#endif
