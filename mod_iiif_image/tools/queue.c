/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/queue.h"

#include <apr_strings.h>
#include <apr_time.h>
#include <apr_uri.h>
#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/options.h"

#include "base/banned.h"

#define PORT  6379
#define BEAT  10 /* seconds between signs of life */
#define ALIVE 30 /* seconds that one lasts */

/* One path that was taken, which may stand for the files of a directory. By malloc(). */
typedef struct item_t {
    int open; /* files that are not done with */
    int failed;
    size_t length;
    char text[];
} item_t;

struct iiifctl_queue_t {
    const char *list;   /* the queue's key */
    const char *mine;   /* of what we have begun */
    redisContext *talk; /* for what is answered at once */
    redisContext *take; /* waits for a path */
    long long taker;    /* the number by which the server knows that one */
    int asked;          /* @a take has been asked for a path */
    apr_time_t beat;    /* when the last one was */
    iiif_err_t lost;    /* why Redis is of no use any more; "": it is */
    iiifctl_feed_t feed;
};

/* -- words with the server ----------------------------------------------------------------------
 */

static void lose(iiifctl_queue_t *queue, const char *reason)
{
    if (!*queue->lost.text)
        iiif_fail(&queue->lost, APR_EGENERAL, "Redis: %.200s", reason);
}

/* @return the answer, to be freed; NULL: there is none, or a refusal, and Redis counts as lost */
static redisReply *ask(iiifctl_queue_t *queue, redisContext *context, const char *format, ...)
{
    redisReply *reply;
    va_list ap;

    if (*queue->lost.text)
        return NULL;
    va_start(ap, format);
    reply = redisvCommand(context, format, ap);
    va_end(ap);
    if (reply && reply->type != REDIS_REPLY_ERROR)
        return reply;
    lose(queue, reply ? reply->str : context->errstr);
    if (reply)
        freeReplyObject(reply);
    return NULL;
}

/* For a command whose answer is a number, or does not matter. */
static long long number_of(redisReply *reply)
{
    long long number = reply ? reply->integer : 0;

    if (reply)
        freeReplyObject(reply);
    return number;
}

static redisContext *reach(const apr_uri_t *uri, iiif_err_t *err)
{
    const struct timeval patience = { BEAT, 0 };
    redisContext *context =
        redisConnectWithTimeout(uri->hostname, uri->port_str ? uri->port : PORT, patience);

    if (context && !context->err && redisSetTimeout(context, patience) == REDIS_OK
        && redisEnableKeepAlive(context) == REDIS_OK)
        return context;
    iiif_fail(err, APR_EGENERAL, "Redis cannot be reached at %s: %s", uri->hostinfo,
              context ? context->errstr : "no memory");
    if (context)
        redisFree(context);
    return NULL;
}

/* -- those who are dead -------------------------------------------------------------------------
 */

/* Back into the queue, one by one: each is in one list or in the other at any time. */
static void put_back(iiifctl_queue_t *queue, const char *begun)
{
    redisReply *reply;
    int more = 1;

    while (more && (reply = ask(queue, queue->talk, "RPOPLPUSH %s %s", begun, queue->list))) {
        more = reply->type == REDIS_REPLY_STRING;
        freeReplyObject(reply);
    }
}

static void bury(iiifctl_queue_t *queue, const char *other)
{
    redisReply *alive = ask(queue, queue->talk, "EXISTS %s:alive", other);

    if (!alive || number_of(alive))
        return;
    put_back(queue, other);
    number_of(ask(queue, queue->talk, "SREM %s:workers %s", queue->list, other));
}

static void take_over(iiifctl_queue_t *queue)
{
    redisReply *others = ask(queue, queue->talk, "SMEMBERS %s:workers", queue->list);
    size_t i;

    for (i = 0; others && i < others->elements; ++i) {
        if (strcmp(others->element[i]->str, queue->mine) != 0)
            bury(queue, others->element[i]->str);
    }
    if (others)
        freeReplyObject(others);
}

static void beat(iiifctl_queue_t *queue)
{
    queue->beat = apr_time_now();
    number_of(ask(queue, queue->talk, "SET %s:alive 1 EX %d", queue->mine, ALIVE));
    number_of(ask(queue, queue->talk, "SADD %s:workers %s", queue->list, queue->mine));
    take_over(queue);
}

/* -- paths --------------------------------------------------------------------------------------
 */

/* Whoever dies between the two leaves a path in both lists, and not in none. */
static void end_item(iiifctl_queue_t *queue, item_t *item)
{
    if (item->failed)
        number_of(
            ask(queue, queue->talk, "LPUSH %s:failed %b", queue->list, item->text, item->length));
    number_of(ask(queue, queue->talk, "LREM %s 1 %b", queue->mine, item->text, item->length));
    free(item);
}

static void done(void *baton, const iiifctl_file_t *file, int failed)
{
    item_t *item = file->origin;

    item->failed |= failed;
    if (!--item->open)
        end_item(baton, item);
}

