/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TOOLS_FACTS_H
#define IIIF_TOOLS_FACTS_H
/**
 * @file facts.h
 * @brief What a source says of itself, for people and for machines.
 */
#include <cjson/cJSON.h>

#include "image/source.h"

/** As a JSON object; the caller deletes it. */
cJSON *iiifctl_facts_json(const iiif_source_t *source);

/** On stdout. */
void iiifctl_facts_print(const iiif_source_t *source);

/** The levels of a source: a JSON array, or lines on stdout. */
cJSON *iiifctl_levels_json(const iiif_source_t *source);
void iiifctl_levels_print(const iiif_source_t *source);
#endif
