/* SPDX-License-Identifier: Apache-2.0 */
#include "store/description.h"

#include <apr_strings.h>
#include <apr_xml.h>
#include <cjson/cJSON.h>
#include <string.h>
#include <strings.h>

#include "iiif/number.h"
#include "store/image_size.h"

#include "base/banned.h"

#define TILES_MAX (APR_UINT64_C(1) << 32)

/* clang-format off */
/* How writers spell the format of tiles. */
static const struct {
    const char *name;
    iiif_format_e format;
} formats[] = {
    { "jpg",  IIIF_FORMAT_JPG },
    { "jpeg", IIIF_FORMAT_JPG },
    { "png",  IIIF_FORMAT_PNG },
    { "webp", IIIF_FORMAT_WEBP },
    { "gif",  IIIF_FORMAT_GIF },
    { "tif",  IIIF_FORMAT_TIF },
    { "tiff", IIIF_FORMAT_TIF },
    { "jp2",  IIIF_FORMAT_JP2 },
};
/* clang-format on */

static int format_by_name(iiif_format_e *format, const char *name)
{
    unsigned i;

    for (i = 0; name && i < sizeof(formats) / sizeof(formats[0]); ++i) {
        if (!strcasecmp(name, formats[i].name)) {
            *format = formats[i].format;
            return 1;
        }
    }
    return 0;
}

/* A number that the file calls @a name; NULL: the file has none. */
static apr_status_t scan_number(apr_uint64_t *value, const char *name, const char *text,
                                iiif_err_t *err)
{
    if (!text || !iiif_scan_pixels(&text, value) || *text || *value > TILES_MAX)
        return iiif_fail(err, IIIF_EBADSOURCE, "%s is missing, or no number", name);
    return APR_SUCCESS;
}

static apr_status_t scan_pixels(apr_uint32_t *value, const char *name, const char *text,
                                iiif_err_t *err)
{
    apr_uint64_t number = 0;
    apr_status_t rv = scan_number(&number, name, text, err);

    if (rv != APR_SUCCESS)
        return rv;
    if (number > APR_UINT32_MAX)
        return iiif_fail(err, IIIF_EBADSOURCE, "%s is no number of pixels", name);
    *value = (apr_uint32_t)number;
    return APR_SUCCESS;
}

static apr_uint64_t cells(apr_uint32_t full, apr_uint32_t tile)
{
    return ((apr_uint64_t)full + tile - 1) / tile;
}

static apr_status_t check(const iiif_description_t *d, iiif_err_t *err)
{
    if (!d->full.width || !d->full.height)
        return iiif_fail(err, IIIF_EBADSOURCE, "a side of the image is 0");
    if (!d->tile.width || !d->tile.height)
        return iiif_fail(err, IIIF_EBADSOURCE, "a side of the tiles is 0");
    if (d->overlap >= d->tile.width)
        return iiif_fail(err, IIIF_EBADSOURCE, "tiles of %u pixels cannot overlap by %u",
                         d->tile.width, d->overlap);
    /* each factor is below 2^32, so their product is below 2^64 */
    if (cells(d->full.width, d->tile.width) * cells(d->full.height, d->tile.height) > TILES_MAX)
        return iiif_fail(err, IIIF_EBADSOURCE, "more tiles than anything has");
    return APR_SUCCESS;
}

/* A Deep Zoom descriptor as text, before it is believed; what is missing is NULL. */
typedef struct deepzoom_texts_t {
    const char *width, *height, *tile, *overlap, *format;
} deepzoom_texts_t;

static apr_status_t take_deepzoom(iiif_description_t *d, const deepzoom_texts_t *texts,
                                  iiif_err_t *err, apr_pool_t *pool)
{
    apr_status_t rv;

    if ((rv = scan_pixels(&d->full.width, "Width", texts->width, err)) != APR_SUCCESS
        || (rv = scan_pixels(&d->full.height, "Height", texts->height, err)) != APR_SUCCESS
        || (rv = scan_pixels(&d->tile.width, "TileSize", texts->tile, err)) != APR_SUCCESS
        || (rv = scan_pixels(&d->overlap, "Overlap", texts->overlap, err)) != APR_SUCCESS)
        return rv;
    if (!format_by_name(&d->format, texts->format))
        return iiif_fail(err, IIIF_EBADSOURCE, "Format is missing, or none that can be checked");
    d->tile.height = d->tile.width;
    d->extension = apr_pstrdup(pool, texts->format);
    return check(d, err);
}

