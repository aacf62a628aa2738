/* SPDX-License-Identifier: Apache-2.0 */
/* iiifctl omeka tile: tiles of a site's images, where Image Server would have put them. */
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/path.h"
#include "resolve/source_file.h"
#include "tools/omeka_found.h"
#include "tools/tiling.h"
#include "tools/verbs.h"

#include "base/banned.h"

enum { FROM = IIIFCTL_OMEKA_OWN };

static const iiifctl_option_t options[] = { IIIFCTL_TILING_OPTIONS(
                                                "deepzoom (default), zoomify, jp2 or tiff"),
                                            IIIFCTL_OMEKA_WHERE_OPTION,
                                            { FROM, "from", "ID", "begin with that media" },
                                            IIIFCTL_OMEKA_OPTIONS,
                                            { 0, NULL, NULL, NULL } };

/* One run, which is a feed, too: media in the order of their ids. */
typedef struct run_t {
    iiifctl_tiling_t tiling;
    iiifctl_omeka_t omeka;
    iiifctl_feed_t feed;
    const char *after;    /* id of the last one that was taken; in pools[turn] */
    apr_pool_t *pools[2]; /* of two batches, by turns */
    int turn;
    char begins[2][24]; /* of each: the id behind which it was taken */
    int passed;         /* of formats that are not tiled, such as SVG */
    iiif_err_t err;     /* why no more could be taken; "": they were all */
} run_t;

/* As the server decides it, by extension or content; what is missing is to be told. */
static int is_passed(const char *path, apr_pool_t *pool)
{
    apr_finfo_t finfo;

    return iiif_is_file(&finfo, path, pool)
           && !iiif_is_allowed_image(path, IIIF_SOURCE_FORMATS_DEFAULT, pool);
}

static void add(run_t *run, iiifctl_sources_t *sources, const iiifctl_media_t *media)
{
    apr_pool_t *pool = run->pools[run->turn];
    iiifctl_file_t file = { .root = run->omeka.originals,
                            .name = media->name,
                            .stored = media->storage_id };
    iiif_err_t err = { "" };

    if (iiif_path_join(&file.path, file.root, media->name, &err, pool) != APR_SUCCESS) {
        file.path = apr_pstrcat(pool, "media ", media->id, NULL);
        file.name = NULL;
        file.reason = err.text;
    }
    else if (is_passed(file.path, pool)) {
        ++run->passed;
        return;
    }
    iiifctl_sources_put(sources, &file);
}

/* With a connection of its own: between two batches there may be hours. */
static apr_status_t take(apr_array_header_t **media, run_t *run, iiif_err_t *err, apr_pool_t *pool)
{
    const iiifctl_media_query_t query = { run->after, 0 };
    iiifctl_omeka_t omeka = run->omeka;
    apr_pool_t *connection;
    apr_status_t rv;

    apr_pool_create(&connection, pool);
    rv = iiifctl_omeka_connect(&omeka.database, &omeka, err, connection);
    if (rv == APR_SUCCESS)
        rv = iiifctl_omeka_media(media, &omeka, &query, err, pool);
    apr_pool_destroy(connection);
    return rv;
}

static int tick(iiifctl_sources_t *sources, void *baton, int wanted)
{
    run_t *run = baton;
    apr_array_header_t *media = NULL;
    apr_pool_t *pool = run->pools[!run->turn];
    apr_status_t rv;
    int i;

    if (!wanted)
        return -1;
    apr_pool_clear(pool);
    rv = take(&media, run, &run->err, pool);
    if (rv != APR_SUCCESS || !media->nelts) {
        sources->list = -1;
        return -1;
    }
    run->turn = !run->turn;
    apr_cpystrn(run->begins[run->turn], run->after, sizeof(run->begins[0]));
    for (i = 0; i < media->nelts; ++i)
        add(run, sources, &APR_ARRAY_IDX(media, i, iiifctl_media_t));
    run->after = APR_ARRAY_IDX(media, media->nelts - 1, iiifctl_media_t).id;
    return 0;
}

/* Nothing is ever written there: it is time, not a descriptor, that brings more. */
static void read_nothing(iiifctl_sources_t *sources, void *baton)
{
    (void)sources;
    (void)baton;
}

static const char *format_of_site(const iiifctl_omeka_t *omeka)
{
    const char *format = iiifctl_omeka_format_of(
        iiifctl_omeka_text(omeka, "imageserver_image_tile_type", "deepzoom"));

    return format ? format : "deepzoom";
}

static int read_options(run_t *run, const iiifctl_call_t *call)
{
    static const long range[2] = { 0, 999999999999999999L };
    int code;
    long from = 1;

    if ((code = iiifctl_number_of(&from, call, FROM, range)) != IIIFCTL_OK
        || (code = iiifctl_omeka_open(&run->omeka, call)) != IIIFCTL_OK
        || (code = iiifctl_tiling_read(&run->tiling, call, format_of_site(&run->omeka)))
               != IIIFCTL_OK)
        return code;
    if (run->tiling.format->kind == IIIF_STORED_LEVEL0)
        return iiifctl_usage(call, "--format: Omeka knows no trees of IIIF");
    run->tiling.store = run->omeka.tiles;
    run->tiling.json = iiifctl_has(call, IIIFCTL_OMEKA_JSON);
    run->after = apr_psprintf(call->pool, "%ld", from - 1);
    return IIIFCTL_OK;
}

/* Of the batch before the last one, some may have been at work still. */
static void tell_where(const run_t *run)
{
    const char *begin = *run->begins[!run->turn] ? run->begins[!run->turn] : run->begins[run->turn];

    if (*begin)
        fprintf(stderr, "iiifctl omeka tile: ended; --from %" APR_INT64_T_FMT " goes on\n",
                apr_atoi64(begin) + 1);
}

static int run_tile(const iiifctl_call_t *call)
{
    run_t run = { .feed = { .baton = &run, .tick = tick, .read = read_nothing } };
    int code = read_options(&run, call), ended;

    if (code != IIIFCTL_OK)
        return code;
    if (iiifctl_tiling_prepare(&run.tiling) != APR_SUCCESS)
        return IIIFCTL_FAILED;
    apr_pool_create(&run.pools[0], call->pool);
    apr_pool_create(&run.pools[1], call->pool);
    iiifctl_tiling_sources(&run.tiling);
    run.tiling.sources.feed = &run.feed;
    run.tiling.sources.list = eventfd(0, EFD_CLOEXEC);
    ended = iiifctl_tiling_run(&run.tiling);
    if (ended)
        tell_where(&run);
    if (*run.err.text)
        code = iiifctl_omeka_failed(call, &run.err);
    if (run.passed && !run.tiling.json)
        printf("%d of formats that are not tiled were passed over\n", run.passed);
    return iiifctl_tiling_end(&run.tiling, ended, code);
}

const iiifctl_verb_t iiifctl_verb_omeka_tile = { "omeka tile", "OMEKA",
                                                 "makes tiles of a site's images", options,
                                                 run_tile };
