/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer as bytes: the form, one byte; when it was asked, microseconds since 1970, eight bytes,
 * the highest first; a byte of flags; then each text, as a length of four bytes and that many, or
 * NO_TEXT alone.
 */
#include "resolve/record.h"

#include <apr_strings.h>
#include <string.h>

#include "base/banned.h"

#define FORM    2 /* raise with every change of these bytes */
#define FOUND   1u
#define PUBLIC  2u
#define BASE    4u
#define NO_TEXT 0xffffffffu
#define TEXTS   5
#define HEAD    10 /* bytes before the texts */

static unsigned char *put(unsigned char *to, apr_uint64_t value, int bytes)
{
    while (bytes--)
        *to++ = (unsigned char)(value >> bytes * 8 & 0xff);
    return to;
}

static apr_uint64_t get(const unsigned char *from, int bytes)
{
    apr_uint64_t value = 0;

    while (bytes--)
        value = value << 8 | *from++;
    return value;
}

const unsigned char *iiif_answer_encode(apr_size_t *len, const iiif_answer_t *answer,
                                        apr_pool_t *pool)
{
    const iiif_record_t *record = &answer->record;
    const char *const texts[TEXTS] = { record->path, record->name, record->etag, record->rights,
                                       record->attribution };
    apr_size_t size = HEAD;
    unsigned char *bytes, *to;
    int i;

    for (i = 0; i < TEXTS; ++i)
        size += 4 + (texts[i] ? strlen(texts[i]) : 0);
    bytes = to = apr_palloc(pool, size);
    to = put(to, FORM, 1);
    to = put(to, (apr_uint64_t)answer->asked, 8);
    to = put(to,
             (answer->found ? FOUND : 0) | (record->is_public ? PUBLIC : 0)
                 | (record->has_base ? BASE : 0),
             1);
    for (i = 0; i < TEXTS; ++i) {
        apr_size_t length = texts[i] ? strlen(texts[i]) : 0;

        to = put(to, texts[i] ? length : NO_TEXT, 4);
        if (length)
            memcpy(to, texts[i], length);
        to += length;
    }
    *len = size;
    return bytes;
}

/* Where the next text begins, or NULL: there is none. */
static const unsigned char *get_text(const char **text, const unsigned char *from,
                                     const unsigned char *end, apr_pool_t *pool)
{
    apr_uint64_t length;

    if (end - from < 4)
        return NULL;
    length = get(from, 4);
    from += 4;
    *text = NULL;
    if (length == NO_TEXT)
        return from;
    if (length > (apr_uint64_t)(end - from) || memchr(from, '\0', (apr_size_t)length))
        return NULL;
    *text = apr_pstrmemdup(pool, (const char *)from, (apr_size_t)length);
    return from + length;
}

int iiif_answer_decode(iiif_answer_t *answer, const unsigned char *bytes, apr_size_t len,
                       apr_pool_t *pool)
{
    iiif_record_t *record = &answer->record;
    const char **const texts[TEXTS] = { &record->path, &record->name, &record->etag,
                                        &record->rights, &record->attribution };
    const unsigned char *from = bytes + HEAD, *const end = bytes + len;
    int i;

    if (len < HEAD || bytes[0] != FORM)
        return 0;
    answer->asked = (apr_time_t)get(bytes + 1, 8);
    answer->found = (bytes[9] & FOUND) != 0;
    record->is_public = (bytes[9] & PUBLIC) != 0;
    record->has_base = (bytes[9] & BASE) != 0;
    for (i = 0; from && i < TEXTS; ++i)
        from = get_text(texts[i], from, end, pool);
    return from == end;
}
