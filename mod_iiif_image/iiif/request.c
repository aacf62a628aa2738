/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/request.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#include "iiif/identifier.h"

#include "base/banned.h"

#define PARAMETERS 4 /* segments behind the identifier of an image request */
#define DIGITS     "0123456789"
#define LETTERS    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* A path cut at its slashes: the first segment, and the last ones, are all that matters. */
typedef struct segments_t {
    const char *start;            /* of the identifier */
    const char *end;              /* of the whole */
    const char *tail[PARAMETERS]; /* starts of the last segments, tail[0] the leftmost */
} segments_t;

static segments_t cut(const char *start, const char *end)
{
    segments_t cuts = { start, end, { NULL } };
    const char *s = end;
    int i;

    for (i = PARAMETERS; i > 0; --i) {
        const char *slash = memrchr(start, '/', (apr_size_t)(s - start));

        if (!slash)
            break;
        cuts.tail[i - 1] = slash + 1;
        s = slash;
    }
    return cuts;
}

/* The same without the version in front: the segment behind it is the first, so it is no tail. */
static segments_t cut_version(segments_t cuts)
{
    int i;

    cuts.start += 2;
    for (i = 0; i < PARAMETERS; ++i) {
        if (cuts.tail[i] == cuts.start)
            cuts.tail[i] = NULL;
    }
    return cuts;
}

/* Most segments have nothing to decode. */
static int decode(const char **out, const char *start, const char *end, apr_pool_t *pool)
{
    apr_size_t len = (apr_size_t)(end - start);

    if (memchr(start, '%', len))
        return iiif_percent_decode(out, start, len, NULL, pool) == APR_SUCCESS;
    *out = apr_pstrmemdup(pool, start, len);
    return 1;
}

static int read_identifier(iiif_request_t *request, const char *start, const char *end,
                           apr_pool_t *pool)
{
    apr_size_t len = (apr_size_t)(end - start);

    if (end <= start)
        return 0;
    request->encoded = request->identifier = apr_pstrmemdup(pool, start, len);
    return !memchr(start, '%', len) || decode(&request->identifier, start, end, pool);
}

/* The last segment at its last dot, after decoding: "default%2Ejpg" is legal. */
static int read_quality_format(iiif_request_t *request, const char *start, const char *end,
                               apr_pool_t *pool)
{
    const char *text, *dot;

    if (!decode(&text, start, end, pool))
        return 0;
    dot = strrchr(text, '.');
    request->quality = dot ? apr_pstrmemdup(pool, text, (apr_size_t)(dot - text)) : text;
    request->format = dot ? dot + 1 : "";
    return 1;
}

static int read_image(iiif_request_t *request, const segments_t *cuts, apr_pool_t *pool)
{
    const char *const *t = cuts->tail;

    if (!t[0])
        return 0;
    request->kind = IIIF_REQUEST_IMAGE;
    return read_identifier(request, cuts->start, t[0] - 1, pool)
           && decode(&request->region, t[0], t[1] - 1, pool)
           && decode(&request->size, t[1], t[2] - 1, pool)
           && decode(&request->rotation, t[2], t[3] - 1, pool)
           && read_quality_format(request, t[3], cuts->end, pool)
           && iiif_request_means_image(request);
}

/* Do two hexadecimal digits stand for an ASCII character? */
static int is_escape(const char *digits, char plain)
{
    static const char hex[] = "0123456789abcdef";

    return apr_tolower(digits[0]) == hex[plain >> 4] && apr_tolower(digits[1]) == hex[plain & 15];
}

/* Where the ASCII suffix begins in the encoded text, each character plain or escaped; NULL: it does
 * not end so. From the right, so that nearly every text is told by its last byte. */
static const char *find_suffix(const char *start, const char *end, const char *suffix)
{
    const char *s = suffix + strlen(suffix);

    while (s > suffix) {
        --s;
        if (end - start >= 3 && end[-3] == '%') {
            if (!is_escape(end - 2, *s))
                return NULL;
            end -= 3;
        }
        else if (end <= start || *--end != *s)
            return NULL;
    }
    return end;
}

static int read_info(iiif_request_t *request, const segments_t *cuts, apr_pool_t *pool)
{
    const char *last = cuts->tail[PARAMETERS - 1];

    if (!last || find_suffix(last, cuts->end, "info.json") != last)
        return 0;
    request->kind = IIIF_REQUEST_INFO;
    return read_identifier(request, cuts->start, last - 1, pool);
}

