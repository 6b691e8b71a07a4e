/* TLS and mTLS on both transports, with certificates made on the spot. */
#include "fixture.h"

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <grpc/byte_buffer.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct identity {
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t cert;
    char cert_pem[4096];
    char key_pem[4096];
    char cert_file[64];
    char key_file[64];
};

static struct identity ca, server, client, stranger;

static void write_file(char *path, const char *name, const char *text)
{
    snprintf(path, 64, "/tmp/tailspan-tls-%d-%s.pem", getpid(), name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void make(struct identity *id, const char *name, const struct identity *issuer)
{
    gnutls_x509_privkey_init(&id->key);
    gnutls_x509_privkey_generate(id->key, GNUTLS_PK_ECDSA,
                                 GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    gnutls_x509_crt_t c;
    gnutls_x509_crt_init(&c);
    static unsigned char serial = 1;
    gnutls_x509_crt_set_serial(c, &serial, 1);
    serial++;
    gnutls_x509_crt_set_version(c, 3);
    gnutls_x509_crt_set_dn_by_oid(c, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)strlen(name));
    gnutls_x509_crt_set_activation_time(c, time(NULL) - 3600);
    gnutls_x509_crt_set_expiration_time(c, time(NULL) + 86400);
    gnutls_x509_crt_set_key(c, id->key);
    gnutls_x509_crt_set_basic_constraints(c, issuer == id, -1);
    gnutls_x509_crt_set_subject_alt_name(c, GNUTLS_SAN_DNSNAME, "localhost", 9, GNUTLS_FSAN_SET);
    assert_int_equal(gnutls_x509_crt_sign2(c, issuer == id ? c : issuer->cert, issuer->key,
                                           GNUTLS_DIG_SHA256, 0),
                     0);
    id->cert = c;
    size_t len = sizeof id->cert_pem;
    assert_int_equal(gnutls_x509_crt_export(c, GNUTLS_X509_FMT_PEM, id->cert_pem, &len), 0);
    len = sizeof id->key_pem;
    assert_int_equal(gnutls_x509_privkey_export_pkcs8(id->key, GNUTLS_X509_FMT_PEM, NULL,
                                                      GNUTLS_PKCS_PLAIN, id->key_pem, &len),
                     0);
    char file[64];
    snprintf(file, sizeof file, "%s-cert", name);
    write_file(id->cert_file, file, id->cert_pem);
    snprintf(file, sizeof file, "%s-key", name);
    write_file(id->key_file, file, id->key_pem);
}

static void unmake(struct identity *id)
{
    gnutls_x509_crt_deinit(id->cert);
    gnutls_x509_privkey_deinit(id->key);
    unlink(id->cert_file);
    unlink(id->key_file);
}

static int make_all(void **state)
{
    (void)state;
    make(&ca, "ca", &ca);
    make(&server, "server", &ca);
    make(&client, "client", &ca);
    make(&stranger, "stranger", &stranger);
    return 0;
}

static int unmake_all(void **state)
{
    (void)state;
    unmake(&ca);
    unmake(&server);
    unmake(&client);
    unmake(&stranger);
    return 0;
}

static void start(struct fixture *f, bool mutual, const char *min_version)
{
    char tls[512], yaml[2048];
    snprintf(tls, sizeof tls, "ca_file: %s, cert_file: %s, key_file: %s%s%s", ca.cert_file,
             server.cert_file, server.key_file, mutual ? ", client_ca_file: " : "",
             mutual ? ca.cert_file : "");
    snprintf(yaml, sizeof yaml,
             "{protocols: {grpc: {endpoint: \"127.0.0.1:0\", tls: {%s}}, http: {endpoint: "
             "\"127.0.0.1:0\", tls: {%s%s%s}}}}",
             tls, tls, min_version ? ", min_version: " : "", min_version ? min_version : "");
    fixture_start(f, yaml);
}

/* ---- HTTP ---- */

/* The status of an empty JSON request; 0: no answer, the handshake or the connection failed. */
static int https_status(const struct fixture *f, const struct identity *who, const char *priority)
{
    gnutls_certificate_credentials_t credentials;
    gnutls_session_t session;
    gnutls_certificate_allocate_credentials(&credentials);
    if (who)
        gnutls_certificate_set_x509_key(credentials, (gnutls_x509_crt_t[]){who->cert}, 1, who->key);
    gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL);
    gnutls_priority_set_direct(session, priority, NULL);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(f->http_port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    gnutls_transport_set_int(session, fd);
    int status = 0;
    static const char request[] = "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\n"
                                  "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    char answer[1024] = "";
    if (gnutls_handshake(session) == 0 &&
        gnutls_record_send(session, request, sizeof request - 1) > 0 &&
        gnutls_record_recv(session, answer, sizeof answer - 1) > 0)
        sscanf(answer, "HTTP/1.1 %d", &status);
    gnutls_deinit(session);
    gnutls_certificate_free_credentials(credentials);
    close(fd);
    return status;
}

/* ---- gRPC ---- */

static grpc_status_code grpcs_status(const struct fixture *f, const struct identity *who)
{
    char target[32];
    snprintf(target, sizeof target, "127.0.0.1:%u", f->grpc_port);
    grpc_ssl_pem_key_cert_pair pair;
    if (who)
        pair = (grpc_ssl_pem_key_cert_pair){who->key_pem, who->cert_pem};
    grpc_channel_credentials *credentials =
        grpc_ssl_credentials_create(ca.cert_pem, who ? &pair : NULL, NULL, NULL);
    grpc_arg args[] = {{.type = GRPC_ARG_STRING,
                        .key = (char *)GRPC_SSL_TARGET_NAME_OVERRIDE_ARG,
                        .value.string = (char *)"localhost"}};
    grpc_channel_args list = {1, args};
    grpc_completion_queue *queue = grpc_completion_queue_create_for_next(NULL);
    grpc_channel *channel = grpc_channel_create(target, credentials, &list);
    grpc_channel_credentials_release(credentials);
    grpc_call *call =
        grpc_channel_create_call(channel, NULL, GRPC_PROPAGATE_DEFAULTS, queue,
                                 grpc_slice_from_static_string(
                                     "/opentelemetry.proto.collector.trace.v1.TraceService/Export"),
                                 NULL, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    grpc_metadata_array initial, trailing;
    grpc_metadata_array_init(&initial);
    grpc_metadata_array_init(&trailing);
    grpc_status_code status = GRPC_STATUS_UNKNOWN;
    grpc_slice details;
    grpc_byte_buffer *empty = grpc_raw_byte_buffer_create(NULL, 0);
    grpc_byte_buffer *reply = NULL;
    grpc_op ops[6] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},  {.op = GRPC_OP_SEND_MESSAGE},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT}, {.op = GRPC_OP_RECV_STATUS_ON_CLIENT},
        {.op = GRPC_OP_RECV_MESSAGE},           {.op = GRPC_OP_RECV_INITIAL_METADATA}};
    ops[1].data.send_message.send_message = empty;
    ops[3].data.recv_status_on_client.trailing_metadata = &trailing;
    ops[3].data.recv_status_on_client.status = &status;
    ops[3].data.recv_status_on_client.status_details = &details;
    ops[5].data.recv_initial_metadata.recv_initial_metadata = &initial;
    ops[4].data.recv_message.recv_message = &reply;
    assert_int_equal(grpc_call_start_batch(call, ops, 6, call, NULL), GRPC_CALL_OK);
    grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    grpc_slice_unref(details);
    grpc_metadata_array_destroy(&initial);
    grpc_metadata_array_destroy(&trailing);
    grpc_byte_buffer_destroy(empty);
    if (reply)
        grpc_byte_buffer_destroy(reply);
    grpc_call_unref(call);
    grpc_channel_destroy(channel);
    grpc_completion_queue_shutdown(queue);
    while (grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).type !=
           GRPC_QUEUE_SHUTDOWN)
        ;
    grpc_completion_queue_destroy(queue);
    return status;
}

