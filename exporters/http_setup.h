/* What every handle of an HTTP client is set up with: URL, headers, TLS, connection. */
#ifndef TAILSPAN_EXPORTERS_HTTP_SETUP_H
#define TAILSPAN_EXPORTERS_HTTP_SETUP_H

#include "exporters/client_pem.h"
#include "exporters/http_client.h"

#include <curl/curl.h>

struct http_setup {
    const struct http_client_settings *settings;
    struct client_pem pem;
    char *url;
    struct curl_slist *headers;
    struct curl_slist *connect_to; /* for a server name that is not the URL's */
    bool loopback;                 /* the URL leads to this host: no proxy */
};

/* Reads the certificates. False with `e` set; http_setup_free() is due in any case. */
bool http_setup_open(struct http_setup *c, const struct http_client_settings *s, struct error *e);
void http_setup_free(struct http_setup *c);

/* Sets a handle up; the setup outlives it. */
void http_setup_apply(const struct http_setup *c, CURL *easy);

#endif
