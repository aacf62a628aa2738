/* SPDX-License-Identifier: Apache-2.0 */
/* iiifctl render: one image, by the code that the server runs. */
#include <apr_file_io.h>
#include <apr_strings.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/guard.h"
#include "tools/served.h"
#include "tools/verbs.h"

#include "base/banned.h"

enum { FORCE = IIIFCTL_OWN };

static const iiifctl_option_t options[] = {
    IIIFCTL_SERVED_OPTIONS,
    { 'o', "output", "FILE", "write there (default: standard output, unless it is a terminal)" },
    { FORCE, "force", NULL, "overwrite it" },
    { 0, NULL, NULL, NULL }
};

/* "full/max/0/default.jpg", by the grammar of a URL. */
static apr_status_t read_request(iiif_request_t *request, const char *text, iiif_err_t *err,
                                 apr_pool_t *pool)
{
    iiif_request_t readings[IIIF_READINGS_MAX];
    int count = iiif_request_read(readings, apr_pstrcat(pool, "image/", text, NULL), pool);

    if (!count || readings[0].kind != IIIF_REQUEST_IMAGE
        || strcmp(readings[0].identifier, "image") != 0)
        return iiif_fail(err, IIIF_EBADREQUEST, "'%s' is not REGION/SIZE/ROTATION/QUALITY.FORMAT",
                         text);
    *request = readings[0];
    return APR_SUCCESS;
}

static apr_status_t read_file(iiif_bytes_t *bytes, const char *path, iiif_err_t *err,
                              apr_pool_t *pool)
{
    apr_finfo_t finfo;
    apr_file_t *file;
    apr_status_t rv = apr_file_open(&file, path, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT, pool);

    if (rv == APR_SUCCESS)
        rv = apr_file_info_get(&finfo, APR_FINFO_SIZE, file);
    if (rv == APR_SUCCESS) {
        bytes->len = (apr_size_t)finfo.size;
        bytes->data = apr_palloc(pool, bytes->len + 1);
        rv = apr_file_read_full(file, bytes->data, bytes->len, NULL);
    }
    return rv == APR_SUCCESS ? rv : iiif_fail(err, rv, "cannot read %s", path);
}

/* A tile that is not what its directory says is rendered, as by the server. */
static apr_status_t make(iiif_bytes_t *bytes, const iiif_plan_t *plan, const iiif_look_t *look,
                         iiif_err_t *err, apr_pool_t *pool)
{
    apr_status_t rv = IIIF_EBADSOURCE;

    if (plan->kind == IIIF_PLAN_STATIC_FILE)
        return read_file(bytes, plan->file, err, pool);
    if (plan->kind == IIIF_PLAN_RAW_TILE)
        rv = iiif_raw_tile_read(bytes, &plan->raw, plan->pixels, err);
    return rv == IIIF_EBADSOURCE ? iiif_render(bytes, plan->pixels, &plan->resolved, look, err)
                                 : rv;
}

static apr_status_t write_bytes(apr_file_t *file, const iiif_bytes_t *bytes, iiif_err_t *err)
{
    apr_status_t rv = apr_file_write_full(file, bytes->data, bytes->len, NULL);
    char reason[120];

    return rv == APR_SUCCESS ? rv
                             : iiif_fail(err, rv, "cannot write the image: %s",
                                         apr_strerror(rv, reason, sizeof(reason)));
}

static const char *temporary_name(const char *path, pid_t pid, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%s.iiifctl-%ld", path, (long)pid);
}

/* Whole or not at all. */
static apr_status_t write_file(const char *path, const iiif_bytes_t *bytes, iiif_err_t *err,
                               apr_pool_t *pool)
{
    const char *temporary = temporary_name(path, getpid(), pool);
    apr_file_t *file;
    apr_status_t rv, closed;
    char reason[120];

    rv = apr_file_open(&file, temporary,
                       APR_FOPEN_WRITE | APR_FOPEN_CREATE | APR_FOPEN_TRUNCATE | APR_FOPEN_BINARY,
                       APR_FPROT_OS_DEFAULT, pool);
    if (rv != APR_SUCCESS)
        return iiif_fail(err, rv, "cannot open %s: %s", temporary,
                         apr_strerror(rv, reason, sizeof(reason)));
    rv = write_bytes(file, bytes, err);
    closed = apr_file_close(file);
    if (rv == APR_SUCCESS && closed != APR_SUCCESS)
        rv = iiif_fail(err, closed, "cannot write %s", temporary);
    if (rv == APR_SUCCESS && (rv = apr_file_rename(temporary, path, pool)) != APR_SUCCESS)
        iiif_fail(err, rv, "cannot rename %s to %s: %s", temporary, path,
                  apr_strerror(rv, reason, sizeof(reason)));
    if (rv != APR_SUCCESS)
        apr_file_remove(temporary, pool);
    return rv;
}

