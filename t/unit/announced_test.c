/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/announced.h"

#include <string.h>

#include "plan/fingerprint.h"
#include "tap.h"

/* clang-format off */
/* Of an image of 1000 x 800 in tiles of 256, and of 128 on its second level: is it announced? Levels:
 * 1000x800, 500x400, 250x200. */
static const struct {
    const char *what;
    iiif_rect_t region;
    iiif_dims_t size;
    iiif_rotation_t rotation;
    iiif_quality_e quality;
    int announced;
} images[] = {
    { "the first tile",              { 0, 0, 256, 256 },     { 256, 256 },  { 0 }, IIIF_QUALITY_DEFAULT, 1 },
    { "the last tile",               { 768, 768, 232, 32 },  { 232, 32 },   { 0 }, IIIF_QUALITY_DEFAULT, 1 },
    { "one of the second level",     { 512, 0, 488, 512 },   { 244, 256 },  { 0 }, IIIF_QUALITY_DEFAULT, 1 },
    { "the last level",              { 0, 0, 1000, 800 },    { 250, 200 },  { 0 }, IIIF_QUALITY_DEFAULT, 1 },
    { "a pixel beside",              { 1, 0, 256, 256 },     { 256, 256 },  { 0 }, IIIF_QUALITY_DEFAULT, 0 },
    { "a row short",                 { 0, 0, 256, 255 },     { 256, 255 },  { 0 }, IIIF_QUALITY_DEFAULT, 0 },
    { "a column short in size",      { 0, 0, 256, 256 },     { 255, 256 },  { 0 }, IIIF_QUALITY_DEFAULT, 0 },
    { "a tile of another level",     { 256, 0, 512, 512 },   { 256, 256 },  { 0 }, IIIF_QUALITY_DEFAULT, 0 },
    { "a tile by a third",           { 0, 0, 768, 768 },     { 256, 256 },  { 0 }, IIIF_QUALITY_DEFAULT, 0 },
    { "a stored tile of the second", { 256, 0, 256, 256 },   { 128, 128 },  { 0 }, IIIF_QUALITY_DEFAULT, 1 },
    { "its last one",                { 768, 768, 232, 32 },  { 116, 16 },   { 0 }, IIIF_QUALITY_DEFAULT, 1 },
    { "such a tile of the first",    { 128, 0, 128, 128 },   { 128, 128 },  { 0 }, IIIF_QUALITY_DEFAULT, 0 },
    { "such a tile of the last",     { 512, 0, 488, 512 },   { 122, 128 },  { 0 }, IIIF_QUALITY_DEFAULT, 0 },
    { "a tile in gray",              { 0, 0, 256, 256 },     { 256, 256 },  { 0 }, IIIF_QUALITY_GRAY,    0 },
    { "a tile in a mirror",          { 0, 0, 256, 256 },     { 256, 256 },  { .mirror = 1 }, IIIF_QUALITY_DEFAULT, 0 },
    { "all of it",                   { 0, 0, 1000, 800 },    { 1000, 800 }, { 0 }, IIIF_QUALITY_DEFAULT, 1 },
    { "half of it",                  { 0, 0, 1000, 800 },    { 500, 400 },  { 0 }, IIIF_QUALITY_DEFAULT, 1 },
    { "a preview",                   { 0, 0, 1000, 800 },    { 333, 266 },  { 0 }, IIIF_QUALITY_DEFAULT, 1 },
    { "  rounded up",                { 0, 0, 1000, 800 },    { 333, 267 },  { 0 }, IIIF_QUALITY_DEFAULT, 1 },
    { "  distorted",                 { 0, 0, 1000, 800 },    { 333, 268 },  { 0 }, IIIF_QUALITY_DEFAULT, 0 },
    { "  of the largest size",       { 0, 0, 1000, 800 },    { 1024, 819 }, { 0 }, IIIF_QUALITY_DEFAULT, 1 },
    { "  and larger",                { 0, 0, 1000, 800 },    { 1025, 820 }, { 0 }, IIIF_QUALITY_DEFAULT, 0 },
    { "a square in the middle",      { 100, 0, 800, 800 },   { 90, 90 },    { 0 }, IIIF_QUALITY_DEFAULT, 1 },
    { "  at the left",               { 0, 0, 800, 800 },     { 90, 90 },    { 0 }, IIIF_QUALITY_DEFAULT, 1 },
    { "  at the right",              { 200, 0, 800, 800 },   { 90, 90 },    { 0 }, IIIF_QUALITY_DEFAULT, 1 },
    { "  anywhere",                  { 101, 0, 800, 800 },   { 90, 90 },    { 0 }, IIIF_QUALITY_DEFAULT, 0 },
    { "  smaller",                   { 0, 0, 799, 799 },     { 90, 90 },    { 0 }, IIIF_QUALITY_DEFAULT, 0 },
};
/* clang-format on */

