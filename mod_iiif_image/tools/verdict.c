/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/verdict.h"

#include <apr_strings.h>
#include <cjson/cJSON.h>
#include <string.h>

#include "base/banned.h"

/* Of info.json; what a viewer gets wrong pixels by, when they are wrong. */
static const char *const essential[] = { "@context", "id",    "@id",   "type",
                                         "protocol", "width", "height" };

static const char *join(const char *before, const char *separator, const char *more,
                        apr_pool_t *pool)
{
    return before ? apr_pstrcat(pool, before, separator, more, NULL) : more;
}

/* -- JSON ---------------------------------------------------------------------------------------
 */

/* The text without any base, so that URIs of one image are the same. */
static const char *without_base(const char *text, const char *base, apr_pool_t *pool)
{
    const apr_size_t len = strlen(base);
    char *out = apr_pstrdup(pool, text), *at = out;

    while (len && (at = strstr(at, base)))
        memmove(at, at + len, strlen(at + len) + 1);
    return out;
}

static cJSON *read_json(const iiifctl_answer_t *answer, const char *base, apr_pool_t *pool)
{
    cJSON *json = cJSON_Parse(answer->body.data);
    char *text = json ? cJSON_PrintUnformatted(json) : NULL;

    cJSON_Delete(json);
    json = text ? cJSON_Parse(without_base(text, base, pool)) : NULL;
    cJSON_free(text);
    return json;
}

static int is_essential(const char *name)
{
    unsigned i;

    for (i = 0; i < sizeof(essential) / sizeof(essential[0]); ++i) {
        if (!strcmp(essential[i], name))
            return 1;
    }
    return 0;
}

/* "-name": the new one has it no more; "+name": it has it now; "~name": with another value */
static void note_member(iiifctl_verdict_t *verdict, char sign, const char *name, apr_pool_t *pool)
{
    const char *text = apr_psprintf(pool, "%c%s", sign, name);

    if (is_essential(name))
        verdict->differs = join(verdict->differs, " ", text, pool);
    else
        verdict->noted = join(verdict->noted, " ", text, pool);
}

static void compare_members(iiifctl_verdict_t *verdict, cJSON *const json[2], apr_pool_t *pool)
{
    const cJSON *child, *other;

    cJSON_ArrayForEach(child, json[0])
    {
        other = cJSON_GetObjectItemCaseSensitive(json[1], child->string);
        if (!other || !cJSON_Compare(child, other, 1))
            note_member(verdict, other ? '~' : '-', child->string, pool);
    }
    cJSON_ArrayForEach(child, json[1])
    {
        if (!cJSON_GetObjectItemCaseSensitive(json[0], child->string))
            note_member(verdict, '+', child->string, pool);
    }
}

static void compare_json(iiifctl_verdict_t *verdict, const iiifctl_answer_t answers[2],
                         const iiifctl_comparison_t *comparison, apr_pool_t *pool)
{
    cJSON *json[2] = { read_json(&answers[0], comparison->bases[0], pool),
                       read_json(&answers[1], comparison->bases[1], pool) };

    if (cJSON_IsObject(json[0]) && cJSON_IsObject(json[1]))
        compare_members(verdict, json, pool);
    else if (cJSON_IsObject(json[0]) || cJSON_IsObject(json[1]))
        verdict->differs = "one is no JSON object";
    cJSON_Delete(json[0]);
    cJSON_Delete(json[1]);
}

/* -- pixels -------------------------------------------------------------------------------------
 */

static void compare_pixels(iiifctl_verdict_t *verdict, const iiifctl_answer_t answers[2],
                           const iiifctl_comparison_t *comparison, apr_pool_t *pool)
{
    const iiif_bytes_t images[2] = { answers[0].body, answers[1].body };
    iiif_difference_t *found = &verdict->difference;
    iiif_err_t err = { "" };

    if (images[0].len == images[1].len && !memcmp(images[0].data, images[1].data, images[0].len))
        return;
    if (iiif_difference(found, images, &err) != APR_SUCCESS) {
        verdict->differs = apr_pstrdup(pool, err.text);
        return;
    }
    if (!iiif_dims_equal(found->dims[0], found->dims[1])) {
        verdict->differs =
            apr_psprintf(pool, "%ux%u pixels, %ux%u", found->dims[0].width, found->dims[0].height,
                         found->dims[1].width, found->dims[1].height);
        return;
    }
    verdict->compared = 1;
    if (found->psnr < comparison->psnr)
        verdict->differs =
            apr_psprintf(pool, "pixels: %.1f dB, mean %.2f", found->psnr, found->mean);
}

/* -- both ---------------------------------------------------------------------------------------
 */

static int is_json(const char *type)
{
    return !strcmp(type, "application/json") || !strcmp(type, "application/ld+json");
}

static int is_image(const iiifctl_answer_t *answer)
{
    return answer->status == 200 && !strncmp(answer->type, "image/", 6);
}

static const char *status_of(const iiifctl_answer_t *answer, apr_pool_t *pool)
{
    return answer->lost ? answer->lost : apr_psprintf(pool, "%ld", answer->status);
}

iiifctl_verdict_t iiifctl_verdict(const iiifctl_answer_t answers[2],
                                  const iiifctl_comparison_t *comparison, apr_pool_t *pool)
{
    const char *types[2] = { answers[0].type, answers[1].type };
    iiifctl_verdict_t verdict = { .shown = is_image(&answers[0]) && is_image(&answers[1]) };

    if (answers[0].lost || answers[1].lost || answers[0].status != answers[1].status)
        verdict.differs = apr_pstrcat(pool, "status ", status_of(&answers[0], pool), ", ",
                                      status_of(&answers[1], pool), NULL);
    else if (answers[0].status != 200)
        return verdict;
    else if (is_json(types[0]) && is_json(types[1])) {
        compare_json(&verdict, answers, comparison, pool);
        if (strcmp(types[0], types[1]) != 0)
            verdict.noted = join(verdict.noted, " ", "~content-type", pool);
    }
    else if (strcmp(types[0], types[1]) != 0)
        verdict.differs = apr_pstrcat(pool, "type ", types[0], ", ", types[1], NULL);
    else if (verdict.shown)
        compare_pixels(&verdict, answers, comparison, pool);
    return verdict;
}