/* -- XML ------------------------------------------------------------------------------------- */

static const char *attribute(const apr_xml_elem *element, const char *name)
{
    const apr_xml_attr *attr = element ? element->attr : NULL;

    while (attr && strcmp(attr->name, name))
        attr = attr->next;
    return attr ? attr->value : NULL;
}

static const apr_xml_elem *child(const apr_xml_elem *element, const char *name)
{
    const apr_xml_elem *found = element->first_child;

    while (found && strcmp(found->name, name))
        found = found->next;
    return found;
}

/* The root of a document whose root is called @a name. apr_xml refuses entities, which could grow
 * without bound. */
static apr_status_t parse_xml(const apr_xml_elem **root, const char *name, const char *text,
                              apr_size_t len, apr_pool_t *pool)
{
    apr_xml_parser *parser = apr_xml_parser_create(pool);
    apr_xml_doc *doc;

    if (!parser || apr_xml_parser_feed(parser, text, len) != APR_SUCCESS
        || apr_xml_parser_done(parser, &doc) != APR_SUCCESS || strcmp(doc->root->name, name) != 0)
        return IIIF_EBADSOURCE;
    *root = doc->root;
    return APR_SUCCESS;
}

apr_status_t iiif_description_dzi(iiif_description_t *d, const char *text, apr_size_t len,
                                  iiif_err_t *err, apr_pool_t *pool)
{
    const apr_xml_elem *image, *size;
    deepzoom_texts_t texts;

    if (parse_xml(&image, "Image", text, len, pool) != APR_SUCCESS)
        return iiif_fail(err, IIIF_EBADSOURCE, "it is no Deep Zoom descriptor in XML");
    size = child(image, "Size");
    texts = (deepzoom_texts_t){ attribute(size, "Width"), attribute(size, "Height"),
                                attribute(image, "TileSize"), attribute(image, "Overlap"),
                                attribute(image, "Format") };
    *d = (iiif_description_t){ .version = IIIF_VERSION_NONE };
    return take_deepzoom(d, &texts, err, pool);
}

apr_status_t iiif_description_zoomify(iiif_description_t *d, const char *text, apr_size_t len,
                                      iiif_err_t *err, apr_pool_t *pool)
{
    const apr_xml_elem *root;
    apr_status_t rv;

    if (parse_xml(&root, "IMAGE_PROPERTIES", text, len, pool) != APR_SUCCESS)
        return iiif_fail(err, IIIF_EBADSOURCE, "it is no IMAGE_PROPERTIES in XML");
    *d = (iiif_description_t){ .format = IIIF_FORMAT_JPG };
    if ((rv = scan_pixels(&d->full.width, "WIDTH", attribute(root, "WIDTH"), err)) != APR_SUCCESS
        || (rv = scan_pixels(&d->full.height, "HEIGHT", attribute(root, "HEIGHT"), err))
               != APR_SUCCESS
        || (rv = scan_pixels(&d->tile.width, "TILESIZE", attribute(root, "TILESIZE"), err))
               != APR_SUCCESS
        || (rv = scan_number(&d->tile_count, "NUMTILES", attribute(root, "NUMTILES"), err))
               != APR_SUCCESS)
        return rv;
    d->tile.height = d->tile.width;
    return check(d, err);
}

/* -- JSON ------------------------------------------------------------------------------------ */

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* A string as it is, a whole number as its digits; NULL: neither, or absent. */
static const char *text_of(const cJSON *item, apr_pool_t *pool)
{
    double number;

    if (cJSON_IsString(item))
        return item->valuestring;
    if (!cJSON_IsNumber(item))
        return NULL;
    number = item->valuedouble;
    if (!(number >= 0 && number <= (double)APR_UINT32_MAX)
        || number != (double)(apr_uint32_t)number)
        return NULL;
    return apr_psprintf(pool, "%u", (apr_uint32_t)number);
}

/* NULL: not one JSON object. cJSON_Delete() it. */
static cJSON *parse_json(const char *text, apr_size_t len)
{
    cJSON *json = cJSON_ParseWithLength(text, len);

    if (cJSON_IsObject(json))
        return json;
    cJSON_Delete(json);
    return NULL;
}

