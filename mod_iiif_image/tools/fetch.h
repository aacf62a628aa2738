/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TOOLS_FETCH_H
#define IIIF_TOOLS_FETCH_H
/**
 * @file fetch.h
 * @brief Answers of HTTP servers, by libcurl: redirects are followed, connections are kept.
 */
#include <apr_pools.h>
#include <apr_time.h>

#include "base/err.h"
#include "image/render.h"

typedef struct iiifctl_fetch_t iiifctl_fetch_t;

/** What a server has answered in the end. In the pool of the call. */
typedef struct iiifctl_answer_t {
    long status;      /**< 0: there was no answer, */
    const char *lost; /**< and this is why; else NULL */
    const char *type; /**< media type, in lower case, without parameters; "": none was told */
    long redirects;
    apr_time_t time;   /**< from the first request to the last byte */
    iiif_bytes_t body; /**< with a NUL behind it */
} iiifctl_answer_t;

/** Begin. @param seconds that one answer may take. @return NULL: libcurl cannot be started */
iiifctl_fetch_t *iiifctl_fetch_begin(long seconds, apr_pool_t *pool);

/** Ask for @a url by GET. */
iiifctl_answer_t iiifctl_fetch(iiifctl_fetch_t *fetch, const char *url, apr_pool_t *pool);

/** One segment of a path, percent-encoded. */
const char *iiifctl_fetch_escape(const iiifctl_fetch_t *fetch, const char *segment,
                                 apr_pool_t *pool);
#endif
