/* SPDX-License-Identifier: Apache-2.0 */
#include "image/source_index.h"

#include <apr_file_io.h>
#include <apr_thread_proc.h>
#include <fcntl.h>

#include "image/raw_tile.h"
#include "images.h"

#define MEGABYTES  (1 << 24)
#define MANY_FILES 100
#define TILED      "[tile,tile-width=128,tile-height=128,pyramid,compression=jpeg]"
#define DEFAULTS                                                                                   \
    {                                                                                              \
        .formats = IIIF_SOURCE_FORMATS_DEFAULT                                                     \
    }

/* Two hold a file open for their tiles, the others need none. */
static const struct {
    const char *name;
    iiif_dims_t dims;
    const char *options;
    int open;
} files[] = {
    { "a.tif", { 300, 200 }, TILED, 1 },
    { "b.tif", { 200, 310 }, TILED, 1 },
    { "plain.jpg", { 100, 80 }, NULL, 0 },
    { "book.tif", { 50, 40 }, "[page-height=40]", 0 },
};
enum { A, B, PLAIN, BOOK };

static void make_files(apr_pool_t *pool)
{
    unsigned i;

    for (i = 0; i < ROWS(files); ++i) {
        iiif_dims_t dims = files[i].dims;

        dims.height *= i == BOOK ? 2 : 1; /* its second page lies below the first */
        write_image(files[i].name, picture(dims, 3), files[i].options, pool);
    }
}

static iiif_source_rules_t rules_with(unsigned max_files, apr_pool_t *pool)
{
    iiif_source_rules_t rules = DEFAULTS;

    if (iiif_lru_create(&rules.index, MEGABYTES, max_files, pool) != APR_SUCCESS)
        abort();
    return rules;
}

/* As a request does: look at the file, then ask. NULL: there is none. */
static const iiif_source_t *get(const char *name, unsigned page, const iiif_source_rules_t *rules,
                                apr_pool_t *pool)
{
    const char *path = path_of(name, pool);
    const iiif_source_key_t key = { path, page, stamp_of(path, pool) };
    const iiif_source_t *source = NULL;

    return iiif_source_get(&source, &key, rules, NULL, pool) == APR_SUCCESS ? source : NULL;
}

static unsigned open_files(const iiif_source_rules_t *rules)
{
    apr_size_t bytes;
    unsigned count;

    iiif_lru_usage(rules->index, &bytes, &count);
    return count;
}

static apr_size_t weight_of(const iiif_source_rules_t *rules)
{
    apr_size_t bytes;
    unsigned count;

    iiif_lru_usage(rules->index, &bytes, &count);
    return bytes;
}

static int is_tiff_open(int fd)
{
    unsigned char head[4] = { 0 };

    return pread(fd, head, 4, 0) == 4 && !memcmp(head, "II*\0", 4);
}

static void test_found_again(apr_pool_t *parent)
{
    iiif_source_rules_t rules = rules_with(MANY_FILES, parent);
    const iiif_source_t *first[ROWS(files)];
    apr_pool_t *request;
    apr_size_t weight = 0;
    unsigned i, open = 0;

    apr_pool_create(&request, parent);
    for (i = 0; i < ROWS(files); ++i) {
        first[i] = get(files[i].name, 1, &rules, request);
        ok(first[i] && first[i]->full.width == files[i].dims.width
               && first[i]->full.height == files[i].dims.height
               && (first[i]->fd >= 0) == files[i].open,
           "%s is read, %s", files[i].name, files[i].open ? "and stays open" : "and closed");
        weight += first[i] ? first[i]->weight + IIIF_LRU_POOL_BYTES : 0;
        open += (unsigned)files[i].open;
    }
    ok(weight_of(&rules) == weight && open_files(&rules) == open, "all weigh what they say");
    apr_pool_clear(request);
    for (i = 0; i < ROWS(files); ++i)
        ok(get(files[i].name, 1, &rules, request) == first[i], "%s is found again", files[i].name);
    ok(weight_of(&rules) == weight && open_files(&rules) == open, "and nothing was added");
    apr_pool_destroy(request);
}

