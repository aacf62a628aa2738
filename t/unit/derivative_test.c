/* SPDX-License-Identifier: Apache-2.0 */
#include "store/derivative.h"

#include "derivatives.h"

static iiif_derivative_store_t store = { directory, 100 << 20, 1 };

/* clang-format off */
/* A source's name, and the segment that it becomes; NULL: cut, and a hash. */
static const struct { const char *name, *segment; } names[] = {
    { "a.tif",           "a.tif" },
    { "maps/1643.tif",   "maps%2F1643.tif" },
    { "..",              "%2E." },
    { ".hidden",         "%2Ehidden" },
    { "../../etc",       "%2E.%2F..%2Fetc" },
    { "a%2Fb",           "a%252Fb" },
    { "sp ace~\n\x7f",   "sp%20ace%7E%0A%7F" },
    { "\xc3\xbc",        "%C3%BC" },
    { "\\",              "%5C" },
};

/* Which file two requests have: 1, the same. */
static const struct { const char *a_name, *a_key, *b_name, *b_key; int same; } pairs[] = {
    { "a", "0,0,1,1/1,1/0/default.jpg", "a", "0,0,1,1/1,1/0/default.jpg",   1 },
    { "a", "0,0,1,1/1,1/0/default.jpg", "a", "0,0,1,1/1,1/0/default.png",   0 },
    { "a", "0,0,1,1/1,1/0/default.jpg", "a", "0,0,1,1/1,1/!0/default.jpg",  0 },
    { "a", "0,0,1,1/1,1/0/default.jpg", "b", "0,0,1,1/1,1/0/default.jpg",   0 },
    { "a/b", "k.jpg",                   "a%2Fb", "k.jpg",                   0 },
};
/* clang-format on */

static void test_names(apr_pool_t *pool)
{
    unsigned i;

    for (i = 0; i < ROWS(names); ++i) {
        iiif_derivative_t derivative =
            named(&store, names[i].name, "0,0,9,9/3,3/!22.5/gray.jpg", pool);
        const char *rest = derivative.path + strlen(directory);
        const char *wanted = apr_pstrcat(pool, "/", names[i].segment,
                                         "/" FINGERPRINT "/0,0,9,9_3,3_!22.5_gray.jpg", NULL);

        ok(!strncmp(derivative.path, directory, strlen(directory)) && rest[0] == '/'
               && strspn(rest + 1, "0123456789abcdef") == 2 && !strcmp(rest + 3, wanted),
           "%s lies in %s", names[i].name, rest);
    }
    for (i = 0; i < ROWS(pairs); ++i) {
        iiif_derivative_t a = named(&store, pairs[i].a_name, pairs[i].a_key, pool);
        iiif_derivative_t b = named(&store, pairs[i].b_name, pairs[i].b_key, pool);

        ok((strcmp(a.path, b.path) == 0) == pairs[i].same && (a.hash == b.hash) == pairs[i].same,
           "%s %s and %s %s are %s", pairs[i].a_name, pairs[i].a_key, pairs[i].b_name,
           pairs[i].b_key, pairs[i].same ? "the same" : "two");
    }
}

/* Names of any length are one segment, and two that differ at the end alone are two. */
static void test_long_names(apr_pool_t *pool)
{
    char a[3001], b[3001];
    size_t length, segment;
    iiif_derivative_t first, second;

    for (length = 60; length < sizeof(a); length = length * 3 / 2) {
        memset(a, length % 2 ? 'x' : '/', length);
        a[length] = '\0';
        memcpy(b, a, length + 1);
        b[length - 1] = 'y';
        first = named(&store, a, "k.jpg", pool);
        second = named(&store, b, "k.jpg", pool);
        segment = strcspn(first.path + strlen(directory) + 4, "/");
        ok(segment <= 200 && strcmp(first.path, second.path), "a name of %lu bytes: %lu",
           (unsigned long)length, (unsigned long)segment);
    }
}

