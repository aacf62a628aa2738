/* SPDX-License-Identifier: Apache-2.0 */
/* iiifctl omeka stale: tiles, originals, media and their data that do not agree. */
#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_strings.h>
#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>

#include "base/path.h"
#include "image/source.h"
#include "image/vips_process.h"
#include "plan/upright.h"
#include "tools/lease.h"
#include "tools/omeka_entry.h"
#include "tools/omeka_found.h"
#include "tools/output.h"
#include "tools/target.h"
#include "tools/verbs.h"

#include "base/banned.h"

enum { REMOVE = IIIFCTL_OMEKA_OWN };

static const iiifctl_option_t options[] = {
    { REMOVE, "remove", NULL,
      "tiles that are orphaned, stale, of another size or not turned, and dead entries" },
    IIIFCTL_OMEKA_OPTIONS,
    { 0, NULL, NULL, NULL }
};

typedef enum {
    FINE,
    ORPHANED,
    STALE,
    RESIZED,
    TURNED,
    DAMAGED,
    ALONE,
    UNNOTED,
    DEAD,
    KINDS
} kind_e;

/* What is wrong, and what --remove takes away. */
static const struct {
    const char *name, *what;
    int removed;
} kinds[KINDS] = {
    [FINE] = { "fine", "", 0 },
    [ORPHANED] = { "orphaned", "there is no media of that storage id", 1 },
    [STALE] = { "stale", "it is older than the original", 1 },
    [RESIZED] = { "resized", "it is of another size than the original", 1 },
    [TURNED] = { "turned", "it is not known to be turned as the original is", 1 },
    [DAMAGED] = { "damaged", "it cannot be read", 0 },
    [ALONE] = { "alone", "the original is missing", 0 },
    [UNNOTED] = { "unnoted", "the media's data have no entry of it", 0 },
    [DEAD] = { "dead", "an entry in the media's data, and no tiles", 1 },
};

/* One run. */
typedef struct run_t {
    iiifctl_omeka_t omeka;
    int remove, json;
    int counts[KINDS], removed, failed;
    iiif_err_t err; /* of the database; "": it answers */
} run_t;

/* One set of tiles. */
typedef struct set_t {
    const char *path; /* absolute: of what describes it, or of itself */
    const char *type; /* as in media.data.tile */
    const char *storage_id;
} set_t;

/* -- what is told -------------------------------------------------------------------------------
 */

static void tell(run_t *run, kind_e kind, const char *path, const char *media, int removed)
{
    cJSON *object;

    ++run->counts[kind];
    run->removed += removed;
    if (!run->json) {
        printf("%s %s: %s%s\n", kinds[kind].name, path, kinds[kind].what,
               removed ? "; removed" : "");
        return;
    }
    object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "path", path);
    if (media)
        cJSON_AddStringToObject(object, "media", media);
    cJSON_AddStringToObject(object, "status", kinds[kind].name);
    cJSON_AddStringToObject(object, "reason", kinds[kind].what);
    cJSON_AddBoolToObject(object, "removed", removed);
    iiifctl_print_json(object);
}

static int tell_sum(const run_t *run)
{
    cJSON *object = cJSON_CreateObject();
    int i, found = 0;

    for (i = FINE + 1; i < KINDS; ++i) {
        found += run->counts[i];
        cJSON_AddNumberToObject(object, kinds[i].name, run->counts[i]);
    }
    cJSON_AddNumberToObject(object, "removed", run->removed);
    cJSON_AddNumberToObject(object, "failed", run->failed);
    if (run->json)
        iiifctl_print_json(object);
    else {
        cJSON_Delete(object);
        printf("%d found, %d removed\n", found, run->removed);
    }
    return found > run->removed || run->failed ? IIIFCTL_FAILED : IIIFCTL_OK;
}

static void tell_failed(run_t *run, const char *path, const iiif_err_t *err)
{
    ++run->failed;
    fprintf(stderr, "iiifctl omeka stale: %s: %s\n", path, err->text);
}

