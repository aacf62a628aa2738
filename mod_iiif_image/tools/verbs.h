/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TOOLS_VERBS_H
#define IIIF_TOOLS_VERBS_H
/**
 * @file verbs.h
 * @brief The verbs of iiifctl, one file each. What they do: doc/iiifctl.1.
 */
#include "tools/options.h"

extern const iiifctl_verb_t iiifctl_verb_tile;    /**< tile.c */
extern const iiifctl_verb_t iiifctl_verb_check;   /**< check.c */
extern const iiifctl_verb_t iiifctl_verb_info;    /**< info.c */
extern const iiifctl_verb_t iiifctl_verb_render;  /**< render.c */
extern const iiifctl_verb_t iiifctl_verb_explain; /**< explain.c */
extern const iiifctl_verb_t iiifctl_verb_warm;    /**< warm.c */
extern const iiifctl_verb_t iiifctl_verb_export;  /**< export.c */
extern const iiifctl_verb_t iiifctl_verb_clean;   /**< clean.c */

/* Of an Omeka S site; names of two words. */
extern const iiifctl_verb_t iiifctl_verb_omeka_config;  /**< omeka_config.c */
extern const iiifctl_verb_t iiifctl_verb_omeka_tile;    /**< omeka_tile.c */
extern const iiifctl_verb_t iiifctl_verb_omeka_data;    /**< omeka_data.c */
extern const iiifctl_verb_t iiifctl_verb_omeka_stale;   /**< omeka_stale.c */
extern const iiifctl_verb_t iiifctl_verb_omeka_compare; /**< omeka_compare.c */
#endif
