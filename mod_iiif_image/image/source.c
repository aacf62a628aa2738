/* SPDX-License-Identifier: Apache-2.0 */
#include "image/source.h"

#include <apr_file_io.h>
#include <apr_portable.h>
#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/jp2.h"
#include "image/jp2_header.h"
#include "image/orientation.h"
#include "image/private.h"
#include "image/raw_tile.h"

#include "base/banned.h"

#define FD_NAME 32    /* bytes, of the name of a descriptor */
#define PDF_DPI 300.0 /* a page of text is legible, an A4 page is 2480 x 3508 */

apr_status_t iiif_vips_failed(iiif_err_t *err, apr_status_t rv, const char *doing)
{
    char *said = vips_error_buffer_copy();

    g_strdelimit(g_strchomp(said), "\n", ' ');
    iiif_fail(err, rv, "%s: %s", doing,
              *said ? said : "it fails, and the library does not say why");
    g_free(said);
    return rv;
}

typedef int (*load_fn)(const char *path, const iiif_level_t *level, VipsImage **image);

/* Every loader: fail on damage, and read from top to bottom where it cannot jump. */
#define LOAD_RULES "access", VIPS_ACCESS_SEQUENTIAL, "fail_on", VIPS_FAIL_ON_ERROR, NULL

/* libjpeg only warns of codes that no encoder writes, and goes on with gray or noise. */
static int load_jpeg(const char *path, const iiif_level_t *level, VipsImage **image)
{
    return vips_jpegload(path, image, "shrink", level->shrink, "access", VIPS_ACCESS_SEQUENTIAL,
                         "fail_on", VIPS_FAIL_ON_WARNING, NULL);
}

static int load_png(const char *path, const iiif_level_t *level, VipsImage **image)
{
    (void)level;
    return vips_pngload(path, image, LOAD_RULES);
}

static int load_tiff(const char *path, const iiif_level_t *level, VipsImage **image)
{
    return vips_tiffload(path, image, "page", level->page, "subifd", level->subifd, LOAD_RULES);
}

static int load_jp2(const char *path, const iiif_level_t *level, VipsImage **image)
{
    return vips_jp2kload(path, image, "page", level->page, LOAD_RULES);
}

/* libvips maps these two, and a file that is cut short while it is mapped kills the process: read
 * them first. They are small by nature. */
static VipsSource *read_whole(const char *path)
{
    char *data;
    gsize size;
    VipsBlob *blob;
    VipsSource *source;

    if (!g_file_get_contents(path, &data, &size, NULL)) {
        vips_error("read", "cannot read the file");
        return NULL;
    }
    blob = vips_blob_new((VipsCallbackFn)vips_area_free_cb, data, size);
    source = vips_source_new_from_blob(blob);
    vips_area_unref(VIPS_AREA(blob));
    return source;
}

static int load_webp(const char *path, const iiif_level_t *level, VipsImage **image)
{
    VipsSource *source = read_whole(path);
    int failed = !source || vips_webpload_source(source, image, "page", level->page, LOAD_RULES);

    g_clear_object(&source);
    return failed;
}

static int load_gif(const char *path, const iiif_level_t *level, VipsImage **image)
{
    VipsSource *source = read_whole(path);
    int failed = !source || vips_gifload_source(source, image, "page", level->page, LOAD_RULES);

    g_clear_object(&source);
    return failed;
}

static int load_heif(const char *path, const iiif_level_t *level, VipsImage **image)
{
    return vips_heifload(path, image, "page", level->page, LOAD_RULES);
}

static int load_jxl(const char *path, const iiif_level_t *level, VipsImage **image)
{
    (void)level;
    return vips_jxlload(path, image, LOAD_RULES);
}

static int load_pdf(const char *path, const iiif_level_t *level, VipsImage **image)
{
    return vips_pdfload(path, image, "page", level->page, "dpi", PDF_DPI, LOAD_RULES);
}

