/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/target.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/hash.h"
#include "plan/upright.h"
#include "tools/finding.h"
#include "tools/tree.h"
#include "tools/tree_own.h"

#include "base/banned.h"

#define MADE "tiles" /* as image/pyramid.h calls it */

/* clang-format off */
static const iiifctl_format_t formats[] = {
    { "tiff",     IIIF_PYRAMID_TIFF,     IIIF_STORED_PYRAMID,  IIIF_VERSION_NONE, { ".tif" },            { ".tif" },            ".tif",                      256, 85 },
    { "deepzoom", IIIF_PYRAMID_DEEPZOOM, IIIF_STORED_DEEPZOOM, IIIF_VERSION_NONE, { "_files", ".dzi" },  { "_files", ".dzi" },  ".dzi",                      256, 85 },
    { "zoomify",  IIIF_PYRAMID_ZOOMIFY,  IIIF_STORED_ZOOMIFY,  IIIF_VERSION_NONE, { "" },                { "_zdata" },          "_zdata/ImageProperties.xml", 256, 85 },
    { "jp2",      IIIF_PYRAMID_JP2,      IIIF_STORED_PYRAMID,  IIIF_VERSION_NONE, { ".jp2" },            { ".jp2" },            ".jp2",                      512, 48 },
    { "iiif3",    IIIF_PYRAMID_LEVEL0_3, IIIF_STORED_LEVEL0,   IIIF_VERSION_3,    { "" },                { "" },                "/info.json",                512, 85 },
    { "iiif2",    IIIF_PYRAMID_LEVEL0_2, IIIF_STORED_LEVEL0,   IIIF_VERSION_2,    { "" },                { "" },                "/info.json",                512, 85 },
};
/* clang-format on */

const iiifctl_format_t *iiifctl_format_by_name(const char *name)
{
    unsigned i;

    for (i = 0; i < sizeof(formats) / sizeof(formats[0]); ++i) {
        if (!strcmp(formats[i].name, name))
            return &formats[i];
    }
    return NULL;
}

iiifctl_target_t iiifctl_target(const iiifctl_format_t *format, const char *store, const char *name,
                                apr_pool_t *pool)
{
    const char *base = apr_pstrcat(pool, store, "/", name, NULL);
    const char *directory = apr_pstrmemdup(pool, base, (apr_size_t)(strrchr(base, '/') - base));
    const int last = format->made[1] != NULL;
    apr_uint64_t hash = iiif_hash_text(
        IIIF_HASH_EMPTY, apr_pstrcat(pool, strrchr(base, '/'), format->description, NULL));

    return (iiifctl_target_t){ format,
                               store,
                               name,
                               base,
                               apr_pstrcat(pool, base, format->placed[last], NULL),
                               apr_psprintf(pool, "%s/.iiifctl-%016" APR_UINT64_T_HEX_FMT,
                                            directory, hash) };
}

/* -- what is there ------------------------------------------------------------------------------
 */

static const char *path_of(const iiifctl_target_t *target, int i, apr_pool_t *pool)
{
    return apr_pstrcat(pool, target->base, target->format->placed[i], NULL);
}

static const char *made_path(const iiifctl_target_t *target, int i, apr_pool_t *pool)
{
    return apr_pstrcat(pool, target->temporary, "/" MADE, target->format->made[i], NULL);
}

/* @param original to compare with; NULL: that they are its tiles is known */
static const iiif_stored_set_t *find(const char *store, const char *name,
                                     const iiif_source_t *source, const iiif_source_t *original,
                                     apr_pool_t *pool)
{
    static const iiif_stored_set_t nothing;
    const iiif_stored_query_t query = { store,         name,         source->path,
                                        source->stamp, source->full, iiif_stored_upright,
                                        original };
    iiif_lru_t *lru; /* of this look alone: another's work may have appeared within its second */

    if (iiif_lru_create(&lru, 1 << 20, 1, pool) != APR_SUCCESS)
        return &nothing;
    return iiif_stored_find(lru, &query, pool);
}

static const iiif_stored_t *usable(const iiif_stored_set_t *set, const char *path)
{
    int i;

    for (i = 0; i < set->count; ++i) {
        if (!strcmp(set->sets[i].path, path))
            return &set->sets[i];
    }
    return NULL;
}

