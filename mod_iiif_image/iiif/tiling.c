/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/tiling.h"

#include "base/banned.h"

static apr_uint32_t level_side(apr_uint32_t full, apr_uint64_t factor)
{
    return (apr_uint32_t)((full + factor - 1) / factor);
}

iiif_dims_t iiif_level_dims(iiif_dims_t full, apr_uint64_t factor)
{
    return (iiif_dims_t){ level_side(full.width, factor), level_side(full.height, factor) };
}

int iiif_level_count(iiif_dims_t full, iiif_dims_t tile)
{
    int count = 1;
    iiif_dims_t level = full;

    while (count < IIIF_LEVELS_MAX && (level.width > tile.width || level.height > tile.height))
        level = iiif_level_dims(full, APR_UINT64_C(1) << count++);
    return count;
}

int iiif_within_limits(iiif_dims_t dims, const iiif_limits_t *limits)
{
    return (!limits->max_width || dims.width <= limits->max_width)
           && (!limits->max_height || dims.height <= limits->max_height)
           && (!limits->max_area || (apr_uint64_t)dims.width * dims.height <= limits->max_area);
}

static apr_uint32_t least(apr_uint32_t a, apr_uint32_t b)
{
    return a < b ? a : b;
}

iiif_dims_t iiif_tile_within(iiif_dims_t tile, iiif_dims_t full, const iiif_limits_t *limits)
{
    /* a tile larger than the image is the image */
    while ((tile.width > 1 || tile.height > 1)
           && !iiif_within_limits(
               (iiif_dims_t){ least(tile.width, full.width), least(tile.height, full.height) },
               limits))
        tile = iiif_level_dims(tile, 2);
    return tile;
}
