/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_T_JPEGS_H
#define IIIF_T_JPEGS_H
/**
 * @file jpegs.h
 * @brief JPEG streams that a test writes by hand or has TurboJPEG make, and their planes.
 */
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#include "image/jpeg.h"
#include "tap.h"

#define UNUSED __attribute__((unused))

/* -- pieces of headers ------------------------------------------------------------------------ */

#define SOI "\xFF\xD8"
#define DQT "\xFF\xDB\x00\x43\0" Q16 Q16 Q16 Q16
#define Q16 "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1"
#define DHT                                                                                        \
    "\xFF\xC4\x00\x14\0"                                                                           \
    "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"                                                             \
    "\0"
#define SOF_SIZE(s) "\xFF\xC0\x00\x0B\x08" s "\x01\x01\x11\0"
#define SOS_FIRST   "\xFF\xDA\x00\x08\x01\x01\0\0\x3F\0"
#define BYTES(s)    s, sizeof(s) - 1

/* -- pictures --------------------------------------------------------------------------------- */

static const int samplings[] = { TJSAMP_444, TJSAMP_422, TJSAMP_420, TJSAMP_440, TJSAMP_GRAY };

#define SIDE 300 /* at most */

typedef struct stream_t {
    unsigned char *data;
    size_t len;
} stream_t;

/** One component of a decoded stream. */
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

/** @a how: one of TurboJPEG's environment variables, or NULL */
UNUSED static stream_t encode(int width, int height, int sampling, int quality, const char *how)
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

/** Without upsampling and without colour conversion: equal planes are equal coefficients. */
UNUSED static int decode(picture_t *picture, const void *data, size_t len)
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

/** How many of the pixels that stay are others. */
UNUSED static int differing(const picture_t *whole, const picture_t *cropped)
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

UNUSED static iiif_dims_t dims_of(const iiif_bytes_t *bytes)
{
    iiif_jpeg_header_t header;

    if (iiif_jpeg_header(&header, bytes->data, bytes->len) != IIIF_JPEG_IS)
        return (iiif_dims_t){ 0, 0 };
    return header.dims;
}

UNUSED static void append(stream_t *stream, const void *data, size_t len)
{
    stream->data = realloc(stream->data, stream->len + len);
    memcpy(stream->data + stream->len, data, len);
    stream->len += len;
}
#endif
