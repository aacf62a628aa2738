/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenJPEG, asked for a window: it decodes the code blocks below it. libvips (8.14) asks it for
 * whole tiles, or for squares of 512 pixels of a file that is one tile, and then cuts.
 *
 * Processor time in that of libvips (t/bench/jp2.pl, 48 megapixels): a tile of 256 pixels 0.1 to
 * 0.7, from tiles of 512 and 1024 as from one tile with precincts; of 512 pixels 0.2 to 1. A whole
 * level of 48 megapixels takes 0.6 from one tile, 1.2 to 1.3 from many, and is read here all the
 * same: libvips does not see the profile, and a tile and the full image have to look alike. What
 * remains for one tile is OpenJPEG's (2.5.0): it reads all bytes of a tile, and builds all its code
 * blocks, for any part of it.
 */
#include "image/jp2.h"

#include <fcntl.h>
#include <openjpeg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

#define COMPONENTS_MAX 4                       /* colours and alpha */
#define BAND_PIXELS    (APR_UINT64_C(1) << 22) /* decoded at a time: four bytes a sample */
#define WINDOW_PIXELS                                                                              \
    (APR_UINT64_C(1) << 24) /* held in memory; what is larger, libvips streams                     \
                             */
#define READ_AHEAD 4096     /* of tiles that are passed over, only headers are wanted */

/* One file while it is decoded; by one thread. */
typedef struct decoder_t {
    int fd; /* -1: not open */
    opj_stream_t *stream;
    opj_codec_t *codec;
    opj_image_t *image;
    unsigned failures; /* libopenjp2 goes on after some, and returns success */
    iiif_err_t said;   /* its first complaint */
} decoder_t;

/* For all three: end of file and failure are the same, as openjpeg.h has it. */
static OPJ_SIZE_T read_file(void *buffer, OPJ_SIZE_T length, void *decoder)
{
    ssize_t n = read(((decoder_t *)decoder)->fd, buffer, length);

    return n > 0 ? (OPJ_SIZE_T)n : (OPJ_SIZE_T)-1;
}

static OPJ_OFF_T skip_file(OPJ_OFF_T length, void *decoder)
{
    return lseek(((decoder_t *)decoder)->fd, length, SEEK_CUR) < 0 ? -1 : length;
}

static OPJ_BOOL seek_file(OPJ_OFF_T offset, void *decoder)
{
    return lseek(((decoder_t *)decoder)->fd, offset, SEEK_SET) == offset;
}

static void keep_first(const char *message, void *decoder)
{
    decoder_t *d = decoder;

    if (!d->failures++)
        iiif_fail(&d->said, IIIF_EBADSOURCE, "%.*s", (int)strcspn(message, "\n"), message);
}

static void keep_quiet(const char *message, void *decoder)
{
    (void)message;
    (void)decoder;
}

static apr_status_t failed(const decoder_t *d, iiif_err_t *err)
{
    return iiif_fail(err, IIIF_EBADSOURCE, "JPEG 2000: %s",
                     d->said.text[0] ? d->said.text : "it cannot be decoded");
}

static int open_stream(decoder_t *d, const char *path)
{
    struct stat info;

    d->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (d->fd < 0 || fstat(d->fd, &info) || !(d->stream = opj_stream_create(READ_AHEAD, OPJ_TRUE)))
        return 0;
    opj_stream_set_user_data(d->stream, d, NULL);
    opj_stream_set_user_data_length(d->stream, (OPJ_UINT64)info.st_size);
    opj_stream_set_read_function(d->stream, read_file);
    opj_stream_set_skip_function(d->stream, skip_file);
    opj_stream_set_seek_function(d->stream, seek_file);
    return 1;
}

/* A bare codestream starts with its own marker, all else is boxes. */
static OPJ_CODEC_FORMAT codec_of(const decoder_t *d)
{
    unsigned char start[2] = { 0 };

    return pread(d->fd, start, 2, 0) == 2 && start[0] == 0xff && start[1] == 0x4f ? OPJ_CODEC_J2K
                                                                                  : OPJ_CODEC_JP2;
}

