/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sources.h"

#include <apr_file_info.h>
#include <apr_strings.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "resolve/resolver.h"
#include "tools/lease.h"
#include "tools/options.h"

#include "base/banned.h"

#define DEPTH_MAX 64 /* directories in directories */
#define STORES    (int)(sizeof(((iiifctl_sources_t *)0)->stores) / sizeof(const char *))

/* What follows the root and its slash; NULL: it is not below it. */
static const char *name_below(const char *path, const char *root)
{
    apr_size_t len = strlen(root);

    if (!strcmp(root, "/"))
        return path + 1;
    return !strncmp(path, root, len) && path[len] == '/' ? path + len + 1 : NULL;
}

static iiifctl_file_t *add(iiifctl_sources_t *sources, const char *path, const char *reason)
{
    iiifctl_file_t *file = apr_pcalloc(sources->pool, sizeof(*file));

    file->path = apr_pstrdup(sources->pool, path);
    file->origin = sources->origin;
    file->reason = reason ? apr_pstrdup(sources->pool, reason) : NULL;
    APR_ARRAY_PUSH(sources->files, iiifctl_file_t *) = file;
    return file;
}

/* Would the server find it under its name? As a file of the resolver, with its extension. */
static int is_served(iiif_source_ref_t *ref, const char *root, const char *name, iiif_err_t *err,
                     apr_pool_t *pool)
{
    const iiif_resolve_rules_t rules = { .root = root, .formats = IIIF_SOURCE_FORMATS_DEFAULT };

    if (iiif_resolver_filesystem.resolve(ref, name, &rules, err, pool) != APR_SUCCESS)
        return 0;
    return !strcmp(ref->name, name);
}

static int is_same_file(const char *path, const apr_finfo_t *finfo, apr_pool_t *pool)
{
    apr_finfo_t other;

    return apr_stat(&other, path, APR_FINFO_IDENT, pool) == APR_SUCCESS
           && other.inode == finfo->inode && other.device == finfo->device;
}

static int is_there(const char *path, const char *behind, apr_filetype_e type, apr_pool_t *pool);

/* Tiles have the name of their source below its root: who came first has it, while it is there.
 * @return NULL: this file has it; else who */
static const char *claim(const iiifctl_sources_t *sources, const char *path, const char *name,
                         const apr_finfo_t *finfo, apr_pool_t *pool)
{
    const char *owner;

    if (!sources->claims)
        return NULL;
    owner = apr_hash_get(sources->claims, name, APR_HASH_KEY_STRING);
    if (owner && (!strcmp(owner, path) || is_same_file(owner, finfo, pool)))
        return NULL;
    if (owner && is_there(owner, "", APR_REG, pool))
        return owner;
    apr_hash_set(sources->claims, name, APR_HASH_KEY_STRING, NULL); /* the key is in the path */
    owner = apr_pstrdup(apr_hash_pool_get(sources->claims), path);
    apr_hash_set(sources->claims, owner + (name - path), APR_HASH_KEY_STRING, owner);
    return NULL;
}

/* One file; of a directory, what is no image is passed over in silence. */
static void add_file(iiifctl_sources_t *sources, const char *path, const char *root, int named)
{
    const char *name = name_below(path, root), *unused, *owner;
    iiif_source_ref_t ref;
    iiif_err_t err = { "" };
    apr_pool_t *scratch;
    iiifctl_file_t *file;

    if (!name) {
        add(sources, path, apr_psprintf(sources->pool, "it is not below %s", root));
        return;
    }
    apr_pool_create(&scratch, sources->pool);
    if (iiif_path_join(&unused, root, name, NULL, scratch) != APR_SUCCESS)
        add(sources, path, "no identifier can have its name");
    else if (!is_served(&ref, root, name, &err, scratch)) {
        if (named)
            add(sources, path, "it is no image of a known format");
    }
    else if ((owner = claim(sources, path, name, &ref.finfo, scratch)))
        add(sources, path,
            apr_psprintf(scratch, "%s has the same name in the store, and came first", owner));
    else {
        file = add(sources, path, NULL);
        file->root = apr_pstrdup(sources->pool, root);
        file->name = file->path + (name - path);
        file->size = ref.finfo.size;
    }
    apr_pool_destroy(scratch);
}

