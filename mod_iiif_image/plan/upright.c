/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/upright.h"

#include "image/upright.h"
#include "image/vips_process.h"
#include "plan/cost.h"

#include "base/banned.h"

#define HALVES     32                        /* more than sides of 32 bits have */
#define MEMORY_MAX ((apr_uint64_t)128 << 20) /* to look at an original */

/* Half as large so many times; writers of Zoomify may round down. */
static iiif_dims_t halved(iiif_dims_t full, int times, int down)
{
    const apr_uint64_t more = down ? 0 : (APR_UINT64_C(1) << times) - 1;
    const iiif_dims_t dims = { (apr_uint32_t)((full.width + more) >> times),
                               (apr_uint32_t)((full.height + more) >> times) };

    return (iiif_dims_t){ dims.width ? dims.width : 1, dims.height ? dims.height : 1 };
}

/* The tile that shows all of the image, the largest one; NULL: there is none. */
static const char *find_whole(const iiif_stored_t *stored, apr_pool_t *pool)
{
    const iiif_stored_set_t set = { .count = 1, .sets = { *stored } };
    iiif_stored_want_t want = { { 0, 0, stored->full.width, stored->full.height },
                                { 0, 0 },
                                stored->format };
    const char *path = NULL;
    apr_finfo_t finfo;
    int i;

    for (i = 0; i < 2 * HALVES && !path; ++i) {
        want.size = halved(stored->full, i / 2, i % 2);
        if (want.size.width <= stored->tile.width && want.size.height <= stored->tile.height)
            path = iiif_stored_tile(&finfo, &set, &want, pool);
    }
    return path;
}

/* Tiles and pyramids of a quarter turn less have other dimensions, and are not asked about. */
static int is_told_by_size(const iiif_source_t *original)
{
    return original->orientation == 1
           || (original->orientation > 4 && original->full.width != original->full.height);
}

/* Outside of the lanes, so not at any price. */
static int is_cheap(const iiif_source_t *original)
{
    const iiif_resolved_t whole = iiif_upright_view(original);

    return iiif_cost_of(original, &whole).memory <= MEMORY_MAX;
}

apr_status_t iiif_stored_upright(const iiif_stored_t *stored, const iiif_source_t *original,
                                 iiif_err_t *err, apr_pool_t *pool)
{
    const iiif_source_rules_t rules = { IIIF_SOURCE_FORMATS_DEFAULT, 0, NULL };
    const char *path = stored->path;
    iiif_source_t *copy;
    apr_status_t rv;

    if (!original || is_told_by_size(original) || !is_cheap(original))
        return APR_SUCCESS;
    if (stored->kind != IIIF_STORED_PYRAMID && !(path = find_whole(stored, pool)))
        return iiif_fail(err, IIIF_EBADSOURCE,
                         "it has no tile that shows whether it was turned as the image is");
    rv = iiif_source_open(&copy, path, 1, &rules, err, pool);
    if (rv == APR_SUCCESS
        && (stored->kind != IIIF_STORED_PYRAMID || iiif_dims_equal(copy->full, original->full)))
        rv = iiif_upright_check(copy, original, err);
    iiif_vips_thread_end();
    return rv;
}
