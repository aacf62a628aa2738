/* SPDX-License-Identifier: Apache-2.0 */
/* Which file of a directory of thumbnails is the whole image at a size. */
#include "store/thumbnail.h"

#include "stores.h"

static const iiif_dims_t full = { 4000, 3001 };

/* clang-format off */
static const struct {
    const char *file;          /* below the directory; NULL: none */
    iiif_dims_t dims;          /* of it; 0,0: it is text */
    int age;                   /* seconds after the source */
    const char *name, *source; /* what is looked for */
    iiif_dims_t size;
    apr_status_t want;
    const char *why;
} cases[] = {
    { "a.jpg",     { 800, 600 }, 9, "a",      "/nowhere/a",          { 800, 600 }, APR_SUCCESS, "" },
    { "b.png.jpg", { 800, 600 }, 9, "b.png",  "/nowhere/b.png",      { 800, 600 }, APR_SUCCESS, "" },
    { "c.jpg",     { 800, 600 }, 0, "c.png",  "/nowhere/c.png",      { 800, 600 }, APR_SUCCESS, "" },
    { "d/e.jpg",   { 400, 300 }, 9, "d/e.gif", "/nowhere/d/e.gif",   { 400, 300 }, APR_SUCCESS, "" },
    /* another size */
    { "f.jpg",     { 800, 600 }, 9, "f.png",  "/nowhere/f.png",      { 800, 601 }, IIIF_ENOTFOUND, "another size" },
    { "g.jpg",     { 800, 601 }, 9, "g.png",  "/nowhere/g.png",      { 800, 600 }, IIIF_ENOTFOUND, "another size" },
    { NULL,        { 0, 0 },     9, "h.png",  "/nowhere/h.png",      { 800, 600 }, IIIF_ENOTFOUND, "no thumbnail" },
    /* not of this image */
    { "i.jpg",     { 800, 600 }, -1, "i.png", "/nowhere/i.png",      { 800, 600 }, IIIF_EBADSOURCE, "older" },
    { "j.jpg",     { 600, 800 }, 9, "j.png",  "/nowhere/j.png",      { 600, 800 }, IIIF_EBADSOURCE, "600x800" },
    { "k.jpg",     { 200, 200 }, 9, "k.png",  "/nowhere/k.png",      { 200, 150 }, IIIF_EBADSOURCE, "200x200" },
    { "l.jpg",     { 800, 603 }, 9, "l.png",  "/nowhere/l.png",      { 800, 603 }, IIIF_EBADSOURCE, "800x603" },
    { "m.jpg",     { 0, 0 },     9, "m.png",  "/nowhere/m.png",      { 800, 600 }, IIIF_EBADSOURCE, "" },
    /* whose name it may not be: that of a record is whole, and none leaves the directory */
    { "n.jpg",     { 800, 600 }, 9, "n.x",    "/nowhere/n.x.png",    { 800, 600 }, IIIF_ENOTFOUND, "no thumbnail" },
    { "n.x.jpg",   { 800, 600 }, 9, "n.x",    "/nowhere/n.x.png",    { 800, 600 }, APR_SUCCESS, "" },
    { "o.jpg",     { 800, 600 }, 9, "d/../o", "/nowhere/d/../o",     { 800, 600 }, IIIF_ENOTFOUND, "no thumbnail" },
    { "p.jpg",     { 800, 600 }, 9, "/p",     "/nowhere//p",         { 800, 600 }, IIIF_ENOTFOUND, "no thumbnail" },
};
/* clang-format on */

static iiif_stored_query_t query_at(const char *name, const char *path)
{
    iiif_stored_query_t query = query_of(name, full);

    query.path = path;
    return query;
}

static void place(unsigned i, apr_pool_t *pool)
{
    if (!cases[i].file)
        return;
    if (cases[i].dims.width)
        save_tile(cases[i].file, cases[i].dims, pool);
    else
        write_file(cases[i].file, "no image, but of some length\n", pool);
    set_age(under(cases[i].file, pool), cases[i].age, pool);
}

static void test_case(unsigned i, apr_pool_t *pool)
{
    const iiif_stored_query_t query = query_at(cases[i].name, cases[i].source);
    iiif_thumbnail_t found = { .path = NULL };
    iiif_err_t err = { "" };
    apr_status_t rv;

    place(i, pool);
    rv = iiif_thumbnail_find(&found, &query, cases[i].size, &err, pool);
    ok(rv == cases[i].want
           && (rv == IIIF_ENOTFOUND || !strcmp(found.path, under(cases[i].file, pool)))
           && (rv == APR_SUCCESS || strstr(err.text, cases[i].why)),
       "%s of %ux%u for %s at %ux%u: %s", cases[i].file ? cases[i].file : "no file",
       cases[i].dims.width, cases[i].dims.height, cases[i].name, cases[i].size.width,
       cases[i].size.height, rv == APR_SUCCESS ? "it" : err.text);
}

/* Another image beside the source has its name but for the extension. */
static void test_namesake(apr_pool_t *pool)
{
    const char *twin = under("images/twin.png", pool);
    const iiif_stored_query_t query = query_at("twin.png", twin);
    iiif_thumbnail_t found;

    save_tile("twin.jpg", (iiif_dims_t){ 800, 600 }, pool);
    write_file("images/twin.png", "one", pool);
    ok(iiif_thumbnail_find(&found, &query, (iiif_dims_t){ 800, 600 }, NULL, pool) == APR_SUCCESS,
       "a name without extension may be of one image");
    write_file("images/twin.TIF", "another", pool);
    ok(iiif_thumbnail_find(&found, &query, (iiif_dims_t){ 800, 600 }, NULL, pool) == IIIF_ENOTFOUND,
       "  and of two is nobody's");
}

static void test_incomplete(apr_pool_t *pool)
{
    const iiif_stored_query_t query = query_at("cut", "/nowhere/cut");
    const iiif_dims_t size = { 800, 600 };
    const char *path = under("cut.jpg", pool);
    iiif_thumbnail_t found;
    iiif_stored_query_t self = query;
    apr_finfo_t finfo;

    save_tile("cut.jpg", size, pool);
    if (apr_stat(&finfo, path, APR_FINFO_MIN | IIIF_STAMP_WANTED, pool) != APR_SUCCESS)
        abort();
    self.source = iiif_stamp_of(&finfo);
    ok(iiif_thumbnail_find(&found, &self, size, NULL, pool) == IIIF_ENOTFOUND,
       "the source itself is no thumbnail of it");
    ok(iiif_thumbnail_find(&found, &query, size, NULL, pool) == APR_SUCCESS
           && found.finfo.size == finfo.size && found.finfo.filetype == APR_REG,
       "a file is told with what stat() says");
    run(apr_psprintf(pool, "truncate -s -2 %s", path));
    ok(iiif_thumbnail_find(&found, &query, size, NULL, pool) == IIIF_ENOTFOUND,
       "  cut short it is passed over");
    run(apr_psprintf(pool, "truncate -s 0 %s", path));
    ok(iiif_thumbnail_find(&found, &query, size, NULL, pool) == IIIF_ENOTFOUND, "  empty too");
    run(apr_psprintf(pool, "rm %s && mkdir %s", path, path));
    ok(iiif_thumbnail_find(&found, &query, size, NULL, pool) == IIIF_ENOTFOUND,
       "  and so is a directory");
}

int main(void)
{
    apr_pool_t *pool = begin_stores();
    unsigned i;

    for (i = 0; i < ROWS(cases); ++i)
        test_case(i, pool);
    test_namesake(pool);
    test_incomplete(pool);
    end_stores(pool);
    return done_testing();
}
