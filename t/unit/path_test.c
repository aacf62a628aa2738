/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <string.h>

#include "tap.h"

/* clang-format off */
static const struct {
    const char *root, *relative;
    const char *path; /* NULL: refused */
} joins[] = {
    { "/srv",  "a.tif",                 "/srv/a.tif" },
    { "/srv",  "maps/1643.tif",         "/srv/maps/1643.tif" },
    { "/",     "a.tif",                 "/a.tif" },
    { "/srv/images", "a",               "/srv/images/a" },
    /* names that only look dangerous */
    { "/srv",  "two..dots.png",         "/srv/two..dots.png" },
    { "/srv",  "..a",                   "/srv/..a" },
    { "/srv",  "a..",                   "/srv/a.." },
    { "/srv",  "...",                   "/srv/..." },
    { "/srv",  ".hidden",               "/srv/.hidden" },
    { "/srv",  "a/.b/c",                "/srv/a/.b/c" },
    { "/srv",  "info.json.png",         "/srv/info.json.png" },
    { "/srv",  "a b+c%41.png",          "/srv/a b+c%41.png" },
    { "/srv",  "%2e%2e/x",              "/srv/%2e%2e/x" },  /* already decoded once: a name */
    { "/srv",  "~root",                 "/srv/~root" },
    { "/srv",  "$(id)`id`;|&",          "/srv/$(id)`id`;|&" },
    { "/srv",  "\xe6\x97\xa5\xe6\x9c\xac.tif", "/srv/\xe6\x97\xa5\xe6\x9c\xac.tif" },
    { "/srv",  "\xf0\x9f\x97\xba",      "/srv/\xf0\x9f\x97\xba" },
    /* out of the root, or nowhere in it */
    { "/srv",  "",                      NULL },
    { "/srv",  "/",                     NULL },
    { "/srv",  "/etc/passwd",           NULL },
    { "/srv",  "//etc",                 NULL },
    { "/srv",  ".",                     NULL },
    { "/srv",  "..",                    NULL },
    { "/srv",  "../etc/passwd",         NULL },
    { "/srv",  "a/..",                  NULL },
    { "/srv",  "a/../b",                NULL },
    { "/srv",  "a/../../b",             NULL },
    { "/srv",  "./a",                   NULL },
    { "/srv",  "a/./b",                 NULL },
    { "/srv",  "a/.",                   NULL },
    { "/srv",  "a//b",                  NULL },
    { "/srv",  "a/",                    NULL },
    { "/",     "..",                    NULL },
    { "/",     "/etc",                  NULL },
    { "/srv",  "..\\etc",               NULL },
    { "/srv",  "a\\b",                  NULL },
    { "/srv",  "\\",                    NULL },
    { "/srv",  "a\nb",                  NULL },
    { "/srv",  "a\x7f" "b",             NULL },
    { "/srv",  "\xc0\xae\xc0\xae/x",    NULL },             /* ".." written overlong */
    { "/srv",  "a/\xe0\x80\xae./b",     NULL },
    { "/srv",  "\xff",                  NULL },
};

static const struct {
    const char *text;
    int clean;
} texts[] = {
    { "",                   1 },
    { "abc",                1 },
    { " ~",                 1 },
    { "\x1f",               0 },
    { "\x7f",               0 },
    { "\x01",               0 },
    { "a\tb",               0 },
    { "a\r\nb",             0 },
    /* the corners of each row of RFC 3629, 4 */
    { "\xc2\xa0",           1 },
    { "\xdf\xbf",           1 },
    { "\xe0\xa0\x80",       1 },
    { "\xed\x9f\xbf",       1 },
    { "\xee\x80\x80",       1 },
    { "\xef\xbf\xbf",       1 },
    { "\xf0\x90\x80\x80",   1 },
    { "\xf4\x8f\xbf\xbf",   1 },
    { "\xc0\x80",           0 },
    { "\xc1\xbf",           0 },
    { "\xe0\x9f\xbf",       0 },
    { "\xed\xa0\x80",       0 }, /* surrogates */
    { "\xed\xbf\xbf",       0 },
    { "\xf0\x8f\xbf\xbf",   0 },
    { "\xf4\x90\x80\x80",   0 }, /* above U+10FFFF */
    { "\xf5\x80\x80\x80",   0 },
    { "\xf8\x88\x80\x80\x80", 0 },
    { "\xfe",               0 },
    { "\xff",               0 },
    { "\x80",               0 },
    { "\xbf",               0 },
    { "\xc3",               0 }, /* cut short */
    { "\xe6\x97",           0 },
    { "\xf0\x9f\x97",       0 },
    { "\xe6\x97" "a",       0 },
    { "\xc3\xc3\xa9",       0 },
    { "a\xe6\x97\xa5z",     1 },
};
/* clang-format on */

static void test_segment_length(apr_pool_t *pool)
{
    char name[512];
    const char *path;

    memset(name, 'x', sizeof(name));
    name[255] = '\0';
    ok(iiif_path_join(&path, "/srv", name, NULL, pool) == APR_SUCCESS, "a segment of 255 bytes");
    ok(iiif_path_join(&path, "/srv", apr_pstrcat(pool, name, "/", name, "/a", NULL), NULL, pool)
           == APR_SUCCESS,
       "several of them");
    name[255] = 'x';
    name[256] = '\0';
    ok(iiif_path_join(&path, "/srv", name, NULL, pool) == IIIF_ENOTFOUND, "not one of 256");
    ok(iiif_path_join(&path, "/srv", apr_pstrcat(pool, "a/", name, NULL), NULL, pool)
           == IIIF_ENOTFOUND,
       "nor behind another");
}

int main(void)
{
    apr_pool_t *pool;
    unsigned i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    for (i = 0; i < ROWS(joins); ++i) {
        const char *before = "untouched", *got = before;
        iiif_err_t err = { "" };
        apr_status_t rv = iiif_path_join(&got, joins[i].root, joins[i].relative, &err, pool);

        ok(joins[i].path ? rv == APR_SUCCESS && !strcmp(got, joins[i].path)
                         : rv == IIIF_ENOTFOUND && got == before && *err.text,
           "'%s' under %s -> %s", joins[i].relative, joins[i].root, rv ? "refused" : got);
    }
    for (i = 0; i < ROWS(texts); ++i)
        ok(iiif_path_is_clean_utf8(texts[i].text) == texts[i].clean, "row %u is %s", i,
           texts[i].clean ? "clean" : "not clean");
    test_segment_length(pool);
    apr_terminate();
    return done_testing();
}
