/* SPDX-License-Identifier: Apache-2.0 */
/* iiifctl omeka compare: asks the old server and the new one the same, and tells what differs. */
#include <apr_file_io.h>
#include <apr_strings.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/vips_process.h"
#include "tools/fetch.h"
#include "tools/omeka.h"
#include "tools/output.h"
#include "tools/verbs.h"
#include "tools/verdict.h"

#include "base/banned.h"

#define LINE_MAX_BYTES 4096
#define IDENTIFIER     "{id}"

enum { OLD = IIIFCTL_OMEKA_OWN, NEW, SAMPLE, IDS, REQUESTS, PSNR, SECONDS, ALL };

static const iiifctl_option_t options[] = {
    { OLD, "base-old", "URL", "of the old server: what stands before version and identifier" },
    { NEW, "base-new", "URL", "of the new one" },
    { SAMPLE, "sample", "N", "media of the site, 1 to 100000 (default 20)" },
    IIIFCTL_OMEKA_WHERE_OPTION,
    { IDS, "ids", "FILE", "identifiers instead, one a line" },
    { REQUESTS, "requests", "FILE", "what to ask, one a line; " IDENTIFIER " is each identifier" },
    { PSNR, "psnr", "DB", "pixels that are less alike differ, 1 to 99 (default 30)" },
    { SECONDS, "timeout", "SECONDS", "for one answer, 1 to 3600 (default 60)" },
    { ALL, "all", NULL, "tell of what is alike, too" },
    IIIFCTL_OMEKA_OPTIONS,
    { 0, NULL, NULL, NULL }
};

/* What is asked of each identifier, unless told otherwise. */
static const char *const usual[] = {
    "{id}",
    "3/{id}/info.json",
    "2/{id}/info.json",
    "3/{id}/full/max/0/default.jpg",
    "3/{id}/full/!200,200/0/default.jpg",
    "3/{id}/square/100,100/0/default.jpg",
    "3/{id}/pct:25,25,50,50/!256,256/0/default.jpg",
    "3/{id}/0,0,256,256/256,256/0/default.jpg",
    "2/{id}/full/!300,300/90/gray.png",
};

/* One run. */
typedef struct run_t {
    iiifctl_comparison_t comparison;
    iiifctl_fetch_t *fetch;
    apr_array_header_t *identifiers; /* of const char *, decoded */
    apr_array_header_t *requests;    /* likewise, as in the table above */
    int json, all;
    int asked, differing;
    int shown;                    /* of those asked: both have sent an image */
    apr_array_header_t *times[2]; /* of apr_time_t: how long each server took */
    apr_pool_t *pool, *scratch;
} run_t;

/* -- what is told -------------------------------------------------------------------------------
 */

static double milliseconds(apr_time_t time)
{
    return (double)time / 1000;
}

static void tell_json(const iiifctl_answer_t answers[2], const iiifctl_verdict_t *verdict,
                      const char *request)
{
    static const char *const names[2] = { "old", "new" };
    cJSON *object = cJSON_CreateObject(), *one;
    int i;

    cJSON_AddStringToObject(object, "request", request);
    cJSON_AddStringToObject(object, "status", verdict->differs ? "differs" : "alike");
    if (verdict->differs)
        cJSON_AddStringToObject(object, "reason", verdict->differs);
    if (verdict->noted)
        cJSON_AddStringToObject(object, "noted", verdict->noted);
    for (i = 0; i < 2; ++i) {
        one = cJSON_AddObjectToObject(object, names[i]);
        cJSON_AddNumberToObject(one, "status", (double)answers[i].status);
        cJSON_AddStringToObject(one, "type", answers[i].type);
        cJSON_AddNumberToObject(one, "bytes", (double)answers[i].body.len);
        cJSON_AddNumberToObject(one, "redirects", (double)answers[i].redirects);
        cJSON_AddNumberToObject(one, "milliseconds", milliseconds(answers[i].time));
    }
    if (verdict->compared) {
        cJSON_AddNumberToObject(object, "psnr", verdict->difference.psnr);
        cJSON_AddNumberToObject(object, "mean", verdict->difference.mean);
    }
    iiifctl_print_json(object);
}

