/* What metrics of spans cost: nanoseconds a span for span_metrics and service_graph with ten
 * thousand series; bytes a series; how long it takes to show all of ten thousand and of a million,
 * alone and beside batches without a pause, and how long a batch waits meanwhile.
 *
 *     metrics_bench [spans]       spans: only the first
 *
 * No network: what is measured are the connectors. The floor beside it is receiving and indexing
 * the same requests. */
#include "metrics/metrics.h"

#include "component/clock.h"
#include "component/metric.h"
#include "component/telemetry.h"
#include "proto/batch.h"
#include "tests/bench/measure.h"
#include "tests/bench/spans.h"
#include "tests/unit/sampling/shop.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { REQUESTS = 8, SPANS = 512, ROUNDS = 2000, VARIANTS = 10 };

static struct request requests[REQUESTS];
static struct random dice = {.state = 1};

/* ---- the connectors ---- */

struct rig {
    struct telemetry *telemetry;
    struct component *connector;
    struct metric_source *source;
};

static struct rig rig_open(const struct component_kind *kind, const char *limit)
{
    struct rig r = {.telemetry = telemetry_create()};
    struct config_value *config = config_root();
    struct error e = {0};
    if (limit) {
        config_set(config, "max_series", limit);
        config_set(config, "aggregation_cardinality_limit", limit);
    }
    struct component_spec spec = {
        .kind = kind, .id = kind->type, .config = config, .telemetry = r.telemetry};
    r.connector = kind->create(&spec, &e);
    need(r.connector != NULL, e.text);
    r.source = r.connector->ops->metrics(r.connector);
    return r;
}

static void rig_close(struct rig *r)
{
    r->connector->ops->destroy(r->connector);
    telemetry_destroy(r->telemetry);
}

struct counting_visitor {
    struct metric_visitor visitor;
    uint64_t points;
    uint64_t labels;
};

static bool count_point(struct metric_visitor *v, const struct metric_point *p)
{
    struct counting_visitor *c = (struct counting_visitor *)v;
    c->points++;
    for (size_t i = 0; i < p->label_count; i++)
        c->labels += p->labels[i].value.bytes.len;
    return true;
}

/* Points of the first family, and milliseconds for all families. */
static uint64_t collect(struct rig *r, double *ms)
{
    struct counting_visitor first = {.visitor.point = count_point};
    uint64_t begin = monotonic_ns();
    r->source->collect(r->source, 0, &first.visitor);
    uint64_t points = first.points;
    for (size_t f = 1; f < r->source->family_count; f++)
        r->source->collect(r->source, f, &first.visitor);
    *ms = (double)(monotonic_ns() - begin) / 1e6;
    return points;
}

/* ---- spans of ten thousand series ---- */

/* The last letter of every name is drawn anew: the operations that there are, ten times over. */
static void vary_names(struct batch *b)
{
    for (uint32_t i = 0; i < b->span_count; i++) {
        uint8_t *name = (uint8_t *)span_name(&b->spans[i]).data;
        name[b->spans[i].name_len - 1] = (uint8_t)('a' + random_below(&dice, VARIANTS));
    }
}

static struct batch *receive(unsigned round, double *index_ns)
{
    struct request *q = &requests[round % REQUESTS];
    struct batch_report report;
    request_refresh(q, &dice, realtime_ns());
    double t0 = cpu_ns();
    struct batch *b = batch_from_request(bytes_of(q->data, q->len), &report);
    *index_ns += cpu_ns() - t0;
    need(b && b->span_count == SPANS, "batch_from_request");
    vary_names(b);
    return b;
}

static double consume(struct rig *r, struct batch *b)
{
    double t0 = cpu_ns();
    component_consume(r->connector, batch_retain(b), NULL);
    return cpu_ns() - t0;
}

static void cost_of_a_span(void)
{
    struct rig spans = rig_open(&span_metrics_connector, NULL);
    struct rig graph = rig_open(&service_graph_connector, NULL);
    double index_ns = 0, spans_ns = 0, graph_ns = 0, spans_ms, graph_ms;
    for (unsigned round = 0; round < ROUNDS + ROUNDS / 10; round++) {
        if (round == ROUNDS / 10) /* warm */
            index_ns = spans_ns = graph_ns = 0;
        struct batch *b = receive(round, &index_ns);
        spans_ns += consume(&spans, b);
        graph_ns += consume(&graph, b);
        batch_release(b);
    }
    double n = (double)ROUNDS * SPANS;
    uint64_t series = collect(&spans, &spans_ms);
    uint64_t edges = collect(&graph, &graph_ms);
    printf("%-34s %8s %8s %8s %8s %8s\n", "", "index", "spans", "graph", "both", "x index");
    printf("%-34s %8.0f %8.0f %8.0f %8.0f %8.2f\n", "ns a span", index_ns / n, spans_ns / n,
           graph_ns / n, (spans_ns + graph_ns) / n, (spans_ns + graph_ns) / index_ns);
    printf("%-34s %8s %8llu %8llu\n", "series", "", (unsigned long long)series,
           (unsigned long long)edges);
    printf("%-34s %8s %8.1f %8.1f\n\n", "ms to show all", "", spans_ms, graph_ms);
    rig_close(&spans);
    rig_close(&graph);
}

