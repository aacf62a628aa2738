/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_IMAGE_JPEG_H
#define IIIF_IMAGE_JPEG_H
/**
 * @file jpeg.h
 * @brief JPEG streams as bytes: what their header says, and changes that lose nothing. No pixel is
 * decoded. @see ITU-T T.81, annex B
 */
#include "image/render.h"

/** What stands before the scan of a stream. */
typedef struct iiif_jpeg_header_t {
    iiif_dims_t dims;
    int components;       /**< 1 to 4 */
    unsigned char ids[4]; /**< what the stream calls each */
    int horizontal[4];    /**< sampling factors of each, 1 to 4 */
    int vertical[4];
    int process;     /**< n of its SOFn: 0 baseline, 1 extended, 2 progressive, 9 arithmetic… */
    int bits;        /**< of a sample */
    int baseline;    /**< SOF0 or SOF1, Huffman, 8 bits; else progressive, arithmetic, 12 bits… */
    int interleaved; /**< its first scan holds all components, and so, of a baseline one, all */
    int restart;     /**< MCUs between two restart markers; 0: it has none */
    int jfif;        /**< has an APP0 of JFIF */
    int metadata;    /**< has APP1 or APP2: Exif, XMP, a profile */
    int adobe;       /**< transform of its APP14 of Adobe; -1: it has none */
    int ycbcr;       /**< three components, the first of which is luma, whoever decodes it */
    unsigned quantization;      /**< tables of its own: bit n is DQT n */
    unsigned huffman;           /**< likewise of DHT: bit n is DC n, bit 4 + n is AC n */
    unsigned quantization_used; /**< those that its components name */
    unsigned huffman_used;      /**< and those of its first scan */
    apr_size_t length;          /**< bytes up to and including the SOS segment */
} iiif_jpeg_header_t;

typedef enum {
    IIIF_JPEG_IS,   /**< the header is complete */
    IIIF_JPEG_MORE, /**< it goes on behind @a len */
    IIIF_JPEG_NOT   /**< not a JPEG, or a broken one */
} iiif_jpeg_verdict_e;

/** Read the markers at the start of a stream, from SOI to SOS. @a header is filled when it IS. */
iiif_jpeg_verdict_e iiif_jpeg_header(iiif_jpeg_header_t *header, const unsigned char *data,
                                     apr_size_t len);

/**
 * Read a stream of tables alone (TIFF's JPEGTables): SOI, DQT and DHT, EOI. Anything else would say
 * something of the images that it is put in front of.
 * @param header `quantization` and `huffman` are added to
 * @return 1; 0: it is something else, or broken
 */
int iiif_jpeg_tables(iiif_jpeg_header_t *header, const unsigned char *data, apr_size_t len);

/** A change of the coefficients' order, not of their values. */
typedef struct iiif_jpeg_change_t {
    iiif_dims_t crop; /**< keep so much of the top left, 0,0: all */
    int mirror;       /**< left to right, before turning */
    int quarters;     /**< clockwise, 0 to 3 */
    int gray;         /**< drop the chroma */
} iiif_jpeg_change_t;

/**
 * Can a stream with this header be changed so, to the pixel? What is turned or mirrored must end on
 * whole MCUs; gray is made of YCbCr and gray alone. No for what is not 8-bit DCT, for samplings
 * other than 4:4:4, 4:2:2, 4:4:0 and 4:2:0, and beyond 4 megapixels, which nobody has as a tile.
 */
int iiif_jpeg_can_change(const iiif_jpeg_header_t *header, const iiif_jpeg_change_t *change);

/**
 * Change a whole stream without decoding it: no coefficient is quantised again. APPn markers stay.
 * @param out filled on success, untouched on failure; freed by iiif_bytes_free()
 * @return APR_SUCCESS; IIIF_EBADSOURCE: the stream is damaged, or the change is not possible
 */
apr_status_t iiif_jpeg_change(iiif_bytes_t *out, const void *data, apr_size_t len,
                              const iiif_jpeg_change_t *change, iiif_err_t *err);
#endif