/* The file at @a path as a source: a pyramid, and of that size? */
static apr_status_t read_pyramid(const iiif_source_t **pyramid, const char *path,
                                 const iiif_source_t *source, iiif_err_t *err, apr_pool_t *pool)
{
    const iiif_source_rules_t rules = { 1u << IIIF_SOURCE_TIFF | 1u << IIIF_SOURCE_JP2, 0, NULL };
    iiif_source_t *opened;
    apr_status_t rv = iiif_source_open(&opened, path, 1, &rules, err, pool);

    if (rv != APR_SUCCESS)
        return rv;
    *pyramid = opened;
    if (!iiif_dims_equal(opened->full, source->full))
        return iiif_fail(err, IIIF_EBADSOURCE, "it is of %ux%u pixels, the image of %ux%u",
                         opened->full.width, opened->full.height, source->full.width,
                         source->full.height);
    return APR_SUCCESS;
}

/* A pyramid is a file of a name that an original could have, too: one with strips is not ours. */
static iiifctl_state_e pyramid_state(const iiifctl_target_t *target, const iiif_source_t *source,
                                     int is_usable, iiif_err_t *reason, apr_pool_t *pool)
{
    const iiif_source_t *pyramid = NULL;
    iiif_err_t said = { "" };
    apr_status_t rv = read_pyramid(&pyramid, target->result, source, &said, pool);

    if (!pyramid) {
        iiif_fail(reason, rv, "%s is in the way, and cannot be read: %.150s", target->result,
                  said.text);
        return IIIFCTL_FOREIGN;
    }
    if ((pyramid->format == IIIF_SOURCE_TIFF) != (target->format->pyramid == IIIF_PYRAMID_TIFF)) {
        iiif_fail(reason, APR_EEXIST, "%s is in the way, and of another format", target->result);
        return IIIFCTL_FOREIGN;
    }
    if (!pyramid->tile.width && target->format->pyramid == IIIF_PYRAMID_TIFF) {
        iiif_fail(reason, APR_EEXIST, "%s is in the way: it is no pyramid, as it has no tiles",
                  target->result);
        return IIIFCTL_FOREIGN;
    }
    if (rv == APR_SUCCESS && is_usable)
        return IIIFCTL_CURRENT;
    iiif_fail(reason, rv, "%s",
              *said.text ? said.text : "it is older than the image, or not turned as it is");
    return IIIFCTL_STALE;
}

static int exists(const char *path)
{
    struct stat found;

    return !lstat(path, &found);
}

static int any_is_there(const iiifctl_target_t *target, apr_pool_t *pool)
{
    return exists(path_of(target, 0, pool))
           || (target->format->made[1] && exists(path_of(target, 1, pool)));
}

/* Is it tiles of an image that is in its place, and nothing of anybody else's among them? The
 * directory of a tree without its description may be anybody's; a "_files" is a killed run's. */
static apr_status_t check_own(const iiifctl_target_t *target, const char *description,
                              iiif_err_t *reason, apr_pool_t *pool)
{
    iiif_description_t unused;
    iiif_err_t said = { "" };
    apr_status_t rv = APR_SUCCESS;

    if (exists(description)) {
        rv = iiifctl_description_read(&unused, description, &said, pool);
        if (rv != APR_SUCCESS)
            return iiif_fail(reason, APR_EEXIST, "%.120s is in the way, and describes no tiles: %s",
                             description, said.text);
    }
    else if (!target->format->made[1])
        return iiif_fail(reason, APR_EEXIST, "%.200s is in the way", target->result);
    rv = iiifctl_tree_own(path_of(target, 0, pool), target->format->kind, &said, pool);
    return rv == APR_SUCCESS
               ? rv
               : iiif_fail(reason, APR_EEXIST, "something is in the way: %s", said.text);
}

static iiifctl_state_e tree_state(const iiifctl_target_t *target, const iiif_stored_t *stored,
                                  const char *description, iiif_err_t *reason, apr_pool_t *pool)
{
    if (stored && stored->version == target->format->version)
        return IIIFCTL_CURRENT;
    if (stored) {
        iiif_fail(reason, APR_EEXIST, "%s is there, of the Image API %d", target->result,
                  (int)stored->version);
        return IIIFCTL_FOREIGN;
    }
    if (check_own(target, description, reason, pool) != APR_SUCCESS)
        return IIIFCTL_FOREIGN;
    iiif_fail(reason, APR_EGENERAL,
              "it is older than the image, of another size, not turned as it is or not whole");
    return IIIFCTL_STALE;
}

