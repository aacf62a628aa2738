/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tile_store.h"

#include <apr_strings.h>
#include <string.h>

#include "iiif/number.h"
#include "store/image_size.h"

#include "base/banned.h"

/* -- a tile whose header was right is not opened again --------------------------------------- */

/* One content of one file, at the size it has to have: a file of a IIIF tree that is called "w,"
 * may be asked for at two heights. A tile that is replaced has another mark. */
static apr_uint64_t mark_of(const char *path, const apr_finfo_t *finfo, iiif_dims_t size)
{
    const iiif_stamp_t stamp = iiif_stamp_of(finfo);
    const apr_uint64_t hash = iiif_stamp_hash(iiif_hash_text(IIIF_HASH_EMPTY, path), &stamp);

    return iiif_hash(hash, &size, sizeof(size));
}

/* The low bits of a mark choose one line of slots, the high ones are kept in any slot of it; 0 is
 * an empty slot. */
static apr_uint32_t *line_of(const iiif_stored_t *stored, apr_uint64_t mark)
{
    return stored->checked + (mark & (stored->slots - 1)) / IIIF_STORED_LINE * IIIF_STORED_LINE;
}

static apr_uint32_t kept(apr_uint64_t mark)
{
    return (apr_uint32_t)(mark >> 32) | 1;
}

static int was_right(const iiif_stored_t *stored, apr_uint64_t mark)
{
    const apr_uint32_t *line = line_of(stored, mark);
    int i;

    for (i = 0; i < IIIF_STORED_LINE; ++i) {
        if (__atomic_load_n(&line[i], __ATOMIC_RELAXED) == kept(mark))
            return 1;
    }
    return 0;
}

static void note_right(const iiif_stored_t *stored, apr_uint64_t mark)
{
    apr_uint32_t *line = line_of(stored, mark);
    int i = 0;

    while (i < IIIF_STORED_LINE && __atomic_load_n(&line[i], __ATOMIC_RELAXED))
        ++i;
    if (i == IIIF_STORED_LINE)
        i = (int)(mark >> 33) % IIIF_STORED_LINE;
    __atomic_store_n(&line[i], kept(mark), __ATOMIC_RELAXED);
}

static int is_right(const iiif_stored_t *stored, const char *path, const apr_finfo_t *finfo,
                    const iiif_stored_want_t *want, apr_pool_t *pool)
{
    apr_uint64_t mark = mark_of(path + strlen(stored->tiles), finfo, want->size);
    iiif_image_size_t is;

    if (was_right(stored, mark))
        return 1;
    if (iiif_image_size_read(&is, path, NULL, pool) != APR_SUCCESS || !is.ended
        || is.format != want->format || is.dims.width != want->size.width
        || is.dims.height != want->size.height)
        return 0;
    note_right(stored, mark);
    return 1;
}

/* @a path, if that file is what is wanted; else NULL. */
static const char *only_if_right(apr_finfo_t *finfo, const char *path, const iiif_stored_t *stored,
                                 const iiif_stored_want_t *want, apr_pool_t *pool)
{
    if (apr_stat(finfo, path, APR_FINFO_MIN | APR_FINFO_IDENT, pool) != APR_SUCCESS
        || finfo->filetype != APR_REG || finfo->size <= 0
        || !is_right(stored, path, finfo, want, pool))
        return NULL;
    return path;
}

/* -- where a tile lies, for each kind -------------------------------------------------------- */

static const char *deepzoom_tile(apr_finfo_t *finfo, const iiif_stored_t *stored,
                                 const iiif_stored_want_t *want, apr_pool_t *pool)
{
    iiif_deepzoom_tile_t tile;
    apr_uint64_t numbers[3];

    if (want->format != stored->format
        || !iiif_deepzoom_find(&tile, &stored->deepzoom, want->region, want->size))
        return NULL;
    numbers[0] = tile.level;
    numbers[1] = tile.column;
    numbers[2] = tile.row;
    return only_if_right(finfo,
                         apr_pstrcat(pool,
                                     iiif_number_fill(stored->tiles, "/#/#_#.", numbers, pool),
                                     stored->deepzoom.format, NULL),
                         stored, want, pool);
}

