/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <string.h>

#include "image/pixels_check.h"
#include "image/raw_tile.h"
#include "plan/upright.h"
#include "resolve/resolver.h"
#include "tools/finding.h"
#include "tools/tree.h"

#include "base/banned.h"

apr_status_t iiifctl_original_find(iiif_stored_query_t *query, const char *path, const char *suffix,
                                   const char *store, const char *sources, iiif_err_t *err,
                                   apr_pool_t *pool)
{
    const iiif_resolve_rules_t rules = { .root = sources, .formats = IIIF_SOURCE_FORMATS_DEFAULT };
    const iiif_source_rules_t open = { IIIF_SOURCE_FORMATS_DEFAULT, 0, NULL };
    const apr_size_t begin = strcmp(store, "/") != 0 ? strlen(store) + 1 : 1;
    const char *name = apr_pstrmemdup(pool, path + begin, strlen(path) - begin - strlen(suffix));
    iiif_source_ref_t ref;
    iiif_source_t *source;
    apr_status_t rv = iiif_resolver_filesystem.resolve(&ref, name, &rules, err, pool);

    if (rv != APR_SUCCESS)
        return iiif_fail(err, rv, "orphaned: %s has no image of that name", sources);
    if ((rv = iiif_source_open(&source, ref.path, 1, &open, err, pool)) != APR_SUCCESS)
        return rv;
    *query = (iiif_stored_query_t){ store,         ref.name,     ref.path,
                                    source->stamp, source->full, iiif_stored_upright,
                                    source };
    return APR_SUCCESS;
}

static void find_wrong(iiifctl_finding_t *finding, const char *reason)
{
    if (!finding->reason)
        finding->reason = reason;
}

/* Places of raw tiles: outside the file, or nowhere, which means zeros. */
static void look_at_places(iiifctl_finding_t *finding, const iiif_raw_level_t *raw)
{
    apr_uint32_t i;

    for (i = 0; i < raw->columns * raw->rows; ++i) {
        ++finding->tiles;
        if (!raw->offsets[i])
            ++finding->sparse;
        else
            finding->wrong += !raw->lengths[i];
    }
    if (finding->wrong)
        find_wrong(finding, "tiles lie outside the file: it is cut short");
}

/* Is each what its directory says? */
static void look_at_headers(iiifctl_finding_t *finding, const iiif_source_t *source,
                            const iiif_raw_level_t *raw, apr_pool_t *pool)
{
    iiif_raw_tile_t tile = { .level = raw };
    iiif_err_t err;

    for (; tile.index < raw->columns * raw->rows; ++tile.index) {
        iiif_bytes_t bytes = { NULL, 0 };

        if (raw->lengths[tile.index]
            && iiif_raw_tile_read(&bytes, &tile, source, &err) != APR_SUCCESS) {
            ++finding->wrong;
            find_wrong(finding, apr_pstrdup(pool, err.text));
        }
        iiif_bytes_free(bytes.data);
    }
}

static void look_at_level(iiifctl_finding_t *finding, const iiif_source_t *source, int number,
                          const iiifctl_check_t *check, apr_pool_t *pool)
{
    const iiif_level_t *level = &source->levels[number];
    iiif_err_t err;

    if (level->raw)
        look_at_places(finding, level->raw);
    else if (check->raw)
        find_wrong(finding, apr_psprintf(pool, "level %d: %s", number, level->blocked));
    if (!check->tiles || finding->reason)
        return;
    if (level->raw)
        look_at_headers(finding, source, level->raw, pool);
    if (iiif_level_check(source, level, &err) != APR_SUCCESS)
        find_wrong(finding, apr_psprintf(pool, "level %d: %s", number, err.text));
}

/* As a pyramid in a tile store: is it of the original that is there now? */
static void compare(iiifctl_finding_t *finding, const iiif_source_t *source, const char *store,
                    const char *sources, apr_pool_t *pool)
{
    const char *suffix = strrchr(source->path, '.');
    const iiif_stored_t stored = { .kind = IIIF_STORED_PYRAMID,
                                   .path = source->path,
                                   .full = source->full };
    iiif_stored_query_t query = { .directory = NULL };
    iiif_err_t err;

    if (iiifctl_original_find(&query, source->path, suffix ? suffix : "", store, sources, &err,
                              pool)
        != APR_SUCCESS)
        find_wrong(finding, apr_pstrdup(pool, err.text));
    else if (!iiif_dims_equal(query.full, source->full))
        find_wrong(finding, apr_psprintf(pool, "wrong dimensions: the image is of %ux%u",
                                         query.full.width, query.full.height));
    else if (source->stamp.mtime < query.source.mtime)
        find_wrong(finding, "stale: it is older than the image");
    else if (iiif_stored_upright(&stored, query.original, &err, pool) != APR_SUCCESS)
        find_wrong(finding, apr_pstrdup(pool, err.text));
}

/* A file that was cut short may have lost its last directories, and no tile. */
static void look_at_directories(iiifctl_finding_t *finding, const iiif_source_t *source,
                                apr_pool_t *pool)
{
    iiif_err_t err;

    if (source->format == IIIF_SOURCE_TIFF
        && iiif_directories_check(source->path, &err, pool) != APR_SUCCESS)
        find_wrong(finding, apr_pstrdup(pool, err.text));
}

/* Elsewhere, levels may end where their writer liked; in a tile store they go on until one fits a
 * tile. */
static void look_at_end(iiifctl_finding_t *finding, const iiif_source_t *source, apr_pool_t *pool)
{
    apr_uint64_t missing;
    iiif_err_t err;

    if (iiifctl_pyramid_check(source, &missing, &err) != APR_SUCCESS)
        find_wrong(finding, apr_pstrdup(pool, err.text));
}

iiifctl_finding_t iiifctl_check_image(const char *path, const char *store,
                                      const iiifctl_check_t *check, apr_pool_t *pool)
{
    const iiif_source_rules_t rules = { IIIF_SOURCE_FORMATS_DEFAULT, 0, NULL };
    iiifctl_finding_t finding = { .path = path, .kind = "unknown" };
    iiif_source_t *source;
    iiif_err_t err;
    int i;

    if (iiif_source_open(&source, path, 1, &rules, &err, pool) != APR_SUCCESS) {
        finding.reason = apr_pstrdup(pool, err.text);
        return finding;
    }
    finding.kind = iiif_source_format(source->format)->name;
    finding.full = source->full;
    finding.source = source;
    for (i = 0; i < source->level_count; ++i)
        look_at_level(&finding, source, i, check, pool);
    look_at_directories(&finding, source, pool);
    if (check->sources) {
        compare(&finding, source, store, check->sources, pool);
        look_at_end(&finding, source, pool);
    }
    return finding;
}
