/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/request.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define ALL ((1u << IIIF_FORMATS) - 1)
#define JPG (1u << IIIF_FORMAT_JPG)

/* clang-format off */
/* A path and its readings, each as describe() writes it. */
static const struct {
    const char *path, *first, *second;
} paths[] = {
    /* 2.1 and 3.0, 2: the forms, with each section's example of an identifier */
    { "abcd1234/full/max/0/default.jpg",   "- image abcd1234 full max 0 default jpg",
                                           "- base abcd1234/full/max/0/default.jpg" },
    { "abcd1234/full/full/0/default.jpg",  "- image abcd1234 full full 0 default jpg",
                                           "- base abcd1234/full/full/0/default.jpg" },
    { "abcd1234/info.json",                "- info abcd1234", "- base abcd1234/info.json" },
    { "abcd1234",                          "- base abcd1234", NULL },
    { "abcd1234/",                         "- base abcd1234", NULL },
    { "1E34750D-38DB-4825-A38A-B60A345E591C/full/max/0/default.jpg",
      "- image 1E34750D-38DB-4825-A38A-B60A345E591C full max 0 default jpg",
      "- base 1E34750D-38DB-4825-A38A-B60A345E591C/full/max/0/default.jpg" },
    { "ID/125,15,120,140/90,/!345/gray.jpg", "- image ID 125,15,120,140 90, !345 gray jpg",
                                           "- base ID/125,15,120,140/90,/!345/gray.jpg" },
    /* 2.1 and 3.0, 9: the table of both */
    { "id1/full/max/0/default",
      "- image id1 full max 0 default ",
      "- base id1/full/max/0/default" },
    { "id1/0,10,100,200/pct:50/90/default.png",
      "- image id1 0,10,100,200 pct:50 90 default png",
      "- base id1/0,10,100,200/pct:50/90/default.png" },
    { "id1/pct:10,10,80,80/50,/22.5/color.jpg",
      "- image id1 pct:10,10,80,80 50, 22.5 color jpg",
      "- base id1/pct:10,10,80,80/50,/22.5/color.jpg" },
    { "bb157hs6068/full/max/270/gray.jpg",
      "- image bb157hs6068 full max 270 gray jpg",
      "- base bb157hs6068/full/max/270/gray.jpg" },
    { "ark:%2F12025%2F654xz321/full/max/0/default",
      "- image ark:/12025/654xz321 full max 0 default ",
      "- base ark:/12025/654xz321/full/max/0/default" },
    { "urn:foo:a123,456/full/max/0/default",
      "- image urn:foo:a123,456 full max 0 default ",
      "- base urn:foo:a123,456/full/max/0/default" },
    { "urn:sici:1046-8188(199501)13:1%253C69:FTTHBI%253E2.0.TX;2-4/full/max/0/default",
      "- image urn:sici:1046-8188(199501)13:1%3C69:FTTHBI%3E2.0.TX;2-4 full max 0 default ",
      "- base urn:sici:1046-8188(199501)13:1%3C69:FTTHBI%3E2.0.TX;2-4/full/max/0/default" },
    { "http:%2F%2Fexample.com%2F%3F54%23a/full/max/0/default",
      "- image http://example.com/?54#a full max 0 default ",
      "- base http://example.com/?54#a/full/max/0/default" },
    { "id1/full/full/0/default",
      "- image id1 full full 0 default ",
      "- base id1/full/full/0/default" },
    { "bb157hs6068/full/full/270/gray.jpg",
      "- image bb157hs6068 full full 270 gray jpg",
      "- base bb157hs6068/full/full/270/gray.jpg" },
    { "ark:%2F12025%2F654xz321/full/full/0/default",
      "- image ark:/12025/654xz321 full full 0 default ",
      "- base ark:/12025/654xz321/full/full/0/default" },
    { "urn:foo:a123,456/full/full/0/default",
      "- image urn:foo:a123,456 full full 0 default ",
      "- base urn:foo:a123,456/full/full/0/default" },
    { "urn:sici:1046-8188(199501)13:1%253C69:FTTHBI%253E2.0.TX;2-4/full/full/0/default",
      "- image urn:sici:1046-8188(199501)13:1%3C69:FTTHBI%3E2.0.TX;2-4 full full 0 default ",
      "- base urn:sici:1046-8188(199501)13:1%3C69:FTTHBI%3E2.0.TX;2-4/full/full/0/default" },
    { "http:%2F%2Fexample.com%2F%3F54%23a/full/full/0/default",
      "- image http://example.com/?54#a full full 0 default ",
      "- base http://example.com/?54#a/full/full/0/default" },
    /* a version in front */
    { "2/ID/info.json",                    "2 info ID", "2 base ID/info.json" },
    { "3/ID/info.json",                    "3 info ID", "3 base ID/info.json" },
    { "3/ID",                              "3 base ID", NULL },
    { "3/ID/",                             "3 base ID", NULL },
    { "2/ID/full/full/0/default.jpg",      "2 image ID full full 0 default jpg",
                                           "2 base ID/full/full/0/default.jpg" },
    { "3/ID/full/max/0/default.jpg",       "3 image ID full max 0 default jpg",
                                           "3 base ID/full/max/0/default.jpg" },
    { "4/ID/info.json",                    "- info 4/ID", "- base 4/ID/info.json" },
    { "1/ID",                              "- base 1/ID", NULL },
    { "03/ID",                             "- base 03/ID", NULL },
    { "%33/ID",                            "- base 3/ID", NULL }, /* a version is not encoded */
    /* …or an identifier that looks like one */
    { "2",                                 "- base 2", NULL },
    { "3/",                                "- base 3", NULL },
    { "2/info.json",                       "- info 2", "2 base info.json" },
    { "3/full/max/0/default.jpg",          "- image 3 full max 0 default jpg",
                                           "3 base full/max/0/default.jpg" },
    { "2/2/info.json",                     "2 info 2", "2 base 2/info.json" },
    { "3/2/full/max/0/default.jpg",        "3 image 2 full max 0 default jpg",
                                           "3 base 2/full/max/0/default.jpg" },
    { "3/3",                               "3 base 3", NULL },
    /* identifiers that look like something else */
    { "full",                              "- base full", NULL },
    { "full/info.json",                    "- info full", "- base full/info.json" },
    { "full/full/max/0/default.jpg",       "- image full full max 0 default jpg",
                                           "- base full/full/max/0/default.jpg" },
    { "info.json",                         "- base info.json", NULL },
    { "info.json/info.json",               "- info info.json", "- base info.json/info.json" },
    { "info.json.png",                     "- base info.json.png", NULL },
    { "info.json/full/max/0/default.jpg",  "- image info.json full max 0 default jpg",
                                           "- base info.json/full/max/0/default.jpg" },
    { "two..dots.png/info.json",           "- info two..dots.png", "- base two..dots.png/info.json" },
    { "ID/full/max/0/default.jpg/full/max/0/default.jpg",
      "- image ID/full/max/0/default.jpg full max 0 default jpg",
      "- base ID/full/max/0/default.jpg/full/max/0/default.jpg" },
    /* slashes of an identifier, encoded or raw */
    { "a%2Fb/info.json",                   "- info a/b", "- base a/b/info.json" },
    { "a%2fb.png",                         "- base a/b.png", NULL },
    { "a/b/info.json",                     "- info a/b", "- base a/b/info.json" },
    { "a/b/full/max/0/default.jpg",        "- image a/b full max 0 default jpg",
                                           "- base a/b/full/max/0/default.jpg" },
    { "3/a/b/info.json",                   "3 info a/b", "3 base a/b/info.json" },
    { "ark:%2F12025%2F654xz321/info.json", "- info ark:/12025/654xz321",
                                           "- base ark:/12025/654xz321/info.json" },
    /* decoded once, and parameters too */
    { "lit%2541.png/info.json",            "- info lit%41.png", "- base lit%41.png/info.json" },
    { "a+b.png/info.json",                 "- info a+b.png", "- base a+b.png/info.json" },
    { "%61%2Db/info.json",                 "- info a-b", "- base a-b/info.json" },
    { "%E6%97%A5/info.json",               "- info \xe6\x97\xa5", "- base \xe6\x97\xa5/info.json" },
    { "ID/%66ull/max/0/default%2Ejpg",     "- image ID full max 0 default jpg",
                                           "- base ID/full/max/0/default.jpg" },
    { "ID/0%2C0%2C9%2C9/pct%3A50/%2190/default.jpg", "- image ID 0,0,9,9 pct:50 !90 default jpg",
                                           "- base ID/0,0,9,9/pct:50/!90/default.jpg" },
    { "ID/full/%5Emax/0/default.jpg",      "- image ID full ^max 0 default jpg",
                                           "- base ID/full/^max/0/default.jpg" },
    { "ID/full/^max/0/default.jpg",        "- image ID full ^max 0 default jpg",
                                           "- base ID/full/^max/0/default.jpg" },
    { "ID/inf%6F.json",                    "- info ID", "- base ID/info.json" },
    /* an encoded separator separates nothing */
    { "ID%2Finfo.json",                    "- base ID/info.json", NULL },
    { "ID/full%2Fmax/0/default.jpg",       "- base ID/full/max/0/default.jpg", NULL },
    { "ID/full/max/0%2Fdefault.jpg",       "- base ID/full/max/0/default.jpg", NULL },
    { "ID/full/max/0/default.jpg%2F",      "- image ID full max 0 default jpg/",
                                           "- base ID/full/max/0/default.jpg/" },
    /* the last dot divides quality from format; a slip in a parameter is still an image request */
    { "ID/full/max/0/default",             "- image ID full max 0 default ",
                                           "- base ID/full/max/0/default" },
    { "ID/full/max/0/default.",            "- image ID full max 0 default ",
                                           "- base ID/full/max/0/default." },
    { "ID/full/max/0/.jpg",                "- image ID full max 0  jpg",
                                           "- base ID/full/max/0/.jpg" },
    { "ID/full/max/0/a.b.jpg",             "- image ID full max 0 a.b jpg",
                                           "- base ID/full/max/0/a.b.jpg" },
    { "ID/1,2,3/max/0/default.jpg",        "- image ID 1,2,3 max 0 default jpg",
                                           "- base ID/1,2,3/max/0/default.jpg" },
    { "ID/x/y/0/default.z",                "- image ID x y 0 default z", "- base ID/x/y/0/default.z" },
    { "ID///0/default.z",                  "- image ID   0 default z", "- base ID///0/default.z" },
    /* nothing of the kind: at most an identifier */
    { "ID/full/max/0",                     "- base ID/full/max/0", NULL },
    { "ID/full/max/0/",                    "- image ID full max 0  ", "- base ID/full/max/0" },
    { "full/max/0/default.jpg",            "- base full/max/0/default.jpg", NULL },
    { "ID/full/max/0/default.jpg/",        "- base ID/full/max/0/default.jpg", NULL },
    { "ID/info",                           "- base ID/info", NULL },
    { "ID/INFO.JSON",                      "- base ID/INFO.JSON", NULL },
    { "ID/info.json/",                     "- base ID/info.json", NULL },
    { "ID/manifest.json",                  "- base ID/manifest.json", NULL },
    { "blog/2024/05/17/some-post.html",    "- base blog/2024/05/17/some-post.html", NULL },
    { "static/js/vendor/app/main.js",      "- base static/js/vendor/app/main.js", NULL },
    /* no identifier, or no URI */
    { "",                                  NULL, NULL },
    { "/",                                 NULL, NULL },
    { "/info.json",                        "- base /info.json", NULL },
    { "/full/max/0/default.jpg",           "- base /full/max/0/default.jpg", NULL },
    { "a%00b/info.json",                   NULL, NULL },
    { "%zz",                               NULL, NULL },
    { "ID/full/max/0/default.jp%g",        NULL, NULL },
    { "ID%/info.json",                     NULL, NULL },
    { "[frob]/full/max/0/default.jpg",     "- image [frob] full max 0 default jpg",
                                           "- base [frob]/full/max/0/default.jpg" },
};

