/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/cost.h"

#include "image/orientation.h"
#include "image/square.h"

#include "base/banned.h"

#define BASE       ((apr_uint64_t)4 << 20)  /* of libraries, whatever the image */
#define AREA_MAX   ((apr_uint64_t)1 << 40)  /* pixels: beyond what IIIFMaxSourcePixels can say */
#define ROWS_KEPT  768                      /* of a source, by caches of libvips, */
#define ROWS_TAKEN 256                      /* and of what is made of it */
#define ROWS_SEEN  1024                     /* and of what a square is looked for in, in floats */
#define JP2_BAND   ((apr_uint64_t)4 << 20)  /* pixels that image/jp2.c decodes at a time, */
#define JP2_SAMPLE 8                        /* bytes a sample of them, */
#define JP2_HELD   ((apr_uint64_t)64 << 20) /* and that it holds at most */

/* Of formats whose decoders have all pixels at once: bytes a pixel, beside the file itself. Like
 * all numbers here measured, by t/unit/cost_test.c, and rounded up; PDF and SVG guessed. */
static const unsigned whole_pixel[IIIF_SOURCE_FORMATS] = {
    [IIIF_SOURCE_WEBP] = 16, [IIIF_SOURCE_GIF] = 8,  [IIIF_SOURCE_HEIF] = 14,
    [IIIF_SOURCE_AVIF] = 14, [IIIF_SOURCE_JXL] = 16, [IIIF_SOURCE_PDF] = 8,
    [IIIF_SOURCE_SVG] = 8,
};

/* What an encoder holds of each pixel, the encoded file included. A JPEG of noise has less than 1.2
 * bytes a pixel at quality 85. */
static const unsigned encoded_pixel[IIIF_FORMATS] = {
    [IIIF_FORMAT_JPG] = 2,  [IIIF_FORMAT_PNG] = 4,   [IIIF_FORMAT_TIF] = 5,
    [IIIF_FORMAT_GIF] = 40, [IIIF_FORMAT_WEBP] = 12, [IIIF_FORMAT_JP2] = 8,
    [IIIF_FORMAT_PDF] = 8,  [IIIF_FORMAT_AVIF] = 36, [IIIF_FORMAT_JXL] = 80,
};

static apr_uint64_t least(apr_uint64_t a, apr_uint64_t b)
{
    return a < b ? a : b;
}

static apr_uint64_t area(apr_uint64_t width, apr_uint64_t height)
{
    return least(width * height, AREA_MAX);
}

static apr_uint64_t round_up(apr_uint64_t n, apr_uint64_t step)
{
    return (n + step - 1) / step * step;
}

static apr_uint64_t round_down(apr_uint64_t n, apr_uint64_t step)
{
    return n / step * step;
}

/* Of a tile in the file, before orientation; 0,0: it has none. */
static iiif_dims_t stored_tile(const iiif_source_t *s)
{
    return s->tile.width ? iiif_orientation_dims(s->orientation, s->tile) : s->tile;
}

/* The same, as it comes out of a decoder that makes it smaller. */
static iiif_dims_t decoded_tile(const iiif_source_t *s, unsigned shrink)
{
    const iiif_dims_t tile = stored_tile(s);

    return (iiif_dims_t){ (apr_uint32_t)round_up(tile.width, shrink) / shrink,
                          (apr_uint32_t)round_up(tile.height, shrink) / shrink };
}

/* Can any part of it be decoded without what stands before? */
static int is_random(const iiif_source_t *s)
{
    return s->format == IIIF_SOURCE_JP2 || (s->format == IIIF_SOURCE_TIFF && s->tile.width);
}

/* Pixels of the level that are decoded for a window: the tiles below it, or all rows down to its
 * end. */
static apr_uint64_t decoded(const iiif_source_t *s, const iiif_window_t *window)
{
    const iiif_rect_t *rect = &window->rect;
    const iiif_dims_t tile = decoded_tile(s, window->shrink), *dims = &window->level->dims;
    const apr_uint64_t bottom = (apr_uint64_t)rect->y + rect->height;
    const apr_uint64_t right = (apr_uint64_t)rect->x + rect->width;

    if (whole_pixel[s->format] || s->whole)
        return area(dims->width, dims->height);
    if (!is_random(s))
        return area(dims->width, bottom);
    if (!tile.width || !tile.height)
        return area(rect->width, rect->height);
    return area(round_up(right, tile.width) - round_down(rect->x, tile.width),
                round_up(bottom, tile.height) - round_down(rect->y, tile.height));
}

/* Bytes that are decoded; a JPEG's codes are read at its full size, whatever the scale. */
static apr_uint64_t decoding(const iiif_source_t *s, const iiif_window_t *window)
{
    const apr_uint64_t pixels = decoded(s, window);
    const apr_uint64_t shrink = (apr_uint64_t)window->level->shrink * window->shrink;

    return pixels * s->pixel + (shrink > 1 ? pixels * shrink * shrink : 0);
}

