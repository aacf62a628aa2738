/* SPDX-License-Identifier: Apache-2.0 */
#include "image/jp2.h"

#include <apr_general.h>
#include <math.h>
#include <openjpeg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/vips_process.h"
#include "tap.h"

#define PROFILE "not read, only handed on"

/* A file, as OpenJPEG's encoder is asked for it; 0: the encoder's default. */
typedef struct made_t {
    const char *name;
    iiif_dims_t dims;
    unsigned components, precision;
    OPJ_COLOR_SPACE space;
    unsigned tile, precinct; /* sides */
    OPJ_PROG_ORDER order;
    unsigned x0, y0;
    int lossy, profile, is_signed, subsampled, bare;
    unsigned windows; /* of each level; 0: WINDOWS */
    apr_status_t want;
} made_t;

/* clang-format off */
static const made_t cases[] = {
    { "one tile",             { 261, 197 }, 3,  8, OPJ_CLRSPC_SRGB, .want = APR_SUCCESS },
    { "precincts, RPCL",      { 261, 197 }, 3,  8, OPJ_CLRSPC_SRGB, .precinct = 64, .order = OPJ_RPCL },
    { "precincts, PCRL",      { 200, 151 }, 3,  8, OPJ_CLRSPC_SRGB, .precinct = 64, .order = OPJ_PCRL },
    { "precincts, lossy",     { 261, 197 }, 3,  8, OPJ_CLRSPC_SRGB, .precinct = 64, .order = OPJ_RPCL, .lossy = 1 },
    { "tiles",                { 261, 197 }, 3,  8, OPJ_CLRSPC_SRGB, .tile = 128 },
    { "tiles of odd sides",   { 301, 203 }, 3,  8, OPJ_CLRSPC_SRGB, .tile = 100 },
    { "tiles and precincts",  { 261, 197 }, 3,  8, OPJ_CLRSPC_SRGB, .tile = 128, .precinct = 64, .order = OPJ_RPCL, .lossy = 1 },
    { "a bare codestream",    { 130, 257 }, 3,  8, OPJ_CLRSPC_SRGB, .bare = 1 },
    { "gray",                 { 150, 101 }, 1,  8, OPJ_CLRSPC_GRAY, .tile = 64 },
    { "16 bits",              { 150, 101 }, 3, 16, OPJ_CLRSPC_SRGB, .precinct = 64 },
    { "gray of 16 bits",      { 150, 101 }, 1, 16, OPJ_CLRSPC_GRAY, .want = APR_SUCCESS },
    { "alpha",                { 150, 101 }, 4,  8, OPJ_CLRSPC_SRGB, .want = APR_SUCCESS },
    { "a profile",            { 200, 100 }, 3,  8, OPJ_CLRSPC_SRGB, .profile = 1 },
    { "a gray one's profile", { 200, 100 }, 1,  8, OPJ_CLRSPC_GRAY, .profile = 1, .tile = 64 },
    { "two bands",            { 2207, 2001 }, 1, 8, OPJ_CLRSPC_GRAY, .tile = 1024, .windows = 1 },
    { "a row",                { 523, 1 },   3,  8, OPJ_CLRSPC_SRGB, .want = APR_SUCCESS },
    { "a dot",                { 1, 1 },     3,  8, OPJ_CLRSPC_SRGB, .want = APR_SUCCESS },
    { "an offset",            { 261, 197 }, 3,  8, OPJ_CLRSPC_SRGB, .x0 = 64, .y0 = 32 },
    { "an offset, in tiles",  { 261, 197 }, 3,  8, OPJ_CLRSPC_SRGB, .x0 = 16, .y0 = 48, .tile = 128, .precinct = 64 },
    { "an odd offset",        { 261, 197 }, 3,  8, OPJ_CLRSPC_SRGB, .x0 = 17, .y0 = 9 },
    { "an odd one, in tiles", { 261, 197 }, 3,  8, OPJ_CLRSPC_SRGB, .x0 = 17, .y0 = 9, .tile = 100, .bare = 1 },
    { "sYCC",                 { 200, 100 }, 3,  8, OPJ_CLRSPC_SYCC, .want = APR_SUCCESS },
    { "sYCC of 12 bits",      { 200, 100 }, 3, 12, OPJ_CLRSPC_SYCC, .want = APR_SUCCESS },
    { "12 bits",              { 200, 100 }, 3, 12, OPJ_CLRSPC_SRGB, .want = APR_SUCCESS },
    { "12 bits, an offset",   { 200, 100 }, 3, 12, OPJ_CLRSPC_SRGB, .x0 = 17, .y0 = 9, .tile = 64 },
    { "9 bits, bare",         { 150, 101 }, 1,  9, OPJ_CLRSPC_GRAY, .bare = 1 },
    { "4 bits",               { 150, 101 }, 1,  4, OPJ_CLRSPC_GRAY, .tile = 64 },
    { "5 bits",               { 150, 101 }, 3,  5, OPJ_CLRSPC_SRGB, .want = APR_SUCCESS },
    { "1 bit",                { 150, 101 }, 1,  1, OPJ_CLRSPC_GRAY, .want = APR_SUCCESS },
    { "CMYK",                 { 150, 101 }, 4,  8, OPJ_CLRSPC_CMYK, .bare = 0 },
    { "subsampled sYCC",      { 200, 100 }, 3,  8, OPJ_CLRSPC_SYCC, .subsampled = 1 },
    { "subsampled, odd",      { 261, 197 }, 3,  8, OPJ_CLRSPC_SYCC, .subsampled = 1 },
    { "subsampled, tiles",    { 261, 197 }, 3,  8, OPJ_CLRSPC_SYCC, .subsampled = 1, .tile = 64 },
    { "subsampled, unnamed",  { 131, 97 },  3,  8, OPJ_CLRSPC_UNSPECIFIED, .subsampled = 1, .bare = 1 },
    { "subsampled, offset",   { 131, 97 },  3,  8, OPJ_CLRSPC_SYCC, .subsampled = 1, .x0 = 17, .y0 = 9 },
    { "subsampled, 12 bits",  { 131, 97 },  3, 12, OPJ_CLRSPC_SYCC, .subsampled = 1, .x0 = 8, .y0 = 5, .tile = 50 },
    { "subsampled RGB",       { 200, 100 }, 3,  8, OPJ_CLRSPC_SRGB, .subsampled = 1 },
    { "signed samples",       { 200, 100 }, 1,  8, OPJ_CLRSPC_GRAY, .is_signed = 1, .want = IIIF_ENOTIMPL },
    { "signed, an offset",    { 200, 100 }, 1,  8, OPJ_CLRSPC_GRAY, .is_signed = 1, .x0 = 3, .want = IIIF_EBADSOURCE },
    { "six components",       { 200, 100 }, 6,  8, OPJ_CLRSPC_SRGB, .want = IIIF_ENOTIMPL },
};
/* clang-format on */

