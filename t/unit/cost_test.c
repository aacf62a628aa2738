/* SPDX-License-Identifier: Apache-2.0 */
/* Costs by hand; and estimates beside the memory that renders really take, each in a process of its
 * own, by what the system says of its peak. A sanitizer takes memory of its own: it sees the first
 * half. */
#include "plan/cost.h"

#include <malloc.h>
#include <sys/wait.h>

#include "image/render.h"
#include "images.h"

#define MB ((apr_uint64_t)1 << 20)

/* -- by hand */

static const iiif_level_t plain_levels[] = {
    { .dims = { 1000, 800 }, .scale_x = 1, .scale_y = 1, .shrink = 1 },
    { .dims = { 500, 400 }, .scale_x = 2, .scale_y = 2, .shrink = 2 },
};

static iiif_source_t source_of(iiif_source_format_e format, iiif_dims_t tile)
{
    iiif_source_t source = { .format = format,
                             .stored = plain_levels[0].dims,
                             .full = plain_levels[0].dims,
                             .orientation = 1,
                             .bands = 3,
                             .pixel = 3,
                             .tile = tile,
                             .level_count = 1,
                             .levels = { plain_levels[0] } };

    if (format == IIIF_SOURCE_JPEG)
        source.levels[source.level_count++] = plain_levels[1];
    return source;
}

static iiif_resolved_t image_of(iiif_rect_t region, iiif_dims_t size)
{
    return (iiif_resolved_t){
        .region = region, .size = size, .canvas = size, .format = IIIF_FORMAT_JPG
    };
}

static void test_work(void)
{
    static const struct {
        const char *what;
        iiif_source_format_e format;
        iiif_dims_t tile;
        int whole;
        iiif_rect_t region;
        iiif_dims_t size;
        apr_uint64_t work;
    } cases[] = {
        { "tiled: one tile of 256, and what comes out",
          IIIF_SOURCE_TIFF,
          { 256, 256 },
          0,
          { 256, 256, 256, 256 },
          { 100, 100 },
          256 * 256 * 3 + 100 * 100 * 3 },
        { "one pixel further: four",
          IIIF_SOURCE_TIFF,
          { 256, 256 },
          0,
          { 257, 257, 256, 256 },
          { 100, 100 },
          4 * 256 * 256 * 3 + 100 * 100 * 3 },
        { "rows down to its end",
          IIIF_SOURCE_PNG,
          { 0, 0 },
          0,
          { 10, 600, 20, 20 },
          { 20, 20 },
          1000 * 620 * 3 + 20 * 20 * 3 },
        { "interlaced: all of them",
          IIIF_SOURCE_PNG,
          { 0, 0 },
          1,
          { 10, 600, 20, 20 },
          { 20, 20 },
          1000 * 800 * 3 + 20 * 20 * 3 },
        { "WebP: all of them",
          IIIF_SOURCE_WEBP,
          { 0, 0 },
          0,
          { 0, 0, 10, 10 },
          { 10, 10 },
          1000 * 800 * 3 + 10 * 10 * 3 },
        { "JPEG at half its size: its codes, too",
          IIIF_SOURCE_JPEG,
          { 0, 0 },
          0,
          { 0, 0, 1000, 800 },
          { 500, 400 },
          500 * 400 * 3 + 1000 * 800 + 500 * 400 * 3 },
        { "JPEG 2000 of one tile: the window",
          IIIF_SOURCE_JP2,
          { 0, 0 },
          0,
          { 10, 600, 20, 20 },
          { 20, 20 },
          20 * 20 * 3 + 20 * 20 * 3 },
    };
    unsigned i;

    for (i = 0; i < ROWS(cases); ++i) {
        iiif_source_t source = source_of(cases[i].format, cases[i].tile);
        const iiif_resolved_t image = image_of(cases[i].region, cases[i].size);
        iiif_cost_t cost;

        source.whole = cases[i].whole;
        cost = iiif_cost_of(&source, &image);
        ok(cost.work == cases[i].work, "%s: %u bytes of work", cases[i].what, (unsigned)cost.work);
        ok(cost.lane == IIIF_LANE_SMALL, "  is small");
    }
}

