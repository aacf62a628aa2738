/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_IMAGE_JP2_H
#define IIIF_IMAGE_JP2_H
/**
 * @file jp2.h
 * @brief A window of one resolution of a JPEG 2000 file, decoding only the code blocks it covers.
 */
#include "image/private.h"

/**
 * @param image  a new reference, in memory, of rect's size, on success: the file's own samples, as
 *               libvips' loader would give them (bands, format, interpretation, ICC profile)
 * @param level  of a source of IIIF_SOURCE_JP2
 * @param rect   in pixels of the level, inside it
 * @return APR_SUCCESS, IIIF_EBADSOURCE; IIIF_ENOTIMPL: a layout left to libvips
 */
apr_status_t iiif_jp2_window(VipsImage **image, const iiif_source_t *source,
                             const iiif_level_t *level, iiif_rect_t rect, iiif_err_t *err);
#endif