/* Without a file name librsvg has no place from which to fetch what the drawing refers to. */
static int load_svg(const char *path, const iiif_level_t *level, VipsImage **image)
{
    VipsSource *source = read_whole(path);
    int failed = !source || vips_svgload_source(source, image, LOAD_RULES);

    (void)level;
    g_clear_object(&source);
    return failed;
}

/* clang-format off */
static const struct {
    load_fn load;
    int pages;    /* can a file hold several images? */
    int conceals; /* does its decoder pass over zeros as if they were picture? */
} loaders[IIIF_SOURCE_FORMATS] = {
    [IIIF_SOURCE_JPEG] = { load_jpeg, 0, 0 },
    [IIIF_SOURCE_PNG]  = { load_png,  0, 0 },
    [IIIF_SOURCE_TIFF] = { load_tiff, 1, 0 },
    [IIIF_SOURCE_JP2]  = { load_jp2,  0, 0 },
    [IIIF_SOURCE_WEBP] = { load_webp, 1, 0 },
    [IIIF_SOURCE_GIF]  = { load_gif,  1, 1 },
    [IIIF_SOURCE_HEIF] = { load_heif, 1, 1 },
    [IIIF_SOURCE_AVIF] = { load_heif, 1, 1 },
    [IIIF_SOURCE_JXL]  = { load_jxl,  0, 0 },
    [IIIF_SOURCE_PDF]  = { load_pdf,  1, 0 },
    [IIIF_SOURCE_SVG]  = { load_svg,  0, 0 },
};
/* clang-format on */

apr_status_t iiif_level_open(VipsImage **image, const iiif_source_t *source,
                             const iiif_level_t *level, iiif_err_t *err)
{
    VipsImage *opened = NULL;

    if (loaders[source->format].load(source->file, level, &opened))
        return iiif_vips_failed(err, IIIF_EBADSOURCE, "open");
    if ((apr_uint32_t)opened->Xsize != level->dims.width
        || (apr_uint32_t)opened->Ysize != level->dims.height) {
        g_object_unref(opened);
        return iiif_fail(err, IIIF_ECHANGED, "the file changed while it was read");
    }
    *image = opened;
    return APR_SUCCESS;
}

#define TAIL_BYTES 64

/* An upload that broke off in a file of full length leaves zeros at its end. */
static int ends_in_zeros(apr_file_t *file)
{
    unsigned char tail[TAIL_BYTES];
    apr_off_t from = -TAIL_BYTES;
    apr_size_t len = 0, i;

    if (apr_file_seek(file, APR_END, &from) != APR_SUCCESS
        || apr_file_read_full(file, tail, sizeof(tail), &len) != APR_SUCCESS)
        return 0;
    for (i = 0; i < len && !tail[i]; ++i)
        continue;
    return i == len;
}

static apr_status_t check_format(iiif_source_format_e format, iiif_source_format_set_t allowed,
                                 iiif_err_t *err)
{
    return allowed & 1u << format
               ? APR_SUCCESS
               : iiif_fail(err, IIIF_EBADSOURCE, "%s files are not allowed by IIIFSourceFormats",
                           iiif_source_format(format)->name);
}

static apr_status_t sniff_file(iiif_source_format_e *format, apr_file_t *file,
                               iiif_source_format_set_t allowed, iiif_err_t *err)
{
    unsigned char bytes[IIIF_SNIFF_BYTES];
    apr_size_t len = 0;
    apr_status_t rv = apr_file_read_full(file, bytes, sizeof(bytes), &len);
    iiif_source_format_e found = iiif_source_format_sniff(bytes, len);

    if (rv != APR_SUCCESS && rv != APR_EOF)
        return iiif_fail(err, rv, "cannot read the source");
    if (found == IIIF_SOURCE_FORMATS)
        return iiif_fail(err, IIIF_EBADSOURCE, "the file is no image of a known format");
    if ((rv = check_format(found, allowed, err)) != APR_SUCCESS)
        return rv;
    if (loaders[found].conceals && ends_in_zeros(file))
        return iiif_fail(err, IIIF_EBADSOURCE, "the file ends in zeros: it was not written whole");
    *format = found;
    return APR_SUCCESS;
}

