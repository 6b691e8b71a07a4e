/* Consistent probability sampling: the `ot` entry of the W3C tracestate, and its arithmetic.
 *
 * A trace has 56 bits of randomness R (`rv` of its tracestate, else the low bits of its id); a
 * sampler rejects those below its threshold T, and writes T as `th`, so that whoever counts spans
 * later knows that each stands for 2^56 / (2^56 - T). Thresholds only rise along the way. A span
 * kept for another reason than its randomness stands for an unknown number: its `th` is erased. */
#ifndef TAILSPAN_PROTO_CONSISTENT_H
#define TAILSPAN_PROTO_CONSISTENT_H

#include "proto/bytes.h"

#include <stdbool.h>
#include <stdint.h>

#define RANDOMNESS_BITS 56
#define THRESHOLD_LIMIT (1ULL << RANDOMNESS_BITS)
#define TRACE_STATE_MAX 4096 /* a longer one is passed on as it is */
#define OT_ENTRY_MAX    256

struct ot_state {
    bool has_randomness;
    bool has_threshold;
    uint64_t randomness;
    uint64_t threshold;
};

/* What the `ot` entry says; a malformed rv or th is as good as none. */
struct ot_state ot_parse(struct bytes trace_state);

uint64_t trace_id_randomness(const uint8_t id[16]);

/* How many spans one with this threshold stands for. */
double adjusted_count(uint64_t threshold);

/* The tracestate that a span leaves a sampler with. `known`: its threshold is `threshold`, unless
 * the span came with a higher one; else `th` is erased, as it is when the span came with one above
 * its randomness. All else that the tracestate says is kept. Returns its length in `out`
 * (TRACE_STATE_MAX + OT_ENTRY_MAX bytes), or -1 when it need not or cannot change. */
int ot_rewrite(struct bytes trace_state, uint64_t randomness, uint64_t threshold, bool known,
               char *out);

#endif
