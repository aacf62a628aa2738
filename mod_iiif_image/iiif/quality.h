/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_QUALITY_H
#define IIIF_QUALITY_H
/**
 * @file quality.h
 * @brief The {quality} parameter of an image request. @see https://iiif.io/api/image/3.0/#quality
 */
#include "base/err.h"

/** In order of what they keep: a source that is gray has no more than gray to give. */
typedef enum {
    IIIF_QUALITY_DEFAULT,
    IIIF_QUALITY_COLOR,
    IIIF_QUALITY_GRAY,
    IIIF_QUALITY_BITONAL
} iiif_quality_e;

/**
 * Parse the part of the last segment before its last ".".
 * @return APR_SUCCESS, or IIIF_EBADREQUEST
 */
apr_status_t iiif_quality_parse(iiif_quality_e *quality, const char *text, iiif_err_t *err);

/** "default", "color", "gray" or "bitonal". */
const char *iiif_quality_name(iiif_quality_e quality);

/**
 * IIIF_QUALITY_DEFAULT when asking for @a asked gives the same pixels as `default` on a source
 * whose own quality is @a natural, else @a asked.
 */
iiif_quality_e iiif_quality_resolve(iiif_quality_e asked, iiif_quality_e natural);
#endif
