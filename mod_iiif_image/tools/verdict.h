/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TOOLS_VERDICT_H
#define IIIF_TOOLS_VERDICT_H
/**
 * @file verdict.h
 * @brief Do two servers answer the same request alike?
 */
#include "image/difference.h"
#include "tools/fetch.h"

/** How to compare. Borrowed for the call. */
typedef struct iiifctl_comparison_t {
    const char *bases[2]; /**< of the servers: what the URIs of images begin with */
    double psnr;          /**< dB: pixels that are less alike differ */
} iiifctl_comparison_t;

/** Texts are in the pool of the call. */
typedef struct iiifctl_verdict_t {
    const char *differs;          /**< in what it matters, in a few words; NULL: they are alike */
    const char *noted;            /**< in what else; NULL: nothing */
    int shown;                    /**< both are images */
    int compared;                 /**< pixels were compared: */
    iiif_difference_t difference; /**< by that */
} iiifctl_verdict_t;

/**
 * Compare what the old server (0) and the new one (1) have answered.
 *
 * Alike are answers of one status, and of one type; images of one size, with pixels within
 * @a comparison; JSON in which the members agree that a viewer computes with: identity, context,
 * protocol, type, width and height. What is in other members is noted. The bodies of failures are
 * not looked at.
 */
iiifctl_verdict_t iiifctl_verdict(const iiifctl_answer_t answers[2],
                                  const iiifctl_comparison_t *comparison, apr_pool_t *pool);
#endif
