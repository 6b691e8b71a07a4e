/* Below /api/metrics: Jaeger's monitor tab, answered from the history of a span_metrics connector.
 *
 * Parameters are read first, because a client that sends wrong ones is told so by Jaeger before it
 * is told that there is nothing to ask. Jaeger takes a service's name for a regular expression;
 * here it is a name. */
#include "query/jaeger_v1.h"

#include "component/clock.h"
#include "proto/json_writer.h"
#include "query/monitor.h"
#include "query/params.h"
#include "query/span_kind.h"

#include <stdio.h>

#define MILLISECOND 1000000ull

enum {
    SERVICES_MAX = 1000,
    MEMORY_LIMIT = 256 << 20,
};

struct request {
    struct monitor_query query;
    const char *services[SERVICES_MAX];
    const char *unknown_kind;
};

static bool read_lists(void *context, const char *name, const char *value)
{
    struct request *r = context;
    int kind = 0;
    if (strcmp(name, "service") == 0 && r->query.service_count < SERVICES_MAX)
        r->services[r->query.service_count++] = value;
    if (strcmp(name, "spanKind") != 0)
        return true;
    if (strcmp(value, "unspecified") == 0 || span_kind_parse(value, &kind))
        r->query.kinds |= (uint8_t)(1u << kind);
    else
        r->unknown_kind = value;
    return true;
}

static bool read_names(struct call *c, struct request *r)
{
    if (!http_query(c->http, "service")) {
        jaeger_v1_bad_parameter(c, "service", "please provide at least one service name");
        return false;
    }
    if (!jaeger_v1_bool(c, "groupByOperation", &r->query.by_operation))
        return false;
    http_query_each(c->http, read_lists, r);
    r->query.services = r->services;
    if (!r->query.kinds)
        r->query.kinds = 1u << SPAN_KIND_SERVER;
    if (r->unknown_kind) {
        char text[300];
        snprintf(text, sizeof text, "unsupported span kind: '%.200s'", r->unknown_kind);
        jaeger_v1_bad_parameter(c, "spanKind", text);
        return false;
    }
    return true;
}

static uint64_t nanoseconds(int64_t ms)
{
    int64_t most = INT64_MAX / (int64_t)MILLISECOND;
    return (uint64_t)(ms < 0 ? 0 : ms > most ? most : ms) * MILLISECOND;
}

static bool read_times(struct call *c, struct request *r)
{
    int64_t end, lookback, step, window;
    if (!jaeger_v1_int(c, "endTs", (int64_t)(realtime_ns() / MILLISECOND), &end) ||
        !jaeger_v1_int(c, "lookback", 3600000, &lookback) ||
        !jaeger_v1_int(c, "step", 5000, &step) || !jaeger_v1_int(c, "ratePer", 600000, &window))
        return false;
    struct monitor_query *q = &r->query;
    q->end_ns = nanoseconds(end);
    q->step_ns = nanoseconds(step);
    q->window_ns = nanoseconds(window);
    uint64_t lookback_ns = nanoseconds(lookback);
    q->start_ns = lookback_ns < q->end_ns ? q->end_ns - lookback_ns : 0;
    return true;
}

/* In the words of the Prometheus that Jaeger would have asked. */
static const char *trouble(const struct monitor_query *q)
{
    if (q->step_ns == 0)
        return "failed executing metrics query: bad_data: invalid parameter \"step\": zero or "
               "negative "
               "query resolution step widths are not accepted. Try a positive integer";
    if (q->window_ns == 0)
        return "failed executing metrics query: bad_data: duration must be greater than 0";
    if ((q->end_ns - q->start_ns) / q->step_ns > MONITOR_POINTS_MAX)
        return "failed executing metrics query: bad_data: exceeded maximum resolution of 11,000 "
               "points per "
               "timeseries. Try decreasing the query resolution (?step=XX)";
    if (q->end_ns - q->start_ns + q->window_ns > 31 * 86400ull * 1000000000ull)
        return "more than 31 days are asked for; the history is of hours";
    return NULL;
}

static void write_label(struct json_writer *w, const char *name, struct bytes value)
{
    json_object_begin(w);
    json_key(w, "name");
    json_text(w, name);
    json_key(w, "value");
    json_bytes(w, value);
    json_object_end(w);
}

