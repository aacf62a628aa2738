/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a source's file says of itself and its maker, and what of it goes along with an image of it:
 * all, or the rights alone. Never what no longer describes the pixels: profile, orientation,
 * resolution, preview.
 */
#include <apr_strings.h>
#include <string.h>

#include "image/private.h"

#include "base/banned.h"

#define RIGHT_MAX 1000 /* bytes of one text */

static const char *const fields[IIIF_RIGHTS] = {
    [IIIF_RIGHTS_ARTIST] = "exif-ifd0-Artist",
    [IIIF_RIGHTS_COPYRIGHT] = "exif-ifd0-Copyright",
};

static const char *const blobs[] = { VIPS_META_EXIF_NAME, VIPS_META_XMP_NAME, VIPS_META_IPTC_NAME };

/* libvips tells an EXIF text as "TEXT (TEXT, ASCII, n components, n bytes)". */
static const char *text_of(const char *told, apr_pool_t *pool)
{
    const char *behind = NULL, *next = told;
    size_t length;

    while ((next = strstr(next, ", ASCII, ")))
        behind = next++;
    if (!behind || behind - told < 4)
        return NULL;
    length = ((size_t)(behind - told) - 2) / 2;
    return apr_pstrmemdup(pool, told, length);
}

void iiif_rights_take(iiif_source_t *source, iiif_rights_e right, const char *text,
                      apr_pool_t *pool)
{
    if (text && *text && strlen(text) <= RIGHT_MAX)
        source->rights[right] = apr_pstrdup(pool, text);
}

void iiif_rights_read(iiif_source_t *source, VipsImage *image, apr_pool_t *pool)
{
    const char *told;
    unsigned i;

    for (i = 0; i < IIIF_RIGHTS; ++i) {
        if (vips_image_get_typeof(image, fields[i])
            && !vips_image_get_string(image, fields[i], &told))
            iiif_rights_take(source, (iiif_rights_e)i, text_of(told, pool), pool);
    }
}

/* An EXIF of no fields: libvips adds them to what there is, and to nothing only in some formats. */
static const unsigned char empty_exif[] = "Exif\0\0II*\0\10\0\0\0\0\0\0\0\0";

static void add_rights(VipsImage *image, const iiif_source_t *source)
{
    unsigned i;

    if (source->rights[IIIF_RIGHTS_ARTIST] || source->rights[IIIF_RIGHTS_COPYRIGHT])
        vips_image_set_blob_copy(image, VIPS_META_EXIF_NAME, empty_exif, sizeof(empty_exif));

    for (i = 0; i < IIIF_RIGHTS; ++i) {
        if (source->rights[i]) { /* libvips drops what stands in the last brackets */
            char *told = g_strconcat(source->rights[i], " ()", NULL);

            vips_image_set_string(image, fields[i], told);
            g_free(told);
        }
    }
}

/* A field that still holds for an image of it. */
static void *copy_field(VipsImage *header, const char *name, GValue *value, void *image)
{
    unsigned i;

    (void)header;
    if (g_str_has_prefix(name, "exif-ifd") && !g_str_has_prefix(name, "exif-ifd1"))
        vips_image_set(image, name, value);
    for (i = 0; i < G_N_ELEMENTS(blobs); ++i) {
        if (!strcmp(name, blobs[i]))
            vips_image_set(image, name, value);
    }
    return NULL;
}

static apr_status_t copy_all(VipsImage *image, const iiif_source_t *source, iiif_err_t *err)
{
    VipsImage *header = NULL;
    apr_status_t rv = iiif_level_open(&header, source, &source->levels[0], err);

    if (rv != APR_SUCCESS)
        return rv;
    vips_image_map(header, copy_field, image);
    vips_image_set_int(image, VIPS_META_ORIENTATION, 1);
    g_object_unref(header);
    return APR_SUCCESS;
}

/* The encoders' own "strip" leaves EXIF in WebP and the orientation in TIFF. */
static void strip(VipsImage *image)
{
    char **all = vips_image_get_fields(image), **field;

    for (field = all; *field; ++field)
        vips_image_remove(image, *field); /* width and its like cannot be removed, and stay */
    g_strfreev(all);
}

apr_status_t iiif_metadata_set(VipsImage **image, const iiif_source_t *source, int keep,
                               iiif_err_t *err)
{
    VipsImage *own = NULL;
    apr_status_t rv = APR_SUCCESS;

    if (vips_copy(*image, &own, "xres", 1.0, "yres", 1.0, NULL))
        return iiif_vips_failed(err, APR_EGENERAL, "metadata");
    strip(own);
    if (keep)
        rv = copy_all(own, source, err);
    else
        add_rights(own, source);
    if (rv != APR_SUCCESS) {
        g_object_unref(own);
        return rv;
    }
    g_object_unref(*image);
    *image = own;
    return APR_SUCCESS;
}

int iiif_metadata_has(VipsImage *image)
{
    unsigned i;

    for (i = 0; i < G_N_ELEMENTS(blobs); ++i) {
        if (vips_image_get_typeof(image, blobs[i]))
            return 1;
    }
    return 0;
}
