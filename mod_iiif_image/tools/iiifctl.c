/* SPDX-License-Identifier: Apache-2.0 */
/* iiifctl: makes, checks and shows tiles. One verb, one file; all of them in one table. */
#include <apr_general.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/options.h"
#include "tools/output.h"
#include "tools/verbs.h"

#include "base/banned.h"

#define VERSION "1.0-dev"

static const iiifctl_verb_t *const verbs[] = {
    &iiifctl_verb_tile,    &iiifctl_verb_check, &iiifctl_verb_info, &iiifctl_verb_render,
    &iiifctl_verb_explain, &iiifctl_verb_clean, &iiifctl_verb_warm, &iiifctl_verb_export,
};
#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

static void print_help(FILE *to)
{
    unsigned i;

    fprintf(to, "usage: iiifctl VERB [OPTION...] [OPERAND...]\n\n");
    for (i = 0; i < VERBS; ++i)
        fprintf(to, "  %-8s %s\n", verbs[i]->name, verbs[i]->what);
    fprintf(to, "\niiifctl VERB --help tells its options, iiifctl(1) the rest.\n"
                "Exit codes: 0 all is well, 1 some file failed, 2 wrong command line, "
                "128 + n ended by signal n.\n");
}

static const iiifctl_verb_t *verb_by_name(const char *name)
{
    unsigned i;

    for (i = 0; i < VERBS; ++i) {
        if (!strcmp(verbs[i]->name, name))
            return verbs[i];
    }
    return NULL;
}

static int run(int argc, const char *const *argv, apr_pool_t *pool)
{
    const iiifctl_verb_t *verb = verb_by_name(argv[0]);
    iiifctl_call_t call;
    int code;

    if (!verb) {
        fprintf(stderr, "iiifctl: there is no verb '%s'; see iiifctl --help\n", argv[0]);
        return IIIFCTL_USAGE;
    }
    code = iiifctl_call_read(&call, verb, argc, argv, pool);
    if (code == IIIFCTL_OK)
        code = verb->run(&call);
    return code < 0 ? IIIFCTL_OK : code;
}

/* A standard descriptor that is closed would be the next file's, or a socket's: what is said would
 * go there. It is given one that can but fail, as it does when it is closed. */
static void hold_descriptors(void)
{
    static const int flags[] = { O_WRONLY, O_RDONLY, O_RDONLY };
    int fd;

    for (fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
        if (fcntl(fd, F_GETFD) < 0)
            (void)!open("/dev/null", flags[fd]);
    }
}

int main(int argc, const char *const *argv, const char *const *env)
{
    apr_pool_t *pool;
    int code = IIIFCTL_OK;

    hold_descriptors();
    if (apr_app_initialize(&argc, &argv, &env) != APR_SUCCESS
        || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return IIIFCTL_FAILED;
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error like a full disk */
    if (argc < 2) {
        print_help(stderr);
        code = IIIFCTL_USAGE;
    }
    else if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
        print_help(stdout);
    else if (!strcmp(argv[1], "--version"))
        printf("iiifctl " VERSION "\n");
    else
        code = run(argc - 1, argv + 1, pool);
    code = iiifctl_close_output(code);
    apr_pool_destroy(pool);
    apr_terminate();
    return code;
}
