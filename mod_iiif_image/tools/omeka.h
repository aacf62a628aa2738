/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TOOLS_OMEKA_H
#define IIIF_TOOLS_OMEKA_H
/**
 * @file omeka.h
 * @brief A site of Omeka S with the modules IIIF Server and Image Server: its directory, its
 * database, its media. What is in them: doc/omeka-s.md.
 */
#include <cjson/cJSON.h>

#include "tools/database.h"
#include "tools/options.h"

/** Options that all verbs of Omeka share; letters from here on are theirs. */
enum {
    IIIFCTL_OMEKA_DRIVER = IIIFCTL_LONG + 100,
    IIIFCTL_OMEKA_PARAMS,
    IIIFCTL_OMEKA_FILES,
    IIIFCTL_OMEKA_WHERE,
    IIIFCTL_OMEKA_JSON,
    IIIFCTL_OMEKA_OWN /**< the first letter that is free for a verb */
};

/** Their rows in a verb's table. */
#define IIIFCTL_OMEKA_OPTIONS                                                                      \
    { IIIFCTL_OMEKA_DRIVER, "driver", "NAME", "of APR for the database (default mysql)" },         \
        { IIIFCTL_OMEKA_PARAMS, "params", "TEXT",                                                  \
          "for the driver, as DBDParams (default: from config/database.ini)" },                    \
        { IIIFCTL_OMEKA_FILES, "files", "DIR", "the file store (default: OMEKA/files)" },          \
    {                                                                                              \
        IIIFCTL_OMEKA_JSON, "json", NULL, "one JSON object a line"                                 \
    }

/** That of the verbs that go through media. */
#define IIIFCTL_OMEKA_WHERE_OPTION                                                                 \
    {                                                                                              \
        IIIFCTL_OMEKA_WHERE, "where", "SQL",                                                       \
            "only media for which that is true: m is the media, r its resource"                    \
    }

typedef struct iiifctl_omeka_t {
    const char *directory; /**< absolute */
    const char *files;     /**< the file store, absolute */
    const char *originals; /**< files/original, absolute */
    const char *tiles;     /**< files/tile, likewise, or as the site's setting says */
    const char *tile_name; /**< "tile", or what the setting says */
    const char *driver, *params;
    const char *where;            /**< of --where, with its '%' doubled; NULL: none */
    iiifctl_database_t *database; /**< in @a pool */
    apr_pool_t *pool;
} iiifctl_omeka_t;

/**
 * Find the site of a command line, whose one operand is its directory, and connect.
 * @return IIIFCTL_OK; IIIFCTL_USAGE or IIIFCTL_FAILED, said on stderr
 */
int iiifctl_omeka_open(iiifctl_omeka_t *omeka, const iiifctl_call_t *call);

/** Connect once more: a connection that has waited for hours may be closed by the server.
 *  @return as iiifctl_database_open() */
apr_status_t iiifctl_omeka_connect(iiifctl_database_t **database, const iiifctl_omeka_t *omeka,
                                   iiif_err_t *err, apr_pool_t *pool);

/** What the table `setting` says. @return as cJSON, by iiifctl_json_end() at last; NULL: nothing */
const cJSON *iiifctl_omeka_setting(const iiifctl_omeka_t *omeka, const char *id);

/** The same, when it is a text that is not empty; else @a otherwise. */
const char *iiifctl_omeka_text(const iiifctl_omeka_t *omeka, const char *id, const char *otherwise);

/** What stands for an image in a URL, as OMEKA_IDENTIFIER has it: "media_id", "storage_id" or
 *  "filename"; NULL: the site leaves that to its modules, of which each knows "media_id". */
const char *iiifctl_omeka_identifier(const iiifctl_omeka_t *omeka);

/** Say on stderr what went wrong. @return IIIFCTL_FAILED */
int iiifctl_omeka_failed(const iiifctl_call_t *call, const iiif_err_t *err);

/** A local image. */
typedef struct iiifctl_media_t {
    const char *id;         /**< decimal */
    const char *storage_id; /**< may have slashes */
    const char *extension;  /**< NULL: none, nor a dot */
    const char *data;       /**< JSON; NULL: none, or not asked for */
    const char *name;       /**< of the original, below `originals` */
} iiifctl_media_t;

#define IIIFCTL_MEDIA_BATCH 200

/** What to look for. */
typedef struct iiifctl_media_query_t {
    const char *after; /**< media of higher ids, in order, IIIFCTL_MEDIA_BATCH at most */
    int data;          /**< with their data */
} iiifctl_media_query_t;

/**
 * The next media that are images with an original.
 * @param media of iiifctl_media_t, in @a pool
 * @return as iiifctl_database_select()
 */
apr_status_t iiifctl_omeka_media(apr_array_header_t **media, const iiifctl_omeka_t *omeka,
                                 const iiifctl_media_query_t *query, iiif_err_t *err,
                                 apr_pool_t *pool);

/** The media of one id or one storage id, with its data. @param column "m.id" or "m.storage_id"
 *  @param media set on success; NULL: there is none */
apr_status_t iiifctl_omeka_medium(const iiifctl_media_t **media, const iiifctl_omeka_t *omeka,
                                  const char *column, const char *value, iiif_err_t *err,
                                  apr_pool_t *pool);

/**
 * Write the data of a media over what was read of it, and over nothing else.
 * @param changed 1; 0: somebody has written it meanwhile, or it is gone
 * @return as iiifctl_database_change()
 */
apr_status_t iiifctl_omeka_write(int *changed, const iiifctl_omeka_t *omeka,
                                 const iiifctl_media_t *media, const char *data, iiif_err_t *err,
                                 apr_pool_t *pool);
#endif
