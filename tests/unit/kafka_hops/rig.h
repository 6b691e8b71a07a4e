/* A kafka_hops processor between a test that sends and an end that keeps what it gets, with an ear
 * for the hops. Spans are written short:
 *
 *     span(PRODUCER, 1, 10, 0, 100, 105, "T0 P=0 O=#7", "")
 *
 * is span 10 of trace 1, a root, from 100 to 105 ms, with those attributes: names are the
 * conventions', after "messaging." where they begin with ".", values strings, or integers behind #,
 * or arrays of one string in []. */
#ifndef TAILSPAN_TESTS_KAFKA_HOPS_RIG_H
#define TAILSPAN_TESTS_KAFKA_HOPS_RIG_H

#include "component/telemetry.h"
#include "processors/kafka_hops/hops.h"
#include "proto/attribute.h"
#include "proto/span_kind.h"
#include "tests/unit/sampling/policy_support.h"

enum { HOPS_MAX = 20000 };

/* A hop that was told, with copies of its strings. */
struct told {
    struct hop hop;
    char topic[64], group[64], producer_service[64], consumer_service[64];
};

struct rig {
    struct hop_listener listener;
    struct telemetry *telemetry;
    struct component *processor;
    struct component end;
    struct batch *received; /* the last one */
    struct told *told;
    unsigned count;
    unsigned opened;
    pthread_mutex_t lock; /* guards told, count, opened */
};

static inline struct outcome rig_take(struct component *c, struct batch *b, struct receipt *r)
{
    struct rig *rig = (struct rig *)((char *)c - offsetof(struct rig, end));
    (void)r;
    pthread_mutex_lock(&rig->lock);
    if (rig->received)
        batch_release(rig->received);
    rig->received = b;
    pthread_mutex_unlock(&rig->lock);
    return outcome_accepted();
}

static inline void rig_copy(char to[64], struct bytes from)
{
    snprintf(to, 64, "%.*s", (int)from.len, (const char *)from.data);
}

static inline void rig_hear(struct hop_listener *l, const struct hop *hop)
{
    struct rig *rig = (struct rig *)l;
    pthread_mutex_lock(&rig->lock);
    assert_true(rig->count < HOPS_MAX);
    struct told *t = &rig->told[rig->count++];
    t->hop = *hop;
    rig_copy(t->topic, hop->topic);
    rig_copy(t->group, hop->group);
    rig_copy(t->producer_service, hop->producer_service);
    rig_copy(t->consumer_service, hop->consumer_service);
    pthread_mutex_unlock(&rig->lock);
}

static inline void rig_open_end(struct hop_listener *l, const uint8_t trace_id[16])
{
    struct rig *rig = (struct rig *)l;
    (void)trace_id;
    pthread_mutex_lock(&rig->lock);
    rig->opened++;
    pthread_mutex_unlock(&rig->lock);
}

static inline struct rig *rig_start(const char *config)
{
    static const struct component_ops ops = {.consume = rig_take};
    struct rig *rig = calloc(1, sizeof *rig);
    struct error e = {0};
    rig->listener = (struct hop_listener){.hop = rig_hear, .open = rig_open_end};
    rig->told = calloc(HOPS_MAX, sizeof *rig->told);
    rig->telemetry = telemetry_create();
    rig->end.ops = &ops;
    pthread_mutex_init(&rig->lock, NULL);
    struct component_spec spec = {.kind = &kafka_hops_processor,
                                  .id = "kafka_hops",
                                  .config = config_of(config),
                                  .telemetry = rig->telemetry};
    rig->processor = kafka_hops_processor.create(&spec, &e);
    if (!rig->processor)
        fail_msg("%s", e.text);
    rig->processor->next = &rig->end;
    hops_subscribe(&rig->listener);
    return rig;
}

static inline void rig_end(struct rig *rig)
{
    hops_unsubscribe(&rig->listener);
    if (rig->received)
        batch_release(rig->received);
    rig->processor->ops->destroy(rig->processor);
    telemetry_destroy(rig->telemetry);
    free(rig->told);
    free(rig);
    config_release();
}

static inline void rig_stop(struct rig *rig)
{
    rig_end(rig);
    assert_int_equal(batch_live_bytes(), 0);
}

/* Everything that can be inferred is. */
static inline void rig_settle(struct rig *rig)
{
    rig->processor->ops->drain(rig->processor, 0);
}

/* ---- spans ---- */

enum { CLIENT = SPAN_KIND_CLIENT, PRODUCER = SPAN_KIND_PRODUCER, CONSUMER = SPAN_KIND_CONSUMER };

#define RIG_EPOCH_MS UINT64_C(1700000000000)

