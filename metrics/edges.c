#include "metrics/edges.h"

#include "component/hash_seed.h"
#include "proto/prefetch.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { PAGE_EDGES = 512, TABLE_FIRST = 1024 };

uint64_t edge_hash(const struct edge_key *k)
{
    return XXH3_64bits_withSeed(k, sizeof *k, hash_seed());
}

bool open_edges_init(struct edges *e, struct text_set *texts, uint32_t limit)
{
    *e = (struct edges){.texts = texts, .limit = limit, .end = 1, .mask = TABLE_FIRST - 1};
    e->table = calloc(TABLE_FIRST, sizeof *e->table);
    return e->table != NULL;
}

static struct edge *edge_at(const struct edges *e, uint32_t number)
{
    return &e->pages[number / PAGE_EDGES][number % PAGE_EDGES];
}

/* ---- the table ---- */

static void table_put(struct edge_slot *table, uint32_t mask, uint32_t hash, uint32_t edge)
{
    uint32_t i = hash & mask;
    while (table[i].edge)
        i = (i + 1) & mask;
    table[i] = (struct edge_slot){hash, edge};
}

/* At most half full. */
static bool table_has_room(struct edges *e)
{
    uint32_t size = e->mask + 1;
    if (e->count < size / 2)
        return true;
    struct edge_slot *table = calloc((size_t)size * 2, sizeof *table);
    if (!table)
        return e->count < size / 16 * 15;
    for (uint32_t i = 0; i < size; i++) {
        if (e->table[i].edge)
            table_put(table, size * 2 - 1, e->table[i].hash, e->table[i].edge);
    }
    free(e->table);
    e->table = table;
    e->mask = size * 2 - 1;
    return true;
}

static void table_remove(struct edges *e, uint32_t hash, uint32_t number)
{
    uint32_t i = hash & e->mask;
    while (e->table[i].edge != number)
        i = (i + 1) & e->mask;
    for (uint32_t j = i;;) {
        j = (j + 1) & e->mask;
        if (!e->table[j].edge)
            break;
        uint32_t home = e->table[j].hash & e->mask;
        if (((j - home) & e->mask) >= ((j - i) & e->mask)) {
            e->table[i] = e->table[j];
            i = j;
        }
    }
    e->table[i].edge = 0;
}

void open_edges_prefetch(const struct edges *e, uint64_t hash)
{
    prefetch(&e->table[(uint32_t)hash & e->mask]);
}

void edges_prefetch_edge(const struct edges *e, uint64_t hash)
{
    for (uint32_t i = (uint32_t)hash & e->mask; e->table[i].edge; i = (i + 1) & e->mask) {
        if (e->table[i].hash == (uint32_t)hash) {
            const uint8_t *edge = (const uint8_t *)edge_at(e, e->table[i].edge);
            prefetch_to_write(edge);
            prefetch_to_write(edge + 64);
            return;
        }
    }
}

struct edge *open_edges_find(const struct edges *e, const struct edge_key *k, uint64_t hash)
{
    for (uint32_t i = (uint32_t)hash & e->mask; e->table[i].edge; i = (i + 1) & e->mask) {
        struct edge *edge = edge_at(e, e->table[i].edge);
        if (e->table[i].hash == (uint32_t)hash && memcmp(&edge->key, k, sizeof *k) == 0)
            return edge;
    }
    return NULL;
}

/* ---- edges ---- */

static uint32_t take_number(struct edges *e)
{
    uint32_t number = e->free;
    if (number) {
        e->free = edge_at(e, number)->newer;
        return number;
    }
    if (e->end / PAGE_EDGES >= e->page_count) {
        struct edge **pages = realloc(e->pages, (e->page_count + 1) * sizeof *pages);
        if (!pages)
            return 0;
        e->pages = pages;
        pages[e->page_count] = malloc(PAGE_EDGES * sizeof **pages);
        if (!pages[e->page_count])
            return 0;
        e->page_count++;
    }
    return e->end++;
}

struct edge *open_edges_add(struct edges *e, const struct edge_key *k, uint64_t hash)
{
    if (open_edges_full(e) || !table_has_room(e))
        return NULL;
    uint32_t number = take_number(e);
    if (!number)
        return NULL;
    struct edge *edge = edge_at(e, number);
    memset(edge, 0, sizeof *edge);
    memcpy(&edge->key, k, sizeof *k);
    edge->hash = hash;
    edge->older = e->newest;
    *(e->newest ? &edge_at(e, e->newest)->newer : &e->oldest) = number;
    e->newest = number;
    table_put(e->table, e->mask, (uint32_t)hash, number);
    e->count++;
    return edge;
}

struct edge *open_edges_oldest(const struct edges *e)
{
    return e->oldest ? edge_at(e, e->oldest) : NULL;
}

void edge_drop_texts(struct text_set *texts, const struct edge *edge)
{
    text_drop(texts, edge->client);
    text_drop(texts, edge->server);
    text_drop(texts, edge->peer);
    text_drop(texts, edge->client_dimensions);
    text_drop(texts, edge->server_dimensions);
}

void open_edges_remove(struct edges *e, struct edge *edge)
{
    uint32_t number = edge->newer ? edge_at(e, edge->newer)->older : e->newest;
    *(edge->newer ? &edge_at(e, edge->newer)->older : &e->newest) = edge->older;
    *(edge->older ? &edge_at(e, edge->older)->newer : &e->oldest) = edge->newer;
    table_remove(e, (uint32_t)edge->hash, number);
    edge_drop_texts(e->texts, edge);
    edge->newer = e->free;
    e->free = number;
    e->count--;
}

void open_edges_free(struct edges *e)
{
    while (e->oldest)
        open_edges_remove(e, open_edges_oldest(e));
    for (uint32_t i = 0; i < e->page_count; i++)
        free(e->pages[i]);
    free(e->pages);
    free(e->table);
}
