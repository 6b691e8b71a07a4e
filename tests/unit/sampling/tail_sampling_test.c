/* The sampler as a pipeline sees it, on a clock of the test's own. */
#include "sampling/sampling.h"

#include "component/lane.h"
#include "component/telemetry.h"
#include "proto/attribute.h"
#include "proto/consistent.h"
#include "sampling/shard.h"
#include "sampling/trace_table.h"
#include "tests/unit/sampling/shop.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#define SECOND 1000000000ULL

/* ---- the next component: remembers what comes ---- */

static struct {
    unsigned busy; /* answers so often that it is busy */
    bool reject;
    unsigned batches;
    uint64_t spans;
    uint64_t errors;
    double adjusted;
    uint64_t without_threshold;
    unsigned largest;
    struct batch *last;
    struct batch *all[256];
} next;

static void see_span(const struct batch *b, uint32_t i)
{
    const struct span_view *s = &b->spans[i];
    struct ot_state ot = ot_parse(span_trace_state(span_bytes(s)));
    next.errors += s->status_code == 2;
    next.without_threshold += !ot.has_threshold;
    if (ot.has_threshold)
        next.adjusted += adjusted_count(ot.threshold);
}

static struct outcome next_consume(struct component *c, struct batch *b, struct receipt *r)
{
    (void)c;
    assert_null(r);
    if (next.busy > 0) {
        next.busy--;
        batch_release(b);
        return outcome_busy(0, "busy");
    }
    if (next.reject) {
        batch_release(b);
        return outcome_rejected(0, "no");
    }
    for (uint32_t i = 0; i < b->span_count; i++)
        see_span(b, i);
    next.spans += b->span_count;
    next.largest = b->span_count > next.largest ? b->span_count : next.largest;
    if (next.batches < 256)
        next.all[next.batches] = batch_retain(b);
    next.batches++;
    batch_release(next.last);
    next.last = b;
    return outcome_accepted();
}

static const struct component_ops next_ops = {.consume = next_consume};
static struct component next_component = {.ops = &next_ops};

static void forget(void)
{
    for (unsigned i = 0; i < next.batches && i < 256; i++)
        batch_release(next.all[i]);
    batch_release(next.last);
    memset(&next, 0, sizeof next);
}

/* ---- a shard on its own ---- */

struct rig {
    struct telemetry *telemetry;
    struct sampler_metrics metrics;
    struct shard_settings settings;
    struct component sampler;
    struct config_value *policies;
    struct shard *shard;
    uint64_t now_ns;
};

static void rig_begin(struct rig *r)
{
    *r = (struct rig){.telemetry = telemetry_create(), .now_ns = 1000 * SECOND};
    r->policies = config_node(config_root(), CONFIG_LIST, "policies", NULL);
    r->sampler = (struct component){.id = "tail_sampling", .next = &next_component};
    component_status_init(&r->sampler.status);
    r->settings = (struct shard_settings){.decision_wait_ns = SECOND,
                                          .traces_limit = 1000,
                                          .memory_bytes = 1 << 20,
                                          .recent_bytes = 1 << 20,
                                          .shards = 1,
                                          .record_policy = true,
                                          .metrics = &r->metrics,
                                          .sampler = &r->sampler};
    forget();
}

static void rig_start(struct rig *r)
{
    struct error e = {0};
    struct policy_set *set =
        policy_set_create(r->policies, "tail_sampling", 1, r->settings.consistent, &e);
    assert_string_equal(e.text, "");
    assert_non_null(set);
    assert_true(sampler_metrics_init(&r->metrics, r->telemetry, "tail_sampling", set));
    r->shard = shard_create(&r->settings, 0, set, r->now_ns);
    assert_non_null(r->shard);
}

static void keep_errors(struct rig *r)
{
    struct config_value *section = config_policy(r->policies, "errors", "status_code");
    struct config_value *codes = config_node(section, CONFIG_LIST, "status_codes", NULL);
    config_node(codes, CONFIG_SCALAR, NULL, "ERROR");
}

static void keep_all(struct rig *r)
{
    config_policy(r->policies, "all", "always_sample");
}

/* Drops traces with a span that is padded with "health". */
static void drop_health(struct rig *r)
{
    struct config_value *subs = config_node(config_policy(r->policies, "health", "drop"),
                                            CONFIG_LIST, "drop_sub_policy", NULL);
    struct config_value *padded = config_policy(subs, "padded", "string_attribute");
    config_set(padded, "key", "padding");
    config_node(config_node(padded, CONFIG_LIST, "values", NULL), CONFIG_SCALAR, NULL, "health");
}

static void send(struct rig *r, const struct span_wish *spans, uint32_t count)
{
    struct batch *b = wish_batch(spans, count);
    assert_non_null(b);
    shard_offer(r->shard, b, r->now_ns);
    batch_release(b);
}

static void send_one(struct rig *r, struct span_wish wish)
{
    send(r, &wish, 1);
}

/* Lets time pass, with a turn each tenth of a second and as many as are wanted at once. */
static void pass(struct rig *r, uint64_t ns)
{
    for (uint64_t end_ns = r->now_ns + ns; r->now_ns < end_ns; r->now_ns += SECOND / 10) {
        while (shard_turn(r->shard, r->now_ns) <= r->now_ns)
            ;
    }
}

static void rig_end(struct rig *r)
{
    shard_destroy(r->shard);
    sampler_metrics_free(&r->metrics);
    telemetry_destroy(r->telemetry);
    pthread_mutex_destroy(&r->sampler.status.lock);
    forget();
    assert_int_equal(batch_live_bytes(), 0);
}

static const char *policy_of(const struct batch *b, uint32_t span, char out[64])
{
    struct attribute a;
    if (!attribute_find(span_scope(b, &b->spans[span])->message, SCOPE_ATTRIBUTES,
                        bytes_of_string("tailsampling.policy"), &a))
        return "";
    snprintf(out, 64, "%.*s", (int)a.value.bytes.len, (const char *)a.value.bytes.data);
    return out;
}

static bool is_cached(const struct batch *b, uint32_t span)
{
    struct attribute a;
    return attribute_find(span_scope(b, &b->spans[span])->message, SCOPE_ATTRIBUTES,
                          bytes_of_string("tailsampling.cached_decision"), &a);
}

