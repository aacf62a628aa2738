/* SPDX-License-Identifier: Apache-2.0 */
#include "store/derivative_bound.h"

#include <apr_strings.h>
#include <apr_time.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/range_lock.h"
#include "base/stamp.h"
#include "store/derivative.h"

#include "base/banned.h"

#define BEYOND       25 /* what goes on being written while somebody evicts: this part of the bound */
#define BELOW        20                     /* so far down eviction goes */
#define SETTLED      apr_time_from_msec(50) /* who has taken has written by then */
#define USAGE_HEAD   "iiif-derivatives 1 "
#define USAGE_LENGTH 40
#define CHANGING     0 /* bytes of `usage` that are locked */
#define EVICTING     1
#define DEPTH        3 /* hh, name, fingerprint; then files */
#define NAMES        2
#define AGES         1280                         /* see age_of() */
#define AGE_MAX      (((apr_int64_t)1 << 42) - 1) /* milliseconds; more than a century */
#define TEMP_MAX_AGE apr_time_from_sec(3600)
#define REPORT_EVERY ((apr_int64_t)1 << 20) /* bytes removed */

apr_int64_t iiif_bound_cost(apr_int64_t size)
{
    apr_int64_t blocks = (size + IIIF_BOUND_BLOCK - 1) / IIIF_BOUND_BLOCK;

    return (blocks ? blocks : 1) * IIIF_BOUND_BLOCK;
}

/* -- the file -------------------------------------------------------------------------------- */

typedef struct usage_t {
    int fd; /* locked for a change, until it is closed */
    int known;
    apr_int64_t total;
} usage_t;

static int parse_usage(apr_int64_t *total, const char text[USAGE_LENGTH])
{
    const char *digits = text + sizeof(USAGE_HEAD) - 1;
    int i;

    *total = 0;
    if (memcmp(text, USAGE_HEAD, sizeof(USAGE_HEAD) - 1) || text[USAGE_LENGTH - 1] != '\n')
        return 0;
    for (i = 0; digits[i] != '\n'; ++i) {
        if (digits[i] < '0' || digits[i] > '9' || *total > APR_INT64_MAX / 100)
            return 0;
        *total = *total * 10 + (digits[i] - '0');
    }
    return digits + i == text + USAGE_LENGTH - 1;
}

