/* SPDX-License-Identifier: Apache-2.0 */
#include "image/raw_tile.h"

#include <apr_file_io.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <tiffio.h>

#include "images.h"

/* -- tiles that lie ------------------------------------------------------------------------------
 */

#define STREAM_MAX 65536

/* The bytes of a tile, on their way to something else. */
typedef struct stream_t {
    unsigned char bytes[STREAM_MAX];
    apr_size_t len;
} stream_t;

typedef struct piece_t {
    const char *bytes;
    apr_size_t len;
} piece_t;

#define PIECE(text)                                                                                \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
#define ADOBE(transform)                                                                           \
    PIECE("\xff\xee\0\x0e"                                                                         \
          "Adobe\0\x64\0\0\0\0" transform)

/* clang-format off */
static const struct {
    const char *name;
    int bands;
    const char *options;
} files[] = {
    { "ycc.tif",  3, "[tile,tile-width=64,tile-height=48,compression=jpeg,Q=75]" },
    { "rgb.tif",  3, "[tile,tile-width=64,tile-height=48,compression=jpeg,Q=95]" },
    { "gray.tif", 1, "[tile,tile-width=64,tile-height=48,compression=jpeg,Q=75]" },
    { "webp.tif", 3, "[tile,tile-width=64,tile-height=48,compression=webp,Q=75]" },
    { "lossless.tif", 3, "[tile,tile-width=64,tile-height=48,compression=webp,lossless]" },
    { "rgba.tif", 4, "[tile,tile-width=64,tile-height=48,compression=webp,Q=75]" },
};
enum { YCC_FILE, RGB_FILE, GRAY_FILE, WEBP_FILE, LOSSLESS_FILE, RGBA_FILE };

/* What is done to a tile of a JPEG file: a segment put in behind SOI; bytes at a place in the frame,
 * from its marker; bytes in the middle, behind the header; bytes at the end, of which some are
 * dropped first. */
static const struct {
    const char *what;
    int file, sound;
    piece_t inserted;
    struct { unsigned at; piece_t with; } frame;
    piece_t middle;
    struct { unsigned dropped; piece_t with; } end;
} lies[] = {
    { "nothing", YCC_FILE, 1, { NULL, 0 }, { 0, { NULL, 0 } }, { NULL, 0 }, { 0, { NULL, 0 } } },
    { "nothing", RGB_FILE, 1, { NULL, 0 }, { 0, { NULL, 0 } }, { NULL, 0 }, { 0, { NULL, 0 } } },
    { "nothing", GRAY_FILE, 1, { NULL, 0 }, { 0, { NULL, 0 } }, { NULL, 0 }, { 0, { NULL, 0 } } },
#define END(n, text) { NULL, 0 }, { 0, { NULL, 0 } }, { NULL, 0 }, { n, PIECE(text) }
    { "a zero that pads", YCC_FILE, 1, END(0, "\0") },
    { "a byte behind its end", YCC_FILE, 0, END(0, "\1") },
    { "two zeros", YCC_FILE, 0, END(0, "\0\0") },
    { "another tile's start", YCC_FILE, 0, END(0, "\xff\xd8") },
    { "its end twice", YCC_FILE, 0, END(0, "\xff\xd9") },
    { "no end", YCC_FILE, 0, END(2, "") },
    { "half an end", YCC_FILE, 0, END(1, "") },
    { "fill bytes before its end", YCC_FILE, 1, END(2, "\xff\xff\xff\xd9") },
    { "a segment cut short", YCC_FILE, 0, END(2, "\xff\xda\0") },
    { "a segment that is longer than the rest", YCC_FILE, 0, END(2, "\xff\xda\xff\xff\xff\xd9") },
#undef END
#define MIDDLE(text) { NULL, 0 }, { 0, { NULL, 0 } }, PIECE(text), { 0, { NULL, 0 } }
    { "an end in its middle", YCC_FILE, 0, MIDDLE("\xff\xd9") },
    { "a start in its middle", YCC_FILE, 0, MIDDLE("\xff\xd8") },
    { "a frame in its middle", YCC_FILE, 0, MIDDLE("\xff\xc0") },
#undef MIDDLE
#define FRAME(at, text) { NULL, 0 }, { at, PIECE(text) }, { NULL, 0 }, { 0, { NULL, 0 } }
    { "progressive", YCC_FILE, 0, FRAME(0, "\xff\xc2") },
    { "arithmetic", YCC_FILE, 0, FRAME(0, "\xff\xc9") },
    { "12 bits", YCC_FILE, 0, FRAME(4, "\x0c") },
    { "fewer rows", YCC_FILE, 0, FRAME(5, "\0\x2f") },
    { "more rows", GRAY_FILE, 0, FRAME(5, "\0\x31") },
    { "fewer columns", YCC_FILE, 0, FRAME(7, "\0\x3f") },
    { "no columns", YCC_FILE, 0, FRAME(7, "\0\0") },
    { "two components", YCC_FILE, 0, FRAME(9, "\2") },
    { "another sampling", YCC_FILE, 0, FRAME(11, "\x21") },
    { "a sampling of no samples", YCC_FILE, 0, FRAME(11, "\x02") },
    { "a sampling that one component cannot show", GRAY_FILE, 1, FRAME(11, "\x22") },
    { "a frame of no known kind", YCC_FILE, 0, FRAME(0, "\xff\x02") },
#undef FRAME
#define INSERTED(piece) piece, { 0, { NULL, 0 } }, { NULL, 0 }, { 0, { NULL, 0 } }
    { "JFIF", YCC_FILE, 1, INSERTED(PIECE("\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0")) },
    { "JFIF", RGB_FILE, 0, INSERTED(PIECE("\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0")) },
    { "Adobe's YCbCr", YCC_FILE, 1, INSERTED(ADOBE("\1")) },
    { "Adobe's YCbCr", RGB_FILE, 0, INSERTED(ADOBE("\1")) },
    { "Adobe's RGB", YCC_FILE, 0, INSERTED(ADOBE("\0")) },
    { "Adobe's RGB", RGB_FILE, 1, INSERTED(ADOBE("\0")) },
    { "Exif", YCC_FILE, 0, INSERTED(PIECE("\xff\xe1\0\x08" "Exif\0\0")) },
    { "a profile", RGB_FILE, 0, INSERTED(PIECE("\xff\xe2\0\x0e" "ICC_PROFILE\0")) },
    { "a comment", YCC_FILE, 1, INSERTED(PIECE("\xff\xfe\0\4hi")) },
    { "a segment beyond its end", YCC_FILE, 0, INSERTED(PIECE("\xff\xfe\xff\xff")) },
    { "text", GRAY_FILE, 0, INSERTED(PIECE("text")) },
    { "zeros", GRAY_FILE, 0, INSERTED(PIECE("\0\0\0\0")) },
#undef INSERTED
};
/* clang-format on */

