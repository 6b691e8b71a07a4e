/* Prometheus' protobuf format: io.prometheus.client.MetricFamily, each behind its length.
 *
 * Field numbers are those of proto/io/prometheus/client/metrics.proto, which the tests read this
 * with. A family that grows past FAMILY_MAX is cut into several messages, so that one of a million
 * series is never whole in memory. */
#include "metrics/prometheus/exposition.h"
#include "proto/message_writer.h"

#include <math.h>

enum {
    FAMILY_MAX = 1 << 20, /* bytes */

    FAMILY_NAME = 1,
    FAMILY_HELP = 2,
    FAMILY_TYPE = 3,
    FAMILY_METRIC = 4,

    METRIC_LABEL = 1,
    METRIC_GAUGE_FIELD = 2,
    METRIC_COUNTER_FIELD = 3,
    METRIC_TIMESTAMP_MS = 6,
    METRIC_HISTOGRAM_FIELD = 7,

    PAIR_NAME = 1,
    PAIR_VALUE = 2,

    VALUE = 1, /* of Gauge and Counter */
    COUNTER_EXEMPLAR = 2,
    COUNTER_CREATED = 3,

    HISTOGRAM_COUNT = 1,
    HISTOGRAM_SUM = 2,
    HISTOGRAM_BUCKET = 3,
    HISTOGRAM_SCHEMA = 5,
    HISTOGRAM_ZERO_THRESHOLD = 6,
    HISTOGRAM_ZERO_COUNT = 7,
    HISTOGRAM_POSITIVE_SPAN = 12,
    HISTOGRAM_POSITIVE_DELTA = 13,
    HISTOGRAM_CREATED = 15,
    HISTOGRAM_EXEMPLARS = 16,

    BUCKET_COUNT = 1,
    BUCKET_BOUND = 2,
    BUCKET_EXEMPLAR = 3,

    SPAN_OFFSET = 1,
    SPAN_LENGTH = 2,

    EXEMPLAR_LABEL = 1,
    EXEMPLAR_VALUE = 2,
    EXEMPLAR_TIMESTAMP = 3,

    TIMESTAMP_SECONDS = 1,
    TIMESTAMP_NANOS = 2,
};

static void write_time(struct buffer *b, uint32_t number, uint64_t ns)
{
    if (ns == 0)
        return;
    size_t time = message_begin(b, number);
    message_integer(b, TIMESTAMP_SECONDS, ns / 1000000000);
    message_integer(b, TIMESTAMP_NANOS, ns % 1000000000);
    message_end(b, time);
}

static void write_pair(struct buffer *b, uint32_t number, struct bytes name, struct bytes value)
{
    size_t pair = message_begin(b, number);
    message_bytes(b, PAIR_NAME, name);
    message_bytes(b, PAIR_VALUE, value);
    message_end(b, pair);
}

static void write_id(struct buffer *b, const char *name, const uint8_t *id, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    char text[32];
    for (size_t i = 0; i < len; i++) {
        text[2 * i] = digits[id[i] >> 4];
        text[2 * i + 1] = digits[id[i] & 15];
    }
    write_pair(b, EXEMPLAR_LABEL, bytes_of_string(name), bytes_of(text, 2 * len));
}

static void write_exemplar(struct buffer *b, uint32_t number, const struct metric_exemplar *e)
{
    if (!e)
        return;
    size_t exemplar = message_begin(b, number);
    write_id(b, "trace_id", e->trace_id, sizeof e->trace_id);
    write_id(b, "span_id", e->span_id, sizeof e->span_id);
    message_double(b, EXEMPLAR_VALUE, e->value);
    write_time(b, EXEMPLAR_TIMESTAMP, e->time_ns);
    message_end(b, exemplar);
}

static void write_counter(struct buffer *b, const struct metric_point *p)
{
    size_t counter = message_begin(b, METRIC_COUNTER_FIELD);
    message_double(b, VALUE, p->value);
    write_exemplar(b, COUNTER_EXEMPLAR, exposition_exemplar(p, -INFINITY, INFINITY));
    write_time(b, COUNTER_CREATED, p->start_ns);
    message_end(b, counter);
}

static void write_gauge(struct buffer *b, const struct metric_point *p)
{
    size_t gauge = message_begin(b, METRIC_GAUGE_FIELD);
    message_double(b, VALUE, p->value);
    message_end(b, gauge);
}

/* ---- histograms ---- */

static void write_bucket(struct buffer *b, uint64_t count, double bound,
                         const struct metric_exemplar *e)
{
    size_t bucket = message_begin(b, HISTOGRAM_BUCKET);
    message_integer(b, BUCKET_COUNT, count);
    message_double(b, BUCKET_BOUND, bound);
    write_exemplar(b, BUCKET_EXEMPLAR, e);
    message_end(b, bucket);
}

