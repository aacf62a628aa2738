/* SPDX-License-Identifier: Apache-2.0 */
/*
 * render_bench FILE...: milliseconds of processor time for images made of each file, by
 * iiif_render() alone: no server, no network. Also the program to profile.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "image/render.h"
#include "sources.h"

#define RENDERS 40 /* a line of the table is the mean of so many */

/* Sides of the result: the whole image within a box, or regions at random places. */
static const struct {
    const char *what;
    apr_uint32_t box;    /* of the whole image; 0: a region */
    apr_uint32_t region; /* its side; 0: at random */
    apr_uint32_t size;
} kinds[] = {
    { "full/!400,400", 400, 0, 0 },
    { "full/1200,", 1200, 0, 0 },
    { "256 px region as it is", 0, 256, 256 },
    { "1,000 px region as it is", 0, 1000, 1000 },
    { "1,000 px region to 700 px", 0, 1000, 700 },
    { "region and size at random", 0, 0, 0 },
};

static apr_uint32_t at_random(apr_uint32_t from, apr_uint32_t to)
{
    return to > from ? from + (apr_uint32_t)rand() % (to - from + 1) : from;
}

static apr_uint32_t smaller(apr_uint32_t a, apr_uint32_t b)
{
    return a < b ? a : b;
}

static iiif_resolved_t whole(iiif_dims_t full, apr_uint32_t box)
{
    const apr_uint32_t longer = full.width > full.height ? full.width : full.height;
    iiif_resolved_t r = { .region = { 0, 0, full.width, full.height } };

    r.size.width = (apr_uint32_t)((apr_uint64_t)full.width * box / longer);
    r.size.height = (apr_uint32_t)((apr_uint64_t)full.height * box / longer);
    return r;
}

static iiif_resolved_t part(iiif_dims_t full, apr_uint32_t region, apr_uint32_t size)
{
    const apr_uint32_t shorter = smaller(full.width, full.height);
    const apr_uint32_t side = region ? smaller(region, shorter) : at_random(200, shorter);
    iiif_resolved_t r = { .region = { at_random(0, full.width - side),
                                      at_random(0, full.height - side), side, side } };

    r.size.width = size ? smaller(size, side) : at_random(100, smaller(side, 1200));
    r.size.height = r.size.width;
    return r;
}

/* Milliseconds of one render; it ends the program when one fails. */
static double measure(const iiif_source_t *source, unsigned kind, apr_size_t *bytes)
{
    const clock_t start = clock(); /* of all threads: others share the machine */
    int n;

    *bytes = 0;
    srand(20);
    for (n = 0; n < RENDERS; ++n) {
        iiif_resolved_t r = kinds[kind].box
                                ? whole(source->full, kinds[kind].box)
                                : part(source->full, kinds[kind].region, kinds[kind].size);
        const iiif_look_t look = { .quality = { [IIIF_FORMAT_JPG] = 85 } };
        iiif_err_t err = { "" };
        iiif_bytes_t made;

        r.canvas = r.size;
        r.square = IIIF_SQUARE_CENTRE;
        if (iiif_render(&made, source, &r, &look, &err) != APR_SUCCESS) {
            fprintf(stderr, "%s: %s\n", source->path, err.text);
            exit(1);
        }
        *bytes += made.len;
        iiif_bytes_free(made.data);
    }
    *bytes /= RENDERS;
    return (double)(clock() - start) * 1000 / CLOCKS_PER_SEC / RENDERS;
}

static void print_source(const iiif_source_t *source, const char *name)
{
    unsigned kind;

    printf("%-30s %10s %10s\n", name, "ms", "bytes");
    for (kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); ++kind) {
        apr_size_t bytes;
        const double ms = measure(source, kind, &bytes);

        printf("  %-28s %10.2f %10" APR_SIZE_T_FMT "\n", kinds[kind].what, ms, bytes);
    }
}

int main(int argc, char **argv)
{
    return print_sources(argc, argv, IIIF_SOURCE_FORMATS_DEFAULT, print_source);
}
