/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/look.h"

#include <apr_strings.h>
#include <string.h>
#include <strings.h>

#include "iiif/background.h"

#include "base/banned.h"

/* An option of a number for a format. */
typedef struct setting_t {
    const char *name;
    /* From range[0] to range[1]; 0: the format has none. */
    int (*range)(long range[2], const iiif_format_t *format);
} setting_t;

static int quality_range(long range[2], const iiif_format_t *format)
{
    range[0] = 1;
    range[1] = 100;
    return format->lossy;
}

static int effort_range(long range[2], const iiif_format_t *format)
{
    range[0] = format->least_effort;
    range[1] = format->most_effort;
    return format->most_effort > 0;
}

static int read_number(int numbers[IIIF_FORMATS], const iiifctl_call_t *call, const char *value,
                       const setting_t *setting)
{
    const char *equals = strchr(value, '='), *name;
    const apr_size_t len = equals ? (apr_size_t)(equals - value) : 0;
    iiif_format_e format;
    long range[2], number;

    if (iiif_format_parse(&format, apr_pstrmemdup(call->pool, value, len), ~0u, NULL)
        != APR_SUCCESS)
        return iiifctl_usage(call, "--%s: '%s' is not FORMAT=N, as jpg=85", setting->name, value);
    name = iiif_format(format)->extension;
    if (!setting->range(range, iiif_format(format)))
        return iiifctl_usage(call, "--%s: %s has none", setting->name, name);
    if (!iiifctl_number(&number, equals + 1, range[0], range[1]))
        return iiifctl_usage(call, "--%s: '%s' is not %s= and a number from %ld to %ld",
                             setting->name, value, name, range[0], range[1]);
    numbers[format] = (int)number;
    return IIIFCTL_OK;
}

static int read_numbers(int numbers[IIIF_FORMATS], const iiifctl_call_t *call, int letter,
                        const setting_t *setting)
{
    int i, code = IIIFCTL_OK;

    for (i = 0; code == IIIFCTL_OK && i < call->given->nelts; ++i) {
        const iiifctl_given_t *given = &APR_ARRAY_IDX(call->given, i, iiifctl_given_t);

        if (given->letter == letter)
            code = read_number(numbers, call, given->value, setting);
    }
    return code;
}

int iiifctl_qualities_of(int qualities[IIIF_FORMATS], const iiifctl_call_t *call, int letter)
{
    static const setting_t quality = { "quality", quality_range };

    return read_numbers(qualities, call, letter, &quality);
}

int iiifctl_efforts_of(int efforts[IIIF_FORMATS], const iiifctl_call_t *call, int letter)
{
    static const setting_t effort = { "effort", effort_range };

    return read_numbers(efforts, call, letter, &effort);
}

int iiifctl_background_of(unsigned char background[3], const iiifctl_call_t *call, int letter)
{
    const char *text = iiifctl_value(call, letter, NULL);
    int colour;

    if (!text)
        return IIIFCTL_OK;
    if (!iiif_background_parse(&colour, text))
        return iiifctl_usage(call, "--background: '%s' is not a colour like #ffffff", text);
    iiif_background_split(background, colour);
    return IIIFCTL_OK;
}

int iiifctl_square_of(iiif_square_e *square, const iiifctl_call_t *call, int letter)
{
    const char *const *names = iiif_square_names();
    const char *text = iiifctl_value(call, letter, NULL);
    int i;

    if (!text)
        return IIIFCTL_OK;
    for (i = 0; names[i]; ++i) {
        if (!strcasecmp(text, names[i])) {
            *square = (iiif_square_e)i;
            return IIIFCTL_OK;
        }
    }
    return iiifctl_usage(call, "--square-crop: '%s' is no place that IIIFSquareCrop knows", text);
}
