/* SPDX-License-Identifier: Apache-2.0 */
#include "image/jpeg.h"

#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#include "image/jpeg_crop.h"
#include "tap.h"

/* -- headers by hand -------------------------------------------------------------------------- */

#define SOI  "\xFF\xD8"
#define JFIF "\xFF\xE0\x00\x10JFIF\0\x01\x02\0\0\x01\0\x01\0\0"
#define ADOBE(t)                                                                                   \
    "\xFF\xEE\x00\x0E"                                                                             \
    "Adobe\0\x64\0\0\0\0" t
#define DQT "\xFF\xDB\x00\x43\0" Q16 Q16 Q16 Q16
#define Q16 "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1"
#define DHT                                                                                        \
    "\xFF\xC4\x00\x14\0"                                                                           \
    "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"                                                             \
    "\0"
#define DRI         "\xFF\xDD\x00\x04\x01\x02"
#define COM         "\xFF\xFE\x00\x04hi"
#define SOF(n)      "\xFF" n "\x00\x11\x08\x01\x02\x03\x04\x03\x01\x22\0\x02\x11\x01\x03\x11\x01"
#define SOF0        SOF("\xC0")
#define SOF_RGB     "\xFF\xC0\x00\x11\x08\x01\x02\x03\x04\x03R\x11\0G\x11\0B\x11\0"
#define SOF_GRAY    "\xFF\xC0\x00\x0B\x08\x01\x02\x03\x04\x01\x01\x11\0"
#define SOF_CMYK    "\xFF\xC0\x00\x14\x08\x01\x02\x03\x04\x04\1\x11\0\2\x11\0\3\x11\0\4\x11\0"
#define SOF_SIZE(s) "\xFF\xC0\x00\x0B\x08" s "\x01\x01\x11\0"
#define SOS         "\xFF\xDA\x00\x0C\x03\x01\0\x02\x11\x03\x11\0\x3F\0"
#define SOS_FIRST   "\xFF\xDA\x00\x08\x01\x01\0\0\x3F\0"
#define SOS_RGB                                                                                    \
    "\xFF\xDA\x00\x0C\x03R\0G\x11"                                                                 \
    "B\x11\0\x3F\0"
#define SOS_CMYK "\xFF\xDA\x00\x0E\x04\1\0\2\0\3\0\4\0\0\x3F\0"
#define BYTES(s) s, sizeof(s) - 1
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

