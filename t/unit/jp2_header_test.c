/* SPDX-License-Identifier: Apache-2.0 */
#include "image/jp2_header.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tap.h"

/* A codestream of hardly more than headers. 0: not there, or the usual. */
typedef struct made_t {
    const char *name;
    unsigned x0, y0, x1, y1, tile, tile_x0;     /* tile 0: one of all */
    unsigned components, step;                  /* step: of the second and third */
    unsigned levels, layers, blocks, precincts; /* blocks: exponents less 2, 0x44: of 64 x 64 */
    unsigned coc;                               /* blocks of the second component */
    unsigned tile_blocks;                       /* of a COD in a tile-part */
    unsigned tile_part;                         /* which one that is */
    unsigned parts, padding;                    /* tile-parts; bytes behind */
    unsigned marker;                            /* another one in the main header */
    apr_status_t want;
    unsigned resolutions, width, height, second_width, second_height;
} made_t;

#define GIGA 32768

/* clang-format off */
static const made_t cases[] = {
    { "plain",                .x1 = 1000, .y1 = 800, .levels = 5, .resolutions = 6, .width = 1000, .height = 800, .second_width = 500, .second_height = 400 },
    { "odd",                  .x1 = 1001, .y1 = 1, .levels = 2, .resolutions = 3, .width = 1001, .height = 1, .second_width = 501, .second_height = 1 },
    { "an offset",            .x0 = 17, .y0 = 9, .x1 = 278, .y1 = 206, .levels = 3, .resolutions = 4, .width = 261, .height = 197, .second_width = 130, .second_height = 98 },
    { "nothing left",         .x0 = 1, .y0 = 1, .x1 = 2, .y1 = 2, .levels = 3, .resolutions = 4, .width = 1, .height = 1, .second_width = 0, .second_height = 0 },
    { "subsampled",           .x1 = 1000, .y1 = 800, .step = 2, .resolutions = 1, .width = 1000, .height = 800, .second_width = 500, .second_height = 400 },
    { "1 gigapixel, 64 x 64", .x1 = GIGA, .y1 = GIGA, .levels = 7, .resolutions = 8, .width = GIGA, .height = GIGA, .second_width = GIGA / 2, .second_height = GIGA / 2 },
    { "1 gigapixel, 32 x 32", .x1 = GIGA, .y1 = GIGA, .levels = 7, .blocks = 0x33, .resolutions = 8, .width = GIGA, .height = GIGA, .second_width = GIGA / 2, .second_height = GIGA / 2 },
    { "its precincts of 128", .x1 = GIGA, .y1 = GIGA, .levels = 7, .layers = 20, .precincts = 0x77, .resolutions = 8, .width = GIGA, .height = GIGA, .second_width = GIGA / 2, .second_height = GIGA / 2 },
    { "4 x 4 in tiles of 64", .x1 = 640, .y1 = 640, .tile = 64, .levels = 3, .blocks = 0x100, .parts = 100, .resolutions = 4, .width = 640, .height = 640, .second_width = 320, .second_height = 320 },
    { "fewer levels in a tile", .x1 = 640, .y1 = 640, .tile = 320, .levels = 3, .parts = 4, .tile_blocks = 0x44, .resolutions = 1, .width = 640, .height = 640, .second_width = 320, .second_height = 320 },
    { "40 000 tiles",         .x1 = 102400, .y1 = 102400, .tile = 512, .levels = 5, .padding = 600000, .resolutions = 6, .width = 102400, .height = 102400, .second_width = 51200, .second_height = 51200 },

    { "4 x 4",                .x1 = 20000, .y1 = 20000, .levels = 5, .blocks = 0x100, .want = IIIF_ETOOBIG },
    { "1 gigapixel, 16 x 16", .x1 = GIGA, .y1 = GIGA, .levels = 7, .blocks = 0x22, .want = IIIF_ETOOBIG },
    { "4 x 4 of a component", .x1 = 20000, .y1 = 20000, .levels = 5, .coc = 0x100, .want = IIIF_ETOOBIG },
    { "4 x 4 of a tile",      .x1 = 20000, .y1 = 20000, .levels = 5, .parts = 1, .tile_blocks = 0x100, .want = IIIF_ETOOBIG },
    { "of its second part",   .x1 = 2000, .y1 = 2000, .levels = 5, .parts = 2, .tile_part = 1, .tile_blocks = 0x44, .want = IIIF_EBADSOURCE },
    { "precincts of 2",       .x1 = 20000, .y1 = 20000, .levels = 5, .precincts = 0x11, .want = IIIF_ETOOBIG },
    { "precincts of 1",       .x1 = 1000, .y1 = 800, .levels = 5, .precincts = 0x100, .want = IIIF_EBADSOURCE },
    { "layers",               .x1 = GIGA, .y1 = GIGA, .levels = 7, .layers = 65535, .precincts = 0x77, .want = IIIF_ETOOBIG },
    { "65025 tiles",          .x1 = 255, .y1 = 255, .tile = 1, .components = 1, .levels = 1, .want = IIIF_EBADSOURCE },
    { "more tiles than may be", .x1 = 256, .y1 = 256, .tile = 1, .levels = 1, .want = IIIF_ETOOBIG },
    { "tiles of many components", .x1 = 250, .y1 = 250, .tile = 1, .components = 16, .padding = 900000, .want = IIIF_ETOOBIG },
    { "a tile of 2^62",       .x1 = 0x7fffffff, .y1 = 0x7fffffff, .levels = 32, .want = IIIF_ETOOBIG },
    { "beyond 2^31",          .x1 = 0x80000000, .y1 = 1, .want = IIIF_EBADSOURCE },
    { "nothing",              .x0 = 5, .x1 = 5, .y1 = 5, .want = IIIF_EBADSOURCE },
    { "a tile elsewhere",     .x0 = 5, .x1 = 9, .y1 = 5, .tile = 2, .want = IIIF_EBADSOURCE },
    { "tiles from the inside", .x0 = 5, .x1 = 9, .y1 = 5, .tile = 2, .tile_x0 = 6, .want = IIIF_EBADSOURCE },
    { "sampled by 0",         .x1 = 1000, .y1 = 800, .step = 256, .want = IIIF_EBADSOURCE },
    { "33 levels",            .x1 = 1000, .y1 = 800, .levels = 33, .want = IIIF_EBADSOURCE },
    { "blocks of 128 x 64",   .x1 = 1000, .y1 = 800, .blocks = 0x45, .want = IIIF_EBADSOURCE },
    { "an unknown marker",    .x1 = 1000, .y1 = 800, .marker = 0xff7a, .want = IIIF_EBADSOURCE },
    { "SIZ once more",        .x1 = 1000, .y1 = 800, .marker = 0xff51, .want = IIIF_EBADSOURCE },
    { "17 components",        .x1 = 1000, .y1 = 800, .components = 17, .want = IIIF_EBADSOURCE },
};
/* clang-format on */

