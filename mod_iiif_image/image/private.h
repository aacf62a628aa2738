/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_IMAGE_PRIVATE_H
#define IIIF_IMAGE_PRIVATE_H
/**
 * @file private.h
 * @brief What the files of image/ share and nobody else sees: the only header that names VipsImage.
 */
#include <vips/vips.h>

#include "image/render.h"
#include "image/source.h"
#include "image/window.h"

/**
 * Open one level of a source, top to bottom where the format allows it, failing on damage.
 * @param image a new reference on success; untouched on failure
 * @return APR_SUCCESS or IIIF_EBADSOURCE
 */
apr_status_t iiif_level_open(VipsImage **image, const iiif_source_t *source,
                             const iiif_level_t *level, iiif_err_t *err);

/**
 * The pixels of a window, as the file has them: decoded tile by tile where its layout allows that,
 * else cut out of what libvips reads.
 * @param image  a new reference, of the window's size, on success; untouched on failure
 * @return APR_SUCCESS or IIIF_EBADSOURCE; damage may also show when pixels are computed
 */
apr_status_t iiif_window_open(VipsImage **image, const iiif_source_t *source,
                              const iiif_window_t *window, iiif_err_t *err);

/**
 * While pixels of @a image are computed, or of what is made of it, ask @a wanted, some 20 times a
 * second; when it is not, computing them fails (image/wanted.c).
 * @param wanted borrowed for as long as @a image; NULL: do nothing
 */
void iiif_watch(VipsImage *image, const iiif_wanted_t *wanted);

/** `return iiif_vips_failed(err, rv, "render")`: takes libvips' words, which may be another
 * thread's (its buffer is one a process), for the log; never parse or send them. */
apr_status_t iiif_vips_failed(iiif_err_t *err, apr_status_t rv, const char *doing);

/** Fill source->levels, ->stored, ->tile of a TIFF from its directories (image/tiff.c). @a page
 * from 1. */
apr_status_t iiif_tiff_levels(iiif_source_t *source, unsigned page, iiif_err_t *err,
                              apr_pool_t *pool);

/**
 * A window of a tiled TIFF (image/tiff_window.c), decoding only the tiles that it covers; tiles
 * that a sparse file leaves out are zeros. Samples as libvips' loader gives them: bands, format,
 * interpretation.
 * @param image  a new reference on success; untouched on failure. A large one is decoded while it
 *               is used, best from top to bottom, with two rows of its tiles in memory; it holds
 *               the file open, and @a source has to stay as long.
 * @param window on a level found by iiif_tiff_levels(), inside it
 * @return APR_SUCCESS; IIIF_EBADSOURCE: damaged, or the file changed; IIIF_ENOTIMPL: a layout left
 *         to libvips. In a large window a damaged tile shows when pixels are computed.
 */
apr_status_t iiif_tiff_window(VipsImage **image, const iiif_source_t *source,
                              const iiif_window_t *window, iiif_err_t *err);

/**
 * A window of a plain JPEG (image/jpeg_window.c): what lies beside and above it is read, and not
 * made into pixels. Samples as libvips' loader gives them.
 * @param image a new reference on success; untouched on failure
 * @return APR_SUCCESS; IIIF_ENOTIMPL: left to libvips, which also finds the words for damage: other
 *         formats, a window of nearly all or beyond 16 MB, progressive, CMYK
 */
apr_status_t iiif_jpeg_window(VipsImage **image, const iiif_source_t *source,
                              const iiif_window_t *window, iiif_err_t *err);

/**
 * A whole image, where it is made of JPEG tiles and needs no colours but JPEG's own
 * (image/planes.c): upright sRGB or gray, no enlarging, no metadata.
 * @param window on a level of @a source
 * @param bytes  filled on success, untouched on failure
 * @return APR_SUCCESS; else it has to be made in another way, which also finds the words for damage
 */
apr_status_t iiif_planes_render(iiif_bytes_t *bytes, const iiif_source_t *source,
                                const iiif_window_t *window, const iiif_resolved_t *resolved,
                                const iiif_look_t *look);

/** Is it of 8-bit samples without alpha, and each side of @a size at most its own and at least a
 *  quarter of it? Then iiif_reduce() makes it smaller. */
int iiif_can_reduce(VipsImage *in, iiif_dims_t size);

/**
 * Scale to exactly @a size by a Lanczos kernel of three lobes (image/reduce.c), each pixel's centre
 * staying where it is. Rows are made as they are asked for.
 * @return 0, or -1 as libvips does
 */
int iiif_reduce(VipsImage *in, VipsImage **out, iiif_dims_t size);

/**
 * 8-bit sRGB, or 8-bit gray, with alpha kept as last band: ICC profiles applied, CMYK, Lab and 16
 * bits converted. @return 0, or -1 as libvips does
 */
int iiif_colour_to_display(VipsImage *in, VipsImage **out);

/**
 * 8 or 16 bits an unsigned sample, in a space that may be resampled: floats and odd integers by
 * range, Lab by conversion, more bands than colours cut.
 * @param range the sample value that is white, for floats; 0: not needed
 */
