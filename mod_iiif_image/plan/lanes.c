/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/lanes.h"

#include <pthread.h>
#include <unistd.h>

#include "plan/lane_slots.h"

#include "base/banned.h"

#define LOOK_AGAIN      20000L /* microseconds: clients go, and patience ends, without a bell */
#define REAP_EVERY      apr_time_from_msec(250)
#define RETRY_AFTER_MAX 30
#define RECENT          8 /* renders that weigh in the average */

typedef enum { WAITING, LET_IN, REFUSED_FULL, REFUSED_WAITED, GONE } state_e;

/* Of a request in the queue; on its own stack. */
typedef struct waiter_t {
    const iiif_cost_t *cost;
    const iiif_wanted_t *wanted;
    apr_time_t since;
    state_e state;
    int listens; /* to the bell; else it waits for its condition */
    pthread_cond_t changed;
    struct waiter_t *newer, *older;
} waiter_t;

struct iiif_lanes_t {
    iiif_lanes_memory_t *memory;
    iiif_lane_slot_t *slot; /* its own */
    iiif_lanes_limits_t limits;
    pthread_mutex_t mutex; /* of all below */
    waiter_t *newest, *oldest;
    unsigned waiting;
    apr_time_t reaped;
};

static apr_status_t give_back(void *slot)
{
    iiif_lane_give_back(slot);
    return APR_SUCCESS;
}

apr_status_t iiif_lanes_join(iiif_lanes_t **lanes, iiif_lanes_memory_t *memory,
                             const iiif_lanes_limits_t *limits, apr_pool_t *pool)
{
    iiif_lanes_t *l = apr_pcalloc(pool, sizeof(*l));
    iiif_lane_slot_t *slot = memory ? iiif_lane_claim(memory) : NULL;
    apr_status_t rv = memory && !slot ? APR_ENOSPC : APR_SUCCESS;

    if (!slot) {
        memory = apr_pcalloc(pool, iiif_lanes_size(1));
        if (iiif_lanes_init(memory, 1) != APR_SUCCESS)
            return APR_ENOMEM;
        slot = iiif_lane_claim(memory);
    }
    if (pthread_mutex_init(&l->mutex, NULL))
        return APR_ENOMEM;
    l->memory = memory;
    l->slot = slot;
    l->limits = *limits;
    apr_pool_cleanup_register(pool, slot, give_back, apr_pool_cleanup_null);
    *lanes = l;
    return rv;
}

/* Beside those that run? Large ones leave a thread, and an eighth of the memory, to small ones;
 * but one large render may have the only thread, and all of the memory that nobody has. */
static int fits(const iiif_lanes_limits_t *limits, const iiif_lane_slot_t *total,
                const iiif_cost_t *cost)
{
    const unsigned large = total->running[IIIF_LANE_LARGE];
    const apr_uint64_t taken = total->bytes[IIIF_LANE_LARGE];

    if (iiif_lane_running(total) >= limits->threads || iiif_lane_bytes(total) > limits->memory
        || cost->memory > limits->memory - iiif_lane_bytes(total))
        return 0;
    if (cost->lane == IIIF_LANE_SMALL)
        return 1;
    return (!large || large + limits->spare + 1 < limits->threads)
           && (!taken || taken + cost->memory <= limits->memory - limits->memory / 8);
}

static void add(iiif_lane_slot_t *slot, const iiif_cost_t *cost)
{
    ++slot->running[cost->lane];
    slot->bytes[cost->lane] += cost->memory;
}

static void wake(iiif_lanes_t *lanes, waiter_t *waiter)
{
    pthread_cond_signal(&waiter->changed);
    if (waiter->listens)
        iiif_bell_ring(&lanes->memory->bell);
}

/* Out of the queue, and on its way. */
static void settle(iiif_lanes_t *lanes, waiter_t *waiter, state_e state)
{
    *(waiter->newer ? &waiter->newer->older : &lanes->newest) = waiter->older;
    *(waiter->older ? &waiter->older->newer : &lanes->oldest) = waiter->newer;
    --lanes->waiting;
    waiter->state = state;
    wake(lanes, waiter);
    if (lanes->newest && !lanes->newest->listens)
        wake(lanes, lanes->newest); /* its turn to look */
}

