/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memo.h"

#include <apr_hash.h>
#include <apr_ring.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

typedef struct note_t note_t;

struct note_t {
    APR_RING_ENTRY(note_t) link;
    unsigned char key[IIIF_MEMO_KEY];
    apr_size_t len;
    unsigned char bytes[];
};

/* Everything behind the mutex. */
struct iiif_memo_t {
    apr_thread_mutex_t *mutex;
    apr_hash_t *notes;
    APR_RING_HEAD(notes_ring_t, note_t) ring; /* the most recently used first */
    unsigned max;
};

/* The two below are called with the mutex held. */

static void forget(iiif_memo_t *memo, note_t *note)
{
    apr_hash_set(memo->notes, note->key, IIIF_MEMO_KEY, NULL);
    APR_RING_REMOVE(note, link);
    free(note);
}

static void keep(iiif_memo_t *memo, note_t *note)
{
    note_t *before = apr_hash_get(memo->notes, note->key, IIIF_MEMO_KEY);

    if (before)
        forget(memo, before);
    apr_hash_set(memo->notes, note->key, IIIF_MEMO_KEY, note);
    APR_RING_INSERT_HEAD(&memo->ring, note, note_t, link);
    if (apr_hash_count(memo->notes) > memo->max)
        forget(memo, APR_RING_LAST(&memo->ring));
}

static apr_status_t forget_all(void *data)
{
    iiif_memo_t *memo = data;

    while (!APR_RING_EMPTY(&memo->ring, note_t, link))
        forget(memo, APR_RING_FIRST(&memo->ring));
    return APR_SUCCESS;
}

apr_status_t iiif_memo_create(iiif_memo_t **memo, unsigned max, apr_pool_t *pool)
{
    iiif_memo_t *made = apr_pcalloc(pool, sizeof(*made));
    apr_status_t rv = apr_thread_mutex_create(&made->mutex, APR_THREAD_MUTEX_DEFAULT, pool);

    if (rv != APR_SUCCESS)
        return rv;
    made->notes = apr_hash_make(pool);
    APR_RING_INIT(&made->ring, note_t, link);
    made->max = max;
    apr_pool_cleanup_register(pool, made, forget_all, apr_pool_cleanup_null);
    *memo = made;
    return APR_SUCCESS;
}

const unsigned char *iiif_memo_get(apr_size_t *len, iiif_memo_t *memo, const unsigned char *key,
                                   apr_pool_t *pool)
{
    unsigned char *bytes = NULL;
    note_t *note;

    apr_thread_mutex_lock(memo->mutex);
    note = apr_hash_get(memo->notes, key, IIIF_MEMO_KEY);
    if (note) {
        APR_RING_REMOVE(note, link);
        APR_RING_INSERT_HEAD(&memo->ring, note, note_t, link);
        bytes = apr_pmemdup(pool, note->bytes, note->len);
        *len = note->len;
    }
    apr_thread_mutex_unlock(memo->mutex);
    return bytes;
}

void iiif_memo_put(iiif_memo_t *memo, const unsigned char *key, const unsigned char *bytes,
                   apr_size_t len)
{
    note_t *note = memo->max ? malloc(sizeof(*note) + len) : NULL;

    if (!note)
        return;
    memcpy(note->key, key, IIIF_MEMO_KEY);
    memcpy(note->bytes, bytes, len);
    note->len = len;
    apr_thread_mutex_lock(memo->mutex);
    keep(memo, note);
    apr_thread_mutex_unlock(memo->mutex);
}