#define RESOLUTIONS 5

static char directory[] = "/tmp/iiif-jp2-XXXXXX";

/* A small generator, the same everywhere: Numerical Recipes' LCG. */
static unsigned next(unsigned *state, unsigned below)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % below;
}

/* What was stored: smooth enough to be a picture, and no row or column like another. */
static int sample(const made_t *made, unsigned component, unsigned x, unsigned y)
{
    const unsigned value = (x * 3 + y * 5 + component * 40 + (x / 7 + y / 11) % 3 * 17) & 255;

    return made->precision > 8 ? (int)((value * 256 + (x * y & 255)) >> (16 - made->precision))
                               : (int)(value >> (8 - made->precision) >> made->is_signed);
}

/* ISO 15444-1, B-2: what a component has of a length behind an offset */
static unsigned side(unsigned from, unsigned length, unsigned step)
{
    return (from + length + step - 1) / step - (from + step - 1) / step;
}

static opj_image_t *picture(const made_t *made)
{
    opj_image_cmptparm_t parameters[8];
    opj_image_t *image;
    unsigned i, x, y;

    memset(parameters, 0, sizeof(parameters));
    for (i = 0; i < made->components; ++i) {
        const unsigned step = made->subsampled && i ? 2 : 1;

        parameters[i] = (opj_image_cmptparm_t){ .dx = step,
                                                .dy = step,
                                                .w = side(made->x0, made->dims.width, step),
                                                .h = side(made->y0, made->dims.height, step),
                                                .x0 = made->x0,
                                                .y0 = made->y0,
                                                .prec = made->precision,
                                                .sgnd = (unsigned)made->is_signed };
    }
    image = opj_image_create(made->components, parameters, made->space);
    image->x0 = made->x0;
    image->y0 = made->y0;
    image->x1 = made->x0 + made->dims.width;
    image->y1 = made->y0 + made->dims.height;
    for (i = 0; i < made->components; ++i)
        for (y = 0; y < image->comps[i].h; ++y)
            for (x = 0; x < image->comps[i].w; ++x)
                image->comps[i].data[y * image->comps[i].w + x] = sample(made, i, x, y);
    return image;
}

