/* SPDX-License-Identifier: Apache-2.0 */
#include "image/raw_tile.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

/* One axis of a region, measured in tiles of a level. */
typedef struct cell_t {
    apr_uint32_t number;
    apr_uint32_t visible; /* pixels of it inside the level */
} cell_t;

/* Does the stretch start+length of @a full, shown in @a wanted pixels, fill one cell? */
static int fills_cell(cell_t *cell, const apr_uint32_t stretch[2], apr_uint32_t wanted,
                      const apr_uint32_t sides[3], apr_uint32_t factor)
{
    apr_uint32_t full = sides[0], level = sides[1], tile = sides[2];
    apr_uint64_t step = (apr_uint64_t)tile * factor, start = stretch[0];
    apr_uint64_t rest = full - start;

    if (start % step || stretch[1] != (rest < step ? rest : step))
        return 0;
    cell->number = (apr_uint32_t)(start / step);
    if ((apr_uint64_t)cell->number * tile >= level)
        return 0;
    cell->visible = level - cell->number * tile < tile ? level - cell->number * tile : tile;
    /* where sides were rounded down, the last cell may lack the pixel that is asked for */
    return cell->visible == wanted && wanted == (stretch[1] + (apr_uint64_t)factor - 1) / factor;
}

static int find_on(iiif_raw_tile_t *tile, const iiif_source_t *source, const iiif_level_t *level,
                   const iiif_resolved_t *r)
{
    const iiif_raw_level_t *raw = level->raw;
    const apr_uint32_t factor = (apr_uint32_t)level->scale_x;
    const apr_uint32_t across[3] = { source->full.width, level->dims.width, raw->tile.width };
    const apr_uint32_t down[3] = { source->full.height, level->dims.height, raw->tile.height };
    const apr_uint32_t x[2] = { r->region.x, r->region.width };
    const apr_uint32_t y[2] = { r->region.y, r->region.height };
    cell_t column, row;

    if (level->scale_x != factor || level->scale_y != factor
        || !fills_cell(&column, x, r->size.width, across, factor)
        || !fills_cell(&row, y, r->size.height, down, factor))
        return 0;
    tile->level = raw;
    tile->index = row.number * raw->columns + column.number;
    tile->change = (iiif_jpeg_change_t){ { 0, 0 },
                                         r->rotation.mirror,
                                         iiif_rotation_quarters(&r->rotation),
                                         r->quality == IIIF_QUALITY_GRAY };
    if (column.visible != raw->tile.width || row.visible != raw->tile.height)
        tile->change.crop = (iiif_dims_t){ column.visible, row.visible };
    return raw->lengths[tile->index] != 0;
}

static int can_leave(iiif_raw_tile_t *tile)
{
    const iiif_jpeg_change_t *change = &tile->change;

    tile->changed = change->crop.width || change->mirror || change->quarters || change->gray;
    if (!tile->changed)
        return 1;
    return tile->level->format == IIIF_FORMAT_JPG
           && iiif_jpeg_can_change(&tile->level->jpeg, change);
}

/* What no tile can be, whichever; NULL: one may be. */
static const char *beyond_tiles(const iiif_source_t *source, const iiif_resolved_t *resolved)
{
    if (resolved->square != IIIF_SQUARE_CENTRE)
        return "pixels decide where the square lies";
    if (resolved->quality == IIIF_QUALITY_BITONAL)
        return "bitonal pixels have to be computed";
    if (iiif_rotation_quarters(&resolved->rotation) < 0)
        return "it is not turned by quarters";
    if (resolved->quality == IIIF_QUALITY_GRAY && source->profile)
        return "gray is luma of sRGB, and the source has another profile";
    return NULL;
}

int iiif_raw_tile_find(iiif_raw_tile_t *tile, const iiif_source_t *source,
                       const iiif_resolved_t *resolved)
{
    int i;

    if (source->fd < 0 || beyond_tiles(source, resolved))
        return 0;
    for (i = 0; i < source->level_count; ++i) {
        const iiif_level_t *level = &source->levels[i];

        if (level->raw && level->raw->format == resolved->format
            && find_on(tile, source, level, resolved) && can_leave(tile))
            return 1;
    }
    return 0;
}

/* The level on which a pixel is nearest to one of the answer. */
static const iiif_level_t *nearest_level(const iiif_source_t *source, const iiif_resolved_t *r)
{
    const double wanted = (double)r->region.width / r->size.width;
    const iiif_level_t *best = &source->levels[0];
    int i;

    for (i = 1; i < source->level_count; ++i) {
        if (fabs(source->levels[i].scale_x - wanted) < fabs(best->scale_x - wanted))
            best = &source->levels[i];
    }
    return best;
}

