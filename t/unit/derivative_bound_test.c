/* SPDX-License-Identifier: Apache-2.0 */
#include "store/derivative_bound.h"

#include "store/evictor.h"

#include "derivatives.h"

#define BOUND 10000000
#define SLACK (BOUND / 20)
#define FILES 400 /* of one block: with directories, more than the bound is for */

static iiif_derivative_store_t store = { directory, BOUND, 1 };
static const int go_on = 0;

static apr_int64_t counted(void)
{
    apr_int64_t total = -1;

    return iiif_bound_add(&total, directory, 0) == APR_SUCCESS ? total : -1;
}

static apr_int64_t held(unsigned *files)
{
    unsigned ignored = 0;

    return held_in(directory, 0, files ? files : &ignored);
}

static void write_usage(const char *text, size_t length)
{
    char path[64];
    int fd;

    snprintf(path, sizeof(path), "%s/usage", directory);
    unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, text, length) != (ssize_t)length)
        exit(1);
    close(fd);
}

static void empty_store(void)
{
    char path[64];

    remove_directory();
    if (mkdir(directory, 0700))
        exit(1);
    snprintf(path, sizeof(path), "%s/usage", directory);
    unlink(path);
}

static void test_cost(void)
{
    ok(iiif_bound_cost(0) == 4096 && iiif_bound_cost(1) == 4096 && iiif_bound_cost(4096) == 4096
           && iiif_bound_cost(4097) == 8192,
       "what is begun of a block counts as one");
}

static void test_take(void)
{
    int evict = 0;

    ok(iiif_bound_take(&evict, directory, 100000, 4001) == IIIF_EFULL && !evict,
       "more than 4 in 100 are not taken");
    ok(iiif_bound_take(&evict, directory, 100000, 4000) == APR_SUCCESS && !evict, "4 in 100 are");
    ok(counted() == 4000, "  and counted");
    write_usage("iiif-derivatives 1 00000000000000096000\n", 40);
    ok(iiif_bound_take(&evict, directory, 100000, 4000) == APR_SUCCESS && !evict,
       "up to the bound");
    ok(iiif_bound_take(&evict, directory, 100000, 4000) == APR_SUCCESS && evict,
       "and 4 in 100 beyond, when somebody has to go");
    evict = 0;
    ok(iiif_bound_take(&evict, directory, 100000, 1) == IIIF_EFULL && evict, "  and no more");
    ok(counted() == 104000, "  nor is it counted");
}

static void set_used(const char *path, apr_int64_t milliseconds_ago)
{
    apr_time_t then = apr_time_now() - milliseconds_ago * 1000;
    const struct timespec times[] = { { apr_time_sec(then), (long)apr_time_usec(then) * 1000 },
                                      { 0, UTIME_OMIT } };

    if (utimensat(AT_FDCWD, path, times, 0))
        exit(1);
}

static iiif_derivative_t numbered(unsigned i, apr_pool_t *pool)
{
    return named(&store, apr_psprintf(pool, "image %u.tif", i % 20),
                 apr_psprintf(pool, "%u.jpg", i), pool);
}

/* The last is the one that was not used for the longest time. */
static void fill_store(unsigned files, apr_pool_t *pool)
{
    unsigned i;

    empty_store();
    for (i = 0; i < files; ++i) {
        iiif_derivative_t derivative = numbered(i, pool);
        int evict = 0;

        keep(&derivative, "an image", 8, &evict);
        set_used(derivative.path, ((apr_int64_t)i + 1) * (i + 1) * 1000);
    }
}

static int is_there(unsigned i, apr_pool_t *pool)
{
    return !access(numbered(i, pool).path, F_OK);
}

static apr_status_t evict_to(apr_int64_t bound)
{
    iiif_err_t err;

    return iiif_bound_evict(directory, bound, &go_on, &err);
}

