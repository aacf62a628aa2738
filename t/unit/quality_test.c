/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/quality.h"

#include <string.h>

#include "tap.h"

#define DEFAULT IIIF_QUALITY_DEFAULT
#define COLOR   IIIF_QUALITY_COLOR
#define GRAY    IIIF_QUALITY_GRAY
#define BITONAL IIIF_QUALITY_BITONAL

/* clang-format off */
static const struct {
    const char *text;
    apr_status_t want;
    iiif_quality_e quality;
} cases[] = {
    /* 2.1 and 3.0, 4.4: the four values */
    { "color",     0, COLOR },
    { "gray",      0, GRAY },
    { "bitonal",   0, BITONAL },
    { "default",   0, DEFAULT },
    /* names of version 1, and near misses */
    { "native",    IIIF_EBADREQUEST, DEFAULT },
    { "grey",      IIIF_EBADREQUEST, DEFAULT },
    { "colour",    IIIF_EBADREQUEST, DEFAULT },
    { "",          IIIF_EBADREQUEST, DEFAULT },
    { "Default",   IIIF_EBADREQUEST, DEFAULT },
    { "COLOR",     IIIF_EBADREQUEST, DEFAULT },
    { "defaul",    IIIF_EBADREQUEST, DEFAULT },
    { "defaults",  IIIF_EBADREQUEST, DEFAULT },
    { "default ",  IIIF_EBADREQUEST, DEFAULT },
    { " default",  IIIF_EBADREQUEST, DEFAULT },
    { "default.",  IIIF_EBADREQUEST, DEFAULT },
    { "default.jpg", IIIF_EBADREQUEST, DEFAULT },
};

static const struct {
    iiif_quality_e asked, natural, want;
} resolved[] = {
    { DEFAULT, COLOR,   DEFAULT },
    { COLOR,   COLOR,   DEFAULT },
    { GRAY,    COLOR,   GRAY },
    { BITONAL, COLOR,   BITONAL },
    { DEFAULT, GRAY,    DEFAULT },
    { COLOR,   GRAY,    DEFAULT }, /* 3.0: must not be an error */
    { GRAY,    GRAY,    DEFAULT },
    { BITONAL, GRAY,    BITONAL },
    { DEFAULT, BITONAL, DEFAULT },
    { COLOR,   BITONAL, DEFAULT },
    { GRAY,    BITONAL, DEFAULT },
    { BITONAL, BITONAL, DEFAULT },
};
/* clang-format on */

int main(void)
{
    unsigned i;

    for (i = 0; i < ROWS(cases); ++i) {
        iiif_quality_e got = DEFAULT;
        iiif_err_t err = { "" };
        apr_status_t rv = iiif_quality_parse(&got, cases[i].text, &err);

        ok(rv == cases[i].want && got == cases[i].quality && !rv == !*err.text, "'%s' -> %d %s",
           cases[i].text, (int)got, err.text);
        if (rv == APR_SUCCESS)
            ok(!strcmp(iiif_quality_name(got), cases[i].text), "  and back: %s",
               iiif_quality_name(got));
    }
    for (i = 0; i < ROWS(resolved); ++i) {
        iiif_quality_e got = iiif_quality_resolve(resolved[i].asked, resolved[i].natural);

        ok(got == resolved[i].want, "%s of a %s source is %s", iiif_quality_name(resolved[i].asked),
           iiif_quality_name(resolved[i].natural), iiif_quality_name(got));
    }
    return done_testing();
}
