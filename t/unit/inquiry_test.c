/* SPDX-License-Identifier: Apache-2.0 */
#include "base/inquiry.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <string.h>
#include <unistd.h>

#include "base/lru.h"
#include "tap.h"

#define LONG  apr_time_from_sec(20)   /* nobody waits so long */
#define SHORT apr_time_from_msec(500) /* a thread has begun by then */

/* Whoever is asked: answers at once, fails, or does not answer before it is let. */
static int asked, fails, silent;

static apr_status_t answer(iiif_finding_t *finding, void *baton, iiif_err_t *err, apr_pool_t *pool)
{
    __atomic_add_fetch(&asked, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&silent, __ATOMIC_SEQ_CST))
        apr_sleep(1000);
    if (__atomic_load_n(&fails, __ATOMIC_SEQ_CST))
        return iiif_fail(err, IIIF_EDOWN, "it fails");
    finding->bytes = (unsigned char *)apr_pstrcat(pool, "of ", baton, NULL);
    finding->len = strlen((const char *)finding->bytes);
    finding->from = "there";
    return APR_SUCCESS;
}

static apr_status_t inquire(iiif_finding_t *finding, iiif_inquiries_t *all, const char *what,
                            apr_interval_time_t patience, apr_pool_t *pool)
{
    apr_pool_t *own = iiif_lru_pool();
    char *copy = apr_pstrdup(own, what);
    const iiif_inquiry_t inquiry = { (const unsigned char *)copy, strlen(copy), answer, copy, own };
    iiif_err_t err = { "" };

    return iiif_inquire(finding, all, &inquiry, patience, &err, pool);
}

static apr_status_t ask(iiif_inquiries_t *all, const char *what, apr_interval_time_t patience,
                        apr_pool_t *pool)
{
    iiif_finding_t finding;

    return inquire(&finding, all, what, patience, pool);
}

static int count_since(int *before)
{
    const int now = __atomic_load_n(&asked, __ATOMIC_SEQ_CST), since = now - *before;

    *before = now;
    return since;
}

static void test_answers(apr_pool_t *pool)
{
    iiif_finding_t finding = { NULL };
    iiif_inquiries_t *all;
    int i, good = 0;

    iiif_inquiries_create(&all, pool);
    ok(inquire(&finding, all, "maps", LONG, pool) == APR_SUCCESS && finding.len == 7
           && !memcmp(finding.bytes, "of maps", 7) && !strcmp(finding.from, "there")
           && !finding.joined,
       "who asks is answered");
    for (i = 0; i < 2000; ++i)
        good += ask(all, apr_psprintf(pool, "%d", i), LONG, pool) == APR_SUCCESS;
    ok(good == 2000, "again and again");
    ok(iiif_inquiries_are_well(all), "and all is well");
    ok(iiif_inquiries_end(all, LONG), "the threads end");
    ok(ask(all, "maps", LONG, pool) == APR_EAGAIN, "and then nobody is asked");
}

static void test_failure(apr_pool_t *pool)
{
    iiif_inquiries_t *all;
    int before = asked;

    iiif_inquiries_create(&all, pool);
    fails = 1;
    ok(ask(all, "a", LONG, pool) == IIIF_EDOWN, "a failure is told");
    ok(!iiif_inquiries_are_well(all), "and known");
    ok(ask(all, "b", LONG, pool) == APR_EAGAIN && count_since(&before) == 1,
       "for a moment nobody asks");
    apr_sleep(IIIF_INQUIRY_PAUSE + apr_time_from_msec(20));
    ok(ask(all, "c", LONG, pool) == IIIF_EDOWN && count_since(&before) == 1, "then one does");
    ok(ask(all, "d", LONG, pool) == APR_EAGAIN && count_since(&before) == 0, "and no other");
    fails = 0;
    apr_sleep(IIIF_INQUIRY_PAUSE + apr_time_from_msec(20));
    ok(ask(all, "e", LONG, pool) == APR_SUCCESS && ask(all, "f", LONG, pool) == APR_SUCCESS
           && count_since(&before) == 2,
       "until one is answered");
    iiif_inquiries_end(all, LONG);
}

static void test_silence(apr_pool_t *pool)
{
    iiif_inquiries_t *all;
    int before = asked, i, late = 0;

    iiif_inquiries_create(&all, pool);
    silent = 1;
    for (i = 0; i < IIIF_INQUIRY_THREADS; ++i) {
        late += ask(all, "the same", SHORT, pool) == APR_TIMEUP;
        apr_sleep(IIIF_INQUIRY_PAUSE + apr_time_from_msec(20));
    }
    ok(late == IIIF_INQUIRY_THREADS && count_since(&before) == IIIF_INQUIRY_THREADS,
       "nobody waits longer than it can; who comes later asks anew");
    ok(ask(all, "another", LONG, pool) == APR_EAGAIN && count_since(&before) == 0,
       "when all threads wait, nobody else does");
    ok(!iiif_inquiries_end(all, SHORT), "the end does not wait for them");
    ok(ask(all, "another", LONG, pool) == APR_EAGAIN, "and nobody asks then");
    __atomic_store_n(&silent, 0, __ATOMIC_SEQ_CST);
    ok(iiif_inquiries_end(all, LONG), "when they are answered they end");
}

