/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_PLAN_ANNOUNCED_H
#define IIIF_PLAN_ANNOUNCED_H
/**
 * @file announced.h
 * @brief Is an image one that viewers will ask for again? These are few for each source, so that
 * they can be kept without waiting for a second request.
 */
#include "plan/plan.h"

/**
 * Is the image of @a plan a tile of the grid that info.json announces, one of its `sizes`, a tile
 * of Deep Zoom or Zoomify, or the whole image or a square of it, undistorted, with sides of at most
 * 1024 pixels? Upright, in quality `default`, in any format.
 * @param kind of the request
 */
int iiif_plan_is_announced(const iiif_plan_t *plan, iiif_request_kind_e kind);
#endif
