/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_IMAGE_UPRIGHT_H
#define IIIF_IMAGE_UPRIGHT_H
/**
 * @file upright.h
 * @brief Was a copy turned as its original says it has to be? By pixels, as writers need not tell.
 */
#include "image/render.h"

/** All of a source, as a person sees it, in gray, very small: how it is looked at. */
iiif_resolved_t iiif_upright_view(const iiif_source_t *source);

/**
 * Does @a copy show what @a original shows, and not the pixels of its file as they are stored? Both
 * are rendered, very small. Where what is stored looks alike however it is turned, it does.
 * @param copy     as large as @a original, or smaller, but all of it
 * @param original of an orientation that is not 1
 * @return APR_SUCCESS; IIIF_EBADSOURCE: it does not, or nobody knows; as iiif_render()
 */
apr_status_t iiif_upright_check(const iiif_source_t *copy, const iiif_source_t *original,
                                iiif_err_t *err);
#endif
