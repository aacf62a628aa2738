/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jp2_bench FILE...: milliseconds of processor time for the pixels of a tile of a JPEG 2000 file,
 * decoded as a window by OpenJPEG and cut out of the level that libvips opens. Both in turn, the
 * same tiles.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "image/jp2.h"
#include "sources.h"

#define TILES 6 /* a cell of the table is the mean of so many */

typedef apr_status_t (*tile_fn)(VipsImage **image, const iiif_source_t *source,
                                const iiif_window_t *window, iiif_err_t *err);

static apr_status_t by_libvips(VipsImage **image, const iiif_source_t *source,
                               const iiif_window_t *window, iiif_err_t *err)
{
    const iiif_rect_t rect = window->rect;
    VipsImage *opened = NULL, *cut = NULL;
    apr_status_t rv = iiif_level_open(&opened, source, window->level, err);

    if (rv != APR_SUCCESS)
        return rv;
    if (vips_extract_area(opened, &cut, (int)rect.x, (int)rect.y, (int)rect.width, (int)rect.height,
                          NULL)
        || !(*image = vips_image_copy_memory(cut)))
        rv = iiif_vips_failed(err, IIIF_EBADSOURCE, "cut");
    g_clear_object(&cut);
    g_object_unref(opened);
    return rv;
}

/* Spread over the level, on the grid that viewers ask for. */
static iiif_rect_t tile_at(iiif_dims_t dims, apr_uint32_t side, apr_uint32_t n)
{
    const apr_uint32_t across = (dims.width + side - 1) / side;
    const apr_uint32_t down = (dims.height + side - 1) / side;
    const apr_uint32_t at =
        (apr_uint32_t)(((apr_uint64_t)across * down * (2 * n + 1)) / (2 * TILES));
    iiif_rect_t rect = { at % across * side, at / across * side, side, side };

    if (rect.width > dims.width - rect.x)
        rect.width = dims.width - rect.x;
    if (rect.height > dims.height - rect.y)
        rect.height = dims.height - rect.y;
    return rect;
}

/* Milliseconds a tile; it ends the program when one cannot be read. */
static double measure(tile_fn tile, const iiif_source_t *source, int level, apr_uint32_t side)
{
    const clock_t start = clock(); /* of all threads: others share the machine */
    apr_uint32_t n;

    for (n = 0; n < TILES; ++n) {
        const iiif_window_t window = { &source->levels[level], 1,
                                       tile_at(source->levels[level].dims, side, n), NULL };
        iiif_err_t err = { "" };
        VipsImage *image = NULL;

        if (tile(&image, source, &window, &err) != APR_SUCCESS) {
            fprintf(stderr, "%s: %s\n", source->path, err.text);
            exit(1);
        }
        g_object_unref(image);
    }
    return (double)(clock() - start) * 1000 / CLOCKS_PER_SEC / TILES;
}

static void print_source(const iiif_source_t *source, const char *name)
{
    static const apr_uint32_t sides[] = { 256, 512 };
    int level;
    unsigned i;

    printf("%-20s %17s %10s %8s\n", name, "libvips", "window", "ratio");
    for (level = 0; level < source->level_count; ++level) {
        for (i = 0; i < 2; ++i) {
            const double window = measure(iiif_jp2_window, source, level, sides[i]);
            const double libvips = measure(by_libvips, source, level, sides[i]);

            printf("level %d, %u px %24.1f %10.1f %8.2f\n", level, sides[i], libvips, window,
                   window / libvips);
        }
    }
}

int main(int argc, char **argv)
{
    return print_sources(argc, argv, 1u << IIIF_SOURCE_JP2, print_source);
}
