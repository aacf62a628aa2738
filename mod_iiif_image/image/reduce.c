/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As vips_reduce() does it, for 8-bit samples without alpha: what nearly every render needs.
 * libvips before 8.16 does the horizontal half of it sample by sample, which took more time than
 * decoding and encoding together.
 */
#include "image/lanczos.h"
#include "image/private.h"

#include "base/banned.h"

typedef struct reduce_t {
    VipsImage *in;
    iiif_lanczos_axis_t across, down;
} reduce_t;

/* Of one thread. */
typedef struct sequence_t {
    VipsRegion *region;
    void *room;
} sequence_t;

static void *start(VipsImage *out, void *in, void *reduce)
{
    VipsImage *image = in;
    sequence_t *sequence = g_new(sequence_t, 1);

    (void)out;
    (void)reduce;
    sequence->region = vips_region_new(image);
    sequence->room = iiif_lanczos_room((size_t)image->Xsize * (size_t)image->Bands);
    return sequence;
}

static int stop(void *sequencev, void *in, void *reduce)
{
    sequence_t *sequence = sequencev;

    (void)in;
    (void)reduce;
    g_object_unref(sequence->region);
    g_aligned_free(sequence->room);
    g_free(sequence);
    return 0;
}

/* What rows of the source an area of the result is made of. */
static VipsRect needed_rows(const reduce_t *reduce, const VipsRect *asked)
{
    const iiif_lanczos_axis_t *down = &reduce->down;
    const int first = down->starts[asked->top];
    const int end = down->starts[VIPS_RECT_BOTTOM(asked) - 1] + 2 * down->pairs;

    return (VipsRect){ 0, first, reduce->in->Xsize, MIN(end, reduce->in->Ysize) - first };
}

static int give_reduced(VipsRegion *out, void *sequencev, void *in, void *reducev, gboolean *end)
{
    const reduce_t *reduce = reducev;
    const sequence_t *sequence = sequencev;
    const VipsRect needed = needed_rows(reduce, &out->valid);
    const iiif_lanczos_area_t area = { VIPS_REGION_ADDR_TOPLEFT(out),
                                       VIPS_REGION_LSKIP(out),
                                       out->valid.left,
                                       out->valid.top,
                                       out->valid.width,
                                       out->valid.height };
    iiif_lanczos_rows_t rows;

    (void)in;
    (void)end;
    if (vips_region_prepare(sequence->region, &needed))
        return -1;
    rows = (iiif_lanczos_rows_t){
        VIPS_REGION_ADDR_TOPLEFT(sequence->region), /* of all its columns */
        VIPS_REGION_LSKIP(sequence->region),
        sequence->region->valid.top,
        VIPS_RECT_BOTTOM(&sequence->region->valid),
        reduce->in->Xsize,
        reduce->in->Bands,
    };
    iiif_lanczos_reduce(&area, &rows, &reduce->across, &reduce->down, sequence->room);
    return 0;
}

static void free_reduce(VipsImage *image, void *reducev)
{
    reduce_t *reduce = reducev;

    (void)image;
    g_object_unref(reduce->in);
    iiif_lanczos_axis_free(&reduce->across);
    iiif_lanczos_axis_free(&reduce->down);
    g_free(reduce);
}

static int is_within(int from, apr_uint32_t to)
{
    return to <= (apr_uint32_t)from
           && (apr_uint64_t)to * IIIF_LANCZOS_FACTOR_MAX >= (apr_uint32_t)from;
}

int iiif_can_reduce(VipsImage *in, iiif_dims_t size)
{
    return in->BandFmt == VIPS_FORMAT_UCHAR && in->Coding == VIPS_CODING_NONE && in->Bands <= 4
           && !vips_image_hasalpha(in) && is_within(in->Xsize, size.width)
           && is_within(in->Ysize, size.height);
}

static iiif_lanczos_span_t whole_line(int from, apr_uint32_t to)
{
    return (iiif_lanczos_span_t){ 0, (double)from / to, from, (int)to };
}

int iiif_reduce(VipsImage *in, VipsImage **out, iiif_dims_t size)
{
    const iiif_lanczos_span_t across = whole_line(in->Xsize, size.width);
    const iiif_lanczos_span_t down = whole_line(in->Ysize, size.height);
    reduce_t *reduce = g_new0(reduce_t, 1);
    VipsImage *made = vips_image_new();

    reduce->in = g_object_ref(in);
    g_signal_connect(made, "close", G_CALLBACK(free_reduce), reduce);
    iiif_lanczos_axis_make(&reduce->across, &across);
    iiif_lanczos_axis_make(&reduce->down, &down);
    if (!vips_image_pipelinev(made, VIPS_DEMAND_STYLE_FATSTRIP, in, NULL)) {
        made->Xsize = (int)size.width;
        made->Ysize = (int)size.height;
        if (!vips_image_generate(made, start, give_reduced, stop, in, reduce)) {
            *out = made;
            return 0;
        }
    }
    g_object_unref(made);
    return -1;
}
