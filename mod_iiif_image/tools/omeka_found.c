/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/omeka_found.h"

#include <apr_file_info.h>
#include <apr_strings.h>
#include <string.h>

#include "base/path.h"
#include "image/source.h"
#include "tools/finding.h"
#include "tools/omeka_entry.h"

#include "base/banned.h"

#define NATIVE_TILE 256 /* what Image Server takes for the tile of a TIFF or JPEG 2000 */

/* In the order in which Image Server looks for them. */
static const struct {
    const char *type;
    const char *metadata; /* behind the storage id; NULL: the file is all */
    const char *media;    /* likewise: directory or file */
    const char *format;   /* of tiles; NULL: the description says it */
} layouts[] = {
    { "deepzoom", ".dzi", "_files", NULL },
    { "deepzoom", ".js", "_files", NULL },
    { "zoomify", "_zdata/ImageProperties.xml", "_zdata", "jpg" },
    { "jpeg2000", NULL, ".jp2", "jp2" },
    { "tiled_tiff", NULL, ".tif", "tif" },
};
#define LAYOUTS (sizeof(layouts) / sizeof(layouts[0]))

const char *iiifctl_omeka_type_of(apr_size_t *length, const char *path)
{
    const apr_size_t len = strlen(path);
    unsigned i;

    for (i = 0; i < LAYOUTS; ++i) {
        const char *end = layouts[i].metadata ? layouts[i].metadata : layouts[i].media;
        const apr_size_t end_len = strlen(end);

        if (len > end_len && !strcmp(path + len - end_len, end)) {
            *length = len - end_len;
            return layouts[i].type;
        }
    }
    return NULL;
}

const char *iiifctl_omeka_format_of(const char *type)
{
    static const struct {
        const char *type, *format;
    } types[] = {
        { "deepzoom", "deepzoom" },
        { "zoomify", "zoomify" },
        { "jpeg2000", "jp2" },
        { "tiled_tiff", "tiff" },
    };
    unsigned i;

    for (i = 0; i < sizeof(types) / sizeof(types[0]); ++i) {
        if (!strcmp(types[i].type, type))
            return types[i].format;
    }
    return NULL;
}

static int is_there(const char *path, apr_pool_t *pool)
{
    apr_finfo_t finfo;

    return apr_stat(&finfo, path, APR_FINFO_TYPE, pool) == APR_SUCCESS;
}

/* Upright. @return 0: it cannot be read */
static int read_size(iiif_dims_t *size, const char *directory, const char *name, apr_pool_t *pool)
{
    const iiif_source_rules_t rules = { IIIF_SOURCE_FORMATS_DEFAULT, 0, NULL };
    const char *path;
    iiif_source_t *source;

    if (iiif_path_join(&path, directory, name, NULL, pool) != APR_SUCCESS
        || iiif_source_open(&source, path, 1, &rules, NULL, pool) != APR_SUCCESS)
        return 0;
    *size = source->full;
    return 1;
}

/* -- tiles --------------------------------------------------------------------------------------
 */

static int describe(iiifctl_entry_t *entry, const char *path, apr_pool_t *pool)
{
    iiif_description_t description = { .version = IIIF_VERSION_NONE };

    if (iiifctl_description_read(&description, path, NULL, pool) != APR_SUCCESS)
        return 0;
    entry->source = description.full;
    entry->size = description.tile.width;
    entry->overlap = description.overlap;
    entry->total = description.tile_count;
    if (!entry->format)
        entry->format = description.extension;
    return 1;
}

/* Image Server notes the original's size. */
static int measure(iiifctl_entry_t *entry, const iiifctl_omeka_t *omeka,
                   const iiifctl_media_t *media, apr_pool_t *pool)
{
    entry->size = NATIVE_TILE;
    return read_size(&entry->source, omeka->originals, media->name, pool);
}

static const char *below(const iiifctl_omeka_t *omeka, const char *name, apr_pool_t *pool)
{
    return apr_pstrcat(pool, omeka->tiles, "/", name, NULL);
}

