/* The `tls:` section, for servers and for clients, with the Collector's keys.
 *
 * Files are read at start; certificates in PEM. What a transport cannot honour it refuses at start.
 */
#ifndef TAILSPAN_COMPONENT_TLS_H
#define TAILSPAN_COMPONENT_TLS_H

#include "component/config.h"

enum tls_version {
    TLS_UNSAID, /* counts as 1.2, which is the oldest that is supported */
    TLS_1_2,
    TLS_1_3,
};

struct tls_client_settings {
    bool insecure; /* no TLS at all */
    bool insecure_skip_verify;
    const char *server_name_override;
    const char *ca_file;
    const char *ca_pem;
    const char *cert_file;
    const char *cert_pem;
    const char *key_file;
    const char *key_pem;
    int min_version; /* enum tls_version */
    bool include_system_ca_certs_pool;
};

struct tls_server_settings {
    const char *cert_file;
    const char *cert_pem;
    const char *key_file;
    const char *key_pem;
    const char *ca_file; /* has to be readable, and has no use in a server, as in the Collector */
    const char *client_ca_file;
    int min_version; /* enum tls_version */
};

extern const struct config_field tls_client_fields[];
extern const struct config_field tls_server_fields[];

/* The PEM text of a certificate or key: `pem` itself, or the file's content. NULL when neither is
 * given, or with `e` set when the file cannot be read. To be freed with free(). */
char *tls_load(const char *pem, const char *file, struct error *e);

#endif
