/* SPDX-License-Identifier: Apache-2.0 */
#include "resolve/resolver.h"

#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tap.h"

/* A database that knows these. */
static const struct {
    const char *identifier;
    iiif_record_t record;
} rows[] = {
    { "1", { .path = "a.jpg", .is_public = 1 } },
    { "private", { .path = "a.jpg" } },
    { "no path", { .is_public = 1 } },
    { "named", { .path = "sub/b.tif", .name = "b", .etag = "e", .is_public = 1 } },
    { "badly named", { .path = "a.jpg", .name = "../a", .is_public = 1 } },
    { "gone", { .path = "gone.jpg", .is_public = 1 } },
    { "directory", { .path = "sub", .is_public = 1 } },
    { "up", { .path = "../a.jpg", .is_public = 1 } },
    { "absolute", { .path = "/etc/passwd", .is_public = 1 } },
    { "no name", { .path = "", .is_public = 1 } },
    { "bare", { .path = "bare", .is_public = 1 } },
    { "text", { .path = "text", .is_public = 1 } },
    { "note", { .path = "note.txt", .is_public = 1 } },
    { "page;2", { .path = "a.jpg", .is_public = 1 } },
    { "page", { .path = "sub/b.tif", .is_public = 1 } },
    { "ark:/1//x", { .path = "a.jpg", .is_public = 1 } },
};

static unsigned asked;

static apr_status_t look_up(iiif_record_t *record, const char *identifier, void *baton,
                            iiif_err_t *err, apr_pool_t *pool)
{
    unsigned i;

    (void)pool;
    ++asked;
    if (*(const int *)baton || !strcmp(identifier, "down"))
        return iiif_fail(err, IIIF_EDOWN, "it is down");
    for (i = 0; i < ROWS(rows); ++i) {
        if (!strcmp(rows[i].identifier, identifier)) {
            *record = rows[i].record;
            return APR_SUCCESS;
        }
    }
    return iiif_fail(err, IIIF_ENOTFOUND, "no row");
}

/* clang-format off */
#define JPEG_AND_TIFF (1u << IIIF_SOURCE_JPEG | 1u << IIIF_SOURCE_TIFF)
static const struct {
    const char *identifier;
    iiif_source_format_set_t formats;
    int pages;
    apr_status_t want;
    const char *path, *name; /* below the root */
    unsigned page, asked;
} cases[] = {
    { "1",           JPEG_AND_TIFF, 0, APR_SUCCESS,    "a.jpg",     "a.jpg", 1, 1 },
    { "named",       JPEG_AND_TIFF, 0, APR_SUCCESS,    "sub/b.tif", "b",     1, 1 },
    { "bare",        JPEG_AND_TIFF, 0, APR_SUCCESS,    "bare",      "bare",  1, 1 },
    { "ark:/1//x",   JPEG_AND_TIFF, 0, APR_SUCCESS,    "a.jpg",     "a.jpg", 1, 1 },
    { "named", 1u << IIIF_SOURCE_JPEG, 0, IIIF_ENOTFOUND, NULL, NULL, 0, 1 },
    { "private",     JPEG_AND_TIFF, 0, IIIF_ENOTFOUND, NULL, NULL, 0, 1 },
    { "no path",     JPEG_AND_TIFF, 0, IIIF_ENOTFOUND, NULL, NULL, 0, 1 },
    { "badly named", JPEG_AND_TIFF, 0, IIIF_ENOTFOUND, NULL, NULL, 0, 1 },
    { "gone",        JPEG_AND_TIFF, 0, IIIF_ENOTFOUND, NULL, NULL, 0, 1 },
    { "directory",   JPEG_AND_TIFF, 0, IIIF_ENOTFOUND, NULL, NULL, 0, 1 },
    { "up",          JPEG_AND_TIFF, 0, IIIF_ENOTFOUND, NULL, NULL, 0, 1 },
    { "absolute",    JPEG_AND_TIFF, 0, IIIF_ENOTFOUND, NULL, NULL, 0, 1 },
    { "no name",     JPEG_AND_TIFF, 0, IIIF_ENOTFOUND, NULL, NULL, 0, 1 },
    { "text",        JPEG_AND_TIFF, 0, IIIF_ENOTFOUND, NULL, NULL, 0, 1 },
    { "note",        JPEG_AND_TIFF, 0, IIIF_ENOTFOUND, NULL, NULL, 0, 1 },
    { "unknown",     JPEG_AND_TIFF, 0, IIIF_ENOTFOUND, NULL, NULL, 0, 1 },
    { "unknown",     JPEG_AND_TIFF, 1, IIIF_ENOTFOUND, NULL, NULL, 0, 1 },
    { "a\x01",       JPEG_AND_TIFF, 1, IIIF_ENOTFOUND, NULL, NULL, 0, 0 },
    { "\xff;2",      JPEG_AND_TIFF, 1, IIIF_ENOTFOUND, NULL, NULL, 0, 0 },
    { "page;2",      JPEG_AND_TIFF, 1, APR_SUCCESS,    "a.jpg",     "a.jpg",     1, 1 },
    { "page;3",      JPEG_AND_TIFF, 1, APR_SUCCESS,    "sub/b.tif", "sub/b.tif", 3, 2 },
    { "page;3",      JPEG_AND_TIFF, 0, IIIF_ENOTFOUND, NULL, NULL, 0, 1 },
    { "private;2",   JPEG_AND_TIFF, 1, IIIF_ENOTFOUND, NULL, NULL, 0, 2 },
    { "down",        JPEG_AND_TIFF, 1, IIIF_EDOWN,     NULL, NULL, 0, 1 },
    { "down;2",      JPEG_AND_TIFF, 1, IIIF_EDOWN,     NULL, NULL, 0, 2 },
};
/* clang-format on */

