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
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/jp2_planes.h"

#include "base/banned.h"

#define BAND_PIXELS   (APR_UINT64_C(1) << 22) /* decoded at a time: four bytes a sample */
#define WINDOW_PIXELS (APR_UINT64_C(1) << 24) /* held in memory; libvips streams what is larger */
#define HELD_PIXELS   (APR_UINT64_C(1) << 26) /* where libvips cannot; what is larger, is refused */
#define READ_AHEAD    4096 /* of tiles that are passed over, only headers are wanted */

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

/* Rectangle @a rect of a level, where OpenJPEG has it. */
static iiif_jp2_area_t area_of(const opj_image_t *image, int level, iiif_rect_t rect)
{
    const opj_image_comp_t *c = &image->comps[0];
    const apr_uint64_t x = iiif_jp2_reduced(image->x0, c->dx, level) + rect.x;
    const apr_uint64_t y = iiif_jp2_reduced(image->y0, c->dy, level) + rect.y;
    const iiif_jp2_area_t area = { x, y, x + rect.width, y + rect.height };

    return area;
}

/* libvips (8.14) passes over offsets, and reads other pixels or none; takes tiles for multiples of
 * a pixel at every level; refuses subsampled chroma; leaves less than 8 bits dark, and YCC as it
 * is. */
static int libvips_can(const decoder_t *d, int level)
{
    const opj_image_t *image = d->image;
    opj_codestream_info_v2_t *info = opj_get_cstr_info(d->codec);
    const OPJ_UINT32 part = (OPJ_UINT32)((APR_UINT64_C(1) << level) - 1);
    int can = info && !image->x0 && !image->y0 && !info->tx0 && !info->ty0
              && ((info->tw == 1 && info->th == 1) || !((info->tdx | info->tdy) & part))
              && image->color_space != OPJ_CLRSPC_SYCC && image->color_space != OPJ_CLRSPC_EYCC;
    OPJ_UINT32 i;

    for (i = 0; i < image->numcomps; ++i) {
        const opj_image_comp_t *c = &image->comps[i];

        can = can && c->dx == 1 && c->dy == 1 && c->prec >= 8 && c->prec == image->comps[0].prec;
    }
    opj_destroy_cstr_info(&info);
    return can;
}

static apr_status_t not_here(const decoder_t *d, int level, iiif_err_t *err)
{
    return iiif_fail(err, libvips_can(d, level) ? IIIF_ENOTIMPL : IIIF_EBADSOURCE,
                     "JPEG 2000: components of a kind that is not handled");
}

static apr_status_t check_extent(const decoder_t *d, int level, iiif_rect_t rect, iiif_err_t *err)
{
    const apr_uint64_t pixels = (apr_uint64_t)rect.width * rect.height;

    if (pixels <= WINDOW_PIXELS)
        return APR_SUCCESS;
    if (libvips_can(d, level))
        return iiif_fail(err, IIIF_ENOTIMPL, "more than is held in memory");
    return pixels <= HELD_PIXELS ? APR_SUCCESS
                                 : iiif_fail(err, IIIF_ETOOBIG,
                                             "JPEG 2000: %" APR_UINT64_T_FMT
                                             " pixels at once, of a layout that is held in memory",
                                             pixels);
}

static apr_status_t check_layout(const decoder_t *d, const iiif_level_t *level, iiif_rect_t rect,
                                 iiif_err_t *err)
{
    const opj_image_t *image = d->image;
    const opj_image_comp_t *c = image->comps;
    const int k = level->page;

    if (!iiif_jp2_is_plain(image))
        return not_here(d, k, err);
    if (image->x1 > APR_INT32_MAX || image->y1 > APR_INT32_MAX
        || iiif_jp2_reduced(image->x1, c->dx, k) - iiif_jp2_reduced(image->x0, c->dx, k)
               != level->dims.width
        || iiif_jp2_reduced(image->y1, c->dy, k) - iiif_jp2_reduced(image->y0, c->dy, k)
               != level->dims.height)
        return iiif_fail(err, IIIF_EBADSOURCE, "the file changed while it was read");
    return check_extent(d, k, rect, err);
}

/* OpenJPEG wants coordinates of the reference grid at every resolution. The last pixel of a level
 * may stand for less than a whole one. */
static OPJ_INT32 on_grid(apr_uint64_t at, apr_uint64_t step, int level, OPJ_UINT32 last)
{
    const apr_uint64_t place = (at << level) * step;

    return (OPJ_INT32)VIPS_MIN(place, last);
}

static int decode(decoder_t *d, int level, const iiif_jp2_area_t *area)
{
    const opj_image_t *i = d->image;
    const OPJ_UINT32 dx = i->comps[0].dx, dy = i->comps[0].dy;

    return opj_set_decode_area(d->codec, d->image, on_grid(area->left, dx, level, i->x1),
                               on_grid(area->top, dy, level, i->y1),
                               on_grid(area->right, dx, level, i->x1),
                               on_grid(area->bottom, dy, level, i->y1))
           && opj_decode(d->codec, d->stream, d->image) && !d->failures;
}

