/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JPEG made of the JPEG tiles of a TIFF, without leaving JPEG's own colours: luma and chroma are
 * decoded, scaled and encoded as planes of their own. That spares the way to RGB and back, and half
 * of the samples, as chroma has a quarter of luma's pixels. What it is for is what is asked for
 * most: an upright part of a photograph in sRGB, smaller. All else is left to the pipeline of
 * image/render.c.
 */
#include <string.h>

#include "image/lanczos.h"
#include "image/private.h"
#include "image/raw_decode.h"

#include "base/banned.h"

#define BLOCK       8           /* samples along a side, coded together */
#define UNIT        (2 * BLOCK) /* pixels along a side coded together, where chroma has half of them */
#define STRIP       (UNIT * IIIF_JPEG_STRIP) /* rows of pixels made together, likewise */
#define QUALITY_444 90                       /* as in image/encode_jpeg.c */
#define KEPT        192 /* rows of luma that may be needed together with the next row of tiles */

/* How many pixels of luma one sample of a component stands for. */
typedef struct sampling_t {
    int across, down;
} sampling_t;

/* One component: from rows of tiles to rows that are encoded. */
typedef struct plane_t {
    sampling_t from, to;
    unsigned char *samples; /* rows of whole tiles, */
    int stride, room;       /* so long, and so many at most; */
    int top, bottom;        /* those that are there, counted from the window's first one */
    int left;               /* the window's first sample in them */
    int above;              /* rows of the first tiles that are above the window */
    iiif_lanczos_span_t x, y;
    iiif_lanczos_axis_t across, down;
    void *sums;           /* room for lanczos */
    unsigned char *strip; /* of the result, all blocks of it */
    unsigned char *rows[STRIP];
    int width; /* of the strip: whole blocks */
} plane_t;

typedef struct planes_t {
    const iiif_source_t *source;
    const iiif_window_t *window;
    iiif_dims_t tile;   /* pixels, when it is shrunk */
    iiif_dims_t size;   /* of the result */
    iiif_rect_t tiles;  /* below the window: columns and rows of tiles */
    apr_uint32_t next;  /* row of these to decode */
    int stored, wanted; /* components */
    plane_t plane[3];
    iiif_raw_decoder_t *decoder;
    apr_status_t rv; /* of decoding */
    apr_pool_t *pool;
} planes_t;

/* Upright, whole colours, nothing to be said beside the pixels. */
static int is_plain(const iiif_source_t *source, const iiif_resolved_t *resolved,
                    const iiif_look_t *look)
{
    int i;

    for (i = 0; i < IIIF_RIGHTS; ++i) {
        if (source->rights[i])
            return 0;
    }
    return resolved->format == IIIF_FORMAT_JPG && resolved->quality <= IIIF_QUALITY_GRAY
           && source->orientation <= 1 && !resolved->rotation.mirror
           && iiif_rotation_quarters(&resolved->rotation) == 0 && !source->profile
           && !look->keep_metadata && !look->linear_light;
}

/* Samples of a component, of so many pixels of luma. */
static int samples_of(apr_uint32_t pixels, int sampling)
{
    return (int)((pixels + (unsigned)sampling - 1) / (unsigned)sampling);
}

static int is_known_sampling(const iiif_jpeg_header_t *jpeg)
{
    return jpeg->ycbcr && jpeg->components == 3 && jpeg->vertical[0] <= jpeg->horizontal[0]
           && jpeg->horizontal[0] <= 2 && jpeg->horizontal[1] == 1 && jpeg->vertical[1] == 1
           && jpeg->horizontal[2] == 1 && jpeg->vertical[2] == 1;
}

/* 4:4:4, 4:2:2 and 4:2:0, which are in, and what comes out. */
static int read_samplings(planes_t *planes, const iiif_jpeg_header_t *jpeg, int gray, int quality)
{
    const int half = quality < QUALITY_444 ? 2 : 1;
    int i;

    if (jpeg->components != 1 && !is_known_sampling(jpeg))
        return 0;
    planes->stored = jpeg->components;
    planes->wanted = gray ? 1 : planes->stored;
    for (i = 0; i < planes->stored; ++i) {
        plane_t *plane = &planes->plane[i];

        plane->from =
            i ? (sampling_t){ jpeg->horizontal[0], jpeg->vertical[0] } : (sampling_t){ 1, 1 };
        plane->to = i ? (sampling_t){ half, half } : (sampling_t){ 1, 1 };
    }
    return 1;
}

