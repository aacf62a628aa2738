/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_HTTPD_RESOLUTIONS_H
#define IIIF_HTTPD_RESOLUTIONS_H
/** @file resolutions.h
 *  @brief What databases say of identifiers: remembered in the process and by all children, else
 * asked, by threads of the child's own, so that no request waits longer than it may. */
#include <httpd.h>

#include "base/err.h"
#include "resolve/record.h"

struct iiif_dir_conf_t;

typedef struct iiif_resolutions_t iiif_resolutions_t;

/** For whom is asked. */
typedef struct iiif_asker_t {
    request_rec *r;
    const struct iiif_dir_conf_t *settings; /**< in force: queries, prefix, times */
} iiif_asker_t;

/** child_init. What is made here outlives the child's pool: requests may end after it. */
apr_status_t iiif_resolutions_open(iiif_resolutions_t **resolutions, server_rec *s,
                                   apr_pool_t *pchild);

/**
 * iiif_resolve_rules_t.ask. Leaves the log note iiif-resolve: memory, shared, query, grace or down.
 * @param baton an iiif_asker_t
 */
apr_status_t iiif_resolutions_ask(iiif_record_t *record, const char *identifier, void *baton,
                                  iiif_err_t *err, apr_pool_t *pool);
#endif
