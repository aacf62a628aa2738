/* SPDX-License-Identifier: Apache-2.0 */
#include "image/source.h"

#include <apr_file_io.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/raw_tile.h"
#include "images.h"

#define ANY    IIIF_SOURCE_FORMATS_DEFAULT
#define COLOUR IIIF_QUALITY_COLOR
#define GRAY   IIIF_QUALITY_GRAY

static const iiif_dims_t sides = { 301, 203 };

typedef enum { BYTES, WORDS, FLOATS } samples_e;

/* clang-format off */
/* An image of 301x203 as libvips saves it, and what the file says. Levels are counted with the full
 * one; the second one's sides are given. */
static const struct {
    const char *name;
    int bands;
    samples_e samples;
    int orientation; /* EXIF; 0: the file has none */
    const char *options;
    iiif_source_format_e format;
    iiif_quality_e natural;
    iiif_dims_t tile;
    int level_count;
    iiif_dims_t second;
    int open;
} files[] = {
    { "a.jpg",      3, BYTES,  0, NULL, IIIF_SOURCE_JPEG, COLOUR, { 0, 0 }, 4, { 150, 101 }, 0 },
    { "gray.jpg",   1, BYTES,  0, NULL, IIIF_SOURCE_JPEG, GRAY,   { 0, 0 }, 4, { 150, 101 }, 0 },
    { "turned.jpg", 3, BYTES,  6, NULL, IIIF_SOURCE_JPEG, COLOUR, { 0, 0 }, 4, { 150, 101 }, 0 },
    { "upside.jpg", 3, BYTES,  3, NULL, IIIF_SOURCE_JPEG, COLOUR, { 0, 0 }, 4, { 150, 101 }, 0 },
    { "a.png",      3, BYTES,  0, NULL, IIIF_SOURCE_PNG,  COLOUR, { 0, 0 }, 1, { 0, 0 }, 0 },
    { "alpha.png",  4, BYTES,  0, NULL, IIIF_SOURCE_PNG,  COLOUR, { 0, 0 }, 1, { 0, 0 }, 0 },
    { "gray.png",   2, BYTES,  0, NULL, IIIF_SOURCE_PNG,  GRAY,   { 0, 0 }, 1, { 0, 0 }, 0 },
    { "wide.png",   3, WORDS,  0, NULL, IIIF_SOURCE_PNG,  COLOUR, { 0, 0 }, 1, { 0, 0 }, 0 },
    { "a.webp",     3, BYTES,  0, NULL, IIIF_SOURCE_WEBP, COLOUR, { 0, 0 }, 1, { 0, 0 }, 0 },
    { "a.gif",      3, BYTES,  0, NULL, IIIF_SOURCE_GIF,  COLOUR, { 0, 0 }, 1, { 0, 0 }, 0 },
    { "a.tif",      3, BYTES,  0, NULL, IIIF_SOURCE_TIFF, COLOUR, { 0, 0 }, 1, { 0, 0 }, 0 },
    { "floats.tif", 3, FLOATS, 0, NULL, IIIF_SOURCE_TIFF, COLOUR, { 0, 0 }, 1, { 0, 0 }, 0 },
    { "turned.tif", 3, BYTES,  8, "[tile,tile-width=64,tile-height=48,compression=jpeg]",
      IIIF_SOURCE_TIFF, COLOUR, { 48, 64 }, 1, { 0, 0 }, 0 },
    { "tiles.tif",  3, BYTES,  0, "[tile,tile-width=64,tile-height=48]",
      IIIF_SOURCE_TIFF, COLOUR, { 64, 48 }, 1, { 0, 0 }, 0 },
    { "jpegs.tif",  3, BYTES,  0, "[tile,tile-width=64,tile-height=48,compression=jpeg]",
      IIIF_SOURCE_TIFF, COLOUR, { 64, 48 }, 1, { 0, 0 }, 1 },
    { "small.tif",  3, BYTES,  0, "[tile,tile-width=64,tile-height=48,compression=deflate,pyramid]",
      IIIF_SOURCE_TIFF, COLOUR, { 64, 48 }, 4, { 150, 101 }, 0 },
    { "levels.tif", 1, BYTES,  0, "[tile,tile-width=64,tile-height=48,compression=jpeg,pyramid]",
      IIIF_SOURCE_TIFF, GRAY, { 64, 48 }, 4, { 150, 101 }, 1 },
    { "subifd.tif", 3, BYTES,  0, "[tile,tile-width=64,tile-height=48,compression=jpeg,pyramid,subifd]",
      IIIF_SOURCE_TIFF, COLOUR, { 64, 48 }, 4, { 150, 101 }, 1 },
};

