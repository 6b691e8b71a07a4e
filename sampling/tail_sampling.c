/* `processors: tail_sampling`: keeps or drops traces as a whole, once they are likely complete.
 *
 * The keys are the Collector's, and so is what they mean, but for three things. At num_traces the
 * oldest trace is decided early where the Collector throws it away. decision_wait counts tenths of
 * seconds, not whole ones. And the memory of decisions, always on, is sized in bytes
 * (decision_memory_bytes), whatever decision_cache asks for in entries.
 *
 * Spans are accepted as soon as they are held in memory. */
#include "component/lane.h"
#include "component/log.h"
#include "sampling/sampler_settings.h"
#include "sampling/sampling.h"
#include "sampling/shard.h"
#include "sampling/trace_table.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RETRY_AFTER_MS = 500 };

/* A shard and its turns on its home lane. */
struct home {
    struct lane_timer timer;
    struct lane *lane;
    struct shard *shard;
};

struct sampler {
    struct component component;
    struct shard_settings settings;
    struct sampler_metrics metrics;
    struct telemetry *telemetry;
    struct journeys *journeys; /* NULL: off */
    struct home *homes;
    unsigned shard_count; /* made so far */

    /* under the registry's lock */
    struct sampler *next_started;
};

/* ---- the registry of started samplers ---- */

static struct {
    pthread_mutex_t lock;
    struct sampler *first;
} registry = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void registry_add(struct sampler *s)
{
    pthread_mutex_lock(&registry.lock);
    s->next_started = registry.first;
    registry.first = s;
    pthread_mutex_unlock(&registry.lock);
}

/* True when it was the last. */
static bool registry_remove(struct sampler *s)
{
    pthread_mutex_lock(&registry.lock);
    struct sampler **link = &registry.first;
    while (*link && *link != s)
        link = &(*link)->next_started;
    if (*link)
        *link = s->next_started;
    bool last = registry.first == NULL;
    pthread_mutex_unlock(&registry.lock);
    return last;
}

static double read_waiting_traces(void *context)
{
    (void)context;
    double n = 0;
    pthread_mutex_lock(&registry.lock);
    for (struct sampler *s = registry.first; s; s = s->next_started) {
        for (unsigned i = 0; i < s->shard_count; i++)
            n += shard_waiting_traces(s->homes[i].shard);
    }
    pthread_mutex_unlock(&registry.lock);
    return n;
}

static double read_memory_bytes(void *context)
{
    struct sampler *s = context;
    double n = 0;
    for (unsigned i = 0; i < s->shard_count; i++)
        n += (double)shard_memory_bytes(s->homes[i].shard);
    return n;
}

bool sampling_explain(struct component *c, const uint8_t trace_id[16], struct explanation *out)
{
    struct sampler *s = (struct sampler *)c;
    memset(out, 0, sizeof *out);
    out->component = c->id;
    unsigned shard = shard_of_trace(trace_hash(trace_id), s->settings.shards);
    return shard_explain(s->homes[shard].shard, trace_id, out);
}

void sampling_explain_all(const uint8_t trace_id[16], struct explanation *out,
                          void (*each)(void *context, const struct explanation *e), void *context)
{
    pthread_mutex_lock(&registry.lock);
    for (struct sampler *s = registry.first; s; s = s->next_started) {
        if (sampling_explain(&s->component, trace_id, out))
            each(context, out);
    }
    pthread_mutex_unlock(&registry.lock);
}

/* ---- journeys ---- */

static enum journey_past past_of(struct sampler *s, uint64_t hash)
{
    return shard_past(s->homes[shard_of_trace(hash, s->settings.shards)].shard, hash);
}

void sampling_join_all(const uint8_t producer[16], const uint8_t consumer[16], bool waited)
{
    struct journey_side a = {.trace = trace_hash(producer), .closes = true};
    struct journey_side b = {.trace = trace_hash(consumer), .closes = waited};
    pthread_mutex_lock(&registry.lock);
    for (struct sampler *s = registry.first; s; s = s->next_started) {
        if (!s->journeys)
            continue;
        a.past = past_of(s, a.trace);
        b.past = past_of(s, b.trace);
        journeys_join(s->journeys, &a, &b, monotonic_ns());
    }
    pthread_mutex_unlock(&registry.lock);
}

