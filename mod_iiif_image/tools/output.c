/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/output.h"

#include <unistd.h>

#include "base/path.h"
#include "tools/options.h"

#include "base/banned.h"

#define BAR       30 /* characters */
#define LINE      160
#define ERASE     "\r\033[K"
#define DRAW_REST apr_time_from_msec(100)

/* JSON is UTF-8, file names are bytes: one that is none of it becomes U+FFFD. */
static void print_utf8(const char *text)
{
    while (*text) {
        const int length = iiif_path_utf8_sequence(text);

        if (length || !(*text & 0x80))
            fwrite(text, 1, length ? (size_t)length : 1, stdout);
        else
            fputs("\xef\xbf\xbd", stdout);
        text += length ? length : 1;
    }
    putchar('\n');
}

void iiifctl_print_json(cJSON *object)
{
    char *text = cJSON_PrintUnformatted(object);

    print_utf8(text ? text : "{}");
    cJSON_free(text);
    cJSON_Delete(object);
}

int iiifctl_close_output(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    perror("iiifctl: standard output");
    return code == IIIFCTL_OK ? IIIFCTL_FAILED : code;
}

iiifctl_progress_t iiifctl_progress_begin(int wanted)
{
    return (iiifctl_progress_t){ .shown = wanted && isatty(STDERR_FILENO),
                                 .began = apr_time_now() };
}

/* "1:02:03", "0:42" */
static void spell_time(char *text, size_t size, apr_time_t time)
{
    long seconds = (long)((time + APR_USEC_PER_SEC / 2) / APR_USEC_PER_SEC);

    if (seconds >= 3600)
        snprintf(text, size, "%ld:%02ld:%02ld", seconds / 3600, seconds / 60 % 60, seconds % 60);
    else
        snprintf(text, size, "%ld:%02ld", seconds / 60, seconds % 60);
}

void iiifctl_progress_text(char *text, size_t size, const iiifctl_progress_t *p, apr_time_t now)
{
    double passed = (double)(now - p->began) / APR_USEC_PER_SEC;
    double part = p->expected ? (double)p->bytes / (double)p->expected : 0;
    double rate = passed > 0 ? (double)p->bytes / passed : 0;
    char bar[BAR + 1], left[24] = "?";
    int i;

    for (i = 0; i < BAR; ++i)
        bar[i] = i < part * BAR ? '#' : ' ';
    bar[BAR] = '\0';
    if (rate > 0 && p->total)
        spell_time(left, sizeof(left),
                   (apr_time_t)((double)(p->expected - p->bytes) / rate * APR_USEC_PER_SEC));
    if (p->total)
        snprintf(text, size, "[%s] %d/%d files, %.1f MB/s, %s left", bar, p->files, p->total,
                 rate / 1e6, left);
    else
        snprintf(text, size, "%d files, %.1f MB/s", p->files, rate / 1e6);
}

void iiifctl_progress_draw(iiifctl_progress_t *progress, int now)
{
    apr_time_t time = apr_time_now();
    char text[LINE];

    if (!progress->shown || (!now && time - progress->drawn < DRAW_REST))
        return;
    progress->drawn = time;
    iiifctl_progress_text(text, sizeof(text), progress, time);
    fprintf(stderr, ERASE "%s", text);
    fflush(stderr);
}

void iiifctl_progress_clear(const iiifctl_progress_t *progress)
{
    if (!progress->shown)
        return;
    fputs(ERASE, stderr);
    fflush(stderr);
}
