#include "collector/self_telemetry.h"

#include "component/clock.h"
#include "component/http_server.h"
#include "proto/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct self_telemetry {
    struct telemetry *registry;
    struct http_server *server; /* NULL: not exposed */
    uint64_t started_ns;        /* CLOCK_MONOTONIC */
};

static double read_uptime(void *context)
{
    const struct self_telemetry *s = context;
    return (double)(monotonic_ns() - s->started_ns) / 1e9;
}

static double read_cpu(void *context)
{
    (void)context;
    struct rusage u;
    if (getrusage(RUSAGE_SELF, &u) != 0)
        return 0;
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static double read_rss(void *context)
{
    (void)context;
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f)
        return 0;
    if (fscanf(f, "%*u %lu", &pages) != 1)
        pages = 0;
    fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double read_live_bytes(void *context)
{
    (void)context;
    return (double)batch_live_bytes();
}

static void handle(void *context, const struct http_request *rq, struct http_reply *reply)
{
    struct self_telemetry *s = context;
    if (strcmp(rq->method, "GET") != 0 && strcmp(rq->method, "HEAD") != 0) {
        http_reply_header(reply, "Allow", "GET, HEAD");
        http_reply_text(reply, 405, "only GET and HEAD are answered here");
    } else if (strcmp(rq->path, "/metrics") != 0) {
        http_reply_text(reply, 404, "not found; see /metrics");
    } else {
        reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
        telemetry_write(s->registry, &reply->body);
    }
}

static bool serve(struct self_telemetry *s, const char *endpoint, struct error *e)
{
    struct http_server_options o = {
        .endpoint = endpoint, .name = "telemetry", .threads = 1, .handle = handle, .context = s};
    s->server = http_server_start(&o, e);
    return s->server != NULL;
}

struct self_telemetry *self_telemetry_start(struct telemetry *t, const char *endpoint,
                                            struct error *e)
{
    struct self_telemetry *s = calloc(1, sizeof *s);
    if (!s) {
        error_set(e, "out of memory");
        return NULL;
    }
    s->registry = t;
    s->started_ns = monotonic_ns();
    telemetry_total(t, "otelcol_process_uptime", "Uptime of the process, in seconds.", NULL,
                    read_uptime, s);
    telemetry_total(t, "otelcol_process_cpu_seconds", "CPU user and system time, in seconds.", NULL,
                    read_cpu, s);
    telemetry_gauge(t, "otelcol_process_memory_rss", "Resident memory, in bytes.", NULL, read_rss,
                    s);
    telemetry_gauge(t, "tailspan_batch_live_bytes", "Bytes of the batches in memory, exactly.",
                    NULL, read_live_bytes, s);
    if (endpoint && !serve(s, endpoint, e)) {
        self_telemetry_stop(s);
        return NULL;
    }
    return s;
}

void self_telemetry_stop(struct self_telemetry *s)
{
    if (s->server)
        http_server_stop(s->server);
    telemetry_remove(s->registry, s);
    free(s);
}
