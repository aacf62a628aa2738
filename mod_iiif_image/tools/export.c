/* SPDX-License-Identifier: Apache-2.0 */
/* iiifctl export: one image as files that any web server can serve. */
#include <apr_escape.h>
#include <apr_file_info.h>
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>

#include "base/path.h"
#include "tools/guard.h"
#include "tools/lease.h"
#include "tools/output.h"
#include "tools/served.h"
#include "tools/site.h"
#include "tools/target.h"
#include "tools/verbs.h"

#include "base/banned.h"

enum { INTO = IIIFCTL_OWN, BASE, FORMAT, TILE_SIZE, QUALITY, LABEL, RIGHTS, FORCE };

static const iiifctl_option_t options[] = {
    { INTO, "into", "DIR", "write DIR/NAME/, with the name of FILE; has to be given" },
    { BASE, "base-url", "URL", "of DIR, for viewers (default http://localhost:8000)" },
    { FORMAT, "format", "FORMAT", "besides jpg, which level 0 demands: webp, avif, png" },
    { TILE_SIZE, "tile-size", "N", "pixels, 64 to 4096 (default 512)" },
    { QUALITY, "quality", "N", "of what is written, 1 to 100 (default 85, of FORMAT its own)" },
    { LABEL, "label", "TEXT", "of the manifest (default: the name of FILE)" },
    { RIGHTS, "rights", "URI", "of a licence, in info.json and manifest" },
    { FORCE, "force", NULL, "make it anew, if it is current" },
    { IIIFCTL_PIXELS, "max-pixels", "N", "of FILE; 0: no limit (default 1000000000)" },
    { IIIFCTL_JSON, "json", NULL, "one JSON object" },
    { 0, NULL, NULL, NULL }
};

/* One run. */
typedef struct run_t {
    iiifctl_served_t served;
    const iiif_source_t *source;
    iiifctl_site_t site;
    iiifctl_target_t target;
    iiif_pyramid_rules_t rules;
    int force;
    const char *status;
} run_t;

/* -- what is there ------------------------------------------------------------------------------
 */

static int exists(const char *path, apr_pool_t *pool)
{
    apr_finfo_t finfo;

    return apr_stat(&finfo, path, APR_FINFO_LINK | APR_FINFO_TYPE, pool) == APR_SUCCESS;
}

/* What is no site of ours is never replaced. @return APR_EEXIST: something is in the way */
static apr_status_t look(int *current, const run_t *run, iiif_err_t *err, apr_pool_t *pool)
{
    const char *place = run->target.result;

    *current = 0;
    if (!exists(place, pool))
        return APR_SUCCESS;
    if (!exists(apr_pstrcat(pool, place, "/info.json", NULL), pool)
        || !exists(apr_pstrcat(pool, place, "/manifest.json", NULL), pool))
        return iiif_fail(err, APR_EEXIST, "%s is in the way", place);
    *current = !run->force
               && iiifctl_target_state(&run->target, run->source, err, pool) == IIIFCTL_CURRENT;
    return APR_SUCCESS;
}

/* -- making it ----------------------------------------------------------------------------------
 */

static apr_status_t make(const run_t *run, iiif_err_t *err, apr_pool_t *pool)
{
    const iiifctl_target_t *target = &run->target;
    apr_status_t rv = iiifctl_target_begin(target, err, pool);

    if (rv == APR_SUCCESS)
        rv = iiif_pyramid_make(target->temporary, run->source, &run->rules, err, pool);
    if (rv == APR_SUCCESS)
        rv = iiifctl_site_write(&run->site, apr_pstrcat(pool, target->temporary, "/tiles", NULL),
                                err, pool);
    if (rv == APR_SUCCESS)
        rv = iiifctl_target_verify(target, run->source, err, pool);
    if (rv == APR_SUCCESS && iiif_source_check_file(run->source) != APR_SUCCESS)
        rv = iiif_fail(err, IIIF_ECHANGED, "the file was replaced while it was read");
    if (rv == APR_SUCCESS)
        rv = iiifctl_target_commit(target, err, pool);
    if (rv != APR_SUCCESS)
        iiifctl_target_explain(target, err);
    iiifctl_target_end(target, pool);
    return rv;
}

static apr_status_t make_unless_current(run_t *run, iiif_err_t *err, apr_pool_t *pool)
{
    iiifctl_lease_t lease = { -1 };
    int current = 0;
    char reason[120];
    apr_status_t rv = apr_dir_make_recursive(run->target.store, APR_FPROT_OS_DEFAULT, pool);

    if (rv != APR_SUCCESS)
        return iiif_fail(err, rv, "cannot make %s: %s", run->target.store,
                         apr_strerror(rv, reason, sizeof(reason)));
    rv = iiifctl_lease_take(&lease, run->target.store, run->target.result, 1, err, pool);
    if (rv == APR_SUCCESS)
        rv = look(&current, run, err, pool);
    if (rv == APR_SUCCESS && !current)
        rv = make(run, err, pool);
    run->status = current ? "current" : "made";
    iiifctl_lease_drop(&lease);
    return rv;
}

/* -- the command line ---------------------------------------------------------------------------
 */

static int is_web_uri(const char *text)
{
    return !strncmp(text, "http://", 7) || !strncmp(text, "https://", 8);
}

static int read_format(run_t *run, const iiifctl_call_t *call)
{
    iiif_err_t err;

    if (iiif_format_parse(&run->site.second, iiifctl_value(call, FORMAT, "jpg"),
                          run->served.rules.formats, &err)
        != APR_SUCCESS)
        return iiifctl_usage(call, "--format: %s", err.text);
    return IIIFCTL_OK;
}

