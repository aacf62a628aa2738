/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/size.h"

#include <string.h>

#include "iiif/number.h"
#include "tap.h"

#define BAD     IIIF_EBADREQUEST
#define NOTIMPL IIIF_ENOTIMPL
#define V2      IIIF_VERSION_2
#define V3      IIIF_VERSION_3
#define NONE                                                                                       \
    {                                                                                              \
        0, 0                                                                                       \
    }
#define HUGE_ 4294967295u

/* Limits: max_width, max_height, max_area, upscale. */
static const iiif_limits_t free_ = { 0, 0, 0, 0 }, up = { 0, 0, 0, 1 },
                           up2000 = { 2000, 1600, 0, 1 }, w200 = { 200, 200, 0, 0 },
                           up360 = { 360, 360, 0, 1 }, half = { 500, 500, 0, 0 },
                           up_half = { 500, 500, 0, 1 }, area = { 0, 0, 200000, 0 },
                           up_area = { 0, 0, 3200000, 1 }, wide = { 600, 100, 0, 0 },
                           all = { 600, 500, 100000, 0 };

/* clang-format off */
static const struct {
    const char *text;
    iiif_version_e version;
    iiif_dims_t region;
    const iiif_limits_t *limits;
    apr_status_t want;
    iiif_dims_t dims;
} cases[] = {
    /* 3.0, 4.2: the twelve examples, on their image of 300x200 */
    { "max",        V3, { 300, 200 }, &w200,   0, { 200, 133 } },
    { "^max",       V3, { 300, 200 }, &up360,  0, { 360, 240 } },
    { "150,",       V3, { 300, 200 }, &up360,  0, { 150, 100 } },
    { "^360,",      V3, { 300, 200 }, &up360,  0, { 360, 240 } },
    { ",150",       V3, { 300, 200 }, &up360,  0, { 225, 150 } },
    { "^,240",      V3, { 300, 200 }, &up360,  0, { 360, 240 } },
    { ",^240",      V3, { 300, 200 }, &up360,  BAD, NONE },      /* the table's slip for ^,240 */
    { "pct:50",     V3, { 300, 200 }, &up360,  0, { 150, 100 } },
    { "^pct:120",   V3, { 300, 200 }, &up360,  0, { 360, 240 } },
    { "pct:120",    V3, { 300, 200 }, &up360,  BAD, NONE },      /* likewise for ^pct:120 */
    { "225,100",    V3, { 300, 200 }, &up360,  0, { 225, 100 } },
    { "^360,360",   V3, { 300, 200 }, &up360,  0, { 360, 360 } },
    { "!225,100",   V3, { 300, 200 }, &up360,  0, { 150, 100 } },
    { "^!360,360",  V3, { 300, 200 }, &up360,  0, { 360, 240 } },
    /* 2.1, 4.2: the seven examples */
    { "full",       V2, { 300, 200 }, &free_,  0, { 300, 200 } },
    { "max",        V2, { 300, 200 }, &w200,   0, { 200, 133 } },
    { "150,",       V2, { 300, 200 }, &free_,  0, { 150, 100 } },
    { ",150",       V2, { 300, 200 }, &free_,  0, { 225, 150 } },
    { "pct:50",     V2, { 300, 200 }, &free_,  0, { 150, 100 } },
    { "225,100",    V2, { 300, 200 }, &free_,  0, { 225, 100 } },
    { "!225,100",   V2, { 300, 200 }, &free_,  0, { 150, 100 } },
    { "max",        V2, { 300, 200 }, &free_,  0, { 300, 200 } }, /* no limits: as full */
    { "90,",        V2, { 120, 140 }, &free_,  0, { 90, 105 } }, /* 4.6, both versions */
    { "90,",        V3, { 120, 140 }, &free_,  0, { 90, 105 } },
    /* 3.0: what went, and what never was */
    { "full",       V3, { 1000, 800 }, &free_, BAD, NONE },
    { "^full",      V3, { 1000, 800 }, &up,    BAD, NONE },
    { "^max",       V2, { 1000, 800 }, &up,    BAD, NONE },
    { "^500,",      V2, { 1000, 800 }, &up,    BAD, NONE },
    { "^pct:50",    V2, { 1000, 800 }, &up,    BAD, NONE },
    { "^!9,9",      V2, { 1000, 800 }, &up,    BAD, NONE },
    { "^full",      V2, { 1000, 800 }, &up,    BAD, NONE },
    /* 3.0: larger than the region without ^ */
    { "1001,",      V3, { 1000, 800 }, &up2000, BAD, NONE },
    { ",801",       V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "1001,800",   V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "1000,801",   V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "101,",       V3, { 100, 100 }, &up2000, BAD, NONE },
    { "101,50",     V3, { 100, 100 }, &up2000, BAD, NONE },
    { "pct:100.5",  V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "pct:100.1",  V3, { 100, 90 },  &up2000, BAD, NONE },      /* though no pixel is gained */
    { "pct:100.0000000001", V3, { 1, 1 }, &up2000, BAD, NONE },
    { "pct:100.00000000001", V3, { 1, 1 }, &up2000, 0, { 1, 1 } }, /* beyond ten decimals */
    { "pct:100.00000000000", V3, { 7, 5 }, &up2000, 0, { 7, 5 } },
    /* 3.0: exactly the region */
    { "1000,",      V3, { 1000, 800 }, &free_, 0, { 1000, 800 } },
    { ",800",       V3, { 1000, 800 }, &free_, 0, { 1000, 800 } },
    { "1000,800",   V3, { 1000, 800 }, &free_, 0, { 1000, 800 } },
    { "pct:100",    V3, { 1000, 800 }, &free_, 0, { 1000, 800 } },
    { "pct:100.0",  V3, { 1000, 800 }, &free_, 0, { 1000, 800 } },
    { "^1000,",     V3, { 1000, 800 }, &free_, 0, { 1000, 800 } },
    { "^pct:100",   V3, { 1000, 800 }, &free_, 0, { 1000, 800 } },
    { "max",        V3, { 1000, 800 }, &free_, 0, { 1000, 800 } },
    { "max",        V3, { 1000, 800 }, &up2000, 0, { 1000, 800 } },
    /* 3.0: boxes are never an error by being large */
    { "!2000,400",  V3, { 1000, 800 }, &free_, 0, { 500, 400 } },
    { "!400,2000",  V3, { 1000, 800 }, &free_, 0, { 400, 320 } },
    { "!2000,3000", V3, { 1000, 800 }, &free_, 0, { 1000, 800 } },
    { "!1000,800",  V3, { 1000, 800 }, &free_, 0, { 1000, 800 } },
    { "!2000,800",  V3, { 1000, 800 }, &free_, 0, { 1000, 800 } },
    { "!1001,801",  V3, { 1000, 800 }, &half,  0, { 500, 400 } },
    { "^!2000,400", V3, { 1000, 800 }, &free_, 0, { 500, 400 } },
    { "^!2000,2000", V3, { 1000, 800 }, &up2000, 0, { 2000, 1600 } },
    { "^!9000,9000", V3, { 1000, 800 }, &up2000, 0, { 2000, 1600 } },
    { "^!9000,9000", V3, { 1000, 800 }, &free_, NOTIMPL, NONE },
    { "^!1500,800", V3, { 1000, 800 }, &free_, 0, { 1000, 800 } },
    { "^!4294967296,18446744073709551616", V3, { 1000, 800 }, &up2000, 0, { 2000, 1600 } },
    { "!4294967296,18446744073709551616", V3, { 1000, 800 }, &free_, 0, { 1000, 800 } },
    { "!4294967296,1", V3, { 1000, 800 }, &free_, 0, { 1, 1 } },
    { "!1,1",       V3, { 1000, 800 }, &free_, 0, { 1, 1 } },
    { "!10,10",     V3, { 1000, 1 },  &free_,  0, { 10, 1 } },
    { "!3,3",       V3, { 1, 1000 },  &free_,  0, { 1, 3 } },
    { "!100,99",    V3, { 301, 200 }, &free_,  0, { 100, 66 } },
    /* 3.0: limits cut max and boxes, and refuse the rest */
    { "max",        V3, { 1000, 800 }, &half,  0, { 500, 400 } },
    { "max",        V3, { 400, 300 }, &half,   0, { 400, 300 } },
    { "max",        V3, { 1000, 800 }, &area,  0, { 500, 400 } },
    { "max",        V3, { 1000, 800 }, &wide,  0, { 125, 100 } },
    { "max",        V3, { 1000, 800 }, &all,   0, { 353, 282 } },
    { "!400,400",   V3, { 1000, 800 }, &wide,  0, { 125, 100 } },
    { "1000,",      V3, { 1000, 800 }, &half,  BAD, NONE },
    { "501,",       V3, { 1000, 800 }, &half,  BAD, NONE },
    { "500,",       V3, { 1000, 800 }, &half,  0, { 500, 400 } },
    { ",101",       V3, { 1000, 800 }, &wide,  BAD, NONE },
    { ",100",       V3, { 1000, 800 }, &wide,  0, { 125, 100 } },
    { "pct:51",     V3, { 1000, 800 }, &half,  BAD, NONE },
    { "500,401",    V3, { 1000, 800 }, &area,  BAD, NONE },
    { "500,400",    V3, { 1000, 800 }, &area,  0, { 500, 400 } },
    { "^2001,",     V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "^,1601",     V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "^pct:201",   V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "^2001,1",    V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "^2000,",     V3, { 1000, 800 }, &up2000, 0, { 2000, 1600 } },
    { "^2000,1600", V3, { 1000, 800 }, &up2000, 0, { 2000, 1600 } },
    { "^pct:200",   V3, { 1000, 800 }, &up2000, 0, { 2000, 1600 } },
    { "^2000,1601", V3, { 1000, 800 }, &up_area, BAD, NONE },
    /* 3.0: ^max */
    { "^max",       V3, { 1000, 800 }, &up2000, 0, { 2000, 1600 } },
    { "^max",       V3, { 100, 10 },  &up2000, 0, { 2000, 200 } },
    { "^max",       V3, { 10, 100 },  &up2000, 0, { 160, 1600 } },
    { "^max",       V3, { 1000, 800 }, &up_area, 0, { 2000, 1600 } },
    { "^max",       V3, { 1000, 800 }, &up_half, 0, { 500, 400 } },
    { "^max",       V3, { 1000, 800 }, &up,    0, { 1000, 800 } }, /* without limits, as max */
    { "^max",       V3, { 1000, 800 }, &free_, 0, { 1000, 800 } },
    { "^max",       V3, { 1000, 800 }, &half,  0, { 500, 400 } },
    /* 3.0: upscaling switched off is 501, but only where it is needed */
    { "^pct:120",   V3, { 1000, 800 }, &free_, NOTIMPL, NONE },
    { "^1001,",     V3, { 1000, 800 }, &free_, NOTIMPL, NONE },
    { "^,801",      V3, { 1000, 800 }, &free_, NOTIMPL, NONE },
    { "^1000,801",  V3, { 1000, 800 }, &free_, NOTIMPL, NONE },
    { "^pct:50",    V3, { 1000, 800 }, &free_, 0, { 500, 400 } },
    { "^500,",      V3, { 1000, 800 }, &free_, 0, { 500, 400 } },
    { "^,400",      V3, { 1000, 800 }, &free_, 0, { 500, 400 } },
    { "^500,100",   V3, { 1000, 800 }, &free_, 0, { 500, 100 } },
    /* under one pixel */
    { "0,",         V3, { 1000, 800 }, &up2000, BAD, NONE },
    { ",0",         V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "0,0",        V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "0,9",        V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "9,0",        V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "!0,9",       V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "!9,0",       V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "pct:0",      V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "pct:0.0",    V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "^0,",        V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "^pct:0",     V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "pct:0.001",  V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "10,",        V3, { 1000, 1 },   &free_, 0, { 10, 1 } },  /* 0.01 high: one pixel */
    { "pct:1",      V3, { 1000, 1 },   &free_, 0, { 10, 1 } },
    { ",1",         V3, { 1, 1000 },   &free_, 0, { 1, 1 } },
    /* grammar */
    { "",           V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "^",          V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "!",          V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "^!",         V3, { 1000, 800 }, &up2000, BAD, NONE },
    { ",",          V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "^,",         V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "!,",         V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "!^9,9",      V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "!!9,9",      V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "^^max",      V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "^^9,9",      V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "!max",       V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "!pct:50",    V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "!9,",        V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "!,9",        V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "9",          V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "9,9,",       V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "9,9,9",      V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "9,,9",       V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "9.0,",       V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "9.5,9",      V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "max,",       V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "maximum",    V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "MAX",        V3, { 1000, 800 }, &up2000, BAD, NONE },
    { " max",       V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "max ",       V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "pct:5,5",    V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "pct:",       V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "pct:5.",     V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "pct:.5",     V3, { 1000, 800 }, &up2000, 0, { 5, 4 } },
    { "pct:050",    V3, { 1000, 800 }, &up2000, 0, { 500, 400 } },
    { "pct:+5",     V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "pct:-5",     V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "pct:5e1",    V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "pct:0x5",    V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "pct:NaN",    V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "pct:inf",    V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "pct:50%",    V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "pct: 50",    V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "PCT:50",     V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "100^,",      V3, { 1000, 800 }, &up2000, BAD, NONE },
    { ",^9",        V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "+9,",        V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "-9,",        V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "9,-9",       V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "9, 9",       V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "0x9,",       V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "9e1,",       V3, { 1000, 800 }, &up2000, BAD, NONE },
    { "0500,",      V3, { 1000, 800 }, &up2000, 0, { 500, 400 } },
    /* nothing wraps */
    { "4294967296,",           V3, { 1000, 800 }, &up, BAD, NONE },
    { "^4294967296,",          V3, { 1000, 800 }, &up, BAD, NONE },
    { "^4294967297,1",         V3, { 1000, 800 }, &up, BAD, NONE },
    { "^1,4294967297",         V3, { 1000, 800 }, &up, BAD, NONE },
    { "^18446744073709551617,1", V3, { 1000, 800 }, &up, BAD, NONE },
    { "^18446744073709551616,18446744073709551616", V3, { 1000, 800 }, &up_area, BAD, NONE },
    { "^65536,65536",          V3, { 1000, 800 }, &up_area, BAD, NONE },
    { "^4294967295,4294967295", V3, { 1000, 800 }, &up_area, BAD, NONE },
    { "^pct:18446744073709551616", V3, { 1000, 800 }, &up_area, BAD, NONE },
    { "^pct:99999999999",      V3, { HUGE_, HUGE_ }, &up_area, BAD, NONE },
    { "pct:100",               V3, { HUGE_, HUGE_ }, &free_, 0, { HUGE_, HUGE_ } },
    { "max",                   V3, { HUGE_, HUGE_ }, &free_, 0, { HUGE_, HUGE_ } },
    { "max",                   V3, { HUGE_, HUGE_ }, &half, 0, { 500, 500 } },
    { "max",                   V3, { HUGE_, 1 },     &half, 0, { 500, 1 } },
    { "1,",                    V3, { 1, HUGE_ },     &free_, 0, { 1, HUGE_ } },
    { "^2,",                   V3, { 1, HUGE_ },     &up, BAD, NONE },
    /* the other side is the nearest whole number, and exact where there is one */
    { "901,",       V3, { 901, 436 },  &free_, 0, { 901, 436 } },
    { "29,",        V3, { 58, 100 },   &free_, 0, { 29, 50 } },
    { "3,",         V3, { 1000, 800 }, &free_, 0, { 3, 2 } },
    { ",3",         V3, { 1000, 800 }, &free_, 0, { 4, 3 } },
    { "pct:33.3333", V3, { 1000, 800 }, &free_, 0, { 333, 267 } },
    { "pct:0.1",    V3, { 1000, 800 }, &free_, 0, { 1, 1 } },
    /* 2.1 where it differs */
    { "full",       V2, { 1000, 800 }, &half,  BAD, NONE },
    { "full",       V2, { 1000, 800 }, &area,  BAD, NONE },
    { "full",       V2, { 500, 400 },  &half,  0, { 500, 400 } },
    { "max",        V2, { 1000, 800 }, &half,  0, { 500, 400 } },
    { "max",        V2, { 1000, 800 }, &up2000, 0, { 1000, 800 } },
    { "2000,",      V2, { 1000, 800 }, &up2000, 0, { 2000, 1600 } },
    { "pct:200",    V2, { 1000, 800 }, &up2000, 0, { 2000, 1600 } },
    { "2000,1600",  V2, { 1000, 800 }, &up2000, 0, { 2000, 1600 } },
    { ",1600",      V2, { 1000, 800 }, &up2000, 0, { 2000, 1600 } },
    { "2001,",      V2, { 1000, 800 }, &up2000, BAD, NONE },
    { "2000,",      V2, { 1000, 800 }, &free_, NOTIMPL, NONE },
    { "pct:200",    V2, { 1000, 800 }, &free_, NOTIMPL, NONE },
    { "!2000,2000", V2, { 1000, 800 }, &up2000, 0, { 1000, 800 } },
    { "!500,500",   V2, { 1000, 800 }, &free_, 0, { 500, 400 } },
    { "500,100",    V2, { 1000, 800 }, &free_, 0, { 500, 100 } },
    { "pct:0",      V2, { 1000, 800 }, &free_, BAD, NONE },
    { "0,",         V2, { 1000, 800 }, &free_, BAD, NONE },
    { "pct:.5",     V2, { 1000, 800 }, &free_, 0, { 5, 4 } },
    { "FULL",       V2, { 1000, 800 }, &free_, BAD, NONE },
    { "full,",      V2, { 1000, 800 }, &free_, BAD, NONE },
    { "fullmax",    V2, { 1000, 800 }, &free_, BAD, NONE },
    { "!full",      V2, { 1000, 800 }, &free_, BAD, NONE },
    { "",           V2, { 1000, 800 }, &free_, BAD, NONE },
};

