/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vips/vips.h>

#include "image/vips_process.h"
#include "tap.h"

#define BAD IIIF_EBADREQUEST
#define NO  IIIF_VERSION_NONE
#define V2  IIIF_VERSION_2
#define V3  IIIF_VERSION_3
#define ALL ((1u << IIIF_FORMATS) - 1)
#define OFF IIIF_UPSCALE_OFF
#define ON  IIIF_UPSCALE_ON

/* clang-format off */
/* Configured (width, height, area), upscaling, full size -> the limits of the source. */
static const struct {
    iiif_limits_t max;
    int upscale;
    iiif_dims_t full;
    iiif_limits_t limits;
} limits[] = {
    /* without upscaling: what is configured */
    { { 0, 0, 0, 0 },       OFF, { 1000, 800 },     { 0, 0, 0, 0 } },
    { { 500, 0, 0, 0 },     OFF, { 1000, 800 },     { 500, 500, 0, 0 } },
    { { 500, 400, 0, 0 },   OFF, { 1000, 800 },     { 500, 400, 0, 0 } },
    { { 5000, 0, 0, 0 },    OFF, { 1000, 800 },     { 5000, 5000, 0, 0 } },
    { { 0, 0, 10000, 0 },   OFF, { 1000, 800 },     { 0, 0, 10000, 0 } },
    { { 0, 400, 0, 0 },     OFF, { 1000, 800 },     { 1000, 400, 0, 0 } }, /* never maxHeight alone */
    /* on: as far as a limit, else twice */
    { { 0, 0, 0, 0 },       ON,  { 1000, 800 },     { 2000, 1600, 0, 1 } },
    { { 5000, 0, 0, 0 },    ON,  { 1000, 800 },     { 5000, 5000, 0, 1 } },
    { { 5000, 100, 0, 0 },  ON,  { 1000, 800 },     { 5000, 100, 0, 1 } },
    { { 0, 0, 9000000, 0 }, ON,  { 1000, 800 },     { 0, 0, 9000000, 1 } },
    { { 500, 0, 0, 0 },     ON,  { 1000, 800 },     { 500, 500, 0, 1 } },
    { { 0, 5000, 0, 0 },    ON,  { 1000, 800 },     { 2000, 1600, 0, 1 } },
    { { 0, 900, 0, 0 },     ON,  { 1000, 800 },     { 2000, 900, 0, 1 } },
    /* n times, and never beyond a limit */
    { { 0, 0, 0, 0 },       3,   { 1000, 800 },     { 3000, 2400, 0, 1 } },
    { { 2500, 0, 0, 0 },    3,   { 1000, 800 },     { 2500, 2400, 0, 1 } },
    { { 2000, 0, 0, 0 },    3,   { 1000, 800 },     { 2000, 2000, 0, 1 } },
    { { 5000, 1000, 0, 0 }, 3,   { 1000, 800 },     { 3000, 1000, 0, 1 } },
    { { 0, 0, 1000, 0 },    3,   { 1000, 800 },     { 3000, 2400, 1000, 1 } },
    /* nothing is enlarged beyond 100 million pixels, and nothing becomes smaller */
    { { 0, 0, 0, 0 },       ON,  { 10000, 10000 },  { 10000, 10000, 0, 1 } },
    { { 0, 0, 0, 0 },       ON,  { 20000, 10000 },  { 20000, 10000, 0, 1 } },
    { { 0, 0, 0, 0 },       4,   { 5000, 5000 },    { 10000, 10000, 0, 1 } },
    { { 0, 0, 0, 0 },       3,   { 5000, 5000 },    { 10000, 10000, 0, 1 } },
    { { 0, 0, 0, 0 },       1000000, { 1, 1 },      { 10000, 10000, 0, 1 } },
    { { 0, 0, 0, 0 },       ON,  { 4294967295u, 4294967295u }, { 4294967295u, 4294967295u, 0, 1 } },
    { { 0, 0, 0, 0 },       ON,  { 1, 1 },          { 2, 2, 0, 1 } },
};

