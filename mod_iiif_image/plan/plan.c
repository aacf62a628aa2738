/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan.h"

#include <apr_strings.h>
#include <string.h>

#include "plan/upright.h"
#include "store/thumbnail.h"

#include "base/banned.h"

#define TILE_MIN 64 /* stored tiles outside these are not worth announcing */
#define TILE_MAX 4096

/* One decision in the making. */
typedef struct decision_t {
    const iiif_request_t *request;
    const iiif_source_ref_t *ref;
    const iiif_plan_rules_t *rules;
    const iiif_stored_set_t *stored; /* what the tile store has; NULL: there is no store */
    apr_pool_t *pool;
} decision_t;

int iiif_plan_has_version(const iiif_plan_rules_t *rules, iiif_version_e version)
{
    return version == IIIF_VERSION_NONE || version == rules->versions[0]
           || version == rules->versions[1];
}

static iiif_version_e choose_version(const iiif_request_t *request, const iiif_plan_rules_t *rules)
{
    if (request->version != IIIF_VERSION_NONE)
        return request->version;
    if (rules->accepted != IIIF_VERSION_NONE && iiif_plan_has_version(rules, rules->accepted))
        return rules->accepted;
    return rules->versions[0];
}

/* Where the URI names no version and the preferred one's grammar has no such form, the other's is
 * tried: "full/full/0/default.jpg" of a 2.1 viewer, "^max" where 2 comes first. */
static apr_status_t parse(iiif_params_t *params, const iiif_request_t *request,
                          const iiif_plan_rules_t *rules, iiif_err_t *err)
{
    iiif_version_e version = choose_version(request, rules);
    iiif_version_e other = version == rules->versions[0] ? rules->versions[1] : rules->versions[0];
    apr_status_t rv = iiif_params_parse(params, request, version, rules->formats, err);

    if (rv == APR_SUCCESS || request->version != IIIF_VERSION_NONE || other == IIIF_VERSION_NONE)
        return rv;
    return iiif_params_parse(params, request, other, rules->formats, NULL) == APR_SUCCESS
               ? APR_SUCCESS
               : rv;
}

static void refuse(iiif_plan_t *plan, const iiif_plan_refusal_t *refusal, apr_pool_t *pool)
{
    if (!plan->refusals)
        plan->refusals = apr_array_make(pool, 1, sizeof(iiif_plan_refusal_t));
    APR_ARRAY_PUSH(plan->refusals, iiif_plan_refusal_t) = *refusal;
}

static void look_into_store(iiif_plan_t *plan, decision_t *d)
{
    const iiif_stored_query_t query = { d->rules->tile_store, d->ref->name,
                                        d->ref->path,         plan->source->stamp,
                                        plan->source->full,   iiif_stored_upright,
                                        plan->source };
    int i;

    d->stored = iiif_stored_find(d->rules->stored, &query, d->pool);
    for (i = 0; i < d->stored->refused_count; ++i)
        refuse(plan,
               &(iiif_plan_refusal_t){ d->stored->refused[i].path, d->stored->refused[i].reason,
                                       d->stored->refused[i].stamp },
               d->pool);
}

/* A pyramid made of the source, as a source; NULL: it is none, or not of this image. */
static const iiif_source_t *open_pyramid(iiif_plan_t *plan, const iiif_stored_t *stored,
                                         const decision_t *d)
{
    const iiif_source_key_t key = { stored->path, 1, stored->stamp };
    const iiif_source_rules_t rules = { 1u << IIIF_SOURCE_TIFF | 1u << IIIF_SOURCE_JP2,
                                        d->rules->source.max_pixels, d->rules->source.index };
    const iiif_dims_t full = plan->source->full;
    const iiif_source_t *pyramid = NULL;
    iiif_err_t err = { "" };
    apr_status_t rv = iiif_source_get(&pyramid, &key, &rules, &err, d->pool);

    if (rv == APR_SUCCESS && iiif_dims_equal(pyramid->full, full))
        return pyramid;
    if (APR_STATUS_IS_ENOENT(rv) || rv == IIIF_ECHANGED)
        return NULL; /* removed or replaced since the store was looked into: nothing to warn of */
    if (rv == APR_SUCCESS)
        iiif_fail(&err, rv, "it is of %ux%u pixels, the image of %ux%u", pyramid->full.width,
                  pyramid->full.height, full.width, full.height);
    refuse(plan,
           &(iiif_plan_refusal_t){ stored->path, apr_pstrdup(d->pool, err.text), stored->stamp },
           d->pool);
    return NULL;
}

