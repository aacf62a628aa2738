/* SPDX-License-Identifier: Apache-2.0 */
#include "image/jp2_header.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

#define BOXES_MAX      1000 /* before the codestream: metadata, each its own box */
#define MARKERS_MAX    4096 /* of one header */
#define TILE_PARTS_MAX 262144
#define SEGMENT_MAX    128 /* what is looked at of one; SIZ has its components in it */
#define LEVELS_MAX     32

/* Components of all tiles, whose state takes OpenJPEG 4 kB each: 40 000 tiles of three are 10
 * gigapixels in tiles of 512, and 500 MB. */
#define TILE_STATES_MAX 131072
#define TILE_PART_LEAST 14 /* bytes of the smallest */

/* For one tile, whose blocks take OpenJPEG some 400 bytes each: 1 gigapixel of three components has
 * 0.7 million of 64 x 64 samples, 3.2 of 32 x 32; smaller ones are allowed in smaller tiles only,
 * as long as they have 128 samples on average. */
#define PARTS_MAX       4194304
#define PARTS_FREE      65536
#define SAMPLES_PER_ONE 128
/* Packets that OpenJPEG marks off in an array of its own, two bytes each: 1 gigapixel in precincts
 * of 128 and 20 layers has 30 million. */
#define PACKETS_MAX 67108864
/* Far beyond; so that the rest can be counted in 64 bits. */
#define TILE_PIXELS_MAX (APR_UINT64_C(1) << 36)

enum { SOC = 0xff4f, SOT = 0xff90, SOD = 0xff93, SIZ = 0xff51, COD = 0xff52, COC = 0xff53 };

/* Segments that are passed over by their length. OpenJPEG looks for the next marker inside of those
 * that it does not know, and would see another file there. */
static const unsigned passed[] = {
    0xff50, 0xff55, 0xff57, 0xff58, 0xff5c, 0xff5d, 0xff5e, 0xff5f,
    0xff60, 0xff61, 0xff63, 0xff64, 0xff74, 0xff75, 0xff77, 0xff78,
};

/* How a component is cut into pieces. Exponents of 2. */
typedef struct coding_t {
    unsigned levels, block_width, block_height;
    apr_byte_t precinct[LEVELS_MAX + 1];
} coding_t;

typedef struct codings_t {
    unsigned layers; /* 0: no COD has been seen */
    coding_t components[IIIF_JP2_COMPONENTS_MAX];
} codings_t;

/* A codestream while its headers are walked. */
typedef struct walk_t {
    int fd;
    apr_uint64_t at, end; /* of the next marker; of the file */
    iiif_jp2_header_t header;
    codings_t main;
    int coded;                     /* has the header walked last a coding style of its own? */
    apr_byte_t bytes[SEGMENT_MAX]; /* of one segment, from its length on */
    unsigned length;               /* of the segment, which may be more */
} walk_t;

