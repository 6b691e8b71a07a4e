/* A small HTTP server on libmicrohttpd for what people and scrapers ask: health, telemetry,
 * queries.
 *
 * A handler gets the whole request and fills a reply; it may block, on one of `threads` threads.
 * (The OTLP receiver, which streams bodies on a lane, uses libmicrohttpd itself.) Bounded: request
 * bodies, header memory, connections, idle time, and what bodies and replies take together: who
 * sends or reads slowly makes others hear 503, and not the process run out of memory. */
#ifndef TAILSPAN_COMPONENT_HTTP_SERVER_H
#define TAILSPAN_COMPONENT_HTTP_SERVER_H

#include "component/error.h"
#include "component/tls.h"
#include "proto/buffer.h"

#include <stdint.h>
#include <sys/types.h>

struct http_request {
    const char *method;
    const char *path; /* percent-decoded, without query */
    struct bytes body;
    void *connection; /* struct MHD_Connection */
};

struct http_reply {
    unsigned status;          /* 200 unless set */
    const char *content_type; /* static; NULL: text/plain; charset=utf-8 */
    struct buffer body;
    struct {
        char name[48];
        char value[256];
    } headers[8];
    unsigned header_count;

    /* A body that is made while it is read, instead of `body`, when `stream` is set: it writes up
     * to `room` bytes and returns how many, 0 at the end, -1 to break the connection off. It runs
     * on a thread that serves others as well, so it must not block. */
    ssize_t (*stream)(void *context, uint8_t *out, size_t room);
    void (*stream_free)(void *context); /* called once, also when nobody reads to the end */
    void *stream_context;
    size_t stream_held; /* bytes that it holds, which count as a body's do */
};

/* A query parameter's first value, percent-decoded; NULL when absent. */
const char *http_query(const struct http_request *rq, const char *name);
/* Calls `each` for every query parameter in order until it returns false. */
void http_query_each(const struct http_request *rq,
                     bool (*each)(void *context, const char *name, const char *value),
                     void *context);
const char *http_header(const struct http_request *rq, const char *name);
/* Whether who asks is on this machine, calls it localhost or by a loopback address, and is no
 * proxy. A proxy on this machine that adds no header and changes Host is taken for who asks
 * himself. */
bool http_peer_is_local(const struct http_request *rq);
/* What is more than 8 is left out; names are cut at 47 bytes, values at 255. */
void http_reply_header(struct http_reply *r, const char *name, const char *value);
void http_reply_text(struct http_reply *r, unsigned status, const char *text);

struct http_server_options {
    const char *endpoint;
    const char *name;                      /* for logs */
    unsigned threads;                      /* 1 or more */
    unsigned connections;                  /* limit; 0: 256 */
    unsigned idle_seconds;                 /* 0: 30 */
    size_t body_limit;                     /* 0: 64 KiB; over it 413 */
    size_t memory;                         /* 0: 64 MiB; for what all connections send and read */
    const struct tls_server_settings *tls; /* NULL: plain */
    void (*handle)(void *context, const struct http_request *rq, struct http_reply *reply);
    void *context;
};

struct http_server;

/* NULL with `e` set when it cannot listen. Options are copied, strings in them are not. */
struct http_server *http_server_start(const struct http_server_options *o, struct error *e);
uint16_t http_server_port(const struct http_server *s);
/* Answers what is being handled, then closes. */
void http_server_stop(struct http_server *s);

#endif
