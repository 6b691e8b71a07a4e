#include "exporters/otlp_push.h"

#include "exporters/otlp_metrics.h"
#include "proto/otlp_json.h"

#include <stdlib.h>

struct otlp_push {
    struct otlp_push_options options;
    struct otlp_metrics *metrics;
    struct metrics_push *push;

    struct push_requests *requests; /* of the source that is being asked */
};

static void print_json(struct buffer *body)
{
    struct buffer json = {0};
    if (!otlp_json_print(buffer_bytes(body), OTLP_METRICS_REQUEST, false, &json))
        json.failed = true;
    buffer_free(body);
    *body = json;
}

static void compress(struct compressor *c, struct buffer *body)
{
    struct buffer packed = {0};
    struct bytes plain = buffer_bytes(body);
    if (!compressor_run(c, &plain, 1, &packed))
        packed.failed = true;
    buffer_free(body);
    *body = packed;
}

static void emit(void *context, struct buffer *request, uint64_t points)
{
    struct otlp_push *p = context;
    if (p->options.json && !request->failed)
        print_json(request);
    if (p->options.compressor && !request->failed)
        compress(p->options.compressor, request);
    push_requests_add(p->requests, request, points);
}

static void collect(void *context, struct metric_source *s, struct push_requests *out)
{
    struct otlp_push *p = context;
    p->requests = out;
    otlp_metrics_collect(p->metrics, s, emit, p);
}

static void send(void *context, struct bytes body, struct send_answer *answer)
{
    struct otlp_push *p = context;
    p->options.send(p->options.context, body, answer);
}

static void cancel(void *context)
{
    struct otlp_push *p = context;
    p->options.cancel(p->options.context);
}

struct otlp_push *otlp_push_create(const struct otlp_push_options *o)
{
    struct otlp_push *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->options = *o;
    p->metrics = otlp_metrics_create();
    p->push = metrics_push_create(&(struct metrics_push_options){.component = o->component,
                                                                 .telemetry = o->telemetry,
                                                                 .retry = o->retry,
                                                                 .collect = collect,
                                                                 .send = send,
                                                                 .cancel = cancel,
                                                                 .context = p});
    if (p->metrics && p->push)
        return p;
    otlp_push_destroy(p);
    return NULL;
}

void otlp_push_destroy(struct otlp_push *p)
{
    if (!p)
        return;
    metrics_push_destroy(p->push);
    otlp_metrics_destroy(p->metrics);
    free(p);
}

struct metrics_push *otlp_push_metrics(struct otlp_push *p)
{
    return p->push;
}