/* Which profile makes a difference. */
static const struct {
    const char *name;
    int bands;
    const char *profile; /* of libvips' own; "renamed": sRGB by another name; NULL: text */
    int counts;
} profiles[] = {
    { "srgb.jpg",         3, "srgb", 0 },
    { "renamed.jpg",      3, "renamed", 0 },
    { "renamed.png",      3, "renamed", 0 },
    { "p3.jpg",           3, "p3", 1 },
    { "p3.png",           4, "p3", 1 },
    { "p3.tif",           3, "p3", 1 },
    { "p3-on-gray.tif",   1, "p3", 0 },
    { "cmyk-on-rgb.tif",  3, "cmyk", 0 },
    { "cmyk.tif",         4, "cmyk", 1 }, /* no sample of it is sRGB's */
    { "text.tif",         3, NULL, 0 },
};

/* What is no source, and why. */
static const struct {
    const char *name, *content;
    unsigned page;
    iiif_source_format_set_t formats;
    apr_uint64_t max_pixels;
    apr_status_t want;
} refused[] = {
    { "none.jpg",   NULL, 1, ANY, 0, APR_ENOENT },
    { "empty.jpg",  "", 1, ANY, 0, IIIF_EBADSOURCE },
    { "text.jpg",   "an image is a thing to look at", 1, ANY, 0, IIIF_EBADSOURCE },
    { "head.jpg",   "\xff\xd8\xff\xe0", 1, ANY, 0, IIIF_EBADSOURCE },
    { "head.tif",   "II*", 1, ANY, 0, IIIF_EBADSOURCE },
    { "a.jpg",      NULL, 2, ANY, 0, IIIF_ENOTFOUND },
    { "a.png",      NULL, 65535, ANY, 0, IIIF_ENOTFOUND },
    { "a.tif",      NULL, 2, ANY, 0, IIIF_ENOTFOUND },
    { "a.gif",      NULL, 2, ANY, 0, IIIF_ENOTFOUND },
    { "levels.tif", NULL, 2, ANY, 0, IIIF_ENOTFOUND }, /* a smaller level is no page */
    { "a.jpg",      NULL, 1, 1u << IIIF_SOURCE_TIFF, 0, IIIF_EBADSOURCE },
    { "a.tif",      NULL, 1, 1u << IIIF_SOURCE_JPEG, 0, IIIF_EBADSOURCE },
    { "a.jpg",      NULL, 1, ANY, 301 * 203 - 1, IIIF_ETOOBIG },
    { "a.tif",      NULL, 1, ANY, 301 * 203 - 1, IIIF_ETOOBIG },
    { "a.jpg",      NULL, 1, ANY, 301 * 203, APR_SUCCESS },
    { "a.tif",      NULL, 1, ANY, 301 * 203, APR_SUCCESS },
    { "",           NULL, 1, ANY, 0, APR_FROM_OS_ERROR(EISDIR) }, /* the directory */
};
/* clang-format on */

static VipsImage *image_of(unsigned i)
{
    VipsImage *image = picture(sides, files[i].bands), *cast = NULL, *named = NULL;
    VipsBandFormat formats[] = { VIPS_FORMAT_UCHAR, VIPS_FORMAT_USHORT, VIPS_FORMAT_FLOAT };

    if (vips_cast(image, &cast, formats[files[i].samples], NULL)
        || vips_copy(cast, &named, "interpretation",
                     files[i].samples == WORDS ? VIPS_INTERPRETATION_RGB16 : image->Type, NULL))
        abort();
    g_object_unref(image);
    g_object_unref(cast);
    if (files[i].orientation)
        vips_image_set_int(named, VIPS_META_ORIENTATION, files[i].orientation);
    return named;
}

