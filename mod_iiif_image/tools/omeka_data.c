/* SPDX-License-Identifier: Apache-2.0 */
/* iiifctl omeka data: writes into media.data what lies on disk, for Omeka's own renderer. */
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>

#include "image/vips_process.h"
#include "tools/omeka.h"
#include "tools/omeka_entry.h"
#include "tools/omeka_found.h"
#include "tools/output.h"
#include "tools/verbs.h"

#include "base/banned.h"

#define TRIES 3 /* when somebody else writes the same row */

enum { DRY = IIIFCTL_OMEKA_OWN, URL };

static const iiifctl_option_t options[] = {
    IIIFCTL_OMEKA_WHERE_OPTION,
    { DRY, "dry-run", NULL, "write nothing, and tell what would be" },
    { URL, "base-url", "URL", "of the site (default: as Image Server has noted it)" },
    IIIFCTL_OMEKA_OPTIONS,
    { 0, NULL, NULL, NULL }
};

typedef enum { WRITTEN, CURRENT, BROKEN, OUTCOMES } outcome_e;

static const char *const outcomes[OUTCOMES] = { "written", "current", "failed" };

/* One run. */
typedef struct run_t {
    iiifctl_omeka_t omeka;
    const char *url_base; /* of the directory of tiles */
    int dry, json;
    int counts[OUTCOMES];
} run_t;

/* -- one media ----------------------------------------------------------------------------------
 */

/* @a updated is set as by iiifctl_entries_merge() */
static apr_status_t bring_up_to_date(const char **updated, const run_t *run,
                                     const iiifctl_media_t *media, iiif_err_t *err,
                                     apr_pool_t *pool)
{
    cJSON *tiles = iiifctl_omeka_tiles(&run->omeka, media, run->url_base, pool);
    cJSON *dimensions = iiifctl_omeka_dimensions(&run->omeka, media, pool);
    const iiifctl_entries_t entries = { tiles, dimensions };
    apr_status_t rv = iiifctl_entries_merge(updated, media->data, &entries, err, pool);

    cJSON_Delete(tiles);
    cJSON_Delete(dimensions);
    return rv;
}

static outcome_e refresh(const run_t *run, const iiifctl_media_t *media, iiif_err_t *err,
                         apr_pool_t *pool)
{
    const char *updated;
    int tries, changed;

    for (tries = 0; tries < TRIES && media; ++tries) {
        if (bring_up_to_date(&updated, run, media, err, pool) != APR_SUCCESS)
            return BROKEN;
        if (!updated)
            return CURRENT;
        if (run->dry)
            return WRITTEN;
        if (iiifctl_omeka_write(&changed, &run->omeka, media, updated, err, pool) != APR_SUCCESS)
            return BROKEN;
        if (changed)
            return WRITTEN;
        if (iiifctl_omeka_medium(&media, &run->omeka, "m.id", media->id, err, pool) != APR_SUCCESS)
            return BROKEN;
    }
    if (!media)
        return CURRENT; /* it is gone */
    iiif_fail(err, APR_EAGAIN, "somebody else writes it again and again");
    return BROKEN;
}

/* -- what is told -------------------------------------------------------------------------------
 */

static void tell(const run_t *run, const iiifctl_media_t *media, outcome_e outcome,
                 const iiif_err_t *err)
{
    cJSON *object;

    if (run->json) {
        object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "media", media->id);
        cJSON_AddStringToObject(object, "name", media->name);
        cJSON_AddStringToObject(object, "status", outcomes[outcome]);
        if (outcome == BROKEN)
            cJSON_AddStringToObject(object, "reason", err->text);
        iiifctl_print_json(object);
    }
    else if (outcome == BROKEN)
        fprintf(stderr, "iiifctl omeka data: media %s: %s\n", media->id, err->text);
    else if (outcome == WRITTEN)
        printf("%s %s %s\n", run->dry ? "to write" : "written", media->id, media->name);
}

static void tell_sum(const run_t *run)
{
    cJSON *object;
    int i;

    if (!run->json) {
        printf("%d written, %d current, %d failed\n", run->dry ? 0 : run->counts[WRITTEN],
               run->counts[CURRENT], run->counts[BROKEN]);
        return;
    }
    object = cJSON_CreateObject();
    for (i = 0; i < OUTCOMES; ++i)
        cJSON_AddNumberToObject(object, outcomes[i], run->counts[i]);
    iiifctl_print_json(object);
}

/* -- all of them --------------------------------------------------------------------------------
 */

static void refresh_batch(run_t *run, const apr_array_header_t *media, apr_pool_t *pool)
{
    apr_pool_t *scratch;
    int i;

    apr_pool_create(&scratch, pool);
    for (i = 0; i < media->nelts; ++i) {
        const iiifctl_media_t *one = &APR_ARRAY_IDX(media, i, iiifctl_media_t);
        iiif_err_t err = { "" };
        outcome_e outcome = refresh(run, one, &err, scratch);

        ++run->counts[outcome];
        tell(run, one, outcome, &err);
        apr_pool_clear(scratch);
    }
    apr_pool_destroy(scratch);
}

static apr_status_t refresh_all(run_t *run, iiif_err_t *err)
{
    char after[24] = "0";
    iiifctl_media_query_t query = { after, 1 };
    apr_array_header_t *media;
    apr_pool_t *pool;
    apr_status_t rv;

    apr_pool_create(&pool, run->omeka.pool);
    while ((rv = iiifctl_omeka_media(&media, &run->omeka, &query, err, pool)) == APR_SUCCESS
           && media->nelts) {
        refresh_batch(run, media, pool);
        apr_cpystrn(after, APR_ARRAY_IDX(media, media->nelts - 1, iiifctl_media_t).id,
                    sizeof(after));
        apr_pool_clear(pool);
    }
    return rv;
}

/* @return IIIFCTL_OK; IIIFCTL_USAGE, said on stderr */
static int find_url(run_t *run, const iiifctl_call_t *call)
{
    const char *url = iiifctl_value(call, URL, NULL);

    if (!url)
        url = iiifctl_omeka_text(&run->omeka, "imageserver_base_url", NULL);
    if (!url)
        return iiifctl_usage(call, "Omeka has not noted the site's URL: give --base-url");
    run->url_base = apr_pstrcat(call->pool, url, url[strlen(url) - 1] == '/' ? "" : "/", "files/",
                                run->omeka.tile_name, NULL);
    return IIIFCTL_OK;
}

static int run_data(const iiifctl_call_t *call)
{
    run_t run = { .dry = iiifctl_has(call, DRY), .json = iiifctl_has(call, IIIFCTL_OMEKA_JSON) };
    iiif_err_t err = { "" };
    int code = iiifctl_omeka_open(&run.omeka, call);

    if (code == IIIFCTL_OK)
        code = find_url(&run, call);
    if (code != IIIFCTL_OK)
        return code;
    if (iiif_vips_start("iiifctl", &err) != APR_SUCCESS || refresh_all(&run, &err) != APR_SUCCESS)
        code = iiifctl_omeka_failed(call, &err);
    tell_sum(&run);
    return run.counts[BROKEN] ? IIIFCTL_FAILED : code;
}

const iiifctl_verb_t iiifctl_verb_omeka_data = { "omeka data", "OMEKA",
                                                 "writes into Omeka's media what tiles there are",
                                                 options, run_data };
