/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/resolved.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <string.h>

#include "tap.h"

#define ALL     ((1u << IIIF_FORMATS) - 1)
#define V2      IIIF_VERSION_2
#define V3      IIIF_VERSION_3
#define BAD     IIIF_EBADREQUEST
#define NOTIMPL IIIF_ENOTIMPL
#define TOOBIG  IIIF_ETOOBIG

/* clang-format off */
/* Full size, natural quality, limits (width, height, area, upscale), square. */
static const iiif_subject_t
    map     = { { 1000, 800 }, IIIF_QUALITY_COLOR, { 0, 0, 0, 0 },       IIIF_SQUARE_CENTRE },
    map_up  = { { 1000, 800 }, IIIF_QUALITY_COLOR, { 2000, 1600, 0, 1 }, IIIF_SQUARE_CENTRE },
    map_500 = { { 1000, 800 }, IIIF_QUALITY_COLOR, { 500, 500, 0, 0 },   IIIF_SQUARE_CENTRE },
    gray    = { { 1000, 800 }, IIIF_QUALITY_GRAY,  { 0, 0, 0, 0 },       IIIF_SQUARE_CENTRE },
    tile    = { { 512, 512 },  IIIF_QUALITY_COLOR, { 0, 0, 0, 0 },       IIIF_SQUARE_ENTROPY },
    busy    = { { 1000, 800 }, IIIF_QUALITY_COLOR, { 0, 0, 0, 0 },       IIIF_SQUARE_ENTROPY },
    seen    = { { 1000, 800 }, IIIF_QUALITY_COLOR, { 0, 0, 0, 0 },       IIIF_SQUARE_ATTENTION },
    thin    = { { 1000, 3 },   IIIF_QUALITY_COLOR, { 0, 0, 0, 0 },       IIIF_SQUARE_CENTRE },
    spec    = { { 300, 200 },  IIIF_QUALITY_COLOR, { 360, 360, 0, 1 },   IIIF_SQUARE_CENTRE },
    quarter = { { 1000, 100 }, IIIF_QUALITY_COLOR, { 0, 0, 100000, 0 },  IIIF_SQUARE_CENTRE },
    vast    = { { 70000, 70000 }, IIIF_QUALITY_COLOR, { 0, 0, 0, 0 },    IIIF_SQUARE_CENTRE };

