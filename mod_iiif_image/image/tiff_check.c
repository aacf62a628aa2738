/* SPDX-License-Identifier: Apache-2.0 */
#include "image/pixels_check.h"
#include "image/private.h"
#include "image/tiff_file.h"

#include "base/banned.h"

#define LEVELS_MAX 64 /* of one image: more than a pyramid can have */

/* Those below the current directory, which is another one afterwards. @return 1; 0: one is not
 * there */
static int has_levels(TIFF *handle)
{
    uint64_t places[LEVELS_MAX];
    const uint64_t *stored = NULL;
    uint16_t count = 0, i;

    if (!TIFFGetField(handle, TIFFTAG_SUBIFD, &count, &stored))
        return 1;
    count = MIN(count, LEVELS_MAX);
    for (i = 0; i < count; ++i)
        places[i] = stored[i];
    for (i = 0; i < count; ++i) {
        if (!TIFFSetSubDirectory(handle, places[i]))
            return 0;
    }
    return 1;
}

/* Behind the last one libtiff finds none, and has nothing to say. */
static int has_pages(iiif_tiff_t *tiff)
{
    tdir_t page = 0;

    do {
        if (!has_levels(tiff->handle) || !TIFFSetDirectory(tiff->handle, page))
            return 0;
        ++page;
        tiff->said.text[0] = '\0';
    } while (TIFFReadDirectory(tiff->handle));
    return !tiff->said.text[0];
}

apr_status_t iiif_directories_check(const char *path, iiif_err_t *err, apr_pool_t *pool)
{
    iiif_tiff_t tiff;
    apr_status_t rv = iiif_tiff_open(&tiff, path, "rO", err, pool);

    if (rv == APR_SUCCESS && !has_pages(&tiff))
        rv = iiif_fail(err, IIIF_EBADSOURCE,
                       "a directory lies outside the file, or is none: it is cut short");
    return rv;
}
