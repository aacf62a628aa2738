/* SPDX-License-Identifier: Apache-2.0 */
#include "store/derivative.h"

#include <apr_escape.h>
#include <apr_lib.h>
#include <apr_portable.h>
#include <apr_sha1.h>
#include <apr_siphash.h>
#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/derivative_bound.h"

#include "base/banned.h"

#define NAME_MAX_BYTES   200 /* of a segment of 255 */
#define NAME_KEPT        150 /* of a longer one; its hash follows */
#define TRAILER          16
#define LENGTH_MAX       APR_UINT64_C(999999999999) /* what twelve digits can say */
#define USE_NOTED        apr_time_from_sec(60)
#define DIRECTORIES_GONE 16 /* times that eviction may remove what was just made */

/* Percent-escaped, "." in front too, so that it is one segment and never "..". */
static char *escape(const char *name, apr_pool_t *pool)
{
    char *escaped = apr_palloc(pool, strlen(name) * 3 + 1), *to = escaped;
    const char *from;

    for (from = name; *from; ++from) {
        if (apr_isalnum(*from) || *from == '-' || *from == '_' || (*from == '.' && from > name))
            *to++ = *from;
        else
            to += apr_snprintf(to, 4, "%%%02X", (unsigned char)*from);
    }
    *to = '\0';
    return escaped;
}

/* "~" is never in an escaped name, so that no name is another one's cut form. */
static const char *segment_of(const char *name, apr_pool_t *pool)
{
    unsigned char digest[APR_SHA1_DIGESTSIZE];
    char *escaped = escape(name, pool), hash[APR_SHA1_DIGESTSIZE * 2 + 1];
    apr_sha1_ctx_t sha1;

    if (strlen(escaped) <= NAME_MAX_BYTES)
        return escaped;
    apr_sha1_init(&sha1);
    apr_sha1_update_binary(&sha1, (const unsigned char *)name, (unsigned)strlen(name));
    apr_sha1_final(digest, &sha1);
    apr_escape_hex(hash, digest, sizeof(digest), 0, NULL);
    return apr_psprintf(pool, "%.*s~%s", NAME_KEPT, escaped, hash);
}

static apr_uint64_t hash_of(const char *text)
{
    static const unsigned char zero[APR_SIPHASH_KSIZE];

    return apr_siphash24(text, strlen(text), zero);
}

void iiif_derivative_name(iiif_derivative_t *derivative, const iiif_derivative_store_t *store,
                          const iiif_derivative_query_t *query, apr_pool_t *pool)
{
    const char *segment = segment_of(query->name, pool);
    char *path =
        apr_psprintf(pool, "%s/%02x/%s/%s/%s", store->directory,
                     (unsigned)(hash_of(segment) & 0xff), segment, query->fingerprint, query->key);
    char *s = path + strlen(path) - strlen(query->key);

    while ((s = strchr(s, '/')))
        *s = '_';
    derivative->store = store;
    derivative->path = path;
    derivative->hash = hash_of(path + strlen(store->directory));
}

static void make_trailer(char trailer[TRAILER + 1], apr_size_t length)
{
    apr_snprintf(trailer, TRAILER + 1, "IIIF%012" APR_UINT64_T_FMT, (apr_uint64_t)length);
}

static int is_whole(int fd, const struct stat *is)
{
    char trailer[TRAILER + 1], wanted[TRAILER + 1];

    if (!S_ISREG(is->st_mode) || is->st_size <= TRAILER)
        return 0;
    make_trailer(wanted, (apr_size_t)is->st_size - TRAILER);
    return pread(fd, trailer, TRAILER, is->st_size - TRAILER) == TRAILER
           && !memcmp(trailer, wanted, TRAILER);
}

/* That it fails, on a file system that is read-only, only makes it go earlier. */
static void note_use(int fd, const struct stat *is)
{
    const struct timespec times[] = { { 0, UTIME_NOW }, { 0, UTIME_OMIT } };
    apr_time_t age = apr_time_now() - apr_time_make(is->st_atim.tv_sec, 0);

    if (age < 0 || age > USE_NOTED)
        (void)!futimens(fd, times);
}

apr_status_t iiif_derivative_open(iiif_derivative_file_t *file, const iiif_derivative_t *derivative,
                                  apr_int32_t flags, apr_pool_t *pool)
{
    apr_status_t rv = apr_file_open(&file->file, derivative->path, APR_FOPEN_READ | flags,
                                    APR_FPROT_OS_DEFAULT, pool);
    apr_os_file_t fd;
    struct stat is;

    if (rv != APR_SUCCESS)
        return APR_STATUS_IS_ENOTDIR(rv) ? APR_ENOENT : rv;
    apr_os_file_get(&fd, file->file);
    if (fstat(fd, &is) || !is_whole(fd, &is)) {
        apr_file_close(file->file);
        unlink(derivative->path);
        return APR_ENOENT;
    }
    note_use(fd, &is);
    file->length = (apr_size_t)is.st_size - TRAILER;
    return APR_SUCCESS;
}

/* Those between the store and the file; how many there were not. */
static apr_status_t make_directories(unsigned *made, const iiif_derivative_t *derivative)
{
    char path[APR_PATH_MAX], *s;

    if (strlen(derivative->path) >= sizeof(path))
        return APR_ENAMETOOLONG;
    apr_cpystrn(path, derivative->path, sizeof(path));
    for (s = path + strlen(derivative->store->directory) + 1; (s = strchr(s, '/')); ++s) {
        *s = '\0';
        if (!mkdir(path, 0700))
            ++*made;
        else if (errno != EEXIST)
            return errno;
        *s = '/';
    }
    return APR_SUCCESS;
}