static const char *zoomify_tile(apr_finfo_t *finfo, const iiif_stored_t *stored,
                                const iiif_stored_want_t *want, apr_pool_t *pool)
{
    iiif_zoomify_tile_t tile;
    apr_uint64_t numbers[4];

    if (want->format != stored->format
        || !iiif_zoomify_find(&tile, &stored->zoomify, want->region, want->size))
        return NULL;
    numbers[0] = tile.group;
    numbers[1] = tile.level;
    numbers[2] = tile.column;
    numbers[3] = tile.row;
    return only_if_right(finfo,
                         iiif_number_fill(stored->tiles, "/TileGroup#/#-#-#.jpg", numbers, pool),
                         stored, want, pool);
}

/* How trees spell a size, likeliest first: the canonical forms of 3.0 and of 2.1, and what libvips
 * writes. The last is for a region at its own size. */
#define SPELLINGS 3

static int spell_sizes(const char *sizes[SPELLINGS], const iiif_stored_t *stored,
                       const iiif_stored_want_t *want, apr_pool_t *pool)
{
    const apr_uint64_t sides[] = { want->size.width, want->size.height };
    int v3 = stored->version == IIIF_VERSION_3;

    sizes[!v3] = iiif_number_fill("", "#,#", sides, pool);
    sizes[v3] = iiif_number_fill("", "#,", sides, pool);
    sizes[2] = v3 ? "max" : "full";
    return want->region.width == want->size.width && want->region.height == want->size.height ? 3
                                                                                              : 2;
}

static const char *level0_region(apr_finfo_t *finfo, const char *region,
                                 const iiif_stored_t *stored, const iiif_stored_want_t *want,
                                 apr_pool_t *pool)
{
    const char *sizes[SPELLINGS], *path = NULL;
    int i, count = spell_sizes(sizes, stored, want, pool);

    for (i = 0; i < count && !path; ++i)
        path = only_if_right(finfo,
                             apr_pstrcat(pool, stored->tiles, region, "/", sizes[i], "/0/default.",
                                         iiif_format(want->format)->extension, NULL),
                             stored, want, pool);
    return path;
}

static const char *level0_tile(apr_finfo_t *finfo, const iiif_stored_t *stored,
                               const iiif_stored_want_t *want, apr_pool_t *pool)
{
    const iiif_rect_t *r = &want->region;
    const apr_uint64_t numbers[] = { r->x, r->y, r->width, r->height };
    const char *path;

    /* what cannot be checked is not even looked for */
    if (!(IIIF_IMAGE_SIZE_FORMATS & 1u << want->format))
        return NULL;
    path =
        level0_region(finfo, iiif_number_fill("/", "#,#,#,#", numbers, pool), stored, want, pool);
    if (!path && !r->x && !r->y && r->width == stored->full.width
        && r->height == stored->full.height)
        path = level0_region(finfo, "/full", stored, want, pool);
    return path;
}

/* -- by kind --------------------------------------------------------------------------------- */

static const char *tile_of(apr_finfo_t *finfo, const iiif_stored_t *stored,
                           const iiif_stored_want_t *want, apr_pool_t *pool)
{
    switch (stored->kind) {
    case IIIF_STORED_DEEPZOOM: return deepzoom_tile(finfo, stored, want, pool);
    case IIIF_STORED_ZOOMIFY: return zoomify_tile(finfo, stored, want, pool);
    case IIIF_STORED_LEVEL0: return level0_tile(finfo, stored, want, pool);
    case IIIF_STORED_PYRAMID: return NULL;
    }
    return NULL; /* not reached: -Wswitch-enum sees a new kind */
}

const char *iiif_stored_tile(apr_finfo_t *finfo, const iiif_stored_set_t *set,
                             const iiif_stored_want_t *want, apr_pool_t *pool)
{
    const char *path = NULL;
    int i;

    for (i = 0; i < set->count && !path; ++i) {
        path = tile_of(finfo, &set->sets[i], want, pool);
        if (path && finfo->mtime < set->source) /* left over from another image */
            path = NULL;
    }
    return path;
}
