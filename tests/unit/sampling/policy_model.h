/* A plain model of policies: traces as structs, and rules as one would say them. It shares nothing
 * with the code under test but names. */
#ifndef TAILSPAN_TESTS_SAMPLING_POLICY_MODEL_H
#define TAILSPAN_TESTS_SAMPLING_POLICY_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { MODEL_SPANS_MAX = 6, MODEL_RESOURCES_MAX = 2, MODEL_ATTRIBUTES_MAX = 3 };

struct model_attribute {
    const char *key;
    enum { MODEL_STRING, MODEL_INT, MODEL_BOOL } type;
    const char *string;
    int64_t integer; /* or the bool */
};

struct model_span {
    unsigned resource;
    uint64_t start_ms, end_ms;
    unsigned status;
    unsigned flags;
    const char *vendor; /* its tracestate's member "vendor"; NULL: none */
    struct model_attribute attributes[MODEL_ATTRIBUTES_MAX];
    unsigned attribute_count;
};

struct model_trace {
    uint8_t id[16];
    struct model_attribute resources[MODEL_RESOURCES_MAX]; /* one attribute each */
    struct model_span spans[MODEL_SPANS_MAX];
    unsigned span_count;
};

enum model_type {
    MODEL_ALWAYS,
    MODEL_LATENCY,
    MODEL_NUMERIC,
    MODEL_STRINGS,
    MODEL_BOOLEAN,
    MODEL_STATUS,
    MODEL_FLAGS,
    MODEL_TRACE_STATE,
    MODEL_COUNT,
    MODEL_PROBABILISTIC,
    MODEL_SIMPLE, /* how many of the above */
    MODEL_AND = MODEL_SIMPLE,
    MODEL_NOT,
    MODEL_DROP,
};

struct model_policy {
    enum model_type type;
    const char *key;
    const char *values[2]; /* strings, vendors */
    bool prefix;           /* a string matches when it begins with values[0] */
    bool invert;
    bool wanted;
    int64_t low, high; /* inclusive; latency: ms, low exclusive, high 0: none */
    unsigned status;
    double percentage;
    struct model_policy *subs[3];
    unsigned sub_count;
};

enum model_verdict { MODEL_NO, MODEL_YES, MODEL_DROPPED };

static inline bool model_equal(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static inline bool model_attribute_matches(const struct model_policy *p,
                                           const struct model_attribute *a)
{
    if (strcmp(a->key, p->key) != 0)
        return false;
    if (p->type == MODEL_NUMERIC)
        return a->type == MODEL_INT && a->integer >= p->low && a->integer <= p->high;
    if (p->type == MODEL_BOOLEAN)
        return a->type == MODEL_BOOL && a->integer == p->wanted;
    if (a->type != MODEL_STRING)
        return false;
    if (p->prefix)
        return strncmp(a->string, p->values[0], strlen(p->values[0])) == 0;
    return model_equal(a->string, p->values[0]) || model_equal(a->string, p->values[1]);
}

static inline bool model_any_attribute(const struct model_policy *p, const struct model_trace *t)
{
    for (unsigned i = 0; i < t->span_count; i++) {
        const struct model_span *s = &t->spans[i];
        if (model_attribute_matches(p, &t->resources[s->resource]))
            return true;
        for (unsigned j = 0; j < s->attribute_count; j++) {
            if (model_attribute_matches(p, &s->attributes[j]))
                return true;
        }
    }
    return false;
}

static inline bool model_any_span(const struct model_policy *p, const struct model_trace *t)
{
    for (unsigned i = 0; i < t->span_count; i++) {
        const struct model_span *s = &t->spans[i];
        if (p->type == MODEL_STATUS && s->status == p->status)
            return true;
        if (p->type == MODEL_FLAGS && s->flags % 2 == 1)
            return true;
        if (p->type == MODEL_TRACE_STATE &&
            (model_equal(s->vendor, p->values[0]) || model_equal(s->vendor, p->values[1])))
            return true;
    }
    return false;
}

static inline bool model_latency(const struct model_policy *p, const struct model_trace *t)
{
    int64_t first = INT64_MAX, last = 0;
    for (unsigned i = 0; i < t->span_count; i++) {
        if ((int64_t)t->spans[i].start_ms < first)
            first = (int64_t)t->spans[i].start_ms;
        if ((int64_t)t->spans[i].end_ms > last)
            last = (int64_t)t->spans[i].end_ms;
    }
    return last - first > p->low && (p->high == 0 || last - first <= p->high);
}

/* FNV-1a over the Collector's default salt and the id. */
static inline bool model_chance(const struct model_policy *p, const struct model_trace *t)
{
    static const char salt[] = "default-hash-seed";
    uint64_t hash = 14695981039346656037u;
    for (const char *c = salt; *c; c++)
        hash = (hash ^ (uint8_t)*c) * 1099511628211u;
    for (unsigned i = 0; i < 16; i++)
        hash = (hash ^ t->id[i]) * 1099511628211u;
    return p->percentage >= 100 || (double)hash / 18446744073709551616.0 < p->percentage / 100;
}

static inline enum model_verdict model_evaluate(const struct model_policy *p,
                                                const struct model_trace *t)
{
    unsigned agreeing = 0;
    for (unsigned i = 0; i < p->sub_count; i++)
        agreeing += model_evaluate(p->subs[i], t) == MODEL_YES;
    switch (p->type) {
    case MODEL_ALWAYS:
        return MODEL_YES;
    case MODEL_LATENCY:
        return model_latency(p, t) ? MODEL_YES : MODEL_NO;
    case MODEL_NUMERIC:
    case MODEL_STRINGS:
    case MODEL_BOOLEAN:
        return model_any_attribute(p, t) != p->invert ? MODEL_YES : MODEL_NO;
    case MODEL_STATUS:
    case MODEL_FLAGS:
    case MODEL_TRACE_STATE:
        return model_any_span(p, t) ? MODEL_YES : MODEL_NO;
    case MODEL_COUNT:
        return t->span_count >= p->low && (p->high == 0 || t->span_count <= p->high) ? MODEL_YES
                                                                                     : MODEL_NO;
    case MODEL_PROBABILISTIC:
        return model_chance(p, t) ? MODEL_YES : MODEL_NO;
    case MODEL_AND:
        return agreeing == p->sub_count ? MODEL_YES : MODEL_NO;
    case MODEL_NOT:
        return agreeing == 0 ? MODEL_YES : MODEL_NO;
    case MODEL_DROP:
        return agreeing == p->sub_count ? MODEL_DROPPED : MODEL_NO;
    }
    return MODEL_NO;
}

/* Dropped over sampled over not sampled; `decider` is the first that voted so, or -1. */
static inline enum model_verdict model_decide(const struct model_policy *const *policies,
                                              unsigned count, const struct model_trace *t,
                                              int *decider)
{
    enum model_verdict verdict = MODEL_NO;
    *decider = -1;
    for (unsigned i = 0; i < count; i++) {
        enum model_verdict v = model_evaluate(policies[i], t);
        if (v > verdict) {
            verdict = v;
            *decider = (int)i;
        }
    }
    return verdict;
}

#endif
