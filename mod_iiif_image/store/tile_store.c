/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tile_store.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <string.h>

#include "base/path.h"
#include "iiif/number.h"
#include "store/description.h"
#include "store/namesake.h"

#include "base/banned.h"

#define DESCRIPTION_MAX 1048576 /* bytes; real ones have some hundred */
#define BASES           2       /* NAME with the source's extension, and without */
#define SLOTS_MIN       64
#define SLOTS_MAX       65536 /* 256 KB; of more tiles, some are checked more than once */

/* clang-format off */
/* What is looked for, in the order of preference. */
static const struct {
    const char *suffix; /* behind NAME */
    iiif_stored_kind_e kind;
    const char *tiles;  /* behind NAME: where the tiles lie */
    iiif_description_fn *parse;
} candidates[] = {
    { ".dzi",                       IIIF_STORED_DEEPZOOM, "_files", iiif_description_dzi },
    { ".js",                        IIIF_STORED_DEEPZOOM, "_files", iiif_description_dzi_js },
    { "_zdata/ImageProperties.xml", IIIF_STORED_ZOOMIFY,  "_zdata", iiif_description_zoomify },
    { "/ImageProperties.xml",       IIIF_STORED_ZOOMIFY,  "",       iiif_description_zoomify },
    { "/info.json",                 IIIF_STORED_LEVEL0,   "",       iiif_description_info },
    { ".tif",                       IIIF_STORED_PYRAMID,  NULL,     NULL },
    { ".jp2",                       IIIF_STORED_PYRAMID,  NULL,     NULL },
};
/* clang-format on */

#define CANDIDATES ((int)(sizeof(candidates) / sizeof(candidates[0])))

/* What one look at the directory saw. */
typedef struct look_t {
    const char *bases[BASES]; /* paths without suffix; NULL: there is no second */
    iiif_stamp_t seen[BASES][sizeof(candidates) / sizeof(candidates[0])]; /* zeros: absent */
} look_t;

/* What the lru holds. All of it is read-only but what these two point to, which any thread may
 * change while others read: `looked`, and `checked` of each set. They are touched by atomics alone.
 */
typedef struct remembered_t {
    iiif_stored_set_t set;
    look_t look;
    apr_time_t *looked; /* when the directory was last looked at */
} remembered_t;

/* -- looking --------------------------------------------------------------------------------- */

static int is_absent(const iiif_stamp_t *stamp)
{
    static const iiif_stamp_t absent;

    return iiif_stamp_equal(stamp, &absent);
}

/* The store may be the directory of the images: what is the source itself, is no tile of it. */
static iiif_stamp_t stamp_at(const char *path, const iiif_stamp_t *source, apr_pool_t *pool)
{
    iiif_stamp_t stamp = { .mtime = 0 };
    apr_finfo_t finfo;

    if (apr_stat(&finfo, path, IIIF_STAMP_WANTED, pool) == APR_SUCCESS && finfo.filetype == APR_REG
        && (finfo.inode != source->inode || finfo.device != source->device))
        stamp = iiif_stamp_of(&finfo);
    return stamp;
}

static void look_around(look_t *look, const char *path, const iiif_stored_query_t *query,
                        apr_pool_t *pool)
{
    int b, c, found[BASES] = { 0 };

    memset(look, 0, sizeof(*look));
    look->bases[0] = path;
    if (iiif_is_own_name(query->name, query->path))
        look->bases[1] = iiif_without_extension(path, pool);
    for (b = 0; b < BASES && look->bases[b]; ++b) {
        for (c = 0; c < CANDIDATES; ++c) {
            look->seen[b][c] =
                stamp_at(apr_pstrcat(pool, look->bases[b], candidates[c].suffix, NULL),
                         &query->source, pool);
            found[b] |= !is_absent(&look->seen[b][c]);
        }
    }
    if (found[1] && iiif_has_namesake(query->path, pool))
        look->bases[1] = NULL;
}

static int saw_the_same(const look_t *a, const look_t *b)
{
    int i, c;

    for (i = 0; i < BASES; ++i) {
        if (!a->bases[i] != !b->bases[i])
            return 0;
        for (c = 0; c < CANDIDATES; ++c) {
            if (!iiif_stamp_equal(&a->seen[i][c], &b->seen[i][c]))
                return 0;
        }
    }
    return 1;
}

/* -- judging --------------------------------------------------------------------------------- */

/* What judging needs. Descriptions are read in a pool of their own: a parsed one may be many times
 * as large as what is remembered of it. */
typedef struct judge_t {
    const iiif_stored_query_t *query;
    apr_pool_t *owner;   /* of what is remembered */
    apr_pool_t *scratch; /* of the request */
} judge_t;