static int is_there(const char *path, const char *behind, apr_filetype_e type, apr_pool_t *pool)
{
    apr_finfo_t finfo;

    return apr_stat(&finfo, apr_pstrcat(pool, path, behind, NULL), APR_FINFO_TYPE, pool)
               == APR_SUCCESS
           && finfo.filetype == type;
}

static const char *without(const char *path, const char *end, apr_pool_t *pool)
{
    apr_size_t len = strlen(path), end_len = strlen(end);

    return len > end_len && !strcmp(path + len - end_len, end)
               ? apr_pstrmemdup(pool, path, len - end_len)
               : NULL;
}

/* A directory of tiles: images, but not sources. */
static int is_tile_tree(const char *path, apr_pool_t *pool)
{
    const char *name = without(path, "_files", pool);

    return is_there(path, "/ImageProperties.xml", APR_REG, pool)
           || is_there(path, "/info.json", APR_REG, pool)
           || (name
               && (is_there(name, ".dzi", APR_REG, pool) || is_there(name, ".js", APR_REG, pool)));
}

static const char *directory_of(const char *path, apr_pool_t *pool)
{
    const char *slash = strrchr(path, '/');

    return slash == path ? "/" : apr_pstrmemdup(pool, path, (apr_size_t)(slash - path));
}

/* By whatever name: there are links, and directories that are mounted twice. */
static int is_store(const iiifctl_sources_t *sources, const char *path, apr_pool_t *pool)
{
    apr_finfo_t finfo;
    int i;

    if (apr_stat(&finfo, path, APR_FINFO_IDENT, pool) != APR_SUCCESS)
        return 0;
    for (i = 0; i < STORES; ++i) {
        if (sources->stores[i] && is_same_file(sources->stores[i], &finfo, pool))
            return 1;
    }
    return is_there(path, "/" IIIFCTL_LEASE_FILE, APR_REG, pool);
}

static int is_in_store(const iiifctl_sources_t *sources, const char *directory, apr_pool_t *pool)
{
    char *real = realpath(directory, NULL);
    const char *path = apr_pstrdup(pool, real ? real : directory);

    free(real);
    while (strcmp(path, "/") != 0 && !is_store(sources, path, pool))
        path = directory_of(path, pool);
    return strcmp(path, "/") != 0;
}

/* In a store among the images: x.jpg.tif beside x.jpg is what we made. */
static int is_result(const iiifctl_sources_t *sources, const char *path, apr_pool_t *pool)
{
    const char *name = without(path, ".tif", pool);

    if (!name)
        name = without(path, ".jp2", pool);
    return name && is_there(name, "", APR_REG, pool)
           && is_in_store(sources, directory_of(path, pool), pool);
}

static void add_directory(iiifctl_sources_t *sources, const char *path, const char *root,
                          int depth);

static void add_entry(iiifctl_sources_t *sources, const char *path, const char *root, int depth,
                      apr_pool_t *scratch)
{
    apr_finfo_t finfo;

    if (apr_stat(&finfo, path, APR_FINFO_TYPE | APR_FINFO_LINK, scratch) != APR_SUCCESS)
        return;
    if (finfo.filetype == APR_DIR && !is_tile_tree(path, scratch)
        && !is_store(sources, path, scratch))
        add_directory(sources, path, root, depth + 1);
    else if ((finfo.filetype == APR_REG
              || (finfo.filetype == APR_LNK && is_there(path, "", APR_REG, scratch)))
             && !is_result(sources, path, scratch))
        add_file(sources, path, root, 0);
}

/* Directories one by one: what one has is forgotten but for its images. */
static void add_directory(iiifctl_sources_t *sources, const char *path, const char *root, int depth)
{
    apr_pool_t *owner, *scratch;
    apr_finfo_t entry;
    apr_dir_t *directory;
    apr_status_t rv;

    if (depth > DEPTH_MAX) {
        add(sources, path, "it is too deep");
        return;
    }
    apr_pool_create(&owner, sources->pool);
    apr_pool_create(&scratch, owner);
    if (sources->feed && sources->feed->entered)
        sources->feed->entered(sources->feed->baton, path, root);
    rv = apr_dir_open(&directory, path, owner);
    if (rv != APR_SUCCESS)
        add(sources, path, "the directory cannot be read");
    while (rv == APR_SUCCESS
           && (rv = apr_dir_read(&entry, APR_FINFO_NAME, directory)) == APR_SUCCESS) {
        if (entry.name[0] != '.')
            add_entry(sources, apr_pstrcat(scratch, path, "/", entry.name, NULL), root, depth,
                      scratch);
        apr_pool_clear(scratch);
    }
    apr_pool_destroy(owner);
}

