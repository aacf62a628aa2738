/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_IMAGE_ORIENTATION_H
#define IIIF_IMAGE_ORIENTATION_H
/**
 * @file orientation.h
 * @brief EXIF orientation as arithmetic: where the pixels of a displayed region are stored.
 *
 * Source: EXIF 2.32, 4.6.4 A, tag Orientation; the same numbers as TIFF 6.0's. Turning the small
 * result, and not the whole source, keeps a render's memory bounded by its output.
 */
#include "iiif/types.h"

/** The size a person sees, of an image stored as @a stored. @a orientation 1 to 8. */
iiif_dims_t iiif_orientation_dims(int orientation, iiif_dims_t stored);

/** Where @a shown, a rectangle of the displayed image of size @a full, is stored. */
iiif_rect_t iiif_orientation_to_stored(int orientation, iiif_rect_t shown, iiif_dims_t full);

/** Clockwise quarter turns, then a left-right flip, that display what is stored. */
void iiif_orientation_steps(int *quarters, int *flip, int orientation);
#endif
