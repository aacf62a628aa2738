/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/tree_own.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <errno.h>
#include <fts.h>
#include <string.h>

#include "base/banned.h"

/* What makers of tiles put into a tree: directories end in a slash. "#" stands for a number, "*"
 * for an extension, "@" for a region or size. */
static const struct {
    iiif_stored_kind_e kind;
    const char *path;
} entries[] = {
    { IIIF_STORED_DEEPZOOM, "#/" },
    { IIIF_STORED_DEEPZOOM, "#/#_#.*" },
    { IIIF_STORED_DEEPZOOM, "vips-properties.xml" },
    { IIIF_STORED_ZOOMIFY, "TileGroup#/" },
    { IIIF_STORED_ZOOMIFY, "TileGroup#/#-#-#.*" },
    { IIIF_STORED_ZOOMIFY, "ImageProperties.xml" },
    { IIIF_STORED_ZOOMIFY, "vips-properties.xml" },
    { IIIF_STORED_LEVEL0, "@/" },
    { IIIF_STORED_LEVEL0, "@/@/" },
    { IIIF_STORED_LEVEL0, "@/@/#/" },
    { IIIF_STORED_LEVEL0, "@/@/#/default.*" },
    { IIIF_STORED_LEVEL0, "@/@/#/native.*" },
    { IIIF_STORED_LEVEL0, "info.json" },
    { IIIF_STORED_LEVEL0, "manifest.json" },
    { IIIF_STORED_LEVEL0, "vips-properties.xml" },
};

static apr_size_t place_length(const char *s)
{
    if (!strncmp(s, "full", 4))
        return 4;
    return !strncmp(s, "max", 3) ? 3 : strspn(s, "0123456789,");
}

static apr_size_t extension_length(const char *s)
{
    apr_size_t len = 0;

    while (apr_isalnum(s[len]))
        ++len;
    return len;
}

/* How much of @a s is what one character of a pattern stands for */
static apr_size_t length_of(const char *s, char pattern)
{
    if (pattern == '#')
        return strspn(s, "0123456789");
    if (pattern == '*')
        return extension_length(s);
    return pattern == '@' ? place_length(s) : (apr_size_t)(*s == pattern);
}

static int matches(const char *s, const char *pattern)
{
    for (; *pattern; ++pattern) {
        const apr_size_t len = length_of(s, *pattern);

        if (!len)
            return 0;
        s += len;
    }
    return !*s;
}

static int is_own(const char *path, iiif_stored_kind_e kind)
{
    unsigned i;

    for (i = 0; i < sizeof(entries) / sizeof(entries[0]); ++i) {
        if (entries[i].kind == kind && matches(path, entries[i].path))
            return 1;
    }
    return 0;
}

/* @return 0: it is no part of the tree below the first @a skipped bytes of its path */
static int belongs(const FTSENT *entry, apr_size_t skipped, iiif_stored_kind_e kind,
                   apr_pool_t *pool)
{
    const int is_directory = entry->fts_info == FTS_D;

    if (entry->fts_info == FTS_DP)
        return 1;
    if (!entry->fts_level)
        return is_directory || (entry->fts_info == FTS_NS && entry->fts_errno == ENOENT);
    return is_own(apr_pstrcat(pool, entry->fts_path + skipped, is_directory ? "/" : NULL, NULL),
                  kind);
}

apr_status_t iiifctl_tree_own(const char *directory, iiif_stored_kind_e kind, iiif_err_t *err,
                              apr_pool_t *pool)
{
    char *const paths[] = { apr_pstrdup(pool, directory), NULL };
    const apr_size_t skipped = strlen(directory) + 1;
    FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
    apr_status_t rv = APR_SUCCESS;
    apr_pool_t *scratch;
    FTSENT *entry;

    if (!fts)
        return iiif_fail(err, APR_FROM_OS_ERROR(errno), "%.200s cannot be read", directory);
    apr_pool_create(&scratch, pool);
    while (rv == APR_SUCCESS && (entry = fts_read(fts))) {
        if (!belongs(entry, skipped, kind, scratch))
            rv = iiif_fail(err, APR_EEXIST, "%.200s is no tile", entry->fts_path);
        apr_pool_clear(scratch);
    }
    apr_pool_destroy(scratch);
    fts_close(fts);
    return rv;
}
