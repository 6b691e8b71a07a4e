#include "metrics/prometheus/write_request.h"

#include "metrics/prometheus/exposition.h"
#include "metrics/prometheus/native_histogram.h"
#include "metrics/prometheus/number_text.h"
#include "metrics/prometheus/series_set.h"
#include "metrics/prometheus/snappy.h"
#include "proto/message_writer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    /* Field numbers: proto/prometheus/remote_write.proto. */
    REQUEST_SERIES = 1,
    REQUEST_METADATA = 3,
    SERIES_LABELS = 1,
    SERIES_SAMPLES = 2,
    SERIES_EXEMPLARS = 3,
    SERIES_HISTOGRAMS = 4,
    LABEL_NAME = 1,
    LABEL_VALUE = 2,
    SAMPLE_VALUE = 1,
    SAMPLE_TIME = 2,
    EXEMPLAR_LABELS = 1,
    EXEMPLAR_VALUE = 2,
    EXEMPLAR_TIME = 3,
    HISTOGRAM_COUNT = 1,
    HISTOGRAM_SUM = 3,
    HISTOGRAM_SCHEMA = 4,
    HISTOGRAM_ZERO_THRESHOLD = 5,
    HISTOGRAM_ZERO_COUNT = 6,
    HISTOGRAM_SPANS = 11,
    HISTOGRAM_DELTAS = 12,
    HISTOGRAM_TIME = 15,
    SPAN_OFFSET = 1,
    SPAN_LENGTH = 2,
    METADATA_TYPE = 1,
    METADATA_NAME = 2,
    METADATA_HELP = 4,
    METADATA_COUNTER = 1,
    METADATA_GAUGE = 2,
    METADATA_HISTOGRAM = 3,
};

struct write_requests {
    struct metric_visitor visitor; /* first */
    struct write_requests_options options;
    struct label_builder labels;
    struct native_histogram native;
    struct buffer request;
    struct buffer text; /* identity of a series; a name with its suffix */
    struct buffer identity;
    struct buffer le;
    struct series_set shown;
    struct series_set targets;
    uint64_t points;

    /* the walk */
    const struct family *family;
    const struct family_part *part;
    void (*emit)(void *context, struct buffer *request, uint64_t points);
    void *context;
    struct write_report *report;
};

/* ---- series ---- */

static void write_label(struct buffer *b, uint32_t number, struct bytes name, struct bytes value)
{
    size_t label = message_begin(b, number);
    message_bytes(b, LABEL_NAME, name);
    message_bytes(b, LABEL_VALUE, value);
    message_end(b, label);
}

static int order(struct bytes a, const char *b)
{
    size_t len = strlen(b);
    int order = memcmp(a.data, b, a.len < len ? a.len : len);
    return order ? order : (a.len > len) - (a.len < len);
}

/* All labels in order of their names, with the metric's name and a bucket's bound (NULL: none)
 * where they belong. Empty values are as good as none, and not allowed. */
static void write_labels(struct write_requests *w, const char *name, const char *suffix,
                         const struct buffer *le)
{
    struct buffer *b = &w->request;
    bool named = false;
    w->text.len = 0;
    buffer_append_string(&w->text, name);
    buffer_append_string(&w->text, suffix);
    b->failed = b->failed || w->text.failed;
    for (size_t i = 0; i <= w->labels.count; i++) {
        const struct series_label *l = i < w->labels.count ? &w->labels.items[i] : NULL;
        if (!named && (!l || order(l->name, "__name__") > 0)) {
            write_label(b, SERIES_LABELS, bytes_of_string("__name__"), buffer_bytes(&w->text));
            named = true;
        }
        if (le && (!l || order(l->name, "le") > 0)) {
            write_label(b, SERIES_LABELS, bytes_of_string("le"), buffer_bytes(le));
            le = NULL;
        }
        if (l && l->value.len > 0)
            write_label(b, SERIES_LABELS, l->name, l->value);
    }
}

static void write_id(struct buffer *b, const char *name, const uint8_t *id, size_t len)
{
    char text[33];
    for (size_t i = 0; i < len; i++)
        snprintf(text + 2 * i, 3, "%02x", id[i]);
    write_label(b, EXEMPLAR_LABELS, bytes_of_string(name), bytes_of(text, 2 * len));
}

