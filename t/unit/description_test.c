/* SPDX-License-Identifier: Apache-2.0 */
#include "store/description.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <string.h>

#include "tap.h"

#define DZI  iiif_description_dzi
#define JS   iiif_description_dzi_js
#define ZOOM iiif_description_zoomify
#define INFO iiif_description_info
#define V2   "\"@context\":\"http://iiif.io/api/image/2/context.json\","
#define V3   "\"@context\":\"http://iiif.io/api/image/3/context.json\","

#define HUGE_ 4294967295u

/* clang-format off */
static const struct {
    iiif_description_fn *parse;
    const char *text;
    iiif_dims_t full, tile;
    apr_uint32_t overlap;
    iiif_format_e format;
    const char *extension;
    apr_uint64_t tile_count;
    int version;
} cases[] = {
    /* Deep Zoom */
    { DZI, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<Image xmlns=\"http://schemas.microsoft.com/deepzoom/2008\"\n  Format=\"jpg\"\n  Overlap=\"1\"\n"
      "  TileSize=\"254\"\n  >\n  <Size \n    Height=\"900\"\n    Width=\"1300\"\n  />\n</Image>\n",
      { 1300, 900 }, { 254, 254 }, 1, IIIF_FORMAT_JPG, "jpg", 0, 0 },
    { DZI, "<Image TileSize='256' Format='jpeg' Overlap='0'><Other Width='1'/><Size Width='7' Height='8'/></Image>",
      { 7, 8 }, { 256, 256 }, 0, IIIF_FORMAT_JPG, "jpeg", 0, 0 },
    { DZI, "<d:Image xmlns:d=\"urn:x\" d:TileSize=\"256\" Format=\"PNG\" Overlap=\"255\"><d:Size Width=\"7\" d:Height=\"8\"/></d:Image>",
      { 7, 8 }, { 256, 256 }, 255, IIIF_FORMAT_PNG, "PNG", 0, 0 },
    { DZI, "\xef\xbb\xbf<Image TileSize='1' Format='webp' Overlap='0'><Size Width='65536' Height='65536'/></Image>",
      { 65536, 65536 }, { 1, 1 }, 0, IIIF_FORMAT_WEBP, "webp", 0, 0 },
    { DZI, "<Image TileSize='65536' Format='tiff' Overlap='0'><Size Width='4294967295' Height='4294967295'/></Image>",
      { HUGE_, HUGE_ }, { 65536, 65536 }, 0, IIIF_FORMAT_TIF, "tiff", 0, 0 },
    /* its JSON */
    { JS, "foo({\"Image\":{\"xmlns\":\"urn:x\",\"Format\":\"jpg\",\"Overlap\":\"0\",\"TileSize\":\"256\","
      "\"Size\":{\"Width\":\"1300\",\"Height\":\"900\"}}});\n",
      { 1300, 900 }, { 256, 256 }, 0, IIIF_FORMAT_JPG, "jpg", 0, 0 },
    { JS, "{\"Image\":{\"Format\":\"webp\",\"Overlap\":2,\"TileSize\":256,\"Size\":{\"Width\":1300,\"Height\":900}}}",
      { 1300, 900 }, { 256, 256 }, 2, IIIF_FORMAT_WEBP, "webp", 0, 0 },
    { JS, "/* (c) */ x.y({\"Image\":{\"Format\":\"gif\",\"Overlap\":0,\"TileSize\":9,\"Size\":{\"Width\":1,\"Height\":2},\"Url\":\"a(1)\"}})",
      { 0, 0 }, { 0, 0 }, 0, IIIF_FORMATS, NULL, 0, -1 }, /* the first parenthesis is another */
    { JS, "\n f ( {\"Image\":{\"Format\":\"gif\",\"Overlap\":0,\"TileSize\":9,\"Size\":{\"Width\":1,\"Height\":2},\"Url\":\"a(1)\"}} ) ",
      { 1, 2 }, { 9, 9 }, 0, IIIF_FORMAT_GIF, "gif", 0, 0 },
    /* Zoomify */
    { ZOOM, "<IMAGE_PROPERTIES WIDTH=\"1300\" HEIGHT=\"900\" NUMTILES=\"33\" NUMIMAGES=\"1\" VERSION=\"1.8\" TILESIZE=\"256\" />\n",
      { 1300, 900 }, { 256, 256 }, 0, IIIF_FORMAT_JPG, NULL, 33, 0 },
    { ZOOM, "<IMAGE_PROPERTIES TILESIZE='512' NUMTILES='4294967296' HEIGHT='1' WIDTH='2'></IMAGE_PROPERTIES>",
      { 2, 1 }, { 512, 512 }, 0, IIIF_FORMAT_JPG, NULL, APR_UINT64_C(4294967296), 0 },
    /* IIIF */
    { INFO, "{" V2 "\"profile\":[\"http://iiif.io/api/image/2/level0.json\",{\"formats\":[\"png\"]}],"
      "\"tiles\":[{\"scaleFactors\":[1,2],\"width\":256}],\"width\":300,\"height\":700}",
      { 300, 700 }, { 256, 256 }, 0, IIIF_FORMAT_PNG, NULL, 0, 2 },
    { INFO, "{" V2 "\"profile\":\"http://iiif.io/api/image/2/level0.json\",\"width\":300,\"height\":700}",
      { 300, 700 }, { 300, 700 }, 0, IIIF_FORMAT_JPG, NULL, 0, 2 },
    { INFO, "{" V3 "\"preferredFormats\":[\"avif\",\"webp\",\"png\"],"
      "\"tiles\":[{\"width\":256,\"height\":128},{\"width\":1}],\"width\":300,\"height\":700}",
      { 300, 700 }, { 256, 128 }, 0, IIIF_FORMAT_WEBP, NULL, 0, 3 },
    { INFO, "{\"@context\":[\"http://example.org/x.json\",[\"http://iiif.io/api/image/2/context.json\"],"
      "\"https://iiif.io/api/image/3/context.json\"],\"width\":300,\"height\":700}",
      { 300, 700 }, { 300, 700 }, 0, IIIF_FORMAT_JPG, NULL, 0, 3 },
};

