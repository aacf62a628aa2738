/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_HTTPD_RESPOND_H
#define IIIF_HTTPD_RESPOND_H
/** @file respond.h
 *  @brief How an answer leaves: headers, validators, bodies, refusals. */
#include <httpd.h>

#include "image/render.h"

/**
 * Refuse with one sentence, as text/plain, never cached; logged once, at info when it is the
 * client's doing and at err when it is ours. What goes wrong on our side is told in general words.
 * @return OK: the answer is complete
 */
int iiif_refuse(request_rec *r, apr_status_t rv, const iiif_err_t *err);

/** Refuse a method: 405 with Allow. @return OK */
int iiif_refuse_method(request_rec *r);

/** Something an answer depends on. */
typedef struct iiif_piece_t {
    const void *data; /**< NULL: the list ends */
    apr_size_t len;   /**< bytes */
} iiif_piece_t;

/** A strong validator, 64 bits of SipHash over @a pieces. In r->pool. */
const char *iiif_etag(request_rec *r, const iiif_piece_t pieces[]);

/**
 * Set ETag and Last-Modified and hold them against the request's conditions, before any work.
 * @param etag in quotes; lives as long as @a r
 * @return OK: go on; else a status to return from the handler
 */
int iiif_check_conditions(request_rec *r, const char *etag);

/** Send text that is already complete, and lives as long as @a r. @return OK or AP_FILTER_ERROR */
int iiif_send_text(request_rec *r, const char *text, apr_size_t len);

/** Send @a bytes, which are given away. @return OK or AP_FILTER_ERROR */
int iiif_send_bytes(request_rec *r, iiif_bytes_t *bytes);

/** A few bytes, and behind them a stretch of an open file. */
typedef struct iiif_part_t {
    const char *head; /**< copied */
    apr_size_t head_length;
    apr_file_t *file; /**< of this request alone, as filters may move its position; in r->pool */
    apr_off_t offset;
    apr_size_t length;
} iiif_part_t;

/** Send @a part, as sendfile() does where the connection allows it. @return OK or AP_FILTER_ERROR
 */
int iiif_send_part(request_rec *r, const iiif_part_t *part);

/**
 * Send the first @a length bytes of a file that is never written to again, as httpd sends its own:
 * by sendfile() or mmap() where that is configured and possible.
 * @param file of this request alone, in r->pool
 * @return OK or AP_FILTER_ERROR
 */
int iiif_send_file(request_rec *r, apr_file_t *file, apr_size_t length);
#endif
