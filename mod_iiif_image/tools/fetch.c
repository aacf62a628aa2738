/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/fetch.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define BODY_MAX  ((size_t)1 << 28) /* bytes */
#define REDIRECTS 5L

struct iiifctl_fetch_t {
    CURL *curl;
};

/* By malloc(), as it grows. */
typedef struct body_t {
    char *data;
    size_t len, room;
} body_t;

static size_t take(char *data, size_t size, size_t count, void *baton)
{
    body_t *body = baton;
    const size_t more = size * count;
    size_t room = body->room ? body->room : 65536;
    char *grown;

    if (more > BODY_MAX - body->len)
        return 0;
    while (room < body->len + more + 1)
        room *= 2;
    if (room > body->room) {
        grown = realloc(body->data, room);
        if (!grown)
            return 0;
        body->data = grown;
        body->room = room;
    }
    memcpy(body->data + body->len, data, more);
    body->len += more;
    return more;
}

static apr_status_t end(void *data)
{
    iiifctl_fetch_t *fetch = data;

    curl_easy_cleanup(fetch->curl);
    curl_global_cleanup();
    return APR_SUCCESS;
}

iiifctl_fetch_t *iiifctl_fetch_begin(long seconds, apr_pool_t *pool)
{
    iiifctl_fetch_t *fetch = apr_pcalloc(pool, sizeof(*fetch));

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(fetch->curl = curl_easy_init()))
        return NULL;
    apr_pool_cleanup_register(pool, fetch, end, apr_pool_cleanup_null);
    curl_easy_setopt(fetch->curl, CURLOPT_TIMEOUT, seconds);
    curl_easy_setopt(fetch->curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(fetch->curl, CURLOPT_MAXREDIRS, REDIRECTS);
    curl_easy_setopt(fetch->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(fetch->curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(fetch->curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(fetch->curl, CURLOPT_USERAGENT, "iiifctl");
    curl_easy_setopt(fetch->curl, CURLOPT_WRITEFUNCTION, take);
    return fetch;
}

static const char *essence(const char *type, apr_pool_t *pool)
{
    char *text = type ? apr_pstrmemdup(pool, type, strcspn(type, "; \t")) : apr_pstrdup(pool, "");
    char *c;

    for (c = text; *c; ++c)
        *c = (char)apr_tolower(*c);
    return text;
}

iiifctl_answer_t iiifctl_fetch(iiifctl_fetch_t *fetch, const char *url, apr_pool_t *pool)
{
    iiifctl_answer_t answer = { .type = "" };
    body_t body = { NULL, 0, 0 };
    char *type = NULL;
    curl_off_t time = 0;
    CURLcode code;

    curl_easy_setopt(fetch->curl, CURLOPT_URL, url);
    curl_easy_setopt(fetch->curl, CURLOPT_WRITEDATA, &body);
    code = curl_easy_perform(fetch->curl);
    if (code != CURLE_OK)
        answer.lost = curl_easy_strerror(code);
    else
        curl_easy_getinfo(fetch->curl, CURLINFO_RESPONSE_CODE, &answer.status);
    curl_easy_getinfo(fetch->curl, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(fetch->curl, CURLINFO_REDIRECT_COUNT, &answer.redirects);
    curl_easy_getinfo(fetch->curl, CURLINFO_TOTAL_TIME_T, &time);
    answer.type = essence(type, pool);
    answer.time = (apr_time_t)time;
    answer.body.data = apr_pstrmemdup(pool, body.data ? body.data : "", body.len);
    answer.body.len = body.len;
    free(body.data);
    return answer;
}

const char *iiifctl_fetch_escape(const iiifctl_fetch_t *fetch, const char *segment,
                                 apr_pool_t *pool)
{
    char *text = curl_easy_escape(fetch->curl, segment, (int)strlen(segment));
    const char *escaped = apr_pstrdup(pool, text ? text : "");

    curl_free(text);
    return escaped;
}
