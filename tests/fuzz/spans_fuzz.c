/* Any request through what reads and changes attributes and what counts spans: the processors, the
 * connectors with all ways to show their metrics, the policies of tail sampling. The first byte
 * says which. What a processor hands on is a request again, and nothing stays behind. */
#include "collector/yaml.h"
#include "component/log.h"
#include "component/telemetry.h"
#include "metrics/metrics.h"
#include "metrics/prometheus/scrape.h"
#include "metrics/prometheus/write_request.h"
#include "processors/processors.h"
#include "proto/frame.h"
#include "sampling/simulation.h"

#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

static struct stage {
    const struct component_kind *kind; /* NULL: the policies of a tail sampler */
    const char *yaml;
    const struct config_value *config;
} stages[] = {
    {&attributes_processor,
     "actions: [{key: a, value: x, action: insert}, {key: k, action: delete},"
     " {key: u, action: upsert, from_attribute: k}, {key: note, action: hash},"
     " {pattern: '^h.*', action: delete}, {key: n, action: convert, converted_type: int},"
     " {key: url, pattern: '^(?P<p>[a-z]+)://(?P<h>[^/]+)', action: extract}]",
     NULL},
    {&attributes_processor,
     "include: {match_type: regexp, services: ['s.*'], attributes: [{key: k, value: '^v'}]}\n"
     "actions: [{key: n, action: convert, converted_type: string},"
     " {key: d, action: convert, converted_type: double}, {pattern: 'te', action: hash}]",
     NULL},
    {&resource_processor,
     "attributes: [{key: service.name, action: upsert, from_attribute: k},"
     " {key: note, action: delete}, {pattern: 'a', action: hash}]",
     NULL},
    {&filter_processor,
     "traces: {span: ['attributes[\"k\"] == \"v\"', 'IsMatch(attributes[\"note\"], \"a+b\")'],"
     " spanevent: ['attributes[\"note\"] != nil']}",
     NULL},
    {&probabilistic_sampler_processor, "{sampling_percentage: 40, mode: proportional}", NULL},
    {&probabilistic_sampler_processor, "{sampling_percentage: 40, mode: equalizing}", NULL},
    {&span_metrics_connector,
     "dimensions: [{name: k}, {name: note, default: d}, {glob: 'a*'}, {glob: '**.n?te'}]\n"
     "events: {enabled: true, dimensions: [{name: exception.type}, {name: note}]}\n"
     "exemplars: {enabled: true}\n"
     "aggregation_cardinality_limit: 20\n"
     "resource_metrics_cache_size: 3",
     NULL},
    {&span_metrics_connector,
     "histogram: {exponential: {max_size: 10}}\n"
     "exemplars: {enabled: true}\n"
     "resource_metrics_key_attributes: [service.name]",
     NULL},
    {&service_graph_connector,
     "dimensions: [k, note]\n"
     "virtual_node_peer_attributes: [peer.service, note]\n"
     "virtual_node_extra_label: true\n"
     "store: {max_items: 5, ttl: 1s}\n"
     "exponential_histogram_max_size: 8",
     NULL},
    {NULL,
     "policies:\n"
     "- {name: a, type: string_attribute, string_attribute:"
     " {key: k, values: ['v.*', '^x$'], enabled_regex_matching: true}}\n"
     "- {name: b, type: numeric_attribute, numeric_attribute: {key: n, min_value: 1}}\n"
     "- {name: c, type: boolean_attribute, boolean_attribute: {key: now, value: true}}\n"
     "- {name: d, type: trace_state, trace_state: {key: a, values: [b]}}\n"
     "- {name: e, type: latency, latency: {threshold_ms: 5}}\n"
     "- {name: f, type: ema_dynamic, ema_dynamic: {fields: [k, span.name, note]}}",
     NULL},
    {NULL,
     "policies:\n"
     "- {name: a, type: ottl_condition, ottl_condition: {span: ['attributes[\"k\"] == \"v\"'],"
     " spanevent: ['attributes[\"a\"] != nil']}}\n"
     "- {name: b, type: drop, drop: {drop_sub_policy: [{name: z, type: string_attribute,"
     " string_attribute: {key: note, values: [x], invert_match: true}}]}}\n"
     "- {name: c, type: bytes_limiting, bytes_limiting: {bytes_per_second: 100}}",
     NULL},
};

