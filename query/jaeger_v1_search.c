/* With `traceID` it is no search but several look-ups; what is missing is then told in the
 * envelope's errors, with status 200. Jaeger's v1 wants a service in a search; here it may be left
 * out. */
#include "query/jaeger_v1_search.h"

#include "component/clock.h"
#include "proto/json_writer.h"
#include "query/jaeger_name.h"
#include "query/jaeger_v1.h"
#include "query/jaeger_v1_trace.h"
#include "query/params.h"
#include "query/search.h"

#include <stdio.h>

#define DEFAULT_LIMIT       100
#define DEFAULT_LOOKBACK_US (48LL * 3600 * 1000000)

typedef uint8_t trace_id[16];

struct request {
    struct call *call;
    struct search search;
    trace_id *ids;
    size_t id_count;
    bool raw;
    struct error error; /* why reading stopped */
};

/* Repeatable parameters: tag, tags and traceID. */
static bool read_repeated(void *context, const char *name, const char *value)
{
    struct request *r = context;
    struct arena *a = &r->call->arena;
    struct error e;
    if (strcmp(name, "tag") == 0)
        return search_tag_text(&r->search, a, value, &r->error);
    if (strcmp(name, "tags") == 0) {
        if (search_tags_json(&r->search, a, value, &e))
            return true;
        return error_set(&r->error, "malformed 'tags' parameter, cannot unmarshal JSON: %.800s",
                         e.text);
    }
    if (strcmp(name, "traceID") == 0) {
        if (r->id_count == CALL_IDS_MAX)
            return error_set(&r->error, "more than %d traceID parameters", CALL_IDS_MAX);
        if (!r->ids)
            r->ids = arena_array(a, CALL_IDS_MAX, sizeof *r->ids);
        if (!r->ids)
            return error_set(&r->error, "out of memory");
        if (!param_trace_id(value, r->ids[r->id_count], &e))
            return error_set(&r->error, "cannot parse traceID param: %.800s", e.text);
        r->id_count++;
    }
    return true;
}

static bool read_duration(struct call *c, const char *name, uint64_t *out)
{
    struct error e;
    int64_t ns;
    const char *text = call_query(c, name);
    if (!text)
        return true;
    if (!param_duration(text, &ns, &e)) {
        jaeger_v1_bad_parameter(c, name, e.text);
        return false;
    }
    if (ns != 0)
        *out = search_time(ns);
    return true;
}

static uint64_t from_microseconds(int64_t us)
{
    return us < 0 ? 0 : us > INT64_MAX / 1000 ? INT64_MAX : (uint64_t)us * 1000;
}

static bool read_times(struct call *c, struct store_query *q)
{
    int64_t now_us = (int64_t)realtime_ns() / 1000;
    int64_t start_us;
    int64_t end_us;
    if (!jaeger_v1_int(c, "start", now_us - DEFAULT_LOOKBACK_US, &start_us) ||
        !jaeger_v1_int(c, "end", now_us, &end_us))
        return false;
    q->start_min_ns = from_microseconds(start_us);
    q->start_max_ns = from_microseconds(end_us);
    return true;
}

static bool read_limit(struct call *c, struct store_query *q)
{
    struct error e;
    char message[160];
    uint32_t most = c->limits->traces;
    int64_t limit = most < DEFAULT_LIMIT ? most : DEFAULT_LIMIT;
    const char *text = call_query(c, "limit");
    if (text && !param_int(text, "ParseInt", &limit, &e)) {
        jaeger_v1_error(c, 400, e.text);
        return false;
    }
    if (limit < 1 || limit > most) {
        snprintf(message, sizeof message, "parameter 'limit' has to be between 1 and %u", most);
        jaeger_v1_error(c, 400, message);
        return false;
    }
    q->limit = (size_t)limit;
    return true;
}