static void test_tls(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, false, NULL);
    assert_int_equal(https_status(&f, NULL, "NORMAL"), 200);
    assert_int_equal(https_status(&f, NULL, "NORMAL:-VERS-ALL:+VERS-TLS1.2"), 200);
    assert_int_equal(https_status(&f, NULL, "NORMAL:-VERS-ALL:+VERS-TLS1.1"), 0);
    assert_int_equal(grpcs_status(&f, NULL), GRPC_STATUS_OK);
    fixture_stop(&f, 1000);
}

static void test_client_certificates_are_demanded_and_verified(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, true, NULL);
    assert_int_equal(https_status(&f, &client, "NORMAL"), 200);
    assert_int_equal(https_status(&f, NULL, "NORMAL"), 0);
    assert_int_equal(https_status(&f, &stranger, "NORMAL"), 0);
    assert_int_equal(grpcs_status(&f, &client), GRPC_STATUS_OK);
    assert_int_equal(grpcs_status(&f, NULL), GRPC_STATUS_UNAVAILABLE);
    assert_int_equal(grpcs_status(&f, &stranger), GRPC_STATUS_UNAVAILABLE);
    fixture_stop(&f, 1000);
}

static void test_newest_version_only(void **state)
{
    (void)state;
    char yaml[512];
    struct fixture f;
    snprintf(yaml, sizeof yaml,
             "{protocols: {http: {endpoint: \"127.0.0.1:0\", tls: {cert_file: %s, key_file: %s, "
             "min_version: \"1.3\"}}}}",
             server.cert_file, server.key_file);
    fixture_start(&f, yaml);
    assert_int_equal(https_status(&f, NULL, "NORMAL"), 200);
    assert_int_equal(https_status(&f, NULL, "NORMAL:-VERS-ALL:+VERS-TLS1.2"), 0);
    fixture_stop(&f, 1000);
}

static void test_a_key_that_does_not_fit(void **state)
{
    (void)state;
    static const char *const protocols[] = {"grpc", "http"};
    char yaml[512];
    for (int i = 0; i < 2; i++) {
        snprintf(yaml, sizeof yaml,
                 "{protocols: {%s: {endpoint: \"127.0.0.1:0\", tls: {cert_file: %s, key_file: "
                 "%s}}}}",
                 protocols[i], server.cert_file, client.key_file);
        assert_non_null(strstr(fixture_error(yaml), "certificate"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tls),
        cmocka_unit_test(test_client_certificates_are_demanded_and_verified),
        cmocka_unit_test(test_newest_version_only),
        cmocka_unit_test(test_a_key_that_does_not_fit),
    };
    return cmocka_run_group_tests(tests, make_all, unmake_all);
}
