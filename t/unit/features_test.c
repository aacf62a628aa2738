/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/features.h"

#include <string.h>

#include "tap.h"

/* clang-format off */
/* The compliance documents of both versions: the level that requires a feature. 3: optional at every
 * level; -1: the version has no such feature. `extra`: named beside level 2; 1: where there is
 * upscaling; 2: always. */
static const struct {
    const char *name;
    int level_2, level_3, extra_2, extra_3;
} cases[] = {
    { "baseUriRedirect",      1,  1, 0, 0 },
    { "canonicalLinkHeader",  3,  3, 2, 2 },
    { "cors",                 1,  1, 0, 0 },
    { "jsonldMediaType",      1,  1, 0, 0 },
    { "mirroring",            3,  3, 2, 2 },
    { "profileLinkHeader",    3,  3, 2, 2 },
    { "regionByPct",          2,  2, 0, 0 },
    { "regionByPx",           1,  1, 0, 0 },
    { "regionSquare",         3,  1, 2, 0 },
    { "rotationArbitrary",    3,  3, 2, 2 },
    { "rotationBy90s",        2,  2, 0, 0 },
    { "sizeAboveFull",        3, -1, 1, 0 },
    { "sizeByConfinedWh",     2,  2, 0, 0 },
    { "sizeByDistortedWh",    2, -1, 0, 0 },
    { "sizeByH",              1,  1, 0, 0 },
    { "sizeByPct",            1,  2, 0, 0 },
    { "sizeByW",              1,  1, 0, 0 },
    { "sizeByWh",             2,  1, 0, 0 },
    { "sizeUpscaling",       -1,  3, 0, 1 },
};
/* clang-format on */

static const iiif_feature_t *find(const char *name)
{
    const iiif_feature_t *f;

    for (f = iiif_features; f->name; ++f) {
        if (!strcmp(f->name, name))
            return f;
    }
    return NULL;
}

static int is_extra(const iiif_feature_t *f, iiif_version_e version)
{
    int with = iiif_feature_is_extra(f, version, 1), without = iiif_feature_is_extra(f, version, 0);

    return without ? 2 : with;
}

int main(void)
{
    unsigned i, count = 0;
    const iiif_feature_t *f;

    for (i = 0; i < ROWS(cases); ++i) {
        f = find(cases[i].name);
        if (!ok(f != NULL, "%s is known", cases[i].name))
            continue;
        ok(f->level_2 == cases[i].level_2 && f->level_3 == cases[i].level_3,
           "  from level %d of 2.1, %d of 3.0", f->level_2, f->level_3);
        ok(is_extra(f, IIIF_VERSION_2) == cases[i].extra_2
               && is_extra(f, IIIF_VERSION_3) == cases[i].extra_3,
           "  and named: %d in 2.1, %d in 3.0", is_extra(f, IIIF_VERSION_2),
           is_extra(f, IIIF_VERSION_3));
    }
    for (f = iiif_features; f->name; ++f)
        ++count;
    ok(count == ROWS(cases), "and there are no others");
    return done_testing();
}