/* number = "0" / ( DIGIT1-9 *DIGIT ), at most @a most */
static int scan_number(const char **cursor, apr_uint64_t most, apr_uint64_t *value)
{
    const char *s = *cursor;
    apr_uint64_t v = 0;

    if (!apr_isdigit(*s) || (s[0] == '0' && apr_isdigit(s[1])))
        return 0;
    for (; apr_isdigit(*s); ++s) {
        apr_uint64_t digit = (apr_uint64_t)(*s - '0');

        if (v > (most - digit) / 10)
            return 0;
        v = v * 10 + digit;
    }
    *cursor = s;
    *value = v;
    return 1;
}

static int scan_number_32(const char **cursor, apr_uint32_t *value)
{
    apr_uint64_t v;

    if (!scan_number(cursor, APR_UINT32_MAX, &v))
        return 0;
    *value = (apr_uint32_t)v;
    return 1;
}

/* extension = 1*( ALPHA / DIGIT ), to the end of the text */
static int is_extension(const char *text)
{
    apr_size_t len = strspn(text, LETTERS DIGITS);

    return len && !text[len];
}

/* name = column "_" row "." format, in the directory level */
static int match_deepzoom(iiif_request_t *request, const char *directory, const char *name)
{
    iiif_deepzoom_tile_t *tile = &request->deepzoom;

    if (!scan_number_32(&name, &tile->column) || *name++ != '_'
        || !scan_number_32(&name, &tile->row) || *name++ != '.' || !is_extension(name))
        return 0;
    request->kind = IIIF_REQUEST_DEEPZOOM_TILE;
    request->format = name;
    return scan_number_32(&directory, &tile->level) && !*directory;
}

/* name = level "-" column "-" row ".jpg", in the directory "TileGroup" group */
static int match_zoomify(iiif_request_t *request, const char *directory, const char *name)
{
    static const char group[] = "TileGroup";
    iiif_zoomify_tile_t *tile = &request->zoomify;

    if (!scan_number_32(&name, &tile->level) || *name++ != '-'
        || !scan_number_32(&name, &tile->column) || *name++ != '-'
        || !scan_number_32(&name, &tile->row) || strcmp(name, ".jpg")
        || strncmp(directory, group, sizeof(group) - 1))
        return 0;
    directory += sizeof(group) - 1;
    request->kind = IIIF_REQUEST_ZOOMIFY_TILE;
    request->format = name + 1;
    return scan_number(&directory, APR_UINT64_MAX, &tile->group) && !*directory;
}

/* Is it worth decoding? Digits, then what comes between two numbers, or what may be either. */
static int may_be_tile(const segments_t *cuts)
{
    const char *last = cuts->tail[PARAMETERS - 1];

    if (!cuts->tail[PARAMETERS - 2])
        return 0;
    last += strspn(last, DIGITS);
    return *last == '_' || *last == '-' || *last == '%';
}

/* A tile, or request is untouched. */
static int read_tile(iiif_request_t *request, const segments_t *cuts, apr_pool_t *pool)
{
    const char *const *t = cuts->tail + PARAMETERS - 2;
    const char *directory, *name, *files, *zdata;
    iiif_request_t made = *request;

    files = find_suffix(cuts->start, t[0] - 1, "_files");
    zdata = find_suffix(cuts->start, t[0] - 1, "_zdata");
    if ((!files && !zdata) || !decode(&directory, t[0], t[1] - 1, pool)
        || !decode(&name, t[1], cuts->end, pool)
        || !(files ? match_deepzoom(&made, directory, name) : match_zoomify(&made, directory, name))
        || !read_identifier(&made, cuts->start, files ? files : zdata, pool))
        return 0;
    *request = made;
    return 1;
}

/* The documents of Deep Zoom and Zoomify, the first a suffix, the other a segment. */
static int read_descriptor(iiif_request_t *request, const segments_t *cuts, apr_pool_t *pool)
{
    const char *last = cuts->tail[PARAMETERS - 1];
    const char *end = find_suffix(last ? last : cuts->start, cuts->end, ".dzi");

    request->kind = IIIF_REQUEST_DEEPZOOM;
    if (!end && last && find_suffix(last, cuts->end, "ImageProperties.xml") == last) {
        request->kind = IIIF_REQUEST_ZOOMIFY;
        end = find_suffix(cuts->start, last - 1, "_zdata");
    }
    return end && read_identifier(request, cuts->start, end, pool);
}

