/* What hops through Kafka cost: nanoseconds a messaging span and any other, bytes a waiting record.
 *
 *     hops_bench [million records that wait]
 *
 * Each figure is the least of several rounds over requests of 512 spans through the processor, less
 * what the same round costs without it. Spans that are about no messages: the usual mixture, a
 * third of them CLIENT. */
#include "component/config.h"
#include "component/telemetry.h"
#include "processors/kafka_hops/hops.h"
#include "proto/attribute.h"
#include "proto/message_writer.h"
#include "proto/otlp_fields.h"
#include "proto/span_kind.h"
#include "tests/bench/measure.h"
#include "tests/bench/spans.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SPANS = 512, ROUNDS = 40 };

/* ---- the processor, and its end ---- */

static struct outcome drop(struct component *c, struct batch *b, struct receipt *r)
{
    (void)c;
    (void)r;
    batch_release(b);
    return outcome_accepted();
}

static const struct component_ops end_ops = {.consume = drop};
static struct component end = {.ops = &end_ops};

static struct component *processor(struct telemetry *t)
{
    static const struct config_value none = {.type = CONFIG_NULL};
    struct component_spec spec = {
        .kind = &kafka_hops_processor, .id = "kafka_hops", .config = &none, .telemetry = t};
    struct error e = {0};
    struct component *c = kafka_hops_processor.create(&spec, &e);
    need(c != NULL, "create");
    c->next = &end;
    return c;
}

/* ---- requests ---- */

static void text_attribute(struct buffer *b, const char *key, const char *text)
{
    size_t pair = message_begin(b, SPAN_ATTRIBUTES);
    message_bytes(b, 1, bytes_of_string(key));
    size_t value = message_begin(b, 2);
    message_bytes(b, 1, bytes_of_string(text));
    message_end(b, value);
    message_end(b, pair);
}

static void number_attribute(struct buffer *b, const char *key, uint64_t number)
{
    size_t pair = message_begin(b, SPAN_ATTRIBUTES);
    message_bytes(b, 1, bytes_of_string(key));
    size_t value = message_begin(b, 2);
    message_integer(b, 3, number);
    message_end(b, value);
    message_end(b, pair);
}

/* A span as the Java agent writes them; a consumer's context was lost. */
static void messaging_span(struct buffer *b, uint64_t number, bool consumer)
{
    uint64_t trace[2] = {number * 2 + consumer + 1, 0x9e3779b97f4a7c15u};
    uint64_t id = number * 2 + consumer + 1, start = 1700000000000000000u + number * 1000;
    char key[32], partition[8];
    snprintf(key, sizeof key, "order-%llu", (unsigned long long)number);
    snprintf(partition, sizeof partition, "%u", (unsigned)(number % 12));
    size_t span = message_begin(b, SCOPE_SPANS_SPANS);
    message_bytes(b, 1, bytes_of(trace, 16));
    message_bytes(b, 2, bytes_of(&id, 8));
    message_bytes(b, SPAN_NAME, bytes_of_string(consumer ? "orders process" : "orders publish"));
    message_integer(b, 6, consumer ? SPAN_KIND_CONSUMER : SPAN_KIND_PRODUCER);
    message_fixed64(b, 7, start + consumer * 50000000u);
    message_fixed64(b, 8, start + consumer * 50000000u + 2000000);
    text_attribute(b, "messaging.system", "kafka");
    text_attribute(b, "messaging.destination.name", "orders");
    text_attribute(b, "messaging.operation", consumer ? "process" : "publish");
    text_attribute(b, "messaging.client_id", "consumer-stock-1");
    text_attribute(b, "messaging.destination.partition.id", partition);
    number_attribute(b, "messaging.kafka.message.offset", number / 12);
    text_attribute(b, "messaging.kafka.message.key", key);
    if (consumer)
        text_attribute(b, "messaging.kafka.consumer.group", "stock");
    number_attribute(b, "thread.id", 42);
    text_attribute(b, "thread.name", "http-nio-8080-exec-7");
    message_end(b, span);
}

static struct batch *messaging_batch(uint64_t first, bool consumers)
{
    struct buffer b = {0};
    struct batch_report report;
    size_t resource_spans = message_begin(&b, 1);
    size_t resource = message_begin(&b, 1);
    size_t pair = message_begin(&b, RESOURCE_ATTRIBUTES);
    message_bytes(&b, 1, bytes_of_string("service.name"));
    size_t value = message_begin(&b, 2);
    message_bytes(&b, 1, bytes_of_string(consumers ? "stock" : "shop"));
    message_end(&b, value);
    message_end(&b, pair);
    message_end(&b, resource);
    size_t scope_spans = message_begin(&b, 2);
    for (unsigned i = 0; i < SPANS; i++)
        messaging_span(&b, first + i, consumers);
    message_end(&b, scope_spans);
    message_end(&b, resource_spans);
    need(!b.failed, "memory");
    struct batch *batch = batch_from_request(buffer_bytes(&b), &report);
    need(batch && batch->span_count == SPANS, "batch");
    buffer_free(&b);
    return batch;
}

