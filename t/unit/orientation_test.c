/* SPDX-License-Identifier: Apache-2.0 */
#include "image/orientation.h"

#include <string.h>

#include "tap.h"

#define WIDTH  5
#define HEIGHT 3
#define SIDE   5

/* An image as a table of pixels, each with its own name: 16 * row + column of the stored image. */
typedef struct picture_t {
    iiif_dims_t dims;
    int pixel[SIDE][SIDE];
} picture_t;

/* clang-format off */
/* EXIF 2.32, 4.6.4 A, word for word: which side of the picture the stored row 0 and column 0 are. */
static const struct {
    int orientation;
    char row_0, column_0; /* t(op), b(ottom), l(eft), r(ight) */
} exif[] = {
    { 1, 't', 'l' }, { 2, 't', 'r' }, { 3, 'b', 'r' }, { 4, 'b', 'l' },
    { 5, 'l', 't' }, { 6, 'r', 't' }, { 7, 'r', 'b' }, { 8, 'l', 'b' },
};
/* clang-format on */

static picture_t stored_picture(void)
{
    picture_t p = { { WIDTH, HEIGHT }, { { 0 } } };
    int x, y;

    for (y = 0; y < HEIGHT; ++y)
        for (x = 0; x < WIDTH; ++x)
            p.pixel[y][x] = 16 * y + x;
    return p;
}

/* What a person sees, pixel by pixel, from EXIF's words alone. */
static picture_t shown_by_words(const picture_t *stored, char row_0, char column_0)
{
    int turned = row_0 == 'l' || row_0 == 'r';
    picture_t p = { stored->dims, { { 0 } } };
    int x, y;

    if (turned)
        p.dims = (iiif_dims_t){ HEIGHT, WIDTH };
    for (y = 0; y < HEIGHT; ++y) {
        for (x = 0; x < WIDTH; ++x) {
            int across = turned ? y : x, down = turned ? x : y;

            if (row_0 == 'r' || column_0 == 'r')
                across = (int)p.dims.width - 1 - across;
            if (row_0 == 'b' || column_0 == 'b')
                down = (int)p.dims.height - 1 - down;
            p.pixel[down][across] = stored->pixel[y][x];
        }
    }
    return p;
}

static picture_t quarter_clockwise(const picture_t *in)
{
    picture_t p = { { in->dims.height, in->dims.width }, { { 0 } } };
    unsigned x, y;

    for (y = 0; y < in->dims.height; ++y)
        for (x = 0; x < in->dims.width; ++x)
            p.pixel[x][in->dims.height - 1 - y] = in->pixel[y][x];
    return p;
}

static picture_t flip_left_right(const picture_t *in)
{
    picture_t p = { in->dims, { { 0 } } };
    unsigned x, y;

    for (y = 0; y < in->dims.height; ++y)
        for (x = 0; x < in->dims.width; ++x)
            p.pixel[y][in->dims.width - 1 - x] = in->pixel[y][x];
    return p;
}

static picture_t cut(const picture_t *in, iiif_rect_t r)
{
    picture_t p = { { r.width, r.height }, { { 0 } } };
    unsigned x, y;

    for (y = 0; y < r.height; ++y)
        for (x = 0; x < r.width; ++x)
            p.pixel[y][x] = in->pixel[r.y + y][r.x + x];
    return p;
}

static picture_t by_steps(const picture_t *in, int orientation)
{
    picture_t p = *in;
    int i, quarters, flip;

    iiif_orientation_steps(&quarters, &flip, orientation);
    for (i = 0; i < quarters; ++i)
        p = quarter_clockwise(&p);
    return flip ? flip_left_right(&p) : p;
}

static int inside(iiif_rect_t r, iiif_dims_t dims)
{
    return r.width && r.height && r.x < dims.width && r.y < dims.height
           && r.width <= dims.width - r.x && r.height <= dims.height - r.y;
}

/* Every rectangle of the picture: cut from what is stored and then turned, it is what a person sees
 * there. */
static unsigned wrong_regions(const picture_t *stored, const picture_t *shown, int orientation,
                              unsigned *seen)
{
    iiif_rect_t r;
    unsigned wrong = 0;

    for (r.x = 0; r.x < shown->dims.width; ++r.x)
        for (r.y = 0; r.y < shown->dims.height; ++r.y)
            for (r.width = 1; r.width <= shown->dims.width - r.x; ++r.width)
                for (r.height = 1; r.height <= shown->dims.height - r.y; ++r.height) {
                    iiif_rect_t at = iiif_orientation_to_stored(orientation, r, shown->dims);
                    picture_t want = cut(shown, r), got = want;

                    ++*seen;
                    if (inside(at, stored->dims)) {
                        picture_t part = cut(stored, at);

                        got = by_steps(&part, orientation);
                    }
                    wrong += !inside(at, stored->dims) || memcmp(&got, &want, sizeof(got)) != 0;
                }
    return wrong;
}

int main(void)
{
    const picture_t stored = stored_picture();
    unsigned i;

    for (i = 0; i < ROWS(exif); ++i) {
        int orientation = exif[i].orientation;
        picture_t shown = shown_by_words(&stored, exif[i].row_0, exif[i].column_0);
        picture_t turned = by_steps(&stored, orientation);
        iiif_dims_t dims = iiif_orientation_dims(orientation, stored.dims);
        unsigned seen = 0, wrong;

        ok(dims.width == shown.dims.width && dims.height == shown.dims.height,
           "orientation %d shows %ux%u", orientation, dims.width, dims.height);
        ok(!memcmp(&turned, &shown, sizeof(shown)), "  its steps show what EXIF says");
        wrong = wrong_regions(&stored, &shown, orientation, &seen);
        ok(!wrong && seen == 90, "  and %u regions lie where they are looked for, %u do not", seen,
           wrong);
    }
    return done_testing();
}
