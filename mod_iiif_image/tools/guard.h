/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TOOLS_GUARD_H
#define IIIF_TOOLS_GUARD_H
/**
 * @file guard.h
 * @brief A verb in a process of its own, so that somebody is left who cleans up behind it.
 */
#include <sys/types.h>

#include "tools/options.h"

/** What a verb does, and what removes the rest of it. */
typedef struct iiifctl_guarded_t {
    /** In the process of its own. @return an exit code */
    int (*run)(const iiifctl_call_t *call);
    /** In the other one: @a worker was ended in the midst of it. */
    void (*tidy)(const iiifctl_call_t *call, pid_t worker);
} iiifctl_guarded_t;

/**
 * Run it. SIGINT, SIGTERM and SIGHUP end it, as does a decoder that crashes; then what it has left
 * is removed.
 * @return an exit code: its own; 128 + the signal; IIIFCTL_FAILED: it crashed, said on stderr
 */
int iiifctl_guarded(const iiifctl_call_t *call, const iiifctl_guarded_t *verb);
#endif