/* The encoder makes no level of less than a pixel. */
static int resolutions_of(const made_t *made)
{
    const unsigned side =
        made->dims.width < made->dims.height ? made->dims.width : made->dims.height;
    int count = RESOLUTIONS;

    while (side >> (count - 1) == 0)
        --count;
    return count;
}

static opj_cparameters_t asked(const made_t *made)
{
    opj_cparameters_t p;
    int i;

    opj_set_default_encoder_parameters(&p);
    p.tcp_numlayers = 1;
    p.tcp_rates[0] = made->lossy ? 6 : 0;
    p.cp_disto_alloc = 1;
    p.irreversible = made->lossy;
    p.numresolution = resolutions_of(made);
    p.prog_order = made->order;
    p.tile_size_on = made->tile > 0;
    p.cp_tdx = p.cp_tdy = (int)made->tile;
    p.tcp_mct = made->components == 3 && !made->subsampled;
    for (i = 0; made->precinct && i < RESOLUTIONS; ++i) {
        p.csty = 1;
        p.prcw_init[i] = p.prch_init[i] = (int)made->precinct;
        p.res_spec = i + 1;
    }
    return p;
}

static int encode(const made_t *made, const char *path)
{
    const int bare = made->bare || made->profile;
    opj_cparameters_t parameters = asked(made);
    opj_image_t *image = picture(made);
    opj_codec_t *codec = opj_create_compress(bare ? OPJ_CODEC_J2K : OPJ_CODEC_JP2);
    opj_stream_t *stream = opj_stream_create_default_file_stream(path, OPJ_FALSE);
    int done = stream && opj_setup_encoder(codec, &parameters, image)
               && opj_start_compress(codec, image, stream) && opj_encode(codec, stream)
               && opj_end_compress(codec, stream);

    opj_stream_destroy(stream);
    opj_destroy_codec(codec);
    opj_image_destroy(image);
    return done;
}

/* Without the fsync() of g_file_set_contents(): two thousand files are written here. */
static int put(const char *path, const char *bytes, gssize length)
{
    unlink(path); /* it would not be cut */
    return g_file_set_contents_full(path, bytes, length, G_FILE_SET_CONTENTS_NONE, 0600, NULL);
}

/* ISO 15444-1, I.4: length, type, contents. */
static void add_box(GByteArray *file, const char *type, const void *contents, gsize length)
{
    const guint32 size = GUINT32_TO_BE((guint32)(8 + length));

    g_byte_array_append(file, (const guint8 *)&size, 4);
    g_byte_array_append(file, (const guint8 *)type, 4);
    g_byte_array_append(file, contents, (guint)length);
}

