/* SPDX-License-Identifier: Apache-2.0 */
#include "store/thumbnail.h"

#include <apr_strings.h>
#include <string.h>

#include "base/path.h"
#include "store/image_size.h"
#include "store/namesake.h"

#include "base/banned.h"

/* The directory may be that of the images: what is the source itself, is no thumbnail of it. */
static int is_there(iiif_thumbnail_t *thumbnail, const char *path, const iiif_stamp_t *source,
                    apr_pool_t *pool)
{
    thumbnail->path = path;
    return apr_stat(&thumbnail->finfo, path, APR_FINFO_MIN | IIIF_STAMP_WANTED, pool) == APR_SUCCESS
           && thumbnail->finfo.filetype == APR_REG
           && (thumbnail->finfo.inode != source->inode
               || thumbnail->finfo.device != source->device);
}

/* By the name with the source's extension, and without where no other image may be meant. */
static int look(iiif_thumbnail_t *thumbnail, const iiif_stored_query_t *query, apr_pool_t *pool)
{
    const char *base, *bare;

    if (iiif_path_join(&base, query->directory, query->name, NULL, pool) != APR_SUCCESS)
        return 0;
    if (is_there(thumbnail, apr_pstrcat(pool, base, ".jpg", NULL), &query->source, pool))
        return 1;
    bare = iiif_is_own_name(query->name, query->path) ? iiif_without_extension(base, pool) : NULL;
    return bare && is_there(thumbnail, apr_pstrcat(pool, bare, ".jpg", NULL), &query->source, pool)
           && !iiif_has_namesake(query->path, pool);
}

static apr_uint64_t distance(apr_uint64_t a, apr_uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* One pixel of either side is a matter of rounding. */
static int is_in_proportion(iiif_dims_t dims, iiif_dims_t full)
{
    const apr_uint64_t longer = full.width > full.height ? full.width : full.height;

    return distance((apr_uint64_t)dims.width * full.height, (apr_uint64_t)dims.height * full.width)
           <= longer;
}

static apr_status_t judge(const iiif_image_size_t *is, iiif_dims_t full, iiif_dims_t size,
                          iiif_err_t *err)
{
    if (is->format != IIIF_FORMAT_JPG)
        return iiif_fail(err, IIIF_EBADSOURCE, "it is no JPEG");
    if (!is_in_proportion(is->dims, full))
        return iiif_fail(err, IIIF_EBADSOURCE, "it is of %ux%u, not of the proportions of %ux%u",
                         is->dims.width, is->dims.height, full.width, full.height);
    return iiif_dims_equal(is->dims, size)
               ? APR_SUCCESS
               : iiif_fail(err, IIIF_ENOTFOUND, "the thumbnail is of another size");
}

apr_status_t iiif_thumbnail_find(iiif_thumbnail_t *thumbnail, const iiif_stored_query_t *query,
                                 iiif_dims_t size, iiif_err_t *err, apr_pool_t *pool)
{
    iiif_image_size_t is;
    apr_status_t rv;

    if (!look(thumbnail, query, pool))
        return iiif_fail(err, IIIF_ENOTFOUND, "there is no thumbnail");
    if (thumbnail->finfo.mtime < query->source.mtime)
        return iiif_fail(err, IIIF_EBADSOURCE, "it is older than the image");
    rv = iiif_image_size_read(&is, thumbnail->path, err, pool);
    if (rv == IIIF_EBADSOURCE && thumbnail->finfo.size > 0)
        return rv;
    if (rv != APR_SUCCESS || !is.ended)
        return iiif_fail(err, IIIF_ENOTFOUND, "the thumbnail is not complete");
    return judge(&is, query->full, size, err);
}
