/* SPDX-License-Identifier: Apache-2.0 */
/* iiifctl tile: writes tiles into a tile store. */
#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_strings.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "image/vips_process.h"
#include "resolve/resolver.h"
#include "tools/crew.h"
#include "tools/lease.h"
#include "tools/output.h"
#include "tools/queue.h"
#include "tools/target.h"
#include "tools/verbs.h"
#include "tools/watch.h"

#include "base/banned.h"

#define MAX_PIXELS 1000000000L /* as IIIFMaxSourcePixels */

enum {
    INTO = IIIFCTL_LONG,
    FORMAT,
    TILE_SIZE,
    QUALITY,
    OVERLAP,
    SRGB,
    FORCE,
    STRICT,
    ROOT,
    FROM,
    WATCH,
    QUEUE,
    PIXELS,
    JSON
};

static const iiifctl_option_t options[] = {
    { INTO, "into", "DIR", "the tile store (IIIFTileStore); has to be given" },
    { FORMAT, "format", "FORMAT", "tiff (default), deepzoom, zoomify, jp2, iiif3 or iiif2" },
    { TILE_SIZE, "tile-size", "PIXELS", "64 to 4096 (default 256; jp2 and iiif 512)" },
    { QUALITY, "quality", "N", "of JPEG or JPEG 2000, 1 to 100 (default 85; jp2 48)" },
    { OVERLAP, "overlap", "PIXELS", "of deepzoom, 0 to 16 (default 0, as IIIF needs it)" },
    { SRGB, "srgb", NULL, "tiff: convert to sRGB, and keep no ICC profile" },
    { ROOT, "root", "DIR", "directory that the server serves (default: each SOURCE's own)" },
    { FROM, "from", "-", "read further paths from standard input, one a line" },
    { '0', "null", NULL, "they end in NUL, not in a newline" },
    { WATCH, "watch", "DIR", "make tiles of all in it, and of what is put there from now on" },
    { QUEUE, "queue", "URI", "take paths from a list in Redis: redis://HOST[:PORT]/LIST" },
    { 'j', "jobs", "N", "files at a time, 1 to 256 (default: processors)" },
    { FORCE, "force", NULL, "make also what is current, and replace what is in the way" },
    { STRICT, "strict", NULL, "begin nothing more after a failure" },
    { PIXELS, "max-pixels", "N", "of a source; 0: no limit (default 1000000000)" },
    { JSON, "json", NULL, "one JSON object a line" },
    { 0, NULL, NULL, NULL }
};

/* One run. */
typedef struct run_t {
    const iiifctl_format_t *format;
    iiif_pyramid_rules_t rules;
    const char *store; /* absolute */
    apr_uint64_t max_pixels;
    int force, strict, json, jobs;
    int threads; /* of libvips in one worker */
    iiifctl_sources_t sources;
    iiifctl_watch_t *watch; /* NULL: none; likewise: */
    iiifctl_queue_t *queue;
    iiifctl_progress_t progress;
    int counts[IIIFCTL_OUTCOMES];
    apr_pool_t *pool;
} run_t;

/* -- one file, in a worker ----------------------------------------------------------------------
 */

static apr_status_t begin(void *baton, iiif_err_t *err)
{
    const run_t *run = baton;
    apr_status_t rv = iiif_vips_start("iiifctl", err);

    if (rv == APR_SUCCESS)
        iiif_vips_concurrency(run->threads);
    return rv;
}

/* In the temporary directory, then in its place. */
static apr_status_t make(const iiifctl_target_t *target, const iiif_source_t *source,
                         const iiif_pyramid_rules_t *rules, iiif_err_t *err, apr_pool_t *pool)
{
    apr_status_t rv = iiifctl_target_begin(target, err, pool);

    if (rv == APR_SUCCESS)
        rv = iiif_pyramid_make(target->temporary, source, rules, err, pool);
    if (rv == APR_SUCCESS)
        rv = iiifctl_target_verify(target, source, err, pool);
    if (rv == APR_SUCCESS && iiif_source_check_file(source) != APR_SUCCESS)
        rv = iiif_fail(err, IIIF_ECHANGED, "the file was replaced while it was read");
    if (rv == APR_SUCCESS)
        rv = iiifctl_target_commit(target, err, pool);
    if (rv != APR_SUCCESS)
        iiifctl_target_explain(target, err);
    iiifctl_target_end(target, pool);
    return rv;
}

