/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bell.h"

#include <limits.h>
#include <time.h>

#ifdef __linux__
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "base/banned.h"

#define NANOSECONDS 1000 /* of a microsecond */

apr_uint32_t iiif_bell_heard(const iiif_bell_t *bell)
{
    return __atomic_load_n(&bell->rung, __ATOMIC_ACQUIRE);
}

#ifdef __linux__
void iiif_bell_wait(const iiif_bell_t *bell, apr_uint32_t heard, long microseconds)
{
    const struct timespec most = { 0, microseconds * NANOSECONDS };

    syscall(SYS_futex, &bell->rung, FUTEX_WAIT, heard, &most, NULL, 0);
}

void iiif_bell_ring(iiif_bell_t *bell)
{
    __atomic_add_fetch(&bell->rung, 1, __ATOMIC_RELEASE);
    syscall(SYS_futex, &bell->rung, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}
#else
#define LISTEN_EVERY 1000 /* microseconds */

void iiif_bell_wait(const iiif_bell_t *bell, apr_uint32_t heard, long microseconds)
{
    const struct timespec pause = { 0, LISTEN_EVERY * NANOSECONDS };

    for (; microseconds > 0 && iiif_bell_heard(bell) == heard; microseconds -= LISTEN_EVERY)
        nanosleep(&pause, NULL);
}

void iiif_bell_ring(iiif_bell_t *bell)
{
    __atomic_add_fetch(&bell->rung, 1, __ATOMIC_RELEASE);
}
#endif
