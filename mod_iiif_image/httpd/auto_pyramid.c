/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/auto_pyramid.h"

#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <mod_watchdog.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "httpd/log.h"
#include "httpd/shared_memory.h"
#include "store/marks.h"

#include "base/banned.h"

#define WATCHDOG     "mod_iiif_image"
#define EVERY        apr_time_from_sec(1)
#define LARGE_PIXELS ((apr_uint64_t)8 << 20) /* smaller ones are rendered about as fast */
#define JOBS         64
#define NAME_BYTES   1024
#define NICE         10
#define SECONDS_MAX  7200                   /* of a processor: beyond it, something hangs */
#define BYTES_MAX    ((rlim_t)16 << 30)     /* of addresses, most of which are never used */
#define ENDING       apr_time_from_msec(20) /* between two looks whether it has ended, */
#define ENDINGS      100                    /* and how many, before it is killed */

typedef enum { FREE, FILLING, READY, TAKEN } job_state_e;

/* One source. Filled by who has changed its state from FREE; read by the watchdog's thread. */
typedef struct job_t {
    apr_uint32_t state;   /* job_state_e, atomic */
    apr_uint64_t content; /* hash of path and stamp */
    apr_int64_t max_pixels;
    int tile, quality;
    char path[NAME_BYTES], name[NAME_BYTES], store[NAME_BYTES];
} job_t;

/* In memory that all processes share. */
typedef struct queue_t {
    job_t jobs[JOBS];
    iiif_marks_t done; /* contents that were tried, whatever came of it */
} queue_t;

/* What runs. Of the one thread that mod_watchdog has for it, in one process of the host. */
typedef struct maker_t {
    server_rec *server; /* the main one */
    const char *command;
    job_t *job; /* NULL: nothing runs */
    apr_proc_t process;
    apr_pool_t *pool; /* of the process */
} maker_t;

/* Set before the children are forked; NULL: switched off, or no shared memory. */
static queue_t *queue;

/* -- asking, in any thread -------------------------------------------------------------------- */

static apr_uint64_t content_of(const iiif_source_t *source)
{
    return iiif_stamp_hash(iiif_hash_text(IIIF_HASH_EMPTY, source->path), &source->stamp);
}

static int is_asked(apr_uint64_t content)
{
    int i;

    for (i = 0; i < JOBS; ++i) {
        if (__atomic_load_n(&queue->jobs[i].state, __ATOMIC_ACQUIRE) >= READY
            && queue->jobs[i].content == content)
            return 1;
    }
    return iiif_marks_given_up(&queue->done, content);
}

static job_t *free_job(void)
{
    int i;

    for (i = 0; i < JOBS; ++i) {
        apr_uint32_t expected = FREE;

        if (__atomic_compare_exchange_n(&queue->jobs[i].state, &expected, FILLING, 0,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return &queue->jobs[i];
    }
    return NULL;
}

/* The tile store looks for it by the name that the resolver gave, which need not be the end of its
 * path. */
static int fill(job_t *job, const iiif_source_ref_t *ref, const iiif_dir_conf_t *settings)
{
    if (strlen(ref->path) >= NAME_BYTES || strlen(ref->name) >= NAME_BYTES
        || strlen(settings->tile_store) >= NAME_BYTES)
        return 0;
    job->max_pixels = settings->max_source_pixels;
    job->tile = settings->tile_size;
    job->quality = settings->quality[IIIF_FORMAT_JPG];
    apr_cpystrn(job->path, ref->path, NAME_BYTES);
    apr_cpystrn(job->name, ref->name, NAME_BYTES);
    apr_cpystrn(job->store, settings->tile_store, NAME_BYTES);
    return 1;
}

static int is_candidate(const iiif_plan_t *plan, const iiif_source_ref_t *ref)
{
    const iiif_source_t *source = plan->source;

    return plan->bare && ref->page == 1
           && (apr_uint64_t)source->full.width * source->full.height > LARGE_PIXELS
           && IIIF_SOURCE_FORMATS_DEFAULT & 1u << source->format;
}

void iiif_auto_pyramid_ask(request_rec *r, const iiif_plan_t *plan, const iiif_source_ref_t *ref,
                           const iiif_dir_conf_t *settings)
{
    apr_uint64_t content;
    job_t *job;

    if (!queue || !settings->auto_pyramid || !settings->tile_store || !*settings->tile_store
        || !is_candidate(plan, ref) || is_asked(content = content_of(plan->source))
        || !(job = free_job()))
        return;
    job->content = content;
    if (fill(job, ref, settings)) {
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, IIIF_LOGNO(0015) "%s: a pyramid will be made",
                      ref->path);
        __atomic_store_n(&job->state, READY, __ATOMIC_RELEASE);
    }
    else {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      IIIF_LOGNO(0028) "%s: no pyramid will be made: its path, its name or that of "
                                       "the tile store has more than %d bytes",
                      ref->path, NAME_BYTES - 1);
        __atomic_store_n(&job->state, FREE, __ATOMIC_RELEASE);
    }
}