static void write_file(const char *root, const char *name, const char *text, apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, root, "/", name, NULL);
    apr_size_t len = strlen(text);
    apr_file_t *file;

    apr_file_open(&file, path, APR_FOPEN_CREATE | APR_FOPEN_WRITE, APR_FPROT_OS_DEFAULT, pool);
    apr_file_write(file, text, &len);
    apr_file_close(file);
}

static const char *const files[] = { "a.jpg", "sub/b.tif", "bare", "text", "note.txt" };

static const char *make_tree(apr_pool_t *pool)
{
    char *root = apr_pstrdup(pool, "/tmp/iiif-dbd.XXXXXX");

    if (!mkdtemp(root))
        return NULL;
    apr_dir_make(apr_pstrcat(pool, root, "/sub", NULL), APR_FPROT_OS_DEFAULT, pool);
    write_file(root, "a.jpg", "x", pool);
    write_file(root, "sub/b.tif", "x", pool);
    write_file(root, "bare", "\xff\xd8\xff\xe0 a JPEG's first bytes", pool);
    write_file(root, "text", "words", pool);
    write_file(root, "note.txt", "words", pool);
    return root;
}

static void remove_tree(const char *root, apr_pool_t *pool)
{
    unsigned i;

    for (i = 0; i < ROWS(files); ++i)
        unlink(apr_pstrcat(pool, root, "/", files[i], NULL));
    rmdir(apr_pstrcat(pool, root, "/sub", NULL));
    ok(!rmdir(root), "nothing is left");
}

static const char *sentence(const char *identifier, const char *root, apr_pool_t *pool)
{
    int is_down = 0;
    const iiif_resolve_rules_t rules = { root, JPEG_AND_TIFF, 0, look_up, &is_down };
    iiif_source_ref_t ref;
    iiif_err_t err = { "" };

    iiif_resolver_dbd.resolve(&ref, identifier, &rules, &err, pool);
    return apr_pstrdup(pool, err.text);
}

static void test_case(const char *root, unsigned i, apr_pool_t *pool)
{
    int is_down = 0;
    const iiif_resolve_rules_t rules = { root, cases[i].formats, cases[i].pages, look_up,
                                         &is_down };
    iiif_source_ref_t ref = { .path = NULL };
    iiif_err_t err = { "" };
    apr_status_t rv;

    asked = 0;
    rv = iiif_resolver_dbd.resolve(&ref, cases[i].identifier, &rules, &err, pool);
    ok(rv == cases[i].want && asked == cases[i].asked
           && (rv ? !ref.path && *err.text
                  : !strcmp(ref.path + strlen(root) + 1, cases[i].path)
                        && !strcmp(ref.name, cases[i].name) && ref.page == cases[i].page
                        && ref.record && ref.finfo.filetype == APR_REG),
       "'%s'%s asks %u times: %s page %u", cases[i].identifier, cases[i].pages ? " with pages" : "",
       asked, rv ? err.text : ref.path, ref.page);
}

int main(void)
{
    const char *root;
    apr_pool_t *pool;
    unsigned i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    root = make_tree(pool);
    for (i = 0; root && i < ROWS(cases); ++i)
        test_case(root, i, pool);
    if (ok(root, "there is a directory")) {
        ok(!strcmp(sentence("private", root, pool), sentence("unknown", root, pool)),
           "what is private is told as what is unknown");
        remove_tree(root, pool);
    }
    apr_terminate();
    return done_testing();
}