static void traces_are_decided_whole(void **state)
{
    (void)state;
    struct rig r;
    char name[64];
    rig_begin(&r);
    keep_errors(&r);
    rig_start(&r);
    send(&r, (struct span_wish[]){{.trace = 1}, {.trace = 2}, {.trace = 3, .error = true}}, 3);
    send(&r, (struct span_wish[]){{.trace = 1, .child = true, .error = true}, {.trace = 2}}, 2);
    assert_int_equal(shard_waiting_traces(r.shard), 3);
    pass(&r, 2 * SECOND);
    assert_int_equal(shard_waiting_traces(r.shard), 0);
    assert_true(shard_empty(r.shard));
    assert_int_equal(next.spans, 3);
    assert_int_equal(next.batches, 1);
    assert_string_equal(policy_of(next.last, 0, name), "errors");
    assert_false(is_cached(next.last, 0));
    assert_int_equal(counter_read(r.metrics.traces[SAMPLING_SAMPLED]), 2);
    assert_int_equal(counter_read(r.metrics.traces[SAMPLING_NOT_SAMPLED]), 1);
    assert_int_equal(counter_read(r.metrics.items.outgoing), 3);
    rig_end(&r);
}

static void the_wait_is_told_to_the_tenth_of_a_second(void **state)
{
    (void)state;
    struct rig r;
    rig_begin(&r);
    keep_all(&r);
    r.settings.decision_wait_ns = SECOND * 7 / 10;
    rig_start(&r);
    send_one(&r, (struct span_wish){.trace = 1});
    pass(&r, SECOND * 7 / 10);
    assert_int_equal(shard_waiting_traces(r.shard), 1);
    pass(&r, SECOND / 10);
    assert_int_equal(shard_waiting_traces(r.shard), 0);
    rig_end(&r);
}

static void a_root_shortens_the_wait(void **state)
{
    (void)state;
    struct rig r;
    rig_begin(&r);
    keep_all(&r);
    r.settings.decision_wait_ns = 30 * SECOND;
    r.settings.after_root_ns = SECOND;
    rig_start(&r);
    send(&r, (struct span_wish[]){{.trace = 1, .child = true}, {.trace = 2, .child = true}}, 2);
    pass(&r, 5 * SECOND);
    assert_int_equal(shard_waiting_traces(r.shard), 2);
    send_one(&r, (struct span_wish){.trace = 2});
    pass(&r, 2 * SECOND);
    assert_int_equal(shard_waiting_traces(r.shard), 1);
    assert_int_equal(next.spans, 2);
    rig_end(&r);
}

static void late_spans_follow_their_trace(void **state)
{
    (void)state;
    struct rig r;
    char name[64];
    rig_begin(&r);
    keep_errors(&r);
    rig_start(&r);
    send(&r, (struct span_wish[]){{.trace = 1, .error = true}, {.trace = 2}}, 2);
    pass(&r, 2 * SECOND);
    assert_int_equal(next.spans, 1);
    pass(&r, 500 * SECOND);
    send(&r, (struct span_wish[]){{.trace = 1}, {.trace = 2, .error = true}}, 2);
    pass(&r, SECOND);
    assert_int_equal(shard_waiting_traces(r.shard), 0);
    assert_int_equal(next.spans, 2);
    assert_int_equal(next.last->span_count, 1);
    assert_true(is_cached(next.last, 0));
    assert_string_equal(policy_of(next.last, 0, name), "errors");
    assert_int_equal(counter_read(r.metrics.early_releases[0]), 1);
    assert_int_equal(counter_read(r.metrics.early_releases[1]), 1);
    assert_int_equal(counter_read(r.metrics.late_span_age_s.observations), 2);
    rig_end(&r);
}

static void without_memory_a_late_span_is_a_new_trace(void **state)
{
    (void)state;
    struct rig r;
    rig_begin(&r);
    keep_errors(&r);
    r.settings.memory_bytes = 0;
    rig_start(&r);
    send_one(&r, (struct span_wish){.trace = 1, .error = true});
    pass(&r, 2 * SECOND);
    send_one(&r, (struct span_wish){.trace = 1});
    assert_int_equal(shard_waiting_traces(r.shard), 1);
    pass(&r, 2 * SECOND);
    assert_int_equal(next.spans, 1);
    rig_end(&r);
}

static void the_oldest_trace_makes_room_and_is_judged(void **state)
{
    (void)state;
    struct rig r;
    rig_begin(&r);
    keep_errors(&r);
    r.settings.traces_limit = 10;
    rig_start(&r);
    for (uint64_t i = 0; i < 100; i++)
        send_one(&r, (struct span_wish){.trace = i, .error = i % 2 == 0});
    assert_int_equal(shard_waiting_traces(r.shard), 10);
    assert_int_equal(counter_read(r.metrics.decided_early), 90);
    assert_int_equal(counter_read(r.metrics.traces[SAMPLING_SAMPLED]), 45);
    pass(&r, 2 * SECOND);
    assert_int_equal(next.spans, 50);
    assert_int_equal(next.errors, 50);
    rig_end(&r);
}

static void blocking_refuses_instead(void **state)
{
    (void)state;
    struct rig r;
    rig_begin(&r);
    keep_all(&r);
    r.settings.traces_limit = 10;
    r.settings.block_on_overflow = true;
    rig_start(&r);
    for (uint64_t i = 0; i < 10; i++) {
        assert_true(shard_has_room(r.shard));
        send_one(&r, (struct span_wish){.trace = i});
    }
    assert_false(shard_has_room(r.shard));
    pass(&r, 2 * SECOND);
    assert_true(shard_has_room(r.shard));
    assert_int_equal(counter_read(r.metrics.decided_early), 0);
    assert_int_equal(next.spans, 10);
    rig_end(&r);
}

