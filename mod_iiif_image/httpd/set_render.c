/* SPDX-License-Identifier: Apache-2.0 */
/* Setters: which renders run, how large images may be and what they look like. */
#include <apr_strings.h>
#include <string.h>
#include <strings.h>

#include "httpd/arguments.h"
#include "httpd/directives.h"
#include "iiif/background.h"
#include "iiif/region.h"

#include "base/banned.h"

#define RENDER_MEMORY_MIN ((apr_int64_t)16 << 20)    /* bytes */
#define PIXELS_MAX        APR_INT64_C(1000000000000) /* a terapixel: more is a slip of the keyboard */

static int is_auto(const char *arg)
{
    return !strcasecmp(arg, "auto");
}

static iiif_render_conf_t *render_of(const cmd_parms *cmd)
{
    return &iiif_server_conf_of(cmd)->render;
}

const char *iiif_set_render_threads(cmd_parms *cmd, void *confv, const char *arg)
{
    const char *complaint = ap_check_cmd_context(cmd, NOT_IN_VIRTUALHOST);

    (void)confv;
    if (complaint || is_auto(arg))
        return complaint;
    return iiif_argument_int(&render_of(cmd)->threads, cmd, arg, 1, 1024);
}

/* "512M", "2G" */
const char *iiif_set_render_memory(cmd_parms *cmd, void *confv, const char *arg)
{
    const char *complaint = ap_check_cmd_context(cmd, NOT_IN_VIRTUALHOST), *unit;
    apr_size_t digits = strspn(arg, "0123456789");
    apr_int64_t n = 0;

    (void)confv;
    if (complaint || is_auto(arg))
        return complaint;
    unit = arg + digits;
    if (!digits || digits > 9 || (strcasecmp(unit, "M") && strcasecmp(unit, "G")))
        return apr_psprintf(cmd->pool, "%s: '%s' is not a size like 512M or 2G", cmd->cmd->name,
                            arg);
    n = apr_strtoi64(arg, NULL, 10) << (strcasecmp(unit, "G") ? 20 : 30);
    if (n < RENDER_MEMORY_MIN)
        return apr_psprintf(cmd->pool, "%s: '%s' is less than 16M", cmd->cmd->name, arg);
    render_of(cmd)->memory = n;
    return NULL;
}

const char *iiif_set_render_queue(cmd_parms *cmd, void *confv, const char *length,
                                  const char *seconds, const char *shadow)
{
    const char *complaint = ap_check_cmd_context(cmd, NOT_IN_VIRTUALHOST);
    iiif_render_conf_t *render = render_of(cmd);

    (void)confv;
    if (!complaint && !is_auto(length))
        complaint = iiif_argument_int(&render->queue, cmd, length, 0, 65536);
    if (!complaint)
        complaint = iiif_argument_int(&render->seconds, cmd, seconds, 1, 300);
    if (!complaint && shadow && strcasecmp(shadow, "shadow"))
        complaint = apr_psprintf(cmd->pool, "%s: '%s' is not shadow", cmd->cmd->name, shadow);
    if (!complaint)
        render->shadow = shadow != NULL;
    return complaint;
}

/* The number whose offset is in the table. */
static apr_int64_t *slot(const cmd_parms *cmd, void *confv)
{
    return (apr_int64_t *)(void *)((char *)confv + (apr_size_t)cmd->info);
}

const char *iiif_set_side(cmd_parms *cmd, void *confv, const char *arg)
{
    return iiif_argument_number(slot(cmd, confv), cmd, arg, 0, APR_INT32_MAX);
}

const char *iiif_set_pixels(cmd_parms *cmd, void *confv, const char *arg)
{
    return iiif_argument_number(slot(cmd, confv), cmd, arg, 0, PIXELS_MAX);
}

const char *iiif_set_upscale(cmd_parms *cmd, void *confv, const char *arg)
{
    iiif_dir_conf_t *conf = confv;

    if (!strcasecmp(arg, "on") || !strcasecmp(arg, "off")) {
        conf->upscale = strcasecmp(arg, "on") ? IIIF_UPSCALE_OFF : IIIF_UPSCALE_ON;
        return NULL;
    }
    return iiif_argument_int(&conf->upscale, cmd, arg, 2, 100);
}

const char *iiif_set_tile_size(cmd_parms *cmd, void *confv, const char *arg)
{
    return iiif_argument_int(&((iiif_dir_conf_t *)confv)->tile_size, cmd, arg, 64, 4096);
}

/* IIIF_FORMATS: there is none of that name. */
static iiif_format_e format_named(const char *extension)
{
    unsigned i;

    for (i = 0; i < IIIF_FORMATS; ++i) {
        if (!strcasecmp(iiif_format((iiif_format_e)i)->extension, extension))
            break;
    }
    return (iiif_format_e)i;
}

const char *iiif_set_quality(cmd_parms *cmd, void *confv, const char *extension,
                             const char *quality)
{
    iiif_format_e format = format_named(extension);

    if (format == IIIF_FORMATS || !iiif_format(format)->lossy)
        return apr_psprintf(cmd->pool, "%s: '%s' is not one of jpg webp jp2 pdf avif jxl",
                            cmd->cmd->name, extension);
    return iiif_argument_int(&((iiif_dir_conf_t *)confv)->quality[format], cmd, quality, 1, 100);
}

const char *iiif_set_effort(cmd_parms *cmd, void *confv, const char *extension, const char *effort)
{
    iiif_format_e format = format_named(extension);

    if (format == IIIF_FORMATS || !iiif_format(format)->most_effort)
        return apr_psprintf(cmd->pool, "%s: '%s' is not one of png gif webp avif jxl",
                            cmd->cmd->name, extension);
    return iiif_argument_int(&((iiif_dir_conf_t *)confv)->effort[format], cmd, effort,
                             iiif_format(format)->least_effort, iiif_format(format)->most_effort);
}

const char *iiif_set_metadata(cmd_parms *cmd, void *confv, const char *arg)
{
    static const char *const words[] = { "strip", "keep", NULL };

    return iiif_argument_word(&((iiif_dir_conf_t *)confv)->keep_metadata, cmd, arg, words);
}

const char *iiif_set_background(cmd_parms *cmd, void *confv, const char *arg)
{
    iiif_dir_conf_t *conf = confv;

    if (!iiif_background_parse(&conf->background, arg))
        return apr_psprintf(cmd->pool, "%s: '%s' is not a colour like #ffffff", cmd->cmd->name,
                            arg);
    return NULL;
}

const char *iiif_set_square_crop(cmd_parms *cmd, void *confv, const char *arg)
{
    return iiif_argument_word(&((iiif_dir_conf_t *)confv)->square, cmd, arg, iiif_square_names());
}
