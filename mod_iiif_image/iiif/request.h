/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_REQUEST_H
#define IIIF_REQUEST_H
/**
 * @file request.h
 * @brief From a still encoded URI path to the parameters of a IIIF request.
 * @see https://iiif.io/api/image/3.0/#2-uri-syntax
 *
 *     {prefix}[/2|/3]/{identifier}/{region}/{size}/{rotation}/{quality}.{format}
 *     {prefix}[/2|/3]/{identifier}/info.json
 *     {prefix}[/2|/3]/{identifier}[/]
 *
 * and of the same images as Deep Zoom and as Zoomify:
 *
 *     {prefix}[/2|/3]/{identifier}.dzi
 *     {prefix}[/2|/3]/{identifier}_files/{level}/{column}_{row}.{format}
 *     {prefix}[/2|/3]/{identifier}_zdata/ImageProperties.xml
 *     {prefix}[/2|/3]/{identifier}_zdata/TileGroup{group}/{level}-{column}-{row}.jpg
 *
 * Split by position from the right, then decoded, each segment once: an identifier may be called
 * "2", "full" or "info.json", and may hold slashes, encoded or raw. What is ambiguous on paper is
 * settled by which reading names a source, so a path has up to two readings.
 */
#include <apr_pools.h>

#include "base/err.h"
#include "iiif/deepzoom.h"
#include "iiif/format.h"
#include "iiif/quality.h"
#include "iiif/region.h"
#include "iiif/rotation.h"
#include "iiif/size.h"
#include "iiif/types.h"
#include "iiif/zoomify.h"

typedef enum {
    IIIF_REQUEST_BASE, /**< the base URI */
    IIIF_REQUEST_INFO, /**< info.json */
    IIIF_REQUEST_IMAGE,
    IIIF_REQUEST_DEEPZOOM,      /**< the descriptor */
    IIIF_REQUEST_DEEPZOOM_TILE, /**< of any level, column and row: there may be no such tile */
    IIIF_REQUEST_ZOOMIFY,       /**< ImageProperties.xml */
    IIIF_REQUEST_ZOOMIFY_TILE   /**< likewise of any group, level, column and row */
} iiif_request_kind_e;

/** One reading of a path. Text forms only: no file has been looked at. */
typedef struct iiif_request_t {
    iiif_request_kind_e kind;
    iiif_version_e version; /**< as the URI names it */
    const char *encoded;    /**< the identifier as the URI spells it */
    const char *identifier; /**< the same, decoded */
    const char *region;     /**< decoded; of an IMAGE, else NULL; likewise: */
    const char *size;
    const char *rotation;
    const char *quality; /**< before the last "." of the last segment */
    const char *format;  /**< behind it; "" when there is no "."; of a tile: letters and digits,
                            as spelled; "jpeg" is Deep Zoom's JPEG too, but no iiif_format_e */
    iiif_deepzoom_tile_t deepzoom; /**< of a DEEPZOOM_TILE, else zeros */
    iiif_zoomify_tile_t zoomify;   /**< of a ZOOMIFY_TILE, else zeros */
} iiif_request_t;

#define IIIF_READINGS_MAX 2

/**
 * All readings of @a path, the likelier first: Deep Zoom, Zoomify, info.json or an image request,
 * then a base URI whose identifier looks like one of these. Numbers of tiles are digits without
 * leading zeros, of 32 bits (a group: 64); what has the form of a tile is no image request.
 * @param readings filled from the front; allocated in @a pool
 * @param path     what follows the prefix, without leading slash, still encoded; borrowed
 * @return how many, 0 to IIIF_READINGS_MAX; 0: no IIIF URI, whatever files exist
 */
int iiif_request_read(iiif_request_t readings[IIIF_READINGS_MAX], const char *path,
                      apr_pool_t *pool);

/** The parameters of an image request, parsed; still no image. */
typedef struct iiif_params_t {
    iiif_version_e version; /**< whose rules they follow */
    iiif_region_t region;
    iiif_size_t size;
    iiif_rotation_t rotation;
    iiif_quality_e quality;
    iiif_format_e format;
} iiif_params_t;

/**
 * Parse the parameters of an IMAGE request by the grammar of @a version.
 * @param params filled on success, untouched on failure
 * @return APR_SUCCESS, or IIIF_EBADREQUEST with the first parameter that is wrong
 */
apr_status_t iiif_params_parse(iiif_params_t *params, const iiif_request_t *request,
                               iiif_version_e version, iiif_format_set_t available,
                               iiif_err_t *err);

/**
 * Was an image request meant? At least two of its five parameters are well formed. Tells a slip in
 * one of them (400) from another application's URI below the same prefix (not ours).
 */
int iiif_request_means_image(const iiif_request_t *request);
#endif
