/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/number.h"

#include <string.h>

#include "base/banned.h"

#define DECIMALS 10

__extension__ typedef unsigned __int128 wide_t;

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static apr_uint64_t append_digit(apr_uint64_t value, char digit)
{
    value = value * 10 + (apr_uint64_t)(digit - '0');
    return value > IIIF_NUMBER_MAX ? IIIF_NUMBER_MAX : value;
}

int iiif_scan_pixels(const char **cursor, apr_uint64_t *value)
{
    const char *s = *cursor;
    apr_uint64_t v = 0;

    if (!is_digit(*s))
        return 0;
    for (; is_digit(*s); ++s)
        v = append_digit(v, *s);
    *cursor = s;
    *value = v;
    return 1;
}

int iiif_scan_decimal(const char **cursor, apr_uint64_t *value)
{
    const char *s = *cursor;
    apr_uint64_t v = 0;
    int i;

    if (!is_digit(s[0]) && !(s[0] == '.' && is_digit(s[1])))
        return 0;
    for (; is_digit(*s); ++s)
        v = append_digit(v, *s);
    if (s[0] == '.' && !is_digit(s[1]))
        return 0;
    if (*s == '.')
        ++s;
    for (i = 0; i < DECIMALS; ++i)
        v = append_digit(v, is_digit(*s) ? *s++ : '0');
    while (is_digit(*s))
        ++s;
    *cursor = s;
    *value = v;
    return 1;
}

apr_uint64_t iiif_round_ratio(apr_uint64_t value, apr_uint64_t numerator, apr_uint64_t denominator)
{
    wide_t product = (wide_t)value * numerator;
    wide_t rounded = (product + denominator / 2) / denominator;

    return rounded > IIIF_NUMBER_MAX ? IIIF_NUMBER_MAX : (apr_uint64_t)rounded;
}

#define DIGITS_MAX 20 /* of 64 bits */

static char *put_number(char *at, apr_uint64_t number)
{
    char digits[DIGITS_MAX];
    int n = 0;

    do
        digits[n++] = (char)('0' + number % 10);
    while (number /= 10);
    while (n)
        *at++ = digits[--n];
    return at;
}

static apr_size_t room_for(const char *pattern)
{
    apr_size_t room = 1;

    for (; *pattern; ++pattern)
        room += *pattern == '#' ? DIGITS_MAX : 1;
    return room;
}

/* By hand: formatted printing of these takes longer than all else about a stored tile. */
const char *iiif_number_fill(const char *before, const char *pattern, const apr_uint64_t numbers[],
                             apr_pool_t *pool)
{
    char *text = apr_palloc(pool, strlen(before) + room_for(pattern));
    char *at = text;

    while (*before)
        *at++ = *before++;
    for (; *pattern; ++pattern) {
        if (*pattern == '#')
            at = put_number(at, *numbers++);
        else
            *at++ = *pattern;
    }
    *at = '\0';
    return text;
}
