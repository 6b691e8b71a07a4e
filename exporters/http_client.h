/* Posting bodies to one URL over HTTP/1.1 with keep-alive, on libcurl and one thread of its own.
 *
 * libcurl's handles belong to the thread; others put an exchange on a list and wake it. Redirects
 * are not followed. Of a response 64 KiB are kept; one of more than 4 MiB is cut off. */
#ifndef TAILSPAN_EXPORTERS_HTTP_CLIENT_H
#define TAILSPAN_EXPORTERS_HTTP_CLIENT_H

#include "component/config.h"
#include "component/tls.h"
#include "proto/buffer.h"

struct http_client_settings {
    const char *url;
    struct tls_client_settings tls;
    struct config_pairs headers;
    const char *content_type;
    const char *content_encoding; /* NULL: none */
    const char *proxy_url;        /* NULL: as the environment says */
    int64_t timeout_ns;           /* of an exchange; 0: none */
    int64_t max_idle_conns;       /* 0: libcurl's */
    int64_t max_conns_per_host;   /* 0: no limit */
    int64_t idle_conn_timeout_ns; /* 0: none */
    bool disable_keep_alives;
};

/* What is posted. Slices are borrowed until `done`. */
struct http_body {
    const struct bytes *slices;
    size_t count;
    size_t len;
};

struct http_result {
    const char *error; /* why there was no answer, NULL when there was one */
    bool hopeless;     /* and that another try cannot help */
    int status;
    uint64_t retry_after_s; /* 0: no advice */
    const char *content_type;
    struct bytes body; /* its first 64 KiB */
};

/* Called once for every exchange, on the client's thread. */
typedef void http_done(void *context, const struct http_result *result);

struct http_client;

/* Whether a text is a URL with scheme http or https and a host. */
bool http_client_is_url(const char *text);

/* Whether headers and TLS settings make sense, as far as can be told without opening anything. */
bool http_client_check(const struct http_client_settings *s, const struct config_value *config,
                       struct error *e);

/* Starts the thread. Strings in the settings live as long as the client. NULL with `e` set. */
struct http_client *http_client_create(const struct http_client_settings *s, http_done *done,
                                       struct error *e);

/* Begins an exchange. False: out of memory, or cancelled; `done` is not called. Any thread. */
bool http_client_post(struct http_client *c, struct http_body body, void *context);

/* Ends all exchanges, and refuses new ones. Any thread. */
void http_client_cancel(struct http_client *c);

/* Every exchange must be done. */
void http_client_destroy(struct http_client *c);

#endif
