/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/failures.h"

#include <apr_file_info.h>
#include <apr_strings.h>
#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/stamp.h"

#include "base/banned.h"

#define RECORD_MAX 32768 /* bytes: a path, each of its bytes escaped, and a sentence */
#define DIGITS     16    /* of a record's name; that of one which is being written goes on */

static const char *directory_of(const char *store, apr_pool_t *pool)
{
    return apr_pstrcat(pool, store, "/" IIIFCTL_FAILED_DIRECTORY, NULL);
}

/* @return a descriptor, or -1 */
static int open_directory(const char *store, apr_pool_t *pool)
{
    return open(directory_of(store, pool), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Whoever may write to the store may do so there. */
static int make_directory(const char *store, apr_pool_t *pool)
{
    const int made = !mkdir(directory_of(store, pool), 0777);
    const int fd = open_directory(store, pool);
    struct stat of_store;

    if (fd >= 0 && made && !stat(store, &of_store))
        fchmod(fd, of_store.st_mode & 07777);
    return fd;
}

/* Hosts may have mounted the store in different places. */
static const char *name_of(const iiifctl_target_t *target, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%016" APR_UINT64_T_HEX_FMT,
                        iiif_hash_text(IIIF_HASH_EMPTY, target->result + strlen(target->store)));
}

static int stamp_of(iiif_stamp_t *stamp, const char *path, apr_pool_t *pool)
{
    apr_finfo_t finfo;

    if (apr_stat(&finfo, path, IIIF_STAMP_WANTED, pool) != APR_SUCCESS)
        return 0;
    *stamp = iiif_stamp_of(&finfo);
    return 1;
}

/* As it stands in a record: JSON has no integers of 64 bits. */
static const char *content_of(const iiif_stamp_t *stamp, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%016" APR_UINT64_T_HEX_FMT, iiif_stamp_hash(IIIF_HASH_EMPTY, stamp));
}

/* -- a record -----------------------------------------------------------------------------------
 */

static cJSON *read_record(int directory, const char *name, apr_pool_t *pool)
{
    const int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    char *text;
    ssize_t len;

    if (fd < 0)
        return NULL;
    text = apr_palloc(pool, RECORD_MAX);
    len = read(fd, text, RECORD_MAX);
    close(fd);
    return len > 0 ? cJSON_ParseWithLength(text, (size_t)len) : NULL;
}

/* Whole, or not at all. */
static void write_record(int directory, const char *name, const char *text, apr_pool_t *pool)
{
    const char *temporary = apr_psprintf(pool, "%s.%ld", name, (long)getpid());
    const size_t len = strlen(text);
    const int fd =
        openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    int written;

    if (fd < 0)
        return;
    written = write(fd, text, len) == (ssize_t)len;
    if (close(fd) || !written || renameat(directory, temporary, directory, name))
        unlinkat(directory, temporary, 0);
}

static const char *text_in(const cJSON *record, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(record, name));

    return text ? text : "";
}

static int is_of(const cJSON *record, const char *path, apr_pool_t *pool)
{
    iiif_stamp_t stamp;

    return !strcmp(text_in(record, "source"), path) && stamp_of(&stamp, path, pool)
           && !strcmp(text_in(record, "content"), content_of(&stamp, pool));
}

/* -- of one target ------------------------------------------------------------------------------
 */

int iiifctl_failure_is_known(const iiifctl_target_t *target, const char *path, iiif_err_t *reason,
                             apr_pool_t *pool)
{
    const int directory = open_directory(target->store, pool);
    cJSON *record;
    int known;

    if (directory < 0)
        return 0;
    record = read_record(directory, name_of(target, pool), pool);
    close(directory);
    known = is_of(record, path, pool);
    if (known)
        iiif_fail(reason, IIIF_EBADSOURCE, "failed before, and has not changed: %.200s",
                  text_in(record, "reason"));
    cJSON_Delete(record);
    return known;
}

/* @return freed by cJSON_free(); NULL: no memory */
static char *record_text(const char *path, const iiif_stamp_t *stamp, const iiif_err_t *reason,
                         apr_pool_t *pool)
{
    cJSON *record = cJSON_CreateObject();
    char *text;

    cJSON_AddStringToObject(record, "source", path);
    cJSON_AddStringToObject(record, "content", content_of(stamp, pool));
    cJSON_AddStringToObject(record, "reason", reason->text);
    text = cJSON_PrintUnformatted(record);
    cJSON_Delete(record);
    return text;
}

void iiifctl_failure_note(const iiifctl_target_t *target, const char *path, apr_time_t since,
                          const iiif_err_t *reason, apr_pool_t *pool)
{
    iiif_stamp_t stamp;
    int directory;
    char *text;

    if (!stamp_of(&stamp, path, pool) || stamp.ctime >= since || iiif_stamp_may_repeat(&stamp)
        || (directory = make_directory(target->store, pool)) < 0)
        return;
    text = record_text(path, &stamp, reason, pool);
    if (text)
        write_record(directory, name_of(target, pool), text, pool);
    cJSON_free(text);
    close(directory);
}

void iiifctl_failure_forget(const iiifctl_target_t *target, apr_pool_t *pool)
{
    iiifctl_failure_remove(target->store, name_of(target, pool), NULL, pool);
}

/* -- of a store ---------------------------------------------------------------------------------
 */

static int is_record(const char *name)
{
    return strspn(name, "0123456789abcdef") == DIGITS && (!name[DIGITS] || name[DIGITS] == '.');
}

static int is_over(int directory, const char *name, apr_pool_t *pool)
{
    cJSON *record = read_record(directory, name, pool);
    const int over = name[DIGITS] || !is_of(record, text_in(record, "source"), pool);

    cJSON_Delete(record);
    return over;
}

apr_array_header_t *iiifctl_failures_over(const char *store, apr_pool_t *pool)
{
    apr_array_header_t *over = apr_array_make(pool, 4, sizeof(const char *));
    const int directory = open_directory(store, pool);
    DIR *records = directory < 0 ? NULL : fdopendir(directory);
    const struct dirent *entry;
    apr_pool_t *scratch;

    if (!records)
        return over;
    apr_pool_create(&scratch, pool);
    while ((entry = readdir(records))) {
        if (is_record(entry->d_name) && is_over(directory, entry->d_name, scratch))
            APR_ARRAY_PUSH(over, const char *) = apr_pstrdup(pool, entry->d_name);
        apr_pool_clear(scratch);
    }
    apr_pool_destroy(scratch);
    closedir(records);
    return over;
}

apr_status_t iiifctl_failure_remove(const char *store, const char *name, iiif_err_t *err,
                                    apr_pool_t *pool)
{
    const int directory = open_directory(store, pool);
    int failed, code;

    if (directory < 0)
        return APR_FROM_OS_ERROR(errno);
    failed = unlinkat(directory, name, 0);
    code = errno;
    close(directory);
    if (failed)
        return iiif_fail(err, APR_FROM_OS_ERROR(code), "cannot be removed: %s", strerror(code));
    rmdir(directory_of(store, pool)); /* if that was the last one */
    return APR_SUCCESS;
}
