/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_PLAN_LANE_SLOTS_H
#define IIIF_PLAN_LANE_SLOTS_H
/**
 * @file lane_slots.h
 * @brief The memory that the processes of plan/lanes share: what each of them has. Written under
 * its mutex, which survives its owner's death; for lanes.c alone.
 */
#include <pthread.h>

#include "base/bell.h"
#include "plan/lanes.h"

/** What one process has. Written by that process, under the mutex; but for the pid. */
typedef struct iiif_lane_slot_t {
    pid_t pid; /**< 0: free; taken away by the parent, without the mutex */
    unsigned waiting;
    unsigned elsewhere; /**< threads that wait for something else than their turn */
    unsigned running[IIIF_LANES];
    apr_uint64_t bytes[IIIF_LANES];
} iiif_lane_slot_t;

struct iiif_lanes_memory_t {
    pthread_mutex_t mutex;
    iiif_bell_t bell; /**< rung when there may be room */
    unsigned slot_count;
    apr_uint64_t counts[IIIF_LANES_COUNTS];
    apr_uint64_t average; /**< microseconds that a render takes, of late */
    iiif_lane_slot_t slots[];
};

void iiif_lane_lock(iiif_lanes_memory_t *memory);
void iiif_lane_unlock(iiif_lanes_memory_t *memory);

/** A slot for this process; NULL: none is free. */
iiif_lane_slot_t *iiif_lane_claim(iiif_lanes_memory_t *memory);

/** Takes no lock. */
void iiif_lane_give_back(iiif_lane_slot_t *slot);

/** Whose it is; 0: nobody's. */
pid_t iiif_lane_owner(const iiif_lane_slot_t *slot);

/** Take away what dead processes have. Their parent knows first, but looks once a second only, and
 *  may have died itself. */
void iiif_lane_reap(iiif_lanes_memory_t *memory);

/** Of all processes; under the mutex. */
iiif_lane_slot_t iiif_lane_sum(const iiif_lanes_memory_t *memory);

/** Of both lanes. */
unsigned iiif_lane_running(const iiif_lane_slot_t *slot);
/** Threads that run or wait. */
unsigned iiif_lane_busy(const iiif_lane_slot_t *slot);
apr_uint64_t iiif_lane_bytes(const iiif_lane_slot_t *slot);
#endif
