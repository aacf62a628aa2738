/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/announced.h"

#include "base/banned.h"

#define PREVIEW_MAX 1024 /* pixels a side */

static apr_uint32_t least(apr_uint64_t a, apr_uint32_t b)
{
    return a < b ? (apr_uint32_t)a : b;
}

/* One axis: does the region fill a cell of so many pixels, as far as the image goes? */
static int fills_cell(apr_uint32_t at, apr_uint32_t side, apr_uint64_t cell, apr_uint32_t full)
{
    return at % cell == 0 && side == least(cell, full - at);
}

static int is_tile_of(const iiif_plan_t *plan, iiif_dims_t tile, apr_uint64_t factor)
{
    const iiif_dims_t full = plan->source->full;
    const iiif_rect_t region = plan->resolved.region;

    return fills_cell(region.x, region.width, tile.width * factor, full.width)
           && fills_cell(region.y, region.height, tile.height * factor, full.height)
           && iiif_dims_equal(
               plan->resolved.size,
               iiif_level_dims((iiif_dims_t){ region.width, region.height }, factor));
}

/* 3.0, 5.4: tiles of the scale factors that info.json names. */
static int is_tile(const iiif_plan_t *plan)
{
    int level, levels = iiif_level_count(plan->source->full, plan->tile);

    for (level = 0; level < levels; ++level) {
        const apr_uint64_t factor = APR_UINT64_C(1) << level;
        const iiif_dims_t stored = plan->stored[level];

        if (is_tile_of(plan, plan->tile, factor)
            || (stored.width && is_tile_of(plan, stored, factor)))
            return 1;
    }
    return 0;
}

static int is_full(const iiif_plan_t *plan)
{
    return iiif_dims_equal(
        (iiif_dims_t){ plan->resolved.region.width, plan->resolved.region.height },
        plan->source->full);
}

/* 3.0, 5.3. */
static int is_one_of_sizes(const iiif_plan_t *plan)
{
    int level, levels = iiif_level_count(plan->source->full, plan->tile);

    for (level = 0; is_full(plan) && level < levels; ++level) {
        if (iiif_dims_equal(plan->resolved.size,
                            iiif_level_dims(plan->source->full, APR_UINT64_C(1) << level)))
            return 1;
    }
    return 0;
}

/* The places where IIIFSquareCrop may put it: other squares are regions as any. */
static int is_square(const iiif_plan_t *plan)
{
    const iiif_dims_t full = plan->source->full;
    const iiif_rect_t region = plan->resolved.region;
    apr_uint32_t side = least(full.width, full.height), room;
    apr_uint32_t at = full.width > full.height ? region.x : region.y;

    if (region.width != side || region.height != side)
        return 0;
    room = full.width > full.height ? full.width - side : full.height - side;
    return plan->resolved.square != IIIF_SQUARE_CENTRE || at == 0 || at == room / 2 || at == room;
}

/* Do both sides stand to each other as the region's, but for less than a pixel? */
static int is_undistorted(const iiif_plan_t *plan)
{
    const iiif_rect_t region = plan->resolved.region;
    const iiif_dims_t size = plan->resolved.size;
    apr_uint64_t a = (apr_uint64_t)size.width * region.height;
    apr_uint64_t b = (apr_uint64_t)size.height * region.width;

    return (a > b ? a - b : b - a) < (region.width > region.height ? region.width : region.height);
}

static int is_preview(const iiif_plan_t *plan)
{
    return plan->resolved.size.width <= PREVIEW_MAX && plan->resolved.size.height <= PREVIEW_MAX
           && (is_full(plan) || is_square(plan)) && is_undistorted(plan);
}

int iiif_plan_is_announced(const iiif_plan_t *plan, iiif_request_kind_e kind)
{
    if (kind == IIIF_REQUEST_DEEPZOOM_TILE || kind == IIIF_REQUEST_ZOOMIFY_TILE)
        return 1;
    if (plan->resolved.quality != IIIF_QUALITY_DEFAULT || plan->resolved.rotation.mirror
        || iiif_rotation_quarters(&plan->resolved.rotation))
        return 0;
    return is_tile(plan) || is_one_of_sizes(plan) || is_preview(plan);
}
