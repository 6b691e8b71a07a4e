/* The processor: its keys, its limits, its metrics, time, and several lanes at once. */
#include "component/metric.h"
#include "processors/kafka_hops/index.h"
#include "tests/unit/kafka_hops/rig.h"

#include <pthread.h>

#define PLACE(p, o) ".destination.name=T .destination.partition.id=" #p " .kafka.offset=#" #o

/* ---- configuration ---- */

static void wrong_keys_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *config, *says;
    } cases[] = {
        {"{'ttl':'1000h'}", "ttl must be at most 336h"},
        {"{'ttl':'1m','wait':'2m'}", "wait must not be longer than ttl"},
        {"{'wait':'5s'}", "infer::settle must not be longer than wait"},
        {"{'max_records':5}", "max_records"},
        {"{'topics':5}", "topics"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct telemetry *t = telemetry_create();
        struct component_spec spec = {.kind = &kafka_hops_processor,
                                      .id = "kafka_hops",
                                      .config = config_of(cases[i].config),
                                      .telemetry = t};
        struct error e = {0};
        assert_null(kafka_hops_processor.create(&spec, &e));
        if (!strstr(e.text, cases[i].says))
            fail_msg("%s: %s", cases[i].config, e.text);
        telemetry_destroy(t);
    }
    config_release();
}

/* ---- limits ---- */

static void the_eldest_makes_room(void **state)
{
    (void)state;
    struct rig *rig = rig_start("{'max_records':1000}");
    for (unsigned i = 0; i < 1500; i++) {
        rig_send(rig, "p",
                 span(PRODUCER, 1 + i, 10 + i, 0, 100, 105,
                      rig_text(".destination.name=T .kafka.partition=#0 .kafka.offset=#%u", i),
                      ""));
        if (i % 100 == 0)
            config_release(); /* the spans' text */
    }
    assert_shown(
        rig, "tailspan_kafka_hops_overflow{processor=\"kafka_hops\",reason=\"max_records\"} 500");
    assert_shown(rig,
                 "tailspan_kafka_hops_waiting{processor=\"kafka_hops\",side=\"producer\"} 1000");
    rig_send(rig, "c", span(CONSUMER, 9, 9, 0, 200, 205, PLACE(0, 499), ""));
    assert_int_equal(rig->count, 0);
    rig_send(rig, "c", span(CONSUMER, 8, 8, 0, 200, 205, PLACE(0, 501), ""));
    assert_int_equal(rig->count, 1);
    rig_stop(rig);
}

/* ---- the index by itself, whose time is ours ---- */

struct bench {
    struct telemetry *telemetry;
    struct index_counters counters;
    struct hop_metrics *metrics;
    struct hop_index *index;
    struct found_hops found;
};

static struct counter *named(struct bench *b, const char *name)
{
    return telemetry_counter(b->telemetry, name, "", LABELS({"a", "b"}));
}

static void bench_open(struct bench *b, const struct index_settings *settings)
{
    *b = (struct bench){.telemetry = telemetry_create()};
    for (unsigned i = 0; i < HOP_MATCHES; i++)
        b->counters.found[i] = named(b, "found");
    static const char *const overflows[OVERFLOWS] = {"records", "parties", "links", "search",
                                                     "memory"};
    for (unsigned i = 0; i < OVERFLOWS; i++)
        b->counters.overflow[i] = named(b, overflows[i]);
    b->counters.expired_producers = named(b, "expired_producers");
    b->counters.expired_consumers = named(b, "expired_consumers");
    b->counters.unmatchable = named(b, "unmatchable");
    b->counters.repeated = named(b, "repeated");
    b->metrics = hop_metrics_create(10, named(b, "series"));
    b->index = hop_index_create(settings, &b->counters, b->metrics);
    assert_non_null(b->index);
}

static void bench_close(struct bench *b)
{
    found_hops_free(&b->found);
    hop_index_destroy(b->index);
    hop_metrics_destroy(b->metrics);
    telemetry_destroy(b->telemetry);
}

static bool bench_span(struct bench *b, unsigned number, bool consumer, const char *topic,
                       int64_t offset, uint32_t now_ms)
{
    struct span_view view = {.start_ns = 1000 * SEC, .end_ns = 1000 * SEC};
    struct message m = {.role = consumer ? MESSAGE_CONSUMER : MESSAGE_PRODUCER,
                        .place = {bytes_of_string(topic), offset, 0},
                        .original = {.offset = -1, .partition = -1}};
    struct party_key party = {
        .strings = {[PARTY_SERVICE] = bytes_of_string("s"), [PARTY_TOPIC] = m.place.topic}};
    struct index_hashes hashes;
    memcpy(view.span_id, &number, sizeof number);
    memcpy(view.trace_id, &number, sizeof number);
    view.trace_id[15] = 1;
    view.kind = consumer ? CONSUMER : PRODUCER;
    party_key_finish(&party);
    hop_index_hash(&view, &m, &party, &hashes);
    struct index_span s = {
        .view = &view, .message = &m, .party = &party, .hashes = &hashes, .now_ms = now_ms};
    return consumer ? hop_index_consumer(b->index, &s, &b->found)
                    : hop_index_producer(b->index, &s, &b->found);
}

