/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_HTTPD_CLIENT_H
#define IIIF_HTTPD_CLIENT_H
/** @file client.h
 *  @brief Is the client still there? */
#include <httpd.h>

/**
 * Has the client closed its connection, or reset its HTTP/2 stream? Looks without reading, so that
 * a request that it has sent already stays where it is; by any thread, while @a r lives. A client
 * that has closed its sending side alone counts as gone: nothing tells it from one that has left.
 */
int iiif_client_has_gone(const request_rec *r);
#endif