static void test_stamps(apr_pool_t *parent)
{
    iiif_source_rules_t rules = rules_with(MANY_FILES, parent);
    const iiif_source_t *before = get("a.tif", 1, &rules, parent), *after = NULL;
    iiif_source_key_t key = { path_of("a.tif", parent), 1, { 0 } };
    const iiif_stamp_t right = stamp_of(key.path, parent);
    unsigned i;

    for (i = 0; i < 4; ++i) {
        key.stamp = right;
        key.stamp.mtime += i == 0;
        key.stamp.size += i == 1;
        key.stamp.inode += i == 2;
        key.stamp.device += i == 3;
        ok(iiif_source_get(&after, &key, &rules, NULL, parent) == APR_SUCCESS && after != before
               && iiif_stamp_equal(&after->stamp, &right),
           "what was known is of another content (%u): the file is read, as it is", i);
        ok(get("a.tif", 1, &rules, parent) == after, "  and that is known from now on");
        before = after;
    }
}

static void test_pages(apr_pool_t *parent)
{
    iiif_source_rules_t rules = rules_with(MANY_FILES, parent);
    const iiif_source_t *one = get("book.tif", 1, &rules, parent);
    const iiif_source_t *two = get("book.tif", 2, &rules, parent), *linked;
    const iiif_source_key_t beyond = { path_of("book.tif", parent), 3,
                                       stamp_of(path_of("book.tif", parent), parent) };
    apr_size_t weight = weight_of(&rules);

    ok(one && two && one->levels[0].page == 0 && two->levels[0].page == 1,
       "a source for each page");
    ok(get("book.tif", 1, &rules, parent) == one && get("book.tif", 2, &rules, parent) == two,
       "and each is found again");
    linked = NULL;
    ok(iiif_source_get(&linked, &beyond, &rules, NULL, parent) == IIIF_ENOTFOUND && !linked
           && weight_of(&rules) == weight,
       "a page that is not there is no source, and not remembered");
    /* one file by two names, one of which looks like a page of the other */
    if (ok(!link(beyond.path, path_of("book.tif;2", parent)), "a second name")) {
        linked = get("book.tif;2", 1, &rules, parent);
        ok(linked && linked->levels[0].page == 0, "is not taken for the page");
    }
}

/* The rules of one directory say nothing of another's. */
static void test_rules(apr_pool_t *parent)
{
    iiif_source_rules_t rules = rules_with(MANY_FILES, parent), other = rules;
    const iiif_source_t *known = get("a.tif", 1, &rules, parent), *source = NULL;
    const iiif_source_key_t key = { path_of("a.tif", parent), 1,
                                    stamp_of(path_of("a.tif", parent), parent) };
    iiif_err_t err = { "" };

    other.formats = 1u << IIIF_SOURCE_JPEG;
    ok(iiif_source_get(&source, &key, &other, &err, parent) == IIIF_EBADSOURCE && !source
           && *err.text,
       "a known source of a format that is not allowed: %s", err.text);
    other = rules;
    other.max_pixels = 300 * 200 - 1;
    *err.text = '\0';
    ok(iiif_source_get(&source, &key, &other, &err, parent) == IIIF_ETOOBIG && !source && *err.text,
       "a known source that is too large: %s", err.text);
    other.max_pixels++;
    ok(iiif_source_get(&source, &key, &other, NULL, parent) == APR_SUCCESS && source == known,
       "and one that just fits, is still known");
}

static void test_failures(apr_pool_t *parent)
{
    iiif_source_rules_t rules = rules_with(MANY_FILES, parent);
    const iiif_source_key_t missing = { path_of("none.tif", parent), 1, { 0 } };
    const iiif_source_t *source = NULL;
    iiif_err_t err = { "" };

    ok(APR_STATUS_IS_ENOENT(iiif_source_get(&source, &missing, &rules, &err, parent)) && !source
           && *err.text && !weight_of(&rules),
       "no file: %s", err.text);
    rules.formats = 1u << IIIF_SOURCE_JPEG;
    ok(!get("a.tif", 1, &rules, parent) && !weight_of(&rules) && !open_files(&rules),
       "what is refused is not remembered");
}