static const struct {
    const iiif_subject_t *subject;
    iiif_version_e version;
    const char *text;
    const char *canonical_2, *canonical_3;
    iiif_dims_t canvas;
} cases[] = {
    /* 3.0, 4.8 and 2.1, 4.7: the tables' rows and the Link header's examples */
    { &map, V3, "full/max/0/default.jpg",             "full/full/0/default.jpg", "full/max/0/default.jpg", { 1000, 800 } },
    { &map, V2, "full/full/0/default.jpg",            "full/full/0/default.jpg", "full/max/0/default.jpg", { 1000, 800 } },
    { &map, V3, "full/400,300/0/default.jpg",         "full/400,300/0/default.jpg", "full/400,300/0/default.jpg", { 400, 300 } },
    { &map, V2, "full/400,/0/default.jpg",            "full/400,/0/default.jpg", "full/400,320/0/default.jpg", { 400, 320 } },
    { &spec, V3, "full/^max/0/default.jpg",           "full/360,/0/default.jpg", "full/^max/0/default.jpg", { 360, 240 } },
    { &spec, V3, "full/^330,220/0/default.jpg",       "full/330,/0/default.jpg", "full/^330,220/0/default.jpg", { 330, 220 } },
    { &spec, V3, "125,15,120,140/90,/!345/gray.jpg",  "125,15,120,140/90,/!345/gray.jpg", "125,15,120,140/90,105/!345/gray.jpg", { 114, 125 } },
    /* regions */
    { &map, V3, "0,0,1000,800/max/0/default.jpg",     "full/full/0/default.jpg", "full/max/0/default.jpg", { 1000, 800 } },
    { &map, V3, "0,0,5000,5000/max/0/default.jpg",    "full/full/0/default.jpg", "full/max/0/default.jpg", { 1000, 800 } },
    { &map, V3, "pct:0,0,100,100/max/0/default.jpg",  "full/full/0/default.jpg", "full/max/0/default.jpg", { 1000, 800 } },
    { &tile, V3, "square/max/0/default.jpg",          "full/full/0/default.jpg", "full/max/0/default.jpg", { 512, 512 } },
    { &map, V3, "square/max/0/default.jpg",           "100,0,800,800/full/0/default.jpg", "100,0,800,800/max/0/default.jpg", { 800, 800 } },
    { &map, V3, "900,700,500,500/max/0/default.jpg",  "900,700,100,100/full/0/default.jpg", "900,700,100,100/max/0/default.jpg", { 100, 100 } },
    { &map, V3, "007,03,0101,053/max/0/default.jpg",  "7,3,101,53/full/0/default.jpg", "7,3,101,53/max/0/default.jpg", { 101, 53 } },
    { &busy, V3, "square/max/0/default.jpg",          "square/full/0/default.jpg", "square/max/0/default.jpg", { 800, 800 } },
    { &seen, V2, "square/400,/0/default.jpg",         "square/400,/0/default.jpg", "square/400,400/0/default.jpg", { 400, 400 } },
    { &busy, V3, "100,0,800,800/max/0/default.jpg",   "100,0,800,800/full/0/default.jpg", "100,0,800,800/max/0/default.jpg", { 800, 800 } },
    /* sizes that are the region's own */
    { &map, V3, "full/1000,/0/default.jpg",           "full/full/0/default.jpg", "full/max/0/default.jpg", { 1000, 800 } },
    { &map, V3, "full/,800/0/default.jpg",            "full/full/0/default.jpg", "full/max/0/default.jpg", { 1000, 800 } },
    { &map, V3, "full/1000,800/0/default.jpg",        "full/full/0/default.jpg", "full/max/0/default.jpg", { 1000, 800 } },
    { &map, V3, "full/pct:100/0/default.jpg",         "full/full/0/default.jpg", "full/max/0/default.jpg", { 1000, 800 } },
    { &map, V3, "full/!1000,800/0/default.jpg",       "full/full/0/default.jpg", "full/max/0/default.jpg", { 1000, 800 } },
    { &map, V3, "full/!2000,3000/0/default.jpg",      "full/full/0/default.jpg", "full/max/0/default.jpg", { 1000, 800 } },
    { &map, V3, "full/^1000,/0/default.jpg",          "full/full/0/default.jpg", "full/max/0/default.jpg", { 1000, 800 } },
    { &map, V3, "full/^max/0/default.jpg",            "full/full/0/default.jpg", "full/max/0/default.jpg", { 1000, 800 } },
    { &map, V2, "full/max/0/default.jpg",             "full/full/0/default.jpg", "full/max/0/default.jpg", { 1000, 800 } },
    /* smaller ones, in shape and out of it */
    { &map, V3, "full/500,/0/default.jpg",            "full/500,/0/default.jpg", "full/500,400/0/default.jpg", { 500, 400 } },
    { &map, V3, "full/,400/0/default.jpg",            "full/500,/0/default.jpg", "full/500,400/0/default.jpg", { 500, 400 } },
    { &map, V3, "full/pct:50/0/default.jpg",          "full/500,/0/default.jpg", "full/500,400/0/default.jpg", { 500, 400 } },
    { &map, V3, "full/!500,500/0/default.jpg",        "full/500,/0/default.jpg", "full/500,400/0/default.jpg", { 500, 400 } },
    { &map, V3, "full/^500,/0/default.jpg",           "full/500,/0/default.jpg", "full/500,400/0/default.jpg", { 500, 400 } },
    { &map, V3, "full/500,400/0/default.jpg",         "full/500,/0/default.jpg", "full/500,400/0/default.jpg", { 500, 400 } },
    { &map, V3, "full/500,100/0/default.jpg",         "full/500,100/0/default.jpg", "full/500,100/0/default.jpg", { 500, 100 } },
    { &map, V3, "full/500,401/0/default.jpg",         "full/500,401/0/default.jpg", "full/500,401/0/default.jpg", { 500, 401 } },
    { &thin, V3, "full/10,/0/default.jpg",            "full/10,/0/default.jpg", "full/10,1/0/default.jpg", { 10, 1 } },
    { &thin, V3, "full/,1/0/default.jpg",             "full/333,/0/default.jpg", "full/333,1/0/default.jpg", { 333, 1 } },
    /* larger ones */
    { &map_up, V3, "full/^max/0/default.jpg",         "full/2000,/0/default.jpg", "full/^max/0/default.jpg", { 2000, 1600 } },
    { &map_up, V3, "full/^2000,/0/default.jpg",       "full/2000,/0/default.jpg", "full/^max/0/default.jpg", { 2000, 1600 } },
    { &map_up, V3, "full/^pct:150/0/default.jpg",     "full/1500,/0/default.jpg", "full/^1500,1200/0/default.jpg", { 1500, 1200 } },
    { &map_up, V2, "full/2000,/0/default.jpg",        "full/2000,/0/default.jpg", "full/^max/0/default.jpg", { 2000, 1600 } },
    { &map_up, V2, "full/pct:150/0/default.jpg",      "full/1500,/0/default.jpg", "full/^1500,1200/0/default.jpg", { 1500, 1200 } },
    { &map_up, V3, "full/^1200,100/0/default.jpg",    "full/1200,100/0/default.jpg", "full/^1200,100/0/default.jpg", { 1200, 100 } },
    { &map_up, V3, "0,0,100,100/^!150,900/0/default.jpg", "0,0,100,100/150,/0/default.jpg", "0,0,100,100/^150,150/0/default.jpg", { 150, 150 } },
    /* limits below the image: full is not the same as max */
    { &map_500, V3, "full/max/0/default.jpg",         "full/500,/0/default.jpg", "full/max/0/default.jpg", { 500, 400 } },
    { &map_500, V2, "full/max/0/default.jpg",         "full/500,/0/default.jpg", "full/max/0/default.jpg", { 500, 400 } },
    { &map_500, V3, "full/500,400/0/default.jpg",     "full/500,/0/default.jpg", "full/max/0/default.jpg", { 500, 400 } },
    { &map_500, V3, "full/^max/0/default.jpg",        "full/500,/0/default.jpg", "full/max/0/default.jpg", { 500, 400 } },
    { &map_500, V3, "0,0,100,100/max/0/default.jpg",  "0,0,100,100/full/0/default.jpg", "0,0,100,100/max/0/default.jpg", { 100, 100 } },
    /* rotation: size first, then the turn */
    { &map, V3, "full/250,/90/default.jpg",           "full/250,/90/default.jpg", "full/250,200/90/default.jpg", { 200, 250 } },
    { &map, V3, "full/max/90.0/default.jpg",          "full/full/90/default.jpg", "full/max/90/default.jpg", { 800, 1000 } },
    { &map, V3, "full/max/360/default.jpg",           "full/full/0/default.jpg", "full/max/0/default.jpg", { 1000, 800 } },
    { &map, V3, "full/max/!360.0/default.jpg",        "full/full/!0/default.jpg", "full/max/!0/default.jpg", { 1000, 800 } },
    { &map, V3, "full/max/22.50/default.png",         "full/full/22.5/default.png", "full/max/22.5/default.png", { 1230, 1122 } },
    { &map, V3, "full/max/.50/default.png",           "full/full/0.5/default.png", "full/max/0.5/default.png", { 1007, 809 } },
    /* quality */
    { &map, V3, "full/max/0/color.jpg",               "full/full/0/default.jpg", "full/max/0/default.jpg", { 1000, 800 } },
    { &map, V3, "full/max/0/gray.jpg",                "full/full/0/gray.jpg", "full/max/0/gray.jpg", { 1000, 800 } },
    { &map, V3, "full/max/0/bitonal.png",             "full/full/0/bitonal.png", "full/max/0/bitonal.png", { 1000, 800 } },
    { &gray, V3, "full/max/0/color.jpg",              "full/full/0/default.jpg", "full/max/0/default.jpg", { 1000, 800 } },
    { &gray, V3, "full/max/0/gray.jpg",               "full/full/0/default.jpg", "full/max/0/default.jpg", { 1000, 800 } },
    { &gray, V3, "full/max/0/bitonal.jpg",            "full/full/0/bitonal.jpg", "full/max/0/bitonal.jpg", { 1000, 800 } },
    /* format */
    { &map, V3, "full/max/0/default.webp",            "full/full/0/default.webp", "full/max/0/default.webp", { 1000, 800 } },
    { &vast, V3, "full/65500,/0/default.jpg",         "full/65500,/0/default.jpg", "full/65500,65500/0/default.jpg", { 65500, 65500 } },
};

