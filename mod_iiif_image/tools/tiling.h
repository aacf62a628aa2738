/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TOOLS_TILING_H
#define IIIF_TOOLS_TILING_H
/**
 * @file tiling.h
 * @brief A run that makes tiles of many files by a crew, wherever these come from: what verbs that
 * tile share.
 */
#include "tools/crew.h"
#include "tools/options.h"
#include "tools/output.h"
#include "tools/target.h"

/** Options that these verbs share; letters from here on are theirs. */
enum {
    IIIFCTL_TILING_FORMAT = IIIFCTL_LONG,
    IIIFCTL_TILING_TILE_SIZE,
    IIIFCTL_TILING_QUALITY,
    IIIFCTL_TILING_OVERLAP,
    IIIFCTL_TILING_SRGB,
    IIIFCTL_TILING_FORCE,
    IIIFCTL_TILING_ONCE,
    IIIFCTL_TILING_STRICT,
    IIIFCTL_TILING_PIXELS,
    IIIFCTL_TILING_OWN /**< the first letter that is free for a verb */
};

/** Their rows in a verb's table. */
/* clang-format off */
#define IIIFCTL_TILING_OPTIONS(formats)                                                            \
    { IIIFCTL_TILING_FORMAT, "format", "FORMAT", formats },                                        \
    { IIIFCTL_TILING_TILE_SIZE, "tile-size", "PIXELS",                                             \
      "64 to 4096 (default 256; jp2 and iiif 512)" },                                              \
    { IIIFCTL_TILING_QUALITY, "quality", "N",                                                      \
      "of JPEG or JPEG 2000, 1 to 100 (default 85; jp2 48)" },                                     \
    { IIIFCTL_TILING_OVERLAP, "overlap", "PIXELS",                                                 \
      "of deepzoom, 0 to 16 (default 0, as IIIF needs it)" },                                      \
    { IIIFCTL_TILING_SRGB, "srgb", NULL, "tiff: convert to sRGB, and keep no ICC profile" },       \
    { 'j', "jobs", "N", "files at a time, 1 to 256 (default: processors)" },                       \
    { IIIFCTL_TILING_FORCE, "force", NULL,                                                         \
      "make also what is current, and replace what is in the way" },                               \
    { IIIFCTL_TILING_ONCE, "once", NULL, "leave alone what failed before and has not changed" },   \
    { IIIFCTL_TILING_STRICT, "strict", NULL, "begin nothing more after a failure" },               \
    { IIIFCTL_TILING_PIXELS, "max-pixels", "N",                                                    \
      "of a source; 0: no limit (default 1000000000)" }
/* clang-format on */

/** One run. */
typedef struct iiifctl_tiling_t {
    const char *verb; /**< for messages */
    const iiifctl_format_t *format;
    iiif_pyramid_rules_t rules;
    const char *store; /**< absolute; set by the verb, as is: */
    int json;
    apr_uint64_t max_pixels;
    int force, once, strict, jobs;
    int threads;               /**< of libvips in one worker */
    apr_time_t *full;          /**< shared by all workers, atomic: when the disk was full last */
    iiifctl_sources_t sources; /**< filled by the verb */
    iiifctl_progress_t progress;
    int counts[IIIFCTL_OUTCOMES];
    apr_pool_t *pool;
} iiifctl_tiling_t;

/** Read the options above. @param format when none is given. @return IIIFCTL_OK or IIIFCTL_USAGE */
int iiifctl_tiling_read(iiifctl_tiling_t *tiling, const iiifctl_call_t *call, const char *format);

/** Make the store. @return APR_SUCCESS; else said on stderr */
apr_status_t iiifctl_tiling_prepare(const iiifctl_tiling_t *tiling);

/** Begin with no sources at all. */
void iiifctl_tiling_sources(iiifctl_tiling_t *tiling);

/** Work off the sources. @return as iiifctl_crew_run() */
int iiifctl_tiling_run(iiifctl_tiling_t *tiling);

/** Tell the sum. @param ended what iiifctl_tiling_run() said. @param code of all else. @return an
 *  exit code */
int iiifctl_tiling_end(const iiifctl_tiling_t *tiling, int ended, int code);
#endif
