/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/arguments.h"

#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <http_core.h>
#include <string.h>
#include <strings.h>

#include "base/path.h"

#include "base/banned.h"

#define LEAST   (APR_INT64_C(1) << 20) /* bytes of a size */
#define LARGEST (APR_INT64_C(1) << 50)

iiif_server_conf_t *iiif_server_conf_of(const cmd_parms *cmd)
{
    return ap_get_module_config(cmd->server->module_config, &iiif_image_module);
}

const char *iiif_argument_number(apr_int64_t *value, cmd_parms *cmd, const char *arg,
                                 apr_int64_t min, apr_int64_t max)
{
    char *end;
    apr_int64_t n = apr_strtoi64(arg, &end, 10);

    if (end == arg || *end || n < min || n > max)
        return apr_psprintf(
            cmd->pool, "%s: '%s' is not a number from %" APR_INT64_T_FMT " to %" APR_INT64_T_FMT,
            cmd->cmd->name, arg, min, max);
    *value = n;
    return NULL;
}

const char *iiif_argument_int(int *value, cmd_parms *cmd, const char *arg, int min, int max)
{
    apr_int64_t n = 0;
    const char *complaint = iiif_argument_number(&n, cmd, arg, min, max);

    if (!complaint)
        *value = (int)n;
    return complaint;
}

const char *iiif_argument_word(int *value, cmd_parms *cmd, const char *arg,
                               const char *const words[])
{
    const char *known = "";
    int i;

    for (i = 0; words[i]; ++i) {
        if (!strcasecmp(arg, words[i])) {
            *value = i;
            return NULL;
        }
        known = apr_pstrcat(cmd->pool, known, " ", words[i], NULL);
    }
    return apr_psprintf(cmd->pool, "%s: '%s' is not one of%s", cmd->cmd->name, arg, known);
}

const char *iiif_argument_directory(const char **directory, cmd_parms *cmd, const char *arg)
{
    char *absolute = ap_server_root_relative(cmd->pool, arg), *clean;

    if (!absolute
        || apr_filepath_merge(&clean, NULL, absolute, APR_FILEPATH_NOTRELATIVE, cmd->pool)
               != APR_SUCCESS)
        return apr_psprintf(cmd->pool, "%s: '%s' is not a path", cmd->cmd->name, arg);
    while (clean[1] && clean[strlen(clean) - 1] == '/')
        clean[strlen(clean) - 1] = '\0';
    *directory = clean;
    return NULL;
}

const char *iiif_argument_place(const char **directory, cmd_parms *cmd, const char *arg, int kind)
{
    iiif_server_conf_t *server = iiif_server_conf_of(cmd);
    const char *complaint = iiif_argument_directory(directory, cmd, arg);

    if (!complaint)
        APR_ARRAY_PUSH(server->places, iiif_place_t) = (iiif_place_t){ kind, *directory };
    return complaint;
}

const char *iiif_argument_prefix(const char **prefix, cmd_parms *cmd, const char *arg)
{
    char *path = apr_pstrdup(cmd->pool, arg);

    if (*path != '/')
        return apr_psprintf(cmd->pool, "%s: '%s' is not a URL path: it starts with no slash",
                            cmd->cmd->name, arg);
    while (*path && path[strlen(path) - 1] == '/')
        path[strlen(path) - 1] = '\0';
    *prefix = path;
    return NULL;
}

const char *iiif_argument_size(apr_int64_t *bytes, cmd_parms *cmd, const char *arg)
{
    static const char units[] = "KMGT";
    char *end;
    apr_int64_t n = apr_strtoi64(arg, &end, 10);
    const char *unit = *end ? strchr(units, apr_toupper(*end)) : NULL;
    int shift = unit ? (int)(unit - units + 1) * 10 : 0;

    if (end == arg || (*end && !unit) || (unit && end[1]) || n < 0 || n > LARGEST >> shift
        || n << shift < LEAST)
        return apr_psprintf(cmd->pool, "%s: '%s' is not a size from 1M to 1024T, such as 500M",
                            cmd->cmd->name, arg);
    *bytes = n << shift;
    return NULL;
}

/* An <If> counts by then, but NOT_IN_FILES would refuse it, too. */
const char *iiif_check_early(cmd_parms *cmd)
{
    const ap_directive_t *section;

    for (section = cmd->directive->parent; section; section = section->parent) {
        if (!strncasecmp(section->directive, "<Files", 6))
            return apr_psprintf(cmd->pool, "%s cannot occur within %s> section", cmd->cmd->name,
                                section->directive);
    }
    return ap_check_cmd_context(cmd, NOT_IN_DIRECTORY);
}

static int is_http_uri(const char *arg)
{
    const char *host = !strncasecmp(arg, "http://", 7)    ? arg + 7
                       : !strncasecmp(arg, "https://", 8) ? arg + 8
                                                          : "";

    return *host && *host != '/' && iiif_path_is_clean_utf8(arg);
}

const char *iiif_check_uri(cmd_parms *cmd, const char *uri)
{
    return is_http_uri(uri) ? NULL
                            : apr_psprintf(cmd->pool, "%s: '%s' is not an http or https URI",
                                           cmd->cmd->name, uri);
}

const char *iiif_check_text(cmd_parms *cmd, const char *text)
{
    return !text || iiif_path_is_clean_utf8(text)
               ? NULL
               : apr_psprintf(cmd->pool, "%s: the text is not UTF-8", cmd->cmd->name);
}
