/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/shared_memory.h"

#include <apr_shm.h>
#include <string.h>

#include "base/banned.h"

apr_status_t iiif_shared_memory_create(void **memory, apr_size_t bytes, apr_pool_t *pool)
{
    apr_shm_t *shm;
    apr_status_t rv = apr_shm_create(&shm, bytes, NULL, pool);

    *memory = rv == APR_SUCCESS ? apr_shm_baseaddr_get(shm) : NULL;
    if (*memory)
        memset(*memory, 0, bytes);
    return rv;
}
