/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/region.h"

#include <string.h>

#include "iiif/number.h"

#include "base/banned.h"

#define PERCENT_100 (100 * IIIF_DECIMAL_ONE)

/* region = "full" / "square" / pixels 3( "," pixels ) / "pct:" decimal 3( "," decimal ) */
apr_status_t iiif_region_parse(iiif_region_t *region, const char *text, iiif_err_t *err)
{
    iiif_region_t parsed = { IIIF_REGION_PIXELS, { 0, 0, 0, 0 } };
    const char *s = text;
    int i;

    if (!strcmp(text, "full") || !strcmp(text, "square")) {
        parsed.kind = *text == 'f' ? IIIF_REGION_FULL : IIIF_REGION_SQUARE;
        *region = parsed;
        return APR_SUCCESS;
    }
    if (!strncmp(s, "pct:", 4)) {
        parsed.kind = IIIF_REGION_PERCENT;
        s += 4;
    }
    for (i = 0; i < 4; ++i) {
        if (i && *s++ != ',')
            return iiif_fail(err, IIIF_EBADREQUEST,
                             "region '%s' is not full, square, x,y,w,h or pct:x,y,w,h", text);
        if (parsed.kind == IIIF_REGION_PERCENT ? !iiif_scan_decimal(&s, &parsed.v[i])
                                               : !iiif_scan_pixels(&s, &parsed.v[i]))
            return iiif_fail(err, IIIF_EBADREQUEST,
                             "region '%s' is not full, square, x,y,w,h or pct:x,y,w,h", text);
    }
    if (*s)
        return iiif_fail(err, IIIF_EBADREQUEST, "region '%s' has trailing '%s'", text, s);
    *region = parsed;
    return APR_SUCCESS;
}

const char *const *iiif_square_names(void)
{
    static const char *const names[] = {
        [IIIF_SQUARE_CENTRE] = "centre",       [IIIF_SQUARE_LOW] = "low",
        [IIIF_SQUARE_HIGH] = "high",           [IIIF_SQUARE_ENTROPY] = "entropy",
        [IIIF_SQUARE_ATTENTION] = "attention", NULL
    };

    return names;
}

static iiif_rect_t square_of(iiif_dims_t full, iiif_square_e square)
{
    apr_uint32_t side = full.width < full.height ? full.width : full.height;
    iiif_rect_t rect = { full.width - side, full.height - side, side, side };

    if (square == IIIF_SQUARE_LOW)
        rect.x = rect.y = 0;
    else if (square != IIIF_SQUARE_HIGH) {
        rect.x /= 2;
        rect.y /= 2;
    }
    return rect;
}

/* One axis of a percentage in pixels. An offset inside the image stays inside it. */
static void percent_to_pixels(apr_uint64_t *offset, apr_uint64_t *length, apr_uint32_t side)
{
    int inside = *offset < PERCENT_100;

    *offset = iiif_round_ratio(*offset, side, PERCENT_100);
    if (inside && *offset >= side)
        *offset = side - 1;
    *length = iiif_round_ratio(*length, side, PERCENT_100);
}

static void percent_region(apr_uint64_t v[4], iiif_dims_t full)
{
    int wide = v[2] > 0, high = v[3] > 0;

    percent_to_pixels(&v[0], &v[2], full.width);
    percent_to_pixels(&v[1], &v[3], full.height);
    if (wide && !v[2] && v[3])
        v[2] = 1;
    if (high && !v[3] && v[2])
        v[3] = 1;
}

apr_status_t iiif_region_resolve(iiif_rect_t *rect, const iiif_region_t *region,
                                 iiif_square_e square, iiif_dims_t full, iiif_err_t *err)
{
    apr_uint64_t v[4];

    if (region->kind == IIIF_REGION_FULL) {
        *rect = (iiif_rect_t){ 0, 0, full.width, full.height };
        return APR_SUCCESS;
    }
    if (region->kind == IIIF_REGION_SQUARE) {
        *rect = square_of(full, square);
        return APR_SUCCESS;
    }
    memcpy(v, region->v, sizeof(v));
    if (region->kind == IIIF_REGION_PERCENT)
        percent_region(v, full);
    if (v[0] >= full.width || v[1] >= full.height || !v[2] || !v[3])
        return iiif_fail(err, IIIF_EBADREQUEST, "the region selects no pixel of %ux%u", full.width,
                         full.height);
    if (v[2] > full.width - v[0])
        v[2] = full.width - v[0];
    if (v[3] > full.height - v[1])
        v[3] = full.height - v[1];
    *rect = (iiif_rect_t){ (apr_uint32_t)v[0], (apr_uint32_t)v[1], (apr_uint32_t)v[2],
                           (apr_uint32_t)v[3] };
    return APR_SUCCESS;
}
