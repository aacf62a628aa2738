/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/format.h"

#include <string.h>

#include "tap.h"

#define ALL ((1u << IIIF_FORMATS) - 1)

/* clang-format off */
static const struct {
    const char *text;
    iiif_format_set_t available;
    const char *mime_type; /* NULL: refused */
} cases[] = {
    /* 2.1 and 3.0, 4.5: the seven formats */
    { "jpg",   ALL, "image/jpeg" },
    { "tif",   ALL, "image/tiff" },
    { "png",   ALL, "image/png" },
    { "gif",   ALL, "image/gif" },
    { "jp2",   ALL, "image/jp2" },
    { "pdf",   ALL, "application/pdf" },
    { "webp",  ALL, "image/webp" },
    /* extensions of ours (4.9) */
    { "avif",  ALL, "image/avif" },
    { "jxl",   ALL, "image/jxl" },
    /* only what is there */
    { "jpg",   1u << IIIF_FORMAT_JPG, "image/jpeg" },
    { "png",   1u << IIIF_FORMAT_JPG, NULL },
    { "jpg",   ALL & ~(1u << IIIF_FORMAT_JPG), NULL },
    { "jpg",   0,   NULL },
    /* one spelling each */
    { "jpeg",  ALL, NULL },
    { "tiff",  ALL, NULL },
    { "JPG",   ALL, NULL },
    { "Png",   ALL, NULL },
    { "xyz",   ALL, NULL },
    { "",      ALL, NULL },
    { "jp",    ALL, NULL },
    { "jpgx",  ALL, NULL },
    { " jpg",  ALL, NULL },
    { "jpg ",  ALL, NULL },
    { ".jpg",  ALL, NULL },
    { "jpg/",  ALL, NULL },
    { "json",  ALL, NULL },
};
/* clang-format on */

int main(void)
{
    unsigned i;

    for (i = 0; i < ROWS(cases); ++i) {
        iiif_format_e got = IIIF_FORMATS;
        iiif_err_t err = { "" };
        apr_status_t rv = iiif_format_parse(&got, cases[i].text, cases[i].available, &err);
        const char *type = rv == APR_SUCCESS ? iiif_format(got)->mime_type : "refused";

        ok(cases[i].mime_type ? rv == APR_SUCCESS && !strcmp(type, cases[i].mime_type)
                                    && !strcmp(iiif_format(got)->extension, cases[i].text)
                              : rv == IIIF_EBADREQUEST && got == IIIF_FORMATS && *err.text,
           "'%s' of %#x -> %s %s", cases[i].text, cases[i].available, type, err.text);
    }
    for (i = 0; i < IIIF_FORMATS; ++i) {
        const iiif_format_t *row = iiif_format((iiif_format_e)i);

        ok(row->extension && row->mime_type && row->max_side > 0 && row->level >= 0
               && row->level <= 3 && row->lossy == (row->default_quality > 0)
               && row->default_quality <= 100,
           "the row of %s is whole", row->extension);
    }
    ok(iiif_format(IIIF_FORMAT_JPG)->level == 0 && iiif_format(IIIF_FORMAT_PNG)->level == 2,
       "jpg is promised by level 0, png by level 2");
    ok(!iiif_format(IIIF_FORMAT_JPG)->alpha && !iiif_format(IIIF_FORMAT_PDF)->alpha
           && iiif_format(IIIF_FORMAT_PNG)->alpha,
       "JPEG and PDF are opaque, PNG is not");
    return done_testing();
}
