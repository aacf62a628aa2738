/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/watch.h"

#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

#define QUIET apr_time_from_sec(1) /* as the header promises */

static char scratch[] = "/tmp/iiif_watch.XXXXXX";
static iiifctl_watch_t *watch;
static iiifctl_sources_t sources;
static apr_pool_t *pool;

static const char *under(const char *name)
{
    return apr_pstrcat(pool, scratch, "/", name, NULL);
}

/* Its content decides what it is, as far as its first bytes. */
static void spew(const char *name)
{
    const char *content = strstr(name, ".png") ? "\x89PNG\r\n\x1a\n" : "no image";
    FILE *file = fopen(under(name), "w");

    if (!file || fputs(content, file) < 0 || fclose(file))
        abort();
}

static void make(const char *name)
{
    if (mkdir(under(name), 0755))
        abort();
}

static void move(const char *from, const char *to)
{
    if (rename(under(from), under(to)))
        abort();
}

static int tick(int wanted)
{
    return sources.feed->tick(&sources, sources.feed->baton, wanted);
}

static void read_events(void)
{
    iiifctl_sources_read(&sources);
}

/* How many of the files that were given so far are this one? */
static int count(const char *name)
{
    const char *path = under(name);
    int i, found = 0;

    for (i = 0; i < sources.files->nelts; ++i)
        found += !strcmp(APR_ARRAY_IDX(sources.files, i, iiifctl_file_t *)->path, path);
    return found;
}

/* Until nobody waits any more: all events are read, and all files given. */
static void settle(void)
{
    int rest;

    read_events();
    while ((rest = tick(1)) >= 0) {
        usleep((useconds_t)rest * 1000);
        read_events();
    }
}

static void open_watch(const char *name, const char *other)
{
    apr_array_header_t *roots = apr_array_make(pool, 2, sizeof(const char *));

    APR_ARRAY_PUSH(roots, const char *) = under(name);
    if (other)
        APR_ARRAY_PUSH(roots, const char *) = under(other);
    if (iiifctl_watch_open(&watch, roots, NULL, pool) != APR_SUCCESS)
        abort();
    sources = (iiifctl_sources_t){ .list = -1 };
    apr_pool_create(&sources.pool, pool);
    iiifctl_sources_forget(&sources);
    iiifctl_watch_feed(watch, &sources);
}

static void test_roots(void)
{
    apr_array_header_t *roots = apr_array_make(pool, 1, sizeof(const char *));
    iiif_err_t err = { "" };

    spew("file.png");
    APR_ARRAY_PUSH(roots, const char *) = under("file.png");
    ok(iiifctl_watch_open(&watch, roots, &err, pool) == APR_ENOTDIR
           && strstr(err.text, "file.png is no directory"),
       "a file is not watched, and told");
    APR_ARRAY_IDX(roots, 0, const char *) = under("none");
    ok(iiifctl_watch_open(&watch, roots, &err, pool) == APR_ENOTDIR, "nor what is not there");
}

static void test_first_look(void)
{
    make("first");
    make("first/sub");
    make("first/.hidden");
    spew("first/a.png");
    spew("first/sub/b.png");
    spew("first/.hidden/c.png");
    spew("first/text.txt");
    open_watch("first", NULL);
    ok(tick(0) == -1 && sources.files->nelts == 0, "nothing is looked at before it is wanted");
    ok(tick(1) == -1 && sources.files->nelts == 2 && count("first/a.png")
           && count("first/sub/b.png"),
       "then all images are given at once");
    ok(tick(1) == -1 && sources.files->nelts == 2, "  once");
}

/* A file may be taken late, on a machine that is busy, and never early. */
static void test_quiet(void)
{
    apr_time_t last;

    spew("first/new.png");
    read_events();
    ok(tick(0) == -1, "who wants nothing has nothing to wait for");
    usleep(600000);
    spew("first/new.png");
    last = apr_time_now();
    read_events();
    usleep(600000);
    tick(1);
    ok(!count("first/new.png") || apr_time_now() - last >= QUIET,
       "a file is not given before a second has passed since it was last written");
    settle();
    ok(count("first/new.png") == 1, "  then it is, once for all that happened to it");
    if (link(under("file.png"), under("first/hard.png"))
        || symlink(under("file.png"), under("first/soft.png")))
        abort();
    settle();
    ok(count("first/hard.png") == 1 && count("first/soft.png") == 1, "links are, too");
    spew("first/later.txt");
    spew("first/.later.png");
    settle();
    ok(sources.files->nelts == 5, "what is hidden or no image is not");
}