static void test_settled(void)
{
    static const struct {
        apr_interval_time_t age;
        int settled;
    } ages[] = {
        { apr_time_from_sec(60), 1 },    { apr_time_from_sec(3), 1 },
        { apr_time_from_sec(1), 0 },     { 0, 0 },
        { -apr_time_from_sec(3), 0 },    /* the file server's clock is ahead */
        { -apr_time_from_sec(3660), 1 }, /* a time that is wrong would never be settled */
    };
    unsigned i;

    for (i = 0; i < ROWS(ages); ++i) {
        const apr_time_t time = apr_time_now() - ages[i].age;

        ok(iiif_stamp_time_is_past(time, apr_time_from_sec(2)) == ages[i].settled,
           "written to %d s ago: %s", (int)apr_time_sec(ages[i].age),
           ages[i].settled ? "settled" : "not yet");
    }
}

/* Where time has no fraction, a second is to be over before a stamp stands for one content. */
static void test_repeating(void)
{
    const apr_time_t second = apr_time_from_sec(apr_time_sec(apr_time_now()));
    const struct {
        apr_time_t ctime;
        int repeats;
    } times[] = {
        { second, 1 },
        { second - apr_time_from_sec(3), 0 },
        { second + 1, 0 },
        { second - apr_time_from_sec(3) + 1, 0 },
    };
    unsigned i;

    for (i = 0; i < ROWS(times); ++i) {
        const iiif_stamp_t stamp = { .mtime = 1, .ctime = times[i].ctime };

        ok(iiif_stamp_may_repeat(&stamp) == times[i].repeats, "a stamp that %s repeat, %u",
           times[i].repeats ? "may" : "cannot", i);
    }
}

static void test_young(apr_pool_t *parent)
{
    iiif_source_rules_t rules = rules_with(MANY_FILES, parent);
    const char *path = write_image("young.tif", picture(files[A].dims, 3), TILED, parent);
    const iiif_source_t *one, *two;
    apr_pool_t *request;
    int fd;

    apr_file_mtime_set(path, apr_time_now(), parent);
    apr_pool_create(&request, parent);
    one = get("young.tif", 1, &rules, request);
    two = get("young.tif", 1, &rules, request);
    ok(one && two && one != two && !weight_of(&rules) && !open_files(&rules),
       "a file that was just written is read each time");
    fd = one ? one->fd : -1;
    ok(is_tiff_open(fd), "it can be read while the request lasts");
    apr_pool_destroy(request);
    ok(fcntl(fd, F_GETFD) < 0, "and is closed with it");
}

static void test_no_index(apr_pool_t *parent)
{
    const iiif_source_rules_t rules = DEFAULTS;
    const iiif_source_t *one, *two;
    apr_pool_t *request;
    int fd;

    apr_pool_create(&request, parent);
    one = get("a.tif", 1, &rules, request);
    two = get("a.tif", 1, &rules, request);
    ok(one && two && one != two && one->full.width == two->full.width,
       "without an index a file is read each time");
    fd = one ? one->fd : -1;
    ok(is_tiff_open(fd), "it can be read while the request lasts");
    apr_pool_destroy(request);
    ok(fcntl(fd, F_GETFD) < 0, "and is closed with it");
}

