/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bell.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#define LONG_ENOUGH 900000L /* microseconds */

/* In a process of its own: waits until it is rung. */
static pid_t listener(const iiif_bell_t *bell, apr_uint32_t heard)
{
    const pid_t pid = fork();

    if (pid)
        return pid;
    while (iiif_bell_heard(bell) == heard)
        iiif_bell_wait(bell, heard, LONG_ENOUGH);
    _exit(7);
}

static int ended(pid_t pid)
{
    int status = 0;

    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7;
}

int main(void)
{
    iiif_bell_t *bell =
        mmap(NULL, sizeof(*bell), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const apr_uint32_t heard = iiif_bell_heard(bell);
    pid_t first = listener(bell, heard), second = listener(bell, heard);

    iiif_bell_wait(bell, heard, 1000);
    ok(iiif_bell_heard(bell) == heard, "a wait ends by itself");
    ok(!waitpid(first, NULL, WNOHANG) && !waitpid(second, NULL, WNOHANG), "two processes wait");
    iiif_bell_ring(bell);
    ok(iiif_bell_heard(bell) != heard, "it was rung");
    ok(ended(first) && ended(second), "both have heard it");
    ok(ended(listener(bell, heard)), "who comes late has, too");
    return done_testing();
}
