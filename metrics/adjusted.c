#include "metrics/adjusted.h"

#include "proto/attribute.h"
#include "proto/consistent.h"

/* Of 2^56 randomnesses, a sampler that is believed keeps at least so many. */
#define KEPT_LEAST (THRESHOLD_LIMIT / ADJUSTED_COUNT_MAX)

static uint64_t next_random(struct adjusted_counts *a)
{
    uint64_t z = (a->random += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

/* A stranger wrote it, so it must be possible: a sampler with this threshold would not have kept
 * the span, or no sampler keeps so few. */
static bool is_credible(const struct ot_state *s, const struct span_view *span)
{
    uint64_t randomness = s->has_randomness ? s->randomness : trace_id_randomness(span->trace_id);
    return s->threshold <= randomness && THRESHOLD_LIMIT - s->threshold >= KEPT_LEAST;
}

uint64_t adjusted_count_of(struct adjusted_counts *a, const struct span_view *span, bool *adjusted)
{
    *adjusted = false;
    if (!span->trace_state)
        return 1;
    struct ot_state s = ot_parse(span_trace_state(span_bytes(span)));
    if (!s.has_threshold || !is_credible(&s, span))
        return 1;
    *adjusted = true;
    uint64_t kept = THRESHOLD_LIMIT - s.threshold;
    uint64_t count = THRESHOLD_LIMIT / kept, rest = THRESHOLD_LIMIT % kept;
    return count + (rest > 0 && next_random(a) % kept < rest);
}
