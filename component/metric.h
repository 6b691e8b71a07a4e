/* Metrics made of spans, on their way from who counts to who exposes or sends them.
 *
 * They are pulled. A source (a connector, or a processor that counts as it works) keeps its series
 * and shows them when asked; an exporter of metrics is told at build which sources are its own, and
 * asks them when it is scraped or when it is time to send. So nothing is copied for a scrape that
 * does not come, and what is shown is as of now.
 *
 * Values are cumulative since the series began. Who sends deltas (`delta`) remembers what it sent
 * last, by series id.
 *
 * Names, units and attribute names are OTLP's ("traces.span.metrics.calls", "ms", "service.name");
 * Prometheus' spelling is its exporter's business. */
#ifndef TAILSPAN_COMPONENT_METRIC_H
#define TAILSPAN_COMPONENT_METRIC_H

#include "proto/attribute.h"

enum metric_type {
    METRIC_SUM, /* monotonic */
    METRIC_GAUGE,
    METRIC_HISTOGRAM,
    METRIC_EXPONENTIAL_HISTOGRAM,
};

struct metric_family {
    const char *name;
    const char *unit; /* UCUM; "" when it has none */
    const char *help;
    enum metric_type type;
};

struct metric_label {
    struct bytes name;
    struct value value;
};

/* What a group of series comes from: a service, as a rule. */
struct metric_resource {
    uint64_t id; /* of one source; stays while the resource is remembered, is not used again */
    const struct metric_label *labels;
    size_t label_count;
};

struct metric_exemplar {
    uint64_t time_ns;
    double value;
    uint8_t trace_id[16];
    uint8_t span_id[8];
};

/* One series as it stands. Everything pointed at is good until the visitor returns. */
struct metric_point {
    uint64_t series;                        /* as metric_resource.id; per source and family */
    const struct metric_resource *resource; /* NULL: none */
    const struct metric_label *labels;
    size_t label_count;
    uint64_t start_ns; /* CLOCK_REALTIME: when the series began */
    uint64_t time_ns;

    double value; /* sum, gauge */

    /* histograms */
    uint64_t count;
    double sum;
    double min, max;
    bool has_min_max;
    const double *bounds; /* explicit: upper, inclusive; ascending */
    size_t bound_count;
    const uint64_t *buckets; /* explicit: bound_count + 1, not accumulated */
    int32_t scale;           /* exponential; only positive values are ever counted */
    uint64_t zero_count;
    int32_t positive_offset;
    const uint64_t *positive;
    size_t positive_count;

    const struct metric_exemplar *exemplars;
    size_t exemplar_count;
};

struct metric_visitor {
    /* False: enough, stop. */
    bool (*point)(struct metric_visitor *v, const struct metric_point *p);
    bool incomplete; /* set by a source that has no memory to show all that it has */
};

struct metric_source {
    const struct metric_family *families;
    size_t family_count;
    const char *scope;          /* instrumentation scope's name, as pushed over OTLP */
    bool delta;                 /* wants to be sent as deltas where that is possible */
    uint64_t flush_interval_ns; /* how often it wants to be sent; more than 0 */

    /* Shows every series of a family. Any thread, several at once. Holds no lock for longer than a
     * lane can wait (a millisecond), however many series there are: they may go on counting while
     * it walks, but one point is consistent in itself. What it has no memory for is not shown, and
     * the visitor is told. */
    void (*collect)(struct metric_source *s, size_t family, struct metric_visitor *v);
};

#endif