static int are(iiif_dims_t dims, apr_uint32_t width, apr_uint32_t height)
{
    return dims.width == width && dims.height == height;
}

/* Each level is half the one before, and says where it is. */
static int has_levels(const iiif_source_t *source, unsigned i)
{
    int k, right = source->level_count == files[i].level_count;

    for (k = 0; k < source->level_count; ++k) {
        const iiif_level_t *level = &source->levels[k];
        unsigned factor = 1u << k;

        right = right && are(level->dims, sides.width / factor, sides.height / factor)
                && level->scale_x == factor && level->scale_y == factor
                && level->shrink == (files[i].format == IIIF_SOURCE_JPEG ? (int)factor : 1)
                && !level->directory == (files[i].format != IIIF_SOURCE_TIFF)
                && !level->raw == !files[i].open;
    }
    return right
           && (files[i].level_count == 1
               || are(source->levels[1].dims, files[i].second.width, files[i].second.height));
}

/* The struct and, where there are some, places and lengths of all tiles. */
static int weighs_right(const iiif_source_t *source)
{
    apr_size_t least = sizeof(*source) + source->profile_size;
    int k, raw = 0;

    for (k = 0; k < source->level_count; ++k) {
        const iiif_raw_level_t *level = source->levels[k].raw;

        if (level) {
            ++raw;
            least += sizeof(*level) + (apr_size_t)level->columns * level->rows * 12;
        }
    }
    return raw ? source->weight > least : source->weight == least;
}

static void test_file(unsigned i, apr_pool_t *pool)
{
    const char *path = write_image(files[i].name, image_of(i), files[i].options, pool);
    const iiif_source_t *source = open_source(path, pool);
    const iiif_stamp_t stamp = stamp_of(path, pool);
    int lies = files[i].orientation > 4;

    if (!source)
        return;
    ok(source->format == files[i].format && are(source->stored, sides.width, sides.height)
           && are(source->full, lies ? sides.height : sides.width,
                  lies ? sides.width : sides.height)
           && source->orientation == (files[i].orientation ? files[i].orientation : 1)
           && source->natural == files[i].natural && source->ranged == (files[i].samples == FLOATS)
           && are(source->tile, files[i].tile.width, files[i].tile.height),
       "  %ux%u, orientation %d, quality %d, tiles of %ux%u", source->full.width,
       source->full.height, source->orientation, (int)source->natural, source->tile.width,
       source->tile.height);
    ok(has_levels(source, i), "  %d levels", source->level_count);
    ok((source->fd >= 0) == files[i].open, "  is open only where tiles are sent from it");
    ok(weighs_right(source), "  and weighs %" APR_SIZE_T_FMT " bytes", source->weight);
    ok(iiif_stamp_equal(&source->stamp, &stamp) && !source->profile && !source->profile_size
           && !strcmp(source->path, path),
       "  it knows which file it is of");
}

/* -- profiles ---------------------------------------------------------------------------------- */

/* sRGB's own, with every name in it spoilt. */
static void rename_all(unsigned char *profile, size_t size)
{
    size_t i;
    int renamed = 0;

    for (i = 128; i + 4 < size; ++i) {
        if (!memcmp(profile + i, "sRGB", 4)) {
            profile[i] = 'x';
            ++renamed;
        }
    }
    ok(renamed > 0, "sRGB by another name");
}