/* With the lease in hand: whoever had it may have made it meanwhile. */
static void make_unless_current(iiifctl_report_t *report, const run_t *run,
                                const iiifctl_target_t *target, const iiif_source_t *source,
                                apr_pool_t *pool)
{
    iiifctl_state_e state = iiifctl_target_state(target, source, &report->err, pool);

    if (state == IIIFCTL_CURRENT && !run->force)
        report->outcome = IIIFCTL_KEPT;
    else if (state == IIIFCTL_FOREIGN && !run->force)
        report->outcome = IIIFCTL_BROKEN;
    else if (make(target, source, &run->rules, &report->err, pool) == APR_SUCCESS)
        report->outcome = IIIFCTL_MADE;
    if (report->outcome == IIIFCTL_KEPT)
        iiifctl_target_end(target, pool); /* of a run that was killed */
}

static apr_status_t open_source(iiif_source_t **source, const run_t *run,
                                const iiifctl_file_t *file, iiif_err_t *err, apr_pool_t *pool)
{
    const iiif_source_rules_t rules = { IIIF_SOURCE_FORMATS_DEFAULT, run->max_pixels, NULL };
    const char *slash = strcmp(file->root, "/") != 0 ? "/" : "";

    return iiif_source_open(source, apr_pstrcat(pool, file->root, slash, file->name, NULL), 1,
                            &rules, err, pool);
}

static void work(iiifctl_report_t *report, void *baton, const iiifctl_file_t *file, int wait,
                 apr_pool_t *pool)
{
    const run_t *run = baton;
    const iiifctl_target_t target = iiifctl_target(run->format, run->store, file->name, pool);
    iiifctl_lease_t lease = { -1 };
    iiif_source_t *source;
    apr_status_t rv = open_source(&source, run, file, &report->err, pool);

    report->outcome = IIIFCTL_BROKEN;
    if (rv != APR_SUCCESS)
        return;
    if (!run->force && !iiifctl_target_has_rest(&target)
        && iiifctl_target_state(&target, source, &report->err, pool) == IIIFCTL_CURRENT) {
        report->outcome = IIIFCTL_KEPT;
        return;
    }
    rv = iiifctl_lease_take(&lease, run->store, target.result, wait, &report->err, pool);
    if (rv == APR_SUCCESS)
        make_unless_current(report, run, &target, source, pool);
    else if (rv == APR_EAGAIN)
        report->outcome = IIIFCTL_ELSEWHERE;
    iiifctl_lease_drop(&lease);
}

/* -- in the leader ------------------------------------------------------------------------------
 */

static void tidy(void *baton, const iiifctl_file_t *file, apr_pool_t *pool)
{
    const run_t *run = baton;
    const iiifctl_target_t target = iiifctl_target(run->format, run->store, file->name, pool);
    iiifctl_lease_t lease = { -1 };

    /* if another has it by now, it has cleaned up already */
    if (iiifctl_lease_take(&lease, run->store, target.result, 0, NULL, pool) == APR_SUCCESS)
        iiifctl_target_end(&target, pool);
    iiifctl_lease_drop(&lease);
}

static const char *const outcomes[IIIFCTL_OUTCOMES] = {
    [IIIFCTL_MADE] = "made",
    [IIIFCTL_KEPT] = "current",
    [IIIFCTL_ELSEWHERE] = "elsewhere",
    [IIIFCTL_BROKEN] = "failed",
};

static void tell_json(const run_t *run, const iiifctl_file_t *file, const iiifctl_report_t *report)
{
    cJSON *object = cJSON_CreateObject();

    cJSON_AddStringToObject(object, "source", file->path);
    cJSON_AddStringToObject(object, "status", outcomes[report->outcome]);
    if (file->name)
        cJSON_AddStringToObject(
            object, "target",
            iiifctl_target(run->format, run->store, file->name, run->sources.pool).result);
    if (report->outcome == IIIFCTL_BROKEN)
        cJSON_AddStringToObject(object, "reason", report->err.text);
    iiifctl_print_json(object);
}

static void done(void *baton, const iiifctl_file_t *file, const iiifctl_report_t *report)
{
    run_t *run = baton;

    ++run->counts[report->outcome];
    ++run->progress.files;
    run->progress.bytes += file->size;
    if (file->origin)
        run->sources.feed->done(run->sources.feed->baton, file, report->outcome == IIIFCTL_BROKEN);
    run->progress.total = run->sources.list < 0 ? run->sources.files->nelts : 0;
    if (run->json)
        tell_json(run, file, report);
    else if (report->outcome == IIIFCTL_BROKEN) {
        iiifctl_progress_clear(&run->progress);
        fprintf(stderr, "iiifctl tile: %s: %s\n", file->path, report->err.text);
    }
    else if (!run->progress.shown)
        printf("%s %s\n", outcomes[report->outcome], file->path);
    fflush(stdout);
    iiifctl_progress_draw(&run->progress, 0);
}