enum { STAGES = sizeof stages / sizeof stages[0] };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    struct error e = {{0}};
    log_configure(LOG_ERROR + 1, LOG_FORMAT_JSON);
    for (unsigned i = 0; i < STAGES; i++) {
        stages[i].config = yaml_parse(stages[i].yaml, "fuzz.yaml", &e);
        check(stages[i].config != NULL);
    }
    return 0;
}

/* ---- metrics ---- */

static void emit(void *context, struct buffer *request, uint64_t points)
{
    (void)context;
    check(!request->failed && points > 0);
}

static void show(struct metric_source *source, bool utf8)
{
    static const struct exposition_format *const formats[] = {
        &exposition_text, &exposition_open_metrics, &exposition_protobuf};
    const struct naming naming = {.suffixes = true, .utf8 = utf8};
    const struct label_rules rules = {
        .utf8 = utf8, .scope = true, .resource = {.enabled = utf8}, .value_limit = 64};
    struct families families;
    check(families_make(&families, &source, 1, &naming, "fuzz"));
    for (unsigned i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        struct http_reply reply = {0};
        struct scrape_report report;
        const struct scrape_options o = {.families = &families,
                                         .rules = &rules,
                                         .format = formats[i],
                                         .limit = 8 << 20,
                                         .deadline_ns = UINT64_MAX};
        check(scrape_run(&o, &reply, &report) == SCRAPE_DONE);
        buffer_free(&reply.body);
    }
    struct write_report written;
    const struct write_requests_options o = {.families = &families,
                                             .rules = &rules,
                                             .request_max = 2000,
                                             .target_info = true,
                                             .metadata = true};
    struct write_requests *w = write_requests_create(&o);
    write_requests_collect(w, source, emit, NULL, &written);
    write_requests_destroy(w);
    families_free(&families);
}

/* ---- spans ---- */

static struct outcome take(struct component *c, struct batch *b, struct receipt *r)
{
    struct buffer out = {0};
    struct batch_report report;
    (void)c;
    (void)r;
    check(frame_batch(b, &out));
    struct batch *again = batch_from_request(buffer_bytes(&out), &report);
    check(again && report.rejected_spans == 0 && again->span_count == b->span_count);
    batch_release(again);
    batch_release(b);
    buffer_free(&out);
    return outcome_accepted();
}

static void consume(const struct stage *s, struct batch *b)
{
    static const struct component_ops ops = {.consume = take};
    struct component end = {.ops = &ops};
    struct error e;
    struct telemetry *t = telemetry_create();
    const struct component_spec spec = {
        .kind = s->kind, .id = "fuzz", .config = s->config, .telemetry = t};
    struct component *c = s->kind->create(&spec, &e);
    check(c != NULL);
    c->next = &end;
    component_consume(c, b, NULL);
    for (int utf8 = 0; c->ops->metrics && utf8 < 2; utf8++)
        show(c->ops->metrics(c), utf8);
    c->ops->destroy(c);
    telemetry_destroy(t);
}

static void decide(const struct stage *s, struct batch *b)
{
    struct error e;
    bool too_large;
    struct simulation *sampler = simulation_create(s->config, "fuzz", &e);
    check(sampler != NULL);
    for (uint64_t second = 0; second < 3; second++)
        simulation_decide(sampler, b, second * 1000000000, &too_large);
    simulation_destroy(sampler);
    batch_release(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct batch_report report;
    if (size == 0)
        return 0;
    const struct stage *s = &stages[data[0] % STAGES];
    struct batch *b = batch_from_request(bytes_of(data + 1, size - 1), &report);
    if (b && b->span_count == 0)
        batch_release(b);
    else if (b && s->kind)
        consume(s, b);
    else if (b)
        decide(s, b);
    check(batch_live_bytes() == 0);
    return 0;
}
