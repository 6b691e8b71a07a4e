/* OTLP/HTTP on libmicrohttpd: the daemon's life. Its requests are in otlp_http_call.c.
 *
 * One thread with epoll receives and runs the pipeline. Each connection has a pool of 128 KB, of
 * which one that never asked anything touches a page. But libmicrohttpd zeroes the whole pool after
 * each request, so one that is kept costs all of it: beyond HTTP_KEPT_MOST connections, replies ask
 * to close. (Pools of 256 KB receive no faster, those of 32 KB cost a tenth more CPU.)
 *
 * libmicrohttpd has one timer a connection, for inactivity. It is set to the shortest of the
 * configured timeouts. */
#include "receivers/otlp_http.h"

#include "component/endpoint.h"
#include "component/lane.h"
#include "component/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONNECTION_MEMORY = 128 * 1024,
    CONNECTIONS_MOST = 30000, /* a mapping each, of which Linux allows a process 65,530 */
    FILES_SPARED = 1024,
    STOP_PATIENCE_S = 5,
};

struct otlp_http *otlp_http_create(struct component *c, const struct component_spec *spec,
                                   const struct otlp_http_settings *s)
{
    struct otlp_http *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->component = c;
    h->settings = *s;
    h->listener = -1;
    inflight_init(&h->open);
    inflight_init(&h->unanswered);
    atomic_init(&h->refusing, false);
    intake_init(&h->intake, c, spec, "http", (size_t)s->max_request_body_size);
    h->inflater = inflater_create();
    for (int json = 0; json < 2; json++) {
        h->accepted[json] = http_accepted_response(h, json);
        if (!h->accepted[json] || !h->inflater) {
            otlp_http_destroy(h);
            return NULL;
        }
    }
    return h;
}

/* As many as the process may open files, but for those that everything else needs. */
static unsigned connection_limit(void)
{
    struct rlimit files = {.rlim_cur = 1024, .rlim_max = 1024};
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &files) != 0)
            getrlimit(RLIMIT_NOFILE, &files);
    }
    rlim_t spared = files.rlim_cur / 4 > FILES_SPARED ? FILES_SPARED : files.rlim_cur / 2;
    rlim_t most = files.rlim_cur - spared;
    return most < CONNECTIONS_MOST ? (unsigned)most : CONNECTIONS_MOST;
}

static int64_t shorter(int64_t a, int64_t b)
{
    if (a == 0 || b == 0)
        return a + b;
    return a < b ? a : b;
}

static unsigned timeout_seconds(const struct otlp_http_settings *s)
{
    int64_t ns = shorter(shorter(s->read_timeout_ns, s->read_header_timeout_ns),
                         shorter(s->write_timeout_ns, s->idle_timeout_ns));
    int64_t seconds = ns / 1000000000 + (ns % 1000000000 != 0);
    return seconds < 86400 ? (unsigned)seconds : 86400;
}

static void on_log(void *cls, const char *format, va_list args)
{
    struct otlp_http *h = cls;
    char text[256];
    vsnprintf(text, sizeof text, format, args);
    log_debug(h->component->id, "libmicrohttpd", LOG_S("text", text));
}

/* Over the limit a connection is closed at once, which clients take as a reason to retry; left to
 * libmicrohttpd it would wait unanswered. */
static enum MHD_Result on_accept(void *cls, const struct sockaddr *address, socklen_t len)
{
    (void)address;
    (void)len;
    struct otlp_http *h = cls;
    if (h->connections < h->connection_limit)
        return MHD_YES;
    log_warn(h->component->id, "too many HTTP connections", LOG_I("limit", h->connection_limit));
    return MHD_NO;
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    (void)socket_context;
    struct otlp_http *h = cls;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        h->connections--;
        return;
    }
    h->connections++;
    if (h->settings.has_tls && h->settings.tls.client_ca_file)
        http_tls_demand_client(connection);
}

static bool start_daemon(struct otlp_http *h, int fd, struct error *e)
{
    struct MHD_OptionItem items[12];
    size_t n = 0;
    items[n++] = (struct MHD_OptionItem){MHD_OPTION_LISTEN_SOCKET, fd, NULL};
    items[n++] =
        (struct MHD_OptionItem){MHD_OPTION_CONNECTION_LIMIT, h->connection_limit + 1, NULL};
    items[n++] =
        (struct MHD_OptionItem){MHD_OPTION_CONNECTION_TIMEOUT, timeout_seconds(&h->settings), NULL};
    items[n++] =
        (struct MHD_OptionItem){MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, NULL};
    items[n++] =
        (struct MHD_OptionItem){MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)http_on_completed, h};
    items[n++] = (struct MHD_OptionItem){MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, h};
    struct http_tls pem = {0};
    size_t tls_options = 0;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    if (h->settings.has_tls) {
        flags |= MHD_USE_TLS;
        if (!http_tls_load(&h->settings.tls, &pem, items + n, &tls_options, e)) {
            http_tls_free(&pem);
            return false;
        }
    }
    items[n + tls_options] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    h->daemon =
        MHD_start_daemon(flags, 0, on_accept, h, http_on_request, h, MHD_OPTION_EXTERNAL_LOGGER,
                         on_log, h, MHD_OPTION_ARRAY, items, MHD_OPTION_END);
    http_tls_free(&pem);
    return h->daemon ||
           error_set(e, "cannot start the HTTP server on %s%s", h->settings.endpoint,
                     h->settings.has_tls ? " (are the certificate and key right?)" : "");
}

bool otlp_http_start(struct otlp_http *h, struct error *e)
{
    h->connection_limit = connection_limit();
    int fd = endpoint_listen(h->settings.endpoint, &h->port, e);
    if (fd < 0)
        return error_at(e, "protocols::http");
    if (!start_daemon(h, fd, e)) {
        close(fd);
        return error_at(e, "protocols::http");
    }
    log_info(h->component->id, "HTTP server listens", LOG_S("endpoint", h->settings.endpoint),
             LOG_I("port", h->port));
    return true;
}

void otlp_http_refuse(struct otlp_http *h)
{
    if (!h->daemon || atomic_exchange(&h->refusing, true))
        return;
    h->listener = MHD_quiesce_daemon(h->daemon);
    shutdown(h->listener, SHUT_RDWR); /* closed at stop: the daemon may be about to use it */
}

bool otlp_http_wait(struct otlp_http *h, uint64_t deadline_ns)
{
    return inflight_wait(&h->open, deadline_ns);
}

/* A suspended request belongs to a consumer that has not answered; libmicrohttpd must not be
 * stopped under it, and stays when the answer never comes. A connection on which a body drips in is
 * no reason to stay: it is cut off. */
void otlp_http_stop(struct otlp_http *h)
{
    if (!h->daemon)
        return;
    otlp_http_refuse(h);
    if (!inflight_wait(&h->unanswered, monotonic_ns() + STOP_PATIENCE_S * UINT64_C(1000000000))) {
        log_error(h->component->id, "the HTTP server did not shut down in time");
        return;
    }
    MHD_stop_daemon(h->daemon);
    h->daemon = NULL;
    close(h->listener);
    h->listener = -1;
}

void otlp_http_destroy(struct otlp_http *h)
{
    if (h->daemon)
        return; /* see otlp_http_stop() */
    for (int json = 0; json < 2; json++)
        if (h->accepted[json])
            MHD_destroy_response(h->accepted[json]);
    inflater_destroy(h->inflater);
    inflight_destroy(&h->open);
    inflight_destroy(&h->unanswered);
    free(h);
}

uint16_t otlp_http_port(const struct otlp_http *h)
{
    return h->port;
}
