/* SPDX-License-Identifier: Apache-2.0 */
#include "image/jpeg.h"

#include "jpegs.h"

/* -- headers by hand -------------------------------------------------------------------------- */

#define JFIF "\xFF\xE0\x00\x10JFIF\0\x01\x02\0\0\x01\0\x01\0\0"
#define ADOBE(t)                                                                                   \
    "\xFF\xEE\x00\x0E"                                                                             \
    "Adobe\0\x64\0\0\0\0" t
#define DRI      "\xFF\xDD\x00\x04\x01\x02"
#define COM      "\xFF\xFE\x00\x04hi"
#define SOF(n)   "\xFF" n "\x00\x11\x08\x01\x02\x03\x04\x03\x01\x22\0\x02\x11\x01\x03\x11\x01"
#define SOF0     SOF("\xC0")
#define SOF_RGB  "\xFF\xC0\x00\x11\x08\x01\x02\x03\x04\x03R\x11\0G\x11\0B\x11\0"
#define SOF_GRAY "\xFF\xC0\x00\x0B\x08\x01\x02\x03\x04\x01\x01\x11\0"
#define SOF_CMYK "\xFF\xC0\x00\x14\x08\x01\x02\x03\x04\x04\1\x11\0\2\x11\0\3\x11\0\4\x11\0"
#define SOS      "\xFF\xDA\x00\x0C\x03\x01\0\x02\x11\x03\x11\0\x3F\0"
#define SOS_RGB                                                                                    \
    "\xFF\xDA\x00\x0C\x03R\0G\x11"                                                                 \
    "B\x11\0\x3F\0"
#define SOS_CMYK "\xFF\xDA\x00\x0E\x04\1\0\2\0\3\0\4\0\0\x3F\0"
#define IS       IIIF_JPEG_IS
#define NOT      IIIF_JPEG_NOT

