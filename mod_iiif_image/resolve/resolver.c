/* SPDX-License-Identifier: Apache-2.0 */
#include "resolve/resolver.h"

#include <strings.h>

#include "base/banned.h"

static const iiif_resolver_t *const resolvers[] = { &iiif_resolver_filesystem, &iiif_resolver_dbd };

const iiif_resolver_t *iiif_resolver_by_name(const char *name)
{
    unsigned i;

    for (i = 0; i < sizeof(resolvers) / sizeof(resolvers[0]); ++i) {
        if (!strcasecmp(resolvers[i]->name, name))
            return resolvers[i];
    }
    return NULL;
}
