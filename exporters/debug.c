/* `exporters: debug`: shows spans to a person, on standard error.
 *
 * basic logs how many came, normal prints a line a span, detailed the whole request as indented
 * JSON. This is the one place that prints what spans contain, because that is what it is for. A
 * terminal is slow and this runs on the lane: it is for looking, and is held to a few requests a
 * second by the sampling keys. Everything printed is quoted as JSON, so no span
 * can break out of its line, or send a terminal ESC. */
#include "component/clock.h"
#include "component/config.h"
#include "component/exporter_metrics.h"
#include "component/log.h"
#include "component/telemetry.h"
#include "exporters/debug_metrics.h"
#include "exporters/exporters.h"
#include "proto/attribute.h"
#include "proto/frame.h"
#include "proto/json_writer.h"
#include "proto/otlp_json.h"
#include "proto/span_kind.h"

#include <stdio.h>
#include <stdlib.h>

struct settings {
    int verbosity;
    int64_t sampling_initial;
    int64_t sampling_thereafter;
};

static const char *const verbosities[] = {"basic", "normal", "detailed", NULL};

static const struct config_field fields[] = {
    {.key = "verbosity",
     .type = FIELD_CHOICE,
     .offset = offsetof(struct settings, verbosity),
     .fallback = "basic",
     .choices = verbosities},
    {.key = "sampling_initial",
     .type = FIELD_INT,
     .offset = offsetof(struct settings, sampling_initial),
     .fallback = "2",
     .min = 0,
     .max = INT32_MAX},
    {.key = "sampling_thereafter",
     .type = FIELD_INT,
     .offset = offsetof(struct settings, sampling_thereafter),
     .fallback = "1",
     .min = 0,
     .max = INT32_MAX},
    CONFIG_END,
};

struct debug {
    struct component component;
    struct settings settings;
    struct counter *sent;
    struct debug_metrics *metrics;

    pthread_mutex_t lock; /* guards below */
    uint64_t second;      /* CLOCK_MONOTONIC, that is being counted */
    int64_t seen;         /* requests in it */
};

/* The first few of each second, then one in `sampling_thereafter` (0: none). */
static bool is_shown(struct debug *d)
{
    uint64_t second = monotonic_ns() / 1000000000;
    pthread_mutex_lock(&d->lock);
    if (d->second != second) {
        d->second = second;
        d->seen = 0;
    }
    int64_t beyond = ++d->seen - d->settings.sampling_initial;
    pthread_mutex_unlock(&d->lock);
    int64_t every = d->settings.sampling_thereafter;
    return beyond <= 0 || (every > 0 && beyond % every == 0);
}

void debug_write_value(struct json_writer *w, const struct value *v)
{
    switch (v->type) {
    case VALUE_EMPTY:
        json_nil(w);
        break;
    case VALUE_STRING:
        json_bytes(w, v->bytes);
        break;
    case VALUE_BOOL:
        json_bool(w, v->boolean);
        break;
    case VALUE_INT:
        json_int(w, v->integer);
        break;
    case VALUE_DOUBLE:
        json_double(w, v->real);
        break;
    case VALUE_BYTES:
        json_base64(w, v->bytes);
        break;
    case VALUE_ARRAY:
        buffer_append_string(w->out, "[…]"); /* in full with verbosity: detailed */
        break;
    case VALUE_MAP:
        buffer_append_string(w->out, "{…}");
        break;
    }
}

/* trace id, span id, kind, status, milliseconds, "service", "name", then "key"=value for each
 * attribute. */
