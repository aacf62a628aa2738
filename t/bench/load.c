/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks a httpd on this machine for a list of paths, once, in order, over connections that stay
 * open, and says how fast the answers came:
 *
 *   load [-c CONNECTIONS] [-s STATUS] [-H 'Name: value'] PORT LIST
 *   requests 12000 seconds 1.204 rate 9966.7 p50 0.000612 p99 0.001904 bytes 171234567 reopened 0
 *
 * A path goes to the next connection that is free. A time is from sending the request to the last
 * byte of the answer, in seconds. One thread, and bodies are dropped in the kernel, so that server
 * and load can share two processors. An answer of another status ends the program with an error:
 * there are no failures to count. A connection that the server closes between two answers is opened
 * again, within the time of the request.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEAD_MAX        16384
#define REQUEST_MAX     4096
#define CONNECTIONS_MAX 1024

typedef enum { IN_HEAD = -1, IN_CHUNKS = -2 } state_e;

typedef struct connection_t {
    int fd;
    const char *path;    /* that is being asked for */
    double sent;         /* when */
    char head[HEAD_MAX]; /* of the answer, and what of the body came with it */
    size_t head_length;
    int64_t missing; /* bytes of the body; or a state_e */
    uint64_t chunk;  /* bytes of this chunk that are missing, with the end of its line */
    uint64_t size;   /* of the chunk, while its line is read */
    int last;        /* the server closes behind this answer */
} connection_t;

typedef struct load_t {
    int connections, status, epoll;
    const char *header; /* "" or a line with its end */
    struct sockaddr_in address;
    char *list, **paths;
    size_t count, next, done;
    double *times;
    uint64_t bytes;
    unsigned reopened;
} load_t;

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static char *read_whole(const char *name)
{
    FILE *file = fopen(name, "rb");
    char *text;
    long length;

    if (!file || fseek(file, 0, SEEK_END) || (length = ftell(file)) < 0)
        die("%s: %s", name, strerror(errno));
    rewind(file);
    text = malloc((size_t)length + 1);
    if (!text || fread(text, 1, (size_t)length, file) != (size_t)length)
        die("%s cannot be read", name);
    fclose(file);
    text[length] = '\0';
    return text;
}

/* One path a line. */
static void read_list(load_t *load, const char *name)
{
    char *line, *rest;
    size_t lines = 0;

    load->list = read_whole(name);
    for (line = load->list; *line; ++line)
        lines += *line == '\n';
    load->paths = calloc(lines + 1, sizeof(*load->paths));
    load->times = calloc(lines + 1, sizeof(*load->times));
    if (!load->paths || !load->times)
        die("no memory for %zu paths", lines);
    for (line = strtok_r(load->list, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        load->paths[load->count++] = line;
    if (!load->count)
        die("%s names no path", name);
}

static void open_connection(const load_t *load, connection_t *c)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };
    int on = 1;

    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&load->address, sizeof(load->address))
        || setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on))
        || epoll_ctl(load->epoll, EPOLL_CTL_ADD, c->fd, &event))
        die("no connection: %s", strerror(errno));
}

static void reopen(load_t *load, connection_t *c)
{
    close(c->fd);
    open_connection(load, c);
    c->last = 0;
    ++load->reopened;
}

static void send_request(load_t *load, connection_t *c)
{
    char request[REQUEST_MAX];
    int length = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n",
                          c->path, load->header);

    if (length < 0 || (size_t)length >= sizeof(request))
        die("%s: too long", c->path);
    c->head_length = 0;
    c->missing = IN_HEAD;
    if (send(c->fd, request, (size_t)length, MSG_NOSIGNAL) == length)
        return;
    reopen(load, c);
    if (send(c->fd, request, (size_t)length, MSG_NOSIGNAL) != length)
        die("%s: cannot be sent: %s", c->path, strerror(errno));
}

static void ask(load_t *load, connection_t *c)
{
    c->path = load->paths[load->next++];
    c->sent = now();
    if (c->last)
        reopen(load, c);
    send_request(load, c);
}

/* The value of a field of the head, or NULL. */
static const char *field(const connection_t *c, const char *name)
{
    const size_t length = strlen(name);
    const char *line;

    for (line = strchr(c->head, '\n'); line; line = strchr(line, '\n')) {
        if (!strncasecmp(++line, name, length))
            return line + length;
    }
    return NULL;
}

/* The chunked coding, without extensions and trailers, which httpd does not send (RFC 9112, 7.1).
 */
static void take_chunks(connection_t *c, const char *data, size_t length)
{
    const char *const end = data + length;

    while (data < end) {
        if (c->chunk) {
            const uint64_t here =
                (uint64_t)(end - data) < c->chunk ? (uint64_t)(end - data) : c->chunk;

            c->chunk -= here;
            data += here;
        }
        else if (*data == '\n' && !c->size) { /* the last one: an empty line is to come */
            c->missing = 2 - (end - data - 1);
            return;
        }
        else if (*data == '\n') {
            c->chunk = c->size + 2;
            c->size = 0;
            ++data;
        }
        else if (*data++ != '\r') {
            const char digit[2] = { data[-1], '\0' };

            c->size = c->size * 16 + strtoul(digit, NULL, 16);
        }
    }
}