/* clang-format off */
static const struct {
    const char *name, *bytes;
    size_t len;
    iiif_jpeg_verdict_e verdict;
    int components, process, baseline, interleaved, restart, jfif, adobe, ycbcr;
} headers[] = {
    { "baseline",              BYTES(SOI JFIF DQT SOF0 DHT SOS),         IS, 3, 0, 1, 1, 0, 1, -1, 1 },
    { "without JFIF",          BYTES(SOI DQT SOF0 DHT SOS),              IS, 3, 0, 1, 1, 0, 0, -1, 1 },
    { "SOF before tables",     BYTES(SOI SOF0 DQT DHT SOS),              IS, 3, 0, 1, 1, 0, 0, -1, 1 },
    { "fill bytes",            BYTES(SOI "\xFF\xFF" DQT "\xFF" SOF0 DHT SOS), IS, 3, 0, 1, 1, 0, 0, -1, 1 },
    { "restarts, a comment",   BYTES(SOI DQT COM DRI SOF0 DHT SOS),      IS, 3, 0, 1, 1, 258, 0, -1, 1 },
    { "Adobe, YCbCr",          BYTES(SOI ADOBE("\1") DQT SOF0 DHT SOS),  IS, 3, 0, 1, 1, 0, 0, 1, 1 },
    { "Adobe, RGB",            BYTES(SOI ADOBE("\0") DQT SOF0 DHT SOS),  IS, 3, 0, 1, 1, 0, 0, 0, 0 },
    { "JFIF, yet Adobe's RGB", BYTES(SOI JFIF ADOBE("\0") DQT SOF0 DHT SOS), IS, 3, 0, 1, 1, 0, 1, 0, 0 },
    { "RGB by its ids",        BYTES(SOI DQT SOF_RGB DHT SOS_RGB),       IS, 3, 0, 1, 1, 0, 0, -1, 0 },
    { "RGB ids in JFIF",       BYTES(SOI JFIF DQT SOF_RGB DHT SOS_RGB),  IS, 3, 0, 1, 1, 0, 1, -1, 1 },
    { "gray",                  BYTES(SOI JFIF DQT SOF_GRAY DHT SOS_FIRST), IS, 1, 0, 1, 1, 0, 1, -1, 0 },
    { "CMYK",                  BYTES(SOI ADOBE("\0") SOF_CMYK DHT SOS_CMYK), IS, 4, 0, 1, 1, 0, 0, 0, 0 },
    { "a scan a component",    BYTES(SOI DQT SOF0 DHT SOS_FIRST),        IS, 3, 0, 1, 0, 0, 0, -1, 1 },
    { "extended",              BYTES(SOI DQT SOF("\xC1") DHT SOS),       IS, 3, 1, 1, 1, 0, 0, -1, 1 },
    { "progressive",           BYTES(SOI DQT SOF("\xC2") DHT SOS),       IS, 3, 2, 0, 1, 0, 0, -1, 1 },
    { "lossless",              BYTES(SOI SOF("\xC3") DHT SOS),           IS, 3, 3, 0, 1, 0, 0, -1, 1 },
    { "arithmetic",            BYTES(SOI DQT SOF("\xC9") "\xFF\xCC\0\4\0\1" SOS), IS, 3, 9, 0, 1, 0, 0, -1, 1 },
    { "12 bits",               BYTES(SOI "\xFF\xC1\0\x0B\x0C\1\2\3\4\1\1\x11\0" SOS_FIRST), IS, 1, 1, 0, 1, 0, 0, -1, 0 },
    { "an odd APP0",           BYTES(SOI "\xFF\xE0\0\6JFXX" DQT SOF0 SOS), IS, 3, 0, 1, 1, 0, 0, -1, 1 },

    { .name = "no SOI",        BYTES("\xFF\xDB\0\2"), NOT },
    { .name = "a PNG",         BYTES("\x89PNG"), NOT },
    { .name = "a zero byte between segments", BYTES(SOI DQT "\0" SOF0 DHT SOS), NOT },
    { .name = "a second SOI",  BYTES(SOI SOI DQT SOF0 DHT SOS), NOT },
    { .name = "EOI, tables only", BYTES(SOI DQT DHT "\xFF\xD9"), NOT },
    { .name = "RST",           BYTES(SOI "\xFF\xD0" DQT SOF0 DHT SOS), NOT },
    { .name = "TEM",           BYTES(SOI "\xFF\1" DQT SOF0 DHT SOS), NOT },
    { .name = "DNL",           BYTES(SOI "\xFF\xDC\0\4\1\1" DQT SOF0 DHT SOS), NOT },
    { .name = "hierarchical",  BYTES(SOI "\xFF\xDE\0\x0B\x08\1\2\3\4\1\1\x11\0" SOF_GRAY SOS_FIRST), NOT },
    { .name = "JPEG-LS",       BYTES(SOI "\xFF\xF7\0\x0B\x08\1\2\3\4\1\1\x11\0" SOS_FIRST), NOT },
    { .name = "a reserved marker", BYTES(SOI "\xFF\x4F\0\2" SOF_GRAY SOS_FIRST), NOT },
    { .name = "a stuffed zero", BYTES(SOI "\xFF\0" SOF_GRAY SOS_FIRST), NOT },
    { .name = "SOS before SOF", BYTES(SOI DQT DHT SOS), NOT },
    { .name = "two SOF",       BYTES(SOI SOF0 SOF0 SOS), NOT },
    { .name = "width 0",       BYTES(SOI SOF_SIZE("\1\1\0\0") SOS_FIRST), NOT },
    { .name = "height 0",      BYTES(SOI SOF_SIZE("\0\0\1\1") SOS_FIRST), NOT },
    { .name = "length 1",      BYTES(SOI "\xFF\xFE\0\1" SOF_GRAY SOS_FIRST), NOT },
    { .name = "SOF too short", BYTES(SOI "\xFF\xC0\0\x0A\x08\1\2\3\4\1\1\x11" SOS_FIRST), NOT },
    { .name = "SOF too long",  BYTES(SOI "\xFF\xC0\0\x0C\x08\1\2\3\4\1\1\x11\0\0" SOS_FIRST), NOT },
    { .name = "no components", BYTES(SOI "\xFF\xC0\0\x08\x08\1\2\3\4\0" SOS_FIRST), NOT },
    { .name = "5 components",  BYTES(SOI "\xFF\xC0\0\x17\x08\1\2\3\4\5\1\x11\0\2\x11\0\3\x11\0\4\x11\0\5\x11\0" SOS_FIRST), NOT },
    { .name = "1 bit",         BYTES(SOI "\xFF\xC0\0\x0B\1\1\2\3\4\1\1\x11\0" SOS_FIRST), NOT },
    { .name = "sampling 0",    BYTES(SOI "\xFF\xC0\0\x0B\x08\1\2\3\4\1\1\x10\0" SOS_FIRST), NOT },
    { .name = "sampling 5",    BYTES(SOI "\xFF\xC0\0\x0B\x08\1\2\3\4\1\1\x51\0" SOS_FIRST), NOT },
    { .name = "an id twice",   BYTES(SOI "\xFF\xC0\0\x0E\x08\1\2\3\4\2\1\x11\0\1\x11\0" SOS_FIRST), NOT },
    { .name = "a scan of nothing", BYTES(SOI SOF_GRAY "\xFF\xDA\0\6\0\0\x3F\0"), NOT },
    { .name = "a scan of more",    BYTES(SOI SOF_GRAY SOS), NOT },
    { .name = "a scan of another", BYTES(SOI SOF_GRAY "\xFF\xDA\0\x08\1\2\0\0\x3F\0"), NOT },
    { .name = "part of the spectrum", BYTES(SOI SOF_GRAY "\xFF\xDA\0\x08\1\1\0\0\x3E\0"), NOT },
    { .name = "DQT cut in a table", BYTES(SOI "\xFF\xDB\0\x04\0\1" SOF_GRAY SOS_FIRST), NOT },
    { .name = "DQT 4",         BYTES(SOI "\xFF\xDB\x00\x43\4" Q16 Q16 Q16 Q16 SOF_GRAY SOS_FIRST), NOT },
    { .name = "DHT cut in a table", BYTES(SOI "\xFF\xC4\x00\x13\0" "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" SOF_GRAY SOS_FIRST), NOT },
    { .name = "DHT of class 2", BYTES(SOI "\xFF\xC4\x00\x14\x20" "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" "\0" SOF_GRAY SOS_FIRST), NOT },
    { .name = "an empty DHT",  BYTES(SOI "\xFF\xC4\0\2" SOF_GRAY SOS_FIRST), NOT },
    { .name = "DRI of 1 byte", BYTES(SOI "\xFF\xDD\0\3\1" SOF_GRAY SOS_FIRST), NOT },
};
/* clang-format on */