static int read_header(decoder_t *d, const iiif_level_t *level)
{
    opj_dparameters_t parameters;

    opj_set_default_decoder_parameters(&parameters);
    parameters.cp_reduce = (OPJ_UINT32)level->page;
    d->codec = opj_create_decompress(codec_of(d));
    if (!d->codec)
        return 0;
    opj_set_error_handler(d->codec, keep_first, d);
    opj_set_warning_handler(d->codec, keep_quiet, d);
    opj_set_info_handler(d->codec, keep_quiet, d);
    return opj_setup_decoder(d->codec, &parameters) && opj_codec_set_threads(d->codec, 0)
           && opj_decoder_set_strict_mode(d->codec, OPJ_TRUE)
           && opj_read_header(d->stream, d->codec, &d->image) && d->image && !d->failures;
}

/* clang-format off */
static const struct {
    OPJ_COLOR_SPACE space;
    unsigned components; /* fewer are not decided by the header alone: a palette */
    VipsInterpretation bytes, words;
} spaces[] = {
    { OPJ_CLRSPC_SRGB,        3, VIPS_INTERPRETATION_sRGB, VIPS_INTERPRETATION_RGB16 },
    { OPJ_CLRSPC_GRAY,        1, VIPS_INTERPRETATION_B_W,  VIPS_INTERPRETATION_GREY16 },
    { OPJ_CLRSPC_UNKNOWN,     3, VIPS_INTERPRETATION_sRGB, VIPS_INTERPRETATION_RGB16 },
    { OPJ_CLRSPC_UNKNOWN,     1, VIPS_INTERPRETATION_B_W,  VIPS_INTERPRETATION_GREY16 },
    { OPJ_CLRSPC_UNSPECIFIED, 3, VIPS_INTERPRETATION_sRGB, VIPS_INTERPRETATION_RGB16 },
    { OPJ_CLRSPC_UNSPECIFIED, 1, VIPS_INTERPRETATION_B_W,  VIPS_INTERPRETATION_GREY16 },
};
/* clang-format on */

/* As libvips names it; VIPS_INTERPRETATION_ERROR: left to libvips. */
static VipsInterpretation interpretation_of(const opj_image_t *image)
{
    unsigned i;

    for (i = 0; i < sizeof(spaces) / sizeof(spaces[0]); ++i) {
        if (spaces[i].space == image->color_space && image->numcomps >= spaces[i].components)
            return image->comps[0].prec == 8 ? spaces[i].bytes : spaces[i].words;
    }
    return VIPS_INTERPRETATION_ERROR;
}

static int is_plain(const opj_image_t *image)
{
    OPJ_UINT32 i;

    if (!image->numcomps || image->numcomps > COMPONENTS_MAX)
        return 0;
    for (i = 0; i < image->numcomps; ++i) {
        const opj_image_comp_t *c = &image->comps[i];

        if (c->dx != 1 || c->dy != 1 || c->sgnd || (c->prec != 8 && c->prec != 16)
            || c->prec != image->comps[0].prec)
            return 0;
    }
    return interpretation_of(image) != VIPS_INTERPRETATION_ERROR;
}

/* ISO 15444-1, B-15: from the reference grid to a resolution. */
static apr_uint64_t reduced(apr_uint64_t at, int level)
{
    return (at + (APR_UINT64_C(1) << level) - 1) >> level;
}

/* The window in coordinates of the reference grid, as OpenJPEG wants them at every resolution. */
typedef struct area_t {
    apr_uint64_t left, top, right, bottom;
} area_t;

