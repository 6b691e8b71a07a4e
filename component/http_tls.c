#include "component/http_tls.h"

#include <gnutls/gnutls.h>
#include <stdlib.h>

bool http_tls_load(const struct tls_server_settings *s, struct http_tls *pem,
                   struct MHD_OptionItem options[HTTP_TLS_OPTIONS], size_t *count, struct error *e)
{
    e->text[0] = 0;
    pem->cert = tls_load(s->cert_pem, s->cert_file, e);
    pem->key = e->text[0] ? NULL : tls_load(s->key_pem, s->key_file, e);
    pem->client_ca = e->text[0] ? NULL : tls_load(NULL, s->client_ca_file, e);
    if (e->text[0])
        return false;
    if (!pem->cert || !pem->key)
        return error_set(e, "tls: a server needs cert_file and key_file");
    bool newest = s->min_version == TLS_1_3;
    const char *priorities =
        newest ? "NORMAL:-VERS-ALL:+VERS-TLS1.3" : "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";
    options[0] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, pem->cert};
    options[1] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, pem->key};
    options[2] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0, (char *)priorities};
    options[3] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_TRUST, 0, pem->client_ca};
    *count = pem->client_ca ? 4 : 3;
    return true;
}

void http_tls_free(struct http_tls *pem)
{
    free(pem->cert);
    free(pem->key);
    free(pem->client_ca);
    *pem = (struct http_tls){0};
}

void http_tls_demand_client(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (!info || !info->tls_session)
        return;
    gnutls_certificate_server_set_request(info->tls_session, GNUTLS_CERT_REQUIRE);
    gnutls_session_set_verify_cert(info->tls_session, NULL, 0);
}
