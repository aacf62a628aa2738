/* SPDX-License-Identifier: Apache-2.0 */
/* A path joined under a root stays under it, whatever the identifier was. Input: the identifier. */
#include <apr_general.h>
#include <apr_pools.h>
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Walk the path as a kernel would, counting how deep below the root it is. */
static void check_below(const char *path, const char *root)
{
    const char *s = path + strlen(root);

    assert(!strncmp(path, root, strlen(root)) && *s == '/');
    while (*s) {
        size_t len = strcspn(++s, "/");

        assert(len > 0 && len <= 255);
        assert(!(len == 1 && s[0] == '.') && !(len == 2 && s[0] == '.' && s[1] == '.'));
        s += len;
    }
    for (s = path; *s; ++s)
        assert((unsigned char)*s >= ' ' && *s != '\\' && *s != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *root;
    const char *path = NULL;
    apr_pool_t *pool;
    char *text;

    if (memchr(data, '\0', size))
        return 0;
    if (!root) {
        apr_initialize();
        apr_pool_create(&root, NULL);
    }
    apr_pool_create(&pool, root);
    text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    if (iiif_path_join(&path, "/srv/images", text, NULL, pool) == APR_SUCCESS) {
        assert(iiif_path_is_clean_utf8(text));
        check_below(path, "/srv/images");
    }
    if (iiif_path_join(&path, "/", text, NULL, pool) == APR_SUCCESS)
        check_below(path, "");
    free(text);
    apr_pool_destroy(pool);
    return 0;
}