static void add_profile(VipsImage *image, const char *name)
{
    static const char text[] = "not a profile, whatever the tag says, and longer than a header of "
                               "one, which has a hundred and twenty-eight bytes and then a count";
    VipsBlob *blob = NULL;
    unsigned char *bytes;
    size_t size = 0;

    if (!name) {
        vips_image_set_blob_copy(image, VIPS_META_ICC_NAME, text, sizeof(text));
        return;
    }
    if (vips_profile_load(strcmp(name, "renamed") ? name : "srgb", &blob, NULL))
        abort();
    bytes = g_memdup2(vips_blob_get(blob, &size), VIPS_AREA(blob)->length);
    if (!strcmp(name, "renamed"))
        rename_all(bytes, size);
    vips_image_set_blob_copy(image, VIPS_META_ICC_NAME, bytes, size);
    g_free(bytes);
    vips_area_unref(VIPS_AREA(blob));
}

static void test_profile(unsigned i, apr_pool_t *pool)
{
    const iiif_dims_t dims = { 40, 30 };
    VipsImage *image = picture(dims, profiles[i].bands);
    const iiif_source_t *source;
    const void *own;
    size_t size;

    if (profiles[i].bands == 4 && !strcmp(profiles[i].profile, "cmyk"))
        image->Type = VIPS_INTERPRETATION_CMYK;
    add_profile(image, profiles[i].profile);
    if (vips_image_get_blob(image, VIPS_META_ICC_NAME, &own, &size))
        abort();
    g_object_ref(image);
    source = open_source(write_image(profiles[i].name, image, NULL, pool), pool);
    ok(source
           && (profiles[i].counts
                   ? source->profile_size == size && !memcmp(source->profile, own, size)
                   : !source->profile && !source->profile_size),
       "  its profile %s", profiles[i].counts ? "counts" : "makes no difference");
    ok(source && weighs_right(source), "  and weighs as much as it is long");
    g_object_unref(image);
}

/* -- refusals ------------------------------------------------------------------------------------
 */

static const char *write_text(const char *name, const void *content, apr_size_t len,
                              apr_pool_t *pool)
{
    const char *path = path_of(name, pool);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    if (write(fd, content, len) != (ssize_t)len)
        ok(0, "%s cannot be written", path);
    close(fd);
    return path;
}

static void test_refused(unsigned i, apr_pool_t *pool)
{
    const iiif_source_rules_t own = { .formats = refused[i].formats,
                                      .max_pixels = refused[i].max_pixels };
    const char *path = path_of(refused[i].name, pool);
    iiif_source_t *source = NULL;
    iiif_err_t err = { "" };
    apr_status_t rv;

    if (refused[i].content)
        write_text(refused[i].name, refused[i].content, strlen(refused[i].content), pool);
    rv = iiif_source_open(&source, path, refused[i].page, &own, &err, pool);
    ok(rv == refused[i].want && !rv == !!source && !rv == !*err.text, "'%s' page %u: %d %s",
       refused[i].name, refused[i].page, rv, err.text);
}

/* An upload that broke off: as long as the whole, but zeros at its end. */
static void test_zeros(apr_pool_t *pool)
{
    static unsigned char bytes[1 << 20];
    const iiif_source_rules_t rules = { .formats = ANY };
    iiif_source_t *source = NULL;
    int fd = open(path_of("a.gif", pool), O_RDONLY);
    ssize_t len = read(fd, bytes, sizeof(bytes));

    close(fd);
    if (!ok(len > 200 && len < (ssize_t)sizeof(bytes), "a GIF of %d bytes", (int)len))
        return;
    memset(bytes + len - 64, 0, 64);
    ok(iiif_source_open(&source, write_text("zeros.gif", bytes, (size_t)len, pool), 1, &rules, NULL,
                        pool)
               == IIIF_EBADSOURCE
           && !source,
       "that ends in zeros is refused");
    bytes[len - 64] = 1;
    ok(iiif_source_open(&source, write_text("zeros.gif", bytes, (size_t)len, pool), 1, &rules, NULL,
                        pool)
           == APR_SUCCESS,
       "63 of them may be picture");
}

