/* SPDX-License-Identifier: Apache-2.0 */
#include "image/square.h"

#include <math.h>

#include "image/private.h"

#include "base/banned.h"

#define SIDE_MAX 1024 /* of a square that is looked for: a larger one is where this one is */

static apr_uint32_t shorter_side(iiif_dims_t dims)
{
    return dims.width < dims.height ? dims.width : dims.height;
}

/* A thumbnail's: as large as the image that is asked for, and never enlarged. */
static apr_uint32_t side_of(const iiif_resolved_t *resolved, iiif_dims_t full)
{
    apr_uint32_t side =
        resolved->size.width > resolved->size.height ? resolved->size.width : resolved->size.height;

    if (side > SIDE_MAX)
        side = SIDE_MAX;
    return side < shorter_side(full) ? side : shorter_side(full);
}

iiif_source_t iiif_square_source(const iiif_source_t *source)
{
    static const iiif_look_t linear = { .linear_light = 1 };

    return iiif_look_source(&linear, source);
}

static apr_uint32_t scaled(apr_uint32_t full, apr_uint64_t side, apr_uint64_t shorter)
{
    return side < shorter ? (apr_uint32_t)(full * side / shorter) : full;
}

static iiif_dims_t dims_by(iiif_dims_t full, apr_uint64_t side)
{
    const apr_uint64_t shorter = shorter_side(full);

    return (iiif_dims_t){ scaled(full.width, side, shorter), scaled(full.height, side, shorter) };
}

iiif_dims_t iiif_square_seen(const iiif_source_t *source, const iiif_resolved_t *resolved)
{
    return dims_by(source->full, side_of(resolved, source->full));
}

/* A level with one pixel more than the thumbnail, as vips_thumbnail() wants it. */
iiif_window_t iiif_square_window(const iiif_source_t *stored, const iiif_resolved_t *resolved)
{
    const iiif_rect_t whole = { 0, 0, stored->full.width, stored->full.height };
    const apr_uint64_t more = (apr_uint64_t)side_of(resolved, stored->full) + 1;

    return iiif_window_choose(stored, whole, dims_by(stored->full, more));
}

/* A CMYK profile may not fit its image: then libvips has one of its own. */
static void drop_unfit_profile(VipsImage *level)
{
    VipsImage *imported = NULL;

    if (vips_image_get_typeof(level, VIPS_META_ICC_NAME)
        && vips_icc_import(level, &imported, "embedded", TRUE, "intent", VIPS_INTENT_ABSOLUTE,
                           NULL)) {
        vips_error_clear();
        vips_image_remove(level, VIPS_META_ICC_NAME);
    }
    g_clear_object(&imported);
}

/* libvips answers with an image whose offset tells where it was cut out. */
static int find(VipsImage *level, const iiif_source_t *source, iiif_square_e how, int side,
                int place[2])
{
    VipsImage *found = NULL;

    drop_unfit_profile(level);
    vips_image_set_int(level, VIPS_META_ORIENTATION, source->orientation);
    if (vips_thumbnail_image(level, &found, side, "height", side, "size", VIPS_SIZE_DOWN, "linear",
                             TRUE, "intent", VIPS_INTENT_ABSOLUTE, "crop",
                             how == IIIF_SQUARE_ENTROPY ? VIPS_INTERESTING_ENTROPY
                                                        : VIPS_INTERESTING_ATTENTION,
                             NULL))
        return -1;
    place[0] = -found->Xoffset;
    place[1] = -found->Yoffset;
    g_object_unref(found);
    return 0;
}

/* From pixels of the thumbnail to those of the image. Its sides are rounded, and what an image has
 * more or less than they stand for is left out at both ends (libvips' reduce). */
static apr_uint32_t rescale(int offset, apr_uint32_t side, apr_uint32_t shorter, apr_uint32_t full)
{
    const double shrink = (double)shorter / side, rest = full - rint(full / shrink) * shrink;
    const double at = offset * shrink + rest / 2;
    const apr_uint32_t room = full - shorter;

    return at < 0 ? 0 : at > room ? room : (apr_uint32_t)lround(at);
}

apr_status_t iiif_square_find(iiif_resolved_t *resolved, const iiif_source_t *source,
                              const iiif_wanted_t *wanted, iiif_err_t *err)
{
    const iiif_source_t stored = iiif_square_source(source);
    const apr_uint32_t side = side_of(resolved, source->full), shorter = shorter_side(source->full);
    VipsImage *level = NULL;
    iiif_window_t window;
    int place[2];
    apr_status_t rv;

    if (resolved->square < IIIF_SQUARE_ENTROPY)
        return APR_SUCCESS;
    window = iiif_square_window(&stored, resolved);
    window.wanted = wanted;
    rv = iiif_window_open(&level, &stored, &window, err);
    if (rv != APR_SUCCESS)
        return rv;
    if (find(level, source, resolved->square, (int)side, place))
        rv = iiif_vips_failed(err, IIIF_EBADSOURCE, "square");
    else {
        resolved->region.x = rescale(place[0], side, shorter, source->full.width);
        resolved->region.y = rescale(place[1], side, shorter, source->full.height);
    }
    g_object_unref(level);
    return rv;
}
