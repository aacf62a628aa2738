/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_HTTPD_DIRECTIVES_H
#define IIIF_HTTPD_DIRECTIVES_H
/**
 * @file directives.h
 * @brief The setters, for the table in directives.c. Each is called with the arguments of its
 * directive and returns NULL, or a complaint that stops httpd. @see http_config.h, cmd_func
 */
#include <httpd.h>
#include <http_config.h>

/* set_source.c */

/** "url-path directory" in a server, "directory" in a <Location>. */
const char *iiif_set_image_root(cmd_parms *cmd, void *confv, const char *first, const char *second);
const char *iiif_set_resolver(cmd_parms *cmd, void *confv, const char *arg);
const char *iiif_set_fallback(cmd_parms *cmd, void *confv, const char *arg);

/** A member that is on or off, at the offset in cmd->info, and is read when a request is claimed.
 */
const char *iiif_set_early_flag(cmd_parms *cmd, void *confv, int on);
const char *iiif_set_source_formats(cmd_parms *cmd, void *confv, int argc, char *const argv[]);
const char *iiif_set_source_index(cmd_parms *cmd, void *confv, const char *arg);
const char *iiif_set_tile_store(cmd_parms *cmd, void *confv, const char *arg);
const char *iiif_set_derivative_store(cmd_parms *cmd, void *confv, const char *directory,
                                      const char *size);
const char *iiif_set_auto_pyramid(cmd_parms *cmd, void *confv, int on);
const char *iiif_set_command(cmd_parms *cmd, void *confv, const char *arg);

/* set_render.c */

const char *iiif_set_render_threads(cmd_parms *cmd, void *confv, const char *arg);
const char *iiif_set_render_memory(cmd_parms *cmd, void *confv, const char *arg);
const char *iiif_set_render_queue(cmd_parms *cmd, void *confv, const char *length,
                                  const char *seconds, const char *shadow);

/** A length in pixels; offset in cmd->info. */
const char *iiif_set_side(cmd_parms *cmd, void *confv, const char *arg);

/** A number of pixels, likewise. */
const char *iiif_set_pixels(cmd_parms *cmd, void *confv, const char *arg);
const char *iiif_set_upscale(cmd_parms *cmd, void *confv, const char *arg);
const char *iiif_set_tile_size(cmd_parms *cmd, void *confv, const char *arg);
const char *iiif_set_quality(cmd_parms *cmd, void *confv, const char *extension,
                             const char *quality);
const char *iiif_set_effort(cmd_parms *cmd, void *confv, const char *extension, const char *effort);
const char *iiif_set_metadata(cmd_parms *cmd, void *confv, const char *arg);
const char *iiif_set_background(cmd_parms *cmd, void *confv, const char *arg);
const char *iiif_set_square_crop(cmd_parms *cmd, void *confv, const char *arg);

/* set_info.c */

const char *iiif_set_versions(cmd_parms *cmd, void *confv, const char *first, const char *second);
const char *iiif_set_attribution(cmd_parms *cmd, void *confv, const char *arg);

/** A member that is a URI; offset in cmd->info. */
const char *iiif_set_uri(cmd_parms *cmd, void *confv, const char *arg);
const char *iiif_set_part_of(cmd_parms *cmd, void *confv, const char *id, const char *type,
                             const char *label);
const char *iiif_set_see_also(cmd_parms *cmd, void *confv, int argc, char *const argv[]);
const char *iiif_set_service(cmd_parms *cmd, void *confv, const char *id, const char *type,
                             const char *profile);
const char *iiif_set_info(cmd_parms *cmd, void *confv, const char *arg);
const char *iiif_set_base_url(cmd_parms *cmd, void *confv, const char *arg);
const char *iiif_set_trusted_proxy(cmd_parms *cmd, void *confv, const char *arg);
#endif
