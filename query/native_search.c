/* GET /api/v1/search: summaries of the newest traces that match.
 *
 * An unknown parameter is an error, so that a typing error is not taken for "nothing found". */
#include "query/native.h"

#include "proto/json_writer.h"
#include "query/params.h"
#include "query/search.h"

#define DEFAULT_LIMIT 20

struct request {
    struct call *call;
    struct search search;
    struct error error;
};

static bool bad(struct request *r, const char *name, const char *text)
{
    return error_set(&r->error, "%s: %.800s", name, text);
}

static bool read_time(struct request *r, const char *name, const char *value, uint64_t *out)
{
    struct error e;
    return param_time(value, out, &e) ||
           bad(r, name,
               "a time is RFC 3339 or a whole number of seconds, milliseconds, "
               "microseconds or nanoseconds since 1970");
}

static bool read_duration(struct request *r, const char *name, const char *value, uint64_t *out)
{
    struct error e;
    int64_t ns;
    if (!param_duration(value, &ns, &e) || ns < 0)
        return bad(r, name, "a duration looks like 1.5s, 100ms or 1h30m");
    *out = (uint64_t)ns;
    return true;
}

static bool read_limit(struct request *r, const char *value)
{
    struct error e;
    int64_t limit;
    uint32_t most = r->call->limits->traces;
    if (!param_int(value, "ParseInt", &limit, &e) || limit < 1 || limit > most)
        return error_set(&r->error, "limit: it has to be a number between 1 and %u", most);
    r->search.query.limit = (size_t)limit;
    return true;
}

static bool read_error(struct request *r, const char *value)
{
    struct error e;
    bool error;
    if (!param_bool(value, &error, &e))
        return bad(r, "error", "it has to be true or false");
    return search_tag(&r->search, "error", error ? "true" : "false", &r->error);
}

static bool read_parameter(void *context, const char *name, const char *value)
{
    struct request *r = context;
    struct store_query *q = &r->search.query;
    if (!value[0])
        return true;
    if (strcmp(name, "service") == 0)
        return q->service = value, true;
    if (strcmp(name, "operation") == 0)
        return q->operation = value, true;
    if (strcmp(name, "tag") == 0)
        return search_tag_text(&r->search, &r->call->arena, value, &r->error);
    if (strcmp(name, "min_duration") == 0)
        return read_duration(r, name, value, &q->duration_min_ns);
    if (strcmp(name, "max_duration") == 0)
        return read_duration(r, name, value, &q->duration_max_ns);
    if (strcmp(name, "start") == 0)
        return read_time(r, name, value, &q->start_min_ns);
    if (strcmp(name, "end") == 0)
        return read_time(r, name, value, &q->start_max_ns);
    if (strcmp(name, "limit") == 0)
        return read_limit(r, value);
    if (strcmp(name, "error") == 0)
        return read_error(r, value);
    return error_set(&r->error,
                     "unknown parameter %.100s; there are service, operation, tag, min_duration, "
                     "max_duration, start, end, limit and error",
                     name);
}

static bool read_request(struct call *c, struct request *r)
{
    struct store_query *q = &r->search.query;
    search_begin(&r->search);
    r->call = c;
    q->limit = c->limits->traces < DEFAULT_LIMIT ? c->limits->traces : DEFAULT_LIMIT;
    http_query_each(c->http, read_parameter, r);
    if (!r->error.text[0] && q->duration_max_ns < q->duration_min_ns)
        error_set(&r->error, "max_duration is below min_duration");
    if (!r->error.text[0] && q->start_max_ns < q->start_min_ns)
        error_set(&r->error, "end is before start");
    if (r->error.text[0])
        native_error(c, 400, r->error.text);
    return !r->error.text[0];
}

static void write_services(struct json_writer *w, const struct store_summary *s)
{
    json_key(w, "services");
    json_array_begin(w);
    for (size_t i = 0; i < s->service_count; i++) {
        json_object_begin(w);
        json_key(w, "name");
        json_text(w, s->services[i].name);
        json_key(w, "spanCount");
        json_uint(w, s->services[i].spans);
        json_key(w, "errorCount");
        json_uint(w, s->services[i].errors);
        json_object_end(w);
    }
    json_array_end(w);
}

void native_write_summary(struct json_writer *w, const struct store_summary *s)
{
    char start[40];
    format_rfc3339(s->start_ns, start);
    json_object_begin(w);
    json_key(w, "traceId");
    json_hex(w, bytes_of(s->trace_id, sizeof s->trace_id));
    json_key(w, "rootService");
    json_text(w, s->root_service);
    json_key(w, "rootOperation");
    json_text(w, s->root_operation);
    json_key(w, "start");
    json_text(w, start);
    json_key(w, "startUnixNano");
    json_uint_string(w, s->start_ns);
    json_key(w, "durationNano");
    json_uint_string(w, s->end_ns > s->start_ns ? s->end_ns - s->start_ns : 0);
    json_key(w, "spanCount");
    json_uint(w, s->spans);
    json_key(w, "errorCount");
    json_uint(w, s->errors);
    json_key(w, "orphanCount");
    json_uint(w, s->orphans);
    write_services(w, s);
    json_object_end(w);
}

void native_search(struct call *c)
{
    struct store_results results;
    struct error e;
    struct json_writer w;
    struct request *r = arena_alloc(&c->arena, sizeof *r);
    if (!r) {
        native_error(c, 500, "out of memory");
        return;
    }
    if (!read_request(c, r))
        return;
    size_t limit = r->search.query.limit++; /* one more tells whether there are more */
    if (!search_run(c, &r->search, &results, &e)) {
        store_results_free(&results);
        native_error(c, call_time_left(c) ? 500 : 504, e.text);
        return;
    }
    call_json(c, &w, false);
    json_object_begin(&w);
    json_key(&w, "traces");
    json_array_begin(&w);
    for (size_t i = 0; i < results.count && i < limit; i++)
        native_write_summary(&w, &results.items[i]);
    json_array_end(&w);
    json_key(&w, "more");
    json_bool(&w, results.count > limit);
    json_object_end(&w);
    call_finish(c, native_error);
    store_results_free(&results);
}
