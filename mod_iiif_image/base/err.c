/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <apr_strings.h>
#include <stdarg.h>

#include "base/banned.h"

apr_status_t iiif_fail(iiif_err_t *err, apr_status_t rv, const char *fmt, ...)
{
    if (err) {
        va_list ap;

        va_start(ap, fmt);
        apr_vsnprintf(err->text, sizeof(err->text), fmt, ap);
        va_end(ap);
    }
    return rv;
}
