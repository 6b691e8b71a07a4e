/* What a policy is made of, for the files that define kinds.
 *
 * A kind is a struct policy_kind in one file, and a line in policy_kinds.c. A policy embeds struct
 * policy as its first member and belongs to a policy set, on the set's thread. */
#ifndef TAILSPAN_SAMPLING_POLICY_KIND_H
#define TAILSPAN_SAMPLING_POLICY_KIND_H

#include "sampling/policy.h"
#include "sampling/predicate.h"

#include <stdio.h>

enum { POLICY_MAX_DEPTH = 8 }; /* policies within policies */

/* One policy's voice. In consistent sampling a trace is kept when its randomness reaches a
 * threshold, so each voice carries the threshold that it compared with, whichever way it went. */
struct ballot {
    enum sampling_verdict verdict;
    uint64_t threshold;  /* 0: no chance was involved */
    bool unknowable;     /* no threshold describes this: a limiter took part */
    uint16_t sub_policy; /* of a composite; UINT16_MAX: none */
};

struct policy;

/* What is evaluated, and where to say why. */
struct policy_question {
    const struct trace_summary *trace;
    uint64_t now_ns;
    char *why; /* NULL: nobody asked */
    size_t why_len;
};

/* What kinds are made with. */
struct policy_maker {
    struct predicates *predicates;
    const char *component_id;
    unsigned shards;
    bool consistent;
    unsigned depth;
};

struct policy_kind {
    const char *type; /* and the name of its section */
    bool stateful;    /* evaluating it spends something */
    bool no_section;  /* nothing to configure */
    /* `section` may be NULL; errors are told at `place`. */
    struct policy *(*create)(struct policy_maker *m, const struct config_value *place,
                             const struct config_value *section, struct error *e);
    struct ballot (*evaluate)(struct policy *p, const struct policy_question *q);
    void (*destroy)(struct policy *p);
};

struct policy {
    const struct policy_kind *kind;
    const char *name; /* lives as long as the configuration */
    bool stateful;    /* it, or a policy within it */
};

extern const struct policy_kind always_sample_policy, latency_policy, span_count_policy,
    status_code_policy, trace_flags_policy, trace_state_policy, numeric_attribute_policy,
    string_attribute_policy, boolean_attribute_policy, probabilistic_policy, rate_limiting_policy,
    bytes_limiting_policy, and_policy, not_policy, drop_policy, composite_policy,
    ottl_condition_policy, ema_dynamic_policy, ema_throughput_policy, windowed_throughput_policy;

const struct policy_kind *policy_kind_find(const char *type);
/* "always_sample, latency, …" into `list`. */
void policy_kind_list(char *list, size_t len);

/* ---- making ---- */

/* A policy from an element of a list: {name, type, <type>: {…}}. NULL with `e` set. */
struct policy *policy_create(struct policy_maker *m, const struct config_value *v, struct error *e);
void policy_destroy(struct policy *p);

struct policy_list {
    struct policy **items;
    unsigned count;
};

/* All of a list. `what` is the list's key, for errors. False with `e` set and nothing to free. */
bool policy_list_create(struct policy_list *list, struct policy_maker *m,
                        const struct config_value *place, const struct config_value *v,
                        const char *what, unsigned max, struct error *e);
void policy_list_destroy(struct policy_list *list);

/* The name of a composite's sub-policy; NULL when it has none there, or is no composite. */
const char *policy_composite_sub_name(const struct policy *p, unsigned sub);

/* Zeroed memory for a kind's struct; NULL with `e` set. */
void *policy_allocate(size_t size, struct error *e);
bool policy_add_predicate(struct policy_maker *m, const struct config_value *place,
                          struct predicate *wanted, struct error *e);

/* ---- voting ---- */

static inline struct ballot ballot_of(bool sampled)
{
    return (struct ballot){.verdict = sampled ? SAMPLING_SAMPLED : SAMPLING_NOT_SAMPLED,
                           .sub_policy = UINT16_MAX};
}

static inline struct ballot ballot_limited(bool sampled)
{
    struct ballot b = ballot_of(sampled);
    b.unknowable = true;
    return b;
}

static inline struct ballot ballot_failed(void)
{
    return (struct ballot){.verdict = SAMPLING_ERROR, .sub_policy = UINT16_MAX};
}

static inline bool ballot_by_chance(const struct ballot *b)
{
    return b->threshold > 0 || b->unknowable;
}

/* Writes the reason when somebody asked. */
#define explain(q, ...)                                                                            \
    do {                                                                                           \
        if ((q)->why)                                                                              \
            snprintf((q)->why, (q)->why_len, __VA_ARGS__);                                         \
    } while (0)

static inline struct ballot policy_evaluate(struct policy *p, const struct policy_question *q)
{
    return p->kind->evaluate(p, q);
}

#endif