static const char *content_of(const iiif_derivative_t *derivative, apr_pool_t *pool)
{
    iiif_derivative_file_t file;
    char *text;
    apr_size_t n;

    if (iiif_derivative_open(&file, derivative, 0, pool) != APR_SUCCESS)
        return NULL;
    text = apr_pcalloc(pool, file.length + 1);
    if (apr_file_read_full(file.file, text, file.length, &n) != APR_SUCCESS)
        return "unreadable";
    apr_file_close(file.file);
    return text;
}

static int is_content(const iiif_derivative_t *derivative, const char *wanted, apr_pool_t *pool)
{
    const char *text = content_of(derivative, pool);

    return text && !strcmp(text, wanted);
}

static void test_write(int unlinked, apr_pool_t *pool)
{
    const iiif_derivative_store_t how = { directory, 100 << 20, unlinked };
    const char *name = unlinked ? "unlinked" : "linked";
    iiif_derivative_t derivative = named(&how, name, "k.jpg", pool);
    struct stat is;
    int evict = 0;

    ok(!content_of(&derivative, pool), "%s: nothing is there", name);
    ok(keep(&derivative, "an image", 8, &evict) == APR_SUCCESS && !evict, "  it is kept");
    ok(is_content(&derivative, "an image", pool), "  and found");
    ok(!stat(derivative.path, &is) && is.st_mtim.tv_sec == 1000000000 && is.st_size == 8 + TRAILER
           && (is.st_mode & 0777) == 0600,
       "  with the source's time, for its owner alone");
    ok(keep(&derivative, "an image", 8, &evict) == APR_SUCCESS,
       "  a second maker is not in the way");
    ok(is_content(&derivative, "an image", pool), "  it is as it was");
    ok(keep(&derivative, "", 0, &evict) == IIIF_EFULL, "  nothing is not kept");
}

