/* SPDX-License-Identifier: Apache-2.0 */
#include "image/jp2_planes.h"

#include "base/banned.h"

#define COMPONENTS_MAX 4 /* colours and alpha */

apr_uint64_t iiif_jp2_reduced(apr_uint64_t at, apr_uint64_t step, int level)
{
    return ((at + step - 1) / step + (APR_UINT64_C(1) << level) - 1) >> level;
}

static int is_subsampled(const opj_image_t *image)
{
    OPJ_UINT32 i;

    for (i = 1; i < image->numcomps; ++i) {
        if (image->comps[i].dx != image->comps[0].dx || image->comps[i].dy != image->comps[0].dy)
            return 1;
    }
    return 0;
}

int iiif_jp2_is_plain(const opj_image_t *image)
{
    OPJ_UINT32 i;

    if (!image->numcomps || image->numcomps > COMPONENTS_MAX || !image->comps[0].dx
        || !image->comps[0].dy)
        return 0;
    for (i = 0; i < image->numcomps; ++i) {
        const opj_image_comp_t *c = &image->comps[i];

        if (!c->dx || !c->dy || c->dx % image->comps[0].dx || c->dy % image->comps[0].dy || c->sgnd
            || !c->prec || c->prec > 16)
            return 0;
    }
    return 1;
}

/* clang-format off */
static const struct {
    OPJ_COLOR_SPACE space;
    unsigned components; /* or more */
    int ycc, ycc_if_subsampled;
    VipsInterpretation bytes, words;
} spaces[] = {
    { OPJ_CLRSPC_SRGB,        3, 0, 0, VIPS_INTERPRETATION_sRGB, VIPS_INTERPRETATION_RGB16 },
    { OPJ_CLRSPC_GRAY,        1, 0, 0, VIPS_INTERPRETATION_B_W,  VIPS_INTERPRETATION_GREY16 },
    { OPJ_CLRSPC_SYCC,        3, 1, 1, VIPS_INTERPRETATION_sRGB, VIPS_INTERPRETATION_RGB16 },
    { OPJ_CLRSPC_EYCC,        3, 1, 1, VIPS_INTERPRETATION_sRGB, VIPS_INTERPRETATION_RGB16 },
    { OPJ_CLRSPC_CMYK,        4, 0, 0, VIPS_INTERPRETATION_CMYK, VIPS_INTERPRETATION_CMYK },
    { OPJ_CLRSPC_UNKNOWN,     3, 0, 1, VIPS_INTERPRETATION_sRGB, VIPS_INTERPRETATION_RGB16 },
    { OPJ_CLRSPC_UNKNOWN,     1, 0, 0, VIPS_INTERPRETATION_B_W,  VIPS_INTERPRETATION_GREY16 },
    { OPJ_CLRSPC_UNSPECIFIED, 3, 0, 1, VIPS_INTERPRETATION_sRGB, VIPS_INTERPRETATION_RGB16 },
    { OPJ_CLRSPC_UNSPECIFIED, 1, 0, 0, VIPS_INTERPRETATION_B_W,  VIPS_INTERPRETATION_GREY16 },
};
/* clang-format on */

static int has_words(const opj_image_t *image)
{
    OPJ_UINT32 i;

    for (i = 0; i < image->numcomps; ++i) {
        if (image->comps[i].prec > 8)
            return 1;
    }
    return 0;
}

int iiif_jp2_layout(iiif_jp2_layout_t *layout, const opj_image_t *image)
{
    const int words = has_words(image), subsampled = is_subsampled(image);
    unsigned i;

    for (i = 0; i < sizeof(spaces) / sizeof(spaces[0]); ++i) {
        if (spaces[i].space != image->color_space || image->numcomps < spaces[i].components)
            continue;
        *layout =
            (iiif_jp2_layout_t){ words ? spaces[i].words : spaces[i].bytes, image->numcomps, words,
                                 subsampled ? spaces[i].ycc_if_subsampled : spaces[i].ycc };
        return 1;
    }
    return 0;
}

