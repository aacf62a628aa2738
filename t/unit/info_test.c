/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/info.h"
#include "iiif/tiling.h"

#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tap.h"

#define V2      IIIF_VERSION_2
#define V3      IIIF_VERSION_3
#define ALL     ((1u << IIIF_FORMATS) - 1)
#define MINIMUM (1u << IIIF_FORMAT_JPG | 1u << IIIF_FORMAT_PNG)
#define ID      "https://example.org/iiif/abcd1234"

static apr_pool_t *pool;

/* The specification's own image, 6000x4000 (3.0, 5.2 to 5.8). */
static iiif_info_t plain(iiif_version_e version)
{
    return (iiif_info_t){ .version = version,
                          .id = ID,
                          .encoded = "abcd1234",
                          .subject = { .full = { 6000, 4000 }, .natural = IIIF_QUALITY_COLOR },
                          .tile = { 512, 512 },
                          .formats = MINIMUM };
}

/* A value of the document by its path, "tiles/0/width", as compact JSON; "" where there is none. */
static const char *value_at(const cJSON *json, const char *path)
{
    char *steps = apr_pstrdup(pool, path), *printed;
    const char *copy;
    char *state, *step;

    for (step = apr_strtok(steps, "/", &state); step && json; step = apr_strtok(NULL, "/", &state))
        json = cJSON_IsArray(json) ? cJSON_GetArrayItem(json, (int)apr_strtoi64(step, NULL, 10))
                                   : cJSON_GetObjectItemCaseSensitive(json, step);
    if (!json)
        return "";
    printed = cJSON_PrintUnformatted(json);
    copy = apr_pstrdup(pool, printed);
    cJSON_free(printed);
    return copy;
}

static cJSON *document(const iiif_info_t *info)
{
    const char *text = iiif_info_json(info, pool);

    return text ? cJSON_Parse(text) : NULL;
}

