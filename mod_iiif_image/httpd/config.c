/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/config.h"

#include <string.h>

#include "httpd/process.h"
#include "iiif/background.h"
#include "image/vips_process.h"

#include "base/banned.h"

void *iiif_dir_conf_create(apr_pool_t *pool, char *path)
{
    iiif_dir_conf_t *conf = apr_pcalloc(pool, sizeof(*conf));
    unsigned i;

    (void)path;
#define NUM(type, name, dflt) conf->name = -1;
#define PTR(type, name, dflt)
    IIIF_DIR_SETTINGS(NUM, PTR)
#undef NUM
#undef PTR
    for (i = 0; i < IIIF_FORMATS; ++i)
        conf->effort[i] = -1;
    return conf;
}

void *iiif_dir_conf_merge(apr_pool_t *pool, void *basev, void *addv)
{
    const iiif_dir_conf_t *base = basev, *add = addv;
    iiif_dir_conf_t *conf = apr_pcalloc(pool, sizeof(*conf));
    unsigned i;

#define NUM(type, name, dflt) conf->name = add->name != -1 ? add->name : base->name;
#define PTR(type, name, dflt) conf->name = add->name ? add->name : base->name;
    IIIF_DIR_SETTINGS(NUM, PTR)
#undef NUM
#undef PTR
    for (i = 0; i < IIIF_FORMATS; ++i) {
        conf->quality[i] = add->quality[i] ? add->quality[i] : base->quality[i];
        conf->effort[i] = add->effort[i] != -1 ? add->effort[i] : base->effort[i];
    }
    return conf;
}

void *iiif_server_conf_create(apr_pool_t *pool, server_rec *s)
{
    iiif_server_conf_t *conf = apr_pcalloc(pool, sizeof(*conf));

    (void)s;
    conf->roots = apr_array_make(pool, 2, sizeof(iiif_root_t));
    conf->places = apr_array_make(pool, 2, sizeof(iiif_place_t));
    conf->guarded = apr_array_make(pool, 1, sizeof(iiif_guarded_t));
    conf->index_bytes = -1;
    conf->render = (iiif_render_conf_t){ .queue = -1, .seconds = 10 };
    conf->answers = (iiif_answers_conf_t){ .entries = 10000, .seconds = 10 };
    conf->command = IIIF_BINDIR "/iiifctl";
    return conf;
}

void *iiif_server_conf_merge(apr_pool_t *pool, void *basev, void *addv)
{
    const iiif_server_conf_t *base = basev, *add = addv;
    iiif_server_conf_t *conf = apr_pcalloc(pool, sizeof(*conf));

    conf->roots = apr_array_append(pool, add->roots, base->roots);
    conf->places = add->places;
    conf->guarded = apr_array_append(pool, add->guarded, base->guarded);
    conf->asks_database = add->asks_database;
    conf->index_bytes = base->index_bytes;
    conf->render = base->render;
    conf->answers = base->answers;
    conf->auto_pyramid = add->auto_pyramid;
    conf->command = base->command;
    return conf;
}

iiif_dir_conf_t iiif_settings(const request_rec *r)
{
    iiif_dir_conf_t conf =
        *(const iiif_dir_conf_t *)ap_get_module_config(r->per_dir_config, &iiif_image_module);
    unsigned i;

#define NUM(type, name, dflt)                                                                      \
    if (conf.name == -1)                                                                           \
        conf.name = (dflt);
#define PTR(type, name, dflt)                                                                      \
    if (!conf.name)                                                                                \
        conf.name = (dflt);
    IIIF_DIR_SETTINGS(NUM, PTR)
#undef NUM
#undef PTR
    for (i = 0; i < IIIF_FORMATS; ++i) {
        if (!conf.quality[i])
            conf.quality[i] = iiif_format((iiif_format_e)i)->default_quality;
        if (conf.effort[i] == -1)
            conf.effort[i] = iiif_format((iiif_format_e)i)->default_effort;
    }
    return conf;
}

const iiif_server_conf_t *iiif_server_settings(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &iiif_image_module);
}

iiif_plan_rules_t iiif_plan_rules(const iiif_dir_conf_t *settings)
{
    return (iiif_plan_rules_t){
        .versions = { (iiif_version_e)settings->version_first,
                      (iiif_version_e)settings->version_second },
        .accepted = IIIF_VERSION_NONE,
        .formats = iiif_vips_formats(),
        .source = { (iiif_source_format_set_t)settings->source_formats,
                    (apr_uint64_t)settings->max_source_pixels, iiif_process()->sources },
        .max = { .max_width = (apr_uint32_t)settings->max_width,
                 .max_height = (apr_uint32_t)settings->max_height,
                 .max_area = (apr_uint64_t)settings->max_area },
        .upscale = settings->upscale,
        .square = (iiif_square_e)settings->square,
        .tile = (apr_uint32_t)settings->tile_size,
        .tile_store = settings->tile_store && *settings->tile_store ? settings->tile_store : NULL,
        .stored = iiif_process()->stored,
        .thumbnails = settings->thumbnails,
    };
}

iiif_look_t iiif_look(const iiif_dir_conf_t *settings)
{
    iiif_look_t look = { .keep_metadata = settings->keep_metadata,
                         .linear_light = settings->linear_light };

    iiif_background_split(look.background, settings->background);
    memcpy(look.quality, settings->quality, sizeof(look.quality));
    memcpy(look.effort, settings->effort, sizeof(look.effort));
    return look;
}
