/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/client.h"

#include <apr_network_io.h>
#include <apr_portable.h>
#include <http_core.h>
#include <poll.h>

#include "base/banned.h"

static int is_closed(conn_rec *c)
{
    apr_socket_t *socket = ap_get_conn_socket(c);
    struct pollfd what = { .events = POLLRDHUP };

    if (!socket || apr_os_sock_get(&what.fd, socket) != APR_SUCCESS)
        return 0;
    if (what.fd < 0) /* by httpd itself, which ends */
        return 1;
    return poll(&what, 1, 0) > 0 && what.revents & (POLLRDHUP | POLLHUP | POLLERR);
}

/* mod_http2 reads the connection all the time, and marks a stream's own when it is reset, or when
 * the whole connection is gone (m_stream_cleanup, h2_mplx.c). */
int iiif_client_has_gone(const request_rec *r)
{
    conn_rec *c = r->connection;

    if (c->aborted || (c->master && c->master->aborted))
        return 1;
    return !c->master && is_closed(c);
}
