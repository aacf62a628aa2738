/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/lane_slots.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/banned.h"

apr_size_t iiif_lanes_size(unsigned processes)
{
    return sizeof(iiif_lanes_memory_t) + processes * sizeof(iiif_lane_slot_t);
}

apr_status_t iiif_lanes_init(iiif_lanes_memory_t *memory, unsigned processes)
{
    pthread_mutexattr_t shared;
    int failed;

    memory->slot_count = processes;
    pthread_mutexattr_init(&shared);
    failed = pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
    if (!failed)
        failed = pthread_mutexattr_setrobust(&shared, PTHREAD_MUTEX_ROBUST);
    if (!failed)
        failed = pthread_mutex_init(&memory->mutex, &shared);
    pthread_mutexattr_destroy(&shared);
    return APR_FROM_OS_ERROR(failed);
}

/* Who died with it was about to write to a slot that nobody counts any more. */
void iiif_lane_lock(iiif_lanes_memory_t *memory)
{
    if (pthread_mutex_lock(&memory->mutex) == EOWNERDEAD)
        pthread_mutex_consistent(&memory->mutex);
}

void iiif_lane_unlock(iiif_lanes_memory_t *memory)
{
    pthread_mutex_unlock(&memory->mutex);
}

pid_t iiif_lane_owner(const iiif_lane_slot_t *slot)
{
    return __atomic_load_n(&slot->pid, __ATOMIC_ACQUIRE);
}

static void take_away(iiif_lane_slot_t *slot, pid_t pid)
{
    __atomic_compare_exchange_n(&slot->pid, &pid, 0, 0, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

void iiif_lanes_forget(iiif_lanes_memory_t *memory, pid_t pid)
{
    unsigned i;

    for (i = 0; i < memory->slot_count; ++i)
        take_away(&memory->slots[i], pid);
}

void iiif_lane_reap(iiif_lanes_memory_t *memory)
{
    unsigned i;

    for (i = 0; i < memory->slot_count; ++i) {
        const pid_t pid = iiif_lane_owner(&memory->slots[i]);

        if (pid && kill(pid, 0) && errno == ESRCH)
            take_away(&memory->slots[i], pid);
    }
}

iiif_lane_slot_t iiif_lane_sum(const iiif_lanes_memory_t *memory)
{
    iiif_lane_slot_t total = { .pid = 0 };
    unsigned i, lane;

    for (i = 0; i < memory->slot_count; ++i) {
        const iiif_lane_slot_t *slot = &memory->slots[i];

        if (!iiif_lane_owner(slot))
            continue;
        total.waiting += slot->waiting;
        total.elsewhere += slot->elsewhere;
        for (lane = 0; lane < IIIF_LANES; ++lane) {
            total.running[lane] += slot->running[lane];
            total.bytes[lane] += slot->bytes[lane];
        }
    }
    return total;
}

iiif_lane_slot_t *iiif_lane_claim(iiif_lanes_memory_t *memory)
{
    iiif_lane_slot_t *claimed = NULL;
    unsigned i;

    iiif_lane_lock(memory);
    iiif_lane_reap(memory);
    for (i = 0; !claimed && i < memory->slot_count; ++i) {
        if (!iiif_lane_owner(&memory->slots[i]))
            claimed = &memory->slots[i];
    }
    if (claimed) {
        *claimed = (iiif_lane_slot_t){ .pid = 0 };
        __atomic_store_n(&claimed->pid, getpid(), __ATOMIC_RELEASE);
    }
    iiif_lane_unlock(memory);
    return claimed;
}

void iiif_lane_give_back(iiif_lane_slot_t *slot)
{
    take_away(slot, getpid());
}

unsigned iiif_lane_running(const iiif_lane_slot_t *slot)
{
    return slot->running[IIIF_LANE_SMALL] + slot->running[IIIF_LANE_LARGE];
}

unsigned iiif_lane_busy(const iiif_lane_slot_t *slot)
{
    return iiif_lane_running(slot) + slot->waiting + slot->elsewhere;
}

apr_uint64_t iiif_lane_bytes(const iiif_lane_slot_t *slot)
{
    return slot->bytes[IIIF_LANE_SMALL] + slot->bytes[IIIF_LANE_LARGE];
}
