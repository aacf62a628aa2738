/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_HTTPD_CONFIG_H
#define IIIF_HTTPD_CONFIG_H
/** @file config.h
 *  @brief The settings: each once, with its default; struct, create, merge and reading come from
 * the list. */
#include <cjson/cJSON.h>
#include <httpd.h>
#include <http_config.h>

#include "image/render.h"
#include "plan/plan.h"
#include "resolve/resolver.h"

/* clang-format off */
/* Per directory: type, name, default. "Not set" is -1, or NULL for a pointer. */
#define IIIF_DIR_SETTINGS(NUM, PTR)                                                                       \
    NUM(int,                  version_first,     IIIF_VERSION_3)             /* IIIFVersions */            \
    NUM(int,                  version_second,    IIIF_VERSION_2)                                          \
    NUM(int,                  notfound,          0)                          /* IIIFFallback */            \
    NUM(int,                  source_formats,    (int)IIIF_SOURCE_FORMATS_DEFAULT)                        \
    NUM(apr_int64_t,          max_width,         0)                          /* pixels; 0: no limit */     \
    NUM(apr_int64_t,          max_height,        0)                                                       \
    NUM(apr_int64_t,          max_area,          0)                                                       \
    NUM(int,                  upscale,           IIIF_UPSCALE_ON)                                         \
    NUM(apr_int64_t,          max_source_pixels, APR_INT64_C(1000000000))    /* 0: no limit */             \
    NUM(int,                  tile_size,         512)                        /* pixels */                  \
    NUM(int,                  background,        0xffffff)                   /* RRGGBB */                  \
    NUM(int,                  square,            IIIF_SQUARE_CENTRE)         /* IIIFSquareCrop */          \
    NUM(int,                  keep_metadata,     0)                          /* IIIFMetadata */            \
    NUM(int,                  linear_light,      0)                          /* IIIFLinearLight */         \
    NUM(int,                  pages,             0)                                                       \
    NUM(int,                  deepzoom,          1)                          /* IIIFDeepZoom */            \
    NUM(int,                  auto_pyramid,      0)                                                       \
    NUM(int,                  resolver_grace,    300)                        /* seconds */                 \
    NUM(int,                  resolver_timeout,  2000)                       /* milliseconds */            \
    NUM(int,                  unavailable,       0)                          /* IIIFResolverFailure */     \
    PTR(const iiif_resolver_t *, resolver, &iiif_resolver_filesystem)                                     \
    PTR(apr_array_header_t *, queries,           NULL)  /* of iiif_query_t */                             \
    PTR(const char *,         query_directory,   NULL)  /* in which IIIFQuery stands; "": in none */      \
    PTR(const char *,         identifier_prefix, NULL)                                                    \
    PTR(apr_array_header_t *, direct_files,      NULL)  /* of const char *: extensions; empty: none */     \
    PTR(const char *,         location_root,     NULL)  /* IIIFImageRoot in <Location>: directory, */     \
    PTR(const char *,         location_prefix,   NULL)  /* and the Location's path */                     \
    PTR(const char *,         tile_store,        NULL)  /* "": none */                                     \
    PTR(apr_array_header_t *, thumbnails,        NULL)  /* of const char *: directories; empty: none */    \
    PTR(const char *,         derivative_store,  NULL)  /* "": none */                                     \
    NUM(apr_int64_t,          derivative_bound,  0)     /* bytes */                                        \
    PTR(const char *,         base_url,          NULL)                                                    \
    PTR(const char *,         rights,            NULL)                                                    \
    PTR(const char *,         attribution,       NULL)                                                    \
    PTR(const char *,         logo,              NULL)                                                    \
    PTR(apr_array_header_t *, links,             NULL)  /* of iiif_link_t */                              \
    PTR(const cJSON *,        info,              NULL)  /* IIIFInfo, parsed */                            \
    PTR(apr_array_header_t *, trusted_proxies,   NULL)  /* of apr_ipsubnet_t * */
/* clang-format on */