static void test_recovery(apr_pool_t *pool)
{
    iiif_inquiries_t *all;
    apr_status_t rv;
    int before = asked;

    iiif_inquiries_create(&all, pool);
    silent = 1;
    rv = ask(all, "late", SHORT, pool);
    ok(rv == APR_TIMEUP && ask(all, "other", LONG, pool) == APR_EAGAIN, "silence is a failure");
    __atomic_store_n(&silent, 0, __ATOMIC_SEQ_CST);
    while (!iiif_inquiries_are_well(all))
        apr_sleep(1000);
    ok(ask(all, "other", LONG, pool) == APR_SUCCESS && count_since(&before) == 2,
       "an answer that comes late ends it");
    iiif_inquiries_end(all, LONG);
}

#define CLIENTS 32

typedef struct client_t {
    iiif_inquiries_t *all;
    apr_status_t rv;
    int joined, equal;
} client_t;

static void *APR_THREAD_FUNC client(apr_thread_t *thread, void *data)
{
    client_t *c = data;
    iiif_finding_t finding = { NULL };
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    c->rv = inquire(&finding, c->all, "one", LONG, pool);
    c->joined = finding.joined;
    c->equal = finding.len == 6 && !memcmp(finding.bytes, "of one", 6);
    apr_pool_destroy(pool);
    (void)thread;
    return NULL;
}

static void test_together(apr_pool_t *pool)
{
    apr_thread_t *threads[CLIENTS];
    client_t clients[CLIENTS];
    apr_status_t said;
    iiif_inquiries_t *all;
    int i, before = asked, good = 0, joined = 0;

    iiif_inquiries_create(&all, pool);
    silent = 1;
    for (i = 0; i < CLIENTS; ++i) {
        clients[i] = (client_t){ .all = all };
        apr_thread_create(&threads[i], NULL, client, &clients[i], pool);
    }
    apr_sleep(apr_time_from_msec(300)); /* time to come together */
    __atomic_store_n(&silent, 0, __ATOMIC_SEQ_CST);
    for (i = 0; i < CLIENTS; ++i) {
        apr_thread_join(&said, threads[i]);
        good += clients[i].rv == APR_SUCCESS && clients[i].equal;
        joined += clients[i].joined;
    }
    ok(good == CLIENTS, "all who ask the same are answered");
    ok(count_since(&before) == CLIENTS - joined && joined > 0, "%d waited for others' questions",
       joined);
    iiif_inquiries_end(all, LONG);
}

#define ROUNDS      50
#define THREADS_MAX (CLIENTS * ROUNDS)

/* Which threads were asked by, each once. */
static struct {
    pid_t ids[THREADS_MAX];
    int count;
    apr_thread_mutex_t *mutex;
} seen;

static apr_status_t note_thread(iiif_finding_t *finding, void *baton, iiif_err_t *err,
                                apr_pool_t *pool)
{
    const pid_t id = gettid();
    int i = 0;

    apr_thread_mutex_lock(seen.mutex);
    while (i < seen.count && seen.ids[i] != id)
        ++i;
    if (i == seen.count)
        seen.ids[seen.count++] = id;
    apr_thread_mutex_unlock(seen.mutex);
    (void)baton;
    (void)err;
    (void)pool;
    apr_sleep(1000); /* so that one thread is not enough */
    finding->bytes = (const unsigned char *)"";
    return APR_SUCCESS;
}

static void *APR_THREAD_FUNC ask_something(apr_thread_t *thread, void *data)
{
    client_t *c = data;
    apr_pool_t *own = iiif_lru_pool(), *pool;
    const iiif_inquiry_t inquiry = { apr_pmemdup(own, &c, sizeof(c)), sizeof(c), note_thread, NULL,
                                     own };
    iiif_finding_t finding;

    apr_pool_create(&pool, NULL);
    c->rv = iiif_inquire(&finding, c->all, &inquiry, LONG, NULL, pool);
    apr_pool_destroy(pool);
    (void)thread;
    return NULL;
}

/* A thread that is made takes memory which is only given back at the end. */
static void test_threads_stay(apr_pool_t *pool)
{
    apr_thread_t *threads[CLIENTS];
    client_t clients[CLIENTS];
    iiif_inquiries_t *all;
    apr_status_t said;
    int i, round, good = 0;

    iiif_inquiries_create(&all, pool);
    apr_thread_mutex_create(&seen.mutex, APR_THREAD_MUTEX_DEFAULT, pool);
    for (round = 0; round < ROUNDS; ++round) {
        for (i = 0; i < CLIENTS; ++i) {
            clients[i] = (client_t){ .all = all };
            apr_thread_create(&threads[i], NULL, ask_something, &clients[i], pool);
        }
        for (i = 0; i < CLIENTS; ++i) {
            apr_thread_join(&said, threads[i]);
            good += clients[i].rv == APR_SUCCESS;
        }
    }
    ok(good == CLIENTS * ROUNDS, "bursts of different questions are answered");
    ok(seen.count <= IIIF_INQUIRY_THREADS, "by the same threads: %d", seen.count);
    iiif_inquiries_end(all, LONG);
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_answers(pool);
    test_failure(pool);
    test_silence(pool);
    test_recovery(pool);
    test_together(pool);
    test_threads_stay(pool);
    apr_terminate();
    return done_testing();
}
