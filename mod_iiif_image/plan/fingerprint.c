/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/fingerprint.h"

#include <apr_escape.h>
#include <apr_siphash.h>
#include <string.h>

#include "base/banned.h"

/* The content that pixels come from: whoever replaces a file changes one of these. */
typedef struct identity_t {
    apr_int64_t mtime, ctime, size, inode, page;
} identity_t;

/* Two hashes, so that together they are too long to meet by chance: each key is what came out
 * before and the number of the hash. */
typedef struct state_t {
    unsigned char keys[2][APR_SIPHASH_KSIZE];
} state_t;

static void add(state_t *state, const void *data, apr_size_t len)
{
    unsigned char digest[APR_SIPHASH_DSIZE];
    int i;

    for (i = 0; i < 2; ++i) {
        apr_siphash24_auth(digest, data, len, state->keys[i]);
        memcpy(state->keys[i], digest, sizeof(digest));
    }
}

static void add_source(state_t *state, const iiif_source_t *source)
{
    const identity_t identity = { source->stamp.mtime, source->stamp.ctime, source->stamp.size,
                                  (apr_int64_t)source->stamp.inode, source->levels[0].page };

    add(state, source->path, strlen(source->path));
    add(state, &identity, sizeof(identity));
}

iiif_fingerprint_t iiif_fingerprint(const iiif_plan_t *plan, const char *made_how)
{
    state_t state = { { { 0 }, { [APR_SIPHASH_DSIZE] = 1 } } };
    iiif_fingerprint_t fingerprint;
    int i;

    add_source(&state, plan->source);
    if (plan->pixels != plan->source)
        add_source(&state, plan->pixels);
    add(&state, made_how, strlen(made_how));
    if (plan->etag)
        add(&state, plan->etag, strlen(plan->etag));
    for (i = 0; i < 2; ++i)
        apr_escape_hex(fingerprint.text + i * IIIF_FINGERPRINT_DIGITS / 2, state.keys[i],
                       APR_SIPHASH_DSIZE, 0, NULL);
    return fingerprint;
}
