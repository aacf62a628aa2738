/* SPDX-License-Identifier: Apache-2.0 */
/* iiifctl check: are images and tiles what a server can use? */
#include <apr_file_info.h>
#include <apr_strings.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>

#include "image/vips_process.h"
#include "tools/facts.h"
#include "tools/finding.h"
#include "tools/output.h"
#include "tools/verbs.h"

#include "base/banned.h"

enum { TILES = IIIFCTL_LONG, RAW, SOURCE, JSON };

static const iiifctl_option_t options[] = {
    { TILES, "tiles", NULL, "decode the tiles of image files; those of trees always are" },
    { RAW, "raw", NULL, "a level that is not sent raw is wrong" },
    { SOURCE, "source", "DIR",
      "root of the originals: find what is stale, orphaned, of another "
      "size" },
    { JSON, "json", NULL, "one JSON object a line" },
    { 0, NULL, NULL, NULL }
};

/* One run. */
typedef struct run_t {
    iiifctl_check_t check;
    const char *store; /* directory of the operand: originals' names are below it */
    int json;
    int good, bad;
    apr_pool_t *scratch; /* of one finding */
} run_t;

/* -- what is told -------------------------------------------------------------------------------
 */

static void tell_json(const iiifctl_finding_t *f)
{
    cJSON *object = cJSON_CreateObject();

    cJSON_AddStringToObject(object, "path", f->path);
    cJSON_AddStringToObject(object, "kind", f->kind);
    cJSON_AddStringToObject(object, "status", f->reason ? "wrong" : "ok");
    if (f->reason)
        cJSON_AddStringToObject(object, "reason", f->reason);
    cJSON_AddNumberToObject(object, "width", f->full.width);
    cJSON_AddNumberToObject(object, "height", f->full.height);
    cJSON_AddNumberToObject(object, "tiles", (double)f->tiles);
    cJSON_AddNumberToObject(object, "wrong", (double)f->wrong);
    if (f->source) {
        cJSON_AddNumberToObject(object, "sparse", (double)f->sparse);
        cJSON_AddItemToObject(object, "levels", iiifctl_levels_json(f->source));
    }
    iiifctl_print_json(object);
}

static void tell(run_t *run, const iiifctl_finding_t *f)
{
    if (f->reason)
        ++run->bad;
    else
        ++run->good;
    if (run->json) {
        tell_json(f);
        return;
    }
    printf("%s %s: %s, %ux%u", f->reason ? "wrong" : "ok", f->path, f->kind, f->full.width,
           f->full.height);
    if (f->tiles)
        printf(", %" APR_UINT64_T_FMT " tiles", f->tiles);
    if (f->sparse)
        printf(", %" APR_UINT64_T_FMT " of them sparse", f->sparse);
    printf("%s%s\n", f->reason ? ": " : "", f->reason ? f->reason : "");
    if (f->source)
        iiifctl_levels_print(f->source);
}

/* -- what is looked at --------------------------------------------------------------------------
 */

static void check_one(run_t *run, const char *path)
{
    iiifctl_finding_t finding =
        iiifctl_is_description(path)
            ? iiifctl_check_tree(path, run->store, &run->check, run->scratch)
            : iiifctl_check_image(path, run->store, &run->check, run->scratch);

    tell(run, &finding);
    apr_pool_clear(run->scratch);
}

static int is_file(const char *path, const char *behind, apr_pool_t *pool)
{
    apr_finfo_t finfo;

    return apr_stat(&finfo, apr_pstrcat(pool, path, behind, NULL), APR_FINFO_TYPE, pool)
               == APR_SUCCESS
           && finfo.filetype == APR_REG;
}

static const char *without(const char *path, const char *end, apr_pool_t *pool)
{
    apr_size_t len = strlen(path), end_len = strlen(end);

    return len > end_len && !strcmp(path + len - end_len, end)
               ? apr_pstrmemdup(pool, path, len - end_len)
               : NULL;
}

/* Of a tree of Deep Zoom it lies beside the directory; NULL: it is none, or has none. */
static const char *description_beside(const char *directory, apr_pool_t *pool)
{
    static const char *const extensions[] = { ".dzi", ".js" };
    const char *name = without(directory, "_files", pool);
    unsigned i;

    for (i = 0; name && i < sizeof(extensions) / sizeof(extensions[0]); ++i) {
        if (is_file(name, extensions[i], pool))
            return apr_pstrcat(pool, name, extensions[i], NULL);
    }
    return NULL;
}

/* The directory of a tree: its description is checked, and nothing else below it.
 * @return 0: it is none */