/* A copy of just its size, so that a sanitizer sees a step beyond. */
static iiif_jpeg_verdict_e header_of(iiif_jpeg_header_t *header, const void *bytes, size_t len)
{
    unsigned char *data = malloc(len ? len : 1);
    iiif_jpeg_verdict_e verdict;

    memcpy(data, bytes, len);
    verdict = iiif_jpeg_header(header, data, len);
    free(data);
    return verdict;
}

static int header_is(const iiif_jpeg_header_t *header, unsigned row)
{
    return header->components == headers[row].components && header->process == headers[row].process
           && header->baseline == headers[row].baseline
           && header->interleaved == headers[row].interleaved
           && header->restart == headers[row].restart && header->jfif == headers[row].jfif
           && header->adobe == headers[row].adobe && header->ycbcr == headers[row].ycbcr
           && header->dims.width == 0x304 && header->dims.height == 0x102
           && header->length == headers[row].len;
}

/* Cut anywhere, a header that IS becomes MORE; one that is NOT never IS. */
static int prefixes_are_more(unsigned row)
{
    iiif_jpeg_header_t header;
    size_t len;

    for (len = 0; len < headers[row].len; ++len) {
        iiif_jpeg_verdict_e verdict = header_of(&header, headers[row].bytes, len);

        if (verdict == IIIF_JPEG_IS
            || (headers[row].verdict == IIIF_JPEG_IS && verdict != IIIF_JPEG_MORE))
            return 0;
    }
    return 1;
}

