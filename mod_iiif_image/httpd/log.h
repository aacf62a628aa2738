/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_HTTPD_LOG_H
#define IIIF_HTTPD_LOG_H
/** @file log.h
 *  @brief Message ids, "IIIF0007: ". Numbers are given out by doc/log-ids, once. */
#include <httpd.h>
#include <http_log.h>

#define IIIF_LOGNO(n) "IIIF" #n ": "

APLOG_USE_MODULE(iiif_image);
#endif