static void tell_sum(const run_t *run)
{
    cJSON *object;
    int i;

    if (run->json) {
        object = cJSON_CreateObject();
        for (i = 0; i < IIIFCTL_OUTCOMES; ++i) {
            if (i != IIIFCTL_ELSEWHERE)
                cJSON_AddNumberToObject(object, outcomes[i], run->counts[i]);
        }
        iiifctl_print_json(object);
        return;
    }
    iiifctl_progress_clear(&run->progress);
    printf("%d made, %d current, %d failed\n", run->counts[IIIFCTL_MADE], run->counts[IIIFCTL_KEPT],
           run->counts[IIIFCTL_BROKEN]);
}

/* -- the command line ---------------------------------------------------------------------------
 */

static int read_numbers(run_t *run, const iiifctl_call_t *call)
{
    static const struct {
        int letter;
        long range[2];
    } numbers[] = { { TILE_SIZE, { 64, 4096 } },
                    { QUALITY, { 1, 100 } },
                    { OVERLAP, { 0, 16 } },
                    { 'j', { 1, 256 } },
                    { PIXELS, { 0, 1000000000000000L } } };
    long values[] = { (long)run->format->tile, run->format->quality, 0,
                      sysconf(_SC_NPROCESSORS_ONLN), MAX_PIXELS };
    unsigned i;

    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); ++i) {
        if (iiifctl_number_of(&values[i], call, numbers[i].letter, numbers[i].range) != IIIFCTL_OK)
            return IIIFCTL_USAGE;
    }
    run->rules.tile = (apr_uint32_t)values[0];
    run->rules.quality = (int)values[1];
    run->rules.overlap = (apr_uint32_t)values[2];
    run->jobs = (int)values[3];
    run->max_pixels = (apr_uint64_t)values[4];
    if (run->rules.overlap && run->rules.format != IIIF_PYRAMID_DEEPZOOM)
        return iiifctl_usage(call, "--overlap is for deepzoom alone");
    if (run->rules.tile % 16 && run->rules.format == IIIF_PYRAMID_TIFF)
        return iiifctl_usage(call, "--tile-size: that of a TIFF is a multiple of 16");
    return IIIFCTL_OK;
}

static int read_options(run_t *run, const iiifctl_call_t *call)
{
    const char *into = iiifctl_value(call, INTO, NULL);
    const char *format = iiifctl_value(call, FORMAT, "tiff"), *from = iiifctl_value(call, FROM, "");
    const int feeds = iiifctl_has(call, FROM) + iiifctl_has(call, WATCH) + iiifctl_has(call, QUEUE);

    if (!into)
        return iiifctl_usage(call, "--into DIR has to be given");
    if (!(run->format = iiifctl_format_by_name(format)))
        return iiifctl_usage(call, "--format: '%s' is none of " IIIFCTL_FORMAT_NAMES, format);
    if (*from && strcmp(from, "-") != 0)
        return iiifctl_usage(call, "--from: '%s' is not -, standard input", from);
    if (feeds > 1)
        return iiifctl_usage(call, "--from, --watch and --queue exclude each other");
    if (!feeds && !call->operands->nelts)
        return iiifctl_usage(call, "no SOURCE is given");
    run->rules = (iiif_pyramid_rules_t){ .format = run->format->pyramid,
                                         .srgb = iiifctl_has(call, SRGB),
                                         .background = { 255, 255, 255 } };
    run->store = iiifctl_absolute(into, call->pool);
    run->force = iiifctl_has(call, FORCE);
    run->strict = iiifctl_has(call, STRICT);
    run->json = iiifctl_has(call, JSON);
    return read_numbers(run, call);
}

