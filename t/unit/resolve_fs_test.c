/* SPDX-License-Identifier: Apache-2.0 */
#include "resolve/resolver.h"

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

#define DEF  IIIF_SOURCE_FORMATS_DEFAULT
#define JPEG (1u << IIIF_SOURCE_JPEG)
#define TIFF (1u << IIIF_SOURCE_TIFF)

#define A_JPEG "\xff\xd8\xff\xe0"
#define TEXT   "no image"

/* clang-format off */
/* What lies below the root; a name that ends in "/" is a directory. */
static const struct {
    const char *name, *content;
} tree[] = {
    { "map.jpg",          A_JPEG },
    { "UPPER.TIF",        "II*" },
    { "mixed.Jpg",        A_JPEG },
    { "lit%41.png",       A_JPEG },
    { "a+b.jpg",          A_JPEG },
    { "two..dots.png",    A_JPEG },
    { "bare",             A_JPEG },           /* no extension: its bytes tell */
    { "photo.dat",        A_JPEG },           /* an extension nobody knows: likewise */
    { "notes.txt",        TEXT },
    { "plain",            TEXT },
    { "page.pdf",         "%PDF-1.7" },
    { "both.jpg",         A_JPEG },
    { "both.tif",         "II*" },
    { "case.jpg",         A_JPEG },
    { "case.JPG",         A_JPEG },
    { "v1.2/",            NULL },
    { "v1.2/plate",       A_JPEG },           /* the dot is the directory's */
    { "maps/",            NULL },
    { "maps/1643.tif",    "II*" },
    { "maps/old/",        NULL },
    { "maps/old/a.jpg",   A_JPEG },
    { "dir.jpg/",         NULL },
    { ".hidden.jpg",      A_JPEG },
    { ".jpg",             A_JPEG },
    { "semi;2.jpg",       A_JPEG },
    { "book.tif",         "II*" },
    { "empty.jpg",        "" },
    { "\xe6\x97\xa5.jpg", A_JPEG },
    { "info.json",        "{}" },
    { "full",             A_JPEG },
};

