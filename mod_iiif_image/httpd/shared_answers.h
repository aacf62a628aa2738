/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_HTTPD_SHARED_ANSWERS_H
#define IIIF_HTTPD_SHARED_ANSWERS_H
/** @file shared_answers.h
 *  @brief What all children remember of a database's answers, by a provider of mod_socache_*. */
#include "httpd/config.h"

#define IIIF_ANSWER_MAX 4096 /**< bytes; what is longer stays in one process */

/** pre_config: the mutex has a name, for `Mutex`. */
apr_status_t iiif_shared_answers_register(apr_pool_t *pconf);

/** post_config. Where there is no provider, or it cannot start, `shared_answers` stays NULL, and a
 * line in the log says so. */
void iiif_shared_answers_create(server_rec *s, apr_pool_t *pconf, apr_pool_t *ptemp);

/** child_init; @a shared may be NULL. */
apr_status_t iiif_shared_answers_open(iiif_shared_answers_t *shared, apr_pool_t *pchild);

/** NULL: nothing. May take as long as the provider waits for a server. In @a pool. */
const unsigned char *iiif_shared_answer_get(apr_size_t *len, iiif_shared_answers_t *shared,
                                            const unsigned char *key, apr_pool_t *pool);

/** Likewise. A failure is nobody's. */
void iiif_shared_answer_put(iiif_shared_answers_t *shared, const unsigned char *key,
                            const unsigned char *bytes, apr_size_t len, apr_time_t until,
                            apr_pool_t *pool);
#endif