static const struct {
    iiif_version_e versions[2], accepted, asked;
    int has;
    iiif_version_e info; /* whose info.json is planned */
} versions[] = {
    { { V3, V2 }, NO, NO, 1, V3 },
    { { V3, V2 }, V2, NO, 1, V2 },
    { { V3, V2 }, V2, V3, 1, V3 }, /* the URI is more explicit than Accept */
    { { V2, V3 }, NO, NO, 1, V2 },
    { { V2, V3 }, V3, NO, 1, V3 },
    { { V3, NO }, NO, NO, 1, V3 },
    { { V3, NO }, V2, NO, 1, V3 }, /* not served here */
    { { V3, NO }, NO, V3, 1, V3 },
    { { V3, NO }, NO, V2, 0, V2 },
    { { V2, NO }, V3, NO, 1, V2 },
    { { V2, NO }, NO, V3, 0, V3 },
};

/* On a JPEG of 100x80, with upscaling off and no limits. */
static const struct {
    iiif_version_e versions[2];
    const char *path;
    apr_status_t want;
    iiif_plan_kind_e kind;
    iiif_version_e version;
    const char *canonical, *key;
} cases[] = {
    { { V3, V2 }, "ID", 0, IIIF_PLAN_REDIRECT, V3, NULL, NULL },
    { { V3, V2 }, "2/ID/", 0, IIIF_PLAN_REDIRECT, V2, NULL, NULL },
    { { V3, V2 }, "ID/info.json", 0, IIIF_PLAN_INFO, V3, NULL, NULL },
    { { V3, V2 }, "2/ID/info.json", 0, IIIF_PLAN_INFO, V2, NULL, NULL },
    { { V3, V2 }, "ID/full/max/0/default.jpg", 0, IIIF_PLAN_RENDER, V3,
      "full/max/0/default.jpg", "0,0,100,80/100,80/0/default.jpg" },
    { { V3, V2 }, "2/ID/full/max/0/default.jpg", 0, IIIF_PLAN_RENDER, V2,
      "full/full/0/default.jpg", "0,0,100,80/100,80/0/default.jpg" },
    /* no version in the URI: the other one's grammar helps out */
    { { V3, V2 }, "ID/full/full/0/default.jpg", 0, IIIF_PLAN_RENDER, V2,
      "full/full/0/default.jpg", "0,0,100,80/100,80/0/default.jpg" },
    { { V2, V3 }, "ID/full/^50,/0/default.jpg", 0, IIIF_PLAN_RENDER, V3,
      "full/50,40/0/default.jpg", "0,0,100,80/50,40/0/default.jpg" },
    { { V2, V3 }, "ID/full/50,/0/default.jpg", 0, IIIF_PLAN_RENDER, V2,
      "full/50,/0/default.jpg", "0,0,100,80/50,40/0/default.jpg" },
    { { V3, V2 }, "3/ID/full/full/0/default.jpg", BAD, IIIF_PLAN_RENDER, NO, NULL, NULL },
    { { V3, NO }, "ID/full/full/0/default.jpg", BAD, IIIF_PLAN_RENDER, NO, NULL, NULL },
    { { V2, NO }, "ID/full/^50,/0/default.jpg", BAD, IIIF_PLAN_RENDER, NO, NULL, NULL },
    { { V3, V2 }, "ID/full/nonsense/0/default.jpg", BAD, IIIF_PLAN_RENDER, NO, NULL, NULL },
    { { V3, V2 }, "ID/100,0,1,1/max/0/default.jpg", BAD, IIIF_PLAN_RENDER, NO, NULL, NULL },
    { { V3, V2 }, "ID/full/^101,/0/default.jpg", IIIF_ENOTIMPL, IIIF_PLAN_RENDER, NO, NULL, NULL },
};

/* What each file says of itself. A tile of 0: the file is not tiled. */
static const struct {
    const char *name, *suffix;
    int width, height, bands;
    iiif_quality_e natural;
    iiif_dims_t tile;
} files[] = {
    { "colour.jpg", ".jpg", 100, 80, 3, IIIF_QUALITY_COLOR, { 512, 512 } },
    { "gray.jpg",   ".jpg", 100, 80, 1, IIIF_QUALITY_GRAY,  { 512, 512 } },
    { "tiled.tif",  ".tif[tile,tile-width=128,tile-height=64]", 300, 200, 3, IIIF_QUALITY_COLOR, { 128, 64 } },
    { "tiny.tif",   ".tif[tile,tile-width=16,tile-height=16]", 300, 200, 3, IIIF_QUALITY_COLOR, { 512, 512 } },
    { "strips.tif", ".tif", 300, 200, 3, IIIF_QUALITY_COLOR, { 512, 512 } },
};
/* clang-format on */

