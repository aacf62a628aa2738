/* SPDX-License-Identifier: Apache-2.0 */
#include "image/square.h"

#include <math.h>

#include "image/orientation.h"
#include "image/private.h"

#include "base/banned.h"

#define LOOK_AT 256.0 /* pixels of the shorter side: smartcrop itself looks at less */

static iiif_dims_t small_dims(iiif_dims_t full)
{
    double shorter = full.width < full.height ? full.width : full.height;
    double scale = shorter > LOOK_AT ? LOOK_AT / shorter : 1;

    return (iiif_dims_t){ (apr_uint32_t)lround(full.width * scale),
                          (apr_uint32_t)lround(full.height * scale) };
}

/* libvips answers with an image whose offset tells where it was cut out. */
static int interesting(VipsImage *small, iiif_square_e how, int *left, int *top)
{
    int side = small->Xsize < small->Ysize ? small->Xsize : small->Ysize;
    VipsImage *found = NULL;

    if (vips_smartcrop(small, &found, side, side, "interesting",
                       how == IIIF_SQUARE_ENTROPY ? VIPS_INTERESTING_ENTROPY
                                                  : VIPS_INTERESTING_ATTENTION,
                       NULL))
        return -1;
    *left = -found->Xoffset;
    *top = -found->Yoffset;
    g_object_unref(found);
    return 0;
}

static apr_uint32_t rescale(int offset, int small, apr_uint32_t side, apr_uint32_t full)
{
    double at = offset > 0 ? (double)offset * full / small : 0;
    apr_uint32_t room = full - side;

    return at > room ? room : (apr_uint32_t)lround(at);
}

static int shown_small(VipsImage **small, VipsImage *level, const iiif_source_t *source)
{
    VipsObject *scope = VIPS_OBJECT(vips_image_new());
    VipsImage **t = (VipsImage **)vips_object_local_array(scope, 3);
    iiif_dims_t size = iiif_orientation_dims(source->orientation, small_dims(source->full));
    int quarters, flipped, failed;

    iiif_orientation_steps(&quarters, &flipped, source->orientation);
    failed = vips_resize(level, &t[0], (double)size.width / level->Xsize, "vscale",
                         (double)size.height / level->Ysize, NULL)
             || !(t[1] = vips_image_copy_memory(t[0]))
             || vips_rot(t[1], &t[2], (VipsAngle)quarters, NULL)
             || (flipped ? vips_flip(t[2], small, VIPS_DIRECTION_HORIZONTAL, NULL)
                         : vips_copy(t[2], small, NULL));
    g_object_unref(scope);
    return failed;
}

apr_status_t iiif_square_find(iiif_resolved_t *resolved, const iiif_source_t *source,
                              const iiif_wanted_t *wanted, iiif_err_t *err)
{
    const iiif_rect_t whole = { 0, 0, source->full.width, source->full.height };
    VipsImage *level = NULL, *small = NULL;
    iiif_window_t window;
    int left = 0, top = 0;
    apr_status_t rv;

    if (resolved->square < IIIF_SQUARE_ENTROPY)
        return APR_SUCCESS;
    window = iiif_window_choose(source, whole, small_dims(source->full));
    window.wanted = wanted;
    rv = iiif_window_open(&level, source, &window, err);
    if (rv != APR_SUCCESS)
        return rv;
    if (shown_small(&small, level, source) || interesting(small, resolved->square, &left, &top))
        rv = iiif_vips_failed(err, IIIF_EBADSOURCE, "square");
    else {
        resolved->region.x =
            rescale(left, small->Xsize, resolved->region.width, source->full.width);
        resolved->region.y =
            rescale(top, small->Ysize, resolved->region.height, source->full.height);
    }
    g_clear_object(&small);
    g_object_unref(level);
    return rv;
}
