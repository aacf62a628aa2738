/* SPDX-License-Identifier: Apache-2.0 */
#include "image/tiff_file.h"

#include <apr_strings.h>
#include <string.h>

#include "base/banned.h"

#define ALLOC_MAX ((tmsize_t)256 << 20) /* one allocation; directories and tiles need far less */

static void keep_first(iiif_err_t *said, const char *fmt, va_list ap)
{
    if (!said->text[0])
        apr_vsnprintf(said->text, sizeof(said->text), fmt, ap);
}

static int keep_error(TIFF *handle, void *tiff, const char *module, const char *fmt, va_list ap)
{
    (void)handle;
    (void)module;
    keep_first(&((iiif_tiff_t *)tiff)->said, fmt, ap);
    return 1;
}

static int keep_warning(TIFF *handle, void *tiff, const char *module, const char *fmt, va_list ap)
{
    (void)handle;
    if (module && !strncmp(module, "JPEG", 4)) /* libjpeg, or libtiff of a tile that is too small */
        keep_first(&((iiif_tiff_t *)tiff)->warned, fmt, ap);
    return 1;
}

static apr_status_t close_tiff(void *handle)
{
    TIFFClose(handle);
    return APR_SUCCESS;
}

apr_status_t iiif_tiff_open(iiif_tiff_t *tiff, const char *path, const char *mode, iiif_err_t *err,
                            apr_pool_t *pool)
{
    TIFFOpenOptions *opts = TIFFOpenOptionsAlloc();

    *tiff = (iiif_tiff_t){ NULL, { "" }, { "" } };
    if (!opts)
        return APR_ENOMEM;
    TIFFOpenOptionsSetErrorHandlerExtR(opts, keep_error,
                                       tiff); /* the plain handlers are one a process */
    TIFFOpenOptionsSetWarningHandlerExtR(opts, keep_warning, tiff);
    TIFFOpenOptionsSetMaxSingleMemAlloc(opts, ALLOC_MAX);
    /* m: no mmap, so a file cut short is an error, not SIGBUS */
    tiff->handle = TIFFOpenExt(path, apr_pstrcat(pool, mode, "m", NULL), opts);
    TIFFOpenOptionsFree(opts);
    if (!tiff->handle)
        return iiif_fail(err, IIIF_EBADSOURCE, "TIFF: %s", tiff->said.text);
    apr_pool_cleanup_register(pool, tiff->handle, close_tiff, apr_pool_cleanup_null);
    return APR_SUCCESS;
}

int iiif_tiff_is_premultiplied(TIFF *handle)
{
    uint16_t count = 0, i;
    uint16_t *kinds = NULL;

    TIFFGetFieldDefaulted(handle, TIFFTAG_EXTRASAMPLES, &count, &kinds);
    for (i = 0; i < count; ++i) {
        if (kinds[i] == EXTRASAMPLE_ASSOCALPHA)
            return 1;
    }
    return 0;
}