static int find(iiifctl_entry_t *entry, unsigned layout, const iiifctl_omeka_t *omeka,
                const iiifctl_media_t *media, apr_pool_t *pool)
{
    const char *metadata = layouts[layout].metadata;

    entry->type = layouts[layout].type;
    entry->format = layouts[layout].format;
    entry->media = apr_pstrcat(pool, media->storage_id, layouts[layout].media, NULL);
    entry->metadata = metadata ? apr_pstrcat(pool, media->storage_id, metadata, NULL) : NULL;
    if (!is_there(below(omeka, entry->media, pool), pool))
        return 0;
    return metadata ? describe(entry, below(omeka, entry->metadata, pool), pool)
                    : measure(entry, omeka, media, pool);
}

cJSON *iiifctl_omeka_tiles(const iiifctl_omeka_t *omeka, const iiifctl_media_t *media,
                           const char *url_base, apr_pool_t *pool)
{
    cJSON *tiles = cJSON_CreateObject();
    const char *unused;
    unsigned i;

    if (iiif_path_join(&unused, omeka->tiles, media->storage_id, NULL, pool) != APR_SUCCESS)
        return tiles;
    for (i = 0; i < LAYOUTS; ++i) {
        iiifctl_entry_t entry = { .path_base = omeka->tiles, .url_base = url_base };

        if (find(&entry, i, omeka, media, pool))
            iiifctl_entry_add(tiles, &entry);
    }
    return tiles;
}

int iiifctl_omeka_has_tiles(const iiifctl_omeka_t *omeka, const char *storage_id, const char *type,
                            apr_pool_t *pool)
{
    unsigned i;

    for (i = 0; i < LAYOUTS; ++i) {
        const char *metadata = layouts[i].metadata ? layouts[i].metadata : layouts[i].media;

        if (!strcmp(layouts[i].type, type)
            && is_there(apr_pstrcat(pool, omeka->tiles, "/", storage_id, metadata, NULL), pool)
            && is_there(apr_pstrcat(pool, omeka->tiles, "/", storage_id, layouts[i].media, NULL),
                        pool))
            return 1;
    }
    return 0;
}

apr_status_t iiifctl_omeka_tiled_size(iiif_dims_t *size, const char *path, iiif_err_t *err,
                                      apr_pool_t *pool)
{
    const iiif_source_rules_t rules = { 1u << IIIF_SOURCE_TIFF | 1u << IIIF_SOURCE_JP2, 0, NULL };
    iiif_description_t description = { .version = IIIF_VERSION_NONE };
    iiif_source_t *pyramid;
    apr_status_t rv;

    if (iiifctl_is_description(path)) {
        rv = iiifctl_description_read(&description, path, err, pool);
        *size = description.full;
        return rv;
    }
    rv = iiif_source_open(&pyramid, path, 1, &rules, err, pool);
    if (rv != APR_SUCCESS)
        return rv;
    if (pyramid->format == IIIF_SOURCE_TIFF && !pyramid->tile.width)
        return iiif_fail(err, IIIF_EBADSOURCE, "it has no tiles");
    *size = pyramid->full;
    return rv;
}

/* -- sizes --------------------------------------------------------------------------------------
 */

cJSON *iiifctl_omeka_dimensions(const iiifctl_omeka_t *omeka, const iiifctl_media_t *media,
                                apr_pool_t *pool)
{
    static const char *const thumbnails[] = { "large", "medium", "square" };
    const char *name = apr_pstrcat(pool, media->storage_id, ".jpg", NULL);
    cJSON *dimensions = cJSON_CreateObject();
    iiif_dims_t size;
    unsigned i;

    if (read_size(&size, omeka->originals, media->name, pool))
        iiifctl_entry_add_size(dimensions, "original", size);
    for (i = 0; i < sizeof(thumbnails) / sizeof(thumbnails[0]); ++i) {
        const char *directory = apr_pstrcat(pool, omeka->files, "/", thumbnails[i], NULL);

        if (read_size(&size, directory, name, pool))
            iiifctl_entry_add_size(dimensions, thumbnails[i], size);
    }
    return dimensions;
}