static void test_headers(void)
{
    iiif_jpeg_header_t header;
    unsigned i;

    for (i = 0; i < ROWS(headers); ++i) {
        iiif_jpeg_verdict_e verdict = header_of(&header, headers[i].bytes, headers[i].len);

        ok(verdict == headers[i].verdict && (verdict != IS || header_is(&header, i)), "%s",
           headers[i].name);
        ok(prefixes_are_more(i), "  and cut anywhere");
    }
    header_of(&header, BYTES(SOI DQT SOF0 DHT SOS "more"));
    ok(header.length == sizeof(SOI DQT SOF0 DHT SOS) - 1, "the header ends with its SOS");
    ok(header.quantization && header.huffman && header.horizontal[0] == 2 && header.vertical[0] == 2
           && header.horizontal[2] == 1 && header.ids[2] == 3 && header.bits == 8,
       "its tables and its components are known");
    header_of(&header, BYTES(SOI SOF0 SOS));
    ok(!header.quantization && !header.huffman, "as is that it has none");
}

/* -- what can be changed ---------------------------------------------------------------------- */

#define S420     SOI "\xFF\xC0\0\x11\x08\0\x40\0\x30\x03\1\x22\0\2\x11\0\3\x11\0" SOS /* 48x64 */
#define S420_ODD SOI "\xFF\xC0\0\x11\x08\0\x38\0\x28\x03\1\x22\0\2\x11\0\3\x11\0" SOS /* 40x56 */
#define S444_ODD SOI "\xFF\xC0\0\x11\x08\0\x32\0\x28\x03\1\x11\0\2\x11\0\3\x11\0" SOS /* 40x50 */
#define S_CHROMA SOI "\xFF\xC0\0\x11\x08\0\x40\0\x30\x03\1\x22\0\2\x21\0\3\x11\0" SOS
#define S_HUGE   SOI "\xFF\xC0\0\x0B\x08\xFF\xFF\xFF\xFF\1\1\x11\0" SOS_FIRST
#define S_RGB    SOI ADOBE("\0") "\xFF\xC0\0\x11\x08\0\x40\0\x30\x03\1\x11\0\2\x11\0\3\x11\0" SOS

/* clang-format off */
static const struct {
    const char *name, *bytes;
    size_t len;
    iiif_jpeg_change_t change; /* crop, mirror, quarters, gray */
    int can;
} changes[] = {
    { "nothing",               BYTES(S420), { { 0, 0 }, 0, 0, 0 }, 1 },
    { "crop",                  BYTES(S420), { { 48, 1 }, 0, 0, 0 }, 1 },
    { "crop beyond width",     BYTES(S420), { { 49, 64 }, 0, 0, 0 }, 0 },
    { "crop beyond height",    BYTES(S420), { { 48, 65 }, 0, 0, 0 }, 0 },
    { "crop to no width",      BYTES(S420), { { 0, 64 }, 0, 0, 0 }, 0 },
    { "crop to no height",     BYTES(S420), { { 48, 0 }, 0, 0, 0 }, 0 },
    { "4 quarters",            BYTES(S420), { { 0, 0 }, 0, 4, 0 }, 0 },
    { "-1 quarters",           BYTES(S420), { { 0, 0 }, 0, -1, 0 }, 0 },
    { "whole MCUs, 90",        BYTES(S420), { { 0, 0 }, 0, 1, 0 }, 1 },
    { "whole MCUs, !90",       BYTES(S420), { { 0, 0 }, 1, 1, 0 }, 1 },
    { "cropped in an MCU, 90", BYTES(S420), { { 48, 40 }, 0, 1, 0 }, 0 },
    { "cropped after one, 90", BYTES(S420), { { 48, 32 }, 0, 1, 0 }, 1 },
    { "half MCUs, 90",         BYTES(S420_ODD), { { 0, 0 }, 0, 1, 0 }, 0 },
    { "half MCUs, gray, 90",   BYTES(S420_ODD), { { 0, 0 }, 0, 1, 1 }, 1 },
    { "half MCUs, mirror",     BYTES(S420_ODD), { { 0, 0 }, 1, 0, 0 }, 0 },
    { "half MCUs, transposed", BYTES(S420_ODD), { { 0, 0 }, 1, 3, 0 }, 1 },
    { "odd height, mirror",    BYTES(S444_ODD), { { 0, 0 }, 1, 0, 0 }, 1 },
    { "odd height, 90",        BYTES(S444_ODD), { { 0, 0 }, 0, 1, 0 }, 0 },
    { "odd height, 180",       BYTES(S444_ODD), { { 0, 0 }, 0, 2, 0 }, 0 },
    { "odd height, 270",       BYTES(S444_ODD), { { 0, 0 }, 0, 3, 0 }, 1 },
    { "odd height, !90",       BYTES(S444_ODD), { { 0, 0 }, 1, 1, 0 }, 0 },
    { "odd height, !180",      BYTES(S444_ODD), { { 0, 0 }, 1, 2, 0 }, 0 },
    { "odd height, !270",      BYTES(S444_ODD), { { 0, 0 }, 1, 3, 0 }, 1 },
    { "gray",                  BYTES(S420),     { { 0, 0 }, 0, 0, 1 }, 1 },
    { "gray of RGB",           BYTES(S_RGB),    { { 0, 0 }, 0, 0, 1 }, 0 },
    { "crop of RGB",           BYTES(S_RGB),    { { 9, 9 }, 0, 0, 0 }, 1 },
    { "gray of gray",          BYTES(SOI SOF_GRAY SOS_FIRST), { { 0, 0 }, 0, 0, 1 }, 1 },
    { "crop of CMYK",          BYTES(SOI SOF_CMYK SOS_CMYK),  { { 9, 9 }, 0, 0, 0 }, 1 },
    { "gray of CMYK",          BYTES(SOI SOF_CMYK SOS_CMYK),  { { 9, 9 }, 0, 0, 1 }, 0 },
    { "crop of odd chroma",    BYTES(S_CHROMA), { { 9, 9 }, 0, 0, 0 }, 0 },
    { "crop of something huge", BYTES(S_HUGE),  { { 9, 9 }, 0, 0, 0 }, 0 },
    { "progressive",           BYTES(SOI SOF("\xC2") SOS), { { 9, 9 }, 0, 0, 0 }, 1 },
    { "lossless",              BYTES(SOI SOF("\xC3") SOS), { { 9, 9 }, 0, 0, 0 }, 0 },
    { "12 bits",               BYTES(SOI "\xFF\xC1\0\x0B\x0C\1\2\3\4\1\1\x11\0" SOS_FIRST), { { 9, 9 }, 0, 0, 0 }, 0 },
};
/* clang-format on */