/* Told by the first and the last byte of the last segment, for nearly all that is no pyramid. */
static int read_pyramid(iiif_request_t *request, const segments_t *cuts, apr_pool_t *pool)
{
    const char *last = cuts->tail[PARAMETERS - 1] ? cuts->tail[PARAMETERS - 1] : cuts->start;

    if (last == cuts->end
        || !(apr_isdigit(*last) || *last == '%' || *last == 'I' || cuts->end[-1] == 'i'
             || (cuts->end - last >= 3 && cuts->end[-3] == '%')))
        return 0;
    return (may_be_tile(cuts) && read_tile(request, cuts, pool))
           || read_descriptor(request, cuts, pool);
}

static int read_base(iiif_request_t *request, const segments_t *cuts, apr_pool_t *pool)
{
    const char *end = cuts->end;

    if (end > cuts->start && end[-1] == '/')
        --end;
    request->kind = IIIF_REQUEST_BASE;
    return read_identifier(request, cuts->start, end, pool);
}

/* A version needs something behind it: "/iiif/3" is identifier "3". */
static int starts_with_version(const char *path)
{
    return (path[0] == '2' || path[0] == '3') && path[1] == '/' && path[2];
}

int iiif_request_read(iiif_request_t readings[IIIF_READINGS_MAX], const char *path,
                      apr_pool_t *pool)
{
    typedef int (*read_fn)(iiif_request_t *, const segments_t *, apr_pool_t *);
    static const read_fn reads[] = { read_info, read_pyramid, read_image, read_base };
    const char *end = path + strlen(path);
    int versioned = starts_with_version(path), n = 0;
    segments_t with = cut(path, end), without = versioned ? cut_version(with) : with;
    /* "/iiif/2/info.json" and "/iiif/2/full/max/0/default.jpg": there, 2 may be the identifier */
    int alone = versioned && memcmp(with.tail, without.tail, sizeof(with.tail));
    unsigned i;

    for (i = 0; i < sizeof(reads) / sizeof(reads[0]) && n < IIIF_READINGS_MAX; ++i) {
        iiif_request_t *request = &readings[n];

        /* whoever has the form of a tile has no other, but may be an identifier */
        if (n && readings[0].kind > IIIF_REQUEST_IMAGE && reads[i] != read_base)
            continue;
        *request = (iiif_request_t){ .version = versioned ? (iiif_version_e)(path[0] - '0')
                                                          : IIIF_VERSION_NONE };
        if (reads[i](request, &without, pool)) {
            ++n;
            continue;
        }
        if (!alone || reads[i] == read_base)
            continue;
        *request = (iiif_request_t){ .version = IIIF_VERSION_NONE };
        n += reads[i](request, &with, pool) && !strchr(request->encoded, '/');
    }
    return n;
}

apr_status_t iiif_params_parse(iiif_params_t *params, const iiif_request_t *request,
                               iiif_version_e version, iiif_format_set_t available, iiif_err_t *err)
{
    iiif_params_t parsed = { .version = version };
    apr_status_t rv;

    if ((rv = iiif_region_parse(&parsed.region, request->region, err)) != APR_SUCCESS
        || (rv = iiif_size_parse(&parsed.size, request->size, version, err)) != APR_SUCCESS
        || (rv = iiif_rotation_parse(&parsed.rotation, request->rotation, err)) != APR_SUCCESS
        || (rv = iiif_quality_parse(&parsed.quality, request->quality, err)) != APR_SUCCESS
        || (rv = iiif_format_parse(&parsed.format, request->format, available, err)) != APR_SUCCESS)
        return rv;
    *params = parsed;
    return APR_SUCCESS;
}

int iiif_request_means_image(const iiif_request_t *request)
{
    const iiif_format_set_t all = (1u << IIIF_FORMATS) - 1;
    iiif_params_t p;
    int good = iiif_region_parse(&p.region, request->region, NULL) == APR_SUCCESS;

    good += iiif_size_parse(&p.size, request->size, IIIF_VERSION_3, NULL) == APR_SUCCESS
            || iiif_size_parse(&p.size, request->size, IIIF_VERSION_2, NULL) == APR_SUCCESS;
    if (good < 2) /* in nearly all requests these two decide */
        good += iiif_rotation_parse(&p.rotation, request->rotation, NULL) == APR_SUCCESS;
    if (good < 2)
        good += iiif_quality_parse(&p.quality, request->quality, NULL) == APR_SUCCESS;
    if (good < 2)
        good += iiif_format_parse(&p.format, request->format, all, NULL) == APR_SUCCESS;
    return good >= 2;
}
