/* SPDX-License-Identifier: Apache-2.0 */
/* iiifctl: makes, checks and shows tiles. One verb, one file; all of them in one table. */
#include <apr_general.h>
#include <apr_strings.h>
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
    &iiifctl_verb_tile,          &iiifctl_verb_check,      &iiifctl_verb_info,
    &iiifctl_verb_render,        &iiifctl_verb_explain,    &iiifctl_verb_clean,
    &iiifctl_verb_warm,          &iiifctl_verb_export,     &iiifctl_verb_omeka_config,
    &iiifctl_verb_omeka_tile,    &iiifctl_verb_omeka_data, &iiifctl_verb_omeka_stale,
    &iiifctl_verb_omeka_compare,
};
#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

/* Does the verb begin with that word, and a blank behind it? */
static int is_of_group(const iiifctl_verb_t *verb, const char *word)
{
    const apr_size_t len = strlen(word);

    return !strncmp(verb->name, word, len) && verb->name[len] == ' ';
}

/* Of all verbs, or of those of two words that begin with @a group. @return how many there are */
static int print_verbs(FILE *to, const char *group)
{
    int count = 0;
    unsigned i;

    for (i = 0; i < VERBS; ++i) {
        if (group && !is_of_group(verbs[i], group))
            continue;
        if (!count++)
            fprintf(to, "usage: iiifctl %s%sVERB [OPTION...] [OPERAND...]\n\n", group ? group : "",
                    group ? " " : "");
        fprintf(to, "  %-14s %s\n", verbs[i]->name, verbs[i]->what);
    }
    return count;
}

static void print_help(FILE *to)
{
    print_verbs(to, NULL);
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

/* The verb of one word or two; @a words tells of how many. */
static const iiifctl_verb_t *find_verb(int *words, int argc, const char *const *argv,
                                       apr_pool_t *pool)
{
    const iiifctl_verb_t *verb = verb_by_name(argv[0]);

    *words = 1;
    if (verb || argc < 2)
        return verb;
    *words = 2;
    return verb_by_name(apr_pstrcat(pool, argv[0], " ", argv[1], NULL));
}

static int run(int argc, const char *const *argv, apr_pool_t *pool)
{
    int words, code;
    const iiifctl_verb_t *verb = find_verb(&words, argc, argv, pool);
    const int asked = argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"));
    iiifctl_call_t call;

    if (!verb && print_verbs(asked ? stdout : stderr, argv[0]))
        return asked ? IIIFCTL_OK : IIIFCTL_USAGE;
    if (!verb) {
        fprintf(stderr, "iiifctl: there is no verb '%s'; see iiifctl --help\n", argv[0]);
        return IIIFCTL_USAGE;
    }
    code = iiifctl_call_read(&call, verb, argc - words + 1, argv + words - 1, pool);
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
