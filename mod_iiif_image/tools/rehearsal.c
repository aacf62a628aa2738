/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rehearsal.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

#define SAID_MAX   ((apr_size_t)1 << 20)
#define ANSWER_MAX ((apr_size_t)64 << 20)
#define PROTOCOL   "HTTP/1.1 "

/* To its end; what is more than @a max is not kept. */
static const char *read_all(apr_file_t *file, apr_size_t max, apr_pool_t *pool)
{
    apr_array_header_t *bytes = apr_array_make(pool, 4096, sizeof(char));
    char piece[4096];
    apr_size_t len = sizeof(piece);

    while (apr_file_read(file, piece, &len) == APR_SUCCESS) {
        if ((apr_size_t)bytes->nelts + len <= max) {
            apr_array_header_t more = { pool, sizeof(char), (int)len, (int)len, piece };

            apr_array_cat(bytes, &more);
        }
        len = sizeof(piece);
    }
    APR_ARRAY_PUSH(bytes, char) = '\0';
    return bytes->elts;
}

/* What a process says on stderr goes to a file, so that neither waits for the other. */
static apr_status_t open_said(apr_file_t **said, apr_pool_t *pool)
{
    const char *directory;
    apr_status_t rv = apr_temp_dir_get(&directory, pool);

    return rv == APR_SUCCESS ? apr_file_mktemp(
               said, apr_pstrcat(pool, directory, "/iiifctl-XXXXXX", NULL), 0, pool)
                             : rv;
}

/* In the process that was to become httpd. */
static void tell_why(apr_pool_t *pool, apr_status_t rv, const char *what)
{
    char reason[120];

    (void)pool;
    (void)what;
    fprintf(stderr, "%s\n", apr_strerror(rv, reason, sizeof(reason)));
}

static apr_status_t start(apr_proc_t *process, const char *const *arguments, apr_file_t *said,
                          apr_pool_t *pool)
{
    apr_procattr_t *attributes;
    apr_status_t rv = apr_procattr_create(&attributes, pool);

    if (rv == APR_SUCCESS)
        rv = apr_procattr_cmdtype_set(attributes, APR_PROGRAM_PATH);
    if (rv == APR_SUCCESS)
        rv = apr_procattr_io_set(attributes, APR_NO_FILE, APR_FULL_BLOCK, APR_NO_PIPE);
    if (rv == APR_SUCCESS)
        rv = apr_procattr_child_err_set(attributes, said, NULL);
    if (rv == APR_SUCCESS)
        rv = apr_procattr_child_errfn_set(attributes, tell_why);
    return rv == APR_SUCCESS
               ? apr_proc_create(process, arguments[0], arguments, NULL, attributes, pool)
               : rv;
}

/* What became of a process. */
typedef struct end_t {
    int status; /* its exit code, or the signal that ended it */
    apr_exit_why_e why;
} end_t;

static apr_status_t run(iiifctl_answer_t *answer, const char **output, end_t *end,
                        const char *const *arguments, apr_pool_t *pool)
{
    apr_file_t *said;
    apr_proc_t process;
    apr_off_t begin = 0;
    apr_status_t rv = open_said(&said, pool);

    if (rv == APR_SUCCESS)
        rv = start(&process, arguments, said, pool);
    if (rv != APR_SUCCESS)
        return rv;
    *output = read_all(process.out, ANSWER_MAX, pool);
    rv = apr_proc_wait(&process, &end->status, &end->why, APR_WAIT);
    if (APR_STATUS_IS_CHILD_DONE(rv))
        rv = apr_file_seek(said, APR_SET, &begin);
    if (rv == APR_SUCCESS)
        answer->said = read_all(said, SAID_MAX, pool);
    return rv;
}

static const char *field(const char *line, const char *name, apr_pool_t *pool)
{
    const apr_size_t len = strlen(name);

    if (strncasecmp(line, name, len) != 0)
        return NULL;
    line += len + strspn(line + len, " ");
    return apr_pstrmemdup(pool, line, strcspn(line, "\r"));
}

/* @return 0: it is no answer */
static int read_answer(iiifctl_answer_t *answer, const char *text, apr_pool_t *pool)
{
    const char *line = strstr(text, PROTOCOL), *value;

    if (!line || !(answer->body = strstr(line, "\r\n\r\n")))
        return 0;
    answer->status = field(line, PROTOCOL, pool);
    for (; line < answer->body; line = strstr(line, "\r\n") + 2) {
        if ((value = field(line, "Location:", pool)))
            answer->location = value;
        if ((value = field(line, "Content-Type:", pool)))
            answer->type = value;
    }
    answer->body += 4;
    return 1;
}

apr_status_t iiifctl_rehearse(iiifctl_answer_t *answer, const char *httpd, const char *conf,
                              const char *url, iiif_err_t *err, apr_pool_t *pool)
{
    const char *const arguments[] = { httpd, "-t", "-f",
                                      conf,  "-D", apr_pstrcat(pool, "IIIF_ASKED=", url, NULL),
                                      NULL };
    const char *output = "";
    end_t end = { 0, APR_PROC_EXIT };
    char reason[120];
    apr_status_t rv;

    *answer = (iiifctl_answer_t){ .said = "" };
    rv = run(answer, &output, &end, arguments, pool);
    if (rv != APR_SUCCESS)
        return iiif_fail(err, APR_EGENERAL, "%s cannot be run: %s", httpd,
                         apr_strerror(rv, reason, sizeof(reason)));
    if (!APR_PROC_CHECK_EXIT(end.why))
        return iiif_fail(err, APR_EGENERAL, "%s: httpd was ended by signal %d", conf, end.status);
    if (end.status)
        return iiif_fail(err, APR_EGENERAL, "%s: %s does not take it", conf, httpd);
    if (!read_answer(answer, output, pool))
        return iiif_fail(err, APR_EGENERAL,
                         "%s: httpd has no answer; does it load mod_iiif_image, of this version?",
                         conf);
    return APR_SUCCESS;
}
