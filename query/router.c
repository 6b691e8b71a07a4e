/* A table and a linear search: two dozen routes need nothing cleverer, and the table is the list
 * that a reader looks for. */
#include "query/router.h"

#include "query/jaeger_v1.h"
#include "query/jaeger_v1_search.h"
#include "query/jaeger_v3.h"
#include "query/native.h"
#include "query/params.h"

#include <string.h>

const struct route routes[] = {
    {"GET", "/", native_front_page, false},

    {"GET", "/api/v1/traces/{id}", native_trace, true},
    {"GET", "/api/v1/traces/{id}/decision", native_decision, true},
    {"GET", "/api/v1/journeys/{id}", native_journey, true},
    {"DELETE", "/api/v1/traces", native_erase, true},
    {"GET", "/api/v1/search", native_search, true},
    {"GET", "/api/v1/services", native_services, true},
    {"GET", "/api/v1/openapi.json", native_openapi, true},

    {"GET", "/api/services", jaeger_v1_services, false},
    {"GET", "/api/services/{+service}/operations", jaeger_v1_service_operations, false},
    {"GET", "/api/operations", jaeger_v1_operations, false},
    {"GET", "/api/traces", jaeger_v1_search, false},
    {"GET", "/api/traces/{id}", jaeger_v1_trace, false},
    {"GET", "/api/dependencies", jaeger_v1_dependencies, false},
    {"POST", "/api/archive/{id}", jaeger_v1_archive, false},
    {"POST", "/api/transform", jaeger_v1_transform, false},
    {"GET", "/api/metrics/latencies", jaeger_v1_latencies, false},
    {"GET", "/api/metrics/calls", jaeger_v1_calls, false},
    {"GET", "/api/metrics/errors", jaeger_v1_errors, false},
    {"GET", "/api/metrics/minstep", jaeger_v1_minstep, false},

    {"GET", "/api/v3/services", jaeger_v3_services, false},
    {"GET", "/api/v3/operations", jaeger_v3_operations, false},
    {"GET", "/api/v3/traces/{id}", jaeger_v3_trace, false},
    {"GET", "/api/v3/traces", jaeger_v3_traces, false},
    {"GET", "/api/v3/trace-summaries", jaeger_v3_summaries, false},
    {0},
};

/* The path comes decoded, so a slash may be one of a trace id in base64. */
static bool is_base64_id(const char *placeholder, const char *text)
{
    struct error e;
    uint8_t id[16];
    return strncmp(placeholder, "{id}", 4) == 0 && param_trace_id(text, id, &e);
}

static bool matches(const char *pattern, const char *path, char *parameter)
{
    const char *open = strchr(pattern, '{');
    parameter[0] = 0;
    if (!open)
        return strcmp(pattern, path) == 0;
    const char *behind = strchr(open, '}') + 1;
    size_t before_len = (size_t)(open - pattern);
    size_t behind_len = strlen(behind);
    size_t path_len = strlen(path);
    if (path_len <= before_len + behind_len || memcmp(path, pattern, before_len) != 0 ||
        strcmp(path + path_len - behind_len, behind) != 0)
        return false;
    size_t len = path_len - before_len - behind_len;
    const char *value = path + before_len;
    if (len >= CALL_PARAMETER_MAX)
        return false;
    memcpy(parameter, value, len);
    parameter[len] = 0;
    return open[1] == '+' || !strchr(parameter, '/') || is_base64_id(open, parameter);
}

const struct route *router_find(const struct route *table, const char *method, const char *path,
                                char *parameter, const char **allowed)
{
    *allowed = NULL;
    bool head = strcmp(method, "HEAD") == 0;
    for (const struct route *r = table; r->method; r++) {
        if (!matches(r->pattern, path, parameter))
            continue;
        bool get = strcmp(r->method, "GET") == 0;
        if (strcmp(r->method, method) == 0 || (head && get))
            return r;
        *allowed = get                              ? "GET, HEAD, OPTIONS"
                   : strcmp(r->method, "POST") == 0 ? "POST, OPTIONS"
                                                    : "DELETE, OPTIONS";
    }
    return NULL;
}