/* OpenJPEG's encoder (2.5.0) writes no profile. */
static int add_profile(const made_t *made, const char *path)
{
    const guint32 sides[] = { GUINT32_TO_BE(made->dims.height), GUINT32_TO_BE(made->dims.width) };
    const guint8 depth[] = { 0, (guint8)made->components, (guint8)(made->precision - 1), 7, 0, 0 };
    GByteArray *file = g_byte_array_new(), *header = g_byte_array_new(), *b = g_byte_array_new();
    char *stream;
    gsize length;
    int done;

    g_byte_array_append(b, (const guint8 *)sides, sizeof(sides));
    g_byte_array_append(b, depth, sizeof(depth));
    add_box(header, "ihdr", b->data, b->len);
    add_box(header, "colr", "\2\0\0" PROFILE, 3 + sizeof(PROFILE));
    add_box(file, "jP  ", "\r\n\x87\n", 4);
    add_box(file, "ftyp", "jp2 \0\0\0\0jp2 ", 12);
    add_box(file, "jp2h", header->data, header->len);
    done = g_file_get_contents(path, &stream, &length, NULL);
    add_box(file, "jp2c", stream, length);
    done = done && put(path, (char *)file->data, file->len);
    g_free(stream);
    g_byte_array_unref(file);
    g_byte_array_unref(header);
    g_byte_array_unref(b);
    return done;
}

static int make(const made_t *made, const char *path)
{
    return encode(made, path) && (!made->profile || add_profile(made, path));
}

/* A level by libvips, decoded as a whole. */
static VipsImage *by_libvips(const iiif_source_t *source, const iiif_level_t *level)
{
    VipsImage *opened = NULL, *held;

    if (vips_jp2kload(source->path, &opened, "page", level->page, NULL))
        return NULL;
    held = vips_image_copy_memory(opened);
    g_object_unref(opened);
    return held;
}

static int sample_at(const VipsImage *image, size_t at)
{
    return image->BandFmt == VIPS_FORMAT_USHORT
               ? ((const unsigned short *)(const void *)image->data)[at]
               : image->data[at];
}

/* A level by OpenJPEG, decoded as a whole, as planes. */
static opj_image_t *by_openjpeg(const made_t *made, const iiif_source_t *source, int level)
{
    const OPJ_CODEC_FORMAT format = made->bare ? OPJ_CODEC_J2K : OPJ_CODEC_JP2;
    opj_codec_t *codec = opj_create_decompress(format);
    opj_stream_t *stream = opj_stream_create_default_file_stream(source->path, OPJ_TRUE);
    opj_dparameters_t parameters;
    opj_image_t *image = NULL;

    opj_set_default_decoder_parameters(&parameters);
    parameters.cp_reduce = (unsigned)level;
    if (!opj_setup_decoder(codec, &parameters) || !opj_read_header(stream, codec, &image)
        || !opj_set_decode_area(codec, image, 0, 0, 0, 0) || !opj_decode(codec, stream, image)) {
        opj_image_destroy(image);
        image = NULL;
    }
    opj_stream_destroy(stream);
    opj_destroy_codec(codec);
    return image;
}

/* The sample of a component for pixel x, y of a level: the one at or before it, or else the first.
 */
static int plane_at(const opj_image_t *planes, unsigned i, int level, unsigned x, unsigned y)
{
    const opj_image_comp_t *c = &planes->comps[i];
    const unsigned scale = 1u << level;
    const unsigned column = (side(0, planes->x0, scale) + x) / c->dx;
    const unsigned row = (side(0, planes->y0, scale) + y) / c->dy;
    const unsigned left = side(0, side(0, planes->x0, c->dx), scale);
    const unsigned top = side(0, side(0, planes->y0, c->dy), scale);

    return c
        ->data[(size_t)(row > top ? row - top : 0) * c->w + (column > left ? column - left : 0)];
}

static int within(double value, double top)
{
    return (int)(value < 0 ? 0 : value > top ? top : value);
}

/* IEC 61966-2-1, amendment 1. The term is cut, as opj_decompress and libvips do. */
static int red_green_blue(const opj_image_t *planes, unsigned i, int level, unsigned x, unsigned y)
{
    const double top = exp2(planes->comps[0].prec) - 1, half = exp2(planes->comps[0].prec - 1);
    const double luma = plane_at(planes, 0, level, x, y);
    const double blue = plane_at(planes, 1, level, x, y) - half;
    const double red = plane_at(planes, 2, level, x, y) - half;
    const double terms[] = { 1.402 * red, -(0.344 * blue + 0.714 * red), 1.772 * blue };

    return within(luma + trunc(terms[i]), top);
}

