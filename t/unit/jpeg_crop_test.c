/* SPDX-License-Identifier: Apache-2.0 */
#include "image/jpeg_crop.h"

#include "jpegs.h"

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

/* -- codes by hand ---------------------------------------------------------------------------- */

/* DC: 0 is 0 bits. AC: 0 is ZRL (16 zeros), 10 end of block, 110 14 zeros and one of
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
    { "both blocks empty",         BYTES(TWO(DHT_AC) "\x4B" END), 16, 1 },           /* 0 10 0 10 11 */
    { "one of them",               BYTES(TWO(DHT_AC) "\x4B" END), 8, 1 },
    { "fill bytes before EOI",     BYTES(TWO(DHT_AC) "\x4B\xFF\xFF" END), 16, 1 },
    { "three ZRL and an end",      BYTES(TWO(DHT_AC) "\x0B" END), 8, 1 },            /* 0 000 10 11 */
    { "64 without an end",         BYTES(TWO(DHT_AC) "\x0D\x5F" END), 16, 1 },       /* 0 000 110 1, 0 10 11111 */
    { "four ZRL",                  BYTES(TWO(DHT_AC) "\x05" END), 8, 0 },            /* 0 0000 10 1 */
    { "many ZRL",                  BYTES(TWO(DHT_AC) "\x00\x17" END), 8, 0 },
    { "ZRL only",                  BYTES(TWO(DHT_AC) "\0\0\0\0\0\0\0\0\0\0\0\0" END), 8, 0 },
    { "60, then 15 more",          BYTES(TWO(DHT_AC) "\x6E\xEE\xEF" END), 8, 0 },
    { "no such code",              BYTES(TWO(DHT_AC) "\x7F" END), 8, 0 },
    { "a value of 11 bits",        BYTES(TWO(DHT_AC) "\x70\x00\xBF" END), 8, 0 },
    { "no AC codes",               BYTES(TWO("") "\x4B" END), 16, 0 },
    { "a block that is missing",   BYTES(TWO(DHT_AC) "\x0B" END), 16, 0 },
    { "no scan",                   BYTES(TWO(DHT_AC) END), 16, 0 },
    { "no EOI",                    BYTES(TWO(DHT_AC) "\x4B"), 16, 0 },
    { "half an EOI",               BYTES(TWO(DHT_AC) "\x4B\xFF"), 16, 0 },
    { "another marker than EOI",   BYTES(TWO(DHT_AC) "\x4B\xFF\xD0" END), 16, 0 },
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

/* -- streams of other kinds ------------------------------------------------------------------- */

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

int main(void)
{
    test_crops();
    test_scans();
    test_other_crops();
    return done_testing();
}