void sampling_open_all(const uint8_t trace[16])
{
    pthread_mutex_lock(&registry.lock);
    for (struct sampler *s = registry.first; s; s = s->next_started) {
        if (s->journeys)
            journeys_open(s->journeys, trace_hash(trace), monotonic_ns());
    }
    pthread_mutex_unlock(&registry.lock);
}

static struct journeys_counts journey_counts(const void *context)
{
    struct journeys_counts counts;
    journeys_count(((const struct sampler *)context)->journeys, &counts);
    return counts;
}

static double read_journey_traces(void *context)
{
    return journey_counts(context).traces;
}

static double read_broken_journeys(void *context)
{
    return (double)journey_counts(context).broken;
}

static double read_refused_joins(void *context)
{
    return (double)journey_counts(context).apart;
}

static void publish_journeys(struct sampler *s)
{
    const struct label *labels = LABELS({"processor", s->component.id});
    telemetry_gauge(s->telemetry, "tailspan_tail_sampling_journey_traces",
                    "Traces that are known to be of a journey.", labels, read_journey_traces, s);
    telemetry_total(s->telemetry, "tailspan_tail_sampling_journeys_broken",
                    "Journeys that were kept when some of their traces had been let go.", labels,
                    read_broken_journeys, s);
    telemetry_total(s->telemetry, "tailspan_tail_sampling_joins_refused",
                    "Hops that did not join their traces, because the journey would be too large.",
                    labels, read_refused_joins, s);
}

/* ---- spans in ---- */

static bool tail_sampling_has_room(struct component *c, const struct batch *b, struct outcome *why)
{
    struct sampler *s = (struct sampler *)c;
    (void)b;
    for (unsigned i = 0; i < s->shard_count; i++) {
        if (shard_has_room(s->homes[i].shard))
            continue;
        *why = outcome_busy(RETRY_AFTER_MS,
                            "%s: as many traces wait for their decision as may, or "
                            "for what comes next",
                            c->id);
        return false;
    }
    return true;
}

static struct outcome tail_sampling_consume(struct component *c, struct batch *b, struct receipt *r)
{
    struct sampler *s = (struct sampler *)c;
    struct outcome why;
    (void)r;
    if (!tail_sampling_has_room(c, b, &why)) {
        batch_release(b);
        return why;
    }
    counter_add(s->metrics.items.incoming, b->span_count);
    uint64_t now_ns = monotonic_ns();
    for (unsigned i = 0; i < s->shard_count; i++)
        shard_offer(s->homes[i].shard, b, now_ns);
    batch_release(b);
    return outcome_accepted();
}

/* ---- turns ---- */

/* While there is more to do, turns take at most half of the lane's time. */
static void take_turn(struct lane_timer *timer)
{
    struct home *h = (struct home *)timer;
    uint64_t began_ns = monotonic_ns();
    uint64_t next_ns = shard_turn(h->shard, began_ns);
    uint64_t ended_ns = monotonic_ns();
    uint64_t earliest_ns = ended_ns + (ended_ns - began_ns);
    lane_timer_set(h->lane, timer, next_ns > earliest_ns ? next_ns : earliest_ns);
}

static void begin_turns(void *context)
{
    struct home *h = context;
    lane_timer_set(h->lane, &h->timer, monotonic_ns());
}

static void end_turns(void *context)
{
    struct home *h = context;
    lane_timer_cancel(h->lane, &h->timer);
}

static void turn_once(void *context)
{
    struct home *h = context;
    (void)shard_turn(h->shard, monotonic_ns());
}

