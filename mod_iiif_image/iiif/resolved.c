/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/resolved.h"

#include <apr_strings.h>

#include "iiif/number.h"

#include "base/banned.h"

static iiif_dims_t dims_of(iiif_rect_t rect)
{
    return (iiif_dims_t){ rect.width, rect.height };
}

static int is_full(iiif_rect_t region, iiif_dims_t full)
{
    return region.x == 0 && region.y == 0 && iiif_dims_equal(dims_of(region), full);
}

/* An angle that is no quarter turn makes a canvas larger than the size that the limits hold: twice
 * its area for a square, far more for a ribbon. */
static apr_status_t check_canvas(const iiif_resolved_t *r, const iiif_subject_t *subject,
                                 iiif_err_t *err)
{
    apr_uint64_t area = (apr_uint64_t)r->canvas.width * r->canvas.height;
    apr_uint64_t most = IIIF_CANVAS_MAX;
    const iiif_format_t *format = iiif_format(r->format);

    if (r->canvas.width > format->max_side || r->canvas.height > format->max_side)
        return iiif_fail(err, IIIF_EBADREQUEST,
                         "a %s image has at most %u pixels a side, not %ux%u", format->extension,
                         format->max_side, r->canvas.width, r->canvas.height);
    if (subject->limits.max_area && 2 * subject->limits.max_area < most)
        most = 2 * subject->limits.max_area;
    if (iiif_rotation_quarters(&r->rotation) < 0 && area > most)
        return iiif_fail(err, IIIF_ETOOBIG, "turned by this angle the image would be %ux%u pixels",
                         r->canvas.width, r->canvas.height);
    return APR_SUCCESS;
}

static iiif_square_e square_left_to_pixels(const iiif_params_t *params,
                                           const iiif_subject_t *subject)
{
    if (params->region.kind != IIIF_REGION_SQUARE || subject->full.width == subject->full.height)
        return IIIF_SQUARE_CENTRE;
    return subject->square == IIIF_SQUARE_ENTROPY || subject->square == IIIF_SQUARE_ATTENTION
               ? subject->square
               : IIIF_SQUARE_CENTRE;
}

apr_status_t iiif_resolve(iiif_resolved_t *resolved, const iiif_params_t *params,
                          const iiif_subject_t *subject, iiif_err_t *err)
{
    iiif_resolved_t r = { .rotation = params->rotation, .format = params->format };
    apr_status_t rv =
        iiif_region_resolve(&r.region, &params->region, subject->square, subject->full, err);

    if (rv == APR_SUCCESS)
        rv = iiif_size_resolve(&r.size, &params->size, dims_of(r.region), &subject->limits, err);
    if (rv != APR_SUCCESS)
        return rv;
    r.square = square_left_to_pixels(params, subject);
    r.quality = iiif_quality_resolve(params->quality, subject->natural);
    r.canvas = iiif_rotation_canvas(&r.rotation, r.size);
    rv = check_canvas(&r, subject, err);
    if (rv != APR_SUCCESS)
        return rv;
    *resolved = r;
    return APR_SUCCESS;
}

static const char *region_text(const char *before, iiif_rect_t region, apr_pool_t *pool)
{
    const apr_uint64_t numbers[] = { region.x, region.y, region.width, region.height };

    return iiif_number_fill(before, "#,#,#,#", numbers, pool);
}

static const char *size_text(const char *before, iiif_dims_t size, apr_pool_t *pool)
{
    const apr_uint64_t numbers[] = { size.width, size.height };

    return iiif_number_fill(before, "#,#", numbers, pool);
}

static const char *canonical_region(const iiif_resolved_t *r, const iiif_subject_t *subject,
                                    apr_pool_t *pool)
{
    if (is_full(r->region, subject->full))
        return "full";
    if (r->square != IIIF_SQUARE_CENTRE)
        return "square"; /* its pixels are not known before the image is read */
    return region_text("", r->region, pool);
}

/* 3.0: max / ^max / w,h / ^w,h */
static const char *canonical_size_3(const iiif_resolved_t *r, const iiif_subject_t *subject,
                                    apr_pool_t *pool)
{
    iiif_dims_t region = dims_of(r->region);
    int grows = r->size.width > region.width || r->size.height > region.height;

    if (iiif_dims_equal(r->size, iiif_size_max(region, &subject->limits)))
        return "max";
    if (grows && iiif_dims_equal(r->size, iiif_size_upmax(region, &subject->limits)))
        return "^max";
    return size_text(grows ? "^" : "", r->size, pool);
}

/* 2.1: full / w, / w,h */
static const char *canonical_size_2(const iiif_resolved_t *r, apr_pool_t *pool)
{
    const apr_uint64_t width = r->size.width;
    iiif_dims_t region = dims_of(r->region);

    if (iiif_dims_equal(r->size, region))
        return "full";
    if (iiif_dims_equal(r->size, iiif_size_by_width(region, r->size.width)))
        return iiif_number_fill("", "#,", &width, pool);
    return size_text("", r->size, pool);
}

const char *iiif_canonical(const iiif_resolved_t *resolved, const iiif_subject_t *subject,
                           iiif_version_e version, apr_pool_t *pool)
{
    const char *size = version == IIIF_VERSION_2 ? canonical_size_2(resolved, pool)
                                                 : canonical_size_3(resolved, subject, pool);

    return apr_pstrcat(pool, canonical_region(resolved, subject, pool), "/", size, "/",
                       iiif_rotation_canonical(&resolved->rotation, pool), "/",
                       iiif_quality_name(resolved->quality), ".",
                       iiif_format(resolved->format)->extension, NULL);
}

const char *iiif_key(const iiif_resolved_t *resolved, apr_pool_t *pool)
{
    static const char *const squares[] = {
        [IIIF_SQUARE_ENTROPY] = "entropy:", [IIIF_SQUARE_ATTENTION] = "attention:"
    };
    const char *square = resolved->square >= IIIF_SQUARE_ENTROPY ? squares[resolved->square] : "";

    return apr_pstrcat(
        pool, region_text(square, resolved->region, pool), size_text("/", resolved->size, pool),
        "/", iiif_rotation_canonical(&resolved->rotation, pool), "/",
        iiif_quality_name(resolved->quality), ".", iiif_format(resolved->format)->extension, NULL);
}
