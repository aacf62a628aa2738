/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/negotiate.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>
#include <strings.h>

#include "base/banned.h"

/* qvalue = "0" [ "." 0*3DIGIT ] / "1" [ "." 0*3"0" ], in thousandths; anything else counts as 1 */
static int weight(const char *text)
{
    int value = *text == '0' ? 0 : 1000, unit = 100;

    if (value || text[1] != '.')
        return value;
    for (text += 2; apr_isdigit(*text) && unit; ++text, unit /= 10)
        value += (*text - '0') * unit;
    return value;
}

static void take_parameter(int *q, iiif_version_e *version, const char *parameter)
{
    while (apr_isspace(*parameter))
        ++parameter;
    if (!strncasecmp(parameter, "q=", 2))
        *q = weight(parameter + 2);
    else if (!strncasecmp(parameter, "profile=", 8)) {
        if (strstr(parameter, "://iiif.io/api/image/3/context.json"))
            *version = IIIF_VERSION_3;
        else if (strstr(parameter, "://iiif.io/api/image/2/context.json"))
            *version = IIIF_VERSION_2;
    }
}

/* One media range with its parameters: a semicolon inside quotes does not end one. */
static void take_range(iiif_accept_t *accept, char *item)
{
    iiif_version_e version = IIIF_VERSION_NONE;
    apr_size_t type_len = strcspn(item, "; \t");
    char *s = item + type_len, *start = NULL;
    int quoted = 0, q = 1000;

    for (;; ++s) {
        if (*s == '"')
            quoted = !quoted;
        if (*s && (*s != ';' || quoted))
            continue;
        if (start) {
            char end = *s;

            *s = '\0';
            take_parameter(&q, &version, start);
            *s = end;
        }
        if (!*s)
            break;
        start = s + 1;
    }
    item[type_len] = '\0';
    if (!strcasecmp(item, "application/json"))
        accept->json = q > accept->json ? q : accept->json;
    else if (!strcasecmp(item, "application/ld+json"))
        accept->ld_json = q > accept->ld_json ? q : accept->ld_json;
    else if (!strcmp(item, "*/*") || !strcasecmp(item, "application/*"))
        accept->any = q > accept->any ? q : accept->any;
    if (version != IIIF_VERSION_NONE && q > accept->version_weight) {
        accept->version = version;
        accept->version_weight = q;
    }
}

iiif_accept_t iiif_accept_read(const request_rec *r)
{
    iiif_accept_t accept = { IIIF_VERSION_NONE, 0, -1, -1, -1 };
    const char *field = apr_table_get(r->headers_in, "Accept");
    char *item;

    while (field && *field && (item = ap_get_list_item(r->pool, &field)))
        take_range(&accept, item);
    return accept;
}

int iiif_accept_ld_json(const iiif_accept_t *accept, iiif_version_e version)
{
    int json = accept->json >= 0 ? accept->json : accept->any;
    int ld_json = accept->ld_json >= 0 ? accept->ld_json : accept->any;

    if (version == IIIF_VERSION_2) {
        /* 2.1, 5.1: JSON-LD only for those who name it */
        if (accept->ld_json <= 0)
            return 0;
        return accept->json >= 0 ? ld_json > json : ld_json >= json;
    }
    /* 3.0, 5.1: JSON-LD unless it is refused, or plain JSON is named and liked better */
    if (!accept->ld_json && json > 0)
        return 0;
    if (accept->json <= 0)
        return 1;
    return accept->ld_json >= 0 ? ld_json >= json : ld_json > json;
}
