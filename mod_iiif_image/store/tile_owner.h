/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_STORE_TILE_OWNER_H
#define IIIF_STORE_TILE_OWNER_H
/**
 * @file tile_owner.h
 * @brief From a file in a tree of Deep Zoom or Zoomify back to the name that the tree has.
 */
#include <apr_pools.h>

/**
 * "maps/1643" of "maps/1643_files/10/0_0.jpg" and of "maps/1643_zdata/ImageProperties.xml".
 * @param path below a directory of tiles, decoded
 * @return in @a pool; NULL: it is no file of such a tree
 */
const char *iiif_tile_owner(const char *path, apr_pool_t *pool);
#endif
