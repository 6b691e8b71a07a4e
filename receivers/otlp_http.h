/* Private to the HTTP server: what its daemon, its requests and its replies share. */
#ifndef TAILSPAN_RECEIVERS_OTLP_HTTP_H
#define TAILSPAN_RECEIVERS_OTLP_HTTP_H

#include "component/http_tls.h"
#include "receivers/inflight.h"
#include "receivers/otlp.h"
#include "receivers/otlp_intake.h"

#include <microhttpd.h>

enum { HTTP_KEPT_MOST = 512 }; /* connections that stay open between requests */

struct otlp_http {
    /* fixed once started */
    struct component *component;
    struct otlp_http_settings settings;
    struct intake intake;
    struct MHD_Daemon *daemon; /* NULL: not started */
    int listener;              /* ours to close once the daemon is quiesced; -1: not ours */
    uint16_t port;
    unsigned connection_limit;

    /* shared: any thread */
    struct inflight open;       /* requests, from their last byte to the end of their reply */
    struct inflight unanswered; /* those of them that the pipeline holds */
    atomic_bool refusing;

    /* the daemon thread's alone */
    unsigned connections;
    size_t reserved;  /* payload bytes of batches whose bodies are still coming in */
    size_t uploading; /* bytes received of bodies that are still coming in */
    struct inflater *inflater;
    struct MHD_Response *accepted[2]; /* the usual reply, in protobuf and JSON */
};

enum http_turn {
    TURN_OPEN,      /* submitted, the daemon's thread is still in the handler */
    TURN_SUSPENDED, /* whoever answers wakes the connection */
    TURN_ANSWERED,
};

struct http_call {
    struct intake_request rq; /* first: `answered` gets it */
    struct otlp_http *server;
    struct MHD_Connection *connection;
    struct body_format format;
    size_t expected; /* Content-Length, or LENGTH_UNKNOWN */
    size_t received;
    uint64_t began_ns;   /* CLOCK_MONOTONIC */
    struct batch *batch; /* the body lies in its payload, or in `body` */
    struct buffer body;
    bool decided;   /* the reply is known before the body, which is thrown away */
    bool plain;     /* the reply is text: what the client speaks is not known */
    bool preflight; /* the reply is CORS' */
    bool submitted;
    atomic_int turn; /* shared with whoever answers */
};

/* A request header's value; NULL when absent. */
const char *http_header_value(const struct http_call *c, const char *name);

const char *http_content_type(bool json);
bool http_cors_on(const struct otlp_http *h);

/* Queues what has been decided: the reply, or the answer to a preflight. */
enum MHD_Result http_queue_reply(struct http_call *c);

/* libmicrohttpd's callbacks; `cls` is the struct otlp_http. */
enum MHD_Result http_on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *data,
                                size_t *data_len, void **state);
void http_on_completed(void *cls, struct MHD_Connection *connection, void **state,
                       enum MHD_RequestTerminationCode code);

/* The reply to a request whose spans were all accepted. NULL: out of memory. */
struct MHD_Response *http_accepted_response(const struct otlp_http *h, bool json);

#endif