static area_t area_of(const opj_image_t *image, int level, iiif_rect_t rect)
{
    const apr_uint64_t x = reduced(image->x0, level) + rect.x;
    const apr_uint64_t y = reduced(image->y0, level) + rect.y;
    area_t area = { x << level, y << level, (x + rect.width) << level, (y + rect.height) << level };

    /* the last pixel of a level may stand for less than a whole one */
    if (area.right > image->x1)
        area.right = image->x1;
    if (area.bottom > image->y1)
        area.bottom = image->y1;
    return area;
}

static apr_status_t check_layout(const opj_image_t *image, const iiif_level_t *level,
                                 iiif_err_t *err)
{
    const int k = level->page;

    if (!is_plain(image) || image->x1 > APR_INT32_MAX || image->y1 > APR_INT32_MAX)
        return iiif_fail(err, IIIF_ENOTIMPL, "its components are no plain bytes or words");
    if (reduced(image->x1 - image->x0, k) != level->dims.width
        || reduced(image->y1 - image->y0, k) != level->dims.height)
        return iiif_fail(err, IIIF_EBADSOURCE, "the file changed while it was read");
    /* behind an offset a level may have one row or column less than libvips says */
    if (reduced(image->x1, k) - reduced(image->x0, k) != level->dims.width
        || reduced(image->y1, k) - reduced(image->y0, k) != level->dims.height)
        return iiif_fail(err, IIIF_ENOTIMPL, "its offset is no multiple of a pixel of this level");
    return APR_SUCCESS;
}

/* A palette, or boxes that contradict the codestream, show only now. */
static int is_expected(const opj_image_t *image, OPJ_UINT32 components, iiif_rect_t rect)
{
    OPJ_UINT32 i;

    if (!is_plain(image) || image->numcomps != components)
        return 0;
    for (i = 0; i < components; ++i) {
        const opj_image_comp_t *c = &image->comps[i];

        if (!c->data || c->w != rect.width || c->h != rect.height)
            return 0;
    }
    return 1;
}

static int decode(decoder_t *d, const area_t *area)
{
    return opj_set_decode_area(d->codec, d->image, (OPJ_INT32)area->left, (OPJ_INT32)area->top,
                               (OPJ_INT32)area->right, (OPJ_INT32)area->bottom)
           && opj_decode(d->codec, d->stream, d->image) && !d->failures;
}

/* Planes become pixels; OpenJPEG has clipped each sample to its precision. */
static void pack_bytes(VipsPel *to, const opj_image_comp_t *component, unsigned bands)
{
    const size_t count = (size_t)component->w * component->h;
    size_t i;

    for (i = 0; i < count; ++i)
        to[i * bands] = (VipsPel)component->data[i];
}

static void pack_words(unsigned short *to, const opj_image_comp_t *component, unsigned bands)
{
    const size_t count = (size_t)component->w * component->h;
    size_t i;

    for (i = 0; i < count; ++i)
        to[i * bands] = (unsigned short)component->data[i];
}

static void pack_planes(void *pixels, const opj_image_t *decoded)
{
    OPJ_UINT32 i;

    for (i = 0; i < decoded->numcomps; ++i) {
        if (decoded->comps[0].prec == 8)
            pack_bytes((VipsPel *)pixels + i, &decoded->comps[i], decoded->numcomps);
        else
            pack_words((unsigned short *)pixels + i, &decoded->comps[i], decoded->numcomps);
    }
}

/* A window while its bands are decoded, from top to bottom. */
typedef struct filling_t {
    const iiif_source_t *source;
    const iiif_level_t *level;
    iiif_rect_t rect;
    VipsImage *image; /* of rect's size, from the first band on */
} filling_t;

