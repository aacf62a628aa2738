/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_IMAGE_SQUARE_H
#define IIIF_IMAGE_SQUARE_H
/**
 * @file square.h
 * @brief Where to put a square that pixels decide on: `IIIFSquareCrop attention|entropy`.
 *
 * Where `vips thumbnail --crop attention --linear --intent absolute --size down` puts it, as
 * Omeka S' thumbnailer and others call it: at the size that is asked for, of pixels scaled in
 * linear light. Both matter: the smaller the picture, the more a place decides, and of samples as
 * they are, or of a JPEG shrunk while it is decoded, every tenth photograph gets another square.
 */
#include "image/render.h"
#include "image/window.h"

/**
 * Move resolved->region to the part of the image that libvips' smartcrop finds most interesting.
 * Does nothing for other squares. Beyond 1024 pixels a larger square is where that one is.
 * @param wanted asked on the way; when it is not any more, the rest fails
 * @return APR_SUCCESS or IIIF_EBADSOURCE
 */
apr_status_t iiif_square_find(iiif_resolved_t *resolved, const iiif_source_t *source,
                              const iiif_wanted_t *wanted, iiif_err_t *err);

/** The source as it is looked at: its levels as they are stored. */
iiif_source_t iiif_square_source(const iiif_source_t *source);

/** The size of the whole image at which it is looked at; a side may be off by one. */
iiif_dims_t iiif_square_seen(const iiif_source_t *source, const iiif_resolved_t *resolved);

/** What of it is read for the square of @a resolved; borrows from @a stored. */
iiif_window_t iiif_square_window(const iiif_source_t *stored, const iiif_resolved_t *resolved);
#endif
