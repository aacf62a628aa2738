/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_IMAGE_VIPS_PROCESS_H
#define IIIF_IMAGE_VIPS_PROCESS_H
/**
 * @file vips_process.h
 * @brief libvips in this process: started once, after the last fork, and what it can do here.
 *
 * Process-wide state: libvips itself, and the set of formats it can encode. Written by
 * iiif_vips_start() while there is one thread, read-only afterwards.
 */
#include "base/err.h"
#include "iiif/format.h"

/**
 * Start libvips: one thread an operation (httpd brings the threads), no operation cache, and no
 * loader but those of iiif/source_format.h. Threads of libvips do not survive a fork, so never call
 * this in a process that forks workers. More calls do nothing.
 * @return APR_SUCCESS, or APR_EGENERAL
 */
apr_status_t iiif_vips_start(const char *program, iiif_err_t *err);

/** Threads of one operation from now on, 1 or more: for a process that makes one image at a time.
 */
void iiif_vips_concurrency(int threads);

/** What this libvips can encode. Empty before iiif_vips_start(). */
iiif_format_set_t iiif_vips_formats(void);

/** Give back what libvips keeps for the calling thread; call when a thread is done with a render.
 */
void iiif_vips_thread_end(void);

/** Give free memory back to the system, when no render runs in this process: between large ones it
 *  would stay with the C library. Takes milliseconds. */
void iiif_vips_give_back(void);

/** "8.14.1": part of every validator, because another libvips may make other bytes. */
const char *iiif_vips_version(void);
#endif
