/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_IMAGE_JP2_H
#define IIIF_IMAGE_JP2_H
/**
 * @file jp2.h
 * @brief A window of one resolution of a JPEG 2000 file, decoding only the code blocks it covers.
 */
#include "image/private.h"

/**
 * What is decoded at a time is bounded; @a image, in memory, is as large as @a rect.
 * @param image  a new reference, of rect's size, on success, untouched on failure: the file's own
 *               samples, as libvips' loader would give them (bands, format, interpretation), and
 *               the ICC profile, which libvips 8.14 does not see. Of a lossy file one sample in
 *               millions is off by one, as OpenJPEG rounds at a window's edge.
 * @param level  of a source of IIIF_SOURCE_JP2
 * @param rect   in pixels of the level, inside it
 * @return APR_SUCCESS, IIIF_EBADSOURCE; IIIF_ENOTIMPL: a layout left to libvips (other than
 *         1 to 4 components, all of 8 or all of 16 unsigned bits, sampled alike; a palette; sYCC,
 *         CMYK; an offset by parts of a pixel of the level)
 */
apr_status_t iiif_jp2_window(VipsImage **image, const iiif_source_t *source,
                             const iiif_level_t *level, iiif_rect_t rect, iiif_err_t *err);
#endif
