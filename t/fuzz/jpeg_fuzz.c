/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JPEG stream: its header is within it and does not depend on what follows; what is cut out of it
 * is a stream again, of the size asked for, and cutting it once more changes nothing. Input: the
 * stream.
 */
#include <assert.h>
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "image/jpeg_crop.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static iiif_jpeg_verdict_e header_of(iiif_jpeg_header_t *header, const uint8_t *data, size_t size)
{
    unsigned char *bytes = malloc(size ? size : 1); /* of just its size */
    iiif_jpeg_verdict_e verdict;

    if (size)
        memcpy(bytes, data, size);
    verdict = iiif_jpeg_header(header, bytes, size);
    free(bytes);
    return verdict;
}

static void check_header(const iiif_jpeg_header_t *header, const uint8_t *data, size_t size)
{
    iiif_jpeg_header_t again;
    int i;

    assert(header->length > 2 && header->length <= size);
    assert(header->dims.width >= 1 && header->dims.width <= 65535);
    assert(header->dims.height >= 1 && header->dims.height <= 65535);
    assert(header->components >= 1 && header->components <= 4);
    for (i = 0; i < header->components; ++i) {
        assert(header->horizontal[i] >= 1 && header->horizontal[i] <= 4);
        assert(header->vertical[i] >= 1 && header->vertical[i] <= 4);
    }
    assert(header->adobe >= -1 && header->adobe <= 255);
    assert(header_of(&again, data, header->length) == IIIF_JPEG_IS);
    assert(again.length == header->length);
    assert(header_of(&again, data, header->length - 1) == IIIF_JPEG_MORE);
    assert(header_of(&again, data, header->length / 2) == IIIF_JPEG_MORE);
}

/* What iiif_bytes_free() does; it is in a file that needs libvips. */
static void free_bytes(iiif_bytes_t *bytes)
{
    g_free(bytes->data);
}

static void check_crop(const iiif_jpeg_header_t *header, const uint8_t *data, size_t size,
                       iiif_dims_t dims)
{
    iiif_bytes_t once, twice;
    iiif_jpeg_header_t cut;

    if (!iiif_jpeg_crop(&once, data, size, header, dims))
        return;
    assert(iiif_jpeg_header(&cut, once.data, once.len) == IIIF_JPEG_IS);
    assert(cut.dims.width == dims.width && cut.dims.height == dims.height);
    assert(cut.components == header->components && cut.length == header->length);
    assert(iiif_jpeg_crop(&twice, once.data, once.len, &cut, dims));
    assert(twice.len == once.len && !memcmp(twice.data, once.data, once.len));
    free_bytes(&twice);
    free_bytes(&once);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    iiif_jpeg_header_t header;
    iiif_dims_t dims;

    if (header_of(&header, data, size) != IIIF_JPEG_IS)
        return 0;
    check_header(&header, data, size);
    dims = header.dims;
    check_crop(&header, data, size, dims);
    check_crop(&header, data, size, (iiif_dims_t){ dims.width / 2 + 1, dims.height });
    check_crop(&header, data, size, (iiif_dims_t){ dims.width, dims.height / 2 + 1 });
    check_crop(&header, data, size, (iiif_dims_t){ 1, dims.height });
    check_crop(&header, data, size, (iiif_dims_t){ 1, 1 });
    return 0;
}