static void time_lets_go(void **state)
{
    (void)state;
    static const struct index_settings settings = {.ttl_ms = 100000,
                                                   .wait_ms = 10000,
                                                   .settle_ms = 1000,
                                                   .max_records = 100000,
                                                   .infer = true};
    struct bench b;
    struct index_size size;
    uint32_t now = UINT32_MAX - 50000; /* the clock wraps on the way */
    bench_open(&b, &settings);
    for (unsigned i = 0; i < 5000; i++) {
        bench_span(&b, 2 * i + 1, false, "T", i, now);
        bench_span(&b, 2 * i + 2, true, "U", i, now);
    }
    hop_index_tick(b.index, now - 5, &b.found); /* another lane looked at its clock before */
    hop_index_tick(b.index, now + 9999, &b.found);
    hop_index_size(b.index, &size);
    assert_int_equal(size.producers, 5000);
    assert_int_equal(size.consumers, 5000);
    assert_int_equal(counter_read(b.counters.expired_producers), 0);
    for (uint32_t at = now + 10000; at != now + 10010; at++)
        hop_index_tick(b.index, at, &b.found);
    hop_index_size(b.index, &size);
    assert_int_equal(size.producers, 5000);
    assert_int_equal(size.consumers, 0);
    assert_int_equal(counter_read(b.counters.expired_producers), 5000);
    assert_int_equal(counter_read(b.counters.expired_consumers), 5000);
    bench_span(&b, 100001, true, "T", 77, now + 99999);
    assert_int_equal(b.found.count, 1);
    for (uint32_t at = now + 100000; at != now + 100010; at++)
        hop_index_tick(b.index, at, &b.found);
    hop_index_size(b.index, &size);
    assert_int_equal(size.producers, 0);
    bench_close(&b);
}

static void a_tick_does_a_bounded_amount(void **state)
{
    (void)state;
    static const struct index_settings settings = {
        .ttl_ms = 1000, .wait_ms = 1000, .max_records = 100000, .infer = true};
    struct bench b;
    struct index_size size;
    bench_open(&b, &settings);
    for (unsigned i = 0; i < 5000; i++)
        bench_span(&b, i + 1, false, "T", i, 1);
    uint32_t next = hop_index_tick(b.index, 5000, &b.found);
    hop_index_size(b.index, &size);
    assert_in_range(size.producers, 3000, 4500);
    assert_in_range(next, 5001, 5100); /* and comes again soon */
    bench_close(&b);
}

/* Many more topics than fit at once: those that nothing refers to make room. */
static void topics_come_and_go(void **state)
{
    (void)state;
    static const struct index_settings settings = {
        .ttl_ms = 1000, .wait_ms = 1000, .max_records = 1000, .infer = true};
    struct bench b;
    struct index_size size;
    char topic[32];
    bench_open(&b, &settings);
    for (unsigned i = 0; i < 300000; i++) {
        snprintf(topic, sizeof topic, "topic-%u", i);
        bench_span(&b, i + 1, false, topic, i, i * 10);
        if (i % 4 == 0)
            hop_index_tick(b.index, i * 10, &b.found);
        if (i % 1000 == 999) {
            uint32_t found = b.found.count;
            bench_span(&b, 1000000 + i, true, topic, i, i * 10);
            assert_int_equal(b.found.count, found + 1);
        }
    }
    hop_index_size(b.index, &size);
    assert_in_range(size.parties, 100, 50000);
    bench_close(&b);
}

/* Names that nobody ever sends again take the eldest records' place, not everybody's. */
static void for_one_topic_too_many_the_eldest_records_go(void **state)
{
    (void)state;
    static const struct index_settings settings = {
        .ttl_ms = 10000000, .wait_ms = 1000, .max_records = 1000000, .infer = true};
    enum { STRANGERS = 200000, APART = 20 };
    struct bench b;
    char topic[PARTY_STRING_MAX];
    struct index_size size;
    bench_open(&b, &settings);
    memset(topic, 'x', sizeof topic);
    for (unsigned i = 0; i < STRANGERS; i++) {
        snprintf(topic + sizeof topic - APART, APART, "%u", i);
        bench_span(&b, i + 1, false, topic, i, i);
    }
    hop_index_size(b.index, &size);
    assert_in_range(size.parties, 10000, STRANGERS / 2);
    assert_in_range(counter_read(b.counters.overflow[OVERFLOW_RECORDS]), STRANGERS / 2, STRANGERS);
    assert_int_equal(counter_read(b.counters.overflow[OVERFLOW_PARTIES]), 0);
    bench_span(&b, STRANGERS + 1, false, "known", 7, STRANGERS);
    bench_span(&b, STRANGERS + 2, true, "known", 7, STRANGERS);
    assert_int_equal(b.found.count, 1);
    bench_close(&b);
}