/* At most @a size bytes of a file, NUL-terminated. */
static apr_status_t read_file(char **text, apr_size_t *len, const iiif_stored_t *stored,
                              iiif_err_t *err, apr_pool_t *pool)
{
    apr_size_t size = (apr_size_t)stored->stamp.size;
    apr_file_t *file;
    apr_status_t rv;
    char reason[120];

    *len = 0;
    *text = apr_pcalloc(pool, size + 1);
    rv = apr_file_open(&file, stored->path, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT, pool);
    if (rv == APR_SUCCESS) {
        rv = apr_file_read_full(file, *text, size, len);
        apr_file_close(file);
    }
    if (rv != APR_SUCCESS && !APR_STATUS_IS_EOF(rv))
        return iiif_fail(err, rv, "it cannot be read: %s",
                         apr_strerror(rv, reason, sizeof(reason)));
    return APR_SUCCESS;
}

static apr_status_t read_description(iiif_description_t *description, iiif_description_fn *parse,
                                     const iiif_stored_t *stored, iiif_err_t *err, apr_pool_t *pool)
{
    apr_size_t len;
    apr_status_t rv;
    char *text;

    if (stored->stamp.size > DESCRIPTION_MAX)
        return iiif_fail(err, IIIF_EBADSOURCE, "it is larger than 1 MB");
    rv = read_file(&text, &len, stored, err, pool);
    return rv == APR_SUCCESS ? parse(description, text, len, err, pool) : rv;
}

/* Room for twice as many marks as tiles at full size; with those of smaller levels they are a
 * third more. */
static void make_slots(iiif_stored_t *stored, apr_pool_t *pool)
{
    apr_uint64_t columns, rows;

    columns = ((apr_uint64_t)stored->full.width + stored->tile.width - 1) / stored->tile.width;
    rows = ((apr_uint64_t)stored->full.height + stored->tile.height - 1) / stored->tile.height;
    stored->slots = SLOTS_MIN;
    while (stored->slots < SLOTS_MAX && stored->slots < 2 * columns * rows)
        stored->slots *= 2;
    stored->checked = apr_pcalloc(pool, stored->slots * sizeof(*stored->checked));
}

static apr_status_t take_description(iiif_stored_t *stored, const iiif_description_t *description,
                                     iiif_dims_t full, iiif_err_t *err, apr_pool_t *owner)
{
    if (!iiif_dims_equal(description->full, full))
        return iiif_fail(err, IIIF_EBADSOURCE, "it is of %ux%u, the image of %ux%u",
                         description->full.width, description->full.height, full.width,
                         full.height);
    if (stored->kind == IIIF_STORED_ZOOMIFY
        && !iiif_zoomify_by_count(&stored->zoomify, full, description->tile.width,
                                  description->tile_count))
        return iiif_fail(err, IIIF_EBADSOURCE,
                         "%" APR_UINT64_T_FMT " tiles of %u pixels are no pyramid of %ux%u",
                         description->tile_count, description->tile.width, full.width, full.height);
    if (stored->kind == IIIF_STORED_DEEPZOOM)
        stored->deepzoom = (iiif_deepzoom_t){ full, description->tile.width, description->overlap,
                                              apr_pstrdup(owner, description->extension) };
    stored->full = full;
    stored->tile = description->tile;
    stored->format = description->format;
    stored->version = description->version;
    make_slots(stored, owner);
    return APR_SUCCESS;
}

/* One candidate that is there: completed, or why it is not used. */
static apr_status_t judge(iiif_stored_t *stored, int candidate, const judge_t *by, iiif_err_t *err)
{
    iiif_description_t description;
    apr_pool_t *scratch;
    apr_status_t rv;

    if (stored->stamp.mtime < by->query->source.mtime)
        return iiif_fail(err, IIIF_EBADSOURCE, "it is older than the image");
    if (!stored->stamp.size)
        return iiif_fail(err, IIIF_EBADSOURCE, "it is empty");
    if ((rv = apr_pool_create(&scratch, by->scratch)) != APR_SUCCESS)
        return iiif_fail(err, rv, "memory is short");
    if (stored->kind != IIIF_STORED_PYRAMID)
        rv = read_description(&description, candidates[candidate].parse, stored, err, scratch);
    if (rv == APR_SUCCESS && stored->kind != IIIF_STORED_PYRAMID)
        rv = take_description(stored, &description, by->query->full, err, by->owner);
    if (rv == APR_SUCCESS && by->query->check)
        rv = by->query->check(stored, by->query->original, err, scratch);
    apr_pool_destroy(scratch);
    return rv;
}

static void refuse(iiif_stored_set_t *set, const iiif_stored_t *stored, const char *reason,
                   apr_pool_t *owner)
{
    if (set->refused_count == IIIF_STORED_MAX)
        return;
    set->refused[set->refused_count].path = stored->path;
    set->refused[set->refused_count].reason = apr_pstrdup(owner, reason);
    set->refused[set->refused_count].stamp = stored->stamp;
    ++set->refused_count;
}

