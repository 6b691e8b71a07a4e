/* GET /api/v1/journeys/{id}: the traces that hops join with this one, the hops, and the critical
 * path through them. A trace that was not kept, or is not any more, is named by its id alone. */
#include "query/native.h"

#include "proto/json_writer.h"
#include "query/critical_path.h"
#include "query/params.h"

enum { MEMORY_LIMIT = 16 << 20 };

/* What is gathered while traces are written. */
struct journey_end {
    uint8_t last[16]; /* the trace that ends latest */
    uint64_t end_ns;
    bool any;
};

static void write_text(struct json_writer *w, const char *key, struct bytes text)
{
    json_key(w, key);
    json_bytes(w, text);
}

static void write_id(struct json_writer *w, const char *key, const uint8_t *id, size_t len)
{
    json_key(w, key);
    json_hex(w, bytes_of(id, len));
}

static void write_nanoseconds(struct json_writer *w, const char *key, uint64_t ns)
{
    json_key(w, key);
    json_uint_string(w, ns);
}

static void write_trace(struct call *c, struct json_writer *w, const uint8_t id[16],
                        struct journey_end *end)
{
    struct store_summary s;
    if (!store_summary_of(c->reader, id, &s)) {
        json_object_begin(w);
        write_id(w, "traceId", id, 16);
        json_object_end(w);
        return;
    }
    if (!end->any || s.end_ns > end->end_ns) {
        memcpy(end->last, id, 16);
        end->end_ns = s.end_ns;
        end->any = true;
    }
    native_write_summary(w, &s);
    store_summary_free(&s);
}

static void write_side(struct json_writer *w, const char *key, const uint8_t trace[16],
                       const uint8_t span[8], struct bytes service)
{
    json_key(w, key);
    json_object_begin(w);
    write_id(w, "traceId", trace, 16);
    write_id(w, "spanId", span, 8);
    write_text(w, "service", service);
    json_object_end(w);
}

static void write_hop(struct json_writer *w, const struct store_hop *h)
{
    json_object_begin(w);
    write_side(w, "producer", h->producer_trace, h->producer_span, h->producer_service);
    write_side(w, "consumer", h->consumer_trace, h->consumer_span, h->consumer_service);
    write_text(w, "topic", h->topic);
    if (h->group.len)
        write_text(w, "consumerGroup", h->group);
    if (h->partition >= 0) {
        json_key(w, "partition");
        json_int(w, h->partition);
    }
    if (h->offset >= 0) {
        json_key(w, "offset");
        json_int_string(w, h->offset);
    }
    write_text(w, "matchedBy", h->matched_by);
    json_key(w, "confidence");
    json_double(w, h->confidence / 100.0);
    json_key(w, "attempt");
    json_uint(w, h->attempt);
    if (h->producer_end_ns) {
        json_key(w, "latencyNano");
        json_int_string(w, (int64_t)(h->consumer_start_ns - h->producer_end_ns));
    }
    json_object_end(w);
}

static void write_segment(struct json_writer *w, const struct path_segment *s)
{
    json_object_begin(w);
    json_key(w, "type");
    json_text(w, s->hop ? "hop" : "span");
    write_id(w, "traceId", s->trace_id, 16);
    write_id(w, "spanId", s->span_id, 8);
    write_text(w, "service", s->service);
    write_text(w, s->hop ? "topic" : "name", s->name);
    write_nanoseconds(w, "startUnixNano", s->start_ns);
    write_nanoseconds(w, "durationNano", s->end_ns - s->start_ns);
    json_object_end(w);
}

static bool write_path(struct call *c, struct json_writer *w, const struct journey *j,
                       const uint8_t last[16], bool *cut)
{
    struct arena arena = {.limit = MEMORY_LIMIT};
    struct critical_path path;
    bool found = critical_path_find(c->reader, &arena, j, last, c->deadline_ns, &path);
    for (size_t i = 0; found && i < path.count; i++)
        write_segment(w, &path.segments[i]);
    *cut |= path.cut;
    arena_free(&arena);
    return found;
}

/* False: the call's time or memory is over. */
static bool write_journey(struct call *c, struct json_writer *w, const struct journey *j,
                          struct journey_end *end)
{
    bool cut = j->cut, done = true;
    json_object_begin(w);
    json_key(w, "traces");
    json_array_begin(w);
    for (size_t i = 0; i < j->trace_count && done; i++) {
        write_trace(c, w, j->traces[i], end);
        done = call_time_left(c) > 0;
    }
    json_array_end(w);
    json_key(w, "hops");
    json_array_begin(w);
    for (size_t i = 0; i < j->hops.count; i++)
        write_hop(w, &j->hops.items[i]);
    json_array_end(w);
    json_key(w, "criticalPath");
    json_array_begin(w);
    if (end->any && done)
        done = write_path(c, w, j, end->last, &cut);
    json_array_end(w);
    json_key(w, "truncated");
    json_bool(w, cut);
    json_object_end(w);
    return done;
}

static void answer(struct call *c, const struct journey *j)
{
    struct json_writer w;
    struct journey_end end = {.any = false};
    call_json(c, &w, false);
    bool done = write_journey(c, &w, j, &end);
    if (!done)
        native_error(c, call_time_left(c) ? 500 : 504,
                     "the journey is too large to be shown in time");
    else if (!end.any && j->hops.count == 0)
        native_error(c, 404,
                     "there is no trace with this id, or no longer, and no hop leads to it");
    else
        call_finish(c, native_error);
}

void native_journey(struct call *c)
{
    struct error e;
    struct journey j;
    uint8_t id[16];
    if (!native_has_no_parameters(c))
        return;
    if (!param_trace_id(c->parameter, id, &e)) {
        native_error(c, 400, "a trace id is up to 32 hex digits");
        return;
    }
    if (journey_find(c->reader, id, c->deadline_ns, &j))
        answer(c, &j);
    else
        native_error(c, 500, "out of memory");
    journey_free(&j);
}