typedef struct bytes_t {
    unsigned char data[16384];
    size_t length;
} bytes_t;

static void put8(bytes_t *b, unsigned value)
{
    b->data[b->length++] = (unsigned char)value;
}

static void put16(bytes_t *b, unsigned value)
{
    put8(b, value >> 8);
    put8(b, value & 255);
}

static void put32(bytes_t *b, unsigned value)
{
    put16(b, value >> 16);
    put16(b, value & 65535);
}

static void put_siz(bytes_t *b, const made_t *made)
{
    const unsigned components = made->components ? made->components : 3;
    unsigned i;

    put16(b, 0xff51);
    put16(b, 38 + 3 * components);
    put16(b, 0);
    put32(b, made->x1);
    put32(b, made->y1);
    put32(b, made->x0);
    put32(b, made->y0);
    put32(b, made->tile ? made->tile : made->x1);
    put32(b, made->tile ? made->tile : made->y1);
    put32(b, made->tile_x0);
    put32(b, 0);
    put16(b, components);
    for (i = 0; i < components; ++i) {
        put8(b, 7);
        put8(b, made->step && i ? made->step & 255 : 1);
        put8(b, made->step && i ? made->step & 255 : 1);
    }
}

/* 0: 64 x 64; 0x100: 4 x 4, whose exponents are 0 */
static void put_style(bytes_t *b, unsigned levels, unsigned blocks, unsigned precincts)
{
    unsigned r;

    if (!blocks)
        blocks = 0x44;
    put8(b, levels);
    put8(b, blocks >> 4 & 15);
    put8(b, blocks & 15);
    put16(b, 0);
    for (r = 0; precincts && r <= levels; ++r)
        put8(b, precincts & 255);
}

