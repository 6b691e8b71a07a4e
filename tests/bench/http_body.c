/* libmicrohttpd calls handle() once with the headers, then with each piece of the body, then once
 * more when it is whole. */
#include "tests/bench/http_body.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_MAX = 64 << 20, CONNECTION_MEMORY = 256 << 10 };

struct door {
    http_body_function *take;
    void *context;
};

static struct http_body *body_begin(struct MHD_Connection *connection)
{
    const char *length =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    struct http_body *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    b->capacity = length ? strtoul(length, NULL, 10) : 0;
    if (b->capacity > BODY_MAX || !(b->data = malloc(b->capacity + 1))) {
        free(b);
        return NULL;
    }
    return b;
}

static enum MHD_Result answer(struct MHD_Connection *connection)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/x-protobuf");
    enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *len, void **state)
{
    struct door *door = context;
    struct http_body *b = *state;
    (void)url;
    (void)method;
    (void)version;
    if (!b)
        return (*state = body_begin(connection)) ? MHD_YES : MHD_NO;
    if (*len > 0) {
        if (*len > b->capacity - b->len)
            return MHD_NO;
        memcpy(b->data + b->len, data, *len);
        b->len += *len;
        *len = 0;
        return MHD_YES;
    }
    if (door->take)
        door->take(door->context, connection, b);
    return answer(connection);
}

static void completed(void *context, struct MHD_Connection *connection, void **state,
                      enum MHD_RequestTerminationCode how)
{
    (void)context;
    (void)connection;
    (void)how;
    struct http_body *b = *state;
    if (b)
        free(b->data);
    free(b);
    *state = NULL;
}

static bool address_of(const char *endpoint, struct sockaddr_in *address)
{
    char host[64];
    const char *colon = strrchr(endpoint, ':');
    if (!colon || (size_t)(colon - endpoint) >= sizeof host)
        return false;
    snprintf(host, sizeof host, "%.*s", (int)(colon - endpoint), endpoint);
    *address = (struct sockaddr_in){.sin_family = AF_INET,
                                    .sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10))};
    return inet_pton(AF_INET, host, &address->sin_addr) == 1;
}

void http_body_serve(const char *endpoint, http_body_function *take, void *context)
{
    struct door door = {.take = take, .context = context};
    struct sockaddr_in address;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    struct MHD_Daemon *daemon =
        address_of(endpoint, &address)
            ? MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, handle, &door,
                               MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                               (size_t)CONNECTION_MEMORY, MHD_OPTION_NOTIFY_COMPLETED, completed,
                               NULL, MHD_OPTION_END)
            : NULL;
    if (!daemon) {
        fprintf(stderr, "cannot listen on %s: %s\n", endpoint, strerror(errno));
        exit(1);
    }
    int number;
    sigwait(&set, &number);
    MHD_stop_daemon(daemon);
}