static void tell(const iiifctl_answer_t answers[2], const iiifctl_verdict_t *verdict,
                 const char *request)
{
    char alike[24] = "";

    if (verdict->compared)
        snprintf(alike, sizeof(alike), "%.1f dB", verdict->difference.psnr);
    printf("%-7s %3ld %3ld %8.1f %8.1f ms %8s  %s", verdict->differs ? "DIFFERS" : "alike",
           answers[0].status, answers[1].status, milliseconds(answers[0].time),
           milliseconds(answers[1].time), alike, request);
    if (verdict->differs || verdict->noted)
        printf(": %s%s%s", verdict->differs ? verdict->differs : "",
               verdict->differs && verdict->noted ? "; " : "",
               verdict->noted ? verdict->noted : "");
    printf("\n");
}

static int by_size(const void *a, const void *b)
{
    const apr_time_t *one = a, *other = b;

    return *one < *other ? -1 : *one > *other;
}

static double median(const apr_array_header_t *times)
{
    if (!times->nelts)
        return 0;
    qsort(times->elts, (size_t)times->nelts, sizeof(apr_time_t), by_size);
    return milliseconds(APR_ARRAY_IDX(times, times->nelts / 2, apr_time_t));
}

static void tell_sum(const run_t *run)
{
    const double old = median(run->times[0]), new = median(run->times[1]);
    cJSON *object;

    if (!run->json) {
        printf("%d asked, %d differ; median %.1f ms, now %.1f ms\n", run->asked, run->differing,
               old, new);
        return;
    }
    object = cJSON_CreateObject();
    cJSON_AddNumberToObject(object, "asked", run->asked);
    cJSON_AddNumberToObject(object, "differing", run->differing);
    cJSON_AddNumberToObject(object, "images", run->shown);
    cJSON_AddNumberToObject(object, "medianOld", old);
    cJSON_AddNumberToObject(object, "medianNew", new);
    iiifctl_print_json(object);
}

/* -- asking -------------------------------------------------------------------------------------
 */

static void ask(run_t *run, const char *request)
{
    iiifctl_answer_t answers[2];
    iiifctl_verdict_t verdict;
    int i;

    for (i = 0; i < 2; ++i) {
        answers[i] = iiifctl_fetch(
            run->fetch, apr_pstrcat(run->scratch, run->comparison.bases[i], "/", request, NULL),
            run->scratch);
        APR_ARRAY_PUSH(run->times[i], apr_time_t) = answers[i].time;
    }
    verdict = iiifctl_verdict(answers, &run->comparison, run->scratch);
    ++run->asked;
    run->differing += verdict.differs != NULL;
    run->shown += verdict.shown;
    if (!run->all && !verdict.differs && !verdict.noted)
        return;
    if (run->json)
        tell_json(answers, &verdict, request);
    else
        tell(answers, &verdict, request);
    fflush(stdout);
}

/* @return the request for one identifier; NULL: it has none */
static const char *fill_in(const run_t *run, const char *request, const char *identifier)
{
    const char *at = strstr(request, IDENTIFIER);

    return at ? apr_pstrcat(run->scratch,
                            apr_pstrmemdup(run->scratch, request, (apr_size_t)(at - request)),
                            iiifctl_fetch_escape(run->fetch, identifier, run->scratch),
                            at + strlen(IDENTIFIER), NULL)
              : NULL;
}