static int check_tree_at(run_t *run, const char *path)
{
    static const char *const inside[] = { "/ImageProperties.xml", "/info.json" };
    unsigned i;

    for (i = 0; i < sizeof(inside) / sizeof(inside[0]); ++i) {
        if (is_file(path, inside[i], run->scratch)) {
            check_one(run, apr_pstrcat(run->scratch, path, inside[i], NULL));
            return 1;
        }
    }
    if (!without(path, "_files", run->scratch))
        return 0;
    if (!description_beside(path, run->scratch))
        tell(run, &(iiifctl_finding_t){ .path = path,
                                        .kind = "deepzoom",
                                        .reason = "the tiles have no description" });
    return 1;
}

/* Scripts are not all descriptions of Deep Zoom. */
static int is_worth_checking(const char *path, apr_pool_t *pool)
{
    const char *dot = strrchr(path, '.'), *slash = strrchr(path, '/');
    const char *name = without(path, ".js", pool);
    apr_finfo_t finfo;

    if (name)
        return !is_file(name, ".dzi", pool)
               && apr_stat(&finfo, apr_pstrcat(pool, name, "_files", NULL), APR_FINFO_TYPE, pool)
                      == APR_SUCCESS;
    return iiifctl_is_description(path)
           || (dot > slash && iiif_source_format_by_extension(dot + 1) != IIIF_SOURCE_FORMATS);
}

static void check_directory(run_t *run, const char *path, apr_pool_t *pool)
{
    char *const paths[] = { apr_pstrdup(pool, path), NULL };
    FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
    FTSENT *entry;

    while (fts && (entry = fts_read(fts))) {
        const int hidden = entry->fts_level > 0 && entry->fts_name[0] == '.';

        if (entry->fts_info == FTS_D && (hidden || check_tree_at(run, entry->fts_path)))
            fts_set(fts, entry, FTS_SKIP);
        else if (entry->fts_info == FTS_F && !hidden
                 && is_worth_checking(entry->fts_path, run->scratch))
            check_one(run, apr_pstrdup(run->scratch, entry->fts_path));
        else if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR
                 || entry->fts_info == FTS_NS)
            tell(run, &(iiifctl_finding_t){ .path = entry->fts_path,
                                            .kind = "unknown",
                                            .reason = "it cannot be read" });
    }
    if (fts)
        fts_close(fts);
}

static void check_operand(run_t *run, const char *operand, apr_pool_t *pool)
{
    const char *given = iiifctl_absolute(operand, pool);
    const char *description = description_beside(given, pool);
    const char *path = description ? description : given, *slash = strrchr(path, '/');
    apr_finfo_t finfo;
    apr_status_t rv = apr_stat(&finfo, path, APR_FINFO_TYPE, pool);
    char reason[120];

    if (rv != APR_SUCCESS && !APR_STATUS_IS_INCOMPLETE(rv))
        tell(run, &(iiifctl_finding_t){ .path = path,
                                        .kind = "unknown",
                                        .reason = apr_strerror(rv, reason, sizeof(reason)) });
    else if (finfo.filetype == APR_DIR) {
        run->store = path;
        check_directory(run, path, pool);
    }
    else if (finfo.filetype != APR_REG)
        tell(run, &(iiifctl_finding_t){ .path = path,
                                        .kind = "unknown",
                                        .reason = "it is neither file nor directory" });
    else {
        run->store = slash == path ? "/" : apr_pstrmemdup(pool, path, (apr_size_t)(slash - path));
        check_one(run, path);
    }
}

static int run_check(const iiifctl_call_t *call)
{
    const char *sources = iiifctl_value(call, SOURCE, NULL);
    run_t run = { .check = { .tiles = iiifctl_has(call, TILES),
                             .raw = iiifctl_has(call, RAW),
                             .sources = sources ? iiifctl_absolute(sources, call->pool) : NULL },
                  .json = iiifctl_has(call, JSON) };
    iiif_err_t err;
    int i;

    if (!call->operands->nelts)
        return iiifctl_usage(call, "no PATH is given");
    if (iiif_vips_start("iiifctl", &err) != APR_SUCCESS) {
        fprintf(stderr, "iiifctl check: %s\n", err.text);
        return IIIFCTL_FAILED;
    }
    apr_pool_create(&run.scratch, call->pool);
    for (i = 0; i < call->operands->nelts; ++i)
        check_operand(&run, APR_ARRAY_IDX(call->operands, i, const char *), call->pool);
    if (!run.json)
        printf("%d ok, %d wrong\n", run.good, run.bad);
    return run.bad ? IIIFCTL_FAILED : IIIFCTL_OK;
}

const iiifctl_verb_t iiifctl_verb_check = { "check", "PATH...",
                                            "checks images, pyramids and trees of tiles", options,
                                            run_check };