static void write_buckets(struct buffer *b, const struct metric_point *p)
{
    uint64_t count = 0;
    double low = -INFINITY;
    for (size_t i = 0; i < p->bound_count; i++) {
        double high = p->bounds[i];
        count += p->buckets[i];
        write_bucket(b, count, high, exposition_exemplar(p, low, high));
        low = high;
    }
    write_bucket(b, p->count, INFINITY, exposition_exemplar(p, low, INFINITY));
}

static void write_native(struct buffer *b, const struct metric_point *p,
                         const struct native_histogram *h)
{
    message_signed(b, HISTOGRAM_SCHEMA, h->schema);
    message_double(b, HISTOGRAM_ZERO_THRESHOLD, NATIVE_ZERO_THRESHOLD);
    message_integer(b, HISTOGRAM_ZERO_COUNT, p->zero_count);
    for (size_t i = 0; i < h->span_count; i++) {
        size_t span = message_begin(b, HISTOGRAM_POSITIVE_SPAN);
        message_signed(b, SPAN_OFFSET, h->spans[i].offset);
        message_integer(b, SPAN_LENGTH, h->spans[i].length);
        message_end(b, span);
    }
    for (size_t i = 0; i < h->delta_count; i++)
        message_signed(b, HISTOGRAM_POSITIVE_DELTA, h->deltas[i]);
    for (size_t i = 0; i < p->exemplar_count; i++) {
        if (p->exemplars[i].time_ns)
            write_exemplar(b, HISTOGRAM_EXEMPLARS, &p->exemplars[i]);
    }
}

static void write_histogram(struct exposition *x, const struct metric_family *f,
                            const struct metric_point *p)
{
    struct buffer *b = &x->message;
    size_t histogram = message_begin(b, METRIC_HISTOGRAM_FIELD);
    message_integer(b, HISTOGRAM_COUNT, p->count);
    message_double(b, HISTOGRAM_SUM, p->sum);
    if (f->type == METRIC_EXPONENTIAL_HISTOGRAM)
        write_native(b, p, &x->native);
    else
        write_buckets(b, p);
    write_time(b, HISTOGRAM_CREATED, p->start_ns);
    message_end(b, histogram);
}

/* ---- families ---- */

static void open_message(struct exposition *x)
{
    static const uint8_t types[] = {
        [FAMILY_COUNTER] = 0, [FAMILY_GAUGE] = 1, [FAMILY_HISTOGRAM] = 4};
    x->message.len = 0;
    message_bytes(&x->message, FAMILY_NAME, bytes_of_string(x->family->name));
    struct buffer help = {0};
    naming_clean(bytes_of_string(x->family->help), &help);
    message_bytes(&x->message, FAMILY_HELP, buffer_bytes(&help));
    buffer_free(&help);
    message_integer(&x->message, FAMILY_TYPE, types[x->family->type]);
}

static void close_message(struct exposition *x)
{
    x->out->failed = x->out->failed || x->message.failed;
    message_varint(x->out, x->message.len);
    buffer_append(x->out, x->message.data, x->message.len);
}

static void begin_family(struct exposition *x, const struct family *f)
{
    x->family = f;
    open_message(x);
}

static bool write_point(struct exposition *x, const struct metric_family *f,
                        const struct metric_point *p, const struct label_builder *labels,
                        struct bytes text)
{
    (void)text;
    struct buffer *b = &x->message;
    if (f->type == METRIC_EXPONENTIAL_HISTOGRAM && !native_histogram_make(&x->native, p))
        return false;
    if (b->len >= FAMILY_MAX) {
        close_message(x);
        open_message(x);
    }
    size_t metric = message_begin(b, FAMILY_METRIC);
    for (size_t i = 0; i < labels->count; i++)
        write_pair(b, METRIC_LABEL, labels->items[i].name, labels->items[i].value);
    if (x->family->type == FAMILY_COUNTER)
        write_counter(b, p);
    else if (x->family->type == FAMILY_GAUGE)
        write_gauge(b, p);
    else
        write_histogram(x, f, p);
    if (x->timestamps && p->time_ns)
        message_integer(b, METRIC_TIMESTAMP_MS, p->time_ns / 1000000);
    message_end(b, metric);
    x->out->failed = x->out->failed || b->failed;
    return true;
}

static void end(struct exposition *x)
{
    (void)x;
}

#define CONTENT_TYPE                                                                               \
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"

const struct exposition_format exposition_protobuf = {
    .content_type = CONTENT_TYPE,
    .content_type_utf8 = CONTENT_TYPE "; escaping=allow-utf-8",
    .begin_family = begin_family,
    .point = write_point,
    .end_family = close_message,
    .end = end,
};
