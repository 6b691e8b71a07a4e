/* What tail sampling costs: nanoseconds a span to take in, decide and let go; bytes a waiting span;
 * the longest turn of a lane while a hundred thousand decisions fall due at once.
 *
 *     sampling_bench
 *
 * Five policies (status, latency, string, span count, probabilistic), some 10 % kept, no network:
 * what is measured is the shard. The floor beside it is receiving and indexing the same requests.
 */
#include "sampling/sampling.h"

#include "component/lane.h"
#include "component/telemetry.h"
#include "sampling/shard.h"
#include "tests/bench/measure.h"
#include "tests/bench/spans.h"
#include "tests/unit/sampling/shop.h"

#include <stdio.h>
#include <unistd.h>

#define SECOND   1000000000ULL
#define REQUESTS 8

static struct {
    struct telemetry *telemetry;
    struct sampler_metrics metrics;
    struct shard_settings settings;
    struct component sampler;
    struct shard *shard;
    uint64_t now_ns;
    uint64_t kept;
    uint64_t batches;
} rig;

static struct outcome take(struct component *c, struct batch *b, struct receipt *r)
{
    (void)c;
    (void)r;
    rig.kept += b->span_count;
    rig.batches++;
    batch_release(b);
    return outcome_accepted();
}

static const struct component_ops end_ops = {.consume = take};
static struct component end = {.ops = &end_ops};

static struct config_value *five_policies(void)
{
    struct config_value *p = config_node(config_root(), CONFIG_LIST, "policies", NULL);
    struct config_value *codes =
        config_node(config_policy(p, "errors", "status_code"), CONFIG_LIST, "status_codes", NULL);
    config_node(codes, CONFIG_SCALAR, NULL, "ERROR");
    config_set(config_policy(p, "slow", "latency"), "threshold_ms", "100000");
    struct config_value *s = config_policy(p, "tenant", "string_attribute");
    config_set(s, "key", "http.request.method");
    config_node(config_node(s, CONFIG_LIST, "values", NULL), CONFIG_SCALAR, NULL, "PURGE");
    config_set(config_policy(p, "large", "span_count"), "min_spans", "100000");
    config_set(config_policy(p, "some", "probabilistic"), "sampling_percentage", "10");
    return p;
}

static void begin(uint32_t traces)
{
    struct error e = {0};
    memset(&rig, 0, sizeof rig);
    rig.now_ns = 1000 * SECOND;
    rig.telemetry = telemetry_create();
    rig.sampler = (struct component){.id = "tail_sampling", .next = &end};
    component_status_init(&rig.sampler.status);
    struct policy_set *set = policy_set_create(five_policies(), "tail_sampling", 1, false, &e);
    need(set != NULL, e.text);
    need(sampler_metrics_init(&rig.metrics, rig.telemetry, "tail_sampling", set), "metrics");
    rig.settings = (struct shard_settings){.decision_wait_ns = 30 * SECOND,
                                           .traces_limit = traces,
                                           .memory_bytes = 96000000,
                                           .recent_bytes = 8 << 20,
                                           .shards = 1,
                                           .record_policy = true,
                                           .metrics = &rig.metrics,
                                           .sampler = &rig.sampler};
    rig.shard = shard_create(&rig.settings, 0, set, rig.now_ns);
    need(rig.shard != NULL, "shard_create");
}

static void finish(void)
{
    shard_destroy(rig.shard);
    sampler_metrics_free(&rig.metrics);
    telemetry_destroy(rig.telemetry);
    need(batch_live_bytes() == 0, "letting go of every batch");
}

static struct request requests[REQUESTS];
static struct random dice;

static void build(uint32_t spans, uint32_t spans_per_trace)
{
    struct request_shape shape = {.spans = spans, .spans_per_trace = spans_per_trace};
    for (unsigned i = 0; i < REQUESTS; i++)
        request_build(&requests[i], &shape, &dice);
}

static void unbuild(void)
{
    for (unsigned i = 0; i < REQUESTS; i++)
        request_free(&requests[i]);
}

/* `index_ns` and `offer_ns` get what the two take, in all. */
static void receive(uint64_t number, double *index_ns, double *offer_ns)
{
    struct request *q = &requests[number % REQUESTS];
    request_refresh(q, &dice, realtime_ns());
    double t0 = cpu_ns();
    struct batch_report report;
    struct batch *b = batch_from_request(bytes_of(q->data, q->len), &report);
    need(b && b->span_count == q->spans, "batch_from_request");
    double t1 = cpu_ns();
    shard_offer(rig.shard, b, rig.now_ns);
    double t2 = cpu_ns();
    batch_release(b);
    *index_ns += t1 - t0;
    *offer_ns += t2 - t1;
}

/* Decides all, and returns the longest turn. */
static double decide_all(double *decide_ns)
{
    double longest = 0;
    rig.now_ns += 31 * SECOND;
    while (!shard_empty(rig.shard)) {
        double t0 = cpu_ns();
        if (shard_turn(rig.shard, rig.now_ns) > rig.now_ns)
            rig.now_ns += SECOND;
        double took = cpu_ns() - t0;
        longest = took > longest ? took : longest;
        *decide_ns += took;
    }
    return longest;
}

static void shape(const char *name, uint32_t spans_per_request, uint32_t spans_per_trace,
                  uint64_t spans)
{
    double index_ns = 0, offer_ns = 0, decide_ns = 0, wire = 0, before = 0;
    uint64_t at = 0, first = spans / 5, traces_first = 0;
    begin((uint32_t)(spans / spans_per_trace) + 1000);
    build(spans_per_request, spans_per_trace);
    for (uint64_t n = 0; at < spans; n++) {
        if (at >= first && before == 0) {
            before = anonymous_bytes();
            traces_first = shard_waiting_traces(rig.shard);
            first = at;
            wire = 0;
        }
        receive(n, &index_ns, &offer_ns);
        wire += (double)requests[n % REQUESTS].len;
        at += spans_per_request;
    }
    double grown = anonymous_bytes() - before - wire;
    double traces = (double)(shard_waiting_traces(rig.shard) - traces_first);
    double limit = 160.0 * (double)(at - first) + 256 * traces;
    double turn = decide_all(&decide_ns);
    double n = (double)at;
    printf("%-28s %6.0f %6.0f %6.0f   %5.2f   %5.0f %6.0f %6.2f   %6.2f %5.1f%% %6.0f\n", name,
           index_ns / n, offer_ns / n, decide_ns / n, (offer_ns + decide_ns) / index_ns,
           wire / (double)(at - first), grown / (double)(at - first), grown / limit, turn / 1e6,
           100 * (double)rig.kept / n, (double)rig.kept / (double)rig.batches);
    unbuild();
    finish();
}

int main(void)
{
    dice.state = 1;
    printf("%-28s %20s   %5s   %19s   %6s %6s %6s\n", "", "ns a span", "x", "waiting, B a span",
           "turn", "", "spans");
    printf("%-28s %6s %6s %6s   %5s   %5s %6s %6s   %6s %6s %6s\n", "", "index", "offer", "decide",
           "index", "wire", "more", "x max", "ms", "kept", "batch");
    shape("8-span traces, 512 a request", 512, 8, 1000000);
    shape("one-span traces, 200 a req.", 200, 1, 1000000);
    shape("one trace a request of 512", 512, 512, 1000000);
    config_release();
    return 0;
}