static unsigned be16(const apr_byte_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static apr_uint32_t be32(const apr_byte_t *p)
{
    return (apr_uint32_t)be16(p) << 16 | be16(p + 2);
}

static unsigned smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static int read_at(const walk_t *w, apr_uint64_t at, void *bytes, size_t length)
{
    return at <= w->end && w->end - at >= length
           && pread(w->fd, bytes, length, (off_t)at) == (ssize_t)length;
}

static apr_uint64_t divided(apr_uint64_t value, apr_uint64_t by)
{
    return (value + by - 1) / by;
}

/* -- where it begins ------------------------------------------------------------------------- */

/* ISO 15444-1, I.4: length, type, and a longer length if the first is 1. */
static int next_box(walk_t *w, int *found)
{
    apr_byte_t box[16];
    apr_uint64_t length;
    apr_uint64_t header = 8;

    if (!read_at(w, w->at, box, 8))
        return 0;
    length = be32(box);
    if (length == 1) {
        if (!read_at(w, w->at, box, 16) || be32(box + 8))
            return 0;
        length = be32(box + 12);
        header = 16;
    }
    *found = !memcmp(box + 4, "jp2c", 4);
    if (!*found && length < header)
        return 0;
    w->at += *found ? header : length;
    return 1;
}

static int find_codestream(walk_t *w)
{
    apr_byte_t start[2];
    int i, found = 0;

    if (!read_at(w, 0, start, 2))
        return 0;
    if (be16(start) == SOC)
        return 1;
    for (i = 0; i < BOXES_MAX && !found; ++i) {
        if (!next_box(w, &found))
            return 0;
    }
    return found && read_at(w, w->at, start, 2) && be16(start) == SOC;
}

/* -- segments -------------------------------------------------------------------------------- */

static int is_passed(unsigned marker)
{
    unsigned i;

    for (i = 0; i < sizeof(passed) / sizeof(passed[0]); ++i) {
        if (passed[i] == marker)
            return 1;
    }
    return 0;
}

/* The segment at w->at, behind its marker, into w->bytes. */
static int read_segment(walk_t *w)
{
    if (!read_at(w, w->at, w->bytes, 2))
        return 0;
    w->length = be16(w->bytes);
    if (w->length < 2 || w->end - w->at < w->length
        || !read_at(w, w->at, w->bytes, w->length < SEGMENT_MAX ? w->length : SEGMENT_MAX))
        return 0;
    w->at += w->length;
    return 1;
}

static int is_sane(const iiif_jp2_header_t *h)
{
    unsigned i;

    for (i = 0; i < h->components; ++i) {
        if (!h->dx[i] || !h->dy[i])
            return 0;
    }
    return h->x0 < h->x1 && h->y0 < h->y1 && h->x1 <= APR_INT32_MAX && h->y1 <= APR_INT32_MAX
           && h->tile_width && h->tile_height && h->tile_x0 <= h->x0 && h->tile_y0 <= h->y0
           && (apr_uint64_t)h->tile_x0 + h->tile_width > h->x0
           && (apr_uint64_t)h->tile_y0 + h->tile_height > h->y0;
}

/* A.5.1 */
static apr_status_t take_siz(walk_t *w, iiif_err_t *err)
{
    iiif_jp2_header_t *h = &w->header;
    const apr_byte_t *b = w->bytes;
    unsigned i;

    if (w->length < 38 || w->length != 38 + 3 * be16(b + 36) || !be16(b + 36))
        return iiif_fail(err, IIIF_EBADSOURCE, "JPEG 2000: the header has no sizes");
    h->components = be16(b + 36);
    if (h->components > IIIF_JP2_COMPONENTS_MAX)
        return iiif_fail(err, IIIF_EBADSOURCE, "JPEG 2000: %u components", h->components);
    h->x1 = be32(b + 4);
    h->y1 = be32(b + 8);
    h->x0 = be32(b + 12);
    h->y0 = be32(b + 16);
    h->tile_width = be32(b + 20);
    h->tile_height = be32(b + 24);
    h->tile_x0 = be32(b + 28);
    h->tile_y0 = be32(b + 32);
    for (i = 0; i < h->components; ++i) {
        h->dx[i] = b[39 + 3 * i];
        h->dy[i] = b[40 + 3 * i];
    }
    return is_sane(h) ? APR_SUCCESS
                      : iiif_fail(err, IIIF_EBADSOURCE, "JPEG 2000: impossible sizes");
}

static apr_status_t check_tiles(walk_t *w, iiif_err_t *err)
{
    iiif_jp2_header_t *h = &w->header;
    const apr_uint64_t tiles = divided(h->x1 - (apr_uint64_t)h->tile_x0, h->tile_width)
                               * divided(h->y1 - (apr_uint64_t)h->tile_y0, h->tile_height);

    h->tiled = tiles > 1;
    if (tiles > 65535 || tiles * h->components > TILE_STATES_MAX)
        return iiif_fail(err, IIIF_ETOOBIG, "JPEG 2000: %" APR_UINT64_T_FMT " tiles", tiles);
    if ((apr_uint64_t)smaller(h->tile_width, h->x1 - h->x0) * smaller(h->tile_height, h->y1 - h->y0)
        > TILE_PIXELS_MAX)
        return iiif_fail(err, IIIF_ETOOBIG, "JPEG 2000: a tile of %ux%u pixels", h->tile_width,
                         h->tile_height);
    if (tiles * TILE_PART_LEAST > w->end)
        return iiif_fail(err, IIIF_EBADSOURCE,
                         "JPEG 2000: %" APR_UINT64_T_FMT " tiles, for which it is too short",
                         tiles);
    return APR_SUCCESS;
}

/* A.6.1, table A.20: levels, exponents of a block less 2, style, transformation, precincts. */
static int take_coding(coding_t *coding, const apr_byte_t *b, const apr_byte_t *end, int precincts)
{
    unsigned r;

    if (end - b < 5)
        return 0;
    coding->levels = b[0];
    coding->block_width = (b[1] & 15u) + 2;
    coding->block_height = (b[2] & 15u) + 2;
    if (coding->levels > LEVELS_MAX || coding->block_width > 10 || coding->block_height > 10
        || coding->block_width + coding->block_height > 12
        || (precincts && end - b < 6 + (int)coding->levels))
        return 0;
    for (r = 0; r <= coding->levels; ++r)
        coding->precinct[r] = precincts ? b[5 + r] : 0xff;
    return 1;
}

/* A.6.1 and A.6.2; the last word counts, as with OpenJPEG. */
static int take_cod(codings_t *codings, const walk_t *w)
{
    const apr_byte_t *b = w->bytes;
    coding_t coding = { 0 };
    unsigned i;

    if (w->length > SEGMENT_MAX || w->length < 7
        || !take_coding(&coding, b + 7, b + w->length, b[2] & 1))
        return 0;
    codings->layers = be16(b + 4);
    for (i = 0; i < w->header.components; ++i)
        codings->components[i] = coding;
    return codings->layers > 0;
}

static int take_coc(codings_t *codings, const walk_t *w)
{
    const apr_byte_t *b = w->bytes;
    coding_t coding = { 0 };

    if (w->length > SEGMENT_MAX || w->length < 9 || b[2] >= w->header.components
        || !take_coding(&coding, b + 4, b + w->length, b[3] & 1))
        return 0;
    codings->components[b[2]] = coding;
    return 1;
}

/* -- what it asks for ------------------------------------------------------------------------ */

/* Pieces of one axis of a resolution, and of the bands below it. Where a tile begins is not asked:
 * one more than fit may be cut. */
static apr_uint64_t pieces(apr_uint64_t side, unsigned exponent)
{
    return (side >> exponent) + 2;
}

typedef struct demand_t {
    apr_uint64_t samples, parts; /* parts: code blocks and precincts */
    apr_uint64_t precincts_most; /* of one resolution */
    unsigned resolutions_most;
} demand_t;

/* B.6 and B.7. A resolution but the smallest has three bands of half its sides. */
static int add_resolution(demand_t *d, const coding_t *c, unsigned down,
                          const apr_uint64_t sides[2])
{
    const unsigned r = c->levels - down, half = r > 0, bands = r ? 3 : 1;
    const unsigned px = c->precinct[r] & 15u, py = c->precinct[r] >> 4;
    const apr_uint64_t width = divided(sides[0], APR_UINT64_C(1) << down);
    const apr_uint64_t height = divided(sides[1], APR_UINT64_C(1) << down);
    apr_uint64_t precincts, blocks;

    if (half && (!px || !py))
        return 0;
    precincts = pieces(width, px) * pieces(height, py);
    blocks = pieces(divided(width, 1u << half), smaller(c->block_width, px - half))
             * pieces(divided(height, 1u << half), smaller(c->block_height, py - half));
    d->parts += bands * (precincts + blocks);
    if (precincts > d->precincts_most)
        d->precincts_most = precincts;
    return 1;
}

static int add_component(demand_t *d, const iiif_jp2_header_t *h, const coding_t *c, unsigned i)
{
    const apr_uint32_t width = smaller(h->tile_width, h->x1 - h->x0);
    const apr_uint32_t height = smaller(h->tile_height, h->y1 - h->y0);
    const apr_uint64_t sides[2] = { divided(width, h->dx[i]), divided(height, h->dy[i]) };
    unsigned down;

    d->samples += sides[0] * sides[1];
    if (c->levels + 1 > d->resolutions_most)
        d->resolutions_most = c->levels + 1;
    for (down = 0; down <= c->levels && down <= LEVELS_MAX; ++down) {
        if (!add_resolution(d, c, down, sides))
            return 0;
    }
    return 1;
}

static apr_status_t check_demand(walk_t *w, const codings_t *codings, iiif_err_t *err)
{
    demand_t d = { 0, 0, 0, 0 };
    unsigned i;

    if (!codings->layers)
        return iiif_fail(err, IIIF_EBADSOURCE, "JPEG 2000: it does not say how it is coded");
    for (i = 0; i < w->header.components; ++i) {
        const coding_t *c = &codings->components[i];

        if (!add_component(&d, &w->header, c, i))
            return iiif_fail(err, IIIF_EBADSOURCE, "JPEG 2000: precincts of no size");
        w->header.resolutions = smaller(w->header.resolutions, c->levels + 1);
    }
    if (d.parts > PARTS_MAX || d.parts > PARTS_FREE + d.samples / SAMPLES_PER_ONE)
        return iiif_fail(err, IIIF_ETOOBIG,
                         "JPEG 2000: %" APR_UINT64_T_FMT
                         " code blocks and precincts for a tile of %" APR_UINT64_T_FMT " samples",
                         d.parts, d.samples);
    if (d.precincts_most * d.resolutions_most * w->header.components * (codings->layers + 1)
        > PACKETS_MAX)
        return iiif_fail(err, IIIF_ETOOBIG,
                         "JPEG 2000: %u layers of %" APR_UINT64_T_FMT " precincts", codings->layers,
                         d.precincts_most);
    return APR_SUCCESS;
}

/* -- the walk -------------------------------------------------------------------------------- */

static apr_status_t take_segment(walk_t *w, codings_t *codings, unsigned marker, iiif_err_t *err)
{
    if (marker == SIZ || (marker != COD && marker != COC && !is_passed(marker)))
        return iiif_fail(err, IIIF_EBADSOURCE, "JPEG 2000: marker %x in a header", marker);
    if ((marker == COD && !take_cod(codings, w)) || (marker == COC && !take_coc(codings, w)))
        return iiif_fail(err, IIIF_EBADSOURCE, "JPEG 2000: an impossible coding style");
    w->coded |= marker == COD || marker == COC;
    return APR_SUCCESS;
}

/* Segments up to @a last, which is passed. APR_EOF: the file ends before, or is damaged here. */
static apr_status_t walk_header(walk_t *w, codings_t *codings, unsigned last, iiif_err_t *err)
{
    apr_byte_t marker[2];
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = 0; i < MARKERS_MAX && rv == APR_SUCCESS; ++i) {
        if (!read_at(w, w->at, marker, 2))
            return APR_EOF;
        w->at += 2;
        if (be16(marker) == last)
            return APR_SUCCESS;
        if (!read_segment(w))
            return APR_EOF;
        rv = take_segment(w, codings, be16(marker), err);
    }
    return rv == APR_SUCCESS ? iiif_fail(err, IIIF_EBADSOURCE, "JPEG 2000: too many markers") : rv;
}

