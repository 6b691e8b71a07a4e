/* A connector under test: made from a configuration (JSON in which ' stands for "), fed with spans
 * that a test lists, and shown as lines of text. */
#ifndef TAILSPAN_TESTS_METRICS_RIG_H
#define TAILSPAN_TESTS_METRICS_RIG_H

#include "component/clock.h"
#include "component/metric.h"
#include "component/telemetry.h"
#include "metrics/metrics.h"
#include "proto/batch.h"
#include "proto/buffer.h"
#include "proto/consistent.h"
#include "proto/span_kind.h"
#include "proto/value_text.h"
#include "proto/wire.h"
#include "tests/unit/sampling/policy_support.h"

#include <math.h>

/* ---- spans ---- */

struct test_span {
    const char *service; /* NULL: the resource has no attributes */
    const char *name;
    unsigned kind;
    unsigned status;
    uint64_t duration_ns;
    uint64_t trace; /* numbers that ids are made of */
    uint64_t id;
    uint64_t parent;
    const char *trace_state;
    const char *attributes; /* of the span: "key=value,key=#12,key=[text": # before an integer, [
                               before the only item of an array */
    const char *resource;   /* likewise, beside service.name */
    const char *event;      /* an event's attributes */
    const char *scope;
    uint64_t link_trace; /* not 0: a link */
    uint64_t link_id;
};

/* A span of a trace: service, name, kind, status, duration; trace, id, parent. */
#define SPAN(service_, name_, kind_, status_, duration_, trace_, id_, parent_)                     \
    {                                                                                              \
        .service = (service_), .name = (name_), .kind = (kind_), .status = (status_),              \
        .duration_ns = (duration_), .trace = (trace_), .id = (id_), .parent = (parent_)            \
    }

static inline void put_field(struct buffer *out, uint32_t number, const void *data, size_t len)
{
    uint8_t head[20];
    struct wire_writer w = wire_writer(head, sizeof head);
    wire_put_frame(&w, number, len);
    buffer_append(out, head, (size_t)(w.at - head));
    buffer_append(out, data, len);
}

static inline void put_number(struct buffer *out, uint32_t number, uint64_t v)
{
    uint8_t text[20];
    struct wire_writer w = wire_writer(text, sizeof text);
    wire_put_integer(&w, number, v);
    buffer_append(out, text, (size_t)(w.at - text));
}

static inline void put_time(struct buffer *out, uint32_t number, uint64_t v)
{
    uint8_t text[20];
    struct wire_writer w = wire_writer(text, sizeof text);
    wire_put_fixed64(&w, number, v);
    buffer_append(out, text, (size_t)(w.at - text));
}

static inline void put_nested(struct buffer *out, uint32_t number, struct buffer *message)
{
    put_field(out, number, message->data, message->len);
    buffer_free(message);
}

static inline void put_key_value(struct buffer *out, uint32_t number, struct bytes key,
                                 struct bytes text)
{
    struct buffer value = {0}, pair = {0}, item = {0}, array = {0};
    if (text.len > 0 && text.data[0] == '#') {
        put_number(&value, 3, strtoull((const char *)text.data + 1, NULL, 10));
    } else if (text.len > 0 && text.data[0] == '[') {
        put_field(&item, 1, text.data + 1, text.len - 1);
        put_nested(&array, 1, &item);
        put_nested(&value, 5, &array);
    } else {
        put_field(&value, 1, text.data, text.len);
    }
    put_field(&pair, 1, key.data, key.len);
    put_nested(&pair, 2, &value);
    put_nested(out, number, &pair);
}

/* strcspn(), which sanitizers' strict checks let read all of the rest each time. */
static inline size_t length_until(const char *text, char stop)
{
    size_t len = 0;
    while (text[len] && text[len] != stop)
        len++;
    return len;
}

static inline void put_attributes(struct buffer *out, uint32_t number, const char *list)
{
    while (list && *list) {
        size_t key = length_until(list, '='), all = length_until(list, ',');
        put_key_value(out, number, bytes_of(list, key), bytes_of(list + key + 1, all - key - 1));
        list += all + (list[all] == ',');
    }
}

static inline void make_trace_id(uint8_t id[16], uint64_t trace)
{
    memset(id, 7, 16);
    memcpy(id + 8, &trace, 8);
}

static inline void put_span(struct buffer *out, const struct test_span *s)
{
    struct buffer span = {0}, part = {0};
    uint8_t trace[16];
    const uint64_t start = 1700000000000000000U;
    make_trace_id(trace, s->trace);
    put_field(&span, 1, trace, 16);
    put_field(&span, 2, &s->id, 8);
    if (s->trace_state)
        put_field(&span, 3, s->trace_state, strlen(s->trace_state));
    if (s->parent)
        put_field(&span, 4, &s->parent, 8);
    put_field(&span, 5, s->name, strlen(s->name));
    put_number(&span, 6, s->kind);
    put_time(&span, 7, start);
    put_time(&span, 8, start + s->duration_ns);
    put_attributes(&span, 9, s->attributes);
    if (s->event) {
        put_field(&part, 2, "e", 1);
        put_attributes(&part, 3, s->event);
        put_nested(&span, 11, &part);
    }
    if (s->link_trace) {
        make_trace_id(trace, s->link_trace);
        put_field(&part, 1, trace, 16);
        put_field(&part, 2, &s->link_id, 8);
        put_nested(&span, 13, &part);
    }
    if (s->status) {
        put_number(&part, 3, s->status);
        put_nested(&span, 15, &part);
    }
    put_nested(out, 2, &span);
}