static void a_million_records_fit_in_a_hundred_megabytes(void **state)
{
    (void)state;
    static const struct index_settings settings = {
        .ttl_ms = 100000, .wait_ms = 1000, .max_records = 2000000, .infer = true};
    struct bench b;
    struct index_size size;
    bench_open(&b, &settings);
    for (unsigned i = 0; i < 1000000; i++)
        bench_span(&b, i + 1, false, "T", i, 1);
    hop_index_size(b.index, &size);
    assert_int_equal(size.producers, 1000000);
    assert_true(size.bytes < 100000000);
    for (unsigned i = 0; i < 1000000; i += 997) {
        uint32_t found = b.found.count;
        bench_span(&b, 2000000 + i, true, "T", i, 1);
        assert_int_equal(b.found.count, found + 1);
    }
    bench_close(&b);
}

/* Records lie in a ring that is reserved once; memory behind the eldest is given back. */
static void the_ring_goes_round(void **state)
{
    (void)state;
    static const struct index_settings settings = {
        .ttl_ms = 100000, .wait_ms = 1000, .max_records = 70000, .infer = true};
    enum { ROUND = 1 << 19 };
    struct bench b;
    struct index_size size;
    bench_open(&b, &settings);
    for (unsigned i = 0; i < ROUND + ROUND / 4; i++) {
        bench_span(&b, i + 1, false, "T", i, 1);
        if (i % 4099 == 0)
            bench_span(&b, 2000000 + i, true, "T", i > 60000 ? i - 60000 : i, 1);
    }
    hop_index_size(b.index, &size);
    assert_int_equal(size.producers, 70000);
    assert_int_equal(b.found.count, (ROUND + ROUND / 4 + 4098) / 4099);
    assert_true(size.bytes < 10000000);
    bench_close(&b);
}

/* ---- metrics ---- */

struct seen {
    struct metric_visitor visitor;
    const char *family;
    struct buffer text;
};

static bool note(struct metric_visitor *v, const struct metric_point *p)
{
    struct seen *s = (struct seen *)v;
    buffer_append_string(&s->text, s->family);
    for (size_t i = 0; i < p->label_count; i++) {
        const struct metric_label *l = &p->labels[i];
        buffer_printf(&s->text, " %.*s=", (int)l->name.len, l->name.data);
        if (l->value.type == VALUE_STRING)
            buffer_printf(&s->text, "%.*s", (int)l->value.bytes.len, l->value.bytes.data);
        else
            buffer_printf(&s->text, "true");
    }
    buffer_printf(&s->text, " %g/%llu/%g\n", p->value, (unsigned long long)p->count, p->sum);
    return true;
}

static void assert_metrics(struct rig *rig, const char *line)
{
    struct metric_source *source = rig->processor->ops->metrics(rig->processor);
    struct seen s = {.visitor = {.point = note}};
    for (size_t i = 0; i < source->family_count; i++) {
        s.family = source->families[i].name;
        source->collect(source, i, &s.visitor);
    }
    char *text = buffer_take(&s.text, NULL);
    if (!text || !strstr(text, line))
        fail_msg("no \"%s\" in\n%s", line, text ? text : "");
    free(text);
}

static void hops_are_measured(void **state)
{
    (void)state;
    struct rig *rig = rig_start("{'max_series':2}");
    const char *g = PLACE(0, 7) " .consumer.group.name=g";
    rig_send(rig, "p", span(PRODUCER, 1, 10, 0, 100, 200, PLACE(0, 7), ""));
    rig_send(rig, "c", span(CONSUMER, 2, 20, 0, 700, 800, g, ""));
    rig_send(rig, "c", span(CONSUMER, 3, 30, 0, 150, 160, g, "")); /* by a clock that is behind */
    rig_send(rig, "c", span(CLIENT, 4, 40, 0, 900, 950, g, ""));   /* a poll is not measured */
    assert_metrics(rig, "traces.kafka.hop.latency topic=T consumer_group=g producer_service=p "
                        "consumer_service=c 0/2/0.5\n");
    assert_metrics(rig, "traces.kafka.hops topic=T consumer_group=g producer_service=p "
                        "consumer_service=c matched_by=offset 3/0/0\n");
    assert_metrics(rig, "traces.kafka.hop.redeliveries topic=T consumer_group=g "
                        "producer_service=p consumer_service=c 1/0/0\n");
    assert_metrics(rig, "traces.kafka.hop.negative_latencies topic=T consumer_group=g "
                        "producer_service=p consumer_service=c 1/0/0\n");
    rig_send(rig, "d", span(CONSUMER, 5, 50, 0, 700, 800, PLACE(0, 7), ""));
    for (unsigned i = 0; i < 3; i++) /* two series are all there may be */
        rig_send(rig, "e",
                 span(CONSUMER, 6 + i, 60 + i, 0, 200, 300,
                      rig_text(PLACE(0, 7) " .consumer.group.name=h%u", i), ""));
    assert_metrics(rig, "traces.kafka.hop.latency otel.metric.overflow=true 0/3/0\n");
    assert_shown(rig,
                 "tailspan_kafka_hops_overflow{processor=\"kafka_hops\",reason=\"max_series\"} 3");
    rig_stop(rig);
}