static void a_trace_over_its_size_is_not_sampled(void **state)
{
    (void)state;
    struct rig r;
    static char padding[400];
    memset(padding, 'x', sizeof padding - 1);
    rig_begin(&r);
    keep_all(&r);
    r.settings.trace_bytes = 1200;
    rig_start(&r);
    for (unsigned i = 0; i < 2; i++)
        send(&r, (struct span_wish[]){{.trace = 1, .padding = padding}, {.trace = 2}}, 2);
    assert_int_equal(shard_waiting_traces(r.shard), 2);
    send_one(&r, (struct span_wish){.trace = 1, .padding = padding});
    assert_int_equal(shard_waiting_traces(r.shard), 1);
    assert_int_equal(counter_read(r.metrics.too_large), 1);
    send_one(&r, (struct span_wish){.trace = 1}); /* late, and follows */
    pass(&r, 2 * SECOND);
    assert_int_equal(next.spans, 2);
    rig_end(&r);
}

static void small_traces_leave_in_full_batches(void **state)
{
    (void)state;
    struct rig r;
    rig_begin(&r);
    keep_all(&r);
    r.settings.traces_limit = 10000;
    rig_start(&r);
    for (uint64_t i = 0; i < 3000; i++)
        send(&r, (struct span_wish[]){{.trace = i}, {.trace = i, .child = true}}, 2);
    next.busy = 7;
    pass(&r, 3 * SECOND);
    assert_int_equal(next.spans, 6000);
    assert_true(next.batches <= 7);
    assert_true(next.largest >= 1024 && next.largest <= 2048);
    rig_end(&r);
}

/* Nobody takes what is kept: decisions stop, then spans are refused, and none is lost. */
static void nothing_is_lost_when_nobody_takes_it(void **state)
{
    (void)state;
    struct rig r;
    rig_begin(&r);
    keep_all(&r);
    r.settings.traces_limit = 2000;
    rig_start(&r);
    next.busy = UINT32_MAX;
    uint64_t sent = 0;
    static struct span_wish wishes[500];
    for (uint64_t round = 0; round < 1000 && shard_has_room(r.shard); round++) {
        for (uint64_t i = 0; i < 500; i++)
            wishes[i] = (struct span_wish){.trace = round * 500 + i};
        send(&r, wishes, 500);
        sent += 500;
        pass(&r, SECOND / 2);
    }
    assert_false(shard_has_room(r.shard));
    assert_true(sent < 100000);
    assert_int_equal(next.spans, 0);
    next.busy = 0;
    pass(&r, 10 * SECOND);
    assert_true(shard_has_room(r.shard));
    assert_int_equal(next.spans, sent);
    rig_end(&r);
}

static void what_is_rejected_is_counted(void **state)
{
    (void)state;
    struct rig r;
    rig_begin(&r);
    keep_all(&r);
    rig_start(&r);
    next.reject = true;
    send(&r, (struct span_wish[]){{.trace = 1}, {.trace = 2}}, 2);
    pass(&r, 2 * SECOND);
    assert_int_equal(counter_read(r.metrics.lost_rejected), 2);
    assert_true(shard_empty(r.shard));
    rig_end(&r);
}

/* One endless trace beside many of one span. */
static void a_giant_starves_nobody(void **state)
{
    (void)state;
    struct rig r;
    rig_begin(&r);
    keep_errors(&r);
    r.settings.traces_limit = 100000;
    rig_start(&r);
    static struct span_wish wishes[200];
    uint64_t small = 0;
    for (unsigned i = 0; i < 1000; i++) {
        for (unsigned j = 0; j < 200; j++)
            wishes[j] = j < 150 ? (struct span_wish){.trace = 1, .child = true}
                                : (struct span_wish){.trace = 1000 + small++, .error = j == 199};
        send(&r, wishes, 200);
    }
    pass(&r, SECOND + SECOND / 10);
    assert_int_equal(counter_read(r.metrics.traces[SAMPLING_SAMPLED]), 1000);
    send_one(&r, (struct span_wish){.trace = 1, .error = true}); /* late: the giant was not kept */
    pass(&r, SECOND);
    assert_int_equal(next.spans, 1000);
    assert_true(shard_empty(r.shard));
    rig_end(&r);
}

static void add_probabilistic(struct rig *r, const char *name, const char *percentage)
{
    config_set(config_policy(r->policies, name, "probabilistic"), "sampling_percentage",
               percentage);
}

/* A million traces of one span, some of which errors, by two chances and one certainty. */
static void adjusted_counts_add_up(void **state)
{
    (void)state;
    struct rig r;
    enum { TRACES = 1000000, BATCH = 1000 };
    rig_begin(&r);
    add_probabilistic(&r, "two", "2");
    add_probabilistic(&r, "seven", "7");
    struct config_value *section = config_policy(r.policies, "failures", "status_code");
    config_node(config_node(section, CONFIG_LIST, "status_codes", NULL), CONFIG_SCALAR, NULL,
                "ERROR");
    r.settings.consistent = true;
    r.settings.traces_limit = 100000;
    rig_start(&r);
    static struct span_wish wishes[BATCH];
    for (uint64_t i = 0; i < TRACES; i += BATCH) {
        for (uint64_t j = 0; j < BATCH; j++)
            wishes[j] = (struct span_wish){.trace = i + j, .error = (i + j) % 50 == 0};
        send(&r, wishes, BATCH);
        if (i % 50000 == 0)
            pass(&r, 2 * SECOND);
    }
    pass(&r, 3 * SECOND);
    assert_int_equal(next.without_threshold, 0);
    assert_int_equal(next.errors, TRACES / 50); /* each counts once */
    double others = 0.98 * TRACES;
    double deviation = sqrt(others * (1 - 0.07) / 0.07);
    assert_true(fabs(next.adjusted - TRACES) < 5 * deviation);
    assert_true(next.spans < TRACES / 10);
    rig_end(&r);
}

static void thresholds_rise_on_late_spans_too(void **state)
{
    (void)state;
    struct rig r;
    rig_begin(&r);
    add_probabilistic(&r, "half", "50");
    r.settings.consistent = true;
    rig_start(&r);
    const char *certain = "ot=rv:fffffffffffff0", *already = "ot=rv:fffffffffffff0;th:c";
    send(&r,
         (struct span_wish[]){{.trace = 1, .trace_state = certain},
                              {.trace = 1, .child = true, .trace_state = already},
                              {.trace = 2, .trace_state = "ot=rv:00000000000001"}},
         3);
    pass(&r, 2 * SECOND);
    assert_int_equal(next.spans, 2);
    assert_true(next.adjusted == 2 + 4);
    send_one(&r, (struct span_wish){.trace = 1, .trace_state = certain});
    pass(&r, SECOND);
    assert_int_equal(next.spans, 3);
    assert_true(next.adjusted == 2 + 4 + 2);
    rig_end(&r);
}

