/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_file_info.h>
#include <apr_strings.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/clean.h"
#include "tools/failures.h"
#include "tools/finding.h"
#include "tools/lease.h"
#include "tools/target.h"
#include "tools/tree_own.h"

#include "base/banned.h"

#define LITTER        ".iiifctl-"
#define LITTER_DIGITS 16
#define ABANDONED     3600 /* seconds: other writers know nothing of leases */

/* Formats by the ends of their descriptions; "/info.json" is that of both versions. */
static const char *const formats[] = { "deepzoom", "zoomify", "iiif3", "tiff", "jp2" };
#define FORMATS (sizeof(formats) / sizeof(formats[0]))

/* What a walk finds. */
typedef struct found_t {
    apr_array_header_t *litter; /* of const char *: directories */
    apr_array_header_t *sets;   /* of iiifctl_target_t */
} found_t;

static char *without(const char *path, const char *end, apr_pool_t *pool)
{
    apr_size_t len = strlen(path), end_len = strlen(end);

    return len > end_len && !strcmp(path + len - end_len, end)
               ? apr_pstrmemdup(pool, path, len - end_len)
               : NULL;
}

static int exists(const char *path)
{
    return !access(path, F_OK);
}

/* -- whose are they? ----------------------------------------------------------------------------
 */

static int is_ours(const iiifctl_target_t *target, apr_pool_t *pool)
{
    return iiifctl_tree_own(apr_pstrcat(pool, target->base, target->format->placed[0], NULL),
                            target->format->kind, NULL, pool)
           == APR_SUCCESS;
}

/* iiifctl keeps a source's extension. Tiles named without may be somebody's originals. */
static int names_image(const char *name)
{
    const char *dot = strrchr(name, '.'), *slash = strrchr(name, '/');

    return dot && (!slash || dot > slash)
           && iiif_source_format_by_extension(dot + 1) != IIIF_SOURCE_FORMATS;
}

static int is_gone(const iiifctl_clean_t *clean, const char *name, apr_pool_t *pool)
{
    apr_finfo_t finfo;
    apr_status_t rv =
        apr_stat(&finfo, apr_pstrcat(pool, clean->sources, "/", name, NULL), APR_FINFO_TYPE, pool);

    return APR_STATUS_IS_ENOENT(rv) || APR_STATUS_IS_ENOTDIR(rv);
}

/* Size and time of what describes the set. @return 0: it is no such set */
static int describe(iiif_dims_t *full, apr_time_t *mtime, const iiifctl_target_t *target,
                    const char *path, apr_pool_t *pool)
{
    const iiif_source_rules_t rules = { 1u << IIIF_SOURCE_TIFF | 1u << IIIF_SOURCE_JP2, 0, NULL };
    iiif_description_t description;
    iiif_source_t *pyramid;
    apr_finfo_t finfo;

    if (apr_stat(&finfo, path, APR_FINFO_MTIME, pool) != APR_SUCCESS)
        return 0;
    *mtime = finfo.mtime;
    if (target->format->kind == IIIF_STORED_PYRAMID) {
        if (iiif_source_open(&pyramid, path, 1, &rules, NULL, pool) != APR_SUCCESS
            || (pyramid->format == IIIF_SOURCE_TIFF && !pyramid->tile.width))
            return 0;
        *full = pyramid->full;
        return 1;
    }
    if (iiifctl_description_read(&description, path, NULL, pool) != APR_SUCCESS
        || !is_ours(target, pool))
        return 0;
    *full = description.full;
    return 1;
}

/* Has nobody written there lately? */
static int is_abandoned(const char *path, apr_pool_t *pool)
{
    char *const paths[] = { apr_pstrdup(pool, path), NULL };
    FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    const time_t before = time(NULL) - ABANDONED;
    int abandoned = fts != NULL;
    FTSENT *entry;

    while (abandoned && (entry = fts_read(fts)))
        abandoned = entry->fts_info == FTS_DP || entry->fts_statp->st_mtime < before;
    if (fts)
        fts_close(fts);
    return abandoned;
}

/* Tiles of Deep Zoom, which come before their description and go after it. */
static const char *reason_without_description(const iiifctl_target_t *target, apr_pool_t *pool)
{
    const char *tiles = apr_pstrcat(pool, target->base, target->format->placed[0], NULL);

    if (!target->format->made[1] || !names_image(target->name) || !is_ours(target, pool)
        || !is_abandoned(tiles, pool))
        return NULL;
    return "tiles without a description";
}