static const struct {
    const char *path;
    iiif_version_e version;
    iiif_format_set_t available;
    const char *complaint; /* NULL: fine; else the word the sentence starts with */
} params[] = {
    { "ID/full/max/0/default.jpg",         IIIF_VERSION_3, ALL, NULL },
    { "ID/full/max/0/default.jpg",         IIIF_VERSION_2, ALL, NULL },
    { "ID/full/full/0/default.jpg",        IIIF_VERSION_2, ALL, NULL },
    { "ID/full/full/0/default.jpg",        IIIF_VERSION_3, ALL, "size" },
    { "ID/full/^max/0/default.jpg",        IIIF_VERSION_3, ALL, NULL },
    { "ID/full/^max/0/default.jpg",        IIIF_VERSION_2, ALL, "size" },
    { "ID/125,15,120,140/90,/!345/gray.jpg", IIIF_VERSION_3, ALL, NULL },
    { "ID/125,15,120,140/90,/!345/gray.jpg", IIIF_VERSION_2, ALL, NULL },
    { "ID/pct:41.6,7.5,40,70/pct:50/22.5/bitonal.png", IIIF_VERSION_3, ALL, NULL },
    { "ID/Full/max/0/default.jpg",         IIIF_VERSION_3, ALL, "region" },
    { "ID/full/max,/0/default.jpg",        IIIF_VERSION_3, ALL, "size" },
    { "ID/full/max/361/default.jpg",       IIIF_VERSION_3, ALL, "rotation" },
    { "ID/full/max/0/native.jpg",          IIIF_VERSION_2, ALL, "quality" },
    { "ID/full/max/0/default.jpeg",        IIIF_VERSION_3, ALL, "format" },
    { "ID/full/max/0/default.png",         IIIF_VERSION_3, JPG, "format" },
    { "ID/full/max/0/default",             IIIF_VERSION_3, ALL, "format" },
    { "ID/full/max/0/default.",            IIIF_VERSION_3, ALL, "format" },
    { "ID/full/max/0/.jpg",                IIIF_VERSION_3, ALL, "quality" },
    { "ID/x/y/0/default.z",                IIIF_VERSION_3, ALL, "region" }, /* the first that is wrong */
};
/* clang-format on */