static void decisions_explain_themselves(void **state)
{
    (void)state;
    struct rig r;
    struct explanation *x = calloc(1, sizeof *x);
    uint8_t kept[16], dropped[16], unknown[16];
    wish_trace_id(1, kept);
    wish_trace_id(2, dropped);
    wish_trace_id(3, unknown);
    rig_begin(&r);
    keep_errors(&r);
    rig_start(&r);
    send(&r, (struct span_wish[]){{.trace = 1, .error = true}, {.trace = 1}, {.trace = 2}}, 3);
    assert_true(shard_explain(r.shard, kept, x));
    assert_int_equal(x->state, EXPLANATION_WAITING);
    assert_int_equal(x->spans, 2);
    pass(&r, 2 * SECOND);
    send_one(&r, (struct span_wish){.trace = 1});
    assert_true(shard_explain(r.shard, kept, x));
    assert_int_equal(x->state, EXPLANATION_DECIDED);
    assert_int_equal(x->decision.verdict, SAMPLING_SAMPLED);
    assert_string_equal(x->policy, "errors");
    assert_true(x->detailed && x->rooted);
    assert_int_equal(x->reason, REASON_POLICIES);
    assert_int_equal(x->spans, 2);
    assert_int_equal(x->late_spans, 1);
    assert_int_equal(x->duration_ns, 1000000);
    assert_int_equal(x->vote_count, 1);
    assert_string_equal(x->votes[0].policy, "errors");
    assert_int_equal(x->votes[0].verdict, SAMPLING_SAMPLED);
    assert_true(strlen(x->votes[0].why) > 0);
    assert_true(shard_explain(r.shard, dropped, x));
    assert_int_equal(x->decision.verdict, SAMPLING_NOT_SAMPLED);
    assert_null(x->policy);
    assert_false(shard_explain(r.shard, unknown, x));
    free(x);
    rig_end(&r);
}

/* A lane that looked at the clock first may be the second to get at the shard. */
static void time_never_goes_back(void **state)
{
    (void)state;
    struct rig r;
    struct explanation *x = calloc(1, sizeof *x);
    uint8_t id[16];
    wish_trace_id(1, id);
    rig_begin(&r);
    keep_errors(&r);
    r.settings.traces_limit = 1;
    rig_start(&r);
    send_one(&r, (struct span_wish){.trace = 1, .error = true});
    r.now_ns -= SECOND;
    send_one(&r, (struct span_wish){.trace = 2});
    send_one(&r, (struct span_wish){.trace = 1}); /* late */
    assert_true(shard_explain(r.shard, id, x));
    assert_int_equal(x->reason, REASON_EARLY);
    assert_int_equal(x->late_spans, 1);
    assert_int_equal(x->waited_ns, 0);
    assert_int_equal(counter_read(r.metrics.removal_age_s.sum), 0);
    assert_int_equal(counter_read(r.metrics.late_span_age_s.observations), 1);
    assert_int_equal(counter_read(r.metrics.late_span_age_s.sum), 0);
    pass(&r, 3 * SECOND);
    assert_true(shard_empty(r.shard));
    assert_int_equal(next.spans, 2);
    free(x);
    rig_end(&r);
}

/* Beyond the ring of recent decisions, verdict and policy are still known. */
static void old_decisions_are_told_in_short(void **state)
{
    (void)state;
    struct rig r;
    struct explanation *x = calloc(1, sizeof *x);
    uint8_t id[16];
    rig_begin(&r);
    keep_errors(&r);
    r.settings.recent_bytes = 4096;
    r.settings.traces_limit = 100;
    rig_start(&r);
    for (uint64_t i = 0; i < 1000; i++)
        send_one(&r, (struct span_wish){.trace = i, .error = i == 0});
    pass(&r, 2 * SECOND);
    wish_trace_id(0, id);
    memset(x, 0, sizeof *x);
    assert_true(shard_explain(r.shard, id, x));
    assert_false(x->detailed);
    assert_int_equal(x->decision.verdict, SAMPLING_SAMPLED);
    assert_string_equal(x->policy, "errors");
    free(x);
    rig_end(&r);
}

/* ---- the component ---- */

static struct config_value *component_config(void)
{
    struct config_value *config = config_node(config_root(), CONFIG_MAP, "tail_sampling", NULL);
    struct config_value *policies = config_node(config, CONFIG_LIST, "policies", NULL);
    config_policy(policies, "all", "always_sample");
    return config;
}

static struct component *make(const struct config_value *config, struct lane *const *lanes,
                              struct telemetry *t, struct error *e)
{
    struct component_spec spec = {.kind = &tail_sampling_processor,
                                  .id = "tail_sampling",
                                  .config = config,
                                  .lanes = lanes,
                                  .lane_count = 1,
                                  .telemetry = t};
    return tail_sampling_processor.create(&spec, e);
}

static void run_and_stop(struct config_value *config, uint64_t expected)
{
    struct telemetry *t = telemetry_create();
    struct lane *lane = lane_create("test");
    struct error e = {0};
    struct component *c = make(config, &lane, t, &e);
    assert_string_equal(e.text, "");
    c->next = &next_component;
    forget();
    assert_true(lane_start(lane));
    assert_true(c->ops->start(c, &e));
    static struct span_wish wishes[1000];
    for (uint64_t i = 0; i < 1000; i++)
        wishes[i] = (struct span_wish){.trace = i % 300};
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(component_consume(c, wish_batch(wishes, 1000), NULL).verdict,
                         VERDICT_ACCEPTED);
    struct explanation *x = calloc(1, sizeof *x);
    uint8_t id[16];
    wish_trace_id(5, id);
    assert_true(sampling_explain(c, id, x));
    assert_int_equal(x->state, EXPLANATION_WAITING);
    free(x);
    c->ops->drain(c, monotonic_ns() + 60 * SECOND);
    assert_int_equal(next.spans, expected);
    c->ops->stop(c);
    c->ops->destroy(c);
    lane_destroy(lane);
    telemetry_destroy(t);
    forget();
    assert_int_equal(batch_live_bytes(), 0);
}