static int open_usage(const char *directory)
{
    char path[APR_PATH_MAX];

    apr_snprintf(path, sizeof(path), "%s/usage", directory);
    return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static apr_status_t lock_usage(usage_t *usage, const char *directory)
{
    char text[USAGE_LENGTH];
    apr_status_t rv;

    *usage = (usage_t){ .fd = open_usage(directory) };
    if (usage->fd < 0)
        return errno;
    rv = iiif_range_lock(usage->fd, CHANGING, 1, 1);
    if (rv != APR_SUCCESS) {
        close(usage->fd);
        return rv;
    }
    usage->known =
        pread(usage->fd, text, sizeof(text), 0) == sizeof(text) && parse_usage(&usage->total, text);
    return APR_SUCCESS;
}

static apr_status_t write_usage(const usage_t *usage, apr_int64_t total)
{
    char text[USAGE_LENGTH + 1];
    ssize_t n;

    apr_snprintf(text, sizeof(text), USAGE_HEAD "%020" APR_INT64_T_FMT "\n", total);
    n = pwrite(usage->fd, text, USAGE_LENGTH, 0);
    if (n == USAGE_LENGTH)
        return APR_SUCCESS;
    return n < 0 ? errno : ENOSPC;
}

static int is_hex(const char *name, size_t digits)
{
    return strspn(name, "0123456789abcdef") == digits && !name[digits];
}

static int is_hash(const char *name)
{
    return is_hex(name, 2);
}

/* Has nothing been kept yet? */
static int is_new(const char *directory)
{
    DIR *dir = opendir(directory);
    const struct dirent *entry;
    int found = !dir;

    while (!found && (entry = readdir(dir)))
        found = is_hash(entry->d_name);
    if (dir)
        closedir(dir);
    return !found;
}

apr_status_t iiif_bound_take(int *evict, const char *directory, apr_int64_t bound, apr_int64_t cost)
{
    apr_int64_t slack = bound / BEYOND, total;
    usage_t usage;
    apr_status_t rv;

    if (cost > slack)
        return IIIF_EFULL;
    rv = lock_usage(&usage, directory);
    if (rv != APR_SUCCESS)
        return rv;
    if (usage.known || is_new(directory)) {
        total = (usage.known ? usage.total : 0) + cost;
        *evict = total > bound;
        rv = total > bound + slack ? IIIF_EFULL : write_usage(&usage, total);
    }
    else {
        *evict = 1;
        rv = IIIF_EFULL;
    }
    close(usage.fd);
    return rv;
}

static apr_status_t change_usage(apr_int64_t *total, const usage_t *usage, apr_int64_t change)
{
    apr_int64_t now = usage->total + change;
    apr_status_t rv;

    if (now < 0)
        now = 0;
    rv = write_usage(usage, now);
    if (rv == APR_SUCCESS)
        *total = now;
    return rv;
}

apr_status_t iiif_bound_add(apr_int64_t *total, const char *directory, apr_int64_t change)
{
    usage_t usage;
    apr_status_t rv = lock_usage(&usage, directory);

    if (rv != APR_SUCCESS)
        return rv;
    rv = usage.known ? change_usage(total, &usage, change) : APR_EINCOMPLETE;
    close(usage.fd);
    return rv;
}

#define UNKNOWN (-1)

/* What was counted is right; what was added since it was @a before is added to that. Where that was
 * UNKNOWN, whoever has written it since has counted the same files. */
static apr_status_t set_usage(apr_int64_t *total, const char *directory, apr_int64_t counted,
                              apr_int64_t before)
{
    usage_t usage;
    apr_status_t rv = lock_usage(&usage, directory);

    if (rv != APR_SUCCESS)
        return rv;
    if (!usage.known || before == UNKNOWN)
        usage.total = before = 0;
    rv = change_usage(total, &usage, counted - before);
    close(usage.fd);
    return rv;
}

/* -- the walk -------------------------------------------------------------------------------- */

/* Two walks: one counts, by age; from that follows which age is old enough; one removes. */
typedef struct walk_t {
    const char *directory;
    const int *stop;
    apr_time_t now; /* when it began */
    apr_int64_t counted;
    apr_int64_t by_age[AGES];
    int removing;
    int oldest_kept;                 /* older ones go, of these */
    apr_int64_t of_these;            /* so many bytes more */
    apr_int64_t removed;             /* and not yet reported */
    apr_status_t rv;                 /* why something could not be removed */
    const iiif_bound_order_t *order; /* of a person; NULL: eviction */
    apr_time_t fresh;                /* when the source was written that is being visited */
    apr_int64_t doomed;              /* bytes that go whatever the bound */
    iiif_bound_result_t result;
} walk_t;

/* 32 steps for each doubling of the milliseconds since the last use. */
static int age_of(const walk_t *walk, const struct stat *is)
{
    apr_int64_t age =
        (walk->now - apr_time_make(is->st_atim.tv_sec, is->st_atim.tv_nsec / 1000)) / 1000;
    int octave;

    if (age < 32)
        return age < 0 ? 0 : (int)age;
    if (age > AGE_MAX)
        age = AGE_MAX;
    octave = 63 - __builtin_clzll((unsigned long long)age);
    return (octave - 5) * 32 + (int)(age >> (octave - 5));
}

static int stopped(const walk_t *walk)
{
    return __atomic_load_n(walk->stop, __ATOMIC_RELAXED);
}

static int is_dry(const walk_t *walk)
{
    return walk->order && walk->order->dry;
}

static void report(walk_t *walk)
{
    apr_int64_t total;

    if (walk->removed && !is_dry(walk))
        iiif_bound_add(&total, walk->directory, -walk->removed);
    walk->removed = 0;
}

static int remove_entry(walk_t *walk, int dir, const char *name, int flag)
{
    if (is_dry(walk) || !unlinkat(dir, name, flag))
        return 1;
    if (errno != ENOENT && errno != ENOTEMPTY && errno != EEXIST)
        walk->rv = errno;
    return 0;
}

/* Does it go, whatever the bound? */
static int is_doomed(const walk_t *walk, const struct stat *is)
{
    return walk->order
           && (iiif_stamp_time(is->st_mtim) < walk->fresh
               || iiif_stamp_time(is->st_atim) < walk->order->unused);
}

static void count_file(walk_t *walk, const struct stat *is)
{
    apr_int64_t cost = iiif_bound_cost(is->st_size);

    walk->counted += cost;
    ++walk->result.files;
    if (is_doomed(walk, is))
        walk->doomed += cost;
    else
        walk->by_age[age_of(walk, is)] += cost;
}

/* Is it of those that go for the bound? */
static int is_old_enough(const walk_t *walk, int age)
{
    return age > walk->oldest_kept || (age == walk->oldest_kept && walk->of_these > 0);
}

static void note_removed(walk_t *walk, apr_int64_t files, apr_int64_t cost)
{
    walk->removed += cost;
    walk->result.removed_files += files;
    walk->result.removed_bytes += cost;
}

/* Is it gone? */
static int visit_file(walk_t *walk, int dir, const char *name)
{
    struct stat is;
    int age, doomed;

    if (fstatat(dir, name, &is, AT_SYMLINK_NOFOLLOW) || S_ISDIR(is.st_mode))
        return 0;
    if (!walk->removing) {
        count_file(walk, &is);
        return 0;
    }
    age = age_of(walk, &is);
    doomed = is_doomed(walk, &is);
    if ((!doomed && !is_old_enough(walk, age)) || !remove_entry(walk, dir, name, 0))
        return 0;
    note_removed(walk, 1, iiif_bound_cost(is.st_size));
    if (!doomed && age == walk->oldest_kept)
        walk->of_these -= iiif_bound_cost(is.st_size);
    if (walk->removed >= REPORT_EVERY)
        report(walk);
    return 1;
}

/* Is it gone? Not deeper than DEPTH, so the recursion is bounded. */
static int visit_directory(walk_t *walk, int parent, const char *name, int depth)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), left = 0;
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (!dir) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    walk->counted += IIIF_BOUND_BLOCK;
    if (depth == NAMES && walk->order && walk->order->source_time)
        walk->fresh = walk->order->source_time(walk->order->baton, name);
    while (!stopped(walk) && (entry = readdir(dir))) {
        const char *child = entry->d_name;

        if (!strcmp(child, ".") || !strcmp(child, ".."))
            continue;
        if (depth == DEPTH - 1 && !is_hex(child, IIIF_FINGERPRINT_DIGITS)) {
            ++left; /* not ours */
            continue;
        }
        left += depth < DEPTH ? !visit_directory(walk, fd, child, depth + 1)
                              : !visit_file(walk, fd, child);
    }
    left += stopped(walk);
    closedir(dir);
    if (!walk->removing || left || !remove_entry(walk, parent, name, AT_REMOVEDIR))
        return 0;
    note_removed(walk, 0, IIIF_BOUND_BLOCK);
    return 1;
}