/* clang-format off */
/* Two documents: the plain one, and one with everything switched on. */
static const struct {
    const char *path, *plain_2, *plain_3, *full_2, *full_3;
} values[] = {
    { "@context", "\"http://iiif.io/api/image/2/context.json\"",
                  "\"http://iiif.io/api/image/3/context.json\"",
                  "\"http://iiif.io/api/image/2/context.json\"",
                  "\"http://iiif.io/api/image/3/context.json\"" },
    { "@id",      "\"" ID "\"", "", "\"" ID "\"", "" },
    { "id",       "", "\"" ID "\"", "", "\"" ID "\"" },
    { "@type",    "\"iiif:Image\"", "", "\"iiif:Image\"", "" },
    { "type",     "", "\"ImageService3\"", "", "\"ImageService3\"" },
    { "protocol", "\"http://iiif.io/api/image\"", "\"http://iiif.io/api/image\"",
                  "\"http://iiif.io/api/image\"", "\"http://iiif.io/api/image\"" },
    { "width",    "6000", "6000", "6000", "6000" },
    { "height",   "4000", "4000", "4000", "4000" },
    { "profile/0", "\"http://iiif.io/api/image/2/level2.json\"", "",
                   "\"http://iiif.io/api/image/2/level2.json\"", "" },
    { "profile/2", "", "", "", "" },
    /* levels 1, 2, 4, 8 and 16; the last fits one tile */
    { "sizes/0",  "{\"width\":375,\"height\":250}", "{\"width\":375,\"height\":250}",
                  "{\"width\":375,\"height\":250}", "{\"width\":375,\"height\":250}" },
    { "sizes/3",  "{\"width\":3000,\"height\":2000}", "{\"width\":3000,\"height\":2000}", "", "" },
    { "sizes/4",  "{\"width\":6000,\"height\":4000}", "{\"width\":6000,\"height\":4000}", "", "" },
    { "sizes/5",  "", "", "", "" },
    { "tiles",    "[{\"width\":512,\"scaleFactors\":[1,2,4,8,16]}]",
                  "[{\"width\":512,\"height\":512,\"scaleFactors\":[1,2,4,8,16]}]",
                  "[{\"width\":512,\"scaleFactors\":[1,2,4,8,16]}]",
                  "[{\"width\":512,\"height\":512,\"scaleFactors\":[1,2,4,8,16]}]" },
    /* limits: at the top in 3.0, in the profile in 2.1 */
    { "maxWidth",  "", "", "", "3000" },
    { "maxHeight", "", "", "", "2000" },
    { "maxArea",   "", "", "", "4000000" },
    { "profile/1/maxWidth",  "", "", "3000", "" },
    { "profile/1/maxHeight", "", "", "2000", "" },
    { "profile/1/maxArea",   "", "", "4000000", "" },
    /* what the level does not promise */
    { "extraQualities", "", "[\"color\",\"gray\",\"bitonal\"]", "", "[\"color\",\"gray\",\"bitonal\"]" },
    { "profile/1/qualities", "[\"color\",\"gray\",\"bitonal\"]", "", "[\"color\",\"gray\",\"bitonal\"]", "" },
    { "extraFormats",         "", "", "", "[\"tif\",\"gif\",\"webp\",\"jp2\",\"pdf\",\"avif\",\"jxl\"]" },
    { "profile/1/formats",    "", "", "[\"tif\",\"gif\",\"webp\",\"jp2\",\"pdf\",\"avif\",\"jxl\"]", "" },
    { "extraFormats/0",       "", "", "", "\"tif\"" },
    { "profile/1/formats/0",  "", "", "\"tif\"", "" },
    { "extraFeatures", "", "[\"canonicalLinkHeader\",\"mirroring\",\"profileLinkHeader\",\"rotationArbitrary\"]",
      "", "[\"canonicalLinkHeader\",\"mirroring\",\"profileLinkHeader\",\"rotationArbitrary\",\"sizeUpscaling\"]" },
    { "profile/1/supports",
      "[\"canonicalLinkHeader\",\"mirroring\",\"profileLinkHeader\",\"regionSquare\",\"rotationArbitrary\"]", "",
      "[\"canonicalLinkHeader\",\"mirroring\",\"profileLinkHeader\",\"regionSquare\",\"rotationArbitrary\",\"sizeAboveFull\"]", "" },
    /* rights */
    { "rights",      "", "", "", "\"http://rightsstatements.org/vocab/InC-EDU/1.0/\"" },
    { "license",     "", "", "\"http://rightsstatements.org/vocab/InC-EDU/1.0/\"", "" },
    { "attribution", "", "", "\"A library\"", "" },
    { "logo",        "", "", "\"https://example.org/logo.png\"", "" },
    /* links */
    { "partOf",  "", "", "", "[{\"id\":\"https://example.org/abcd1234/manifest\",\"type\":\"Manifest\",\"label\":{\"none\":[\"A \\\"map\\\"\"]}}]" },
    { "seeAlso", "", "", "", "[{\"id\":\"https://example.org/a.xml\",\"type\":\"Dataset\",\"format\":\"text/xml\",\"profile\":\"https://example.org/p\"}]" },
    { "service", "", "", "[{\"@id\":\"https://example.org/auth\",\"@type\":\"AuthProbeService2\"}]",
                 "[{\"id\":\"https://example.org/auth\",\"type\":\"AuthProbeService2\"}]" },
};

static const iiif_link_t links[] = {
    { "partOf",  "https://example.org/{identifier}/manifest", "Manifest", "A \"map\"", NULL, NULL },
    { "seeAlso", "https://example.org/a.xml", "Dataset", NULL, "text/xml", "https://example.org/p" },
    { "service", "https://example.org/auth", "AuthProbeService2", NULL, NULL, NULL },
};

