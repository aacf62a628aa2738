/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_PLAN_PLAN_H
#define IIIF_PLAN_PLAN_H
/**
 * @file plan.h
 * @brief The decision: how a request for a source is answered. Made from the source's header and
 * the settings; no pixel has been read.
 */
#include "iiif/request.h"
#include "iiif/resolved.h"
#include "image/raw_tile.h"
#include "image/source_index.h"
#include "resolve/resolver.h"
#include "store/tile_store.h"

/** In the order of what an answer costs, of images: STATIC_FILE, RAW_TILE, RENDER. */
typedef enum {
    IIIF_PLAN_INFO,        /**< the image information document */
    IIIF_PLAN_DESCRIPTOR,  /**< of Deep Zoom or Zoomify */
    IIIF_PLAN_REDIRECT,    /**< from the base URI to info.json */
    IIIF_PLAN_STATIC_FILE, /**< a file made beforehand is exactly what is asked for */
    IIIF_PLAN_RAW_TILE,    /**< a tile stored in the source is */
    IIIF_PLAN_RENDER       /**< decode, scale, encode */
} iiif_plan_kind_e;

#define IIIF_UPSCALE_OFF 1 /**< of iiif_plan_rules_t.upscale */
#define IIIF_UPSCALE_ON  0

/** The settings that decide. */
typedef struct iiif_plan_rules_t {
    iiif_version_e versions[2]; /**< in order of preference; NONE ends the list early */
    iiif_version_e accepted;    /**< that the client's Accept header names, or NONE */
    iiif_format_set_t formats;  /**< what can be encoded */
    iiif_source_rules_t source;
    iiif_limits_t max; /**< as configured; 0: not; `upscale` unused */
    int upscale; /**< times the full size; IIIF_UPSCALE_OFF; IIIF_UPSCALE_ON: as far as @a max, or
                    twice */
    iiif_square_e square;
    apr_uint32_t tile;                    /**< side of the tiles of sources that have none */
    const char *tile_store;               /**< directory of tiles made beforehand; NULL: none */
    iiif_lru_t *stored;                   /**< where iiif_stored_find() remembers */
    const apr_array_header_t *thumbnails; /**< of const char *: directories; NULL: none */
} iiif_plan_rules_t;

/** Something found in the tile store, or among thumbnails, that is not used. */
typedef struct iiif_plan_refusal_t {
    const char *path;
    const char *reason;
    iiif_stamp_t stamp;
} iiif_plan_refusal_t;

typedef struct iiif_plan_t {
    iiif_plan_kind_e kind;
    iiif_version_e version;      /**< whose rules the answer follows */
    const char *etag;            /**< of the record: another one is another image; NULL: none */
    const iiif_source_t *source; /**< what the image is; NULL for REDIRECT */
    const iiif_source_t *pixels; /**< what it is read from: @a source, or a pyramid made of it */
    iiif_subject_t subject;      /**< of all but REDIRECT */
    iiif_dims_t tile;            /**< that is announced */
    iiif_dims_t stored[IIIF_LEVELS_MAX]; /**< of level 2^k, where tiles of another size can
                                            leave as they are stored; else 0,0 */
    const char *descriptor;              /**< of DESCRIPTOR: XML */
    iiif_resolved_t resolved;            /**< of images; likewise: */
    const char *key;                     /**< the same for the same pixels */
    const char *file;                    /**< of STATIC_FILE, */
    apr_finfo_t finfo;                   /**< and what stat() says of it */
    iiif_raw_tile_t raw;                 /**< of RAW_TILE: of @a pixels */
    int bare; /**< neither @a source nor the tile store has tiles; 0 where there is no store */
    apr_array_header_t *refusals; /**< of iiif_plan_refusal_t; NULL: none */
} iiif_plan_t;

/** Is a request that names @a version (or NONE) for us at all? */
int iiif_plan_has_version(const iiif_plan_rules_t *rules, iiif_version_e version);

/**
 * Decide.
 * @param plan filled on success, untouched on failure; allocated in @a pool, which holds its
 * sources
 * @return APR_SUCCESS; IIIF_EBADREQUEST, IIIF_ENOTIMPL from the parameters; IIIF_ENOTFOUND: no such
 *         tile of Deep Zoom or Zoomify; whatever iiif_source_get() says
 */
apr_status_t iiif_plan_make(iiif_plan_t **plan, const iiif_request_t *request,
                            const iiif_source_ref_t *ref, const iiif_plan_rules_t *rules,
                            iiif_err_t *err, apr_pool_t *pool);

/**
 * The limits of one source: those configured, and how far it may be enlarged. Whoever enlarges must
 * announce a limit (3.0, 5.7), so that is part of them.
 */
iiif_limits_t iiif_plan_limits(const iiif_plan_rules_t *rules, iiif_dims_t full);
#endif
