/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_T_STORES_H
#define IIIF_T_STORES_H
/**
 * @file stores.h
 * @brief A directory of stored tiles that a test fills, by libvips or by hand, and looks into.
 */
#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "store/tile_store.h"
#include "tap.h"

#define UNUSED __attribute__((unused))

static char directory[] = "/tmp/iiif_stores.XXXXXX";

/* The images were taken a minute ago; what a test writes is newer, unless it says when. */
static iiif_stamp_t source;

static iiif_lru_t *lru;

static apr_pool_t *begin_stores(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (!mkdtemp(directory) || iiif_lru_create(&lru, 1 << 24, 1000, pool) != APR_SUCCESS)
        abort();
    source = (iiif_stamp_t){ .mtime = apr_time_now() - apr_time_from_sec(60), .size = 1 };
    return pool;
}

UNUSED static const char *under(const char *name, apr_pool_t *pool)
{
    return apr_pstrcat(pool, directory, "/", name, NULL);
}

UNUSED static void run(const char *command)
{
    if (system(command) != 0)
        ok(0, "%s", command);
}

/* A plain image of the type @a extension says, made once for all that need one. */
UNUSED static const char *image_of(iiif_dims_t dims, const char *extension, apr_pool_t *pool)
{
    const char *path =
        apr_psprintf(pool, "%s/%ux%u%s", directory, dims.width, dims.height, extension);

    run(apr_psprintf(pool, "test -f %s || vips black %s %u %u --bands 3", path, path, dims.width,
                     dims.height));
    return path;
}

/* It, tiled. */
UNUSED static void save(const iiif_dims_t *dims, const char *base, const char *options,
                        apr_pool_t *pool)
{
    const char *path = under(base, pool);

    run(apr_psprintf(pool, "mkdir -p \"$(dirname '%s')\" && vips dzsave %s '%s' %s", path,
                     image_of(*dims, ".v", pool), path, options));
}

/* It, as one tile. */
UNUSED static void save_tile(const char *name, iiif_dims_t dims, apr_pool_t *pool)
{
    const char *path = under(name, pool);

    run(apr_psprintf(pool, "mkdir -p \"$(dirname '%s')\" && cp %s '%s'", path,
                     image_of(dims, strrchr(name, '.'), pool), path));
}

UNUSED static void set_age(const char *path, int age, apr_pool_t *pool)
{
    if (apr_file_mtime_set(path, source.mtime + apr_time_from_sec(age), pool) != APR_SUCCESS)
        abort();
}

UNUSED static const char *write_file(const char *name, const char *text, apr_pool_t *pool)
{
    const char *path = under(name, pool);
    apr_file_t *file;

    run(apr_psprintf(pool, "mkdir -p \"$(dirname '%s')\"", path));
    if (apr_file_open(&file, path, APR_FOPEN_WRITE | APR_FOPEN_CREATE | APR_FOPEN_TRUNCATE,
                      APR_FPROT_OS_DEFAULT, pool)
            != APR_SUCCESS
        || apr_file_write_full(file, text, strlen(text), NULL) != APR_SUCCESS
        || apr_file_close(file) != APR_SUCCESS)
        abort();
    return path;
}

UNUSED static unsigned count_files(const char *pattern, apr_pool_t *pool)
{
    FILE *pipe =
        popen(apr_psprintf(pool, "find '%s' -type f -name '%s' | wc -l", directory, pattern), "r");
    unsigned count = 0;

    if (!pipe || fscanf(pipe, "%u", &count) != 1)
        abort();
    pclose(pipe);
    return count;
}

/* Of an image that has this name, and is alone. */
UNUSED static iiif_stored_query_t query_of(const char *name, iiif_dims_t full)
{
    static char path[1024];

    apr_snprintf(path, sizeof(path), "/nowhere/%s", name);
    return (iiif_stored_query_t){ directory, name, path, source, full, NULL, NULL };
}

UNUSED static const iiif_stored_set_t *find(const char *name, iiif_dims_t full, apr_pool_t *pool)
{
    const iiif_stored_query_t query = query_of(name, full);

    return iiif_stored_find(lru, &query, pool);
}

/* Is the tile that is wanted the file called @a name? NULL: is there none? */
UNUSED static int is_tile(const iiif_stored_set_t *set, const iiif_stored_want_t *want,
                          const char *name, apr_pool_t *pool)
{
    apr_finfo_t finfo = { .size = 0 };
    const char *path = iiif_stored_tile(&finfo, set, want, pool);

    if (!name || !path)
        return !name && !path;
    return !strcmp(path, under(name, pool)) && finfo.filetype == APR_REG && finfo.size > 0
           && finfo.mtime > 0;
}

static void end_stores(apr_pool_t *pool)
{
    run(apr_psprintf(pool, "rm -r %s", directory));
    apr_pool_destroy(pool);
    apr_terminate();
}
#endif
