/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/crew.h"

#include <apr_strings.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "base/banned.h"

static const int endings[] = { SIGINT, SIGTERM, SIGHUP };
#define ENDINGS   (sizeof(endings) / sizeof(endings[0]))
#define FILES_MAX 10000 /* of a feed, until all are done and forgotten */

/* Written by the signal handler alone, in the leader, which has one thread. */
static volatile sig_atomic_t ended_by;

/* What the leader sends: an index into the files, since a worker is forked before all are known,
 * with the texts themselves behind it. */
typedef struct order_t {
    int wait;
    apr_uint32_t root, name; /* bytes, with the NUL at the end; what is stored follows */
} order_t;

#define ORDER_MAX (sizeof(order_t) + 3 * (apr_size_t)APR_PATH_MAX)

typedef struct worker_t {
    pid_t pid;                  /* 0: none */
    int socket;                 /* to it */
    const iiifctl_file_t *file; /* it works on; NULL: idle */
    apr_time_t since;           /* it has had that */
} worker_t;

/* The leader's view. */
typedef struct lead_t {
    const iiifctl_crew_t *crew;
    worker_t *workers;
    apr_array_header_t *postponed; /* of const iiifctl_file_t *: another makes them */
    int retried;                   /* how many of these have been handed out again */
    int stopped;                   /* nothing more is begun */
    sigset_t open;                 /* signals while waiting */
    apr_pool_t *pool;
} lead_t;

static void note_signal(int number)
{
    ended_by = number;
}

/* Signals come while the leader waits, and at no other time. */
static void hold_signals(lead_t *lead)
{
    struct sigaction action = { .sa_handler = note_signal };
    sigset_t held;
    unsigned i;

    sigemptyset(&held);
    for (i = 0; i < ENDINGS; ++i) {
        sigaddset(&held, endings[i]);
        sigaction(endings[i], &action, NULL);
    }
    sigprocmask(SIG_BLOCK, &held, &lead->open);
    for (i = 0; i < ENDINGS; ++i)
        sigdelset(&lead->open, endings[i]);
    signal(SIGPIPE, SIG_IGN); /* a worker that is gone is found out by its socket's end */
}

/* -- in a worker --------------------------------------------------------------------------------
 */

/* A terminal's Ctrl-C reaches the worker too, but the leader decides. */
static void settle_worker(pid_t leader, const lead_t *lead)
{
    unsigned i;

    for (i = 0; i < ENDINGS; ++i)
        signal(endings[i], SIG_IGN);
    sigprocmask(SIG_SETMASK, &lead->open, NULL);
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    if (getppid() != leader)
        _exit(1);
}

static void work_off(int channel, const iiifctl_crew_t *crew, iiif_err_t *refused,
                     apr_status_t began, apr_pool_t *pool)
{
    char *order = apr_palloc(pool, ORDER_MAX);
    apr_pool_t *scratch;
    order_t head;

    apr_pool_create(&scratch, pool);
    while (recv(channel, order, ORDER_MAX, 0) > (ssize_t)sizeof(head)) {
        iiifctl_report_t report = { IIIFCTL_BROKEN, *refused };
        iiifctl_file_t file = { .size = 0 };

        memcpy(&head, order, sizeof(head));
        file.root = order + sizeof(head);
        file.name = file.root + head.root;
        file.stored = file.name + head.name;
        if (began == APR_SUCCESS)
            crew->work(&report, crew->baton, &file, head.wait, scratch);
        apr_pool_clear(scratch);
        if (send(channel, &report, sizeof(report), 0) != (ssize_t)sizeof(report))
            break;
    }
}

static void live(int channel, const lead_t *lead, pid_t leader) __attribute__((noreturn));

static void live(int channel, const lead_t *lead, pid_t leader)
{
    const iiifctl_crew_t *crew = lead->crew;
    iiif_err_t err = { "" };
    int i;

    for (i = 0; i < crew->size; ++i) {
        if (lead->workers[i].pid)
            close(lead->workers[i].socket);
    }
    settle_worker(leader, lead);
    work_off(channel, crew, &err, crew->begin(crew->baton, &err), lead->pool);
    _exit(0);
}

