/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_BASE_ERR_H
#define IIIF_BASE_ERR_H
/**
 * @file err.h
 * @brief Status codes of this project, and the sentence that goes with one.
 */
#include <apr_errno.h>

/* Expected failures. Anything else is a plain APR or OS status: our fault, or the machine's. */
#define IIIF_EBADREQUEST (APR_OS_START_USERERR + 1)  /**< the URI breaks the grammar or a limit */
#define IIIF_ENOTFOUND   (APR_OS_START_USERERR + 2)  /**< no image for this identifier */
#define IIIF_ENOTIMPL    (APR_OS_START_USERERR + 3)  /**< valid, but switched off here */
#define IIIF_ETOOBIG     (APR_OS_START_USERERR + 4)  /**< valid, but more than this server does */
#define IIIF_EBADSOURCE  (APR_OS_START_USERERR + 5)  /**< the source is damaged, or no image */
#define IIIF_ECHANGED    (APR_OS_START_USERERR + 6)  /**< a file was replaced while it was read */
#define IIIF_EBUSY       (APR_OS_START_USERERR + 7)  /**< too much at once; later perhaps */
#define IIIF_EFULL       (APR_OS_START_USERERR + 8)  /**< there is no room for it in a store */
#define IIIF_EGONE       (APR_OS_START_USERERR + 9)  /**< nobody waits for it any more */
#define IIIF_EDOWN       (APR_OS_START_USERERR + 10) /**< the database cannot answer */

/** What went wrong, in one sentence for a person. Lives on the caller's stack; owns nothing. */
typedef struct iiif_err_t {
    char text[256];
} iiif_err_t;

/**
 * Write the sentence into @a err (may be NULL) and hand back @a rv, so that a failing function
 * can say `return iiif_fail(err, rv, ...)`. A longer sentence is cut.
 */
apr_status_t iiif_fail(iiif_err_t *err, apr_status_t rv, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
#endif