/* What a merged file brings, and what becomes of it. */
static const struct {
    const char *extra, *path, *in_2, *in_3;
} merges[] = {
    { "{\"rights\":\"http://x\"}",             "rights",      "", "\"http://x\"" },
    { "{\"license\":\"http://x\"}",            "license",     "\"http://x\"", "" },
    { "{\"attribution\":\"x\"}",               "attribution", "\"x\"", "" },
    { "{\"logo\":\"x\"}",                      "logo",        "\"x\"", "" },
    { "{\"partOf\":[]}",                       "partOf",      "", "[]" },
    { "{\"preferredFormats\":[\"png\"]}",      "preferredFormats", "", "[\"png\"]" },
    { "{\"service\":[{\"id\":\"x\"}]}",        "service",     "[{\"id\":\"x\"}]", "[{\"id\":\"x\"}]" },
    { "{\"x:y\":{\"z\":[1,null]}}",            "x:y",         "{\"z\":[1,null]}", "{\"z\":[1,null]}" },
    /* what the server alone knows */
    { "{\"width\":1}",                         "width",       "6000", "6000" },
    { "{\"id\":\"http://evil\"}",              "id",          "", "\"" ID "\"" },
    { "{\"@id\":\"http://evil\"}",             "@id",         "\"" ID "\"", "" },
    { "{\"type\":\"x\"}",                      "type",        "", "\"ImageService3\"" },
    { "{\"protocol\":\"x\"}",                  "protocol",    "\"http://iiif.io/api/image\"", "\"http://iiif.io/api/image\"" },
    { "{\"profile\":\"level0\"}",              "profile/0",   "\"http://iiif.io/api/image/2/level2.json\"", "" },
    { "{\"maxWidth\":1}",                      "maxWidth",    "", "" },
    { "{\"tiles\":[]}",                        "tiles/0/width", "512", "512" },
    { "{\"extraFormats\":[\"bmp\"]}",          "extraFormats", "", "" },
    /* contexts: ours is the last */
    { "{\"@context\":\"http://x\"}",           "@context",    "\"http://iiif.io/api/image/2/context.json\"",
      "[\"http://x\",\"http://iiif.io/api/image/3/context.json\"]" },
    { "{\"@context\":[\"http://x\",{\"y\":\"http://z\"}]}", "@context", "\"http://iiif.io/api/image/2/context.json\"",
      "[\"http://x\",{\"y\":\"http://z\"},\"http://iiif.io/api/image/3/context.json\"]" },
    { "{\"@context\":[\"http://iiif.io/api/image/3/context.json\",\"http://x\"]}", "@context",
      "\"http://iiif.io/api/image/2/context.json\"",
      "[\"http://x\",\"http://iiif.io/api/image/3/context.json\"]" },
};

static const struct {
    iiif_dims_t full, tile;
    iiif_limits_t limits;
    int sizes, tiles; /* how many of each are left within the limits */
} limited[] = {
    { { 6000, 4000 }, { 512, 512 },  { 0, 0, 0, 0 },          5, 1 },
    { { 6000, 4000 }, { 512, 512 },  { 6000, 4000, 0, 0 },    5, 1 },
    { { 6000, 4000 }, { 512, 512 },  { 5999, 5999, 0, 0 },    4, 1 },
    { { 6000, 4000 }, { 512, 512 },  { 512, 512, 0, 0 },      1, 1 },
    { { 6000, 4000 }, { 512, 512 },  { 511, 511, 0, 0 },      2, 1 }, /* tiles of 256 */
    { { 6000, 4000 }, { 512, 512 },  { 100, 100, 0, 0 },      2, 1 }, /* tiles of 64 */
    { { 6000, 4000 }, { 512, 512 },  { 0, 0, 262144, 0 },     1, 1 },
    { { 6000, 4000 }, { 512, 512 },  { 0, 0, 262143, 0 },     2, 1 },
    { { 100, 80 },    { 512, 512 },  { 100, 100, 0, 0 },      1, 1 }, /* the tile is the image */
    { { 1, 1 },       { 512, 512 },  { 0, 0, 0, 0 },          1, 1 },
    { { 512, 513 },   { 512, 512 },  { 0, 0, 0, 0 },          2, 1 },
};
/* clang-format on */