static void test_can_change(void)
{
    unsigned i;

    for (i = 0; i < ROWS(changes); ++i) {
        const iiif_jpeg_change_t *change = &changes[i].change;
        iiif_bytes_t out = { NULL, 1 };
        iiif_jpeg_header_t header;
        iiif_err_t err = { "" };
        int is = iiif_jpeg_header(&header, (const unsigned char *)changes[i].bytes, changes[i].len)
                 == IIIF_JPEG_IS;

        ok(is && iiif_jpeg_can_change(&header, change) == changes[i].can, "%s: %s", changes[i].name,
           changes[i].can ? "yes" : "no");
        ok(iiif_jpeg_change(&out, changes[i].bytes, changes[i].len, change, &err) == IIIF_EBADSOURCE
               && *err.text && !out.data && out.len == 1,
           "  and without its scan it is an error: %s", err.text);
    }
}

/* -- turns ------------------------------------------------------------------------------------ */

/* The pixel of a plane that lies at x, y after mirroring and turning, by IIIF's definition. */
static int turned_pixel(const plane_t *plane, const iiif_jpeg_change_t *change, int x, int y)
{
    int width = plane->width, height = plane->height, i, old;

    if (change->quarters % 2) {
        width = plane->height;
        height = plane->width;
    }
    for (i = 0; i < change->quarters; ++i) { /* back by a quarter: a column is the row it was */
        old = x;
        x = y;
        y = width - 1 - old;
        old = width;
        width = height;
        height = old;
    }
    if (change->mirror)
        x = width - 1 - x;
    return plane->pixels[y * plane->stride + x];
}

/* The largest difference from the planes of @a whole, cut and turned by hand. */
static int distance(const picture_t *from, const picture_t *made, const iiif_jpeg_change_t *change)
{
    int i, x, y, most = 0;

    for (i = 0; i < made->count; ++i) {
        for (y = 0; y < made->planes[i].height; ++y) {
            for (x = 0; x < made->planes[i].width; ++x) {
                int d = turned_pixel(&from->planes[i], change, x, y)
                        - made->planes[i].pixels[y * made->planes[i].stride + x];

                most = abs(d) > most ? abs(d) : most;
            }
        }
    }
    return most;
}

