#include "tests/unit/kafka_hops/simulated_topic.h"

#include "component/config.h"
#include "component/telemetry.h"
#include "processors/kafka_hops/index.h"
#include "proto/span_kind.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define MS UINT64_C(1000000)

enum { TOPICS_MAX = 64, PARTITIONS_MAX = 64, GROUPS_MAX = 8 };

/* ---- chance: the same everywhere for the same seed ---- */

static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static double chance(uint64_t *state)
{
    return (double)(next(state) >> 11) / 9007199254740992.0;
}

static double exponential(uint64_t *state, double mean)
{
    return -log(1 - chance(state)) * mean;
}

static unsigned below(uint64_t *state, unsigned n)
{
    return (unsigned)(next(state) % n);
}

/* Some keys are much more frequent than others. */
static unsigned pick_key(uint64_t *state, const struct simulated_topic *s)
{
    double u = chance(state);
    return (unsigned)(pow(u, s->key_skew) * s->keys);
}

/* ---- what happens ---- */

/* A span, and the truth about it. */
struct event {
    double arrives_ms;
    struct span_view view;
    struct message message;
    struct party_key party;
    char strings[5][24]; /* service, topic, group, key, and one to spare */
    unsigned record;     /* from 1 */
    unsigned delivery;   /* from 1 of a consumer; 0: a producer */
    bool exact;          /* this pair has an exact key */
    bool lost;
};

struct simulation {
    const struct simulated_topic *s;
    struct simulated_result *result;
    uint64_t random;
    struct event *events;
    size_t count;
    double busy_until_ms[TOPICS_MAX][PARTITIONS_MAX][GROUPS_MAX];
    int64_t offsets[TOPICS_MAX][PARTITIONS_MAX];
    bool *context; /* by record: the consumer carries its producer's */
};

static struct event *add_event(struct simulation *sim, unsigned record, double start_ms,
                               double took_ms)
{
    struct event *e = &sim->events[sim->count++];
    uint64_t id = sim->count;
    memset(e, 0, sizeof *e);
    e->record = record;
    e->view.start_ns = (uint64_t)(start_ms * 1e6) + UINT64_C(1700000000000000000);
    e->view.end_ns = e->view.start_ns + (uint64_t)(took_ms * 1e6);
    memcpy(e->view.span_id, &id, sizeof id);
    memcpy(e->view.trace_id, &id, sizeof id);
    e->view.trace_id[15] = 1;
    e->arrives_ms = start_ms + took_ms + exponential(&sim->random, sim->s->export_ms);
    return e;
}

static struct bytes put(struct event *e, unsigned n, const char *format, unsigned value)
{
    snprintf(e->strings[n], sizeof e->strings[n], format, value);
    return bytes_of_string(e->strings[n]);
}

static void describe(struct event *e, const char *service, unsigned topic, unsigned key,
                     unsigned group)
{
    e->party.strings[PARTY_SERVICE] = put(e, 0, service, topic);
    e->party.strings[PARTY_TOPIC] = put(e, 1, "topic-%u", topic);
    e->message.place.topic = e->party.strings[PARTY_TOPIC];
    e->message.key = put(e, 3, "key-%u", key);
    if (group)
        e->party.strings[PARTY_GROUP] = put(e, 2, "group-%u", group);
    party_key_finish(&e->party);
}

static void write_record(struct simulation *sim, unsigned record, double now_ms, unsigned topic,
                         unsigned partition, unsigned key, bool knows_offset)
{
    const struct simulated_topic *s = sim->s;
    double took_ms = 1 + exponential(&sim->random, 3);
    struct event *e = add_event(sim, record, now_ms, took_ms);
    e->view.kind = SPAN_KIND_PRODUCER;
    describe(e, "writer-%u", topic, key, 0);
    e->message.role = MESSAGE_PRODUCER;
    e->message.place.partition = knows_offset ? (int32_t)partition : -1;
    e->message.place.offset = knows_offset ? sim->offsets[topic][partition] : -1;
    e->lost = chance(&sim->random) < s->loss;
}