void iiifctl_sources_add(iiifctl_sources_t *sources, const char *operand)
{
    const char *path = iiifctl_absolute(operand, sources->pool), *root = sources->root;
    const char *slash = strrchr(path, '/');
    apr_finfo_t finfo;
    apr_status_t rv = apr_stat(&finfo, path, APR_FINFO_TYPE, sources->pool);
    char reason[120];

    if (rv != APR_SUCCESS && !APR_STATUS_IS_INCOMPLETE(rv))
        add(sources, path, apr_strerror(rv, reason, sizeof(reason)));
    else if (finfo.filetype == APR_DIR) {
        if (root && strcmp(root, path) != 0 && !name_below(path, root))
            add(sources, path, apr_psprintf(sources->pool, "it is not below %s", root));
        else
            add_directory(sources, path, root ? root : path, 0);
    }
    else if (finfo.filetype == APR_REG) {
        if (!root)
            root = slash == path ? "/"
                                 : apr_pstrmemdup(sources->pool, path, (apr_size_t)(slash - path));
        add_file(sources, path, root, 1);
    }
    else
        add(sources, path, "it is neither file nor directory");
}

void iiifctl_sources_find(iiifctl_sources_t *sources, const char *path, const char *root)
{
    apr_pool_t *scratch;

    if (strrchr(path, '/')[1] == '.')
        return;
    apr_pool_create(&scratch, sources->pool);
    add_entry(sources, path, root, 0, scratch);
    apr_pool_destroy(scratch);
}

void iiifctl_sources_put(iiifctl_sources_t *sources, const iiifctl_file_t *file)
{
    iiifctl_file_t *added = add(sources, file->path, file->reason);

    added->root = apr_pstrdup(sources->pool, file->root);
    added->name = apr_pstrdup(sources->pool, file->name);
    added->stored = apr_pstrdup(sources->pool, file->stored);
    added->size = file->size;
    added->origin = file->origin;
}

void iiifctl_sources_forget(iiifctl_sources_t *sources)
{
    apr_pool_clear(sources->pool);
    sources->files = apr_array_make(sources->pool, 64, sizeof(iiifctl_file_t *));
    sources->line = apr_array_make(sources->pool, 256, sizeof(char));
    sources->next = 0;
}

const iiifctl_file_t *iiifctl_sources_next(iiifctl_sources_t *sources)
{
    return sources->next < sources->files->nelts
               ? APR_ARRAY_IDX(sources->files, sources->next++, iiifctl_file_t *)
               : NULL;
}

static void end_line(iiifctl_sources_t *sources)
{
    if (!sources->line->nelts)
        return;
    APR_ARRAY_PUSH(sources->line, char) = '\0';
    iiifctl_sources_add(sources, sources->line->elts);
    apr_array_clear(sources->line);
}

void iiifctl_sources_read(iiifctl_sources_t *sources)
{
    char text[4096];
    ssize_t n, i;
    apr_status_t error;

    if (sources->feed) {
        sources->feed->read(sources, sources->feed->baton);
        return;
    }
    n = read(sources->list, text, sizeof(text));
    error = n < 0 ? APR_FROM_OS_ERROR(errno) : APR_SUCCESS;
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    for (i = 0; i < n; ++i) {
        if (text[i] == sources->separator)
            end_line(sources);
        else if (sources->line->nelts < APR_PATH_MAX)
            APR_ARRAY_PUSH(sources->line, char) = text[i];
    }
    if (n <= 0) {
        end_line(sources);
        sources->list = -1;
    }
    if (n < 0)
        add(sources, "standard input", apr_strerror(error, text, sizeof(text)));
}
