/* SPDX-License-Identifier: Apache-2.0 */
#include "image/tiff_file.h"

#include <apr_strings.h>

#include "base/banned.h"

#define ALLOC_MAX ((tmsize_t)256 << 20) /* one allocation; a directory needs far less */

static int keep_first(TIFF *handle, void *tiff, const char *module, const char *fmt, va_list ap)
{
    iiif_err_t *said = &((iiif_tiff_t *)tiff)->said;

    (void)handle;
    (void)module;
    if (!said->text[0])
        apr_vsnprintf(said->text, sizeof(said->text), fmt, ap);
    return 1;
}

static int keep_quiet(TIFF *handle, void *tiff, const char *module, const char *fmt, va_list ap)
{
    (void)handle;
    (void)tiff;
    (void)module;
    (void)fmt;
    (void)ap;
    return 1;
}

static apr_status_t close_tiff(void *handle)
{
    TIFFClose(handle);
    return APR_SUCCESS;
}

apr_status_t iiif_tiff_open(iiif_tiff_t *tiff, const char *path, iiif_err_t *err, apr_pool_t *pool)
{
    TIFFOpenOptions *opts = TIFFOpenOptionsAlloc();

    tiff->said.text[0] = '\0';
    if (!opts)
        return APR_ENOMEM;
    TIFFOpenOptionsSetErrorHandlerExtR(opts, keep_first,
                                       tiff); /* the plain handlers are one a process */
    TIFFOpenOptionsSetWarningHandlerExtR(opts, keep_quiet, tiff);
    TIFFOpenOptionsSetMaxSingleMemAlloc(opts, ALLOC_MAX);
    tiff->handle =
        TIFFOpenExt(path, "rm", opts); /* m: no mmap, so a file cut short is an error, not SIGBUS */
    TIFFOpenOptionsFree(opts);
    if (!tiff->handle)
        return iiif_fail(err, IIIF_EBADSOURCE, "TIFF: %s", tiff->said.text);
    apr_pool_cleanup_register(pool, tiff->handle, close_tiff, apr_pool_cleanup_null);
    return APR_SUCCESS;
}
