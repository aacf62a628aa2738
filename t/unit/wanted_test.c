/* SPDX-License-Identifier: Apache-2.0 */
/* Renders that nobody waits for any more end early, wherever they are. */
#include "base/wanted.h"

#include "image/render.h"
#include "images.h"

static const iiif_dims_t dims = { 2000, 1500 };

typedef struct client_t {
    int gone;
    unsigned asked;
} client_t;

static int waits(void *data)
{
    client_t *client = data;

    ++client->asked;
    return !client->gone;
}

static apr_status_t render(iiif_bytes_t *bytes, const char *path, iiif_resolved_t resolved,
                           client_t *client, apr_pool_t *pool)
{
    const iiif_source_rules_t rules = { .formats = (1u << IIIF_SOURCE_FORMATS) - 1 };
    const iiif_wanted_t wanted = { waits, client };
    iiif_look_t look = { .wanted = client ? &wanted : NULL };
    iiif_source_t *source;
    iiif_err_t err = { "" };
    apr_status_t rv;

    look.quality[resolved.format] = 80;
    rv = iiif_source_open(&source, path, 1, &rules, &err, pool);
    if (rv == APR_SUCCESS)
        rv = iiif_render(bytes, source, &resolved, &look, &err);
    if (rv != APR_SUCCESS && rv != IIIF_EGONE)
        ok(0, "%s: %s", path, err.text);
    return rv;
}

#define TRIES 50

/* libvips tells the thread that waits: where this is given no processor before all pixels are
 * there, a small render ends first. */
static int is_cut(const char *path, iiif_resolved_t resolved, apr_pool_t *pool)
{
    client_t gone = { 1, 0 };
    int tries;

    for (tries = 0; tries < TRIES; ++tries) {
        iiif_bytes_t bytes = { NULL, 0 };

        if (render(&bytes, path, resolved, &gone, pool) == IIIF_EGONE)
            return !bytes.data;
        iiif_bytes_free(bytes.data);
    }
    return 0;
}

static void test_one(const char *what, const char *path, iiif_resolved_t resolved, apr_pool_t *pool)
{
    client_t patient = { 0, 0 };
    iiif_bytes_t bytes[2] = { { NULL, 0 }, { NULL, 0 } };

    ok(render(&bytes[0], path, resolved, NULL, pool) == APR_SUCCESS
           && render(&bytes[1], path, resolved, &patient, pool) == APR_SUCCESS
           && bytes[0].len == bytes[1].len && !memcmp(bytes[0].data, bytes[1].data, bytes[0].len),
       "%s: who waits gets the same bytes", what);
    iiif_bytes_free(bytes[0].data);
    iiif_bytes_free(bytes[1].data);
    ok(is_cut(path, resolved, pool), "%s: who is gone gets none", what);
}

int main(void)
{
    apr_pool_t *pool = begin_images("wanted_test");
    const char *const png = write_image("plain.png", picture(dims, 3), "[compression=1]", pool);
    const char *const tiff = write_image("tiled.tif", picture(dims, 3), "[tile]", pool);
    const char *const jp2 = write_image("plain.jp2", picture(dims, 3), "[Q=20]", pool);
    const iiif_resolved_t full = { .region = { 0, 0, dims.width, dims.height },
                                   .size = dims,
                                   .canvas = dims,
                                   .format = IIIF_FORMAT_PNG };
    iiif_resolved_t turned = full, deep = full, square = full, jpeg = full;

    test_one("a PNG", png, full, pool);
    test_one("a tiled TIFF", tiff, full, pool);
    test_one("a JPEG 2000", jp2, full, pool);
    jpeg.format = IIIF_FORMAT_JPG;
    test_one("to JPEG", png, jpeg, pool);
    turned.rotation = (iiif_rotation_t){ .degrees = APR_UINT64_C(900000000000) };
    turned.canvas = (iiif_dims_t){ dims.height, dims.width };
    test_one("turned", tiff, turned, pool);
    deep.region = (iiif_rect_t){ 0, dims.height - 100, 100, 100 };
    deep.size = deep.canvas = (iiif_dims_t){ 100, 100 };
    test_one("deep down", png, deep, pool);
    square.square = IIIF_SQUARE_ATTENTION;
    square.region = (iiif_rect_t){ 0, 0, dims.height, dims.height };
    square.size = square.canvas = (iiif_dims_t){ 100, 100 };
    test_one("a square", png, square, pool);
    end_images(pool);
    return done_testing();
}