static iiif_plan_rules_t plain_rules(iiif_version_e first, iiif_version_e second)
{
    return (iiif_plan_rules_t){ .versions = { first, second },
                                .formats = ALL,
                                .source = { .formats = IIIF_SOURCE_FORMATS_DEFAULT },
                                .upscale = OFF,
                                .tile = 512 };
}

static const char *path_of(const char *dir, unsigned i, apr_pool_t *pool)
{
    return apr_pstrcat(pool, dir, "/", files[i].name, NULL);
}

static int make_file(const char *path, unsigned i, apr_pool_t *pool)
{
    const char *options = strchr(files[i].suffix, '[');
    VipsImage *image = NULL;
    int failed = vips_black(&image, files[i].width, files[i].height, "bands", files[i].bands, NULL)
                 || vips_image_write_to_file(
                     image, apr_pstrcat(pool, path, options ? options : "", NULL), NULL);

    g_clear_object(&image);
    return !failed;
}

static void test_limits(void)
{
    unsigned i;

    for (i = 0; i < ROWS(limits); ++i) {
        iiif_plan_rules_t rules = plain_rules(V3, V2);
        const iiif_limits_t *want = &limits[i].limits;
        iiif_limits_t got;

        rules.max = limits[i].max;
        rules.upscale = limits[i].upscale;
        got = iiif_plan_limits(&rules, limits[i].full);
        ok(got.max_width == want->max_width && got.max_height == want->max_height
               && got.max_area == want->max_area && got.upscale == want->upscale,
           "%u,%u,%" APR_UINT64_T_FMT " times %d of %ux%u -> %u,%u,%" APR_UINT64_T_FMT " %d",
           rules.max.max_width, rules.max.max_height, rules.max.max_area, rules.upscale,
           limits[i].full.width, limits[i].full.height, got.max_width, got.max_height, got.max_area,
           got.upscale);
        ok((!got.max_height || got.max_width) && (!got.upscale || got.max_width || got.max_area),
           "  and may be announced so (3.0, 5.2 and 5.7)");
    }
}

static void test_versions(const iiif_source_ref_t *ref, apr_pool_t *pool)
{
    unsigned i;

    for (i = 0; i < ROWS(versions); ++i) {
        iiif_plan_rules_t rules = plain_rules(versions[i].versions[0], versions[i].versions[1]);
        iiif_request_t request = { .kind = IIIF_REQUEST_INFO,
                                   .version = versions[i].asked,
                                   .encoded = "ID",
                                   .identifier = "ID" };
        iiif_plan_t *plan = NULL;
        apr_status_t rv;

        rules.accepted = versions[i].accepted;
        rv = iiif_plan_make(&plan, &request, ref, &rules, NULL, pool);
        ok(iiif_plan_has_version(&rules, versions[i].asked) == versions[i].has,
           "served %d,%d, asked %d: %s", (int)rules.versions[0], (int)rules.versions[1],
           (int)versions[i].asked, versions[i].has ? "ours" : "not ours");
        ok(rv == APR_SUCCESS && plan->version == versions[i].info, "  with Accept %d: %d",
           (int)rules.accepted, plan ? (int)plan->version : -1);
    }
}

