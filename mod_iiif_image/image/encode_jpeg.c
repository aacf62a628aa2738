/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pixels to JPEG by libjpeg-turbo itself, rows as they are made, in the thread that asks: libvips
 * would start one to write and one to make them, which costs a small image more than its encoding.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include "image/private.h"

#include <jpeglib.h>

#include "base/banned.h"

#define STRIP       64 /* rows made at a time */
#define QUALITY_444 90 /* from here on chroma has all its pixels, as with libvips */

typedef struct writer_t {
    struct jpeg_compress_struct compress;
    struct jpeg_error_mgr errors;
    jmp_buf failed;
    unsigned char *bytes;
    unsigned long length;
} writer_t;

static void fail(j_common_ptr compress)
{
    char said[JMSG_LENGTH_MAX];

    (*compress->err->format_message)(compress, said);
    vips_error("jpeg", "%s", said);
    longjmp(((writer_t *)compress->client_data)->failed, 1);
}

static void ignore(j_common_ptr compress, int level)
{
    (void)compress;
    (void)level;
}

/* @a sampling: how many pixels one sample of chroma stands for, each way; @a raw: it is so already.
 */
static void begin(writer_t *writer, iiif_dims_t size, int quality, int sampling, int raw)
{
    struct jpeg_compress_struct *compress = &writer->compress;

    compress->image_width = size.width;
    compress->image_height = size.height;
    jpeg_set_defaults(compress);
    jpeg_set_quality(compress, quality, TRUE);
    compress->raw_data_in = raw;
    compress->comp_info[0].h_samp_factor = compress->comp_info[0].v_samp_factor = sampling;
    jpeg_start_compress(compress, TRUE);
}

/* Pixels come in colours of @a space. */
static void create(writer_t *writer, J_COLOR_SPACE space, int components)
{
    struct jpeg_compress_struct *compress = &writer->compress;

    jpeg_create_compress(compress);
    jpeg_mem_dest(compress, &writer->bytes, &writer->length);
    compress->input_components = components;
    compress->in_color_space = components == 1 ? JCS_GRAYSCALE : space;
}

static void write_strip(writer_t *writer, const VipsRegion *region, const VipsRect *strip)
{
    JSAMPROW rows[STRIP];
    JDIMENSION count = (JDIMENSION)strip->height, written = 0;
    int y;

    for (y = 0; y < strip->height; ++y)
        rows[y] = VIPS_REGION_ADDR_TOPLEFT(region)
                  + (ptrdiff_t)(strip->top + y - region->valid.top) * region->bpl;
    while (written < count)
        written += jpeg_write_scanlines(&writer->compress, rows + written, count - written);
}

/* All that may jump, and what it needs is in the writer. libvips tells of no progress where a
 * region is asked for its pixels, so whoever waits is asked here. */
static int write_rows(writer_t *writer, VipsRegion *region, const iiif_encoding_t *encoding)
{
    VipsImage *image = region->im;
    VipsRect strip = { 0, 0, image->Xsize, 0 };

    if (setjmp(writer->failed))
        return -1;
    create(writer, JCS_RGB, image->Bands);
    begin(writer, (iiif_dims_t){ (apr_uint32_t)image->Xsize, (apr_uint32_t)image->Ysize },
          encoding->quality, image->Bands > 1 && encoding->quality < QUALITY_444 ? 2 : 1, FALSE);
    for (; strip.top < image->Ysize; strip.top += strip.height) {
        strip.height = MIN(STRIP, image->Ysize - strip.top);
        if (!iiif_is_wanted(encoding->wanted) || vips_region_prepare(region, &strip))
            return -1;
        write_strip(writer, region, &strip);
    }
    jpeg_finish_compress(&writer->compress);
    return 0;
}

/* Likewise, of samples that need no conversion. */
static void write_blocks(writer_t *writer, const iiif_jpeg_strips_t *strips)
{
    const int rows = strips->sampling * DCTSIZE;
    JSAMPARRAY planes[3] = { strips->rows[0], strips->rows[1], strips->rows[2] };
    int unit, i;

    for (unit = 0; unit < IIIF_JPEG_STRIP; ++unit) {
        if (writer->compress.next_scanline < writer->compress.image_height)
            jpeg_write_raw_data(&writer->compress, planes, (JDIMENSION)rows);
        for (i = 0; i < 3 && planes[i]; ++i)
            planes[i] += i ? DCTSIZE : rows;
    }
}

static int write_strips(writer_t *writer, const iiif_jpeg_strips_t *strips, int quality)
{
    const int rows = strips->sampling * DCTSIZE * IIIF_JPEG_STRIP;
    int y;

    if (setjmp(writer->failed))
        return -1;
    create(writer, JCS_YCbCr, strips->components);
    begin(writer, strips->size, quality, strips->sampling, TRUE);
    for (y = 0; y < (int)strips->size.height; y += rows) {
        if (strips->give(strips->baton, y, rows))
            return -1;
        write_blocks(writer, strips);
    }
    jpeg_finish_compress(&writer->compress);
    return 0;
}

static void prepare(writer_t *writer)
{
    writer->compress.err = jpeg_std_error(&writer->errors);
    writer->errors.error_exit = fail;
    writer->errors.emit_message = ignore;
    writer->compress.client_data = writer;
}

/* Leaves the bytes, or nothing, and returns the same. */
static int end(writer_t *writer, int failed, iiif_bytes_t *bytes)
{
    if (failed) {
        if (writer->compress.dest) /* which tells at its end alone where the bytes are */
            (*writer->compress.dest->term_destination)(&writer->compress);
        free(writer->bytes);
    }
    else
        *bytes = (iiif_bytes_t){ writer->bytes, writer->length };
    jpeg_destroy_compress(&writer->compress);
    return failed;
}

int iiif_encode_jpeg(VipsImage *image, iiif_bytes_t *bytes, const iiif_encoding_t *encoding)
{
    writer_t writer = { .bytes = NULL };
    VipsRegion *region = vips_region_new(image);
    int failed;

    prepare(&writer);
    failed = end(&writer, write_rows(&writer, region, encoding), bytes);
    g_object_unref(region);
    return failed;
}

int iiif_encode_jpeg_strips(iiif_bytes_t *bytes, const iiif_jpeg_strips_t *strips, int quality)
{
    writer_t writer = { .bytes = NULL };

    prepare(&writer);
    return end(&writer, write_strips(&writer, strips, quality), bytes);
}
