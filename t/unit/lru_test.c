/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lru.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <string.h>

#include "tap.h"

static const iiif_stamp_t first = { 1, 2, 100, 7, 1 };

static unsigned destroyed;

static apr_status_t count_destroyed(void *data)
{
    (void)data;
    __atomic_add_fetch(&destroyed, 1, __ATOMIC_RELAXED);
    return APR_SUCCESS;
}

static void put(iiif_lru_t *lru, const char *name, apr_size_t bytes, apr_pool_t *pool)
{
    apr_pool_t *owner = iiif_lru_pool();
    iiif_lru_value_t value = { apr_pstrdup(owner, name), bytes, 1, owner };

    apr_pool_cleanup_register(owner, NULL, count_destroyed, apr_pool_cleanup_null);
    iiif_lru_put(lru, name, &first, &value, pool);
}

static const char *get(iiif_lru_t *lru, const char *name, apr_pool_t *pool)
{
    return iiif_lru_get(lru, name, &first, pool);
}

static void test_stamps(apr_pool_t *pool)
{
    static const struct {
        const char *what;
        iiif_stamp_t stamp;
    } others[] = { { "time", { 2, 2, 100, 7, 1 } },
                   { "time of change", { 1, 3, 100, 7, 1 } },
                   { "size", { 1, 2, 101, 7, 1 } },
                   { "inode", { 1, 2, 100, 8, 1 } },
                   { "device", { 1, 2, 100, 7, 2 } } };
    iiif_lru_t *lru;
    unsigned i;

    iiif_lru_create(&lru, 100, 10, pool);
    for (i = 0; i < ROWS(others); ++i) {
        put(lru, "map", 10, pool);
        ok(get(lru, "map", pool), "what was put is found");
        ok(!iiif_lru_get(lru, "map", &others[i].stamp, pool), "another %s is another file",
           others[i].what);
        ok(!get(lru, "map", pool), "and the old one is forgotten");
    }
}

static void test_bounds(apr_pool_t *pool)
{
    apr_pool_t *request;
    apr_size_t bytes;
    unsigned files;
    iiif_lru_t *lru;

    destroyed = 0;
    apr_pool_create(&request, pool);
    iiif_lru_create(&lru, 100, 3, pool);
    put(lru, "a", 40, request);
    put(lru, "b", 40, request);
    get(lru, "a", request);
    put(lru, "c", 40, request);
    ok(get(lru, "a", request) && get(lru, "c", request) && !get(lru, "b", request),
       "beyond the bytes, the least recently used goes");
    ok(!destroyed, "who holds it, keeps it");
    apr_pool_clear(request);
    ok(destroyed == 1, "and it goes with its holder");
    put(lru, "d", 1, request);
    put(lru, "e", 1, request);
    iiif_lru_usage(lru, &bytes, &files);
    ok(files == 3 && bytes == 42, "beyond the number of files, too");
    put(lru, "huge", 101, request);
    iiif_lru_usage(lru, &bytes, &files);
    ok(files == 3 && !get(lru, "huge", request), "one heavier than all is not remembered");
    apr_pool_clear(request);
    ok(destroyed == 3, "but held as long as it is used");
    put(lru, "d", 5, request);
    apr_pool_clear(request);
    iiif_lru_usage(lru, &bytes, &files);
    ok(files == 3 && bytes == 46 && destroyed == 4, "a second one replaces the first");
    apr_pool_destroy(request);
}

#define THREADS 8
#define ROUNDS  20000

static unsigned mistaken;

static void *APR_THREAD_FUNC use(apr_thread_t *thread, void *data)
{
    apr_pool_t *request;
    unsigned i, seed = (unsigned)(apr_uintptr_t)&request;

    apr_pool_create(&request, NULL);
    for (i = 0; i < ROUNDS; ++i) {
        char name[2] = { (char)('a' + (seed = seed * 1103515245 + 12345) / 65536 % 12), '\0' };
        const char *found = get(data, name, request);

        if (!found)
            put(data, name, 10, request);
        else if (strcmp(found, name))
            __atomic_add_fetch(&mistaken, 1, __ATOMIC_RELAXED);
        if (i % 3 == 0)
            apr_pool_clear(request);
    }
    apr_pool_destroy(request);
    (void)thread;
    return NULL;
}

static void test_threads(apr_pool_t *pool)
{
    apr_thread_t *threads[THREADS];
    apr_status_t said;
    apr_size_t bytes;
    unsigned i, files;
    iiif_lru_t *lru;

    iiif_lru_create(&lru, 60, 100, pool);
    for (i = 0; i < THREADS; ++i)
        apr_thread_create(&threads[i], NULL, use, lru, pool);
    for (i = 0; i < THREADS; ++i)
        apr_thread_join(&said, threads[i]);
    iiif_lru_usage(lru, &bytes, &files);
    ok(!mistaken, "threads find what they ask for");
    ok(bytes <= 60 && files == bytes / 10, "and the bounds hold: %u values", files);
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_stamps(pool);
    test_bounds(pool);
    test_threads(pool);
    destroyed = 0;
    apr_pool_destroy(pool);
    ok(destroyed > 0, "what is still remembered goes with its pool");
    return done_testing();
}
