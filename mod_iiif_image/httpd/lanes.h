/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_HTTPD_LANES_H
#define IIIF_HTTPD_LANES_H
/** @file lanes.h
 *  @brief How renders are let in: plan/lanes.h under httpd. */
#include <ap_mpm.h>
#include <httpd.h>

#include "image/render.h"
#include "plan/lanes.h"
#include "plan/plan.h"

/** Make the memory that children share: at start, and found again after a restart, as children of
 *  older generations go on with it. */
apr_status_t iiif_lanes_create(server_rec *s);

/** Take part, as a child. @return as iiif_lanes_join() */
apr_status_t iiif_lanes_open(iiif_lanes_t **lanes, server_rec *s, apr_pool_t *pchild);

/** Hook child_status, in the parent: what a child had is free when it has died. */
void iiif_child_status(server_rec *s, pid_t pid, ap_generation_t generation, int slot,
                       mpm_child_status status);

/** A render that was let in. Not to be moved. */
typedef struct iiif_pass_t {
    request_rec *r;
    iiif_ticket_t ticket;
    iiif_wanted_t wanted; /**< for the render: is the client still there? */
} iiif_pass_t;

/**
 * Wait until @a plan, a RENDER, may be carried out in @a look. Leaves the notes iiif-lane,
 * iiif-wait and, when it is refused, iiif-refused.
 * @return as iiif_lanes_enter(); after APR_SUCCESS iiif_pass_return() is owed
 */
apr_status_t iiif_pass_take(iiif_pass_t *pass, request_rec *r, const iiif_plan_t *plan,
                            const iiif_look_t *look, iiif_err_t *err);

/**
 * It is done. What is large is counted until its request is, as a client takes its time.
 * @param rv what came of it
 * @param len bytes that came of it, if rv is APR_SUCCESS
 */
void iiif_pass_return(iiif_pass_t *pass, apr_status_t rv, apr_size_t len);
#endif
