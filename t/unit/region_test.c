/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/region.h"

#include <string.h>

#include "tap.h"

#define BAD IIIF_EBADREQUEST
#define NONE                                                                                       \
    {                                                                                              \
        0, 0, 0, 0                                                                                 \
    }

/* clang-format off */
static const struct {
    const char *text;
    iiif_dims_t full;
    apr_status_t want;
    iiif_rect_t rect;
} cases[] = {
    /* 2.1 and 3.0, 4.1: the six examples, on their image of 300x200 */
    { "full",                   { 300, 200 }, 0,   {   0,  0, 300, 200 } },
    { "square",                 { 300, 200 }, 0,   {  50,  0, 200, 200 } },
    { "125,15,120,140",         { 300, 200 }, 0,   { 125, 15, 120, 140 } },
    { "pct:41.6,7.5,40,70",     { 300, 200 }, 0,   { 125, 15, 120, 140 } },
    { "125,15,200,200",         { 300, 200 }, 0,   { 125, 15, 175, 185 } },
    { "pct:41.6,7.5,66.6,100",  { 300, 200 }, 0,   { 125, 15, 175, 185 } },
    /* names are whole and case-sensitive */
    { "",                       { 300, 200 }, BAD, NONE },
    { "FULL",                   { 300, 200 }, BAD, NONE },
    { "Square",                 { 300, 200 }, BAD, NONE },
    { "full ",                  { 300, 200 }, BAD, NONE },
    { " full",                  { 300, 200 }, BAD, NONE },
    { "fullsquare",             { 300, 200 }, BAD, NONE },
    { "ful",                    { 300, 200 }, BAD, NONE },
    { "squareish",              { 300, 200 }, BAD, NONE },
    { "max",                    { 300, 200 }, BAD, NONE },
    { "PCT:0,0,50,50",          { 300, 200 }, BAD, NONE },
    { "pct:",                   { 300, 200 }, BAD, NONE },
    { "pct:full",               { 300, 200 }, BAD, NONE },
    { "pct0,0,50,50",           { 300, 200 }, BAD, NONE },
    { "pct:pct:0,0,50,50",      { 300, 200 }, BAD, NONE },
    /* pixels: four numbers of digits alone */
    { "0,0,5000,5000",          { 1000, 800 }, 0,  { 0, 0, 1000, 800 } },
    { "0,0,1000,800",           { 1000, 800 }, 0,  { 0, 0, 1000, 800 } },
    { "0,0,1,1",                { 1000, 800 }, 0,  { 0, 0, 1, 1 } },
    { "900,700,500,500",        { 1000, 800 }, 0,  { 900, 700, 100, 100 } },
    { "999,799,100,100",        { 1000, 800 }, 0,  { 999, 799, 1, 1 } },
    { "999,799,1,1",            { 1000, 800 }, 0,  { 999, 799, 1, 1 } },
    { "7,3,101,53",             { 1000, 800 }, 0,  { 7, 3, 101, 53 } },
    { "007,03,0101,00053",      { 1000, 800 }, 0,  { 7, 3, 101, 53 } },
    { "1000,0,10,10",           { 1000, 800 }, BAD, NONE },
    { "0,800,10,10",            { 1000, 800 }, BAD, NONE },
    { "1001,0,10,10",           { 1000, 800 }, BAD, NONE },
    { "0,0,0,10",               { 1000, 800 }, BAD, NONE },
    { "0,0,10,0",               { 1000, 800 }, BAD, NONE },
    { "0,0,0,0",                { 1000, 800 }, BAD, NONE },
    { "-1,0,9,9",               { 1000, 800 }, BAD, NONE },
    { "0,-1,9,9",               { 1000, 800 }, BAD, NONE },
    { "0,0,-9,9",               { 1000, 800 }, BAD, NONE },
    { "-0,0,9,9",               { 1000, 800 }, BAD, NONE },
    { "+1,0,9,9",               { 1000, 800 }, BAD, NONE },
    { "1.5,0,9,9",              { 1000, 800 }, BAD, NONE },
    { "1.0,0,9,9",              { 1000, 800 }, BAD, NONE },
    { "0x9,0,9,9",              { 1000, 800 }, BAD, NONE },
    { "1e2,0,9,9",              { 1000, 800 }, BAD, NONE },
    { " 0,0,9,9",               { 1000, 800 }, BAD, NONE },
    { "0, 0,9,9",               { 1000, 800 }, BAD, NONE },
    { "0,0,9,9 ",               { 1000, 800 }, BAD, NONE },
    { "0,0,9,9\n",              { 1000, 800 }, BAD, NONE },
    { "\t0,0,9,9",              { 1000, 800 }, BAD, NONE },
    { "0,0,9",                  { 1000, 800 }, BAD, NONE },
    { "0,0,9,",                 { 1000, 800 }, BAD, NONE },
    { "0,0,9,9,",               { 1000, 800 }, BAD, NONE },
    { "0,0,9,9,9",              { 1000, 800 }, BAD, NONE },
    { ",0,9,9",                 { 1000, 800 }, BAD, NONE },
    { "0,,9,9",                 { 1000, 800 }, BAD, NONE },
    { ",,,",                    { 1000, 800 }, BAD, NONE },
    { ",",                      { 1000, 800 }, BAD, NONE },
    { "0;0;9;9",                { 1000, 800 }, BAD, NONE },
    { "0,0,9,9px",              { 1000, 800 }, BAD, NONE },
    { "\xd9\xa1,0,9,9",         { 1000, 800 }, BAD, NONE }, /* an Arabic digit */
    /* nothing wraps at 32 or 64 bits */
    { "4294967296,0,10,10",     { 1000, 800 }, BAD, NONE },
    { "4294967295,0,2,2",       { 1000, 800 }, BAD, NONE },
    { "0,0,4294967297,9",       { 1000, 800 }, 0,  { 0, 0, 1000, 9 } },
    { "0,0,4294967296,4294967296", { 1000, 800 }, 0, { 0, 0, 1000, 800 } },
    { "9,0,4294967287,1",       { 1000, 800 }, 0,  { 9, 0, 991, 1 } },
    { "18446744073709551616,0,10,10", { 1000, 800 }, BAD, NONE },
    { "18446744073709551617,0,10,10", { 1000, 800 }, BAD, NONE },
    { "1,1,18446744073709551615,18446744073709551615", { 1000, 800 }, 0, { 1, 1, 999, 799 } },
    { "0,0,99999999999999999999999999999999999999999999,1", { 1000, 800 }, 0, { 0, 0, 1000, 1 } },
    { "4294967294,4294967294,9,9", { 4294967295u, 4294967295u }, 0,
      { 4294967294u, 4294967294u, 1, 1 } },
    { "0,0,4294967295,4294967295", { 4294967295u, 4294967295u }, 0,
      { 0, 0, 4294967295u, 4294967295u } },
    { "00000000000000000000000000000000000000000001,0,1,1", { 1000, 800 }, 0, { 1, 0, 1, 1 } },
    /* percent: digits and one point */
    { "pct:0,0,100,100",        { 1000, 800 }, 0,  { 0, 0, 1000, 800 } },
    { "pct:0,0,200,200",        { 1000, 800 }, 0,  { 0, 0, 1000, 800 } },
    { "pct:0.0,0.0,100.0,100.0", { 1000, 800 }, 0, { 0, 0, 1000, 800 } },
    { "pct:41.6,7.5,66.6,100",  { 1000, 800 }, 0,  { 416, 60, 584, 740 } },
    { "pct:33.3333,33.3333,33.3333,33.3333", { 1000, 800 }, 0, { 333, 267, 333, 267 } },
    { "pct:.5,.5,50,50",        { 1000, 800 }, 0,  { 5, 4, 500, 400 } },
    { "pct:50,50,50,50",        { 1, 1 },     0,   { 0, 0, 1, 1 } }, /* x 0.5 stays inside */
    { "pct:0,0,50,50",          { 1000, 800 }, 0,  { 0, 0, 500, 400 } },
    { "pct:99.99,99.99,1,1",    { 1000, 800 }, 0,  { 999, 799, 1, 1 } },
    { "pct:99.9999999999,0,1,1", { 1000, 800 }, 0, { 999, 0, 1, 8 } },
    { "pct:00000050,050,00.5,50", { 1000, 800 }, 0, { 500, 400, 5, 400 } },
    { "pct:12.34567890123456789012345678901234567890,0,10,10", { 1000, 800 }, 0,
      { 123, 0, 100, 80 } },
    { "pct:100,0,10,10",        { 1000, 800 }, BAD, NONE },
    { "pct:0,100,10,10",        { 1000, 800 }, BAD, NONE },
    { "pct:100.0000000001,0,1,1", { 1000, 800 }, BAD, NONE },
    { "pct:0,0,0,50",           { 1000, 800 }, BAD, NONE },
    { "pct:0,0,0.0,50",         { 1000, 800 }, BAD, NONE },
    { "pct:0,0,50,0",           { 1000, 800 }, BAD, NONE },
    { "pct:-1,0,10,10",         { 1000, 800 }, BAD, NONE },
    { "pct:+5,0,10,10",         { 1000, 800 }, BAD, NONE },
    { "pct:1e1,0,10,10",        { 1000, 800 }, BAD, NONE },
    { "pct:1e1,1E1,1e1,1e1",    { 1000, 800 }, BAD, NONE },
    { "pct:0x10,0,10,10",       { 1000, 800 }, BAD, NONE },
    { "pct:NaN,0,10,10",        { 1000, 800 }, BAD, NONE },
    { "pct:inf,0,10,10",        { 1000, 800 }, BAD, NONE },
    { "pct:50%,0,10,10",        { 1000, 800 }, BAD, NONE },
    { "pct:5.,0,10,10",         { 1000, 800 }, BAD, NONE },
    { "pct:.,0,10,10",          { 1000, 800 }, BAD, NONE },
    { "pct:1.2.3,0,10,10",      { 1000, 800 }, BAD, NONE },
    { "pct:1,5,0,10,10",        { 1000, 800 }, BAD, NONE }, /* a decimal comma */
    { "pct: 5,0,10,10",         { 1000, 800 }, BAD, NONE },
    { "pct:0,0,10",             { 1000, 800 }, BAD, NONE },
    { "pct:0,0,10,10,10",       { 1000, 800 }, BAD, NONE },
    { "pct:0,0,10,10x",         { 1000, 800 }, BAD, NONE },
    /* under a pixel on both sides is nothing, on one side one pixel */
    { "pct:9,9,0.0000001,0.0000001", { 1000, 800 }, BAD, NONE },
    { "pct:9,9,0.00000000001,50", { 1000, 800 }, BAD, NONE }, /* beyond ten decimals: zero */
    { "pct:9,9,0.001,50",       { 1000, 800 }, 0,  { 90, 72, 1, 400 } },
    { "pct:9,9,50,0.001",       { 1000, 800 }, 0,  { 90, 72, 500, 1 } },
    { "pct:0,0,50,50",          { 1000, 1 },  0,   { 0, 0, 500, 1 } },
    { "pct:0,0,10,10",          { 1000, 1 },  0,   { 0, 0, 100, 1 } },
    { "pct:18446744073709551616,0,1,1", { 1000, 800 }, BAD, NONE },
    { "pct:0,0,99999999999999999999,99999999999999999999", { 1000, 800 }, 0, { 0, 0, 1000, 800 } },
    { "pct:0,0,100,100",        { 4294967295u, 4294967295u }, 0, { 0, 0, 4294967295u, 4294967295u } },
    { "pct:50,50,50,50",        { 4294967294u, 4294967294u }, 0,
      { 2147483647u, 2147483647u, 2147483647u, 2147483647u } },
    /* squares */
    { "square",                 { 1000, 800 }, 0,  { 100, 0, 800, 800 } },
    { "square",                 { 800, 1000 }, 0,  { 0, 100, 800, 800 } },
    { "square",                 { 801, 1000 }, 0,  { 0,  99, 801, 801 } },
    { "square",                 { 500, 500 }, 0,   { 0, 0, 500, 500 } },
    { "square",                 { 4294967295u, 1 }, 0, { 2147483647u, 0, 1, 1 } },
};