/* -- making, in one thread of the host --------------------------------------------------------- */

static job_t *next_job(void)
{
    int i;

    for (i = 0; i < JOBS; ++i) {
        if (__atomic_load_n(&queue->jobs[i].state, __ATOMIC_ACQUIRE) == READY)
            return &queue->jobs[i];
    }
    return NULL;
}

/* No shell, no standard input, and limits: it reads what strangers have put there. */
static apr_status_t attributes(apr_procattr_t **attributes, apr_pool_t *pool)
{
    static struct rlimit seconds = { SECONDS_MAX, SECONDS_MAX }, bytes = { BYTES_MAX, BYTES_MAX };
    apr_procattr_t *made;
    apr_file_t *nothing;
    apr_status_t rv = apr_procattr_create(&made, pool);

    if (rv == APR_SUCCESS)
        rv = apr_procattr_cmdtype_set(made, APR_PROGRAM);
    if (rv == APR_SUCCESS)
        rv = apr_procattr_error_check_set(made, 1);
    if (rv == APR_SUCCESS)
        rv = apr_procattr_limit_set(made, APR_LIMIT_CPU, &seconds);
    if (rv == APR_SUCCESS)
        rv = apr_procattr_limit_set(made, APR_LIMIT_MEM, &bytes);
    if (rv == APR_SUCCESS)
        rv = apr_file_open(&nothing, "/dev/null", APR_FOPEN_READ | APR_FOPEN_WRITE,
                           APR_FPROT_OS_DEFAULT, pool);
    if (rv == APR_SUCCESS)
        rv = apr_procattr_child_in_set(made, nothing, NULL);
    if (rv == APR_SUCCESS)
        rv = apr_procattr_child_out_set(made, nothing, NULL);
    *attributes = made;
    return rv;
}

/* What it complains of goes to the error log, which is its standard error. */
static apr_status_t run(maker_t *maker, const job_t *job)
{
    apr_pool_t *pool = maker->pool;
    const char *const arguments[] = { maker->command,
                                      "tile",
                                      "--into",
                                      job->store,
                                      "--name",
                                      job->name,
                                      "--format",
                                      "tiff",
                                      "--jobs",
                                      "1",
                                      "--tile-size",
                                      apr_itoa(pool, job->tile),
                                      "--quality",
                                      apr_itoa(pool, job->quality),
                                      "--max-pixels",
                                      apr_off_t_toa(pool, job->max_pixels),
                                      "--once",
                                      job->path,
                                      NULL };
    static const char *const environment[] = { "PATH=/usr/bin:/bin", NULL };
    apr_procattr_t *how;
    apr_status_t rv = attributes(&how, pool);

    if (rv == APR_SUCCESS)
        rv = apr_proc_create(&maker->process, maker->command, arguments, environment, how, pool);
    if (rv == APR_SUCCESS)
        setpriority(PRIO_PROCESS, (id_t)maker->process.pid, NICE);
    return rv;
}

static void finish(maker_t *maker)
{
    iiif_marks_give_up(&queue->done, maker->job->content);
    __atomic_store_n(&maker->job->state, FREE, __ATOMIC_RELEASE);
    maker->job = NULL;
    apr_pool_destroy(maker->pool);
}

static void begin(maker_t *maker)
{
    job_t *job = next_job();
    apr_status_t rv;

    if (!job || apr_pool_create(&maker->pool, NULL) != APR_SUCCESS)
        return;
    maker->job = job;
    __atomic_store_n(&job->state, TAKEN, __ATOMIC_RELEASE);
    rv = run(maker, job);
    if (rv == APR_SUCCESS)
        return;
    ap_log_error(APLOG_MARK, APLOG_ERR, rv, maker->server,
                 IIIF_LOGNO(0016) "%s cannot be run: no pyramid of %s", maker->command, job->path);
    finish(maker);
}