static void take_record(struct simulation *sim, unsigned record, double now_ms, unsigned topic,
                        unsigned partition, unsigned group, unsigned key, int64_t offset,
                        unsigned delivery, const struct span_view *parent, bool exact)
{
    const struct simulated_topic *s = sim->s;
    double *busy = &sim->busy_until_ms[topic][partition][group];
    double ready_ms = now_ms + 1 + exponential(&sim->random, s->lag_ms);
    double start_ms = ready_ms > *busy ? ready_ms : *busy;
    double skew_ms = (chance(&sim->random) - 0.5) * 2 * s->skew_ms;
    double took_ms = 1 + exponential(&sim->random, s->process_ms);
    *busy = start_ms + took_ms;
    struct event *e = add_event(sim, record, start_ms + skew_ms, took_ms);
    e->view.kind = SPAN_KIND_CONSUMER;
    describe(e, "reader-%u", topic, key, group + 1);
    e->message.role = MESSAGE_CONSUMER;
    e->message.place.partition = s->consumers_know_offsets ? (int32_t)partition : -1;
    e->message.place.offset = s->consumers_know_offsets ? offset : -1;
    if (parent) {
        memcpy(e->view.trace_id, parent->trace_id, 16);
        memcpy(e->view.parent_span_id, parent->span_id, 8);
    }
    e->delivery = delivery;
    e->exact = exact;
    e->lost = chance(&sim->random) < s->loss;
}

static void run_record(struct simulation *sim, unsigned record, double now_ms)
{
    const struct simulated_topic *s = sim->s;
    unsigned topic = below(&sim->random, s->topics);
    unsigned key = pick_key(&sim->random, s), partition = key * 7919 % s->partitions;
    int64_t offset = sim->offsets[topic][partition];
    bool knows_offset = chance(&sim->random) < s->exact;
    bool context = chance(&sim->random) < s->context;
    write_record(sim, record, now_ms, topic, partition, key, knows_offset);
    const struct span_view producer = sim->events[sim->count - 1].view;
    bool exact = context || (knows_offset && s->consumers_know_offsets);
    for (unsigned group = 0; group < s->groups; group++) {
        unsigned deliveries = 1 + (chance(&sim->random) < s->redelivered);
        for (unsigned d = 1; d <= deliveries; d++)
            take_record(sim, record,
                        (double)(producer.end_ns - UINT64_C(1700000000000000000)) / 1e6, topic,
                        partition, group, key, offset, d, context ? &producer : NULL, exact);
    }
    sim->offsets[topic][partition]++;
}

/* ---- judging ---- */

static uint64_t event_number(const uint8_t span_id[8])
{
    uint64_t n;
    memcpy(&n, span_id, sizeof n);
    return n - 1;
}

/* By the order in which events were made, which their ids tell. */
struct truth {
    unsigned record;
    bool exact;
    bool both_seen;
    bool consumer;
    unsigned found;
};

static void judge(struct simulated_result *r, struct truth *truth, const struct found_hops *found)
{
    for (uint32_t i = 0; i < found->count; i++) {
        const struct hop *hop = &found->items[i].hop;
        struct truth *consumer = &truth[event_number(hop->consumer_span)];
        bool right = truth[event_number(hop->producer_span)].record == consumer->record;
        consumer->found++;
        r->twice += consumer->found > 1;
        if (hop->inferred) {
            r->inferred++;
            r->inferred_right += right;
        } else {
            r->exact++;
            r->exact_right += right;
        }
    }
}

static int by_arrival(const void *a, const void *b)
{
    const struct event *x = a, *y = b;
    return (x->arrives_ms > y->arrives_ms) - (x->arrives_ms < y->arrives_ms);
}

static struct truth *truths(const struct simulation *sim)
{
    struct truth *t = calloc(sim->count, sizeof *t);
    bool *written = calloc(sim->s->records + 1, sizeof *written);
    for (size_t i = 0; i < sim->count; i++) {
        const struct event *e = &sim->events[i];
        if (!e->delivery)
            written[e->record] = !e->lost;
        t[i] = (struct truth){.record = e->record,
                              .exact = e->exact,
                              .consumer = e->delivery > 0,
                              .both_seen = !e->lost && written[e->record]};
    }
    free(written);
    return t;
}