/* @a body is where the body begins. */
static void read_head(const load_t *load, connection_t *c, char *body)
{
    const size_t came = c->head_length - (size_t)(body - c->head);
    const char *value;

    body[-1] = '\0';
    if (strncmp(c->head, "HTTP/1.1 ", 9) || strtol(c->head + 9, NULL, 10) != load->status)
        die("%s: %.*s", c->path, (int)strcspn(c->head, "\r"), c->head);
    value = field(c, "Connection:");
    c->last = value && !strncasecmp(value, " close", 6);
    value = field(c, "Content-Length:");
    if (value || load->status == 304) {
        c->missing = value && load->status != 304 ? strtoll(value, NULL, 10) : 0;
        c->missing -= (int64_t)came;
    }
    else if (field(c, "Transfer-Encoding: chunked")) {
        c->missing = IN_CHUNKS;
        c->chunk = c->size = 0;
        take_chunks(c, body, came);
    }
    else
        die("%s: an answer of unknown length", c->path);
}

static void take_head(load_t *load, connection_t *c)
{
    const ssize_t got = recv(c->fd, c->head + c->head_length, HEAD_MAX - 1 - c->head_length, 0);
    char *end;

    if (!c->head_length && (!got || (got < 0 && errno == ECONNRESET))) {
        reopen(load, c);
        send_request(load, c);
        return;
    }
    if (got <= 0)
        die("%s: the head of the answer has no end", c->path);
    load->bytes += (uint64_t)got;
    c->head_length += (size_t)got;
    c->head[c->head_length] = '\0';
    end = strstr(c->head, "\r\n\r\n");
    if (end)
        read_head(load, c, end + 4);
}

static void take_body(load_t *load, connection_t *c)
{
    const int in_chunks = c->missing == IN_CHUNKS;
    const ssize_t got = in_chunks ? recv(c->fd, c->head, HEAD_MAX, MSG_DONTWAIT)
                                  : recv(c->fd, NULL, (size_t)c->missing, MSG_TRUNC | MSG_DONTWAIT);

    if (got <= 0)
        die("%s: the answer ended early", c->path);
    load->bytes += (uint64_t)got;
    if (in_chunks)
        take_chunks(c, c->head, (size_t)got);
    else
        c->missing -= got;
}

/* What has come: is the answer complete? */
static int take(load_t *load, connection_t *c)
{
    if (c->missing == IN_HEAD)
        take_head(load, c);
    else
        take_body(load, c);
    return !c->missing;
}

static void run(load_t *load, connection_t *connections)
{
    struct epoll_event events[64];
    int i, ready;

    for (i = 0; i < load->connections && load->next < load->count; ++i)
        ask(load, &connections[i]);
    while (load->done < load->count) {
        ready = epoll_wait(load->epoll, events, 64, 30000);
        if (!ready || (ready < 0 && errno != EINTR))
            die("%s", ready ? strerror(errno) : "no answer for 30 seconds");
        for (i = 0; i < ready; ++i) {
            connection_t *c = events[i].data.ptr;

            if (!take(load, c))
                continue;
            load->times[load->done++] = now() - c->sent;
            if (load->next < load->count)
                ask(load, c);
        }
    }
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void report(load_t *load, double seconds)
{
    const size_t last = load->count - 1;

    qsort(load->times, load->count, sizeof(*load->times), by_size);
    printf("requests %zu seconds %.3f rate %.1f p50 %.6f p99 %.6f bytes %llu reopened %u\n",
           load->count, seconds, (double)load->count / seconds, load->times[last * 50 / 100],
           load->times[last * 99 / 100], (unsigned long long)load->bytes, load->reopened);
}

static void read_arguments(load_t *load, int argc, char **argv)
{
    static char header[REQUEST_MAX / 2];
    int option;

    while ((option = getopt(argc, argv, "c:s:H:")) != -1) {
        switch (option) {
        case 'c': load->connections = (int)strtol(optarg, NULL, 10); break;
        case 's': load->status = (int)strtol(optarg, NULL, 10); break;
        case 'H':
            snprintf(header, sizeof(header), "%s\r\n", optarg);
            load->header = header;
            break;
        default: exit(2);
        }
    }
    if (argc - optind != 2 || load->connections < 1 || load->connections > CONNECTIONS_MAX)
        die("usage: load [-c CONNECTIONS] [-s STATUS] [-H 'Name: value'] PORT LIST");
    load->address =
        (struct sockaddr_in){ .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)strtol(argv[optind], NULL, 10)),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    read_list(load, argv[optind + 1]);
}

int main(int argc, char **argv)
{
    load_t load = { .connections = 1, .status = 200, .header = "" };
    connection_t *connections;
    double started;
    int i;

    read_arguments(&load, argc, argv);
    load.epoll = epoll_create1(0);
    connections = calloc((size_t)load.connections, sizeof(*connections));
    if (load.epoll < 0 || !connections)
        die("%s", strerror(errno));
    for (i = 0; i < load.connections; ++i)
        open_connection(&load, &connections[i]);
    started = now();
    run(&load, connections);
    report(&load, now() - started);
    for (i = 0; i < load.connections; ++i)
        close(connections[i].fd);
    close(load.epoll);
    free(connections);
    free(load.times);
    free(load.paths);
    free(load.list);
    return 0;
}