static picture_t cropped, turned, back;

/* The inverse cannot rely on rounding: it restores each coefficient. */
static void check_turn(const stream_t *stream, const iiif_jpeg_change_t *change)
{
    iiif_jpeg_change_t crop = { .crop = change->crop }, inverse = { .mirror = change->mirror };
    iiif_bytes_t cut = { NULL, 0 }, bytes = { NULL, 0 }, again = { NULL, 0 };
    iiif_err_t err = { "" };

    /* a mirrored picture turned clockwise goes back by the same turn: mirrors swap directions */
    inverse.quarters = change->mirror ? change->quarters : (4 - change->quarters) % 4;
    iiif_jpeg_change(&cut, stream->data, stream->len, &crop, NULL);
    ok(iiif_jpeg_change(&bytes, stream->data, stream->len, change, &err) == APR_SUCCESS
           && decode(&cropped, cut.data, cut.len) && decode(&turned, bytes.data, bytes.len)
           && turned.count == (change->gray ? 1 : cropped.count)
           && turned.planes[0].width
                  == cropped.planes[0].width * !(change->quarters % 2)
                         + cropped.planes[0].height * (change->quarters % 2)
           && distance(&cropped, &turned, change) <= 1,
       "%s%d%s of %ux%u shows the same pixels %s", change->mirror ? "!" : "", change->quarters * 90,
       change->gray ? " gray" : "", change->crop.width, change->crop.height, err.text);
    ok(iiif_jpeg_change(&again, bytes.data, bytes.len, &inverse, &err) == APR_SUCCESS
           && decode(&back, again.data, again.len) && differing(&cropped, &back) == 0
           && back.count == turned.count,
       "  and back again is the same coefficients %s", err.text);
    iiif_bytes_free(cut.data);
    iiif_bytes_free(bytes.data);
    iiif_bytes_free(again.data);
}

static void test_turns(void)
{
    static const struct {
        int sampling;
        iiif_dims_t whole, kept;
    } cases[] = {
        { TJSAMP_420, { 96, 64 }, { 96, 64 } }, { TJSAMP_420, { 128, 128 }, { 48, 80 } },
        { TJSAMP_422, { 96, 64 }, { 96, 64 } }, { TJSAMP_440, { 96, 64 }, { 64, 48 } },
        { TJSAMP_444, { 72, 56 }, { 40, 24 } }, { TJSAMP_GRAY, { 72, 56 }, { 40, 56 } },
    };
    unsigned i;
    int k;

    for (i = 0; i < ROWS(cases); ++i) {
        stream_t stream = encode((int)cases[i].whole.width, (int)cases[i].whole.height,
                                 cases[i].sampling, 90, NULL);

        for (k = 0; k < 16; ++k) {
            iiif_jpeg_change_t change = { cases[i].kept, k / 4 % 2, k % 4, k / 8 };

            check_turn(&stream, &change);
        }
        free(stream.data);
    }
}

static void test_partial_mcus(void)
{
    static const iiif_jpeg_change_t cases[] = {
        { { 0, 0 }, 1, 3, 0 }, /* transposed: the ends stay ends */
        { { 0, 0 }, 0, 0, 1 },   { { 0, 0 }, 1, 3, 1 },  { { 40, 56 }, 0, 1, 1 },
        { { 40, 56 }, 0, 2, 1 }, { { 24, 8 }, 1, 1, 1 }, { { 33, 17 }, 0, 0, 1 },
    };
    stream_t stream = encode(50, 59, TJSAMP_420, 90, NULL);
    unsigned i;

    for (i = 0; i < ROWS(cases); ++i)
        check_turn(&stream, &cases[i]);
    free(stream.data);
}

/* -- what else is in the stream --------------------------------------------------------------- */

static int holds(const iiif_bytes_t *bytes, const char *what, size_t len)
{
    return memmem(bytes->data, bytes->len, what, len) != NULL;
}