/* An image with room for its pixels; NULL as libvips fails. */
static VipsImage *empty_image(const opj_image_t *decoded, iiif_rect_t rect)
{
    const int bytes = decoded->comps[0].prec == 8;
    VipsImage *image = vips_image_new_memory();

    vips_image_init_fields(image, (int)rect.width, (int)rect.height, (int)decoded->numcomps,
                           bytes ? VIPS_FORMAT_UCHAR : VIPS_FORMAT_USHORT, VIPS_CODING_NONE,
                           interpretation_of(decoded), 1, 1);
    if (decoded->icc_profile_buf && decoded->icc_profile_len)
        vips_image_set_blob_copy(image, VIPS_META_ICC_NAME, decoded->icc_profile_buf,
                                 decoded->icc_profile_len);
    if (vips_image_write_prepare(image))
        g_clear_object(&image);
    return image;
}

/* The file may have been replaced between two bands. */
static int continues(const VipsImage *image, const opj_image_t *decoded)
{
    return image->Bands == (int)decoded->numcomps && image->Type == interpretation_of(decoded)
           && (image->BandFmt == VIPS_FORMAT_UCHAR) == (decoded->comps[0].prec == 8);
}

static apr_status_t keep_band(filling_t *f, const opj_image_t *decoded, iiif_rect_t band,
                              iiif_err_t *err)
{
    const size_t pel = (size_t)decoded->numcomps * (decoded->comps[0].prec == 8 ? 1 : 2);

    if (!f->image && !(f->image = empty_image(decoded, f->rect)))
        return iiif_vips_failed(err, IIIF_EBADSOURCE, "JPEG 2000");
    if (!continues(f->image, decoded))
        return iiif_fail(err, IIIF_EBADSOURCE, "the file changed while it was read");
    pack_planes(f->image->data + pel * band.width * (band.y - f->rect.y), decoded);
    return APR_SUCCESS;
}

static apr_status_t decode_band(filling_t *f, decoder_t *d, iiif_rect_t band, iiif_err_t *err)
{
    apr_status_t rv;
    OPJ_UINT32 components;
    area_t area;

    if (!open_stream(d, f->source->file))
        return iiif_fail(err, IIIF_EBADSOURCE, "cannot open the source");
    if (!read_header(d, f->level))
        return failed(d, err);
    rv = check_layout(d->image, f->level, err);
    if (rv != APR_SUCCESS)
        return rv;
    components = d->image->numcomps;
    area = area_of(d->image, f->level->page, band);
    if (!decode(d, &area))
        return failed(d, err);
    if (!is_expected(d->image, components, band))
        return iiif_fail(err, IIIF_ENOTIMPL, "its components are not those of its header");
    return keep_band(f, d->image, band, err);
}

static void close_decoder(decoder_t *d)
{
    if (d->image)
        opj_image_destroy(d->image);
    if (d->codec)
        opj_destroy_codec(d->codec);
    if (d->stream)
        opj_stream_destroy(d->stream);
    if (d->fd >= 0)
        close(d->fd);
}

static apr_uint32_t band_height(apr_uint32_t width)
{
    return width >= BAND_PIXELS ? 1 : (apr_uint32_t)(BAND_PIXELS / width);
}

apr_status_t iiif_jp2_window(VipsImage **image, const iiif_source_t *source,
                             const iiif_level_t *level, iiif_rect_t rect, iiif_err_t *err)
{
    const apr_uint32_t height = band_height(rect.width);
    filling_t f = { source, level, rect, NULL };
    apr_status_t rv = APR_SUCCESS;
    apr_uint32_t top;

    if ((apr_uint64_t)rect.width * rect.height > WINDOW_PIXELS)
        return iiif_fail(err, IIIF_ENOTIMPL, "more than is held in memory");
    for (top = 0; rv == APR_SUCCESS && top < rect.height; top += height) {
        const apr_uint32_t rows = VIPS_MIN(height, rect.height - top);
        const iiif_rect_t band = { rect.x, rect.y + top, rect.width, rows };
        decoder_t d = { .fd = -1 };

        rv = decode_band(&f, &d, band, err);
        close_decoder(&d);
    }
    if (rv == APR_SUCCESS)
        *image = f.image;
    else
        g_clear_object(&f.image);
    return rv;
}
