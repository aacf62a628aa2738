/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_SOURCE_FORMAT_H
#define IIIF_SOURCE_FORMAT_H
/**
 * @file source_format.h
 * @brief The file formats an image may be stored in: names, extensions, first bytes.
 *
 * What a file is, its first bytes say; its extension only helps to find it.
 */
#include <apr.h>

typedef enum {
    IIIF_SOURCE_JPEG,
    IIIF_SOURCE_PNG,
    IIIF_SOURCE_TIFF,
    IIIF_SOURCE_JP2,
    IIIF_SOURCE_WEBP,
    IIIF_SOURCE_GIF,
    IIIF_SOURCE_HEIF,
    IIIF_SOURCE_AVIF,
    IIIF_SOURCE_JXL,
    IIIF_SOURCE_PDF,
    IIIF_SOURCE_SVG,
    IIIF_SOURCE_FORMATS /**< how many; also "none of them" */
} iiif_source_format_e;

/** A set of source formats: bit 1 << iiif_source_format_e. */
typedef unsigned iiif_source_format_set_t;

/** What `IIIFSourceFormats` allows when it is not given: the formats libvips trusts, JPEG 2000 and
 * HEIF. */
#define IIIF_SOURCE_FORMATS_DEFAULT ((1u << IIIF_SOURCE_JXL) - 1)

/** Extensions tried for one format, at most. */
#define IIIF_EXTENSIONS_MAX 4

typedef struct iiif_source_format_t {
    const char *name;                            /**< in `IIIFSourceFormats` */
    const char *extensions[IIIF_EXTENSIONS_MAX]; /**< lower case, without dot; unused: NULL */
} iiif_source_format_t;

/** The row of @a format; never NULL. */
const iiif_source_format_t *iiif_source_format(iiif_source_format_e format);

/** The format called @a name, or IIIF_SOURCE_FORMATS. */
iiif_source_format_e iiif_source_format_by_name(const char *name);

/** The format whose files end in @a extension (any case, without dot), or IIIF_SOURCE_FORMATS. */
iiif_source_format_e iiif_source_format_by_extension(const char *extension);

/** Bytes that iiif_source_format_sniff() wants to see. */
#define IIIF_SNIFF_BYTES 256

/** The format of a file that starts with @a bytes, or IIIF_SOURCE_FORMATS. */
iiif_source_format_e iiif_source_format_sniff(const unsigned char *bytes, apr_size_t len);
#endif
