/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/quantity.h"

#include <apr_lib.h>
#include <string.h>

#include "base/banned.h"

#define NUMBER_MAX 1000000000000000L /* 1024T is 1.1 times that: what follows is checked again */
#define BYTES_MAX  (APR_INT64_C(1) << 50)
#define SPAN_MAX   (APR_INT64_C(100) * 366 * 86400) /* seconds */

/* A number and at most one letter behind it. @return 0: it is neither */
static int split(long *number, char *unit, const char *text)
{
    apr_size_t digits = strspn(text, "0123456789");
    char copy[20];

    if (!digits || digits >= sizeof(copy) || (text[digits] && text[digits + 1]))
        return 0;
    memcpy(copy, text, digits);
    copy[digits] = '\0';
    *unit = text[digits];
    return iiifctl_number(number, copy, 1, NUMBER_MAX);
}

/* @a number times what @a unit stands for, at most @a max. @return 0: no such unit, or more */
static int multiply(apr_int64_t *product, long number, apr_int64_t unit, apr_int64_t max)
{
    if (!unit || number > max / unit)
        return 0;
    *product = number * unit;
    return 1;
}

int iiifctl_bytes(apr_int64_t *bytes, const char *text)
{
    static const char units[] = "KMGT";
    const char *at;
    long number;
    char unit;

    if (!split(&number, &unit, text))
        return 0;
    if (!unit)
        return multiply(bytes, number, 1, BYTES_MAX);
    at = strchr(units, apr_toupper(unit));
    return at && multiply(bytes, number, APR_INT64_C(1) << 10 * (at - units + 1), BYTES_MAX);
}

static apr_int64_t seconds_of(char unit)
{
    switch (unit) {
    case 's': return 1;
    case 'm': return 60;
    case 'h': return 3600;
    case 'd': return 86400;
    case 'w': return 604800;
    default: return 0;
    }
}

int iiifctl_span(apr_time_t *span, const char *text)
{
    apr_int64_t seconds;
    long number;
    char unit;

    if (!split(&number, &unit, text) || !multiply(&seconds, number, seconds_of(unit), SPAN_MAX))
        return 0;
    *span = apr_time_from_sec(seconds);
    return 1;
}

int iiifctl_bytes_of(apr_int64_t *bytes, const iiifctl_call_t *call, int letter, const char *name)
{
    const char *text = iiifctl_value(call, letter, NULL);

    if (!text || iiifctl_bytes(bytes, text))
        return IIIFCTL_OK;
    return iiifctl_usage(call, "--%s: '%s' is no size, as 500M or 10G", name, text);
}
