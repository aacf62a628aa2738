/* SPDX-License-Identifier: Apache-2.0 */
/* iiifctl warm: what info.json announces is rendered before anybody asks, and kept where the server
 * looks for it. */
#include <apr_file_io.h>
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/vips_process.h"
#include "plan/fingerprint.h"
#include "store/derivative_bound.h"
#include "store/lease.h"
#include "tools/look.h"
#include "tools/output.h"
#include "tools/quantity.h"
#include "tools/served.h"
#include "tools/sources.h"
#include "tools/verbs.h"

#include "base/banned.h"

enum {
    INTO = IIIFCTL_OWN,
    BOUND,
    FORMAT,
    THUMBNAIL,
    TILE_SIZE,
    QUALITY,
    EFFORT,
    METADATA,
    LINEAR,
    BACKGROUND,
    SQUARE
};

#define THUMBNAILS_MAX 16

static const iiifctl_option_t options[] = {
    { INTO, "store", "DIR", "fill that (IIIFDerivativeStore); has to be given" },
    { BOUND, "max-size", "SIZE", "of the store, as the server has it; has to be given" },
    { IIIFCTL_ROOT, "root", "DIR", "that the server serves (default: FILE's own)" },
    { IIIFCTL_STORE, "tile-store", "DIR", "look for tiles there (IIIFTileStore)" },
    { THUMBNAIL, "thumbnail", "N", "side of a preview and a square (default 200); 0: none" },
    { FORMAT, "format", "FORMAT", "of the images (default jpg)" },
    { TILE_SIZE, "tile-size", "N", "as IIIFTileSize (default 512)" },
    { QUALITY, "quality", "FORMAT=N", "as IIIFQuality" },
    { EFFORT, "effort", "FORMAT=N", "as IIIFEffort" },
    { METADATA, "metadata", NULL, "as IIIFMetadata keep" },
    { LINEAR, "linear-light", NULL, "as IIIFLinearLight on" },
    { BACKGROUND, "background", "#RRGGBB", "as IIIFBackground (default #ffffff)" },
    { SQUARE, "square-crop", "WHERE", "as IIIFSquareCrop (default centre)" },
    { IIIFCTL_PAGE, "page", "N", "of a file of several, from 1" },
    { IIIFCTL_PIXELS, "max-pixels", "N", "of FILE; 0: no limit (default 1000000000)" },
    { IIIFCTL_JSON, "json", NULL, "one JSON object a line" },
    { 0, NULL, NULL, NULL }
};

/* What became of one image. */
typedef enum {
    MADE,
    KEPT,   /* it is there, or another makes it */
    TILES,  /* the server does not render it */
    PASSED, /* larger than the store takes, or the store is full */
    BROKEN,
    OUTCOMES
} outcome_e;

static const char *const outcomes[OUTCOMES] = {
    [MADE] = "made", [KEPT] = "kept", [TILES] = "tiles", [PASSED] = "passed", [BROKEN] = "failed",
};

/* One run. */
typedef struct run_t {
    const iiifctl_call_t *call;
    iiif_derivative_store_t store;
    const char *format;
    long thumbnails[THUMBNAILS_MAX];
    int thumbnail_count;
    long tile; /* side; 0: the default */
    int json;
    int counts[OUTCOMES];
} run_t;

/* One file of it. */
typedef struct warming_t {
    run_t *run;
    const char *file;
    iiifctl_served_t served;
    apr_pool_t *scratch; /* of one image */
} warming_t;

/* -- one image ----------------------------------------------------------------------------------
 */

static void tell(const warming_t *w, const char *image, outcome_e outcome, const iiif_err_t *err)
{
    cJSON *object;

    ++w->run->counts[outcome];
    if (w->run->json) {
        object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "source", w->file);
        cJSON_AddStringToObject(object, "image", image);
        cJSON_AddStringToObject(object, "status", outcomes[outcome]);
        if (outcome == BROKEN || outcome == PASSED)
            cJSON_AddStringToObject(object, "reason", err->text);
        iiifctl_print_json(object);
    }
    else if (outcome == BROKEN)
        fprintf(stderr, "iiifctl warm: %s %s: %s\n", w->file, image, err->text);
    else
        printf("%s %s %s%s%s\n", outcomes[outcome], w->file, image, outcome == PASSED ? ": " : "",
               outcome == PASSED ? err->text : "");
    fflush(stdout);
}

