/* Whatever spans say of messages: requests of arbitrary bytes, twice, through a kafka_hops
 * processor that infers at once and has room for little. Nothing breaks, what is told is whole, and
 * every span leaves. The first byte chooses how the rest is cut into two requests. */
#include "component/config.h"
#include "component/telemetry.h"
#include "processors/kafka_hops/hops.h"

#include <assert.h>
#include <stdlib.h>

static unsigned read_bytes;
static uint32_t left; /* spans of the batch that came out last */

static struct outcome take(struct component *c, struct batch *b, struct receipt *r)
{
    (void)c;
    (void)r;
    left = b->span_count;
    batch_release(b);
    return outcome_accepted();
}

static void hear(struct hop_listener *l, const struct hop *hop)
{
    (void)l;
    assert(hop->matched_by < HOP_MATCHES && hop->attempt > 0 && hop->confidence <= 100);
    assert(hop->inferred == (hop->confidence < 100));
    assert(hop->offset >= -1 && hop->partition >= -1);
    const struct bytes strings[] = {hop->topic, hop->group, hop->producer_service,
                                    hop->consumer_service};
    for (size_t i = 0; i < 4; i++)
        read_bytes += memchr(strings[i].data, 0xff, strings[i].len) != NULL; /* looks at all */
}

static struct component *make(struct telemetry *t)
{
    static struct config_value settle = {
        .type = CONFIG_SCALAR, .key = "settle", .text = "0s", .file = "fuzz", .line = 1};
    static struct config_value infer = {
        .type = CONFIG_MAP, .key = "infer", .file = "fuzz", .line = 1, .children = &settle};
    static struct config_value most = {.type = CONFIG_SCALAR,
                                       .key = "max_records",
                                       .text = "1000",
                                       .file = "fuzz",
                                       .line = 1,
                                       .next = &infer};
    static const struct config_value root = {
        .type = CONFIG_MAP, .key = "kafka_hops", .file = "fuzz", .line = 1, .children = &most};
    struct component_spec spec = {
        .kind = &kafka_hops_processor, .id = "kafka_hops", .config = &root, .telemetry = t};
    struct error e = {0};
    struct component *c = kafka_hops_processor.create(&spec, &e);
    assert(c);
    return c;
}

static void send(struct component *c, struct bytes request)
{
    struct batch_report report;
    struct batch *b = batch_from_request(request, &report);
    if (!b)
        return;
    uint32_t spans = b->span_count;
    component_consume(c, b, NULL);
    assert(left == spans);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct component_ops ops = {.consume = take};
    struct component end = {.ops = &ops};
    struct hop_listener listener = {.hop = hear};
    if (size < 2)
        return 0;
    struct telemetry *t = telemetry_create();
    struct component *c = make(t);
    size_t first = (size - 1) * data[0] / 255;
    c->next = &end;
    hops_subscribe(&listener);
    for (int i = 0; i < 2; i++) {
        send(c, bytes_of(data + 1, first));
        send(c, bytes_of(data + 1 + first, size - 1 - first));
    }
    c->ops->drain(c, 0);
    hops_unsubscribe(&listener);
    c->ops->destroy(c);
    telemetry_destroy(t);
    return 0;
}
