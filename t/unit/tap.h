/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_T_TAP_H
#define IIIF_T_TAP_H
/**
 * @file tap.h
 * @brief The smallest Test Anything Protocol producer: numbered lines, then the plan.
 */
#include <stdarg.h>
#include <stdio.h>

static int tap_count, tap_failed;

/* How many rows a table has. */
#define ROWS(table) ((unsigned)(sizeof(table) / sizeof((table)[0])))

/** One test: does @a cond hold? What follows is its name, as printf takes it; a control character
 *  or a "#", which TAP reads as a directive, is shown as "?". */
#define ok(cond, ...) tap_line(!!(cond), #cond, __FILE__, __LINE__, __VA_ARGS__)

__attribute__((format(printf, 5, 6), unused)) static int
tap_line(int pass, const char *cond, const char *file, int line, const char *fmt, ...)
{
    char name[512], *s;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(name, sizeof(name), fmt, ap);
    va_end(ap);
    for (s = name; *s; ++s) {
        if ((*s > 0 && *s < ' ') || *s == '#')
            *s = '?';
    }
    printf("%sok %d - %s\n", pass ? "" : "not ", ++tap_count, name);
    if (!pass) {
        ++tap_failed;
        printf("#   %s\n#   at %s line %d\n", cond, file, line);
    }
    return pass;
}

/** The plan, last: `return done_testing();` */
static int done_testing(void)
{
    printf("1..%d\n", tap_count);
    return tap_failed != 0;
}
#endif
