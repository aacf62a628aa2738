/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/warned.h"

#include <http_log.h>

#include "base/hash.h"
#include "httpd/log.h"
#include "httpd/shared_memory.h"
#include "plan/plan.h"

#include "base/banned.h"

#define SLOTS 4096 /* files remembered; where two meet, one may be said twice */

/* One word a file and its content, atomic; shared by all children. Written before they are forked.
 */
static apr_uint64_t *warned;

apr_status_t iiif_warned_create(apr_pool_t *pconf)
{
    void *memory;
    apr_status_t rv = iiif_shared_memory_create(&memory, SLOTS * sizeof(*warned), pconf);

    warned = memory;
    return rv;
}

/* Never 0. */
static apr_uint64_t hash_of(const char *text, apr_uint64_t seed)
{
    apr_uint64_t hash = iiif_hash_text(IIIF_HASH_EMPTY ^ seed, text);

    return hash ? hash : 1;
}

/* Is this the first time that anybody says so? */
static int is_news(apr_uint64_t place, apr_uint64_t hash)
{
    return !warned || __atomic_exchange_n(&warned[place % SLOTS], hash, __ATOMIC_RELAXED) != hash;
}

int iiif_is_due(const char *what)
{
    apr_uint64_t minute = (apr_uint64_t)(apr_time_now() / apr_time_from_sec(60));

    return is_news(hash_of(what, 0), hash_of(what, minute));
}

void iiif_warn_of_refusals(request_rec *r, const apr_array_header_t *refusals)
{
    int i;

    for (i = 0; refusals && i < refusals->nelts; ++i) {
        const iiif_plan_refusal_t *refusal = &APR_ARRAY_IDX(refusals, i, iiif_plan_refusal_t);

        apr_uint64_t hash = hash_of(refusal->path, (apr_uint64_t)refusal->stamp.mtime);

        if (is_news(hash, hash))
            ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                          IIIF_LOGNO(0008) "%s is not used for %s: %s", refusal->path, r->filename,
                          refusal->reason);
    }
}
