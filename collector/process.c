#include "collector/process.h"

#include "collector/graph.h"
#include "collector/self_telemetry.h"
#include "component/grpc_log.h"
#include "component/lane.h"
#include "component/log.h"
#include "component/telemetry.h"

#include <grpc/grpc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LANES_MAX = 64, CORES_PER_LANE = 4 };

struct process {
    struct service_config service;
    struct lane *lanes[LANES_MAX];
    unsigned lane_count;
    struct telemetry *telemetry;
    struct graph *graph;
    struct self_telemetry *self;
};

/* One lane on small machines: handing over costs more than it wins (component/lane.h). */
static unsigned choose_lanes(const struct service_config *s)
{
    if (s->lanes > 0)
        return (unsigned)s->lanes;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    long lanes = cores / CORES_PER_LANE;
    return lanes < 1 ? 1 : lanes > 8 ? 8 : (unsigned)lanes;
}

static bool create_lanes(struct process *p, struct error *e)
{
    unsigned wanted = choose_lanes(&p->service);
    for (unsigned i = 0; i < wanted; i++) {
        char name[16];
        snprintf(name, sizeof name, "lane-%u", i);
        p->lanes[i] = lane_create(name);
        if (!p->lanes[i])
            return error_set(e, "out of memory");
        p->lane_count++;
    }
    return true;
}

static bool start_lanes(struct process *p, struct error *e)
{
    for (unsigned i = 0; i < p->lane_count; i++) {
        if (!lane_start(p->lanes[i]))
            return error_set(e, "cannot start a thread");
    }
    return true;
}

static bool create(struct process *p, const struct process_options *o, struct error *e)
{
    if (!service_read(o->root, &p->service, e) || !create_lanes(p, e))
        return false;
    p->telemetry = telemetry_create();
    struct graph_options g = {.root = o->root,
                              .service = &p->service,
                              .lanes = p->lanes,
                              .lane_count = p->lane_count,
                              .telemetry = p->telemetry,
                              .data_directory = o->data_directory};
    p->graph = graph_create(&g, e);
    return p->graph != NULL;
}

static void destroy(struct process *p)
{
    if (p->graph)
        graph_destroy(p->graph);
    for (unsigned i = 0; i < p->lane_count; i++)
        lane_destroy(p->lanes[i]);
    if (p->telemetry)
        telemetry_destroy(p->telemetry);
}

static bool start(struct process *p, struct error *e)
{
    if (!start_lanes(p, e))
        return false;
    p->self = self_telemetry_start(p->telemetry, p->service.metrics_endpoint, e);
    if (!p->self)
        return error_at(e, "service::telemetry::metrics");
    return graph_start(p->graph, e);
}

/* ---- signals ---- */

/* Blocked before any thread starts, so that all threads inherit it and only sigwait takes them. */
static void block_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    struct sigaction hangup; /* of the terminal; nohup has it ignored, and blocked it would come */
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
        sigaddset(set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static int wait_for_signal(const sigset_t *set)
{
    int signal_number = 0;
    while (sigwait(set, &signal_number) != 0)
        ;
    return signal_number;
}

static void end_at_once(int signal_number)
{
    (void)signal_number;
    _exit(1);
}

static void let_second_signal_end(const sigset_t *set)
{
    struct sigaction action = {.sa_handler = end_at_once};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    if (sigismember(set, SIGHUP) == 1)
        sigaction(SIGHUP, &action, NULL);
    pthread_sigmask(SIG_UNBLOCK, set, NULL);
}

int process_run(const struct process_options *o)
{
    struct process p = {0};
    struct error e = {0};
    sigset_t signals;
    block_signals(&signals);
    grpc_log_take_over();
    grpc_init();
    bool created = create(&p, o, &e);
    if (created)
        log_configure(p.service.log_level, p.service.log_encoding);
    bool running = created && start(&p, &e);
    if (running) {
        log_info(NULL, "running", LOG_S("version", TAILSPAN_VERSION), LOG_I("lanes", p.lane_count),
                 LOG_S("data_directory", o->data_directory));
        int signal_number = wait_for_signal(&signals);
        log_info(NULL, "stopping; delivering what is in memory, a second signal ends at once",
                 LOG_S("signal", strsignal(signal_number)),
                 LOG_D("drain_timeout_s", (double)p.service.drain_timeout_ns / 1e9));
        let_second_signal_end(&signals);
        graph_stop(p.graph, monotonic_ns() + (uint64_t)p.service.drain_timeout_ns);
    } else {
        log_error(NULL, "cannot start", LOG_S("error", e.text));
    }
    if (p.self)
        self_telemetry_stop(p.self);
    destroy(&p);
    grpc_shutdown_blocking();
    if (running)
        log_info(NULL, "stopped");
    return running ? 0 : 1;
}

struct looking {
    struct component *components[256];
    size_t count;
};

static void note(void *context, struct component *c)
{
    struct looking *l = context;
    if (l->count < sizeof l->components / sizeof l->components[0])
        l->components[l->count++] = c;
}

bool process_look(const struct process_options *o,
                  bool (*visit)(void *context, struct component *const *components, size_t count,
                                struct error *e),
                  void *context, struct error *e)
{
    struct process p = {0};
    struct looking l = {.count = 0};
    grpc_log_take_over();
    grpc_init();
    bool ok = create(&p, o, e);
    if (ok)
        graph_each(p.graph, note, &l);
    ok = ok && visit(context, l.components, l.count, e);
    destroy(&p);
    grpc_shutdown_blocking();
    return ok;
}

static bool look_away(void *context, struct component *const *components, size_t count,
                      struct error *e)
{
    (void)context, (void)components, (void)count, (void)e;
    return true;
}

bool process_validate(const struct process_options *o, struct error *e)
{
    return process_look(o, look_away, NULL, e);
}