static void ask_all(run_t *run)
{
    int i, j;

    for (j = 0; j < run->requests->nelts; ++j) {
        const char *request = APR_ARRAY_IDX(run->requests, j, const char *);

        if (!strstr(request, IDENTIFIER))
            ask(run, request);
        apr_pool_clear(run->scratch);
    }
    for (i = 0; i < run->identifiers->nelts; ++i) {
        for (j = 0; j < run->requests->nelts; ++j) {
            const char *request = fill_in(run, APR_ARRAY_IDX(run->requests, j, const char *),
                                          APR_ARRAY_IDX(run->identifiers, i, const char *));

            if (request)
                ask(run, request);
            apr_pool_clear(run->scratch);
        }
    }
}

/* -- what is asked ------------------------------------------------------------------------------
 */

static apr_status_t read_lines(apr_array_header_t *lines, const char *path, iiif_err_t *err,
                               apr_pool_t *pool)
{
    char line[LINE_MAX_BYTES], reason[120];
    apr_file_t *file;
    apr_status_t rv =
        apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BUFFERED, APR_FPROT_OS_DEFAULT, pool);

    if (rv != APR_SUCCESS)
        return iiif_fail(err, rv, "%s: %s", path, apr_strerror(rv, reason, sizeof(reason)));
    while (apr_file_gets(line, sizeof(line), file) == APR_SUCCESS) {
        line[strcspn(line, "\r\n")] = '\0';
        if (*line)
            APR_ARRAY_PUSH(lines, const char *) = apr_pstrdup(pool, line);
    }
    return apr_file_close(file);
}