static void the_end_decides_what_waits(void **state)
{
    (void)state;
    run_and_stop(component_config(), 10000);
    struct config_value *sharded = component_config();
    config_set(sharded, "num_shards", "7");
    run_and_stop(sharded, 10000);
    struct config_value *dropping = component_config();
    config_set(dropping, "drop_pending_traces_on_shutdown", "true");
    run_and_stop(dropping, 0);
}

static bool tells(struct telemetry *t, const char *line)
{
    struct buffer text = {0};
    telemetry_write(t, &text);
    buffer_append_byte(&text, 0);
    bool found = strstr((const char *)text.data, line) != NULL;
    buffer_free(&text);
    return found;
}

/* What is counted as lost stays lost, though there would be room for it a moment later. */
static void what_is_left_at_the_end_is_lost_once(void **state)
{
    (void)state;
    struct telemetry *t = telemetry_create();
    struct lane *lane = lane_create("test");
    struct error e = {0};
    struct component *c = make(component_config(), &lane, t, &e);
    assert_string_equal(e.text, "");
    c->next = &next_component;
    forget();
    next.busy = UINT32_MAX;
    assert_true(lane_start(lane));
    assert_true(c->ops->start(c, &e));
    struct span_wish wishes[30] = {{.trace = 1}};
    assert_int_equal(component_consume(c, wish_batch(wishes, 30), NULL).verdict, VERDICT_ACCEPTED);
    c->ops->drain(c, monotonic_ns() + SECOND / 5);
    next.busy = 0;
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    assert_int_equal(next.spans, 0);
    assert_true(tells(t, "reason=\"shutdown\"} 30\n"));
    c->ops->stop(c);
    c->ops->destroy(c);
    lane_destroy(lane);
    telemetry_destroy(t);
    assert_int_equal(batch_live_bytes(), 0);
}

/* ---- telemetry ---- */

static void policies_are_accounted_for(void **state)
{
    (void)state;
    struct rig r;
    rig_begin(&r);
    r.settings.traces_limit = 10000;
    keep_errors(&r);
    rig_start(&r);
    for (uint64_t i = 0; i < 6400; i++)
        send(&r,
             (struct span_wish[]){{.trace = i, .error = i % 4 == 0}, {.trace = i, .child = true}},
             2);
    pass(&r, 2 * SECOND);
    const struct policy_counters *p = &r.metrics.policies[0];
    assert_int_equal(counter_read(p->executions), 6400);
    assert_int_equal(counter_read(p->verdicts[SAMPLING_SAMPLED]), 1600);
    assert_int_equal(counter_read(p->spans[SAMPLING_SAMPLED]), 3200);
    assert_int_equal(counter_read(p->spans[SAMPLING_NOT_SAMPLED]), 9600);
    assert_int_equal(counter_read(p->spans[SAMPLING_DROPPED]), 0);
    /* a status is four bytes, and all else is alike */
    uint64_t plain = counter_read(p->bytes[SAMPLING_NOT_SAMPLED]) / 4800;
    assert_int_equal(counter_read(p->bytes[SAMPLING_SAMPLED]), 1600 * (plain + 4));
    assert_true(counter_read(p->time_us) > 0);
    rig_end(&r);
}

/* ---- span-ingest ---- */

static void arrivals_are_judged_at_once(void **state)
{
    (void)state;
    struct rig r;
    rig_begin(&r);
    keep_errors(&r);
    r.settings.on_ingest = true;
    rig_start(&r);
    send(&r, (struct span_wish[]){{.trace = 1}, {.trace = 2}, {.trace = 3, .error = true}}, 3);
    assert_int_equal(shard_waiting_traces(r.shard), 2);
    send_one(&r, (struct span_wish){.trace = 1, .error = true});
    assert_int_equal(shard_waiting_traces(r.shard), 1);
    send_one(&r, (struct span_wish){.trace = 1}); /* late already */
    pass(&r, SECOND / 2);
    send_one(&r, (struct span_wish){.trace = 2});
    assert_int_equal(shard_waiting_traces(r.shard), 1);
    pass(&r, 2 * SECOND);
    assert_true(shard_empty(r.shard));
    assert_int_equal(next.spans, 4); /* 1 three times, 3 once */
    assert_int_equal(counter_read(r.metrics.traces[SAMPLING_SAMPLED]), 2);
    assert_int_equal(counter_read(r.metrics.traces[SAMPLING_NOT_SAMPLED]), 1);
    rig_end(&r);
}

/* What holds of two arrivals together is not seen, nor anything when the wait is over. */
static void arrivals_are_judged_alone(void **state)
{
    (void)state;
    struct rig r;
    rig_begin(&r);
    struct config_value *subs =
        config_node(config_policy(r.policies, "both", "and"), CONFIG_LIST, "and_sub_policy", NULL);
    struct config_value *codes = config_node(config_policy(subs, "errors", "status_code"),
                                             CONFIG_LIST, "status_codes", NULL);
    config_node(codes, CONFIG_SCALAR, NULL, "ERROR");
    struct config_value *padded = config_policy(subs, "padded", "string_attribute");
    config_set(padded, "key", "padding");
    config_node(config_node(padded, CONFIG_LIST, "values", NULL), CONFIG_SCALAR, NULL, "yes");
    r.settings.on_ingest = true;
    rig_start(&r);
    send_one(&r, (struct span_wish){.trace = 1, .error = true});
    send_one(&r, (struct span_wish){.trace = 1, .padding = "yes"});
    send(&r, (struct span_wish[]){{.trace = 2, .error = true}, {.trace = 2, .padding = "yes"}}, 2);
    pass(&r, 3 * SECOND);
    assert_true(shard_empty(r.shard));
    assert_int_equal(next.spans, 2);
    rig_end(&r);
}

