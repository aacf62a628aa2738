/* SPDX-License-Identifier: Apache-2.0 */
#include "image/jpeg.h"

#include <string.h>

#include "image/jpeg_segment.h"

#include "base/banned.h"

enum { MARKER = 0xFF, SOF0 = 0xC0, DHT = 0xC4, SOI = 0xD8, EOI = 0xD9, SOS = 0xDA, DQT = 0xDB };

/* Read one segment into the header; 0: it is broken, or stands where it must not. */
typedef int (*read_fn)(iiif_jpeg_header_t *header, const iiif_jpeg_segment_t *segment);

static int two_bytes(const unsigned char *s)
{
    return s[0] << 8 | s[1];
}

/* B.2.2. A height of 0 would come with DNL, behind the scan. */
static int read_frame(iiif_jpeg_header_t *header, const iiif_jpeg_segment_t *segment)
{
    const unsigned char *s = segment->body;
    int i;

    if (header->components || segment->len < 6 || s[5] < 1 || s[5] > 4
        || segment->len != 6 + 3 * (apr_size_t)s[5])
        return 0;
    header->process = segment->marker - SOF0;
    header->bits = s[0];
    header->baseline = header->process <= 1 && header->bits == 8;
    header->dims.height = (apr_uint32_t)two_bytes(s + 1);
    header->dims.width = (apr_uint32_t)two_bytes(s + 3);
    header->components = s[5];
    for (i = 0, s += 6; i < header->components; ++i, s += 3) {
        header->ids[i] = s[0];
        header->horizontal[i] = s[1] >> 4;
        header->vertical[i] = s[1] & 15;
        if (header->horizontal[i] < 1 || header->horizontal[i] > 4 || header->vertical[i] < 1
            || header->vertical[i] > 4 || s[2] > 3 || memchr(header->ids, s[0], (size_t)i))
            return 0;
        header->quantization_used |= 1u << s[2];
    }
    return header->bits >= 2 && header->bits <= 16 && header->dims.width && header->dims.height;
}

/* B.2.3 */
static int read_scan(iiif_jpeg_header_t *header, const iiif_jpeg_segment_t *segment)
{
    const unsigned char *s = segment->body;
    int i, count;

    if (!segment->len || s[0] < 1 || s[0] > header->components
        || segment->len != 4 + 2 * (apr_size_t)s[0])
        return 0;
    count = s[0];
    for (i = 0, ++s; i < count; ++i, s += 2) {
        if (!memchr(header->ids, s[0], (size_t)header->components) || s[1] >> 4 > 3
            || (s[1] & 15) > 3)
            return 0;
        header->huffman_used |= 1u << (s[1] >> 4) | 16u << (s[1] & 15);
    }
    header->interleaved = count == header->components;
    return !header->baseline || (s[0] == 0 && s[1] == 63 && s[2] == 0);
}

/* B.2.4.1 */
static int read_quantization(iiif_jpeg_header_t *header, const iiif_jpeg_segment_t *segment)
{
    const unsigned char *s = segment->body;
    apr_size_t left = segment->len;

    while (left) {
        apr_size_t table = *s >> 4 ? 129 : 65;

        if (*s >> 4 > 1 || (*s & 15) > 3 || table > left)
            return 0;
        header->quantization |= 1u << (*s & 15);
        s += table;
        left -= table;
    }
    return segment->len > 0;
}

static int read_huffman(iiif_jpeg_header_t *header, const iiif_jpeg_segment_t *segment)
{
    iiif_jpeg_segment_t rest = *segment;
    iiif_jpeg_code_t code;
    int more = 0;

    while ((more = iiif_jpeg_code_next(&code, &rest)) > 0)
        header->huffman |= (code.ac ? 16u : 1u) << code.slot;
    return more == 0 && segment->len > 0;
}

/* B.2.4.4 */
static int read_restart(iiif_jpeg_header_t *header, const iiif_jpeg_segment_t *segment)
{
    if (segment->len != 2)
        return 0;
    header->restart = two_bytes(segment->body);
    return 1;
}

static int read_jfif(iiif_jpeg_header_t *header, const iiif_jpeg_segment_t *segment)
{
    if (segment->len >= 14 && !memcmp(segment->body, "JFIF", 5))
        header->jfif = 1;
    return 1;
}

/* Exif may turn the image, a profile change its colours. */
static int read_metadata(iiif_jpeg_header_t *header, const iiif_jpeg_segment_t *segment)
{
    (void)segment;
    header->metadata = 1;
    return 1;
}

static int read_adobe(iiif_jpeg_header_t *header, const iiif_jpeg_segment_t *segment)
{
    if (segment->len >= 12 && !memcmp(segment->body, "Adobe", 5))
        header->adobe = segment->body[11];
    return 1;
}

static int skip(iiif_jpeg_header_t *header, const iiif_jpeg_segment_t *segment)
{
    (void)header;
    (void)segment;
    return 1;
}

/* T.81, table B.1: what has a length and may stand before the entropy-coded data of a stream that
 * is not hierarchical. */
