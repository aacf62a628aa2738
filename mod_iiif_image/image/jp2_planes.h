/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_IMAGE_JP2_PLANES_H
#define IIIF_IMAGE_JP2_PLANES_H
/**
 * @file jp2_planes.h
 * @brief From OpenJPEG's planes to pixels: space, precision, subsampled chroma. For image/jp2.c.
 */
#include <openjpeg.h>

#include "image/private.h"

/** A rectangle of one resolution, in coordinates of the first component, which count from the
 *  origin of the reference grid, not from the image's corner. */
typedef struct iiif_jp2_area_t {
    apr_uint64_t left, top, right, bottom;
} iiif_jp2_area_t;

/** What the pixels of an image are. */
typedef struct iiif_jp2_layout_t {
    VipsInterpretation space; /**< as libvips' loader names it */
    unsigned bands;           /**< 1 to 4 */
    int words;                /**< 16 bits a sample; else 8 */
    int ycc;                  /**< to be converted to RGB */
} iiif_jp2_layout_t;

/** ceil(@a at / (@a step * 2^ @a level)): from the reference grid to a resolution of a component
 *  (ISO 15444-1, B-12 and B-15). @a step 1 to 255, @a level 0 to 32 */
apr_uint64_t iiif_jp2_reduced(apr_uint64_t at, apr_uint64_t step, int level);

/** 1 to 4 components, unsigned, of 1 to 16 bits, the others' sampling a multiple of the first's? */
int iiif_jp2_is_plain(const opj_image_t *image);

/** Fill @a layout from a plain @a image that has been decoded: before, a palette is not seen.
 *  @return 1; 0: a space that is not handled */
int iiif_jp2_layout(iiif_jp2_layout_t *layout, const opj_image_t *image);

/** @a area, on @a image and larger where that is needed to see the chroma of all its pixels. */
iiif_jp2_area_t iiif_jp2_with_chroma(const opj_image_t *image, int level, iiif_jp2_area_t area);

/**
 * Bring all components to the sides of the first, by repetition, as libvips and opj_decompress do,
 * and YCC to RGB.
 * @param image decoded at @a level for @a area; its planes are changed
 * @return 1; 0: no memory, or planes that are not of this area
 */
int iiif_jp2_complete(opj_image_t *image, const iiif_jp2_layout_t *layout, int level,
                      const iiif_jp2_area_t *area);

/**
 * Planes become pixels. Samples of 9 to 15 bits are shifted up to 16, as libvips does, those of
 * less than 8, which libvips leaves dark, are spread: white is white.
 * @param pixels for the @a rect of the planes
 * @param rect   from their top left corner
 */
void iiif_jp2_pack(void *pixels, const opj_image_t *image, const iiif_jp2_layout_t *layout,
                   iiif_rect_t rect);
#endif
