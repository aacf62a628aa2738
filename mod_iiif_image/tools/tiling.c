/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/tiling.h"

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_strings.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "image/vips_process.h"
#include "tools/failures.h"
#include "tools/lease.h"

#include "base/banned.h"

#define MAX_PIXELS 1000000000L /* as IIIFMaxSourcePixels */

/* -- one file, in a worker ----------------------------------------------------------------------
 */

static apr_status_t begin(void *baton, iiif_err_t *err)
{
    const iiifctl_tiling_t *tiling = baton;
    apr_status_t rv = iiif_vips_start("iiifctl", err);

    if (rv == APR_SUCCESS)
        iiif_vips_concurrency(tiling->threads);
    return rv;
}

static const char *stored_name(const iiifctl_file_t *file)
{
    return file->stored ? file->stored : file->name;
}

static const char *path_of(const iiifctl_file_t *file, apr_pool_t *pool)
{
    const char *slash = strcmp(file->root, "/") != 0 ? "/" : "";

    return apr_pstrcat(pool, file->root, slash, file->name, NULL);
}

/* Making it has failed, before its files are removed. Another worker, that found the disk full as
 * well, may have removed its own already. @return @a rv, or that the disk was full */
static apr_status_t explain(const iiifctl_tiling_t *tiling, const iiifctl_target_t *target,
                            apr_time_t since, apr_status_t rv, iiif_err_t *err)
{
    if (iiifctl_target_is_full(target, err))
        __atomic_store_n(tiling->full, apr_time_now(), __ATOMIC_SEQ_CST);
    if (__atomic_load_n(tiling->full, __ATOMIC_SEQ_CST) < since)
        return rv;
    iiifctl_target_explain_full(err);
    return APR_ENOSPC;
}

/* In the temporary directory, then in its place. */
static apr_status_t make(const iiifctl_tiling_t *tiling, const iiifctl_target_t *target,
                         const iiif_source_t *source, iiif_err_t *err, apr_pool_t *pool)
{
    const apr_time_t since = apr_time_now();
    apr_status_t rv = iiifctl_target_begin(target, err, pool);

    if (rv == APR_SUCCESS)
        rv = iiif_pyramid_make(target->temporary, source, &tiling->rules, err, pool);
    if (rv == APR_SUCCESS)
        rv = iiifctl_target_verify(target, source, err, pool);
    if (rv == APR_SUCCESS && iiif_source_check_file(source) != APR_SUCCESS)
        rv = iiif_fail(err, IIIF_ECHANGED, "the file was replaced while it was read");
    if (rv == APR_SUCCESS)
        rv = iiifctl_target_commit(target, err, pool);
    if (rv != APR_SUCCESS)
        rv = explain(tiling, target, since, rv, err);
    iiifctl_target_end(target, pool);
    return rv;
}

/* With the lease in hand: whoever had it may have made it meanwhile. */
static apr_status_t make_unless_current(iiifctl_report_t *report, const iiifctl_tiling_t *tiling,
                                        const iiifctl_target_t *target, const iiif_source_t *source,
                                        apr_pool_t *pool)
{
    iiifctl_state_e state = iiifctl_target_state(target, source, &report->err, pool);
    apr_status_t rv;

    if (state == IIIFCTL_CURRENT && !tiling->force) {
        report->outcome = IIIFCTL_KEPT;
        iiifctl_target_end(target, pool); /* of a run that was killed */
        return APR_SUCCESS;
    }
    if (state == IIIFCTL_FOREIGN && !tiling->force)
        return APR_EEXIST;
    if (iiifctl_target_is_source(target, source, pool))
        return iiif_fail(&report->err, APR_EEXIST, "its tiles would take its own place");
    rv = make(tiling, target, source, &report->err, pool);
    if (rv == APR_SUCCESS)
        report->outcome = IIIFCTL_MADE;
    return rv;
}

static apr_status_t open_source(iiif_source_t **source, const iiifctl_tiling_t *tiling,
                                const iiifctl_file_t *file, iiif_err_t *err, apr_pool_t *pool)
{
    const iiif_source_rules_t rules = { IIIF_SOURCE_FORMATS_DEFAULT, tiling->max_pixels, NULL };

    return iiif_source_open(source, path_of(file, pool), 1, &rules, err, pool);
}

/* @param wait where another makes it @return APR_SUCCESS, with the outcome; or why it failed */
static apr_status_t tile(iiifctl_report_t *report, const iiifctl_tiling_t *tiling,
                         const iiifctl_target_t *target, const iiif_source_t *source, int wait,
                         apr_pool_t *pool)
{
    iiifctl_lease_t lease = { -1 };
    apr_status_t rv;

    if (!tiling->force && !iiifctl_target_has_rest(target)
        && iiifctl_target_state(target, source, &report->err, pool) == IIIFCTL_CURRENT) {
        report->outcome = IIIFCTL_KEPT;
        return APR_SUCCESS;
    }
    rv = iiifctl_lease_take(&lease, tiling->store, target->result, wait, &report->err, pool);
    if (rv == APR_SUCCESS)
        rv = make_unless_current(report, tiling, target, source, pool);
    else if (rv == APR_EAGAIN)
        report->outcome = IIIFCTL_ELSEWHERE;
    iiifctl_lease_drop(&lease);
    return rv;
}