/* A window while its bands are decoded, from top to bottom. */
typedef struct filling_t {
    const iiif_source_t *source;
    const iiif_level_t *level;
    iiif_rect_t rect;
    VipsImage *image; /* of rect's size, from the first band on */
} filling_t;

/* An image with room for its pixels; NULL as libvips fails. */
static VipsImage *empty_image(const opj_image_t *decoded, const iiif_jp2_layout_t *layout,
                              iiif_rect_t rect)
{
    VipsImage *image = vips_image_new_memory();

    vips_image_init_fields(image, (int)rect.width, (int)rect.height, (int)layout->bands,
                           layout->words ? VIPS_FORMAT_USHORT : VIPS_FORMAT_UCHAR, VIPS_CODING_NONE,
                           layout->space, 1, 1);
    if (decoded->icc_profile_buf && decoded->icc_profile_len)
        vips_image_set_blob_copy(image, VIPS_META_ICC_NAME, decoded->icc_profile_buf,
                                 decoded->icc_profile_len);
    if (vips_image_write_prepare(image))
        g_clear_object(&image);
    return image;
}

/* The file may have been replaced between two bands. */
static int continues(const VipsImage *image, const iiif_jp2_layout_t *layout)
{
    return image->Bands == (int)layout->bands && image->Type == layout->space
           && (image->BandFmt == VIPS_FORMAT_USHORT) == layout->words;
}

/* @a band of the window, which is at @a place of the planes */
static apr_status_t keep_band(filling_t *f, const opj_image_t *decoded,
                              const iiif_jp2_layout_t *layout, const iiif_rect_t places[2],
                              iiif_err_t *err)
{
    const size_t pel = (size_t)layout->bands * (layout->words ? 2 : 1);

    if (!f->image && !(f->image = empty_image(decoded, layout, f->rect)))
        return iiif_vips_failed(err, IIIF_EBADSOURCE, "JPEG 2000");
    if (!continues(f->image, layout))
        return iiif_fail(err, IIIF_EBADSOURCE, "the file changed while it was read");
    iiif_jp2_pack(f->image->data + pel * f->rect.width * (places[0].y - f->rect.y), decoded, layout,
                  places[1]);
    return APR_SUCCESS;
}

/* A palette, or boxes that contradict the codestream, show only when it is decoded. */
static apr_status_t decode_area(filling_t *f, decoder_t *d, iiif_rect_t band, iiif_err_t *err)
{
    const int level = f->level->page;
    const iiif_jp2_area_t wanted = area_of(d->image, level, band);
    const iiif_jp2_area_t area = iiif_jp2_with_chroma(d->image, level, wanted);
    const iiif_rect_t places[2] = { band,
                                    { (apr_uint32_t)(wanted.left - area.left),
                                      (apr_uint32_t)(wanted.top - area.top), band.width,
                                      band.height } };
    iiif_jp2_layout_t layout;

    if (!decode(d, level, &area))
        return failed(d, err);
    if (!iiif_jp2_is_plain(d->image) || !iiif_jp2_layout(&layout, d->image))
        return not_here(d, level, err);
    if (!iiif_jp2_complete(d->image, &layout, level, &area))
        return iiif_fail(err, IIIF_EBADSOURCE, "JPEG 2000: its components do not fit each other");
    return keep_band(f, d->image, &layout, places, err);
}

static apr_status_t decode_band(filling_t *f, decoder_t *d, iiif_rect_t band, iiif_err_t *err)
{
    apr_status_t rv;

    if (!open_stream(d, f->source->file))
        return iiif_fail(err, IIIF_EBADSOURCE, "cannot open the source");
    if (!read_header(d, f->level))
        return failed(d, err);
    rv = check_layout(d, f->level, f->rect, err);
    return rv == APR_SUCCESS ? decode_area(f, d, band, err) : rv;
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
                             const iiif_window_t *window, iiif_err_t *err)
{
    const iiif_rect_t rect = window->rect;
    const apr_uint32_t height = band_height(rect.width);
    filling_t f = { source, window->level, rect, NULL };
    apr_status_t rv = APR_SUCCESS;
    apr_uint32_t top;

    for (top = 0; rv == APR_SUCCESS && top < rect.height; top += height) {
        const apr_uint32_t rows = VIPS_MIN(height, rect.height - top);
        const iiif_rect_t band = { rect.x, rect.y + top, rect.width, rows };
        decoder_t d = { .fd = -1 };

        rv = iiif_is_wanted(window->wanted)
                 ? decode_band(&f, &d, band, err)
                 : iiif_fail(err, IIIF_EGONE, "nobody waits for it any more");
        close_decoder(&d);
    }
    if (rv == APR_SUCCESS)
        *image = f.image;
    else
        g_clear_object(&f.image);
    return rv;
}
