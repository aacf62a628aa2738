/* SPDX-License-Identifier: Apache-2.0 */
#include "resolve/resolver.h"

#include <string.h>

#include "tap.h"

/* clang-format off */
static const struct {
    const char *name;
    const iiif_resolver_t *resolver;
} cases[] = {
    { "filesystem",   &iiif_resolver_filesystem },
    { "FileSystem",   &iiif_resolver_filesystem }, /* as httpd's other keywords */
    { "",             NULL },
    { "file",         NULL },
    { "filesystem ",  NULL },
    { "filesystems",  NULL },
    { "http",         NULL },
    { "dbd",          &iiif_resolver_dbd },
    { "DBD",          &iiif_resolver_dbd },
    { "dbd2",         NULL },
};
/* clang-format on */

int main(void)
{
    char names[] = IIIF_RESOLVER_NAMES, *name, *rest;
    unsigned i;

    for (i = 0; i < ROWS(cases); ++i)
        ok(iiif_resolver_by_name(cases[i].name) == cases[i].resolver, "'%s' is %s", cases[i].name,
           cases[i].resolver ? cases[i].resolver->name : "no resolver");
    for (name = names; name; name = rest) {
        const iiif_resolver_t *resolver;

        rest = strchr(name, ' ');
        if (rest)
            *rest++ = '\0';
        resolver = iiif_resolver_by_name(name);
        ok(resolver && !strcmp(resolver->name, name) && resolver->resolve, "%s is there", name);
    }
    return done_testing();
}