/* -- tiles --------------------------------------------------------------------------------------
 */

static apr_time_t time_of(const char *path, apr_pool_t *pool)
{
    apr_finfo_t finfo;

    return apr_stat(&finfo, path, APR_FINFO_MTIME, pool) == APR_SUCCESS ? finfo.mtime : 0;
}

/* What the tile store does not use for other reasons is no matter here. */
static int is_upright(const set_t *set, const iiifctl_omeka_t *omeka, const iiif_source_t *source,
                      apr_pool_t *pool)
{
    const iiif_stored_query_t query = { omeka->tiles,  set->storage_id, source->path,
                                        source->stamp, source->full,    NULL,
                                        NULL };
    const iiif_stored_set_t *found;
    iiif_lru_t *lru;
    iiif_err_t err;
    int i;

    if (source->orientation == 1 || iiif_lru_create(&lru, 1 << 20, 1, pool) != APR_SUCCESS)
        return 1;
    found = iiif_stored_find(lru, &query, pool);
    for (i = 0; i < found->count; ++i) {
        if (!strcmp(found->sets[i].path, set->path))
            return iiif_stored_upright(&found->sets[i], source, &err, pool) == APR_SUCCESS;
    }
    return 1;
}

static kind_e compare_with_original(const set_t *set, const iiifctl_omeka_t *omeka,
                                    const iiifctl_media_t *media, iiif_dims_t size,
                                    apr_pool_t *pool)
{
    const iiif_source_rules_t rules = { IIIF_SOURCE_FORMATS_DEFAULT, 0, NULL };
    const char *path;
    iiif_source_t *source;

    if (iiif_path_join(&path, omeka->originals, media->name, NULL, pool) != APR_SUCCESS
        || iiif_source_open(&source, path, 1, &rules, NULL, pool) != APR_SUCCESS)
        return ALONE;
    if (!iiif_dims_equal(source->full, size))
        return RESIZED;
    if (time_of(set->path, pool) < source->stamp.mtime)
        return STALE;
    return is_upright(set, omeka, source, pool) ? FINE : TURNED;
}

static int is_noted(const iiifctl_media_t *media, const char *type)
{
    cJSON *data = media->data ? cJSON_Parse(media->data) : NULL;
    const int noted = cJSON_IsObject(
        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(data, "tile"), type));

    cJSON_Delete(data);
    return noted;
}

/* @param id set to that of its media, if there is one */
static apr_status_t judge(kind_e *kind, const char **id, const run_t *run, const set_t *set,
                          iiif_err_t *err, apr_pool_t *pool)
{
    const iiifctl_media_t *media;
    iiif_dims_t size;
    apr_status_t rv =
        iiifctl_omeka_medium(&media, &run->omeka, "m.storage_id", set->storage_id, err, pool);

    if (rv != APR_SUCCESS)
        return rv;
    *id = media ? media->id : NULL;
    if (iiifctl_omeka_tiled_size(&size, set->path, NULL, pool) != APR_SUCCESS)
        *kind = DAMAGED;
    else if (!media)
        *kind = ORPHANED;
    else
        *kind = compare_with_original(set, &run->omeka, media, size, pool);
    if (*kind == FINE && !is_noted(media, set->type))
        *kind = UNNOTED;
    return rv;
}

/* Deep Zoom's other description is no file of iiifctl's. */
static apr_status_t take_away(const iiifctl_target_t *target, const set_t *set, iiif_err_t *err,
                              apr_pool_t *pool)
{
    apr_status_t rv = iiifctl_target_remove(target, err, pool);

    if (rv == APR_SUCCESS && !strcmp(set->type, "deepzoom"))
        apr_file_remove(apr_pstrcat(pool, target->base, ".js", NULL), pool);
    return rv;
}

