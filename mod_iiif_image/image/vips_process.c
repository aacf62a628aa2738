/* SPDX-License-Identifier: Apache-2.0 */
#include "image/vips_process.h"

#include <malloc.h>
#include <unistd.h>
#include <vips/vips.h>

#include "base/banned.h"

/* Written by iiif_vips_start() alone, before the process has threads. */
static int started;
static iiif_format_set_t formats;

/* Classes of the loaders we call; every other is blocked, so that no file can choose one. */
static const char *const loaders[] = {
    "VipsForeignLoadJpeg", "VipsForeignLoadPng",   "VipsForeignLoadTiff", "VipsForeignLoadJp2k",
    "VipsForeignLoadWebp", "VipsForeignLoadNsgif", "VipsForeignLoadHeif", "VipsForeignLoadJxl",
    "VipsForeignLoadPdf",  "VipsForeignLoadSvg",
};

static const struct {
    iiif_format_e format;
    const char *operation;
} savers[] = {
    { IIIF_FORMAT_JPG, "jpegsave_buffer" },  { IIIF_FORMAT_PNG, "pngsave_buffer" },
    { IIIF_FORMAT_TIF, "tiffsave_buffer" },  { IIIF_FORMAT_GIF, "gifsave_buffer" },
    { IIIF_FORMAT_WEBP, "webpsave_buffer" }, { IIIF_FORMAT_JP2, "jp2ksave_buffer" },
    { IIIF_FORMAT_PDF, "jpegsave_buffer" }, /* a JPEG on a page */
    { IIIF_FORMAT_AVIF, "heifsave_buffer" }, { IIIF_FORMAT_JXL, "jxlsave_buffer" },
};

/* libvips' warnings name no request; what matters comes back as a failed call. */
static void discard(const char *domain, GLogLevelFlags level, const char *message, void *data)
{
    (void)domain;
    (void)level;
    (void)message;
    (void)data;
}

apr_status_t iiif_vips_start(const char *program, iiif_err_t *err)
{
    unsigned i;

    if (started)
        return APR_SUCCESS;
    if (VIPS_INIT(program))
        return iiif_fail(err, APR_EGENERAL, "libvips did not start: %s", vips_error_buffer());
    g_log_set_handler("VIPS", G_LOG_LEVEL_WARNING | G_LOG_LEVEL_INFO, discard, NULL);
    vips_concurrency_set(1);
#ifdef __GLIBC__
    /* an arena a thread would keep every thread's largest picture for good */
    mallopt(M_ARENA_MAX, (int)sysconf(_SC_NPROCESSORS_ONLN));
#endif
    vips_cache_set_max(0);
    vips_operation_block_set("VipsForeignLoad", TRUE);
    for (i = 0; i < sizeof(loaders) / sizeof(loaders[0]); ++i)
        vips_operation_block_set(loaders[i], FALSE);
    for (i = 0; i < sizeof(savers) / sizeof(savers[0]); ++i) {
        if (vips_type_find("VipsOperation", savers[i].operation))
            formats |= 1u << savers[i].format;
    }
    started = 1;
    return APR_SUCCESS;
}

void iiif_vips_concurrency(int threads)
{
    vips_concurrency_set(threads);
}

iiif_format_set_t iiif_vips_formats(void)
{
    return formats;
}

void iiif_vips_thread_end(void)
{
    vips_thread_shutdown();
}

void iiif_vips_give_back(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

const char *iiif_vips_version(void)
{
    return vips_version_string();
}
