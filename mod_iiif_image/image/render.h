/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_IMAGE_RENDER_H
#define IIIF_IMAGE_RENDER_H
/**
 * @file render.h
 * @brief From a source and integers to the bytes of an image.
 */
#include "base/wanted.h"
#include "image/source.h"
#include "iiif/resolved.h"

/** Encoded bytes, owned by whoever holds the struct; give them back with iiif_bytes_free(). */
typedef struct iiif_bytes_t {
    void *data;
    apr_size_t len;
} iiif_bytes_t;

/** Free what iiif_render() made. Has the signature of a bucket's free function. */
void iiif_bytes_free(void *data);

/** Settings that change pixels or bytes; and who waits for these. */
typedef struct iiif_look_t {
    unsigned char background[3]; /**< sRGB, where an image without alpha shows through */
    int quality[IIIF_FORMATS];   /**< 1 to 100, of the lossy formats */
    const iiif_wanted_t *wanted; /**< asked while it is rendered; NULL: always */
    int effort[IIIF_FORMATS];    /**< of the encoders that have one, see iiif_format_t */
    int keep_metadata; /**< EXIF, XMP and IPTC of the source go along; else rights alone */
    int linear_light;  /**< sizes change in proportion to light, not to sample values */
} iiif_look_t;

/** The source with what of it is read under @a look. Its texts and tiles are those of @a source. */
iiif_source_t iiif_look_source(const iiif_look_t *look, const iiif_source_t *source);

/**
 * Everything outside source and request that the bytes of an image depend on: settings, as far as
 * they matter for it, this code's revision, libvips' version. For validators and stored
 * derivatives; in @a pool.
 * @param source what is rendered, as for iiif_render()
 */
const char *iiif_look_key(const iiif_look_t *look, const iiif_source_t *source,
                          const iiif_resolved_t *resolved, apr_pool_t *pool);

/**
 * Render one image. Memory is bounded by the output and by a strip of the chosen level, wherever
 * the source's format can be read from top to bottom.
 * @param bytes the whole encoded file on success; untouched on failure, so nothing half is sent
 * @return APR_SUCCESS; IIIF_EBADSOURCE: the source is damaged; APR_EGENERAL: encoding failed;
 *         IIIF_ECHANGED: the file is no longer the one that @a source describes; IIIF_EGONE: it was
 *         cut, because nobody wants it any more. How soon, see image/wanted.c.
 */
apr_status_t iiif_render(iiif_bytes_t *bytes, const iiif_source_t *source,
                         const iiif_resolved_t *resolved, const iiif_look_t *look, iiif_err_t *err);
#endif