/* What makers left who were killed, on file systems where a file must have a name. */
static void remove_old_temps(walk_t *walk, int store)
{
    int fd = openat(store, "tmp", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    struct stat is;

    if (!dir) {
        if (fd >= 0)
            close(fd);
        return;
    }
    while ((entry = readdir(dir))) {
        if (!fstatat(fd, entry->d_name, &is, AT_SYMLINK_NOFOLLOW) && S_ISREG(is.st_mode)
            && walk->now - apr_time_make(is.st_atim.tv_sec, 0) > TEMP_MAX_AGE
            && remove_entry(walk, fd, entry->d_name, 0))
            ++walk->result.removed_files;
    }
    closedir(dir);
}

static apr_status_t visit_store(walk_t *walk)
{
    DIR *dir = opendir(walk->directory);
    const struct dirent *entry;

    if (!dir)
        return errno;
    while (!stopped(walk) && (entry = readdir(dir))) {
        if (is_hash(entry->d_name))
            visit_directory(walk, dirfd(dir), entry->d_name, 1);
    }
    if (walk->removing)
        remove_old_temps(walk, dirfd(dir));
    closedir(dir);
    report(walk);
    return walk->rv;
}

/* Which age is old enough, and how many bytes of that age go, for @a enough to go. */
static void choose_age(walk_t *walk, apr_int64_t enough)
{
    int age = AGES - 1;

    while (age > 0 && walk->by_age[age] < enough)
        enough -= walk->by_age[age--];
    walk->oldest_kept = age;
    walk->of_these = enough;
}

/* The first walk: what there is, which is what `usage` says from now on. */
static apr_status_t count(apr_int64_t *total, walk_t *walk)
{
    apr_int64_t before = 0;
    apr_status_t rv = iiif_bound_add(&before, walk->directory, 0);

    if (rv == APR_EINCOMPLETE)
        before = UNKNOWN;
    else if (rv != APR_SUCCESS)
        return rv;
    apr_sleep(SETTLED); /* so that the walk finds what was counted before */
    rv = visit_store(walk);
    if (rv == APR_SUCCESS && !stopped(walk))
        rv = set_usage(total, walk->directory, walk->counted, before);
    return rv;
}

static apr_status_t evict(walk_t *walk, apr_int64_t bound)
{
    apr_int64_t low = bound - bound / BELOW, total = 0;
    apr_status_t rv = count(&total, walk);

    if (rv != APR_SUCCESS || stopped(walk) || total <= low)
        return rv;
    choose_age(walk, total - low);
    walk->removing = 1;
    return visit_store(walk);
}

apr_status_t iiif_bound_evict(const char *directory, apr_int64_t bound, const int *stop,
                              iiif_err_t *err)
{
    walk_t walk = { .directory = directory, .stop = stop, .now = apr_time_now() };
    char reason[128];
    apr_status_t rv;
    int fd = open_usage(directory);

    rv = fd < 0 ? errno : iiif_range_lock(fd, EVICTING, 1, 0);
    if (rv == APR_SUCCESS)
        rv = evict(&walk, bound);
    if (fd >= 0)
        close(fd);
    if (rv == APR_SUCCESS || rv == APR_EBUSY)
        return APR_SUCCESS;
    return iiif_fail(err, rv, "nothing can be removed from %s: %s", directory,
                     apr_strerror(rv, reason, sizeof(reason)));
}

/* -- by a person ----------------------------------------------------------------------------- */

static apr_status_t clean(walk_t *walk)
{
    const iiif_bound_order_t *order = walk->order;
    apr_int64_t total = 0;
    apr_status_t rv = is_dry(walk) ? visit_store(walk) : count(&total, walk);

    if (rv != APR_SUCCESS)
        return rv;
    walk->result.bytes = walk->counted;
    walk->oldest_kept = AGES;
    if (order->bound && walk->counted - walk->doomed > order->bound)
        choose_age(walk, walk->counted - walk->doomed - order->bound);
    walk->removing = 1;
    return visit_store(walk);
}

apr_status_t iiif_bound_clean(iiif_bound_result_t *result, const char *directory,
                              const iiif_bound_order_t *order, iiif_err_t *err)
{
    static const int go_on = 0;
    walk_t walk = { .directory = directory, .stop = &go_on, .now = apr_time_now(), .order = order };
    char reason[128];
    apr_status_t rv = APR_SUCCESS;
    int fd = order->dry ? -1 : open_usage(directory);

    if (!order->dry)
        rv = fd < 0 ? errno : iiif_range_lock(fd, EVICTING, 1, 1);
    if (rv == APR_SUCCESS)
        rv = clean(&walk);
    if (fd >= 0)
        close(fd);
    if (rv != APR_SUCCESS)
        return iiif_fail(err, rv, "%s cannot be cleaned: %s", directory,
                         apr_strerror(rv, reason, sizeof(reason)));
    *result = walk.result;
    return rv;
}

int iiif_bound_is_store(const char *directory)
{
    char path[APR_PATH_MAX], text[sizeof(USAGE_HEAD)] = "";
    ssize_t n = -1;
    int fd;

    apr_snprintf(path, sizeof(path), "%s/usage", directory);
    fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0) {
        n = read(fd, text, sizeof(USAGE_HEAD) - 1);
        close(fd);
    }
    return n == sizeof(USAGE_HEAD) - 1 && !memcmp(text, USAGE_HEAD, sizeof(USAGE_HEAD) - 1);
}