static int expected_at(const opj_image_t *planes, unsigned i, int level, unsigned x, unsigned y)
{
    const int bare_chroma = planes->color_space == OPJ_CLRSPC_UNSPECIFIED && planes->numcomps == 3
                            && planes->comps[1].dx > 1;
    const int value = planes->color_space == OPJ_CLRSPC_SYCC || bare_chroma
                          ? red_green_blue(planes, i, level, x, y)
                          : plane_at(planes, i, level, x, y);
    const int precision = (int)planes->comps[i].prec;

    return precision > 8 ? value << (16 - precision)
                         : (int)round(value * 255.0 / ((1 << precision) - 1));
}

static int shows_planes(const VipsImage *window, const opj_image_t *planes, int level,
                        iiif_rect_t rect)
{
    apr_uint32_t x, y, i, wrong = 0;

    for (y = 0; y < rect.height; ++y)
        for (x = 0; x < rect.width; ++x)
            for (i = 0; i < planes->numcomps; ++i) {
                const size_t at = ((size_t)y * rect.width + x) * planes->numcomps + i;

                wrong +=
                    sample_at(window, at) != expected_at(planes, i, level, rect.x + x, rect.y + y);
            }
    return !wrong;
}

static int same_kind(const VipsImage *window, const VipsImage *other)
{
    return window->Xsize == other->Xsize && window->Ysize == other->Ysize
           && window->Bands == other->Bands && window->BandFmt == other->BandFmt
           && window->Type == other->Type;
}

/* libvips 8.14 sees no profile where OpenJPEG 2.5.0 tells of it: after decoding. */
static int has_profile(VipsImage *window, int expected)
{
    const void *profile = NULL;
    size_t length = 0;

    if (!vips_image_get_typeof(window, VIPS_META_ICC_NAME))
        return !expected;
    vips_image_get_blob(window, VIPS_META_ICC_NAME, &profile, &length);
    return expected && length == sizeof(PROFILE) && !memcmp(profile, PROFILE, length);
}

/* The whole level, its corners and edges, then anywhere. */
static iiif_rect_t place(iiif_dims_t d, unsigned n, unsigned *state)
{
    iiif_rect_t r = { 0, 0, d.width, d.height };

    if (!n)
        return r;
    r.width = n < 5 ? (d.width < 64 ? d.width : 64) : 1 + next(state, d.width);
    r.height = n < 5 ? (d.height < 64 ? d.height : 64) : 1 + next(state, d.height);
    r.x = n < 5 ? (n & 1) * (d.width - r.width) : next(state, d.width - r.width + 1);
    r.y = n < 5 ? (n - 1) / 2 * (d.height - r.height) : next(state, d.height - r.height + 1);
    return r;
}

#define WINDOWS 10

/* How many windows of a level are no part of it. */
static unsigned wrong_windows(const made_t *made, const iiif_source_t *source,
                              const iiif_level_t *level, const opj_image_t *planes)
{
    unsigned state = 20240517, wrong = 0, n;

    for (n = 0; n < (made->windows ? made->windows : WINDOWS); ++n) {
        const iiif_rect_t rect = place(level->dims, n, &state);
        VipsImage *window = NULL;

        wrong += iiif_jp2_window(&window, source, &(iiif_window_t){ level, 1, rect, NULL }, NULL)
                     != APR_SUCCESS
                 || !shows_planes(window, planes, level->page, rect)
                 || !has_profile(window, made->profile);
        g_clear_object(&window);
    }
    return wrong;
}

/* libvips 8.14 shows a wrong place, or none, of a file with an offset, and of levels whose tiles
 * do not start on whole pixels; leaves less than 8 bits as
 * they are, and YCC without subsampling; refuses most of what is subsampled. */
static int libvips_can(const made_t *made, int level)
{
    return !made->x0 && !made->y0 && !(made->tile & ((1u << level) - 1)) && !made->subsampled
           && made->precision >= 8 && made->space != OPJ_CLRSPC_SYCC;
}

static size_t bytes_of(const VipsImage *image)
{
    return (size_t)image->Xsize * (size_t)image->Ysize * (size_t)image->Bands
           * (image->BandFmt == VIPS_FORMAT_USHORT ? 2 : 1);
}