/* -- in the leader ------------------------------------------------------------------------------
 */

static apr_status_t hire(lead_t *lead, worker_t *worker)
{
    const pid_t leader = getpid();
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
        return APR_FROM_OS_ERROR(errno);
    fflush(NULL);
    worker->pid = fork();
    if (!worker->pid) {
        close(ends[0]);
        live(ends[1], lead, leader);
    }
    close(ends[1]);
    worker->socket = ends[0];
    if (worker->pid > 0)
        return APR_SUCCESS;
    close(ends[0]);
    worker->pid = 0;
    return APR_FROM_OS_ERROR(errno);
}

/* @return what waitpid() says */
static int part_with(worker_t *worker)
{
    int status = 0;

    close(worker->socket);
    while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    worker->pid = 0;
    return status;
}

static void finish(lead_t *lead, const iiifctl_file_t *file, const iiifctl_report_t *report)
{
    if (report->outcome == IIIFCTL_ELSEWHERE) {
        APR_ARRAY_PUSH(lead->postponed, const iiifctl_file_t *) = file;
        return;
    }
    if (report->outcome == IIIFCTL_BROKEN && lead->crew->strict)
        lead->stopped = 1;
    lead->crew->done(lead->crew->baton, file, report);
}

static void mourn(lead_t *lead, worker_t *worker)
{
    const iiifctl_file_t *file = worker->file;
    iiifctl_report_t report = { IIIFCTL_BROKEN, { "" } };
    int status = part_with(worker);

    worker->file = NULL;
    if (!file)
        return;
    if (WIFSIGNALED(status))
        iiif_fail(&report.err, APR_EGENERAL, "the process that read it was ended by signal %d, %s",
                  WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        iiif_fail(&report.err, APR_EGENERAL, "the process that read it gave up");
    lead->crew->tidy(lead->crew->baton, file, worker->since, &report.err, lead->pool);
    finish(lead, file, &report);
}

static int hand_out(lead_t *lead, worker_t *worker, const iiifctl_file_t *file, int wait)
{
    const char *stored = file->stored ? file->stored : file->name;
    const apr_size_t stored_len = strlen(stored) + 1;
    order_t head = { wait, (apr_uint32_t)strlen(file->root) + 1,
                     (apr_uint32_t)strlen(file->name) + 1 };
    struct iovec parts[4] = { { &head, sizeof(head) },
                              { apr_pstrdup(lead->pool, file->root), head.root },
                              { apr_pstrdup(lead->pool, file->name), head.name },
                              { apr_pstrdup(lead->pool, stored), stored_len } };
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = 4 };

    if (head.root > APR_PATH_MAX || head.name > APR_PATH_MAX || stored_len > APR_PATH_MAX)
        return 0;
    worker->file = file;
    worker->since = apr_time_now();
    return sendmsg(worker->socket, &message, 0) > 0;
}

/* The next file that can be worked on; those that cannot are done with. */
static const iiifctl_file_t *choose(lead_t *lead, int *wait)
{
    const iiifctl_file_t *file;

    *wait = 0;
    while (!lead->stopped && (file = iiifctl_sources_next(lead->crew->sources))) {
        iiifctl_report_t report = { IIIFCTL_BROKEN, { "" } };

        if (file->name)
            return file;
        iiif_fail(&report.err, APR_EGENERAL, "%s", file->reason);
        finish(lead, file, &report);
    }
    *wait = 1;
    return !lead->stopped && (lead->crew->sources->list < 0 || lead->crew->sources->feed)
                   && lead->retried < lead->postponed->nelts
               ? APR_ARRAY_IDX(lead->postponed, lead->retried++, const iiifctl_file_t *)
               : NULL;
}

static void employ(lead_t *lead)
{
    int i, wait;

    for (i = 0; i < lead->crew->size; ++i) {
        worker_t *worker = &lead->workers[i];
        const iiifctl_file_t *file = worker->file ? NULL : choose(lead, &wait);
        iiifctl_report_t report = { IIIFCTL_BROKEN, { "" } };
        apr_status_t rv = APR_SUCCESS;

        if (!file)
            continue;
        if (!worker->pid && (rv = hire(lead, worker)) != APR_SUCCESS)
            iiif_fail(&report.err, rv, "no process can be made");
        else if (!hand_out(lead, worker, file, wait)) {
            worker->file = NULL;
            iiif_fail(&report.err, APR_ENAMETOOLONG, "its path is too long");
        }
        if (*report.err.text)
            finish(lead, file, &report);
    }
}

