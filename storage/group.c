/* Two passes: find every span's trace through a hash table and count, then deal the spans out. The
 * spans themselves are not touched again. The hash is seeded, because senders choose trace ids. */
#define XXH_INLINE_ALL
#include "storage/group.h"

#include "component/hash_seed.h"

#include <stdlib.h>
#include <xxhash.h>

static bool reserve(struct grouping *g, uint32_t spans)
{
    g->seed = hash_seed();
    if (spans > g->span_capacity) {
        uint32_t capacity = 4096;
        while (capacity < spans)
            capacity *= 2;
        group_free(g);
        g->traces = malloc(capacity * sizeof *g->traces);
        g->refs = malloc(capacity * sizeof *g->refs);
        g->trace_of = malloc(capacity * sizeof *g->trace_of);
        g->table = malloc((size_t)capacity * 2 * sizeof *g->table);
        if (!g->traces || !g->refs || !g->trace_of || !g->table) {
            group_free(g);
            return false;
        }
        g->span_capacity = capacity;
    }
    /* As large as these spans need, so that a few spans don't pay for clearing a large table. */
    g->table_capacity = 64;
    while (g->table_capacity < spans * 2)
        g->table_capacity *= 2;
    memset(g->table, 0, g->table_capacity * sizeof *g->table);
    return true;
}

static const uint8_t *id_of(const struct grouping *g, struct batch *const *batches, uint32_t trace)
{
    const struct span_ref *r = &g->refs[g->traces[trace].first];
    return batches[r->batch]->spans[r->span].trace_id;
}

/* During the first pass a trace's `first` is the position of its first span. */
static uint32_t trace_for(struct grouping *g, struct batch *const *batches, const uint8_t id[16])
{
    uint32_t mask = g->table_capacity - 1;
    uint32_t at = (uint32_t)XXH3_64bits_withSeed(id, 16, g->seed) & mask;
    for (; g->table[at]; at = (at + 1) & mask) {
        if (memcmp(id_of(g, batches, g->table[at] - 1), id, 16) == 0)
            return g->table[at] - 1;
    }
    g->traces[g->trace_count] = (struct trace_group){.first = g->span_count};
    g->table[at] = ++g->trace_count;
    return g->trace_count - 1;
}

static void find_traces(struct grouping *g, struct batch *const *batches, uint32_t count)
{
    for (uint32_t b = 0; b < count; b++) {
        for (uint32_t i = 0; i < batches[b]->span_count; i++) {
            g->refs[g->span_count] = (struct span_ref){b, i};
            uint32_t trace = trace_for(g, batches, batches[b]->spans[i].trace_id);
            g->traces[trace].count++;
            g->trace_of[g->span_count++] = trace;
        }
    }
}

static void deal(struct grouping *g, struct batch *const *batches, uint32_t count)
{
    uint32_t first = 0;
    for (uint32_t t = 0; t < g->trace_count; t++) {
        g->traces[t].first = first;
        first += g->traces[t].count;
        g->traces[t].count = 0;
    }
    uint32_t span = 0;
    for (uint32_t b = 0; b < count; b++) {
        for (uint32_t i = 0; i < batches[b]->span_count; i++) {
            struct trace_group *t = &g->traces[g->trace_of[span++]];
            g->refs[t->first + t->count++] = (struct span_ref){b, i};
        }
    }
}

bool group_spans(struct grouping *g, struct batch *const *batches, uint32_t count)
{
    uint64_t spans = 0;
    for (uint32_t b = 0; b < count; b++)
        spans += batches[b]->span_count;
    g->trace_count = 0;
    g->span_count = 0;
    if (spans == 0)
        return true;
    if (spans >= UINT32_MAX / 4 || !reserve(g, (uint32_t)spans))
        return false;
    find_traces(g, batches, count);
    deal(g, batches, count);
    return true;
}

void group_free(struct grouping *g)
{
    free(g->traces);
    free(g->refs);
    free(g->trace_of);
    free(g->table);
    *g = (struct grouping){.seed = g->seed};
}
