#include "query/jaeger_v3.h"

#include "proto/json_writer.h"
#include "query/adjust.h"
#include "query/hop_links.h"
#include "query/jaeger_name.h"
#include "query/jaeger_v3_params.h"
#include "query/jaeger_v3_trace.h"
#include "query/params.h"
#include "query/span_kind.h"

#include <stdlib.h>

static void storage_error(struct call *c)
{
    jaeger_v3_error(c, 500, "the trace store cannot be read");
}

/* A reply that is one object with one key. */
static void begin(struct call *c, struct json_writer *w, const char *key)
{
    call_json(c, w, false);
    json_object_begin(w);
    json_key(w, key);
}

static void end(struct call *c, struct json_writer *w)
{
    json_object_end(w);
    call_finish(c, jaeger_v3_error);
}

void jaeger_v3_services(struct call *c)
{
    struct store_names names;
    struct json_writer w;
    if (!store_services(c->reader, &names)) {
        storage_error(c);
        return;
    }
    begin(c, &w, "services");
    json_array_begin(&w);
    for (size_t i = 0; i < names.count; i++)
        json_text(&w, names.items[i]);
    if (jaeger_has_nameless_service(c->reader))
        json_text(&w, JAEGER_MISSING_SERVICE);
    json_array_end(&w);
    end(c, &w);
    store_names_free(&names);
}

/* Jaeger shows an unspecified kind as internal, but does not find it by that name. */
void jaeger_v3_operations(struct call *c)
{
    struct store_operations found = {0};
    struct json_writer w;
    const char *name = "spanKind";
    const char *kind_name = jaeger_v3_query(c, &name, "span_kind");
    const char *service = call_query(c, "service");
    int kind = -1;
    bool known = service && (!kind_name || span_kind_parse(kind_name, &kind));
    if (known && !store_operations(c->reader, stored_service(service), kind, &found)) {
        storage_error(c);
        return;
    }
    begin(c, &w, "operations");
    json_array_begin(&w);
    for (size_t i = 0; i < found.count; i++) {
        const char *shown = span_kind_name(found.items[i].kind);
        json_object_begin(&w);
        json_key(&w, "name");
        json_text(&w, jaeger_operation(found.items[i].name));
        json_key(&w, "spanKind");
        json_text(&w, shown[0] ? shown : "internal");
        json_object_end(&w);
    }
    json_array_end(&w);
    end(c, &w);
    store_operations_free(&found);
}

/* Traces. */

static bool write_batch(struct call *c, struct json_writer *w, const struct batch *b, bool raw)
{
    struct arena arena = {.limit = c->limits->memory};
    struct trace t;
    bool written = trace_build(&t, &arena, b);
    if (written) {
        if (c->show_hops && !raw)
            hop_links_add(c->reader, &t, c->deadline_ns);
        adjust_written(&t);
        if (!raw)
            adjust_read(&t);
        written = jaeger_v3_trace_write(w, &t) && !arena.failed;
    }
    arena_free(&arena);
    return written;
}

static void begin_traces(struct call *c, struct json_writer *w)
{
    begin(c, w, "result");
    json_object_begin(w);
    json_key(w, "resourceSpans");
    json_array_begin(w);
}

static void end_traces(struct call *c, struct json_writer *w)
{
    json_array_end(w);
    json_object_end(w);
    end(c, w);
}

void jaeger_v3_trace(struct call *c)
{
    struct error e;
    struct json_writer w;
    uint8_t id[16];
    int64_t ignored;
    bool raw;
    if (!param_trace_id(c->parameter, id, &e)) {
        jaeger_v3_bad_parameter(c, "trace_id", e.text);
        return;
    }
    if (!jaeger_v3_time(c, "startTime", "start_time", &ignored) ||
        !jaeger_v3_time(c, "endTime", "end_time", &ignored) ||
        !jaeger_v3_bool(c, "rawTraces", "raw_traces", &raw))
        return;
    struct batch *b = store_trace(c->reader, id);
    if (!b || b->span_count == 0) {
        jaeger_v3_error(c, 404, "No traces found");
    } else {
        begin_traces(c, &w);
        c->show_hops = true;
        if (write_batch(c, &w, b, raw))
            end_traces(c, &w);
        else
            jaeger_v3_error(c, 500, "the trace is too large to be shown");
    }
    if (b)
        batch_release(b);
}