iiifctl_state_e iiifctl_target_state(const iiifctl_target_t *target, const iiif_source_t *source,
                                     iiif_err_t *reason, apr_pool_t *pool)
{
    const char *description = apr_pstrcat(pool, target->base, target->format->description, NULL);
    const iiif_stored_t *stored;

    if (!any_is_there(target, pool))
        return IIIFCTL_ABSENT;
    stored = usable(find(target->store, target->name, source, source, pool), description);
    return target->format->kind == IIIF_STORED_PYRAMID
               ? pyramid_state(target, source, stored != NULL, reason, pool)
               : tree_state(target, stored, description, reason, pool);
}

int iiifctl_target_is_source(const iiifctl_target_t *target, const iiif_source_t *source,
                             apr_pool_t *pool)
{
    struct stat found;
    int i, is = 0;

    for (i = 0; i < 2 && target->format->made[i]; ++i)
        is |= !lstat(path_of(target, i, pool), &found) && found.st_ino == source->stamp.inode
              && found.st_dev == source->stamp.device;
    return is;
}

int iiifctl_target_has_rest(const iiifctl_target_t *target)
{
    return exists(target->temporary);
}

/* -- making it there ----------------------------------------------------------------------------
 */

/* Everything below a directory, and itself, directories last; links are not followed. */
static FTS *walk(const char *directory, apr_pool_t *pool)
{
    char *const paths[] = { apr_pstrdup(pool, directory), NULL };

    return fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
}

void iiifctl_target_end(const iiifctl_target_t *target, apr_pool_t *pool)
{
    FTS *fts = walk(target->temporary, pool);
    FTSENT *entry;

    while (fts && (entry = fts_read(fts))) {
        if (entry->fts_info != FTS_D)
            remove(entry->fts_accpath);
    }
    if (fts)
        fts_close(fts);
}

apr_status_t iiifctl_target_begin(const iiifctl_target_t *target, iiif_err_t *err, apr_pool_t *pool)
{
    apr_status_t rv;
    char reason[120];

    iiifctl_target_end(target, pool);
    rv = apr_dir_make_recursive(target->temporary, APR_FPROT_OS_DEFAULT, pool);
    return rv == APR_SUCCESS ? rv
                             : iiif_fail(err, rv, "cannot make %s: %s", target->temporary,
                                         apr_strerror(rv, reason, sizeof(reason)));
}

/* A source may have a time that is yet to come: its tiles must not be older. */
static void touch_all(const iiifctl_target_t *target, apr_time_t mtime, apr_pool_t *pool)
{
    const struct timespec now = { (time_t)(mtime / APR_USEC_PER_SEC),
                                  (long)(mtime % APR_USEC_PER_SEC) * 1000 };
    const struct timespec times[2] = { now, now };
    FTS *fts = walk(target->temporary, pool);
    FTSENT *entry;

    while (fts && (entry = fts_read(fts)))
        utimensat(AT_FDCWD, entry->fts_accpath, times, AT_SYMLINK_NOFOLLOW);
    if (fts)
        fts_close(fts);
}

static apr_status_t verify_pyramid(const iiifctl_target_t *target, const iiif_source_t *source,
                                   iiif_err_t *err, apr_pool_t *pool)
{
    const iiif_source_t *pyramid = NULL;
    apr_uint64_t missing = 0;
    apr_status_t rv = read_pyramid(&pyramid, made_path(target, 0, pool), source, err, pool);

    if (rv == APR_SUCCESS)
        rv = iiifctl_pyramid_check(pyramid, &missing, err);
    if (rv == APR_SUCCESS && missing)
        rv = iiif_fail(err, IIIF_EBADSOURCE, "what was made is not whole (is the disk full?)");
    return rv;
}