typedef struct iiif_dir_conf_t {
#define DECLARE(type, name, dflt) type name;
    IIIF_DIR_SETTINGS(DECLARE, DECLARE)
#undef DECLARE
    int quality[IIIF_FORMATS]; /**< IIIFQuality; 0: not set */
    int effort[IIIF_FORMATS];  /**< IIIFEffort; -1: not set */
} iiif_dir_conf_t;

/** A directory that a directive names, anywhere in a server: for what must not lie in what. */
typedef struct iiif_place_t {
    enum {
        IIIF_PLACE_IMAGES,
        IIIF_PLACE_TILES,
        IIIF_PLACE_THUMBNAILS,
        IIIF_PLACE_DERIVATIVES
    } kind;
    const char *directory; /**< absolute, without trailing slash unless it is "/" */
} iiif_place_t;

/** One IIIFImageRoot of a server. */
typedef struct iiif_root_t {
    const char *prefix;    /**< URL path without trailing slash; "" for "/" */
    const char *directory; /**< absolute */
} iiif_root_t;

/** Which renders may run; of the main server. */
typedef struct iiif_render_conf_t {
    int threads;        /**< IIIFRenderThreads; 0: auto */
    apr_int64_t memory; /**< IIIFRenderMemory, bytes; 0: auto */
    int queue;          /**< IIIFRenderQueue; -1: auto */
    int seconds;        /**< likewise */
    int shadow;
} iiif_render_conf_t;

/** What is remembered of a database's answers; of the main server. */
typedef struct iiif_answers_conf_t {
    int entries;          /**< IIIFResolverCache; 0: nothing is remembered */
    int seconds;          /**< likewise */
    const char *provider; /**< likewise, of mod_socache_*; NULL: not set, shmcb */
    const char *argument; /**< of the provider; NULL: none */
} iiif_answers_conf_t;

/** The <Directory> of a `Require iiif-public`. Both end in a slash. */
typedef struct iiif_guarded_t {
    const char *directory; /**< as it is spelled */
    const char *real;      /**< without links; from post_config on */
} iiif_guarded_t;

typedef struct iiif_shared_answers_t iiif_shared_answers_t;

typedef struct iiif_server_conf_t {
    apr_array_header_t *roots;   /**< of iiif_root_t, this server's before the main server's */
    apr_array_header_t *places;  /**< of iiif_place_t, this server's alone, sections too */
    apr_array_header_t *guarded; /**< of iiif_guarded_t, the main server's too */
    int asks_database;           /**< is any of its IIIFResolver dbd? */
    apr_int64_t index_bytes;     /**< IIIFSourceIndex; of the main server; -1: not set */
    iiif_render_conf_t render;
    iiif_answers_conf_t answers;
    iiif_shared_answers_t *shared_answers; /**< of the main server; from post_config on */
    int auto_pyramid;                      /**< is any of its IIIFAutoPyramid on? */
    const char *command;                   /**< IIIFCtl; of the main server */
} iiif_server_conf_t;

extern module AP_MODULE_DECLARE_DATA iiif_image_module;
extern const command_rec iiif_directives[];

void *iiif_dir_conf_create(apr_pool_t *pool, char *path);
void *iiif_dir_conf_merge(apr_pool_t *pool, void *base, void *add);
void *iiif_server_conf_create(apr_pool_t *pool, server_rec *s);
void *iiif_server_conf_merge(apr_pool_t *pool, void *base, void *add);

/** The settings in force for @a r, defaults filled in: callers never see "not set". */
iiif_dir_conf_t iiif_settings(const request_rec *r);

/** The server's own part of them. */
const iiif_server_conf_t *iiif_server_settings(const server_rec *s);

/** Those that decide on a plan, as plan/ wants them. `accepted` is left at NONE. */
iiif_plan_rules_t iiif_plan_rules(const iiif_dir_conf_t *settings);

/** Those that change pixels, as image/ wants them. */
iiif_look_t iiif_look(const iiif_dir_conf_t *settings);
#endif