/* Of numbers that are the same in every run, each run compares the same media. */
static apr_uint64_t next_number(apr_uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* In a URL of the site. */
static const char *identifier_of(const iiifctl_media_t *media, const char *mode)
{
    if (!mode || !strcmp(mode, "media_id"))
        return media->id;
    return strcmp(mode, "filename") ? media->storage_id : media->name;
}

/* Each media with the same chance, without knowing how many there are. */
static apr_status_t sample_media(run_t *run, const iiifctl_omeka_t *omeka, long size,
                                 iiif_err_t *err)
{
    char after[24] = "0";
    const iiifctl_media_query_t query = { after, 0 };
    const char *mode = iiifctl_omeka_identifier(omeka);
    apr_uint64_t state = 88172645463325252u, seen = 0, place;
    apr_array_header_t *media;
    apr_status_t rv;
    int i;

    while ((rv = iiifctl_omeka_media(&media, omeka, &query, err, run->scratch)) == APR_SUCCESS
           && media->nelts) {
        for (i = 0; i < media->nelts; ++i) {
            const iiifctl_media_t *one = &APR_ARRAY_IDX(media, i, iiifctl_media_t);
            const char *id = identifier_of(one, mode);

            apr_cpystrn(after, one->id, sizeof(after));
            if (seen++ < (apr_uint64_t)size)
                APR_ARRAY_PUSH(run->identifiers, const char *) = apr_pstrdup(run->pool, id);
            else if ((place = next_number(&state) % seen) < (apr_uint64_t)size)
                APR_ARRAY_IDX(run->identifiers, place, const char *) = apr_pstrdup(run->pool, id);
        }
        apr_pool_clear(run->scratch);
    }
    return rv;
}

static int wants_identifiers(const run_t *run)
{
    int i;

    for (i = 0; i < run->requests->nelts; ++i) {
        if (strstr(APR_ARRAY_IDX(run->requests, i, const char *), IDENTIFIER))
            return 1;
    }
    return 0;
}

/* Of a file, or of the site. @return IIIFCTL_OK; else said on stderr */
static int find_identifiers(run_t *run, const iiifctl_call_t *call)
{
    static const long range[2] = { 1, 100000 };
    const char *file = iiifctl_value(call, IDS, NULL);
    iiif_err_t err = { "" };
    iiifctl_omeka_t omeka;
    long size = 20;
    int code = iiifctl_number_of(&size, call, SAMPLE, range);

    if (code != IIIFCTL_OK || !wants_identifiers(run))
        return code;
    if (file)
        return read_lines(run->identifiers, file, &err, call->pool) == APR_SUCCESS
                   ? IIIFCTL_OK
                   : iiifctl_omeka_failed(call, &err);
    code = iiifctl_omeka_open(&omeka, call);
    if (code != IIIFCTL_OK)
        return code;
    return sample_media(run, &omeka, size, &err) == APR_SUCCESS ? IIIFCTL_OK
                                                                : iiifctl_omeka_failed(call, &err);
}

static int find_requests(run_t *run, const iiifctl_call_t *call)
{
    const char *file = iiifctl_value(call, REQUESTS, NULL);
    iiif_err_t err = { "" };
    unsigned i;

    if (file)
        return read_lines(run->requests, file, &err, call->pool) == APR_SUCCESS
                   ? IIIFCTL_OK
                   : iiifctl_omeka_failed(call, &err);
    for (i = 0; i < sizeof(usual) / sizeof(usual[0]); ++i)
        APR_ARRAY_PUSH(run->requests, const char *) = usual[i];
    return IIIFCTL_OK;
}

/* -- the command line ---------------------------------------------------------------------------
 */

static const char *base_of(const iiifctl_call_t *call, int letter)
{
    const char *given = iiifctl_value(call, letter, NULL);
    apr_size_t len = given ? strlen(given) : 0;

    while (len && given[len - 1] == '/')
        --len;
    return len ? apr_pstrmemdup(call->pool, given, len) : NULL;
}

static int read_options(run_t *run, const iiifctl_call_t *call)
{
    static const long decibels[2] = { 1, 99 }, range[2] = { 1, 3600 };
    long psnr = 30, seconds = 60;
    int code;

    run->comparison.bases[0] = base_of(call, OLD);
    run->comparison.bases[1] = base_of(call, NEW);
    if (!run->comparison.bases[0] || !run->comparison.bases[1])
        return iiifctl_usage(call, "--base-old and --base-new have to be given");
    if ((code = iiifctl_number_of(&psnr, call, PSNR, decibels)) != IIIFCTL_OK
        || (code = iiifctl_number_of(&seconds, call, SECONDS, range)) != IIIFCTL_OK
        || (code = find_requests(run, call)) != IIIFCTL_OK
        || (code = find_identifiers(run, call)) != IIIFCTL_OK)
        return code;
    run->comparison.psnr = (double)psnr;
    run->json = iiifctl_has(call, IIIFCTL_OMEKA_JSON);
    run->all = iiifctl_has(call, ALL);
    run->fetch = iiifctl_fetch_begin(seconds, call->pool);
    return run->fetch ? IIIFCTL_OK : IIIFCTL_FAILED;
}

static int run_compare(const iiifctl_call_t *call)
{
    run_t run = { .pool = call->pool };
    iiif_err_t err = { "" };
    int code, i;

    apr_pool_create(&run.scratch, call->pool);
    run.identifiers = apr_array_make(call->pool, 64, sizeof(const char *));
    run.requests = apr_array_make(call->pool, 16, sizeof(const char *));
    for (i = 0; i < 2; ++i)
        run.times[i] = apr_array_make(call->pool, 256, sizeof(apr_time_t));
    code = read_options(&run, call);
    if (code != IIIFCTL_OK)
        return code;
    if (iiif_vips_start("iiifctl", &err) != APR_SUCCESS)
        return iiifctl_omeka_failed(call, &err);
    ask_all(&run);
    tell_sum(&run);
    if (!run.shown)
        fprintf(stderr, "iiifctl omeka compare: to no request have both servers sent an image: "
                        "nothing is shown by that; do they know these identifiers?\n");
    return run.differing || !run.shown ? IIIFCTL_FAILED : IIIFCTL_OK;
}

const iiifctl_verb_t iiifctl_verb_omeka_compare = {
    "omeka compare", "[OMEKA]", "asks two servers for the same images, and tells what differs",
    options, run_compare
};