static void work(iiifctl_report_t *report, void *baton, const iiifctl_file_t *file, int wait,
                 apr_pool_t *pool)
{
    const iiifctl_tiling_t *tiling = baton;
    const iiifctl_target_t target =
        iiifctl_target(tiling->format, tiling->store, stored_name(file), pool);
    const char *path = path_of(file, pool);
    const apr_time_t since = apr_time_now();
    iiif_source_t *source;
    apr_status_t rv;

    report->outcome = IIIFCTL_BROKEN;
    if (tiling->once && iiifctl_failure_is_known(&target, path, &report->err, pool))
        return;
    rv = open_source(&source, tiling, file, &report->err, pool);
    if (rv == APR_SUCCESS)
        rv = tile(report, tiling, &target, source, wait, pool);
    if (rv == APR_SUCCESS)
        iiifctl_failure_forget(&target, pool);
    else if (rv == IIIF_EBADSOURCE && tiling->once)
        iiifctl_failure_note(&target, path, since, &report->err, pool);
}

/* -- in the leader ------------------------------------------------------------------------------
 */

static void tidy(void *baton, const iiifctl_file_t *file, apr_time_t since, iiif_err_t *err,
                 apr_pool_t *pool)
{
    const iiifctl_tiling_t *tiling = baton;
    const iiifctl_target_t target =
        iiifctl_target(tiling->format, tiling->store, stored_name(file), pool);
    iiifctl_lease_t lease = { -1 };

    if (err && explain(tiling, &target, since, IIIF_EBADSOURCE, err) == IIIF_EBADSOURCE
        && tiling->once)
        iiifctl_failure_note(&target, path_of(file, pool), since, err, pool);
    /* if another has it by now, it has cleaned up already */
    if (iiifctl_lease_take(&lease, tiling->store, target.result, 0, NULL, pool) == APR_SUCCESS)
        iiifctl_target_end(&target, pool);
    iiifctl_lease_drop(&lease);
}

static const char *const outcomes[IIIFCTL_OUTCOMES] = {
    [IIIFCTL_MADE] = "made",
    [IIIFCTL_KEPT] = "current",
    [IIIFCTL_ELSEWHERE] = "elsewhere",
    [IIIFCTL_BROKEN] = "failed",
};

static void tell_json(const iiifctl_tiling_t *tiling, const iiifctl_file_t *file,
                      const iiifctl_report_t *report)
{
    cJSON *object = cJSON_CreateObject();

    cJSON_AddStringToObject(object, "source", file->path);
    cJSON_AddStringToObject(object, "status", outcomes[report->outcome]);
    if (file->name)
        cJSON_AddStringToObject(
            object, "target",
            iiifctl_target(tiling->format, tiling->store, stored_name(file), tiling->sources.pool)
                .result);
    if (report->outcome == IIIFCTL_BROKEN)
        cJSON_AddStringToObject(object, "reason", report->err.text);
    iiifctl_print_json(object);
}

static void done(void *baton, const iiifctl_file_t *file, const iiifctl_report_t *report)
{
    iiifctl_tiling_t *tiling = baton;

    ++tiling->counts[report->outcome];
    ++tiling->progress.files;
    tiling->progress.bytes += file->size;
    if (file->origin)
        tiling->sources.feed->done(tiling->sources.feed->baton, file,
                                   report->outcome == IIIFCTL_BROKEN);
    tiling->progress.total = tiling->sources.list < 0 ? tiling->sources.files->nelts : 0;
    if (tiling->json)
        tell_json(tiling, file, report);
    else if (report->outcome == IIIFCTL_BROKEN) {
        iiifctl_progress_clear(&tiling->progress);
        fprintf(stderr, "iiifctl %s: %s: %s\n", tiling->verb, file->path, report->err.text);
    }
    else if (!tiling->progress.shown)
        printf("%s %s\n", outcomes[report->outcome], file->path);
    fflush(stdout);
    iiifctl_progress_draw(&tiling->progress, 0);
}

static void tell_sum(const iiifctl_tiling_t *tiling)
{
    cJSON *object;
    int i;

    if (tiling->json) {
        object = cJSON_CreateObject();
        for (i = 0; i < IIIFCTL_OUTCOMES; ++i) {
            if (i != IIIFCTL_ELSEWHERE)
                cJSON_AddNumberToObject(object, outcomes[i], tiling->counts[i]);
        }
        iiifctl_print_json(object);
        return;
    }
    iiifctl_progress_clear(&tiling->progress);
    printf("%d made, %d current, %d failed\n", tiling->counts[IIIFCTL_MADE],
           tiling->counts[IIIFCTL_KEPT], tiling->counts[IIIFCTL_BROKEN]);
}

/* -- the whole run ------------------------------------------------------------------------------
 */