/* What a power failure may leave, or a person. */
static void test_not_whole(apr_pool_t *pool)
{
    static const char *const texts[] = {
        "",
        "an image",
        "IIIF000000000000",
        "an imageIIIF000000000009",
        "an imageIIIF00000000000",
        "an image\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    };
    iiif_derivative_t derivative = named(&store, "half", "k.jpg", pool);
    unsigned i;
    int evict = 0, fd;

    keep(&derivative, "an image", 8, &evict);
    for (i = 0; i < ROWS(texts); ++i) {
        size_t length = i == 5 ? 24 : strlen(texts[i]);

        unlink(derivative.path);
        fd = open(derivative.path, O_WRONLY | O_CREAT, 0600);
        if (fd < 0 || write(fd, texts[i], length) != (ssize_t)length)
            exit(1);
        close(fd);
        ok(!content_of(&derivative, pool) && access(derivative.path, F_OK),
           "\"%s\" is not whole, and goes", texts[i]);
    }
    if (mkdir(derivative.path, 0700))
        exit(1);
    ok(!content_of(&derivative, pool), "a directory is none");
    rmdir(derivative.path);
    ok(keep(&derivative, "an image", 8, &evict) == APR_SUCCESS
           && is_content(&derivative, "an image", pool),
       "afterwards it is kept again");
}

static apr_int64_t used(const iiif_derivative_t *derivative)
{
    struct stat is;

    return stat(derivative->path, &is) ? -1 : is.st_atim.tv_sec;
}

static void set_used(const iiif_derivative_t *derivative, apr_int64_t seconds)
{
    const struct timespec times[] = { { seconds, 0 }, { 0, UTIME_OMIT } };

    utimensat(AT_FDCWD, derivative->path, times, 0);
}

/* When its times were last set: reading, which the kernel may note as well, does not. */
static apr_int64_t noted(const iiif_derivative_t *derivative)
{
    struct stat is;

    return stat(derivative->path, &is) ? -1 : is.st_ctim.tv_sec * 1000000000 + is.st_ctim.tv_nsec;
}

static void test_use(apr_pool_t *pool)
{
    iiif_derivative_t derivative = named(&store, "used", "k.jpg", pool);
    apr_int64_t now = apr_time_sec(apr_time_now()), before;
    iiif_derivative_file_t file;
    int evict = 0;

    keep(&derivative, "an image", 8, &evict);
    set_used(&derivative, now - 30);
    before = noted(&derivative);
    apr_sleep(20000); /* times of files are told in steps */
    iiif_derivative_open(&file, &derivative, 0, pool);
    ok(noted(&derivative) == before, "a use within a minute of the last is not noted");
    set_used(&derivative, now - 90);
    before = noted(&derivative);
    apr_sleep(20000);
    iiif_derivative_open(&file, &derivative, 0, pool);
    ok(used(&derivative) >= now && noted(&derivative) > before, "one after a minute is");
    set_used(&derivative, now + 9000);
    iiif_derivative_open(&file, &derivative, 0, pool);
    ok(used(&derivative) < now + 1000, "nor is a time in the future left");
}

/* A source may be older than the time of computers begins. */
static void test_old(apr_pool_t *pool)
{
    const iiif_derivative_content_t content = { "an image", 8, -1750000 };
    iiif_derivative_t derivative = named(&store, "old", "k.jpg", pool);
    struct stat is = { .st_size = 0 };
    iiif_err_t err = { "" };
    int evict = 0;

    ok(iiif_derivative_write(&evict, &derivative, &content, &err) == APR_SUCCESS,
       "an image of a source from before 1970 is kept %s", err.text);
    ok(!stat(derivative.path, &is) && is.st_mtim.tv_sec == -2 && is.st_mtim.tv_nsec == 250000000,
       "  with its time: %ld s, %ld ns", (long)is.st_mtim.tv_sec, is.st_mtim.tv_nsec);
}

static void test_gone(apr_pool_t *pool)
{
    const iiif_derivative_store_t gone = { "/tmp/iiif-no-such-store", 100 << 20, 1 };
    iiif_derivative_t derivative = named(&gone, "a", "k.jpg", pool);
    iiif_derivative_content_t content = { "an image", 8, 0 };
    iiif_err_t err = { "" };
    int evict = 0;

    ok(!content_of(&derivative, pool), "in a store that is gone nothing is found");
    ok(APR_STATUS_IS_ENOENT(iiif_derivative_write(&evict, &derivative, &content, &err))
           && strstr(err.text, gone.directory),
       "  nor kept: %s", err.text);
    ok(access(gone.directory, F_OK), "  and it is not made");
}

/* A directory that is removed as soon as it is empty, while somebody writes. */
static void test_vanishing(int unlinked, apr_pool_t *pool)
{
    const iiif_derivative_store_t how = { directory, 100 << 20, unlinked };
    iiif_derivative_t derivative = named(&how, "vanishing", "k.jpg", pool);
    char *parent = apr_pstrndup(pool, derivative.path,
                                (apr_size_t)(strrchr(derivative.path, '/') - derivative.path));
    unsigned i, kept = 0, others = 0;
    int evict = 0;
    pid_t child = fork();

    if (!child) {
        for (;;) {
            rmdir(parent);
            *strrchr(parent, '/') = '\0';
            rmdir(parent);
            parent[strlen(parent)] = '/';
            usleep(200);
        }
    }
    for (i = 0; i < 2000; ++i) {
        apr_status_t rv = keep(&derivative, "an image", 8, &evict);

        kept += rv == APR_SUCCESS;
        others += rv != APR_SUCCESS && !APR_STATUS_IS_ENOENT(rv);
        unlink(derivative.path);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    ok(kept > 1000 && !others, "%u of 2000 are kept while directories vanish", kept);
}

int main(void)
{
    apr_pool_t *pool;
    unsigned files = 0;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    make_directory();
    test_names(pool);
    test_long_names(pool);
    test_write(1, pool);
    test_write(0, pool);
    test_not_whole(pool);
    test_use(pool);
    test_old(pool);
    test_gone(pool);
    test_vanishing(1, pool);
    test_vanishing(0, pool);
    ok(held_in(apr_pstrcat(pool, directory, "/tmp", NULL), 1, &files) == 0 && !files,
       "no temporary file is left");
    remove_directory();
    apr_terminate();
    return done_testing();
}
