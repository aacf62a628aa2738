/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/identifier.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#include "iiif/number.h"

#include "base/banned.h"

#define PAGE_MAX 65535

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

apr_status_t iiif_percent_decode(const char **decoded, const char *text, apr_size_t len,
                                 iiif_err_t *err, apr_pool_t *pool)
{
    char *out = apr_palloc(pool, len + 1);
    apr_size_t i, n = 0;

    for (i = 0; i < len; ++i) {
        int high = 0, low = 0;

        if (text[i] != '%') {
            out[n++] = text[i];
            continue;
        }
        if (i + 2 >= len || (high = hex_value(text[i + 1])) < 0
            || (low = hex_value(text[i + 2])) < 0)
            return iiif_fail(err, IIIF_EBADREQUEST,
                             "the URI has a '%%' without two hexadecimal digits");
        if (!high && !low)
            return iiif_fail(err, IIIF_EBADREQUEST, "the URI has an encoded NUL");
        out[n++] = (char)(high * 16 + low);
        i += 2;
    }
    out[n] = '\0';
    *decoded = out;
    return APR_SUCCESS;
}

/* Every byte of text that stands in @a plain or is a letter or digit stays; the rest is escaped. */
static const char *escape(const char *text, const char *plain, apr_pool_t *pool)
{
    static const char hex[] = "0123456789ABCDEF";
    char *out = apr_palloc(pool, strlen(text) * 3 + 1), *o = out;

    for (; *text; ++text) {
        unsigned char c = (unsigned char)*text;

        if (c < 0x80 && (apr_isalnum(c) || strchr(plain, c)))
            *o++ = (char)c;
        else {
            *o++ = '%';
            *o++ = hex[c >> 4];
            *o++ = hex[c & 15];
        }
    }
    *o = '\0';
    return out;
}

const char *iiif_percent_tidy(const char *text, apr_pool_t *pool)
{
    return escape(text, "-._~!$&'()*+,;=:@/%", pool);
}

const char *iiif_identifier_page(unsigned *page, const char *identifier, apr_pool_t *pool)
{
    const char *semicolon = strrchr(identifier, ';'), *s;
    apr_uint64_t n;

    if (!semicolon || semicolon == identifier)
        return NULL;
    s = semicolon + 1;
    if (!iiif_scan_pixels(&s, &n) || *s || n < 1 || n > PAGE_MAX)
        return NULL;
    *page = (unsigned)n;
    return apr_pstrmemdup(pool, identifier, (apr_size_t)(semicolon - identifier));
}