const char *iiif_raw_tile_missing(const iiif_source_t *source, const iiif_resolved_t *resolved)
{
    const iiif_level_t *level = nearest_level(source, resolved);
    const char *wrong = beyond_tiles(source, resolved);
    iiif_raw_tile_t tile = { .level = NULL };

    if (wrong || level->blocked)
        return wrong ? wrong : level->blocked;
    if (level->raw->format != resolved->format)
        return "its tiles are of another format";
    if (!find_on(&tile, source, level, resolved))
        return "it is no tile of the grid, at the size of a level";
    return "it cannot be cut, turned or made gray without loss";
}

/* pread() until all is there. */
static apr_status_t read_at(const iiif_source_t *source, void *data, apr_size_t len,
                            apr_uint64_t offset)
{
    apr_size_t done = 0;

    while (done < len) {
        ssize_t n = pread(source->fd, (char *)data + done, len - done, (off_t)(offset + done));

        if (n < 0 && errno != EINTR)
            return APR_FROM_OS_ERROR(errno);
        if (!n)
            return APR_EOF;
        if (n > 0)
            done += (apr_size_t)n;
    }
    return APR_SUCCESS;
}

/* The file behind the descriptor: where it was replaced by another, ours is still the old one. */
static apr_status_t check_unchanged(const iiif_source_t *source, iiif_err_t *err)
{
    struct stat now;

    if (fstat(source->fd, &now))
        return iiif_fail(err, APR_FROM_OS_ERROR(errno), "cannot look at the source");
    if (!iiif_stamp_is(&source->stamp, &now))
        return iiif_fail(err, IIIF_ECHANGED, "the file is being written to");
    return APR_SUCCESS;
}

/* The same image as the directory says, and one that its head makes complete. */
static int agrees(const iiif_jpeg_header_t *own, const iiif_jpeg_header_t *expected)
{
    int i;

    if (!own->baseline || !own->interleaved || own->metadata
        || !iiif_dims_equal(own->dims, expected->dims) || own->components != expected->components)
        return 0;
    for (i = 0; i < own->components; ++i) {
        if (own->components > 1
            && (own->horizontal[i] * expected->horizontal[0]
                    != expected->horizontal[i] * own->horizontal[0]
                || own->vertical[i] * expected->vertical[0]
                       != expected->vertical[i] * own->vertical[0]))
            return 0;
    }
    if (!expected->jfif && (own->jfif || own->adobe > 0)) /* RGB that says it is not */
        return 0;
    if (expected->jfif && own->components == 3 && !own->adobe) /* YCbCr that says it is RGB */
        return 0;
    return !(own->quantization_used & ~(own->quantization | expected->quantization))
           && !(own->huffman_used & ~(own->huffman | expected->huffman));
}

/* Does the entropy-coded data behind the header end where the tile ends (T.81, B.1.1.5), but for a
 * zero that pads to even length? A length that takes in another tile is found out here. */
static int ends_with_tile(const unsigned char *data, apr_size_t at, apr_size_t len)
{
    const unsigned char *ff;

    while (at + 1 < len && (ff = memchr(data + at, 0xff, len - at - 1))) {
        int marker = ff[1];

        at = (apr_size_t)(ff - data) + (marker == 0xff ? 1 : 2);
        if (!marker || marker == 0xff || (marker >= 0xd0 && marker <= 0xd7))
            continue;
        return marker == 0xd9 && (at == len || (at + 1 == len && !data[at]));
    }
    return 0;
}

static int is_jpeg_tile(const iiif_raw_level_t *level, const unsigned char *data, apr_size_t len)
{
    iiif_jpeg_header_t own;

    return iiif_jpeg_header(&own, data, len) == IIIF_JPEG_IS && agrees(&own, &level->jpeg)
           && ends_with_tile(data, own.length, len);
}

static apr_uint32_t little_endian(const unsigned char *b, int bytes)
{
    return b[0] | (apr_uint32_t)b[1] << 8 | (bytes > 2 ? (apr_uint32_t)b[2] << 16 : 0)
           | (bytes > 3 ? (apr_uint32_t)b[3] << 24 : 0);
}

#define VP8X_MORE   0x2e /* profile, EXIF, XMP, animation: more than the tile is to say */
#define VP8X_ALPHA  0x10
#define FRAME_BYTES 18

/* RFC 9649, 2.5 and 2.6: the chunk of an image without more, from its name on, FRAME_BYTES
 * of which are there. Has it these dimensions, and alpha only where that may be? */
