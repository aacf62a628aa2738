/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/verdict.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <string.h>

#include "tap.h"

#define JSON  "application/json"
#define LD    "application/ld+json"
#define OLD   "https://old.example.org/iiif"
#define NEW   "https://new.example.org/iiif"
#define SIZED "\"width\":10,\"height\":20"

/* clang-format off */
/* Status, type and body of two answers; what differs, and what is noted */
static const struct {
    long statuses[2];
    const char *types[2], *bodies[2], *differs, *noted;
} cases[] = {
    { { 200, 200 }, { JSON, JSON }, { "{" SIZED "}", "{ \"height\": 20, \"width\": 10.0 }" }, NULL, NULL },
    { { 200, 200 }, { JSON, JSON }, { "{\"id\":\"" OLD "/3/x\"}", "{\"id\":\"" NEW "/3/x\"}" }, NULL, NULL },
    { { 200, 200 }, { JSON, JSON }, { "{\"id\":\"https:\\/\\/old.example.org\\/iiif\\/3\\/x\"}", "{\"id\":\"" NEW "/3/x\"}" }, NULL, NULL },
    { { 200, 200 }, { JSON, JSON }, { "{\"id\":\"" OLD "/3/x\"}", "{\"id\":\"" NEW "/3/y\"}" }, "~id", NULL },
    { { 200, 200 }, { JSON, JSON }, { "{\"id\":\"" OLD "/3/x\"}", "{\"id\":\"" OLD "/3/x\"}" }, "~id", NULL },
    { { 200, 200 }, { JSON, JSON }, { "{" SIZED "}", "{\"width\":20,\"height\":10}" }, "~width ~height", NULL },
    { { 200, 200 }, { JSON, JSON }, { "{" SIZED "}", "{\"width\":10}" }, "-height", NULL },
    { { 200, 200 }, { JSON, JSON }, { "{\"sizes\":[1],\"maxArea\":1}", "{\"sizes\":[2],\"extraFormats\":[]}" }, NULL, "~sizes -maxArea +extraFormats" },
    { { 200, 200 }, { JSON, JSON }, { "{\"tiles\":[1,2]}", "{\"width\":1,\"tiles\":[2,1]}" }, "+width", "~tiles" },
    { { 200, 200 }, { JSON, LD }, { "{" SIZED "}", "{" SIZED "}" }, NULL, "~content-type" },
    { { 200, 200 }, { JSON, JSON }, { "{}", "nonsense" }, "one is no JSON object", NULL },
    { { 200, 200 }, { JSON, JSON }, { "nonsense", "nonsense" }, NULL, NULL },
    { { 404, 404 }, { "text/html", "text/plain" }, { "a", "b" }, NULL, NULL },
    { { 404, 200 }, { "text/html", "image/jpeg" }, { "a", "b" }, "status 404, 200", NULL },
    { { 200, 200 }, { "image/jpeg", "image/png" }, { "a", "b" }, "type image/jpeg, image/png", NULL },
    { { 200, 200 }, { "image/jpeg", "image/jpeg" }, { "same", "same" }, NULL, NULL },
    { { 200, 200 }, { "application/pdf", "application/pdf" }, { "a", "b" }, NULL, NULL },
    { { 0, 200 }, { "", JSON }, { "", "{}" }, "status no answer, 200", NULL },
};
/* clang-format on */

static int is_text(const char *is, const char *want)
{
    return want ? is && !strcmp(is, want) : !is;
}

int main(void)
{
    const iiifctl_comparison_t comparison = { { OLD, NEW }, 30 };
    apr_pool_t *pool;
    unsigned i, j;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    for (i = 0; i < ROWS(cases); ++i) {
        iiifctl_answer_t answers[2] = { { .status = 0 }, { .status = 0 } };
        iiifctl_verdict_t verdict;

        for (j = 0; j < 2; ++j) {
            answers[j].status = cases[i].statuses[j];
            answers[j].lost = answers[j].status ? NULL : "no answer";
            answers[j].type = cases[i].types[j];
            answers[j].body =
                (iiif_bytes_t){ apr_pstrdup(pool, cases[i].bodies[j]), strlen(cases[i].bodies[j]) };
        }
        verdict = iiifctl_verdict(answers, &comparison, pool);
        ok(is_text(verdict.differs, cases[i].differs) && is_text(verdict.noted, cases[i].noted)
               && !verdict.compared,
           "%s and %s: %s; %s", cases[i].bodies[0], cases[i].bodies[1], verdict.differs,
           verdict.noted);
    }
    apr_terminate();
    return done_testing();
}
