/* SPDX-License-Identifier: Apache-2.0 */
/* iiifctl info: what a file says of itself, and the info.json that would be served. */
#include <apr_escape.h>
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>

#include "iiif/info.h"
#include "image/raw_tile.h"
#include "image/vips_process.h"
#include "tools/facts.h"
#include "tools/output.h"
#include "tools/served.h"
#include "tools/verbs.h"

#include "base/banned.h"

enum { ID = IIIFCTL_OWN, API };

static const iiifctl_option_t options[] = {
    IIIFCTL_SERVED_OPTIONS,
    { API, "api", "N", "version of the info.json: 3 (default) or 2" },
    { ID, "id", "URI", "in front of the identifier (default https://example.org/iiif)" },
    { IIIFCTL_JSON, "json", NULL, "one JSON object" },
    { 0, NULL, NULL, NULL }
};

static apr_status_t make_plan(iiif_plan_t **plan, const iiifctl_served_t *served,
                              iiif_version_e version, iiif_err_t *err, apr_pool_t *pool)
{
    const iiif_request_t request = { .kind = IIIF_REQUEST_INFO, .version = version };

    return iiif_plan_make(plan, &request, &served->ref, &served->rules, err, pool);
}

static const char *info_json(const iiif_plan_t *plan, const iiifctl_served_t *served,
                             const char *base, apr_pool_t *pool)
{
    const char *encoded = apr_pescape_path_segment(pool, served->ref.name);
    const iiif_info_t info = { .version = plan->version,
                               .id = apr_pstrcat(pool, base, "/", encoded, NULL),
                               .encoded = encoded,
                               .subject = plan->subject,
                               .tile = plan->tile,
                               .formats = iiif_vips_formats() };

    return iiif_info_json(&info, pool);
}

static void tell_refusals(const iiif_plan_t *plan)
{
    int i;

    for (i = 0; plan->refusals && i < plan->refusals->nelts; ++i) {
        const iiif_plan_refusal_t *refusal = &APR_ARRAY_IDX(plan->refusals, i, iiif_plan_refusal_t);

        printf("not used     %s: %s\n", refusal->path, refusal->reason);
    }
    if (plan->pixels != plan->source)
        printf("read from    %s\n", plan->pixels->path);
}

static void tell(const iiif_plan_t *plan, const char *json, int as_json)
{
    cJSON *object = cJSON_Parse(json);
    char *text;

    if (as_json) {
        cJSON *facts = iiifctl_facts_json(plan->source);

        cJSON_AddItemToObject(facts, "info", object);
        iiifctl_print_json(facts);
        return;
    }
    iiifctl_facts_print(plan->source);
    tell_refusals(plan);
    text = cJSON_Print(object);
    printf("info.json    %s\n", text ? text : json);
    cJSON_free(text);
    cJSON_Delete(object);
}

static int run(const iiifctl_call_t *call)
{
    static const long versions[2] = { 2, 3 };
    iiifctl_served_t served;
    iiif_plan_t *plan;
    iiif_err_t err;
    const char *file;
    long version = 3;
    int code;

    if (call->operands->nelts != 1)
        return iiifctl_usage(call, "one FILE has to be given");
    file = APR_ARRAY_IDX(call->operands, 0, const char *);
    if ((code = iiifctl_number_of(&version, call, API, versions)) != IIIFCTL_OK
        || (code = iiifctl_served_open(&served, call, file)) != IIIFCTL_OK)
        return code;
    if (make_plan(&plan, &served, (iiif_version_e)version, &err, call->pool) != APR_SUCCESS)
        return iiifctl_served_failed(call, file, &err);
    tell(plan,
         info_json(plan, &served, iiifctl_value(call, ID, "https://example.org/iiif"), call->pool),
         iiifctl_has(call, IIIFCTL_JSON));
    return IIIFCTL_OK;
}

const iiifctl_verb_t iiifctl_verb_info = { "info", "FILE",
                                           "tells what is known of an image, and its info.json",
                                           options, run };