/* Why it goes; NULL: it stays. As `check` finds it. */
static const char *reason_to_go(const iiifctl_clean_t *clean, const iiifctl_target_t *target,
                                apr_pool_t *pool)
{
    const char *suffix = target->format->description;
    const char *path = apr_pstrcat(pool, target->base, suffix, NULL);
    iiif_stored_query_t query;
    apr_time_t mtime;
    iiif_dims_t full;
    apr_status_t rv;

    if (!exists(path))
        return reason_without_description(target, pool);
    if (!clean->sources || !describe(&full, &mtime, target, path, pool))
        return NULL;
    rv = iiifctl_original_find(&query, path, suffix, clean->store, clean->sources, NULL, pool);
    if (rv == IIIF_ENOTFOUND)
        return names_image(target->name) && is_gone(clean, target->name, pool) ? "orphaned" : NULL;
    if (rv != APR_SUCCESS)
        return NULL;
    if (!iiif_dims_equal(query.full, full))
        return "wrong dimensions";
    return mtime < query.source.mtime ? "stale" : NULL;
}

/* -- removing -----------------------------------------------------------------------------------
 */

static apr_int64_t size_of(const char *path, apr_pool_t *pool)
{
    char *const paths[] = { apr_pstrdup(pool, path), NULL };
    FTS *fts = exists(path) ? fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL) : NULL;
    apr_int64_t sum = 0;
    FTSENT *entry;

    while (fts && (entry = fts_read(fts))) {
        if (entry->fts_info == FTS_F)
            sum += entry->fts_statp->st_size;
    }
    if (fts)
        fts_close(fts);
    return sum;
}

static apr_int64_t size_of_set(const iiifctl_target_t *target, apr_pool_t *pool)
{
    apr_int64_t sum = 0;
    int i;

    for (i = 0; i < 2 && target->format->made[i]; ++i)
        sum += size_of(apr_pstrcat(pool, target->base, target->format->placed[i], NULL), pool);
    return sum;
}

/* Under its lease: what somebody makes just now is looked at the next time. */
static void clean_set(iiifctl_clean_t *clean, const iiifctl_target_t *target, apr_pool_t *pool)
{
    iiifctl_lease_t lease = { -1 };
    const char *reason = reason_to_go(clean, target, pool);
    apr_status_t rv = APR_SUCCESS;
    apr_int64_t bytes;
    iiif_err_t err;

    if (reason && !clean->dry) {
        rv = iiifctl_lease_take(&lease, clean->store, target->result, 0, &err, pool);
        if (rv == APR_SUCCESS)
            reason = reason_to_go(clean, target, pool);
    }
    if (!reason)
        ++clean->kept;
    else if (rv == APR_SUCCESS) {
        bytes = size_of_set(target, pool);
        if (!clean->dry)
            rv = iiifctl_target_remove(target, &err, pool);
        if (rv == APR_SUCCESS)
            iiifctl_clean_tell(clean, target->result, reason, bytes);
    }
    if (APR_STATUS_IS_EAGAIN(rv))
        ++clean->busy;
    else if (rv != APR_SUCCESS)
        iiifctl_clean_failed(clean, target->result, &err);
    iiifctl_lease_drop(&lease);
}

/* The directory of a target that was never finished: as a target it can be ended. */
static void clean_litter(iiifctl_clean_t *clean, const char *path, apr_pool_t *pool)
{
    const iiifctl_target_t rest = { .temporary = path };
    apr_int64_t bytes = size_of(path, pool);
    iiif_err_t err;

    if (!clean->dry)
        iiifctl_target_end(&rest, pool);
    if (!clean->dry && exists(path)) {
        iiif_fail(&err, APR_EGENERAL, "cannot be removed");
        iiifctl_clean_failed(clean, path, &err);
    }
    else
        iiifctl_clean_tell(clean, path, "left by a run that was killed", bytes);
}

/* Whatever is empty, but the store. */
static void remove_empty(const iiifctl_clean_t *clean)
{
    char *const paths[] = { apr_pstrdup(clean->pool, clean->store), NULL };
    FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
    FTSENT *entry;

    while (fts && (entry = fts_read(fts))) {
        if (entry->fts_info == FTS_DP && entry->fts_level > 0 && entry->fts_name[0] != '.')
            rmdir(entry->fts_accpath);
    }
    if (fts)
        fts_close(fts);
}

/* -- the walk -----------------------------------------------------------------------------------
 */

static int is_litter(const char *name)
{
    const apr_size_t head = sizeof(LITTER) - 1;

    return !strncmp(name, LITTER, head) && strspn(name + head, "0123456789abcdef") == LITTER_DIGITS
           && !name[head + LITTER_DIGITS];
}

static void note_set(found_t *found, const iiifctl_clean_t *clean, const char *format,
                     const char *base)
{
    const apr_size_t begin = strcmp(clean->store, "/") != 0 ? strlen(clean->store) + 1 : 1;

    APR_ARRAY_PUSH(found->sets, iiifctl_target_t) =
        iiifctl_target(iiifctl_format_by_name(format), clean->store,
                       apr_pstrdup(clean->pool, base + begin), clean->pool);
}

