/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/quality.h"

#include <apr_general.h>
#include <string.h>

#include "base/banned.h"

/* Image API 2.1 and 3.0, 4.4 */
static const char *const names[] = {
    [IIIF_QUALITY_DEFAULT] = "default",
    [IIIF_QUALITY_COLOR] = "color",
    [IIIF_QUALITY_GRAY] = "gray",
    [IIIF_QUALITY_BITONAL] = "bitonal",
};

apr_status_t iiif_quality_parse(iiif_quality_e *quality, const char *text, iiif_err_t *err)
{
    unsigned i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); ++i) {
        if (!strcmp(text, names[i])) {
            *quality = (iiif_quality_e)i;
            return APR_SUCCESS;
        }
    }
    return iiif_fail(err, IIIF_EBADREQUEST, "quality '%s' is not default, color, gray or bitonal",
                     text);
}

const char *iiif_quality_name(iiif_quality_e quality)
{
    return names[quality];
}

iiif_quality_e iiif_quality_resolve(iiif_quality_e asked, iiif_quality_e natural)
{
    return asked <= natural ? IIIF_QUALITY_DEFAULT : asked;
}