static void begin_item(iiifctl_queue_t *queue, iiifctl_sources_t *sources, const redisReply *reply)
{
    const int before = sources->files->nelts;
    const size_t length = (size_t)reply->len;
    item_t *item = malloc(sizeof(*item) + length + 1);

    if (!item)
        abort();
    *item = (item_t){ .length = length };
    memcpy(item->text, reply->str, length);
    item->text[length] = '\0';
    item->failed = strlen(item->text) != length || !length || length >= APR_PATH_MAX;
    if (!item->failed) {
        sources->origin = item;
        iiifctl_sources_add(sources, item->text);
        sources->origin = NULL;
    }
    item->open = sources->files->nelts - before;
    if (!item->open)
        end_item(queue, item);
}

static void read_path(iiifctl_sources_t *sources, void *baton)
{
    iiifctl_queue_t *queue = baton;
    void *answer = NULL;
    redisReply *reply;

    if (redisBufferRead(queue->take) != REDIS_OK
        || redisReaderGetReply(queue->take->reader, &answer) != REDIS_OK) {
        lose(queue, *queue->take->errstr ? queue->take->errstr : queue->take->reader->errstr);
        return;
    }
    if (!(reply = answer))
        return; /* half of it */
    queue->asked = 0;
    if (reply->type == REDIS_REPLY_STRING)
        begin_item(queue, sources, reply);
    else
        lose(queue, reply->type == REDIS_REPLY_ERROR ? reply->str : "an answer of another kind");
    freeReplyObject(reply);
}

static void ask_for_path(iiifctl_queue_t *queue)
{
    int sent = 0;

    queue->asked = 1;
    if (redisAppendCommand(queue->take, "BRPOPLPUSH %s %s 0", queue->list, queue->mine) != REDIS_OK)
        lose(queue, queue->take->errstr);
    while (!sent && !*queue->lost.text) {
        if (redisBufferWrite(queue->take, &sent) != REDIS_OK)
            lose(queue, queue->take->errstr);
    }
}

static int tick(iiifctl_sources_t *sources, void *baton, int wanted)
{
    iiifctl_queue_t *queue = baton;
    apr_time_t rest = queue->beat + apr_time_from_sec(BEAT) - apr_time_now();

    if (rest <= 0 || rest > apr_time_from_sec(BEAT)) {
        beat(queue);
        rest = apr_time_from_sec(BEAT);
    }
    if (wanted && !queue->asked && !*queue->lost.text)
        ask_for_path(queue);
    if (*queue->lost.text)
        sources->list = -1;
    return (int)apr_time_as_msec(rest) + 1;
}

/* -- begin and end ------------------------------------------------------------------------------
 */

static apr_status_t read_uri(apr_uri_t *uri, const char *text, iiif_err_t *err, apr_pool_t *pool)
{
    long port;

    if (apr_uri_parse(pool, text, uri) != APR_SUCCESS || !uri->scheme
        || strcmp(uri->scheme, "redis") != 0 || !uri->hostname || !*uri->hostname || uri->user
        || uri->query || uri->fragment || !uri->path || uri->path[0] != '/' || !uri->path[1]
        || (uri->port_str && !iiifctl_number(&port, uri->port_str, 1, 65535)))
        return iiif_fail(err, APR_EINVAL, "--queue: '%.200s' is not redis://host[:port]/list",
                         text);
    return APR_SUCCESS;
}

static apr_status_t hang_up(iiifctl_queue_t *queue, iiif_err_t *err)
{
    if (queue->take)
        redisFree(queue->take);
    if (queue->talk)
        redisFree(queue->talk);
    return *queue->lost.text ? iiif_fail(err, APR_EGENERAL, "%s", queue->lost.text) : APR_SUCCESS;
}

apr_status_t iiifctl_queue_open(iiifctl_queue_t **queue, const char *uri, iiif_err_t *err,
                                apr_pool_t *pool)
{
    iiifctl_queue_t *q = apr_pcalloc(pool, sizeof(*q));
    char host[256] = "";
    apr_uri_t parsed;
    apr_status_t rv = read_uri(&parsed, uri, err, pool);

    if (rv != APR_SUCCESS)
        return rv;
    gethostname(host, sizeof(host) - 1);
    q->list = parsed.path + 1;
    q->mine = apr_psprintf(pool, "%s:%s:%ld", q->list, host, (long)getpid());
    q->talk = reach(&parsed, err);
    q->take = q->talk ? reach(&parsed, err) : NULL;
    if (!q->take) {
        hang_up(q, NULL);
        return APR_EGENERAL;
    }
    q->taker = number_of(ask(q, q->take, "CLIENT ID"));
    put_back(q, q->mine); /* of one that died, and had our number */
    beat(q);
    if (*q->lost.text)
        return hang_up(q, err);
    *queue = q;
    return APR_SUCCESS;
}

void iiifctl_queue_feed(iiifctl_queue_t *queue, iiifctl_sources_t *sources)
{
    queue->feed = (iiifctl_feed_t){ .baton = queue, .tick = tick, .read = read_path, .done = done };
    sources->feed = &queue->feed;
    sources->list = queue->take->fd;
}

apr_status_t iiifctl_queue_close(iiifctl_queue_t *queue, iiif_err_t *err)
{
    /* no path may come any more when the last ones are put back */
    number_of(ask(queue, queue->talk, "CLIENT KILL ID %lld", queue->taker));
    put_back(queue, queue->mine);
    number_of(ask(queue, queue->talk, "DEL %s:alive", queue->mine));
    number_of(ask(queue, queue->talk, "SREM %s:workers %s", queue->list, queue->mine));
    return hang_up(queue, err);
}