static inline bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Spans that follow one another with the same resource and scope share them. */
static inline struct batch *batch_from_spans(const struct test_span *spans, size_t count)
{
    struct buffer request = {0};
    for (size_t i = 0; i < count;) {
        const struct test_span *first = &spans[i];
        struct buffer group = {0}, message = {0}, scope = {0};
        if (first->service)
            put_key_value(&message, 1, bytes_of_string("service.name"),
                          bytes_of_string(first->service));
        put_attributes(&message, 1, first->resource);
        put_nested(&group, 1, &message);
        if (first->scope)
            put_field(&message, 1, first->scope, strlen(first->scope));
        put_nested(&scope, 1, &message);
        for (; i < count && same_text(spans[i].service, first->service) &&
               same_text(spans[i].resource, first->resource) &&
               same_text(spans[i].scope, first->scope);
             i++)
            put_span(&scope, &spans[i]);
        put_nested(&group, 2, &scope);
        put_nested(&request, 1, &group);
    }
    struct batch_report report;
    struct batch *b = batch_from_request(buffer_bytes(&request), &report);
    if (!b)
        fail_msg("%s", report.where);
    buffer_free(&request);
    return b;
}

/* ---- the connector ---- */

struct rig {
    struct telemetry *telemetry;
    struct component *connector;
    struct metric_source *source;
};

static inline struct component *rig_make(const struct component_kind *kind, struct telemetry *t,
                                         const char *config, struct error *e)
{
    struct component_spec spec = {
        .kind = kind, .id = "x", .config = config_of(config), .telemetry = t};
    return kind->create(&spec, e);
}

static inline struct rig rig_open(const struct component_kind *kind, const char *config)
{
    struct error e = {0};
    struct rig r = {.telemetry = telemetry_create()};
    r.connector = rig_make(kind, r.telemetry, config, &e);
    if (!r.connector)
        fail_msg("%s", e.text);
    r.source = r.connector->ops->metrics(r.connector);
    return r;
}

static inline void rig_close(struct rig *r)
{
    r->connector->ops->destroy(r->connector);
    telemetry_destroy(r->telemetry);
    assert_int_equal(batch_live_bytes(), 0);
}

static inline void rig_send(struct rig *r, const struct test_span *spans, size_t count)
{
    assert_int_equal(component_consume(r->connector, batch_from_spans(spans, count), NULL).verdict,
                     VERDICT_ACCEPTED);
}

#define SEND(r, ...)                                                                               \
    rig_send(r, (const struct test_span[]){__VA_ARGS__},                                           \
             sizeof((const struct test_span[]){__VA_ARGS__}) / sizeof(struct test_span))

static inline void assert_counter(struct rig *r, const char *line)
{
    struct buffer out = {0};
    telemetry_write(r->telemetry, &out);
    char *text = buffer_take(&out, NULL);
    if (!strstr(text, line))
        fail_msg("no %s in:\n%s", line, text);
    free(text);
}

static inline void assert_wrong(const struct component_kind *kind, const char *config,
                                const char *part)
{
    struct telemetry *t = telemetry_create();
    struct error e = {0};
    assert_null(rig_make(kind, t, config, &e));
    if (!strstr(e.text, part))
        fail_msg("%s: \"%s\" does not say \"%s\"", config, e.text, part);
    telemetry_destroy(t);
}

/* ---- what it shows ---- */

/* Labels as "a=1,b=2", in the order shown, without the process' own. */
static inline void write_labels(struct buffer *out, const struct metric_point *p)
{
    struct value_text text = {0};
    bool first = true;
    for (size_t i = 0; i < p->label_count; i++) {
        const struct metric_label *l = &p->labels[i];
        if (bytes_equal_string(l->name, "collector.instance.id"))
            continue;
        struct bytes value = value_text(&l->value, &text);
        buffer_printf(out, "%s%.*s=%.*s", first ? "" : ",", (int)l->name.len, l->name.data,
                      (int)value.len, value.data);
        first = false;
    }
    value_text_free(&text);
}

struct lines {
    struct metric_visitor visitor;
    enum metric_type type;
    char *items[1000];
    size_t count;
};

static inline bool keep_line(struct metric_visitor *visitor, const struct metric_point *p)
{
    struct lines *l = (struct lines *)visitor;
    struct buffer out = {0};
    write_labels(&out, p);
    if (l->type == METRIC_SUM)
        buffer_printf(&out, " %.0f", p->value);
    else
        buffer_printf(&out, " %llu %g", (unsigned long long)p->count, p->sum);
    for (size_t i = 0; i <= p->bound_count && l->type == METRIC_HISTOGRAM; i++) {
        if (p->buckets[i] > 0)
            buffer_printf(&out, " %g:%llu", i < p->bound_count ? p->bounds[i] : INFINITY,
                          (unsigned long long)p->buckets[i]);
    }
    l->items[l->count++] = buffer_take(&out, NULL);
    return l->count < sizeof l->items / sizeof l->items[0];
}

static inline int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The series of a family as lines in order; kept until the test ends. */
static inline const char *shown(struct rig *r, const char *family)
{
    struct lines l = {.visitor.point = keep_line};
    struct buffer all = {0};
    size_t f = 0;
    while (f < r->source->family_count && strcmp(r->source->families[f].name, family) != 0)
        f++;
    if (f == r->source->family_count)
        return "no such family";
    l.type = r->source->families[f].type;
    r->source->collect(r->source, f, &l.visitor);
    qsort(l.items, l.count, sizeof l.items[0], by_text);
    for (size_t i = 0; i < l.count; i++) {
        buffer_printf(&all, "%s%s", i ? "\n" : "", l.items[i]);
        free(l.items[i]);
    }
    buffer_append_byte(&all, 0);
    char *kept = kept_text((const char *)all.data);
    buffer_free(&all);
    return kept;
}

static inline int rig_teardown(void **state)
{
    (void)state;
    config_release();
    return 0;
}

#endif