/* JPEG by DCT scaling: libvips drops the pixels that have fewer than factor² behind them. */
static void add_jpeg_levels(iiif_source_t *source)
{
    int factor;

    for (factor = 2; factor <= 8; factor *= 2) {
        iiif_level_t *level = &source->levels[source->level_count];

        *level = source->levels[0];
        level->dims = (iiif_dims_t){ source->stored.width / (unsigned)factor,
                                     source->stored.height / (unsigned)factor };
        level->scale_x = level->scale_y = level->shrink = factor;
        if (!level->dims.width || !level->dims.height)
            return;
        ++source->level_count;
    }
}

/* JPEG 2000 by resolution, which libvips calls pages. Behind an offset, samples of a resolution lie
 * nearer to the middle of the pixels they stand for than they do without one. */
static void add_jp2_levels(iiif_source_t *source, const iiif_jp2_header_t *header)
{
    unsigned k;

    for (k = 1; k < header->resolutions && k < IIIF_LEVELS_MAX; ++k) {
        const iiif_dims_t dims = iiif_jp2_header_dims(header, k);
        iiif_level_t *level = &source->levels[source->level_count];

        if (!dims.width || !dims.height)
            return;
        *level = source->levels[0];
        level->page = (int)k;
        level->dims = dims;
        level->scale_x = level->scale_y = exp2(k);
        ++source->level_count;
    }
}

static apr_status_t read_jp2_levels(iiif_source_t *source, iiif_err_t *err)
{
    iiif_jp2_header_t header;
    apr_status_t rv = iiif_jp2_header_read(&header, source->fd, err);

    if (rv != APR_SUCCESS)
        return rv;
    source->stored = source->levels[0].dims = iiif_jp2_header_dims(&header, 0);
    if (!source->stored.width || !source->stored.height)
        return iiif_fail(err, IIIF_EBADSOURCE, "JPEG 2000: it has no pixels");
    if (header.tiled)
        source->tile =
            (iiif_dims_t){ header.tile_width / header.dx[0], header.tile_height / header.dy[0] };
    add_jp2_levels(source, &header);
    /* until something is decoded */
    source->natural = header.components < 3 ? IIIF_QUALITY_GRAY : IIIF_QUALITY_COLOR;
    source->orientation = 1;
    source->full = source->stored;
    return APR_SUCCESS;
}

static int says(VipsImage *image, const char *field)
{
    int value = 0;

    return vips_image_get_typeof(image, field) && !vips_image_get_int(image, field, &value)
           && value;
}

static void take_colours(iiif_source_t *source, VipsImage *image, apr_pool_t *pool)
{
    const void *profile = iiif_colour_profile(image, &source->profile_size);

    source->natural = iiif_colour_bands(image) == 1 ? IIIF_QUALITY_GRAY : IIIF_QUALITY_COLOR;
    source->profile = profile ? apr_pmemdup(pool, profile, source->profile_size) : NULL;
    source->ranged = iiif_colour_is_ranged(image);
    source->bands = (unsigned)image->Bands;
    source->pixel = source->bands * (unsigned)vips_format_sizeof(image->BandFmt);
    source->whole = says(image, "jpeg-multiscan") || says(image, "interlaced");
}

static void take_facts(iiif_source_t *source, VipsImage *image, apr_pool_t *pool)
{
    source->stored = (iiif_dims_t){ (apr_uint32_t)image->Xsize, (apr_uint32_t)image->Ysize };
    source->levels[0].dims = source->stored;
    take_colours(source, image, pool);
    source->orientation = vips_image_get_orientation(image);
    if (source->orientation < 1 || source->orientation > 8)
        source->orientation = 1;
    source->full = iiif_orientation_dims(source->orientation, source->stored);
    if (source->tile.width)
        source->tile = iiif_orientation_dims(source->orientation, source->tile);
    iiif_rights_read(source, image, pool);
    if (source->format == IIIF_SOURCE_JPEG)
        add_jpeg_levels(source);
}

/* Profile, palette and space of a JPEG 2000 come to light when something is decoded: one pixel. Of
 * one that is damaged, the header is known all the same. */
