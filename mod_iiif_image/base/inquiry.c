/* SPDX-License-Identifier: Apache-2.0 */
#include "base/inquiry.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_pool.h>
#include <apr_thread_proc.h>

#include "base/banned.h"

#define LOOK apr_time_from_msec(5) /* between two looks, at the end */

/* One question on its way. In the inquiry's own pool, which goes with the last who needs it. */
typedef struct under_way_t {
    iiif_inquiries_t *all;
    iiif_inquiry_t inquiry;
    apr_thread_cond_t *answered;
    unsigned waiting; /* who waits for it */
    int asking;       /* does a thread have it, or will have? */
    int begun, done;
    int listed;  /* may others wait for it, too? */
    int probe;   /* is it the one that is to see? */
    int overdue; /* somebody has lost patience */
    apr_status_t rv;
    iiif_err_t err;
    iiif_finding_t finding;
} under_way_t;

/* Everything behind the mutex, but for the last, which is atomic. */
struct iiif_inquiries_t {
    apr_pool_t *of_threads; /* nobody else's: to make a thread takes from it */
    apr_thread_mutex_t *mutex;
    apr_thread_pool_t *threads; /* NULL: none was needed yet */
    apr_hash_t *listed;         /* of under_way_t */
    apr_time_t paused_until;    /* 0: all is well */
    int probing;
    unsigned stuck;  /* threads that ask what nobody has patience for any more */
    unsigned asking; /* threads that ask */
    int ended;
};

apr_status_t iiif_inquiries_create(iiif_inquiries_t **inquiries, apr_pool_t *pool)
{
    iiif_inquiries_t *made = apr_pcalloc(pool, sizeof(*made));
    apr_status_t rv = apr_pool_create_unmanaged_ex(&made->of_threads, NULL, NULL);

    if (rv != APR_SUCCESS)
        return rv;
    made->listed = apr_hash_make(pool);
    *inquiries = made;
    return apr_thread_mutex_create(&made->mutex, APR_THREAD_MUTEX_DEFAULT, pool);
}

/* All below, but where it is said, are called with the mutex held. */

static void unlist(under_way_t *u)
{
    if (u->listed)
        apr_hash_set(u->all->listed, u->inquiry.key, (apr_ssize_t)u->inquiry.key_len, NULL);
    u->listed = 0;
}

static void has_failed(under_way_t *u)
{
    u->all->paused_until = apr_time_now() + IIIF_INQUIRY_PAUSE;
    if (u->probe)
        u->all->probing = 0;
    u->probe = 0;
}

static void has_succeeded(under_way_t *u)
{
    u->all->paused_until = 0;
    u->all->probing = 0;
    u->probe = 0;
}

/* The pool that is to be destroyed without the mutex, or NULL. */
static apr_pool_t *unneeded(const under_way_t *u)
{
    return u->waiting || u->asking ? NULL : u->inquiry.pool;
}

/* Without the mutex. */
static void destroy(apr_pool_t *pool)
{
    if (pool)
        apr_pool_destroy(pool);
}

static int begin(under_way_t *u)
{
    iiif_inquiries_t *all = u->all;

    apr_thread_mutex_lock(all->mutex);
    u->begun = u->waiting && !__atomic_load_n(&all->ended, __ATOMIC_SEQ_CST);
    all->asking += (unsigned)u->begun;
    apr_thread_mutex_unlock(all->mutex);
    return u->begun;
}

static apr_pool_t *end(under_way_t *u)
{
    iiif_inquiries_t *all = u->all;
    apr_pool_t *pool;

    apr_thread_mutex_lock(all->mutex);
    all->asking -= (unsigned)u->begun;
    if (u->begun && u->overdue)
        --all->stuck;
    if (u->begun && u->rv == APR_SUCCESS)
        has_succeeded(u);
    else if (u->begun)
        has_failed(u);
    unlist(u);
    u->done = 1;
    u->asking = 0;
    apr_thread_cond_broadcast(u->answered);
    pool = unneeded(u);
    apr_thread_mutex_unlock(all->mutex);
    return pool;
}

/* In a thread of ours. */
static void *APR_THREAD_FUNC ask(apr_thread_t *thread, void *data)
{
    under_way_t *u = data;

    (void)thread;
    apr_setup_signal_thread(); /* signals are for the threads of the server */
    if (begin(u))
        u->rv = u->inquiry.ask(&u->finding, u->inquiry.baton, &u->err, u->inquiry.pool);
    destroy(end(u));
    return NULL;
}

static apr_status_t make_threads(iiif_inquiries_t *all)
{
    apr_status_t rv;

    if (all->threads)
        return APR_SUCCESS;
    rv = apr_thread_pool_create(&all->threads, 0, IIIF_INQUIRY_THREADS, all->of_threads);
    if (rv == APR_SUCCESS) /* each that is made takes from of_threads, which never gets it back */
        apr_thread_pool_idle_max_set(all->threads, IIIF_INQUIRY_THREADS);
    return rv;
}