static apr_status_t walk_main(walk_t *w, iiif_err_t *err)
{
    apr_byte_t start[4];
    apr_status_t rv;

    if (!find_codestream(w) || !read_at(w, w->at, start, 4) || be16(start + 2) != SIZ)
        return iiif_fail(err, IIIF_EBADSOURCE, "JPEG 2000: there is no codestream");
    w->at += 4;
    if (!read_segment(w))
        return iiif_fail(err, IIIF_EBADSOURCE, "JPEG 2000: it ends in its header");
    rv = take_siz(w, err);
    if (rv == APR_SUCCESS)
        rv = check_tiles(w, err);
    if (rv == APR_SUCCESS)
        rv = walk_header(w, &w->main, SOT, err);
    if (rv == APR_EOF)
        return iiif_fail(err, IIIF_EBADSOURCE, "JPEG 2000: it ends in its header");
    return rv == APR_SUCCESS ? check_demand(w, &w->main, err) : rv;
}

/* A.4.2, behind the marker; APR_EOF after the last. What is damaged here OpenJPEG will refuse when
 * it comes here: it may not have to. */
static apr_status_t walk_tile_part(walk_t *w, iiif_err_t *err)
{
    const apr_uint64_t start = w->at - 2;
    codings_t codings = w->main;
    apr_byte_t next[2];
    apr_uint64_t length;
    apr_status_t rv;
    int first;

    if (!read_segment(w) || w->length != 10)
        return APR_EOF;
    length = be32(w->bytes + 4);
    first = !w->bytes[8];
    w->coded = 0;
    rv = walk_header(w, &codings, SOD, err);
    if (rv == APR_SUCCESS && !first && w->coded)
        return iiif_fail(err, IIIF_EBADSOURCE, "JPEG 2000: a tile changes its coding style");
    if (rv == APR_SUCCESS && w->coded)
        rv = check_demand(w, &codings, err);
    if (rv != APR_SUCCESS)
        return rv;
    if (start + length > w->at)
        w->at = start + length;
    if (!length || !read_at(w, w->at, next, 2) || be16(next) != SOT)
        return APR_EOF;
    w->at += 2;
    return APR_SUCCESS;
}