/* Under its lease: what has been made anew meanwhile stays. @return 1: it is gone */
static int remove_set(run_t *run, const set_t *set, apr_pool_t *pool)
{
    const iiifctl_format_t *format = iiifctl_format_by_name(iiifctl_omeka_format_of(set->type));
    const iiifctl_target_t target = iiifctl_target(format, run->omeka.tiles, set->storage_id, pool);
    iiifctl_lease_t lease = { -1 };
    iiif_err_t err = { "" };
    kind_e kind = FINE;
    const char *id;
    apr_status_t rv = iiifctl_lease_take(&lease, run->omeka.tiles, target.result, 0, &err, pool);

    if (rv == APR_SUCCESS)
        rv = judge(&kind, &id, run, set, &err, pool);
    if (rv == APR_SUCCESS && kinds[kind].removed)
        rv = take_away(&target, set, &err, pool);
    iiifctl_lease_drop(&lease);
    if (rv != APR_SUCCESS)
        tell_failed(run, set->path, &err);
    return rv == APR_SUCCESS && kinds[kind].removed;
}

static void look_at_set(run_t *run, const set_t *set, apr_pool_t *pool)
{
    kind_e kind;
    const char *id;
    int removed;

    if (judge(&kind, &id, run, set, &run->err, pool) != APR_SUCCESS || kind == FINE)
        return;
    removed = run->remove && kinds[kind].removed && remove_set(run, set, pool);
    tell(run, kind, set->path, id, removed);
}

/* -- the walk -----------------------------------------------------------------------------------
 */

static void look_at(run_t *run, const char *path, apr_pool_t *pool)
{
    const char *below = path + strlen(run->omeka.tiles) + 1;
    apr_size_t length;
    set_t set = { path, iiifctl_omeka_type_of(&length, below), NULL };

    if (!set.type)
        return;
    set.storage_id = apr_pstrmemdup(pool, below, length);
    /* of two descriptions, the first that Image Server looks for */
    if (!strcmp(below + length, ".js")
        && time_of(apr_pstrcat(pool, run->omeka.tiles, "/", set.storage_id, ".dzi", NULL), pool))
        return;
    look_at_set(run, &set, pool);
}

static int ends_in(const char *text, const char *end)
{
    const apr_size_t len = strlen(text), end_len = strlen(end);

    return len > end_len && !strcmp(text + len - end_len, end);
}

/* Hidden ones, those of tiles, and what the fast script keeps. */
static int is_passed(const FTSENT *entry)
{
    return entry->fts_level > 0
           && (entry->fts_name[0] == '.' || ends_in(entry->fts_name, "_files")
               || ends_in(entry->fts_name, "_zdata")
               || (entry->fts_level == 1 && !strcmp(entry->fts_name, "cache")));
}

/* A directory of tiles that is not there has none. */
static int is_unreadable(const FTSENT *entry)
{
    return entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR
           || (entry->fts_info == FTS_NS && (entry->fts_level || entry->fts_errno != ENOENT));
}

static void look_at_tiles(run_t *run)
{
    char *const paths[] = { apr_pstrdup(run->omeka.pool, run->omeka.tiles), NULL };
    FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
    apr_pool_t *scratch;
    FTSENT *entry;

    apr_pool_create(&scratch, run->omeka.pool);
    while (fts && !*run->err.text && (entry = fts_read(fts))) {
        const char *path = apr_pstrdup(scratch, entry->fts_path);

        if (entry->fts_info == FTS_D && is_passed(entry)) {
            fts_set(fts, entry, FTS_SKIP);
            path = apr_pstrcat(scratch, path, "/ImageProperties.xml", NULL);
            if (time_of(path, scratch))
                look_at(run, path, scratch);
        }
        else if (entry->fts_info == FTS_F && entry->fts_name[0] != '.')
            look_at(run, path, scratch);
        else if (is_unreadable(entry)) {
            iiif_err_t err;

            iiif_fail(&err, APR_FROM_OS_ERROR(entry->fts_errno), "%s", strerror(entry->fts_errno));
            tell_failed(run, path, &err);
        }
        apr_pool_clear(scratch);
    }
    if (fts)
        fts_close(fts);
    apr_pool_destroy(scratch);
}

