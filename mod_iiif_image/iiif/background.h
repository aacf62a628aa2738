/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_BACKGROUND_H
#define IIIF_BACKGROUND_H
/**
 * @file background.h
 * @brief The colour of `IIIFBackground`, as configuration and command line have it.
 */

/** "#RRGGBB", or without "#", in any case.
 *  @param colour 0xRRGGBB on success, else untouched
 *  @return 1; 0: @a text is none */
int iiif_background_parse(int *colour, const char *text);

/** Red, green and blue of 0xRRGGBB. */
void iiif_background_split(unsigned char bytes[3], int colour);
#endif