static int as_libvips(const iiif_source_t *source, const iiif_level_t *level)
{
    const iiif_rect_t all = { 0, 0, level->dims.width, level->dims.height };
    VipsImage *image = by_libvips(source, level), *window = NULL;
    const int same =
        image
        && iiif_jp2_window(&window, source, &(iiif_window_t){ level, 1, all, NULL }, NULL)
               == APR_SUCCESS
        && same_kind(window, image) && !memcmp(window->data, image->data, bytes_of(image));

    g_clear_object(&image);
    g_clear_object(&window);
    return same;
}

/* Samples that are not what was stored. */
static unsigned wrong_samples(const made_t *made, const opj_image_t *planes)
{
    unsigned x, y, i, wrong = 0;

    for (i = 0; i < made->components; ++i)
        for (y = 0; y < planes->comps[i].h; ++y)
            for (x = 0; x < planes->comps[i].w; ++x)
                wrong += planes->comps[i].data[(size_t)y * planes->comps[i].w + x]
                         != sample(made, i, x, y);
    return wrong;
}

static void test_levels(const made_t *made, const iiif_source_t *source)
{
    int k;

    ok(source->level_count == resolutions_of(made), "%s: %d levels", made->name,
       source->level_count);
    for (k = 0; k < source->level_count; ++k) {
        const iiif_level_t *level = &source->levels[k];
        opj_image_t *planes = by_openjpeg(made, source, k);

        if (!ok(planes && planes->comps[0].w == level->dims.width
                    && planes->comps[0].h == level->dims.height,
                "%s: level %d", made->name, k))
            continue;
        ok(!wrong_windows(made, source, level, planes), "  its windows are parts of it");
        if (libvips_can(made, k))
            ok(as_libvips(source, level), "  the whole of it is as libvips loads it");
        if (!k && !made->lossy)
            ok(!wrong_samples(made, planes), "  and what was stored");
        opj_image_destroy(planes);
    }
}

static void test_refusal(const made_t *made, const iiif_source_t *source)
{
    VipsImage *window = NULL;
    iiif_err_t err = { "" };
    const iiif_rect_t rect = { 10, 10, 20, 20 };
    const apr_status_t rv = iiif_jp2_window(
        &window, source, &(iiif_window_t){ &source->levels[0], 1, rect, NULL }, &err);

    ok(rv == made->want && !window && err.text[0], "%s: %s", made->name, err.text);
}

static void test_case(const made_t *made, apr_pool_t *pool)
{
    const iiif_source_rules_t rules = { .formats = 1u << IIIF_SOURCE_JP2 };
    char *path = g_strdup_printf("%s/case.jp2", directory);
    iiif_source_t *source = NULL;
    iiif_err_t err = { "" };

    ok(make(made, path), "%s is written", made->name);
    if (ok(iiif_source_open(&source, path, 1, &rules, &err, pool) == APR_SUCCESS,
           "%s is a source %s", made->name, err.text)) {
        if (made->want == APR_SUCCESS)
            test_levels(made, source);
        else
            test_refusal(made, source);
    }
    unlink(path);
    g_free(path);
}

/* -- damage: right or refused, and nothing else happens ---------------------------------------- */

/* clang-format off */
static const made_t damaged[] = {
    { "one tile",  { 120, 90 }, 3, 8, OPJ_CLRSPC_SRGB, .precinct = 64, .order = OPJ_RPCL },
    { "tiles",     { 120, 90 }, 3, 8, OPJ_CLRSPC_SRGB, .tile = 64 },
};
/* clang-format on */

typedef struct outcome_t {
    unsigned right, refused, wrong;
} outcome_t;

static void count(outcome_t *seen, const iiif_source_t *source, const opj_image_t *whole,
                  iiif_rect_t rect)
{
    VipsImage *window = NULL;
    iiif_err_t err = { "" };

    if (iiif_jp2_window(&window, source, &(iiif_window_t){ &source->levels[0], 1, rect, NULL },
                        &err)
        != APR_SUCCESS)
        ++*(window || !err.text[0] ? &seen->wrong : &seen->refused);
    else if (window->Bands == (int)whole->numcomps && shows_planes(window, whole, 0, rect))
        ++seen->right;
    else
        ++seen->wrong;
    g_clear_object(&window);
}

