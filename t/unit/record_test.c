/* SPDX-License-Identifier: Apache-2.0 */
#include "resolve/record.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <string.h>

#include "tap.h"

#define ASKED APR_INT64_C(0x0005a1b2c3d4e5f6)

/* clang-format off */
static const iiif_answer_t answers[] = {
    { ASKED, 0, { NULL, NULL, NULL, NULL, NULL, 0, 0 } },
    { ASKED, 1, { "a.jpg", NULL, NULL, NULL, NULL, 1, 0 } },
    { 0,     1, { NULL, NULL, NULL, NULL, NULL, 0, 1 } },
    { ASKED, 1, { "", "", "", "", "", 1, 1 } },
    { ASKED, 1, { "d/ä b.tif", "n", "e\nf", "http://rightsstatements.org/vocab/InC/1.0/", "© Wir", 1, 1 } },
};
/* clang-format on */

static int same(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

static int equal(const iiif_answer_t *a, const iiif_answer_t *b)
{
    return a->asked == b->asked && a->found == b->found
           && a->record.is_public == b->record.is_public && a->record.has_base == b->record.has_base
           && same(a->record.path, b->record.path) && same(a->record.name, b->record.name)
           && same(a->record.etag, b->record.etag) && same(a->record.rights, b->record.rights)
           && same(a->record.attribution, b->record.attribution);
}

static void test_answer(const iiif_answer_t *answer, apr_pool_t *pool)
{
    iiif_answer_t read;
    apr_size_t len, i;
    const unsigned char *bytes = iiif_answer_encode(&len, answer, pool);
    unsigned char *copy = apr_palloc(pool, len + 1);
    int read_at_all = 0;

    ok(iiif_answer_decode(&read, bytes, len, pool) && equal(&read, answer), "%s is read as written",
       answer->record.path ? answer->record.path : "(none)");
    memcpy(copy, bytes, len);
    copy[len] = 0;
    for (i = 0; i < len; ++i) {
        /* of its own length, so that a sanitizer sees who reads on */
        unsigned char *cut = apr_pmemdup(pool, bytes, i);

        read_at_all += iiif_answer_decode(&read, cut, i, pool);
    }
    ok(!read_at_all, "cut anywhere it is none");
    ok(!iiif_answer_decode(&read, copy, len + 1, pool), "nor with a byte too many");
    copy[0] ^= 1;
    ok(!iiif_answer_decode(&read, copy, len, pool), "nor of another form");
}

static void test_bytes(apr_pool_t *pool)
{
    static const unsigned char written[] = {
        2,    0,    5,    0xa1, 0xb2, 0xc3, 0xd4, 0xe5, 0xf6, /* form, when */
        7,    0,    0,    0,    1,    'p',                    /* found, public, base; path */
        0xff, 0xff, 0xff, 0xff, 0,    0,    0,    2,    'e',
        't',  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff
    };
    const iiif_answer_t answer = { ASKED, 1, { "p", NULL, "et", NULL, NULL, 1, 1 } };
    unsigned char wrong[sizeof(written)];
    iiif_answer_t read;
    apr_size_t len;
    const unsigned char *bytes = iiif_answer_encode(&len, &answer, pool);

    ok(len == sizeof(written) && !memcmp(bytes, written, len), "the bytes are as described");
    memcpy(wrong, written, sizeof(wrong));
    wrong[10] = 0x7f;
    ok(!iiif_answer_decode(&read, wrong, sizeof(wrong), pool), "a length beyond the end");
    memcpy(wrong, written, sizeof(wrong));
    wrong[14] = 0;
    ok(!iiif_answer_decode(&read, wrong, sizeof(wrong), pool), "a text that ends early");
}

int main(void)
{
    apr_pool_t *pool;
    unsigned i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    for (i = 0; i < ROWS(answers); ++i)
        test_answer(&answers[i], pool);
    test_bytes(pool);
    apr_terminate();
    return done_testing();
}