static void stand_in_line(iiif_lanes_t *lanes, waiter_t *waiter)
{
    waiter->older = lanes->newest;
    *(lanes->newest ? &lanes->newest->newer : &lanes->oldest) = waiter;
    lanes->newest = waiter;
    ++lanes->waiting;
}

/* Those who need not wait any longer. */
static void send_away(iiif_lanes_t *lanes, apr_time_t now)
{
    waiter_t *waiter, *older;

    for (waiter = lanes->newest; waiter; waiter = older) {
        older = waiter->older;
        if (!iiif_is_wanted(waiter->wanted))
            settle(lanes, waiter, GONE);
        else if (now - waiter->since >= lanes->limits.patience)
            settle(lanes, waiter, REFUSED_WAITED);
    }
}

/* The newest first, whoever looks: the longest waiting client is the likeliest to have given up.
 */
static void let_in(iiif_lanes_t *lanes, apr_time_t now)
{
    waiter_t *waiter, *older;
    iiif_lane_slot_t total;

    iiif_lane_lock(lanes->memory);
    if (now - lanes->reaped >= REAP_EVERY) {
        iiif_lane_reap(lanes->memory);
        lanes->reaped = now;
    }
    total = iiif_lane_sum(lanes->memory);
    for (waiter = lanes->newest; waiter; waiter = older) {
        older = waiter->older;
        if (!fits(&lanes->limits, &total, waiter->cost))
            continue;
        add(&total, waiter->cost);
        add(lanes->slot, waiter->cost);
        settle(lanes, waiter, LET_IN);
    }
    lanes->slot->waiting = lanes->waiting;
    iiif_lane_unlock(lanes->memory);
}

/* Room that nobody of this process wants is for those of others. */
static void tell_others(const iiif_lanes_t *lanes)
{
    iiif_lane_slot_t total;
    int want;

    iiif_lane_lock(lanes->memory);
    total = iiif_lane_sum(lanes->memory);
    want =
        total.waiting > lanes->slot->waiting && iiif_lane_running(&total) < lanes->limits.threads;
    iiif_lane_unlock(lanes->memory);
    if (want)
        iiif_bell_ring(&lanes->memory->bell);
}

static void look(iiif_lanes_t *lanes)
{
    const apr_time_t now = apr_time_now();

    if (!lanes->waiting)
        return;
    send_away(lanes, now);
    let_in(lanes, now);
}

/* Who has to go when this one comes: what is small is for people who look at tiles. */
static waiter_t *longest_waiting(const iiif_lanes_t *lanes, iiif_lane_e comes)
{
    waiter_t *waiter = lanes->oldest;

    while (waiter && waiter->cost->lane != IIIF_LANE_LARGE)
        waiter = waiter->newer;
    return waiter || comes == IIIF_LANE_LARGE ? waiter : lanes->oldest;
}

/* Is a thread left that may wait, for whatever? Those that run cannot do anything else, either. */
static int has_thread(const iiif_lanes_t *lanes, const iiif_lane_slot_t *total)
{
    return iiif_lane_busy(lanes->slot) < lanes->limits.busy_here
           && iiif_lane_busy(total) < lanes->limits.busy;
}

/* A place in the queue, if need be that of another one. */
static int has_place(iiif_lanes_t *lanes, const iiif_lane_slot_t *total, iiif_lane_e comes)
{
    const iiif_lanes_limits_t *limits = &lanes->limits;
    waiter_t *victim;

    if (has_thread(lanes, total) && lanes->waiting < limits->queue_here[comes]
        && total->waiting < limits->queue)
        return 1;
    victim = longest_waiting(lanes, comes);
    if (victim)
        settle(lanes, victim, REFUSED_FULL);
    return victim != NULL;
}

/* As long as nothing happens in any process. */
static void wait_for_bell(iiif_lanes_t *lanes, waiter_t *waiter, apr_uint32_t heard)
{
    waiter->listens = 1;
    pthread_mutex_unlock(&lanes->mutex);
    iiif_bell_wait(&lanes->memory->bell, heard, LOOK_AGAIN);
    pthread_mutex_lock(&lanes->mutex);
    waiter->listens = 0;
}

/* The newest looks for all of its process: many that wake up take time from those who work. */
static void wait_for_turn(iiif_lanes_t *lanes, waiter_t *waiter)
{
    while (waiter->state == WAITING) {
        const apr_uint32_t heard = iiif_bell_heard(&lanes->memory->bell);

        if (waiter != lanes->newest) {
            pthread_cond_wait(&waiter->changed, &lanes->mutex);
            continue;
        }
        look(lanes);
        if (waiter->state == WAITING)
            wait_for_bell(lanes, waiter, heard);
    }
}

