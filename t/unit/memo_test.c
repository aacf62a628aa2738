/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memo.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <string.h>

#include "tap.h"

static const unsigned char *key(unsigned char n)
{
    static __thread unsigned char bytes[IIIF_MEMO_KEY];

    memset(bytes, 0, sizeof(bytes));
    bytes[IIIF_MEMO_KEY - 1] = n;
    return bytes;
}

static void put(iiif_memo_t *memo, unsigned char n, const char *text)
{
    iiif_memo_put(memo, key(n), (const unsigned char *)text, strlen(text));
}

/* Is it what was put? NULL: is nothing there? */
static int has(iiif_memo_t *memo, unsigned char n, const char *text, apr_pool_t *pool)
{
    apr_size_t len = 0;
    const unsigned char *found = iiif_memo_get(&len, memo, key(n), pool);

    return text ? found && len == strlen(text) && !memcmp(found, text, len) : !found;
}

static void test_bounds(apr_pool_t *pool)
{
    iiif_memo_t *memo;

    iiif_memo_create(&memo, 3, pool);
    ok(has(memo, 1, NULL, pool), "nothing is there at first");
    put(memo, 1, "one");
    put(memo, 2, "");
    put(memo, 3, "three");
    ok(has(memo, 1, "one", pool) && has(memo, 2, "", pool) && has(memo, 3, "three", pool),
       "what was put is there");
    put(memo, 1, "another");
    ok(has(memo, 1, "another", pool), "and may be replaced");
    has(memo, 2, "", pool);
    put(memo, 4, "four");
    ok(has(memo, 3, NULL, pool), "the one that was not used for longest goes");
    ok(has(memo, 1, "another", pool) && has(memo, 2, "", pool) && has(memo, 4, "four", pool),
       "the others stay");
    iiif_memo_create(&memo, 0, pool);
    put(memo, 1, "one");
    ok(has(memo, 1, NULL, pool), "of none, none is kept");
}

#define THREADS 4
#define ROUNDS  20000

static unsigned mistaken;

static void *APR_THREAD_FUNC use(apr_thread_t *thread, void *memo)
{
    apr_pool_t *pool;
    unsigned i;

    apr_pool_create(&pool, NULL);
    for (i = 0; i < ROUNDS; ++i) {
        const unsigned char n = (unsigned char)(i * 7 % 13);
        const char *text = apr_psprintf(pool, "%u", n);
        const unsigned char *found;
        apr_size_t len = 0;

        put(memo, n, text);
        found = iiif_memo_get(&len, memo, key(n), pool);
        if (found && (len != strlen(text) || memcmp(found, text, len)))
            __atomic_add_fetch(&mistaken, 1, __ATOMIC_RELAXED);
        apr_pool_clear(pool);
    }
    apr_pool_destroy(pool);
    (void)thread;
    return NULL;
}

static void test_threads(apr_pool_t *pool)
{
    apr_thread_t *threads[THREADS];
    apr_status_t said;
    iiif_memo_t *memo;
    unsigned i;

    iiif_memo_create(&memo, 5, pool);
    for (i = 0; i < THREADS; ++i)
        apr_thread_create(&threads[i], NULL, use, memo, pool);
    for (i = 0; i < THREADS; ++i)
        apr_thread_join(&said, threads[i]);
    ok(!mistaken, "threads find what was put under a key, or nothing");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_bounds(pool);
    test_threads(pool);
    apr_terminate();
    return done_testing();
}
