/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "plan/plan.h"

#include "base/banned.h"

#define UPSCALE_DEFAULT 2       /* "on" where no limit is configured: twice the full size… */
#define UPSCALE_PIXELS  100.0e6 /* …and however large, nothing is enlarged beyond this */

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