/* Under the queue's mutex. */
static state_e pass_or_wait(iiif_lanes_t *lanes, waiter_t *waiter)
{
    iiif_lane_slot_t total;
    int waits = 0;

    iiif_lane_lock(lanes->memory);
    total = iiif_lane_sum(lanes->memory);
    if (fits(&lanes->limits, &total, waiter->cost)) {
        add(lanes->slot, waiter->cost);
        waiter->state = LET_IN;
    }
    else if ((waits = has_place(lanes, &total, waiter->cost->lane)))
        stand_in_line(lanes, waiter);
    else
        waiter->state = REFUSED_FULL;
    lanes->slot->waiting = lanes->waiting;
    iiif_lane_unlock(lanes->memory);
    if (waits)
        wait_for_turn(lanes, waiter);
    return waiter->state;
}

/* Nobody is held back: beyond the threads, those that run stand for those that would wait. */
static iiif_lanes_count_e pass_in_shadow(iiif_lanes_t *lanes, const iiif_cost_t *cost)
{
    iiif_lanes_count_e counted = IIIF_LANES_ADMITTED;
    iiif_lane_slot_t total;

    iiif_lane_lock(lanes->memory);
    total = iiif_lane_sum(lanes->memory);
    if (cost->memory > lanes->limits.memory)
        counted = IIIF_LANES_TOO_BIG;
    else if (iiif_lane_running(&total) >= lanes->limits.threads + lanes->limits.queue)
        counted = IIIF_LANES_FULL;
    add(lanes->slot, cost);
    ++lanes->memory->counts[counted];
    iiif_lane_unlock(lanes->memory);
    return counted;
}

/* When the queue that there is now will be done, if renders take as long as of late. */
static unsigned retry_after(const iiif_lanes_t *lanes)
{
    const iiif_lane_slot_t total = iiif_lane_sum(lanes->memory);
    const apr_uint64_t microseconds = lanes->memory->average
                                      * (total.waiting + iiif_lane_running(&total))
                                      / lanes->limits.threads;
    const apr_uint64_t seconds = microseconds / APR_USEC_PER_SEC + 1;

    return seconds > RETRY_AFTER_MAX ? RETRY_AFTER_MAX : (unsigned)seconds;
}

static void count(iiif_ticket_t *ticket, iiif_lanes_t *lanes, iiif_lanes_count_e counted)
{
    iiif_lane_lock(lanes->memory);
    ++lanes->memory->counts[counted];
    ticket->retry_after = retry_after(lanes);
    iiif_lane_unlock(lanes->memory);
    ticket->counted = counted;
}

static apr_status_t queue(iiif_ticket_t *ticket, iiif_lanes_t *lanes, const iiif_wanted_t *wanted)
{
    static const struct {
        apr_status_t rv;
        iiif_lanes_count_e counted;
    } ends[] = { [LET_IN] = { APR_SUCCESS, IIIF_LANES_ADMITTED },
                 [REFUSED_FULL] = { IIIF_EBUSY, IIIF_LANES_FULL },
                 [REFUSED_WAITED] = { IIIF_EBUSY, IIIF_LANES_WAITED },
                 [GONE] = { IIIF_EGONE, IIIF_LANES_LEFT } };
    const apr_time_t begun = apr_time_now();
    waiter_t waiter = { .cost = &ticket->cost, .wanted = wanted, .since = begun };
    state_e end;

    pthread_cond_init(&waiter.changed, NULL);
    pthread_mutex_lock(&lanes->mutex);
    end = pass_or_wait(lanes, &waiter);
    pthread_mutex_unlock(&lanes->mutex);
    pthread_cond_destroy(&waiter.changed);
    ticket->entered = apr_time_now();
    ticket->waited = ticket->entered - begun;
    count(ticket, lanes, ends[end].counted);
    return ends[end].rv;
}

static apr_status_t too_big(iiif_ticket_t *ticket, iiif_lanes_t *lanes, iiif_err_t *err)
{
    count(ticket, lanes, IIIF_LANES_TOO_BIG);
    return iiif_fail(err, IIIF_ETOOBIG,
                     "this image would take about %" APR_UINT64_T_FMT
                     " MB of memory to make, more than the %" APR_UINT64_T_FMT
                     " MB of IIIFRenderMemory",
                     (ticket->cost.memory >> 20) + 1, lanes->limits.memory >> 20);
}

