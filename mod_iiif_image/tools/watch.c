/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/watch.h"

#include <apr_file_info.h>
#include <apr_strings.h>
#include <apr_time.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

#define QUIET apr_time_from_sec(1)
#define EVENTS                                                                                     \
    (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_MOVE_SELF | IN_ONLYDIR)

/* Allocated by malloc(), as both come and go for as long as the run lasts. */
typedef struct directory_t {
    LIST_ENTRY(directory_t) others;
    int descriptor; /* inotify's */
    char *path, *root;
} directory_t;

typedef struct waiting_t {
    TAILQ_ENTRY(waiting_t) others;
    apr_time_t since; /* when something happened to it last */
    char *path, *root;
} waiting_t;

struct iiifctl_watch_t {
    int fd;
    const apr_array_header_t *roots; /* of const char * */
    LIST_HEAD(watched_t, directory_t) watched;
    apr_hash_t *directories;                       /* the same, by descriptor */
    TAILQ_HEAD(waiting_list_t, waiting_t) waiting; /* who has waited longest first */
    apr_hash_t *paths;                             /* the same, by path */
    int unseen; /* all has to be looked through: at first, after an overflow */
    int failed;
    iiifctl_feed_t feed;
};

/* -- directories --------------------------------------------------------------------------------
 */

static void drop_directory(iiifctl_watch_t *watch, directory_t *directory)
{
    apr_hash_set(watch->directories, &directory->descriptor, sizeof(int), NULL);
    LIST_REMOVE(directory, others);
    free(directory->path);
    free(directory->root);
    free(directory);
}

static void enter(void *baton, const char *path, const char *root)
{
    iiifctl_watch_t *watch = baton;
    const int descriptor = inotify_add_watch(watch->fd, path, EVENTS);
    directory_t *known = apr_hash_get(watch->directories, &descriptor, sizeof(int));
    directory_t *directory;

    if (descriptor < 0) {
        watch->failed = 1;
        fprintf(stderr, "iiifctl tile: %s cannot be watched: %s\n", path, strerror(errno));
        return;
    }
    if (known) /* it was moved, and may be in another place */
        drop_directory(watch, known);
    if (!(directory = malloc(sizeof(*directory))))
        abort();
    *directory =
        (directory_t){ .descriptor = descriptor, .path = strdup(path), .root = strdup(root) };
    if (!directory->path || !directory->root)
        abort();
    LIST_INSERT_HEAD(&watch->watched, directory, others);
    apr_hash_set(watch->directories, &directory->descriptor, sizeof(int), directory);
}

/* What is below a directory that was moved away is no longer where we think. */
static void leave(iiifctl_watch_t *watch, const char *path)
{
    const size_t length = strlen(path);
    directory_t *directory = LIST_FIRST(&watch->watched), *next;

    for (; directory; directory = next) {
        next = LIST_NEXT(directory, others);
        if (strncmp(directory->path, path, length) != 0
            || (directory->path[length] && directory->path[length] != '/'))
            continue;
        inotify_rm_watch(watch->fd, directory->descriptor);
        drop_directory(watch, directory);
    }
}

/* -- files --------------------------------------------------------------------------------------
 */

static waiting_t *new_waiting(iiifctl_watch_t *watch, const char *path, const char *root)
{
    waiting_t *waiting = malloc(sizeof(*waiting));

    if (!waiting)
        abort();
    *waiting = (waiting_t){ .path = strdup(path), .root = strdup(root) };
    if (!waiting->path || !waiting->root)
        abort();
    apr_hash_set(watch->paths, waiting->path, APR_HASH_KEY_STRING, waiting);
    return waiting;
}

static void wait_for(iiifctl_watch_t *watch, const char *path, const char *root)
{
    waiting_t *waiting = apr_hash_get(watch->paths, path, APR_HASH_KEY_STRING);

    if (waiting)
        TAILQ_REMOVE(&watch->waiting, waiting, others);
    else
        waiting = new_waiting(watch, path, root);
    waiting->since = apr_time_now();
    TAILQ_INSERT_TAIL(&watch->waiting, waiting, others);
}

static void take(iiifctl_watch_t *watch, waiting_t *waiting, iiifctl_sources_t *sources)
{
    apr_hash_set(watch->paths, waiting->path, APR_HASH_KEY_STRING, NULL);
    TAILQ_REMOVE(&watch->waiting, waiting, others);
    iiifctl_sources_find(sources, waiting->path, waiting->root);
    free(waiting->path);
    free(waiting->root);
    free(waiting);
}

/* @return milliseconds until the next one has waited long enough, -1: there is none. A clock that
 * was set back would keep it waiting: a time to come counts as long ago. */
static int take_all(iiifctl_watch_t *watch, iiifctl_sources_t *sources)
{
    const apr_time_t now = apr_time_now();
    waiting_t *waiting = TAILQ_FIRST(&watch->waiting), *next;

    for (; waiting; waiting = next) {
        const apr_time_t rest = waiting->since + QUIET - now;

        if (rest > 0 && rest <= QUIET)
            return (int)apr_time_as_msec(rest) + 1;
        next = TAILQ_NEXT(waiting, others);
        take(watch, waiting, sources);
    }
    return -1;
}