/* A part of the sentence that refuses it. */
static const struct {
    iiif_description_fn *parse;
    const char *text, *reason;
} refused[] = {
    { DZI, "", "no Deep Zoom descriptor" },
    { DZI, "<Image", "no Deep Zoom descriptor" },
    { DZI, "<Collection/>", "no Deep Zoom descriptor" },
    { DZI, "<Image TileSize='256' Format='jpg' Overlap='0'><Size Width='7' Height='8'/></Image><Image/>", "no Deep Zoom descriptor" },
    { DZI, "<x:Image TileSize='256' Format='jpg' Overlap='0'><Size Width='7' Height='8'/></x:Image>", "no Deep Zoom descriptor" },
    { DZI, "<!DOCTYPE Image [<!ENTITY a '7'>]><Image TileSize='256' Format='jpg' Overlap='0'><Size Width='&a;' Height='8'/></Image>", "no Deep Zoom descriptor" },
    { DZI, "<Image TileSize='256' Format='jpg' Overlap='0'/>", "Width is missing" },
    { DZI, "<Image TileSize='256' Format='jpg' Overlap='0'><Size Width='7'/></Image>", "Height is missing" },
    { DZI, "<Image Format='jpg' Overlap='0'><Size Width='7' Height='8'/></Image>", "TileSize is missing" },
    { DZI, "<Image TileSize='256' Format='jpg'><Size Width='7' Height='8'/></Image>", "Overlap is missing" },
    { DZI, "<Image TileSize='256' Overlap='0'><Size Width='7' Height='8'/></Image>", "Format is missing" },
    { DZI, "<Image TileSize='256' Format='avif' Overlap='0'><Size Width='7' Height='8'/></Image>", "none that can be checked" },
    { DZI, "<Image TileSize='256' Format='../../etc' Overlap='0'><Size Width='7' Height='8'/></Image>", "none that can be checked" },
    { DZI, "<Image TileSize='-1' Format='jpg' Overlap='0'><Size Width='7' Height='8'/></Image>", "TileSize is missing, or no number" },
    { DZI, "<Image TileSize='2 56' Format='jpg' Overlap='0'><Size Width='7' Height='8'/></Image>", "TileSize is missing, or no number" },
    { DZI, "<Image TileSize='4294967296' Format='jpg' Overlap='0'><Size Width='7' Height='8'/></Image>", "TileSize is no number of pixels" },
    { DZI, "<Image TileSize='99999999999999999999999' Format='jpg' Overlap='0'><Size Width='7' Height='8'/></Image>", "TileSize is missing, or no number" },
    { DZI, "<Image TileSize='0' Format='jpg' Overlap='0'><Size Width='7' Height='8'/></Image>", "side of the tiles is 0" },
    { DZI, "<Image TileSize='256' Format='jpg' Overlap='0'><Size Width='0' Height='8'/></Image>", "side of the image is 0" },
    { DZI, "<Image TileSize='256' Format='jpg' Overlap='256'><Size Width='7' Height='8'/></Image>", "tiles of 256 pixels cannot overlap by 256" },
    { DZI, "<Image TileSize='1' Format='jpg' Overlap='0'><Size Width='65536' Height='65537'/></Image>", "more tiles" },
    { DZI, "<Image TileSize='1' Format='jpg' Overlap='0'><Size Width='4294967295' Height='4294967295'/></Image>", "more tiles" },
    { JS, "", "no Deep Zoom descriptor in JSON" },
    { JS, "alert(1)", "no Deep Zoom descriptor in JSON" },
    { JS, ")(", "no Deep Zoom descriptor in JSON" },
    { JS, "f({\"Image\":", "no Deep Zoom descriptor in JSON" },
    { JS, "[]", "no Deep Zoom descriptor in JSON" },
    { JS, "{}", "Width is missing" },
    { JS, "{\"Image\":7}", "Width is missing" },
    { JS, "{\"Image\":{\"Format\":\"jpg\",\"Overlap\":0,\"TileSize\":256,\"Size\":{\"Width\":1300.5,\"Height\":900}}}", "Width is missing, or no number" },
    { JS, "{\"Image\":{\"Format\":\"jpg\",\"Overlap\":0,\"TileSize\":256,\"Size\":{\"Width\":-7,\"Height\":900}}}", "Width is missing, or no number" },
    { JS, "{\"Image\":{\"Format\":\"jpg\",\"Overlap\":0,\"TileSize\":256,\"Size\":{\"Width\":1e300,\"Height\":900}}}", "Width is missing, or no number" },
    { JS, "{\"Image\":{\"Format\":\"jpg\",\"Overlap\":0,\"TileSize\":256,\"Size\":{\"Width\":7,\"Height\":[900]}}}", "Height is missing, or no number" },
    { JS, "{\"Image\":{\"Format\":7,\"Overlap\":0,\"TileSize\":256,\"Size\":{\"Width\":7,\"Height\":9}}}", "Format is missing" },
    { ZOOM, "", "no IMAGE_PROPERTIES" },
    { ZOOM, "<Image/>", "no IMAGE_PROPERTIES" },
    { ZOOM, "<IMAGE_PROPERTIES/>", "WIDTH is missing" },
    { ZOOM, "<IMAGE_PROPERTIES WIDTH='7'/>", "HEIGHT is missing" },
    { ZOOM, "<IMAGE_PROPERTIES WIDTH='7' HEIGHT='7'/>", "TILESIZE is missing" },
    { ZOOM, "<IMAGE_PROPERTIES WIDTH='7' HEIGHT='7' TILESIZE='256'/>", "NUMTILES is missing" },
    { ZOOM, "<IMAGE_PROPERTIES WIDTH='7' HEIGHT='7' TILESIZE='256' NUMTILES='4294967297'/>", "NUMTILES is missing, or no number" },
    { ZOOM, "<IMAGE_PROPERTIES WIDTH='7' HEIGHT='7' TILESIZE='0' NUMTILES='1'/>", "side of the tiles is 0" },
    { INFO, "", "no JSON object" },
    { INFO, "[1]", "no JSON object" },
    { INFO, "{\"width\":7,\"height\":7}", "no Image API 2 or 3" },
    { INFO, "{\"@context\":\"http://library.stanford.edu/iiif/image-api/1.1/context.json\",\"width\":7,\"height\":7}", "no Image API 2 or 3" },
    { INFO, "{\"@context\":[[\"http://iiif.io/api/image/3/context.json\"]],\"width\":7,\"height\":7}", "no Image API 2 or 3" },
    { INFO, "{" V3 "\"height\":7}", "width is missing" },
    { INFO, "{" V3 "\"width\":7,\"height\":null}", "height is missing" },
    { INFO, "{" V3 "\"width\":7,\"height\":0}", "side of the image is 0" },
    { INFO, "{" V3 "\"width\":7,\"height\":7,\"tiles\":[{}]}", "width of tiles is missing" },
    { INFO, "{" V3 "\"width\":7,\"height\":7,\"tiles\":[{\"width\":7,\"height\":\"x\"}]}", "height of tiles is missing" },
    { INFO, "{" V3 "\"width\":7,\"height\":7,\"tiles\":[{\"width\":7,\"height\":0}]}", "side of the tiles is 0" },
};
/* clang-format on */

