/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/fingerprint.h"

#include <apr_escape.h>
#include <apr_sha1.h>
#include <string.h>

#include "base/banned.h"

/* The content that pixels come from: whoever replaces a file changes one of these. */
typedef struct identity_t {
    apr_int64_t mtime, ctime, size, inode, page;
} identity_t;

/* With the NUL at its end, so that no text runs into the next. */
static void add_text(apr_sha1_ctx_t *sha1, const char *text)
{
    apr_sha1_update_binary(sha1, (const unsigned char *)text, (unsigned)strlen(text) + 1);
}

static void add_source(apr_sha1_ctx_t *sha1, const iiif_source_t *source)
{
    const identity_t identity = { source->stamp.mtime, source->stamp.ctime, source->stamp.size,
                                  (apr_int64_t)source->stamp.inode, source->levels[0].page };

    add_text(sha1, source->path);
    apr_sha1_update_binary(sha1, (const unsigned char *)&identity, sizeof(identity));
}

iiif_fingerprint_t iiif_fingerprint(const iiif_plan_t *plan, const char *made_how)
{
    unsigned char digest[APR_SHA1_DIGESTSIZE];
    iiif_fingerprint_t fingerprint;
    apr_sha1_ctx_t sha1;

    apr_sha1_init(&sha1);
    add_source(&sha1, plan->source);
    if (plan->pixels != plan->source)
        add_source(&sha1, plan->pixels);
    add_text(&sha1, made_how);
    apr_sha1_final(digest, &sha1);
    apr_escape_hex(fingerprint.text, digest, IIIF_FINGERPRINT_DIGITS / 2, 0, NULL);
    return fingerprint;
}
