/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <string.h>
#include <turbojpeg.h>

#include "image/jpeg.h"
#include "image/jpeg_crop.h"

#include "base/banned.h"

/* libjpeg holds all coefficients of what it transforms: 128 bytes a block. Tiles are smaller. */
#define PIXELS_MAX (1u << 22)

/* Sides of which only whole MCUs can move (libjpeg's jtransform: "perfect"). */
enum { NONE = 0, WIDTH = 1, HEIGHT = 2 };

/* [mirror][quarters]: the mirror comes first */
static const struct {
    int op, whole;
} turns[2][4] = {
    { { TJXOP_NONE, NONE },
      { TJXOP_ROT90, HEIGHT },
      { TJXOP_ROT180, WIDTH | HEIGHT },
      { TJXOP_ROT270, WIDTH } },
    { { TJXOP_HFLIP, WIDTH },
      { TJXOP_TRANSVERSE, WIDTH | HEIGHT },
      { TJXOP_VFLIP, HEIGHT },
      { TJXOP_TRANSPOSE, NONE } },
};

/* The samplings of the first component that TurboJPEG can turn and name; all others are 1x1. */
static const struct {
    int horizontal, vertical;
} samplings[] = { { 1, 1 }, { 2, 1 }, { 1, 2 }, { 2, 2 }, { 4, 1 } };

/* 8-bit Huffman and arithmetic processes that quantise: SOF0 to 2, 9 and 10. */
static int is_known_process(const iiif_jpeg_header_t *header)
{
    return header->bits == 8 && header->process < 11 && (0x607 >> header->process & 1);
}

static int is_known_sampling(const iiif_jpeg_header_t *header)
{
    size_t i;
    int k;

    if (header->components == 1)
        return 1;
    for (k = 1; k < header->components; ++k) {
        if (header->horizontal[k] != 1 || header->vertical[k] != 1)
            return 0;
    }
    for (i = 0; i < sizeof(samplings) / sizeof(samplings[0]); ++i) {
        if (header->horizontal[0] == samplings[i].horizontal
            && header->vertical[0] == samplings[i].vertical)
            return header->components == 3 || (header->components == 4 && i == 0);
    }
    return 0;
}

/* A whole stream. */
typedef struct stream_t {
    const unsigned char *data;
    apr_size_t len;
    iiif_jpeg_header_t header;
} stream_t;

static iiif_dims_t kept(const iiif_jpeg_header_t *header, const iiif_jpeg_change_t *change)
{
    return change->crop.width || change->crop.height ? change->crop : header->dims;
}

/* Do the sides that the turn moves end on whole MCUs? */
static int ends_on_mcus(const iiif_jpeg_header_t *header, const iiif_jpeg_change_t *change)
{
    iiif_dims_t dims = kept(header, change);
    int whole = turns[!!change->mirror][change->quarters].whole;
    int single = header->components == 1 || change->gray;
    apr_uint32_t width = single ? 8 : 8 * (apr_uint32_t)header->horizontal[0];
    apr_uint32_t height = single ? 8 : 8 * (apr_uint32_t)header->vertical[0];

    return (!(whole & WIDTH) || dims.width % width == 0)
           && (!(whole & HEIGHT) || dims.height % height == 0);
}

int iiif_jpeg_can_change(const iiif_jpeg_header_t *header, const iiif_jpeg_change_t *change)
{
    iiif_dims_t dims = kept(header, change);

    if (!dims.width || !dims.height || dims.width > header->dims.width
        || dims.height > header->dims.height || change->quarters < 0 || change->quarters > 3)
        return 0;
    if (!is_known_process(header) || !is_known_sampling(header)
        || (apr_uint64_t)header->dims.width * header->dims.height > PIXELS_MAX)
        return 0;
    if (change->gray && header->components != 1 && !header->ycbcr)
        return 0;
    return ends_on_mcus(header, change);
}