static int same_dims(iiif_dims_t a, iiif_dims_t b)
{
    return a.width == b.width && a.height == b.height;
}

static void is_case(unsigned i, apr_pool_t *pool)
{
    iiif_description_t d;
    iiif_err_t err = { "" };
    apr_status_t rv = cases[i].parse(&d, cases[i].text, strlen(cases[i].text), &err, pool);

    if (cases[i].version < 0) {
        ok(rv == IIIF_EBADSOURCE, "case %u is refused", i);
        return;
    }
    ok(rv == APR_SUCCESS && same_dims(d.full, cases[i].full) && same_dims(d.tile, cases[i].tile)
           && d.overlap == cases[i].overlap && d.format == cases[i].format
           && d.tile_count == cases[i].tile_count && (int)d.version == cases[i].version
           && (cases[i].extension ? d.extension && !strcmp(d.extension, cases[i].extension)
                                  : !d.extension),
       "case %u: %s %.60s", i, err.text, cases[i].text);
}

/* Each shorter text of a good one is refused, and nothing is read behind it. */
static void is_whole(unsigned i, apr_pool_t *pool)
{
    const char *end =
        strrchr(cases[i].text, cases[i].parse == DZI || cases[i].parse == ZOOM ? '>' : '}');
    apr_size_t len;
    int refused_all = 1;

    for (len = 0; end && len < (apr_size_t)(end - cases[i].text); ++len) {
        iiif_description_t d;
        apr_pool_t *row;

        apr_pool_create(&row, pool);
        if (cases[i].parse(&d, apr_pstrmemdup(row, cases[i].text, len), len, NULL, row)
            == APR_SUCCESS)
            refused_all = 0;
        apr_pool_destroy(row);
    }
    ok(end && refused_all, "  and not a byte less");
}

