/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds files, or all files of directories, to a fuzz target, so that a corpus is replayed by any
 * compiler, under any sanitizer:   replay FILE|DIRECTORY...
 * Fails when it finds nothing to replay.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned replayed, failed;

static void replay_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(size ? size : 1); /* of just its size: a sanitizer sees a step beyond */

    if (!file || !data || fread(data, 1, size, file) != size) {
        perror(path);
        ++failed;
    }
    else {
        LLVMFuzzerTestOneInput(data, size);
        ++replayed;
    }
    free(data);
    if (file)
        fclose(file);
}

static void replay(const char *path)
{
    struct dirent **names;
    struct stat st;
    int i, n;

    if (stat(path, &st)) {
        perror(path);
        ++failed;
        return;
    }
    if (!S_ISDIR(st.st_mode)) {
        replay_file(path, (size_t)st.st_size);
        return;
    }
    n = scandir(path, &names, NULL, alphasort);
    for (i = 0; i < n; ++i) {
        char inner[4096];

        snprintf(inner, sizeof(inner), "%s/%s", path, names[i]->d_name);
        if (names[i]->d_name[0] != '.')
            replay(inner);
        free(names[i]);
    }
    if (n >= 0)
        free(names);
}

int main(int argc, char **argv)
{
    int i;

    for (i = 1; i < argc; ++i)
        replay(argv[i]);
    printf("%u inputs replayed, %u not readable\n", replayed, failed);
    return failed || !replayed;
}
