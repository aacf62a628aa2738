/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/lanes.h"

#include <apr_general.h>
#include <apr_thread_proc.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#define MB        ((apr_uint64_t)1 << 20)
#define PROCESSES 8

static const iiif_cost_t small_one = { 1 * MB, 10 * MB, IIIF_LANE_SMALL };
static const iiif_cost_t large_one = { 100 * MB, 30 * MB, IIIF_LANE_LARGE };
static const iiif_lanes_limits_t two_at_once = { .threads = 2,
                                                 .memory = 100 * MB,
                                                 .queue = 4,
                                                 .queue_here = { 4, 2 },
                                                 .busy = 100,
                                                 .busy_here = 8,
                                                 .patience = apr_time_from_sec(60) };

static iiif_lanes_memory_t *make_memory(void)
{
    iiif_lanes_memory_t *memory = mmap(NULL, iiif_lanes_size(PROCESSES), PROT_READ | PROT_WRITE,
                                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED || iiif_lanes_init(memory, PROCESSES) != APR_SUCCESS)
        abort();
    return memory;
}

static iiif_lanes_t *join(iiif_lanes_memory_t *memory, const iiif_lanes_limits_t *limits,
                          apr_pool_t *pool)
{
    iiif_lanes_t *lanes;

    if (iiif_lanes_join(&lanes, memory, limits, pool) != APR_SUCCESS)
        abort();
    return lanes;
}

static iiif_lanes_report_t report_of(iiif_lanes_t *lanes)
{
    iiif_lanes_report_t report;

    iiif_lanes_report(&report, lanes);
    return report;
}

/* A render that a thread asks for, and holds until it is told otherwise. */
typedef struct asker_t {
    iiif_lanes_t *lanes;
    iiif_cost_t cost;
    iiif_wanted_t wanted;
    iiif_ticket_t ticket;
    iiif_err_t err;
    apr_status_t rv;
    int unwanted, done, order;
    apr_thread_t *thread;
} asker_t;

static int order;

static int still(void *data)
{
    return !__atomic_load_n(&((asker_t *)data)->unwanted, __ATOMIC_SEQ_CST);
}

