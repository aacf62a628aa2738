/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tile_owner.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#include "base/banned.h"

/* What lies in a tree, exactly: another image may well be in a directory that is called as one. "#"
 * stands for a number, "*" for an extension. */
static const struct {
    const char *end; /* of the name of the tree */
    const char *file;
} trees[] = { { "_files/", "#/#_#.*" },
              { "_files/", "vips-properties.xml" },
              { "_zdata/", "TileGroup#/#-#-#.*" },
              { "_zdata/", "ImageProperties.xml" },
              { "_zdata/", "vips-properties.xml" } };

static const char *skip(const char *s, int (*is_one)(int c))
{
    while (*s && is_one((unsigned char)*s))
        ++s;
    return s;
}

static int is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static int is_letter(int c)
{
    return apr_isalnum(c);
}

static int matches(const char *s, const char *pattern)
{
    for (; *pattern; ++pattern) {
        const char *from = s;

        if (*pattern == '#' || *pattern == '*') {
            s = skip(s, *pattern == '#' ? is_digit : is_letter);
            if (s == from)
                return 0;
        }
        else if (*s++ != *pattern)
            return 0;
    }
    return !*s;
}

/* The last place in @a path, or NULL. */
static const char *find_last(const char *path, const char *end)
{
    const char *found = NULL, *s;

    for (s = path; (s = strstr(s, end)); ++s)
        found = s;
    return found;
}

const char *iiif_tile_owner(const char *path, apr_pool_t *pool)
{
    unsigned i;

    for (i = 0; i < sizeof(trees) / sizeof(trees[0]); ++i) {
        const char *end = find_last(path, trees[i].end);

        if (end && end > path && end[-1] != '/'
            && matches(end + strlen(trees[i].end), trees[i].file))
            return apr_pstrmemdup(pool, path, (apr_size_t)(end - path));
    }
    return NULL;
}