/* The tiles below the window. */
static void cover(planes_t *planes)
{
    const iiif_dims_t tile = planes->tile;
    const iiif_rect_t *rect = &planes->window->rect;
    iiif_rect_t *tiles = &planes->tiles;

    tiles->x = rect->x / tile.width;
    tiles->y = rect->y / tile.height;
    tiles->width = (rect->x + rect->width - 1) / tile.width - tiles->x + 1;
    tiles->height = (rect->y + rect->height - 1) / tile.height - tiles->y + 1;
}

/* Of a result of so many pixels: all blocks are filled, or strips; what is beyond its edge is like
 * its edge. */
static int filled(apr_uint32_t result, int whole, int sampling)
{
    return samples_of(result, whole) * whole / sampling;
}

/* A component's samples lie in the middle of the pixels that they stand for, in the source and in
 * the result: a part that begins between two of them begins with half of one. */
static iiif_lanczos_span_t span_of(apr_uint32_t start, apr_uint32_t length, apr_uint32_t result,
                                   int from, int to)
{
    const int first = (int)start / from, end = samples_of(start + length, from);

    return (iiif_lanczos_span_t){ (double)start / from - first, (double)length / result * to / from,
                                  end - first, filled(result, UNIT, to) };
}

/* Neither enlarged nor made very small? */
static int is_reduction(const iiif_lanczos_span_t *span)
{
    return span->factor >= 1 && span->factor <= IIIF_LANCZOS_FACTOR_MAX;
}

static int place(planes_t *planes)
{
    const iiif_dims_t tile = planes->tile;
    const iiif_rect_t *rect = &planes->window->rect;
    const apr_uint32_t x = rect->x - planes->tiles.x * tile.width;
    const apr_uint32_t y = rect->y - planes->tiles.y * tile.height;
    int i, can = 1;

    for (i = 0; i < planes->wanted; ++i) {
        plane_t *plane = &planes->plane[i];

        plane->x =
            span_of(x, rect->width, planes->size.width, plane->from.across, plane->to.across);
        plane->y = span_of(y, rect->height, planes->size.height, plane->from.down, plane->to.down);
        plane->y.to = filled(planes->size.height, STRIP, plane->to.down);
        plane->left = (int)x / plane->from.across;
        plane->above = (int)y / plane->from.down;
        can &= is_reduction(&plane->x) && is_reduction(&plane->y);
    }
    return can;
}

/* Chroma at an edge stands for pixels beyond it, too: of a very small image it is all that there
 * is. */
static int prepare(planes_t *planes, const iiif_resolved_t *resolved, const iiif_look_t *look)
{
    const iiif_raw_level_t *raw = planes->window->level->raw;
    const unsigned whole = UNIT * planes->window->shrink;

    if (!raw || raw->format != IIIF_FORMAT_JPG || raw->tile.width % whole
        || raw->tile.height % whole || planes->size.width < UNIT || planes->size.height < UNIT
        || !is_plain(planes->source, resolved, look)
        || !read_samplings(planes, &raw->jpeg, resolved->quality == IIIF_QUALITY_GRAY,
                           look->quality[IIIF_FORMAT_JPG]))
        return 0;
    planes->tile = (iiif_dims_t){ raw->tile.width / planes->window->shrink,
                                  raw->tile.height / planes->window->shrink };
    cover(planes);
    return place(planes);
}

static int make_samples(plane_t *plane, const planes_t *planes)
{
    const iiif_dims_t tile = planes->tile;

    plane->stride = samples_of(planes->tiles.width * tile.width, plane->from.across);
    plane->room = samples_of(tile.height + KEPT, plane->from.down);
    plane->top = plane->bottom = -plane->above;
    plane->samples = g_try_malloc((gsize)plane->stride * (gsize)plane->room);
    return plane->samples != NULL;
}