static bool read_request(struct call *c, struct request *r)
{
    struct store_query *q = &r->search.query;
    search_begin(&r->search);
    q->service = stored_service(call_query(c, "service"));
    q->operation = stored_operation(call_query(c, "operation"));
    if (!read_times(c, q))
        return false;
    http_query_each(c->http, read_repeated, r);
    if (r->error.text[0]) {
        jaeger_v1_error(c, 400, r->error.text);
        return false;
    }
    if (!read_limit(c, q) || !read_duration(c, "minDuration", &q->duration_min_ns) ||
        !read_duration(c, "maxDuration", &q->duration_max_ns) || !jaeger_v1_bool(c, "raw", &r->raw))
        return false;
    if (q->duration_max_ns < q->duration_min_ns) {
        jaeger_v1_error(c, 400, "'maxDuration' should be greater than 'minDuration'");
        return false;
    }
    return true;
}

/* Writes one trace of several; `found` says whether there is one. False: answered with an error. */
static bool write_trace(struct call *c, struct json_writer *w, const uint8_t id[16], bool raw,
                        bool *found)
{
    if (call_time_left(c) == 0) {
        jaeger_v1_error(c, 500, "the search took too long; ask for fewer traces");
        return false;
    }
    struct batch *b = store_trace(c->reader, id);
    *found = b && b->span_count > 0;
    bool written = !*found || jaeger_v1_write(c, w, b, raw);
    if (b)
        batch_release(b);
    if (!written)
        jaeger_v1_error(c, 500, "a trace is too large to be shown");
    else if (w->out->failed)
        call_finish(c, jaeger_v1_error);
    return written && c->reply->status == 200;
}

static void write_misses(struct json_writer *w, const struct request *r, const bool *missed)
{
    json_key(w, "errors");
    json_array_begin(w);
    for (size_t i = 0; i < r->id_count; i++) {
        char id[33];
        if (!missed[i])
            continue;
        jaeger_v1_trace_id(r->ids[i], id);
        json_object_begin(w);
        json_key(w, "msg");
        json_text(w, "trace not found");
        json_key(w, "traceID");
        json_text(w, id);
        json_object_end(w);
    }
    json_array_end(w);
}

static void answer_by_id(struct call *c, const struct request *r)
{
    struct json_writer w;
    bool any_missed = false;
    bool *missed = arena_array(&c->arena, r->id_count, sizeof *missed);
    if (!missed) {
        jaeger_v1_error(c, 500, "out of memory");
        return;
    }
    jaeger_v1_begin(c, &w);
    json_array_begin(&w);
    for (size_t i = 0; i < r->id_count; i++) {
        bool found;
        if (!write_trace(c, &w, r->ids[i], r->raw, &found))
            return;
        missed[i] = !found;
        any_missed |= !found;
    }
    json_array_end(&w);
    if (!any_missed) {
        jaeger_v1_end(c, &w, 0);
        return;
    }
    static const char *const zeros[] = {"total", "limit", "offset"};
    for (size_t i = 0; i < sizeof zeros / sizeof zeros[0]; i++) {
        json_key(&w, zeros[i]);
        json_uint(&w, 0);
    }
    write_misses(&w, r, missed);
    json_object_end(&w);
    call_finish(c, jaeger_v1_error);
}

static void answer_search(struct call *c, const struct request *r)
{
    struct store_results results;
    struct error e;
    struct json_writer w;
    if (!search_run(c, &r->search, &results, &e)) {
        store_results_free(&results);
        jaeger_v1_error(c, 500, e.text);
        return;
    }
    jaeger_v1_begin(c, &w);
    json_array_begin(&w);
    bool good = true;
    for (size_t i = 0; good && i < results.count; i++) {
        bool found;
        good = write_trace(c, &w, results.items[i].trace_id, r->raw, &found);
    }
    store_results_free(&results);
    if (!good)
        return;
    json_array_end(&w);
    jaeger_v1_end(c, &w, 0);
}

void jaeger_v1_search(struct call *c)
{
    struct request *r = arena_alloc(&c->arena, sizeof *r);
    if (!r) {
        jaeger_v1_error(c, 500, "out of memory");
        return;
    }
    r->call = c;
    if (!read_request(c, r))
        return;
    if (r->id_count)
        answer_by_id(c, r);
    else
        answer_search(c, r);
}