static apr_status_t take_dzi_json(iiif_description_t *d, const cJSON *json, iiif_err_t *err,
                                  apr_pool_t *pool)
{
    const cJSON *image = member(json, "Image"), *size = member(image, "Size");
    deepzoom_texts_t texts = { text_of(member(size, "Width"), pool),
                               text_of(member(size, "Height"), pool),
                               text_of(member(image, "TileSize"), pool),
                               text_of(member(image, "Overlap"), pool),
                               text_of(member(image, "Format"), pool) };

    *d = (iiif_description_t){ .version = IIIF_VERSION_NONE };
    return take_deepzoom(d, &texts, err, pool);
}

/* jsonp = object / *CHAR "(" object ")" *CHAR */
apr_status_t iiif_description_dzi_js(iiif_description_t *d, const char *text, apr_size_t len,
                                     iiif_err_t *err, apr_pool_t *pool)
{
    const char *open = memchr(text, '(', len), *close = memrchr(text, ')', len);
    cJSON *json = parse_json(text, len);
    apr_status_t rv;

    if (!json && open && close > open)
        json = parse_json(open + 1, (apr_size_t)(close - open - 1));
    if (!json)
        return iiif_fail(err, IIIF_EBADSOURCE, "it is no Deep Zoom descriptor in JSON");
    rv = take_dzi_json(d, json, err, pool);
    cJSON_Delete(json);
    return rv;
}

static iiif_version_e version_of(const cJSON *context)
{
    const cJSON *item;
    iiif_version_e version = IIIF_VERSION_NONE;

    if (cJSON_IsString(context)) {
        if (strstr(context->valuestring, "//iiif.io/api/image/3/"))
            return IIIF_VERSION_3;
        if (strstr(context->valuestring, "//iiif.io/api/image/2/"))
            return IIIF_VERSION_2;
        return IIIF_VERSION_NONE;
    }
    if (cJSON_IsArray(context)) {
        /* of strings alone: an array in an array is none, and is not descended into */
        cJSON_ArrayForEach(item, context)
        {
            if (cJSON_IsString(item) && version == IIIF_VERSION_NONE)
                version = version_of(item);
        }
    }
    return version;
}

/* The first of the preferred formats that can be checked (3.0, 5.7), of `formats` in the profile
 * (2.1, 5.3); else JPEG, which all have. */
static iiif_format_e preferred_format(const cJSON *json)
{
    const cJSON *list = member(json, "preferredFormats"), *item;
    iiif_format_e format = IIIF_FORMAT_JPG;

    if (!list)
        list = member(cJSON_GetArrayItem(member(json, "profile"), 1), "formats");
    cJSON_ArrayForEach(item, list)
    {
        if (format_by_name(&format, cJSON_GetStringValue(item)))
            break;
    }
    return format;
}

static apr_status_t take_info(iiif_description_t *d, const cJSON *json, iiif_err_t *err,
                              apr_pool_t *pool)
{
    const cJSON *tile = cJSON_GetArrayItem(member(json, "tiles"), 0);
    const char *width = text_of(member(tile, "width"), pool);
    const char *height = member(tile, "height") ? text_of(member(tile, "height"), pool) : width;
    apr_status_t rv;

    *d = (iiif_description_t){ .format = preferred_format(json),
                               .version = version_of(member(json, "@context")) };
    if (d->version == IIIF_VERSION_NONE)
        return iiif_fail(err, IIIF_EBADSOURCE, "it is of no Image API 2 or 3");
    if ((rv = scan_pixels(&d->full.width, "width", text_of(member(json, "width"), pool), err))
            != APR_SUCCESS
        || (rv = scan_pixels(&d->full.height, "height", text_of(member(json, "height"), pool), err))
               != APR_SUCCESS)
        return rv;
    d->tile = d->full;
    if (tile
        && ((rv = scan_pixels(&d->tile.width, "width of tiles", width, err)) != APR_SUCCESS
            || (rv = scan_pixels(&d->tile.height, "height of tiles", height, err)) != APR_SUCCESS))
        return rv;
    return check(d, err);
}

apr_status_t iiif_description_info(iiif_description_t *d, const char *text, apr_size_t len,
                                   iiif_err_t *err, apr_pool_t *pool)
{
    cJSON *json = parse_json(text, len);
    apr_status_t rv;

    if (!json)
        return iiif_fail(err, IIIF_EBADSOURCE, "it is no JSON object");
    rv = take_info(d, json, err, pool);
    cJSON_Delete(json);
    return rv;
}