static void test_order(apr_pool_t *pool)
{
    apr_int64_t low, before;
    unsigned i, kept, wrong = 0;

    fill_store(FILES, pool);
    before = held(NULL);
    ok(counted() == before, "what is written is counted: %ld", (long)before);
    low = before * 2 / 3;
    ok(evict_to(low * 20 / 19) == APR_SUCCESS, "a third goes");
    ok(held(NULL) <= low + 20 && held(NULL) > low - 4096 * 3,
       "  and no more than a third: %ld of %ld", (long)held(NULL), (long)low);
    ok(counted() == held(NULL), "  which is counted");
    for (kept = 0; kept < FILES && is_there(kept, pool); ++kept)
        continue;
    /* of ages within 3 % any may go: (i + 1)^2 grows by less than that from number 66 on */
    for (i = kept + kept / 50 + 2; i < FILES; ++i)
        wrong += (unsigned)is_there(i, pool);
    ok(kept > FILES / 2 && !wrong, "  what was used last stays: %u, and %u others", kept, wrong);
    evict_to(before * 2);
    ok(is_there(0, pool) && counted() == held(NULL), "where there is room, nobody goes");
}

static void test_empty(apr_pool_t *pool)
{
    unsigned files = 0;

    fill_store(100, pool);
    evict_to(0);
    ok(held(&files) == 0 && !files && counted() == 0,
       "directories go with the last of their files");
}

/* -- by a person ----------------------------------------------------------------------------- */

/* One source is gone, one was written later than what was made of it. */
static apr_time_t written(void *asked, const char *segment)
{
    static const apr_time_t then = APR_TIME_C(1000000000000000); /* as keep() says */

    ++*(unsigned *)asked;
    if (!strcmp(segment, "image%205.tif"))
        return then + 1;
    return strcmp(segment, "image%2010.tif") != 0 ? then : APR_INT64_MAX;
}

static iiif_bound_result_t clean(const iiif_bound_order_t *order)
{
    iiif_bound_result_t result = { -1, -1, -1, -1 };
    iiif_err_t err;

    iiif_bound_clean(&result, directory, order, &err);
    return result;
}

/* How many of the first 100 are there that should not be, or the reverse. */
static unsigned count_wrong(apr_pool_t *pool)
{
    unsigned i, wrong = 0;

    for (i = 0; i < 100; ++i)
        wrong += is_there(i, pool) != (i < 71 && i % 20 != 5 && i % 20 != 10);
    return wrong;
}

static void test_clean(apr_pool_t *pool)
{
    const apr_time_t now = apr_time_now();
    iiif_bound_order_t order = { .dry = 1 };
    iiif_bound_result_t result, dry;
    unsigned asked = 0, files = 0;
    apr_int64_t before;

    fill_store(100, pool);
    before = held(&files);
    ok(iiif_bound_is_store(directory), "it is a store");
    result = clean(&order);
    ok(result.files == files && result.bytes == before && !result.removed_files
           && !result.removed_bytes,
       "nothing is wanted: nothing goes");
    /* number i was used (i + 1)^2 seconds ago: 71 to 99 are old; 4 of each source are not */
    order.unused = now - apr_time_from_sec(71 * 71);
    order.source_time = written;
    order.baton = &asked;
    dry = clean(&order);
    ok(dry.removed_files == 29 + 4 + 4 && asked,
       "what is old, gone, or of an older content would go: %ld", (long)dry.removed_files);
    ok(held(NULL) == before && counted() == before, "  and is there still");
    order.dry = 0;
    result = clean(&order);
    ok(result.removed_files == dry.removed_files && result.removed_bytes == dry.removed_bytes,
       "  until it is meant");
    ok(count_wrong(pool) == 0, "  for each reason, and nothing else");
    ok(held(NULL) == before - result.removed_bytes && counted() == held(NULL),
       "  which is counted");
    before = held(NULL);
    result = clean(&(iiif_bound_order_t){ .bound = before / 2 });
    ok(held(NULL) <= before / 2 && counted() == held(NULL), "down to a bound: %ld of %ld",
       (long)held(NULL), (long)before);
    ok(is_there(0, pool), "  what was used last is left");
    write_usage("x", 1);
    ok(!iiif_bound_is_store(directory), "no store without its head");
    clean(&(iiif_bound_order_t){ .bound = 0 });
    ok(counted() == held(NULL), "but counted anew, if somebody says so");
}

