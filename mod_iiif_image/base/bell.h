/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_BASE_BELL_H
#define IIIF_BASE_BELL_H
/**
 * @file bell.h
 * @brief Threads of several processes that wait for something to happen: a number in memory that
 * they share, and the kernel. Whoever dies leaves nothing behind.
 */
#include <apr.h>

/** 0 to begin with. */
typedef struct iiif_bell_t {
    apr_uint32_t rung; /**< how often, by atomics */
} iiif_bell_t;

/** To be asked before one looks whether it has happened. */
apr_uint32_t iiif_bell_heard(const iiif_bell_t *bell);

/** Wait until the bell has been rung since it was @a heard, or for so many microseconds, under a
 *  second; or shorter, for no reason. */
void iiif_bell_wait(const iiif_bell_t *bell, apr_uint32_t heard, long microseconds);

/** Wake all who wait. */
void iiif_bell_ring(iiif_bell_t *bell);
#endif
