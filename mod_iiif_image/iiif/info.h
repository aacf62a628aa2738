/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_INFO_H
#define IIIF_INFO_H
/**
 * @file info.h
 * @brief The image information document, info.json.
 * @see https://iiif.io/api/image/3.0/#5-image-information @see
 * https://iiif.io/api/image/2.1/#image-information
 */
#include <apr_pools.h>
#include <apr_tables.h>
#include <cjson/cJSON.h>

#include "base/err.h"
#include "iiif/resolved.h"
#include "iiif/tiling.h"

/** A link to another resource: an item of partOf, seeAlso or service (3.0, 5.8). */
typedef struct iiif_link_t {
    const char *property; /**< "partOf", "seeAlso" or "service" */
    const char *id;       /**< URI; "{identifier}" in it stands for the encoded identifier */
    const char *type;     /**< of the resource, for example "Manifest" */
    const char *label;    /**< shown to people, language "none"; NULL: no label */
    const char *format;   /**< media type; NULL: none */
    const char *profile;  /**< NULL: none */
} iiif_link_t;

/** All that info.json tells. Borrowed for the call. */
typedef struct iiif_info_t {
    iiif_version_e version;
    const char *id;      /**< the base URI, without trailing slash */
    const char *encoded; /**< the identifier as it stands in @a id */
    iiif_subject_t subject;
    iiif_dims_t tile;                    /**< pixels of a tile; within the limits */
    iiif_dims_t stored[IIIF_LEVELS_MAX]; /**< of level 2^k, where its tiles are stored in another
                                            size, within the limits; else 0,0 */
    iiif_format_set_t formats;           /**< what this server can encode */
    int static_files;                    /**< 3.0 alone: files without a server, which is level 0 */
    const char *rights;      /**< URI: `rights` in 3.0, `license` in 2.1; NULL: none. The `https:`
                                address        of a licence becomes its URI in 3.0 (5.6). */
    const char *attribution; /**< 2.1 alone has it; NULL: none */
    const char *logo;        /**< URI; 2.1 alone has it; NULL: none */
    const apr_array_header_t *links; /**< of iiif_link_t; NULL: none */
    const cJSON *extra;              /**< an object merged in at the end; NULL: none */
} iiif_info_t;

/** The JSON text, in @a pool. NULL only when memory is short. */
const char *iiif_info_json(const iiif_info_t *info, apr_pool_t *pool);

/**
 * Parse an object to be merged into info.json. What the server alone can know (@context apart,
 * which is added to) and what is not of the document's version is left out when it is merged.
 * @param extra filled on success, untouched on failure; freed with @a pool; read-only afterwards,
 *              so threads may share it
 * @param text  NUL-terminated; borrowed for the call
 * @return APR_SUCCESS, or IIIF_EBADSOURCE: not one JSON object
 */
apr_status_t iiif_info_extra_parse(const cJSON **extra, const char *text, iiif_err_t *err,
                                   apr_pool_t *pool);

/** The compliance level's document: ".../level2.json", always http (3.0, 6). */
const char *iiif_info_profile_uri(iiif_version_e version);

/** Is that URI one of Creative Commons or RightsStatements.org, by its host, http or https? Others
 * may not be `rights` in 3.0 (5.6), unless a site knows them to be registered as an extension. */
int iiif_info_is_registered(const char *rights);

/** May @a text be `rights` or `logo`? It is an http or https URI with a host. */
int iiif_info_is_uri(const char *text);
#endif