static void what_might_be_dropped_is_not_kept_early(void **state)
{
    (void)state;
    struct rig r;
    rig_begin(&r);
    drop_health(&r);
    keep_all(&r);
    r.settings.on_ingest = true;
    rig_start(&r);
    send_one(&r, (struct span_wish){.trace = 1});
    assert_int_equal(shard_waiting_traces(r.shard), 1);
    send_one(&r, (struct span_wish){.trace = 2, .padding = "health"});
    assert_int_equal(shard_waiting_traces(r.shard), 1);
    assert_int_equal(next.spans, 0);
    pass(&r, 3 * SECOND);
    assert_int_equal(next.spans, 1); /* what nobody dropped */
    assert_int_equal(counter_read(r.metrics.traces[SAMPLING_DROPPED]), 1);
    rig_end(&r);
}

/* When the wait is over no policy is asked, so none has a vote to tell. */
static void who_was_not_asked_has_no_vote(void **state)
{
    (void)state;
    struct rig r;
    struct explanation *x = calloc(1, sizeof *x);
    uint8_t id[16];
    rig_begin(&r);
    keep_errors(&r);
    r.settings.on_ingest = true;
    r.settings.recent_bytes = 400; /* one record */
    rig_start(&r);
    send_one(&r, (struct span_wish){.trace = 1, .error = true});
    wish_trace_id(1, id);
    assert_true(shard_explain(r.shard, id, x));
    assert_true(x->detailed);
    assert_int_equal(x->vote_count, 1);
    assert_int_equal(x->votes[0].verdict, SAMPLING_SAMPLED);
    send_one(&r, (struct span_wish){.trace = 2});
    pass(&r, 3 * SECOND);
    memset(x, 0, sizeof *x);
    assert_true(shard_explain(r.shard, id, x));
    assert_false(x->detailed);
    wish_trace_id(2, id);
    assert_true(shard_explain(r.shard, id, x));
    assert_true(x->detailed);
    assert_int_equal(x->decision.verdict, SAMPLING_NOT_SAMPLED);
    assert_int_equal(x->vote_count, 0);
    free(x);
    rig_end(&r);
}

/* ---- journeys ---- */

static void rig_journeys(struct rig *r, uint64_t wait_ns)
{
    const struct journeys_settings settings = {.wait_ns = wait_ns,
                                               .hold_ns = 60 * SECOND,
                                               .forget_ns = 600 * SECOND,
                                               .most_traces_each = 1000,
                                               .most_traces = 10000};
    r->settings.decision_wait_ns = wait_ns;
    r->settings.hold_ns = settings.hold_ns;
    r->settings.journeys = journeys_create(&settings);
    assert_non_null(r->settings.journeys);
}

static void rig_end_journeys(struct rig *r)
{
    struct journeys *j = r->settings.journeys;
    rig_end(r);
    journeys_destroy(j);
}

static uint64_t broken(const struct rig *r)
{
    struct journeys_counts counts;
    journeys_count(r->settings.journeys, &counts);
    return counts.broken;
}

static uint64_t hash_of(uint64_t trace)
{
    uint8_t id[16];
    wish_trace_id(trace, id);
    return trace_hash(id);
}

static struct journey_side side(struct rig *r, uint64_t trace, bool closes)
{
    uint64_t hash = hash_of(trace);
    return (struct journey_side){
        .trace = hash, .past = shard_past(r->shard, hash), .closes = closes};
}

/* A message goes from one trace to another; `waited`: the consumer came first. */
static void hop(struct rig *r, uint64_t from, uint64_t to, bool waited)
{
    struct journey_side a = side(r, from, true), b = side(r, to, waited);
    journeys_join(r->settings.journeys, &a, &b, r->now_ns);
}

/* Twenty traces whose hops become known in any order within a minute. */
static uint64_t spans_kept_of_a_journey(unsigned seed, bool with_error)
{
    enum { TRACES = 20 };
    struct rig r;
    rig_begin(&r);
    keep_errors(&r);
    rig_journeys(&r, 30 * SECOND);
    rig_start(&r);
    uint64_t order[TRACES] = {0};
    srand(seed);
    for (uint64_t i = 0; i < TRACES; i++) {
        uint64_t k = (uint64_t)rand() % (i + 1);
        order[i] = order[k];
        order[k] = i;
    }
    unsigned failing = (unsigned)rand() % TRACES;
    bool came[TRACES + 1] = {false};
    for (unsigned i = 0; i < TRACES; i++) {
        uint64_t n = order[i];
        came[n] = true;
        if (n > 0 && came[n - 1])
            hop(&r, 1000 + n - 1, 1000 + n, false);
        else if (n > 0)
            journeys_open(r.settings.journeys, hash_of(1000 + n), r.now_ns);
        if (n + 1 < TRACES)
            journeys_open(r.settings.journeys, hash_of(1000 + n), r.now_ns);
        if (n + 1 < TRACES && came[n + 1])
            hop(&r, 1000 + n, 1000 + n + 1, true);
        send(&r,
             (struct span_wish[]){{.trace = 1000 + order[i], .error = with_error && i == failing},
                                  {.trace = 5000 + i}},
             2);
        pass(&r, 3 * SECOND);
    }
    pass(&r, 120 * SECOND);
    assert_true(shard_empty(r.shard));
    uint64_t kept = next.spans;
    char name[64];
    unsigned linked = 0;
    for (unsigned i = 0; i < next.batches; i++) {
        for (uint32_t k = 0; k < next.all[i]->span_count; k++)
            linked += strcmp(policy_of(next.all[i], k, name), "linked") == 0;
    }
    assert_int_equal(linked, kept ? kept - 1 : 0);
    assert_int_equal(counter_read(r.metrics.kept_by_journey), linked);
    assert_int_equal(broken(&r), 0);
    rig_end_journeys(&r);
    return kept;
}

static void a_journey_is_kept_whole_or_not_at_all(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 50; seed++) {
        assert_int_equal(spans_kept_of_a_journey(seed, true), 20);
        assert_int_equal(spans_kept_of_a_journey(seed, false), 0);
    }
}

