/* Sampling policies: what is seen of each span as it arrives, and the decision from that.
 *
 * A policy never sees a trace's spans together. What depends on a span alone (attributes, status,
 * conditions) is a predicate: tested once as the span arrives, its answer one bit in the trace's
 * record. What depends on the trace as a whole (latency, counts, bytes, the id) reads the trace's
 * summary. A decision combines bits and summary and visits no span, however large the trace.
 *
 * A policy set is made once, from the `policies` list of a tail_sampling processor, and then
 * belongs to one shard: rate limiters and dynamic samplers keep state in it. Not thread-safe. */
#ifndef TAILSPAN_SAMPLING_POLICY_H
#define TAILSPAN_SAMPLING_POLICY_H

#include "component/config.h"
#include "proto/batch.h"

#define POLICIES_MAX   256 /* top-level policies of one set */
#define PREDICATES_MAX 1024

struct policy_set;

/* A trace as its decision sees it. */
struct trace_summary {
    uint8_t trace_id[16];
    uint64_t start_ns; /* earliest start of its spans */
    uint64_t end_ns;   /* latest end */
    uint64_t bytes;    /* of its spans, in protobuf form */
    uint32_t spans;
    const uint64_t *bits; /* policy_set_words() of them, gathered by observe */
    const struct batch
        *root_batch;     /* batch and index of the root span; NULL while it has not come. For */
    uint32_t root_span;  /* dynamic policies keyed by the root's fields. */
    uint64_t randomness; /* 56 bits: rv of tracestate, else of the trace id */
};

enum sampling_verdict {
    SAMPLING_NOT_SAMPLED,
    SAMPLING_SAMPLED,
    SAMPLING_DROPPED,
    SAMPLING_ERROR, /* of one policy: counted, and the policy is passed over */
};

/* In the place of a policy: no policy kept the trace, its journey did. */
#define POLICY_JOURNEY (UINT16_MAX - 1)

struct sampling_decision {
    enum sampling_verdict verdict;
    uint16_t
        policy; /* index of the first top-level policy that voted as decided; UINT16_MAX: none */
    uint16_t sub_policy; /* composite: index of the sub-policy that decided; UINT16_MAX: none */
    uint64_t
        threshold; /* 56 bits: consistent sampling's rejection threshold; 0: kept for certain */
    bool probability_known; /* false: a rate limiter took part, ot=th has to be erased */
};

enum { POLICY_WHY_LEN = 120 };

/* One policy's part in a decision, in words that a person can follow. */
struct policy_vote {
    enum sampling_verdict verdict;
    char why[POLICY_WHY_LEN]; /* "latency 812 ms, threshold 500 ms" */
};

/* From the processor's `policies` value. `shards` divides per-second rates. NULL with `e` set,
 * naming the place. */
struct policy_set *policy_set_create(const struct config_value *policies, const char *component_id,
                                     unsigned shards, bool consistent, struct error *e);
void policy_set_destroy(struct policy_set *s);

unsigned policy_set_count(const struct policy_set *s);
const char *policy_set_name(const struct policy_set *s, unsigned policy);
const char *policy_set_sub_name(const struct policy_set *s, unsigned policy, unsigned sub_policy);

/* Votes of SAMPLING_ERROR so far. */
uint64_t policy_set_errors(const struct policy_set *s);

/* 64-bit words of predicate bits a trace needs; 0 when no policy looks at spans. */
unsigned policy_set_words(const struct policy_set *s);

/* Begins a batch: what predicates say of its resources and scopes is worked out once, lazily. */
void policy_set_begin(struct policy_set *s, const struct batch *b);

/* Sets the bits of predicates that hold for this span of the batch begun; bits already set are not
 * tested again. */
void policy_set_observe(struct policy_set *s, uint32_t span, uint64_t *bits);

/* The decision; `votes` (NULL, or policy_set_count() of them) gets each policy's part.
 * `sample_on_first_match` as the Collector means it. `now_ns`: CLOCK_MONOTONIC. */
struct sampling_decision policy_set_decide(struct policy_set *s, const struct trace_summary *t,
                                           bool sample_on_first_match, uint64_t now_ns,
                                           struct policy_vote *votes);

/* What can be decided of a trace that is not complete, from those of its spans that are in `t`:
 * sampled or dropped for good, or not sampled, which says nothing yet. As long as a drop policy
 * might still match, so to the end, nothing is sampled. */
struct sampling_decision policy_set_decide_on_ingest(struct policy_set *s,
                                                     const struct trace_summary *t, uint64_t now_ns,
                                                     struct policy_vote *votes);

/* Whether there is a drop policy. */
bool policy_set_drops(const struct policy_set *s);

/* The name of a policy that may not be asked twice of one trace, as evaluating it spends something;
 * NULL: there is none. */
const char *policy_set_stateful(const struct policy_set *s);

/* Each policy's verdict (enum sampling_verdict) in the latest decision, whether votes were asked
 * for or not; POLICY_NOT_ASKED where the decision was reached without it. */
#define POLICY_NOT_ASKED UINT8_MAX

/* Whole microseconds that a policy's evaluations took since this was last asked. One decision in
 * some dozens is timed and stands for the others: the clock costs more than most policies. */
uint64_t policy_set_take_time_us(struct policy_set *s, unsigned policy);
/* Whether the latest decision was timed. */
bool policy_set_timed(const struct policy_set *s);

const uint8_t *policy_set_verdicts(const struct policy_set *s);

#endif
