/* The receiving floor: a C-core server that takes requests and does nothing with them. What it
 * spends is what the transport costs; nobody who receives OTLP over C core can spend less. */
#include "tests/bench/export_server.h"

#include <grpc/byte_buffer.h>
#include <stdio.h>

static void discard(void *context, struct export_call *call, grpc_byte_buffer *body)
{
    (void)context;
    if (body)
        grpc_byte_buffer_destroy(body);
    export_call_accept(call);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s HOST:PORT\n", argv[0]);
        return 2;
    }
    struct export_server_options o = {.endpoint = argv[1], .requested = 64, .receive = discard};
    struct export_server *s = export_server_start(&o);
    export_server_run(s);
    export_server_stop(s);
    return 0;
}
