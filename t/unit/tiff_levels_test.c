/* SPDX-License-Identifier: Apache-2.0 */
#include <tiffio.h>

#include "images.h"

#define DIRECTORIES 6
#define REDUCED     FILETYPE_REDUCEDIMAGE
#define PAGE        FILETYPE_PAGE
#define MASK        FILETYPE_MASK

typedef enum { NEXT, BELOW } place_e;

/* clang-format off */
/* Files of directories, each one the next, or a SubIFD of the last that is; and what is found: how
 * many pages, and the widths of the levels of one of them. */
static const struct {
    const char *name;
    struct { iiif_dims_t dims; uint32_t subfile; place_e place; } directories[DIRECTORIES];
    unsigned pages, page;
    apr_uint32_t widths[DIRECTORIES];
    const char *description; /* of each directory; NULL: none */
} files[] = {
    { "flagged", { { { 96, 80 }, 0, NEXT }, { { 48, 40 }, REDUCED, NEXT }, { { 24, 20 }, REDUCED, NEXT } },
      1, 1, { 96, 48, 24 }, NULL },
    { "below", { { { 96, 80 }, 0, NEXT }, { { 48, 40 }, 0, BELOW }, { { 24, 20 }, REDUCED, BELOW } },
      1, 1, { 96, 48, 24 }, NULL },
    { "unflagged", { { { 96, 80 }, 0, NEXT }, { { 48, 40 }, 0, NEXT }, { { 24, 20 }, 0, NEXT } },
      1, 1, { 96, 48, 24 }, NULL },
    { "flagged, in another order",
      { { { 96, 80 }, 0, NEXT }, { { 24, 20 }, REDUCED, NEXT }, { { 48, 40 }, REDUCED, NEXT },
        { { 12, 10 }, REDUCED | PAGE, NEXT } },
      1, 1, { 96, 48, 24, 12 }, NULL },
    { "below, in another order",
      { { { 96, 80 }, 0, NEXT }, { { 12, 10 }, REDUCED, BELOW }, { { 24, 20 }, 0, BELOW }, { { 48, 40 }, 0, BELOW } },
      1, 1, { 96, 48, 24, 12 }, NULL },
    { "below and next",
      { { { 96, 80 }, 0, NEXT }, { { 24, 20 }, REDUCED, BELOW }, { { 48, 40 }, REDUCED, NEXT } },
      1, 1, { 96, 48, 24 }, NULL },
    { "twice", { { { 96, 80 }, 0, NEXT }, { { 24, 20 }, REDUCED, NEXT }, { { 48, 40 }, REDUCED, NEXT },
        { { 24, 20 }, REDUCED, NEXT }, { { 48, 40 }, REDUCED, NEXT } },
      1, 1, { 96, 48, 24 }, NULL },
    { "not halves, or masks",
      { { { 96, 80 }, 0, NEXT }, { { 50, 40 }, REDUCED, NEXT }, { { 48, 40 }, REDUCED | MASK, NEXT },
        { { 24, 20 }, REDUCED, NEXT }, { { 96, 80 }, REDUCED, NEXT } },
      1, 1, { 96, 24 }, NULL },
    { "unflagged, in another order: a page",
      { { { 96, 80 }, 0, NEXT }, { { 24, 20 }, 0, NEXT }, { { 48, 40 }, 0, NEXT }, { { 12, 10 }, 0, NEXT } },
      2, 2, { 48, 12 }, NULL },
    { "unflagged, behind one below: a page",
      { { { 96, 80 }, 0, NEXT }, { { 24, 20 }, 0, BELOW }, { { 48, 40 }, 0, BELOW }, { { 24, 20 }, 0, NEXT } },
      2, 1, { 96, 48, 24 }, NULL },
    { "a page that says so", { { { 96, 80 }, 0, NEXT }, { { 48, 40 }, PAGE, NEXT }, { { 24, 20 }, PAGE, NEXT } },
      3, 2, { 48 }, NULL },
    { "levels of the second page",
      { { { 96, 80 }, 0, NEXT }, { { 48, 40 }, REDUCED, NEXT }, { { 96, 80 }, 0, NEXT },
        { { 24, 20 }, REDUCED, NEXT }, { { 48, 40 }, REDUCED, NEXT } },
      2, 2, { 96, 48, 24 }, NULL },
    { "a slide, its thumbnail, levels, label",
      { { { 96, 80 }, 0, NEXT }, { { 31, 26 }, 0, NEXT }, { { 48, 40 }, 0, NEXT }, { { 12, 10 }, 0, NEXT },
        { { 40, 30 }, REDUCED, NEXT } },
      1, 1, { 96, 48, 12 }, "Aperio Image Library v11.2.1" },
    { "a slide written anew",
      { { { 96, 80 }, 0, NEXT }, { { 48, 40 }, 0, NEXT }, { { 24, 20 }, 0, NEXT } },
      1, 1, { 96, 48, 24 }, "Aperio Image Library v11.2.1" },
    { "no slide",
      { { { 96, 80 }, 0, NEXT }, { { 31, 26 }, 0, NEXT }, { { 48, 40 }, 0, NEXT }, { { 12, 10 }, 0, NEXT } },
      3, 1, { 96 }, "Not by Aperio" },
};
/* clang-format on */

