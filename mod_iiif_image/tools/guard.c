/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/guard.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "tools/output.h"

#include "base/banned.h"

/* A terminal's Ctrl-C reaches the worker too, but the guard decides. */
static void settle_worker(pid_t guard, const sigset_t *held, const sigset_t *before)
{
    int number;

    for (number = 1; number < NSIG; ++number) {
        if (number != SIGCHLD && sigismember(held, number) == 1)
            signal(number, SIG_IGN);
    }
    signal(SIGPIPE, SIG_IGN); /* a reader that is gone is an error, not a crash */
    sigprocmask(SIG_SETMASK, before, NULL);
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    if (getppid() != guard)
        _exit(IIIFCTL_FAILED);
}

/* @return 0: it is still at work */
static int has_ended(pid_t worker, int *status)
{
    return waitpid(worker, status, WNOHANG) == worker;
}

/* @return the signal that ends the run, 0: the worker came to its end */
static int watch_over(pid_t worker, const sigset_t *held, int *status)
{
    int number = 0;

    while (!has_ended(worker, status)) {
        if (sigwait(held, &number) || number == SIGCHLD)
            continue;
        kill(worker, SIGKILL);
        while (waitpid(worker, status, 0) < 0 && errno == EINTR)
            continue;
        return number;
    }
    return 0;
}

/* @return an exit code */
static int tell_crash(const iiifctl_call_t *call, int status)
{
    fprintf(stderr, "iiifctl %s: it was ended by signal %d, %s\n", call->verb->name,
            WTERMSIG(status), strsignal(WTERMSIG(status)));
    return IIIFCTL_FAILED;
}

int iiifctl_guarded(const iiifctl_call_t *call, const iiifctl_guarded_t *verb)
{
    const pid_t guard = getpid();
    sigset_t held, before;
    int status = 0, number;
    pid_t worker;

    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGTERM);
    sigaddset(&held, SIGHUP);
    sigaddset(&held, SIGCHLD);
    sigprocmask(SIG_BLOCK, &held, &before);
    fflush(NULL);
    worker = fork();
    if (!worker) {
        settle_worker(guard, &held, &before);
        _exit(iiifctl_close_output(verb->run(call)));
    }
    if (worker < 0) {
        perror("iiifctl: no process can be made");
        return IIIFCTL_FAILED;
    }
    number = watch_over(worker, &held, &status);
    if (!number && WIFEXITED(status))
        return WEXITSTATUS(status);
    verb->tidy(call, worker);
    return number ? 128 + number : tell_crash(call, status);
}
