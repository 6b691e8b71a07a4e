#include "sampling/trace_table.h"

#include "component/hash_seed.h"
#include "proto/prefetch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 256U /* records */

/* What most look-ups need lies in the slot; the record is only read when the hash agrees. */
struct slot {
    uint32_t number; /* plus one; 0: free */
    uint32_t hash;   /* its low bits */
};

struct trace_table {
    struct slot *slots; /* a power of two, at most half full */
    uint32_t mask;
    uint32_t count;
    uint32_t limit;
    size_t record_size;
    uint8_t **blocks;
    uint32_t block_count;
    uint32_t block_room;
    uint32_t used;       /* numbers given out so far */
    uint32_t first_free; /* chained through next_leaving */
};

uint64_t trace_hash(const uint8_t id[16])
{
    uint64_t high, low;
    memcpy(&high, id, 8);
    memcpy(&low, id + 8, 8);
    uint64_t seed = hash_seed();
    unsigned __int128 product =
        (unsigned __int128)(high ^ seed) * (low ^ (seed << 32 | seed >> 32) ^ 0x9e3779b97f4a7c15U);
    uint64_t h = (uint64_t)product ^ (uint64_t)(product >> 64);
    h = (h ^ high) * 0xd6e8feb86659fd93U;
    return h ^ (h >> 32);
}

struct trace_table *trace_table_create(uint32_t limit, unsigned words)
{
    struct trace_table *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    size_t size = 64;
    while (size < (size_t)limit * 2)
        size *= 2;
    t->limit = limit;
    t->mask = (uint32_t)(size - 1);
    t->first_free = TRACE_NONE;
    t->record_size = sizeof(struct trace) + sizeof(uint64_t) * words;
    t->slots = calloc(size, sizeof *t->slots); /* untouched pages cost nothing */
    if (t->slots)
        return t;
    free(t);
    return NULL;
}

void trace_table_destroy(struct trace_table *t)
{
    if (!t)
        return;
    for (uint32_t i = 0; i < t->block_count; i++)
        free(t->blocks[i]);
    free(t->blocks);
    free(t->slots);
    free(t);
}

struct trace *trace_table_at(const struct trace_table *t, uint32_t number)
{
    return (struct trace *)(t->blocks[number / BLOCK] + t->record_size * (number % BLOCK));
}

/* The slot where the trace is, or where it would go. */
static uint32_t slot_of(const struct trace_table *t, uint64_t hash, const uint8_t id[16])
{
    uint32_t at = (uint32_t)hash & t->mask;
    for (; t->slots[at].number != 0; at = (at + 1) & t->mask) {
        if (t->slots[at].hash == (uint32_t)hash &&
            memcmp(trace_table_at(t, t->slots[at].number - 1)->id, id, 16) == 0)
            break;
    }
    return at;
}

uint32_t trace_table_find(const struct trace_table *t, uint64_t hash, const uint8_t id[16])
{
    return t->slots[slot_of(t, hash, id)].number - 1; /* free: TRACE_NONE */
}

void trace_table_prefetch(const struct trace_table *t, uint64_t hash)
{
    prefetch(&t->slots[(uint32_t)hash & t->mask]);
}

static bool more_records(struct trace_table *t)
{
    if (t->block_count == t->block_room) {
        uint32_t room = t->block_room ? t->block_room * 2 : 16;
        uint8_t **blocks = realloc(t->blocks, sizeof *blocks * room);
        if (!blocks)
            return false;
        t->blocks = blocks;
        t->block_room = room;
    }
    uint8_t *block = malloc(t->record_size * BLOCK);
    if (!block)
        return false;
    t->blocks[t->block_count++] = block;
    return true;
}

static uint32_t take_number(struct trace_table *t)
{
    uint32_t number = t->first_free;
    if (number != TRACE_NONE) {
        t->first_free = trace_table_at(t, number)->next_leaving;
        return number;
    }
    if (t->used == t->block_count * BLOCK && !more_records(t))
        return TRACE_NONE;
    return t->used++;
}

uint32_t trace_table_add(struct trace_table *t, uint64_t hash, const uint8_t id[16])
{
    assert(!trace_table_full(t));
    uint32_t number = take_number(t);
    if (number == TRACE_NONE)
        return TRACE_NONE;
    struct trace *trace = trace_table_at(t, number);
    memset(trace, 0, t->record_size);
    memcpy(trace->id, id, 16);
    trace->hash = hash;
    trace->spans = SPAN_CHAIN_EMPTY;
    trace->wheel.list = WHEEL_NONE;
    trace->next_leaving = TRACE_NONE;
    t->slots[slot_of(t, hash, id)] = (struct slot){.number = number + 1, .hash = (uint32_t)hash};
    t->count++;
    return number;
}

void trace_table_remove(struct trace_table *t, uint32_t number)
{
    const struct trace *trace = trace_table_at(t, number);
    uint32_t hole = (uint32_t)trace->hash & t->mask;
    while (t->slots[hole].number != number + 1)
        hole = (hole + 1) & t->mask;
    /* Those behind it move up, unless their own place lies behind the hole. */
    for (uint32_t at = (hole + 1) & t->mask; t->slots[at].number != 0; at = (at + 1) & t->mask) {
        uint32_t home = t->slots[at].hash & t->mask;
        if (((at - home) & t->mask) < ((at - hole) & t->mask))
            continue;
        t->slots[hole] = t->slots[at];
        hole = at;
    }
    t->slots[hole].number = 0;
    t->count--;
}

void trace_table_free(struct trace_table *t, uint32_t number)
{
    trace_table_at(t, number)->next_leaving = t->first_free;
    t->first_free = number;
}

uint32_t trace_table_count(const struct trace_table *t)
{
    return t->count;
}

bool trace_table_full(const struct trace_table *t)
{
    return t->count >= t->limit;
}
