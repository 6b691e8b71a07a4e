#include "query/jaeger_v3_params.h"

#include "proto/json_writer.h"
#include "query/jaeger_name.h"
#include "query/params.h"

#include <stdio.h>

#define DEFAULT_DEPTH 100

void jaeger_v3_error(struct call *c, unsigned status, const char *text)
{
    struct json_writer w;
    call_restart(c, status, NULL);
    json_begin(&w, &c->reply->body, false);
    json_object_begin(&w);
    json_key(&w, "error");
    json_object_begin(&w);
    json_key(&w, "httpCode");
    json_uint(&w, status);
    json_key(&w, "message");
    json_text(&w, text);
    json_object_end(&w);
    json_object_end(&w);
    buffer_append_byte(&c->reply->body, '\n');
}

void jaeger_v3_bad_parameter(struct call *c, const char *name, const char *text)
{
    char message[1280];
    snprintf(message, sizeof message, "malformed parameter %s: %s", name, text);
    jaeger_v3_error(c, 400, message);
}

const char *jaeger_v3_query(const struct call *c, const char **name, const char *older)
{
    const char *value = call_query(c, *name);
    if (value)
        return value;
    value = call_query(c, older);
    if (value)
        *name = older;
    return value;
}

bool jaeger_v3_bool(struct call *c, const char *name, const char *older, bool *out)
{
    struct error e;
    const char *text = jaeger_v3_query(c, &name, older);
    *out = false;
    if (!text || param_bool(text, out, &e))
        return true;
    jaeger_v3_bad_parameter(c, name, e.text);
    return false;
}

bool jaeger_v3_time(struct call *c, const char *name, const char *older, int64_t *ns)
{
    struct error e;
    const char *text = jaeger_v3_query(c, &name, older);
    if (!text || param_rfc3339(text, ns, &e))
        return true;
    jaeger_v3_bad_parameter(c, name, e.text);
    return false;
}

static bool read_attributes(struct call *c, struct search *s)
{
    struct error e;
    const char *json = call_query(c, "query.attributes");
    if (json && !search_tags_json(s, &c->arena, json, &e)) {
        jaeger_v3_bad_parameter(c, "query.attributes", e.text);
        return false;
    }
    if (call_query(c, "query.filter")) {
        jaeger_v3_error(c, 400, "query.filter is not supported; use query.attributes");
        return false;
    }
    return true;
}

static bool read_window(struct call *c, struct store_query *q)
{
    static const char min[] = "query.startTimeMin";
    static const char max[] = "query.startTimeMax";
    const char *used = min;
    int64_t min_ns = 0;
    int64_t max_ns = 0;
    bool both = jaeger_v3_query(c, &used, "query.start_time_min") != NULL;
    used = max;
    both &= jaeger_v3_query(c, &used, "query.start_time_max") != NULL;
    if (!both) {
        jaeger_v3_error(c, 400, "query.startTimeMin and query.startTimeMax are required");
        return false;
    }
    if (!jaeger_v3_time(c, min, "query.start_time_min", &min_ns) ||
        !jaeger_v3_time(c, max, "query.start_time_max", &max_ns))
        return false;
    if (min_ns >= max_ns) {
        jaeger_v3_error(c, 400, "query.startTimeMin must be before query.startTimeMax");
        return false;
    }
    q->start_min_ns = search_time(min_ns);
    q->start_max_ns = search_time(max_ns);
    return true;
}

static bool read_depth(struct call *c, struct store_query *q)
{
    struct error e;
    uint32_t most = c->limits->traces;
    const char *name = "query.searchDepth";
    const char *text = jaeger_v3_query(c, &name, "query.search_depth");
    int64_t depth = most < DEFAULT_DEPTH ? most : DEFAULT_DEPTH;
    if (!text) {
        name = "query.num_traces";
        text = call_query(c, name);
    }
    bool good = !text || param_int(text, "Atoi", &depth, &e);
    if (good && (depth < 1 || depth > most))
        good = error_set(&e, "it has to be between 1 and %u", most);
    if (!good)
        jaeger_v3_bad_parameter(c, name, e.text);
    q->limit = (size_t)depth;
    return good;
}

static bool read_duration(struct call *c, const char *name, const char *older, uint64_t *out)
{
    struct error e;
    int64_t ns;
    const char *text = jaeger_v3_query(c, &name, older);
    if (!text)
        return true;
    if (!param_duration(text, &ns, &e)) {
        jaeger_v3_bad_parameter(c, name, e.text);
        return false;
    }
    if (ns != 0) /* which is how Jaeger says: no bound */
        *out = search_time(ns);
    return true;
}

bool jaeger_v3_search(struct call *c, struct search *s, bool *raw)
{
    struct store_query *q = &s->query;
    const char *service = "query.serviceName";
    const char *operation = "query.operationName";
    search_begin(s);
    q->service = stored_service(jaeger_v3_query(c, &service, "query.service_name"));
    q->operation = stored_operation(jaeger_v3_query(c, &operation, "query.operation_name"));
    return read_attributes(c, s) && read_window(c, q) && read_depth(c, q) &&
           read_duration(c, "query.durationMin", "query.duration_min", &q->duration_min_ns) &&
           read_duration(c, "query.durationMax", "query.duration_max", &q->duration_max_ns) &&
           jaeger_v3_bool(c, "query.rawTraces", "query.raw_traces", raw);
}