static int is_pyramid(const iiif_source_t *source)
{
    return source->tile.width && source->level_count > 1;
}

/* From what to read pixels: a source that is a pyramid itself, else one made of it, else it. */
static void choose_pixels(iiif_plan_t *plan, const decision_t *d)
{
    int i;

    plan->pixels = plan->source;
    for (i = 0; d->stored && i < d->stored->count && !is_pyramid(plan->pixels); ++i) {
        const iiif_stored_t *stored = &d->stored->sets[i];
        const iiif_source_t *pyramid =
            stored->kind == IIIF_STORED_PYRAMID ? open_pyramid(plan, stored, d) : NULL;

        if (pyramid)
            plan->pixels = pyramid;
    }
}

static int is_worth_announcing(iiif_dims_t tile)
{
    return tile.width >= TILE_MIN && tile.width <= TILE_MAX && tile.height >= TILE_MIN
           && tile.height <= TILE_MAX;
}

/* Tiles that are there already, in the store or in the file; else the configured ones. */
static iiif_dims_t tile_of(const iiif_plan_t *plan, const decision_t *d)
{
    iiif_dims_t tile = { 0, 0 };
    int i;

    for (i = 0; d->stored && i < d->stored->count && !is_worth_announcing(tile); ++i) {
        if (!d->stored->sets[i].deepzoom.overlap) /* else they are not on the grid */
            tile = d->stored->sets[i].tile;
    }
    if (!is_worth_announcing(tile))
        tile = plan->pixels->tile;
    if (!is_worth_announcing(tile))
        tile = (iiif_dims_t){ d->rules->tile, d->rules->tile };
    return iiif_tile_within(tile, plan->source->full, &plan->subject.limits);
}

/* May these be announced beside others? */
static int can_announce(iiif_dims_t tile, const iiif_plan_t *plan)
{
    return is_worth_announcing(tile) && !iiif_dims_equal(tile, plan->tile)
           && iiif_dims_equal(tile,
                              iiif_tile_within(tile, plan->source->full, &plan->subject.limits));
}

/* Some writers (gdaladdo) store smaller levels in tiles of another size. */
static void note_stored_tiles(iiif_plan_t *plan)
{
    const iiif_source_t *pixels = plan->pixels;
    int i, k;

    if (!iiif_dims_equal(plan->tile, pixels->tile))
        return;
    for (i = 1; i < pixels->level_count; ++i) {
        const iiif_level_t *level = &pixels->levels[i];

        if (!level->raw || level->scale_x != level->scale_y
            || !can_announce(level->raw->tile, plan))
            continue;
        for (k = 1; k < IIIF_LEVELS_MAX; ++k) {
            if (level->scale_x == (double)(APR_UINT64_C(1) << k))
                plan->stored[k] = level->raw->tile;
        }
    }
}

static apr_status_t open_source(iiif_plan_t *plan, decision_t *d, iiif_err_t *err)
{
    const iiif_source_key_t key = { d->ref->path, d->ref->page, iiif_stamp_of(&d->ref->finfo) };
    apr_status_t rv = iiif_source_get(&plan->source, &key, &d->rules->source, err, d->pool);

    if (rv != APR_SUCCESS)
        return rv;
    plan->subject = (iiif_subject_t){ .full = plan->source->full,
                                      .natural = plan->source->natural,
                                      .limits = iiif_plan_limits(d->rules, plan->source->full),
                                      .square = d->rules->square };
    if (d->rules->tile_store && d->ref->page == 1)
        look_into_store(plan, d);
    choose_pixels(plan, d);
    plan->bare = d->stored && !d->stored->count && !is_pyramid(plan->pixels);
    plan->tile = tile_of(plan, d);
    note_stored_tiles(plan);
    return APR_SUCCESS;
}

