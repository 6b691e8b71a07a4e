/* The traces of a shard that wait for their decision.
 *
 * Records are numbered, lie in blocks and never move: the timing wheel and the chains of waiting
 * spans name them by number. Finding one is open addressing over numbers, by a hash of the id that
 * senders cannot foresee. A trace costs about 150 bytes and its policies' bits.
 *
 * One thread at a time. */
#ifndef TAILSPAN_SAMPLING_TRACE_TABLE_H
#define TAILSPAN_SAMPLING_TRACE_TABLE_H

#include "sampling/timing_wheel.h"
#include "sampling/waiting_spans.h"

#define TRACE_NONE UINT32_MAX

struct trace {
    uint8_t id[16];
    uint64_t hash;
    struct span_chain spans;
    struct wheel_links wheel;
    uint64_t arrived_ns; /* CLOCK_MONOTONIC, of its first span */
    uint64_t start_ns;
    uint64_t end_ns;
    uint64_t bytes;
    uint64_t randomness;
    uint32_t span_count;
    uint32_t next_leaving; /* in the queue of decided traces whose spans are still here */
    uint32_t turn;         /* of its shard, when its latest spans came; span-ingest only */
    uint16_t outcome;
    bool explicit_randomness;
    bool rooted; /* its root has come */
    bool kept;   /* once it leaves */
    bool held;   /* no policy wants it: it waits for the rest of its journey */
    uint64_t bits[];
};

struct trace_table;

/* For up to `limit` waiting traces, each with `words` of bits. NULL: out of memory. */
struct trace_table *trace_table_create(uint32_t limit, unsigned words);
void trace_table_destroy(struct trace_table *t);

struct trace *trace_table_at(const struct trace_table *t, uint32_t number);
/* TRACE_NONE: not waiting. */
uint32_t trace_table_find(const struct trace_table *t, uint64_t hash, const uint8_t id[16]);
/* Begins to fetch what finding it will read. */
void trace_table_prefetch(const struct trace_table *t, uint64_t hash);
/* A new record, all zero but for id, hash, and empty links. The table is not full. TRACE_NONE: out
 * of memory. */
uint32_t trace_table_add(struct trace_table *t, uint64_t hash, const uint8_t id[16]);
/* Takes a trace out of the table; its record stays until freed. */
void trace_table_remove(struct trace_table *t, uint32_t number);
void trace_table_free(struct trace_table *t, uint32_t number);

uint32_t trace_table_count(const struct trace_table *t);
bool trace_table_full(const struct trace_table *t);

/* 64 bits of a trace id, the same as long as the process lives. */
uint64_t trace_hash(const uint8_t id[16]);

#endif
