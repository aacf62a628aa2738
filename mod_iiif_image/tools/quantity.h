/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TOOLS_QUANTITY_H
#define IIIF_TOOLS_QUANTITY_H
/**
 * @file quantity.h
 * @brief Bytes and times as a command line has them.
 */
#include <apr_time.h>

#include "tools/options.h"

/** "10G": digits, and K, M, G or T for powers of 1024; 1 byte to 1024T. As IIIFDerivativeStore has
 *  it. @return 1; 0: it is none, and @a bytes is untouched */
int iiifctl_bytes(apr_int64_t *bytes, const char *text);

/** "30d": digits, and s, m, h, d or w; one second to 100 years. @return 1; 0: it is none, and
 *  @a span is untouched */
int iiifctl_span(apr_time_t *span, const char *text);

/** The bytes given last for an option; untouched if there are none.
 *  @return IIIFCTL_OK; IIIFCTL_USAGE, said on stderr */
int iiifctl_bytes_of(apr_int64_t *bytes, const iiifctl_call_t *call, int letter, const char *name);
#endif