static apr_status_t write_full(int fd, const char *data, apr_size_t length)
{
    while (length) {
        ssize_t n = write(fd, data, length);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n ? errno : ENOSPC;
        data += n;
        length -= (apr_size_t)n;
    }
    return APR_SUCCESS;
}

/* Before 1970, too: nanoseconds count upwards always. */
static struct timespec timespec_of(apr_time_t time)
{
    const apr_time_t behind = time % APR_USEC_PER_SEC;
    const apr_time_t rest = behind < 0 ? behind + APR_USEC_PER_SEC : behind;

    return (struct timespec){ (time - rest) / APR_USEC_PER_SEC, (long)rest * 1000 };
}

static apr_status_t fill(int fd, const iiif_derivative_content_t *content)
{
    const struct timespec times[] = { { 0, UTIME_NOW }, timespec_of(content->mtime) };
    char trailer[TRAILER + 1];
    apr_status_t rv = write_full(fd, content->data, content->length);

    make_trailer(trailer, content->length);
    if (rv == APR_SUCCESS)
        rv = write_full(fd, trailer, TRAILER);
    if (rv == APR_SUCCESS && futimens(fd, times))
        rv = errno;
    return rv;
}

/* Give a file its name, by link() or rename(). ENOENT: its directory is not there yet, or was empty
 * and has been removed. */
static apr_status_t name_file(const char *from, int by_link, const iiif_derivative_t *derivative,
                              unsigned *made)
{
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = 0; i < DIRECTORIES_GONE && (rv == APR_SUCCESS || rv == ENOENT); ++i) {
        if (!(by_link ? linkat(AT_FDCWD, from, AT_FDCWD, derivative->path, AT_SYMLINK_FOLLOW)
                      : rename(from, derivative->path)))
            return APR_SUCCESS;
        if (errno != ENOENT)
            return errno;
        rv = make_directories(made, derivative);
    }
    return rv == APR_SUCCESS ? APR_ENOENT : rv;
}

static apr_status_t write_unlinked(const iiif_derivative_t *derivative,
                                   const iiif_derivative_content_t *content, unsigned *made)
{
    int fd = open(derivative->store->directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    char self[32];
    apr_status_t rv;

    if (fd < 0)
        return errno == EISDIR || errno == EINVAL ? EOPNOTSUPP : errno;
    apr_snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
    rv = fill(fd, content);
    if (rv == APR_SUCCESS)
        rv = name_file(self, 1, derivative, made);
    if (close(fd) && rv == APR_SUCCESS)
        rv = errno;
    return rv;
}

static apr_status_t write_named(const iiif_derivative_t *derivative,
                                const iiif_derivative_content_t *content, unsigned *made)
{
    char temp[APR_PATH_MAX];
    apr_status_t rv;
    int fd;

    apr_snprintf(temp, sizeof(temp), "%s/tmp", derivative->store->directory);
    if (!mkdir(temp, 0700))
        ++*made;
    apr_snprintf(temp, sizeof(temp), "%s/tmp/XXXXXX", derivative->store->directory);
    if ((fd = mkostemp(temp, O_CLOEXEC)) < 0)
        return errno;
    rv = fill(fd, content);
    if (close(fd) && rv == APR_SUCCESS) /* a full disk can show up here */
        rv = errno;
    if (rv == APR_SUCCESS)
        rv = name_file(temp, 0, derivative, made);
    if (rv != APR_SUCCESS)
        unlink(temp);
    return rv;
}

static apr_status_t write_file(const iiif_derivative_t *derivative,
                               const iiif_derivative_content_t *content, unsigned *made)
{
    apr_status_t rv = EOPNOTSUPP;

    if (derivative->store->unlinked)
        rv = write_unlinked(derivative, content, made);
    return rv == EOPNOTSUPP ? write_named(derivative, content, made) : rv;
}

apr_status_t iiif_derivative_write(int *evict, const iiif_derivative_t *derivative,
                                   const iiif_derivative_content_t *content, iiif_err_t *err)
{
    const iiif_derivative_store_t *store = derivative->store;
    apr_int64_t cost = iiif_bound_cost((apr_int64_t)content->length + TRAILER), total;
    apr_int64_t change = 0;
    char reason[128];
    unsigned made = 0;
    apr_status_t rv;

    if (!content->length || content->length > LENGTH_MAX)
        return iiif_fail(err, IIIF_EFULL, "not of a length that is kept");
    rv = iiif_bound_take(evict, store->directory, store->bound, cost);
    if (rv == IIIF_EFULL)
        return iiif_fail(err, rv, "%s has no room for it", store->directory);
    if (rv == APR_SUCCESS) {
        rv = write_file(derivative, content, &made);
        if (rv != APR_SUCCESS)
            change = -cost; /* of another that was as quick, too */
        change += (apr_int64_t)made * IIIF_BOUND_BLOCK;
        if (change)
            iiif_bound_add(&total, store->directory, change);
    }
    if (rv == APR_SUCCESS || rv == APR_EEXIST)
        return APR_SUCCESS;
    return iiif_fail(err, rv, "nothing can be kept in %s: %s", store->directory,
                     apr_strerror(rv, reason, sizeof(reason)));
}
