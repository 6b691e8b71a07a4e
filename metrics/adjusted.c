#include "metrics/adjusted.h"

#include "proto/attribute.h"
#include "proto/consistent.h"

static uint64_t next_random(struct adjusted_counts *a)
{
    uint64_t z = (a->random += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

uint64_t adjusted_count_of(struct adjusted_counts *a, const struct span_view *span, bool *adjusted)
{
    *adjusted = false;
    if (!span->trace_state)
        return 1;
    struct ot_state s = ot_parse(span_trace_state(span_bytes(span)));
    if (!s.has_threshold)
        return 1;
    *adjusted = true;
    uint64_t kept = THRESHOLD_LIMIT - s.threshold;
    uint64_t count = THRESHOLD_LIMIT / kept, rest = THRESHOLD_LIMIT % kept;
    return count + (rest > 0 && next_random(a) % kept < rest);
}