static void *APR_THREAD_FUNC ask(apr_thread_t *thread, void *data)
{
    asker_t *a = data;

    (void)thread;
    a->rv = iiif_lanes_enter(&a->ticket, a->lanes, &a->cost, &a->wanted, &a->err);
    a->order = __atomic_add_fetch(&order, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&a->done, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static asker_t *start(iiif_lanes_t *lanes, const iiif_cost_t *cost, apr_pool_t *pool)
{
    asker_t *a = apr_pcalloc(pool, sizeof(*a));

    a->lanes = lanes;
    a->cost = *cost;
    a->wanted = (iiif_wanted_t){ still, a };
    apr_thread_create(&a->thread, NULL, ask, a, pool);
    return a;
}

static int is_done(const asker_t *a)
{
    return __atomic_load_n(&a->done, __ATOMIC_SEQ_CST);
}

static asker_t *finish(asker_t *a)
{
    apr_status_t said;

    apr_thread_join(&said, a->thread);
    return a;
}

#define PATIENCE 1000 /* hundredths of a second: far more than any of this takes */

/* Start one that has to wait, and see it wait. */
static asker_t *start_waiting(iiif_lanes_t *lanes, const iiif_cost_t *cost, apr_pool_t *pool)
{
    const unsigned before = report_of(lanes).waiting;
    asker_t *a = start(lanes, cost, pool);
    int i;

    for (i = 0; i < PATIENCE && report_of(lanes).waiting == before; ++i)
        apr_sleep(10000);
    ok(report_of(lanes).waiting == before + 1 && !is_done(a), "it waits, as number %u", before + 1);
    return a;
}

static void leave(asker_t *a)
{
    iiif_lanes_leave(a->lanes, &a->ticket, 0);
}

static apr_status_t enter(iiif_ticket_t *ticket, iiif_lanes_t *lanes, const iiif_cost_t *cost)
{
    iiif_err_t err;

    return iiif_lanes_enter(ticket, lanes, cost, NULL, &err);
}

/* -- what fits beside what */

static void test_fits(apr_pool_t *pool)
{
    enum { S, L, END };
    static const struct {
        const char *what;
        unsigned threads, spare;
        apr_uint64_t megabytes; /* of the limit; a small one takes 10, a large one 30 */
        int running[6], last, in;
    } rows[] = {
        { "nothing runs", 1, 0, 100, { END }, L, 1 },
        { "one thread, and a small one runs", 1, 0, 100, { S, END }, S, 0 },
        { "one thread, and a large one runs", 1, 0, 100, { L, END }, S, 0 },
        { "two threads, and a large one runs", 2, 0, 100, { L, END }, S, 1 },
        { "the second thread is for small ones", 2, 0, 100, { L, END }, L, 0 },
        { "two small ones run", 2, 0, 100, { S, S, END }, S, 0 },
        { "a large one beside a small one", 2, 0, 100, { S, END }, L, 1 },
        { "three threads: two large ones", 3, 0, 100, { L, END }, L, 1 },
        { "three threads: not three", 3, 0, 100, { L, L, END }, L, 0 },
        { "three threads: but a small one", 3, 0, 100, { L, L, END }, S, 1 },
        { "all of the memory for one", 4, 0, 30, { END }, L, 1 },
        { "no memory beside it", 4, 0, 30, { L, END }, S, 0 },
        { "an eighth is left to small ones", 4, 0, 68, { L, END }, L, 0 },
        { "which they may have", 4, 0, 68, { L, S, S, END }, S, 1 },
        { "7/8 of 69 hold two large ones", 4, 0, 69, { L, END }, L, 1 },
        { "small ones may have all", 9, 0, 40, { S, S, S, END }, S, 1 },
        { "two of four are spare: one large one", 4, 2, 200, { END }, L, 1 },
        { "and not two", 4, 2, 200, { L, END }, L, 0 },
        { "but three small ones", 4, 2, 200, { L, S, S, END }, S, 1 },
        { "and not more", 9, 0, 40, { S, S, S, S, END }, S, 0 },
    };
    const iiif_cost_t *const costs[] = { &small_one, &large_one };
    unsigned i, k;

    for (i = 0; i < ROWS(rows); ++i) {
        const iiif_lanes_limits_t limits = { .threads = rows[i].threads,
                                             .spare = rows[i].spare,
                                             .memory = rows[i].megabytes * MB,
                                             .busy = 100,
                                             .busy_here = 100,
                                             .patience = APR_USEC_PER_SEC };
        apr_pool_t *process;
        iiif_lanes_t *lanes;
        iiif_ticket_t ticket;
        int all = 1;

        apr_pool_create(&process, pool);
        lanes = join(NULL, &limits, process);
        for (k = 0; rows[i].running[k] != END; ++k)
            all = all && enter(&ticket, lanes, costs[rows[i].running[k]]) == APR_SUCCESS;
        ok(all, "%s: those before are let in", rows[i].what);
        ok(enter(&ticket, lanes, costs[rows[i].last]) == (rows[i].in ? APR_SUCCESS : IIIF_EBUSY),
           "%s: %s", rows[i].what, rows[i].in ? "it is let in" : "it is not");
        apr_pool_destroy(process);
    }
}

static void test_too_big(apr_pool_t *pool)
{
    const iiif_cost_t just = { 100 * MB, 100 * MB, IIIF_LANE_LARGE };
    const iiif_cost_t beyond = { 100 * MB, 100 * MB + 1, IIIF_LANE_LARGE };
    iiif_lanes_t *lanes = join(NULL, &two_at_once, pool);
    iiif_ticket_t ticket;
    iiif_err_t err;

    ok(iiif_lanes_enter(&ticket, lanes, &beyond, NULL, &err) == IIIF_ETOOBIG,
       "one byte beyond the memory never fits");
    ok(strstr(err.text, "101 MB") && strstr(err.text, "the 100 MB of IIIFRenderMemory"),
       "and is told so: %s", err.text);
    ok(report_of(lanes).counts[IIIF_LANES_TOO_BIG] == 1, "it is counted");
    ok(enter(&ticket, lanes, &just) == APR_SUCCESS, "all of it is fine");
    ok(report_of(lanes).bytes[IIIF_LANE_LARGE] == 100 * MB, "and is taken");
    ok(iiif_lanes_leave(lanes, &ticket, 0), "afterwards the process is idle");
    ok(!report_of(lanes).bytes[IIIF_LANE_LARGE], "and nothing is taken");
}

/* What came of a render counts in its lane, until it has been sent. */
static void test_kept(apr_pool_t *pool)
{
    const iiif_cost_t most = { 100 * MB, 70 * MB, IIIF_LANE_LARGE };
    iiif_lanes_t *lanes = join(NULL, &two_at_once, pool);
    iiif_ticket_t sent, ticket;
    asker_t *waiting;

    ok(enter(&sent, lanes, &large_one) == APR_SUCCESS, "a large one of 30 MB is let in");
    sent.kept = 18 * MB;
    ok(iiif_lanes_leave(lanes, &sent, 0), "and leaves 18 MB behind, in an idle process");
    ok(report_of(lanes).bytes[IIIF_LANE_LARGE] == 18 * MB, "which are counted");
    waiting = start_waiting(lanes, &most, pool);
    ok(enter(&ticket, lanes, &large_one) == APR_SUCCESS, "where 70 MB wait, 30 are let in");
    iiif_lanes_leave(lanes, &ticket, 0);
    ok(enter(&ticket, lanes, &small_one) == APR_SUCCESS, "and small ones");
    iiif_lanes_leave(lanes, &ticket, 0);
    ok(!is_done(waiting), "it waits all the time");
    iiif_lanes_drop(lanes, &sent);
    ok(finish(waiting)->rv == APR_SUCCESS, "until they have been sent");
    leave(waiting);
    ok(!report_of(lanes).bytes[IIIF_LANE_LARGE], "and nothing is taken");
}

/* -- the queue of one process */

static void test_newest_first(apr_pool_t *pool)
{
    iiif_lanes_t *lanes = join(NULL, &two_at_once, pool);
    asker_t *running[2], *waiting[3], *large;
    int i;

    for (i = 0; i < 2; ++i)
        running[i] = finish(start(lanes, &small_one, pool));
    for (i = 0; i < 3; ++i)
        waiting[i] = start_waiting(lanes, &small_one, pool);
    leave(running[0]);
    finish(waiting[2]);
    ok(waiting[2]->rv == APR_SUCCESS && waiting[2]->ticket.waited > 0, "the newest comes first");
    ok(!is_done(waiting[0]) && !is_done(waiting[1]), "and no other");
    leave(running[1]);
    finish(waiting[1]);
    leave(waiting[1]);
    finish(waiting[0]);
    ok(waiting[2]->order < waiting[1]->order && waiting[1]->order < waiting[0]->order,
       "then those before it");
    leave(waiting[0]);
    running[0] = finish(start(lanes, &large_one, pool));
    waiting[0] = start_waiting(lanes, &small_one, pool);
    large = start_waiting(lanes, &large_one, pool);
    leave(waiting[2]);
    finish(waiting[0]);
    ok(waiting[0]->rv == APR_SUCCESS && !is_done(large), "the newest that fits, that is");
    leave(running[0]);
    ok(finish(large)->rv == APR_SUCCESS, "the other one when it fits");
    leave(waiting[0]);
    leave(large);
    ok(!report_of(lanes).waiting && !report_of(lanes).running[0], "and then nothing is left");
}

static void test_overflow(apr_pool_t *pool)
{
    iiif_lanes_t *lanes = join(NULL, &two_at_once, pool);
    asker_t *running[2], *waiting[5];
    int i;

    for (i = 0; i < 2; ++i)
        running[i] = finish(start(lanes, &small_one, pool));
    for (i = 0; i < 4; ++i)
        waiting[i] = start_waiting(lanes, &small_one, pool);
    waiting[4] = start(lanes, &small_one, pool);
    finish(waiting[0]);
    ok(waiting[0]->rv == IIIF_EBUSY, "the one that has waited longest makes room");
    ok(waiting[0]->ticket.retry_after >= 1 && waiting[0]->ticket.retry_after <= 30,
       "and is told when to come again: %s", waiting[0]->err.text);
    ok(report_of(lanes).waiting == 4 && report_of(lanes).counts[IIIF_LANES_FULL] == 1,
       "as many wait as before");
    __atomic_store_n(&waiting[2]->unwanted, 1, __ATOMIC_SEQ_CST);
    finish(waiting[2]);
    ok(waiting[2]->rv == IIIF_EGONE && report_of(lanes).counts[IIIF_LANES_LEFT] == 1,
       "one that nobody wants any more leaves the queue");
    ok(report_of(lanes).waiting == 3, "and makes room, too");
    for (i = 0; i < 2; ++i)
        leave(running[i]);
    finish(waiting[4]);
    finish(waiting[3]);
    leave(waiting[4]);
    leave(waiting[3]);
    ok(finish(waiting[1])->rv == APR_SUCCESS, "all others get their turn");
    iiif_lanes_leave(lanes, &waiting[1]->ticket, 1);
    ok(report_of(lanes).counts[IIIF_LANES_CUT] == 1, "one that was cut is counted");
}

/* Large ones make room first; and only for small ones does a small one. */
static void test_overflow_of_lanes(apr_pool_t *pool)
{
    iiif_lanes_t *lanes = join(NULL, &two_at_once, pool);
    asker_t *running[2], *waiting[4], *late;
    iiif_ticket_t ticket;
    int i;

    for (i = 0; i < 2; ++i)
        running[i] = finish(start(lanes, &small_one, pool));
    for (i = 0; i < 4; ++i)
        waiting[i] = start_waiting(lanes, i == 1 ? &large_one : &small_one, pool);
    late = start(lanes, &small_one, pool);
    ok(finish(waiting[1])->rv == IIIF_EBUSY && !is_done(waiting[0]),
       "a large one makes room first");
    ok(enter(&ticket, lanes, &large_one) == IIIF_EBUSY && report_of(lanes).waiting == 4,
       "no small one does for a large one");
    for (i = 0; i < 4; ++i)
        __atomic_store_n(&waiting[i]->unwanted, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&late->unwanted, 1, __ATOMIC_SEQ_CST);
    for (i = 0; i < 4; ++i) {
        if (i != 1)
            finish(waiting[i]);
    }
    finish(late);
    ok(report_of(lanes).counts[IIIF_LANES_LEFT] == 4 && !report_of(lanes).waiting, "all leave");
    for (i = 0; i < 2; ++i)
        leave(running[i]);
}

/* -- threads that wait for something else are not there to wait for their turn */

static void test_elsewhere(apr_pool_t *pool)
{
    iiif_lanes_t *lanes = join(make_memory(), &two_at_once, pool);
    asker_t *running[2], *waiting;
    iiif_ticket_t ticket;
    int i, may = 0;

    for (i = 0; i < 2; ++i)
        running[i] = finish(start(lanes, &small_one, pool));
    for (i = 0; i < 5; ++i)
        may += iiif_lanes_wait_begin(lanes);
    ok(may == 5, "five of the six that are left of eight threads wait elsewhere");
    waiting = start_waiting(lanes, &small_one, pool);
    ok(!iiif_lanes_wait_begin(lanes), "  with one in the queue, no more may");
    iiif_lanes_wait_end(lanes);
    ok(iiif_lanes_wait_begin(lanes), "  but for one who is done");
    leave(running[0]);
    ok(finish(waiting)->rv == APR_SUCCESS && iiif_lanes_wait_begin(lanes),
       "  or in the place of one whose turn has come");
    ok(enter(&ticket, lanes, &small_one) == IIIF_EBUSY,
       "with six elsewhere, the queue takes none, short as it is");
    leave(running[1]);
    ok(enter(&ticket, lanes, &small_one) == APR_SUCCESS, "  while what fits is let in");
    iiif_lanes_leave(lanes, &ticket, 0);
    leave(waiting);
}

/* Those that run count with those that wait, over all processes, too. */
static void test_busy(apr_pool_t *pool)
{
    iiif_lanes_memory_t *memory = make_memory();
    iiif_lanes_limits_t limits = two_at_once;
    iiif_ticket_t tickets[2], ticket;
    iiif_lanes_t *lanes[4];
    int i;

    limits.busy = 4;
    limits.busy_here = 2;
    for (i = 0; i < 4; ++i)
        lanes[i] = join(memory, &limits, pool);
    for (i = 0; i < 2; ++i)
        ok(enter(&tickets[i], lanes[0], &small_one) == APR_SUCCESS, "%d of four threads runs",
           i + 1);
    ok(!iiif_lanes_wait_begin(lanes[0]), "  no other of its process may wait");
    for (i = 1; i < 3; ++i)
        ok(iiif_lanes_wait_begin(lanes[i]), "  but %d of others", i);
    ok(!iiif_lanes_wait_begin(lanes[3]) && enter(&ticket, lanes[3], &small_one) == IIIF_EBUSY,
       "  not more: the rest is for what needs no render");
    iiif_lanes_leave(lanes[0], &tickets[0], 0);
    ok(enter(&tickets[0], lanes[3], &small_one) == APR_SUCCESS, "  who need not wait is let in");
    iiif_lanes_wait_end(lanes[1]);
    ok(iiif_lanes_wait_begin(lanes[3]), "  and may wait in the place of one who has done so");
    iiif_lanes_wait_end(lanes[3]);
    iiif_lanes_wait_end(lanes[2]);
    iiif_lanes_leave(lanes[3], &tickets[0], 0);
    iiif_lanes_leave(lanes[0], &tickets[1], 0);
}

static void test_patience(apr_pool_t *pool)
{
    iiif_lanes_limits_t limits = two_at_once;
    iiif_lanes_t *lanes;
    iiif_ticket_t first, second;

    limits.threads = 1;
    limits.patience = apr_time_from_msec(100);
    lanes = join(NULL, &limits, pool);
    ok(enter(&first, lanes, &small_one) == APR_SUCCESS, "one runs");
    ok(enter(&second, lanes, &small_one) == IIIF_EBUSY, "another one loses patience");
    ok(second.waited >= limits.patience && second.counted == IIIF_LANES_WAITED,
       "after as long as was agreed");
    iiif_lanes_leave(lanes, &first, 0);
}

static void test_shadow(apr_pool_t *pool)
{
    const iiif_cost_t huge = { 1 * MB, 101 * MB, IIIF_LANE_LARGE };
    iiif_lanes_limits_t limits = two_at_once;
    iiif_lanes_count_e counted[7];
    iiif_ticket_t tickets[7];
    iiif_lanes_t *lanes;
    int i, in = 0;

    limits.shadow = 1;
    lanes = join(NULL, &limits, pool);
    in += enter(&tickets[0], lanes, &huge) == APR_SUCCESS;
    for (i = 1; i < 7; ++i)
        in += enter(&tickets[i], lanes, &small_one) == APR_SUCCESS;
    for (i = 0; i < 7; ++i)
        counted[i] = tickets[i].counted;
    ok(in == 7 && report_of(lanes).running[IIIF_LANE_SMALL] == 6, "in shadow all run at once");
    ok(counted[0] == IIIF_LANES_TOO_BIG, "what would not fit is told");
    ok(counted[1] == IIIF_LANES_ADMITTED && counted[5] == IIIF_LANES_ADMITTED,
       "two threads and four in the queue");
    ok(counted[6] == IIIF_LANES_FULL, "the seventh would be refused");
    for (i = 0; i < 7; ++i)
        iiif_lanes_leave(lanes, &tickets[i], 0);
    ok(!report_of(lanes).running[IIIF_LANE_SMALL] && !report_of(lanes).bytes[IIIF_LANE_LARGE],
       "and nothing is left");
}

/* -- several processes */

/* A process that takes one render, says so, and holds it until it is killed. */
static pid_t hold(iiif_lanes_memory_t *memory, const iiif_cost_t *cost)
{
    int said[2];
    char byte;
    pid_t pid;

    if (pipe(said))
        abort();
    pid = fork();
    if (!pid) {
        apr_pool_t *pool;
        iiif_ticket_t ticket;
        iiif_lanes_t *lanes;

        apr_pool_create(&pool, NULL);
        lanes = join(memory, &two_at_once, pool);
        if (enter(&ticket, lanes, cost) == APR_SUCCESS && write(said[1], "", 1) == 1)
            pause();
        _exit(1);
    }
    close(said[1]);
    ok(read(said[0], &byte, 1) == 1, "another process runs one");
    close(said[0]);
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void test_processes(apr_pool_t *pool)
{
    iiif_lanes_memory_t *memory = make_memory();
    iiif_lanes_t *lanes = join(memory, &two_at_once, pool);
    pid_t holders[2] = { hold(memory, &small_one), hold(memory, &large_one) };
    asker_t *waiting;
    iiif_ticket_t ticket;

    ok(report_of(lanes).processes == 3 && report_of(lanes).bytes[IIIF_LANE_LARGE] == 30 * MB,
       "what others run is seen");
    waiting = start_waiting(lanes, &small_one, pool);
    end(holders[0]);
    ok(finish(waiting)->rv == APR_SUCCESS, "a killed process gives its thread back to who waits");
    leave(waiting);
    ok(report_of(lanes).processes == 2, "and its slot");
    end(holders[1]);
    iiif_lanes_forget(memory, holders[1]);
    ok(report_of(lanes).processes == 1 && !report_of(lanes).running[IIIF_LANE_LARGE],
       "a parent that knows takes it away at once");
    ok(enter(&ticket, lanes, &large_one) == APR_SUCCESS, "for whoever comes");
    iiif_lanes_leave(lanes, &ticket, 0);
}

/* Enter and leave without end. */
static void hammer(iiif_lanes_memory_t *memory)
{
    apr_pool_t *pool;
    iiif_ticket_t ticket;
    iiif_lanes_t *lanes;

    apr_pool_create(&pool, NULL);
    lanes = join(memory, &two_at_once, pool);
    for (;;) {
        if (enter(&ticket, lanes, &small_one) == APR_SUCCESS)
            iiif_lanes_leave(lanes, &ticket, 0);
    }
}

static void test_killed_anywhere(apr_pool_t *pool)
{
    iiif_lanes_memory_t *memory = make_memory();
    iiif_lanes_t *lanes = join(memory, &two_at_once, pool);
    apr_pool_t *late;
    iiif_ticket_t ticket;
    unsigned i, k;
    int in = 1;

    for (i = 0; i < 40; ++i) {
        pid_t pids[3];

        for (k = 0; k < ROWS(pids); ++k) {
            if (!(pids[k] = fork()))
                hammer(memory);
        }
        apr_sleep(2000 + i * 137);
        for (k = 0; k < ROWS(pids); ++k)
            end(pids[k]);
        in = in && enter(&ticket, lanes, &large_one) == APR_SUCCESS;
        iiif_lanes_leave(lanes, &ticket, 0);
    }
    apr_pool_create(&late, pool);
    join(memory, &two_at_once, late); /* who joins looks for dead ones */
    apr_pool_destroy(late);
    ok(in, "120 processes are killed at any moment, and the lanes go on");
    ok(report_of(lanes).processes == 1 && !report_of(lanes).waiting
           && !report_of(lanes).running[IIIF_LANE_SMALL],
       "with nothing left of them");
}

static void test_slots(apr_pool_t *pool)
{
    iiif_lanes_memory_t *memory = make_memory();
    apr_pool_t *process;
    iiif_lanes_t *lanes, *late = NULL;
    iiif_ticket_t tickets[2];
    pid_t pids[PROCESSES];
    int i;

    for (i = 0; i < PROCESSES; ++i) {
        if (!(pids[i] = fork())) {
            apr_pool_create(&process, NULL);
            join(memory, &two_at_once, process);
            pause();
        }
    }
    apr_pool_create(&process, pool);
    for (i = 0; i < PATIENCE; ++i) {
        if (iiif_lanes_join(&late, memory, &two_at_once, process) == APR_ENOSPC)
            break;
        apr_pool_clear(process);
        apr_sleep(10000);
    }
    ok(i < PATIENCE, "more processes than slots: it is told");
    ok(enter(&tickets[0], late, &small_one) == APR_SUCCESS
           && enter(&tickets[1], late, &small_one) == APR_SUCCESS && report_of(late).processes == 1,
       "and goes by its own count");
    for (i = 0; i < PROCESSES; ++i)
        end(pids[i]);
    lanes = join(memory, &two_at_once, process);
    ok(report_of(lanes).processes == 1, "when they have died, there is room again");
    apr_pool_destroy(process);
    ok(iiif_lanes_join(&lanes, memory, &two_at_once, pool) == APR_SUCCESS
           && report_of(lanes).processes == 1,
       "a process gives its slot back with its pool");
}

/* -- many threads of several processes, and never more at once than may be */

#define THREADS 6
#define ROUNDS  200

typedef struct crowd_t {
    iiif_lanes_t *lanes;
    int *running, *most; /* shared by the processes */
} crowd_t;

static void *APR_THREAD_FUNC render_often(apr_thread_t *thread, void *data)
{
    crowd_t *c = data;
    iiif_ticket_t ticket;
    int i, now, most;

    (void)thread;
    for (i = 0; i < ROUNDS; ++i) {
        if (enter(&ticket, c->lanes, i % 3 ? &small_one : &large_one) != APR_SUCCESS)
            continue;
        now = __atomic_add_fetch(c->running, 1, __ATOMIC_SEQ_CST);
        most = __atomic_load_n(c->most, __ATOMIC_SEQ_CST);
        while (now > most
               && !__atomic_compare_exchange_n(c->most, &most, now, 0, __ATOMIC_SEQ_CST,
                                               __ATOMIC_SEQ_CST))
            continue;
        apr_sleep(50);
        __atomic_sub_fetch(c->running, 1, __ATOMIC_SEQ_CST);
        iiif_lanes_leave(c->lanes, &ticket, 0);
    }
    return NULL;
}

static void crowd(iiif_lanes_memory_t *memory, int counters[2], apr_pool_t *pool)
{
    crowd_t c = { join(memory, &two_at_once, pool), &counters[0], &counters[1] };
    apr_thread_t *threads[THREADS];
    apr_status_t said;
    unsigned i;

    for (i = 0; i < THREADS; ++i)
        apr_thread_create(&threads[i], NULL, render_often, &c, pool);
    for (i = 0; i < THREADS; ++i)
        apr_thread_join(&said, threads[i]);
}

static void test_crowd(apr_pool_t *pool)
{
    iiif_lanes_memory_t *memory = make_memory();
    int *counters = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    iiif_lanes_t *lanes = join(memory, &two_at_once, pool);
    iiif_lanes_report_t report;
    int status = 1;
    pid_t pid;

    if (counters == MAP_FAILED)
        abort();
    if (!(pid = fork())) {
        apr_pool_t *own;

        apr_pool_create(&own, NULL);
        crowd(memory, counters, own);
        apr_pool_destroy(own);
        _exit(0);
    }
    crowd(memory, counters, pool);
    ok(waitpid(pid, &status, 0) == pid && !status, "two processes of %d threads", THREADS);
    report = report_of(lanes);
    ok(counters[1] == 2, "two at once, never more: %d", counters[1]);
    ok(report.counts[IIIF_LANES_ADMITTED] + report.counts[IIIF_LANES_FULL]
           == (apr_uint64_t)2 * THREADS * ROUNDS,
       "every request is let in or refused: %d, %d", (int)report.counts[IIIF_LANES_ADMITTED],
       (int)report.counts[IIIF_LANES_FULL]);
    ok(!report.waiting && !report.running[0] && !report.running[1] && !report.bytes[0]
           && !report.bytes[1],
       "and nothing is left in the end");
    ok(report.average > 0, "how long one takes is known");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_fits(pool);
    test_too_big(pool);
    test_kept(pool);
    test_newest_first(pool);
    test_overflow(pool);
    test_overflow_of_lanes(pool);
    test_elsewhere(pool);
    test_busy(pool);
    test_patience(pool);
    test_shadow(pool);
    test_processes(pool);
    test_killed_anywhere(pool);
    test_slots(pool);
    test_crowd(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
