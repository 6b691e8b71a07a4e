/* OTLP/gRPC on C core: one server whose calls arrive on the lanes' completion queues.
 *
 * Export is a registered method whose message is read with the call, which saves a round through
 * the queue. There is one listener (no SO_REUSEPORT); C core spreads its connections over the
 * lanes.
 *
 * Messages that are still coming in are C core's; a resource quota bounds what they take together,
 * by slowing their senders down. */
#include "receivers/otlp_grpc.h"

#include "component/endpoint.h"
#include "component/log.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

static const char method[] = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

enum {
    STOP_PATIENCE_S = 5,
    RECEIVING_IN_ALL = 4, /* times the limit of one request, in C core's hands */
};

struct otlp_grpc {
    struct component *component;
    struct otlp_grpc_settings settings;
    struct intake intake;
    grpc_server *server; /* NULL: not started */
    uint16_t port;
    bool refusing;
    struct lane_task shut_down;
    struct inflight open;     /* calls */
    struct inflight shutdown; /* 1 while the server shuts down */
    unsigned lane_count;
    struct grpc_calls lanes[];
};

static void on_shut_down(struct lane_task *task, bool ok)
{
    (void)ok;
    struct otlp_grpc *g =
        (struct otlp_grpc *)((char *)task - offsetof(struct otlp_grpc, shut_down));
    inflight_leave(&g->shutdown);
}

struct otlp_grpc *otlp_grpc_create(struct component *c, const struct component_spec *spec,
                                   const struct otlp_grpc_settings *s)
{
    struct otlp_grpc *g = calloc(1, sizeof *g + spec->lane_count * sizeof g->lanes[0]);
    if (!g)
        return NULL;
    g->component = c;
    g->settings = *s;
    g->shut_down.run = on_shut_down;
    g->lane_count = spec->lane_count;
    inflight_init(&g->open);
    inflight_init(&g->shutdown);
    intake_init(&g->intake, c, spec, "grpc", (size_t)s->max_recv_msg_size_mib << 20);
    for (unsigned i = 0; i < g->lane_count; i++) {
        struct grpc_calls *l = &g->lanes[i];
        *l = (struct grpc_calls){
            .in = &g->intake,
            .lane = spec->lanes[i],
            .inflight = &g->open,
            .inflater = inflater_create(),
        };
        l->unknown = grpc_unknown_create(l);
        if (!l->inflater || !l->unknown) {
            otlp_grpc_destroy(g);
            return NULL;
        }
    }
    return g;
}

/* C core only logs why it cannot bind, so the reason is asked for once more. */
static bool bind_error(const struct otlp_grpc *g, struct error *e)
{
    uint16_t port;
    int fd = endpoint_listen(g->settings.endpoint, &port, e);
    if (fd < 0)
        return false;
    close(fd);
    return error_set(e, "cannot listen on %s%s", g->settings.endpoint,
                     g->settings.has_tls ? " (are the certificate and key right?)" : "");
}

static bool bind_port(struct otlp_grpc *g, struct error *e)
{
    char address[280];
    if (!grpc_resolve(g->settings.endpoint, address, sizeof address, e))
        return false;
    grpc_server_credentials *credentials = grpc_server_credentials_load(&g->settings, e);
    if (!credentials)
        return false;
    int port = grpc_server_add_http2_port(g->server, address, credentials);
    grpc_server_credentials_release(credentials);
    if (port <= 0)
        return bind_error(g, e);
    g->port = (uint16_t)port;
    return true;
}

static void create_server(struct otlp_grpc *g)
{
    grpc_arg args[GRPC_ARGS_MAX];
    grpc_channel_args list = {.args = args};
    list.num_args = grpc_server_arguments(&g->settings, args);

    grpc_resource_quota *quota = grpc_resource_quota_create("otlp");
    grpc_resource_quota_resize(quota, RECEIVING_IN_ALL * g->intake.limit);
    args[list.num_args++] = (grpc_arg){
        .type = GRPC_ARG_POINTER,
        .key = (char *)GRPC_ARG_RESOURCE_QUOTA,
        .value.pointer = {quota, grpc_resource_quota_arg_vtable()},
    };
    g->server = grpc_server_create(&list, NULL);
    grpc_resource_quota_unref(quota);

    void *registered = grpc_server_register_method(g->server, method, NULL,
                                                   GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER, 0);
    for (unsigned i = 0; i < g->lane_count; i++) {
        g->lanes[i].server = g->server;
        g->lanes[i].method = registered;
        grpc_server_register_completion_queue(g->server, lane_queue(g->lanes[i].lane), NULL);
    }
    assert(registered);
}

struct beginning {
    struct grpc_calls *calls;
    bool ok;
};

static void begin_calls(void *context)
{
    struct beginning *b = context;
    b->ok = grpc_calls_request(b->calls);
    grpc_unknown_request(b->calls->unknown);
}

bool otlp_grpc_start(struct otlp_grpc *g, struct error *e)
{
    create_server(g);
    if (!bind_port(g, e)) {
        grpc_server_destroy(g->server);
        g->server = NULL;
        return error_at(e, "protocols::grpc");
    }
    grpc_server_start(g->server);
    for (unsigned i = 0; i < g->lane_count; i++) {
        struct beginning b = {.calls = &g->lanes[i]};
        lane_call(g->lanes[i].lane, begin_calls, &b);
        if (!b.ok) {
            otlp_grpc_stop(g);
            return error_set(e, "out of memory");
        }
    }
    log_info(g->component->id, "gRPC server listens", LOG_S("endpoint", g->settings.endpoint),
             LOG_I("port", g->port));
    return true;
}

void otlp_grpc_refuse(struct otlp_grpc *g)
{
    if (!g->server || g->refusing)
        return;
    g->refusing = true;
    inflight_enter(&g->shutdown);
    lane_task_given(&g->shut_down);
    grpc_server_shutdown_and_notify(g->server, lane_queue(g->lanes[0].lane), &g->shut_down);
}

bool otlp_grpc_wait(struct otlp_grpc *g, uint64_t deadline_ns)
{
    return inflight_wait(&g->open, deadline_ns);
}

static void nothing(void *context)
{
    (void)context;
}

/* Calls whose receipts are still open then belong to a consumer that broke its promise to answer;
 * their contexts stay, for it may yet do so. */
void otlp_grpc_stop(struct otlp_grpc *g)
{
    if (!g->server)
        return;
    otlp_grpc_refuse(g);
    grpc_server_cancel_all_calls(g->server);
    uint64_t deadline_ns = monotonic_ns() + STOP_PATIENCE_S * UINT64_C(1000000000);
    bool closed = inflight_wait(&g->open, deadline_ns);
    closed &= inflight_wait(&g->shutdown, deadline_ns);
    if (!closed) {
        log_error(g->component->id, "the gRPC server did not shut down in time");
        return;
    }
    for (unsigned i = 0; i < g->lane_count; i++) /* the last leaver has left for good */
        lane_call(g->lanes[i].lane, nothing, NULL);
    grpc_server_destroy(g->server);
    g->server = NULL;
}

void otlp_grpc_destroy(struct otlp_grpc *g)
{
    if (g->server)
        return; /* see otlp_grpc_stop() */
    for (unsigned i = 0; i < g->lane_count; i++)
        grpc_calls_free(&g->lanes[i]);
    inflight_destroy(&g->open);
    inflight_destroy(&g->shutdown);
    free(g);
}

uint16_t otlp_grpc_port(const struct otlp_grpc *g)
{
    return g->port;
}