static void write_line(struct buffer *out, const struct batch *b, const struct span_view *s)
{
    for (size_t i = 0; i < sizeof s->trace_id; i++)
        buffer_printf(out, "%02x", s->trace_id[i]);
    buffer_append_byte(out, ' ');
    for (size_t i = 0; i < sizeof s->span_id; i++)
        buffer_printf(out, "%02x", s->span_id[i]);
    double milliseconds = s->end_ns > s->start_ns ? (double)(s->end_ns - s->start_ns) / 1e6 : 0;
    buffer_printf(out, " %s %s %.3fms ", s->kind ? span_kind_name(s->kind) : "unspecified",
                  span_status_name(s->status_code), milliseconds);
    struct json_writer w;
    json_begin(&w, out, false);
    json_bytes(&w, resource_service_name(span_resource(b, s)));
    buffer_append_byte(out, ' ');
    json_begin(&w, out, false);
    json_bytes(&w, span_name(s));

    struct attribute_iterator it;
    struct attribute a;
    attribute_begin(&it, span_bytes(s), SPAN_ATTRIBUTES);
    while (attribute_next(&it, &a)) {
        buffer_append_byte(out, ' ');
        json_begin(&w, out, false);
        json_bytes(&w, a.key);
        buffer_append_byte(out, '=');
        json_begin(&w, out, false);
        debug_write_value(&w, &a.value);
    }
    buffer_append_byte(out, '\n');
}

static bool write_request(struct buffer *out, struct batch *b)
{
    struct buffer request = {0};
    bool ok = frame_batch(b, &request) &&
              otlp_json_print(buffer_bytes(&request), OTLP_TRACE_REQUEST, true, out);
    buffer_append_byte(out, '\n');
    buffer_free(&request);
    return ok;
}

static void show(struct debug *d, struct batch *b)
{
    if (b->span_count == 0)
        return;
    if (d->settings.verbosity == VERBOSITY_BASIC) {
        log_info(d->component.id, "traces", LOG_I("resource_spans", b->resource_count),
                 LOG_I("spans", b->span_count));
        return;
    }
    struct buffer out = {0};
    bool ok = true;
    if (d->settings.verbosity == VERBOSITY_DETAILED)
        ok = write_request(&out, b);
    else
        for (uint32_t i = 0; i < b->span_count; i++)
            write_line(&out, b, &b->spans[i]);
    if (ok && !out.failed)
        fwrite(out.data, 1, out.len, stderr);
    else
        log_warn(d->component.id, "a request could not be shown", LOG_I("spans", b->span_count));
    buffer_free(&out);
}

static struct outcome debug_consume(struct component *c, struct batch *b, struct receipt *r)
{
    (void)r;
    struct debug *d = (struct debug *)c;
    if (is_shown(d))
        show(d, b);
    counter_add(d->sent, b->span_count);
    batch_release(b);
    return outcome_accepted();
}

static bool debug_start(struct component *c, struct error *e)
{
    return metrics_push_start(debug_metrics_push(((struct debug *)c)->metrics), e);
}

static bool debug_take_metrics(struct component *c, struct metric_source *source)
{
    return metrics_push_add(debug_metrics_push(((struct debug *)c)->metrics), source);
}

static void debug_drain(struct component *c, uint64_t deadline_ns)
{
    metrics_push_drain(debug_metrics_push(((struct debug *)c)->metrics), deadline_ns);
}

/* Sources end before exporters do. */
static void debug_stop(struct component *c)
{
    debug_drain(c, 0);
}

static void debug_destroy(struct component *c)
{
    struct debug *d = (struct debug *)c;
    debug_metrics_destroy(d->metrics);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

static const struct component_ops ops = {
    .start = debug_start,
    .consume = debug_consume,
    .drain = debug_drain,
    .stop = debug_stop,
    .take_metrics = debug_take_metrics,
    .destroy = debug_destroy,
};

static struct component *debug_create(const struct component_spec *spec, struct error *e)
{
    struct settings settings = {0};
    if (!config_read(spec->config, fields, &settings, e))
        return NULL;
    struct debug *d = calloc(1, sizeof *d);
    if (d) {
        component_init(&d->component, spec, &ops);
        d->metrics = debug_metrics_create(&d->component, spec->telemetry,
                                          (enum verbosity)settings.verbosity);
    }
    if (!d || !d->metrics) {
        error_set(e, "out of memory");
        free(d);
        return NULL;
    }
    d->settings = settings;
    pthread_mutex_init(&d->lock, NULL);
    d->sent =
        telemetry_counter(spec->telemetry, EXPORTER_SENT_SPANS, LABELS({"exporter", spec->id}));
    return &d->component;
}

const struct component_kind debug_exporter = {
    .type = "debug",
    .class = COMPONENT_EXPORTER,
    .summary = "shows spans and metrics on standard error",
    .create = debug_create,
};
