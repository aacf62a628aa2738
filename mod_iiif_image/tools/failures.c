/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/failures.h"

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_strings.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/stamp.h"

#include "base/banned.h"

#define RECORD_MAX 32768 /* bytes: a path, each of its bytes escaped, and a sentence */

static const char *directory_of(const iiifctl_target_t *target, apr_pool_t *pool)
{
    return apr_pstrcat(pool, target->store, "/" IIIFCTL_FAILED_DIRECTORY, NULL);
}

/* Hosts may have mounted the store in different places. */
static const char *record_of(const iiifctl_target_t *target, apr_pool_t *pool)
{
    const char *name = target->result + strlen(target->store);

    return apr_psprintf(pool, "%s/%016" APR_UINT64_T_HEX_FMT, directory_of(target, pool),
                        iiif_hash_text(IIIF_HASH_EMPTY, name));
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

static cJSON *read_record(const char *record, apr_pool_t *pool)
{
    char *text = apr_palloc(pool, RECORD_MAX);
    apr_size_t len = 0;
    apr_file_t *file;

    if (apr_file_open(&file, record, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT, pool) != APR_SUCCESS)
        return NULL;
    apr_file_read_full(file, text, RECORD_MAX, &len);
    apr_file_close(file);
    return cJSON_ParseWithLength(text, len);
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

int iiifctl_failure_is_known(const iiifctl_target_t *target, const char *path, iiif_err_t *reason,
                             apr_pool_t *pool)
{
    cJSON *record = read_record(record_of(target, pool), pool);
    const int known = is_of(record, path, pool);

    if (known)
        iiif_fail(reason, IIIF_EBADSOURCE, "failed before, and has not changed: %.200s",
                  text_in(record, "reason"));
    cJSON_Delete(record);
    return known;
}

/* Whoever may write to the store may do so there. */
static void make_directory(const iiifctl_target_t *target, apr_pool_t *pool)
{
    const char *directory = directory_of(target, pool);
    struct stat store;

    if (!mkdir(directory, 0777) && !stat(target->store, &store))
        chmod(directory, store.st_mode & 07777);
}

/* Whole, or not at all. */
static void write_record(const char *record, const char *text, apr_pool_t *pool)
{
    char *temporary = apr_pstrcat(pool, record, ".XXXXXX", NULL);
    const apr_size_t len = strlen(text);
    const int fd = mkstemp(temporary);
    int written;

    if (fd < 0)
        return;
    written = write(fd, text, len) == (ssize_t)len && !fchmod(fd, 0644);
    if (close(fd) || !written || rename(temporary, record))
        unlink(temporary);
}

void iiifctl_failure_note(const iiifctl_target_t *target, const char *path, apr_time_t since,
                          const iiif_err_t *reason, apr_pool_t *pool)
{
    cJSON *record;
    iiif_stamp_t stamp;
    char *text;

    if (!stamp_of(&stamp, path, pool) || stamp.ctime >= since || iiif_stamp_may_repeat(&stamp))
        return;
    make_directory(target, pool);
    record = cJSON_CreateObject();
    cJSON_AddStringToObject(record, "source", path);
    cJSON_AddStringToObject(record, "content", content_of(&stamp, pool));
    cJSON_AddStringToObject(record, "reason", reason->text);
    text = cJSON_PrintUnformatted(record);
    if (text)
        write_record(record_of(target, pool), text, pool);
    cJSON_free(text);
    cJSON_Delete(record);
}

void iiifctl_failure_forget(const iiifctl_target_t *target, apr_pool_t *pool)
{
    if (!unlink(record_of(target, pool)))
        rmdir(directory_of(target, pool)); /* if that was the last one */
}

int iiifctl_failure_is_over(const char *record, apr_pool_t *pool)
{
    cJSON *known = read_record(record, pool);
    const int over = !is_of(known, text_in(known, "source"), pool);

    cJSON_Delete(known);
    return over;
}