static void test_values(void)
{
    apr_array_header_t *list = apr_array_make(pool, 3, sizeof(iiif_link_t));
    cJSON *json[4];
    unsigned i, k;

    for (i = 0; i < ROWS(links); ++i)
        APR_ARRAY_PUSH(list, iiif_link_t) = links[i];
    for (k = 0; k < 4; ++k) {
        iiif_info_t info = plain(k % 2 ? V3 : V2);

        if (k >= 2) {
            info.subject.limits = (iiif_limits_t){ 3000, 2000, 4000000, 1 };
            info.formats = ALL;
            info.rights = "http://rightsstatements.org/vocab/InC-EDU/1.0/";
            info.attribution = "A library";
            info.logo = "https://example.org/logo.png";
            info.links = list;
        }
        json[k] = document(&info);
        ok(json[k] && !strcmp(json[k]->child->string, "@context"), "@context is the first key");
    }
    for (i = 0; i < ROWS(values); ++i) {
        const char *want[] = { values[i].plain_2, values[i].plain_3, values[i].full_2,
                               values[i].full_3 };

        for (k = 0; k < 4; ++k) {
            const char *got = value_at(json[k], values[i].path);

            ok(!strcmp(got, want[k]), "%s %s: %s is %s", k < 2 ? "plain" : "full",
               k % 2 ? "3.0" : "2.1", values[i].path, got);
        }
    }
    ok(!strcmp(value_at(json[1], "profile"), "\"level2\""), "3.0: profile is one word");
    for (k = 0; k < 4; ++k)
        cJSON_Delete(json[k]);
}

static void test_limits(void)
{
    unsigned i, k;

    for (i = 0; i < ROWS(limited); ++i) {
        for (k = 0; k < 2; ++k) {
            iiif_info_t info = plain(k ? V3 : V2);
            const cJSON *size;
            int sizes, tiles, beyond = 0;
            cJSON *json;

            info.subject.full = limited[i].full;
            info.subject.limits = limited[i].limits;
            info.tile = iiif_tile_within(limited[i].tile, info.subject.full, &info.subject.limits);
            json = document(&info);
            sizes = cJSON_GetArraySize(cJSON_GetObjectItem(json, "sizes"));
            tiles = cJSON_GetArraySize(cJSON_GetObjectItem(json, "tiles"));
            cJSON_ArrayForEach(size, cJSON_GetObjectItem(json, "sizes"))
            {
                double w = cJSON_GetNumberValue(cJSON_GetObjectItem(size, "width"));
                double h = cJSON_GetNumberValue(cJSON_GetObjectItem(size, "height"));

                beyond += (info.subject.limits.max_width && w > info.subject.limits.max_width)
                          || (info.subject.limits.max_area
                              && w * h > (double)info.subject.limits.max_area);
            }
            ok(sizes == limited[i].sizes && tiles == limited[i].tiles && !beyond,
               "row %u in %s: %d sizes, %d tiles", i, k ? "3.0" : "2.1", sizes, tiles);
            cJSON_Delete(json);
        }
    }
}

static void test_merges(void)
{
    unsigned i, k;

    for (i = 0; i < ROWS(merges); ++i) {
        cJSON *extra = cJSON_Parse(merges[i].extra);

        for (k = 0; k < 2; ++k) {
            iiif_info_t info = plain(k ? V3 : V2);
            const char *want = k ? merges[i].in_3 : merges[i].in_2, *got;
            cJSON *json;

            info.extra = extra;
            json = document(&info);
            got = value_at(json, merges[i].path);
            ok(!strcmp(got, want), "%s merged into %s: %s", merges[i].extra, k ? "3.0" : "2.1",
               got);
            cJSON_Delete(json);
        }
        cJSON_Delete(extra);
    }
}

