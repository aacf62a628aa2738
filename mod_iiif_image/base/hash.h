/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_BASE_HASH_H
#define IIIF_BASE_HASH_H
/**
 * @file hash.h
 * @brief 64 bits that stand for some bytes: FNV-1a. For tables and places of locks, where one that
 * two share costs time and not truth. @see RFC 9923
 */
#include <apr.h>
#include <string.h>

#define IIIF_HASH_EMPTY APR_UINT64_C(0xcbf29ce484222325) /**< of no bytes */

/** The hash of what @a hash is of, and @a len bytes more. */
static inline apr_uint64_t iiif_hash(apr_uint64_t hash, const void *data, apr_size_t len)
{
    const unsigned char *bytes = data;
    apr_size_t i;

    for (i = 0; i < len; ++i)
        hash = (hash ^ bytes[i]) * APR_UINT64_C(0x100000001b3);
    return hash;
}

static inline apr_uint64_t iiif_hash_text(apr_uint64_t hash, const char *text)
{
    return iiif_hash(hash, text, strlen(text));
}
#endif