static void write_directory(TIFF *file, iiif_dims_t dims, uint32_t subfile, const char *description)
{
    static unsigned char gray[96 * 80];

    TIFFSetField(file, TIFFTAG_IMAGEWIDTH, dims.width);
    TIFFSetField(file, TIFFTAG_IMAGELENGTH, dims.height);
    TIFFSetField(file, TIFFTAG_ROWSPERSTRIP, dims.height);
    TIFFSetField(file, TIFFTAG_BITSPERSAMPLE, 8);
    TIFFSetField(file, TIFFTAG_SAMPLESPERPIXEL, 1);
    TIFFSetField(file, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
    TIFFSetField(file, TIFFTAG_SUBFILETYPE, subfile);
    if (description)
        TIFFSetField(file, TIFFTAG_IMAGEDESCRIPTION, description);
    TIFFWriteEncodedStrip(file, 0, gray, (tmsize_t)dims.width * dims.height);
    TIFFWriteDirectory(file);
}

static const char *write_file(unsigned i, apr_pool_t *pool)
{
    const char *path = path_of(apr_psprintf(pool, "%u.tif", i), pool);
    TIFF *file = TIFFOpen(path, "w");
    toff_t places[DIRECTORIES] = { 0 };
    unsigned k, below;

    for (k = 0; k < DIRECTORIES && files[i].directories[k].dims.width; ++k) {
        for (below = 0;
             k + below + 1 < DIRECTORIES && files[i].directories[k + below + 1].place == BELOW;)
            ++below;
        if (files[i].directories[k].place == NEXT && below)
            TIFFSetField(file, TIFFTAG_SUBIFD, (int)below, places);
        write_directory(file, files[i].directories[k].dims, files[i].directories[k].subfile,
                        files[i].description);
    }
    TIFFClose(file);
    return path;
}

static const char *widths_of(const iiif_source_t *source, apr_pool_t *pool)
{
    const char *widths = "";
    int k;

    for (k = 0; k < source->level_count; ++k)
        widths = apr_psprintf(pool, "%s %u", widths, source->levels[k].dims.width);
    return widths;
}

static int has_levels(const iiif_source_t *source, const apr_uint32_t *widths)
{
    int k;

    for (k = 0; k < source->level_count; ++k) {
        const double scale = (double)widths[0] / source->levels[k].dims.width;

        if (k == DIRECTORIES || source->levels[k].dims.width != widths[k]
            || source->levels[k].scale_x != scale || source->levels[k].scale_y != scale)
            return 0;
    }
    return k == DIRECTORIES || !widths[k];
}

static void test_file(unsigned i, apr_pool_t *pool)
{
    static const iiif_source_rules_t rules = { .formats = 1u << IIIF_SOURCE_TIFF };
    const char *path = write_file(i, pool);
    iiif_source_t *source = NULL;
    iiif_err_t err = { "" };
    unsigned pages = 0;

    while (iiif_source_open(&source, path, pages + 1, &rules, &err, pool) == APR_SUCCESS)
        ++pages;
    ok(pages == files[i].pages, "%s: %u pages, %s", files[i].name, pages, err.text);
    source = NULL;
    iiif_source_open(&source, path, files[i].page, &rules, &err, pool);
    ok(source && has_levels(source, files[i].widths), "  levels of page %u:%s", files[i].page,
       source ? widths_of(source, pool) : " none");
}

int main(void)
{
    apr_pool_t *pool = begin_images("tiff_levels_test");
    unsigned i;

    for (i = 0; i < ROWS(files); ++i)
        test_file(i, pool);
    end_images(pool);
    return done_testing();
}
