#include "query/jaeger_v1.h"

#include "component/clock.h"
#include "proto/json_writer.h"
#include "query/adjust.h"
#include "query/hop_links.h"
#include "query/jaeger_name.h"
#include "query/jaeger_v1_trace.h"
#include "query/params.h"
#include "query/span_kind.h"

#include <stdio.h>
#include <stdlib.h>

#define MILLISECOND 1000000LL
#define DAY_MS      (24LL * 3600 * 1000)

/* The envelope. */

void jaeger_v1_begin(struct call *c, struct json_writer *w)
{
    const char *pretty = call_query(c, "prettyPrint");
    call_json(c, w, pretty && strcmp(pretty, "false") != 0);
    json_object_begin(w);
    json_key(w, "data");
}

static void write_counts(struct json_writer *w, size_t total)
{
    json_key(w, "total");
    json_uint(w, total);
    json_key(w, "limit");
    json_uint(w, 0);
    json_key(w, "offset");
    json_uint(w, 0);
    json_key(w, "errors");
}

void jaeger_v1_end(struct call *c, struct json_writer *w, size_t total)
{
    write_counts(w, total);
    json_nil(w);
    json_object_end(w);
    call_finish(c, jaeger_v1_error);
}

void jaeger_v1_error(struct call *c, unsigned status, const char *text)
{
    struct json_writer w;
    call_restart(c, status, NULL);
    json_begin(&w, &c->reply->body, false);
    json_object_begin(&w);
    json_key(&w, "data");
    json_nil(&w);
    write_counts(&w, 0);
    json_array_begin(&w);
    json_object_begin(&w);
    json_key(&w, "code");
    json_uint(&w, status);
    json_key(&w, "msg");
    json_text(&w, text);
    json_object_end(&w);
    json_array_end(&w);
    json_object_end(&w);
    buffer_append_byte(&c->reply->body, '\n');
}

void jaeger_v1_bad_parameter(struct call *c, const char *name, const char *text)
{
    char message[1280];
    snprintf(message, sizeof message, "unable to parse param '%s': %s", name, text);
    jaeger_v1_error(c, 400, message);
}

bool jaeger_v1_bool(struct call *c, const char *name, bool *out)
{
    struct error e;
    const char *text = call_query(c, name);
    *out = false;
    if (!text || param_bool(text, out, &e))
        return true;
    jaeger_v1_bad_parameter(c, name, e.text);
    return false;
}

bool jaeger_v1_int(struct call *c, const char *name, int64_t fallback, int64_t *out)
{
    struct error e;
    const char *text = call_query(c, name);
    *out = fallback;
    if (!text || param_int(text, "ParseInt", out, &e))
        return true;
    jaeger_v1_bad_parameter(c, name, e.text);
    return false;
}

static void storage_error(struct call *c)
{
    jaeger_v1_error(c, 500, "the trace store cannot be read");
}

/* Services and operations. */

void jaeger_v1_services(struct call *c)
{
    struct store_names names;
    struct json_writer w;
    if (!store_services(c->reader, &names)) {
        storage_error(c);
        return;
    }
    jaeger_v1_begin(c, &w);
    json_array_begin(&w);
    for (size_t i = 0; i < names.count; i++)
        json_text(&w, names.items[i]);
    bool nameless = jaeger_has_nameless_service(c->reader);
    if (nameless)
        json_text(&w, JAEGER_MISSING_SERVICE);
    json_array_end(&w);
    jaeger_v1_end(c, &w, names.count + nameless);
    store_names_free(&names);
}

/* Names only, each once; the store has them sorted. */
void jaeger_v1_service_operations(struct call *c)
{
    struct store_operations found;
    struct json_writer w;
    if (!store_operations(c->reader, stored_service(c->parameter), -1, &found)) {
        storage_error(c);
        return;
    }
    size_t count = 0;
    jaeger_v1_begin(c, &w);
    json_array_begin(&w);
    for (size_t i = 0; i < found.count; i++) {
        if (i > 0 && strcmp(found.items[i].name, found.items[i - 1].name) == 0)
            continue;
        json_text(&w, jaeger_operation(found.items[i].name));
        count++;
    }
    json_array_end(&w);
    jaeger_v1_end(c, &w, count);
    store_operations_free(&found);
}