static iiif_source_t source = {
    .path = "/srv/a.tif", .stamp = { 1, 2, 3, 4, 5 }, .full = { 1000, 800 }, .level_count = 1
};

static iiif_plan_t plan_of(unsigned i)
{
    return (iiif_plan_t){ .source = &source,
                          .pixels = &source,
                          .tile = { 256, 256 },
                          .stored = { [1] = { 128, 128 } },
                          .resolved = { .region = images[i].region,
                                        .square = IIIF_SQUARE_CENTRE,
                                        .size = images[i].size,
                                        .rotation = images[i].rotation,
                                        .quality = images[i].quality } };
}

static void test_announced(void)
{
    unsigned i;

    for (i = 0; i < ROWS(images); ++i) {
        iiif_plan_t plan = plan_of(i);

        ok(iiif_plan_is_announced(&plan, IIIF_REQUEST_IMAGE) == images[i].announced, "%s%s",
           images[i].what, images[i].announced ? "" : ": not announced");
        ok(iiif_plan_is_announced(&plan, IIIF_REQUEST_DEEPZOOM_TILE)
               && iiif_plan_is_announced(&plan, IIIF_REQUEST_ZOOMIFY_TILE),
           "  as a tile of Deep Zoom or Zoomify it is");
    }
}

static int differ(const iiif_fingerprint_t *a, const iiif_plan_t *plan, const char *how)
{
    iiif_fingerprint_t b = iiif_fingerprint(plan, how);

    return strcmp(a->text, b.text) != 0;
}

static void test_fingerprint(void)
{
    static const struct {
        const char *what, *path;
        iiif_stamp_t stamp;
        int page, differs;
    } sources[] = { { "the same", "/srv/a.tif", { 1, 2, 3, 4, 5 }, 0, 0 },
                    { "another path", "/srv/b.tif", { 1, 2, 3, 4, 5 }, 0, 1 },
                    { "another time", "/srv/a.tif", { 9, 2, 3, 4, 5 }, 0, 1 },
                    { "another time of change", "/srv/a.tif", { 1, 9, 3, 4, 5 }, 0, 1 },
                    { "another size", "/srv/a.tif", { 1, 2, 9, 4, 5 }, 0, 1 },
                    { "another inode", "/srv/a.tif", { 1, 2, 3, 9, 5 }, 0, 1 },
                    { "another page", "/srv/a.tif", { 1, 2, 3, 4, 5 }, 1, 1 },
                    { "the device of another host", "/srv/a.tif", { 1, 2, 3, 4, 9 }, 0, 0 } };
    iiif_plan_t plan = plan_of(0);
    iiif_fingerprint_t first = iiif_fingerprint(&plan, "how");
    iiif_source_t other = source;
    unsigned i;

    ok(strlen(first.text) == IIIF_FINGERPRINT_DIGITS
           && strspn(first.text, "0123456789abcdef") == IIIF_FINGERPRINT_DIGITS,
       "a fingerprint is %s", first.text);
    ok(differ(&first, &plan, "otherwise"), "another setting, another fingerprint");
    for (i = 0; i < ROWS(sources); ++i) {
        other.path = sources[i].path;
        other.stamp = sources[i].stamp;
        other.levels[0].page = sources[i].page;
        plan.source = plan.pixels = &other;
        ok(differ(&first, &plan, "how") == sources[i].differs, "%s", sources[i].what);
        plan.source = &source;
        ok(differ(&first, &plan, "how"), "  as what pixels are read from alone");
    }
    plan = plan_of(0);
    plan.etag = "";
    ok(differ(&first, &plan, "how"), "a record's etag");
    first = iiif_fingerprint(&plan, "how");
    plan.etag = "2";
    ok(differ(&first, &plan, "how"), "and another one");
}

int main(void)
{
    test_announced();
    test_fingerprint();
    return done_testing();
}