/* 64 MB exactly are small, with one pixel more they are large. */
static void test_lane(void)
{
    static const struct {
        apr_uint32_t width; /* of what comes out, one row of it */
        iiif_lane_e lane;
    } cases[] = { { 65536, IIIF_LANE_SMALL }, { 65537, IIIF_LANE_LARGE } };
    unsigned i;

    for (i = 0; i < ROWS(cases); ++i) {
        iiif_source_t source = source_of(IIIF_SOURCE_TIFF, (iiif_dims_t){ 256, 256 });
        const iiif_resolved_t image =
            image_of((iiif_rect_t){ 0, 0, 256, 256 }, (iiif_dims_t){ cases[i].width, 1 });
        iiif_cost_t cost;

        source.bands = 1;
        source.pixel = 1023; /* of a tile, a kilobyte less than 64 MB in all */
        cost = iiif_cost_of(&source, &image);
        ok(cost.lane == cases[i].lane, "%u bytes of work, %u at most for a small one",
           (unsigned)cost.work, (unsigned)IIIF_LARGE_BYTES);
    }
}

/* Amounts of light are known of pixels as they are stored alone: no scaling while decoding. */
static void test_linear(void)
{
    const iiif_source_t source = source_of(IIIF_SOURCE_JPEG, (iiif_dims_t){ 0, 0 });
    const iiif_resolved_t image =
        image_of((iiif_rect_t){ 0, 0, 1000, 800 }, (iiif_dims_t){ 100, 80 });
    const iiif_look_t linear = { .linear_light = 1 }, usual = { .linear_light = 0 };
    const iiif_source_t read = iiif_look_source(&linear, &source);
    const iiif_source_t scaled = iiif_look_source(&usual, &source);

    ok(iiif_cost_of(&read, &image).work == 1000 * 800 * 3 + 100 * 80 * 3,
       "in linear light all pixels of a JPEG are made");
    ok(iiif_cost_of(&scaled, &image).work == 500 * 400 * 3 + 500 * 400 * 4 + 100 * 80 * 3,
       "  else a quarter of them, and all codes are read");
}

/* No header makes a small number of a huge one. */
static void test_hostile(void)
{
    const apr_uint32_t most = 0xffffffff;
    unsigned format, out, wrong = 0;

    for (format = 0; format < IIIF_SOURCE_FORMATS; ++format) {
        for (out = 0; out < IIIF_FORMATS; ++out) {
            iiif_source_t source =
                source_of((iiif_source_format_e)format,
                          (iiif_dims_t){ format % 2 ? most : 0, format % 2 ? most : 0 });
            iiif_resolved_t image =
                image_of((iiif_rect_t){ 0, 0, most, most }, (iiif_dims_t){ most, most });
            iiif_cost_t cost;

            source.stored = source.full = source.levels[0].dims = (iiif_dims_t){ most, most };
            source.level_count = 1;
            source.strip = most;
            source.bands = 65535;
            source.pixel = 65535 * 8;
            source.whole = out % 2;
            source.orientation = 6;
            image.format = (iiif_format_e)out;
            image.square = IIIF_SQUARE_ATTENTION;
            cost = iiif_cost_of(&source, &image);
            wrong += cost.lane != IIIF_LANE_LARGE || !(cost.memory >> 40) || !(cost.work >> 40);
        }
    }
    ok(!wrong, "the largest sides are large, %u times", format * out);
}

#ifndef __SANITIZE_ADDRESS__

/* -- sources */