static apr_status_t read_jp2_colours(iiif_source_t *source, iiif_err_t *err, apr_pool_t *pool)
{
    const iiif_window_t corner = {
        &source->levels[source->level_count - 1], 1, { 0, 0, 1, 1 }, NULL
    };
    VipsImage *pixel = NULL;
    apr_status_t rv = iiif_jp2_window(&pixel, source, &corner, NULL);

    if (rv == IIIF_ENOTIMPL)
        rv = iiif_level_open(&pixel, source, &source->levels[0], err);
    else if (rv != APR_SUCCESS)
        return APR_SUCCESS;
    if (rv != APR_SUCCESS)
        return rv;
    take_colours(source, pixel, pool);
    g_object_unref(pixel);
    return APR_SUCCESS;
}

static apr_status_t check_page(const iiif_source_t *source, unsigned page, iiif_err_t *err)
{
    iiif_level_t first = source->levels[0];
    VipsImage *image = NULL;
    int pages;

    if (page == 1 || source->format == IIIF_SOURCE_TIFF)
        return APR_SUCCESS;
    first.page = 0;
    if (loaders[source->format].load(source->file, &first, &image))
        return iiif_vips_failed(err, IIIF_EBADSOURCE, "open");
    pages = vips_image_get_n_pages(image);
    g_object_unref(image);
    return page <= (unsigned)pages ? APR_SUCCESS
                                   : iiif_fail(err, IIIF_ENOTFOUND, "the file has %d pages", pages);
}

/* Level 0 is opened without iiif_level_open(): its size is what we want to learn. */
static apr_status_t read_header(iiif_source_t *source, unsigned page, iiif_err_t *err,
                                apr_pool_t *pool)
{
    VipsImage *image = NULL;
    apr_status_t rv = check_page(source, page, err);

    if (rv != APR_SUCCESS)
        return rv;
    if (loaders[source->format].load(source->file, &source->levels[0], &image))
        return iiif_vips_failed(err, IIIF_EBADSOURCE, "open");
    take_facts(source, image, pool);
    g_object_unref(image);
    return APR_SUCCESS;
}

static apr_status_t check_pixels(const iiif_source_t *source, apr_uint64_t max_pixels,
                                 iiif_err_t *err)
{
    apr_uint64_t pixels = (apr_uint64_t)source->stored.width * source->stored.height;

    if (max_pixels && pixels > max_pixels)
        return iiif_fail(
            err, IIIF_ETOOBIG,
            "the source has %" APR_UINT64_T_FMT " pixels, more than IIIFMaxSourcePixels", pixels);
    return APR_SUCCESS;
}

apr_status_t iiif_source_check(const iiif_source_t *source, const iiif_source_rules_t *rules,
                               iiif_err_t *err)
{
    apr_status_t rv = check_format(source->format, rules->formats, err);

    return rv == APR_SUCCESS ? check_pixels(source, rules->max_pixels, err) : rv;
}

static apr_status_t read_facts(iiif_source_t *s, unsigned page, const iiif_source_rules_t *rules,
                               iiif_err_t *err, apr_pool_t *pool)
{
    apr_status_t rv = APR_SUCCESS;

    if (page > 1 && !loaders[s->format].pages)
        return iiif_fail(err, IIIF_ENOTFOUND, "the file has one page");
    s->level_count = 1;
    s->levels[0] = (iiif_level_t){
        .scale_x = 1, .scale_y = 1, .page = (int)page - 1, .subifd = -1, .shrink = 1
    };
    if (s->format == IIIF_SOURCE_TIFF)
        rv = iiif_tiff_levels(s, page, err, pool);
    else if (s->format == IIIF_SOURCE_JP2)
        rv = read_jp2_levels(s, err);
    if (rv == APR_SUCCESS && s->stored.width) /* before a library opens it: it may allocate rows */
        rv = check_pixels(s, rules->max_pixels, err);
    if (rv == APR_SUCCESS)
        rv = s->format == IIIF_SOURCE_JP2 ? read_jp2_colours(s, err, pool)
                                          : read_header(s, page, err, pool);
    return rv == APR_SUCCESS ? check_pixels(s, rules->max_pixels, err) : rv;
}

