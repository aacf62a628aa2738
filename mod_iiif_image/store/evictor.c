/* SPDX-License-Identifier: Apache-2.0 */
#include "store/evictor.h"

#include <apr_signal.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>
#include <apr_time.h>

#include "store/derivative_bound.h"

#include "base/banned.h"

#define REST_AFTER_FAILURE apr_time_from_sec(10)

struct iiif_evictor_t {
    apr_thread_mutex_t *lock;
    int stop; /* set under the lock, read without it: atomic; the rest under the lock */
    int running;
    apr_thread_t *thread; /* NULL: none, or one that is joined */
    apr_pool_t *pool;     /* of the thread; made anew for each */
    const char *directory;
    apr_int64_t bound;
    apr_time_t failed; /* when; 0: it did not */
    apr_status_t rv;
    iiif_err_t err;
};

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *data)
{
    iiif_evictor_t *evictor = data;
    iiif_err_t err = { "" };
    apr_status_t rv;

    (void)thread;
    apr_setup_signal_thread();
    rv = iiif_bound_evict(evictor->directory, evictor->bound, &evictor->stop, &err);
    apr_thread_mutex_lock(evictor->lock);
    evictor->running = 0;
    evictor->rv = rv;
    evictor->err = err;
    evictor->failed = rv == APR_SUCCESS ? 0 : apr_time_now();
    apr_thread_mutex_unlock(evictor->lock);
    return NULL;
}

/* Of a thread that is at its end: it is not waited for long. */
static void join(iiif_evictor_t *evictor)
{
    apr_status_t ignored;

    if (evictor->thread)
        apr_thread_join(&ignored, evictor->thread);
    evictor->thread = NULL;
    if (evictor->pool)
        apr_pool_destroy(evictor->pool);
    evictor->pool = NULL;
}

static apr_status_t stop_and_join(void *data)
{
    iiif_evictor_t *evictor = data;

    apr_thread_mutex_lock(evictor->lock);
    __atomic_store_n(&evictor->stop, 1, __ATOMIC_RELAXED);
    apr_thread_mutex_unlock(evictor->lock);
    join(evictor);
    return APR_SUCCESS;
}

apr_status_t iiif_evictor_create(iiif_evictor_t **evictor, apr_pool_t *pool)
{
    iiif_evictor_t *made = apr_pcalloc(pool, sizeof(*made));
    apr_status_t rv = apr_thread_mutex_create(&made->lock, APR_THREAD_MUTEX_DEFAULT, pool);

    if (rv != APR_SUCCESS)
        return rv;
    apr_pool_cleanup_register(pool, made, stop_and_join, apr_pool_cleanup_null);
    *evictor = made;
    return APR_SUCCESS;
}

static apr_status_t start(iiif_evictor_t *evictor, const char *directory, apr_int64_t bound)
{
    apr_status_t rv;

    join(evictor);
    rv = apr_pool_create(&evictor->pool, NULL);
    if (rv != APR_SUCCESS)
        return rv;
    evictor->directory = directory;
    evictor->bound = bound;
    rv = apr_thread_create(&evictor->thread, NULL, run, evictor, evictor->pool);
    if (rv == APR_SUCCESS)
        evictor->running = 1;
    else
        evictor->thread = NULL;
    return rv;
}

apr_status_t iiif_evictor_start(iiif_evictor_t *evictor, const char *directory, apr_int64_t bound,
                                iiif_err_t *err)
{
    apr_status_t rv = APR_SUCCESS;

    apr_thread_mutex_lock(evictor->lock);
    if (!evictor->running && !evictor->stop) {
        rv = evictor->rv;
        *err = evictor->err;
        evictor->rv = APR_SUCCESS;
        if (!evictor->failed || apr_time_now() - evictor->failed > REST_AFTER_FAILURE) {
            apr_status_t started = start(evictor, directory, bound);

            if (started != APR_SUCCESS && rv == APR_SUCCESS)
                rv = iiif_fail(err, started, "no thread to remove derivatives from %s", directory);
        }
    }
    apr_thread_mutex_unlock(evictor->lock);
    return rv;
}