static void write_point(struct json_writer *w, const struct monitor_point *p)
{
    char at[40];
    format_rfc3339(p->at_ns, at);
    json_object_begin(w);
    json_key(w, "gaugeValue");
    json_object_begin(w);
    json_key(w, "doubleValue");
    json_double(w, p->value);
    json_object_end(w);
    json_key(w, "timestamp");
    json_text(w, at);
    json_object_end(w);
}

static void write_series(struct json_writer *w, const struct monitor_series *s, bool by_operation)
{
    json_object_begin(w);
    json_key(w, "labels");
    json_array_begin(w);
    if (by_operation)
        write_label(w, "operation", s->operation);
    write_label(w, "service_name", s->service);
    json_array_end(w);
    json_key(w, "metricPoints");
    json_array_begin(w);
    for (size_t i = 0; i < s->point_count; i++)
        write_point(w, &s->points[i]);
    json_array_end(w);
    json_object_end(w);
}

static void write_family(struct call *c, const struct monitor_query *q,
                         const struct monitor_result *result, const char *name, const char *help)
{
    struct json_writer w;
    char text[200];
    call_json(c, &w, false);
    json_object_begin(&w);
    snprintf(text, sizeof text, "service_%s%s", q->by_operation ? "operation_" : "", name);
    json_key(&w, "name");
    json_text(&w, text);
    json_key(&w, "type");
    json_text(&w, "GAUGE");
    snprintf(text, sizeof text, "%s%s", help, q->by_operation ? " & operation" : "");
    json_key(&w, "help");
    json_text(&w, text);
    json_key(&w, "metrics");
    json_array_begin(&w);
    for (size_t i = 0; i < result->count; i++)
        write_series(&w, &result->series[i], q->by_operation);
    json_array_end(&w);
    json_object_end(&w);
    call_finish(c, jaeger_v1_error);
}

static void not_configured(struct call *c)
{
    jaeger_v1_error(c, 501, "trace metrics are currently disabled - no metrics backend configured");
}

static void ask(struct call *c, const struct monitor_query *q, const char *name, const char *help)
{
    struct arena arena = {.limit = MEMORY_LIMIT};
    struct monitor_result result;
    const char *why = trouble(q);
    if (why)
        jaeger_v1_error(c, 500, why);
    else if (monitor_ask(c->limits->history, q, &arena, &result))
        write_family(c, q, &result, name, help);
    else
        jaeger_v1_error(c, 500,
                        "the answer needs too much memory; ask for fewer services or points");
    arena_free(&arena);
}

static void answer(struct call *c, enum monitor_what what, double quantile, const char *name,
                   const char *help)
{
    struct request *r = arena_alloc(&c->arena, sizeof *r);
    if (!r) {
        jaeger_v1_error(c, 500, "out of memory");
        return;
    }
    r->query.what = what;
    r->query.quantile = quantile;
    if (!read_names(c, r) || !read_times(c, r))
        return;
    if (c->limits->history)
        ask(c, &r->query, name, help);
    else
        not_configured(c);
}

void jaeger_v1_calls(struct call *c)
{
    answer(c, MONITOR_CALLS, 0, "call_rate", "calls/sec, grouped by service");
}

void jaeger_v1_errors(struct call *c)
{
    answer(c, MONITOR_ERRORS, 0, "error_rate",
           "error rate, computed as a fraction of errors/sec over calls/sec, grouped by service");
}

void jaeger_v1_latencies(struct call *c)
{
    struct error e;
    double quantile;
    char help[100];
    const char *text = http_query(c->http, "quantile");
    if (!param_double(text ? text : "", &quantile, &e)) {
        jaeger_v1_bad_parameter(c, "quantile", e.text);
        return;
    }
    snprintf(help, sizeof help, "%.2fth quantile latency, grouped by service", quantile);
    answer(c, MONITOR_LATENCIES, quantile, "latencies", help);
}

/* A point more often than the history has them would show nothing new. */
void jaeger_v1_minstep(struct call *c)
{
    struct json_writer w;
    if (!c->limits->history) {
        not_configured(c);
        return;
    }
    jaeger_v1_begin(c, &w);
    json_uint(&w, history_step_ns(c->limits->history) / MILLISECOND);
    jaeger_v1_end(c, &w, 0);
}
