/* SPDX-License-Identifier: Apache-2.0 */
#include "store/marks.h"

#include <string.h>

#include "tap.h"

static iiif_marks_t marks;

static const apr_uint64_t hashes[] = {
    0, 1, 65535, 65536, APR_UINT64_C(0x123456789abcdef0), APR_UINT64_MAX
};

static void test_one(apr_uint64_t hash)
{
    memset(&marks, 0, sizeof(marks));
    ok(!iiif_marks_asked_again(&marks, hash) && !iiif_marks_given_up(&marks, hash),
       "%llx: nothing is known", (unsigned long long)hash);
    ok(!iiif_marks_ask(&marks, hash), "  the first who asks");
    ok(!iiif_marks_asked_again(&marks, hash), "  is one");
    ok(iiif_marks_ask(&marks, hash) && iiif_marks_asked_again(&marks, hash), "  then two");
    ok(iiif_marks_ask(&marks, hash) && iiif_marks_asked_again(&marks, hash), "  then more");
    ok(!iiif_marks_given_up(&marks, hash), "  who all hope");
    iiif_marks_give_up(&marks, hash);
    ok(iiif_marks_given_up(&marks, hash) && iiif_marks_ask(&marks, hash)
           && iiif_marks_given_up(&marks, hash),
       "  until it is given up");
    iiif_marks_hope(&marks, hash);
    ok(!iiif_marks_given_up(&marks, hash) && iiif_marks_asked_again(&marks, hash),
       "  and kept after all");
}

int main(void)
{
    const apr_uint64_t other = APR_UINT64_C(0x7000000000000005), same = 5;
    unsigned i, seen = 0;

    for (i = 0; i < ROWS(hashes); ++i)
        test_one(hashes[i]);
    memset(&marks, 0, sizeof(marks));
    iiif_marks_ask(&marks, same);
    ok(!iiif_marks_ask(&marks, other) && !iiif_marks_asked_again(&marks, other),
       "who has the place of another is not that one");
    ok(!iiif_marks_ask(&marks, same), "  which is forgotten");
    iiif_marks_give_up(&marks, same);
    ok(!iiif_marks_given_up(&marks, other), "  nor are others given up");
    memset(&marks, 0, sizeof(marks));
    for (i = 0; i < IIIF_MARKS; ++i)
        seen += (unsigned)iiif_marks_ask(&marks, i | (apr_uint64_t)i << 40);
    for (i = 0; i < IIIF_MARKS; ++i)
        seen += (unsigned)iiif_marks_ask(&marks, i | (apr_uint64_t)i << 40);
    ok(seen == IIIF_MARKS, "so many are remembered: %u", seen);
    return done_testing();
}
