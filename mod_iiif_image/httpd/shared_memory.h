/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_HTTPD_SHARED_MEMORY_H
#define IIIF_HTTPD_SHARED_MEMORY_H
/** @file shared_memory.h
 *  @brief Memory that the parent and all its children see. */
#include <apr_pools.h>

/**
 * Make @a bytes of it, all 0, before the children are forked.
 * @param memory set to NULL when there is none to be had
 * @param pool   it lives as long
 */
apr_status_t iiif_shared_memory_create(void **memory, apr_size_t bytes, apr_pool_t *pool);
#endif
