/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/size.h"

#include <math.h>
#include <string.h>

#include "iiif/number.h"

#include "base/banned.h"

#define PERCENT_100 (100 * IIIF_DECIMAL_ONE)
#define SIDE_MAX    APR_UINT32_MAX
#define SCALE_NOISE 1e-6 /* what a square root in doubles may lack of a whole pixel */

/* w,h / w, / ,h behind an optional "!" */
static int parse_sides(iiif_size_t *size, const char **s)
{
    int w = iiif_scan_pixels(s, &size->width), h;

    if (*(*s)++ != ',')
        return 0;
    h = iiif_scan_pixels(s, &size->height);
    if (size->kind == IIIF_SIZE_CONFINED)
        return w && h;
    size->kind = w && h ? IIIF_SIZE_EXACT : w ? IIIF_SIZE_WIDTH : IIIF_SIZE_HEIGHT;
    return w || h;
}

/* size  = [ "^" ] ( "max" / sides / "!" pixels "," pixels / "pct:" decimal )       ; 3.0
 *       /           "full" / "max" / sides / "!" pixels "," pixels / "pct:" decimal ; 2.1
 * sides = pixels "," / "," pixels / pixels "," pixels
 */
apr_status_t iiif_size_parse(iiif_size_t *size, const char *text, iiif_version_e version,
                             iiif_err_t *err)
{
    iiif_size_t parsed = { IIIF_SIZE_MAX, 0, 0, 0 };
    const char *s = text;
    int good;

    if (version == IIIF_VERSION_3 && *s == '^') {
        parsed.caret = 1;
        ++s;
    }
    if (!strcmp(s, "max")) {
        good = 1;
        s += 3;
    }
    else if (version == IIIF_VERSION_2 && !strcmp(s, "full")) {
        parsed.kind = IIIF_SIZE_FULL;
        good = 1;
        s += 4;
    }
    else if (!strncmp(s, "pct:", 4)) {
        parsed.kind = IIIF_SIZE_PERCENT;
        s += 4;
        good = iiif_scan_decimal(&s, &parsed.width);
    }
    else {
        if (*s == '!') {
            parsed.kind = IIIF_SIZE_CONFINED;
            ++s;
        }
        good = parse_sides(&parsed, &s);
    }
    if (!good || *s)
        return iiif_fail(err, IIIF_EBADREQUEST, "size '%s' is not a size of Image API %d", text,
                         (int)version);
    if (version == IIIF_VERSION_2 && parsed.kind != IIIF_SIZE_MAX
        && parsed.kind != IIIF_SIZE_CONFINED)
        parsed.caret = 1;
    *size = parsed;
    return APR_SUCCESS;
}

static apr_uint32_t to_side(apr_uint64_t n)
{
    return n < 1 ? 1 : n > SIDE_MAX ? SIDE_MAX : (apr_uint32_t)n;
}

iiif_dims_t iiif_size_by_width(iiif_dims_t region, apr_uint64_t width)
{
    return (iiif_dims_t){ to_side(width),
                          to_side(iiif_round_ratio(width, region.height, region.width)) };
}

static iiif_dims_t by_height(iiif_dims_t region, apr_uint64_t height)
{
    return (iiif_dims_t){ to_side(iiif_round_ratio(height, region.width, region.height)),
                          to_side(height) };
}

/* The largest size of the region's shape inside box: one side touches it exactly. */
static iiif_dims_t fit_box(iiif_dims_t region, apr_uint64_t width, apr_uint64_t height)
{
    if (width > SIDE_MAX)
        width = SIDE_MAX;
    if (height > SIDE_MAX)
        height = SIDE_MAX;
    if (width * region.height <= height * region.width)
        return iiif_size_by_width(region, width);
    return by_height(region, height);
}

static apr_uint64_t area(iiif_dims_t dims)
{
    return (apr_uint64_t)dims.width * dims.height;
}

/* A side at a scale, rounded down, and never more than most. */
static apr_uint32_t scaled_side(apr_uint32_t side, double scale, apr_uint32_t most)
{
    double scaled = floor(side * scale + SCALE_NOISE);

    return to_side((apr_uint64_t)fmin(scaled, most));
}

/* Scale dims down to an area, keeping the region's shape. */
static iiif_dims_t fit_area(iiif_dims_t dims, iiif_dims_t region, apr_uint64_t max_area)
{
    double scale;

    if (!max_area || area(dims) <= max_area)
        return dims;
    scale = sqrt((double)max_area / ((double)region.width * region.height));
    dims = (iiif_dims_t){ scaled_side(region.width, scale, dims.width),
                          scaled_side(region.height, scale, dims.height) };
    if (area(dims) <= max_area)
        return dims;
    if (dims.width > dims.height) /* a side of one pixel cannot shrink: the longer gives way */
        dims.width = to_side(max_area / dims.height);
    else
        dims.height = to_side(max_area / dims.width);
    return dims;
}