/* ---- measuring ---- */

static double consume(struct component *c, struct batch *b)
{
    uint32_t spans = b->span_count;
    uint64_t from = monotonic_ns();
    component_consume(c, b, NULL);
    return (double)(monotonic_ns() - from) / spans;
}

/* What to compare with on this machine, at this moment: walking every attribute of a span. */
static void reference(void)
{
    double least = 1e9;
    size_t bytes = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct batch *b = messaging_batch(i * SPANS, false);
        uint64_t from = monotonic_ns();
        for (uint32_t s = 0; s < b->span_count; s++) {
            struct attribute_iterator it;
            struct attribute a;
            attribute_begin(&it, span_bytes(&b->spans[s]), SPAN_ATTRIBUTES);
            while (attribute_next(&it, &a))
                bytes += a.value.bytes.len;
        }
        double ns = (double)(monotonic_ns() - from) / SPANS;
        least = ns < least ? ns : least;
        batch_release(b);
    }
    need(bytes > 0, "attribute_next");
    printf("visiting a span's attributes, to compare with: %.1f ns\n", least);
}

/* Spans about no message: the usual mixture without its Kafka spans, a hundred passes a round. */
static void others(struct component *c)
{
    enum { PASSES = 100 };
    double least[2] = {1e9, 1e9};
    const struct request_shape shape = {.spans = SPANS, .spans_per_trace = 8};
    struct random random = {.state = 1};
    struct batch_report report;
    struct request r;
    uint32_t chosen[SPANS], count = 0;
    request_build(&r, &shape, &random);
    request_refresh(&r, &random, 1700000000000000000u);
    struct batch *all = batch_from_request(bytes_of(r.data, r.len), &report);
    need(all && all->span_count == SPANS, "batch");
    for (uint32_t i = 0; i < all->span_count; i++) {
        if (all->spans[i].kind < SPAN_KIND_PRODUCER)
            chosen[count++] = i;
    }
    struct batch *b = batch_select(all, chosen, count);
    need(b != NULL, "batch");
    for (unsigned i = 0; i < 2 * ROUNDS; i++) {
        uint64_t from = monotonic_ns();
        for (unsigned pass = 0; pass < PASSES; pass++)
            component_consume(i % 2 ? c : &end, batch_retain(b), NULL);
        double ns = (double)(monotonic_ns() - from) / PASSES / count;
        least[i % 2] = ns < least[i % 2] ? ns : least[i % 2];
    }
    printf("other spans    %6.1f ns each\n", least[1] - least[0]);
    batch_release(b);
    batch_release(all);
    request_free(&r);
}

/* Producers, then their consumers, in an index that holds `first` records before. */
static void messaging(struct component *c, uint64_t first, const char *what)
{
    double least[2] = {1e9, 1e9}, without = 1e9;
    for (unsigned i = 0; i < 2 * ROUNDS; i++) {
        bool consumers = i >= ROUNDS;
        struct batch *b = messaging_batch(first + i % ROUNDS * SPANS, consumers);
        double floor = consume(&end, batch_retain(b)), with = consume(c, b);
        least[consumers] = with < least[consumers] ? with : least[consumers];
        without = floor < without ? floor : without;
    }
    printf("%-14s producers %6.1f ns, consumers %6.1f ns each (matched by offset, linked)\n", what,
           least[0] - without, least[1] - without);
}

/* Bytes that are in memory. */
static size_t resident(void)
{
    unsigned long all = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    need(f && fscanf(f, "%lu %lu", &all, &resident) == 2, "/proc/self/statm");
    (void)fclose(f);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

int main(int argc, char **argv)
{
    uint64_t millions = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t waiting = (millions ? millions : 1) * 1000000;
    struct telemetry *t = telemetry_create();
    struct component *c = processor(t);
    reference();
    others(c);
    messaging(c, 0, "empty index:");
    c->ops->destroy(c);
    telemetry_destroy(t);

    t = telemetry_create();
    c = processor(t);
    size_t before = resident();
    uint64_t n = 0;
    double total = 0;
    for (; n + SPANS <= waiting - 2 * ROUNDS * SPANS; n += SPANS)
        total += consume(c, messaging_batch(n, false)) * SPANS;
    printf("filling        producers %6.1f ns each on average\n", total / (double)n);
    printf("%llu records wait: %.1f bytes each\n", (unsigned long long)n,
           (double)(resident() - before) / (double)n);
    messaging(c, n, "full index:");
    c->ops->destroy(c);
    telemetry_destroy(t);
    return 0;
}
