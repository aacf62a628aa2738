/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/features.h"

#include <stddef.h>

#include "base/banned.h"

/* clang-format off */
/* 3.0, 5.7 and compliance 3 to 4; 2.1, 5.3 and compliance 3 to 4. */
const iiif_feature_t iiif_features[] = {
    { "baseUriRedirect",     1,  1, 0 },
    { "canonicalLinkHeader", 3,  3, 0 },
    { "cors",                1,  1, 0 },
    { "jsonldMediaType",     1,  1, 0 },
    { "mirroring",           3,  3, 0 },
    { "profileLinkHeader",   3,  3, 0 },
    { "regionByPct",         2,  2, 0 },
    { "regionByPx",          1,  1, 0 },
    { "regionSquare",        3,  1, 0 },
    { "rotationArbitrary",   3,  3, 0 },
    { "rotationBy90s",       2,  2, 0 },
    { "sizeAboveFull",       3, -1, 1 },
    { "sizeByConfinedWh",    2,  2, 0 },
    { "sizeByDistortedWh",   2, -1, 0 },
    { "sizeByH",             1,  1, 0 },
    { "sizeByPct",           1,  2, 0 },
    { "sizeByW",             1,  1, 0 },
    { "sizeByWh",            2,  1, 0 },
    { "sizeUpscaling",      -1,  3, 1 },
    { NULL, 0, 0, 0 }
};
/* clang-format on */

int iiif_feature_is_extra(const iiif_feature_t *feature, iiif_version_e version, int upscale)
{
    int level = version == IIIF_VERSION_2 ? feature->level_2 : feature->level_3;

    return level == 3 && (upscale || !feature->upscaling);
}
