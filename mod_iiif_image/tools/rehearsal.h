/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TOOLS_REHEARSAL_H
#define IIIF_TOOLS_REHEARSAL_H
/**
 * @file rehearsal.h
 * @brief What httpd would answer to one request, by a configuration that it reads itself.
 *
 * "httpd -t" with our module in it, which answers before any port is bound and any log opened
 * (httpd/rehearse.c).
 */
#include <apr_pools.h>

#include "base/err.h"

/** In the pool of the call. */
typedef struct iiifctl_answer_t {
    const char *status;   /**< "200 OK"; NULL: there is no answer */
    const char *location; /**< of a redirect; NULL: none */
    const char *type;     /**< Content-Type; NULL: none */
    const char *body;     /**< ends in NUL */
    const char *said;     /**< what httpd said on stderr, lines; "": nothing */
} iiifctl_answer_t;

/**
 * Ask.
 * @param answer filled on success; @a said also when there is no answer
 * @param httpd  program: httpd itself, or apachectl, which knows its environment
 * @param conf   httpd.conf, absolute
 * @param url    "/path", or "http://host/path"
 * @return APR_SUCCESS; APR_EGENERAL: httpd cannot be run, refuses the configuration, or has no
 *         module in it that answers
 */
apr_status_t iiifctl_rehearse(iiifctl_answer_t *answer, const char *httpd, const char *conf,
                              const char *url, iiif_err_t *err, apr_pool_t *pool);
#endif