static int same(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

static void test_cases(const iiif_source_ref_t *ref, apr_pool_t *pool)
{
    unsigned i;

    for (i = 0; i < ROWS(cases); ++i) {
        iiif_plan_rules_t rules = plain_rules(cases[i].versions[0], cases[i].versions[1]);
        iiif_request_t readings[IIIF_READINGS_MAX];
        iiif_plan_t *plan = NULL;
        iiif_err_t err = { "" };
        apr_status_t rv = APR_EGENERAL;
        const char *canonical;

        if (iiif_request_read(readings, cases[i].path, pool))
            rv = iiif_plan_make(&plan, &readings[0], ref, &rules, &err, pool);
        if (rv != APR_SUCCESS) {
            ok(rv == cases[i].want && !plan && *err.text, "%s: %s", cases[i].path, err.text);
            continue;
        }
        canonical =
            plan->key ? iiif_canonical(&plan->resolved, &plan->subject, plan->version, pool) : NULL;
        ok(cases[i].want == APR_SUCCESS && plan->kind == cases[i].kind
               && plan->version == cases[i].version && same(canonical, cases[i].canonical)
               && same(plan->key, cases[i].key)
               && !plan->source == (plan->kind == IIIF_PLAN_REDIRECT),
           "%s: version %d, %s", cases[i].path, (int)plan->version,
           canonical ? canonical : "no image");
    }
}

static void test_files(const char *dir, apr_pool_t *pool)
{
    unsigned i;

    for (i = 0; i < ROWS(files); ++i) {
        const iiif_source_ref_t ref = { .path = path_of(dir, i, pool), .page = 1 };
        iiif_plan_rules_t rules = plain_rules(V3, V2);
        iiif_request_t request = { .kind = IIIF_REQUEST_INFO, .encoded = "ID", .identifier = "ID" };
        iiif_plan_t *plan = NULL;
        iiif_err_t err = { "" };
        apr_status_t rv = iiif_plan_make(&plan, &request, &ref, &rules, &err, pool);

        ok(rv == APR_SUCCESS && plan->subject.full.width == (unsigned)files[i].width
               && plan->subject.full.height == (unsigned)files[i].height
               && plan->subject.natural == files[i].natural
               && plan->tile.width == files[i].tile.width
               && plan->tile.height == files[i].tile.height,
           "%s: %s", files[i].name, rv ? err.text : "as it was made");
        rules.source.max_pixels = (apr_uint64_t)files[i].width * (unsigned)files[i].height - 1;
        plan = NULL;
        ok(iiif_plan_make(&plan, &request, &ref, &rules, NULL, pool) == IIIF_ETOOBIG && !plan,
           "  is refused where it is too large");
        rules.source.max_pixels++;
        ok(iiif_plan_make(&plan, &request, &ref, &rules, NULL, pool) == APR_SUCCESS,
           "  and not where it just fits");
        rules.source.formats = 1u << IIIF_SOURCE_PNG;
        ok(iiif_plan_make(&plan, &request, &ref, &rules, NULL, pool) == IIIF_EBADSOURCE,
           "  nor read where its format is not allowed");
    }
}

/* A request that cannot be right is refused before the source is looked at; a redirect needs none.
 */
static void test_order(apr_pool_t *pool)
{
    static const struct {
        const char *path;
        apr_status_t want;
    } orders[] = {
        { "ID/full/nonsense/0/default.jpg", IIIF_EBADREQUEST },
        { "ID/full/max/0/default.jpg", APR_ENOENT },
        { "ID/info.json", APR_ENOENT },
        { "ID", APR_SUCCESS },
    };
    const iiif_source_ref_t ref = { .path = "/nonexistent/a.jpg", .page = 1 };
    iiif_plan_rules_t rules = plain_rules(V3, V2);
    unsigned i;

    for (i = 0; i < ROWS(orders); ++i) {
        iiif_request_t readings[IIIF_READINGS_MAX];
        iiif_plan_t *plan = NULL;
        apr_status_t rv = APR_EGENERAL;

        if (iiif_request_read(readings, orders[i].path, pool))
            rv = iiif_plan_make(&plan, &readings[0], &ref, &rules, NULL, pool);
        ok(rv == orders[i].want && !plan == !!rv, "%s without a file: %d", orders[i].path, rv);
    }
}

static void test_with_files(const char *dir, apr_pool_t *pool)
{
    const iiif_source_ref_t ref = { .path = path_of(dir, 0, pool), .page = 1 };
    unsigned i;

    for (i = 0; i < ROWS(files); ++i)
        ok(make_file(path_of(dir, i, pool), i, pool), "made %s", files[i].name);
    test_versions(&ref, pool);
    test_cases(&ref, pool);
    test_files(dir, pool);
    for (i = 0; i < ROWS(files); ++i)
        unlink(path_of(dir, i, pool));
    ok(rmdir(dir) == 0, "and nothing is left");
}

int main(void)
{
    char dir[] = "/tmp/plan_test.XXXXXX";
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_limits();
    test_order(pool);
    if (ok(iiif_vips_start("plan_test", NULL) == APR_SUCCESS && mkdtemp(dir), "a place for files"))
        test_with_files(dir, pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