static const char *describe(const iiif_request_t *r, apr_pool_t *pool)
{
    static const char *const kinds[] = { "base", "info", "image" };
    const char *head = apr_psprintf(pool, "%c %s %s", r->version ? '0' + (int)r->version : '-',
                                    kinds[r->kind], r->identifier);

    if (r->kind != IIIF_REQUEST_IMAGE)
        return head;
    return apr_psprintf(pool, "%s %s %s %s %s %s", head, r->region, r->size, r->rotation,
                        r->quality, r->format);
}

static int same(const char *got, const char *want)
{
    return got && want ? !strcmp(got, want) : got == want;
}

static void test_paths(apr_pool_t *pool)
{
    unsigned i;

    for (i = 0; i < ROWS(paths); ++i) {
        iiif_request_t readings[IIIF_READINGS_MAX];
        char *path = strdup(paths[i].path); /* of just its size, for the sanitizers */
        int n = iiif_request_read(readings, path, pool);
        const char *first = n > 0 ? describe(&readings[0], pool) : NULL;
        const char *second = n > 1 ? describe(&readings[1], pool) : NULL;

        free(path);
        ok(same(first, paths[i].first) && same(second, paths[i].second), "'%s' -> '%s' or '%s'",
           paths[i].path, first ? first : "none", second ? second : "none");
    }
}