/* The newest exemplar between two values, as receivers take those of a series only in order. */
static void write_exemplar(struct buffer *b, const struct metric_point *p, double low, double high)
{
    const struct metric_exemplar *e = exposition_exemplar(p, low, high);
    if (!e)
        return;
    size_t exemplar = message_begin(b, SERIES_EXEMPLARS);
    write_id(b, "span_id", e->span_id, sizeof e->span_id);
    write_id(b, "trace_id", e->trace_id, sizeof e->trace_id);
    message_double(b, EXEMPLAR_VALUE, e->value);
    message_integer(b, EXEMPLAR_TIME, e->time_ns / 1000000);
    message_end(b, exemplar);
}

/* A series of one sample, with an exemplar from between two values. */
static void write_sample(struct write_requests *w, const struct metric_point *p, const char *suffix,
                         const struct buffer *le, double value, double low, double high)
{
    struct buffer *b = &w->request;
    size_t series = message_begin(b, REQUEST_SERIES);
    write_labels(w, w->family->name, suffix, le);
    size_t sample = message_begin(b, SERIES_SAMPLES);
    message_double(b, SAMPLE_VALUE, value);
    message_integer(b, SAMPLE_TIME, p->time_ns / 1000000);
    message_end(b, sample);
    write_exemplar(b, p, low, high);
    message_end(b, series);
}

static void write_plain(struct write_requests *w, const struct metric_point *p, const char *suffix,
                        double value)
{
    write_sample(w, p, suffix, NULL, value, 1, 0);
}

/* ---- histograms ---- */

static void write_bucket(struct write_requests *w, const struct metric_point *p, uint64_t count,
                         double low, double high)
{
    w->le.len = 0;
    number_append_bound(&w->le, high, false);
    w->request.failed = w->request.failed || w->le.failed;
    write_sample(w, p, "_bucket", &w->le, (double)count, low, high);
}

static void write_histogram(struct write_requests *w, const struct metric_point *p)
{
    uint64_t count = 0;
    double low = -INFINITY;
    for (size_t i = 0; i < p->bound_count; i++) {
        count += p->buckets[i];
        write_bucket(w, p, count, low, p->bounds[i]);
        low = p->bounds[i];
    }
    write_bucket(w, p, p->count, low, INFINITY);
    write_plain(w, p, "_sum", p->sum);
    write_plain(w, p, "_count", (double)p->count);
}

static bool write_native(struct write_requests *w, const struct metric_point *p)
{
    struct buffer *b = &w->request;
    const struct native_histogram *h = &w->native;
    if (!native_histogram_make(&w->native, p))
        return false;
    size_t series = message_begin(b, REQUEST_SERIES);
    write_labels(w, w->family->name, "", NULL);
    write_exemplar(b, p, -INFINITY, INFINITY);
    size_t histogram = message_begin(b, SERIES_HISTOGRAMS);
    message_integer(b, HISTOGRAM_COUNT, p->count);
    message_double(b, HISTOGRAM_SUM, p->sum);
    message_signed(b, HISTOGRAM_SCHEMA, h->schema);
    message_double(b, HISTOGRAM_ZERO_THRESHOLD, NATIVE_ZERO_THRESHOLD);
    message_integer(b, HISTOGRAM_ZERO_COUNT, p->zero_count);
    for (size_t i = 0; i < h->span_count; i++) {
        size_t span = message_begin(b, HISTOGRAM_SPANS);
        message_signed(b, SPAN_OFFSET, h->spans[i].offset);
        message_integer(b, SPAN_LENGTH, h->spans[i].length);
        message_end(b, span);
    }
    size_t deltas = message_begin(b, HISTOGRAM_DELTAS);
    for (size_t i = 0; i < h->delta_count; i++)
        message_varint(b, message_zigzag(h->deltas[i]));
    message_end(b, deltas);
    message_integer(b, HISTOGRAM_TIME, p->time_ns / 1000000);
    message_end(b, histogram);
    message_end(b, series);
    return true;
}

/* ---- requests ---- */

static void flush(struct write_requests *w)
{
    struct buffer packed = {0};
    if (w->points == 0)
        return;
    if (w->request.failed)
        packed.failed = true;
    else
        snappy_pack(buffer_bytes(&w->request), &packed);
    w->emit(w->context, &packed, w->points);
    buffer_free(&packed);
    if (w->request.failed)
        buffer_free(&w->request);
    w->request.len = 0;
    w->points = 0;
}

