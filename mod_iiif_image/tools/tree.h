/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TOOLS_TREE_H
#define IIIF_TOOLS_TREE_H
/**
 * @file tree.h
 * @brief Are the tiles of a set all there, as a server would read them?
 */
#include "image/source.h"
#include "store/tile_store.h"

/** What a look at all tiles found. */
typedef struct iiifctl_tree_t {
    apr_uint64_t tiles; /**< that there have to be */
    apr_uint64_t wrong; /**< of these, missing or not right */
    const char *first;  /**< the first wrong one: "region at size", */
    const char *reason; /**< and why */
} iiifctl_tree_t;

/**
 * Look at every tile of the first set in @a set, which is no pyramid.
 * @param tree   filled
 * @param decode also decode each
 * @param pool   for what is found
 */
apr_status_t iiifctl_tree_check(iiifctl_tree_t *tree, const iiif_stored_set_t *set, int decode,
                                apr_pool_t *pool);

/**
 * Is it a pyramid: tiled, with levels until one fits a tile? Nothing is decoded, nor any tile read.
 * @param missing how many raw tiles have no place in the file: it is cut short, or sparse
 * @return APR_SUCCESS; IIIF_EBADSOURCE: it is none
 */
apr_status_t iiifctl_pyramid_check(const iiif_source_t *pyramid, apr_uint64_t *missing,
                                   iiif_err_t *err);
#endif