static void look_through(iiifctl_watch_t *watch, iiifctl_sources_t *sources)
{
    int i;

    watch->unseen = 0;
    for (i = 0; i < watch->roots->nelts; ++i)
        iiifctl_sources_add(sources, APR_ARRAY_IDX(watch->roots, i, const char *));
}

static int tick(iiifctl_sources_t *sources, void *baton, int wanted)
{
    iiifctl_watch_t *watch = baton;

    if (watch->unseen && wanted)
        look_through(watch, sources);
    if (!watch->unseen && LIST_EMPTY(&watch->watched)) {
        watch->failed = 1;
        sources->list = -1;
        fprintf(stderr, "iiifctl tile: nothing is left to be watched\n");
    }
    return wanted ? take_all(watch, sources) : -1;
}

/* -- events -------------------------------------------------------------------------------------
 */

/* A file that is linked to is whole at once, and nobody closes it. */
static int is_link(const char *path)
{
    struct stat is;

    return !lstat(path, &is) && (S_ISLNK(is.st_mode) || (S_ISREG(is.st_mode) && is.st_nlink > 1));
}

static int is_root(const iiifctl_watch_t *watch, const char *path)
{
    int i, is = 0;

    for (i = 0; i < watch->roots->nelts; ++i)
        is |= !strcmp(APR_ARRAY_IDX(watch->roots, i, const char *), path);
    return is;
}

/* One that was given has been removed, or moved: what comes to its place later is another. Others
 * that are moved are told by where they were. */
static void note_gone(iiifctl_watch_t *watch, directory_t *directory, apr_uint32_t mask)
{
    char path[2 * APR_PATH_MAX];

    apr_cpystrn(path, directory->path, sizeof(path));
    if (mask & IN_IGNORED)
        drop_directory(watch, directory);
    if (!is_root(watch, path))
        return;
    leave(watch, path);
    watch->failed = 1;
    fprintf(stderr, "iiifctl tile: %s has gone, and is watched no more\n", path);
}

static void note(iiifctl_watch_t *watch, const struct inotify_event *event)
{
    directory_t *directory = apr_hash_get(watch->directories, &event->wd, sizeof(int));
    const int is_directory = (event->mask & IN_ISDIR) != 0;
    char path[2 * APR_PATH_MAX];

    if (event->mask & IN_Q_OVERFLOW)
        watch->unseen = 1;
    if (!directory)
        return;
    if (event->mask & (IN_IGNORED | IN_MOVE_SELF)) {
        note_gone(watch, directory, event->mask);
        return;
    }
    if (!event->len)
        return;
    apr_snprintf(path, sizeof(path), "%s/%s", directory->path, event->name);
    if (is_directory && event->mask & IN_MOVED_FROM)
        leave(watch, path);
    else if (event->mask & (IN_CLOSE_WRITE | IN_MOVED_TO)
             || (event->mask & IN_CREATE && (is_directory || is_link(path))))
        wait_for(watch, path, directory->root);
}

static void read_events(iiifctl_sources_t *sources, void *baton)
{
    _Alignas(struct inotify_event) char events[16384];
    ssize_t length = read(sources->list, events, sizeof(events));
    const char *at;

    for (at = events; length > 0 && at < events + length;) {
        const struct inotify_event *event = (const void *)at;

        note(baton, event);
        at += sizeof(*event) + event->len;
    }
}

/* -- begin and end ------------------------------------------------------------------------------
 */

static apr_status_t check_roots(const apr_array_header_t *roots, iiif_err_t *err, apr_pool_t *pool)
{
    apr_finfo_t finfo;
    int i;

    for (i = 0; i < roots->nelts; ++i) {
        const char *root = APR_ARRAY_IDX(roots, i, const char *);

        if (apr_stat(&finfo, root, APR_FINFO_TYPE, pool) != APR_SUCCESS
            || finfo.filetype != APR_DIR)
            return iiif_fail(err, APR_ENOTDIR, "--watch: %s is no directory", root);
    }
    return APR_SUCCESS;
}

apr_status_t iiifctl_watch_open(iiifctl_watch_t **watch, const apr_array_header_t *directories,
                                iiif_err_t *err, apr_pool_t *pool)
{
    iiifctl_watch_t *w = apr_pcalloc(pool, sizeof(*w));
    apr_status_t rv = check_roots(directories, err, pool);

    if (rv != APR_SUCCESS)
        return rv;
    *w = (iiifctl_watch_t){ .fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC),
                            .roots = directories,
                            .directories = apr_hash_make(pool),
                            .paths = apr_hash_make(pool),
                            .unseen = 1 };
    TAILQ_INIT(&w->waiting);
    if (w->fd < 0)
        return iiif_fail(err, APR_FROM_OS_ERROR(errno), "--watch: %s", strerror(errno));
    *watch = w;
    return APR_SUCCESS;
}

void iiifctl_watch_feed(iiifctl_watch_t *watch, iiifctl_sources_t *sources)
{
    watch->feed =
        (iiifctl_feed_t){ .baton = watch, .tick = tick, .read = read_events, .entered = enter };
    sources->feed = &watch->feed;
    sources->list = watch->fd;
}

int iiifctl_watch_failed(const iiifctl_watch_t *watch)
{
    return watch->failed;
}