/* -- entries ------------------------------------------------------------------------------------
 */

/* Those of a media without any tiles; the caller deletes what is left. @return how many */
static int drop_dead(cJSON **left, const run_t *run, const iiifctl_media_t *media, apr_pool_t *pool)
{
    cJSON *data = cJSON_Parse(media->data), *child, *next;
    int dead = 0;

    *left = cJSON_DetachItemFromObjectCaseSensitive(data, "tile");
    cJSON_Delete(data);
    for (child = cJSON_IsObject(*left) ? (*left)->child : NULL; child; child = next) {
        next = child->next;
        if (iiifctl_omeka_has_tiles(&run->omeka, media->storage_id, child->string, pool))
            continue;
        ++dead;
        cJSON_Delete(cJSON_DetachItemViaPointer(*left, child));
    }
    return dead;
}

static void look_at_entries(run_t *run, const iiifctl_media_t *media, apr_pool_t *pool)
{
    cJSON *left = NULL;
    const int dead = media->data ? drop_dead(&left, run, media, pool) : 0;
    const iiifctl_entries_t entries = { left, NULL };
    const char *updated;
    iiif_err_t err = { "" };
    int changed = 0;

    if (dead && run->remove
        && (iiifctl_entries_merge(&updated, media->data, &entries, &err, pool) != APR_SUCCESS
            || (updated
                && iiifctl_omeka_write(&changed, &run->omeka, media, updated, &err, pool)
                       != APR_SUCCESS)))
        tell_failed(run, media->name, &err);
    if (dead)
        tell(run, DEAD, media->name, media->id, changed);
    cJSON_Delete(left);
}

static void look_at_media(run_t *run)
{
    char after[24] = "0";
    const iiifctl_media_query_t query = { after, 1 };
    apr_array_header_t *media;
    apr_pool_t *pool;
    int i;

    apr_pool_create(&pool, run->omeka.pool);
    while (!*run->err.text
           && iiifctl_omeka_media(&media, &run->omeka, &query, &run->err, pool) == APR_SUCCESS
           && media->nelts) {
        for (i = 0; i < media->nelts; ++i)
            look_at_entries(run, &APR_ARRAY_IDX(media, i, iiifctl_media_t), pool);
        apr_cpystrn(after, APR_ARRAY_IDX(media, media->nelts - 1, iiifctl_media_t).id,
                    sizeof(after));
        apr_pool_clear(pool);
    }
    apr_pool_destroy(pool);
}

/* A database without media is another one than that of the tiles. */
static int has_media(const iiifctl_omeka_t *omeka, iiif_err_t *err)
{
    const iiifctl_media_query_t query = { "0", 0 };
    apr_array_header_t *media;

    if (iiifctl_omeka_media(&media, omeka, &query, err, omeka->pool) != APR_SUCCESS)
        return 0;
    if (!media->nelts)
        iiif_fail(err, APR_EGENERAL, "there is no image in that database: nothing is done");
    return media->nelts > 0;
}

static int run_stale(const iiifctl_call_t *call)
{
    run_t run = { .remove = iiifctl_has(call, REMOVE),
                  .json = iiifctl_has(call, IIIFCTL_OMEKA_JSON) };
    int code = iiifctl_omeka_open(&run.omeka, call);

    if (code != IIIFCTL_OK)
        return code;
    if (iiif_vips_start("iiifctl", &run.err) != APR_SUCCESS || !has_media(&run.omeka, &run.err))
        return iiifctl_omeka_failed(call, &run.err);
    look_at_tiles(&run);
    look_at_media(&run);
    code = tell_sum(&run);
    return *run.err.text ? iiifctl_omeka_failed(call, &run.err) : code;
}

const iiifctl_verb_t iiifctl_verb_omeka_stale = {
    "omeka stale", "OMEKA", "finds tiles that are stale or orphaned, and entries without tiles",
    options, run_stale
};
