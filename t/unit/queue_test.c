/* SPDX-License-Identifier: Apache-2.0 */
/* What no healthy Redis says: t/77-iiifctl-queue.t has a real one. */
#include "tools/queue.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tap.h"

static apr_pool_t *pool;

/* -- a server that says what it is told ---------------------------------------------------------
 */

#define COMMANDS 8

/* What it answers to the commands whose name begins so; else ":1". */
static const struct {
    const char *command, *answer;
} answers[] = {
    { "SMEMBERS", "*0\r\n" },
    { "RPOPLPUSH", "$-1\r\n" },
    { "SET", "+OK\r\n" },
};

/* Written before the server's threads begin, and by them under the lock. */
static const char *paths[3]; /* the pieces of the answer to BRPOPLPUSH; NULL: it closes */
static const char *refused;  /* the command that is refused; NULL: none */
static char heard[65536];    /* what counts of the commands, a line each */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* One command: an array of strings, which it prints with spaces between. @return 0: there is none
 */
static int hear(FILE *in, char *command, size_t size)
{
    int words, length;
    size_t at = 0;

    if (fscanf(in, "*%d\r\n", &words) != 1)
        return 0;
    for (; words > 0; --words) {
        if (fscanf(in, "$%d", &length) != 1 || fgetc(in) != '\r' || fgetc(in) != '\n'
            || at + (size_t)length + 2 > size
            || fread(command + at, 1, (size_t)length + 2, in) != (size_t)length + 2)
            return 0;
        at += (size_t)length;
        command[at++] = ' ';
    }
    command[at - 1] = '\0';
    return 1;
}

static void note(const char *command)
{
    static const char *const counting[] = { "LPUSH", "LREM" };
    unsigned i;

    pthread_mutex_lock(&lock);
    for (i = 0; i < ROWS(counting); ++i) {
        if (!strncmp(command, counting[i], strlen(counting[i]))) {
            const size_t at = strlen(heard);

            snprintf(heard + at, sizeof(heard) - at, "%s\n", command);
        }
    }
    pthread_mutex_unlock(&lock);
}

static void say(int fd, const char *text)
{
    (void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* In pieces, so that half an answer is read. @return 0: it closes */
static int answer_path(int fd)
{
    int i;

    for (i = 0; i < (int)ROWS(paths) && paths[i]; ++i) {
        say(fd, paths[i]);
        usleep(50000);
    }
    return i > 0;
}

static int answer(int fd, const char *command)
{
    unsigned i;

    note(command);
    if (!strncmp(command, "BRPOPLPUSH", 10))
        return answer_path(fd);
    if (refused && !strncmp(command, refused, strlen(refused))) {
        say(fd, "-NOAUTH go away\r\n");
        return 1;
    }
    for (i = 0; i < ROWS(answers); ++i) {
        if (!strncmp(command, answers[i].command, strlen(answers[i].command))) {
            say(fd, answers[i].answer);
            return 1;
        }
    }
    say(fd, ":1\r\n");
    return 1;
}

static void *serve(void *client)
{
    const int fd = *(int *)client;
    FILE *in = fdopen(fd, "r");
    char command[8192];

    while (in && hear(in, command, sizeof(command)) && answer(fd, command))
        continue;
    if (in)
        fclose(in);
    return NULL;
}

static void *accept_all(void *listener)
{
    static int clients[64];
    pthread_t thread;
    unsigned i;

    for (i = 0; i < ROWS(clients); ++i) {
        clients[i] = accept(*(int *)listener, NULL, NULL);
        if (clients[i] < 0 || pthread_create(&thread, NULL, serve, &clients[i]))
            abort();
        pthread_detach(thread);
    }
    return NULL;
}

/* @return its port */
static int begin_server(void)
{
    static int listener;
    struct sockaddr_in at = { .sin_family = AF_INET };
    socklen_t size = sizeof(at);
    pthread_t thread;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&at, size) || listen(listener, COMMANDS)
        || getsockname(listener, (struct sockaddr *)&at, &size)
        || pthread_create(&thread, NULL, accept_all, &listener))
        abort();
    pthread_detach(thread);
    return ntohs(at.sin_port);
}

/* -- the client ---------------------------------------------------------------------------------
 */

static const char *const wrong[] = {
    "",
    "redis",
    "redis:",
    "redis://",
    "redis:///list",
    "redis://host",
    "redis://host/",
    "http://host/list",
    "rediss://host/list",
    "redis://user@host/list",
    "redis://:password@host/list",
    "redis://host/list?x",
    "redis://host/list#x",
    "redis://host:99999999999/list",
    "redis://host:65536/list",
    "redis://host:0/list",
    "redis://host:x/list",
};

static void test_uris(void)
{
    iiifctl_queue_t *queue = NULL;
    unsigned i;

    for (i = 0; i < ROWS(wrong); ++i) {
        iiif_err_t err = { "" };

        ok(iiifctl_queue_open(&queue, wrong[i], &err, pool) == APR_EINVAL && !queue,
           "'%s' is no queue", wrong[i]);
        ok(strstr(err.text, "is not redis://host[:port]/list") != NULL, "  and that is told");
    }
}