#define OF(s)    s, sizeof(s) - 1
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
    { "nothing",               OF(S420), { { 0, 0 }, 0, 0, 0 }, 1 },
    { "crop",                  OF(S420), { { 48, 1 }, 0, 0, 0 }, 1 },
    { "crop beyond width",     OF(S420), { { 49, 64 }, 0, 0, 0 }, 0 },
    { "crop beyond height",    OF(S420), { { 48, 65 }, 0, 0, 0 }, 0 },
    { "crop to no width",      OF(S420), { { 0, 64 }, 0, 0, 0 }, 0 },
    { "crop to no height",     OF(S420), { { 48, 0 }, 0, 0, 0 }, 0 },
    { "4 quarters",            OF(S420), { { 0, 0 }, 0, 4, 0 }, 0 },
    { "-1 quarters",           OF(S420), { { 0, 0 }, 0, -1, 0 }, 0 },
    { "whole MCUs, 90",        OF(S420), { { 0, 0 }, 0, 1, 0 }, 1 },
    { "whole MCUs, !90",       OF(S420), { { 0, 0 }, 1, 1, 0 }, 1 },
    { "cropped in an MCU, 90", OF(S420), { { 48, 40 }, 0, 1, 0 }, 0 },
    { "cropped after one, 90", OF(S420), { { 48, 32 }, 0, 1, 0 }, 1 },
    { "half MCUs, 90",         OF(S420_ODD), { { 0, 0 }, 0, 1, 0 }, 0 },
    { "half MCUs, gray, 90",   OF(S420_ODD), { { 0, 0 }, 0, 1, 1 }, 1 },
    { "half MCUs, mirror",     OF(S420_ODD), { { 0, 0 }, 1, 0, 0 }, 0 },
    { "half MCUs, transposed", OF(S420_ODD), { { 0, 0 }, 1, 3, 0 }, 1 },
    { "odd height, mirror",    OF(S444_ODD), { { 0, 0 }, 1, 0, 0 }, 1 },
    { "odd height, 90",        OF(S444_ODD), { { 0, 0 }, 0, 1, 0 }, 0 },
    { "odd height, 180",       OF(S444_ODD), { { 0, 0 }, 0, 2, 0 }, 0 },
    { "odd height, 270",       OF(S444_ODD), { { 0, 0 }, 0, 3, 0 }, 1 },
    { "odd height, !90",       OF(S444_ODD), { { 0, 0 }, 1, 1, 0 }, 0 },
    { "odd height, !180",      OF(S444_ODD), { { 0, 0 }, 1, 2, 0 }, 0 },
    { "odd height, !270",      OF(S444_ODD), { { 0, 0 }, 1, 3, 0 }, 1 },
    { "gray",                  OF(S420),     { { 0, 0 }, 0, 0, 1 }, 1 },
    { "gray of RGB",           OF(S_RGB),    { { 0, 0 }, 0, 0, 1 }, 0 },
    { "crop of RGB",           OF(S_RGB),    { { 9, 9 }, 0, 0, 0 }, 1 },
    { "gray of gray",          OF(SOI SOF_GRAY SOS_FIRST), { { 0, 0 }, 0, 0, 1 }, 1 },
    { "crop of CMYK",          OF(SOI SOF_CMYK SOS_CMYK),  { { 9, 9 }, 0, 0, 0 }, 1 },
    { "gray of CMYK",          OF(SOI SOF_CMYK SOS_CMYK),  { { 9, 9 }, 0, 0, 1 }, 0 },
    { "crop of odd chroma",    OF(S_CHROMA), { { 9, 9 }, 0, 0, 0 }, 0 },
    { "crop of something huge", OF(S_HUGE),  { { 9, 9 }, 0, 0, 0 }, 0 },
    { "progressive",           OF(SOI SOF("\xC2") SOS), { { 9, 9 }, 0, 0, 0 }, 1 },
    { "lossless",              OF(SOI SOF("\xC3") SOS), { { 9, 9 }, 0, 0, 0 }, 0 },
    { "12 bits",               OF(SOI "\xFF\xC1\0\x0B\x0C\1\2\3\4\1\1\x11\0" SOS_FIRST), { { 9, 9 }, 0, 0, 0 }, 0 },
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

/* -- pictures --------------------------------------------------------------------------------- */

#define SIDE 300 /* at most */

typedef struct stream_t {
    unsigned char *data;
    size_t len;
} stream_t;

/* One component of a decoded stream. */
typedef struct plane_t {
    unsigned char pixels[SIDE * SIDE];
    int stride, width, height; /* a luma plane is padded to what the chroma needs */
} plane_t;

typedef struct picture_t {
    plane_t planes[3];
    int count;
} picture_t;

/* Slopes, noise that grows to the right, and flat corners: codes of all lengths. */
static void paint(unsigned char *rgb, int width, int height)
{
    unsigned state = 12345;
    int x, y, c;

    for (y = 0; y < height; ++y) {
        for (x = 0; x < width; ++x) {
            for (c = 0; c < 3; ++c) {
                int noise;

                state = state * 1103515245u + 12345u;
                noise = (int)(state >> 16 & 255) * x / width / (y % 64 < 32 ? 1 : 4);
                *rgb++ = x < 20 && y < 20 ? 255 : (unsigned char)(x * (c + 1) + y * 2 + noise);
            }
        }
    }
}

/* @a how: one of TurboJPEG's environment variables, or NULL */
static stream_t encode(int width, int height, int sampling, int quality, const char *how)
{
    unsigned char *rgb = malloc((size_t)(width * height * 3)), *made = NULL;
    tjhandle handle = tjInitCompress();
    stream_t stream = { NULL, 0 };
    unsigned long len = 0;

    paint(rgb, width, height);
    if (how)
        setenv(how, "1", 1);
    if (!tjCompress2(handle, rgb, width, 0, height, TJPF_RGB, &made, &len, sampling, quality, 0)) {
        stream = (stream_t){ malloc(len), len };
        memcpy(stream.data, made, len);
    }
    if (how)
        unsetenv(how);
    tjFree(made);
    tjDestroy(handle);
    free(rgb);
    return stream;
}