static int is_webp_frame(const unsigned char *b, iiif_dims_t tile, int alpha)
{
    iiif_dims_t dims = { 0, 0 };
    apr_uint32_t bits;

    if (!memcmp(b, "VP8 ", 4) && !memcmp(b + 11, "\x9d\x01\x2a", 3))
        dims =
            (iiif_dims_t){ little_endian(b + 14, 2) & 0x3fff, little_endian(b + 16, 2) & 0x3fff };
    else if (!memcmp(b, "VP8L", 4) && b[8] == 0x2f) {
        bits = little_endian(b + 9, 4);
        if (alpha || !(bits >> 28 & 1))
            dims = (iiif_dims_t){ (bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1 };
    }
    return iiif_dims_equal(dims, tile);
}

/* RFC 9649, 2.4 to 2.7: RIFF, its size, WEBP, and an image; or what it has, and then the image, in
 * front of which lies its alpha. */
static int is_webp_tile(const iiif_raw_level_t *level, const unsigned char *b, apr_size_t length)
{
    iiif_dims_t dims;

    if (length < 30 || memcmp(b, "RIFF", 4) || memcmp(b + 8, "WEBP", 4)
        || length - 8 - little_endian(b + 4, 4) > 1)
        return 0;
    if (memcmp(b + 12, "VP8X", 4))
        return is_webp_frame(b + 12, level->tile, level->alpha);
    dims = (iiif_dims_t){ little_endian(b + 24, 3) + 1, little_endian(b + 27, 3) + 1 };
    if (b[20] & VP8X_MORE || !iiif_dims_equal(dims, level->tile))
        return 0;
    return level->alpha
           || (!(b[20] & VP8X_ALPHA) && length >= 30 + FRAME_BYTES
               && is_webp_frame(b + 30, level->tile, 0));
}

int iiif_raw_tile_is_checked(const iiif_raw_tile_t *tile)
{
    return (int)(__atomic_load_n(&tile->level->checked[tile->index / 32], __ATOMIC_RELAXED)
                     >> tile->index % 32
                 & 1);
}

static void note_checked(const iiif_raw_tile_t *tile)
{
    __atomic_fetch_or(&tile->level->checked[tile->index / 32], 1u << tile->index % 32,
                      __ATOMIC_RELAXED);
}

static int is_right(const iiif_raw_tile_t *tile, const unsigned char *data, apr_size_t length)
{
    return tile->level->format == IIIF_FORMAT_JPG ? is_jpeg_tile(tile->level, data, length)
                                                  : is_webp_tile(tile->level, data, length);
}

apr_size_t iiif_raw_tile_length(const iiif_raw_tile_t *tile)
{
    return tile->level->head_length + tile->level->lengths[tile->index] - tile->level->skip;
}

/* Head and tile in one piece; the tile's own first bytes are read in front of its place, looked at,
 * and then covered by the end of the head. */
static apr_status_t read_whole(iiif_bytes_t *bytes, const iiif_raw_tile_t *tile,
                               const iiif_source_t *source, iiif_err_t *err)
{
    const iiif_raw_level_t *level = tile->level;
    const apr_uint32_t length = level->lengths[tile->index];
    iiif_bytes_t whole = { NULL, iiif_raw_tile_length(tile) };
    unsigned char *stored;
    apr_status_t rv, unchanged;

    if (!(whole.data = malloc(whole.len)))
        return iiif_fail(err, APR_ENOMEM, "no memory for a tile");
    stored = (unsigned char *)whole.data + level->head_length - level->skip;
    rv = read_at(source, stored, length, level->offsets[tile->index]);
    unchanged = check_unchanged(source, err);
    if (unchanged != APR_SUCCESS)
        rv = unchanged;
    else if (rv != APR_SUCCESS)
        iiif_fail(err, rv, "cannot read a tile");
    else if (!iiif_raw_tile_is_checked(tile) && !is_right(tile, stored, length))
        rv = iiif_fail(err, IIIF_EBADSOURCE, "a tile is not what its directory says");
    if (rv != APR_SUCCESS) {
        free(whole.data);
        return rv;
    }
    note_checked(tile);
    memcpy(whole.data, level->head, level->head_length);
    *bytes = whole;
    return APR_SUCCESS;
}

apr_status_t iiif_raw_tile_read(iiif_bytes_t *bytes, const iiif_raw_tile_t *tile,
                                const iiif_source_t *source, iiif_err_t *err)
{
    iiif_bytes_t stored = { NULL, 0 };
    apr_status_t rv = read_whole(&stored, tile, source, err);

    if (rv != APR_SUCCESS || !tile->changed) {
        if (rv == APR_SUCCESS)
            *bytes = stored;
        return rv;
    }
    rv = iiif_jpeg_change(bytes, stored.data, stored.len, &tile->change, err);
    iiif_bytes_free(stored.data);
    return rv;
}