static void test_directories(void)
{
    open_watch("first", NULL);
    tick(1);
    iiifctl_sources_forget(&sources);
    make("first/made");
    make("first/made/deep");
    spew("first/made/deep/fast.png"); /* before anybody can watch it */
    settle();
    ok(count("first/made/deep/fast.png") == 1, "a file in a directory that is new is found");
    spew("first/made/deep/slow.png");
    settle();
    ok(count("first/made/deep/slow.png") == 1, "  and one that comes there later");
    move("first/made", "first/moved");
    settle();
    ok(count("first/moved/deep/fast.png") == 1, "what is moved within is found in its new place");
    spew("first/moved/deep/after.png");
    settle();
    ok(count("first/moved/deep/after.png") == 1 && !count("first/made/deep/after.png"),
       "  and so is what comes there");
    move("first/moved", "away");
    settle();
    iiifctl_sources_forget(&sources);
    spew("away/deep/gone.png");
    settle();
    ok(sources.files->nelts == 0, "what is moved out is no longer watched");
    ok(!iiifctl_watch_failed(watch), "nothing was missed");
}

/* The kernel says that it has dropped events: this one of ours, unread. */
static void test_overflow(void)
{
    const struct inotify_event lost = { .wd = -1, .mask = IN_Q_OVERFLOW };
    const int fd = sources.list;
    char unread[4096];
    int ends[2];

    spew("first/sub/lost.png");
    while (read(fd, unread, sizeof(unread)) > 0)
        continue;
    settle();
    ok(!count("first/sub/lost.png"), "an event that is dropped is not known");
    if (pipe(ends) || write(ends[1], &lost, sizeof(lost)) != sizeof(lost))
        abort();
    sources.list = ends[0];
    read_events();
    sources.list = fd;
    settle();
    ok(count("first/sub/lost.png") == 1, "until it is told that some were: then all is looked at");
}

/* What is said meanwhile, on stderr. */
static const char *hear(void)
{
    static char said[1000];
    const int fd = dup(STDERR_FILENO);
    FILE *file = tmpfile();
    size_t length;

    if (!file || fd < 0 || dup2(fileno(file), STDERR_FILENO) < 0)
        abort();
    settle();
    fflush(stderr);
    if (dup2(fd, STDERR_FILENO) < 0)
        abort();
    rewind(file);
    length = fread(said, 1, sizeof(said) - 1, file);
    said[length] = '\0';
    fclose(file);
    close(fd);
    return said;
}

static void test_gone(void)
{
    make("kept");
    make("kept/sub");
    make("gone");
    make("gone/sub");
    open_watch("kept", "gone");
    tick(1);
    if (rmdir(under("kept/sub")))
        abort();
    ok(!*hear() && !iiifctl_watch_failed(watch), "a directory below may go");
    if (rmdir(under("gone/sub")) || rmdir(under("gone")))
        abort();
    make("gone");
    spew("gone/a.png");
    ok(strstr(hear(), "/gone has gone, and is watched no more\n"), "one of those to watch is told");
    ok(iiifctl_watch_failed(watch) && sources.list >= 0, "  is a failure, and no end");
    spew("kept/b.png");
    settle();
    ok(count("kept/b.png") == 1 && !count("gone/a.png"), "  what is left is watched");
    make("kept/deep");
    settle();
    move("kept", "elsewhere");
    ok(strstr(hear(), "/kept has gone, and is watched no more\n"),
       "one that is moved is told, too");
    spew("elsewhere/deep/c.png");
    settle();
    ok(sources.files->nelts == 1 && sources.list == -1, "  with all below it");
}

/* Of a run that made tiles there, or makes them now, by whatever name it is told. */
static void test_stores(void)
{
    make("all");
    make("all/now");
    make("all/other");
    spew("all/other/.iiifctl-lease");
    spew("all/other/x.png");
    if (symlink("all", under("same")))
        abort();
    open_watch("all", NULL);
    sources.stores[0] = under("same/now");
    tick(1);
    spew("all/now/y.png");
    spew("all/z.png");
    settle();
    ok(sources.files->nelts == 1 && count("all/z.png") == 1, "tile stores are passed over");
}

static void test_end(void)
{
    make("last");
    open_watch("last", NULL);
    tick(1);
    if (rmdir(under("last")))
        abort();
    read_events();
    tick(1);
    ok(sources.list == -1, "when nothing is left to be watched, there is nothing to come");
    ok(iiifctl_watch_failed(watch), "  which is a failure");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (!mkdtemp(scratch))
        abort();
    test_roots();
    test_first_look();
    test_quiet();
    test_directories();
    test_overflow();
    test_gone();
    test_stores();
    test_end();
    return done_testing();
}
