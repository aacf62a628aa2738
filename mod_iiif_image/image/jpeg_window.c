/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A part of a plain JPEG. Its codes have to be read from the first one on, but what lies above,
 * left and right of the part need not become pixels, which is the larger half of the work.
 */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include "image/private.h"

#include <jpeglib.h>

#include "base/banned.h"

#define WINDOW_BYTES_MAX ((apr_uint64_t)16 << 20) /* larger ones are libvips' affair */
#define SKIP_BAND        1024                     /* rows read and forgotten at a time */

typedef struct reader_t {
    struct jpeg_decompress_struct decompress;
    struct jpeg_error_mgr errors;
    jmp_buf failed;
    const iiif_wanted_t *wanted;
    iiif_rect_t rect;
    unsigned char *pixels;
    unsigned char *row; /* of what is decoded, from a whole MCU on */
} reader_t;

static void fail(j_common_ptr decompress)
{
    longjmp(((reader_t *)decompress->client_data)->failed, 1);
}

/* libjpeg only warns of codes that no encoder writes, and goes on with gray or noise. */
static void fail_on_warning(j_common_ptr decompress, int level)
{
    if (level < 0)
        fail(decompress);
}

/* @return 1; 0: of a kind that is left to libvips */
static int begin(reader_t *reader, FILE *file, unsigned shrink)
{
    struct jpeg_decompress_struct *d = &reader->decompress;
    JDIMENSION left, width;

    jpeg_create_decompress(d);
    jpeg_stdio_src(d, file);
    jpeg_read_header(d, TRUE);
    if (jpeg_has_multiple_scans(d) || (d->num_components != 1 && d->num_components != 3))
        return 0;
    d->out_color_space = d->num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    d->scale_num = 1;
    d->scale_denom = shrink;
    jpeg_start_decompress(d);
    if (reader->rect.x + reader->rect.width > d->output_width
        || reader->rect.y + reader->rect.height > d->output_height)
        return 0;
    /* a pixel more at each side, by which chroma is interpolated */
    left = reader->rect.x ? reader->rect.x - 1 : 0;
    width = MIN(reader->rect.x + reader->rect.width + 1, d->output_width) - left;
    jpeg_crop_scanline(d, &left, &width);
    reader->row = g_malloc((size_t)width * (size_t)d->num_components);
    reader->rect.x -= left;
    return 1;
}

/* The rows above, while somebody waits for those below. */
static int skip_rows(reader_t *reader)
{
    JDIMENSION left = reader->rect.y, rows;

    for (; left; left -= rows) {
        rows = MIN(left, SKIP_BAND);
        if (!iiif_is_wanted(reader->wanted)
            || jpeg_skip_scanlines(&reader->decompress, rows) != rows)
            return 0;
    }
    return 1;
}

/* All that may jump, and what it needs is in the reader. */
static int read_pixels(reader_t *reader, FILE *file, unsigned shrink)
{
    struct jpeg_decompress_struct *d = &reader->decompress;
    size_t pixel, length;
    apr_uint32_t y;

    if (setjmp(reader->failed) || !begin(reader, file, shrink))
        return 0;
    pixel = (size_t)d->num_components;
    length = reader->rect.width * pixel;
    reader->pixels = g_malloc(length * reader->rect.height);
    if (!skip_rows(reader))
        return 0;
    for (y = 0; y < reader->rect.height; ++y) {
        if (jpeg_read_scanlines(d, &reader->row, 1) != 1)
            return 0;
        memcpy(reader->pixels + y * length, reader->row + reader->rect.x * pixel, length);
    }
    return 1;
}

static void free_pixels(VipsImage *image, void *pixels)
{
    (void)image;
    g_free(pixels);
}

static VipsImage *image_of(const reader_t *reader)
{
    const int bands = reader->decompress.num_components;
    const iiif_rect_t rect = reader->rect;
    VipsImage *image =
        vips_image_new_from_memory(reader->pixels, (size_t)rect.width * rect.height * (size_t)bands,
                                   (int)rect.width, (int)rect.height, bands, VIPS_FORMAT_UCHAR);

    image->Type = bands == 1 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
    g_signal_connect(image, "postclose", G_CALLBACK(free_pixels), reader->pixels);
    return image;
}

/* So much more than the part that it matters? */
static int is_part(const iiif_window_t *window)
{
    const iiif_rect_t rect = window->rect;
    const apr_uint64_t all = (apr_uint64_t)window->level->dims.width * window->level->dims.height;
    const apr_uint64_t part = (apr_uint64_t)rect.width * rect.height;

    return part * 3 <= WINDOW_BYTES_MAX && part < all - all / 4;
}

apr_status_t iiif_jpeg_window(VipsImage **image, const iiif_source_t *source,
                              const iiif_window_t *window, iiif_err_t *err)
{
    reader_t reader = { .rect = window->rect, .wanted = window->wanted };
    FILE *file;
    int done;

    if (source->format != IIIF_SOURCE_JPEG || !is_part(window)
        || !(file = fopen(source->file, "rbe")))
        return iiif_fail(err, IIIF_ENOTIMPL, "no part of a JPEG");
    reader.decompress.err = jpeg_std_error(&reader.errors);
    reader.errors.error_exit = fail;
    reader.errors.emit_message = fail_on_warning;
    reader.decompress.client_data = &reader;
    done = read_pixels(&reader, file, (unsigned)window->level->shrink);
    if (done)
        *image = image_of(&reader);
    else
        g_free(reader.pixels);
    g_free(reader.row);
    jpeg_destroy_decompress(&reader.decompress);
    fclose(file);
    if (done)
        return APR_SUCCESS;
    return iiif_is_wanted(window->wanted)
               ? iiif_fail(err, IIIF_ENOTIMPL, "a JPEG that is left to libvips")
               : iiif_fail(err, IIIF_EGONE, "nobody waits for it any more");
}