/* The side of a tile of Deep Zoom or Zoomify, which are square. */
static apr_uint32_t square_side(const iiif_plan_t *plan)
{
    return plan->tile.width < plan->tile.height ? plan->tile.width : plan->tile.height;
}

/* With overlap on both sides, and never more than the image. */
static iiif_dims_t largest_tile(const iiif_deepzoom_t *deepzoom)
{
    apr_uint64_t side = deepzoom->tile + (apr_uint64_t)deepzoom->overlap * 2;
    iiif_dims_t tile = deepzoom->full;

    if (side < tile.width)
        tile.width = (apr_uint32_t)side;
    if (side < tile.height)
        tile.height = (apr_uint32_t)side;
    return tile;
}

/* The Deep Zoom of this image: as it lies in the store, so that its tiles are found there. */
static iiif_deepzoom_t deepzoom_of(const iiif_plan_t *plan, const decision_t *d)
{
    const iiif_stored_t *stored =
        d->stored ? iiif_stored_of_kind(d->stored, IIIF_STORED_DEEPZOOM) : NULL;

    if (stored && iiif_within_limits(largest_tile(&stored->deepzoom), &plan->subject.limits))
        return stored->deepzoom;
    return (iiif_deepzoom_t){ plan->source->full, square_side(plan), 0, "jpg" };
}

static iiif_zoomify_t zoomify_of(const iiif_plan_t *plan)
{
    return iiif_zoomify_pyramid(plan->source->full, square_side(plan));
}

static const char *descriptor(const iiif_plan_t *plan, const decision_t *d)
{
    iiif_deepzoom_t deepzoom;
    iiif_zoomify_t zoomify;

    if (d->request->kind == IIIF_REQUEST_DEEPZOOM) {
        deepzoom = deepzoom_of(plan, d);
        return iiif_deepzoom_descriptor(&deepzoom, d->pool);
    }
    zoomify = zoomify_of(plan);
    return iiif_zoomify_properties(&zoomify, d->pool);
}

/* A tile of Deep Zoom or Zoomify is an image request by other numbers. */
static apr_status_t resolve_tile(iiif_plan_t *plan, const decision_t *d, iiif_err_t *err)
{
    iiif_resolved_t *r = &plan->resolved;
    iiif_deepzoom_t deepzoom;
    iiif_zoomify_t zoomify;
    int found;

    if (d->request->kind == IIIF_REQUEST_DEEPZOOM_TILE) {
        deepzoom = deepzoom_of(plan, d);
        found = iiif_deepzoom_region(&r->region, &r->size, &deepzoom, &d->request->deepzoom);
    }
    else {
        zoomify = zoomify_of(plan);
        found = iiif_zoomify_region(&r->region, &r->size, &zoomify, &d->request->zoomify);
    }
    r->canvas = r->size;
    if (!found || !iiif_format_of_extension(&r->format, d->request->format, d->rules->formats))
        return iiif_fail(err, IIIF_ENOTFOUND, "the image has no such tile");
    return APR_SUCCESS;
}

/* Files made beforehand are upright and as the image is. */
static int is_plain(const iiif_resolved_t *r)
{
    return r->square == IIIF_SQUARE_CENTRE && r->quality == IIIF_QUALITY_DEFAULT
           && !r->rotation.mirror && !iiif_rotation_quarters(&r->rotation);
}

static int is_stored_tile(iiif_plan_t *plan, const decision_t *d)
{
    const iiif_resolved_t *r = &plan->resolved;
    const iiif_stored_want_t want = { r->region, r->size, r->format };

    if (!d->stored || !is_plain(r))
        return 0;
    plan->file = iiif_stored_tile(&plan->finfo, d->stored, &want, d->pool);
    return plan->file != NULL;
}

static int is_thumbnail_in(const char *directory, iiif_plan_t *plan, const decision_t *d)
{
    const iiif_stored_query_t query = {
        directory, d->ref->name, d->ref->path, plan->source->stamp, plan->source->full, NULL, NULL
    };
    iiif_thumbnail_t thumbnail;
    iiif_err_t err;
    apr_status_t rv = iiif_thumbnail_find(&thumbnail, &query, plan->resolved.size, &err, d->pool);

    if (rv == IIIF_EBADSOURCE)
        refuse(plan,
               &(iiif_plan_refusal_t){ thumbnail.path, apr_pstrdup(d->pool, err.text),
                                       iiif_stamp_of(&thumbnail.finfo) },
               d->pool);
    if (rv != APR_SUCCESS)
        return 0;
    plan->file = thumbnail.path;
    plan->finfo = thumbnail.finfo;
    return 1;
}

