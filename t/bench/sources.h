/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_T_SOURCES_H
#define IIIF_T_SOURCES_H
/**
 * @file sources.h
 * @brief The main() of a benchmark that measures one file after the other.
 */
#include <apr_general.h>
#include <stdio.h>
#include <string.h>

#include "image/source.h"
#include "image/vips_process.h"

/** Prints what is measured of @a source, under a head of its own. */
typedef void (*print_fn)(const iiif_source_t *source, const char *name);

/** Open each FILE of the command line in turn. @return the exit status; 1 for the first that fails
 */
static int print_sources(int argc, char **argv, iiif_source_format_set_t formats, print_fn print)
{
    const iiif_source_rules_t rules = { .formats = formats };
    iiif_err_t err = { "" };
    apr_pool_t *pool;
    int i;

    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS
        || iiif_vips_start(argv[0], &err) != APR_SUCCESS)
        return 1;
    for (i = 1; i < argc; ++i) {
        const char *slash = strrchr(argv[i], '/');
        iiif_source_t *source;

        if (iiif_source_open(&source, argv[i], 1, &rules, &err, pool) != APR_SUCCESS) {
            fprintf(stderr, "%s: %s\n", argv[i], err.text);
            return 1;
        }
        print(source, slash ? slash + 1 : argv[i]);
    }
    return 0;
}
#endif
