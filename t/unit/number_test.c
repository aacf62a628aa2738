/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/number.h"

#include <apr_general.h>
#include <string.h>

#include "tap.h"

#define MOST IIIF_NUMBER_MAX
#define ONE  IIIF_DECIMAL_ONE
#define U(n) APR_UINT64_C(n)

/* clang-format off */
static const struct {
    const char *text;
    int want;
    apr_uint64_t value;
    const char *rest;
} pixels[] = {
    { "0",                     1, 0,          "" },
    { "1",                     1, 1,          "" },
    { "9",                     1, 9,          "" },
    { "10,",                   1, 10,         "," },
    { "007",                   1, 7,          "" },
    { "4294967295",            1, U(4294967295), "" },
    { "4294967296",            1, U(4294967296), "" },
    { "1152921504606846975",   1, MOST - 1,   "" },
    { "1152921504606846976",   1, MOST,       "" },
    { "1152921504606846977",   1, MOST,       "" },
    { "9223372036854775808",   1, MOST,       "" },
    { "18446744073709551615",  1, MOST,       "" },
    { "18446744073709551616",  1, MOST,       "" },
    { "18446744073709551617",  1, MOST,       "" },
    { "184467440737095516160", 1, MOST,       "" },
    { "99999999999999999999999999999999999999999999999999", 1, MOST, "" },
    { "00000000000000000000000000000000000000000000000012", 1, 12,   "" },
    { "12ab",                  1, 12,         "ab" },
    { "1.5",                   1, 1,          ".5" },
    { "1e3",                   1, 1,          "e3" },
    { "0x10",                  1, 0,          "x10" },
    { "5 ",                    1, 5,          " " },
    { "5-",                    1, 5,          "-" },
    { "",                      0, 0,          "" },
    { " 5",                    0, 0,          " 5" },
    { "\t5",                   0, 0,          "\t5" },
    { "+5",                    0, 0,          "+5" },
    { "-5",                    0, 0,          "-5" },
    { "-0",                    0, 0,          "-0" },
    { ".5",                    0, 0,          ".5" },
    { ",5",                    0, 0,          ",5" },
    { "a",                     0, 0,          "a" },
    { "/",                     0, 0,          "/" }, /* the neighbours of the digits in ASCII */
    { ":",                     0, 0,          ":" },
    { "\xd9\xa1",              0, 0,          "\xd9\xa1" },
    { "\xb2",                  0, 0,          "\xb2" },
};

static const struct {
    const char *text;
    int want;
    apr_uint64_t value;
    const char *rest;
} decimals[] = {
    { "0",                     1, 0,              "" },
    { "0.9",                   1, U(9000000000),  "" }, /* 3.0, 4.7 */
    { ".9",                    1, U(9000000000),  "" },
    { "0.90",                  1, U(9000000000),  "" },
    { "+0.9",                  0, 0,              "+0.9" },
    { "22.5",                  1, U(225000000000), "" },
    { "41.6",                  1, U(416000000000), "" },
    { "100",                   1, 100 * ONE,      "" },
    { "100.0",                 1, 100 * ONE,      "" },
    { "360",                   1, 360 * ONE,      "" },
    { "000.50",                1, ONE / 2,        "" },
    { ".5",                    1, ONE / 2,        "" },
    { "0.0000000001",          1, 1,              "" },
    { "0.00000000019",         1, 1,              "" }, /* the eleventh decimal does not count */
    { "0.00000000001",         1, 0,              "" },
    { "0.99999999999999999999999999999", 1, ONE - 1, "" },
    { "12.345678901234567890", 1, U(123456789012), "" },
    { "33.33333333333333333333333333333333,1", 1, U(333333333333), ",1" },
    { "115292150.4606846976",  1, MOST,           "" },
    { "115292150.4606846975",  1, MOST - 1,       "" },
    { "115292151",             1, MOST,           "" },
    { "18446744073709551616.5", 1, MOST,          "" },
    { "99999999999999999999999999999999999999999999999999.9", 1, MOST, "" },
    { "5,",                    1, 5 * ONE,        "," },
    { "5.5,",                  1, 55 * ONE / 10,  "," },
    { "1.2.3",                 1, 12 * ONE / 10,  ".3" },
    { "1e1",                   1, ONE,            "e1" },
    { "1.5e1",                 1, 15 * ONE / 10,  "e1" },
    { "0x1p3",                 1, 0,              "x1p3" },
    { "1 ",                    1, ONE,            " " },
    { "",                      0, 0,              "" },
    { ".",                     0, 0,              "." },
    { "5.",                    0, 0,              "5." },
    { "5.,",                   0, 0,              "5.," },
    { "5.x",                   0, 0,              "5.x" },
    { "5..5",                  0, 0,              "5..5" },
    { "..5",                   0, 0,              "..5" },
    { " 5",                    0, 0,              " 5" },
    { "-5",                    0, 0,              "-5" },
    { "-0",                    0, 0,              "-0" },
    { "-.5",                   0, 0,              "-.5" },
    { "e5",                    0, 0,              "e5" },
    { "NaN",                   0, 0,              "NaN" },
    { "nan",                   0, 0,              "nan" },
    { "inf",                   0, 0,              "inf" },
    { "Infinity",              0, 0,              "Infinity" },
};