/* Without upsampling and without colour conversion: equal planes are equal coefficients. */
static int decode(picture_t *picture, const void *data, size_t len)
{
    tjhandle handle = tjInitDecompress();
    unsigned char *planes[3] = { picture->planes[0].pixels, picture->planes[1].pixels,
                                 picture->planes[2].pixels };
    int width, height, sampling, space, i, failed;

    failed =
        tjDecompressHeader3(handle, data, (unsigned long)len, &width, &height, &sampling, &space)
        || width > SIDE || height > SIDE
        || tjDecompressToYUVPlanes(handle, data, (unsigned long)len, planes, width, NULL, height,
                                   TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING);
    if (!failed) {
        picture->count = sampling == TJSAMP_GRAY ? 1 : 3;
        for (i = 0; i < picture->count; ++i) {
            plane_t *plane = &picture->planes[i];

            plane->stride = tjPlaneWidth(i, width, sampling);
            plane->width = i ? plane->stride : width;
            plane->height = i ? tjPlaneHeight(i, height, sampling) : height;
        }
    }
    tjDestroy(handle);
    return !failed;
}

/* How many of the pixels that stay are others. */
static int differing(const picture_t *whole, const picture_t *cropped)
{
    int i, x, y, count = 0;

    for (i = 0; i < cropped->count; ++i) {
        const plane_t *a = &whole->planes[i], *b = &cropped->planes[i];

        for (y = 0; y < b->height; ++y) {
            for (x = 0; x < b->width; ++x)
                count += a->pixels[y * a->stride + x] != b->pixels[y * b->stride + x];
        }
    }
    return count;
}

static iiif_dims_t dims_of(const iiif_bytes_t *bytes)
{
    iiif_jpeg_header_t header;

    if (iiif_jpeg_header(&header, bytes->data, bytes->len) != IIIF_JPEG_IS)
        return (iiif_dims_t){ 0, 0 };
    return header.dims;
}

/* Do what stands in front of the scan, but for the frame's size, and the EOI behind it stay? */
static int keeps_segments(const stream_t *stream, const iiif_bytes_t *bytes)
{
    const unsigned char *made = bytes->data;
    iiif_jpeg_header_t header;
    size_t i, changed = 0;

    iiif_jpeg_header(&header, stream->data, stream->len);
    if (bytes->len < header.length + 2 || made[bytes->len - 2] != 0xFF
        || made[bytes->len - 1] != 0xD9)
        return 0;
    for (i = 0; i < header.length; ++i)
        changed += made[i] != stream->data[i];
    return changed <= 4;
}

/* -- crops ------------------------------------------------------------------------------------ */

static const struct {
    int width, height;
    iiif_dims_t kept;
} crops[] = {
    { 256, 256, { 128, 256 } }, { 256, 256, { 256, 128 } }, { 256, 256, { 128, 128 } },
    { 256, 256, { 1, 1 } },     { 256, 256, { 256, 1 } },   { 256, 256, { 1, 256 } },
    { 256, 256, { 8, 8 } },     { 256, 256, { 17, 33 } },   { 256, 256, { 100, 77 } },
    { 256, 256, { 255, 255 } }, { 256, 256, { 256, 256 } }, { 240, 176, { 239, 175 } },
    { 99, 51, { 98, 50 } },     { 99, 51, { 50, 51 } },     { 7, 5, { 3, 2 } },
};
static const int samplings[] = { TJSAMP_444, TJSAMP_422, TJSAMP_420, TJSAMP_440, TJSAMP_GRAY };
static const int qualities[] = { 1, 50, 85, 100 };

static picture_t whole, cropped;

/* @a own: the codes themselves are cut; else libjpeg must */
static void check_crop(const stream_t *stream, iiif_dims_t kept, int own, const char *name)
{
    iiif_jpeg_change_t change = { .crop = kept };
    iiif_bytes_t bytes = { NULL, 0 }, cut = { NULL, 0 };
    iiif_jpeg_header_t header;
    iiif_err_t err = { "" };
    apr_status_t rv = iiif_jpeg_change(&bytes, stream->data, stream->len, &change, &err);

    ok(rv == APR_SUCCESS && dims_of(&bytes).width == kept.width
           && dims_of(&bytes).height == kept.height && decode(&whole, stream->data, stream->len)
           && decode(&cropped, bytes.data, bytes.len) && cropped.count == whole.count
           && differing(&whole, &cropped) == 0,
       "%s to %ux%u: the same coefficients %s", name, kept.width, kept.height, err.text);
    iiif_jpeg_header(&header, stream->data, stream->len);
    ok(iiif_jpeg_crop(&cut, stream->data, stream->len, &header, kept) == own
           && (!own
               || (cut.len == bytes.len && !memcmp(cut.data, bytes.data, cut.len)
                   && keeps_segments(stream, &cut))),
       "  %s", own ? "by cutting its codes" : "by libjpeg");
    iiif_bytes_free(cut.data);
    iiif_bytes_free(bytes.data);
}

