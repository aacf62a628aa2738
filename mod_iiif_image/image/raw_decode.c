/* SPDX-License-Identifier: Apache-2.0 */
#include "image/raw_decode.h"

#include <turbojpeg.h>

#include "base/banned.h"

struct iiif_raw_decoder_t {
    tjhandle handle;
};

static apr_status_t destroy(void *handle)
{
    tjDestroy(handle);
    return APR_SUCCESS;
}

apr_status_t iiif_raw_decoder_make(iiif_raw_decoder_t **decoder, iiif_err_t *err, apr_pool_t *pool)
{
    tjhandle handle = tjInitDecompress();

    if (!handle)
        return iiif_fail(err, APR_ENOMEM, "no memory to decode JPEG tiles");
    apr_pool_cleanup_register(pool, handle, destroy, apr_pool_cleanup_null);
    *decoder = apr_palloc(pool, sizeof(**decoder));
    (*decoder)->handle = handle;
    return APR_SUCCESS;
}

int iiif_raw_can_decode(const iiif_raw_level_t *level, unsigned shrink)
{
    return level && level->format == IIIF_FORMAT_JPG && level->tile.width % shrink == 0
           && level->tile.height % shrink == 0;
}

apr_status_t iiif_raw_decode(const iiif_raw_pixels_t *to, iiif_raw_decoder_t *decoder,
                             const iiif_raw_tile_t *tile, const iiif_source_t *source,
                             iiif_err_t *err)
{
    const iiif_raw_level_t *level = tile->level;
    const int colours = level->jpeg.components == 1 ? TJPF_GRAY : TJPF_RGB;
    iiif_bytes_t jpeg;
    apr_status_t rv = iiif_raw_tile_read(&jpeg, tile, source, err);

    if (rv != APR_SUCCESS)
        return rv;
    /* libjpeg only warns of codes that no encoder writes, and goes on with gray or noise */
    if (tjDecompress2(decoder->handle, jpeg.data, (unsigned long)jpeg.len, to->pixels,
                      (int)(level->tile.width / to->shrink), (int)to->stride,
                      (int)(level->tile.height / to->shrink), colours, TJFLAG_STOPONWARNING))
        rv = iiif_fail(err, IIIF_EBADSOURCE, "tile %u: %s", tile->index,
                       tjGetErrorStr2(decoder->handle));
    iiif_bytes_free(jpeg.data);
    return rv;
}

apr_status_t iiif_raw_decode_planes(iiif_raw_planes_t *to, iiif_raw_decoder_t *decoder,
                                    const iiif_raw_tile_t *tile, const iiif_source_t *source,
                                    iiif_err_t *err)
{
    iiif_bytes_t jpeg;
    apr_status_t rv = iiif_raw_tile_read(&jpeg, tile, source, err);

    if (rv != APR_SUCCESS)
        return rv;
    if (tjDecompressToYUVPlanes(decoder->handle, jpeg.data, (unsigned long)jpeg.len, to->samples,
                                (int)to->tile.width, to->strides, (int)to->tile.height,
                                TJFLAG_STOPONWARNING))
        rv = iiif_fail(err, IIIF_EBADSOURCE, "tile %u: %s", tile->index,
                       tjGetErrorStr2(decoder->handle));
    iiif_bytes_free(jpeg.data);
    return rv;
}
