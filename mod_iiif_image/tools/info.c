/* SPDX-License-Identifier: Apache-2.0 */
/* iiifctl info: what a file says of itself, and the info.json that would be served; or the one that
 * httpd serves, by its own configuration. */
#include <apr_escape.h>
#include <apr_strings.h>
#include <apr_uri.h>
#include <stdio.h>
#include <string.h>

#include "iiif/info.h"
#include "image/raw_tile.h"
#include "image/vips_process.h"
#include "tools/facts.h"
#include "tools/output.h"
#include "tools/rehearsal.h"
#include "tools/served.h"
#include "tools/verbs.h"

#include "base/banned.h"

enum { ID = IIIFCTL_OWN, API, CONF, HTTPD };

static const iiifctl_option_t options[] = {
    IIIFCTL_SERVED_OPTIONS,
    { API, "api", "N", "version of the info.json: 3 (default) or 2" },
    { ID, "id", "URI", "in front of the identifier (default https://example.org/iiif)" },
    { CONF, "conf", "HTTPD.CONF", "what httpd would answer to a URL, by that configuration" },
    { HTTPD, "httpd", "PROGRAM", "that reads it (default " IIIF_APACHECTL ")" },
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
    iiif_info_t info = { .version = plan->version,
                         .id = apr_pstrcat(pool, base, "/", encoded, NULL),
                         .encoded = encoded,
                         .subject = plan->subject,
                         .tile = plan->tile,
                         .formats = iiif_vips_formats() };

    memcpy(info.stored, plan->stored, sizeof(info.stored));
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

/* -- of a URL -----------------------------------------------------------------------------------
 */

/* The reason, where httpd tells one in plain text. */
static int refused(const iiifctl_call_t *call, const char *url, const iiifctl_answer_t *answer)
{
    const int plain = answer->type && !strncmp(answer->type, "text/plain", 10);
    const char *why =
        apr_psprintf(call->pool, "httpd would answer %s%s%s%s%.*s", answer->status,
                     answer->location ? ", to " : "", answer->location ? answer->location : "",
                     plain ? ": " : "", plain ? (int)strcspn(answer->body, "\n") : 0, answer->body);

    return iiifctl_failed(call, "url", url, why);
}

static int tell_answer(const iiifctl_call_t *call, const char *url, const iiifctl_answer_t *answer)
{
    cJSON *told, *info = cJSON_Parse(answer->body);
    char *text;

    if (!info || strncmp(answer->status, "200 ", 4) != 0) {
        cJSON_Delete(info);
        return refused(call, url, answer);
    }
    if (iiifctl_has(call, IIIFCTL_JSON)) {
        told = cJSON_CreateObject();
        cJSON_AddStringToObject(told, "url", url);
        cJSON_AddItemToObject(told, "info", info);
        iiifctl_print_json(told);
        return IIIFCTL_OK;
    }
    text = cJSON_Print(info);
    printf("url          %s\ninfo.json    %s\n", url, text ? text : answer->body);
    cJSON_free(text);
    cJSON_Delete(info);
    return IIIFCTL_OK;
}

/* The configuration has all that other options could say. */
static int conf_alone(const iiifctl_call_t *call)
{
    int i;

    for (i = 0; i < call->given->nelts; ++i) {
        const int letter = APR_ARRAY_IDX(call->given, i, iiifctl_given_t).letter;

        if (letter != CONF && letter != HTTPD && letter != IIIFCTL_JSON)
            return 0;
    }
    return 1;
}

/* Base URI or info.json, with a host or without; a query stays. */
static const char *document_url(const char *url, apr_pool_t *pool)
{
    static const char name[] = "/info.json";
    const char *query = url + strcspn(url, "?");
    apr_size_t len = (apr_size_t)(query - url);

    while (len && url[len - 1] == '/')
        --len;
    if (len >= sizeof(name) && !strncmp(url + len - (sizeof(name) - 1), name, sizeof(name) - 1))
        return url;
    return apr_pstrcat(pool, apr_pstrmemdup(pool, url, len), name, query, NULL);
}

/* A path, or a URL of a host. */
static int is_url(const char *text, apr_pool_t *pool)
{
    apr_uri_t uri;
    long port;

    if (apr_uri_parse(pool, text, &uri) != APR_SUCCESS || !uri.path || *uri.path != '/')
        return 0;
    if (!uri.scheme)
        return !uri.hostinfo;
    return (!strcmp(uri.scheme, "http") || !strcmp(uri.scheme, "https")) && uri.hostname
           && *uri.hostname && (!uri.port_str || iiifctl_number(&port, uri.port_str, 1, 65535));
}

static int run_url(const iiifctl_call_t *call, const char *operand)
{
    const char *conf = iiifctl_absolute(iiifctl_value(call, CONF, ""), call->pool);
    const char *url = document_url(operand, call->pool);
    iiifctl_answer_t answer;
    iiif_err_t err;
    apr_status_t rv;

    if (!is_url(url, call->pool))
        return iiifctl_usage(call, "'%s' is neither /path nor http://host/path", operand);
    if (!conf_alone(call))
        return iiifctl_usage(call, "with --conf, --httpd and --json alone can be given");
    rv = iiifctl_rehearse(&answer, iiifctl_value(call, HTTPD, IIIF_APACHECTL), conf, url, &err,
                          call->pool);
    fputs(answer.said, stderr);
    return rv == APR_SUCCESS ? tell_answer(call, url, &answer)
                             : iiifctl_failed(call, "url", url, err.text);
}

/* -- the verb -----------------------------------------------------------------------------------
 */

static int run_file(const iiifctl_call_t *call, const char *file)
{
    static const long versions[2] = { 2, 3 };
    iiifctl_served_t served;
    iiif_plan_t *plan;
    iiif_err_t err;
    long version = 3;
    int code;

    if (iiifctl_has(call, HTTPD))
        return iiifctl_usage(call, "--httpd is for --conf");
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

static int run(const iiifctl_call_t *call)
{
    const char *operand;

    if (call->operands->nelts != 1)
        return iiifctl_usage(call, "one FILE has to be given, or with --conf one URL");
    operand = APR_ARRAY_IDX(call->operands, 0, const char *);
    return iiifctl_has(call, CONF) ? run_url(call, operand) : run_file(call, operand);
}

const iiifctl_verb_t iiifctl_verb_info = { "info", "FILE | URL --conf HTTPD.CONF",
                                           "tells what is known of an image, and its info.json",
                                           options, run };