static apr_status_t start(under_way_t **out, iiif_inquiries_t *all, const iiif_inquiry_t *inquiry)
{
    under_way_t *u = apr_pcalloc(inquiry->pool, sizeof(*u));
    apr_status_t rv = make_threads(all);

    *u = (under_way_t){ .all = all, .inquiry = *inquiry, .rv = APR_EAGAIN };
    if (rv == APR_SUCCESS)
        rv = apr_thread_cond_create(&u->answered, inquiry->pool);
    if (rv == APR_SUCCESS)
        rv = apr_thread_pool_push(all->threads, ask, u, APR_THREAD_TASK_PRIORITY_NORMAL, all);
    if (rv != APR_SUCCESS)
        return rv;
    u->asking = u->listed = 1;
    u->probe = all->paused_until != 0;
    all->probing |= u->probe;
    apr_hash_set(all->listed, inquiry->key, (apr_ssize_t)inquiry->key_len, u);
    *out = u;
    return APR_SUCCESS;
}

static int may_ask(const iiif_inquiries_t *all)
{
    return !__atomic_load_n(&all->ended, __ATOMIC_SEQ_CST) && all->stuck < IIIF_INQUIRY_THREADS
           && (!all->paused_until || (!all->probing && apr_time_now() >= all->paused_until));
}

static apr_status_t join(under_way_t **u, iiif_inquiries_t *all, const iiif_inquiry_t *inquiry)
{
    apr_status_t rv = APR_SUCCESS;

    if (!may_ask(all))
        return APR_EAGAIN;
    *u = apr_hash_get(all->listed, inquiry->key, (apr_ssize_t)inquiry->key_len);
    if (!*u)
        rv = start(u, all, inquiry);
    if (rv == APR_SUCCESS)
        ++(*u)->waiting;
    return rv;
}

/* Who comes next does not wait for it again, but asks anew. */
static void lose_patience(under_way_t *u)
{
    if (!u->overdue && u->begun)
        ++u->all->stuck;
    u->overdue |= u->begun;
    unlist(u);
    has_failed(u);
}

static apr_status_t wait_for(iiif_finding_t *finding, under_way_t *u, apr_interval_time_t patience,
                             iiif_err_t *err, apr_pool_t *pool)
{
    const apr_time_t deadline = apr_time_now() + patience;
    apr_interval_time_t left = patience;

    while (!u->done && left > 0) {
        apr_thread_cond_timedwait(u->answered, u->all->mutex, left);
        left = deadline - apr_time_now();
    }
    if (!u->done) {
        lose_patience(u);
        return iiif_fail(err, APR_TIMEUP, "there was no answer within %" APR_TIME_T_FMT " ms",
                         apr_time_as_msec(patience));
    }
    if (u->rv != APR_SUCCESS)
        return iiif_fail(err, u->rv, "%s", u->err.text);
    *finding = u->finding;
    finding->bytes = apr_pmemdup(pool, u->finding.bytes, u->finding.len);
    return APR_SUCCESS;
}

/* The same question may have been on its way, and what was to be asked is then not needed. */
apr_status_t iiif_inquire(iiif_finding_t *finding, iiif_inquiries_t *inquiries,
                          const iiif_inquiry_t *inquiry, apr_interval_time_t patience,
                          iiif_err_t *err, apr_pool_t *pool)
{
    apr_pool_t *own = inquiry->pool, *other = NULL;
    under_way_t *u = NULL;
    apr_status_t rv;

    apr_thread_mutex_lock(inquiries->mutex);
    rv = join(&u, inquiries, inquiry);
    if (rv == APR_SUCCESS) {
        const int joined = u->inquiry.pool != own;

        if (!joined)
            own = NULL;
        rv = wait_for(finding, u, patience, err, pool);
        finding->joined = joined;
        --u->waiting;
        other = unneeded(u);
    }
    else
        iiif_fail(err, rv, "it was not asked: it has not answered a moment ago");
    apr_thread_mutex_unlock(inquiries->mutex);
    destroy(other);
    destroy(own);
    return rv;
}

/* The threads, which are then nobody's; false: one asks, or the mutex cannot be had, as in a
 * signal's handler. */
static int take_threads(apr_thread_pool_t **threads, iiif_inquiries_t *all)
{
    int idle;

    if (apr_thread_mutex_trylock(all->mutex) != APR_SUCCESS)
        return 0;
    idle = !all->asking;
    if (idle) {
        *threads = all->threads;
        all->threads = NULL;
    }
    apr_thread_mutex_unlock(all->mutex);
    return idle;
}

int iiif_inquiries_end(iiif_inquiries_t *inquiries, apr_interval_time_t patience)
{
    const apr_time_t deadline = apr_time_now() + patience;
    apr_thread_pool_t *threads = NULL;

    __atomic_store_n(&inquiries->ended, 1, __ATOMIC_SEQ_CST);
    while (!take_threads(&threads, inquiries)) {
        if (apr_time_now() >= deadline)
            return 0;
        apr_sleep(LOOK);
    }
    if (threads)
        apr_thread_pool_destroy(threads);
    apr_pool_destroy(inquiries->of_threads);
    return 1;
}

int iiif_inquiries_are_well(iiif_inquiries_t *inquiries)
{
    int well;

    apr_thread_mutex_lock(inquiries->mutex);
    well = !inquiries->paused_until && !inquiries->stuck;
    apr_thread_mutex_unlock(inquiries->mutex);
    return well;
}