/* Where that brings the store to its bound, somebody goes, as in the server. */
static apr_status_t keep(const warming_t *w, const iiif_derivative_t *derivative,
                         const iiif_derivative_content_t *content, iiif_err_t *err)
{
    static const int go_on = 0;
    const iiif_derivative_store_t *store = &w->run->store;
    int full = 0;
    apr_status_t rv = iiif_derivative_write(&full, derivative, content, err), evicted;

    if (!full)
        return rv;
    evicted = iiif_bound_evict(store->directory, store->bound, &go_on, err);
    if (evicted != APR_SUCCESS)
        return evicted;
    return rv == IIIF_EFULL ? iiif_derivative_write(&full, derivative, content, err) : rv;
}

static outcome_e render(const warming_t *w, const iiif_plan_t *plan,
                        const iiif_derivative_t *derivative, iiif_err_t *err)
{
    iiif_bytes_t bytes;
    apr_status_t rv = iiif_render(&bytes, plan->pixels, &plan->resolved, &w->served.look, err);

    if (rv != APR_SUCCESS)
        return BROKEN;
    rv =
        keep(w, derivative,
             &(iiif_derivative_content_t){ bytes.data, bytes.len, plan->pixels->stamp.mtime }, err);
    iiif_bytes_free(bytes.data);
    return rv == APR_SUCCESS ? MADE : rv == IIIF_EFULL ? PASSED : BROKEN;
}

static int is_there(const iiif_derivative_t *derivative, apr_pool_t *pool)
{
    iiif_derivative_file_t file;

    if (iiif_derivative_open(&file, derivative, 0, pool) != APR_SUCCESS)
        return 0;
    apr_file_close(file.file);
    return 1;
}

/* One maker, of the server's threads too. Who has the lease keeps what it makes. */
static outcome_e render_alone(const warming_t *w, const iiif_plan_t *plan,
                              const iiif_derivative_t *derivative, iiif_err_t *err)
{
    iiif_lease_t *lease;
    outcome_e outcome = KEPT;
    apr_status_t rv =
        iiif_lease_open(&lease, w->run->store.directory, derivative->hash, w->scratch);

    if (rv == APR_SUCCESS)
        rv = iiif_lease_take(lease);
    if (rv == APR_SUCCESS && !is_there(derivative, w->scratch))
        outcome = render(w, plan, derivative, err);
    else if (rv != APR_SUCCESS && rv != APR_EBUSY) {
        iiif_fail(err, rv, "no lease in %s", w->run->store.directory);
        outcome = BROKEN;
    }
    return outcome;
}

/* Named as the server names it: by the same plan, look and fingerprint. */
static outcome_e warm_plan(const warming_t *w, const iiif_plan_t *plan, iiif_err_t *err)
{
    iiif_fingerprint_t fingerprint;
    iiif_derivative_t derivative;

    if (plan->kind != IIIF_PLAN_RENDER)
        return TILES;
    fingerprint = iiif_fingerprint(
        plan, iiif_look_key(&w->served.look, plan->pixels, &plan->resolved, w->scratch));
    iiif_derivative_name(
        &derivative, &w->run->store,
        &(iiif_derivative_query_t){ w->served.ref.name, fingerprint.text, plan->key }, w->scratch);
    if (is_there(&derivative, w->scratch))
        return KEPT;
    return render_alone(w, plan, &derivative, err);
}

static void warm_image(const warming_t *w, const char *region, const char *size)
{
    const char *image =
        apr_psprintf(w->scratch, "%s/%s/0/default.%s", region, size, w->run->format);
    const iiif_request_t request = { .kind = IIIF_REQUEST_IMAGE,
                                     .version = IIIF_VERSION_3,
                                     .region = region,
                                     .size = size,
                                     .rotation = "0",
                                     .quality = "default",
                                     .format = w->run->format };
    outcome_e outcome = BROKEN;
    iiif_plan_t *plan;
    iiif_err_t err = { "" };

    if (iiif_plan_make(&plan, &request, &w->served.ref, &w->served.rules, &err, w->scratch)
        == APR_SUCCESS)
        outcome = warm_plan(w, plan, &err);
    tell(w, image, outcome, &err);
    apr_pool_clear(w->scratch);
}

/* -- one file -----------------------------------------------------------------------------------
 */