#define CUTS 30

static void test_cut(const made_t *made, const iiif_source_t *source, const opj_image_t *whole)
{
    const iiif_rect_t all = { 0, 0, made->dims.width, made->dims.height };
    const iiif_rect_t first = { 0, 0, 40, 40 };
    outcome_t seen = { 0, 0, 0 };
    char *bytes;
    gsize length, n;

    g_file_get_contents(source->path, &bytes, &length, NULL);
    for (n = 0; n < CUTS; ++n) {
        put(source->path, bytes, (gssize)(length * n / CUTS));
        count(&seen, source, whole, all);
        count(&seen, source, whole, first);
    }
    ok(!seen.wrong && seen.refused >= CUTS, "%s, cut short: %u refused, %u right, %u wrong",
       made->name, seen.refused, seen.right, seen.wrong);
    put(source->path, bytes, (gssize)length);
    g_free(bytes);
}

/* One byte of the headers is another one. Some of them change the picture lawfully. */
static void test_lies(const made_t *made, const iiif_source_t *source, const opj_image_t *whole)
{
    static const unsigned char lies[] = { 0x00, 0xff };
    const iiif_rect_t first = { 50, 20, 64, 64 };
    outcome_t seen = { 0, 0, 0 };
    char *bytes;
    gsize length, n;
    unsigned i;

    g_file_get_contents(source->path, &bytes, &length, NULL);
    for (n = 12; n < 240; ++n)
        for (i = 0; i < ROWS(lies); ++i) {
            const char was = bytes[n];

            bytes[n] = (char)lies[i];
            put(source->path, bytes, (gssize)length);
            bytes[n] = was;
            count(&seen, source, whole, first);
        }
    ok(seen.refused > 100 && seen.right > 50, "%s, lying headers: %u refused, %u right, %u other",
       made->name, seen.refused, seen.right, seen.wrong);
    put(source->path, bytes, (gssize)length);
    g_free(bytes);
}

static void test_gone(const made_t *made, const iiif_source_t *source)
{
    const iiif_rect_t rect = { 0, 0, 1, 1 };
    VipsImage *window = NULL;
    iiif_err_t err = { "" };

    ok(iiif_jp2_window(&window, source, &(iiif_window_t){ &source->levels[0], 1, rect, NULL }, &err)
               == IIIF_EBADSOURCE
           && !window && err.text[0],
       "%s, gone: %s", made->name, err.text);
}

static void test_damage(const made_t *made, apr_pool_t *pool)
{
    const iiif_source_rules_t rules = { .formats = 1u << IIIF_SOURCE_JP2 };
    char *path = g_strdup_printf("%s/damaged.jp2", directory);
    iiif_source_t *source = NULL;
    opj_image_t *whole = NULL;

    if (ok(make(made, path) && iiif_source_open(&source, path, 1, &rules, NULL, pool) == APR_SUCCESS
               && (whole = by_openjpeg(made, source, 0)),
           "%s, to be damaged", made->name)) {
        test_cut(made, source, whole);
        test_lies(made, source, whole);
        opj_image_destroy(whole);
        unlink(path);
        test_gone(made, source);
    }
    g_free(path);
}

int main(void)
{
    apr_pool_t *pool;
    iiif_err_t err = { "" };
    unsigned i;

    if (!ok(apr_initialize() == APR_SUCCESS && apr_pool_create(&pool, NULL) == APR_SUCCESS
                && iiif_vips_start("jp2_test", &err) == APR_SUCCESS && mkdtemp(directory),
            "there is libvips, and room to write %s", err.text))
        return done_testing();
    for (i = 0; i < ROWS(cases); ++i)
        test_case(&cases[i], pool);
    for (i = 0; i < ROWS(damaged); ++i)
        test_damage(&damaged[i], pool);
    rmdir(directory);
    return done_testing();
}