/* Both components of chroma have the same. */
static void make_axes(planes_t *planes)
{
    int i;

    for (i = 0; i < planes->wanted && i < 2; ++i) {
        iiif_lanczos_axis_make(&planes->plane[i].across, &planes->plane[i].x);
        iiif_lanczos_axis_make(&planes->plane[i].down, &planes->plane[i].y);
    }
    planes->plane[2].across = planes->plane[1].across;
    planes->plane[2].down = planes->plane[1].down;
}

static int make_strip(plane_t *plane, int rows)
{
    int y;

    plane->sums = iiif_lanczos_room((size_t)plane->x.from);
    plane->width = plane->x.to;
    plane->strip = g_try_malloc((gsize)plane->width * (gsize)rows);
    for (y = 0; plane->strip && y < rows; ++y)
        plane->rows[y] = plane->strip + (ptrdiff_t)y * plane->width;
    return plane->strip != NULL;
}

static int make_room(planes_t *planes)
{
    const int chroma = BLOCK * IIIF_JPEG_STRIP;
    const int luma = planes->wanted > 1 ? planes->plane[1].to.down * chroma : chroma;
    int i, made = 1;

    for (i = 0; i < planes->stored; ++i)
        made &= make_samples(&planes->plane[i], planes);
    make_axes(planes);
    for (i = 0; i < planes->wanted; ++i)
        made &= make_strip(&planes->plane[i], i ? chroma : luma);
    return made;
}

static void give_back_room(planes_t *planes)
{
    int i;

    for (i = 0; i < planes->stored; ++i) {
        plane_t *plane = &planes->plane[i];

        g_free(plane->samples);
        g_free(plane->strip);
        g_aligned_free(plane->sums);
        if (i < 2) {
            iiif_lanczos_axis_free(&plane->across);
            iiif_lanczos_axis_free(&plane->down);
        }
    }
}

/* One tile of the next row, to the end of the rows that are there. */
static apr_status_t decode_tile(planes_t *planes, apr_uint32_t column, iiif_err_t *err)
{
    const iiif_raw_level_t *raw = planes->window->level->raw;
    const iiif_raw_tile_t tile = { .level = raw,
                                   .index = (planes->tiles.y + planes->next) * raw->columns
                                            + planes->tiles.x + column };
    iiif_raw_planes_t to = { .tile = planes->tile };
    int i;

    if (!raw->lengths[tile.index]) /* of a sparse file, or out of it */
        return iiif_fail(err, IIIF_ENOTIMPL, "a tile is not there");
    for (i = 0; i < planes->stored; ++i) {
        const plane_t *plane = &planes->plane[i];

        to.samples[i] = plane->samples + (ptrdiff_t)(plane->bottom - plane->top) * plane->stride
                        + (int)(column * planes->tile.width) / plane->from.across;
        to.strides[i] = plane->stride;
    }
    return iiif_raw_decode_planes(&to, planes->decoder, &tile, planes->source, err);
}

/* Rows above @a top are needed no more. */
static void forget_rows(plane_t *plane, int top)
{
    const int gone = MIN(top, plane->bottom) - plane->top;

    if (gone <= 0)
        return;
    memmove(plane->samples, plane->samples + (ptrdiff_t)gone * plane->stride,
            (size_t)(plane->bottom - plane->top - gone) * (size_t)plane->stride);
    plane->top += gone;
}

/* The rows of the source that a strip which begins at row @a y of the result is made of. */
static int first_row(const plane_t *plane, int y)
{
    return plane->down.starts[y];
}

static int end_row(const plane_t *plane, int y, int rows)
{
    return MIN(plane->y.from, plane->down.starts[y + rows - 1] + 2 * plane->down.pairs);
}