static iiif_dims_t fit(iiif_dims_t region, apr_uint64_t width, apr_uint64_t height,
                       const iiif_limits_t *limits)
{
    if (limits->max_width && width > limits->max_width)
        width = limits->max_width;
    if (limits->max_height && height > limits->max_height)
        height = limits->max_height;
    return fit_area(fit_box(region, width, height), region, limits->max_area);
}

iiif_dims_t iiif_size_max(iiif_dims_t region, const iiif_limits_t *limits)
{
    return fit(region, region.width, region.height, limits);
}

iiif_dims_t iiif_size_upmax(iiif_dims_t region, const iiif_limits_t *limits)
{
    if (!limits->upscale || (!limits->max_width && !limits->max_area))
        return iiif_size_max(region, limits);
    return fit(region, SIDE_MAX, SIDE_MAX, limits);
}

static apr_status_t percent_of(apr_uint64_t want[2], apr_uint64_t percent, iiif_dims_t region,
                               iiif_err_t *err)
{
    want[0] = iiif_round_ratio(percent, region.width, PERCENT_100);
    want[1] = iiif_round_ratio(percent, region.height, PERCENT_100);
    if (!want[0] && !want[1])
        return iiif_fail(err, IIIF_EBADREQUEST,
                         "the size is less than one pixel of the %ux%u region", region.width,
                         region.height);
    want[0] += !want[0];
    want[1] += !want[1];
    return APR_SUCCESS;
}

/* Both sides as asked, in 64 bits: not yet held against any bound. */
static apr_status_t wanted(apr_uint64_t want[2], const iiif_size_t *size, iiif_dims_t region,
                           iiif_err_t *err)
{
    want[0] = size->width;
    want[1] = size->height;
    switch (size->kind) {
    case IIIF_SIZE_FULL:
        want[0] = region.width;
        want[1] = region.height;
        return APR_SUCCESS;
    case IIIF_SIZE_PERCENT: return percent_of(want, size->width, region, err);
    case IIIF_SIZE_WIDTH:
        want[1] = iiif_round_ratio(want[0], region.height, region.width);
        want[1] += want[0] && !want[1];
        break;
    case IIIF_SIZE_HEIGHT:
        want[0] = iiif_round_ratio(want[1], region.width, region.height);
        want[0] += want[1] && !want[0];
        break;
    case IIIF_SIZE_MAX:
    case IIIF_SIZE_EXACT:
    case IIIF_SIZE_CONFINED: break;
    }
    if (!want[0] || !want[1])
        return iiif_fail(err, IIIF_EBADREQUEST, "the size is less than one pixel");
    return APR_SUCCESS;
}

static int exceeds_limits(const apr_uint64_t want[2], const iiif_limits_t *limits)
{
    return want[0] > SIDE_MAX || want[1] > SIDE_MAX
           || (limits->max_width && want[0] > limits->max_width)
           || (limits->max_height && want[1] > limits->max_height)
           || (limits->max_area && want[0] * want[1] > limits->max_area);
}

static apr_status_t confined(iiif_dims_t *dims, const iiif_size_t *size, iiif_dims_t region,
                             const iiif_limits_t *limits, iiif_err_t *err)
{
    apr_uint64_t width = size->width, height = size->height;
    int grows = width > region.width && height > region.height;

    if (size->caret && grows && !limits->upscale)
        return iiif_fail(err, IIIF_ENOTIMPL, "upscaling is switched off on this server");
    if (!size->caret && grows) {
        width = region.width;
        height = region.height;
    }
    *dims = fit(region, width, height, limits);
    return APR_SUCCESS;
}

apr_status_t iiif_size_resolve(iiif_dims_t *dims, const iiif_size_t *size, iiif_dims_t region,
                               const iiif_limits_t *limits, iiif_err_t *err)
{
    apr_uint64_t want[2];
    apr_status_t rv;
    int grows;

    if (size->kind == IIIF_SIZE_MAX) {
        *dims = size->caret ? iiif_size_upmax(region, limits) : iiif_size_max(region, limits);
        return APR_SUCCESS;
    }
    rv = wanted(want, size, region, err);
    if (rv != APR_SUCCESS)
        return rv;
    if (size->kind == IIIF_SIZE_CONFINED)
        return confined(dims, size, region, limits, err);
    grows = want[0] > region.width || want[1] > region.height
            || (size->kind == IIIF_SIZE_PERCENT && size->width > PERCENT_100);
    if (grows && !size->caret)
        return iiif_fail(err, IIIF_EBADREQUEST,
                         "the size is larger than the %ux%u region; enlarging needs '^'",
                         region.width, region.height);
    if (grows && !limits->upscale)
        return iiif_fail(err, IIIF_ENOTIMPL, "upscaling is switched off on this server");
    if (exceeds_limits(want, limits))
        return iiif_fail(err, IIIF_EBADREQUEST,
                         "the size is beyond the limits announced in info.json");
    *dims = (iiif_dims_t){ (apr_uint32_t)want[0], (apr_uint32_t)want[1] };
    return APR_SUCCESS;
}