/* Libraries open a file by its name, more than once. By this name it is always the one that we have
 * open, whoever has taken its place since; where there is no such name, it is found out afterwards.
 */
static const char *name_of_descriptor(char *name, apr_size_t size, int fd, const char *path)
{
    apr_snprintf(name, size, "/proc/self/fd/%d", fd);
    return access(name, R_OK) ? path : name;
}

static apr_status_t open_file(iiif_source_t *s, apr_file_t **file, iiif_err_t *err,
                              apr_pool_t *pool)
{
    apr_finfo_t finfo;
    apr_status_t rv = apr_file_open(file, s->path, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT, pool);

    if (rv == APR_SUCCESS)
        rv = apr_file_info_get(&finfo, IIIF_STAMP_WANTED, *file);
    if (rv == APR_SUCCESS)
        rv = apr_os_file_get(&s->fd, *file);
    if (rv != APR_SUCCESS)
        return iiif_fail(err, rv, "cannot open the source");
    s->stamp = iiif_stamp_of(&finfo);
    s->file = name_of_descriptor(apr_palloc(pool, FD_NAME), FD_NAME, s->fd, s->path);
    return APR_SUCCESS;
}

apr_status_t iiif_source_check_file(const iiif_source_t *source)
{
    struct stat now;

    if (stat(source->file, &now))
        return APR_FROM_OS_ERROR(errno);
    return iiif_stamp_is(&source->stamp, &now) ? APR_SUCCESS : IIIF_ECHANGED;
}

apr_status_t iiif_source_hold(iiif_held_source_t *held, const iiif_source_t *source,
                              iiif_err_t *err)
{
    int fd = open(source->file, O_RDONLY | O_CLOEXEC);
    struct stat is;

    if (fd < 0 || fstat(fd, &is) || !iiif_stamp_is(&source->stamp, &is)) {
        if (fd >= 0)
            close(fd);
        return iiif_fail(err, IIIF_ECHANGED, "the file was replaced before it was read");
    }
    held->fd = fd;
    held->source = *source;
    held->source.file = name_of_descriptor(held->name, sizeof(held->name), fd, source->path);
    return APR_SUCCESS;
}

void iiif_source_let_go(iiif_held_source_t *held)
{
    close(held->fd);
}

static apr_status_t open_once(iiif_source_t *s, unsigned page, const iiif_source_rules_t *rules,
                              iiif_err_t *err, apr_pool_t *pool)
{
    apr_size_t weight = 0;
    apr_file_t *file;
    apr_status_t rv = open_file(s, &file, err, pool);

    if (rv != APR_SUCCESS)
        return rv;
    rv = sniff_file(&s->format, file, rules->formats, err);
    if (rv == APR_SUCCESS)
        rv = read_facts(s, page, rules, err, pool);
    if (rv == APR_SUCCESS)
        iiif_raw_levels_read(s, &weight, pool);
    if (iiif_source_check_file(s) != APR_SUCCESS)
        rv = iiif_fail(err, IIIF_ECHANGED, "the file was replaced while it was opened");
    s->weight = sizeof(*s) + s->profile_size + weight;
    if (rv == APR_SUCCESS && weight)
        return APR_SUCCESS;
    apr_file_close(file);
    s->fd = -1;
    s->file = s->path;
    return rv;
}

#define OPEN_TRIES 3

apr_status_t iiif_source_open(iiif_source_t **source, const char *path, unsigned page,
                              const iiif_source_rules_t *rules, iiif_err_t *err, apr_pool_t *pool)
{
    iiif_source_t *s = apr_palloc(pool, sizeof(*s));
    apr_status_t rv = IIIF_ECHANGED;
    int i;

    for (i = 0; i < OPEN_TRIES && rv == IIIF_ECHANGED; ++i) {
        *s = (iiif_source_t){ .path = path, .file = path, .fd = -1 };
        rv = open_once(s, page, rules, err, pool);
    }
    if (rv == APR_SUCCESS)
        *source = s;
    return rv;
}