static const struct {
    unsigned char first, last;
    read_fn read;
} segments[] = {
    { 0xC0, 0xC3, read_frame },   { DHT, DHT, read_huffman }, { 0xC5, 0xC7, read_frame },
    { 0xC9, 0xCB, read_frame },   { 0xCC, 0xCC, skip }, /* DAC */
    { 0xCD, 0xCF, read_frame },   { SOS, SOS, read_scan },    { DQT, DQT, read_quantization },
    { 0xDD, 0xDD, read_restart }, { 0xE0, 0xE0, read_jfif },  { 0xE1, 0xE2, read_metadata },
    { 0xE3, 0xED, skip },                                                           /* APPn */
    { 0xEE, 0xEE, read_adobe },   { 0xEF, 0xEF, skip },       { 0xFE, 0xFE, skip }, /* COM */
};

static read_fn reader_of(int marker)
{
    size_t i;

    for (i = 0; i < sizeof(segments) / sizeof(segments[0]); ++i) {
        if (marker >= segments[i].first && marker <= segments[i].last)
            return segments[i].read;
    }
    return NULL;
}

iiif_jpeg_verdict_e iiif_jpeg_segment_next(iiif_jpeg_segment_t *segment, const unsigned char *data,
                                           apr_size_t len, apr_size_t *cursor)
{
    apr_size_t i = *cursor, whole;

    if (i < len && data[i] != MARKER)
        return IIIF_JPEG_NOT;
    while (i < len && data[i] == MARKER) /* B.1.1.2: as many as a writer likes */
        ++i;
    if (i < len && !reader_of(data[i]))
        return IIIF_JPEG_NOT;
    if (len - i < 3)
        return IIIF_JPEG_MORE;
    whole = (apr_size_t)two_bytes(data + i + 1);
    if (whole < 2)
        return IIIF_JPEG_NOT;
    if (len - i - 1 < whole)
        return IIIF_JPEG_MORE;
    segment->marker = data[i];
    segment->body = data + i + 3;
    segment->len = whole - 2;
    *cursor = i + 1 + whole;
    return IIIF_JPEG_IS;
}

/* No more codes of a length than there are, and none of ones alone (C.2); differences of DC have
 * up to 15 bits. */
static int is_prefix_code(const iiif_jpeg_code_t *code)
{
    unsigned next = 0;
    int i;

    for (i = 0; i < 16; ++i, next <<= 1) {
        next += code->counts[i];
        if (code->counts[i] && next >= 2u << i)
            return 0;
    }
    for (i = 0; i < code->count && !code->ac; ++i) {
        if (code->symbols[i] > 15)
            return 0;
    }
    return 1;
}

int iiif_jpeg_code_next(iiif_jpeg_code_t *code, iiif_jpeg_segment_t *segment)
{
    const unsigned char *s = segment->body;
    int i;

    if (!segment->len)
        return 0;
    if (segment->len < 17 || *s >> 4 > 1 || (*s & 15) > 3)
        return -1;
    code->ac = *s >> 4;
    code->slot = *s & 15;
    code->counts = s + 1;
    code->symbols = s + 17;
    for (i = code->count = 0; i < 16; ++i)
        code->count += code->counts[i];
    if (code->count > 256 || segment->len - 17 < (apr_size_t)code->count || !is_prefix_code(code))
        return -1;
    segment->body += 17 + code->count;
    segment->len -= 17 + (apr_size_t)code->count;
    return 1;
}

/* Decoders disagree on a stream that names JFIF, which is always YCbCr, and Adobe's 0, which is
 * not; so it does not count. Without either, ids decide (libjpeg's libjpeg.txt). */
static int is_ycbcr(const iiif_jpeg_header_t *header)
{
    if (header->components != 3 || header->adobe == 0)
        return 0;
    return header->jfif || header->adobe > 0 || memcmp(header->ids, "RGB", 3);
}

iiif_jpeg_verdict_e iiif_jpeg_header(iiif_jpeg_header_t *header, const unsigned char *data,
                                     apr_size_t len)
{
    iiif_jpeg_header_t read = { .adobe = -1 };
    iiif_jpeg_segment_t segment = { .marker = 0 };

    if ((len > 0 && data[0] != MARKER) || (len > 1 && data[1] != SOI))
        return IIIF_JPEG_NOT;
    if (len < 2)
        return IIIF_JPEG_MORE;
    read.length = 2;
    while (segment.marker != SOS) {
        iiif_jpeg_verdict_e verdict = iiif_jpeg_segment_next(&segment, data, len, &read.length);

        if (verdict != IIIF_JPEG_IS)
            return verdict;
        if (!reader_of(segment.marker)(&read, &segment))
            return IIIF_JPEG_NOT;
    }
    read.ycbcr = is_ycbcr(&read);
    *header = read;
    return IIIF_JPEG_IS;
}

int iiif_jpeg_tables(iiif_jpeg_header_t *header, const unsigned char *data, apr_size_t len)
{
    iiif_jpeg_segment_t segment;
    apr_size_t cursor = 2;

    if (len < 4 || data[0] != MARKER || data[1] != SOI || data[len - 2] != MARKER
        || data[len - 1] != EOI)
        return 0;
    while (cursor < len - 2) {
        if (iiif_jpeg_segment_next(&segment, data, len - 2, &cursor) != IIIF_JPEG_IS
            || (segment.marker != DQT && segment.marker != DHT)
            || !reader_of(segment.marker)(header, &segment))
            return 0;
    }
    return 1;
}