/* Sides, area, and a long thin region: the result is held to all of them at once. */
static const struct {
    const char *text;
    iiif_dims_t region;
    iiif_limits_t limits;
    iiif_dims_t dims;
} held[] = {
    { "max",      { 1000, 5 },     { 300, 300, 599, 0 },   { 300, 1 } },
    { "!300,300", { 1000, 5 },     { 0, 0, 599, 0 },       { 300, 1 } },
    { "max",      { 5, 1000 },     { 300, 300, 599, 0 },   { 1, 300 } },
    { "max",      { 1000, 1 },     { 0, 0, 50, 0 },        { 50, 1 } },
    { "max",      { 1, 1000 },     { 0, 0, 50, 0 },        { 1, 50 } },
    { "max",      { 1000, 1 },     { 100, 100, 50, 0 },    { 50, 1 } },
    { "max",      { 1000, 800 },   { 0, 0, 1, 0 },         { 1, 1 } },
    { "max",      { 300, 300 },    { 0, 0, 10000, 0 },     { 100, 100 } },
    { "max",      { 700, 700 },    { 0, 0, 90000, 0 },     { 300, 300 } },
    { "max",      { 900, 1700 },   { 0, 0, 15300, 0 },     { 90, 170 } },
    { "^max",     { 3, 3 },        { 0, 0, 1000000, 1 },   { 1000, 1000 } },
    { "^max",     { 7, 3 },        { 0, 0, 21000000, 1 },  { 7000, 3000 } },
    { "^max",     { 1, 1 },        { 65535, 65535, 0, 1 }, { 65535, 65535 } },
    { "^max",     { 1, HUGE_ },    { 0, 0, 99, 1 },        { 1, 99 } },
};
/* clang-format on */

