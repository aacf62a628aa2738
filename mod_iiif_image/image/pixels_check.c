/* SPDX-License-Identifier: Apache-2.0 */
#include "image/pixels_check.h"

#include "image/private.h"

#include "base/banned.h"

apr_status_t iiif_level_check(const iiif_source_t *source, const iiif_level_t *level,
                              iiif_err_t *err)
{
    const iiif_window_t all = { level, 1, { 0, 0, level->dims.width, level->dims.height }, NULL };
    VipsImage *image = NULL;
    double mean;
    apr_status_t rv = iiif_window_open(&image, source, &all, err);

    if (rv != APR_SUCCESS)
        return rv;
    /* what is summed up has been decoded */
    if (vips_avg(image, &mean, NULL))
        rv = iiif_vips_failed(err, IIIF_EBADSOURCE, "decode");
    g_object_unref(image);
    return rv;
}

apr_status_t iiif_pixels_check(const char *path, iiif_dims_t dims, iiif_err_t *err,
                               apr_pool_t *pool)
{
    const iiif_source_rules_t rules = { IIIF_SOURCE_FORMATS_DEFAULT, 0, NULL };
    iiif_source_t *source;
    apr_status_t rv = iiif_source_open(&source, path, 1, &rules, err, pool);

    if (rv != APR_SUCCESS)
        return rv;
    if (!iiif_dims_equal(source->full, dims))
        return iiif_fail(err, IIIF_EBADSOURCE, "it is of %ux%u pixels, not of %ux%u",
                         source->full.width, source->full.height, dims.width, dims.height);
    return iiif_level_check(source, &source->levels[0], err);
}