static void what_never_met_its_other_side_is_measured(void **state)
{
    (void)state;
    for (int consumers = 0; consumers < 2; consumers++) {
        struct rig *rig = rig_start("{'max_records':1000}");
        for (unsigned i = 0; i <= 1000; i++)
            rig_send(rig, consumers ? "c" : "p",
                     span(consumers ? CONSUMER : PRODUCER, 1 + i, 10 + i, 0, 100, 200,
                          rig_text(".destination.name=%s .kafka.partition=#0 .kafka.offset=#%u "
                                   ".consumer.group.name=g",
                                   i ? "B" : "A", i),
                          ""));
        assert_metrics(rig, consumers ? "traces.kafka.hop.unmatched_consumers topic=A "
                                        "consumer_group=g consumer_service=c 1/0/0\n"
                                      : "traces.kafka.hop.unmatched_producers topic=A "
                                        "producer_service=p 1/0/0\n");
        rig_stop(rig);
    }
}

/* ---- several lanes ---- */

enum { LANES = 4, EACH = 500 };

struct lane_of_test {
    pthread_t thread;
    struct rig *rig;
    struct batch *batches[EACH];
};

static void *run_lane(void *context)
{
    struct lane_of_test *l = context;
    for (unsigned i = 0; i < EACH; i++) {
        component_consume(l->rig->processor, l->batches[i], NULL);
        if (i % 50 == 0) {
            struct metric_source *source = l->rig->processor->ops->metrics(l->rig->processor);
            struct seen s = {.visitor = {.point = note}, .family = ""};
            source->collect(source, 0, &s.visitor);
            buffer_free(&s.text);
        }
    }
    return NULL;
}

/* Lane n brings the producers of what lane n + 1 consumes. */
static void lanes_share_the_index(void **state)
{
    (void)state;
    struct rig *rig = rig_start("{}");
    static struct lane_of_test lanes[LANES];
    for (unsigned l = 0; l < LANES; l++) {
        lanes[l].rig = rig;
        for (unsigned i = 0; i < EACH; i++) {
            unsigned p = l * EACH + i, c = (l + 1) % LANES * EACH + i;
            lanes[l].batches[i] =
                batch_from("s", rig_text("%s,%s",
                                         span(PRODUCER, 1, 100000 + p, 0, 100, 105,
                                              rig_text(".destination.name=T .kafka.partition=#%u "
                                                       ".kafka.offset=#%u",
                                                       l, i),
                                              ""),
                                         span(CONSUMER, 2 + c, 200000 + c, 0, 120, 125,
                                              rig_text(".destination.name=T .kafka.partition=#%u "
                                                       ".kafka.offset=#%u",
                                                       (l + 1) % LANES, i),
                                              "")));
        }
    }
    for (unsigned l = 0; l < LANES; l++)
        pthread_create(&lanes[l].thread, NULL, run_lane, &lanes[l]);
    for (unsigned l = 0; l < LANES; l++)
        pthread_join(lanes[l].thread, NULL);
    assert_int_equal(rig->count, LANES * EACH);
    for (unsigned i = 0; i < rig->count; i++) {
        const struct hop *hop = &rig->told[i].hop;
        assert_int_equal(low_id(hop->producer_span, 8) - 100000,
                         low_id(hop->consumer_span, 8) - 200000);
    }
    rig_stop(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_keys_are_refused),
        cmocka_unit_test(the_eldest_makes_room),
        cmocka_unit_test(time_lets_go),
        cmocka_unit_test(a_tick_does_a_bounded_amount),
        cmocka_unit_test(topics_come_and_go),
        cmocka_unit_test(for_one_topic_too_many_the_eldest_records_go),
        cmocka_unit_test(a_million_records_fit_in_a_hundred_megabytes),
        cmocka_unit_test(the_ring_goes_round),
        cmocka_unit_test(hops_are_measured),
        cmocka_unit_test(what_never_met_its_other_side_is_measured),
        cmocka_unit_test(lanes_share_the_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
