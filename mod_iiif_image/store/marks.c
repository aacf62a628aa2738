/* SPDX-License-Identifier: Apache-2.0 */
#include "store/marks.h"

#include "base/banned.h"

#define AGAIN 1u /* the lowest bit; the others are of the hash, and never all zero */

static apr_uint32_t tag_of(apr_uint64_t hash)
{
    return ((apr_uint32_t)(hash >> 32) | 2u) & ~AGAIN;
}

int iiif_marks_ask(iiif_marks_t *marks, apr_uint64_t hash)
{
    apr_uint32_t *place = &marks->places[hash % IIIF_MARKS], tag = tag_of(hash), before = 0;

    /* first or again: whoever comes between makes the exchange fail, and is looked at */
    while (!__atomic_compare_exchange_n(place, &before,
                                        (before & ~AGAIN) == tag ? tag | AGAIN : tag, 0,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        continue;
    return (before & ~AGAIN) == tag;
}

int iiif_marks_asked_again(const iiif_marks_t *marks, apr_uint64_t hash)
{
    return __atomic_load_n(&marks->places[hash % IIIF_MARKS], __ATOMIC_RELAXED)
           == (tag_of(hash) | AGAIN);
}