/* A gray source has no colour to offer, and a text may hold anything. */
static void test_details(void)
{
    iiif_info_t info = plain(V3);
    cJSON *json;

    info.subject.natural = IIIF_QUALITY_GRAY;
    info.id = "https://example.org/a%2Fb\"\\";
    info.tile = (iiif_dims_t){ 256, 128 };
    json = document(&info);
    ok(!strcmp(value_at(json, "extraQualities"), "[\"gray\",\"bitonal\"]"), "gray, not color");
    ok(!strcmp(value_at(json, "id"), "\"https://example.org/a%2Fb\\\"\\\\\""), "text is escaped");
    ok(!strcmp(value_at(json, "tiles/0/height"), "128"), "tiles that are no squares");
    cJSON_Delete(json);
    info.version = V2;
    json = document(&info);
    ok(!strcmp(value_at(json, "tiles/0/height"), "128"), "in 2.1, too");
    cJSON_Delete(json);
    info.subject.full = (iiif_dims_t){ 4294967295u, 1 };
    info.subject.limits.max_area = APR_UINT64_C(123456789012345);
    json = document(&info);
    ok(!strcmp(value_at(json, "width"), "4294967295")
           && !strcmp(value_at(json, "profile/1/maxArea"), "123456789012345"),
       "large numbers are whole numbers: %s", value_at(json, "profile/1/maxArea"));
    cJSON_Delete(json);
    ok(!strcmp(iiif_info_profile_uri(V2), "http://iiif.io/api/image/2/level2.json")
           && !strcmp(iiif_info_profile_uri(V3), "http://iiif.io/api/image/3/level2.json"),
       "the level's document is http");
}

/* Tiles of other sizes come after those of all levels, each size once. */
static void test_stored_tiles(void)
{
    iiif_info_t info = plain(V3);
    cJSON *json;

    info.stored[1] = info.stored[3] = (iiif_dims_t){ 256, 256 };
    info.stored[2] = (iiif_dims_t){ 256, 128 };
    info.stored[5] = (iiif_dims_t){ 64, 64 }; /* no level of these tiles any more */
    json = document(&info);
    ok(!strcmp(value_at(json, "tiles"),
               "[{\"width\":512,\"height\":512,\"scaleFactors\":[1,2,4,8,16]},"
               "{\"width\":256,\"height\":256,\"scaleFactors\":[2,8]},"
               "{\"width\":256,\"height\":128,\"scaleFactors\":[4]}]"),
       "tiles as they are stored: %s", value_at(json, "tiles"));
    cJSON_Delete(json);
    info.version = V2;
    json = document(&info);
    ok(!strcmp(value_at(json, "tiles/1"), "{\"width\":256,\"scaleFactors\":[2,8]}"), "in 2.1: %s",
       value_at(json, "tiles/1"));
    cJSON_Delete(json);
}

static void test_extra_parse(void)
{
    static const struct {
        const char *text;
        apr_status_t want;
    } cases[] = {
        { "{}", APR_SUCCESS },        { " {\"rights\": \"x\"}\n\n", APR_SUCCESS },
        { "", IIIF_EBADSOURCE },      { "[]", IIIF_EBADSOURCE },
        { "\"x\"", IIIF_EBADSOURCE }, { "null", IIIF_EBADSOURCE },
        { "{", IIIF_EBADSOURCE },     { "{} {}", IIIF_EBADSOURCE },
        { "{}x", IIIF_EBADSOURCE },   { "{\"a\":}", IIIF_EBADSOURCE },
    };
    const cJSON *const before = (const cJSON *)&cases, *extra;
    unsigned i;

    for (i = 0; i < ROWS(cases); ++i) {
        iiif_err_t err = { "" };
        apr_status_t rv;

        extra = before;
        rv = iiif_info_extra_parse(&extra, cases[i].text, &err, pool);
        ok(rv == cases[i].want && (rv ? extra == before && *err.text : cJSON_IsObject(extra)),
           "'%s' %s", cases[i].text, rv ? err.text : "is an object");
    }
}