static const struct {
    const iiif_subject_t *subject;
    iiif_version_e version;
    const char *text;
    apr_status_t want;
} refused[] = {
    { &map,     V3, "1000,0,10,10/max/0/default.jpg",  BAD },
    { &map,     V3, "0,0,100,100/101,/0/default.jpg",  BAD },  /* of the region, not the image */
    { &map,     V3, "full/1001,/0/default.jpg",        BAD },
    { &map,     V3, "full/^pct:120/0/default.jpg",     NOTIMPL },
    { &vast,    V3, "0,0,60000,2000/max/45/default.png", TOOBIG }, /* a ribbon's canvas */
    { &quarter, V3, "full/max/22.5/default.png",       TOOBIG },  /* over twice maxArea */
    { &map,     V2, "full/pct:120/0/default.jpg",      NOTIMPL },
    { &map_500, V2, "full/full/0/default.jpg",         BAD },
    { &map_500, V3, "full/501,/0/default.jpg",         BAD },
    { &map_up,  V3, "full/^2001,/0/default.jpg",       BAD },
    { &vast,    V3, "full/max/0/default.jpg",          BAD },  /* libjpeg ends at 65500 */
    { &vast,    V3, "full/65501,/0/default.jpg",       BAD },
    { &vast,    V3, "full/16384,/0/default.webp",      BAD },
    { &vast,    V3, "full/16383,/45/default.webp",     BAD },  /* the canvas grows with the turn */
    { &vast,    V3, "full/max/0/default.gif",          BAD },
};