static int read_numbers(iiifctl_tiling_t *tiling, const iiifctl_call_t *call)
{
    static const struct {
        int letter;
        long range[2];
    } numbers[] = { { IIIFCTL_TILING_TILE_SIZE, { 64, 4096 } },
                    { IIIFCTL_TILING_QUALITY, { 1, 100 } },
                    { IIIFCTL_TILING_OVERLAP, { 0, 16 } },
                    { 'j', { 1, 256 } },
                    { IIIFCTL_TILING_PIXELS, { 0, 1000000000000000L } } };
    long values[] = { (long)tiling->format->tile, tiling->format->quality, 0,
                      sysconf(_SC_NPROCESSORS_ONLN), MAX_PIXELS };
    unsigned i;

    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); ++i) {
        if (iiifctl_number_of(&values[i], call, numbers[i].letter, numbers[i].range) != IIIFCTL_OK)
            return IIIFCTL_USAGE;
    }
    tiling->rules.tile = (apr_uint32_t)values[0];
    tiling->rules.quality = (int)values[1];
    tiling->rules.overlap = (apr_uint32_t)values[2];
    tiling->jobs = (int)values[3];
    tiling->max_pixels = (apr_uint64_t)values[4];
    if (tiling->rules.overlap && tiling->rules.format != IIIF_PYRAMID_DEEPZOOM)
        return iiifctl_usage(call, "--overlap is for deepzoom alone");
    if (tiling->rules.tile % 16 && tiling->rules.format == IIIF_PYRAMID_TIFF)
        return iiifctl_usage(call, "--tile-size: that of a TIFF is a multiple of 16");
    return IIIFCTL_OK;
}

int iiifctl_tiling_read(iiifctl_tiling_t *tiling, const iiifctl_call_t *call, const char *format)
{
    format = iiifctl_value(call, IIIFCTL_TILING_FORMAT, format);
    if (!(tiling->format = iiifctl_format_by_name(format)))
        return iiifctl_usage(call, "--format: '%s' is none of " IIIFCTL_FORMAT_NAMES, format);
    tiling->rules = (iiif_pyramid_rules_t){ .format = tiling->format->pyramid,
                                            .srgb = iiifctl_has(call, IIIFCTL_TILING_SRGB),
                                            .background = { 255, 255, 255 } };
    tiling->verb = call->verb->name;
    tiling->force = iiifctl_has(call, IIIFCTL_TILING_FORCE);
    tiling->once = iiifctl_has(call, IIIFCTL_TILING_ONCE);
    tiling->strict = iiifctl_has(call, IIIFCTL_TILING_STRICT);
    tiling->pool = call->pool;
    return read_numbers(tiling, call);
}

void iiifctl_tiling_sources(iiifctl_tiling_t *tiling)
{
    tiling->sources = (iiifctl_sources_t){ .stores = { tiling->store }, .list = -1 };
    apr_pool_create(&tiling->sources.pool, tiling->pool);
    tiling->sources.claims = apr_hash_make(tiling->pool);
    iiifctl_sources_forget(&tiling->sources);
}

/* As many workers as there is work, and threads for the processors that are left. */
static void share_processors(iiifctl_tiling_t *tiling)
{
    const int processors = (int)sysconf(_SC_NPROCESSORS_ONLN);
    const int files = tiling->sources.files->nelts;

    if (tiling->sources.list < 0 && files < tiling->jobs)
        tiling->jobs = files;
    if (tiling->jobs < 1)
        tiling->jobs = 1;
    tiling->threads = processors > tiling->jobs ? processors / tiling->jobs : 1;
}

apr_status_t iiifctl_tiling_prepare(const iiifctl_tiling_t *tiling)
{
    apr_status_t rv = apr_dir_make_recursive(tiling->store, APR_FPROT_OS_DEFAULT, tiling->pool);
    char reason[120];

    if (rv != APR_SUCCESS)
        fprintf(stderr, "iiifctl %s: cannot make %s: %s\n", tiling->verb, tiling->store,
                apr_strerror(rv, reason, sizeof(reason)));
    return rv;
}

int iiifctl_tiling_run(iiifctl_tiling_t *tiling)
{
    iiifctl_crew_t crew = {
        .baton = tiling, .begin = begin, .work = work, .tidy = tidy, .done = done
    };
    int i;

    tiling->full = mmap(NULL, sizeof(*tiling->full), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (tiling->full == MAP_FAILED)
        abort();
    share_processors(tiling);
    tiling->progress = iiifctl_progress_begin(!tiling->json);
    for (i = 0; i < tiling->sources.files->nelts; ++i)
        tiling->progress.expected +=
            APR_ARRAY_IDX(tiling->sources.files, i, iiifctl_file_t *)->size;
    tiling->progress.total = tiling->sources.list < 0 ? tiling->sources.files->nelts : 0;
    iiifctl_progress_draw(&tiling->progress, 1);
    crew.size = tiling->jobs;
    crew.strict = tiling->strict;
    crew.sources = &tiling->sources;
    return iiifctl_crew_run(&crew, tiling->pool);
}

int iiifctl_tiling_end(const iiifctl_tiling_t *tiling, int ended, int code)
{
    tell_sum(tiling);
    if (ended)
        return 128 + ended;
    return tiling->counts[IIIFCTL_BROKEN] ? IIIFCTL_FAILED : code;
}
