/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_file_io.h>
#include <apr_strings.h>
#include <string.h>

#include "tools/finding.h"
#include "tools/tree.h"

#include "base/banned.h"

#define DESCRIPTION_MAX 1048576 /* bytes, as the tile store has it */

/* What describes tiles: the end of its name, and how it is read. */
static const struct {
    const char *suffix;
    iiif_description_fn *parse;
} descriptions[] = {
    { "_zdata/ImageProperties.xml", iiif_description_zoomify },
    { "/ImageProperties.xml", iiif_description_zoomify },
    { "/info.json", iiif_description_info },
    { ".dzi", iiif_description_dzi },
    { ".js", iiif_description_dzi_js },
};
#define DESCRIPTIONS ((int)(sizeof(descriptions) / sizeof(descriptions[0])))

/* Row of the table above; DESCRIPTIONS: none. */
static int row_of(const char *path)
{
    apr_size_t len = strlen(path);
    int i;

    for (i = 0; i < DESCRIPTIONS; ++i) {
        apr_size_t end = strlen(descriptions[i].suffix);

        if (len > end && !strcmp(path + len - end, descriptions[i].suffix))
            break;
    }
    return i;
}

int iiifctl_is_description(const char *path)
{
    return row_of(path) < DESCRIPTIONS;
}

static apr_status_t read_description(iiif_description_t *description, const char *path, int row,
                                     iiif_err_t *err, apr_pool_t *pool)
{
    apr_size_t len = 0;
    char *text = apr_palloc(pool, DESCRIPTION_MAX + 1);
    apr_file_t *file;
    apr_status_t rv = apr_file_open(&file, path, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT, pool);
    char reason[120];

    if (rv != APR_SUCCESS)
        return iiif_fail(err, rv, "%s", apr_strerror(rv, reason, sizeof(reason)));
    apr_file_read_full(file, text, DESCRIPTION_MAX, &len);
    apr_file_close(file);
    text[len] = '\0';
    return descriptions[row].parse(description, text, len, err, pool);
}

apr_status_t iiifctl_description_read(iiif_description_t *description, const char *path,
                                      iiif_err_t *err, apr_pool_t *pool)
{
    return read_description(description, path, row_of(path), err, pool);
}

/* As if its original were of the size that it says, and older: for the tiles alone. */
static iiif_stored_query_t alone(const char *path, const char *suffix, iiif_dims_t full,
                                 apr_pool_t *pool)
{
    const char *base = apr_pstrmemdup(pool, path, strlen(path) - strlen(suffix));
    const char *slash = strrchr(base, '/');
    const char *directory =
        slash == base ? "/" : apr_pstrmemdup(pool, base, (apr_size_t)(slash - base));

    return (iiif_stored_query_t){ .directory = directory,
                                  .name = slash + 1,
                                  .path = base,
                                  .source = { .mtime = 0 },
                                  .full = full };
}

/* The set that @a path describes, as the tile store sees it. @return 0: it does not use it */
static int find_set(iiif_stored_set_t *one, const char *path, const iiif_stored_query_t *query,
                    iiif_err_t *err, apr_pool_t *pool)
{
    const iiif_stored_set_t *found;
    iiif_lru_t *lru;
    int i;

    iiif_fail(err, IIIF_EBADSOURCE, "the tile store does not look for it");
    if (iiif_lru_create(&lru, 1 << 20, 1, pool) != APR_SUCCESS)
        return 0;
    found = iiif_stored_find(lru, query, pool);
    for (i = 0; i < found->count; ++i) {
        if (!strcmp(found->sets[i].path, path)) {
            *one = (iiif_stored_set_t){ .source = found->source, .count = 1 };
            one->sets[0] = found->sets[i];
            return 1;
        }
    }
    for (i = 0; i < found->refused_count; ++i) {
        if (!strcmp(found->refused[i].path, path))
            iiif_fail(err, IIIF_EBADSOURCE, "%s", found->refused[i].reason);
    }
    return 0;
}

static void look_at_tiles(iiifctl_finding_t *finding, const iiif_stored_set_t *set,
                          apr_pool_t *pool)
{
    iiifctl_tree_t tree = { 0 };

    if (iiifctl_tree_check(&tree, set, 1, pool) != APR_SUCCESS)
        return;
    finding->tiles = tree.tiles;
    finding->wrong = tree.wrong;
    if (tree.wrong)
        finding->reason = apr_psprintf(
            pool, "%" APR_UINT64_T_FMT " of %" APR_UINT64_T_FMT " tiles are wrong; %s is %s",
            tree.wrong, tree.tiles, tree.first, tree.reason);
}

static const char *kind_of(int row, const iiif_description_t *description)
{
    if (descriptions[row].parse == iiif_description_zoomify)
        return "zoomify";
    if (descriptions[row].parse != iiif_description_info)
        return "deepzoom";
    return description->version == IIIF_VERSION_3 ? "iiif3" : "iiif2";
}

iiifctl_finding_t iiifctl_check_tree(const char *path, const char *store,
                                     const iiifctl_check_t *check, apr_pool_t *pool)
{
    const int row = row_of(path);
    iiifctl_finding_t finding = { .path = path, .kind = "unknown" };
    iiif_description_t description = { .version = IIIF_VERSION_NONE };
    iiif_stored_query_t query = { .directory = NULL };
    iiif_stored_set_t set;
    iiif_err_t err;
    apr_status_t rv = read_description(&description, path, row, &err, pool);

    if (rv == APR_SUCCESS) {
        finding.kind = kind_of(row, &description);
        finding.full = description.full;
        query = alone(path, descriptions[row].suffix, description.full, pool);
        if (check->sources)
            rv = iiifctl_original_find(&query, path, descriptions[row].suffix, store,
                                       check->sources, &err, pool);
    }
    if (rv == APR_SUCCESS && find_set(&set, path, &query, &err, pool))
        look_at_tiles(&finding, &set, pool);
    else
        finding.reason = apr_pstrdup(pool, err.text);
    return finding;
}