#define SIDES                                                                                      \
    {                                                                                              \
        150, 100                                                                                   \
    }
#define ONE 4 /* the tile that is lied about, in the middle of 3x3 */

static const char *make_file(unsigned i, apr_pool_t *pool)
{
    return write_image(files[i].name, picture((iiif_dims_t)SIDES, files[i].bands), files[i].options,
                       pool);
}

static void settle(const char *path, apr_pool_t *pool)
{
    if (apr_file_mtime_set(path, apr_time_now() - apr_time_from_sec(60), pool) != APR_SUCCESS)
        ok(0, "%s cannot be made older", path);
}

static iiif_source_t *open_raw(const char *path, apr_pool_t *pool)
{
    static const iiif_source_rules_t rules = { .formats = 1u << IIIF_SOURCE_TIFF };
    iiif_source_t *source;
    iiif_err_t err = { "" };

    if (iiif_source_open(&source, path, 1, &rules, &err, pool) == APR_SUCCESS && source->fd >= 0
        && source->levels[0].raw)
        return source;
    ok(0, "%s has raw levels %s", path, err.text);
    end_images(pool);
    exit(done_testing());
}

static iiif_raw_tile_t tile_of(const iiif_source_t *source, apr_uint32_t index)
{
    return (iiif_raw_tile_t){ .level = source->levels[0].raw, .index = index };
}

/* As libtiff reads it. */
static void read_stream(stream_t *stream, const char *path, apr_uint32_t index)
{
    TIFF *file = TIFFOpen(path, "r");
    tmsize_t len = TIFFReadRawTile(file, index, stream->bytes, sizeof(stream->bytes));

    TIFFClose(file);
    stream->len = len > 0 ? (apr_size_t)len : 0;
}

static void put_in(stream_t *stream, apr_size_t at, piece_t piece)
{
    memmove(stream->bytes + at + piece.len, stream->bytes + at, stream->len - at);
    memcpy(stream->bytes + at, piece.bytes ? piece.bytes : "", piece.len);
    stream->len += piece.len;
}