/* Another file under the same name, as old and as long as they may be: its inode tells. */
static void test_replaced(apr_pool_t *parent)
{
    iiif_source_rules_t rules = rules_with(MANY_FILES, parent);
    const char *path = write_image("changing.tif", picture(files[A].dims, 3), TILED, parent);
    const iiif_source_key_t stale = { path, 1, stamp_of(path, parent) };
    const iiif_source_t *old = get("changing.tif", 1, &rules, parent), *new = NULL;

    if (!ok(old && !iiif_source_check_file(old), "a file"))
        return;
    if (rename(write_image("next.tif", picture(files[B].dims, 3), TILED, parent), path)
        || apr_file_mtime_set(path, stale.stamp.mtime, parent) != APR_SUCCESS)
        ok(0, "%s is not replaced", path);
    ok(!iiif_source_check_file(old) && strcmp(old->file, path),
       "is replaced, and open under a name that nobody can take");
    new = get("changing.tif", 1, &rules, parent);
    ok(new &&new != old &&new->full.width == files[B].dims.width, "who looks, gets the new one");
    ok(is_tiff_open(old->fd) && old->full.width == files[A].dims.width,
       "who holds the old one, can go on reading it");
    ok(get("changing.tif", 1, &rules, parent) == new &&open_files(&rules) == 1,
       "the new one alone is remembered");
    ok(iiif_source_get(&old, &stale, &rules, NULL, parent) == APR_SUCCESS
           && old->full.width == files[B].dims.width && old->stamp.inode != stale.stamp.inode,
       "who looked before, gets the new one too, and is told its stamp");
}

/* Room for one open file. */
static void test_evicted(apr_pool_t *parent)
{
    iiif_source_rules_t rules = rules_with(1, parent);
    const iiif_source_t *held;
    apr_pool_t *holder, *request;
    int fd;

    apr_pool_create(&holder, parent);
    apr_pool_create(&request, parent);
    held = get("a.tif", 1, &rules, holder);
    fd = held ? held->fd : -1;
    ok(get("b.tif", 1, &rules, request) && open_files(&rules) == 1, "one has to go");
    ok(is_tiff_open(fd) && held->levels[0].raw->lengths[0] > 0,
       "it is whole while somebody holds it");
    ok(get("a.tif", 1, &rules, request) != held && is_tiff_open(fd), "but not found any more");
    apr_pool_destroy(holder);
    ok(fcntl(fd, F_GETFD) < 0, "and closed when nobody does");
    apr_pool_destroy(request);
    ok(open_files(&rules) == 1, "the other one stays");
}

#define THREADS 4
#define ROUNDS  150

static unsigned mistaken;

/* One of the files, by chance; what is found must be it. */
static int finds_right(const iiif_source_rules_t *rules, unsigned i, apr_pool_t *request)
{
    const iiif_source_t *source = get(files[i].name, 1, rules, request);

    return source && source->full.width == files[i].dims.width
           && source->full.height == files[i].dims.height && (source->fd >= 0) == files[i].open
           && (source->fd < 0 || is_tiff_open(source->fd));
}

static void *APR_THREAD_FUNC use(apr_thread_t *thread, void *data)
{
    apr_pool_t *request;
    unsigned i, seed = (unsigned)(apr_uintptr_t)thread;

    apr_pool_create(&request, NULL);
    for (i = 0; i < ROUNDS; ++i) {
        seed = seed * 1103515245 + 12345;
        if (!finds_right(data, seed / 65536 % (unsigned)ROWS(files), request))
            __atomic_add_fetch(&mistaken, 1, __ATOMIC_RELAXED);
        if (i % 3 == 0)
            apr_pool_clear(request);
    }
    apr_pool_destroy(request);
    return NULL;
}

static void test_threads(apr_pool_t *pool)
{
    iiif_source_rules_t rules = rules_with(1, pool);
    apr_thread_t *threads[THREADS];
    apr_status_t said;
    unsigned i;

    for (i = 0; i < THREADS; ++i)
        apr_thread_create(&threads[i], NULL, use, &rules, pool);
    for (i = 0; i < THREADS; ++i)
        apr_thread_join(&said, threads[i]);
    ok(!mistaken, "threads find what they ask for: %u mistakes", mistaken);
    ok(open_files(&rules) <= 1, "and no more files stay open than may");
}

int main(void)
{
    apr_pool_t *pool = begin_images("source_index_test");

    make_files(pool);
    test_found_again(pool);
    test_stamps(pool);
    test_pages(pool);
    test_rules(pool);
    test_failures(pool);
    test_settled();
    test_repeating();
    test_young(pool);
    test_no_index(pool);
    test_replaced(pool);
    test_evicted(pool);
    test_threads(pool);
    end_images(pool);
    return done_testing();
}
