/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/facts.h"

#include <stdio.h>

#include "iiif/format.h"
#include "image/raw_tile.h"

#include "base/banned.h"

/* Where in the file the tiles of a level lie. */
typedef struct place_t {
    apr_uint64_t first, end; /* bytes from its start: of the first one, behind the last one */
    apr_uint64_t bytes;      /* of all of them */
} place_t;

static place_t place_of(const iiif_raw_level_t *raw)
{
    const apr_uint64_t count = (apr_uint64_t)raw->columns * raw->rows;
    place_t place = { ~APR_UINT64_C(0), 0, 0 };
    apr_uint64_t i;

    for (i = 0; i < count; ++i) {
        const apr_uint64_t offset = raw->offsets[i], end = offset + raw->lengths[i];

        if (!raw->lengths[i])
            continue;
        if (offset < place.first)
            place.first = offset;
        if (end > place.end)
            place.end = end;
        place.bytes += raw->lengths[i];
    }
    if (!place.bytes)
        place.first = 0;
    return place;
}

static void add_place(cJSON *object, const iiif_raw_level_t *raw)
{
    const place_t place = place_of(raw);

    cJSON_AddNumberToObject(object, "offset", (double)place.first);
    cJSON_AddNumberToObject(object, "end", (double)place.end);
    cJSON_AddNumberToObject(object, "bytes", (double)place.bytes);
}

static cJSON *level_json(const iiif_level_t *level)
{
    cJSON *object = cJSON_CreateObject();

    cJSON_AddNumberToObject(object, "width", level->dims.width);
    cJSON_AddNumberToObject(object, "height", level->dims.height);
    cJSON_AddNumberToObject(object, "scale", level->scale_x);
    cJSON_AddBoolToObject(object, "raw", level->raw != NULL);
    if (level->raw) {
        cJSON_AddNumberToObject(object, "tileWidth", level->raw->tile.width);
        cJSON_AddNumberToObject(object, "tileHeight", level->raw->tile.height);
        cJSON_AddNumberToObject(object, "columns", level->raw->columns);
        cJSON_AddNumberToObject(object, "rows", level->raw->rows);
        cJSON_AddStringToObject(object, "format", iiif_format(level->raw->format)->extension);
        add_place(object, level->raw);
    }
    else
        cJSON_AddStringToObject(object, "blocked", level->blocked);
    return object;
}

cJSON *iiifctl_levels_json(const iiif_source_t *source)
{
    cJSON *array = cJSON_CreateArray();
    int i;

    for (i = 0; i < source->level_count; ++i)
        cJSON_AddItemToArray(array, level_json(&source->levels[i]));
    return array;
}

void iiifctl_levels_print(const iiif_source_t *source)
{
    int i;

    for (i = 0; i < source->level_count; ++i) {
        const iiif_level_t *level = &source->levels[i];
        const iiif_raw_level_t *raw = level->raw;

        printf("  level %-5d %ux%u, ", i, level->dims.width, level->dims.height);
        if (raw) {
            const place_t place = place_of(raw);

            printf("raw: %u x %u tiles of %ux%u, %s, %" APR_UINT64_T_FMT
                   " bytes between %" APR_UINT64_T_FMT " and %" APR_UINT64_T_FMT "\n",
                   raw->columns, raw->rows, raw->tile.width, raw->tile.height,
                   iiif_format(raw->format)->extension, place.bytes, place.first, place.end);
        }
        else
            printf("not raw: %s\n", level->blocked);
    }
}

cJSON *iiifctl_facts_json(const iiif_source_t *source)
{
    cJSON *object = cJSON_CreateObject();

    cJSON_AddStringToObject(object, "file", source->path);
    cJSON_AddStringToObject(object, "format", iiif_source_format(source->format)->name);
    cJSON_AddNumberToObject(object, "width", source->full.width);
    cJSON_AddNumberToObject(object, "height", source->full.height);
    cJSON_AddNumberToObject(object, "orientation", source->orientation);
    cJSON_AddStringToObject(object, "quality", iiif_quality_name(source->natural));
    cJSON_AddNumberToObject(object, "profileBytes", (double)source->profile_size);
    cJSON_AddNumberToObject(object, "tileWidth", source->tile.width);
    cJSON_AddNumberToObject(object, "tileHeight", source->tile.height);
    cJSON_AddItemToObject(object, "levels", iiifctl_levels_json(source));
    return object;
}

void iiifctl_facts_print(const iiif_source_t *source)
{
    printf("file         %s\n", source->path);
    printf("format       %s\n", iiif_source_format(source->format)->name);
    printf("size         %ux%u pixels\n", source->full.width, source->full.height);
    printf("orientation  %d, stored as %ux%u\n", source->orientation, source->stored.width,
           source->stored.height);
    printf("quality      %s\n", iiif_quality_name(source->natural));
    if (source->profile)
        printf("ICC profile  %lu bytes\n", (unsigned long)source->profile_size);
    else
        printf("ICC profile  none, or as good as sRGB\n");
    if (source->tile.width)
        printf("tiles        %ux%u\n", source->tile.width, source->tile.height);
    else
        printf("tiles        none\n");
    iiifctl_levels_print(source);
}
