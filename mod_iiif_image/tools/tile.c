/* SPDX-License-Identifier: Apache-2.0 */
/* iiifctl tile: writes tiles into a tile store. */
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "tools/queue.h"
#include "tools/tiling.h"
#include "tools/verbs.h"
#include "tools/watch.h"

#include "base/banned.h"

enum { INTO = IIIFCTL_TILING_OWN, ROOT, NAME, FROM, WATCH, QUEUE, JSON };

static const iiifctl_option_t options[] = {
    { INTO, "into", "DIR", "the tile store (IIIFTileStore); has to be given" },
    IIIFCTL_TILING_OPTIONS("tiff, deepzoom, zoomify, jp2, iiif3 or iiif2 (default tiff)"),
    { ROOT, "root", "DIR", "directory that the server serves (default: each SOURCE's own)" },
    { NAME, "name", "NAME", "what the tile store calls the one SOURCE (default: by --root)" },
    { FROM, "from", "-", "read further paths from standard input, one a line" },
    { '0', "null", NULL, "they end in NUL, not in a newline" },
    { WATCH, "watch", "DIR", "make tiles of all in it, and of what is put there from now on" },
    { QUEUE, "queue", "URI", "take paths from a list in Redis: redis://HOST[:PORT]/LIST" },
    { JSON, "json", NULL, "one JSON object a line" },
    { 0, NULL, NULL, NULL }
};

/* One run. */
typedef struct run_t {
    iiifctl_tiling_t tiling;
    iiifctl_watch_t *watch; /* NULL: none; likewise: */
    iiifctl_queue_t *queue;
    int watched; /* directories */
} run_t;

static int read_options(run_t *run, const iiifctl_call_t *call)
{
    const char *into = iiifctl_value(call, INTO, NULL), *from = iiifctl_value(call, FROM, "");
    const char *name = iiifctl_value(call, NAME, NULL), *unused;
    const int feeds = iiifctl_has(call, FROM) + iiifctl_has(call, WATCH) + iiifctl_has(call, QUEUE);
    int code;

    if (!into)
        return iiifctl_usage(call, "--into DIR has to be given");
    code = iiifctl_tiling_read(&run->tiling, call, "tiff");
    if (code != IIIFCTL_OK)
        return code;
    if (*from && strcmp(from, "-") != 0)
        return iiifctl_usage(call, "--from: '%s' is not -, standard input", from);
    if (feeds > 1)
        return iiifctl_usage(call, "--from, --watch and --queue exclude each other");
    if (!feeds && !call->operands->nelts)
        return iiifctl_usage(call, "no SOURCE is given");
    if (name && (feeds || call->operands->nelts != 1 || iiifctl_has(call, ROOT)))
        return iiifctl_usage(call, "--name is for one SOURCE alone, without --root");
    if (name && iiif_path_join(&unused, into, name, NULL, call->pool) != APR_SUCCESS)
        return iiifctl_usage(call, "--name: '%s' names nothing in a tile store", name);
    run->tiling.store = iiifctl_absolute(into, call->pool);
    run->tiling.json = iiifctl_has(call, JSON);
    return IIIFCTL_OK;
}

/* Then no two sources have the same name, and none has to be remembered, however long it runs. */
static int has_one_root(const run_t *run, const iiifctl_call_t *call)
{
    return iiifctl_has(call, ROOT)
           || (!run->queue && !iiifctl_has(call, FROM)
               && call->operands->nelts + run->watched == 1);
}

/* A file that the server finds by other means than its path. */
static void put_named(iiifctl_sources_t *sources, const char *operand, const char *stored)
{
    const char *path = iiifctl_absolute(operand, sources->pool);
    const iiifctl_file_t file = { .path = path, .root = "/", .name = path + 1, .stored = stored };

    iiifctl_sources_put(sources, &file);
}

static void read_sources(run_t *run, const iiifctl_call_t *call)
{
    const char *root = iiifctl_value(call, ROOT, NULL), *name = iiifctl_value(call, NAME, NULL);
    iiifctl_sources_t *sources = &run->tiling.sources;
    int i;

    iiifctl_tiling_sources(&run->tiling);
    if (has_one_root(run, call))
        sources->claims = NULL;
    sources->root = root ? iiifctl_absolute(root, call->pool) : NULL;
    sources->list = iiifctl_has(call, FROM) ? STDIN_FILENO : -1;
    sources->separator = iiifctl_has(call, '0') ? '\0' : '\n';
    if (run->watch)
        iiifctl_watch_feed(run->watch, sources);
    if (run->queue)
        iiifctl_queue_feed(run->queue, sources);
    if (name)
        put_named(sources, APR_ARRAY_IDX(call->operands, 0, const char *), name);
    for (i = 0; !name && i < call->operands->nelts; ++i)
        iiifctl_sources_add(sources, APR_ARRAY_IDX(call->operands, i, const char *));
}

/* @return IIIFCTL_OK; else said on stderr */
static int open_feeds(run_t *run, const iiifctl_call_t *call)
{
    apr_array_header_t *watched = apr_array_make(call->pool, 2, sizeof(const char *));
    const char *uri = iiifctl_value(call, QUEUE, NULL);
    apr_status_t rv = APR_SUCCESS;
    iiif_err_t err = { "" };
    int i;

    for (i = 0; i < call->given->nelts; ++i) {
        const iiifctl_given_t *given = &APR_ARRAY_IDX(call->given, i, iiifctl_given_t);

        if (given->letter == WATCH)
            APR_ARRAY_PUSH(watched, const char *) = iiifctl_absolute(given->value, call->pool);
    }
    run->watched = watched->nelts;
    if (uri)
        rv = iiifctl_queue_open(&run->queue, uri, &err, call->pool);
    else if (watched->nelts)
        rv = iiifctl_watch_open(&run->watch, watched, &err, call->pool);
    if (rv == APR_EINVAL || rv == APR_ENOTDIR)
        return iiifctl_usage(call, "%s", err.text);
    if (rv == APR_SUCCESS)
        return IIIFCTL_OK;
    fprintf(stderr, "iiifctl tile: %s\n", err.text);
    return IIIFCTL_FAILED;
}

/* @return an exit code */
static int close_feeds(run_t *run)
{
    iiif_err_t err = { "" };

    if (run->queue && iiifctl_queue_close(run->queue, &err) != APR_SUCCESS) {
        fprintf(stderr, "iiifctl tile: %s\n", err.text);
        return IIIFCTL_FAILED;
    }
    return run->watch && iiifctl_watch_failed(run->watch) ? IIIFCTL_FAILED : IIIFCTL_OK;
}

static int run_tile(const iiifctl_call_t *call)
{
    run_t run = { .watch = NULL };
    int code = read_options(&run, call), ended;

    if (code != IIIFCTL_OK || (code = open_feeds(&run, call)) != IIIFCTL_OK)
        return code;
    if (iiifctl_tiling_prepare(&run.tiling) != APR_SUCCESS) {
        close_feeds(&run);
        return IIIFCTL_FAILED;
    }
    read_sources(&run, call);
    ended = iiifctl_tiling_run(&run.tiling);
    code = close_feeds(&run);
    return iiifctl_tiling_end(&run.tiling, ended, code);
}

const iiifctl_verb_t iiifctl_verb_tile = { "tile", "SOURCE...",
                                           "makes tiles of images, in a tile store", options,
                                           run_tile };