static const struct {
    const char *name;
    iiif_dims_t dims;
    int bands;
    const char *options;
} files[] = {
    { "tiled.tif", { 4000, 3000 }, 3, "[tile,tile_width=256,tile_height=256]" },
    { "pyramid.tif", { 4000, 3000 }, 3, "[tile,tile_width=256,tile_height=256,pyramid]" },
    { "strips.tif", { 4000, 3000 }, 3, "[compression=deflate]" },
    { "strip.tif", { 4000, 3000 }, 3, "[compression=lzw,tile_height=3000]" },
    { "one.tif", { 4000, 3008 }, 3, "[tile,tile_width=4000,tile_height=3008]" },
    { "large.tif", { 4800, 4800 }, 3, "[tile,tile_width=4800,tile_height=4800]" },
    { "baseline.jpg", { 4000, 3000 }, 3, "[Q=80]" },
    { "progressive.jpg", { 4000, 3000 }, 3, "[Q=80,interlace]" },
    { "progressive-444.jpg", { 4000, 3000 }, 3, "[Q=90,interlace,subsample_mode=off]" },
    { "plain.png", { 4000, 3000 }, 3, "[compression=1]" },
    { "alpha.png", { 4000, 3000 }, 4, "[compression=1]" },
    { "gray.png", { 4000, 3000 }, 1, "[compression=1]" },
    { "interlaced.png", { 4000, 3000 }, 3, "[compression=1,interlace]" },
    { "plain.webp", { 4000, 3000 }, 3, "[Q=70,effort=0]" },
    { "alpha.webp", { 2000, 1500 }, 4, "[lossless,effort=0]" },
    { "plain.gif", { 2000, 1500 }, 3, "[effort=1]" },
    { "plain.jp2", { 3000, 2000 }, 3, "[Q=40]" },
    { "one.jp2", { 2000, 1500 }, 3, "[Q=40,tile_width=2000,tile_height=1500]" },
    { "plain.avif", { 2000, 1500 }, 3, "[effort=0,compression=av1]" },
    { "plain.heic", { 1000, 1000 }, 3, "[effort=0,compression=hevc]" },
    { "plain.jxl", { 2000, 1500 }, 3, "[effort=3]" },
};

/* Nothing that compresses well. */
static VipsImage *noise(iiif_dims_t dims, int bands)
{
    const size_t size = (size_t)dims.width * dims.height * (size_t)bands;
    unsigned char *samples = malloc(size);
    unsigned seed = 1;
    VipsImage *image;
    size_t i;

    for (i = 0; samples && i < size; ++i)
        samples[i] =
            (unsigned char)((seed = seed * 1103515245 + 12345) >> 25) + (unsigned char)(i >> 16);
    image = vips_image_new_from_memory(samples, size, (int)dims.width, (int)dims.height, bands,
                                       VIPS_FORMAT_UCHAR);
    if (!image)
        abort();
    image->Type = bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
    return image;
}

/* -- what is asked of them */

typedef struct row_t {
    const char *file;
    apr_uint32_t region[4]; /* 0,0,0,0: full */
    iiif_dims_t size;       /* 0,0: the region's own */
    unsigned degrees;
    iiif_format_e format;
} row_t;