static void test_crops(void)
{
    unsigned i, k, q;

    for (i = 0; i < ROWS(crops); ++i) {
        for (k = 0; k < ROWS(samplings); ++k) {
            for (q = 0; q < ROWS(qualities); ++q) {
                stream_t stream =
                    encode(crops[i].width, crops[i].height, samplings[k], qualities[q], NULL);
                char name[64];

                snprintf(name, sizeof(name), "%dx%d, sampling %d, quality %d", crops[i].width,
                         crops[i].height, samplings[k], qualities[q]);
                check_crop(&stream, crops[i].kept, 1, name);
                free(stream.data);
            }
        }
    }
}

/* A gray picture of blocks that are each one step brighter than the one before. */
static stream_t ramp(int side)
{
    static unsigned char gray[SIDE * SIDE];
    tjhandle handle = tjInitCompress();
    stream_t stream = { NULL, 0 };
    unsigned char *made = NULL;
    unsigned long len = 0;
    int x, y;

    for (y = 0; y < side; ++y) {
        for (x = 0; x < side; ++x)
            gray[y * side + x] = (unsigned char)(x / 8 + y / 8 * (side / 8));
    }
    setenv("TJ_OPTIMIZE", "1", 1);
    if (!tjCompress2(handle, gray, side, 0, side, TJPF_GRAY, &made, &len, TJSAMP_GRAY, 95, 0)) {
        stream = (stream_t){ malloc(len), len };
        memcpy(stream.data, made, len);
    }
    unsetenv("TJ_OPTIMIZE");
    tjFree(made);
    tjDestroy(handle);
    return stream;
}

static void append(stream_t *stream, const void *data, size_t len)
{
    stream->data = realloc(stream->data, stream->len + len);
    memcpy(stream->data + stream->len, data, len);
    stream->len += len;
}

/* Three components, each in a scan of its own: those of three gray streams. */
static stream_t one_scan_each(int width, int height)
{
    static const char frame[] = "\xFF\xC0\x00\x11\x08hhww\3\1\x11\0\2\x11\0\3\x11\0";
    stream_t stream = { NULL, 0 };
    int i;

    for (i = 0; i < 3; ++i) {
        stream_t gray = encode(width, height, TJSAMP_GRAY, 30 + 20 * i, NULL);
        unsigned char scan[10] = { 0xFF, 0xDA, 0, 8, 1, (unsigned char)(i + 1), 0, 0, 63, 0 };
        iiif_jpeg_header_t header;

        iiif_jpeg_header(&header, gray.data, gray.len);
        if (i == 0) {
            size_t at = 2; /* of its SOF */

            while (gray.data[at + 1] != 0xC0)
                at += 2 + (size_t)(gray.data[at + 2] << 8 | gray.data[at + 3]);
            append(&stream, gray.data, at);
            append(&stream, frame, sizeof(frame) - 1);
            memcpy(stream.data + stream.len - 14, gray.data + at + 5, 4);
            append(&stream, gray.data + at + 13, header.length - 10 - at - 13);
        }
        append(&stream, scan, sizeof(scan));
        append(&stream, gray.data + header.length, gray.len - header.length - 2);
        free(gray.data);
    }
    append(&stream, "\xFF\xD9", 2);
    return stream;
}

/* Codes by hand. DC: 0 is 0 bits. AC: 0 is ZRL (16 zeros), 10 end of block, 110 14 zeros and one of
 * 1 bit, 1110 one of 11 bits, which 8-bit samples do not have. */
#define DHT_AC                                                                                     \
    "\xFF\xC4\x00\x17\x10"                                                                         \
    "\1\1\1\1\0\0\0\0\0\0\0\0\0\0\0\0"                                                             \
    "\xF0\0\xE1\x0B"
#define DHT_FULL                                                                                   \
    "\xFF\xC4\x00\x16\x10"                                                                         \
    "\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"                                                             \
    "\xF0\0\xE1"
#define TWO(ac) SOI DQT SOF_SIZE("\0\x08\0\x10") DHT ac SOS_FIRST
#define END     "\xFF\xD9"