static apr_status_t ask(iiif_dims_t *dims, const char *text, iiif_version_e version,
                        iiif_dims_t region, const iiif_limits_t *limits, iiif_err_t *err)
{
    iiif_size_t size;
    apr_status_t rv = iiif_size_parse(&size, text, version, err);

    return rv == APR_SUCCESS ? iiif_size_resolve(dims, &size, region, limits, err) : rv;
}

/* Every square region scaled to an area that is a square number has that number's root for side. */
static void test_square_areas(void)
{
    unsigned side, root, wrong = 0;

    for (side = 1; side < 400; ++side) {
        for (root = 1; root <= side; ++root) {
            iiif_limits_t limits = { 0, 0, (apr_uint64_t)root * root, 0 };
            iiif_dims_t got = iiif_size_max((iiif_dims_t){ side, side }, &limits);

            wrong += got.width != root || got.height != root;
        }
    }
    ok(!wrong, "a square within a square area fills it, %u do not", wrong);
}

/* Whatever the shape, `max` and `^max` stay within each limit and never vanish. */
static void test_limits_hold(void)
{
    static const unsigned sides[] = { 1, 2, 3, 5, 7, 10, 99, 100, 101, 1000, 4001, 65536 };
    static const unsigned maxima[] = { 0, 1, 2, 3, 50, 100, 333, 5000 };
    static const unsigned areas[] = { 0, 1, 2, 7, 99, 100, 599, 10000, 123457 };
    unsigned w, h, m, n, a, wrong = 0, seen = 0;

    for (w = 0; w < ROWS(sides); ++w)
        for (h = 0; h < ROWS(sides); ++h)
            for (m = 0; m < ROWS(maxima); ++m)
                for (n = 0; n < ROWS(maxima); ++n)
                    for (a = 0; a < ROWS(areas); ++a) {
                        iiif_limits_t limits = { maxima[m], maxima[m] ? maxima[n] : 0, areas[a],
                                                 1 };
                        iiif_dims_t region = { sides[w], sides[h] };
                        iiif_dims_t got[2] = { iiif_size_max(region, &limits),
                                               iiif_size_upmax(region, &limits) };
                        int i;

                        for (i = 0; i < 2; ++i, ++seen)
                            wrong += !got[i].width || !got[i].height
                                     || (limits.max_width && got[i].width > limits.max_width)
                                     || (limits.max_height && got[i].height > limits.max_height)
                                     || (limits.max_area
                                         && (apr_uint64_t)got[i].width * got[i].height
                                                > limits.max_area);
                        wrong += got[0].width > region.width || got[0].height > region.height;
                    }
    ok(!wrong, "%u sizes are within their limits, %u are not", seen, wrong);
}