static void put_cod(bytes_t *b, const made_t *made)
{
    put16(b, 0xff52);
    put16(b, 12 + (made->precincts ? made->levels + 1 : 0));
    put8(b, made->precincts > 0);
    put8(b, 0);
    put16(b, made->layers ? made->layers : 1);
    put8(b, 0);
    put_style(b, made->levels, made->blocks, made->precincts);
}

static void put_coc(bytes_t *b, const made_t *made)
{
    put16(b, 0xff53);
    put16(b, 9);
    put8(b, 1);
    put8(b, 0);
    put_style(b, made->levels, made->coc, 0);
}

/* Tiles in turn, or parts of the only one. A COD of no levels where one is asked for with 64 x 64.
 */
static void put_part(bytes_t *b, const made_t *made, unsigned part)
{
    const made_t tile = { .levels = made->tile_blocks == 0x44 ? 0 : made->levels,
                          .blocks = made->tile_blocks };
    const int coded = made->tile_blocks && part == made->tile_part;

    put16(b, 0xff90);
    put16(b, 10);
    put16(b, made->tile ? part : 0);
    put32(b, coded ? 14 + 14 : 14);
    put8(b, made->tile ? 0 : part);
    put8(b, 0);
    if (coded)
        put_cod(b, &tile);
    put16(b, 0xff93);
}

static void put_codestream(bytes_t *b, const made_t *made)
{
    unsigned i;

    put16(b, 0xff4f);
    put_siz(b, made);
    put_cod(b, made);
    if (made->coc)
        put_coc(b, made);
    if (made->marker) {
        put16(b, made->marker);
        put16(b, 4);
        put16(b, 0);
    }
    for (i = 0; i < (made->parts ? made->parts : 1); ++i)
        put_part(b, made, i);
    put16(b, 0xffd9);
}

static int file_of(const bytes_t *b, size_t padding)
{
    char path[] = "/tmp/iiif-jp2-header-XXXXXX";
    int fd = mkstemp(path);

    unlink(path);
    if (fd < 0 || write(fd, b->data, b->length) != (ssize_t)b->length
        || ftruncate(fd, (off_t)(b->length + padding)))
        abort();
    return fd;
}

static apr_status_t read_bytes(iiif_jp2_header_t *header, const bytes_t *b, size_t padding,
                               iiif_err_t *err)
{
    int fd = file_of(b, padding);
    apr_status_t rv = iiif_jp2_header_read(header, fd, err);

    close(fd);
    return rv;
}

static void test_case(const made_t *made)
{
    iiif_jp2_header_t header = { .components = 99 };
    iiif_err_t err = { "" };
    bytes_t b = { .length = 0 };
    iiif_dims_t first, second;
    apr_status_t rv;

    put_codestream(&b, made);
    rv = read_bytes(&header, &b, made->padding, &err);
    if (!ok(rv == made->want, "%s: %d %s", made->name, rv, err.text))
        return;
    if (rv != APR_SUCCESS) {
        ok(header.components == 99 && err.text[0], "  and nothing is filled");
        return;
    }
    first = iiif_jp2_header_dims(&header, 0);
    second = iiif_jp2_header_dims(&header, 1);
    ok(header.resolutions == made->resolutions && first.width == made->width
           && first.height == made->height && second.width == made->second_width
           && second.height == made->second_height && header.tiled == (made->tile > 0),
       "  %u resolutions, %ux%u, %ux%u", header.resolutions, first.width, first.height,
       second.width, second.height);
}

