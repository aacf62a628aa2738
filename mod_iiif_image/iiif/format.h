/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_FORMAT_H
#define IIIF_FORMAT_H
/**
 * @file format.h
 * @brief The {format} parameter of an image request. @see https://iiif.io/api/image/3.0/#45-format
 */
#include "base/err.h"
#include "iiif/types.h"

typedef enum {
    IIIF_FORMAT_JPG,
    IIIF_FORMAT_PNG,
    IIIF_FORMAT_TIF,
    IIIF_FORMAT_GIF,
    IIIF_FORMAT_WEBP,
    IIIF_FORMAT_JP2,
    IIIF_FORMAT_PDF,
    IIIF_FORMAT_AVIF,
    IIIF_FORMAT_JXL,
    IIIF_FORMATS /**< how many */
} iiif_format_e;

/** A set of formats: bit 1 << iiif_format_e. */
typedef unsigned iiif_format_set_t;

typedef struct iiif_format_t {
    const char *extension; /**< as the URI spells it */
    const char *mime_type;
    apr_uint32_t max_side; /**< pixels: what the file format, or its encoder, can hold */
    int alpha;             /**< can it be transparent? */
    int level;             /**< compliance level whose profile already promises it; 3: none */
    int lossy;             /**< does `IIIFQuality` apply? */
    int default_quality;   /**< 1 to 100, where it does */
    int least_effort;      /**< what `IIIFEffort` may say, by the encoder's own count; */
    int most_effort;       /**< 0: it does not apply */
    int default_effort;
} iiif_format_t;

/** The row of @a format; never NULL. */
const iiif_format_t *iiif_format(iiif_format_e format);

/**
 * Parse the part of the last segment behind its last ".".
 * @param available what this server can encode
 * @return APR_SUCCESS, or IIIF_EBADREQUEST
 */
apr_status_t iiif_format_parse(iiif_format_e *format, const char *text, iiif_format_set_t available,
                               iiif_err_t *err);

/**
 * The format of a tile by the extension that its writer gave it: jpg, JPG, jpeg, tiff...
 * @param format    filled when there is one, else untouched
 * @param available as above
 * @return 1; 0: none of these
 */
int iiif_format_of_extension(iiif_format_e *format, const char *extension,
                             iiif_format_set_t available);
#endif