static void lie(stream_t *stream, unsigned i)
{
    unsigned char *frame = memmem(stream->bytes, stream->len, "\xff\xc0", 2);

    stream->len -= lies[i].end.dropped;
    put_in(stream, stream->len, lies[i].end.with);
    if (frame && lies[i].frame.with.len)
        memcpy(frame + lies[i].frame.at, lies[i].frame.with.bytes, lies[i].frame.with.len);
    if (lies[i].middle.len) /* over what is there, well behind the header */
        memcpy(stream->bytes + stream->len - 20, lies[i].middle.bytes, lies[i].middle.len);
    put_in(stream, 2, lies[i].inserted);
}

/* Put a stream behind all else in the file, which is opened anew, and have its tile lie there. */
static iiif_source_t *with_stream(const char *path, const stream_t *stream, apr_pool_t *pool)
{
    struct stat before = { .st_size = 0 };
    int fd = open(path, O_WRONLY | O_APPEND);
    iiif_source_t *source;

    if (fstat(fd, &before) || write(fd, stream->bytes, stream->len) != (ssize_t)stream->len)
        ok(0, "%s cannot be written", path);
    close(fd);
    settle(path, pool);
    source = open_raw(path, pool);
    source->levels[0].raw->offsets[ONE] = (apr_uint64_t)before.st_size;
    source->levels[0].raw->lengths[ONE] = (apr_uint32_t)stream->len;
    return source;
}

/* Does libvips make 64x48 pixels of it? */
static int decodes(const iiif_bytes_t *bytes)
{
    VipsImage *image = vips_image_new_from_buffer(bytes->data, bytes->len, "", NULL);
    double mean;
    int decoded =
        image && image->Xsize == 64 && image->Ysize == 48 && !vips_avg(image, &mean, NULL);

    g_clear_object(&image);
    return decoded;
}

/* Is @a bytes the stream, made whole by the level's head? */
static int is_whole(const iiif_bytes_t *bytes, const iiif_raw_tile_t *tile, const stream_t *stream)
{
    const iiif_raw_level_t *level = tile->level;

    return bytes->len == iiif_raw_tile_length(tile)
           && bytes->len == level->head_length + stream->len - level->skip
           && !memcmp(bytes->data, level->head, level->head_length)
           && !memcmp((const char *)bytes->data + level->head_length, stream->bytes + level->skip,
                      stream->len - level->skip);
}

static void test_sound(const iiif_source_t *source, const stream_t *stream, const char *what)
{
    const iiif_raw_tile_t tile = tile_of(source, ONE);
    iiif_bytes_t bytes = { NULL, 0 };
    iiif_err_t err = { "" };
    int known = iiif_raw_tile_is_checked(&tile);
    apr_status_t read = iiif_raw_tile_read(&bytes, &tile, source, &err);

    ok(!known && read == APR_SUCCESS && is_whole(&bytes, &tile, stream) && decodes(&bytes)
           && iiif_raw_tile_is_checked(&tile),
       "%s: sent as it is %s", what, err.text);
    iiif_bytes_free(bytes.data);
}

static apr_status_t read_status(const iiif_raw_tile_t *tile, const iiif_source_t *source)
{
    iiif_bytes_t bytes = { NULL, 0 };
    apr_status_t rv = iiif_raw_tile_read(&bytes, tile, source, NULL);

    iiif_bytes_free(bytes.data);
    return rv;
}

static void test_refused(const iiif_source_t *source, const char *what)
{
    const iiif_raw_tile_t tile = tile_of(source, ONE), other = tile_of(source, ONE + 1);
    iiif_bytes_t bytes = { NULL, 77 };
    iiif_err_t err = { "" };

    ok(iiif_raw_tile_read(&bytes, &tile, source, &err) == IIIF_EBADSOURCE && *err.text
           && !bytes.data && bytes.len == 77 && !iiif_raw_tile_is_checked(&tile),
       "%s: refused", what);
    ok(read_status(&other, source) == APR_SUCCESS && iiif_raw_tile_is_checked(&other),
       "  and its neighbour is not");
}

/* A file whose tile is that stream. */
static void test_stream(const char *path, const stream_t *stream, int sound, const char *what,
                        apr_pool_t *pool)
{
    const iiif_source_t *source = with_stream(path, stream, pool);

    if (sound)
        test_sound(source, stream, what);
    else
        test_refused(source, what);
}

