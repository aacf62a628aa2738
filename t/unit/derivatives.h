/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_T_DERIVATIVES_H
#define IIIF_T_DERIVATIVES_H
/**
 * @file derivatives.h
 * @brief A store of derivatives in a directory of its own, for tests.
 */
#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/derivative.h"
#include "store/derivative_bound.h"
#include "store/lease.h"
#include "tap.h"

#define FINGERPRINT "0123456789abcdef0123456789abcdef"
#define TRAILER     16

static char directory[] = "/tmp/iiif-derivatives-XXXXXX";

/* What is below the directory at @a path: bytes as the bound counts them, and files. */
__attribute__((unused)) static apr_int64_t held_in(const char *path, int depth, unsigned *files)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    apr_int64_t sum = 0;

    while (dir && (entry = readdir(dir))) {
        char child[4096];
        struct stat is;

        if (entry->d_name[0] == '.' || (!depth && strlen(entry->d_name) != 2))
            continue;
        snprintf(child, sizeof(child), "%s/%s", path, entry->d_name);
        if (lstat(child, &is))
            continue;
        if (S_ISDIR(is.st_mode))
            sum += 4096 + held_in(child, depth + 1, files);
        else {
            sum += (is.st_size + 4095) / 4096 * 4096;
            ++*files;
        }
    }
    if (dir)
        closedir(dir);
    return sum;
}

__attribute__((unused)) static iiif_derivative_t
named(const iiif_derivative_store_t *store, const char *name, const char *key, apr_pool_t *pool)
{
    const iiif_derivative_query_t query = { name, FINGERPRINT, key };
    iiif_derivative_t derivative;

    iiif_derivative_name(&derivative, store, &query, pool);
    return derivative;
}

__attribute__((unused)) static apr_status_t keep(const iiif_derivative_t *derivative,
                                                 const char *data, apr_size_t length, int *evict)
{
    const iiif_derivative_content_t content = { data, length, apr_time_from_sec(1000000000) };
    iiif_err_t err;

    return iiif_derivative_write(evict, derivative, &content, &err);
}

/* Into the directory that was made, without what it holds. */
__attribute__((unused)) static void make_directory(void)
{
    if (!mkdtemp(directory))
        exit(1);
}

__attribute__((unused)) static void remove_directory(void)
{
    pid_t child = fork();

    if (!child)
        _exit(execlp("rm", "rm", "-rf", directory, (char *)NULL));
    waitpid(child, NULL, 0);
}
#endif