/* One more row of tiles. */
static apr_status_t decode_row(planes_t *planes, iiif_err_t *err)
{
    const apr_uint32_t height = planes->tile.height;
    apr_uint32_t column;
    apr_status_t rv = APR_SUCCESS;
    int i;

    if (!iiif_is_wanted(planes->window->wanted))
        return iiif_fail(err, IIIF_EGONE, "nobody waits for it any more");
    for (i = 0; i < planes->stored; ++i) {
        const plane_t *plane = &planes->plane[i];

        if (plane->bottom - plane->top + samples_of(height, plane->from.down) > plane->room)
            return iiif_fail(err, IIIF_ENOTIMPL, "rows of tiles are too low");
    }
    for (column = 0; rv == APR_SUCCESS && column < planes->tiles.width; ++column)
        rv = decode_tile(planes, column, err);
    for (i = 0; i < planes->stored; ++i)
        planes->plane[i].bottom += samples_of(height, planes->plane[i].from.down);
    ++planes->next;
    return rv;
}

/* As they are: of the same size, and beginning with a whole sample. */
static void copy_rows(const plane_t *plane, int y, int rows)
{
    int i;

    for (i = 0; i < rows; ++i) {
        const int row = MIN(y + i, plane->y.from - 1) - plane->top;
        unsigned char *to = plane->rows[i];

        memcpy(to, plane->samples + (ptrdiff_t)row * plane->stride + plane->left,
               (size_t)plane->x.from);
        memset(to + plane->x.from, to[plane->x.from - 1], (size_t)(plane->width - plane->x.from));
    }
}

static int is_copy(const iiif_lanczos_span_t *span)
{
    return span->factor == 1 && span->origin == 0;
}

static void scale_rows(plane_t *plane, int y, int rows)
{
    const iiif_lanczos_area_t area = { plane->strip, plane->width, 0, y, plane->width, rows };
    const iiif_lanczos_rows_t from = { plane->samples + plane->left,      plane->stride, plane->top,
                                       MIN(plane->bottom, plane->y.from), plane->x.from, 1 };

    if (is_copy(&plane->x) && is_copy(&plane->y))
        copy_rows(plane, y, rows);
    else
        iiif_lanczos_reduce(&area, &from, &plane->across, &plane->down, plane->sums);
}

/* For the encoder: the rows that begin with row @a y of luma. */
static int give_strip(void *planesv, int y, int rows)
{
    planes_t *planes = planesv;
    iiif_err_t err;
    int i;

    for (i = 0; i < planes->wanted; ++i) {
        plane_t *plane = &planes->plane[i];
        const int at = y / plane->to.down, count = rows / plane->to.down;

        while (planes->rv == APR_SUCCESS && plane->bottom < end_row(plane, at, count)) {
            int k;

            for (k = 0; k < planes->stored; ++k)
                forget_rows(&planes->plane[k], k < planes->wanted ? first_row(
                                                   &planes->plane[k], y / planes->plane[k].to.down)
                                                                  : planes->plane[k].bottom);
            planes->rv = decode_row(planes, &err);
        }
        if (planes->rv != APR_SUCCESS)
            return -1;
        scale_rows(plane, at, count);
    }
    return 0;
}

static int encode(iiif_bytes_t *bytes, planes_t *planes, int quality)
{
    iiif_jpeg_strips_t strips = { planes->size, planes->wanted, 1, give_strip, planes, { NULL } };
    int i;

    if (planes->wanted > 1)
        strips.sampling = planes->plane[1].to.down;
    for (i = 0; i < planes->wanted; ++i)
        strips.rows[i] = planes->plane[i].rows;
    return iiif_encode_jpeg_strips(bytes, &strips, quality);
}

apr_status_t iiif_planes_render(iiif_bytes_t *bytes, const iiif_source_t *source,
                                const iiif_window_t *window, const iiif_resolved_t *resolved,
                                const iiif_look_t *look)
{
    planes_t planes = { .source = source, .window = window, .size = resolved->size };

    if (!prepare(&planes, resolved, look))
        return IIIF_ENOTIMPL;
    apr_pool_create(&planes.pool, NULL);
    planes.rv =
        make_room(&planes) ? iiif_raw_decoder_make(&planes.decoder, NULL, planes.pool) : APR_ENOMEM;
    if (planes.rv == APR_SUCCESS && encode(bytes, &planes, look->quality[IIIF_FORMAT_JPG])
        && planes.rv == APR_SUCCESS)
        planes.rv = APR_EGENERAL;
    give_back_room(&planes);
    apr_pool_destroy(planes.pool);
    return planes.rv;
}
