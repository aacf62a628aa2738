/* SPDX-License-Identifier: Apache-2.0 */
/* iiifctl clean: what nobody uses goes. Which kind of store it is, is seen by what lies there. */
#include <apr_file_info.h>
#include <apr_strings.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "iiif/identifier.h"
#include "image/vips_process.h"
#include "store/derivative_bound.h"
#include "tools/clean.h"
#include "tools/output.h"
#include "tools/quantity.h"
#include "tools/verbs.h"

#include "base/banned.h"

enum { BOUND = IIIFCTL_LONG, OLDER, SOURCE, DRY, JSON };

static const iiifctl_option_t options[] = {
    { BOUND, "max-size", "SIZE", "of a derivative store: leave so much, the last used" },
    { OLDER, "older", "TIME", "of a derivative store: remove what was not used for 30d, 12h" },
    { SOURCE, "source", "ROOT", "of the originals: remove what is of none, or of an older one" },
    { DRY, "dry-run", NULL, "remove nothing, tell what would go" },
    { JSON, "json", NULL, "one JSON object a line" },
    { 0, NULL, NULL, NULL }
};

void iiifctl_clean_tell(iiifctl_clean_t *clean, const char *path, const char *reason,
                        apr_int64_t bytes)
{
    cJSON *object;

    ++clean->removed;
    clean->bytes += bytes;
    if (!clean->json) {
        printf("%s %s: %s, %" APR_INT64_T_FMT " bytes\n", clean->dry ? "would remove" : "removed",
               path, reason, bytes);
        return;
    }
    object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "path", path);
    cJSON_AddStringToObject(object, "status", clean->dry ? "found" : "removed");
    cJSON_AddStringToObject(object, "reason", reason);
    cJSON_AddNumberToObject(object, "bytes", (double)bytes);
    iiifctl_print_json(object);
}

void iiifctl_clean_failed(iiifctl_clean_t *clean, const char *path, const iiif_err_t *err)
{
    ++clean->failed;
    fprintf(stderr, "iiifctl clean: %s: %s\n", path, err->text);
}

static void tell_sum(const iiifctl_clean_t *clean, const char *kind)
{
    cJSON *object;

    if (!clean->json) {
        printf(
            "%" APR_INT64_T_FMT " %s %s, %" APR_INT64_T_FMT " bytes; %" APR_INT64_T_FMT " left\n",
            clean->removed, kind, clean->dry ? "would go" : "removed", clean->bytes, clean->kept);
        return;
    }
    object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "kind", kind);
    cJSON_AddBoolToObject(object, "dryRun", clean->dry);
    cJSON_AddNumberToObject(object, "removed", (double)clean->removed);
    cJSON_AddNumberToObject(object, "bytes", (double)clean->bytes);
    cJSON_AddNumberToObject(object, "left", (double)clean->kept);
    cJSON_AddNumberToObject(object, "failed", clean->failed);
    cJSON_AddNumberToObject(object, "busy", clean->busy);
    iiifctl_print_json(object);
}

/* -- derivatives --------------------------------------------------------------------------------
 */

/* A name that was cut cannot be told. What cannot be looked at is not gone. */
static apr_time_t source_time(void *baton, const char *segment)
{
    const iiifctl_clean_t *clean = baton;
    const char *name, *path;
    apr_time_t time = 0;
    apr_finfo_t finfo;
    apr_pool_t *scratch;
    apr_status_t rv;

    if (strchr(segment, '~') || apr_pool_create(&scratch, clean->pool) != APR_SUCCESS)
        return 0;
    if (iiif_percent_decode(&name, segment, strlen(segment), NULL, scratch) == APR_SUCCESS
        && iiif_path_join(&path, clean->sources, name, NULL, scratch) == APR_SUCCESS) {
        rv = apr_stat(&finfo, path, APR_FINFO_MTIME, scratch);
        if (rv == APR_SUCCESS)
            time = finfo.mtime;
        else if (APR_STATUS_IS_ENOENT(rv) || APR_STATUS_IS_ENOTDIR(rv))
            time = APR_INT64_MAX;
    }
    apr_pool_destroy(scratch);
    return time;
}

static void clean_derivatives(iiifctl_clean_t *clean, const iiif_bound_order_t *order)
{
    iiif_bound_result_t result;
    iiif_err_t err;

    if (iiif_bound_clean(&result, clean->store, order, &err) != APR_SUCCESS) {
        iiifctl_clean_failed(clean, clean->store, &err);
        return;
    }
    clean->removed = result.removed_files;
    clean->bytes = result.removed_bytes;
    clean->kept = result.files - result.removed_files;
    tell_sum(clean, "derivatives");
}

/* -- the command line ---------------------------------------------------------------------------
 */

