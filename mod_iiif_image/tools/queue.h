/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TOOLS_QUEUE_H
#define IIIF_TOOLS_QUEUE_H
/**
 * @file queue.h
 * @brief A list of paths in Redis, worked off by any number of runs on any number of hosts.
 *
 * A path is moved from the end of LIST into LIST:HOST:PID, the list of what this run has begun, and
 * removed from there when it is done with; what failed is in LIST:failed then. LIST:workers is the
 * set of these lists. LIST:HOST:PID:alive expires half a minute after its run has ended, however it
 * ended; whoever sees that puts what the dead had begun back into LIST.
 */
#include "tools/sources.h"

typedef struct iiifctl_queue_t iiifctl_queue_t;

/**
 * Connect, and take over what the dead have left.
 * @param queue set on success; in @a pool
 * @param uri   "redis://host[:port]/list"
 * @return APR_SUCCESS; APR_EINVAL: @a uri is no such thing; APR_EGENERAL: Redis cannot be reached,
 *         or refuses
 */
apr_status_t iiifctl_queue_open(iiifctl_queue_t **queue, const char *uri, iiif_err_t *err,
                                apr_pool_t *pool);

/** Let it feed @a sources. When Redis is lost, the list of @a sources ends. */
void iiifctl_queue_feed(iiifctl_queue_t *queue, iiifctl_sources_t *sources);

/** Put back what was begun and not done, and close. @return APR_SUCCESS; APR_EGENERAL: Redis was
 *  lost, and what was begun is taken over by others later */
apr_status_t iiifctl_queue_close(iiifctl_queue_t *queue, iiif_err_t *err);
#endif