static void a_hop_to_a_kept_trace_keeps(void **state)
{
    (void)state;
    struct rig r;
    rig_begin(&r);
    keep_errors(&r);
    rig_journeys(&r, SECOND);
    rig_start(&r);
    send_one(&r, (struct span_wish){.trace = 1, .error = true});
    pass(&r, 2 * SECOND);
    assert_int_equal(next.spans, 1);
    hop(&r, 1, 2, false); /* long after the first was decided */
    send_one(&r, (struct span_wish){.trace = 2});
    pass(&r, 5 * SECOND);
    assert_int_equal(next.spans, 2);
    struct explanation x;
    uint8_t id[16];
    wish_trace_id(2, id);
    assert_true(shard_explain(r.shard, id, &x));
    assert_string_equal(x.policy, "linked");
    send_one(&r, (struct span_wish){.trace = 2}); /* late spans follow */
    pass(&r, 2 * SECOND);
    assert_int_equal(next.spans, 3);
    rig_end_journeys(&r);
}

/* Held traces are asked about again and again, far more often than decisions are kept in full. */
static void what_is_held_is_not_told_as_decided(void **state)
{
    (void)state;
    struct rig r;
    struct explanation *x = calloc(1, sizeof *x);
    uint8_t id[16];
    rig_begin(&r);
    keep_errors(&r);
    r.settings.recent_bytes = 2048;
    rig_journeys(&r, SECOND);
    rig_start(&r);
    for (uint64_t i = 0; i < 100; i++) {
        send_one(&r, (struct span_wish){.trace = 1000 + i});
        journeys_open(r.settings.journeys, hash_of(1000 + i), r.now_ns);
        send_one(&r, (struct span_wish){.trace = i});
        pass(&r, SECOND / 10);
    }
    pass(&r, 2 * SECOND);
    assert_int_equal(shard_waiting_traces(r.shard), 100);
    assert_int_equal(counter_read(r.metrics.held_for_journey), 100);
    wish_trace_id(99, id);
    assert_true(shard_explain(r.shard, id, x));
    assert_true(x->detailed);
    assert_int_equal(x->state, EXPLANATION_DECIDED);
    wish_trace_id(1099, id);
    assert_true(shard_explain(r.shard, id, x));
    assert_int_equal(x->state, EXPLANATION_WAITING);
    pass(&r, 70 * SECOND);
    assert_true(shard_empty(r.shard));
    memset(x, 0, sizeof *x);
    assert_true(shard_explain(r.shard, id, x));
    assert_true(x->detailed);
    assert_int_equal(x->reason, REASON_JOURNEY);
    assert_int_equal(x->vote_count, 0);
    free(x);
    rig_end_journeys(&r);
}

/* Whatever kept a trace from waiting for its journey: made room, was dropped, was too large. */
static void who_could_not_wait_broke_its_journey(void **state)
{
    (void)state;
    static char padding[400];
    memset(padding, 'x', sizeof padding - 1);
    struct rig r;
    rig_begin(&r);
    drop_health(&r);
    keep_errors(&r);
    r.settings.traces_limit = 2;
    r.settings.trace_bytes = 400;
    rig_journeys(&r, SECOND);
    rig_start(&r);
    hop(&r, 1, 2, false);
    send_one(&r, (struct span_wish){.trace = 1});
    pass(&r, SECOND / 2);
    send_one(&r, (struct span_wish){.trace = 101});
    send_one(&r, (struct span_wish){.trace = 102});
    assert_int_equal(counter_read(r.metrics.decided_early), 1);
    send_one(&r, (struct span_wish){.trace = 2, .error = true});
    pass(&r, 2 * SECOND);
    assert_int_equal(broken(&r), 1);
    hop(&r, 3, 4, false);
    send_one(&r, (struct span_wish){.trace = 3, .padding = "health"});
    pass(&r, 2 * SECOND);
    send_one(&r, (struct span_wish){.trace = 4, .error = true});
    pass(&r, 2 * SECOND);
    assert_int_equal(broken(&r), 2);
    hop(&r, 5, 6, false);
    send_one(&r, (struct span_wish){.trace = 6, .error = true});
    pass(&r, 2 * SECOND);
    send_one(&r, (struct span_wish){.trace = 5, .padding = padding});
    assert_int_equal(counter_read(r.metrics.too_large), 1);
    assert_int_equal(broken(&r), 3);
    assert_int_equal(next.spans, 3);
    pass(&r, 2 * SECOND);
    rig_end_journeys(&r);
}

static void the_end_keeps_journeys_whole(void **state)
{
    (void)state;
    struct rig r;
    rig_begin(&r);
    keep_errors(&r);
    rig_journeys(&r, 30 * SECOND);
    rig_start(&r);
    for (uint64_t i = 0; i < 10; i++) {
        send_one(&r, (struct span_wish){.trace = i, .error = i == 9});
        if (i > 0)
            hop(&r, i - 1, i, false);
        pass(&r, SECOND);
    }
    send_one(&r, (struct span_wish){.trace = 99});
    shard_drain(r.shard);
    pass(&r, SECOND);
    assert_true(shard_empty(r.shard));
    assert_int_equal(next.spans, 10);
    rig_end_journeys(&r);
}

static void journeys_have_no_known_probability(void **state)
{
    (void)state;
    struct rig r;
    rig_begin(&r);
    r.settings.consistent = true;
    keep_errors(&r);
    rig_journeys(&r, SECOND);
    rig_start(&r);
    hop(&r, 1, 2, false);
    send(&r,
         (struct span_wish[]){{.trace = 1, .error = true},
                              {.trace = 2, .trace_state = "ot=th:8;rv:ffffffffffffff"}},
         2);
    pass(&r, 5 * SECOND);
    assert_int_equal(next.spans, 2);
    assert_int_equal(next.without_threshold,
                     1); /* adjusted counts take it for one of unknown weight */
    rig_end_journeys(&r);
}

/* ---- threads ---- */

static atomic_ulong spans_out;

static struct outcome count_consume(struct component *c, struct batch *b, struct receipt *r)
{
    (void)c;
    (void)r;
    atomic_fetch_add(&spans_out, b->span_count);
    batch_release(b);
    return outcome_accepted();
}

static const struct component_ops count_ops = {.consume = count_consume};

#define ROUNDS 200