int main(void)
{
    iiif_size_t kept = { IIIF_SIZE_EXACT, 1, 2, 3 }, before = kept;
    unsigned i;

    for (i = 0; i < ROWS(cases); ++i) {
        iiif_dims_t got = { 0, 0 };
        iiif_err_t err = { "" };
        apr_status_t rv =
            ask(&got, cases[i].text, cases[i].version, cases[i].region, cases[i].limits, &err);

        ok(rv == cases[i].want && got.width == cases[i].dims.width
               && got.height == cases[i].dims.height && !rv == !*err.text,
           "%d: '%s' of %ux%u -> %ux%u %s", (int)cases[i].version, cases[i].text,
           cases[i].region.width, cases[i].region.height, got.width, got.height, err.text);
    }
    for (i = 0; i < ROWS(held); ++i) {
        iiif_dims_t got = { 0, 0 };
        apr_status_t rv =
            ask(&got, held[i].text, IIIF_VERSION_3, held[i].region, &held[i].limits, NULL);

        ok(rv == APR_SUCCESS && got.width == held[i].dims.width
               && got.height == held[i].dims.height,
           "'%s' of %ux%u within %u,%u,%" APR_UINT64_T_FMT " -> %ux%u", held[i].text,
           held[i].region.width, held[i].region.height, held[i].limits.max_width,
           held[i].limits.max_height, held[i].limits.max_area, got.width, got.height);
    }
    test_square_areas();
    test_limits_hold();
    ok(iiif_size_parse(&kept, "9", IIIF_VERSION_3, NULL) != APR_SUCCESS
           && !memcmp(&kept, &before, sizeof(kept)),
       "a refused size leaves what was there");
    return done_testing();
}
