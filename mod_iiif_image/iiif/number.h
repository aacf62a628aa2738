/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_NUMBER_H
#define IIIF_NUMBER_H
/**
 * @file number.h
 * @brief Numbers as the Image API writes them. @see
 * https://iiif.io/api/image/3.0/#47-floating-point-values
 *
 * Digits and one "." only: no sign, exponent, hexadecimal or blank, which strtod would take.
 */
#include <apr_pools.h>

/** Where a scan stops growing: beyond any pixel, and sums of two of them stay in 64 bits. */
#define IIIF_NUMBER_MAX (APR_UINT64_C(1) << 60)

/**
 * pixels = 1*DIGIT. Values above IIIF_NUMBER_MAX become IIIF_NUMBER_MAX.
 * @param cursor moved behind the digits; untouched on failure
 * @return 1 when there was at least one digit, else 0
 */
int iiif_scan_pixels(const char **cursor, apr_uint64_t *value);

/**
 * decimal = 1*DIGIT [ "." 1*DIGIT ] / "." 1*DIGIT, at ten decimals; further digits do not count
 * (2.1, section 4: "at most 10 decimal digits").
 * @param cursor moved behind the number; untouched on failure
 * @param value  in units of 1e-10, at most IIIF_NUMBER_MAX
 * @return 1 when there was a number, else 0
 */
int iiif_scan_decimal(const char **cursor, apr_uint64_t *value);

#define IIIF_DECIMAL_ONE APR_UINT64_C(10000000000) /**< 1.0 as iiif_scan_decimal() counts */

/** round(value * numerator / denominator), ties up, without overflow. @a denominator > 0. */
apr_uint64_t iiif_round_ratio(apr_uint64_t value, apr_uint64_t numerator, apr_uint64_t denominator);

/** @a before, then @a pattern with a number in place of each "#": "^", "#,#" of 640 and 480 give
 *  "^640,480". In @a pool. */
const char *iiif_number_fill(const char *before, const char *pattern, const apr_uint64_t numbers[],
                             apr_pool_t *pool);
#endif