static int is_empty(const char *directory, apr_pool_t *pool)
{
    apr_finfo_t entry;
    apr_dir_t *dir;
    int found = 0;

    if (apr_dir_open(&dir, directory, pool) != APR_SUCCESS)
        return 1;
    while (!found && apr_dir_read(&entry, APR_FINFO_NAME, dir) == APR_SUCCESS)
        found = strcmp(entry.name, ".") != 0 && strcmp(entry.name, "..") != 0;
    apr_dir_close(dir);
    return !found;
}

static const char *real_path(const char *path, apr_pool_t *pool)
{
    char *real = realpath(path, NULL);
    const char *copy = real ? apr_pstrdup(pool, real) : NULL;

    free(real);
    return copy;
}

/* Originals in the store itself would be taken for tiles. Where there are none at all, their file
 * system is not mounted, rather than that all of them are gone. */
static int check_sources(const iiifctl_clean_t *clean, const iiifctl_call_t *call)
{
    const char *store = real_path(clean->store, call->pool);
    const char *sources = clean->sources ? real_path(clean->sources, call->pool) : "";
    apr_size_t len = store ? strlen(store) : 0;

    if (!clean->sources)
        return IIIFCTL_OK;
    if (!sources || is_empty(sources, call->pool))
        return iiifctl_usage(call, "--source: %s has no files: is it there, and mounted?",
                             clean->sources);
    if (store && !strncmp(sources, store, len) && (!sources[len] || sources[len] == '/'))
        return iiifctl_usage(call, "--source: the originals may not lie in the store");
    return IIIFCTL_OK;
}

static int read_order(iiif_bound_order_t *order, const iiifctl_call_t *call)
{
    const char *older = iiifctl_value(call, OLDER, NULL);
    apr_time_t span = 0;

    if (iiifctl_bytes_of(&order->bound, call, BOUND, "max-size") != IIIFCTL_OK)
        return IIIFCTL_USAGE;
    if (older && !iiifctl_span(&span, older))
        return iiifctl_usage(call, "--older: '%s' is no time, as 30d or 12h", older);
    order->unused = span ? apr_time_now() - span : 0;
    return IIIFCTL_OK;
}

static int is_file(const char *directory, const char *name, apr_pool_t *pool)
{
    apr_finfo_t finfo;

    return apr_stat(&finfo, apr_pstrcat(pool, directory, name, NULL),
                    APR_FINFO_LINK | APR_FINFO_TYPE, pool)
               == APR_SUCCESS
           && finfo.filetype == APR_REG;
}

static int clean_tiles(iiifctl_clean_t *clean, const iiifctl_call_t *call)
{
    iiif_err_t err;

    if (iiifctl_has(call, BOUND) || iiifctl_has(call, OLDER))
        return iiifctl_usage(call, "%s is a tile store: --max-size and --older are for derivatives",
                             clean->store);
    if (iiif_vips_start("iiifctl", &err) != APR_SUCCESS) {
        iiifctl_clean_failed(clean, "libvips", &err);
        return IIIFCTL_FAILED;
    }
    iiifctl_clean_tiles(clean);
    tell_sum(clean, "tiles");
    return IIIFCTL_OK;
}

static int run_clean(const iiifctl_call_t *call)
{
    const char *sources = iiifctl_value(call, SOURCE, NULL);
    iiifctl_clean_t clean = { .sources = sources ? iiifctl_absolute(sources, call->pool) : NULL,
                              .dry = iiifctl_has(call, DRY),
                              .json = iiifctl_has(call, JSON),
                              .pool = call->pool };
    iiif_bound_order_t order = { .source_time = sources ? source_time : NULL,
                                 .baton = &clean,
                                 .dry = clean.dry };
    int code = IIIFCTL_OK;

    if (call->operands->nelts != 1)
        return iiifctl_usage(call, "one STORE has to be given");
    clean.store = iiifctl_absolute(APR_ARRAY_IDX(call->operands, 0, const char *), call->pool);
    if (read_order(&order, call) != IIIFCTL_OK || check_sources(&clean, call) != IIIFCTL_OK)
        return IIIFCTL_USAGE;
    if (iiif_bound_is_store(clean.store))
        clean_derivatives(&clean, &order);
    else if (is_file(clean.store, "/.iiifctl-lease", call->pool))
        code = clean_tiles(&clean, call);
    else
        return iiifctl_usage(call,
                             "%s is no store: it has neither a file usage, as one of derivatives, "
                             "nor .iiifctl-lease, as one that iiifctl makes tiles in",
                             clean.store);
    return clean.failed ? IIIFCTL_FAILED : code;
}

const iiifctl_verb_t iiifctl_verb_clean = { "clean", "STORE",
                                            "removes what nobody uses from a store", options,
                                            run_clean };