static const row_t rows[] = {
    { "tiled.tif", { 0 }, { 0, 0 }, 0, IIIF_FORMAT_JPG },
    { "tiled.tif", { 0 }, { 0, 0 }, 0, IIIF_FORMAT_PNG },
    { "tiled.tif", { 0 }, { 0, 0 }, 0, IIIF_FORMAT_TIF },
    { "tiled.tif", { 0 }, { 0, 0 }, 0, IIIF_FORMAT_PDF },
    { "tiled.tif", { 0, 0, 2000, 1500 }, { 0, 0 }, 0, IIIF_FORMAT_WEBP },
    { "tiled.tif", { 0, 0, 2000, 1500 }, { 0, 0 }, 0, IIIF_FORMAT_JP2 },
    { "tiled.tif", { 0, 0, 2000, 1500 }, { 0, 0 }, 0, IIIF_FORMAT_GIF },
    { "tiled.tif", { 0, 0, 1000, 1000 }, { 0, 0 }, 0, IIIF_FORMAT_AVIF },
    { "tiled.tif", { 0, 0, 1000, 1000 }, { 0, 0 }, 0, IIIF_FORMAT_JXL },
    { "tiled.tif", { 0 }, { 800, 600 }, 0, IIIF_FORMAT_JPG },
    { "tiled.tif", { 0 }, { 3500, 2625 }, 0, IIIF_FORMAT_JPG },
    { "tiled.tif", { 0 }, { 0, 0 }, 90, IIIF_FORMAT_JPG },
    { "tiled.tif", { 0 }, { 0, 0 }, 30, IIIF_FORMAT_JPG },
    { "tiled.tif", { 0 }, { 0, 0 }, 30, IIIF_FORMAT_PNG },
    { "tiled.tif", { 0, 0, 1000, 1000 }, { 6000, 6000 }, 0, IIIF_FORMAT_JPG },
    { "pyramid.tif", { 0 }, { 800, 600 }, 0, IIIF_FORMAT_JPG },
    { "pyramid.tif", { 0, 0, 1000, 1000 }, { 500, 500 }, 0, IIIF_FORMAT_JPG },
    { "strips.tif", { 0 }, { 800, 600 }, 0, IIIF_FORMAT_JPG },
    { "strips.tif", { 0 }, { 80, 60 }, 0, IIIF_FORMAT_JPG },
    { "strips.tif", { 0, 2500, 500, 500 }, { 0, 0 }, 0, IIIF_FORMAT_JPG },
    { "strip.tif", { 0 }, { 800, 600 }, 0, IIIF_FORMAT_JPG },
    { "strip.tif", { 0, 2500, 500, 500 }, { 0, 0 }, 0, IIIF_FORMAT_JPG },
    { "one.tif", { 0, 2500, 500, 500 }, { 0, 0 }, 0, IIIF_FORMAT_JPG },
    { "large.tif", { 0, 2500, 500, 500 }, { 0, 0 }, 0, IIIF_FORMAT_JPG },
    { "baseline.jpg", { 0 }, { 0, 0 }, 0, IIIF_FORMAT_JPG },
    { "baseline.jpg", { 0 }, { 800, 600 }, 0, IIIF_FORMAT_JPG },
    { "baseline.jpg", { 0 }, { 3500, 2625 }, 0, IIIF_FORMAT_JPG },
    { "baseline.jpg", { 0, 2500, 500, 500 }, { 0, 0 }, 0, IIIF_FORMAT_JPG },
    { "progressive.jpg", { 0 }, { 800, 600 }, 0, IIIF_FORMAT_JPG },
    { "progressive.jpg", { 0 }, { 0, 0 }, 0, IIIF_FORMAT_JPG },
    { "progressive-444.jpg", { 0 }, { 800, 600 }, 0, IIIF_FORMAT_JPG },
    { "plain.png", { 0 }, { 800, 600 }, 0, IIIF_FORMAT_JPG },
    { "plain.png", { 0 }, { 80, 60 }, 0, IIIF_FORMAT_JPG },
    { "plain.png", { 0, 2500, 500, 500 }, { 0, 0 }, 0, IIIF_FORMAT_JPG },
    { "alpha.png", { 0 }, { 800, 600 }, 0, IIIF_FORMAT_JPG },
    { "alpha.png", { 0 }, { 3500, 2625 }, 0, IIIF_FORMAT_PNG },
    { "gray.png", { 0 }, { 0, 0 }, 270, IIIF_FORMAT_JPG },
    { "interlaced.png", { 0 }, { 800, 600 }, 0, IIIF_FORMAT_JPG },
    { "plain.webp", { 0 }, { 800, 600 }, 0, IIIF_FORMAT_JPG },
    { "alpha.webp", { 0 }, { 800, 600 }, 0, IIIF_FORMAT_PNG },
    { "plain.gif", { 0 }, { 800, 600 }, 0, IIIF_FORMAT_JPG },
    { "plain.jp2", { 0 }, { 0, 0 }, 0, IIIF_FORMAT_JPG },
    { "plain.jp2", { 0 }, { 400, 267 }, 0, IIIF_FORMAT_JPG },
    { "plain.jp2", { 0, 1500, 500, 500 }, { 0, 0 }, 0, IIIF_FORMAT_JPG },
    { "one.jp2", { 0 }, { 0, 0 }, 0, IIIF_FORMAT_JPG },
    { "one.jp2", { 0, 1000, 500, 500 }, { 0, 0 }, 0, IIIF_FORMAT_JPG },
    { "plain.avif", { 0 }, { 800, 600 }, 0, IIIF_FORMAT_JPG },
    { "plain.heic", { 0 }, { 800, 800 }, 0, IIIF_FORMAT_JPG },
    { "plain.jxl", { 0 }, { 800, 600 }, 0, IIIF_FORMAT_JPG },
};

