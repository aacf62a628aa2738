/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_IMAGE_LANCZOS_H
#define IIIF_IMAGE_LANCZOS_H
/**
 * @file lanczos.h
 * @brief Fewer 8-bit samples of more: each the sum of those around it, weighted by a Lanczos kernel
 * of three lobes, down first and then across.
 */
#include <stddef.h>
#include <stdint.h>

#define IIIF_LANCZOS_FACTOR_MAX 4 /**< pixels to one, along each axis; at least one */

/** Where the pixels of a result lie on a line of pixels; a pixel's middle is at its number and a
 *  half. */
typedef struct iiif_lanczos_span_t {
    double origin; /**< of the line where the result begins */
    double factor; /**< pixels of the line to one of the result */
    int from;      /**< pixels of the line, 1 or more; beyond its ends they are those of its ends */
    int to;        /**< pixels of the result */
} iiif_lanczos_span_t;

/** What the pixels of a result are made of along one axis. Read by any thread. */
typedef struct iiif_lanczos_axis_t {
    int pairs; /**< pixels for one, by two; those beyond the line's end weigh nothing */
    int *starts;
    int16_t *weights; /**< two times pairs of them for each pixel of the result */
} iiif_lanczos_axis_t;

void iiif_lanczos_axis_make(iiif_lanczos_axis_t *axis, const iiif_lanczos_span_t *span);
void iiif_lanczos_axis_free(iiif_lanczos_axis_t *axis);

/** Rows of pixels as they lie in memory. */
typedef struct iiif_lanczos_rows_t {
    const unsigned char *samples; /**< of row @a top, from the line's first pixel on */
    ptrdiff_t stride;             /**< bytes from one row to the next */
    int top, bottom; /**< the first one, and the one behind the last; that stands for all below */
    int width;       /**< pixels */
    int bands;       /**< samples of a pixel, 1 to 4 */
} iiif_lanczos_rows_t;

/** Part of a result. */
typedef struct iiif_lanczos_area_t {
    unsigned char *samples; /**< of its first pixel */
    ptrdiff_t stride;
    int left, top, width, height;
} iiif_lanczos_area_t;

/** Room for one thread's sums, for rows of so many samples. Freed by g_aligned_free(). */
void *iiif_lanczos_room(size_t samples);

/**
 * Make an area of the result.
 * @param rows all that iiif_lanczos_axis_t says of @a down, but for those beyond the end
 * @param room as it is left by whomever
 */
void iiif_lanczos_reduce(const iiif_lanczos_area_t *area, const iiif_lanczos_rows_t *rows,
                         const iiif_lanczos_axis_t *across, const iiif_lanczos_axis_t *down,
                         void *room);
#endif