/* Has it ended? */
static int has_ended(maker_t *maker, int *exit, apr_exit_why_e *why)
{
    return APR_STATUS_IS_CHILD_DONE(apr_proc_wait(&maker->process, exit, why, APR_NOWAIT));
}

static void look(maker_t *maker)
{
    apr_exit_why_e why;
    int exit;

    if (!has_ended(maker, &exit, &why))
        return;
    if (APR_PROC_CHECK_EXIT(why) && !exit)
        ap_log_error(APLOG_MARK, APLOG_INFO, 0, maker->server,
                     IIIF_LOGNO(0017) "%s: a pyramid was made", maker->job->path);
    else
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, maker->server,
                     IIIF_LOGNO(0018) "%s: no pyramid could be made: %s ended by %s %d",
                     maker->job->path, maker->command,
                     APR_PROC_CHECK_EXIT(why) ? "exit status" : "signal", exit);
    finish(maker);
}

/* This process ends, or is no longer the one: the source is asked for again. */
static void stop(maker_t *maker)
{
    apr_exit_why_e why;
    int i, exit;

    if (!maker->job)
        return;
    apr_proc_kill(&maker->process, SIGTERM);
    for (i = 0; i < ENDINGS && !has_ended(maker, &exit, &why); ++i)
        apr_sleep(ENDING);
    if (i == ENDINGS) {
        apr_proc_kill(&maker->process, SIGKILL);
        apr_proc_wait(&maker->process, &exit, &why, APR_WAIT);
    }
    __atomic_store_n(&maker->job->state, READY, __ATOMIC_RELEASE);
    maker->job = NULL;
    apr_pool_destroy(maker->pool);
}

/* What was taken by another process is nobody's now. */
static void take_over(void)
{
    int i;

    for (i = 0; i < JOBS; ++i) {
        apr_uint32_t expected = TAKEN;

        __atomic_compare_exchange_n(&queue->jobs[i].state, &expected, READY, 0, __ATOMIC_ACQ_REL,
                                    __ATOMIC_RELAXED);
    }
}

static apr_status_t watch(int state, void *data, apr_pool_t *pool)
{
    maker_t *maker = data;

    (void)pool;
    if (state == AP_WATCHDOG_STATE_STARTING)
        take_over();
    else if (state == AP_WATCHDOG_STATE_STOPPING)
        stop(maker);
    else if (maker->job)
        look(maker);
    else
        begin(maker);
    return APR_SUCCESS;
}

/* -- at start ------------------------------------------------------------------------------------
 */

static int is_wanted(const server_rec *s)
{
    for (; s; s = s->next) {
        if (iiif_server_settings(s)->auto_pyramid)
            return 1;
    }
    return 0;
}

static apr_status_t make_queue(apr_pool_t *pconf)
{
    void *memory;
    apr_status_t rv = iiif_shared_memory_create(&memory, sizeof(*queue), pconf);

    queue = memory;
    return rv;
}

static apr_status_t start_watchdog(server_rec *s, apr_pool_t *pconf)
{
    APR_OPTIONAL_FN_TYPE(ap_watchdog_get_instance) *get =
        APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_get_instance);
    APR_OPTIONAL_FN_TYPE(ap_watchdog_register_callback) *add =
        APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_register_callback);
    maker_t *maker = apr_pcalloc(pconf, sizeof(*maker));
    ap_watchdog_t *watchdog;
    apr_status_t rv;

    if (!get || !add)
        return APR_ENOTIMPL;
    maker->server = s;
    maker->command = iiif_server_settings(s)->command;
    rv = get(&watchdog, WATCHDOG, 0, 1, pconf);
    return rv == APR_SUCCESS ? add(watchdog, EVERY, maker, watch) : rv;
}

int iiif_auto_pyramid_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    apr_status_t rv;

    (void)plog;
    (void)ptemp;
    queue = NULL;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG || !is_wanted(s))
        return OK;
    rv = make_queue(pconf);
    if (rv == APR_SUCCESS)
        rv = start_watchdog(s, pconf);
    if (rv == APR_SUCCESS)
        return OK;
    ap_log_error(APLOG_MARK, APLOG_EMERG, rv, s,
                 IIIF_LOGNO(0019) "IIIFAutoPyramid needs mod_watchdog and shared memory");
    return HTTP_INTERNAL_SERVER_ERROR;
}
