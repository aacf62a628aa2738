/* SPDX-License-Identifier: Apache-2.0 */
/* Every directive: its setter, then the table. A bad value names directive, value and range. */
#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_network_io.h>
#include <apr_strings.h>
#include <httpd.h>
#include <http_core.h>
#include <string.h>
#include <strings.h>

#include "base/path.h"
#include "httpd/config.h"
#include "iiif/info.h"

#include "base/banned.h"

#define INFO_FILE_MAX     (1 << 20)              /* bytes of IIIFInfo */
#define STORE_MIN         (APR_INT64_C(1) << 20) /* bytes of IIIFDerivativeStore */
#define STORE_MAX         (APR_INT64_C(1) << 50)
#define RENDER_MEMORY_MIN ((apr_int64_t)16 << 20)    /* bytes */
#define PIXELS_MAX        APR_INT64_C(1000000000000) /* a terapixel: more is a slip of the keyboard */

/* Whole decimal numbers only: "12abc", "" and values out of range are refused. */
static const char *parse_number(apr_int64_t *value, cmd_parms *cmd, const char *arg,
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

static const char *parse_int(int *value, cmd_parms *cmd, const char *arg, int min, int max)
{
    apr_int64_t n = 0;
    const char *complaint = parse_number(&n, cmd, arg, min, max);

    if (!complaint)
        *value = (int)n;
    return complaint;
}

/* What is read when a request is claimed, before there is a file. An <If> counts by then, but
 * NOT_IN_FILES would refuse it, too. */
static const char *check_early(cmd_parms *cmd)
{
    const ap_directive_t *section;

    for (section = cmd->directive->parent; section; section = section->parent) {
        if (!strncasecmp(section->directive, "<Files", 6))
            return apr_psprintf(cmd->pool, "%s cannot occur within %s> section", cmd->cmd->name,
                                section->directive);
    }
    return ap_check_cmd_context(cmd, NOT_IN_DIRECTORY);
}

/* One of a list of words; the last is NULL. The word's place is the value. */
static const char *parse_word(int *value, cmd_parms *cmd, const char *arg,
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

static const char *parse_directory(const char **directory, cmd_parms *cmd, const char *arg)
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

/* One that check_config will look at. */
static const char *parse_place(const char **directory, cmd_parms *cmd, const char *arg, int kind)
{
    iiif_server_conf_t *server =
        ap_get_module_config(cmd->server->module_config, &iiif_image_module);
    const char *complaint = parse_directory(directory, cmd, arg);

    if (!complaint)
        APR_ARRAY_PUSH(server->places, iiif_place_t) = (iiif_place_t){ kind, *directory };
    return complaint;
}

static const char *parse_prefix(const char **prefix, cmd_parms *cmd, const char *arg)
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

/* Directly in a <Location> of a path: not of a pattern, not <LocationMatch> or <If>. */
static int is_in_location(const cmd_parms *cmd)
{
    const ap_directive_t *section = cmd->directive->parent;

    return section && !strcasecmp(section->directive, "<Location") && *section->args != '~'
           && *cmd->path == '/' && !strpbrk(cmd->path, "*?[");
}

/* "IIIFImageRoot url-path directory" in a server, "IIIFImageRoot directory" in a <Location>. */
static const char *set_image_root(cmd_parms *cmd, void *confv, const char *first,
                                  const char *second)
{
    iiif_dir_conf_t *conf = confv;
    iiif_server_conf_t *server =
        ap_get_module_config(cmd->server->module_config, &iiif_image_module);
    iiif_root_t root = { NULL, NULL };
    const char *complaint;

    if (cmd->path) {
        if (second || !is_in_location(cmd))
            return apr_psprintf(
                cmd->pool,
                "%s: inside a section it takes one directory, and the section is a <Location>",
                cmd->cmd->name);
        complaint = parse_prefix(&conf->location_prefix, cmd, cmd->path);
        return complaint ? complaint
                         : parse_place(&conf->location_root, cmd, first, IIIF_PLACE_IMAGES);
    }
    if (!second)
        return apr_psprintf(cmd->pool, "%s: takes a URL path and a directory", cmd->cmd->name);
    complaint = parse_prefix(&root.prefix, cmd, first);
    if (!complaint)
        complaint = parse_place(&root.directory, cmd, second, IIIF_PLACE_IMAGES);
    if (!complaint)
        APR_ARRAY_PUSH(server->roots, iiif_root_t) = root;
    return complaint;
}

/* "none" is kept as "": it overrides an outer section's. */
static const char *set_tile_store(cmd_parms *cmd, void *confv, const char *arg)
{
    iiif_dir_conf_t *conf = confv;

    if (strcasecmp(arg, "none"))
        return parse_place(&conf->tile_store, cmd, arg, IIIF_PLACE_TILES);
    conf->tile_store = "";
    return NULL;
}

/* "20G": bytes, in units of 1024. */
static const char *parse_size(apr_int64_t *bytes, cmd_parms *cmd, const char *arg)
{
    static const char units[] = "KMGT";
    char *end;
    apr_int64_t n = apr_strtoi64(arg, &end, 10);
    const char *unit = *end ? strchr(units, apr_toupper(*end)) : NULL;
    int shift = unit ? (int)(unit - units + 1) * 10 : 0;

    if (end == arg || (*end && !unit) || (unit && end[1]) || n < 0 || n > STORE_MAX >> shift
        || n << shift < STORE_MIN)
        return apr_psprintf(cmd->pool, "%s: '%s' is not a size from 1M to 1024T, such as 500M",
                            cmd->cmd->name, arg);
    *bytes = n << shift;
    return NULL;
}

static const char *set_derivative_store(cmd_parms *cmd, void *confv, const char *directory,
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
    complaint = parse_size(&conf->derivative_bound, cmd, size);
    return complaint ? complaint
                     : parse_place(&conf->derivative_store, cmd, directory, IIIF_PLACE_DERIVATIVES);
}

static const char *set_source_index(cmd_parms *cmd, void *confv, const char *arg)
{
    iiif_server_conf_t *server =
        ap_get_module_config(cmd->server->module_config, &iiif_image_module);
    const char *complaint = ap_check_cmd_context(cmd, NOT_IN_VIRTUALHOST);
    apr_int64_t megabytes = 0;

    (void)confv;
    if (!complaint)
        complaint = parse_number(&megabytes, cmd, arg, 0, 65536);
    if (!complaint)
        server->index_bytes = megabytes << 20;
    return complaint;
}

static const char *set_auto_pyramid(cmd_parms *cmd, void *confv, int on)
{
    iiif_server_conf_t *server =
        ap_get_module_config(cmd->server->module_config, &iiif_image_module);

    ((iiif_dir_conf_t *)confv)->auto_pyramid = on;
    server->auto_pyramid |= on;
    return NULL;
}

static const char *set_command(cmd_parms *cmd, void *confv, const char *arg)
{
    iiif_server_conf_t *server =
        ap_get_module_config(cmd->server->module_config, &iiif_image_module);
    const char *complaint = ap_check_cmd_context(cmd, NOT_IN_VIRTUALHOST);

    (void)confv;
    return complaint ? complaint : parse_directory(&server->command, cmd, arg);
}

static int is_auto(const char *arg)
{
    return !strcasecmp(arg, "auto");
}

static iiif_render_conf_t *render_of(const cmd_parms *cmd)
{
    iiif_server_conf_t *server =
        ap_get_module_config(cmd->server->module_config, &iiif_image_module);

    return &server->render;
}

static const char *set_render_threads(cmd_parms *cmd, void *confv, const char *arg)
{
    const char *complaint = ap_check_cmd_context(cmd, NOT_IN_VIRTUALHOST);

    (void)confv;
    if (complaint || is_auto(arg))
        return complaint;
    return parse_int(&render_of(cmd)->threads, cmd, arg, 1, 1024);
}

/* "512M", "2G" */
static const char *set_render_memory(cmd_parms *cmd, void *confv, const char *arg)
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

static const char *set_render_queue(cmd_parms *cmd, void *confv, const char *length,
                                    const char *seconds, const char *shadow)
{
    const char *complaint = ap_check_cmd_context(cmd, NOT_IN_VIRTUALHOST);
    iiif_render_conf_t *render = render_of(cmd);

    (void)confv;
    if (!complaint && !is_auto(length))
        complaint = parse_int(&render->queue, cmd, length, 0, 65536);
    if (!complaint)
        complaint = parse_int(&render->seconds, cmd, seconds, 1, 300);
    if (!complaint && shadow && strcasecmp(shadow, "shadow"))
        complaint = apr_psprintf(cmd->pool, "%s: '%s' is not shadow", cmd->cmd->name, shadow);
    if (!complaint)
        render->shadow = shadow != NULL;
    return complaint;
}

static const char *set_resolver(cmd_parms *cmd, void *confv, const char *arg)
{
    iiif_server_conf_t *server =
        ap_get_module_config(cmd->server->module_config, &iiif_image_module);

    (void)confv;
    server->resolver = iiif_resolver_by_name(arg);
    return server->resolver ? NULL
                            : apr_psprintf(cmd->pool, "%s: '%s' is not one of %s", cmd->cmd->name,
                                           arg, IIIF_RESOLVER_NAMES);
}

static const char *set_versions(cmd_parms *cmd, void *confv, const char *first, const char *second)
{
    iiif_dir_conf_t *conf = confv;
    const char *complaint = parse_int(&conf->version_first, cmd, first, 2, 3);

    conf->version_second = IIIF_VERSION_NONE;
    if (!complaint && second)
        complaint = parse_int(&conf->version_second, cmd, second, 2, 3);
    if (!complaint && conf->version_first == conf->version_second)
        complaint = apr_psprintf(cmd->pool, "%s: version %s is named twice", cmd->cmd->name, first);
    return complaint;
}

static const char *set_fallback(cmd_parms *cmd, void *confv, const char *arg)
{
    static const char *const words[] = { "decline", "notfound", NULL };
    const char *complaint = check_early(cmd);

    return complaint ? complaint
                     : parse_word(&((iiif_dir_conf_t *)confv)->notfound, cmd, arg, words);
}

static const char *set_pages(cmd_parms *cmd, void *confv, int on)
{
    ((iiif_dir_conf_t *)confv)->pages = on;
    return check_early(cmd);
}

static const char *set_deepzoom(cmd_parms *cmd, void *confv, int on)
{
    ((iiif_dir_conf_t *)confv)->deepzoom = on;
    return check_early(cmd);
}

static const char *set_source_formats(cmd_parms *cmd, void *confv, int argc, char *const argv[])
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

static const char *set_max_width(cmd_parms *cmd, void *confv, const char *arg)
{
    return parse_number(&((iiif_dir_conf_t *)confv)->max_width, cmd, arg, 0, APR_INT32_MAX);
}

static const char *set_max_height(cmd_parms *cmd, void *confv, const char *arg)
{
    return parse_number(&((iiif_dir_conf_t *)confv)->max_height, cmd, arg, 0, APR_INT32_MAX);
}

static const char *set_max_area(cmd_parms *cmd, void *confv, const char *arg)
{
    return parse_number(&((iiif_dir_conf_t *)confv)->max_area, cmd, arg, 0, PIXELS_MAX);
}

static const char *set_max_source_pixels(cmd_parms *cmd, void *confv, const char *arg)
{
    return parse_number(&((iiif_dir_conf_t *)confv)->max_source_pixels, cmd, arg, 0, PIXELS_MAX);
}

static const char *set_upscale(cmd_parms *cmd, void *confv, const char *arg)
{
    iiif_dir_conf_t *conf = confv;

    if (!strcasecmp(arg, "on") || !strcasecmp(arg, "off")) {
        conf->upscale = strcasecmp(arg, "on") ? IIIF_UPSCALE_OFF : IIIF_UPSCALE_ON;
        return NULL;
    }
    return parse_int(&conf->upscale, cmd, arg, 2, 100);
}

static const char *set_tile_size(cmd_parms *cmd, void *confv, const char *arg)
{
    return parse_int(&((iiif_dir_conf_t *)confv)->tile_size, cmd, arg, 64, 4096);
}

static const char *set_quality(cmd_parms *cmd, void *confv, const char *format, const char *quality)
{
    iiif_dir_conf_t *conf = confv;
    unsigned i;

    for (i = 0; i < IIIF_FORMATS; ++i) {
        const iiif_format_t *row = iiif_format((iiif_format_e)i);

        if (row->lossy && !strcasecmp(row->extension, format))
            return parse_int(&conf->quality[i], cmd, quality, 1, 100);
    }
    return apr_psprintf(cmd->pool, "%s: '%s' is not one of jpg webp jp2 pdf avif jxl",
                        cmd->cmd->name, format);
}

static const char *set_effort(cmd_parms *cmd, void *confv, const char *format, const char *effort)
{
    iiif_dir_conf_t *conf = confv;
    unsigned i;

    for (i = 0; i < IIIF_FORMATS; ++i) {
        const iiif_format_t *row = iiif_format((iiif_format_e)i);

        if (row->most_effort && !strcasecmp(row->extension, format))
            return parse_int(&conf->effort[i], cmd, effort, row->least_effort, row->most_effort);
    }
    return apr_psprintf(cmd->pool, "%s: '%s' is not one of png gif webp avif jxl", cmd->cmd->name,
                        format);
}

static const char *set_metadata(cmd_parms *cmd, void *confv, const char *arg)
{
    static const char *const words[] = { "strip", "keep", NULL };

    return parse_word(&((iiif_dir_conf_t *)confv)->keep_metadata, cmd, arg, words);
}

static const char *set_background(cmd_parms *cmd, void *confv, const char *arg)
{
    iiif_dir_conf_t *conf = confv;
    const char *digits = *arg == '#' ? arg + 1 : arg;

    if (strlen(digits) != 6 || strspn(digits, "0123456789abcdefABCDEF") != 6)
        return apr_psprintf(cmd->pool, "%s: '%s' is not a colour like #ffffff", cmd->cmd->name,
                            arg);
    conf->background = (int)apr_strtoi64(digits, NULL, 16);
    return NULL;
}

static const char *set_square_crop(cmd_parms *cmd, void *confv, const char *arg)
{
    static const char *const words[] = {
        [IIIF_SQUARE_CENTRE] = "centre",       [IIIF_SQUARE_LOW] = "low",
        [IIIF_SQUARE_HIGH] = "high",           [IIIF_SQUARE_ENTROPY] = "entropy",
        [IIIF_SQUARE_ATTENTION] = "attention", NULL
    };

    return parse_word(&((iiif_dir_conf_t *)confv)->square, cmd, arg, words);
}

static int is_http_uri(const char *arg)
{
    const char *host = !strncasecmp(arg, "http://", 7)    ? arg + 7
                       : !strncasecmp(arg, "https://", 8) ? arg + 8
                                                          : "";

    return *host && *host != '/' && iiif_path_is_clean_utf8(arg);
}

static const char *check_uri(cmd_parms *cmd, const char *uri)
{
    return is_http_uri(uri) ? NULL
                            : apr_psprintf(cmd->pool, "%s: '%s' is not an http or https URI",
                                           cmd->cmd->name, uri);
}

/* NULL, not given, is fine. */
static const char *check_text(cmd_parms *cmd, const char *text)
{
    return !text || iiif_path_is_clean_utf8(text)
               ? NULL
               : apr_psprintf(cmd->pool, "%s: the text is not UTF-8", cmd->cmd->name);
}

static const char *set_attribution(cmd_parms *cmd, void *confv, const char *arg)
{
    ((iiif_dir_conf_t *)confv)->attribution = arg;
    return check_text(cmd, arg);
}

/* A member that is a URI; offset from the table. */
static const char *set_uri(cmd_parms *cmd, void *confv, const char *arg)
{
    *(const char **)((char *)confv + (apr_size_t)cmd->info) = arg;
    return check_uri(cmd, arg);
}

static const char *add_link(cmd_parms *cmd, iiif_dir_conf_t *conf, iiif_link_t link)
{
    const char *const texts[] = { link.type, link.label, link.format, link.profile };
    const char *complaint = check_uri(cmd, link.id);
    unsigned i;

    for (i = 0; !complaint && i < sizeof(texts) / sizeof(texts[0]); ++i)
        complaint = check_text(cmd, texts[i]);
    if (complaint)
        return complaint;
    if (!conf->links)
        conf->links = apr_array_make(cmd->pool, 2, sizeof(iiif_link_t));
    APR_ARRAY_PUSH(conf->links, iiif_link_t) = link;
    return NULL;
}

static const char *set_part_of(cmd_parms *cmd, void *confv, const char *id, const char *type,
                               const char *label)
{
    return add_link(cmd, confv,
                    (iiif_link_t){ .property = "partOf", .id = id, .type = type, .label = label });
}

static const char *set_see_also(cmd_parms *cmd, void *confv, int argc, char *const argv[])
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

static const char *set_service(cmd_parms *cmd, void *confv, const char *id, const char *type,
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

static const char *set_info(cmd_parms *cmd, void *confv, const char *arg)
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

static const char *set_base_url(cmd_parms *cmd, void *confv, const char *arg)
{
    iiif_dir_conf_t *conf = confv;

    if (!is_http_uri(arg) || strpbrk(arg, " <>\"?#"))
        return apr_psprintf(cmd->pool, "%s: '%s' is not an http or https URI without query",
                            cmd->cmd->name, arg);
    conf->base_url = arg;
    return NULL;
}

static const char *set_trusted_proxy(cmd_parms *cmd, void *confv, const char *arg)
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

/* clang-format off */
#define AT(field)  ((void *)APR_OFFSETOF(iiif_dir_conf_t, field))
#define ANYWHERE   (RSRC_CONF | ACCESS_CONF)

const command_rec iiif_directives[] = {
    AP_INIT_TAKE12("IIIFImageRoot", set_image_root, NULL, ANYWHERE,
                   "url-path directory, or directory inside a <Location>: every image below it is a IIIF image"),
    AP_INIT_TAKE1("IIIFResolver", set_resolver, NULL, RSRC_CONF,
                  "filesystem: what makes a file of an identifier (default filesystem)"),
    AP_INIT_TAKE12("IIIFVersions", set_versions, NULL, ANYWHERE,
                   "3 2: versions of the Image API, the preferred one first (default 3 2)"),
    AP_INIT_TAKE1("IIIFFallback", set_fallback, NULL, ANYWHERE,
                  "decline|notfound: leave what is no image request to the rest of httpd, or answer 404 (default decline)"),
    AP_INIT_TAKE_ARGV("IIIFSourceFormats", set_source_formats, NULL, ANYWHERE,
                  "formats read: jpeg png tiff jp2 webp gif heif avif jxl pdf svg (default all up to avif)"),
    AP_INIT_TAKE1("IIIFMaxWidth", set_max_width, NULL, ANYWHERE,
                  "widest image sent, in pixels, 0 to 2147483647 (default 0: no limit)"),
    AP_INIT_TAKE1("IIIFMaxHeight", set_max_height, NULL, ANYWHERE,
                  "highest image sent, in pixels, 0 to 2147483647 (default 0: as IIIFMaxWidth)"),
    AP_INIT_TAKE1("IIIFMaxArea", set_max_area, NULL, ANYWHERE,
                  "largest image sent, in pixels, 0 to 1000000000000 (default 0: no limit)"),
    AP_INIT_TAKE1("IIIFUpscale", set_upscale, NULL, ANYWHERE,
                  "on|off|2 to 100: may images be enlarged, or how many times (default on)"),
    AP_INIT_TAKE1("IIIFMaxSourcePixels", set_max_source_pixels, NULL, ANYWHERE,
                  "largest source read, in pixels, 0 to 1000000000000, 0: no limit (default 1000000000)"),
    AP_INIT_TAKE1("IIIFTileSize", set_tile_size, NULL, ANYWHERE,
                  "side of the tiles announced for sources that have none, 64 to 4096 pixels (default 512)"),
    AP_INIT_TAKE1("IIIFTileStore", set_tile_store, NULL, ANYWHERE,
                  "directory of tiles made beforehand, or none (default none)"),
    AP_INIT_TAKE12("IIIFDerivativeStore", set_derivative_store, NULL, ANYWHERE,
                   "directory in which images are kept that were rendered, and its bound, 1M to 1024T; or none (default none)"),
    AP_INIT_FLAG("IIIFAutoPyramid", set_auto_pyramid, NULL, ANYWHERE,
                 "on|off: a large image that is asked for gets a pyramid in IIIFTileStore, made in the background (default off)"),
    AP_INIT_TAKE1("IIIFCtl", set_command, NULL, RSRC_CONF,
                  "where iiifctl is, which makes these"),
    AP_INIT_TAKE1("IIIFSourceIndex", set_source_index, NULL, RSRC_CONF,
                  "megabytes of memory in which a process remembers its sources, 0 to 65536 (default 64)"),
    AP_INIT_TAKE1("IIIFRenderThreads", set_render_threads, NULL, RSRC_CONF,
                  "auto or 1 to 1024: images rendered at once (default auto: as many as there are processors)"),
    AP_INIT_TAKE1("IIIFRenderMemory", set_render_memory, NULL, RSRC_CONF,
                  "auto, or a size like 512M or 2G: what these may take together, as estimated (default auto: a quarter of the machine's)"),
    AP_INIT_TAKE23("IIIFRenderQueue", set_render_queue, NULL, RSRC_CONF,
                  "auto or 0 to 65536, seconds 1 to 300 [shadow]: requests that wait to be rendered, and how long; shadow only counts (default auto 10)"),
    AP_INIT_TAKE2("IIIFQuality", set_quality, NULL, ANYWHERE,
                  "format and 1 to 100: compression of jpg webp jp2 pdf avif jxl (default jpg 85, webp 80, jp2 48, pdf 85, avif 60, jxl 75)"),
    AP_INIT_TAKE2("IIIFEffort", set_effort, NULL, ANYWHERE,
                  "format and number: how long its encoder tries, png 0 to 9, gif 1 to 10, webp 0 to 6, avif 0 to 9, jxl 1 to 9 (default png 6, gif 3, webp 2, avif 1, jxl 3)"),
    AP_INIT_TAKE1("IIIFMetadata", set_metadata, NULL, ANYWHERE,
                  "strip|keep: of what the source's file says of itself, rights alone go along with an image, or all (default strip)"),
    AP_INIT_FLAG("IIIFLinearLight", ap_set_flag_slot, AT(linear_light), ANYWHERE,
                 "on|off: images change their size in proportion to light (default off)"),
    AP_INIT_TAKE1("IIIFBackground", set_background, NULL, ANYWHERE,
                  "colour behind transparent pixels where the format has none, #RRGGBB (default #ffffff)"),
    AP_INIT_TAKE1("IIIFSquareCrop", set_square_crop, NULL, ANYWHERE,
                  "centre|low|high|entropy|attention: where region square lies (default centre)"),
    AP_INIT_FLAG("IIIFPages", set_pages, NULL, ANYWHERE,
                 "on|off: \"identifier;2\" is page 2 of a file (default off)"),
    AP_INIT_FLAG("IIIFDeepZoom", set_deepzoom, NULL, ANYWHERE,
                 "on|off: every image is also a Deep Zoom and a Zoomify image (default on)"),
    AP_INIT_TAKE1("IIIFRights", set_uri, AT(rights), ANYWHERE,
                  "URI of a licence or rights statement for info.json"),
    AP_INIT_TAKE1("IIIFAttribution", set_attribution, NULL, ANYWHERE,
                  "text shown with the image, in info.json of version 2"),
    AP_INIT_TAKE1("IIIFLogo", set_uri, AT(logo), ANYWHERE,
                  "URI of a logo shown with the image, in info.json of version 2"),
    AP_INIT_TAKE23("IIIFPartOf", set_part_of, NULL, ANYWHERE,
                   "uri type [label]: a resource the image is part of; {identifier} in it is replaced"),
    AP_INIT_TAKE_ARGV("IIIFSeeAlso", set_see_also, NULL, ANYWHERE,
                   "uri type [format [label [profile]]]: a machine-readable description; {identifier} in it is replaced"),
    AP_INIT_TAKE23("IIIFService", set_service, NULL, ANYWHERE,
                   "uri type [profile]: a related service; {identifier} in it is replaced"),
    AP_INIT_TAKE1("IIIFInfo", set_info, NULL, ANYWHERE,
                  "file with a JSON object merged into info.json; relative to ServerRoot"),
    AP_INIT_TAKE1("IIIFBaseURL", set_base_url, NULL, ANYWHERE,
                  "public URL: scheme and host, and with a path also what stands for the prefix (default: as the client asked)"),
    AP_INIT_ITERATE("IIIFTrustedProxy", set_trusted_proxy, NULL, ANYWHERE,
                  "addresses, or address/mask, whose X-Forwarded-Proto and X-Forwarded-Host are believed (default none)"),
    { .name = NULL }
};