static void read_sources(run_t *run, const iiifctl_call_t *call)
{
    const char *root = iiifctl_value(call, ROOT, NULL);
    int i;

    run->sources = (iiifctl_sources_t){
        .root = root ? iiifctl_absolute(root, call->pool) : NULL,
        .store = run->store,
        .list = iiifctl_has(call, FROM) ? STDIN_FILENO : -1,
        .separator = iiifctl_has(call, '0') ? '\0' : '\n',
    };
    apr_pool_create(&run->sources.pool, call->pool);
    iiifctl_sources_forget(&run->sources);
    if (run->watch)
        iiifctl_watch_feed(run->watch, &run->sources);
    if (run->queue)
        iiifctl_queue_feed(run->queue, &run->sources);
    for (i = 0; i < call->operands->nelts; ++i)
        iiifctl_sources_add(&run->sources, APR_ARRAY_IDX(call->operands, i, const char *));
}

/* As many workers as there is work, and threads for the processors that are left. */
static void share_processors(run_t *run)
{
    const int processors = (int)sysconf(_SC_NPROCESSORS_ONLN), files = run->sources.files->nelts;

    if (run->sources.list < 0 && files < run->jobs)
        run->jobs = files;
    if (run->jobs < 1)
        run->jobs = 1;
    run->threads = processors > run->jobs ? processors / run->jobs : 1;
}

/* @return IIIFCTL_OK; else said on stderr */
static int open_feeds(run_t *run, const iiifctl_call_t *call)
{
    apr_array_header_t *watched = apr_array_make(call->pool, 2, sizeof(const char *));
    const char *uri = iiifctl_value(call, QUEUE, NULL);
    apr_status_t rv = APR_SUCCESS;
    iiif_err_t err = { "" };
    int i;

    for (i = 0; i < call->given->nelts; ++i) {
        const iiifctl_given_t *given = &APR_ARRAY_IDX(call->given, i, iiifctl_given_t);

        if (given->letter == WATCH)
            APR_ARRAY_PUSH(watched, const char *) = iiifctl_absolute(given->value, call->pool);
    }
    if (uri)
        rv = iiifctl_queue_open(&run->queue, uri, &err, call->pool);
    else if (watched->nelts)
        rv = iiifctl_watch_open(&run->watch, watched, &err, call->pool);
    if (rv == APR_EINVAL || rv == APR_ENOTDIR)
        return iiifctl_usage(call, "%s", err.text);
    if (rv == APR_SUCCESS)
        return IIIFCTL_OK;
    fprintf(stderr, "iiifctl tile: %s\n", err.text);
    return IIIFCTL_FAILED;
}

/* @return an exit code */
static int close_feeds(run_t *run)
{
    iiif_err_t err = { "" };

    if (run->queue && iiifctl_queue_close(run->queue, &err) != APR_SUCCESS) {
        fprintf(stderr, "iiifctl tile: %s\n", err.text);
        return IIIFCTL_FAILED;
    }
    return run->watch && iiifctl_watch_failed(run->watch) ? IIIFCTL_FAILED : IIIFCTL_OK;
}

static int run_tile(const iiifctl_call_t *call)
{
    run_t run = { .pool = call->pool };
    iiifctl_crew_t crew = {
        .baton = &run, .begin = begin, .work = work, .tidy = tidy, .done = done
    };
    int code = read_options(&run, call), i, ended;
    char reason[120];
    apr_status_t rv;

    if (code != IIIFCTL_OK || (code = open_feeds(&run, call)) != IIIFCTL_OK)
        return code;
    rv = apr_dir_make_recursive(run.store, APR_FPROT_OS_DEFAULT, call->pool);
    if (rv != APR_SUCCESS) {
        fprintf(stderr, "iiifctl tile: cannot make %s: %s\n", run.store,
                apr_strerror(rv, reason, sizeof(reason)));
        close_feeds(&run);
        return IIIFCTL_FAILED;
    }
    read_sources(&run, call);
    share_processors(&run);
    run.progress = iiifctl_progress_begin(!run.json);
    for (i = 0; i < run.sources.files->nelts; ++i)
        run.progress.expected += APR_ARRAY_IDX(run.sources.files, i, iiifctl_file_t *)->size;
    run.progress.total = run.sources.list < 0 ? run.sources.files->nelts : 0;
    iiifctl_progress_draw(&run.progress, 1);
    crew.size = run.jobs;
    crew.strict = run.strict;
    crew.sources = &run.sources;
    ended = iiifctl_crew_run(&crew, call->pool);
    code = close_feeds(&run);
    tell_sum(&run);
    if (ended)
        return 128 + ended;
    return run.counts[IIIFCTL_BROKEN] ? IIIFCTL_FAILED : code;
}

const iiifctl_verb_t iiifctl_verb_tile = { "tile", "SOURCE...",
                                           "makes tiles of images, in a tile store", options,
                                           run_tile };