/* As info.json has them, the smallest first. */
static void warm_sizes(const warming_t *w, const iiif_plan_t *info)
{
    const iiif_dims_t full = info->source->full;
    int level;

    for (level = iiif_level_count(full, info->tile) - 1; level >= 0; --level) {
        const iiif_dims_t dims = iiif_level_dims(full, APR_UINT64_C(1) << level);

        if (iiif_within_limits(dims, &info->subject.limits))
            warm_image(w, "full", apr_psprintf(w->scratch, "%u,%u", dims.width, dims.height));
    }
}

/* The whole image within a box, and its square; a smaller image is not enlarged for that. */
static void warm_thumbnails(const warming_t *w, const iiif_plan_t *info)
{
    const iiif_dims_t full = info->source->full;
    int i;

    for (i = 0; i < w->run->thumbnail_count; ++i) {
        const long side = w->run->thumbnails[i];

        if (side < full.width || side < full.height)
            warm_image(w, "full", apr_psprintf(w->scratch, "!%ld,%ld", side, side));
        if (side <= full.width && side <= full.height)
            warm_image(w, "square", apr_psprintf(w->scratch, "%ld,%ld", side, side));
    }
}

static int take_settings(warming_t *w, const iiifctl_call_t *call)
{
    iiif_look_t *look = &w->served.look;

    if (w->run->tile)
        w->served.rules.tile = (apr_uint32_t)w->run->tile;
    look->keep_metadata = iiifctl_has(call, METADATA);
    look->linear_light = iiifctl_has(call, LINEAR);
    return iiifctl_qualities_of(look->quality, call, QUALITY) == IIIFCTL_OK
                   && iiifctl_efforts_of(look->effort, call, EFFORT) == IIIFCTL_OK
                   && iiifctl_background_of(look->background, call, BACKGROUND) == IIIFCTL_OK
                   && iiifctl_square_of(&w->served.rules.square, call, SQUARE) == IIIFCTL_OK
               ? IIIFCTL_OK
               : IIIFCTL_USAGE;
}

static void warm_file(run_t *run, const iiifctl_file_t *file, apr_pool_t *pool)
{
    static const iiif_request_t request = { .kind = IIIF_REQUEST_INFO, .version = IIIF_VERSION_3 };
    iiifctl_call_t call = *run->call;
    warming_t w = { .run = run, .file = file->path };
    iiif_plan_t *info;
    iiif_err_t err;

    call.pool = pool;
    call.given = apr_array_copy(pool, run->call->given);
    if (file->root)
        APR_ARRAY_PUSH(call.given, iiifctl_given_t) = (iiifctl_given_t){ IIIFCTL_ROOT, file->root };
    apr_pool_create(&w.scratch, pool);
    if (!file->name) {
        iiif_fail(&err, APR_EGENERAL, "%s", file->reason);
        iiifctl_served_failed(&call, file->path, &err);
        ++run->counts[BROKEN];
    }
    else if (iiifctl_served_open(&w.served, &call, file->path) != IIIFCTL_OK
             || take_settings(&w, &call) != IIIFCTL_OK)
        ++run->counts[BROKEN];
    else if (iiif_plan_make(&info, &request, &w.served.ref, &w.served.rules, &err, pool)
             != APR_SUCCESS)
        tell(&w, "info.json", BROKEN, &err);
    else {
        warm_sizes(&w, info);
        warm_thumbnails(&w, info);
    }
}

/* -- the command line ---------------------------------------------------------------------------
 */

/* What it keeps is for its own user alone: the server could neither read nor remove it. */
static int check_store(const run_t *run)
{
    struct stat is;

    if (stat(run->store.directory, &is) || !S_ISDIR(is.st_mode))
        return iiifctl_usage(run->call, "--store: there is no directory %s", run->store.directory);
    if (is.st_uid != geteuid())
        return iiifctl_usage(run->call,
                             "%s belongs to user %ld, as whom the server runs: so has iiifctl to",
                             run->store.directory, (long)is.st_uid);
    return IIIFCTL_OK;
}

static int read_thumbnails(run_t *run, const iiifctl_call_t *call)
{
    int i;

    for (i = 0; i < call->given->nelts; ++i) {
        const iiifctl_given_t *given = &APR_ARRAY_IDX(call->given, i, iiifctl_given_t);
        long side;

        if (given->letter != THUMBNAIL)
            continue;
        if (!iiifctl_number(&side, given->value, 0, 1024) || run->thumbnail_count == THUMBNAILS_MAX)
            return iiifctl_usage(call,
                                 "--thumbnail: '%s' is not a number from 0 to 1024, or it is "
                                 "given more than %d times",
                                 given->value, THUMBNAILS_MAX);
        if (side)
            run->thumbnails[run->thumbnail_count++] = side;
    }
    if (!iiifctl_has(call, THUMBNAIL))
        run->thumbnails[run->thumbnail_count++] = 200;
    return IIIFCTL_OK;
}

