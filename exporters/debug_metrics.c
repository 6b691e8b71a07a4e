#include "exporters/debug_metrics.h"

#include "component/log.h"
#include "exporters/otlp_metrics.h"
#include "proto/json_writer.h"
#include "proto/otlp_json.h"

#include <stdio.h>
#include <stdlib.h>

struct debug_metrics {
    struct metric_visitor visitor; /* first */
    enum verbosity verbosity;
    struct component *component;
    struct metrics_push *push;
    struct otlp_metrics *metrics;

    /* the source that is being shown */
    struct push_requests *requests;
    const struct metric_family *family;
    uint64_t points;
    struct buffer out;
};

static void append_quoted(struct buffer *out, struct bytes text)
{
    struct json_writer w;
    json_begin(&w, out, false);
    json_bytes(&w, text);
}

/* name value, then "key"=value for each attribute. */
static void write_line(struct debug_metrics *d, const struct metric_point *p)
{
    struct buffer *out = &d->out;
    struct json_writer w;
    buffer_append_string(out, d->family->name);
    if (d->family->type == METRIC_SUM || d->family->type == METRIC_GAUGE)
        buffer_printf(out, " %.17g", p->value);
    else
        buffer_printf(out, " count=%llu sum=%.17g", (unsigned long long)p->count, p->sum);
    for (size_t i = 0; i < p->label_count; i++) {
        buffer_append_byte(out, ' ');
        append_quoted(out, p->labels[i].name);
        buffer_append_byte(out, '=');
        json_begin(&w, out, false);
        debug_write_value(&w, &p->labels[i].value);
    }
    buffer_append_byte(out, '\n');
}

static void print(struct debug_metrics *d)
{
    if (d->out.failed)
        log_warn(d->component->id, "metrics could not be shown", LOG_I("points", d->points));
    else
        fwrite(d->out.data, 1, d->out.len, stderr);
    buffer_free(&d->out);
}

static bool visit(struct metric_visitor *v, const struct metric_point *p)
{
    struct debug_metrics *d = (struct debug_metrics *)v;
    d->points++;
    if (d->verbosity == VERBOSITY_NORMAL)
        write_line(d, p);
    if (d->out.len > 64 << 10)
        print(d);
    return true;
}

static void print_request(void *context, struct buffer *request, uint64_t points)
{
    struct debug_metrics *d = context;
    if (request->failed) {
        push_requests_add(d->requests, request, points);
        return;
    }
    d->points += points;
    if (!otlp_json_print(buffer_bytes(request), OTLP_METRICS_REQUEST, true, &d->out))
        d->out.failed = true;
    buffer_append_byte(&d->out, '\n');
    print(d);
}

static void show_families(struct debug_metrics *d, struct metric_source *s)
{
    struct buffer lost = {.failed = true};
    d->visitor.incomplete = false;
    for (size_t i = 0; i < s->family_count; i++) {
        d->family = &s->families[i];
        s->collect(s, i, &d->visitor);
    }
    if (d->visitor.incomplete)
        push_requests_add(d->requests, &lost, 1);
}

/* A request of no bytes stands for the points that were shown, so that they are counted as sent. */
static void collect(void *context, struct metric_source *s, struct push_requests *out)
{
    struct debug_metrics *d = context;
    struct buffer nothing = {0};
    d->points = 0;
    d->requests = out;
    if (d->verbosity == VERBOSITY_DETAILED)
        otlp_metrics_collect(d->metrics, s, print_request, d);
    else
        show_families(d, s);
    if (d->out.len > 0)
        print(d);
    if (d->verbosity == VERBOSITY_BASIC && d->points > 0)
        log_info(d->component->id, "metrics", LOG_I("metrics", s->family_count),
                 LOG_I("points", d->points));
    if (d->points > 0)
        push_requests_add(out, &nothing, d->points);
}

static void send_nothing(void *context, struct bytes body, struct send_answer *answer)
{
    (void)context;
    (void)body;
    answer->result = SEND_OK;
}

struct debug_metrics *debug_metrics_create(struct component *component, struct telemetry *telemetry,
                                           enum verbosity verbosity)
{
    struct debug_metrics *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->visitor.point = visit;
    d->verbosity = verbosity;
    d->component = component;
    d->metrics = otlp_metrics_create();
    d->push = metrics_push_create(&(struct metrics_push_options){.component = component,
                                                                 .telemetry = telemetry,
                                                                 .collect = collect,
                                                                 .send = send_nothing,
                                                                 .context = d});
    if (d->push && d->metrics)
        return d;
    debug_metrics_destroy(d);
    return NULL;
}

void debug_metrics_destroy(struct debug_metrics *d)
{
    if (!d)
        return;
    metrics_push_destroy(d->push);
    otlp_metrics_destroy(d->metrics);
    buffer_free(&d->out);
    free(d);
}

struct metrics_push *debug_metrics_push(struct debug_metrics *d)
{
    return d->push;
}
