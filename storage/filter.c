/* Sixteen bits an entry: five probes for the pair, two more for the pair with its owner. With every
 * entry's seven bits set a third of the bits are, so a pair that is nowhere passes one filter in
 * 200, and one that belongs to another owner one in 8.
 *
 * A filter for a whole block rather than one for each trace, because traces share most of their
 * attributes: measured on shop-like traces the block's filter takes a quarter of the space for the
 * same error, and rules out 256 traces at a time. */
#define XXH_INLINE_ALL
#include "storage/filter.h"

#include <stdlib.h>
#include <xxhash.h>

#define BITS_PER_ENTRY 16
#define PAIR_PROBES    5
#define OWNER_PROBES   2
#define MAX_ENTRIES    (256u << 10)

uint64_t filter_pair(struct bytes key, struct bytes value)
{
    return XXH3_64bits_withSeed(value.data, value.len, XXH3_64bits(key.data, key.len));
}

static uint64_t owned_hash(uint64_t owner, uint64_t pair)
{
    uint64_t h = (pair ^ owner * 0x9e3779b97f4a7c15u) * 0xd6e8feb86659fd93u;
    h ^= h >> 32;
    return h ? h : 1;
}

static struct filter_entry *find(const struct filter_set *s, uint64_t owned)
{
    uint32_t mask = s->capacity - 1;
    uint32_t at = (uint32_t)owned & mask;
    while (s->entries[at].owned && s->entries[at].owned != owned)
        at = (at + 1) & mask;
    return &s->entries[at];
}

static bool grow(struct filter_set *s)
{
    struct filter_set larger = {.capacity = s->capacity ? s->capacity * 2 : 4096};
    if (s->count >= MAX_ENTRIES)
        return false;
    larger.entries = calloc(larger.capacity, sizeof *larger.entries);
    if (!larger.entries)
        return false;
    for (uint32_t i = 0; i < s->capacity; i++) {
        if (s->entries[i].owned)
            *find(&larger, s->entries[i].owned) = s->entries[i];
    }
    free(s->entries);
    s->entries = larger.entries;
    s->capacity = larger.capacity;
    return true;
}

void filter_add(struct filter_set *s, uint64_t owner, uint64_t pair)
{
    if (s->saturated)
        return;
    if (s->count >= s->capacity / 2 && !grow(s)) {
        s->saturated = true;
        return;
    }
    uint64_t owned = owned_hash(owner, pair);
    struct filter_entry *e = find(s, owned);
    if (e->owned)
        return;
    *e = (struct filter_entry){.pair = pair, .owned = owned};
    s->count++;
}

void filter_clear(struct filter_set *s)
{
    if (s->capacity > 64 << 10)
        filter_free(s);
    else if (s->capacity)
        memset(s->entries, 0, s->capacity * sizeof *s->entries);
    s->count = 0;
    s->saturated = false;
}

void filter_free(struct filter_set *s)
{
    free(s->entries);
    *s = (struct filter_set){0};
}

static uint32_t position(uint64_t hash, uint32_t probe, uint64_t bits)
{
    uint32_t h = (uint32_t)hash + probe * ((uint32_t)(hash >> 32) | 1);
    return (uint32_t)((h * bits) >> 32);
}

static void set(uint8_t *filter, uint64_t bits, uint64_t hash, uint32_t probes)
{
    for (uint32_t i = 0; i < probes; i++) {
        uint32_t at = position(hash, i, bits);
        filter[at / 8] |= (uint8_t)(1u << at % 8);
    }
}

static bool test(struct bytes filter, uint64_t hash, uint32_t probes)
{
    for (uint32_t i = 0; i < probes; i++) {
        uint32_t at = position(hash, i, filter.len * 8);
        if (!(filter.data[at / 8] >> at % 8 & 1))
            return false;
    }
    return true;
}

void filter_write(const struct filter_set *s, struct buffer *out)
{
    if (s->saturated)
        return;
    size_t len = (size_t)(s->count + 1) * BITS_PER_ENTRY / 8;
    uint8_t *filter = buffer_reserve(out, len);
    if (!filter)
        return;
    memset(filter, 0, len);
    for (uint32_t i = 0; i < s->capacity; i++) {
        const struct filter_entry *e = &s->entries[i];
        if (!e->owned)
            continue;
        set(filter, len * 8, e->pair, PAIR_PROBES);
        set(filter, len * 8, e->owned, OWNER_PROBES);
    }
    out->len += len;
}

bool filter_may_have(struct bytes filter, uint64_t pair)
{
    return filter.len == 0 || test(filter, pair, PAIR_PROBES);
}

bool filter_may_have_owned(struct bytes filter, uint64_t owner, uint64_t pair)
{
    return filter.len == 0 || test(filter, owned_hash(owner, pair), OWNER_PROBES);
}
