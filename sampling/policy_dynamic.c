/* ema_dynamic, ema_throughput, windowed_throughput: rates that follow the traffic, by key.
 *
 * The key is made of fields of the root span, or of its resource where the span has none of that
 * name: span.name, span.kind and status.code, else attributes. A trace whose root has not come has
 * the key of empty fields. The chance to be kept comes out of the trace id, so asking again gives
 * the same answer; in consistent sampling it is the trace's randomness, and the rate a threshold.
 */
#include "proto/span_kind.h"
#include "sampling/chance.h"
#include "sampling/dynamic_rates.h"
#include "sampling/policy_kind.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum { COUNTS_MAX = 4000000 }; /* of a window: 32 MB */

struct dynamic {
    struct policy policy;
    bool consistent;
    bool by_spans;
    struct config_strings fields;
    struct dynamic_rates *rates;
};

struct settings {
    double goal_rate;
    int64_t goal_throughput;
    int64_t initial_rate;
    int64_t interval_ns;
    int64_t lookback_ns;
    double weight;
    double age_out;
    double burst_multiple;
    int64_t burst_delay;
    int64_t max_keys;
    bool by_spans;
    struct config_strings fields;
};

#define FIELD(key_, type_, member_, ...)                                                           \
    {                                                                                              \
        .key = key_, .type = type_, .offset = offsetof(struct settings, member_), __VA_ARGS__      \
    }
#define COMMON_FIELDS                                                                              \
    FIELD("fields", FIELD_STRINGS, fields), FIELD("use_trace_length", FIELD_BOOL, by_spans),       \
        FIELD("max_keys", FIELD_INT, max_keys, .fallback = "500", .min = 1, .max = 100000)
#define AVERAGE_FIELDS                                                                             \
    FIELD("adjustment_interval", FIELD_DURATION, interval_ns, .fallback = "15s"),                  \
        FIELD("weight", FIELD_DOUBLE, weight, .fallback = "0.5"),                                  \
        FIELD("age_out_value", FIELD_DOUBLE, age_out),                                             \
        FIELD("burst_multiple", FIELD_DOUBLE, burst_multiple, .fallback = "2"),                    \
        FIELD("burst_detection_delay", FIELD_INT, burst_delay, .fallback = "3", .max = 1 << 30)

static const struct config_field ema_dynamic_fields[] = {
    FIELD("goal_sample_rate", FIELD_DOUBLE, goal_rate, .fallback = "10"),
    AVERAGE_FIELDS,
    COMMON_FIELDS,
    CONFIG_END,
};

static const struct config_field ema_throughput_fields[] = {
    FIELD("goal_throughput_per_sec", FIELD_INT, goal_throughput, .min = 0, .max = 1 << 30),
    FIELD("initial_sample_rate", FIELD_INT, initial_rate, .fallback = "10", .min = 1,
          .max = 1 << 30),
    AVERAGE_FIELDS,
    COMMON_FIELDS,
    CONFIG_END,
};

static const struct config_field windowed_fields[] = {
    FIELD("goal_throughput_per_sec", FIELD_INT, goal_throughput, .min = 0, .max = 1 << 30),
    FIELD("update_frequency", FIELD_DURATION, interval_ns, .fallback = "1s"),
    FIELD("lookback_frequency", FIELD_DURATION, lookback_ns),
    COMMON_FIELDS,
    CONFIG_END,
};

/* ---- making ---- */

static const char *mistake_in(const struct settings *s, const struct config_field *fields)
{
    if (s->fields.count == 0)
        return "fields needs at least one field, such as service.name or span.name";
    if (s->interval_ns < 1000000)
        return "the interval must be at least 1ms";
    if (fields == ema_dynamic_fields ? !(s->goal_rate >= 1) : s->goal_throughput == 0)
        return fields == ema_dynamic_fields ? "goal_sample_rate must be at least 1"
                                            : "goal_throughput_per_sec must be at least 1";
    if (fields != windowed_fields && !(s->weight > 0 && s->weight < 1))
        return "weight must lie between 0 and 1";
    if (fields == windowed_fields &&
        (s->lookback_ns < s->interval_ns || s->lookback_ns / s->interval_ns > DYNAMIC_TICKS_MAX))
        return "lookback_frequency must be from 1 to 600 times update_frequency";
    if (fields == windowed_fields && s->lookback_ns / s->interval_ns * s->max_keys > COUNTS_MAX)
        return "max_keys times the ticks of lookback_frequency must be at most 4000000";
    return NULL;
}

static struct dynamic_goal goal_of(const struct settings *s, const struct config_field *fields,
                                   unsigned shards)
{
    return (struct dynamic_goal){
        .windowed = fields == windowed_fields,
        .rate = fields == ema_dynamic_fields ? s->goal_rate : 0,
        .throughput = (double)s->goal_throughput / shards,
        .interval_ns = s->interval_ns,
        .lookback_ns = s->lookback_ns,
        .weight = s->weight,
        .age_out = s->age_out > 0 ? s->age_out : s->weight,
        .burst_multiple = s->burst_multiple > 0 ? s->burst_multiple : 0,
        .burst_delay = s->burst_delay,
        .max_keys = s->max_keys,
        .initial_rate =
            fields == ema_dynamic_fields ? (int64_t)ceil(fmin(s->goal_rate, 1e9)) : s->initial_rate,
    };
}