/* Files without a server: level 0 demands JPEG, everything else is beyond it. */
static void test_static_files(void)
{
    static const struct {
        const char *path, *want;
    } expected[] = {
        { "profile", "\"level0\"" },
        { "sizes/4", "{\"width\":6000,\"height\":4000}" },
        { "tiles", "[{\"width\":512,\"height\":512,\"scaleFactors\":[1,2,4,8,16]}]" },
        { "extraFormats", "[\"png\"]" },
        { "extraQualities", "" },
        { "extraFeatures", "" },
    };
    iiif_info_t info = plain(V3);
    cJSON *json;
    unsigned i;

    info.static_files = 1;
    json = document(&info);
    for (i = 0; i < ROWS(expected); ++i)
        ok(!strcmp(value_at(json, expected[i].path), expected[i].want), "files: %s",
           expected[i].path);
    cJSON_Delete(json);
}

/* -- rights ------------------------------------------------------------------------------------ */

/* clang-format off */
static const struct {
    const char *text;
    int is_uri, is_registered;
    const char *rights; /* in version 3; in version 2 it is as it was */
} rights[] = {
    { "http://creativecommons.org/licenses/by/4.0/",       1, 1, "http://creativecommons.org/licenses/by/4.0/" },
    { "https://creativecommons.org/licenses/by/4.0/",      1, 1, "http://creativecommons.org/licenses/by/4.0/" },
    { "HTTPS://CreativeCommons.org/licenses/by/4.0/",      1, 1, "http://CreativeCommons.org/licenses/by/4.0/" },
    { "https://rightsstatements.org/vocab/InC/1.0/",       1, 1, "http://rightsstatements.org/vocab/InC/1.0/" },
    { "https://rightsstatements.org.example/vocab/",       1, 0, "https://rightsstatements.org.example/vocab/" },
    { "https://creativecommons.org",                       1, 0, "https://creativecommons.org" },
    { "https://example.org/rights",                        1, 0, "https://example.org/rights" },
    { "ftp://creativecommons.org/licenses/by/4.0/",        0, 0, NULL },
    { "creativecommons.org/licenses/by/4.0/",              0, 0, NULL },
    { "http:///licenses", 0, 0, NULL }, { "https://", 0, 0, NULL }, { "", 0, 0, NULL }, { "CC BY 4.0", 0, 0, NULL },
    { "http://example.org/a b", 0, 0, NULL }, { "http://example.org/<b>", 0, 0, NULL }, { "http://example.org/\xff", 0, 0, NULL },
    { "http://example.org/\"", 0, 0, NULL }, { "http://example.org/\n", 0, 0, NULL },
};
/* clang-format on */

static void test_rights(void)
{
    unsigned i;

    for (i = 0; i < ROWS(rights); ++i) {
        iiif_info_t info = plain(V3);
        cJSON *of_3, *of_2;

        ok(iiif_info_is_uri(rights[i].text) == rights[i].is_uri, "%s is %s URI", rights[i].text,
           rights[i].is_uri ? "a" : "no");
        if (!rights[i].is_uri)
            continue;
        ok(iiif_info_is_registered(rights[i].text) == rights[i].is_registered, "  which 3.0 %s",
           rights[i].is_registered ? "knows" : "does not know");
        info.rights = rights[i].text;
        of_3 = document(&info);
        info.version = V2;
        of_2 = document(&info);
        ok(of_3 && of_2
               && !strcmp(cJSON_GetObjectItem(of_3, "rights")->valuestring, rights[i].rights)
               && !strcmp(cJSON_GetObjectItem(of_2, "license")->valuestring, rights[i].text),
           "  and %s in version 3", rights[i].rights);
        cJSON_Delete(of_3);
        cJSON_Delete(of_2);
    }
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_values();
    test_limits();
    test_merges();
    test_details();
    test_stored_tiles();
    test_extra_parse();
    test_static_files();
    test_rights();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
