/* SPDX-License-Identifier: Apache-2.0 */
/* Setters: what info.json says, and the URL that clients know an image by. */
#include <apr_file_io.h>
#include <apr_network_io.h>
#include <apr_strings.h>
#include <http_core.h>
#include <string.h>

#include "httpd/arguments.h"
#include "httpd/directives.h"
#include "iiif/info.h"

#include "base/banned.h"

#define INFO_FILE_MAX (1 << 20) /* bytes of IIIFInfo */

const char *iiif_set_versions(cmd_parms *cmd, void *confv, const char *first, const char *second)
{
    iiif_dir_conf_t *conf = confv;
    const char *complaint = iiif_argument_int(&conf->version_first, cmd, first, 2, 3);

    conf->version_second = IIIF_VERSION_NONE;
    if (!complaint && second)
        complaint = iiif_argument_int(&conf->version_second, cmd, second, 2, 3);
    if (!complaint && conf->version_first == conf->version_second)
        complaint = apr_psprintf(cmd->pool, "%s: version %s is named twice", cmd->cmd->name, first);
    return complaint;
}

const char *iiif_set_attribution(cmd_parms *cmd, void *confv, const char *arg)
{
    ((iiif_dir_conf_t *)confv)->attribution = arg;
    return iiif_check_text(cmd, arg);
}

const char *iiif_set_uri(cmd_parms *cmd, void *confv, const char *arg)
{
    *(const char **)((char *)confv + (apr_size_t)cmd->info) = arg;
    return iiif_check_uri(cmd, arg);
}

static const char *add_link(cmd_parms *cmd, iiif_dir_conf_t *conf, iiif_link_t link)
{
    const char *const texts[] = { link.type, link.label, link.format, link.profile };
    const char *complaint = iiif_check_uri(cmd, link.id);
    unsigned i;

    for (i = 0; !complaint && i < sizeof(texts) / sizeof(texts[0]); ++i)
        complaint = iiif_check_text(cmd, texts[i]);
    if (complaint)
        return complaint;
    if (!conf->links)
        conf->links = apr_array_make(cmd->pool, 2, sizeof(iiif_link_t));
    APR_ARRAY_PUSH(conf->links, iiif_link_t) = link;
    return NULL;
}

const char *iiif_set_part_of(cmd_parms *cmd, void *confv, const char *id, const char *type,
                             const char *label)
{
    return add_link(cmd, confv,
                    (iiif_link_t){ .property = "partOf", .id = id, .type = type, .label = label });
}

const char *iiif_set_see_also(cmd_parms *cmd, void *confv, int argc, char *const argv[])
{
    if (argc < 2 || argc > 5)
        return apr_psprintf(cmd->pool, "%s: takes uri type [format [label [profile]]]",
                            cmd->cmd->name);
    return add_link(cmd, confv,
                    (iiif_link_t){ .property = "seeAlso",
                                   .id = argv[0],
                                   .type = argv[1],
                                   .format = argc > 2 ? argv[2] : NULL,
                                   .label = argc > 3 ? argv[3] : NULL,
                                   .profile = argc > 4 ? argv[4] : NULL });
}

const char *iiif_set_service(cmd_parms *cmd, void *confv, const char *id, const char *type,
                             const char *profile)
{
    return add_link(
        cmd, confv,
        (iiif_link_t){ .property = "service", .id = id, .type = type, .profile = profile });
}

/* The text of a file in @a pool; APR_ENOSPC when it is over INFO_FILE_MAX. */
static apr_status_t read_text(const char **text, const char *path, apr_pool_t *pool)
{
    apr_file_t *file;
    apr_finfo_t finfo;
    char *read;
    apr_size_t len = 0;
    apr_status_t rv = apr_file_open(&file, path, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT, pool);

    if (rv != APR_SUCCESS)
        return rv;
    rv = apr_file_info_get(&finfo, APR_FINFO_SIZE, file);
    if (rv == APR_SUCCESS && finfo.size > INFO_FILE_MAX)
        rv = APR_ENOSPC;
    if (rv == APR_SUCCESS) {
        read = apr_pcalloc(pool, (apr_size_t)finfo.size + 1);
        rv =
            finfo.size ? apr_file_read_full(file, read, (apr_size_t)finfo.size, &len) : APR_SUCCESS;
        *text = read;
    }
    apr_file_close(file);
    return rv;
}

const char *iiif_set_info(cmd_parms *cmd, void *confv, const char *arg)
{
    iiif_dir_conf_t *conf = confv;
    const char *path = ap_server_root_relative(cmd->pool, arg), *text = NULL;
    apr_status_t rv = path ? read_text(&text, path, cmd->temp_pool) : APR_EBADPATH;
    char reason[128];
    iiif_err_t err;

    if (rv != APR_SUCCESS)
        return apr_psprintf(cmd->pool, "%s: cannot read '%s': %s", cmd->cmd->name, arg,
                            rv == APR_ENOSPC ? "it is over 1 MiB"
                                             : apr_strerror(rv, reason, sizeof(reason)));
    if (iiif_info_extra_parse(&conf->info, text, &err, cmd->pool) != APR_SUCCESS)
        return apr_psprintf(cmd->pool, "%s: '%s' is %s", cmd->cmd->name, arg, err.text);
    return NULL;
}

const char *iiif_set_base_url(cmd_parms *cmd, void *confv, const char *arg)
{
    iiif_dir_conf_t *conf = confv;

    if (iiif_check_uri(cmd, arg) || strpbrk(arg, " <>\"?#"))
        return apr_psprintf(cmd->pool, "%s: '%s' is not an http or https URI without query",
                            cmd->cmd->name, arg);
    conf->base_url = arg;
    return NULL;
}

const char *iiif_set_trusted_proxy(cmd_parms *cmd, void *confv, const char *arg)
{
    iiif_dir_conf_t *conf = confv;
    char *address = apr_pstrdup(cmd->pool, arg), *mask = strchr(address, '/');
    apr_ipsubnet_t *subnet;

    if (mask)
        *mask++ = '\0';
    if (apr_ipsubnet_create(&subnet, address, mask, cmd->pool) != APR_SUCCESS)
        return apr_psprintf(cmd->pool, "%s: '%s' is not an IP address or address/mask",
                            cmd->cmd->name, arg);
    if (!conf->trusted_proxies)
        conf->trusted_proxies = apr_array_make(cmd->pool, 2, sizeof(apr_ipsubnet_t *));
    APR_ARRAY_PUSH(conf->trusted_proxies, apr_ipsubnet_t *) = subnet;
    return NULL;
}
