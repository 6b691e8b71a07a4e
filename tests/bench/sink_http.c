/* The sink's HTTP door: OTLP/HTTP with protobuf bodies, plain or gzip. */
#include "tests/bench/http_body.h"
#include "tests/bench/sink.h"

#include <string.h>

static void take(void *context, struct MHD_Connection *connection, const struct http_body *body)
{
    const char *encoding =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_ENCODING);
    struct iovec slice = {.iov_base = body->data, .iov_len = body->len};
    sink_take(context, &slice, 1, encoding && strcmp(encoding, "gzip") == 0);
}

void sink_serve_http(struct sink *s, const char *endpoint)
{
    http_body_serve(endpoint, take, s);
}
