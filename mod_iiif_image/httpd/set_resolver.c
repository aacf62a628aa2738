/* SPDX-License-Identifier: Apache-2.0 */
/* Setters: which database is asked, how, and what is remembered of it. */
#include <ap_provider.h>
#include <ap_socache.h>
#include <apr_strings.h>
#include <string.h>
#include <strings.h>

#include "httpd/arguments.h"
#include "httpd/directives.h"
#include "resolve/query.h"

#include "base/banned.h"

const char *iiif_set_resolver(cmd_parms *cmd, void *confv, const char *arg)
{
    iiif_dir_conf_t *conf = confv;
    const char *complaint = iiif_check_early(cmd);

    if (complaint)
        return complaint;
    conf->resolver = iiif_resolver_by_name(arg);
    if (!conf->resolver)
        return apr_psprintf(cmd->pool, "%s: '%s' is not one of %s", cmd->cmd->name, arg,
                            IIIF_RESOLVER_NAMES);
    if (conf->resolver == &iiif_resolver_dbd)
        iiif_server_conf_of(cmd)->asks_database = 1;
    return NULL;
}

const char *iiif_set_query(cmd_parms *cmd, void *confv, const char *sql, const char *when,
                           const char *condition)
{
    iiif_dir_conf_t *conf = confv;
    const char *complaint = iiif_check_not_in_files(cmd);
    iiif_query_t query;
    iiif_err_t err = { "" };

    if (complaint)
        return complaint;
    if (when && strcasecmp(when, "when"))
        return apr_psprintf(cmd->pool, "%s: '%s' is not when", cmd->cmd->name, when);
    if (iiif_query_parse(&query, sql, condition, &err, cmd->pool) != APR_SUCCESS)
        return apr_psprintf(cmd->pool, "%s: %s", cmd->cmd->name, err.text);
    if (!conf->queries)
        conf->queries = apr_array_make(cmd->pool, 2, sizeof(iiif_query_t));
    APR_ARRAY_PUSH(conf->queries, iiif_query_t) = query;
    return NULL;
}

const char *iiif_set_identifier_prefix(cmd_parms *cmd, void *confv, const char *arg)
{
    const char *complaint = iiif_check_early(cmd);

    ((iiif_dir_conf_t *)confv)->identifier_prefix = arg;
    return complaint ? complaint : iiif_check_text(cmd, arg);
}

/* "shmcb:/path(size)". One that is named has to be there. */
static const char *set_provider(iiif_answers_conf_t *answers, cmd_parms *cmd, const char *arg)
{
    const char *colon = strchr(arg, ':');

    answers->provider = colon ? apr_pstrmemdup(cmd->pool, arg, (apr_size_t)(colon - arg)) : arg;
    answers->argument = colon && colon[1] ? colon + 1 : NULL;
    return ap_lookup_provider(AP_SOCACHE_PROVIDER_GROUP, answers->provider,
                              AP_SOCACHE_PROVIDER_VERSION)
               ? NULL
               : apr_psprintf(cmd->pool, "%s: mod_socache_%s is not loaded", cmd->cmd->name,
                              answers->provider);
}

const char *iiif_set_resolver_cache(cmd_parms *cmd, void *confv, const char *entries,
                                    const char *seconds, const char *provider)
{
    iiif_answers_conf_t *answers = &iiif_server_conf_of(cmd)->answers;
    const char *complaint = ap_check_cmd_context(cmd, NOT_IN_VIRTUALHOST);

    (void)confv;
    if (!complaint)
        complaint = iiif_argument_int(&answers->entries, cmd, entries, 0, 1000000);
    if (!complaint)
        complaint = iiif_argument_int(&answers->seconds, cmd, seconds, 0, 86400);
    return complaint || !provider ? complaint : set_provider(answers, cmd, provider);
}

const char *iiif_set_resolver_grace(cmd_parms *cmd, void *confv, const char *arg)
{
    const char *complaint = iiif_check_early(cmd);

    return complaint ? complaint
                     : iiif_argument_int(&((iiif_dir_conf_t *)confv)->resolver_grace, cmd, arg, 0,
                                         604800);
}

const char *iiif_set_resolver_timeout(cmd_parms *cmd, void *confv, const char *arg)
{
    const char *complaint = iiif_check_early(cmd);

    return complaint ? complaint
                     : iiif_argument_int(&((iiif_dir_conf_t *)confv)->resolver_timeout, cmd, arg,
                                         50, 60000);
}

const char *iiif_set_resolver_failure(cmd_parms *cmd, void *confv, const char *arg)
{
    static const char *const words[] = { "decline", "unavailable", NULL };
    const char *complaint = iiif_check_early(cmd);

    return complaint
               ? complaint
               : iiif_argument_word(&((iiif_dir_conf_t *)confv)->unavailable, cmd, arg, words);
}
