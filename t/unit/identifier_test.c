/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/identifier.h"

#include <apr_general.h>
#include <string.h>

#include "tap.h"

/* clang-format off */
static const struct {
    const char *encoded;
    const char *decoded; /* NULL: refused */
} decodes[] = {
    /* 2.1 and 3.0, 9: identifier -> URI, read backwards */
    { "id1",                                  "id1" },
    { "id%20one",                             "id one" },
    { "a%2Fb%2Fc",                            "a/b/c" },
    { "ark:%2F12025%2F654xz321",              "ark:/12025/654xz321" },
    { "urn:foo:a123,456",                     "urn:foo:a123,456" },
    { "urn:sici:1046-8188(199501)13:1%253C69:FTTHBI%253E2.0.TX;2-4",
      "urn:sici:1046-8188(199501)13:1%3C69:FTTHBI%3E2.0.TX;2-4" },
    { "http:%2F%2Fexample.com%2F%3F54%23a",   "http://example.com/?54#a" },
    { "",                                     "" },
    { "%2f",                                  "/" },
    { "%2F",                                  "/" },
    { "lit%2541.png",                         "lit%41.png" },
    { "%252e%252e",                           "%2e%2e" },
    { "a+b.png",                              "a+b.png" },
    { "%61%2D%7E",                            "a-~" },
    { "br%5B1%5D%40",                         "br[1]@" },
    { "%E6%97%A5",                            "\xe6\x97\xa5" },
    { "%c0%ae",                               "\xc0\xae" },
    { "%FF%01",                               "\xff\x01" },
    { "%aF%Fa",                               "\xaf\xfa" },
    { "%0a",                                  "\n" },
    { "100%25",                               "100%" },
    { "%",                                    NULL },
    { "%4",                                   NULL },
    { "a%",                                   NULL },
    { "a%4",                                  NULL },
    { "%zz",                                  NULL },
    { "%4g",                                  NULL },
    { "%g4",                                  NULL },
    { "%%41",                                 NULL },
    { "% 41",                                 NULL },
    { "%+1",                                  NULL },
    { "%-1",                                  NULL },
    { "%0x",                                  NULL },
    { "%00",                                  NULL },
    { "a%00b",                                NULL },
    { "%u0041",                               NULL },
};

static const struct {
    const char *text, *tidy;
} tidies[] = {
    { "a%2Fb;1@c:d",                          "a%2Fb;1@c:d" },
    { "a/b",                                  "a/b" },
    { "a%2fb",                                "a%2fb" },
    { "[frob]",                               "%5Bfrob%5D" },
    { "a b\"<>\\^`{|}",                       "a%20b%22%3C%3E%5C%5E%60%7B%7C%7D" },
    { "\xe6\x97\xa5",                         "%E6%97%A5" },
    { "a\r\nX: y",                            "a%0D%0AX:%20y" },
    { "a?b#c",                                "a%3Fb%23c" },
    { "",                                     "" },
};

static const struct {
    const char *identifier;
    const char *name; /* NULL: no page */
    unsigned page;
} pages[] = {
    { "name;7",                 "name",     7 },
    { "name;1",                 "name",     1 },
    { "name;65535",             "name",     65535 },
    { "name;007",               "name",     7 },
    { "a;b;2",                  "a;b",      2 },
    { "a;1;2",                  "a;1",      2 },
    { "dir;x/name;3",           "dir;x/name", 3 },
    { "name.tif;3",             "name.tif", 3 },
    { ";;1",                    ";",        1 },
    { "name",                   NULL, 0 },
    { "name;",                  NULL, 0 },
    { ";7",                     NULL, 0 },
    { ";",                      NULL, 0 },
    { "",                       NULL, 0 },
    { "name;0",                 NULL, 0 },
    { "name;00",                NULL, 0 },
    { "name;65536",             NULL, 0 },
    { "name;4294967297",        NULL, 0 },
    { "name;18446744073709551617", NULL, 0 },
    { "name;-1",                NULL, 0 },
    { "name;+1",                NULL, 0 },
    { "name; 1",                NULL, 0 },
    { "name;1 ",                NULL, 0 },
    { "name;1.0",               NULL, 0 },
    { "name;1a",                NULL, 0 },
    { "name;0x1",               NULL, 0 },
    { "name;1/x",               NULL, 0 },
    { "name;two",               NULL, 0 },
};
/* clang-format on */

/* Every byte but NUL and "%" survives being tidied, and nothing unfit is left. */
static void test_every_byte(apr_pool_t *pool)
{
    char all[256];
    const char *tidy, *decoded = "";
    int i, n = 0;

    for (i = 1; i < 256; ++i) {
        if (i != '%')
            all[n++] = (char)i;
    }
    all[n] = '\0';
    tidy = iiif_percent_tidy(all, pool);
    ok(iiif_percent_decode(&decoded, tidy, strlen(tidy), NULL, pool) == APR_SUCCESS
           && !strcmp(decoded, all),
       "every byte there and back");
    ok(!strpbrk(tidy, "\r\n\"<> ?#\\"), "a tidy text fits a header");
}

int main(void)
{
    apr_pool_t *pool;
    const char *got;
    unsigned i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    for (i = 0; i < ROWS(decodes); ++i) {
        const char *before = "untouched", *text = decodes[i].encoded;
        iiif_err_t err = { "" };
        apr_status_t rv;

        got = before;
        rv = iiif_percent_decode(&got, text, strlen(text), &err, pool);
        ok(decodes[i].decoded ? rv == APR_SUCCESS && !strcmp(got, decodes[i].decoded)
                              : rv == IIIF_EBADREQUEST && got == before && *err.text,
           "decode '%s' -> '%s'", text, rv ? "refused" : got);
    }
    ok(iiif_percent_decode(&got, "a%41b", 4, NULL, pool) == APR_SUCCESS && !strcmp(got, "aA"),
       "decoding stops at the length");
    ok(iiif_percent_decode(&got, "a%41b", 3, NULL, pool) == IIIF_EBADREQUEST,
       "and does not read behind it");
    for (i = 0; i < ROWS(tidies); ++i) {
        got = iiif_percent_tidy(tidies[i].text, pool);
        ok(!strcmp(got, tidies[i].tidy), "tidy '%s' -> '%s'", tidies[i].text, got);
        ok(!strcmp(iiif_percent_tidy(got, pool), got), "  and stays so");
    }
    test_every_byte(pool);
    for (i = 0; i < ROWS(pages); ++i) {
        unsigned page = 0;

        got = iiif_identifier_page(&page, pages[i].identifier, pool);
        ok(pages[i].name ? got && !strcmp(got, pages[i].name) && page == pages[i].page
                         : !got && page == 0,
           "'%s' -> '%s' page %u", pages[i].identifier, got ? got : "none", page);
    }
    apr_terminate();
    return done_testing();
}