/* Sends, and asks for decisions in between. */
static void *send_and_ask(void *context)
{
    struct component *c = context;
    static _Thread_local struct span_wish wishes[50];
    struct explanation *x = calloc(1, sizeof *x);
    uint8_t id[16];
    for (uint64_t round = 0; round < ROUNDS; round++) {
        for (uint64_t i = 0; i < 50; i++)
            wishes[i] = (struct span_wish){.trace = round * 10 + i, .span = i + 1};
        struct outcome o = component_consume(c, wish_batch(wishes, 50), NULL);
        if (o.verdict != VERDICT_ACCEPTED)
            abort();
        wish_trace_id(round * 5, id);
        (void)sampling_explain(c, id, x);
    }
    free(x);
    return NULL;
}

static void lanes_share_a_sampler(void **state)
{
    (void)state;
    struct telemetry *t = telemetry_create();
    struct lane *lanes[2] = {lane_create("one"), lane_create("two")};
    struct error e = {0};
    struct config_value *config = component_config();
    config_set(config, "num_shards", "3");
    config_set(config, "num_traces", "300");
    config_set(config, "decision_wait", "100ms");
    struct component_spec spec = {.kind = &tail_sampling_processor,
                                  .id = "tail_sampling",
                                  .config = config,
                                  .lanes = lanes,
                                  .lane_count = 2,
                                  .telemetry = t};
    struct component *c = tail_sampling_processor.create(&spec, &e);
    struct component end = {.ops = &count_ops};
    pthread_t senders[3];
    c->next = &end;
    atomic_store(&spans_out, 0);
    assert_true(lane_start(lanes[0]) && lane_start(lanes[1]));
    assert_true(c->ops->start(c, &e));
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&senders[i], NULL, send_and_ask, c), 0);
    for (unsigned i = 0; i < 3; i++)
        pthread_join(senders[i], NULL);
    struct buffer text = {0};
    telemetry_write(t, &text);
    buffer_free(&text);
    c->ops->drain(c, monotonic_ns() + 60 * SECOND);
    assert_int_equal(atomic_load(&spans_out), 3 * ROUNDS * 50);
    c->ops->stop(c);
    c->ops->destroy(c);
    for (unsigned i = 0; i < 2; i++)
        lane_destroy(lanes[i]);
    telemetry_destroy(t);
    assert_int_equal(batch_live_bytes(), 0);
}

static void wrong_settings_are_refused(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"tail_storage", "pebble", "tail_storage"},
        {"sampling_strategy", "whatever", "sampling_strategy"},
        {"num_shards", "0", "num_shards"},
        {"num_shards", "257", "num_shards"},
        {"num_traces", "0", "num_traces"},
        {"decision_wait", "soon", "decision_wait"},
        {"colour", "red", "colour"},
    };
    struct telemetry *t = telemetry_create();
    struct lane *lane = lane_create("test");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config_value *config = component_config();
        config_set(config, cases[i][0], cases[i][1]);
        struct error e = {0};
        assert_null(make(config, &lane, t, &e));
        assert_non_null(strstr(e.text, cases[i][2]));
    }
    struct config_value *both = component_config();
    config_set(both, "consistent_probability", "true");
    config_set(both, "sample_on_first_match", "true");
    struct error e = {0};
    assert_null(make(both, &lane, t, &e));
    assert_non_null(strstr(e.text, "sample_on_first_match"));
    struct config_value *limited = config_node(config_root(), CONFIG_MAP, "tail_sampling", NULL);
    struct config_value *policies = config_node(limited, CONFIG_LIST, "policies", NULL);
    config_set(config_policy(policies, "few", "rate_limiting"), "spans_per_second", "5");
    config_set(limited, "sampling_strategy", "span-ingest");
    assert_null(make(limited, &lane, t, &e));
    assert_non_null(strstr(e.text, "policy \"few\" does not allow"));
    struct config_value *empty = config_node(config_root(), CONFIG_MAP, "tail_sampling", NULL);
    assert_null(make(empty, &lane, t, &e));
    assert_non_null(strstr(e.text, "policies"));
    lane_destroy(lane);
    telemetry_destroy(t);
}

static int begin_all(void **state)
{
    (void)state;
    grpc_init();
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    config_release();
    grpc_shutdown_blocking();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(traces_are_decided_whole),
        cmocka_unit_test(the_wait_is_told_to_the_tenth_of_a_second),
        cmocka_unit_test(a_root_shortens_the_wait),
        cmocka_unit_test(late_spans_follow_their_trace),
        cmocka_unit_test(without_memory_a_late_span_is_a_new_trace),
        cmocka_unit_test(the_oldest_trace_makes_room_and_is_judged),
        cmocka_unit_test(blocking_refuses_instead),
        cmocka_unit_test(a_trace_over_its_size_is_not_sampled),
        cmocka_unit_test(small_traces_leave_in_full_batches),
        cmocka_unit_test(nothing_is_lost_when_nobody_takes_it),
        cmocka_unit_test(what_is_rejected_is_counted),
        cmocka_unit_test(a_giant_starves_nobody),
        cmocka_unit_test(adjusted_counts_add_up),
        cmocka_unit_test(thresholds_rise_on_late_spans_too),
        cmocka_unit_test(decisions_explain_themselves),
        cmocka_unit_test(time_never_goes_back),
        cmocka_unit_test(old_decisions_are_told_in_short),
        cmocka_unit_test(the_end_decides_what_waits),
        cmocka_unit_test(what_is_left_at_the_end_is_lost_once),
        cmocka_unit_test(policies_are_accounted_for),
        cmocka_unit_test(arrivals_are_judged_at_once),
        cmocka_unit_test(arrivals_are_judged_alone),
        cmocka_unit_test(what_might_be_dropped_is_not_kept_early),
        cmocka_unit_test(who_was_not_asked_has_no_vote),
        cmocka_unit_test(a_journey_is_kept_whole_or_not_at_all),
        cmocka_unit_test(a_hop_to_a_kept_trace_keeps),
        cmocka_unit_test(what_is_held_is_not_told_as_decided),
        cmocka_unit_test(who_could_not_wait_broke_its_journey),
        cmocka_unit_test(the_end_keeps_journeys_whole),
        cmocka_unit_test(journeys_have_no_known_probability),
        cmocka_unit_test(lanes_share_a_sampler),
        cmocka_unit_test(wrong_settings_are_refused),
    };
    return cmocka_run_group_tests(tests, begin_all, free_all);
}