static struct policy *dynamic_create(const struct config_field *fields, struct policy_maker *m,
                                     const struct config_value *place,
                                     const struct config_value *section, struct error *e)
{
    struct settings s = {0};
    if (!config_read(section, fields, &s, e))
        return NULL;
    if (s.lookback_ns == 0 && s.interval_ns < INT64_MAX / 30)
        s.lookback_ns = 30 * s.interval_ns;
    const char *mistake = mistake_in(&s, fields);
    if (mistake) {
        config_error(section ? section : place, e, "%s", mistake);
        return NULL;
    }
    struct dynamic *d = policy_allocate(sizeof *d, e);
    if (!d)
        return NULL;
    struct dynamic_goal goal = goal_of(&s, fields, m->shards);
    d->consistent = m->consistent;
    d->by_spans = s.by_spans;
    d->fields = s.fields;
    d->rates = dynamic_rates_create(&goal);
    if (!d->rates) {
        error_set(e, "out of memory");
        free(d);
        return NULL;
    }
    return &d->policy;
}

static void dynamic_destroy(struct policy *p)
{
    struct dynamic *d = (struct dynamic *)p;
    dynamic_rates_destroy(d->rates);
    free(d);
}

/* ---- the key ---- */

struct key {
    uint64_t hash;
    char text[48]; /* its beginning, for people */
    size_t len;
};

static void key_add(struct key *k, struct bytes value)
{
    const uint64_t prime = 0x100000001b3;
    for (size_t i = 0; i < value.len; i++)
        k->hash = (k->hash ^ value.data[i]) * prime;
    k->hash = (k->hash ^ 0xff) * prime; /* no text has this byte: it ends the field */
    for (size_t i = 0; i < value.len && k->len + 1 < sizeof k->text; i++)
        k->text[k->len++] =
            (char)(value.data[i] >= ' ' && value.data[i] < 0x7f ? value.data[i] : '?');
    if (k->len + 1 < sizeof k->text)
        k->text[k->len++] = ',';
}

static struct bytes text_of(const struct value *v, char room[32])
{
    switch (v->type) {
    case VALUE_INT:
        return bytes_of(room, (size_t)snprintf(room, 32, "%" PRId64, v->integer));
    case VALUE_DOUBLE:
        return bytes_of(room, (size_t)snprintf(room, 32, "%.17g", v->real));
    case VALUE_BOOL:
        return bytes_of_string(v->boolean ? "true" : "false");
    default:
        return v->bytes;
    }
}

static void key_add_field(struct key *k, const char *field, const struct batch *b,
                          const struct span_view *s)
{
    struct attribute a;
    char room[32];
    struct bytes name = bytes_of_string(field);
    if (strcmp(field, "span.name") == 0)
        key_add(k, span_name(s));
    else if (strcmp(field, "span.kind") == 0)
        key_add(k, bytes_of_string(s->kind ? span_kind_name(s->kind) : "unspecified"));
    else if (strcmp(field, "status.code") == 0)
        key_add(k, bytes_of_string(span_status_name(s->status_code)));
    else if (attribute_find(span_bytes(s), SPAN_ATTRIBUTES, name, &a) ||
             attribute_find(span_resource(b, s)->message, RESOURCE_ATTRIBUTES, name, &a))
        key_add(k, text_of(&a.value, room));
    else
        key_add(k, bytes_of(NULL, 0));
}

static struct key key_of(const struct dynamic *d, const struct trace_summary *t)
{
    struct key k = {.hash = 0xcbf29ce484222325};
    if (!t->root_batch) {
        snprintf(k.text, sizeof k.text, "no root span");
        return k;
    }
    for (size_t i = 0; i < d->fields.count; i++)
        key_add_field(&k, d->fields.items[i], t->root_batch, &t->root_batch->spans[t->root_span]);
    k.text[k.len ? k.len - 1 : 0] = 0;
    return k;
}

/* ---- voting ---- */

static struct ballot dynamic_evaluate(struct policy *p, const struct policy_question *q)
{
    const struct dynamic *d = (const struct dynamic *)p;
    struct key k = key_of(d, q->trace);
    uint64_t rate =
        dynamic_rates_count(d->rates, k.hash, d->by_spans ? q->trace->spans : 1, q->now_ns);
    double ratio = 1 / (double)rate;
    explain(q, "one in %" PRIu64 " of %s", rate, k.text);
    if (!d->consistent)
        return ballot_of(chance_hash(chance_salt(bytes_of_string(p->name)), q->trace->trace_id) <=
                         chance_boundary(ratio));
    uint64_t threshold = chance_threshold(ratio);
    struct ballot b = ballot_of(q->trace->randomness >= threshold);
    b.threshold = threshold;
    return b;
}

static struct policy *ema_dynamic_create(struct policy_maker *m, const struct config_value *place,
                                         const struct config_value *section, struct error *e)
{
    return dynamic_create(ema_dynamic_fields, m, place, section, e);
}

const struct policy_kind ema_dynamic_policy = {
    .type = "ema_dynamic",
    .stateful = true,
    .create = ema_dynamic_create,
    .evaluate = dynamic_evaluate,
    .destroy = dynamic_destroy,
};

static struct policy *ema_throughput_create(struct policy_maker *m,
                                            const struct config_value *place,
                                            const struct config_value *section, struct error *e)
{
    return dynamic_create(ema_throughput_fields, m, place, section, e);
}

const struct policy_kind ema_throughput_policy = {
    .type = "ema_throughput",
    .stateful = true,
    .create = ema_throughput_create,
    .evaluate = dynamic_evaluate,
    .destroy = dynamic_destroy,
};

static struct policy *windowed_create(struct policy_maker *m, const struct config_value *place,
                                      const struct config_value *section, struct error *e)
{
    return dynamic_create(windowed_fields, m, place, section, e);
}

const struct policy_kind windowed_throughput_policy = {
    .type = "windowed_throughput",
    .stateful = true,
    .create = windowed_create,
    .evaluate = dynamic_evaluate,
    .destroy = dynamic_destroy,
};
