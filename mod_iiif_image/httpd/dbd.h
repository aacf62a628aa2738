/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_HTTPD_DBD_H
#define IIIF_HTTPD_DBD_H
/** @file dbd.h
 *  @brief Databases by mod_dbd: its connections, our statements. */
#include <httpd.h>

#include "resolve/query.h"
#include "resolve/record.h"

/** Whom to ask, and what. */
typedef struct iiif_database_t {
    server_rec *server; /**< whose DBDParams */
    const apr_array_header_t
        *queries;             /**< of iiif_query_t; the first whose condition holds counts */
    apr_uint64_t *conditions; /**< for each, what is known of it; 0 at first; any thread, atomics */
} iiif_database_t;

/** Is mod_dbd there? */
int iiif_dbd_is_there(void);

/** Has @a s itself DBDParams or DBDriver that differ from others before them? Only the last count.
 */
int iiif_dbd_is_told_twice(const server_rec *s);

/** What tells the databases of all servers apart: driver, parameters, and the server's name, as two
 * hosts mean different things by "localhost". In @a pool; from post_config on. */
const char *iiif_dbd_name(const server_rec *s, apr_pool_t *pool);

/**
 * Ask. May take as long as the driver waits: not for a request's own thread.
 * @param record filled on success; texts in @a pool
 * @return APR_SUCCESS; IIIF_ENOTFOUND; IIIF_EDOWN
 */
apr_status_t iiif_dbd_ask(iiif_record_t *record, const iiif_database_t *database,
                          const char *identifier, const char *prefix, iiif_err_t *err,
                          apr_pool_t *pool);
#endif