/* A copy that iiif_bytes_free() frees. */
static apr_status_t copy(iiif_bytes_t *out, const void *data, apr_size_t len)
{
    void *bytes = g_try_malloc(len);

    if (!bytes)
        return APR_ENOMEM;
    memcpy(bytes, data, len);
    *out = (iiif_bytes_t){ bytes, len };
    return APR_SUCCESS;
}

/* libjpeg decodes to coefficients and encodes them again. A warning is damage, and stops it. */
static apr_status_t transform(iiif_bytes_t *out, const stream_t *in, tjtransform *how,
                              iiif_err_t *err)
{
    tjhandle handle = tjInitTransform();
    unsigned char *made = NULL;
    unsigned long made_len = 0;
    apr_status_t rv;

    if (!handle)
        return iiif_fail(err, APR_ENOMEM, "no memory to change a JPEG stream");
    if (tjTransform(handle, in->data, (unsigned long)in->len, 1, &made, &made_len, how,
                    TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS))
        rv = iiif_fail(err, IIIF_EBADSOURCE, "damaged JPEG stream: %s", tjGetErrorStr2(handle));
    else if ((rv = copy(out, made, made_len)) != APR_SUCCESS)
        iiif_fail(err, rv, "no memory for %lu bytes of a JPEG stream", made_len);
    tjFree(made);
    tjDestroy(handle);
    return rv;
}

static apr_status_t crop(iiif_bytes_t *out, const stream_t *in, iiif_dims_t dims, iiif_err_t *err)
{
    tjtransform how = { .r = { 0, 0, (int)dims.width, (int)dims.height },
                        .op = TJXOP_NONE,
                        .options = TJXOPT_CROP };

    if (iiif_jpeg_crop(out, in->data, in->len, &in->header, dims))
        return APR_SUCCESS;
    return transform(out, in, &how, err);
}

static apr_status_t turn(iiif_bytes_t *out, const stream_t *in, const iiif_jpeg_change_t *change,
                         iiif_err_t *err)
{
    tjtransform how = { .op = turns[!!change->mirror][change->quarters].op,
                        .options = TJXOPT_PERFECT | (change->gray ? TJXOPT_GRAY : 0) };

    return transform(out, in, &how, err);
}

/* First the crop, then the turn of what is left: TurboJPEG alone would crop the turned image. */
static apr_status_t crop_and_turn(iiif_bytes_t *out, const stream_t *in,
                                  const iiif_jpeg_change_t *change, iiif_err_t *err)
{
    iiif_bytes_t bytes;
    stream_t cropped;
    apr_status_t rv = crop(&bytes, in, kept(&in->header, change), err);

    if (rv != APR_SUCCESS)
        return rv;
    cropped = (stream_t){ .data = bytes.data, .len = bytes.len };
    rv = turn(out, &cropped, change, err);
    iiif_bytes_free(bytes.data);
    return rv;
}

apr_status_t iiif_jpeg_change(iiif_bytes_t *out, const void *data, apr_size_t len,
                              const iiif_jpeg_change_t *change, iiif_err_t *err)
{
    stream_t in = { .data = data, .len = len };
    iiif_dims_t dims;

    if (iiif_jpeg_header(&in.header, data, len) != IIIF_JPEG_IS)
        return iiif_fail(err, IIIF_EBADSOURCE, "a JPEG stream has no whole header");
    dims = kept(&in.header, change);
    if (!iiif_jpeg_can_change(&in.header, change))
        return iiif_fail(err, IIIF_EBADSOURCE,
                         "a JPEG stream of %ux%u, SOF%d, %d components, cannot be changed so to "
                         "%ux%u without decoding it",
                         in.header.dims.width, in.header.dims.height, in.header.process,
                         in.header.components, dims.width, dims.height);
    if (!change->mirror && !change->quarters && !(change->gray && in.header.components > 1))
        return crop(out, &in, dims, err);
    if (dims.width == in.header.dims.width && dims.height == in.header.dims.height)
        return turn(out, &in, change, err);
    return crop_and_turn(out, &in, change, err);
}