/* False: answered with an error. */
static bool write_found(struct call *c, struct json_writer *w, const uint8_t id[16], bool raw)
{
    if (call_time_left(c) == 0) {
        jaeger_v3_error(c, 500, "the search took too long; ask for fewer traces");
        return false;
    }
    struct batch *b = store_trace(c->reader, id);
    bool written = !b || write_batch(c, w, b, raw);
    if (b)
        batch_release(b);
    if (!written)
        jaeger_v3_error(c, 500, "a trace is too large to be shown");
    else if (w->out->failed)
        call_finish(c, jaeger_v3_error);
    return written && c->reply->status == 200;
}

static void write_results(struct call *c, const struct store_results *results, bool raw)
{
    struct json_writer w;
    if (results->count == 0) {
        jaeger_v3_error(c, 404, "No traces found");
        return;
    }
    begin_traces(c, &w);
    for (size_t i = 0; i < results->count; i++)
        if (!write_found(c, &w, results->items[i].trace_id, raw))
            return;
    end_traces(c, &w);
}

/* Reads the parameters and searches. False: answered with an error; otherwise the results are to be
 * freed. */
static bool find(struct call *c, struct store_results *results, bool *raw)
{
    struct error e;
    struct search *s = arena_alloc(&c->arena, sizeof *s);
    if (!s) {
        jaeger_v3_error(c, 500, "out of memory");
        return false;
    }
    if (!jaeger_v3_search(c, s, raw))
        return false;
    if (search_run(c, s, results, &e))
        return true;
    store_results_free(results);
    jaeger_v3_error(c, 500, e.text);
    return false;
}

void jaeger_v3_traces(struct call *c)
{
    struct store_results results;
    bool raw;
    if (!find(c, &results, &raw))
        return;
    write_results(c, &results, raw);
    store_results_free(&results);
}

/* Summaries. Zeros and empty names are left out, as proto3's JSON does. */

static void write_text(struct json_writer *w, const char *key, const char *text)
{
    if (!text[0])
        return;
    json_key(w, key);
    json_text(w, text);
}

static void write_count(struct json_writer *w, const char *key, uint32_t n)
{
    if (n == 0)
        return;
    json_key(w, key);
    json_uint(w, n);
}

static int by_shown_name(const void *x, const void *y)
{
    const struct store_service_count *a = x;
    const struct store_service_count *b = y;
    return strcmp(jaeger_service(a->name), jaeger_service(b->name));
}

static void write_summary(struct json_writer *w, struct store_summary *s)
{
    bool rooted = s->root_service[0] || s->root_operation[0];
    json_object_begin(w);
    json_key(w, "traceId");
    json_hex(w, bytes_of(s->trace_id, sizeof s->trace_id));
    write_text(w, "rootServiceName", rooted ? jaeger_service(s->root_service) : "");
    write_text(w, "rootOperationName", rooted ? jaeger_operation(s->root_operation) : "");
    json_key(w, "minStartTimeUnixNano");
    json_uint_string(w, s->start_ns);
    json_key(w, "maxEndTimeUnixNano");
    json_uint_string(w, s->end_ns);
    write_count(w, "spanCount", s->spans);
    write_count(w, "errorSpanCount", s->errors);
    write_count(w, "orphanSpanCount", s->orphans);
    json_key(w, "services");
    json_array_begin(w);
    if (s->service_count > 1)
        qsort(s->services, s->service_count, sizeof *s->services, by_shown_name);
    for (size_t i = 0; i < s->service_count; i++) {
        json_object_begin(w);
        write_text(w, "name", jaeger_service(s->services[i].name));
        write_count(w, "spanCount", s->services[i].spans);
        write_count(w, "errorSpanCount", s->services[i].errors);
        json_object_end(w);
    }
    json_array_end(w);
    json_object_end(w);
}

void jaeger_v3_summaries(struct call *c)
{
    struct store_results results;
    struct json_writer w;
    bool raw;
    if (!find(c, &results, &raw))
        return;
    begin(c, &w, "summaries");
    json_array_begin(&w);
    for (size_t i = 0; i < results.count; i++)
        write_summary(&w, &results.items[i]);
    json_array_end(&w);
    end(c, &w);
    store_results_free(&results);
}
