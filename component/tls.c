#include "component/tls.h"

#include "component/file.h"

#include <string.h>

static const char *const versions[] = {
    [TLS_UNSAID] = "", [TLS_1_2] = "1.2", [TLS_1_3] = "1.3", NULL};

#define CLIENT(key_, type_, ...)                                                                   \
    {                                                                                              \
        .key = #key_, .type = type_, .offset = offsetof(struct tls_client_settings, key_),         \
        __VA_ARGS__                                                                                \
    }
const struct config_field tls_client_fields[] = {
    CLIENT(insecure, FIELD_BOOL),
    CLIENT(insecure_skip_verify, FIELD_BOOL),
    CLIENT(server_name_override, FIELD_STRING),
    CLIENT(ca_file, FIELD_FILE),
    CLIENT(ca_pem, FIELD_STRING),
    CLIENT(cert_file, FIELD_FILE),
    CLIENT(cert_pem, FIELD_STRING),
    CLIENT(key_file, FIELD_FILE),
    CLIENT(key_pem, FIELD_STRING),
    CLIENT(min_version, FIELD_CHOICE, .choices = versions),
    CLIENT(include_system_ca_certs_pool, FIELD_BOOL),
    CONFIG_END,
};

#define SERVER(key_, type_, ...)                                                                   \
    {                                                                                              \
        .key = #key_, .type = type_, .offset = offsetof(struct tls_server_settings, key_),         \
        __VA_ARGS__                                                                                \
    }
const struct config_field tls_server_fields[] = {
    SERVER(cert_file, FIELD_FILE),
    SERVER(cert_pem, FIELD_STRING),
    SERVER(key_file, FIELD_FILE),
    SERVER(key_pem, FIELD_STRING),
    SERVER(ca_file, FIELD_FILE),
    SERVER(client_ca_file, FIELD_FILE),
    SERVER(min_version, FIELD_CHOICE, .choices = versions),
    CONFIG_END,
};

char *tls_load(const char *pem, const char *file, struct error *e)
{
    e->text[0] = 0;
    if (pem) {
        char *copy = strdup(pem);
        if (!copy)
            error_set(e, "out of memory");
        return copy;
    }
    return file ? file_read(file, e) : NULL;
}
