/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TOOLS_LOOK_H
#define IIIF_TOOLS_LOOK_H
/**
 * @file look.h
 * @brief Options that say what directives say of how images look, in the same values. Each function
 * leaves alone what was not given, and returns IIIFCTL_OK, or IIIFCTL_USAGE, said on stderr.
 */
#include "iiif/format.h"
#include "iiif/region.h"
#include "tools/options.h"

/** "jpg=80", each time that the option was given: IIIFQuality. */
int iiifctl_qualities_of(int qualities[IIIF_FORMATS], const iiifctl_call_t *call, int letter);

/** "png=9": IIIFEffort. */
int iiifctl_efforts_of(int efforts[IIIF_FORMATS], const iiifctl_call_t *call, int letter);

/** "#RRGGBB": IIIFBackground. */
int iiifctl_background_of(unsigned char background[3], const iiifctl_call_t *call, int letter);

/** "attention": IIIFSquareCrop. */
int iiifctl_square_of(iiif_square_e *square, const iiifctl_call_t *call, int letter);
#endif
