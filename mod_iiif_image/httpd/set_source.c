/* SPDX-License-Identifier: Apache-2.0 */
/* Setters: which files are images, where what is made of them is kept. */
#include <apr_strings.h>
#include <string.h>
#include <strings.h>

#include "httpd/arguments.h"
#include "httpd/directives.h"

#include "base/banned.h"

/* Directly in a <Location> of a path: not of a pattern, not <LocationMatch> or <If>. */
static int is_in_location(const cmd_parms *cmd)
{
    const ap_directive_t *section = cmd->directive->parent;

    return section && !strcasecmp(section->directive, "<Location") && *section->args != '~'
           && *cmd->path == '/' && !strpbrk(cmd->path, "*?[");
}

const char *iiif_set_image_root(cmd_parms *cmd, void *confv, const char *first, const char *second)
{
    iiif_dir_conf_t *conf = confv;
    iiif_server_conf_t *server = iiif_server_conf_of(cmd);
    iiif_root_t root = { NULL, NULL };
    const char *complaint;

    if (cmd->path) {
        if (second || !is_in_location(cmd))
            return apr_psprintf(
                cmd->pool,
                "%s: inside a section it takes one directory, and the section is a <Location>",
                cmd->cmd->name);
        complaint = iiif_argument_prefix(&conf->location_prefix, cmd, cmd->path);
        return complaint ? complaint
                         : iiif_argument_place(&conf->location_root, cmd, first, IIIF_PLACE_IMAGES);
    }
    if (!second)
        return apr_psprintf(cmd->pool, "%s: takes a URL path and a directory", cmd->cmd->name);
    complaint = iiif_argument_prefix(&root.prefix, cmd, first);
    if (!complaint)
        complaint = iiif_argument_place(&root.directory, cmd, second, IIIF_PLACE_IMAGES);
    if (!complaint)
        APR_ARRAY_PUSH(server->roots, iiif_root_t) = root;
    return complaint;
}

const char *iiif_set_resolver(cmd_parms *cmd, void *confv, const char *arg)
{
    iiif_server_conf_t *server = iiif_server_conf_of(cmd);

    (void)confv;
    server->resolver = iiif_resolver_by_name(arg);
    return server->resolver ? NULL
                            : apr_psprintf(cmd->pool, "%s: '%s' is not one of %s", cmd->cmd->name,
                                           arg, IIIF_RESOLVER_NAMES);
}

const char *iiif_set_fallback(cmd_parms *cmd, void *confv, const char *arg)
{
    static const char *const words[] = { "decline", "notfound", NULL };
    const char *complaint = iiif_check_early(cmd);

    return complaint ? complaint
                     : iiif_argument_word(&((iiif_dir_conf_t *)confv)->notfound, cmd, arg, words);
}

const char *iiif_set_early_flag(cmd_parms *cmd, void *confv, int on)
{
    *(int *)(void *)((char *)confv + (apr_size_t)cmd->info) = on;
    return iiif_check_early(cmd);
}

const char *iiif_set_source_formats(cmd_parms *cmd, void *confv, int argc, char *const argv[])
{
    iiif_dir_conf_t *conf = confv;
    iiif_source_format_set_t formats = 0;
    int i;

    for (i = 0; i < argc; ++i) {
        iiif_source_format_e format = iiif_source_format_by_name(argv[i]);

        if (format == IIIF_SOURCE_FORMATS)
            return apr_psprintf(
                cmd->pool,
                "%s: '%s' is not one of jpeg png tiff jp2 webp gif heif avif jxl pdf svg",
                cmd->cmd->name, argv[i]);
        formats |= 1u << format;
    }
    if (!formats)
        return apr_psprintf(cmd->pool, "%s: takes one format or more", cmd->cmd->name);
    conf->source_formats = (int)formats;
    return NULL;
}

const char *iiif_set_source_index(cmd_parms *cmd, void *confv, const char *arg)
{
    iiif_server_conf_t *server = iiif_server_conf_of(cmd);
    const char *complaint = ap_check_cmd_context(cmd, NOT_IN_VIRTUALHOST);
    apr_int64_t megabytes = 0;

    (void)confv;
    if (!complaint)
        complaint = iiif_argument_number(&megabytes, cmd, arg, 0, 65536);
    if (!complaint)
        server->index_bytes = megabytes << 20;
    return complaint;
}

/* "none" is kept as "": it overrides an outer section's. */
const char *iiif_set_tile_store(cmd_parms *cmd, void *confv, const char *arg)
{
    iiif_dir_conf_t *conf = confv;

    if (strcasecmp(arg, "none"))
        return iiif_argument_place(&conf->tile_store, cmd, arg, IIIF_PLACE_TILES);
    conf->tile_store = "";
    return NULL;
}

const char *iiif_set_derivative_store(cmd_parms *cmd, void *confv, const char *directory,
                                      const char *size)
{
    iiif_dir_conf_t *conf = confv;
    const char *complaint;

    if (!size && strcasecmp(directory, "none"))
        return apr_psprintf(cmd->pool, "%s: takes a directory and a size, or none", cmd->cmd->name);
    if (!size) {
        conf->derivative_store = "";
        return NULL;
    }
    complaint = iiif_argument_size(&conf->derivative_bound, cmd, size);
    return complaint ? complaint
                     : iiif_argument_place(&conf->derivative_store, cmd, directory,
                                           IIIF_PLACE_DERIVATIVES);
}

const char *iiif_set_auto_pyramid(cmd_parms *cmd, void *confv, int on)
{
    iiif_server_conf_t *server = iiif_server_conf_of(cmd);

    ((iiif_dir_conf_t *)confv)->auto_pyramid = on;
    server->auto_pyramid |= on;
    return NULL;
}

const char *iiif_set_command(cmd_parms *cmd, void *confv, const char *arg)
{
    iiif_server_conf_t *server = iiif_server_conf_of(cmd);
    const char *complaint = ap_check_cmd_context(cmd, NOT_IN_VIRTUALHOST);

    (void)confv;
    return complaint ? complaint : iiif_argument_directory(&server->command, cmd, arg);
}
