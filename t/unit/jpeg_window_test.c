/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_file_io.h>

#include "image/private.h"
#include "images.h"

#define SIDES                                                                                      \
    {                                                                                              \
        317, 239                                                                                   \
    }

/* clang-format off */
static const struct {
    const char *name, *options;
    int bands;
    apr_status_t want;
} files[] = {
    { "420.jpg",         "[Q=80]", 3, APR_SUCCESS },
    { "444.jpg",         "[Q=95]", 3, APR_SUCCESS },
    { "gray.jpg",        "[Q=80]", 1, APR_SUCCESS },
    { "progressive.jpg", "[Q=80,interlace]", 3, IIIF_ENOTIMPL },
    { "picture.png",     NULL, 3, IIIF_ENOTIMPL },
};

static const iiif_rect_t rects[] = {
    { 0, 0, 32, 24 },
    { 1, 1, 20, 20 },
    { 100, 77, 101, 53 },
    { 300, 0, 17, 239 }, /* the right edge */
    { 0, 200, 317, 39 }, /* the last rows */
    { 316, 238, 1, 1 },
};
/* clang-format on */

/* The largest difference from what libvips decodes; -1: of another kind. */
static double from_libvips(VipsImage *window, const iiif_source_t *source, const iiif_window_t *at)
{
    VipsObject *scope = VIPS_OBJECT(vips_image_new());
    VipsImage **t = (VipsImage **)vips_object_local_array(scope, 4);
    const iiif_rect_t r = at->rect;
    double most = -1;

    if (!vips_jpegload(source->path, &t[0], "shrink", at->level->shrink, NULL)
        && !vips_extract_area(t[0], &t[1], (int)r.x, (int)r.y, (int)r.width, (int)r.height, NULL)
        && t[1]->Bands == window->Bands && t[1]->Type == window->Type
        && !vips_subtract(t[1], window, &t[2], NULL) && !vips_abs(t[2], &t[3], NULL))
        vips_max(t[3], &most, NULL);
    g_object_unref(scope);
    return most;
}

static void test_window(const iiif_source_t *source, const iiif_window_t *at)
{
    const iiif_rect_t r = at->rect;
    VipsImage *window = NULL;
    double most = -1;

    if (iiif_jpeg_window(&window, source, at, NULL) == APR_SUCCESS)
        most = from_libvips(window, source, at);
    ok(most == 0, "  %u,%u,%u,%u at 1/%d is what libvips reads: %.0f off", r.x, r.y, r.width,
       r.height, at->level->shrink, most);
    g_clear_object(&window);
}

static void test_file(unsigned i, apr_pool_t *pool)
{
    const iiif_source_t *source =
        open_source(write_image(files[i].name, picture((iiif_dims_t)SIDES, files[i].bands),
                                files[i].options, pool),
                    pool);
    VipsImage *none = NULL;
    unsigned k;
    int level;

    if (!source)
        return;
    if (files[i].want != APR_SUCCESS) {
        const iiif_window_t at = { source->levels, 1, rects[0], NULL };

        ok(iiif_jpeg_window(&none, source, &at, NULL) == files[i].want && !none,
           "  is left to libvips");
        return;
    }
    for (level = 0; level < source->level_count; ++level) {
        for (k = 0; k < ROWS(rects); ++k) {
            const apr_uint32_t n = (apr_uint32_t)source->levels[level].shrink;
            const iiif_rect_t r = { rects[k].x / n, rects[k].y / n, (rects[k].width + n - 1) / n,
                                    (rects[k].height + n - 1) / n };
            const iiif_window_t at = { &source->levels[level], 1, r, NULL };

            if (r.x + r.width <= at.level->dims.width && r.y + r.height <= at.level->dims.height)
                test_window(source, &at);
        }
    }
}

/* Cut short: above the end it is read, below libvips has the word. */
static void test_damage(apr_pool_t *pool)
{
    const char *path = write_image("cut.jpg", picture((iiif_dims_t)SIDES, 3), "[Q=95]", pool);
    const iiif_source_t *source;
    VipsImage *window = NULL, *none = NULL;
    apr_finfo_t finfo;

    apr_stat(&finfo, path, APR_FINFO_SIZE, pool);
    ok(!truncate(path, finfo.size / 2), "a JPEG is cut to a half");
    source = open_source(path, pool);
    if (!source)
        return;
    ok(iiif_jpeg_window(&window, source, &(iiif_window_t){ source->levels, 1, rects[0], NULL },
                        NULL)
           == APR_SUCCESS,
       "its first rows are read");
    ok(iiif_jpeg_window(&none, source, &(iiif_window_t){ source->levels, 1, rects[4], NULL }, NULL)
               == IIIF_ENOTIMPL
           && !none,
       "its last rows are not");
    g_clear_object(&window);
}

int main(void)
{
    apr_pool_t *pool = begin_images("jpeg_window_test");
    unsigned i;

    for (i = 0; i < ROWS(files); ++i)
        test_file(i, pool);
    test_damage(pool);
    end_images(pool);
    return done_testing();
}
