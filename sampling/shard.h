/* A shard of a tail sampler: the traces whose ids fall to it, from first span to decision and out.
 *
 * Spans are offered on whatever lane they arrive; deciding and handing on is the business of the
 * shard's home lane, in turns of about a millisecond, so that a hundred thousand decisions that
 * fall due at once delay no request for long. One lock guards all of a shard; it is taken once for
 * each batch and once for each turn, and never held while spans are handed on. */
#ifndef TAILSPAN_SAMPLING_SHARD_H
#define TAILSPAN_SAMPLING_SHARD_H

#include "component/component.h"
#include "sampling/journeys.h"
#include "sampling/sampler_metrics.h"
#include "sampling/sampling.h"

/* Of all shards of a sampler. */
struct shard_settings {
    uint64_t decision_wait_ns;
    uint64_t after_root_ns; /* 0: a root changes nothing */
    uint32_t traces_limit;  /* of one shard */
    size_t memory_bytes;    /* of one shard's decision memory */
    size_t recent_bytes;    /* of one shard's recent decisions */
    uint64_t trace_bytes;   /* 0: no limit */
    unsigned shards;
    bool block_on_overflow;
    bool first_match;
    bool consistent;
    bool record_policy;
    bool drop_pending;
    bool on_ingest; /* each arrival of spans is judged on its own, and what is left at the end not
                       at all */
    struct journeys *journeys; /* NULL: each trace for itself */
    uint64_t hold_ns;          /* longest that a journey holds a trace */
    struct sampler_metrics *metrics;
    struct component *sampler; /* whose `next` kept spans go to */
};

struct shard;

/* Shard `number` of settings->shards; takes over the policies. NULL: out of memory. */
struct shard *shard_create(const struct shard_settings *settings, unsigned number,
                           struct policy_set *policies, uint64_t now_ns);
void shard_destroy(struct shard *s);

/* Whether the next batch can be taken. Any thread. */
bool shard_has_room(struct shard *s);

/* Takes the spans of `b` that fall to this shard; the caller keeps its reference. Any lane. Never
 * fails: what cannot be kept for want of memory is counted. */
void shard_offer(struct shard *s, struct batch *b, uint64_t now_ns);

/* Decides and hands on, for a millisecond or so. On the home lane. Returns when the next turn is
 * wanted (CLOCK_MONOTONIC): at once when more is due. */
uint64_t shard_turn(struct shard *s, uint64_t now_ns);

/* From now on every turn decides what waits, due or not. */
void shard_drain(struct shard *s);
/* Nothing waits, nothing is on its way out. */
bool shard_empty(struct shard *s);
/* Spans that have not left yet. */
uint64_t shard_pending_spans(struct shard *s);

uint32_t shard_waiting_traces(struct shard *s);
size_t shard_memory_bytes(struct shard *s);

/* What was decided of a trace, as far back as is remembered. Any thread. */
enum journey_past shard_past(struct shard *s, uint64_t hash);

/* False when nothing is known. `out->component` is left alone. Any thread. */
bool shard_explain(struct shard *s, const uint8_t trace_id[16], struct explanation *out);

/* The shard that a trace falls to. */
unsigned shard_of_trace(uint64_t hash, unsigned shards);

#endif
