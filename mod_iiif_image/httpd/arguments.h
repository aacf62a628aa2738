/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_HTTPD_ARGUMENTS_H
#define IIIF_HTTPD_ARGUMENTS_H
/**
 * @file arguments.h
 * @brief How setters read what a directive was given. Each function returns NULL, or a complaint
 * in cmd->pool that names directive and value; then what it was to fill is untouched. While the
 * configuration is read, in one thread.
 */
#include "httpd/config.h"

/** The settings of the server that @a cmd is in. */
iiif_server_conf_t *iiif_server_conf_of(const cmd_parms *cmd);

/** A whole decimal number from @a min to @a max: "12abc" and "" are refused. */
const char *iiif_argument_number(apr_int64_t *value, cmd_parms *cmd, const char *arg,
                                 apr_int64_t min, apr_int64_t max);

/** Likewise. */
const char *iiif_argument_int(int *value, cmd_parms *cmd, const char *arg, int min, int max);

/** One of @a words, of which the last is NULL, in any case. The word's place is the value. */
const char *iiif_argument_word(int *value, cmd_parms *cmd, const char *arg,
                               const char *const words[]);

/** A directory, made absolute, without trailing slash; need not exist. */
const char *iiif_argument_directory(const char **directory, cmd_parms *cmd, const char *arg);

/** One of a kind of iiif_place_t: post_config checks that none lies where it must not. */
const char *iiif_argument_place(const char **directory, cmd_parms *cmd, const char *arg, int kind);

/** A URL path that begins with a slash; kept without trailing slash, so "" for "/". */
const char *iiif_argument_prefix(const char **prefix, cmd_parms *cmd, const char *arg);

/** "20G": bytes, in units of 1024; from 1M to 1024T. */
const char *iiif_argument_size(apr_int64_t *bytes, cmd_parms *cmd, const char *arg);

/** Is @a uri one of http or https, with a host? */
const char *iiif_check_uri(cmd_parms *cmd, const char *uri);

/** Is @a text UTF-8? NULL, not given, is fine. */
const char *iiif_check_text(cmd_parms *cmd, const char *text);

/** May @a cmd be where it is? For what is read when a request is claimed, before there is a file.
 */
const char *iiif_check_early(cmd_parms *cmd);
#endif