static void hear(lead_t *lead, worker_t *worker)
{
    const iiifctl_file_t *file = worker->file;
    iiifctl_report_t report;

    if (recv(worker->socket, &report, sizeof(report), 0) != (ssize_t)sizeof(report)) {
        mourn(lead, worker);
        return;
    }
    worker->file = NULL;
    finish(lead, file, &report);
}

static int busy_workers(const lead_t *lead)
{
    int i, busy = 0;

    for (i = 0; i < lead->crew->size; ++i)
        busy += lead->workers[i].file != NULL;
    return busy;
}

/* A feed has no end, so what is done with is forgotten whenever nothing else is left.
 * @return milliseconds until its next call, -1: any */
static int tend_feed(lead_t *lead)
{
    iiifctl_sources_t *sources = lead->crew->sources;
    const int busy = busy_workers(lead), begun = sources->next == sources->files->nelts;

    if (!sources->feed || sources->list < 0)
        return -1;
    if (!busy && begun && lead->retried == lead->postponed->nelts) {
        iiifctl_sources_forget(sources);
        apr_array_clear(lead->postponed);
        lead->retried = 0;
    }
    return sources->feed->tick(sources, sources->feed->baton,
                               !lead->stopped && begun && busy < lead->crew->size
                                   && sources->files->nelts < FILES_MAX);
}

/* @return 0: nobody works, and nothing is to come */
static int attend(lead_t *lead, int milliseconds)
{
    const int size = lead->crew->size, busy = busy_workers(lead);
    const struct timespec limit = { milliseconds / 1000, milliseconds % 1000 * 1000000L };
    struct pollfd *polled = apr_pcalloc(lead->pool, (apr_size_t)(size + 1) * sizeof(*polled));
    iiifctl_sources_t *sources = lead->crew->sources;
    int i;

    for (i = 0; i < size; ++i)
        polled[i] =
            (struct pollfd){ lead->workers[i].file ? lead->workers[i].socket : -1, POLLIN, 0 };
    /* more is read when somebody can take it, so that a list may be longer than memory */
    polled[size] = (struct pollfd){ busy < size && !lead->stopped ? sources->list : -1, POLLIN, 0 };
    if (!busy && polled[size].fd < 0)
        return 0;
    if (ppoll(polled, (nfds_t)size + 1, milliseconds < 0 ? NULL : &limit, &lead->open) < 0)
        return 1;
    for (i = 0; i < size; ++i) {
        if (polled[i].revents)
            hear(lead, &lead->workers[i]);
    }
    if (polled[size].revents)
        iiifctl_sources_read(sources);
    return 1;
}

static void dismiss(lead_t *lead)
{
    int i;

    for (i = 0; i < lead->crew->size; ++i) {
        worker_t *worker = &lead->workers[i];

        if (!worker->pid)
            continue;
        if (worker->file)
            kill(worker->pid, SIGKILL);
        part_with(worker);
        if (worker->file)
            lead->crew->tidy(lead->crew->baton, worker->file, worker->since, NULL, lead->pool);
    }
}

int iiifctl_crew_run(const iiifctl_crew_t *crew, apr_pool_t *pool)
{
    lead_t lead = { .crew = crew,
                    .workers = apr_pcalloc(pool, (apr_size_t)crew->size * sizeof(worker_t)),
                    .postponed = apr_array_make(pool, 8, sizeof(const iiifctl_file_t *)),
                    .pool = NULL };
    int more = 1, rest;

    hold_signals(&lead);
    apr_pool_create(&lead.pool, pool);
    while (more && !ended_by) {
        rest = tend_feed(&lead);
        employ(&lead);
        more = attend(&lead, rest);
        apr_pool_clear(lead.pool);
    }
    dismiss(&lead);
    return ended_by;
}