static int is_whole(const iiif_plan_t *plan)
{
    const iiif_rect_t *region = &plan->resolved.region;

    return region->width == plan->source->full.width && region->height == plan->source->full.height;
}

static int is_thumbnail(iiif_plan_t *plan, const decision_t *d)
{
    const apr_array_header_t *directories = d->rules->thumbnails;
    int i, found = 0;

    if (!directories || d->ref->page != 1 || plan->resolved.format != IIIF_FORMAT_JPG
        || !is_plain(&plan->resolved) || !is_whole(plan))
        return 0;
    for (i = 0; i < directories->nelts && !found; ++i)
        found = is_thumbnail_in(APR_ARRAY_IDX(directories, i, const char *), plan, d);
    return found;
}

/* An image, by the cheapest way that gives exactly it. */
static void plan_image(iiif_plan_t *plan, const decision_t *d)
{
    plan->key = iiif_key(&plan->resolved, d->pool);
    if (is_stored_tile(plan, d) || is_thumbnail(plan, d))
        plan->kind = IIIF_PLAN_STATIC_FILE;
    else if (iiif_raw_tile_find(&plan->raw, plan->pixels, &plan->resolved))
        plan->kind = IIIF_PLAN_RAW_TILE;
    else
        plan->kind = IIIF_PLAN_RENDER;
}

/* With the source open: fill in what is particular to the kind of request. */
static apr_status_t decide(iiif_plan_t *plan, const iiif_params_t *params, decision_t *d,
                           iiif_err_t *err)
{
    apr_status_t rv = open_source(plan, d, err);

    if (rv != APR_SUCCESS)
        return rv;
    if (plan->kind == IIIF_PLAN_DESCRIPTOR)
        plan->descriptor = descriptor(plan, d);
    if (plan->kind != IIIF_PLAN_RENDER)
        return APR_SUCCESS;
    if (d->request->kind == IIIF_REQUEST_IMAGE)
        rv = iiif_resolve(&plan->resolved, params, &plan->subject, err);
    else
        rv = resolve_tile(plan, d, err);
    if (rv == APR_SUCCESS)
        plan_image(plan, d);
    return rv;
}

apr_status_t iiif_plan_make(iiif_plan_t **plan, const iiif_request_t *request,
                            const iiif_source_ref_t *ref, const iiif_plan_rules_t *rules,
                            iiif_err_t *err, apr_pool_t *pool)
{
    static const iiif_plan_kind_e kinds[] = { [IIIF_REQUEST_BASE] = IIIF_PLAN_REDIRECT,
                                              [IIIF_REQUEST_INFO] = IIIF_PLAN_INFO,
                                              [IIIF_REQUEST_IMAGE] = IIIF_PLAN_RENDER,
                                              [IIIF_REQUEST_DEEPZOOM] = IIIF_PLAN_DESCRIPTOR,
                                              [IIIF_REQUEST_DEEPZOOM_TILE] = IIIF_PLAN_RENDER,
                                              [IIIF_REQUEST_ZOOMIFY] = IIIF_PLAN_DESCRIPTOR,
                                              [IIIF_REQUEST_ZOOMIFY_TILE] = IIIF_PLAN_RENDER };
    decision_t decision = { request, ref, rules, NULL, pool };
    iiif_plan_t *made = apr_pcalloc(pool, sizeof(*made));
    iiif_params_t params = { .version = choose_version(request, rules) };
    apr_status_t rv = APR_SUCCESS;

    made->kind = kinds[request->kind];
    made->etag = ref->record ? ref->record->etag : NULL;
    if (request->kind == IIIF_REQUEST_IMAGE)
        rv = parse(&params, request, rules, err);
    made->version = params.version;
    if (rv == APR_SUCCESS && made->kind != IIIF_PLAN_REDIRECT)
        rv = decide(made, &params, &decision, err);
    if (rv == APR_SUCCESS)
        *plan = made;
    return rv;
}