/* Of a JPEG 2000: a band in OpenJPEG, all of the window; of one that is a single tile also its
 * bytes, and what is known of its code blocks. */
static apr_uint64_t jp2_memory(const iiif_source_t *s, const iiif_window_t *window)
{
    const iiif_dims_t tile = stored_tile(s);
    const apr_uint64_t pixels = area(window->rect.width, window->rect.height);
    const apr_uint64_t band = JP2_BAND + area(tile.width, tile.height);
    const apr_uint64_t one_tile =
        tile.width ? 0 : (apr_uint64_t)s->stamp.size + area(s->stored.width, s->stored.height) / 4;

    return least(decoded(s, window), band) * s->bands * JP2_SAMPLE
           + least(pixels, JP2_HELD) * s->pixel + one_tile;
}

/* Of the file's own structure: what has to be decoded together. */
static apr_uint64_t block_memory(const iiif_source_t *s, const iiif_window_t *window)
{
    const apr_uint64_t width = window->level->dims.width, height = window->level->dims.height;
    const iiif_dims_t tile = stored_tile(s);

    if (s->format == IIIF_SOURCE_JP2)
        return jp2_memory(s, window);
    if (whole_pixel[s->format])
        return area(width, height) * whole_pixel[s->format] + (apr_uint64_t)s->stamp.size;
    if (s->format == IIIF_SOURCE_JPEG && s->whole) /* coefficients, of full size */
        return area(s->stored.width, s->stored.height) * s->bands * 2;
    if (s->whole)
        return area(width, height) * s->pixel;
    if (tile.width && tile.height)
        return area(round_up(width, tile.width), tile.height) * s->pixel * 3;
    return area(width, s->strip) * s->pixel * 2;
}

/* Of rows on their way through the pipeline. Colours are weighted by alpha in floats. */
static apr_uint64_t row_memory(const iiif_source_t *s, const iiif_window_t *window,
                               iiif_dims_t size)
{
    const apr_uint64_t height = window->rect.height;
    const apr_uint64_t taken = size.height ? area(ROWS_TAKEN, height) / size.height + 1 : height;
    const int scaled = size.width != window->rect.width || size.height != window->rect.height;
    const int alpha = s->bands == 2 || s->bands >= 4;

    return area(window->level->dims.width, least(ROWS_KEPT + taken, height))
           * (s->pixel + (scaled && alpha ? 4 * s->bands : 0));
}

static apr_uint64_t read_memory(const iiif_source_t *s, const iiif_window_t *window,
                                iiif_dims_t size)
{
    return block_memory(s, window) + row_memory(s, window, size);
}

/* To turn an image, all of its scaled pixels are held. */
static apr_uint64_t held_memory(const iiif_source_t *s, const iiif_resolved_t *resolved)
{
    int quarters, flipped;

    iiif_orientation_steps(&quarters, &flipped, s->orientation);
    if (!quarters && !iiif_rotation_quarters(&resolved->rotation))
        return 0;
    return area(resolved->size.width, resolved->size.height) * least(s->bands, 4);
}

/* Where a square has to be found, the whole image is looked at first: scaled in floats, and held.
 */
static void add_square(iiif_cost_t *cost, const iiif_source_t *s, const iiif_resolved_t *resolved)
{
    const iiif_source_t stored = iiif_square_source(s);
    const iiif_window_t window = iiif_square_window(&stored, resolved);
    const iiif_dims_t seen = iiif_square_seen(s, resolved);
    const apr_uint64_t rows = least(window.rect.height, ROWS_SEEN);
    const apr_uint64_t held = area(seen.width, seen.height) * s->bands;
    const apr_uint64_t memory = BASE + block_memory(&stored, &window)
                                + area(window.level->dims.width, rows) * (s->pixel + 4 * s->bands)
                                + held * 6;

    cost->work += decoding(&stored, &window);
    if (memory > cost->memory)
        cost->memory = memory;
    cost->memory += held; /* what allocators do not give back in between */
}

iiif_cost_t iiif_cost_of(const iiif_source_t *pixels, const iiif_resolved_t *resolved)
{
    const iiif_window_t window = iiif_window_choose(pixels, resolved->region, resolved->size);
    const iiif_dims_t size = iiif_orientation_dims(pixels->orientation, resolved->size);
    const apr_uint64_t canvas = area(resolved->canvas.width, resolved->canvas.height);
    iiif_cost_t cost = { .work = decoding(pixels, &window) + canvas * least(pixels->bands, 4),
                         .memory = BASE + read_memory(pixels, &window, size)
                                   + held_memory(pixels, resolved)
                                   + canvas * encoded_pixel[resolved->format] };

    if (resolved->square >= IIIF_SQUARE_ENTROPY)
        add_square(&cost, pixels, resolved);
    cost.lane = cost.work > IIIF_LARGE_BYTES ? IIIF_LANE_LARGE : IIIF_LANE_SMALL;
    return cost;
}