static void write_metadata(struct write_requests *w)
{
    static const uint8_t types[] = {[FAMILY_COUNTER] = METADATA_COUNTER,
                                    [FAMILY_GAUGE] = METADATA_GAUGE,
                                    [FAMILY_HISTOGRAM] = METADATA_HISTOGRAM};
    struct buffer help = {0};
    naming_clean(bytes_of_string(w->family->help), &help);
    size_t metadata = message_begin(&w->request, REQUEST_METADATA);
    message_integer(&w->request, METADATA_TYPE, types[w->family->type]);
    message_bytes(&w->request, METADATA_NAME, bytes_of_string(w->family->name));
    message_bytes(&w->request, METADATA_HELP, buffer_bytes(&help));
    message_end(&w->request, metadata);
    buffer_free(&help);
}

static void write_target(struct write_requests *w, const struct metric_point *p)
{
    const struct {
        const struct metric_source *source;
        uint64_t id;
    } key = {w->part->source, p->resource->id};
    if (series_set_add(&w->targets, bytes_of(&key, sizeof key)) != SERIES_NEW ||
        !label_builder_target(&w->labels, p->resource))
        return;
    w->text.len = 0;
    label_builder_write(&w->labels, &w->text);
    if (series_set_add(&w->targets, buffer_bytes(&w->text)) != SERIES_NEW)
        return;
    const struct family target_info = {.name = w->options.families->target_info};
    const struct family *family = w->family;
    w->family = &target_info;
    write_plain(w, p, "", 1);
    w->family = family;
}

static bool lose(struct write_requests *w)
{
    struct buffer lost = {.failed = true};
    w->emit(w->context, &lost, 1);
    return true;
}

static void write_point(struct write_requests *w, const struct metric_point *p)
{
    const struct metric_family *f = &w->part->source->families[w->part->index];
    w->points++;
    if (f->type == METRIC_HISTOGRAM) {
        write_histogram(w, p);
    } else if (f->type == METRIC_EXPONENTIAL_HISTOGRAM) {
        if (!write_native(w, p)) {
            w->points--;
            w->report->unsayable++;
        }
    } else {
        write_sample(w, p, "", NULL, p->value, -INFINITY,
                     f->type == METRIC_SUM ? INFINITY : -INFINITY);
    }
}

static bool visit(struct metric_visitor *v, const struct metric_point *p)
{
    struct write_requests *w = (struct write_requests *)v;
    if (w->request.len >= w->options.request_max)
        flush(w);
    if (p->resource && w->options.target_info)
        write_target(w, p);
    if (!label_builder_point(&w->labels, NULL, p))
        return lose(w);
    w->text.len = 0;
    label_builder_write(&w->labels, &w->text);
    struct bytes identity =
        label_builder_identity(&w->labels, buffer_bytes(&w->text), &w->identity);
    if (w->text.failed || w->identity.failed)
        return lose(w);
    switch (series_set_add(&w->shown, identity)) {
    case SERIES_NEW:
        write_point(w, p);
        return true;
    case SERIES_KNOWN:
        w->report->duplicates++;
        return true;
    case SERIES_NO_MEMORY:
        break;
    }
    return lose(w);
}

void write_requests_collect(struct write_requests *w, struct metric_source *source,
                            void (*emit)(void *context, struct buffer *request, uint64_t points),
                            void *context, struct write_report *report)
{
    *report = (struct write_report){0};
    w->emit = emit;
    w->context = context;
    w->report = report;
    for (size_t i = 0; i < w->options.families->count; i++) {
        w->family = &w->options.families->items[i];
        series_set_clear(&w->shown);
        for (size_t k = 0; k < w->family->part_count; k++) {
            w->part = &w->family->parts[k];
            if (w->part->source != source)
                continue;
            w->visitor.incomplete = false;
            source->collect(source, w->part->index, &w->visitor);
            if (w->visitor.incomplete)
                lose(w);
            if (w->options.metadata && w->shown.count > 0)
                write_metadata(w);
        }
    }
    flush(w);
    series_set_free(&w->shown);
    series_set_free(&w->targets);
    buffer_free(&w->request);
}

struct write_requests *write_requests_create(const struct write_requests_options *o)
{
    struct write_requests *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->visitor.point = visit;
    w->options = *o;
    label_builder_init(&w->labels, o->rules);
    return w;
}

void write_requests_destroy(struct write_requests *w)
{
    if (!w)
        return;
    label_builder_free(&w->labels);
    native_histogram_free(&w->native);
    buffer_free(&w->request);
    buffer_free(&w->text);
    buffer_free(&w->identity);
    buffer_free(&w->le);
    free(w);
}