void jaeger_v1_operations(struct call *c)
{
    const char *service = call_query(c, "service");
    const char *kind_name = call_query(c, "spanKind");
    struct store_operations found = {0};
    struct json_writer w;
    int kind = -1;
    if (!service) {
        jaeger_v1_error(c, 400, "parameter 'service' is required");
        return;
    }
    bool known = !kind_name || span_kind_parse(kind_name, &kind);
    if (known && !store_operations(c->reader, stored_service(service), kind, &found)) {
        storage_error(c);
        return;
    }
    jaeger_v1_begin(c, &w);
    json_array_begin(&w);
    for (size_t i = 0; i < found.count; i++) {
        json_object_begin(&w);
        json_key(&w, "name");
        json_text(&w, jaeger_operation(found.items[i].name));
        json_key(&w, "spanKind");
        json_text(&w, span_kind_name(found.items[i].kind));
        json_object_end(&w);
    }
    json_array_end(&w);
    jaeger_v1_end(c, &w, found.count);
    store_operations_free(&found);
}

/* One trace. */

bool jaeger_v1_write(struct call *c, struct json_writer *w, const struct batch *b, bool raw)
{
    struct arena arena = {.limit = c->limits->memory};
    struct trace t;
    struct jaeger_v1_writer v;
    bool built = trace_build(&t, &arena, b) && jaeger_v1_writer_begin(&v, &t, NULL);
    if (built) {
        if (c->show_hops && !raw)
            hop_links_add(c->reader, &t, c->deadline_ns);
        adjust_written(&t);
        if (!raw)
            adjust_read(&t);
        jaeger_v1_trace_write(&v, w, 0);
        built = !arena.failed;
    }
    arena_free(&arena);
    return built;
}

/* start and end are read, so that what is wrong with them is said, and then not used: Jaeger only
 * gives them to stores that need a hint where to look, and Grafana sends milliseconds. */
static bool read_trace_parameters(struct call *c, uint8_t id[16], bool *raw)
{
    struct error e;
    int64_t ignored;
    if (!param_trace_id(c->parameter, id, &e)) {
        jaeger_v1_error(c, 400, e.text);
        return false;
    }
    return jaeger_v1_int(c, "start", 0, &ignored) && jaeger_v1_int(c, "end", 0, &ignored) &&
           jaeger_v1_bool(c, "raw", raw);
}

void jaeger_v1_trace(struct call *c)
{
    uint8_t id[16];
    bool raw;
    struct json_writer w;
    if (!read_trace_parameters(c, id, &raw))
        return;
    struct batch *b = store_trace(c->reader, id);
    if (!b || b->span_count == 0) {
        jaeger_v1_error(c, 404, "trace not found");
    } else {
        jaeger_v1_begin(c, &w);
        json_array_begin(&w);
        c->show_hops = true;
        if (jaeger_v1_write(c, &w, b, raw)) {
            json_array_end(&w);
            jaeger_v1_end(c, &w, 0);
        } else {
            jaeger_v1_error(c, 500, "the trace is too large to be shown");
        }
    }
    if (b)
        batch_release(b);
}

/* There is no second store to copy a trace to, which Jaeger without one says like this. */
void jaeger_v1_archive(struct call *c)
{
    uint8_t id[16];
    bool raw;
    if (read_trace_parameters(c, id, &raw))
        jaeger_v1_error(c, 500, "archive span storage was not configured");
}

/* Dependencies. */

void jaeger_v1_dependencies(struct call *c)
{
    int64_t end_ms;
    int64_t lookback_ms;
    if (!jaeger_v1_int(c, "endTs", (int64_t)realtime_ns() / MILLISECOND, &end_ms) ||
        !jaeger_v1_int(c, "lookback", DAY_MS, &lookback_ms))
        return;
    if (lookback_ms < 0) {
        jaeger_v1_error(c, 500, "end time must be greater than start time");
        return;
    }
    int64_t limit_ms = INT64_MAX / MILLISECOND;
    end_ms = end_ms > limit_ms ? limit_ms : end_ms < 0 ? 0 : end_ms;
    int64_t start_ms = lookback_ms < end_ms ? end_ms - lookback_ms : 0;
    const char *service = call_query(c, "service");
    struct store_dependencies found;
    struct json_writer w;
    if (!store_dependencies(c->reader, (uint64_t)(start_ms * MILLISECOND),
                            (uint64_t)(end_ms * MILLISECOND), &found)) {
        storage_error(c);
        return;
    }
    jaeger_v1_begin(c, &w);
    json_array_begin(&w);
    for (size_t i = 0; i < found.count; i++) {
        const char *parent = jaeger_service(found.items[i].parent);
        const char *child = jaeger_service(found.items[i].child);
        if (service && strcmp(service, parent) != 0 && strcmp(service, child) != 0)
            continue;
        json_object_begin(&w);
        json_key(&w, "parent");
        json_text(&w, parent);
        json_key(&w, "child");
        json_text(&w, child);
        json_key(&w, "callCount");
        json_uint(&w, found.items[i].calls);
        json_object_end(&w);
    }
    json_array_end(&w);
    jaeger_v1_end(c, &w, 0);
    store_dependencies_free(&found);
}
