#include "processors/kafka_hops/party.h"

#include "component/hash_seed.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { IDLE_MS = 60000, FIRST_CAPACITY = 256 };

/* ---- keys ---- */

static uint64_t hash_of(struct bytes text, uint64_t seed)
{
    return XXH3_64bits_withSeed(text.data, text.len, seed);
}

uint64_t topic_hash(struct bytes topic)
{
    return hash_of(topic, hash_seed());
}

void party_key_finish(struct party_key *k)
{
    uint64_t h = hash_seed();
    for (unsigned i = 0; i < PARTY_STRINGS; i++) {
        if (k->strings[i].len > PARTY_STRING_MAX)
            k->strings[i].len = PARTY_STRING_MAX;
        h = hash_of(k->strings[i], h + i);
    }
    k->hash = h;
    k->topic_hash = topic_hash(k->strings[PARTY_TOPIC]);
    struct bytes group = k->strings[PARTY_GROUP];
    k->group_hash = hash_of(group.len > 0 ? group : k->strings[PARTY_SERVICE], hash_seed() + 1);
}

static bool same_key(const struct party_key *a, const struct party_key *b)
{
    return a->hash == b->hash && party_key_same_strings(a, b);
}

/* ---- the table ---- */

static bool reserve(struct parties *p, uint32_t capacity)
{
    struct party **items = realloc(p->items, capacity * sizeof *items);
    if (items)
        p->items = items;
    uint32_t *next_free = realloc(p->next_free, capacity * sizeof *next_free);
    if (next_free)
        p->next_free = next_free;
    uint32_t *buckets = calloc(capacity, sizeof *buckets);
    if (!items || !next_free || !buckets) {
        free(buckets);
        return false;
    }
    free(p->buckets);
    p->buckets = buckets;
    p->bucket_mask = capacity - 1;
    p->capacity = capacity;
    for (uint32_t i = 1; i < p->end; i++) {
        struct party *party = p->items[i];
        if (!party)
            continue;
        uint32_t *bucket = &p->buckets[party->key.hash & p->bucket_mask];
        party->chain = *bucket;
        *bucket = i;
    }
    return true;
}

bool parties_init(struct parties *p)
{
    *p = (struct parties){.end = 1, .swept = 1};
    return reserve(p, FIRST_CAPACITY);
}

void parties_free(struct parties *p)
{
    for (uint32_t i = 1; i < p->end; i++) {
        if (p->items[i])
            party_let_go(p->items[i]);
    }
    free(p->items);
    free(p->next_free);
    free(p->buckets);
}

void party_let_go(struct party *p)
{
    if (atomic_fetch_sub_explicit(&p->holders, 1, memory_order_acq_rel) == 1)
        free(p);
}

static size_t key_bytes(const struct party_key *k)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < PARTY_STRINGS; i++)
        bytes += k->strings[i].len;
    return bytes;
}

static struct party *make(const struct party_key *k)
{
    struct party *party = malloc(sizeof *party + key_bytes(k));
    if (!party)
        return NULL;
    *party = (struct party){.key = *k};
    atomic_init(&party->holders, 1);
    uint8_t *at = (uint8_t *)(party + 1);
    for (unsigned i = 0; i < PARTY_STRINGS; i++) {
        struct bytes *s = &party->key.strings[i];
        if (s->len > 0)
            memcpy(at, s->data, s->len);
        s->data = at;
        at += s->len;
    }
    return party;
}

static bool is_full(const struct parties *p)
{
    return p->count >= PARTIES_MAX || p->bytes >= PARTIES_BYTES_MAX;
}

static uint32_t take_number(struct parties *p)
{
    uint32_t number = p->free;
    if (number)
        p->free = p->next_free[number];
    else
        number = p->end++;
    return number;
}

static struct party *add(struct parties *p, const struct party_key *k, uint32_t now_ms)
{
    enum { SWEEP_WHEN_FULL = 64 };
    if (is_full(p))
        parties_sweep(p, now_ms, SWEEP_WHEN_FULL);
    if (is_full(p) || (!p->free && p->end == p->capacity && !reserve(p, p->capacity * 2)))
        return NULL;
    struct party *party = make(k);
    if (!party)
        return NULL;
    party->number = take_number(p);
    uint32_t *bucket = &p->buckets[k->hash & p->bucket_mask];
    party->chain = *bucket;
    *bucket = party->number;
    p->items[party->number] = party;
    p->count++;
    p->bytes += sizeof *party + key_bytes(k);
    return party;
}

static struct party *find(const struct parties *p, const struct party_key *k)
{
    struct party *party;
    for (uint32_t n = p->buckets[k->hash & p->bucket_mask]; n; n = party->chain) {
        party = p->items[n];
        if (same_key(&party->key, k))
            return party;
    }
    return NULL;
}

struct party *parties_get(struct parties *p, const struct party_key *k, uint32_t now_ms)
{
    struct party *party = find(p, k);
    if (!party)
        party = add(p, k, now_ms);
    if (party)
        party->seen_ms = now_ms;
    return party;
}

void parties_give_up(struct parties *p, struct party *party)
{
    uint32_t *at = &p->buckets[party->key.hash & p->bucket_mask];
    while (*at != party->number)
        at = &p->items[*at]->chain;
    *at = party->chain;
    p->items[party->number] = NULL;
    p->next_free[party->number] = p->free;
    p->free = party->number;
    p->count--;
    p->bytes -= sizeof *party + key_bytes(&party->key);
    party_let_go(party);
}

void parties_sweep(struct parties *p, uint32_t now_ms, uint32_t slots)
{
    for (; slots > 0; slots--) {
        if (p->swept >= p->end)
            p->swept = 1;
        if (p->end == 1)
            return;
        struct party *party = p->items[p->swept++];
        if (party && party->records == 0 && (int32_t)(now_ms - party->seen_ms) > IDLE_MS)
            parties_give_up(p, party);
    }
}