static int read_options(run_t *run, const iiifctl_call_t *call)
{
    static const long tile[2] = { 64, 4096 }, pages[2] = { 1, 65535 };
    static const long pixels[2] = { 0, 1000000000000000L };
    long unused;
    const char *store = iiifctl_value(call, INTO, NULL);
    warming_t ignored = { .run = run };
    iiif_format_e format;
    iiif_err_t err;

    if (!store || !iiifctl_has(call, BOUND))
        return iiifctl_usage(call, "--store DIR and --max-size SIZE have to be given, as "
                                   "IIIFDerivativeStore has them");
    if (!call->operands->nelts)
        return iiifctl_usage(call, "no FILE is given");
    run->store = (iiif_derivative_store_t){ iiifctl_absolute(store, call->pool), 0, 1 };
    if (iiifctl_bytes_of(&run->store.bound, call, BOUND, "max-size") != IIIFCTL_OK
        || iiifctl_number_of(&run->tile, call, TILE_SIZE, tile) != IIIFCTL_OK
        || iiifctl_number_of(&unused, call, IIIFCTL_PAGE, pages) != IIIFCTL_OK
        || iiifctl_number_of(&unused, call, IIIFCTL_PIXELS, pixels) != IIIFCTL_OK
        || take_settings(&ignored, call) != IIIFCTL_OK || read_thumbnails(run, call) != IIIFCTL_OK
        || check_store(run) != IIIFCTL_OK)
        return IIIFCTL_USAGE;
    if (iiif_vips_start("iiifctl", &err) != APR_SUCCESS)
        return iiifctl_served_failed(call, "libvips", &err);
    if (iiif_format_parse(&format, run->format, iiif_vips_formats(), &err) != APR_SUCCESS)
        return iiifctl_usage(call, "--format: %s", err.text);
    return IIIFCTL_OK;
}

static void tell_sum(const run_t *run)
{
    cJSON *object = cJSON_CreateObject();
    int i;

    for (i = 0; i < OUTCOMES; ++i) {
        cJSON_AddNumberToObject(object, outcomes[i], run->counts[i]);
        if (!run->json)
            printf("%s%d %s", i ? ", " : "", run->counts[i], outcomes[i]);
    }
    if (!run->json)
        putchar('\n');
    else
        iiifctl_print_json(object);
    if (!run->json)
        cJSON_Delete(object);
}

static int run_warm(const iiifctl_call_t *call)
{
    const char *root = iiifctl_value(call, IIIFCTL_ROOT, NULL);
    const char *tiles = iiifctl_value(call, IIIFCTL_STORE, NULL);
    run_t run = { .call = call,
                  .format = iiifctl_value(call, FORMAT, "jpg"),
                  .json = iiifctl_has(call, IIIFCTL_JSON) };
    int code = read_options(&run, call), i;
    const iiifctl_file_t *file;
    iiifctl_sources_t sources;
    apr_pool_t *pool;

    if (code != IIIFCTL_OK)
        return code;
    sources =
        (iiifctl_sources_t){ .root = root ? iiifctl_absolute(root, call->pool) : NULL,
                             .stores = { run.store.directory,
                                         tiles ? iiifctl_absolute(tiles, call->pool) : NULL },
                             .files = apr_array_make(call->pool, 64, sizeof(iiifctl_file_t *)),
                             .list = -1,
                             .pool = call->pool };
    for (i = 0; i < call->operands->nelts; ++i)
        iiifctl_sources_add(&sources, APR_ARRAY_IDX(call->operands, i, const char *));
    apr_pool_create(&pool, call->pool);
    while ((file = iiifctl_sources_next(&sources))) {
        warm_file(&run, file, pool);
        apr_pool_clear(pool);
    }
    tell_sum(&run);
    return run.counts[BROKEN] ? IIIFCTL_FAILED : IIIFCTL_OK;
}

const iiifctl_verb_t iiifctl_verb_warm = {
    "warm", "FILE...", "renders what info.json announces, into a derivative store", options,
    run_warm
};