static inline char *rig_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline char *rig_text(const char *format, ...)
{
    char text[8192];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    assert_in_range(len, 0, sizeof text - 1);
    return kept_text(text);
}

/* "a=b .c=#5 d=[x]" as a list of attributes in JSON. */
static inline const char *attributes(const char *words)
{
    char *copy = kept_text(words), *list = rig_text("%s", "");
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
        char *value = strchr(word, '='), *json;
        assert_non_null(value);
        *value++ = 0;
        if (*value == '#')
            json = rig_text("{'intValue':'%s'}", value + 1);
        else if (*value == '[')
            json = rig_text("{'arrayValue':{'values':[{'stringValue':'%.*s'}]}}",
                            (int)strlen(value) - 2, value + 1);
        else
            json = rig_text("{'stringValue':'%s'}", value);
        list = rig_text("%s%s{'key':'%s%s','value':%s}", list, *list ? "," : "",
                        *word == '.' ? "messaging" : "", word, json);
    }
    return list;
}

/* A link to span `id` of trace `trace`. */
static inline const char *link_to(unsigned trace, unsigned id, const char *words)
{
    return rig_text("{'traceId':'%032x','spanId':'%016x','attributes':[%s]}", trace, id,
                    attributes(words));
}

static inline const char *named_span(const char *name, int kind, unsigned trace, unsigned id,
                                     unsigned parent, unsigned start_ms, unsigned end_ms,
                                     const char *words, const char *links)
{
    char parent_id[17] = "";
    if (parent)
        snprintf(parent_id, sizeof parent_id, "%016x", parent);
    return rig_text("{'traceId':'%032x','spanId':'%016x','parentSpanId':'%s','name':'%s','kind':%d,"
                    "'startTimeUnixNano':'%llu000000','endTimeUnixNano':'%llu000000',"
                    "'attributes':[%s],'links':[%s]}",
                    trace, id, parent_id, name, kind, (unsigned long long)(RIG_EPOCH_MS + start_ms),
                    (unsigned long long)(RIG_EPOCH_MS + end_ms),
                    attributes(rig_text(".system=kafka %s", words)), links);
}

static inline const char *span(int kind, unsigned trace, unsigned id, unsigned parent,
                               unsigned start_ms, unsigned end_ms, const char *words,
                               const char *links)
{
    const char *name = kind == PRODUCER ? "send T" : kind == CLIENT ? "poll T" : "process T";
    return named_span(name, kind, trace, id, parent, start_ms, end_ms, words, links);
}

/* A request of one service; `spans` as above, with commas between. */
static inline struct batch *batch_from(const char *service, const char *spans)
{
    size_t len = strlen(spans) + 1000;
    char *text = malloc(len);
    snprintf(text, len,
             "{'resourceSpans':[{'resource':{'attributes':[{'key':'service.name','value':"
             "{'stringValue':'%s'}}]},'scopeSpans':[{'spans':[%s]}]}]}",
             service, spans);
    struct batch *b = batch_of(text);
    free(text);
    return b;
}

static inline void rig_send(struct rig *rig, const char *service, const char *spans)
{
    struct outcome o = component_consume(rig->processor, batch_from(service, spans), NULL);
    assert_int_equal(o.verdict, VERDICT_ACCEPTED);
}

/* ---- what was told ---- */

static inline unsigned low_id(const uint8_t *id, size_t len)
{
    return (unsigned)id[len - 1] | (unsigned)id[len - 2] << 8 | (unsigned)id[len - 3] << 16;
}

static inline const struct told *told_between(const struct rig *rig, unsigned producer,
                                              unsigned consumer)
{
    for (unsigned i = 0; i < rig->count; i++) {
        if (low_id(rig->told[i].hop.producer_span, 8) == producer &&
            low_id(rig->told[i].hop.consumer_span, 8) == consumer)
            return &rig->told[i];
    }
    return NULL;
}

static inline const struct hop *assert_hop(const struct rig *rig, unsigned producer,
                                           unsigned consumer, enum hop_match by, unsigned attempt)
{
    const struct told *t = told_between(rig, producer, consumer);
    if (!t)
        fail_msg("no hop from %u to %u among %u", producer, consumer, rig->count);
    assert_string_equal(hop_match_name(t->hop.matched_by), hop_match_name(by));
    assert_int_equal(t->hop.attempt, attempt);
    return &t->hop;
}

static inline void assert_shown(const struct rig *rig, const char *line)
{
    struct buffer out = {0};
    telemetry_write(rig->telemetry, &out);
    char *text = buffer_take(&out, NULL);
    if (!strstr(text, line))
        fail_msg("no %s in:\n%s", line, text);
    free(text);
}

#endif
