/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lru.h"

#include <apr_hash.h>
#include <apr_ring.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>

#include "base/banned.h"

typedef struct entry_t entry_t;

/* Lives in its value's pool, and goes with it. */
struct entry_t {
    APR_RING_ENTRY(entry_t) link;
    iiif_lru_t *lru;
    const char *name;
    iiif_stamp_t stamp;
    iiif_lru_value_t value;
    unsigned holders; /* pools that hold it */
    int remembered;   /* in the table and the ring? */
};

/* Everything behind the mutex. */
struct iiif_lru_t {
    apr_thread_mutex_t *mutex;
    apr_hash_t *entries;
    APR_RING_HEAD(ring_t, entry_t) ring; /* the most recently used first */
    apr_size_t bytes, max_bytes;
    unsigned files, max_files;
};

/* The three below are called with the mutex held. What they hand out is destroyed without it. */

static void forget(entry_t *entry)
{
    iiif_lru_t *lru = entry->lru;

    apr_hash_set(lru->entries, entry->name, APR_HASH_KEY_STRING, NULL);
    APR_RING_REMOVE(entry, link);
    lru->bytes -= entry->value.bytes;
    lru->files -= entry->value.files;
    entry->remembered = 0;
}

static void remember(entry_t *entry)
{
    iiif_lru_t *lru = entry->lru;

    apr_hash_set(lru->entries, entry->name, APR_HASH_KEY_STRING, entry);
    APR_RING_INSERT_HEAD(&lru->ring, entry, entry_t, link);
    lru->bytes += entry->value.bytes;
    lru->files += entry->value.files;
    entry->remembered = 1;
}

/* The pool of an entry that nobody needs any more, else NULL. */
static apr_pool_t *unneeded(const entry_t *entry)
{
    return entry->holders || entry->remembered ? NULL : entry->value.owner;
}

static void destroy(apr_pool_t *owner)
{
    if (owner)
        apr_pool_destroy(owner);
}

static apr_status_t release(void *held)
{
    entry_t *entry = held;
    iiif_lru_t *lru = entry->lru;
    apr_pool_t *owner;

    apr_thread_mutex_lock(lru->mutex);
    --entry->holders;
    owner = unneeded(entry);
    apr_thread_mutex_unlock(lru->mutex);
    destroy(owner);
    return APR_SUCCESS;
}

static apr_status_t forget_all(void *data)
{
    iiif_lru_t *lru = data;

    while (!APR_RING_EMPTY(&lru->ring, entry_t, link)) {
        entry_t *entry = APR_RING_FIRST(&lru->ring);

        forget(entry);
        destroy(unneeded(entry));
    }
    return APR_SUCCESS;
}

apr_status_t iiif_lru_create(iiif_lru_t **lru, apr_size_t max_bytes, unsigned max_files,
                             apr_pool_t *pool)
{
    iiif_lru_t *made = apr_pcalloc(pool, sizeof(*made));
    apr_status_t rv = apr_thread_mutex_create(&made->mutex, APR_THREAD_MUTEX_DEFAULT, pool);

    if (rv != APR_SUCCESS)
        return rv;
    made->entries = apr_hash_make(pool);
    APR_RING_INIT(&made->ring, entry_t, link);
    made->max_bytes = max_bytes;
    made->max_files = max_files;
    apr_pool_pre_cleanup_register(pool, made, forget_all);
    *lru = made;
    return APR_SUCCESS;
}

apr_pool_t *iiif_lru_pool(void)
{
    apr_allocator_t *allocator;
    apr_pool_t *pool = NULL;

    /* the global allocator would keep what a large value took */
    if (apr_allocator_create(&allocator) != APR_SUCCESS)
        return NULL;
    if (apr_pool_create_ex(&pool, NULL, NULL, allocator) != APR_SUCCESS) {
        apr_allocator_destroy(allocator);
        return NULL;
    }
    apr_allocator_owner_set(allocator, pool);
    return pool;
}

const void *iiif_lru_get(iiif_lru_t *lru, const char *name, const iiif_stamp_t *stamp,
                         apr_pool_t *pool)
{
    apr_pool_t *owner = NULL;
    entry_t *entry;

    apr_thread_mutex_lock(lru->mutex);
    entry = apr_hash_get(lru->entries, name, APR_HASH_KEY_STRING);
    if (entry && !iiif_stamp_equal(&entry->stamp, stamp)) {
        forget(entry);
        owner = unneeded(entry);
        entry = NULL;
    }
    else if (entry) {
        ++entry->holders;
        APR_RING_REMOVE(entry, link);
        APR_RING_INSERT_HEAD(&lru->ring, entry, entry_t, link);
    }
    apr_thread_mutex_unlock(lru->mutex);
    destroy(owner);
    if (!entry)
        return NULL;
    apr_pool_cleanup_register(pool, entry, release, apr_pool_cleanup_null);
    return entry->value.value;
}

/* Make room: takes one entry out and says which pool is to be destroyed, until all is in bounds. */
static int evict_one(iiif_lru_t *lru, apr_pool_t **owner)
{
    entry_t *last;

    *owner = NULL;
    apr_thread_mutex_lock(lru->mutex);
    last = APR_RING_LAST(&lru->ring);
    if (lru->bytes <= lru->max_bytes && lru->files <= lru->max_files)
        last = NULL;
    if (last) {
        forget(last);
        *owner = unneeded(last);
    }
    apr_thread_mutex_unlock(lru->mutex);
    return last != NULL;
}

void iiif_lru_put(iiif_lru_t *lru, const char *name, const iiif_stamp_t *stamp,
                  const iiif_lru_value_t *value, apr_pool_t *pool)
{
    entry_t *entry = apr_pcalloc(value->owner, sizeof(*entry)), *before;
    apr_pool_t *owner = NULL;

    entry->lru = lru;
    entry->name = apr_pstrdup(value->owner, name);
    entry->stamp = *stamp;
    entry->value = *value;
    entry->holders = 1;
    apr_pool_cleanup_register(pool, entry, release, apr_pool_cleanup_null);
    if (value->bytes > lru->max_bytes)
        return;
    apr_thread_mutex_lock(lru->mutex);
    before = apr_hash_get(lru->entries, name, APR_HASH_KEY_STRING);
    if (before) {
        forget(before);
        owner = unneeded(before);
    }
    remember(entry);
    apr_thread_mutex_unlock(lru->mutex);
    destroy(owner);
    while (evict_one(lru, &owner))
        destroy(owner);
}

void iiif_lru_usage(iiif_lru_t *lru, apr_size_t *bytes, unsigned *files)
{
    apr_thread_mutex_lock(lru->mutex);
    *bytes = lru->bytes;
    *files = lru->files;
    apr_thread_mutex_unlock(lru->mutex);
}
