/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan.h"

#include <apr_strings.h>
#include <math.h>

#include "base/banned.h"

#define UPSCALE_DEFAULT 2       /* "on" where no limit is configured: twice the full size… */
#define UPSCALE_PIXELS  100.0e6 /* …and however large, nothing is enlarged beyond this */
#define TILE_MIN        64      /* stored tiles outside these are not worth announcing */
#define TILE_MAX        4096

int iiif_plan_has_version(const iiif_plan_rules_t *rules, iiif_version_e version)
{
    return version == IIIF_VERSION_NONE || version == rules->versions[0]
           || version == rules->versions[1];
}

/* How many times its full size an image may be shown, 1 or more. */
static double upscale_factor(const iiif_plan_rules_t *rules, iiif_dims_t full)
{
    double most = sqrt(UPSCALE_PIXELS / ((double)full.width * full.height));
    double factor = rules->upscale == IIIF_UPSCALE_ON ? UPSCALE_DEFAULT : rules->upscale;

    return factor > most ? (most > 1 ? most : 1) : factor;
}

static apr_uint32_t enlarge(apr_uint32_t side, double factor)
{
    double enlarged = floor(side * factor);

    return enlarged > APR_UINT32_MAX ? APR_UINT32_MAX : (apr_uint32_t)enlarged;
}

/* A bound on what is enlarged, where limits on the sides would let it grow beyond; else 0. */
static apr_uint64_t upscale_area(iiif_limits_t limits, iiif_dims_t full)
{
    double own = (double)full.width * full.height;
    double most = own > UPSCALE_PIXELS ? own : UPSCALE_PIXELS;

    return (double)limits.max_width * limits.max_height > most ? (apr_uint64_t)most : 0;
}

iiif_limits_t iiif_plan_limits(const iiif_plan_rules_t *rules, iiif_dims_t full)
{
    iiif_limits_t limits = rules->max;
    double factor = upscale_factor(rules, full);
    int configured = limits.max_width || limits.max_area;

    limits.upscale = rules->upscale != IIIF_UPSCALE_OFF;
    if (limits.max_height && !limits.max_width)
        limits.max_width = enlarge(full.width, factor); /* 5.2: never maxHeight alone */
    if (limits.upscale && !(configured && rules->upscale == IIIF_UPSCALE_ON)) {
        apr_uint32_t width = enlarge(full.width, factor), height = enlarge(full.height, factor);

        if (!limits.max_height) /* 5.2: without it, maxWidth counts for both */
            limits.max_height =
                limits.max_width && limits.max_width < height ? limits.max_width : height;
        if (!limits.max_width || width < limits.max_width)
            limits.max_width = width;
        if (height < limits.max_height)
            limits.max_height = height;
    }
    else if (limits.max_width && !limits.max_height)
        limits.max_height = limits.max_width;
    if (limits.upscale && !limits.max_area)
        limits.max_area = upscale_area(limits, full);
    return limits;
}

static iiif_version_e choose_version(const iiif_request_t *request, const iiif_plan_rules_t *rules)
{
    if (request->version != IIIF_VERSION_NONE)
        return request->version;
    if (rules->accepted != IIIF_VERSION_NONE && iiif_plan_has_version(rules, rules->accepted))
        return rules->accepted;
    return rules->versions[0];
}

/* Where the URI names no version and the preferred one's grammar has no such form, the other's is
 * tried: "full/full/0/default.jpg" of a 2.1 viewer, "^max" where 2 comes first. */
static apr_status_t parse(iiif_params_t *params, const iiif_request_t *request,
                          const iiif_plan_rules_t *rules, iiif_err_t *err)
{
    iiif_version_e version = choose_version(request, rules);
    iiif_version_e other = version == rules->versions[0] ? rules->versions[1] : rules->versions[0];
    apr_status_t rv = iiif_params_parse(params, request, version, rules->formats, err);

    if (rv == APR_SUCCESS || request->version != IIIF_VERSION_NONE || other == IIIF_VERSION_NONE)
        return rv;
    return iiif_params_parse(params, request, other, rules->formats, NULL) == APR_SUCCESS
               ? APR_SUCCESS
               : rv;
}

static iiif_subject_t subject_of(const iiif_source_t *source, const iiif_plan_rules_t *rules)
{
    return (iiif_subject_t){ .full = source->full,
                             .natural = source->natural,
                             .limits = iiif_plan_limits(rules, source->full),
                             .square = rules->square };
}

/* The stored tiles where they are worth announcing, else the configured ones. */
static iiif_dims_t tile_of(const iiif_source_t *source, const iiif_plan_rules_t *rules,
                           const iiif_limits_t *limits)
{
    iiif_dims_t tile = source->tile;

    if (tile.width < TILE_MIN || tile.width > TILE_MAX || tile.height < TILE_MIN
        || tile.height > TILE_MAX)
        tile = (iiif_dims_t){ rules->tile, rules->tile };
    return iiif_tile_within(tile, source->full, limits);
}

static apr_status_t plan_render(iiif_plan_t *plan, const iiif_params_t *params, iiif_err_t *err,
                                apr_pool_t *pool)
{
    apr_status_t rv = iiif_resolve(&plan->resolved, params, &plan->subject, err);

    if (rv != APR_SUCCESS)
        return rv;
    plan->version = params->version;
    plan->canonical = iiif_canonical(&plan->resolved, &plan->subject, plan->version, pool);
    plan->key = iiif_key(&plan->resolved, pool);
    return APR_SUCCESS;
}

apr_status_t iiif_plan_make(iiif_plan_t **plan, const iiif_request_t *request,
                            const iiif_source_ref_t *ref, const iiif_plan_rules_t *rules,
                            iiif_err_t *err, apr_pool_t *pool)
{
    static const iiif_plan_kind_e kinds[] = { [IIIF_REQUEST_BASE] = IIIF_PLAN_REDIRECT,
                                              [IIIF_REQUEST_INFO] = IIIF_PLAN_INFO,
                                              [IIIF_REQUEST_IMAGE] = IIIF_PLAN_RENDER };
    iiif_plan_t *made = apr_pcalloc(pool, sizeof(*made));
    iiif_source_t *source;
    iiif_params_t params;
    apr_status_t rv = APR_SUCCESS;

    made->kind = kinds[request->kind];
    made->version = choose_version(request, rules);
    if (made->kind == IIIF_PLAN_RENDER)
        rv = parse(&params, request, rules, err);
    if (rv == APR_SUCCESS && made->kind != IIIF_PLAN_REDIRECT) {
        rv = iiif_source_open(&source, ref->path, ref->page, &rules->source, err, pool);
        if (rv == APR_SUCCESS) {
            made->source = source;
            made->subject = subject_of(source, rules);
            made->tile = tile_of(source, rules, &made->subject.limits);
        }
    }
    if (rv == APR_SUCCESS && made->kind == IIIF_PLAN_RENDER)
        rv = plan_render(made, &params, err, pool);
    if (rv == APR_SUCCESS)
        *plan = made;
    return rv;
}
