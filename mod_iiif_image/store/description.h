/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_STORE_DESCRIPTION_H
#define IIIF_STORE_DESCRIPTION_H
/**
 * @file description.h
 * @brief What the file that comes with stored tiles says of them: Deep Zoom's .dzi and .js,
 * Zoomify's ImageProperties.xml, IIIF's info.json.
 */
#include <apr_pools.h>

#include "base/err.h"
#include "iiif/format.h"
#include "iiif/types.h"

typedef struct iiif_description_t {
    iiif_dims_t full;
    iiif_dims_t tile;        /**< without overlap; of a IIIF tree without `tiles`: the full size */
    iiif_format_e format;    /**< of the tiles; of a IIIF tree, the preferred one */
    apr_uint32_t overlap;    /**< Deep Zoom alone: pixels, less than a tile's side */
    const char *extension;   /**< Deep Zoom alone: Format, as it is spelled */
    apr_uint64_t tile_count; /**< Zoomify alone: NUMTILES */
    iiif_version_e version;  /**< IIIF alone: 2 or 3 */
} iiif_description_t;

/**
 * Read one description. What it says has been checked: sides above 0, at most 2^32 tiles at full
 * size, tiles of a type that iiif_image_size_read() knows.
 * @param description filled on success; after a failure, undefined. Strings are in @a pool
 * @param text,len    the file, in bytes; NUL-terminated behind them
 * @param err         one sentence on failure; may be NULL
 * @return APR_SUCCESS, or IIIF_EBADSOURCE
 */
typedef apr_status_t iiif_description_fn(iiif_description_t *description, const char *text,
                                         apr_size_t len, iiif_err_t *err, apr_pool_t *pool);

/** `NAME.dzi`: XML, attributes in any order, under any prefix or namespace. */
iiif_description_fn iiif_description_dzi;

/** `NAME.js`: the same as JSON, alone or as the argument of a function; numbers may be strings. */
iiif_description_fn iiif_description_dzi_js;

/** `ImageProperties.xml` of Zoomify. */
iiif_description_fn iiif_description_zoomify;

/** `info.json` of the Image API 2 or 3; of several `tiles`, the first. */
iiif_description_fn iiif_description_info;
#endif