static void sum_up(struct simulated_result *r, const struct truth *truth, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct truth *t = &truth[i];
        if (!t->consumer || !t->both_seen)
            continue;
        if (t->exact) {
            r->exact_there++;
            r->exact_missed += t->found == 0;
        } else {
            r->inferable++;
            r->inferable_found += t->found > 0;
        }
    }
}

/* ---- running ---- */

static struct index_counters counters_of(struct telemetry *t)
{
    struct counter *c = telemetry_counter(t, "events", "", LABELS({"a", "b"}));
    struct index_counters counters = {
        .expired_producers = c, .expired_consumers = c, .unmatchable = c, .repeated = c};
    for (unsigned i = 0; i < HOP_MATCHES; i++)
        counters.found[i] = c;
    for (unsigned i = 0; i < OVERFLOWS; i++)
        counters.overflow[i] = c;
    return counters;
}

static void deliver(struct simulation *sim, struct hop_index *ix, struct truth *truth)
{
    struct found_hops found = {0};
    double ticked_ms = 0;
    for (size_t i = 0; i < sim->count; i++) {
        const struct event *e = &sim->events[i];
        if (e->lost)
            continue;
        uint32_t now_ms = (uint32_t)(1000000 + e->arrives_ms);
        for (; ticked_ms < e->arrives_ms; ticked_ms += 1000)
            hop_index_tick(ix, (uint32_t)(1000000 + ticked_ms), &found);
        struct index_hashes hashes;
        hop_index_hash(&e->view, &e->message, &e->party, &hashes);
        struct index_span span = {.view = &e->view,
                                  .message = &e->message,
                                  .party = &e->party,
                                  .hashes = &hashes,
                                  .now_ms = now_ms};
        if (e->delivery)
            hop_index_consumer(ix, &span, &found);
        else
            hop_index_producer(ix, &span, &found);
        judge(sim->result, truth, &found);
        found_hops_clear(&found);
    }
    hop_index_settle(ix, &found);
    judge(sim->result, truth, &found);
    found_hops_free(&found);
}

void simulated_topic_run(const struct simulated_topic *s, struct simulated_result *result)
{
    struct simulation sim = {.s = s, .result = result, .random = s->seed};
    struct index_settings settings = {.ttl_ms = 3600000,
                                      .wait_ms = 300000,
                                      .settle_ms = s->settle_ms,
                                      .window_ns = 60000 * MS,
                                      .max_records = 1000000,
                                      .infer = true};
    struct telemetry *t = telemetry_create();
    struct index_counters counters = counters_of(t);
    struct hop_metrics *metrics = hop_metrics_create(100, counters.repeated);
    struct hop_index *ix = hop_index_create(&settings, &counters, metrics);
    *result = (struct simulated_result){0};
    sim.events = malloc((size_t)s->records * (1 + 2 * s->groups) * sizeof *sim.events);
    double now_ms = 0;
    for (unsigned record = 1; record <= s->records; record++) {
        now_ms += exponential(&sim.random, 1000.0 / s->rate);
        run_record(&sim, record, now_ms);
    }
    struct truth *truth = truths(&sim);
    qsort(sim.events, sim.count, sizeof *sim.events, by_arrival);
    for (size_t i = 0; i < sim.count; i++) { /* strings moved with their events */
        struct event *e = &sim.events[i];
        e->party.strings[PARTY_SERVICE] = bytes_of_string(e->strings[0]);
        e->party.strings[PARTY_TOPIC] = e->message.place.topic = bytes_of_string(e->strings[1]);
        e->party.strings[PARTY_GROUP] = bytes_of_string(e->strings[2]);
        e->message.key = bytes_of_string(e->strings[3]);
    }
    deliver(&sim, ix, truth);
    sum_up(result, truth, sim.count);
    free(truth);
    free(sim.events);
    hop_index_destroy(ix);
    hop_metrics_destroy(metrics);
    telemetry_destroy(t);
}
