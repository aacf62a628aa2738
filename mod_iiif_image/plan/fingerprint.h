/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_PLAN_FINGERPRINT_H
#define IIIF_PLAN_FINGERPRINT_H
/**
 * @file fingerprint.h
 * @brief All that the bytes of an answer depend on besides its key: for validators and for stored
 * derivatives, which agree because there is one function.
 */
#include "plan/plan.h"
#include "store/derivative.h"

typedef struct iiif_fingerprint_t {
    char text[IIIF_FINGERPRINT_DIGITS + 1]; /**< 128 bits, as two SipHashes */
} iiif_fingerprint_t;

/**
 * Of path, times, size, inode and page of the source of @a plan, and of what its pixels are read
 * from, and of what a database says that it depends on. Not of the device, whose number is another
 * on each host.
 * @param plan     of an image
 * @param made_how settings and revisions: iiif_look_key() for a render
 */
iiif_fingerprint_t iiif_fingerprint(const iiif_plan_t *plan, const char *made_how);
#endif