static void test_lies(apr_pool_t *parent)
{
    static stream_t stream;
    unsigned i;

    for (i = 0; i < ROWS(lies); ++i) {
        const char *path = path_of(files[lies[i].file].name, parent), *what;
        apr_pool_t *pool;

        apr_pool_create(&pool, parent);
        what = apr_psprintf(pool, "%s in %s", lies[i].what, files[lies[i].file].name);
        read_stream(&stream, path, ONE);
        lie(&stream, i);
        test_stream(path, &stream, lies[i].sound, what, pool);
        apr_pool_destroy(pool);
    }
}

/* RFC 9649: RIFF, its size, WEBP, VP8, its size, three bytes, a start code, width and height; of
 * VP8L, bit 28 behind its signature says that there is alpha. */
static void test_webp_lies(apr_pool_t *pool)
{
    static const struct {
        const char *what;
        int file;
        unsigned at;
        piece_t with;
        int sound;
    } webp_lies[] = {
        { "nothing", WEBP_FILE, 8, PIECE("WEBP"), 1 },
        { "no RIFF", WEBP_FILE, 0, PIECE("RIFX"), 0 },
        { "no WEBP", WEBP_FILE, 8, PIECE("WAVE"), 0 },
        { "another size", WEBP_FILE, 4, PIECE("\x20\0\0\0"), 0 },
        { "a size beyond all", WEBP_FILE, 4, PIECE("\xff\xff\xff\xff"), 0 },
        { "another chunk", WEBP_FILE, 12, PIECE("VP8Z"), 0 },
        { "no start code", WEBP_FILE, 23, PIECE("\0\0\0"), 0 },
        { "another width", WEBP_FILE, 26, PIECE("\x41"), 0 },
        { "another height", WEBP_FILE, 28, PIECE("\x2f"), 0 },
        { "nothing", LOSSLESS_FILE, 20, PIECE("\x2f"), 1 },
        { "another signature", LOSSLESS_FILE, 20, PIECE("\x2e"), 0 },
        { "another width", LOSSLESS_FILE, 21, PIECE("\x3e"), 0 },
        { "alpha", LOSSLESS_FILE, 24, PIECE("\x10"), 0 }, /* its height's highest bits are 0 */
        { "nothing", RGBA_FILE, 12, PIECE("VP8X"), 1 },
        { "a profile", RGBA_FILE, 20, PIECE("\x30"), 0 },
        { "another canvas", RGBA_FILE, 24, PIECE("\x40"), 0 },
    };
    static stream_t stream;
    unsigned i;

    for (i = 0; i < ROWS(webp_lies); ++i) {
        const char *path = path_of(files[webp_lies[i].file].name, pool);
        const char *what =
            apr_psprintf(pool, "%s in %s", webp_lies[i].what, files[webp_lies[i].file].name);

        read_stream(&stream, path, ONE);
        memcpy(stream.bytes + webp_lies[i].at, webp_lies[i].with.bytes, webp_lies[i].with.len);
        test_stream(path, &stream, webp_lies[i].sound, what, pool);
    }
    read_stream(&stream, path_of(files[WEBP_FILE].name, pool), ONE);
    stream.len = 29;
    test_refused(with_stream(path_of(files[WEBP_FILE].name, pool), &stream, pool),
                 "29 bytes of a WebP");
}

/* 2.7: VP8X, its size, flags, 24 bits of nothing, width and height less one. In front of the chunk
 * of a tile, and perhaps one more between. */
#define VP8X(flags) "VP8X\x0a\0\0\0" flags "\0\0\0\x3f\0\0\x2f\0\0"

static void test_webp_features(apr_pool_t *pool)
{
    static const struct {
        const char *what;
        int file;
        piece_t inserted;
        int sound;
    } features[] = {
        { "no feature", WEBP_FILE, PIECE(VP8X("\0")), 1 },
        { "no feature", LOSSLESS_FILE, PIECE(VP8X("\0")), 1 },
        { "a profile", WEBP_FILE, PIECE(VP8X("\x20")), 0 },
        { "alpha", WEBP_FILE, PIECE(VP8X("\x10")), 0 },
        { "EXIF", WEBP_FILE, PIECE(VP8X("\x08")), 0 },
        { "XMP", WEBP_FILE, PIECE(VP8X("\x04")), 0 },
        { "animation", LOSSLESS_FILE, PIECE(VP8X("\x02")), 0 },
        { "alpha unsaid", WEBP_FILE, PIECE(VP8X("\0") "ALPH\x02\0\0\0\0\x80"), 0 },
    };
    static stream_t stream;
    unsigned i;

    for (i = 0; i < ROWS(features); ++i) {
        const char *path = path_of(files[features[i].file].name, pool);
        const char *what = apr_psprintf(pool, "%s, of %s", features[i].what, path);
        apr_size_t size;

        read_stream(&stream, path, ONE);
        put_in(&stream, 12, features[i].inserted);
        size = stream.len - 8;
        stream.bytes[4] = (unsigned char)(size & 0xff);
        stream.bytes[5] = (unsigned char)(size >> 8 & 0xff);
        test_stream(path, &stream, features[i].sound, what, pool);
    }
}