/* Deep nesting ends in a refusal, not on the stack. */
static void is_shallow(iiif_description_fn *parse, const char *part, apr_pool_t *pool)
{
    apr_size_t each = strlen(part), len = 0, max = 1000000 / each * each;
    char *text = apr_palloc(pool, max + 1);
    iiif_description_t d;

    for (; len < max; len += each)
        memcpy(text + len, part, each);
    text[max] = '\0';
    ok(parse(&d, text, max, NULL, pool) == IIIF_EBADSOURCE, "a megabyte of %s", part);
}

int main(void)
{
    apr_pool_t *pool;
    unsigned i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    for (i = 0; i < ROWS(cases); ++i) {
        is_case(i, pool);
        is_whole(i, pool);
    }
    for (i = 0; i < ROWS(refused); ++i) {
        iiif_description_t d;
        iiif_err_t err = { "" };
        apr_status_t rv =
            refused[i].parse(&d, refused[i].text, strlen(refused[i].text), &err, pool);

        ok(rv == IIIF_EBADSOURCE && strstr(err.text, refused[i].reason), "'%s': %s", err.text,
           refused[i].text);
    }
    is_shallow(DZI, "<a>", pool);
    is_shallow(JS, "{\"a\":", pool);
    is_shallow(INFO, "[", pool);
    apr_terminate();
    return done_testing();
}