/* clang-format off */
static const struct { const char *text; size_t length; } corrupt[] = {
    { "", 0 },
    { "iiif-derivatives 1 00000000000000000000", 39 },
    { "iiif-derivatives 2 00000000000000000000\n", 40 },
    { "iiif-derivatives 1 0000000000000000000x\n", 40 },
    { "iiif-derivatives 1 -0000000000000000001\n", 40 },
    { "iiif-derivatives 1 99999999999999999999\n", 40 },
    { "iiif-derivatives 1 0000000000000000000\n\n", 40 },
    { "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 40 },
};
/* clang-format on */

static void test_corrupt(apr_pool_t *pool)
{
    unsigned i;

    fill_store(50, pool);
    for (i = 0; i < ROWS(corrupt); ++i) {
        int evict = 0;

        write_usage(corrupt[i].text, corrupt[i].length);
        ok(iiif_bound_take(&evict, directory, BOUND, 4096) == IIIF_EFULL && evict,
           "a count that is \"%s\" is none", corrupt[i].text);
        ok(evict_to(BOUND) == APR_SUCCESS && counted() == held(NULL), "  and made anew");
    }
    ok(is_there(49, pool), "  with nobody gone");
}

/* `usage` was removed while somebody evicted, who writes what they counted into the new one: those
 * are the same files. */
static void test_counted_twice(apr_pool_t *pool)
{
    apr_int64_t before;
    unsigned files = 0;
    pid_t other;

    fill_store(100, pool);
    before = held(NULL);
    write_usage("", 0);
    other = fork();
    if (!other) {
        apr_sleep(apr_time_from_msec(20)); /* after eviction has begun, and before it counts */
        write_usage(apr_psprintf(pool, "iiif-derivatives 1 %020ld\n", (long)before), 40);
        _exit(0);
    }
    evict_to(before * 2);
    waitpid(other, NULL, 0);
    ok(held(&files) == before && files == 100 && counted() == before,
       "what two have counted is there once, and nobody goes: %u files", files);
}

static void test_readers(apr_pool_t *pool)
{
    iiif_derivative_t derivative = named(&store, "read", "k.jpg", pool);
    iiif_derivative_file_t file;
    char text[9] = "";
    int evict = 0;

    empty_store();
    keep(&derivative, "an image", 8, &evict);
    iiif_derivative_open(&file, &derivative, 0, pool);
    evict_to(0);
    ok(access(derivative.path, F_OK)
           && apr_file_read_full(file.file, text, file.length, NULL) == APR_SUCCESS
           && !strcmp(text, "an image"),
       "what is open can be read although it has gone");
}

/* What a person has put there by mistake. */
static void test_foreign(apr_pool_t *pool)
{
    char *foreign = apr_pstrcat(pool, directory, "/ab", NULL);
    char *file;

    fill_store(2, pool);
    mkdir(foreign, 0700);
    mkdir(foreign = apr_pstrcat(pool, foreign, "/photographs", NULL), 0700);
    mkdir(foreign = apr_pstrcat(pool, foreign, "/2026", NULL), 0700);
    file = apr_pstrcat(pool, foreign, "/1.jpg", NULL);
    close(open(file, O_CREAT | O_WRONLY, 0600));
    evict_to(0);
    ok(!access(file, F_OK) && !is_there(0, pool) && !is_there(1, pool),
       "files that do not lie as ours do are left alone");
}

static void test_temps(apr_pool_t *pool)
{
    char *old = apr_pstrcat(pool, directory, "/tmp/abcdef", NULL);
    char *young = apr_pstrcat(pool, directory, "/tmp/ghijkl", NULL);

    empty_store();
    fill_store(2, pool);
    if (mkdir(apr_pstrcat(pool, directory, "/tmp", NULL), 0700))
        exit(1);
    close(open(old, O_CREAT | O_WRONLY, 0600));
    close(open(young, O_CREAT | O_WRONLY, 0600));
    set_used(old, 3700 * 1000);
    set_used(young, 3500 * 1000);
    evict_to(0);
    ok(access(old, F_OK) && !access(young, F_OK), "temporary files go after an hour");
}

static void test_stop(apr_pool_t *pool)
{
    static const int stop = 1;
    iiif_err_t err;
    unsigned files = 0;

    fill_store(20, pool);
    ok(iiif_bound_evict(directory, 0, &stop, &err) == APR_SUCCESS && held(&files) && files == 20,
       "who is told to stop stops");
}

static void test_evictor(apr_pool_t *pool)
{
    iiif_evictor_t *evictor;
    apr_pool_t *process;
    iiif_err_t err;
    int i;

    fill_store(100, pool);
    apr_pool_create(&process, pool);
    ok(iiif_evictor_create(&evictor, process) == APR_SUCCESS
           && iiif_evictor_start(evictor, directory, 0, &err) == APR_SUCCESS
           && iiif_evictor_start(evictor, directory, 0, &err) == APR_SUCCESS,
       "a thread evicts");
    for (i = 0; i < 1000 && counted(); ++i)
        apr_sleep(10000);
    ok(!counted(), "  until nothing is left");
    fill_store(100, pool);
    iiif_evictor_start(evictor, directory, 0, &err);
    apr_pool_destroy(process);
    apr_pool_create(&process, pool);
    iiif_evictor_create(&evictor, process);
    iiif_evictor_start(evictor, "/tmp/iiif-no-such-store", 0, &err);
    for (i = 0; i < 1000; ++i) {
        if (iiif_evictor_start(evictor, "/tmp/iiif-no-such-store", 0, &err) != APR_SUCCESS)
            break;
        apr_sleep(10000);
    }
    ok(i < 1000 && strstr(err.text, "/tmp/iiif-no-such-store"), "what went wrong is told: %s",
       err.text);
    ok(iiif_evictor_start(evictor, "/tmp/iiif-no-such-store", 0, &err) == APR_SUCCESS, "  once");
    apr_pool_destroy(process);
}

/* -- many at once ------------------------------------------------------------------------------ */

#define WRITERS 3
#define WRITES  4000

static void write_many(unsigned writer, apr_pool_t *pool)
{
    static char data[30000];
    unsigned i;

    for (i = 0; i < WRITES; ++i) {
        apr_pool_t *request;
        iiif_derivative_t derivative;
        iiif_err_t err;
        int evict = 0;

        apr_pool_create(&request, pool);
        derivative = named(&store, apr_psprintf(request, "%u", i % 30),
                           apr_psprintf(request, "%u-%u.jpg", writer, i), request);
        keep(&derivative, data, 1 + (i * 7919 + writer * 104729) % sizeof(data), &evict);
        if (evict)
            iiif_bound_evict(directory, BOUND, &go_on, &err);
        apr_pool_destroy(request);
    }
}

static void test_crowd(apr_pool_t *pool)
{
    pid_t writers[WRITERS];
    unsigned i, left = WRITERS, samples = 0, files = 0;
    apr_int64_t most = 0, now;

    empty_store();
    for (i = 0; i < WRITERS; ++i) {
        writers[i] = fork();
        if (!writers[i]) {
            write_many(i, pool);
            _exit(0);
        }
    }
    while (left) {
        now = held(NULL);
        most = now > most ? now : most;
        ++samples;
        while (left && waitpid(-1, NULL, WNOHANG) > 0)
            --left;
    }
    ok(most <= BOUND + SLACK && most > BOUND / 10 * 9,
       "%u processes write, and evict: never more than %ld of %d, in %u looks", WRITERS, (long)most,
       BOUND, samples);
    now = counted();
    ok(now >= held(&files) - SLACK && now <= BOUND + SLACK, "%ld are counted, %ld held", (long)now,
       (long)held(NULL));
    evict_to(BOUND);
    ok(counted() == held(NULL), "when all is quiet, what is held is counted");
    ok(files > 50, "%u files are there", files);
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    make_directory();
    test_cost();
    test_take();
    test_order(pool);
    test_empty(pool);
    test_clean(pool);
    test_corrupt(pool);
    test_counted_twice(pool);
    test_readers(pool);
    test_foreign(pool);
    test_temps(pool);
    test_stop(pool);
    test_evictor(pool);
    test_crowd(pool);
    remove_directory();
    apr_terminate();
    return done_testing();
}
