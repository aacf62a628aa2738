/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TOOLS_OPTIONS_H
#define IIIF_TOOLS_OPTIONS_H
/**
 * @file options.h
 * @brief What a verb of iiifctl takes, and what it was given.
 */
#include <apr_pools.h>
#include <apr_tables.h>

/* Exit codes; above 128: ended by that signal. */
#define IIIFCTL_OK     0 /**< all is well */
#define IIIFCTL_FAILED 1 /**< some file could not be made, read or served */
#define IIIFCTL_USAGE  2 /**< the command line is wrong; nothing was done */

/** Letters of options that have a long name alone. */
#define IIIFCTL_LONG 256

typedef struct iiifctl_option_t {
    int letter;           /**< a character, or IIIFCTL_LONG and above */
    const char *name;     /**< behind "--"; NULL: the end of the table */
    const char *argument; /**< what it takes, as help shows it; NULL: nothing */
    const char *what;     /**< for help */
} iiifctl_option_t;

struct iiifctl_call_t;

typedef struct iiifctl_verb_t {
    const char *name;
    const char *operands; /**< as help shows them */
    const char *what;     /**< for help, one line */
    const iiifctl_option_t *options;
    /** @return an exit code */
    int (*run)(const struct iiifctl_call_t *call);
} iiifctl_verb_t;

/** One option of a command line. */
typedef struct iiifctl_given_t {
    int letter;
    const char *value; /**< NULL where the option takes none */
} iiifctl_given_t;

/** One command line, behind the verb. */
typedef struct iiifctl_call_t {
    const iiifctl_verb_t *verb;
    apr_array_header_t *given;    /**< of iiifctl_given_t, in order */
    apr_array_header_t *operands; /**< of const char * */
    apr_pool_t *pool;
} iiifctl_call_t;

/**
 * Understand a command line; options and operands may be mixed, "--" ends options.
 * @param argv argv[0] is the verb
 * @return IIIFCTL_OK; IIIFCTL_USAGE, said on stderr; -1: help was asked for, and is printed
 */
int iiifctl_call_read(iiifctl_call_t *call, const iiifctl_verb_t *verb, int argc,
                      const char *const *argv, apr_pool_t *pool);

/** Say on stderr what is wrong with a command line. @return IIIFCTL_USAGE */
int iiifctl_usage(const iiifctl_call_t *call, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/** A decimal number from @a min to @a max. @return 1; 0: it is none */
int iiifctl_number(long *number, const char *text, long min, long max);

/** The value given last for an option, or @a otherwise. */
const char *iiifctl_value(const iiifctl_call_t *call, int letter, const char *otherwise);

/** Was the option given? */
int iiifctl_has(const iiifctl_call_t *call, int letter);

/** The number given last for an option, from range[0] to range[1]; untouched if there is none.
 *  @return IIIFCTL_OK; IIIFCTL_USAGE, said on stderr */
int iiifctl_number_of(long *number, const iiifctl_call_t *call, int letter, const long range[2]);

/** Absolute, without "." and "..", as the working directory stands; symbolic links stay. */
const char *iiifctl_absolute(const char *path, apr_pool_t *pool);
#endif
