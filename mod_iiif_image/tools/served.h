/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TOOLS_SERVED_H
#define IIIF_TOOLS_SERVED_H
/**
 * @file served.h
 * @brief One file as a server with default settings would serve it, for info, render and explain.
 */
#include "image/render.h"
#include "plan/plan.h"
#include "tools/options.h"

/** Options that these verbs share; letters from here on are theirs. */
enum {
    IIIFCTL_STORE = IIIFCTL_LONG,
    IIIFCTL_ROOT,
    IIIFCTL_PAGE,
    IIIFCTL_PIXELS,
    IIIFCTL_JSON,
    IIIFCTL_OWN /**< the first letter that is free for a verb */
};

/** Their rows in a verb's table. */
#define IIIFCTL_SERVED_OPTIONS                                                                     \
    { IIIFCTL_STORE, "store", "DIR", "look for tiles there (IIIFTileStore)" },                     \
        { IIIFCTL_ROOT, "root", "DIR", "that the server serves (default: FILE's own)" },           \
        { IIIFCTL_PAGE, "page", "N", "of a file of several, from 1" },                             \
    {                                                                                              \
        IIIFCTL_PIXELS, "max-pixels", "N", "of FILE; 0: no limit (default 1000000000)"             \
    }

/** Filled by iiifctl_served_open(); in the call's pool. */
typedef struct iiifctl_served_t {
    iiif_source_ref_t ref;
    iiif_plan_rules_t rules;
    iiif_look_t look;
} iiifctl_served_t;

/**
 * Start libvips, and find the file.
 * @param served filled on success
 * @param file   as the command line has it
 * @return IIIFCTL_OK; IIIFCTL_USAGE or IIIFCTL_FAILED, said on stderr
 */
int iiifctl_served_open(iiifctl_served_t *served, const iiifctl_call_t *call, const char *file);

/** Say why there is nothing to show: on stderr, or with --json as an object of @a kind, which is
 *  @a of, and "error". @return IIIFCTL_FAILED */
int iiifctl_failed(const iiifctl_call_t *call, const char *kind, const char *of, const char *why);

/** Likewise, of a file. */
int iiifctl_served_failed(const iiifctl_call_t *call, const char *file, const iiif_err_t *err);

/** "static", "raw", "render", "info" and so on: as the server's log note `iiif-plan`. */
const char *iiifctl_plan_name(iiif_plan_kind_e kind);
#endif