static iiifctl_sources_t sources;

static iiifctl_queue_t *open_queue(int port, iiif_err_t *err)
{
    iiifctl_queue_t *queue = NULL;

    iiifctl_queue_open(&queue, apr_psprintf(pool, "redis://127.0.0.1:%d/list", port), err, pool);
    if (!queue)
        return NULL;
    sources = (iiifctl_sources_t){ .list = -1 };
    apr_pool_create(&sources.pool, pool);
    iiifctl_sources_forget(&sources);
    iiifctl_queue_feed(queue, &sources);
    *heard = '\0';
    return queue;
}

/* Until there is a file, or the end of the list, or the other side has heard that there was none.
 */
static void run(void)
{
    struct pollfd polled = { .events = POLLIN };
    int turn;

    for (turn = 0; turn < 100 && sources.list >= 0 && !sources.files->nelts && !*heard; ++turn) {
        sources.feed->tick(&sources, sources.feed->baton, 1);
        polled.fd = sources.list;
        if (polled.fd >= 0 && poll(&polled, 1, 100) > 0)
            iiifctl_sources_read(&sources);
    }
}

static void begin_case(const char *first, const char *second)
{
    paths[0] = first;
    paths[1] = first ? second : NULL;
}

static void test_whole(int port)
{
    iiif_err_t err = { "" };
    iiifctl_queue_t *queue;
    const iiifctl_file_t *file;

    begin_case("$10\r\n/no", "-such/x\r\n");
    queue = open_queue(port, &err);
    run();
    file = iiifctl_sources_next(&sources);
    ok(file && !strcmp(file->path, "/no-such/x") && file->origin,
       "a path that comes in two pieces is one");
    ok(!*heard, "  it is not done with");
    sources.feed->done(sources.feed->baton, file, 0);
    ok(!!strstr(heard, "LREM list:") && strstr(heard, " 1 /no-such/x\n"), "  until it is: removed");
    ok(!strstr(heard, "LPUSH"), "    and not among those that failed");
    ok(iiifctl_queue_close(queue, &err) == APR_SUCCESS, "  the queue closes well");
}

/* Redis keeps any bytes; a path is none of these. */
static void test_no_paths(int port)
{
    const char *const none[] = { "$0\r\n\r\n", apr_psprintf(pool, "$5000\r\n%05000d\r\n", 0) };
    unsigned i;

    for (i = 0; i < ROWS(none); ++i) {
        iiif_err_t err = { "" };
        iiifctl_queue_t *queue;

        begin_case(none[i], NULL);
        queue = open_queue(port, &err);
        run();
        ok(sources.files->nelts == 0, "%.5s is no path", none[i]);
        ok(!strncmp(heard, "LPUSH list:failed ", 18), "  it is put among those that failed");
        ok(!!strstr(heard, "\nLREM list:"), "  and is done with");
        ok(iiifctl_queue_close(queue, &err) == APR_SUCCESS, "  the queue goes on");
    }
}

static const struct {
    const char *answer, *reason, *what;
} losses[] = {
    { "-LOADING wait\r\n", "LOADING wait", "an error" },
    { ":5\r\n", "another kind", "a number" },
    { "*1\r\n$1\r\na\r\n", "another kind", "an array" },
    { "$-1\r\n", "another kind", "nothing" },
    { "?what\r\n", "Protocol error", "no Redis" },
    { "$-7\r\n", "Bulk string length out of range", "a length below nothing" },
    { NULL, "closed", "the end of the connection" },
};

static void test_losses(int port)
{
    unsigned i;

    for (i = 0; i < ROWS(losses); ++i) {
        iiif_err_t err = { "" };
        iiifctl_queue_t *queue;

        begin_case(losses[i].answer, NULL);
        queue = open_queue(port, &err);
        run();
        sources.feed->tick(&sources, sources.feed->baton, 1);
        ok(sources.list == -1 && !sources.files->nelts, "%s instead of a path ends the list",
           losses[i].what);
        ok(iiifctl_queue_close(queue, &err) == APR_EGENERAL && strstr(err.text, losses[i].reason),
           "  for a reason: %s", err.text);
    }
}

static void test_refusal(int port)
{
    static const char *const commands[] = { "CLIENT ID", "RPOPLPUSH", "SET", "SADD", "SMEMBERS" };
    unsigned i;

    for (i = 0; i < ROWS(commands); ++i) {
        iiif_err_t err = { "" };

        refused = commands[i];
        ok(!open_queue(port, &err) && strstr(err.text, "NOAUTH go away"),
           "%s is refused: nothing is begun", commands[i]);
    }
    refused = NULL;
}

static void test_nobody(void)
{
    iiif_err_t err = { "" };

    ok(!open_queue(1, &err) && strstr(err.text, "Redis cannot be reached at 127.0.0.1:1"),
       "where there is no Redis, that is told");
}

int main(void)
{
    int port;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_uris();
    test_nobody();
    port = begin_server();
    test_whole(port);
    test_no_paths(port);
    test_losses(port);
    test_refusal(port);
    return done_testing();
}