static const struct {
    iiif_square_e square;
    iiif_dims_t full;
    iiif_rect_t rect;
} squares[] = {
    { IIIF_SQUARE_CENTRE,    { 300, 200 }, {  50,   0, 200, 200 } },
    { IIIF_SQUARE_LOW,       { 300, 200 }, {   0,   0, 200, 200 } },
    { IIIF_SQUARE_HIGH,      { 300, 200 }, { 100,   0, 200, 200 } },
    { IIIF_SQUARE_LOW,       { 200, 300 }, {   0,   0, 200, 200 } },
    { IIIF_SQUARE_HIGH,      { 200, 300 }, {   0, 100, 200, 200 } },
    { IIIF_SQUARE_ENTROPY,   { 300, 200 }, {  50,   0, 200, 200 } },
    { IIIF_SQUARE_ATTENTION, { 200, 300 }, {   0,  50, 200, 200 } },
};
/* clang-format on */

static int same(iiif_rect_t a, iiif_rect_t b)
{
    return a.x == b.x && a.y == b.y && a.width == b.width && a.height == b.height;
}

int main(void)
{
    iiif_region_t kept, before;
    unsigned i;

    memset(&kept, 0x55, sizeof(kept));
    memcpy(&before, &kept, sizeof(before));
    for (i = 0; i < ROWS(cases); ++i) {
        iiif_region_t region;
        iiif_rect_t got = { 0, 0, 0, 0 };
        iiif_err_t err = { "" };
        apr_status_t rv = iiif_region_parse(&region, cases[i].text, &err);

        if (rv == APR_SUCCESS)
            rv = iiif_region_resolve(&got, &region, IIIF_SQUARE_CENTRE, cases[i].full, &err);
        ok(rv == cases[i].want && same(got, cases[i].rect) && !rv == !*err.text,
           "'%s' of %ux%u -> %u,%u,%u,%u", cases[i].text, cases[i].full.width, cases[i].full.height,
           got.x, got.y, got.width, got.height);
    }
    for (i = 0; i < ROWS(squares); ++i) {
        const iiif_region_t square = { IIIF_REGION_SQUARE, { 0, 0, 0, 0 } };
        iiif_rect_t got;

        ok(iiif_region_resolve(&got, &square, squares[i].square, squares[i].full, NULL)
                   == APR_SUCCESS
               && same(got, squares[i].rect),
           "square %d of %ux%u -> %u,%u", (int)squares[i].square, squares[i].full.width,
           squares[i].full.height, got.x, got.y);
    }
    ok(iiif_region_parse(&kept, "0,0,9", NULL) != APR_SUCCESS
           && !memcmp(&kept, &before, sizeof(kept)),
       "a refused region leaves what was there");
    return done_testing();
}