/* -- where a codestream lies ------------------------------------------------------------------ */

/* clang-format off */
static const struct {
    const char *name, *before;
    size_t length;
    apr_status_t want;
} places[] = {
    { "bare",                   "", 0, APR_SUCCESS },
    { "in a box",               "\0\0\0\x0cjP  \r\n\x87\n\0\0\0\0jp2c", 20, APR_SUCCESS },
    { "in a long one",          "\0\0\0\x0cjP  \r\n\x87\n\0\0\0\1jp2c\0\0\0\0\0\0\1\0", 28, APR_SUCCESS },
    { "behind a long one",      "\0\0\0\1free\0\0\0\0\0\0\0\x12??\0\0\0\0jp2c", 26, APR_SUCCESS },
    { "in no box",              "\0\0\0\x0cjP  \r\n\x87\n", 12, IIIF_EBADSOURCE },
    { "behind one without end", "\0\0\0\0free\0\0\0\0jp2c", 16, IIIF_EBADSOURCE },
    { "behind one of 7 bytes",  "\0\0\0\7free\0\0\0\0jp2c", 16, IIIF_EBADSOURCE },
    { "behind one of 2^32",     "\0\0\0\1free\0\0\0\1\0\0\0\0\0\0\0\0jp2c", 24, IIIF_EBADSOURCE },
};
/* clang-format on */

static void test_place(unsigned i)
{
    iiif_jp2_header_t header;
    bytes_t b = { .length = 0 };

    memcpy(b.data, places[i].before, places[i].length);
    b.length = places[i].length;
    put_codestream(&b, &cases[0]);
    ok(read_bytes(&header, &b, 0, NULL) == places[i].want, "%s", places[i].name);
}

/* Cut anywhere before its first tile-part, a header is none; behind, it is known. */
static void test_cut(void)
{
    iiif_jp2_header_t header;
    bytes_t b = { .length = 0 }, part;
    unsigned wrong = 0;
    size_t headers;

    put_codestream(&b, &cases[0]);
    headers = b.length - 2 - 14 + 2; /* EOC, all of the tile-part, its marker */
    for (part = b, part.length = 0; part.length <= b.length; ++part.length)
        wrong += read_bytes(&header, &part, 0, NULL)
                 != (part.length < headers || part.length < 14 ? IIIF_EBADSOURCE : APR_SUCCESS);
    ok(!wrong, "cut short: %u wrong", wrong);
}

/* Any byte is any other: right or refused, and no more than that. */
static void test_lies(void)
{
    iiif_jp2_header_t header;
    unsigned seen = 0, unsound = 0;
    bytes_t b = { .length = 0 };
    size_t n, value;

    put_codestream(&b, &cases[2]);
    for (n = 0; n < b.length; ++n)
        for (value = 0; value < 256; value += 15) {
            const unsigned char was = b.data[n];

            b.data[n] = (unsigned char)value;
            if (read_bytes(&header, &b, 0, NULL) == APR_SUCCESS) {
                ++seen;
                unsound += !header.resolutions || header.resolutions > 33 || !header.components
                           || header.components > IIIF_JP2_COMPONENTS_MAX || !header.dx[0]
                           || header.x0 >= header.x1 || !header.tile_width;
            }
            b.data[n] = was;
        }
    ok(seen && !unsound, "one byte is another: %u are headers all the same, %u unsound", seen,
       unsound);
}

int main(void)
{
    unsigned i;

    for (i = 0; i < ROWS(cases); ++i)
        test_case(&cases[i]);
    for (i = 0; i < ROWS(places); ++i)
        test_place(i);
    test_cut();
    test_lies();
    return done_testing();
}