/* clang-format off */
static const struct {
    const char *name, *bytes;
    size_t len;
    apr_uint32_t width;
    int own;
} scans[] = {
    { "both blocks empty",         OF(TWO(DHT_AC) "\x4B" END), 16, 1 },           /* 0 10 0 10 11 */
    { "one of them",               OF(TWO(DHT_AC) "\x4B" END), 8, 1 },
    { "fill bytes before EOI",     OF(TWO(DHT_AC) "\x4B\xFF\xFF" END), 16, 1 },
    { "three ZRL and an end",      OF(TWO(DHT_AC) "\x0B" END), 8, 1 },            /* 0 000 10 11 */
    { "64 without an end",         OF(TWO(DHT_AC) "\x0D\x5F" END), 16, 1 },       /* 0 000 110 1, 0 10 11111 */
    { "four ZRL",                  OF(TWO(DHT_AC) "\x05" END), 8, 0 },            /* 0 0000 10 1 */
    { "many ZRL",                  OF(TWO(DHT_AC) "\x00\x17" END), 8, 0 },
    { "ZRL only",                  OF(TWO(DHT_AC) "\0\0\0\0\0\0\0\0\0\0\0\0" END), 8, 0 },
    { "60, then 15 more",          OF(TWO(DHT_AC) "\x6E\xEE\xEF" END), 8, 0 },
    { "no such code",              OF(TWO(DHT_AC) "\x7F" END), 8, 0 },
    { "a value of 11 bits",        OF(TWO(DHT_AC) "\x70\x00\xBF" END), 8, 0 },
    { "no AC codes",               OF(TWO("") "\x4B" END), 16, 0 },
    { "a block that is missing",   OF(TWO(DHT_AC) "\x0B" END), 16, 0 },
    { "no scan",                   OF(TWO(DHT_AC) END), 16, 0 },
    { "no EOI",                    OF(TWO(DHT_AC) "\x4B"), 16, 0 },
    { "half an EOI",               OF(TWO(DHT_AC) "\x4B\xFF"), 16, 0 },
    { "another marker than EOI",   OF(TWO(DHT_AC) "\x4B\xFF\xD0" END), 16, 0 },
};
/* clang-format on */

static void test_scans(void)
{
    static const unsigned char full[] = TWO(DHT_FULL) "\x4B" END;
    iiif_jpeg_header_t none;
    unsigned i;

    ok(iiif_jpeg_header(&none, full, sizeof(full) - 1) == IIIF_JPEG_NOT,
       "more codes than there are: no JPEG");

    for (i = 0; i < ROWS(scans); ++i) {
        unsigned char *copy = malloc(scans[i].len);
        iiif_dims_t dims = { scans[i].width, 8 };
        iiif_jpeg_header_t header;
        iiif_bytes_t bytes = { NULL, 0 };

        memcpy(copy, scans[i].bytes, scans[i].len);
        ok(iiif_jpeg_header(&header, copy, scans[i].len) == IIIF_JPEG_IS
               && iiif_jpeg_crop(&bytes, copy, scans[i].len, &header, dims) == scans[i].own
               && !bytes.data == !scans[i].own,
           "%s: %s", scans[i].name, scans[i].own ? "cut" : "not cut");
        iiif_bytes_free(bytes.data);
        free(copy);
    }
}

static void test_other_crops(void)
{
    const iiif_dims_t left = { 100, 200 }, top = { 200, 90 };
    struct {
        const char *name;
        stream_t stream;
        iiif_dims_t kept;
        int own;
    } cases[] = {
        { "restarts", encode(200, 200, TJSAMP_420, 80, "TJ_RESTART"), left, 0 },
        { "progressive", encode(200, 200, TJSAMP_420, 80, "TJ_PROGRESSIVE"), left, 0 },
        { "arithmetic", encode(200, 200, TJSAMP_420, 80, "TJ_ARITHMETIC"), left, 0 },
        { "a scan a component", one_scan_each(200, 200), left, 0 },
        { "its own codes", encode(200, 200, TJSAMP_420, 80, "TJ_OPTIMIZE"), top, 1 },
        { "codes that lack one", ramp(128), { 64, 128 }, 0 },
        { "codes that lack none", ramp(128), { 128, 64 }, 1 },
    };
    unsigned i;

    for (i = 0; i < ROWS(cases); ++i) {
        check_crop(&cases[i].stream, cases[i].kept, cases[i].own, cases[i].name);
        free(cases[i].stream.data);
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

static picture_t turned, back;

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
    test_crops();
    test_scans();
    test_other_crops();
    test_turns();
    test_partial_mcus();
    test_segments();
    test_damage();
    return done_testing();
}