static apr_uint64_t multiple_below(apr_uint64_t at, apr_uint64_t step)
{
    return at - at % step;
}

/* Chroma of a pixel is at the multiple below it; before the first multiple, at the first. */
static void widen(apr_uint64_t *from, apr_uint64_t *to, apr_uint64_t first, apr_uint64_t last,
                  apr_uint64_t step)
{
    *from = VIPS_MAX(multiple_below(*from, step), first);
    *to = VIPS_MIN(multiple_below(*to + step - 1, step) + 1, last);
}

iiif_jp2_area_t iiif_jp2_with_chroma(const opj_image_t *image, int level, iiif_jp2_area_t area)
{
    const opj_image_comp_t *first = &image->comps[0];
    const apr_uint64_t x0 = iiif_jp2_reduced(image->x0, first->dx, level);
    const apr_uint64_t y0 = iiif_jp2_reduced(image->y0, first->dy, level);
    const apr_uint64_t x1 = iiif_jp2_reduced(image->x1, first->dx, level);
    const apr_uint64_t y1 = iiif_jp2_reduced(image->y1, first->dy, level);
    OPJ_UINT32 i;

    for (i = 1; i < image->numcomps; ++i) {
        const opj_image_comp_t *c = &image->comps[i];

        if (c->dx > first->dx)
            widen(&area.left, &area.right, x0, x1, c->dx / first->dx);
        if (c->dy > first->dy)
            widen(&area.top, &area.bottom, y0, y1, c->dy / first->dy);
    }
    return area;
}

/* One axis of a subsampled component: its sample for pixel @a at. */
typedef struct chroma_t {
    apr_uint64_t step, first, count;
} chroma_t;

static size_t chroma_at(const chroma_t *axis, apr_uint64_t at)
{
    const apr_uint64_t found = at / axis->step;

    return (size_t)(found <= axis->first ? 0 : VIPS_MIN(found - axis->first, axis->count - 1));
}

static void repeat(OPJ_INT32 *to, const opj_image_comp_t *c, const chroma_t axes[2],
                   const iiif_jp2_area_t *area)
{
    apr_uint64_t x, y;

    for (y = area->top; y < area->bottom; ++y) {
        const OPJ_INT32 *row = c->data + chroma_at(&axes[1], y) * c->w;

        for (x = area->left; x < area->right; ++x)
            *to++ = row[chroma_at(&axes[0], x)];
    }
}

static int upsample(opj_image_comp_t *c, const opj_image_comp_t *first, int level,
                    const iiif_jp2_area_t *area)
{
    const apr_uint64_t scale = APR_UINT64_C(1) << level;
    const chroma_t axes[2] = {
        { c->dx / first->dx, iiif_jp2_reduced(area->left * scale * first->dx, c->dx, level), c->w },
        { c->dy / first->dy, iiif_jp2_reduced(area->top * scale * first->dy, c->dy, level), c->h }
    };
    OPJ_INT32 *data;

    if (!c->data || !c->w || !c->h)
        return 0;
    if (axes[0].step == 1 && axes[1].step == 1)
        return c->w == first->w && c->h == first->h;
    data = opj_image_data_alloc((size_t)first->w * first->h * sizeof(*data));
    if (!data)
        return 0;
    repeat(data, c, axes, area);
    opj_image_data_free(c->data);
    c->data = data;
    c->w = first->w;
    c->h = first->h;
    return 1;
}

static OPJ_INT32 clipped(OPJ_INT32 value, OPJ_INT32 top)
{
    return value < 0 ? 0 : value > top ? top : value;
}

/* IEC 61966-2-1 Amd 1: ITU-R BT.601's matrix, of full range. Cut, not rounded: as libvips and
 * opj_decompress do. */
