/* Certificates and key of a client's `tls:` section, read from their files. */
#ifndef TAILSPAN_EXPORTERS_CLIENT_PEM_H
#define TAILSPAN_EXPORTERS_CLIENT_PEM_H

#include "component/tls.h"

struct client_pem {
    char *roots; /* NULL: the system's */
    char *cert;
    char *key;
};

/* Whether certificate and key come together; `tls` is the section, for the error's place. */
bool client_pem_check(const struct tls_client_settings *s, const struct config_value *tls,
                      struct error *e);

/* False with `e` set when a file cannot be read; client_pem_free() is due in any case. */
bool client_pem_load(struct client_pem *p, const struct tls_client_settings *s, struct error *e);
void client_pem_free(struct client_pem *p);

#endif
