/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include <apr_strings.h>
#include <string.h>

#include "base/banned.h"

#define SEGMENT_MAX 255 /* NAME_MAX everywhere; beyond it httpd's own walk says 403 */

/* Rows of RFC 3629, 4: the second byte decides. */
int iiif_path_utf8_sequence(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    int n, i;

    if (s[0] < 0x80)
        return s[0] >= 0x20 && s[0] != 0x7f;
    n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    for (i = 1; i < n; ++i) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f)
        || (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

int iiif_path_is_clean_utf8(const char *text)
{
    while (*text) {
        int n = iiif_path_utf8_sequence(text);

        if (!n)
            return 0;
        text += n;
    }
    return 1;
}

static int is_clean_segment(const char *segment, apr_size_t len)
{
    if (len == 0 || len > SEGMENT_MAX)
        return 0;
    return !(segment[0] == '.' && (len == 1 || (len == 2 && segment[1] == '.')));
}

apr_status_t iiif_path_join(const char **path, const char *root, const char *relative,
                            iiif_err_t *err, apr_pool_t *pool)
{
    const char *s = relative;

    if (strchr(relative, '\\') || !iiif_path_is_clean_utf8(relative))
        return iiif_fail(err, IIIF_ENOTFOUND, "the identifier cannot name a file");
    for (;;) {
        apr_size_t len = strcspn(s, "/");

        if (!is_clean_segment(s, len))
            return iiif_fail(err, IIIF_ENOTFOUND, "the identifier cannot name a file");
        if (!s[len])
            break;
        s += len + 1;
    }
    *path = apr_pstrcat(pool, strcmp(root, "/") ? root : "", "/", relative, NULL);
    return APR_SUCCESS;
}
