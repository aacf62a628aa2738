/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/options.h"

#include <apr_file_info.h>
#include <apr_getopt.h>
#include <apr_strings.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

#define HELP_LETTER 'h'
#define COLUMN      28 /* where explanations begin */

static int count_of(const iiifctl_option_t *options)
{
    int count = 0;

    while (options[count].name)
        ++count;
    return count;
}

/* As APR wants them, with --help. */
static apr_getopt_option_t *table_of(const iiifctl_option_t *options, apr_pool_t *pool)
{
    int count = count_of(options), i;
    apr_getopt_option_t *table = apr_pcalloc(pool, (apr_size_t)(count + 2) * sizeof(*table));

    for (i = 0; i < count; ++i)
        table[i] = (apr_getopt_option_t){ options[i].name, options[i].letter,
                                          options[i].argument != NULL, options[i].what };
    table[count] = (apr_getopt_option_t){ "help", HELP_LETTER, 0, NULL };
    return table;
}

static void print_option(const iiifctl_option_t *option, apr_pool_t *pool)
{
    const char *letter =
        option->letter < IIIFCTL_LONG ? apr_psprintf(pool, "-%c, ", option->letter) : "    ";
    const char *text = apr_pstrcat(pool, letter, "--", option->name, option->argument ? " " : "",
                                   option->argument ? option->argument : "", NULL);

    printf("  %-*s %s\n", COLUMN, text, option->what);
}

static void print_help(const iiifctl_verb_t *verb, apr_pool_t *pool)
{
    const iiifctl_option_t *option;

    printf("usage: iiifctl %s [OPTION...] %s\n\n%s\n\n", verb->name, verb->operands, verb->what);
    for (option = verb->options; option->name; ++option)
        print_option(option, pool);
    print_option(&(iiifctl_option_t){ HELP_LETTER, "help", NULL, "this text" }, pool);
}

static void keep_silent(void *arg, const char *fmt, ...)
{
    (void)arg;
    (void)fmt;
}

/* Of a letter that was given. */
static const iiifctl_option_t *option_of(const iiifctl_call_t *call, int letter)
{
    const iiifctl_option_t *option = call->verb->options;

    while (option->letter != letter)
        ++option;
    return option;
}

/* An empty path would be that of the working directory, where a variable of a script is not set.
 * Only texts and prefixes may be empty. */
static int check_empty(const iiifctl_call_t *call)
{
    int i;

    for (i = 0; i < call->operands->nelts; ++i) {
        if (!*APR_ARRAY_IDX(call->operands, i, const char *))
            return iiifctl_usage(call, "an operand is empty");
    }
    for (i = 0; i < call->given->nelts; ++i) {
        const iiifctl_given_t *given = &APR_ARRAY_IDX(call->given, i, iiifctl_given_t);
        const iiifctl_option_t *option = option_of(call, given->letter);

        if (given->value && !*given->value && strcmp(option->argument, "TEXT") != 0
            && strcmp(option->argument, "PATH") != 0)
            return iiifctl_usage(call, "--%s is empty", option->name);
    }
    return IIIFCTL_OK;
}

int iiifctl_call_read(iiifctl_call_t *call, const iiifctl_verb_t *verb, int argc,
                      const char *const *argv, apr_pool_t *pool)
{
    const apr_getopt_option_t *table = table_of(verb->options, pool);
    apr_getopt_t *state;
    apr_status_t rv;
    const char *value;
    int letter;

    *call = (iiifctl_call_t){ verb, apr_array_make(pool, 8, sizeof(iiifctl_given_t)),
                              apr_array_make(pool, 8, sizeof(const char *)), pool };
    apr_getopt_init(&state, pool, argc, argv);
    state->interleave = 1;
    state->errfn = keep_silent;
    while ((rv = apr_getopt_long(state, table, &letter, &value)) == APR_SUCCESS) {
        if (letter == HELP_LETTER) {
            print_help(verb, pool);
            return -1;
        }
        APR_ARRAY_PUSH(call->given, iiifctl_given_t) = (iiifctl_given_t){ letter, value };
    }
    if (rv != APR_EOF)
        return iiifctl_usage(call, rv == APR_BADARG ? "an option wants a value"
                                                    : "there is no such option");
    for (; state->ind < argc; ++state->ind)
        APR_ARRAY_PUSH(call->operands, const char *) = state->argv[state->ind];
    return check_empty(call);
}

int iiifctl_usage(const iiifctl_call_t *call, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    apr_vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    fprintf(stderr, "iiifctl %s: %s; see iiifctl %s --help\n", call->verb->name, text,
            call->verb->name);
    return IIIFCTL_USAGE;
}

int iiifctl_number(long *number, const char *text, long min, long max)
{
    char *end;
    apr_int64_t value;

    if (*text < '0' || *text > '9' || strlen(text) > 18)
        return 0;
    value = apr_strtoi64(text, &end, 10);
    if (*end || value < min || value > max)
        return 0;
    *number = (long)value;
    return 1;
}

const char *iiifctl_value(const iiifctl_call_t *call, int letter, const char *otherwise)
{
    int i;

    for (i = call->given->nelts; i-- > 0;) {
        const iiifctl_given_t *given = &APR_ARRAY_IDX(call->given, i, iiifctl_given_t);

        if (given->letter == letter)
            return given->value ? given->value : "";
    }
    return otherwise;
}

int iiifctl_has(const iiifctl_call_t *call, int letter)
{
    return iiifctl_value(call, letter, NULL) != NULL;
}

int iiifctl_number_of(long *number, const iiifctl_call_t *call, int letter, const long range[2])
{
    const char *text = iiifctl_value(call, letter, NULL);

    if (!text || iiifctl_number(number, text, range[0], range[1]))
        return IIIFCTL_OK;
    return iiifctl_usage(call, "--%s: '%s' is not a number from %ld to %ld",
                         option_of(call, letter)->name, text, range[0], range[1]);
}

const char *iiifctl_absolute(const char *path, apr_pool_t *pool)
{
    char *absolute, *end;

    if (apr_filepath_merge(&absolute, NULL, path, 0, pool) != APR_SUCCESS)
        return path;
    end = absolute + strlen(absolute);
    while (end > absolute + 1 && end[-1] == '/')
        *--end = '\0';
    return absolute;
}