static bool tail_sampling_start(struct component *c, struct error *e)
{
    struct sampler *s = (struct sampler *)c;
    (void)e;
    for (unsigned i = 0; i < s->shard_count; i++)
        lane_call(s->homes[i].lane, begin_turns, &s->homes[i]);
    registry_add(s);
    telemetry_gauge(s->telemetry, "otelcol_processor_tail_sampling_sampling_traces_on_memory",
                    "Traces that wait for their decision.", NULL, read_waiting_traces, &registry);
    telemetry_gauge(s->telemetry, "tailspan_tail_sampling_decision_memory_bytes",
                    "Memory that decisions are remembered in.", LABELS({"processor", c->id}),
                    read_memory_bytes, s);
    if (s->journeys)
        publish_journeys(s);
    component_set_ok(c);
    return true;
}

/* Spans that have not left yet. */
static uint64_t pending_spans(struct sampler *s)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < s->shard_count; i++)
        n += shard_pending_spans(s->homes[i].shard);
    return n;
}

static bool all_empty(struct sampler *s)
{
    for (unsigned i = 0; i < s->shard_count; i++) {
        if (!shard_empty(s->homes[i].shard))
            return false;
    }
    return true;
}

static void end_all_turns(struct sampler *s)
{
    for (unsigned i = 0; i < s->shard_count; i++)
        lane_call(s->homes[i].lane, end_turns, &s->homes[i]);
}

/* Takes half of the time at most: those behind it have to finish as well. What is left is lost, so
 * no turn may hand it on any more. */
