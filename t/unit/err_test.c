/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <string.h>

#include "tap.h"

static const apr_status_t codes[] = { IIIF_EBADREQUEST, IIIF_ENOTFOUND, IIIF_ENOTIMPL, IIIF_ETOOBIG,
                                      IIIF_EBADSOURCE };

int main(void)
{
    char longer[600];
    iiif_err_t err = { "before" };
    unsigned i, k;

    for (i = 0; i < ROWS(codes); ++i) {
        ok(codes[i] >= APR_OS_START_USERERR && codes[i] < APR_OS_START_EAIERR,
           "code %u lies in APR's range for applications", i);
        for (k = 0; k < i; ++k)
            ok(codes[i] != codes[k], "  and is not code %u", k);
    }
    ok(iiif_fail(&err, IIIF_ENOTFOUND, "no %s in %d of %ux%u", "cat", 7, 3u, 2u) == IIIF_ENOTFOUND,
       "the status is handed back");
    ok(!strcmp(err.text, "no cat in 7 of 3x2"), "the sentence is formatted: %s", err.text);
    ok(iiif_fail(&err, APR_SUCCESS, "%s", "") == APR_SUCCESS && !*err.text, "an empty sentence");
    ok(iiif_fail(NULL, IIIF_ENOTIMPL, "nobody reads %d", 1) == IIIF_ENOTIMPL, "without iiif_err_t");
    ok(iiif_fail(NULL, APR_ENOENT, "plain") == APR_ENOENT, "a status that is not ours");

    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    iiif_fail(&err, IIIF_EBADREQUEST, "%s", longer);
    ok(strlen(err.text) == sizeof(err.text) - 1 && strspn(err.text, "x") == sizeof(err.text) - 1,
       "a longer sentence is cut at %u bytes", (unsigned)strlen(err.text));
    longer[sizeof(err.text) - 1] = '\0';
    iiif_fail(&err, IIIF_EBADREQUEST, "%s", longer);
    ok(strlen(err.text) == sizeof(err.text) - 1, "one that just fits is whole");
    return done_testing();
}
