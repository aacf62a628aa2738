/* SPDX-License-Identifier: Apache-2.0 */
/* The first bytes of a file: never read beyond, always one answer. Input: those bytes. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "iiif/source_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *bytes = malloc(size ? size : 1); /* of just its size */
    iiif_source_format_e format;

    if (size)
        memcpy(bytes, data, size);
    format = iiif_source_format_sniff(bytes, size);
    assert(format <= IIIF_SOURCE_FORMATS);
    if (format != IIIF_SOURCE_FORMATS)
        assert(iiif_source_format_by_name(iiif_source_format(format)->name) == format);
    free(bytes);
    return 0;
}
