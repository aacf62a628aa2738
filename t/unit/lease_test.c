/* SPDX-License-Identifier: Apache-2.0 */
#include "store/lease.h"

#include <apr_thread_proc.h>

#include "derivatives.h"

#define THREADS 8
#define ROUNDS  500

static int takes(apr_uint64_t hash, apr_pool_t *pool)
{
    iiif_lease_t *lease;
    apr_status_t rv = iiif_lease_open(&lease, directory, hash, pool);

    if (rv == APR_SUCCESS) {
        rv = iiif_lease_take(lease);
        iiif_lease_release(lease);
    }
    return rv == APR_SUCCESS ? 1 : rv == APR_EBUSY ? 0 : -1;
}

static void test_one(apr_pool_t *pool)
{
    iiif_lease_t *lease;
    apr_pool_t *request;

    apr_pool_create(&request, pool);
    ok(iiif_lease_open(&lease, directory, 7, request) == APR_SUCCESS && takes(7, pool) == 1,
       "who has opened a lease has not taken it");
    ok(iiif_lease_take(lease) == APR_SUCCESS, "it is taken");
    ok(takes(7, pool) == 0, "  by one alone, of one thread, too");
    ok(takes(8, pool) == 1 && takes(6, pool) == 1, "  others are others");
    ok(takes(7 | APR_UINT64_C(1) << 61, pool) == 1, "  by 62 bits");
    ok(takes(7 | APR_UINT64_C(3) << 62, pool) == 0, "  and no more");
    iiif_lease_release(lease);
    ok(takes(7, pool) == 1, "it is free when it is released");
    iiif_lease_open(&lease, directory, APR_UINT64_MAX, request);
    ok(iiif_lease_take(lease) == APR_SUCCESS, "of the largest hash, too");
    apr_pool_destroy(request);
    ok(takes(APR_UINT64_MAX, pool) == 1, "it ends with its pool");
    ok(takes(1, pool) == 1, "and the next");
}

static void test_successor(apr_pool_t *pool)
{
    iiif_lease_t *maker, *successor, *third;
    apr_pool_t *request;

    apr_pool_create(&request, pool);
    iiif_lease_open(&maker, directory, 7, request);
    iiif_lease_open(&successor, directory, 7, request);
    iiif_lease_open(&third, directory, 7, request);
    ok(iiif_lease_take(maker) == APR_SUCCESS && iiif_lease_take(successor) == APR_EBUSY,
       "while somebody has a lease");
    ok(iiif_lease_succeed(successor) == APR_SUCCESS, "  another can succeed");
    ok(iiif_lease_succeed(third) == APR_EBUSY, "  and only one");
    iiif_lease_release(maker);
    ok(iiif_lease_take(third) == APR_SUCCESS, "whoever takes it then has it");
    iiif_lease_release(third);
    iiif_lease_release(successor);
    ok(takes(7, pool) == 1 && takes(8, pool) == 1, "and both are free when they are released");
    apr_pool_destroy(request);
}

static int inside, together;

static void *APR_THREAD_FUNC use(apr_thread_t *thread, void *data)
{
    unsigned i, taken = 0;

    (void)thread;
    for (i = 0; i < ROUNDS; ++i) {
        apr_pool_t *request;
        iiif_lease_t *lease;

        apr_pool_create(&request, NULL);
        if (iiif_lease_open(&lease, directory, 42, request) == APR_SUCCESS) {
            while (iiif_lease_take(lease) == APR_EBUSY)
                apr_sleep(10);
            if (__atomic_fetch_add(&inside, 1, __ATOMIC_SEQ_CST))
                __atomic_add_fetch(&together, 1, __ATOMIC_SEQ_CST);
            ++taken;
            __atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
        }
        apr_pool_destroy(request);
    }
    *(unsigned *)data = taken;
    return NULL;
}

static void test_threads(apr_pool_t *pool)
{
    apr_thread_t *threads[THREADS];
    unsigned taken[THREADS], i, sum = 0;
    apr_status_t rv;

    for (i = 0; i < THREADS; ++i)
        apr_thread_create(&threads[i], NULL, use, &taken[i], pool);
    for (i = 0; i < THREADS; ++i) {
        apr_thread_join(&rv, threads[i]);
        sum += taken[i];
    }
    ok(!together && sum == THREADS * ROUNDS, "%u threads take it %u times, one at a time", THREADS,
       sum);
}

/* A process that has the lease, and says so. */
static pid_t hold(apr_uint64_t hash, apr_pool_t *pool)
{
    int said[2];
    char byte;
    pid_t child;

    if (pipe(said) || (child = fork()) < 0)
        exit(1);
    if (!child) {
        iiif_lease_t *lease;

        if (iiif_lease_open(&lease, directory, hash, pool) == APR_SUCCESS
            && iiif_lease_take(lease) == APR_SUCCESS && write(said[1], "", 1) == 1)
            pause();
        _exit(1);
    }
    close(said[1]);
    if (read(said[0], &byte, 1) != 1)
        exit(1);
    close(said[0]);
    return child;
}

static void test_processes(apr_pool_t *pool)
{
    pid_t child = hold(99, pool);

    ok(takes(99, pool) == 0, "what another process has is not to be had");
    ok(takes(98, pool) == 1, "  what it has not is");
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    ok(takes(99, pool) == 1, "when it is killed it is free");
}

int main(void)
{
    apr_pool_t *pool;
    iiif_lease_t *lease;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    make_directory();
    test_one(pool);
    test_successor(pool);
    test_threads(pool);
    test_processes(pool);
    ok(APR_STATUS_IS_ENOENT(iiif_lease_open(&lease, "/tmp/iiif-no-such-store", 1, pool)),
       "no store, no lease");
    remove_directory();
    apr_terminate();
    return done_testing();
}
