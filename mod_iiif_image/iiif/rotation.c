/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/rotation.h"

#include <apr_strings.h>
#include <math.h>
#include <string.h>

#include "iiif/number.h"

#include "base/banned.h"

#define DEGREES(n) ((n)*IIIF_DECIMAL_ONE)

/* A fraction that ten decimals cannot show still makes 360.000... more than 360. */
static int has_nonzero_fraction(const char *text)
{
    const char *point = strchr(text, '.');

    return point && point[1 + strspn(point + 1, "0")] != '\0';
}

apr_status_t iiif_rotation_parse(iiif_rotation_t *rotation, const char *text, iiif_err_t *err)
{
    iiif_rotation_t parsed = { *text == '!', 0 };
    const char *s = text + parsed.mirror;

    if (!iiif_scan_decimal(&s, &parsed.degrees) || *s)
        return iiif_fail(err, IIIF_EBADREQUEST, "rotation '%s' is not a number of degrees", text);
    if (parsed.degrees > DEGREES(360)
        || (parsed.degrees == DEGREES(360) && has_nonzero_fraction(text)))
        return iiif_fail(err, IIIF_EBADREQUEST, "rotation '%s' is not from 0 to 360", text);
    parsed.degrees %= DEGREES(360);
    *rotation = parsed;
    return APR_SUCCESS;
}

int iiif_rotation_quarters(const iiif_rotation_t *rotation)
{
    return rotation->degrees % DEGREES(90) ? -1 : (int)(rotation->degrees / DEGREES(90));
}

double iiif_rotation_angle(const iiif_rotation_t *rotation)
{
    return (double)rotation->degrees / (double)IIIF_DECIMAL_ONE;
}

const char *iiif_rotation_canonical(const iiif_rotation_t *rotation, apr_pool_t *pool)
{
    apr_uint64_t fraction = rotation->degrees % IIIF_DECIMAL_ONE;
    char *text, *end;

    if (!rotation->degrees)
        return rotation->mirror ? "!0" : "0";
    text =
        apr_psprintf(pool, "%s%" APR_UINT64_T_FMT ".%010" APR_UINT64_T_FMT,
                     rotation->mirror ? "!" : "", rotation->degrees / IIIF_DECIMAL_ONE, fraction);
    end = text + strlen(text);
    while (end[-1] == '0')
        --end;
    if (end[-1] == '.')
        --end;
    *end = '\0';
    return text;
}

static apr_uint32_t round_side(double side)
{
    return side < 1 ? 1 : side > APR_UINT32_MAX ? APR_UINT32_MAX : (apr_uint32_t)lround(side);
}

iiif_dims_t iiif_rotation_canvas(const iiif_rotation_t *rotation, iiif_dims_t dims)
{
    int quarters = iiif_rotation_quarters(rotation);
    double radians, c, s;

    if (quarters >= 0)
        return quarters % 2 ? (iiif_dims_t){ dims.height, dims.width } : dims;
    radians = iiif_rotation_angle(rotation) * M_PI / 180;
    c = fabs(cos(radians));
    s = fabs(sin(radians));
    return (iiif_dims_t){ round_side(dims.width * c + dims.height * s),
                          round_side(dims.width * s + dims.height * c) };
}
