/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TOOLS_TREE_OWN_H
#define IIIF_TOOLS_TREE_OWN_H
/**
 * @file tree_own.h
 * @brief Is a directory of tiles nothing but that? What else lies there is somebody's, and stays.
 */
#include "base/err.h"
#include "store/tile_store.h"

/**
 * Look for what no maker of tiles puts into a tree, by its name: no file is opened.
 * @param directory of the tiles; that it is not there is no failure
 * @param kind      not a pyramid
 * @return APR_SUCCESS; APR_EEXIST: there is something else, the first of which is told
 */
apr_status_t iiifctl_tree_own(const char *directory, iiif_stored_kind_e kind, iiif_err_t *err,
                              apr_pool_t *pool);
#endif