static void tail_sampling_drain(struct component *c, uint64_t deadline_ns)
{
    struct sampler *s = (struct sampler *)c;
    uint64_t now_ns = monotonic_ns();
    if (deadline_ns > now_ns)
        deadline_ns = now_ns + (deadline_ns - now_ns) / 2;
    for (unsigned i = 0; i < s->shard_count; i++)
        shard_drain(s->homes[i].shard);
    while (!all_empty(s) && monotonic_ns() < deadline_ns) {
        uint64_t before = pending_spans(s);
        for (unsigned i = 0; i < s->shard_count; i++)
            lane_call(s->homes[i].lane, turn_once, &s->homes[i]);
        if (pending_spans(s) == before) /* nothing moved: whoever comes next is busy */
            nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    end_all_turns(s);
    uint64_t left = pending_spans(s);
    if (left == 0)
        return;
    counter_add(s->metrics.lost_shutdown, left);
    log_warn(c->id, "kept spans are lost: the next component had no room until the end",
             LOG_I("spans", (int64_t)left));
}

static void tail_sampling_stop(struct component *c)
{
    struct sampler *s = (struct sampler *)c;
    end_all_turns(s);
    if (registry_remove(s))
        telemetry_remove(s->telemetry, &registry);
    telemetry_remove(s->telemetry, s);
}

static void tail_sampling_destroy(struct component *c)
{
    struct sampler *s = (struct sampler *)c;
    for (unsigned i = 0; i < s->shard_count; i++)
        shard_destroy(s->homes[i].shard);
    sampler_metrics_free(&s->metrics);
    journeys_destroy(s->journeys);
    free(s->homes);
    free(s);
}

static const struct component_ops ops = {
    .start = tail_sampling_start,
    .consume = tail_sampling_consume,
    .has_room = tail_sampling_has_room,
    .drain = tail_sampling_drain,
    .stop = tail_sampling_stop,
    .destroy = tail_sampling_destroy,
};

/* ---- making ---- */

static uint32_t per_shard(int64_t total, int64_t shards)
{
    return total < shards ? 1 : (uint32_t)(total / shards);
}

/* Journeys are known for as long as their traces may come late, more or less. */
#define JOURNEY_FORGET_NS (600 * 1000000000ULL)
#define JOURNEY_TRACES    (1U << 20)

/* What closes the last open end lets a journey's traces go a wait later: who asks no more often
 * than that still hears of it in time. */
#define JOURNEY_ASK_NS 1000000000U

static bool make_journeys(struct sampler *s, const struct sampler_settings *c, struct error *e)
{
    const struct journeys_settings settings = {
        .wait_ns = (uint64_t)c->decision_wait_ns,
        .hold_ns = (uint64_t)c->journeys.max_hold_ns,
        .ask_again_ns = (uint64_t)c->decision_wait_ns + JOURNEY_ASK_NS,
        .forget_ns = JOURNEY_FORGET_NS,
        .most_traces_each = (uint32_t)c->journeys.max_traces,
        .most_traces = JOURNEY_TRACES,
    };
    if (!c->journeys.enabled)
        return true;
    s->journeys = journeys_create(&settings);
    s->settings.journeys = s->journeys;
    s->settings.hold_ns = settings.hold_ns;
    return s->journeys || error_set(e, "out of memory");
}

static void apply(struct sampler *s, const struct sampler_settings *c)
{
    s->settings = (struct shard_settings){
        .decision_wait_ns = (uint64_t)c->decision_wait_ns,
        .after_root_ns = (uint64_t)c->after_root_ns,
        .traces_limit = per_shard(c->num_traces, c->num_shards),
        .memory_bytes = (size_t)(c->memory_bytes / c->num_shards),
        .recent_bytes = (size_t)(c->explanation_bytes / c->num_shards),
        .trace_bytes = (uint64_t)c->trace_bytes,
        .shards = (unsigned)c->num_shards,
        .block_on_overflow = c->block_on_overflow,
        .first_match = c->first_match,
        .consistent = c->consistent,
        .record_policy = c->record_policy,
        .drop_pending = c->drop_pending,
        .on_ingest = c->strategy == STRATEGY_SPAN_INGEST,
        .metrics = &s->metrics,
        .sampler = &s->component,
    };
}

static bool make_shards(struct sampler *s, const struct component_spec *spec,
                        const struct sampler_settings *c, struct error *e)
{
    s->homes = calloc(s->settings.shards, sizeof *s->homes);
    for (unsigned i = 0; s->homes && i < s->settings.shards; i++) {
        struct policy_set *policies =
            policy_set_create(c->policies, spec->id, s->settings.shards, s->settings.consistent, e);
        if (!policies)
            return false;
        if (s->settings.on_ingest && policy_set_stateful(policies)) {
            config_error(
                config_child(spec->config, "sampling_strategy"), e,
                "span-ingest judges a trace many times, which policy \"%s\" does not allow",
                policy_set_stateful(policies));
            policy_set_destroy(policies);
            return false;
        }
        if (i == 0 && !sampler_metrics_init(&s->metrics, spec->telemetry, spec->id, policies)) {
            policy_set_destroy(policies);
            return error_set(e, "out of memory");
        }
        s->homes[i].timer.run = take_turn;
        s->homes[i].lane = spec->lanes[i % spec->lane_count];
        s->homes[i].shard = shard_create(&s->settings, i, policies, monotonic_ns());
        if (!s->homes[i].shard)
            return error_set(e, "%s: out of memory for %u traces", spec->id,
                             s->settings.traces_limit);
        s->shard_count++;
    }
    return s->homes || error_set(e, "out of memory");
}

static struct component *tail_sampling_create(const struct component_spec *spec, struct error *e)
{
    struct sampler_settings c = {0};
    if (!sampler_settings_read(spec->config, &c, e))
        return NULL;
    struct sampler *s = calloc(1, sizeof *s);
    if (!s) {
        error_set(e, "out of memory");
        return NULL;
    }
    component_init(&s->component, spec, &ops);
    s->telemetry = spec->telemetry;
    apply(s, &c);
    if (make_journeys(s, &c, e) && make_shards(s, spec, &c, e))
        return &s->component;
    tail_sampling_destroy(&s->component);
    return NULL;
}

const struct component_kind tail_sampling_processor = {
    .type = "tail_sampling",
    .class = COMPONENT_PROCESSOR,
    .summary = "keeps or drops traces as a whole, by policies, once they are likely complete",
    .create = tail_sampling_create,
};