int iiif_colour_to_samples(VipsImage *in, VipsImage **out, double range);

/** Bands of colour, 1, 3 or 4; the next one is alpha, and what is beyond that is not shown. */
int iiif_colour_bands(VipsImage *image);

/** Are its samples of a type that does not say what white is (floats, signed or 32-bit integers)?
 */
int iiif_colour_is_ranged(VipsImage *image);

/** The embedded ICC profile, borrowed from @a image; NULL: none. One that moves no 8-bit sample by
 *  more than 1 on its way to sRGB, by whatever name, counts as none: it costs time only. So does
 * one that does not fit its image, as in browsers. */
const unsigned char *iiif_colour_profile(VipsImage *image, size_t *size);

/** The value that is white in a ranged source: 1, 255, 65535, or its own maximum, from its smallest
 *  level, so that every request of one source finds the same; 0 where the sample type says it. */
apr_status_t iiif_colour_range(double *range, const iiif_source_t *source,
                               const iiif_wanted_t *wanted, iiif_err_t *err);

/** 8-bit sRGB or gray to amounts of light in 16 bits (image/linear.c), and back. Alpha, the second
 *  or fourth band, stays in proportion. @return 0, or -1 as libvips does */
int iiif_linear_light(VipsImage *in, VipsImage **out);
int iiif_linear_samples(VipsImage *in, VipsImage **out);

/** Note one of the rights of a source's file (image/metadata.c), unless it is empty or very long;
 *  in @a pool. */
void iiif_rights_take(iiif_source_t *source, iiif_rights_e right, const char *text,
                      apr_pool_t *pool);

/** Note those that @a image, opened from the file, has in EXIF. */
void iiif_rights_read(iiif_source_t *source, VipsImage *image, apr_pool_t *pool);

/**
 * Give pixels that are to be encoded, upright and sRGB, the metadata that goes along: the source's
 * rights alone, or all of its EXIF, XMP and IPTC that still holds.
 * @param image exchanged for another reference on success
 * @return APR_SUCCESS; of keeping all, what iiif_level_open() says
 */
apr_status_t iiif_metadata_set(VipsImage **image, const iiif_source_t *source, int keep,
                               iiif_err_t *err);

/** Has it any of these? */
int iiif_metadata_has(VipsImage *image);

/** How an image is encoded. */
typedef struct iiif_encoding_t {
    iiif_format_e format;
    int quality; /* where the format has it */
    int effort;  /* likewise */
    int bilevel; /* the pixels are 0 and 255 only; formats that have one-bit samples use them */
    const iiif_wanted_t *wanted; /* asked by encoders that make rows themselves; NULL: somebody */
} iiif_encoding_t;

/**
 * Encode 8-bit sRGB or gray pixels, with alpha only where the format has it, and the metadata that
 * they have.
 * @param bytes  filled on success, untouched on failure
 * @return APR_SUCCESS, IIIF_EBADSOURCE (pixels are computed while they are encoded, so a damaged
 *         source shows here) or APR_EGENERAL
 */
apr_status_t iiif_encode(iiif_bytes_t *bytes, VipsImage *image, const iiif_encoding_t *encoding,
                         iiif_err_t *err);

/** Encode 8-bit RGB or gray as JPEG without metadata (image/encode_jpeg.c), its rows being made in
 * this thread.
 *  @param bytes freed by iiif_bytes_free() @return 0, or -1 as libvips does */
int iiif_encode_jpeg(VipsImage *image, iiif_bytes_t *bytes, const iiif_encoding_t *encoding);

/** Rows of blocks of chroma, or of gray, in a strip. */
#define IIIF_JPEG_STRIP 2

/** An image as JPEG has it, to be encoded strip by strip. */
typedef struct iiif_jpeg_strips_t {
    iiif_dims_t size;
    int components; /**< 1: gray, 3: luma and chroma */
    int sampling;   /**< 2: a sample of chroma stands for two pixels each way; 1: for one */
    /**
     * Fill @a rows with so many rows of luma from @a y on, and the chroma that belongs to them;
     * also those of the last strip that are beyond the image.
     * @return 0; else nothing is encoded
     */
    int (*give)(void *baton, int y, int rows);
    void *baton;
    /** of whole blocks of 8 samples; 8 * IIIF_JPEG_STRIP rows, of luma sampling times as many */
    unsigned char **rows[3];
} iiif_jpeg_strips_t;

/** Encode it as JPEG without metadata. @param bytes freed by iiif_bytes_free() @return 0, or -1 */
int iiif_encode_jpeg_strips(iiif_bytes_t *bytes, const iiif_jpeg_strips_t *strips, int quality);

/** A one-page PDF that shows a JPEG: one pixel is one point, or less where PDF's page ends. */
apr_status_t iiif_pdf_from_jpeg(iiif_bytes_t *pdf, const iiif_bytes_t *jpeg, iiif_dims_t dims,
                                iiif_err_t *err);
#endif