static int read_numbers(run_t *run, const iiifctl_call_t *call)
{
    static const long tiles[2] = { 64, 4096 }, qualities[2] = { 1, 100 };
    iiif_look_t *as = &run->served.look;
    long tile = 512, quality = 0;

    if (iiifctl_number_of(&tile, call, TILE_SIZE, tiles) != IIIFCTL_OK
        || iiifctl_number_of(&quality, call, QUALITY, qualities) != IIIFCTL_OK)
        return IIIFCTL_USAGE;
    if (quality)
        as->quality[IIIF_FORMAT_JPG] = as->quality[run->site.second] = (int)quality;
    run->site.tile = (apr_uint32_t)tile;
    run->rules = (iiif_pyramid_rules_t){ .format = IIIF_PYRAMID_LEVEL0_3,
                                         .tile = (apr_uint32_t)tile,
                                         .quality = as->quality[IIIF_FORMAT_JPG],
                                         .background = { 255, 255, 255 } };
    return IIIFCTL_OK;
}

static void describe(run_t *run, const iiifctl_call_t *call, const char *base)
{
    const char *name = run->served.ref.name;
    apr_size_t len = strlen(base);

    while (base[len - 1] == '/')
        --len;
    run->site.encoded = apr_pescape_path_segment(call->pool, name);
    run->site.id = apr_pstrcat(call->pool, apr_pstrmemdup(call->pool, base, len), "/",
                               run->site.encoded, NULL);
    run->site.label =
        iiifctl_value(call, LABEL, iiif_path_is_clean_utf8(name) ? name : run->site.encoded);
    run->site.rights = iiifctl_value(call, RIGHTS, NULL);
    run->site.look = &run->served.look;
}

/* A site has the name of its file. */
static iiifctl_target_t target_of(const iiifctl_call_t *call)
{
    const char *file = iiifctl_absolute(APR_ARRAY_IDX(call->operands, 0, const char *), call->pool);

    return iiifctl_target(iiifctl_format_by_name("iiif3"),
                          iiifctl_absolute(iiifctl_value(call, INTO, ""), call->pool),
                          strrchr(file, '/') + 1, call->pool);
}

/* JSON has nothing else. */
static int check_texts(const iiifctl_call_t *call)
{
    int i;

    for (i = 0; i < call->given->nelts; ++i) {
        const iiifctl_given_t *given = &APR_ARRAY_IDX(call->given, i, iiifctl_given_t);

        if ((given->letter == LABEL || given->letter == RIGHTS)
            && !iiif_path_is_clean_utf8(given->value))
            return iiifctl_usage(call, "--%s: it is not UTF-8, or has control characters",
                                 given->letter == LABEL ? "label" : "rights");
    }
    return IIIFCTL_OK;
}

static int read_options(run_t *run, const iiifctl_call_t *call)
{
    const char *base = iiifctl_value(call, BASE, "http://localhost:8000");
    const char *into = iiifctl_value(call, INTO, NULL);
    int code;

    if (call->operands->nelts != 1)
        return iiifctl_usage(call, "one FILE has to be given");
    if (!into)
        return iiifctl_usage(call, "--into DIR has to be given");
    if (!is_web_uri(base))
        return iiifctl_usage(call, "--base-url: '%s' is not http:// or https://", base);
    if (check_texts(call) != IIIFCTL_OK)
        return IIIFCTL_USAGE;
    code = iiifctl_served_open(&run->served, call, APR_ARRAY_IDX(call->operands, 0, const char *));
    if (code != IIIFCTL_OK || (code = read_format(run, call)) != IIIFCTL_OK
        || (code = read_numbers(run, call)) != IIIFCTL_OK)
        return code;
    describe(run, call, base);
    run->target = target_of(call);
    run->force = iiifctl_has(call, FORCE);
    return IIIFCTL_OK;
}

static void tell(const run_t *run, int as_json)
{
    cJSON *object;

    if (!as_json) {
        printf("%s %s\n", run->status, run->target.result);
        return;
    }
    object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "source", run->served.ref.path);
    cJSON_AddStringToObject(object, "target", run->target.result);
    cJSON_AddStringToObject(object, "status", run->status);
    cJSON_AddStringToObject(object, "id", run->site.id);
    iiifctl_print_json(object);
}

static int export(const iiifctl_call_t *call)
{
    run_t run = { .source = NULL };
    int code = read_options(&run, call);
    iiif_source_t *source;
    iiif_err_t err = { "" };
    apr_status_t rv;

    if (code != IIIFCTL_OK)
        return code;
    rv = iiif_source_open(&source, run.served.ref.path, 1, &run.served.rules.source, &err,
                          call->pool);
    if (rv == APR_SUCCESS) {
        run.source = run.site.source = source;
        rv = make_unless_current(&run, &err, call->pool);
    }
    if (rv != APR_SUCCESS)
        return iiifctl_served_failed(call, run.served.ref.path, &err);
    tell(&run, iiifctl_has(call, IIIFCTL_JSON));
    return IIIFCTL_OK;
}

/* If another has the lease by now, it has cleaned up already. */
static void tidy(const iiifctl_call_t *call, pid_t worker)
{
    const iiifctl_target_t target = target_of(call);
    iiifctl_lease_t lease = { -1 };

    (void)worker;
    if (iiifctl_lease_take(&lease, target.store, target.result, 0, NULL, call->pool) == APR_SUCCESS)
        iiifctl_target_end(&target, call->pool);
    iiifctl_lease_drop(&lease);
}

static int run_export(const iiifctl_call_t *call)
{
    static const iiifctl_guarded_t verb = { export, tidy };

    return iiifctl_guarded(call, &verb);
}

const iiifctl_verb_t iiifctl_verb_export = { "export", "FILE",
                                             "writes an image as a static IIIF site", options,
                                             run_export };