/* Spellings of one image: one key. */
static const struct {
    const iiif_subject_t *subject;
    const char *key;
    struct { iiif_version_e version; const char *text; } spellings[8];
} keys[] = {
    { &map, "0,0,1000,800/500,400/0/default.jpg",
      { { V3, "full/500,/0/default.jpg" }, { V3, "full/,400/0/color.jpg" },
        { V3, "0,0,1000,800/pct:50/0.0/default.jpg" }, { V3, "full/^!500,9999/360/default.jpg" },
        { V2, "full/500,/0/default.jpg" }, { V2, "full/!500,500/0/default.jpg" },
        { V2, "pct:0,0,100,100/500,400/0/color.jpg" } } },
    { &map, "0,0,1000,800/1000,800/0/default.jpg",
      { { V3, "full/max/0/default.jpg" }, { V2, "full/full/0/default.jpg" },
        { V2, "full/max/0/default.jpg" }, { V3, "full/^max/0/default.jpg" } } },
    { &map_up, "0,0,1000,800/2000,1600/!90/gray.png",
      { { V3, "full/^max/!90/gray.png" }, { V2, "full/2000,/!90/gray.png" } } },
    { &busy, "entropy:100,0,800,800/800,800/0/default.jpg",
      { { V3, "square/max/0/default.jpg" }, { V2, "square/full/0/default.jpg" } } },
    { &seen, "attention:100,0,800,800/800,800/0/default.jpg",
      { { V3, "square/max/0/default.jpg" } } },
    { &busy, "100,0,800,800/800,800/0/default.jpg",
      { { V3, "100,0,800,800/max/0/default.jpg" } } },
};
/* clang-format on */

