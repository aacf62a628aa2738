/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_HTTPD_WARNED_H
#define IIIF_HTTPD_WARNED_H
/** @file warned.h
 *  @brief Warnings of files that are said once, whichever child finds them. */
#include <apr_tables.h>
#include <httpd.h>

/** Make room in memory that the children will share: before they are forked. */
apr_status_t iiif_warned_create(apr_pool_t *pconf);

/** Log what is not used of a tile store; @a refusals of iiif_plan_refusal_t, or NULL. */
void iiif_warn_of_refusals(request_rec *r, const apr_array_header_t *refusals);

/** Is it time to say @a what? Once a minute it is, for one of all children. */
int iiif_is_due(const char *what);
#endif