/* Where the square is that a person would look at. */
static const row_t squares[] = {
    { "tiled.tif", { 0 }, { 200, 200 }, 0, IIIF_FORMAT_JPG },
    { "tiled.tif", { 0 }, { 1000, 1000 }, 0, IIIF_FORMAT_JPG },
    { "pyramid.tif", { 0 }, { 200, 200 }, 0, IIIF_FORMAT_JPG },
    { "strips.tif", { 0 }, { 200, 200 }, 0, IIIF_FORMAT_JPG },
    { "baseline.jpg", { 0 }, { 200, 200 }, 0, IIIF_FORMAT_JPG },
    { "baseline.jpg", { 0 }, { 1000, 1000 }, 0, IIIF_FORMAT_JPG },
    { "progressive.jpg", { 0 }, { 200, 200 }, 0, IIIF_FORMAT_JPG },
    { "alpha.png", { 0 }, { 200, 200 }, 0, IIIF_FORMAT_JPG },
    { "alpha.png", { 0 }, { 1000, 1000 }, 0, IIIF_FORMAT_JPG },
    { "gray.png", { 0 }, { 400, 400 }, 0, IIIF_FORMAT_JPG },
    { "plain.webp", { 0 }, { 400, 400 }, 0, IIIF_FORMAT_JPG },
    { "plain.jp2", { 0 }, { 200, 200 }, 0, IIIF_FORMAT_JPG },
};

static int is_square(const row_t *row)
{
    return row >= squares && row < squares + ROWS(squares);
}

static iiif_resolved_t resolve(const row_t *row, iiif_dims_t full)
{
    iiif_resolved_t r = { .region = { row->region[0], row->region[1], row->region[2],
                                      row->region[3] },
                          .size = row->size,
                          .rotation = { .degrees = row->degrees * APR_UINT64_C(10000000000) },
                          .format = row->format };

    if (!r.region.width) {
        r.region.width = full.width;
        r.region.height = full.height;
    }
    if (is_square(row)) {
        r.square = IIIF_SQUARE_ATTENTION;
        r.region.width = r.region.height;
    }
    if (!r.size.width)
        r.size = (iiif_dims_t){ r.region.width, r.region.height };
    r.canvas = iiif_rotation_canvas(&r.rotation, r.size);
    return r;
}

/* -- measuring */

/* A line of /proc/self/status, in bytes. */
static apr_uint64_t status_of(const char *name)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];
    apr_uint64_t bytes = 0;

    while (status && fgets(line, sizeof(line), status)) {
        if (!strncmp(line, name, strlen(name)))
            bytes = (apr_uint64_t)strtoull(line + strlen(name) + 1, NULL, 10) << 10;
    }
    if (status)
        fclose(status);
    return bytes;
}