static apr_status_t walk_tile_parts(walk_t *w, iiif_err_t *err)
{
    int i;

    for (i = 0; i < TILE_PARTS_MAX; ++i) {
        apr_status_t rv = walk_tile_part(w, err);

        if (rv != APR_SUCCESS)
            return rv == APR_EOF ? APR_SUCCESS : rv;
    }
    return iiif_fail(err, IIIF_ETOOBIG, "JPEG 2000: more than %d tile-parts", TILE_PARTS_MAX);
}

apr_status_t iiif_jp2_header_read(iiif_jp2_header_t *header, int fd, iiif_err_t *err)
{
    walk_t w = { .fd = fd, .header = { .resolutions = LEVELS_MAX + 1 } };
    struct stat info;
    apr_status_t rv;

    if (fstat(fd, &info) || info.st_size < 0)
        return iiif_fail(err, IIIF_EBADSOURCE, "cannot read the source");
    w.end = (apr_uint64_t)info.st_size;
    rv = walk_main(&w, err);
    if (rv == APR_SUCCESS)
        rv = walk_tile_parts(&w, err);
    if (rv == APR_SUCCESS)
        *header = w.header;
    return rv;
}

static apr_uint32_t side_at(apr_uint64_t from, apr_uint64_t to, unsigned step, unsigned resolution)
{
    const apr_uint64_t scale = APR_UINT64_C(1) << resolution;

    return (apr_uint32_t)(divided(divided(to, step), scale) - divided(divided(from, step), scale));
}

iiif_dims_t iiif_jp2_header_dims(const iiif_jp2_header_t *header, unsigned resolution)
{
    const iiif_jp2_header_t *h = header;

    return (iiif_dims_t){ side_at(h->x0, h->x1, h->dx[0], resolution),
                          side_at(h->y0, h->y1, h->dy[0], resolution) };
}
