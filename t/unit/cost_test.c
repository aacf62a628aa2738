/* SPDX-License-Identifier: Apache-2.0 */
/* Estimates beside the memory that renders really take: each in a process of its own, by what the
 * system says of its peak. */
#include "plan/cost.h"

#include <malloc.h>
#include <sys/wait.h>

#include "image/render.h"
#include "images.h"

#define MB ((apr_uint64_t)1 << 20)

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

int main(void)
{
    apr_pool_t *pool;
    unsigned i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (!mkdtemp(directory))
        abort();
    ok(write_files(pool), "sources are written");
    for (i = 0; i < ROWS(rows); ++i) {
        const row_t *row = &rows[i];
        const result_t got = measure_alone(row, pool);

        ok(got.peak && got.cost.memory >= got.peak && got.cost.memory <= got.peak * 5 + 32 * MB,
           "%s, %u rows from %u, to %ux%u %s, by %u degrees: %.1f MB are estimated, %.1f are taken",
           row->file, row->region[3], row->region[1], row->size.width, row->size.height,
           iiif_format(row->format)->extension, row->degrees, (double)got.cost.memory / MB,
           (double)got.peak / MB);
    }
    end_images(pool);
    return done_testing();
}