static const struct {
    const char *identifier;
    iiif_source_format_set_t formats;
    int pages;
    const char *path; /* below the root; NULL: not found */
    unsigned page;
} cases[] = {
    /* with its extension, or without */
    { "map.jpg",          DEF, 0, "map.jpg", 1 },
    { "map",              DEF, 0, "map.jpg", 1 },
    { "maps/1643.tif",    DEF, 0, "maps/1643.tif", 1 },
    { "maps/1643",        DEF, 0, "maps/1643.tif", 1 },
    { "maps/old/a",       DEF, 0, "maps/old/a.jpg", 1 },
    { "UPPER",            DEF, 0, "UPPER.TIF", 1 },
    { "UPPER.TIF",        DEF, 0, "UPPER.TIF", 1 },
    { "mixed.Jpg",        DEF, 0, "mixed.Jpg", 1 },
    { "mixed",            DEF, 0, NULL, 0 },        /* lower or upper case alone are tried */
    { "bare",             DEF, 0, "bare", 1 },
    { "photo.dat",        DEF, 0, "photo.dat", 1 },
    { "v1.2/plate",       DEF, 0, "v1.2/plate", 1 },
    { "full",             DEF, 0, "full", 1 },
    { ".hidden",          DEF, 0, ".hidden.jpg", 1 },
    { ".hidden.jpg",      DEF, 0, ".hidden.jpg", 1 },
    { ".jpg",             DEF, 0, ".jpg", 1 },
    { "empty.jpg",        DEF, 0, "empty.jpg", 1 }, /* that it is damaged, opening it tells */
    /* names are names: decoded once, before */
    { "lit%41.png",       DEF, 0, "lit%41.png", 1 },
    { "litA.png",         DEF, 0, NULL, 0 },
    { "a+b",              DEF, 0, "a+b.jpg", 1 },
    { "a b",              DEF, 0, NULL, 0 },
    { "two..dots.png",    DEF, 0, "two..dots.png", 1 },
    { "two..dots",        DEF, 0, "two..dots.png", 1 },
    { "\xe6\x97\xa5",     DEF, 0, "\xe6\x97\xa5.jpg", 1 },
    /* only what is allowed, only images */
    { "map.jpg",          TIFF, 0, NULL, 0 },
    { "map",              TIFF, 0, NULL, 0 },
    { "bare",             TIFF, 0, NULL, 0 },
    { "both",             DEF, 0, NULL, 0 },        /* ambiguous */
    { "both",             JPEG, 0, "both.jpg", 1 },
    { "both",             TIFF, 0, "both.tif", 1 },
    { "both.jpg",         DEF, 0, "both.jpg", 1 },
    { "case",             DEF, 0, "case.jpg", 1 },
    { "notes.txt",        DEF, 0, NULL, 0 },
    { "notes",            DEF, 0, NULL, 0 },
    { "plain",            DEF, 0, NULL, 0 },
    { "info.json",        DEF, 0, NULL, 0 },
    { "page.pdf",         DEF, 0, NULL, 0 },
    { "page",             DEF, 0, NULL, 0 },
    { "page",             DEF | 1u << IIIF_SOURCE_PDF, 0, "page.pdf", 1 },
    { "none",             DEF, 0, NULL, 0 },
    { "map.jp",           DEF, 0, NULL, 0 },
    { "map.jpg.jpg",      DEF, 0, NULL, 0 },
    { "MAP.jpg",          DEF, 0, NULL, 0 },
    { "map.jpg",          0,   0, NULL, 0 },
    /* directories are no files */
    { "maps",             DEF, 0, NULL, 0 },
    { "dir.jpg",          DEF, 0, NULL, 0 },
    { "dir",              DEF, 0, NULL, 0 },
    /* pages */
    { "book;2",           DEF, 1, "book.tif", 2 },
    { "book.tif;65535",   DEF, 1, "book.tif", 65535 },
    { "book;1",           DEF, 1, "book.tif", 1 },
    { "book",             DEF, 1, "book.tif", 1 },
    { "maps/1643;3",      DEF, 1, "maps/1643.tif", 3 },
    { "semi;2",           DEF, 1, "semi;2.jpg", 1 }, /* a file of that name comes first */
    { "semi;2;3",         DEF, 1, "semi;2.jpg", 3 },
    { "book;2",           DEF, 0, NULL, 0 },
    { "book;0",           DEF, 1, NULL, 0 },
    { "book;65536",       DEF, 1, NULL, 0 },
    { "book;x",           DEF, 1, NULL, 0 },
    { "none;2",           DEF, 1, NULL, 0 },
    { ";2",               DEF, 1, NULL, 0 },
    { "../book;2",        DEF, 1, NULL, 0 },
    /* never out of the root: it has a sibling called outside.jpg */
    { "../outside",       DEF, 0, NULL, 0 },
    { "../outside.jpg",   DEF, 0, NULL, 0 },
    { "maps/../../outside.jpg", DEF, 0, NULL, 0 },
    { "maps/../map.jpg",  DEF, 0, NULL, 0 },
    { "./map.jpg",        DEF, 0, NULL, 0 },
    { "/map.jpg",         DEF, 0, NULL, 0 },
    { "maps//1643.tif",   DEF, 0, NULL, 0 },
    { "map.jpg/",         DEF, 0, NULL, 0 },
    { "map.jpg/x",        DEF, 0, NULL, 0 },
    { "/etc/passwd",      DEF, 0, NULL, 0 },
    { "",                 DEF, 0, NULL, 0 },
    { ".",                DEF, 0, NULL, 0 },
    { "..",               DEF, 0, NULL, 0 },
    { "\xc0\xae\xc0\xae/outside.jpg", DEF, 0, NULL, 0 },
    { "..\\outside.jpg",  DEF, 0, NULL, 0 },
    { "map.jpg\n",        DEF, 0, NULL, 0 },
};
/* clang-format on */

static void write_file(const char *path, const char *content, apr_pool_t *pool)
{
    apr_file_t *file;

    if (apr_file_open(&file, path, APR_FOPEN_WRITE | APR_FOPEN_CREATE, APR_FPROT_OS_DEFAULT, pool)
            != APR_SUCCESS
        || apr_file_write_full(file, content, strlen(content), NULL) != APR_SUCCESS)
        ok(0, "cannot write %s", path);
    else
        apr_file_close(file);
}

static const char *make_tree(apr_pool_t *pool)
{
    const char *temp = "/tmp";
    char *top;
    const char *root;
    unsigned i;

    apr_temp_dir_get(&temp, pool);
    top = apr_pstrcat(pool, temp, "/resolve_fs_test.XXXXXX", NULL);
    if (!ok(mkdtemp(top) != NULL, "a directory of our own: %s", top))
        return NULL;
    root = apr_pstrcat(pool, top, "/root", NULL);
    mkdir(root, 0700);
    write_file(apr_pstrcat(pool, top, "/outside.jpg", NULL), A_JPEG, pool);
    for (i = 0; i < ROWS(tree); ++i) {
        const char *path = apr_pstrcat(pool, root, "/", tree[i].name, NULL);

        if (tree[i].content)
            write_file(path, tree[i].content, pool);
        else
            mkdir(path, 0700);
    }
    /* a FIFO is no file, and opening it would wait for ever */
    mkfifo(apr_pstrcat(pool, root, "/fifo", NULL), 0600);
    return root;
}