/* A .js beside a .dzi that is used describes the same tiles again. */
static int is_known(const iiif_stored_set_t *set, const iiif_stored_t *stored)
{
    const iiif_stored_t *last = set->count ? &set->sets[set->count - 1] : NULL;

    return last && last->tiles && stored->tiles && last->kind == stored->kind
           && !strcmp(last->tiles, stored->tiles);
}

static void consider(remembered_t *remembered, int base, int candidate, const judge_t *by)
{
    const char *name = remembered->look.bases[base], *tiles = candidates[candidate].tiles;
    iiif_stored_set_t *set = &remembered->set;
    iiif_stored_t stored = { .kind = candidates[candidate].kind };
    iiif_err_t err;

    stored.stamp = remembered->look.seen[base][candidate];
    stored.path = apr_pstrcat(by->owner, name, candidates[candidate].suffix, NULL);
    stored.tiles = tiles ? apr_pstrcat(by->owner, name, tiles, NULL) : NULL;
    if (set->count == IIIF_STORED_MAX || is_known(set, &stored))
        return;
    if (judge(&stored, candidate, by, &err) == APR_SUCCESS)
        set->sets[set->count++] = stored;
    else
        refuse(set, &stored, err.text, by->owner);
}

static remembered_t *judge_all(const look_t *look, const judge_t *by)
{
    remembered_t *remembered = apr_pcalloc(by->owner, sizeof(*remembered));
    int b, c;

    remembered->set.source = by->query->source.mtime;
    remembered->look = *look;
    remembered->looked = apr_palloc(by->owner, sizeof(*remembered->looked));
    *remembered->looked = apr_time_now();
    for (b = 0; b < BASES && look->bases[b]; ++b) {
        remembered->look.bases[b] = apr_pstrdup(by->owner, look->bases[b]);
        for (c = 0; c < CANDIDATES; ++c) {
            if (!is_absent(&look->seen[b][c]))
                consider(remembered, b, c, by);
        }
    }
    return remembered;
}

/* -- remembering ----------------------------------------------------------------------------- */

/* Bytes, roughly: the struct, the marks, and what pools and strings take. */
static apr_size_t weight_of(const iiif_stored_set_t *set)
{
    apr_size_t bytes = sizeof(remembered_t) + 8192;
    int i;

    for (i = 0; i < set->count; ++i)
        bytes += set->sets[i].slots * sizeof(*set->sets[i].checked);
    return bytes;
}

/* Has the directory been looked at within IIIF_STORED_SECONDS? Of several threads that find it has
 * not, one is told so and looks; the others go on with what is remembered. */
static int is_fresh(const remembered_t *remembered)
{
    apr_time_t now = apr_time_now();
    apr_time_t looked = __atomic_load_n(remembered->looked, __ATOMIC_RELAXED);

    if (now >= looked && now - looked < apr_time_from_sec(IIIF_STORED_SECONDS))
        return 1;
    return !__atomic_compare_exchange_n(remembered->looked, &looked, now, 0, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED);
}

static const iiif_stored_set_t *remember(iiif_lru_t *lru, const char *key, const look_t *look,
                                         const iiif_stored_query_t *query, apr_pool_t *pool)
{
    apr_pool_t *owner = iiif_lru_pool();
    judge_t by = { query, owner ? owner : pool, pool };
    const remembered_t *remembered = judge_all(look, &by);

    if (owner) {
        const iiif_lru_value_t value = { .value = remembered,
                                         .bytes = weight_of(&remembered->set),
                                         .owner = owner };

        iiif_lru_put(lru, key, &query->source, &value, pool);
    }
    return &remembered->set;
}

const iiif_stored_set_t *iiif_stored_find(iiif_lru_t *lru, const iiif_stored_query_t *query,
                                          apr_pool_t *pool)
{
    static const iiif_stored_set_t nothing;
    const remembered_t *remembered;
    /* the pages of one file may differ in size */
    const apr_uint64_t sides[] = { query->full.width, query->full.height };
    const char *place = apr_pstrcat(pool, query->directory, "/", query->name, NULL);
    const char *key = iiif_number_fill(place, "\n#x#", sides, pool), *path;
    look_t look;

    remembered = iiif_lru_get(lru, key, &query->source, pool);
    if (remembered && is_fresh(remembered))
        return &remembered->set;
    if (iiif_path_join(&path, query->directory, query->name, NULL, pool) != APR_SUCCESS)
        return &nothing;
    look_around(&look, path, query, pool);
    if (remembered && saw_the_same(&look, &remembered->look))
        return &remembered->set;
    return remember(lru, key, &look, query, pool);
}

const iiif_stored_t *iiif_stored_of_kind(const iiif_stored_set_t *set, iiif_stored_kind_e kind)
{
    int i;

    for (i = 0; i < set->count; ++i) {
        if (set->sets[i].kind == kind)
            return &set->sets[i];
    }
    return NULL;
}
