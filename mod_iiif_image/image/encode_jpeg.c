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

static void begin(writer_t *writer, const VipsImage *image, int quality)
{
    struct jpeg_compress_struct *compress = &writer->compress;

    jpeg_create_compress(compress);
    jpeg_mem_dest(compress, &writer->bytes, &writer->length);
    compress->image_width = (JDIMENSION)image->Xsize;
    compress->image_height = (JDIMENSION)image->Ysize;
    compress->input_components = image->Bands;
    compress->in_color_space = image->Bands == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(compress);
    jpeg_set_quality(compress, quality, TRUE);
    if (quality >= QUALITY_444)
        compress->comp_info[0].h_samp_factor = compress->comp_info[0].v_samp_factor = 1;
    jpeg_start_compress(compress, TRUE);
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

/* All that may jump, and what it needs is in the writer. No sink of libvips asks for the rows, so
 * none tells of progress, and who waits is asked here. */
static int write_rows(writer_t *writer, VipsRegion *region, const iiif_encoding_t *encoding)
{
    VipsImage *image = region->im;
    VipsRect strip = { 0, 0, image->Xsize, 0 };

    if (setjmp(writer->failed))
        return -1;
    begin(writer, image, encoding->quality);
    for (; strip.top < image->Ysize; strip.top += strip.height) {
        strip.height = MIN(STRIP, image->Ysize - strip.top);
        if (!iiif_is_wanted(encoding->wanted) || vips_region_prepare(region, &strip))
            return -1;
        write_strip(writer, region, &strip);
    }
    jpeg_finish_compress(&writer->compress);
    return 0;
}

int iiif_encode_jpeg(VipsImage *image, iiif_bytes_t *bytes, const iiif_encoding_t *encoding)
{
    writer_t writer = { .bytes = NULL };
    VipsRegion *region = vips_region_new(image);
    int failed;

    writer.compress.err = jpeg_std_error(&writer.errors);
    writer.errors.error_exit = fail;
    writer.errors.emit_message = ignore;
    writer.compress.client_data = &writer;
    failed = write_rows(&writer, region, encoding);
    if (failed) {
        if (writer.compress.dest) /* which tells at its end alone where the bytes are */
            (*writer.compress.dest->term_destination)(&writer.compress);
        free(writer.bytes);
    }
    else
        *bytes = (iiif_bytes_t){ writer.bytes, writer.length };
    jpeg_destroy_compress(&writer.compress);
    g_object_unref(region);
    return failed;
}
