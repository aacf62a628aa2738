/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_PLAN_LANES_H
#define IIIF_PLAN_LANES_H
/**
 * @file lanes.h
 * @brief Which renders run now, which wait, and which are refused; over all processes of a server.
 *
 * Memory shared by the processes has a slot for each, with what it runs and how many of its
 * requests wait. There are no other sums, so that what a process had is gone with its slot. Every
 * process keeps its own queue, the newest first, and holds its own limits against the sum of all
 * slots. A new content of the memory is written under a mutex that survives its owner's death, for
 * microseconds; each process has one more mutex for its queue, always taken first.
 */
#include <apr_pools.h>
#include <apr_time.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/wanted.h"
#include "plan/cost.h"

/** What is counted since the memory was made. */
typedef enum {
    IIIF_LANES_ADMITTED,
    IIIF_LANES_FULL,    /**< refused: the queue was full; in shadow, would have been */
    IIIF_LANES_WAITED,  /**< refused: had waited too long */
    IIIF_LANES_TOO_BIG, /**< refused: can never fit; in shadow, would have been */
    IIIF_LANES_LEFT,    /**< the client left the queue */
    IIIF_LANES_CUT,     /**< the client left while it ran */
    IIIF_LANES_COUNTS
} iiif_lanes_count_e;

/** The settings. */
typedef struct iiif_lanes_limits_t {
    unsigned threads;    /**< renders at once, of all processes; 1 or more */
    unsigned spare;      /**< of these, beyond the one that large renders leave to small ones */
    apr_uint64_t memory; /**< bytes that these may take together, as estimated */
    unsigned queue;      /**< requests that may wait, of all processes */
    unsigned
        queue_here[IIIF_LANES]; /**< of this process, beyond which one of a lane may not come */
    unsigned busy; /**< threads of all processes, run and waiting, beyond which none may wait */
    unsigned busy_here;  /**< likewise of this process: the rest is for what needs no render */
    apr_time_t patience; /**< how long one waits at most */
    int shadow;          /**< refuse nothing, hold back nothing: count what would be refused */
} iiif_lanes_limits_t;

/** Memory that processes share. */
typedef struct iiif_lanes_memory_t iiif_lanes_memory_t;

/** Of one process; used by any of its threads. */
typedef struct iiif_lanes_t iiif_lanes_t;

/** Of one render that was let in, or of one that was not. */
typedef struct iiif_ticket_t {
    iiif_cost_t cost;
    apr_time_t waited;    /**< microseconds in the queue */
    apr_time_t entered;   /**< when it was let in */
    unsigned retry_after; /**< of IIIF_EBUSY: seconds, 1 to 30, in which the queue may be done */
    iiif_lanes_count_e counted; /**< how it was counted: in shadow, why it would be refused */
    apr_uint64_t kept; /**< bytes that stay taken when it is done, until iiif_lanes_drop(); 0, if
                            its owner does not say */
} iiif_ticket_t;

/** Bytes of memory for so many processes; 1 to 65536. */
apr_size_t iiif_lanes_size(unsigned processes);

/** Make @a memory, of that size and shared, ready: once, before it is used. @return APR_SUCCESS, or
 *  what the system says of mutexes that are shared */
apr_status_t iiif_lanes_init(iiif_lanes_memory_t *memory, unsigned processes);

/**
 * Take part, as the process that calls; its slot is given back with @a pool.
 * @param memory of all processes; NULL, or full: this process has limits of its own
 * @return APR_SUCCESS; APR_ENOSPC: memory was full, and is not used; APR_ENOMEM, and nothing is
 * made
 */
apr_status_t iiif_lanes_join(iiif_lanes_t **lanes, iiif_lanes_memory_t *memory,
                             const iiif_lanes_limits_t *limits, apr_pool_t *pool);

/** The process @a pid is dead: what it had is free. Takes no lock: for the processes' parent, which
 *  must not hang. */
void iiif_lanes_forget(iiif_lanes_memory_t *memory, pid_t pid);

/**
 * Wait until a render may run. When the queue is full, the large one of this process that has
 * waited longest is refused in its place; where there is none, and this one is small, the small one
 * that has; else this one.
 * @param ticket filled in any case
 * @param wanted asked while it waits; NULL: always
 * @return APR_SUCCESS: now iiif_lanes_leave() is owed; IIIF_EBUSY: the queue is full, or patience
 *         over; IIIF_ETOOBIG: it can never fit; IIIF_EGONE: nobody waits for it any more
 */
apr_status_t iiif_lanes_enter(iiif_ticket_t *ticket, iiif_lanes_t *lanes, const iiif_cost_t *cost,
                              const iiif_wanted_t *wanted, iiif_err_t *err);

/**
 * It is done, and what it took is free but for the ticket's @c kept bytes; where there are any,
 * iiif_lanes_drop() is owed.
 * @param cut nobody waited for it any more
 * @return does this process run none now?
 */
int iiif_lanes_leave(iiif_lanes_t *lanes, const iiif_ticket_t *ticket, int cut);

/** What was kept is free, too. Any thread of the process may call it. */
void iiif_lanes_drop(iiif_lanes_t *lanes, const iiif_ticket_t *ticket);

/**
 * A thread of this process is about to wait for something else than its turn. It counts among those
 * that are busy, as threads have to be left for what need not wait.
 * @return may it? Then iiif_lanes_wait_end() is owed
 */
int iiif_lanes_wait_begin(iiif_lanes_t *lanes);
void iiif_lanes_wait_end(iiif_lanes_t *lanes);

/** What happens now. */
typedef struct iiif_lanes_report_t {
    iiif_lanes_limits_t limits;
    unsigned processes, waiting;
    unsigned running[IIIF_LANES];
    apr_uint64_t bytes[IIIF_LANES]; /**< estimated, of those that run; and kept, of those done */
    apr_uint64_t counts[IIIF_LANES_COUNTS];
    apr_uint64_t average; /**< microseconds that a render takes, of late */
} iiif_lanes_report_t;

void iiif_lanes_report(iiif_lanes_report_t *report, iiif_lanes_t *lanes);
#endif
