/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_HTTPD_PROCESS_H
#define IIIF_HTTPD_PROCESS_H
/** @file process.h
 *  @brief What the threads of one child share. */
#include "base/lru.h"
#include "httpd/resolutions.h"
#include "plan/lanes.h"
#include "store/evictor.h"

/** Made before the child has threads; not changed while it has. What it points to locks itself. */
typedef struct iiif_process_t {
    iiif_lru_t *sources;             /**< the facts of source files, and their open descriptors */
    iiif_lru_t *stored;              /**< what the tile stores have of each source */
    iiif_lru_t *infos;               /**< info.json as it was sent before */
    iiif_evictor_t *evictor;         /**< removes derivatives in the background */
    iiif_resolutions_t *resolutions; /**< what databases say of identifiers */
    iiif_lanes_t *lanes;             /**< which renders may run; NULL when the child ends */
} iiif_process_t;

/** Of this child, from child_init on. */
const iiif_process_t *iiif_process(void);
#endif
