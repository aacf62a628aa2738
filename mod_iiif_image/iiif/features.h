/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_FEATURES_H
#define IIIF_FEATURES_H
/**
 * @file features.h
 * @brief What is served beyond the compliance level, under the names of each version.
 * @see https://iiif.io/api/image/3.0/compliance/ @see https://iiif.io/api/image/2.1/compliance/
 */
#include "iiif/types.h"

/** One name. */
typedef struct iiif_feature_t {
    const char *name;
    int level_2;   /**< level of 2.1 whose profile already promises it; 3: none; -1: no such feature
                    */
    int level_3;   /**< likewise of 3.0 */
    int upscaling; /**< true only where upscaling is switched on */
} iiif_feature_t;

/** All of them; the last has a NULL name. */
extern const iiif_feature_t iiif_features[];

/** Is @a feature to be named in info.json of @a version, beside the profile of level 2? */
int iiif_feature_is_extra(const iiif_feature_t *feature, iiif_version_e version, int upscale);
#endif
