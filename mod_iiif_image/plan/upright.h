/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_PLAN_UPRIGHT_H
#define IIIF_PLAN_UPRIGHT_H
/**
 * @file upright.h
 * @brief Were stored tiles turned as their image says it has to be?
 */
#include "image/source.h"
#include "store/tile_store.h"

/**
 * Image Server turned no image before 2026: its tiles of one that is upside down have the right
 * size. Looks at pixels, so that whoever calls it has to remember the answer; the tile store does,
 * which may be told this function.
 * @param stored   one set, of the image's size or, for a pyramid, any
 * @param original NULL: nobody knows it, and all is well; as where its orientation is 1
 * @return APR_SUCCESS; IIIF_EBADSOURCE: no, or nobody knows; why a file cannot be read
 */
iiif_stored_check_fn iiif_stored_upright;
#endif