/* A directory that holds tiles; what is below it is not looked at. @return 0: it does not */
static int note_tree(found_t *found, const iiifctl_clean_t *clean, const char *path)
{
    const char *base;

    if ((base = without(path, "_files", clean->pool))) {
        if (!exists(apr_pstrcat(clean->pool, base, ".dzi", NULL))
            && !exists(apr_pstrcat(clean->pool, base, ".js", NULL)))
            note_set(found, clean, "deepzoom", base);
        return 1;
    }
    if ((base = without(path, "_zdata", clean->pool))) {
        if (exists(apr_pstrcat(clean->pool, path, "/ImageProperties.xml", NULL)))
            note_set(found, clean, "zoomify", base);
        return 1;
    }
    if (!exists(apr_pstrcat(clean->pool, path, "/info.json", NULL)))
        return 0;
    note_set(found, clean, "iiif3", path);
    return 1;
}

static void note_file(found_t *found, const iiifctl_clean_t *clean, const char *path)
{
    unsigned i;

    for (i = 0; i < FORMATS; ++i) {
        const char *suffix = iiifctl_format_by_name(formats[i])->description;
        const char *base = strchr(suffix, '/') ? NULL : without(path, suffix, clean->pool);

        if (base)
            note_set(found, clean, formats[i], base);
    }
}

static void walk(found_t *found, const iiifctl_clean_t *clean)
{
    char *const paths[] = { apr_pstrdup(clean->pool, clean->store), NULL };
    FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
    FTSENT *entry;

    while (fts && (entry = fts_read(fts))) {
        const int below = entry->fts_level > 0, hidden = below && entry->fts_name[0] == '.';

        if (entry->fts_info == FTS_D && below && is_litter(entry->fts_name))
            APR_ARRAY_PUSH(found->litter, const char *) = apr_pstrdup(clean->pool, entry->fts_path);
        if (entry->fts_info == FTS_D && below
            && (hidden || note_tree(found, clean, entry->fts_path)))
            fts_set(fts, entry, FTS_SKIP);
        else if (entry->fts_info == FTS_F && !hidden)
            note_file(found, clean, entry->fts_path);
    }
    if (fts)
        fts_close(fts);
}

/* While nobody makes anything here: litter is told from work by that alone. */
static void clean_rest(iiifctl_clean_t *clean, const found_t *found, apr_pool_t *scratch)
{
    iiifctl_lease_t lease = { -1 };
    iiif_err_t err;
    apr_status_t rv = iiifctl_lease_take_all(&lease, clean->store, &err, clean->pool);
    int i;

    for (i = 0; rv == APR_SUCCESS && i < found->litter->nelts; ++i) {
        clean_litter(clean, APR_ARRAY_IDX(found->litter, i, const char *), scratch);
        apr_pool_clear(scratch);
    }
    if (rv == APR_SUCCESS && !clean->dry)
        remove_empty(clean);
    if (APR_STATUS_IS_EAGAIN(rv))
        clean->busy += found->litter->nelts;
    else if (rv != APR_SUCCESS)
        iiifctl_clean_failed(clean, clean->store, &err);
    iiifctl_lease_drop(&lease);
}

static void clean_failures(iiifctl_clean_t *clean)
{
    const apr_array_header_t *over = iiifctl_failures_over(clean->store, clean->pool);
    iiif_err_t err;
    int i;

    for (i = 0; i < over->nelts; ++i) {
        const char *name = APR_ARRAY_IDX(over, i, const char *);
        const char *path =
            apr_pstrcat(clean->pool, clean->store, "/" IIIFCTL_FAILED_DIRECTORY "/", name, NULL);
        const apr_int64_t bytes = size_of(path, clean->pool);

        if (!clean->dry
            && iiifctl_failure_remove(clean->store, name, &err, clean->pool) != APR_SUCCESS)
            iiifctl_clean_failed(clean, path, &err);
        else
            iiifctl_clean_tell(clean, path, "its source failed, and is another or gone", bytes);
    }
}

void iiifctl_clean_tiles(iiifctl_clean_t *clean)
{
    found_t found = { apr_array_make(clean->pool, 4, sizeof(const char *)),
                      apr_array_make(clean->pool, 64, sizeof(iiifctl_target_t)) };
    apr_pool_t *scratch;
    int i;

    apr_pool_create(&scratch, clean->pool);
    walk(&found, clean);
    for (i = 0; i < found.sets->nelts; ++i) {
        clean_set(clean, &APR_ARRAY_IDX(found.sets, i, iiifctl_target_t), scratch);
        apr_pool_clear(scratch);
    }
    clean_failures(clean);
    clean_rest(clean, &found, scratch);
}