static apr_status_t resolve(iiif_resolved_t *resolved, const char *text, iiif_version_e version,
                            const iiif_subject_t *subject, apr_pool_t *pool)
{
    iiif_request_t readings[IIIF_READINGS_MAX];
    iiif_params_t params;
    apr_status_t rv;

    if (!iiif_request_read(readings, apr_pstrcat(pool, "ID/", text, NULL), pool)
        || readings[0].kind != IIIF_REQUEST_IMAGE)
        return APR_EGENERAL;
    rv = iiif_params_parse(&params, &readings[0], version, ALL, NULL);
    return rv == APR_SUCCESS ? iiif_resolve(resolved, &params, subject, NULL) : rv;
}

static void is_canonical(const iiif_resolved_t *resolved, const iiif_subject_t *subject,
                         iiif_version_e version, const char *want, apr_pool_t *pool)
{
    const char *got = iiif_canonical(resolved, subject, version, pool);
    iiif_resolved_t again;

    ok(!strcmp(got, want), "  canonical in %d: %s", (int)version, got);
    ok(resolve(&again, got, version, subject, pool) == APR_SUCCESS
           && !strcmp(iiif_key(&again, pool), iiif_key(resolved, pool))
           && !strcmp(iiif_canonical(&again, subject, version, pool), got),
       "    the same image, and its own canonical");
}

int main(void)
{
    iiif_resolved_t resolved, before;
    apr_pool_t *pool;
    unsigned i, k;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    for (i = 0; i < ROWS(cases); ++i) {
        apr_status_t rv =
            resolve(&resolved, cases[i].text, cases[i].version, cases[i].subject, pool);

        if (!ok(rv == APR_SUCCESS && resolved.canvas.width == cases[i].canvas.width
                    && resolved.canvas.height == cases[i].canvas.height,
                "%d: %s -> %ux%u", (int)cases[i].version, cases[i].text, resolved.canvas.width,
                resolved.canvas.height))
            continue;
        is_canonical(&resolved, cases[i].subject, V2, cases[i].canonical_2, pool);
        is_canonical(&resolved, cases[i].subject, V3, cases[i].canonical_3, pool);
    }
    memset(&resolved, 0x55, sizeof(resolved));
    before = resolved;
    for (i = 0; i < ROWS(refused); ++i) {
        apr_status_t rv =
            resolve(&resolved, refused[i].text, refused[i].version, refused[i].subject, pool);

        ok(rv == refused[i].want && !memcmp(&resolved, &before, sizeof(before)),
           "%d: %s is refused", (int)refused[i].version, refused[i].text);
    }
    for (i = 0; i < ROWS(keys); ++i) {
        for (k = 0; k < ROWS(keys[i].spellings) && keys[i].spellings[k].text; ++k) {
            apr_status_t rv = resolve(&resolved, keys[i].spellings[k].text,
                                      keys[i].spellings[k].version, keys[i].subject, pool);

            ok(rv == APR_SUCCESS && !strcmp(iiif_key(&resolved, pool), keys[i].key),
               "%d: %s has the key %s", (int)keys[i].spellings[k].version,
               keys[i].spellings[k].text, keys[i].key);
        }
    }
    apr_terminate();
    return done_testing();
}
