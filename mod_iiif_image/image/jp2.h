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
 * @param image  a new reference, of rect's size, on success, untouched on failure: samples as
 *               libvips' loader would give them (bands, format, interpretation), where it can, and
 *               the ICC profile, which libvips 8.14 does not see. Palettes are applied, YCC is
 *               made RGB, chroma repeated, 9 to 15 bits shifted up to 16, less than 8 spread to 8.
 *               Of a lossy file one sample in millions is off by one, as OpenJPEG rounds at a
 *               window's edge.
 * @param window on a level of a source of IIIF_SOURCE_JP2, inside it
 * @return APR_SUCCESS; IIIF_EGONE: window->wanted said so; IIIF_EBADSOURCE: damage, or a layout
 * that nobody reads rightly; IIIF_ETOOBIG: more than 64 million pixels of what libvips cannot
 * stream; IIIF_ENOTIMPL: libvips can, and has to: 5 and more components, signed ones, ones of more
 * than 16 bits, or more pixels than are held in memory
 */
apr_status_t iiif_jp2_window(VipsImage **image, const iiif_source_t *source,
                             const iiif_window_t *window, iiif_err_t *err);
#endif
