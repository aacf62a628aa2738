/* SPDX-License-Identifier: Apache-2.0 */
#include "store/marks.h"

#include "base/banned.h"

/* A word: the upper 30 bits are of the hash, and never all zero. */
#define AGAIN    1u
#define GIVEN_UP 2u
#define TAG      (~(AGAIN | GIVEN_UP))

static apr_uint32_t tag_of(apr_uint64_t hash)
{
    return ((apr_uint32_t)(hash >> 32) | 4u) & TAG;
}

int iiif_marks_ask(iiif_marks_t *marks, apr_uint64_t hash)
{
    apr_uint32_t *place = &marks->places[hash % IIIF_MARKS], tag = tag_of(hash), before = 0;

    /* whoever comes between makes the exchange fail, and is looked at */
    while (!__atomic_compare_exchange_n(place, &before,
                                        (before & TAG) == tag ? before | AGAIN : tag, 0,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        continue;
    return (before & TAG) == tag;
}

static apr_uint32_t mark_of(const iiif_marks_t *marks, apr_uint64_t hash)
{
    apr_uint32_t mark = __atomic_load_n(&marks->places[hash % IIIF_MARKS], __ATOMIC_RELAXED);

    return (mark & TAG) == tag_of(hash) ? mark : 0;
}

int iiif_marks_asked_again(const iiif_marks_t *marks, apr_uint64_t hash)
{
    return (mark_of(marks, hash) & AGAIN) != 0;
}

static void set_mark(iiif_marks_t *marks, apr_uint64_t hash, apr_uint32_t what)
{
    __atomic_store_n(&marks->places[hash % IIIF_MARKS], tag_of(hash) | what, __ATOMIC_RELAXED);
}

void iiif_marks_give_up(iiif_marks_t *marks, apr_uint64_t hash)
{
    set_mark(marks, hash, AGAIN | GIVEN_UP);
}

void iiif_marks_hope(iiif_marks_t *marks, apr_uint64_t hash)
{
    set_mark(marks, hash, AGAIN);
}

int iiif_marks_given_up(const iiif_marks_t *marks, apr_uint64_t hash)
{
    return (mark_of(marks, hash) & GIVEN_UP) != 0;
}
