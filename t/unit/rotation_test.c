/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/rotation.h"

#include <apr_general.h>
#include <math.h>
#include <string.h>

#include "iiif/number.h"
#include "tap.h"

/* clang-format off */
static const struct {
    const char *text;
    const char *canonical; /* NULL: refused */
    int quarters;
} cases[] = {
    /* 2.1 and 3.0, 4.3: the six examples, and 4.6's */
    { "0",            "0",            0 },
    { "180",          "180",          2 },
    { "90",           "90",           1 },
    { "22.5",         "22.5",        -1 },
    { "!0",           "!0",           0 },
    { "!180",         "!180",         2 },
    { "!345",         "!345",        -1 },
    /* 0 up to 360 */
    { "270",          "270",          3 },
    { "!90",          "!90",          1 },
    { "!270",         "!270",         3 },
    { "360",          "0",            0 },
    { "!360",         "!0",           0 },
    { "360.0",        "0",            0 },
    { "0360.000000000000000",  "0",   0 },
    { "359.9999999999", "359.9999999999", -1 },
    { "359.99999999999", "359.9999999999", -1 },
    { "0.0000000001", "0.0000000001", -1 },
    { "90.0",         "90",           1 },
    { "0.0",          "0",            0 },
    { "00",           "0",            0 },
    { "090",          "90",           1 },
    { "10",           "10",          -1 },
    { "100",          "100",         -1 },
    { "300",          "300",         -1 },
    { "22.50",        "22.5",        -1 },
    { "0.50",         "0.5",         -1 },
    { ".5",           "0.5",         -1 },
    { "!.5",          "!0.5",        -1 },
    { "45",           "45",          -1 },
    { "1.05",         "1.05",        -1 },
    { "90.0000000001", "90.0000000001", -1 },
    { "90.00000000001", "90",         1 },  /* beyond ten decimals */
    { "12.345678901234567890", "12.3456789012", -1 },
    { "360.1",        NULL, 0 },
    { "360.0000000001", NULL, 0 },
    { "360.00000000001", NULL, 0 },
    { "361",          NULL, 0 },
    { "450",          NULL, 0 },
    { "720",          NULL, 0 },
    { "4294967296",   NULL, 0 },
    { "4294967386",   NULL, 0 },            /* 90 beyond 32 bits */
    { "18446744073709551616", NULL, 0 },
    { "18446744073709551706", NULL, 0 },    /* 90 beyond 64 bits */
    { "99999999999999999999999999999999999999999999999999", NULL, 0 },
    { "",             NULL, 0 },
    { "!",            NULL, 0 },
    { "!!9",          NULL, 0 },
    { "!!0",          NULL, 0 },
    { "90!",          NULL, 0 },
    { "! 90",         NULL, 0 },
    { "-90",          NULL, 0 },
    { "-0",           NULL, 0 },
    { "!-0",          NULL, 0 },
    { "+90",          NULL, 0 },
    { "9e1",          NULL, 0 },
    { "0x5a",         NULL, 0 },
    { "90deg",        NULL, 0 },
    { "90,",          NULL, 0 },
    { "90 ",          NULL, 0 },
    { " 90",          NULL, 0 },
    { "90.",          NULL, 0 },
    { ".",            NULL, 0 },
    { "1.2.3",        NULL, 0 },
    { "1,5",          NULL, 0 },
    { "NaN",          NULL, 0 },
    { "inf",          NULL, 0 },
    { "^90",          NULL, 0 },
    { "pct:90",       NULL, 0 },
};

static const struct {
    const char *text;
    iiif_dims_t dims, canvas;
} canvases[] = {
    { "0",    { 300, 200 },  { 300, 200 } },
    { "180",  { 300, 200 },  { 300, 200 } },
    { "90",   { 300, 200 },  { 200, 300 } },
    { "!90",  { 300, 200 },  { 200, 300 } },
    { "270",  { 300, 200 },  { 200, 300 } },
    { "360",  { 300, 200 },  { 300, 200 } },
    { "45",   { 100, 100 },  { 141, 141 } },
    { "135",  { 100, 100 },  { 141, 141 } },
    { "!315", { 100, 100 },  { 141, 141 } },
    { "22.5", { 300, 200 },  { 354, 300 } },  /* 300 cos + 200 sin = 353.7, 300 sin + 200 cos = 299.6 */
    { "30",   { 1, 1 },      { 1, 1 } },
    { "45",   { 1, 1 },      { 1, 1 } },
    { "0.0000000001", { 1000, 800 }, { 1000, 800 } },
    { "45",   { 4294967295u, 4294967295u }, { 4294967295u, 4294967295u } }, /* held, not wrapped */
    { "90",   { 4294967295u, 1 }, { 1, 4294967295u } },
};
/* clang-format on */

int main(void)
{
    iiif_rotation_t kept = { 1, 5 }, parsed;
    apr_pool_t *pool;
    unsigned i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    for (i = 0; i < ROWS(cases); ++i) {
        const char *got = NULL;
        int quarters = 0;
        iiif_err_t err = { "" };
        apr_status_t rv = iiif_rotation_parse(&parsed, cases[i].text, &err);

        if (rv == APR_SUCCESS) {
            got = iiif_rotation_canonical(&parsed, pool);
            quarters = iiif_rotation_quarters(&parsed);
        }
        ok(rv == (cases[i].canonical ? APR_SUCCESS : IIIF_EBADREQUEST)
               && (rv || (!strcmp(got, cases[i].canonical) && quarters == cases[i].quarters))
               && !rv == !*err.text,
           "'%s' -> %s, %d quarters %s", cases[i].text, got ? got : "refused", quarters, err.text);
    }
    for (i = 0; i < ROWS(canvases); ++i) {
        iiif_dims_t got;

        iiif_rotation_parse(&parsed, canvases[i].text, NULL);
        got = iiif_rotation_canvas(&parsed, canvases[i].dims);
        ok(got.width == canvases[i].canvas.width && got.height == canvases[i].canvas.height,
           "%ux%u at %s -> %ux%u", canvases[i].dims.width, canvases[i].dims.height,
           canvases[i].text, got.width, got.height);
    }
    iiif_rotation_parse(&parsed, "22.5", NULL);
    ok(fabs(iiif_rotation_angle(&parsed) - 22.5) < 1e-12 && !parsed.mirror, "22.5 as a double");
    iiif_rotation_parse(&parsed, "!0.1", NULL);
    ok(fabs(iiif_rotation_angle(&parsed) - 0.1) < 1e-12 && parsed.mirror, "!0.1 as a double");
    ok(iiif_rotation_parse(&kept, "361", NULL) != APR_SUCCESS && kept.mirror == 1
           && kept.degrees == 5,
       "a refused rotation leaves what was there");
    apr_terminate();
    return done_testing();
}