static void test_params(apr_pool_t *pool)
{
    unsigned i;

    for (i = 0; i < ROWS(params); ++i) {
        iiif_request_t readings[IIIF_READINGS_MAX];
        iiif_params_t parsed = { .format = IIIF_FORMATS };
        iiif_err_t err = { "" };
        const char *complaint = params[i].complaint;
        apr_status_t rv = APR_EGENERAL;

        if (iiif_request_read(readings, params[i].path, pool)
            && readings[0].kind == IIIF_REQUEST_IMAGE)
            rv = iiif_params_parse(&parsed, &readings[0], params[i].version, params[i].available,
                                   &err);
        ok(complaint ? rv == IIIF_EBADREQUEST && parsed.format == IIIF_FORMATS
                           && !strncmp(err.text, complaint, strlen(complaint))
                     : rv == APR_SUCCESS && parsed.version == params[i].version,
           "%d: %s -> %s", (int)params[i].version, params[i].path, rv ? err.text : "fine");
    }
}

int main(void)
{
    iiif_request_t readings[IIIF_READINGS_MAX];
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_paths(pool);
    test_params(pool);
    ok(iiif_request_read(readings, "3/a%2Fb;2/info.json", pool) == 2
           && !strcmp(readings[0].encoded, "a%2Fb;2") && !strcmp(readings[0].identifier, "a/b;2")
           && !readings[0].region,
       "the identifier is kept as the URI spells it, too");
    apr_terminate();
    return done_testing();
}
