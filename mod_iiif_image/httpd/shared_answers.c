/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/shared_answers.h"

#include <ap_provider.h>
#include <ap_socache.h>
#include <apr_global_mutex.h>
#include <apr_strings.h>
#include <http_log.h>
#include <util_mutex.h>

#include "base/memo.h"
#include "httpd/log.h"

#include "base/banned.h"

#define MUTEX           "iiif-resolver"
#define CACHE           "iiif-resolver" /* at most 16 characters */
#define DEFAULT         "shmcb"
#define BYTES_AN_ANSWER 512 /* of shared memory, with what its tables need */
#define BYTES_MIN       65536

/* Made in post_config; read-only in children, but for the mutex, which each opens anew. */
struct iiif_shared_answers_t {
    const ap_socache_provider_t *provider;
    ap_socache_instance_t *instance;
    apr_global_mutex_t *mutex; /* NULL: the provider needs none */
    server_rec *server;
};

apr_status_t iiif_shared_answers_register(apr_pool_t *pconf)
{
    return ap_mutex_register(pconf, MUTEX, NULL, APR_LOCK_DEFAULT, 0);
}

/* The default's size goes by the number of entries, and then it wants a file's name, too. */
static const char *argument_of(const iiif_answers_conf_t *conf, apr_pool_t *pool)
{
    const apr_int64_t bytes = (apr_int64_t)conf->entries * BYTES_AN_ANSWER;

    if (conf->argument || (conf->provider && strcmp(conf->provider, DEFAULT)))
        return conf->argument;
    return apr_psprintf(pool, "%s(%" APR_INT64_T_FMT ")", ap_runtime_dir_relative(pool, CACHE),
                        bytes < BYTES_MIN ? BYTES_MIN : bytes);
}

/* NULL, or what is wrong. */
static const char *create(iiif_shared_answers_t *shared, const iiif_answers_conf_t *conf,
                          apr_pool_t *pconf, apr_pool_t *ptemp)
{
    static const struct ap_socache_hints hints = { IIIF_MEMO_KEY, BYTES_AN_ANSWER / 2,
                                                   APR_INT64_C(60000000) };
    const char *name = conf->provider ? conf->provider : DEFAULT, *complaint;

    shared->provider =
        ap_lookup_provider(AP_SOCACHE_PROVIDER_GROUP, name, AP_SOCACHE_PROVIDER_VERSION);
    if (!shared->provider)
        return apr_psprintf(ptemp, "mod_socache_%s is not loaded", name);
    complaint = shared->provider->create(&shared->instance, argument_of(conf, pconf), ptemp, pconf);
    if (complaint)
        return complaint;
    if ((shared->provider->flags & AP_SOCACHE_FLAG_NOTMPSAFE)
        && ap_global_mutex_create(&shared->mutex, NULL, MUTEX, NULL, shared->server, pconf, 0)
               != APR_SUCCESS)
        return "there is no mutex";
    if (shared->provider->init(shared->instance, CACHE, &hints, shared->server, pconf)
        != APR_SUCCESS)
        return "it does not start";
    return NULL;
}

static apr_status_t destroy(void *p)
{
    iiif_shared_answers_t *shared = p;

    shared->provider->destroy(shared->instance, shared->server);
    return APR_SUCCESS;
}

static int is_needed(const server_rec *s)
{
    int needed = 0;

    for (; s; s = s->next)
        needed |= iiif_server_settings(s)->asks_database;
    return needed;
}

void iiif_shared_answers_create(server_rec *s, apr_pool_t *pconf, apr_pool_t *ptemp)
{
    iiif_server_conf_t *conf = ap_get_module_config(s->module_config, &iiif_image_module);
    iiif_shared_answers_t *shared = apr_pcalloc(pconf, sizeof(*shared));
    const char *complaint;

    if (!conf->answers.entries || !is_needed(s))
        return;
    shared->server = s;
    complaint = create(shared, &conf->answers, pconf, ptemp);
    if (complaint) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                     IIIF_LOGNO(0021) "IIIFResolverCache: each process remembers on its own: %s",
                     complaint);
        return;
    }
    apr_pool_cleanup_register(pconf, shared, destroy, apr_pool_cleanup_null);
    conf->shared_answers = shared;
}

apr_status_t iiif_shared_answers_open(iiif_shared_answers_t *shared, apr_pool_t *pchild)
{
    if (!shared || !shared->mutex)
        return APR_SUCCESS;
    return apr_global_mutex_child_init(&shared->mutex, apr_global_mutex_lockfile(shared->mutex),
                                       pchild);
}

static int lock(iiif_shared_answers_t *shared)
{
    return !shared->mutex || apr_global_mutex_lock(shared->mutex) == APR_SUCCESS;
}

static void unlock(iiif_shared_answers_t *shared)
{
    if (shared->mutex)
        apr_global_mutex_unlock(shared->mutex);
}

const unsigned char *iiif_shared_answer_get(apr_size_t *len, iiif_shared_answers_t *shared,
                                            const unsigned char *key, apr_pool_t *pool)
{
    unsigned char *bytes = apr_palloc(pool, IIIF_ANSWER_MAX);
    unsigned length = IIIF_ANSWER_MAX;
    apr_status_t rv;

    if (!lock(shared))
        return NULL;
    rv = shared->provider->retrieve(shared->instance, shared->server, key, IIIF_MEMO_KEY, bytes,
                                    &length, pool);
    unlock(shared);
    *len = length;
    return rv == APR_SUCCESS ? bytes : NULL;
}

void iiif_shared_answer_put(iiif_shared_answers_t *shared, const unsigned char *key,
                            const unsigned char *bytes, apr_size_t len, apr_time_t until,
                            apr_pool_t *pool)
{
    if (len > IIIF_ANSWER_MAX || !lock(shared))
        return;
    shared->provider->store(shared->instance, shared->server, key, IIIF_MEMO_KEY, until,
                            apr_pmemdup(pool, bytes, len), (unsigned)len, pool);
    unlock(shared);
}
