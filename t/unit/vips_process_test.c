/* SPDX-License-Identifier: Apache-2.0 */
#include "image/vips_process.h"

#include <stdlib.h>
#include <string.h>
#include <vips/vips.h>

#include "tap.h"

#define ALL ((1u << IIIF_FORMATS) - 1)

/* clang-format off */
/* Loaders that no request may reach, and some that it must. */
static const struct {
    const char *operation;
    int allowed;
} loaders[] = {
    { "jpegload",   1 },
    { "pngload",    1 },
    { "tiffload",   1 },
    { "webpload",   1 },
    { "magickload", 0 },
    { "csvload",    0 },
    { "rawload",    0 },
    { "vipsload",   0 },
    { "ppmload",    0 },
    { "matload",    0 },
    { "fitsload",   0 },
    { "openexrload", 0 },
    { "openslideload", 0 },
    { "analyzeload", 0 },
    { "radload",    0 },
};
/* clang-format on */

/* The operation's own flag; -1: this libvips was built without it. */
static int is_blocked(const char *operation)
{
    GType type = vips_type_find("VipsOperation", operation);
    gpointer class_of;
    int blocked;

    if (!type)
        return -1;
    class_of = g_type_class_ref(type);
    blocked = !!(VIPS_OPERATION_CLASS(class_of)->flags & VIPS_OPERATION_BLOCKED);
    g_type_class_unref(class_of);
    return blocked;
}

static void test_encoding(void)
{
    VipsImage *image = NULL;
    void *data = NULL;
    size_t len = 0;

    ok(!vips_black(&image, 3, 2, "bands", 3, NULL)
           && !vips_jpegsave_buffer(image, &data, &len, NULL) && len > 2
           && !memcmp(data, "\xff\xd8", 2),
       "it encodes");
    g_free(data);
    g_clear_object(&image);
}

int main(void)
{
    iiif_err_t err = { "" };
    iiif_format_set_t formats;
    unsigned i;

    ok(!iiif_vips_formats(), "nothing can be encoded before the start");
    ok(iiif_vips_start("vips_process_test", &err) == APR_SUCCESS, "libvips starts %s", err.text);
    formats = iiif_vips_formats();
    ok((formats & 1u << IIIF_FORMAT_JPG) && (formats & 1u << IIIF_FORMAT_PNG),
       "what level 2 requires can be encoded");
    ok(!(formats & ~ALL), "and no format that we do not know");
    ok(!(formats & 1u << IIIF_FORMAT_PDF) == !(formats & 1u << IIIF_FORMAT_JPG),
       "PDF goes with JPEG");
    ok(vips_concurrency_get() == 1, "one thread an operation");
    ok(vips_cache_get_max() == 0, "no operation cache");
    for (i = 0; i < ROWS(loaders); ++i) {
        int blocked = is_blocked(loaders[i].operation);

        ok(blocked == -1 || blocked == !loaders[i].allowed, "%s is %s", loaders[i].operation,
           blocked < 0 ? "not built in"
           : blocked   ? "blocked"
                       : "allowed");
    }
    test_encoding();
    ok(iiif_vips_start("again", NULL) == APR_SUCCESS && iiif_vips_formats() == formats,
       "a second start does nothing");
    ok(strchr(iiif_vips_version(), '.') != NULL, "version %s", iiif_vips_version());
    iiif_vips_thread_end();
    ok(1, "a thread can leave");
    test_encoding();
    return done_testing();
}