static void to_rgb(opj_image_t *image)
{
    const size_t count = (size_t)image->comps[0].w * image->comps[0].h;
    const OPJ_INT32 half = 1 << (image->comps[0].prec - 1);
    const OPJ_INT32 top = (1 << image->comps[0].prec) - 1;
    OPJ_INT32 *const red = image->comps[0].data;
    OPJ_INT32 *const green = image->comps[1].data;
    OPJ_INT32 *const blue = image->comps[2].data;
    size_t i;

    for (i = 0; i < count; ++i) {
        const OPJ_INT32 y = red[i], cb = green[i] - half, cr = blue[i] - half;

        red[i] = clipped(y + (OPJ_INT32)(1.402 * cr), top);
        green[i] = clipped(y - (OPJ_INT32)(0.344 * cb + 0.714 * cr), top);
        blue[i] = clipped(y + (OPJ_INT32)(1.772 * cb), top);
    }
}

static int has_area(const opj_image_comp_t *c, const iiif_jp2_area_t *area)
{
    return c->data && c->w == area->right - area->left && c->h == area->bottom - area->top;
}

int iiif_jp2_complete(opj_image_t *image, const iiif_jp2_layout_t *layout, int level,
                      const iiif_jp2_area_t *area)
{
    opj_image_comp_t *const c = image->comps;
    OPJ_UINT32 i;

    if (!has_area(&c[0], area))
        return 0;
    for (i = 1; i < image->numcomps; ++i) {
        if (!upsample(&c[i], &c[0], level, area))
            return 0;
    }
    if (!layout->ycc)
        return 1;
    if (c[1].prec != c[0].prec || c[2].prec != c[0].prec)
        return 0;
    to_rgb(image);
    return 1;
}

/* How a sample becomes one of 8 or 16 bits: times, plus, divided by. */
typedef struct spread_t {
    OPJ_INT32 top;
    apr_uint64_t times, plus, by;
} spread_t;

static spread_t spread_of(const opj_image_comp_t *c, int words)
{
    const OPJ_INT32 top = (1 << c->prec) - 1;
    const spread_t as_it_is = { top, 1, 0, 1 };
    const spread_t shifted = { top, APR_UINT64_C(1) << (16 - c->prec), 0, 1 };
    const spread_t to_white = { top, words ? 65535 : 255, (apr_uint64_t)top / 2,
                                (apr_uint64_t)top };

    if (c->prec > 8)
        return shifted;
    return c->prec == 8 && !words ? as_it_is : to_white;
}

static unsigned spread(const spread_t *s, OPJ_INT32 sample)
{
    const apr_uint64_t raised = (apr_uint64_t)clipped(sample, s->top) * s->times + s->plus;

    return (unsigned)(s->by == 1 ? raised : raised / s->by);
}

static void pack_bytes(VipsPel *to, const OPJ_INT32 *row, size_t count, unsigned bands,
                       const spread_t *s)
{
    size_t i;

    for (i = 0; i < count; ++i)
        to[i * bands] = (VipsPel)spread(s, row[i]);
}

static void pack_words(unsigned short *to, const OPJ_INT32 *row, size_t count, unsigned bands,
                       const spread_t *s)
{
    size_t i;

    for (i = 0; i < count; ++i)
        to[i * bands] = (unsigned short)spread(s, row[i]);
}

void iiif_jp2_pack(void *pixels, const opj_image_t *image, const iiif_jp2_layout_t *layout,
                   iiif_rect_t rect)
{
    OPJ_UINT32 i;
    size_t y;

    for (i = 0; i < layout->bands; ++i) {
        const opj_image_comp_t *c = &image->comps[i];
        const spread_t s = spread_of(c, layout->words);

        for (y = 0; y < rect.height; ++y) {
            const OPJ_INT32 *row = c->data + (rect.y + y) * c->w + rect.x;
            const size_t at = y * rect.width * layout->bands + i;

            if (layout->words)
                pack_words((unsigned short *)pixels + at, row, rect.width, layout->bands, &s);
            else
                pack_bytes((VipsPel *)pixels + at, row, rect.width, layout->bands, &s);
        }
    }
}