static void test_segments(void)
{
    static const char icc[] = "\xFF\xE2\x00\x18ICC_PROFILE\0\1\1profile!";
    static const char adobe[] = ADOBE("\0");
    static const iiif_jpeg_change_t cases[] = { { { 20, 20 }, 0, 0, 0 },
                                                { { 0, 0 }, 1, 0, 0 },
                                                { { 32, 16 }, 0, 1, 0 } };
    stream_t plain = encode(64, 64, TJSAMP_444, 90, NULL), rgb = { NULL, 0 };
    unsigned i;

    append(&rgb, plain.data, 2); /* SOI; then not its JFIF, which would mean YCbCr */
    append(&rgb, adobe, sizeof(adobe) - 1);
    append(&rgb, icc, sizeof(icc) - 1);
    append(&rgb, plain.data + 20, plain.len - 20);
    for (i = 0; i < ROWS(cases); ++i) {
        iiif_bytes_t bytes = { NULL, 0 };
        iiif_jpeg_header_t header;

        ok(iiif_jpeg_change(&bytes, rgb.data, rgb.len, &cases[i], NULL) == APR_SUCCESS
               && iiif_jpeg_header(&header, bytes.data, bytes.len) == IIIF_JPEG_IS
               && header.adobe == 0 && !header.jfif && !header.ycbcr && header.components == 3,
           "change %u: RGB stays RGB", i);
        ok(holds(&bytes, icc, sizeof(icc) - 1), "  and its profile stays");
        iiif_bytes_free(bytes.data);
    }
    free(plain.data);
    free(rgb.data);
}

/* -- damage ----------------------------------------------------------------------------------- */

static const iiif_jpeg_change_t damage_changes[] = {
    { { 24, 40 }, 0, 0, 0 }, { { 48, 16 }, 0, 0, 0 }, { { 0, 0 }, 1, 1, 0 }, { { 0, 0 }, 0, 0, 1 }
};

/* An error with a sentence, or a stream of the size that was asked for. Damage may make the frame
 * larger, so it may be any size where nothing was cut. */
static int survives(const unsigned char *data, size_t len, const iiif_jpeg_change_t *change)
{
    unsigned char *copy = malloc(len ? len : 1); /* of just its size */
    iiif_bytes_t bytes = { NULL, 0 };
    iiif_err_t err = { "" };
    apr_status_t rv;
    int good;

    memcpy(copy, data, len);
    rv = iiif_jpeg_change(&bytes, copy, len, change, &err);
    if (rv == APR_SUCCESS)
        good = dims_of(&bytes).width > 0
               && (!change->crop.width || dims_of(&bytes).width == change->crop.width);
    else
        good = rv == IIIF_EBADSOURCE && *err.text && !bytes.data;
    iiif_bytes_free(bytes.data);
    free(copy);
    return good;
}

static void test_damage(void)
{
    static const unsigned char flips[] = { 0x01, 0x10, 0x80, 0xFF };
    unsigned i, k, c;
    size_t at;

    for (i = 0; i < ROWS(samplings); ++i) {
        stream_t stream = encode(48, 48, samplings[i], 70, NULL);
        unsigned cut = 0, flipped = 0, lost = 0;

        for (c = 0; c < ROWS(damage_changes); ++c) {
            for (at = 0; at < stream.len; ++at) {
                iiif_bytes_t bytes = { NULL, 0 };

                cut += !survives(stream.data, at, &damage_changes[c]);
                lost += iiif_jpeg_change(&bytes, stream.data, at, &damage_changes[c], NULL)
                        == APR_SUCCESS;
                for (k = 0; k < ROWS(flips); ++k) {
                    stream.data[at] ^= flips[k];
                    flipped += !survives(stream.data, stream.len, &damage_changes[c]);
                    stream.data[at] ^= flips[k];
                }
            }
        }
        ok(!cut && !lost, "sampling %d: a stream cut anywhere is an error", samplings[i]);
        ok(!flipped, "  with any byte changed it is an error, or a stream of the right size");
        free(stream.data);
    }
}

int main(void)
{
    test_headers();
    test_can_change();
    test_turns();
    test_partial_mcus();
    test_segments();
    test_damage();
    return done_testing();
}