static void test_rules(apr_pool_t *pool)
{
    const iiif_source_t *source = open_source(path_of("a.jpg", pool), pool);
    static const struct {
        iiif_source_rules_t rules;
        apr_status_t want;
    } checks[] = {
        { { .formats = ANY }, APR_SUCCESS },
        { { .formats = 1u << IIIF_SOURCE_JPEG, .max_pixels = 301 * 203 }, APR_SUCCESS },
        { { .formats = ANY, .max_pixels = 301 * 203 - 1 }, IIIF_ETOOBIG },
        { { .formats = ANY & ~(1u << IIIF_SOURCE_JPEG) }, IIIF_EBADSOURCE },
        { { .formats = 0 }, IIIF_EBADSOURCE },
    };
    unsigned i;

    for (i = 0; source && i < ROWS(checks); ++i) {
        iiif_err_t err = { "" };
        apr_status_t rv = iiif_source_check(source, &checks[i].rules, &err);

        ok(rv == checks[i].want && !rv == !*err.text, "formats %#x, at most %d pixels: %d %s",
           checks[i].rules.formats, (int)checks[i].rules.max_pixels, rv, err.text);
    }
}

/* -- the file afterwards -------------------------------------------------------------------------
 */

static void test_check_file(apr_pool_t *pool)
{
    const char *path = write_image("changing.png", picture(sides, 3), NULL, pool);
    const char *other = write_image("next.png", picture(sides, 3), NULL, pool);
    const iiif_source_t *source = open_source(path, pool);

    if (!source)
        return;
    apr_file_mtime_set(other, source->stamp.mtime, pool);
    ok(iiif_source_check_file(source) == APR_SUCCESS, "a file that nobody touched is the same");
    apr_file_mtime_set(path, source->stamp.mtime + 1, pool);
    ok(iiif_source_check_file(source) == IIIF_ECHANGED, "a microsecond later, it is not");
    apr_file_mtime_set(path, source->stamp.mtime, pool);
    ok(iiif_source_check_file(source) == IIIF_ECHANGED, "nor when its time is put back");
    ok(!truncate(path, source->stamp.size - 1)
           && apr_file_mtime_set(path, source->stamp.mtime, pool) == APR_SUCCESS
           && iiif_source_check_file(source) == IIIF_ECHANGED,
       "one byte less");
    ok(!rename(other, path) && stamp_of(path, pool).size == source->stamp.size
           && stamp_of(path, pool).mtime == source->stamp.mtime
           && iiif_source_check_file(source) == IIIF_ECHANGED,
       "another file, as long and as old");
    ok(!unlink(path) && APR_STATUS_IS_ENOENT(iiif_source_check_file(source)), "no file");
}

/* A symbolic link that is turned to another image while the file is held, and back. */
static void test_hold(apr_pool_t *pool)
{
    const char *first = write_image("first.png", picture(sides, 3), NULL, pool);
    const char *second = write_image("second.png", picture(sides, 3), NULL, pool);
    const char *link = apr_pstrcat(pool, first, ".link.png", NULL);
    const iiif_source_t *source = symlink(first, link) ? NULL : open_source(link, pool);
    iiif_held_source_t held, other;
    struct stat is;
    iiif_err_t err;

    if (!ok(source && iiif_source_hold(&held, source, &err) == APR_SUCCESS, "a file is held"))
        return;
    ok(!unlink(link) && !symlink(second, link)
           && iiif_source_hold(&other, source, &err) == IIIF_ECHANGED,
       "its name is another one's: that is not the source");
    ok(!stat(held.source.file, &is) && is.st_ino == source->stamp.inode
           && iiif_source_check_file(&held.source) == APR_SUCCESS,
       "what is held is still the first");
    iiif_source_let_go(&held);
    ok(!unlink(link) && iiif_source_hold(&other, source, &err) == IIIF_ECHANGED, "no file");
}

int main(void)
{
    apr_pool_t *pool = begin_images("source_test");
    unsigned i;

    for (i = 0; i < ROWS(files); ++i)
        test_file(i, pool);
    for (i = 0; i < ROWS(profiles); ++i)
        test_profile(i, pool);
    for (i = 0; i < ROWS(refused); ++i)
        test_refused(i, pool);
    test_zeros(pool);
    test_rules(pool);
    test_check_file(pool);
    test_hold(pool);
    end_images(pool);
    return done_testing();
}
