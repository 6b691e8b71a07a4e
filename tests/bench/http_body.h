/* A request body on libmicrohttpd, copied into one buffer of its announced length: what the HTTP
 * floor and the HTTP sink have in common. */
#ifndef TAILSPAN_BENCH_HTTP_BODY_H
#define TAILSPAN_BENCH_HTTP_BODY_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

struct http_body {
    char *data;
    size_t len;
    size_t capacity;
};

typedef void http_body_function(void *context, struct MHD_Connection *connection,
                                const struct http_body *body);

/* Serves on HOST:PORT (IPv4) with one epoll thread and 256 KB of memory a connection, calls `take`
 * with every whole body and answers 200, until SIGTERM or SIGINT. Prints why and exits when it
 * cannot listen. Bodies without Content-Length are refused. */
void http_body_serve(const char *endpoint, http_body_function *take, void *context);

#endif