/* A device or a pipe, which stays what it is; or standard output. */
static apr_status_t write_through(const char *path, const iiif_bytes_t *bytes, iiif_err_t *err,
                                  apr_pool_t *pool)
{
    apr_file_t *file;
    apr_status_t rv;
    char reason[120];

    rv = path ? apr_file_open(&file, path, APR_FOPEN_WRITE | APR_FOPEN_BINARY, APR_FPROT_OS_DEFAULT,
                              pool)
              : apr_file_open_stdout(&file, pool);
    if (rv != APR_SUCCESS)
        return iiif_fail(err, rv, "cannot open %s: %s", path ? path : "standard output",
                         apr_strerror(rv, reason, sizeof(reason)));
    return write_bytes(file, bytes, err);
}

/* What the image goes to. */
typedef struct output_t {
    const char *path; /* NULL: standard output */
    int is_file;      /* to be, or there already */
} output_t;

/* Behind a link is what it leads to. */
static output_t output_of(const iiifctl_call_t *call)
{
    const char *path = iiifctl_value(call, 'o', NULL);
    struct stat there;
    output_t output = { path, path && (stat(path, &there) || S_ISREG(there.st_mode)) };
    char *real = output.is_file ? realpath(path, NULL) : NULL;

    if (real)
        output.path = apr_pstrdup(call->pool, real);
    free(real);
    return output;
}

static apr_status_t check_output(const iiifctl_call_t *call, const output_t *output,
                                 const iiif_source_ref_t *source, iiif_err_t *err)
{
    struct stat there;

    if (!output->is_file || stat(output->path, &there))
        return APR_SUCCESS;
    if (there.st_ino == source->finfo.inode && there.st_dev == source->finfo.device)
        return iiif_fail(err, APR_EEXIST, "it would be overwritten by its own image");
    if (!iiifctl_has(call, FORCE))
        return iiif_fail(err, APR_EEXIST, "%s is there already: --force overwrites it",
                         output->path);
    return APR_SUCCESS;
}

static int render(const iiifctl_call_t *call)
{
    const output_t output = output_of(call);
    const char *file;
    iiif_bytes_t bytes = { NULL, 0 };
    iiifctl_served_t served;
    iiif_request_t request;
    iiif_plan_t *plan;
    iiif_err_t err;
    int code;

    if (call->operands->nelts != 2)
        return iiifctl_usage(call, "FILE and REGION/SIZE/ROTATION/QUALITY.FORMAT have to be given");
    if (!output.path && isatty(STDOUT_FILENO))
        return iiifctl_usage(call, "an image is not written to a terminal: -o FILE");
    file = APR_ARRAY_IDX(call->operands, 0, const char *);
    if (read_request(&request, APR_ARRAY_IDX(call->operands, 1, const char *), &err, call->pool)
        != APR_SUCCESS)
        return iiifctl_usage(call, "%s", err.text);
    if ((code = iiifctl_served_open(&served, call, file)) != IIIFCTL_OK)
        return code;
    if (check_output(call, &output, &served.ref, &err) != APR_SUCCESS
        || iiif_plan_make(&plan, &request, &served.ref, &served.rules, &err, call->pool)
               != APR_SUCCESS
        || make(&bytes, plan, &served.look, &err, call->pool) != APR_SUCCESS
        || (output.is_file ? write_file(output.path, &bytes, &err, call->pool)
                           : write_through(output.path, &bytes, &err, call->pool))
               != APR_SUCCESS)
        return iiifctl_served_failed(call, file, &err);
    if (plan->kind != IIIF_PLAN_STATIC_FILE)
        iiif_bytes_free(bytes.data);
    return IIIFCTL_OK;
}

static void tidy(const iiifctl_call_t *call, pid_t worker)
{
    const output_t output = output_of(call);

    if (output.is_file)
        apr_file_remove(temporary_name(output.path, worker, call->pool), call->pool);
}

static int run(const iiifctl_call_t *call)
{
    static const iiifctl_guarded_t verb = { render, tidy };

    return iiifctl_guarded(call, &verb);
}

const iiifctl_verb_t iiifctl_verb_render = { "render", "FILE REGION/SIZE/ROTATION/QUALITY.FORMAT",
                                             "makes one image, as the server does", options, run };
