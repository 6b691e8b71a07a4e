/* TLS for a libmicrohttpd daemon, which does it with GnuTLS, from the `tls:` section of a server.
 *
 * Not for everybody: http_server.h and the OTLP receiver, which has a daemon of its own. */
#ifndef TAILSPAN_COMPONENT_HTTP_TLS_H
#define TAILSPAN_COMPONENT_HTTP_TLS_H

#include "component/tls.h"

#include <microhttpd.h>

/* Certificate, key and clients' CA as PEM. Zero-initialise. */
struct http_tls {
    char *cert;
    char *key;
    char *client_ca; /* NULL: clients need no certificate */
};

enum { HTTP_TLS_OPTIONS = 4 };

/* Reads the files and fills in the options for MHD_start_daemon, *count of them, which point into
 * `pem`. False with `e` set; http_tls_free() is due in any case, once the daemon has started. */
bool http_tls_load(const struct tls_server_settings *s, struct http_tls *pem,
                   struct MHD_OptionItem options[HTTP_TLS_OPTIONS], size_t *count, struct error *e);
void http_tls_free(struct http_tls *pem);

/* Makes a connection's handshake demand a certificate that the clients' CA has signed. To be called
 * from MHD_OPTION_NOTIFY_CONNECTION when there is such a CA: libmicrohttpd asks for a certificate,
 * but neither insists on one nor verifies it. */
void http_tls_demand_client(struct MHD_Connection *connection);

#endif