/* ---- very many series ---- */

/* Names as long as those of real operations, each with a number of its own. */
static struct batch *new_names(uint64_t from, uint32_t count)
{
    struct buffer spans = {0}, resource = {0}, group = {0}, request = {0};
    struct batch_report report;
    for (uint32_t i = 0; i < count; i++) {
        struct buffer span = {0};
        uint8_t id[16] = {1};
        char name[40];
        snprintf(name, sizeof name, "GET /api/v1/orders/%08llu", (unsigned long long)(from + i));
        bytes(&span, 1, bytes_of(id, 16));
        bytes(&span, 2, bytes_of(id, 8));
        text(&span, 5, name);
        message(&spans, 2, &span);
    }
    struct buffer pair = {0}, value = {0};
    text(&pair, 1, "service.name");
    text(&value, 1, "shop");
    message(&pair, 2, &value);
    message(&resource, 1, &pair);
    message(&group, 1, &resource);
    message(&group, 2, &spans);
    message(&request, 1, &group);
    struct batch *b = batch_from_request(buffer_bytes(&request), &report);
    need(b && b->span_count == count, "batch_from_request");
    buffer_free(&request);
    return b;
}

static void add_series(struct rig *r, uint64_t *have, uint64_t wanted)
{
    for (; *have < wanted; *have += SPANS)
        component_consume(r->connector, new_names(*have, SPANS), NULL);
}

struct collector {
    struct rig *rig;
    atomic_bool done;
    double ms;
};

static void *collect_once(void *context)
{
    struct collector *c = context;
    collect(c->rig, &c->ms);
    atomic_store(&c->done, true);
    return NULL;
}

/* The longest that a batch took, in milliseconds, until `done`, or `rounds` times. */
static double longest_batch(struct rig *r, struct batch *b, atomic_bool *done, unsigned rounds)
{
    uint64_t longest = 0;
    while (done ? !atomic_load(done) : rounds-- > 0) {
        uint64_t begin = monotonic_ns();
        component_consume(r->connector, batch_retain(b), NULL);
        uint64_t took = monotonic_ns() - begin;
        longest = took > longest ? took : longest;
    }
    return (double)longest / 1e6;
}

static void many_series(uint64_t first, uint64_t last)
{
    struct rig r = rig_open(&span_metrics_connector, "100000000");
    struct collector c = {.rig = &r};
    uint64_t have = 0;
    double ms;
    pthread_t thread;
    add_series(&r, &have, first);
    double before = anonymous_bytes();
    uint64_t had = have;
    add_series(&r, &have, last);
    double each = (anonymous_bytes() - before) / (double)(have - had);
    uint64_t points = collect(&r, &ms);
    struct batch *b = new_names(0, SPANS);
    double alone = longest_batch(&r, b, NULL, 1000);
    need(pthread_create(&thread, NULL, collect_once, &c) == 0, "a thread");
    double beside = longest_batch(&r, b, &c.done, 0);
    pthread_join(thread, NULL);
    batch_release(b);
    printf("%-34llu %8.0f %8.1f %8.1f %8.2f %8.2f\n", (unsigned long long)points, each, ms, c.ms,
           alone, beside);
    rig_close(&r);
}

int main(int argc, char **argv)
{
    struct request_shape shape = {.spans = SPANS, .spans_per_trace = 8};
    for (unsigned i = 0; i < REQUESTS; i++)
        request_build(&requests[i], &shape, &dice);
    cost_of_a_span();
    if (argc > 1 && strcmp(argv[1], "spans") == 0)
        return 0;
    printf("%-34s %8s %17s %17s\n", "", "bytes", "ms to show all", "longest batch, ms");
    printf("%-34s %8s %8s %8s %8s %8s\n", "series", "each", "alone", "beside", "alone", "beside");
    many_series(1024, 10000);
    many_series(100000, 1000000);
    for (unsigned i = 0; i < REQUESTS; i++)
        request_free(&requests[i]);
    config_release();
    return 0;
}