/* A tile that has been found right is not looked at again, as long as the file is the same. */
static void test_checked_once(apr_pool_t *pool)
{
    static stream_t stream;
    const char *path = path_of(files[GRAY_FILE].name, pool);
    const iiif_source_t *source;
    iiif_raw_tile_t tile;

    read_stream(&stream, path, ONE);
    source = with_stream(path, &stream, pool);
    tile = tile_of(source, ONE);
    ok(read_status(&tile, source) == APR_SUCCESS, "a tile is right");
    tile.level->lengths[ONE]--;
    ok(read_status(&tile, source) == APR_SUCCESS, "  and known to be");
    tile.index = ONE + 1;
    tile.level->lengths[ONE + 1]--;
    ok(read_status(&tile, source) == IIIF_EBADSOURCE, "  which says nothing of others");
}

/* -- files that change ---------------------------------------------------------------------------
 */

static void touch(const char *path, apr_pool_t *pool)
{
    apr_file_mtime_set(path, apr_time_now() - apr_time_from_sec(30), pool);
}

static void append(const char *path, apr_pool_t *pool)
{
    int fd = open(path, O_WRONLY | O_APPEND);

    ok(write(fd, "", 1) == 1, "a byte more");
    close(fd);
    settle(path, pool);
}

static void cut(const char *path, apr_pool_t *pool)
{
    ok(!truncate(path, 200), "200 bytes are left");
    settle(path, pool);
}

static void empty(const char *path, apr_pool_t *pool)
{
    ok(!truncate(path, 0), "nothing is left");
    touch(path, pool);
}

static void replace(const char *path, apr_pool_t *pool)
{
    ok(!unlink(path), "another file takes its place");
    make_file(YCC_FILE, pool);
}

static const struct {
    const char *what;
    void (*change)(const char *path, apr_pool_t *pool);
    apr_status_t want;
} changes[] = {
    { "written to", touch, IIIF_ECHANGED }, { "appended to", append, IIIF_ECHANGED },
    { "cut", cut, IIIF_ECHANGED },          { "emptied", empty, IIIF_ECHANGED },
    { "replaced", replace, APR_SUCCESS }, /* who has the old one open, goes on reading it */
};

/* Before and after the tile has been found right; as stored, and turned. */
static void test_change(unsigned i, int known, apr_pool_t *pool)
{
    const char *path = make_file(YCC_FILE, pool);
    const iiif_source_t *source = open_raw(path, pool);
    iiif_raw_tile_t tile = tile_of(source, ONE);
    iiif_bytes_t bytes = { NULL, 0 }, turned = { NULL, 0 };
    iiif_err_t err = { "" };
    apr_status_t rv;

    if (known)
        ok(read_status(&tile, source) == APR_SUCCESS, "a tile is known");
    changes[i].change(path, pool);
    rv = iiif_raw_tile_read(&bytes, &tile, source, &err);
    ok(rv == changes[i].want && !rv == !*err.text && !rv == !!bytes.data, "%s: read %d %s",
       changes[i].what, rv, err.text);
    tile.changed = tile.change.gray = 1;
    rv = iiif_raw_tile_read(&turned, &tile, source, NULL);
    ok(rv == changes[i].want && !rv == !!turned.data, "%s: read in gray %d", changes[i].what, rv);
    ok(!turned.data || (decodes(&turned) && turned.len < bytes.len),
       "  and it is gray, or nothing");
    iiif_bytes_free(bytes.data);
    iiif_bytes_free(turned.data);
}

int main(void)
{
    apr_pool_t *pool = begin_images("raw_tile_test");
    unsigned i;

    for (i = 0; i < ROWS(files); ++i)
        make_file(i, pool);
    test_lies(pool);
    test_webp_lies(pool);
    test_webp_features(pool);
    test_checked_once(pool);
    for (i = 0; i < ROWS(changes); ++i) {
        test_change(i, 0, pool);
        test_change(i, 1, pool);
    }
    end_images(pool);
    return done_testing();
}
