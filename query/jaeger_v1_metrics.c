/* Below /api/metrics: what Jaeger answers when no metrics store is configured.
 *
 * Metrics of spans are Prometheus' business here. Parameters are read all the same, because a
 * client that sends wrong ones is told so by Jaeger before it is told that there are none. */
#include "query/jaeger_v1.h"
#include "query/params.h"
#include "query/span_kind.h"

#include <stdio.h>

struct kinds {
    const char *unknown;
};

static bool check_kind(void *context, const char *name, const char *value)
{
    struct kinds *k = context;
    int kind;
    if (strcmp(name, "spanKind") != 0 || strcmp(value, "unspecified") == 0 ||
        span_kind_parse(value, &kind))
        return true;
    k->unknown = value;
    return false;
}

static bool check_parameters(struct call *c)
{
    static const char *const numbers[] = {"endTs", "lookback", "step", "ratePer"};
    bool grouped;
    int64_t number;
    struct kinds kinds = {0};
    if (!http_query(c->http, "service")) {
        jaeger_v1_bad_parameter(c, "service", "please provide at least one service name");
        return false;
    }
    if (!jaeger_v1_bool(c, "groupByOperation", &grouped))
        return false;
    http_query_each(c->http, check_kind, &kinds);
    if (kinds.unknown) {
        char text[300];
        snprintf(text, sizeof text, "unsupported span kind: '%.200s'", kinds.unknown);
        jaeger_v1_bad_parameter(c, "spanKind", text);
        return false;
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (!jaeger_v1_int(c, numbers[i], 0, &number))
            return false;
    return true;
}

void jaeger_v1_minstep(struct call *c)
{
    jaeger_v1_error(c, 501, "trace metrics are currently disabled - no metrics backend configured");
}

void jaeger_v1_metrics(struct call *c)
{
    if (check_parameters(c))
        jaeger_v1_minstep(c);
}

void jaeger_v1_latencies(struct call *c)
{
    struct error e;
    double quantile;
    const char *text = http_query(c->http, "quantile");
    if (param_double(text ? text : "", &quantile, &e))
        jaeger_v1_metrics(c);
    else
        jaeger_v1_bad_parameter(c, "quantile", e.text);
}