static void remove_tree(const char *root, apr_pool_t *pool)
{
    char *top = apr_pstrmemdup(pool, root, strlen(root) - strlen("/root"));
    unsigned i;

    for (i = ROWS(tree); i-- > 0;) {
        char *path = apr_pstrcat(pool, root, "/", tree[i].name, NULL);

        if (tree[i].content)
            unlink(path);
        else
            rmdir(path);
    }
    unlink(apr_pstrcat(pool, root, "/fifo", NULL));
    unlink(apr_pstrcat(pool, top, "/outside.jpg", NULL));
    rmdir(root);
    ok(rmdir(top) == 0, "and nothing is left of it");
}

static void test_case(const char *root, unsigned i, apr_pool_t *pool)
{
    const iiif_resolve_rules_t rules = { .root = root,
                                         .formats = cases[i].formats,
                                         .pages = cases[i].pages };
    iiif_source_ref_t ref = { .path = NULL };
    iiif_err_t err = { "" };
    apr_status_t rv =
        iiif_resolver_filesystem.resolve(&ref, cases[i].identifier, &rules, &err, pool);
    const char *below = rv == APR_SUCCESS ? ref.path + strlen(root) + 1 : NULL;

    ok(cases[i].path ? rv == APR_SUCCESS && !strncmp(ref.path, root, strlen(root))
                           && !strcmp(below, cases[i].path) && ref.page == cases[i].page
                     : rv == IIIF_ENOTFOUND && !ref.path && !ref.page && *err.text,
       "'%s' of %#x%s -> %s page %u", cases[i].identifier, cases[i].formats,
       cases[i].pages ? " with pages" : "", below ? below : err.text, ref.page);
}

/* What stat() says of the file, asked for here: it saves later phases from asking again. */
static int is_stat_of(const apr_finfo_t *finfo, const char *path)
{
    struct stat now;

    return !stat(path, &now) && (finfo->valid & IIIF_STAMP_WANTED) == IIIF_STAMP_WANTED
           && finfo->filetype == APR_REG && finfo->size == now.st_size && finfo->inode == now.st_ino
           && finfo->device == now.st_dev
           && finfo->mtime == now.st_mtim.tv_sec * APR_USEC_PER_SEC + now.st_mtim.tv_nsec / 1000;
}

/* The name in a tile store, and what is known of the file. The root may end in slashes. */
static void test_names(const char *root, apr_pool_t *pool)
{
    static const struct {
        const char *identifier, *after_root, *name;
    } names[] = {
        { "map.jpg", "", "map.jpg" },           { "map", "", "map.jpg" },
        { "UPPER", "", "UPPER.TIF" },           { "maps/1643", "", "maps/1643.tif" },
        { "maps/old/a", "", "maps/old/a.jpg" }, { "book;2", "", "book.tif" },
        { "semi;2;3", "", "semi;2.jpg" },       { "empty.jpg", "", "empty.jpg" },
        { "maps/1643", "/", "maps/1643.tif" },  { "bare", "//", "bare" },
    };
    unsigned i;

    for (i = 0; i < ROWS(names); ++i) {
        const iiif_resolve_rules_t rules = {
            .root = apr_pstrcat(pool, root, names[i].after_root, NULL), .formats = DEF, .pages = 1
        };
        iiif_source_ref_t ref = { .path = NULL };
        iiif_err_t err = { "" };
        apr_status_t rv =
            iiif_resolver_filesystem.resolve(&ref, names[i].identifier, &rules, &err, pool);

        ok(rv == APR_SUCCESS && !strcmp(ref.name, names[i].name) && is_stat_of(&ref.finfo, ref.path)
               && is_stat_of(&ref.finfo, apr_pstrcat(pool, root, "/", names[i].name, NULL)),
           "'%s' below root%s is called %s, and what it is is known", names[i].identifier,
           names[i].after_root, rv ? err.text : ref.name);
    }
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
    if (root) {
        const iiif_resolve_rules_t rules = { .root = root, .formats = DEF };
        iiif_source_ref_t ref;

        ok(iiif_resolver_filesystem.resolve(&ref, "fifo", &rules, NULL, pool) == IIIF_ENOTFOUND,
           "a FIFO is no file");
        test_names(root, pool);
        remove_tree(root, pool);
    }
    apr_terminate();
    return done_testing();
}