static void forget_peak(void)
{
    FILE *refs = fopen("/proc/self/clear_refs", "w");

    malloc_trim(0);
    if (refs) {
        fputs("5", refs);
        fclose(refs);
    }
}

typedef struct result_t {
    iiif_cost_t cost;
    apr_uint64_t peak;
} result_t;

static result_t measure(const row_t *row, apr_pool_t *pool)
{
    const iiif_source_rules_t rules = { .formats = (1u << IIIF_SOURCE_FORMATS) - 1 };
    iiif_look_t look = { .wanted = NULL };
    iiif_bytes_t bytes = { NULL, 0 };
    result_t result = { .peak = 0 };
    iiif_source_t *source;
    iiif_resolved_t resolved;
    apr_uint64_t before;
    iiif_err_t err;

    look.quality[row->format] = iiif_format(row->format)->default_quality;
    look.effort[row->format] = iiif_format(row->format)->default_effort;
    if (iiif_source_open(&source, path_of(row->file, pool), 1, &rules, &err, pool) != APR_SUCCESS)
        return result;
    resolved = resolve(row, source->full);
    result.cost = iiif_cost_of(source, &resolved);
    forget_peak();
    before = status_of("VmRSS");
    if (iiif_render(&bytes, source, &resolved, &look, &err) == APR_SUCCESS)
        result.peak = status_of("VmHWM") - before;
    return result;
}

/* In a process that has done nothing before. */
static result_t measure_alone(const row_t *row, apr_pool_t *pool)
{
    result_t result = { .peak = 0 };
    int ends[2];
    pid_t pid;

    if (pipe(ends) || (pid = fork()) < 0)
        abort();
    if (!pid) {
        if (iiif_vips_start("cost_test", NULL) == APR_SUCCESS)
            result = measure(row, pool);
        _exit(write(ends[1], &result, sizeof(result)) != sizeof(result));
    }
    close(ends[1]);
    if (read(ends[0], &result, sizeof(result)) != sizeof(result))
        result.peak = 0;
    close(ends[0]);
    waitpid(pid, NULL, 0);
    return result;
}

static int write_files(apr_pool_t *pool)
{
    const pid_t pid = fork();
    int status = 1;
    unsigned i;

    if (!pid) {
        if (iiif_vips_start("cost_test", NULL) != APR_SUCCESS)
            _exit(1);
        for (i = 0; i < ROWS(files); ++i)
            write_image(files[i].name, noise(files[i].dims, files[i].bands), files[i].options,
                        pool);
        _exit(tap_failed);
    }
    return waitpid(pid, &status, 0) == pid && !status;
}

static void test_row(const row_t *row, apr_pool_t *pool)
{
    const result_t got = measure_alone(row, pool);

    ok(got.peak && got.cost.memory >= got.peak && got.cost.memory <= got.peak * 5 + 32 * MB,
       "%s%s, %u rows from %u, to %ux%u %s, by %u degrees: %.1f MB are estimated, %.1f are taken",
       row->file, is_square(row) ? ", a square" : "", row->region[3], row->region[1],
       row->size.width, row->size.height, iiif_format(row->format)->extension, row->degrees,
       (double)got.cost.memory / MB, (double)got.peak / MB);
}

static void test_memory(apr_pool_t *pool)
{
    unsigned i;

    ok(write_files(pool), "sources are written");
    for (i = 0; i < ROWS(rows); ++i)
        test_row(&rows[i], pool);
    for (i = 0; i < ROWS(squares); ++i)
        test_row(&squares[i], pool);
}

#else

static void test_memory(apr_pool_t *pool)
{
    (void)pool;
}

#endif

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (!mkdtemp(directory))
        abort();
    test_work();
    test_lane();
    test_linear();
    test_hostile();
    test_memory(pool);
    end_images(pool);
    return done_testing();
}