static apr_status_t verify_tree(const iiifctl_target_t *target, const iiif_source_t *source,
                                iiif_err_t *err, apr_pool_t *pool)
{
    const iiif_stored_set_t *set = find(target->temporary, MADE, source, NULL, pool);
    iiifctl_tree_t tree = { 0 };
    apr_status_t rv;

    if (set->count != 1)
        return iiif_fail(err, IIIF_EBADSOURCE, "what was made is not usable: %s",
                         set->refused_count ? set->refused[0].reason : "there is no description");
    rv = iiifctl_tree_check(&tree, set, 0, pool);
    if (rv != APR_SUCCESS || tree.wrong)
        return iiif_fail(err, IIIF_EBADSOURCE,
                         "what was made is not whole: tile %s is %s (is the disk full?)",
                         tree.first, tree.reason);
    return APR_SUCCESS;
}

apr_status_t iiifctl_target_verify(const iiifctl_target_t *target, const iiif_source_t *source,
                                   iiif_err_t *err, apr_pool_t *pool)
{
    if (source->stamp.mtime >= apr_time_now() - apr_time_from_sec(2))
        touch_all(target, source->stamp.mtime, pool);
    return target->format->kind == IIIF_STORED_PYRAMID ? verify_pyramid(target, source, err, pool)
                                                       : verify_tree(target, source, err, pool);
}

/* The directory in which it is made may be of another file system than the store; it may have been
 * the first thing that there was no room for. */
int iiifctl_target_is_full(const iiifctl_target_t *target, const iiif_err_t *err)
{
    struct statvfs room;

    if (strstr(err->text, strerror(ENOSPC)) || strstr(err->text, strerror(EDQUOT)))
        return 1;
    if (statvfs(target->temporary, &room) && statvfs(target->store, &room))
        return 0;
    return !room.f_bavail || (room.f_files && !room.f_favail);
}

void iiifctl_target_explain_full(iiif_err_t *err)
{
    const iiif_err_t said = *err;

    iiif_fail(err, APR_ENOSPC, "the disk is full: %.220s", said.text);
}

void iiifctl_target_explain(const iiifctl_target_t *target, iiif_err_t *err)
{
    if (iiifctl_target_is_full(target, err))
        iiifctl_target_explain_full(err);
}

static apr_status_t move(const char *from, const char *to, iiif_err_t *err)
{
    if (!rename(from, to))
        return APR_SUCCESS;
    return iiif_fail(err, APR_FROM_OS_ERROR(errno), "cannot rename %s to %s: %s", from, to,
                     strerror(errno));
}

/* The description goes first. A file is not moved away: renaming replaces it at once. */
static apr_status_t clear_place(const iiifctl_target_t *target, iiif_err_t *err, apr_pool_t *pool)
{
    apr_status_t rv = APR_SUCCESS;
    int i;

    if (target->format->kind == IIIF_STORED_PYRAMID)
        return rv;
    for (i = target->format->made[1] ? 1 : 0; i >= 0 && rv == APR_SUCCESS; --i) {
        if (exists(path_of(target, i, pool)))
            rv = move(path_of(target, i, pool),
                      apr_psprintf(pool, "%s/old-%d", target->temporary, i), err);
    }
    return rv;
}

apr_status_t iiifctl_target_commit(const iiifctl_target_t *target, iiif_err_t *err,
                                   apr_pool_t *pool)
{
    apr_status_t rv = clear_place(target, err, pool);
    int i;

    for (i = 0; rv == APR_SUCCESS && target->format->made[i]; ++i)
        rv = move(made_path(target, i, pool), path_of(target, i, pool), err);
    return rv;
}

/* The description goes last, as the next run finds the set by it; no server uses it any more. */
apr_status_t iiifctl_target_remove(const iiifctl_target_t *target, iiif_err_t *err,
                                   apr_pool_t *pool)
{
    apr_status_t rv = iiifctl_target_begin(target, err, pool);
    int i;

    for (i = 0; i < 2 && target->format->made[i] && rv == APR_SUCCESS; ++i) {
        if (rename(path_of(target, i, pool), apr_psprintf(pool, "%s/old-%d", target->temporary, i))
            && errno != ENOENT)
            rv = iiif_fail(err, APR_FROM_OS_ERROR(errno), "cannot be removed: %s", strerror(errno));
    }
    iiifctl_target_end(target, pool);
    return rv;
}
