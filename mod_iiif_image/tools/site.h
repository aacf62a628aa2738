/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TOOLS_SITE_H
#define IIIF_TOOLS_SITE_H
/**
 * @file site.h
 * @brief The files of one image that any web server can serve as a IIIF image of level 0: what its
 * info.json announces, by the URIs that viewers make of it, and a manifest.
 *
 * `info.json`, `manifest.json`; `x,y,w,h/w,h/0/default.jpg` for each tile; `full/w,h/0/default.jpg`
 * for each of `sizes`, the largest of them as `full/max/0/default.jpg`, too. With a second format,
 * each of these in that as well.
 */
#include "iiif/info.h"
#include "image/render.h"

typedef struct iiifctl_site_t {
    const iiif_source_t *source;
    const iiif_look_t *look;
    const char *id;       /**< URI of the image, without trailing slash */
    const char *encoded;  /**< the last segment of it */
    const char *label;    /**< of the manifest */
    const char *rights;   /**< URI; NULL: none */
    apr_uint32_t tile;    /**< pixels a side */
    iiif_format_e second; /**< besides JPEG; IIIF_FORMAT_JPG: none */
} iiifctl_site_t;

/**
 * Write all but the tiles in JPEG, which are in @a directory already.
 * @param pool for the call
 * @return APR_SUCCESS; as iiif_render(); or why a file cannot be written
 */
apr_status_t iiifctl_site_write(const iiifctl_site_t *site, const char *directory, iiif_err_t *err,
                                apr_pool_t *pool);
#endif
