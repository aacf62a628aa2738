/* SPDX-License-Identifier: Apache-2.0 */
#include "image/orientation.h"

#include "base/banned.h"

/* From stored to shown: quarter turns clockwise, then a left-right flip. */
static const struct {
    int quarters, flip;
} steps[9] = { { 0, 0 }, { 0, 0 }, { 0, 1 }, { 2, 0 }, { 2, 1 },
               { 1, 1 }, { 1, 0 }, { 3, 1 }, { 3, 0 } };

void iiif_orientation_steps(int *quarters, int *flip, int orientation)
{
    *quarters = steps[orientation].quarters;
    *flip = steps[orientation].flip;
}

iiif_dims_t iiif_orientation_dims(int orientation, iiif_dims_t stored)
{
    return steps[orientation].quarters % 2 ? (iiif_dims_t){ stored.height, stored.width } : stored;
}

/* A quarter turn back (counter-clockwise) of a rectangle in an image of size full. */
static iiif_rect_t turn_back(iiif_rect_t r, iiif_dims_t full)
{
    return (iiif_rect_t){ r.y, full.width - r.x - r.width, r.height, r.width };
}

iiif_rect_t iiif_orientation_to_stored(int orientation, iiif_rect_t shown, iiif_dims_t full)
{
    int i;

    if (steps[orientation].flip)
        shown.x = full.width - shown.x - shown.width;
    for (i = 0; i < steps[orientation].quarters; ++i) {
        shown = turn_back(shown, full);
        full = (iiif_dims_t){ full.height, full.width };
    }
    return shown;
}
