#include "exporters/client_pem.h"

#include "component/file.h"

#include <stdio.h>
#include <stdlib.h>

#define SYSTEM_ROOTS "/etc/ssl/certs/ca-certificates.crt"

bool client_pem_check(const struct tls_client_settings *s, const struct config_value *tls,
                      struct error *e)
{
    bool has_cert = s->cert_file || s->cert_pem;
    bool has_key = s->key_file || s->key_pem;
    return has_cert == has_key ||
           config_error(tls, e, "a client certificate needs both cert_file and key_file");
}

static bool add_system_roots(struct client_pem *p, struct error *e)
{
    char *system = file_read(SYSTEM_ROOTS, e);
    if (!system)
        return false;
    char *both = NULL;
    int n = asprintf(&both, "%s\n%s", p->roots, system);
    free(system);
    if (n < 0)
        return error_set(e, "out of memory");
    free(p->roots);
    p->roots = both;
    return true;
}

bool client_pem_load(struct client_pem *p, const struct tls_client_settings *s, struct error *e)
{
    *p = (struct client_pem){0};
    p->roots = tls_load(s->ca_pem, s->ca_file, e);
    if (!p->roots && e->text[0])
        return false;
    if (p->roots && s->include_system_ca_certs_pool && !add_system_roots(p, e))
        return false;
    p->cert = tls_load(s->cert_pem, s->cert_file, e);
    if (!p->cert && e->text[0])
        return false;
    p->key = tls_load(s->key_pem, s->key_file, e);
    return p->key || !e->text[0];
}

void client_pem_free(struct client_pem *p)
{
    free(p->roots);
    free(p->cert);
    free(p->key);
    *p = (struct client_pem){0};
}