apr_status_t iiif_lanes_enter(iiif_ticket_t *ticket, iiif_lanes_t *lanes, const iiif_cost_t *cost,
                              const iiif_wanted_t *wanted, iiif_err_t *err)
{
    apr_status_t rv;

    *ticket = (iiif_ticket_t){ .cost = *cost, .entered = apr_time_now() };
    if (lanes->limits.shadow) {
        ticket->counted = pass_in_shadow(lanes, cost);
        return APR_SUCCESS;
    }
    if (cost->memory > lanes->limits.memory)
        return too_big(ticket, lanes, err);
    rv = queue(ticket, lanes, wanted);
    if (rv == IIIF_EGONE)
        return iiif_fail(err, rv, "the client has gone while its request waited");
    if (rv == IIIF_EBUSY)
        return iiif_fail(err, rv, "too many images are being made at once; try again in %u s",
                         ticket->retry_after);
    return rv;
}

int iiif_lanes_leave(iiif_lanes_t *lanes, const iiif_ticket_t *ticket, int cut)
{
    const apr_time_t took = apr_time_now() - ticket->entered;
    iiif_lanes_memory_t *memory = lanes->memory;
    iiif_lane_slot_t *slot = lanes->slot;
    int idle;

    pthread_mutex_lock(&lanes->mutex);
    iiif_lane_lock(memory);
    if (iiif_lane_owner(slot) == getpid()) { /* not given back, while the process ends */
        --slot->running[ticket->cost.lane];
        slot->bytes[ticket->cost.lane] += ticket->kept - ticket->cost.memory;
    }
    if (cut)
        ++memory->counts[IIIF_LANES_CUT];
    else if (took > 0)
        memory->average = (memory->average * (RECENT - 1) + (apr_uint64_t)took) / RECENT;
    iiif_lane_unlock(memory);
    look(lanes);
    tell_others(lanes);
    idle = !iiif_lane_running(slot);
    pthread_mutex_unlock(&lanes->mutex);
    return idle;
}

void iiif_lanes_drop(iiif_lanes_t *lanes, const iiif_ticket_t *ticket)
{
    iiif_lane_slot_t *slot = lanes->slot;

    pthread_mutex_lock(&lanes->mutex);
    iiif_lane_lock(lanes->memory);
    if (iiif_lane_owner(slot) == getpid())
        slot->bytes[ticket->cost.lane] -= ticket->kept;
    iiif_lane_unlock(lanes->memory);
    look(lanes);
    tell_others(lanes);
    pthread_mutex_unlock(&lanes->mutex);
}

int iiif_lanes_wait_begin(iiif_lanes_t *lanes)
{
    iiif_lane_slot_t total;
    int may;

    iiif_lane_lock(lanes->memory);
    total = iiif_lane_sum(lanes->memory);
    may = has_thread(lanes, &total);
    lanes->slot->elsewhere += may ? 1 : 0;
    iiif_lane_unlock(lanes->memory);
    return may;
}

void iiif_lanes_wait_end(iiif_lanes_t *lanes)
{
    iiif_lane_lock(lanes->memory);
    if (iiif_lane_owner(lanes->slot) == getpid())
        --lanes->slot->elsewhere;
    iiif_lane_unlock(lanes->memory);
}

void iiif_lanes_report(iiif_lanes_report_t *report, iiif_lanes_t *lanes)
{
    const iiif_lanes_memory_t *memory = lanes->memory;
    iiif_lane_slot_t total;
    unsigned i;

    *report = (iiif_lanes_report_t){ .limits = lanes->limits };
    iiif_lane_lock(lanes->memory);
    total = iiif_lane_sum(memory);
    report->waiting = total.waiting;
    report->average = memory->average;
    for (i = 0; i < memory->slot_count; ++i)
        report->processes += iiif_lane_owner(&memory->slots[i]) != 0;
    for (i = 0; i < IIIF_LANES; ++i) {
        report->running[i] = total.running[i];
        report->bytes[i] = total.bytes[i];
    }
    for (i = 0; i < IIIF_LANES_COUNTS; ++i)
        report->counts[i] = memory->counts[i];
    iiif_lane_unlock(lanes->memory);
}