static const struct {
    apr_uint64_t value, numerator, denominator, want;
} ratios[] = {
    { 0,    1,    1,    0 },
    { 1,    1,    1,    1 },
    { 1,    1,    2,    1 },    /* a tie goes up */
    { 1,    1,    3,    0 },
    { 2,    1,    3,    1 },
    { 3,    1,    2,    2 },
    { 5,    1,    10,   1 },
    { 4,    1,    10,   0 },
    { 901,  436,  901,  436 },  /* exact, where doubles give 435.99… */
    { 29,   100,  29,   100 },
    { 1,    5,    3,    2 },
    { U(4294967295), U(4294967295), U(4294967295), U(4294967295) },
    { MOST, MOST, MOST, MOST },
    { MOST, 4294967295u, 1, MOST },
    { MOST, 1,    2,    MOST / 2 },
    { MOST, MOST, 1,    MOST },
    { MOST - 1, 3, 3,   MOST - 1 },
    { 333333333333, 1000, 100 * ONE, 333 },
    { 333333333333, 800,  100 * ONE, 267 },
};

static const struct {
    const char *before;
    const char *pattern;
    apr_uint64_t numbers[4];
    const char *want;
} fills[] = {
    { "",         "#",       { 0 },                       "0" },
    { "",         "#",       { 9 },                       "9" },
    { "",         "#",       { 10 },                      "10" },
    { "",         "#",       { 1000000000 },              "1000000000" },
    { "",         "#",       { 4294967295u },             "4294967295" },
    { "",         "#",       { APR_UINT64_MAX },          "18446744073709551615" },
    { "",         "#,#",     { 640, 480 },                "640,480" },
    { "^",        "#,#",     { 640, 480 },                "^640,480" },
    { "/a#b",     "/#/#_#.", { 12, 0, 307 },              "/a#b/12/0_307." },
    { "square",   "",        { 7 },                       "square" },
    { "",         "",        { 7 },                       "" },
    { "",         "x",       { 7 },                       "x" },
    { "t",        "/TileGroup#/#-#-#.jpg", { 3, 9, 100, 20 }, "t/TileGroup3/9-100-20.jpg" },
    { "",         "####",    { 1, 2, 3, 4 },              "1234" },
    { "entropy:", "#,#,#,#", { 4294967294u, 0, 2147483648u, 999999999 },
      "entropy:4294967294,0,2147483648,999999999" },
    { "",         "#,#,#,#", { APR_UINT64_MAX, APR_UINT64_MAX, APR_UINT64_MAX, APR_UINT64_MAX },
      "18446744073709551615,18446744073709551615,18446744073709551615,18446744073709551615" },
};
/* clang-format on */

static void test_fills(void)
{
    apr_pool_t *pool;
    unsigned i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    for (i = 0; i < ROWS(fills); ++i) {
        const char *got =
            iiif_number_fill(fills[i].before, fills[i].pattern, fills[i].numbers, pool);

        ok(!strcmp(got, fills[i].want), "'%s', '%s' -> '%s'", fills[i].before, fills[i].pattern,
           got);
    }
    apr_terminate();
}

int main(void)
{
    unsigned i;

    for (i = 0; i < ROWS(pixels); ++i) {
        const char *cursor = pixels[i].text;
        apr_uint64_t value = 0;
        int got = iiif_scan_pixels(&cursor, &value);

        ok(got == pixels[i].want && value == pixels[i].value && !strcmp(cursor, pixels[i].rest),
           "pixels '%s' -> %d, %" APR_UINT64_T_FMT ", rest '%s'", pixels[i].text, got, value,
           cursor);
    }
    for (i = 0; i < ROWS(decimals); ++i) {
        const char *cursor = decimals[i].text;
        apr_uint64_t value = 0;
        int got = iiif_scan_decimal(&cursor, &value);

        ok(got == decimals[i].want && value == decimals[i].value
               && !strcmp(cursor, decimals[i].rest),
           "decimal '%s' -> %d, %" APR_UINT64_T_FMT ", rest '%s'", decimals[i].text, got, value,
           cursor);
    }
    for (i = 0; i < ROWS(ratios); ++i) {
        apr_uint64_t got =
            iiif_round_ratio(ratios[i].value, ratios[i].numerator, ratios[i].denominator);

        ok(got == ratios[i].want,
           "%" APR_UINT64_T_FMT " * %" APR_UINT64_T_FMT " / %" APR_UINT64_T_FMT
           " -> %" APR_UINT64_T_FMT,
           ratios[i].value, ratios[i].numerator, ratios[i].denominator, got);
    }
    test_fills();
    return done_testing();
}
