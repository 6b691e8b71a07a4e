/* The Bloom filter takes 12 bits a pair and six probes: a pair that is nowhere passes one block in
 * 250. A pair that is in the block a few times only leads to a few traces; the others, some
 * hundreds of the thousands in a block, are worth three bytes for each service that has them. That
 * a pair has its services listed is noted as one more service.
 *
 * Thousands of pairs are added for every block, so entries are small, 31 bits of each hash being
 * enough, because what collides is only looked at once more; and they go into the table a few at a
 * time, when their cache lines have been fetched.
 *
 * A filter for a whole block rather than one for each trace, because traces share most of their
 * attributes. */
#define XXH_INLINE_ALL
#include "storage/filter.h"

#include "proto/prefetch.h"

#include <endian.h>
#include <stdlib.h>
#include <xxhash.h>

#define BITS_PER_PAIR 12
#define PROBES        6
#define MAX_ENTRIES   (256u << 10)
#define LISTED        UINT32_MAX /* the service of pairs whose services are listed */

uint32_t filter_pair(struct bytes key, struct bytes value)
{
    uint64_t h = XXH3_64bits_withSeed(value.data, value.len, XXH3_64bits(key.data, key.len));
    return (uint32_t)(h >> 32);
}

/* Free of the bits that count times, and never 0. */
static uint32_t owned_hash(uint32_t service, uint32_t pair)
{
    uint64_t h = ((uint64_t)service << 32 | pair) * 0x9e3779b97f4a7c15u;
    h = (h ^ h >> 32) * 0xd6e8feb86659fd93u;
    return (uint32_t)(h >> 32 & ~FILTER_TIMES) | (FILTER_TIMES + 1);
}

static struct filter_entry *find(const struct filter_set *s, uint32_t owned, uint32_t pair)
{
    uint32_t mask = s->capacity - 1;
    uint32_t at = owned >> 3 & mask;
    while (s->entries[at].owned &&
           (s->entries[at].pair != pair || (s->entries[at].owned & ~FILTER_TIMES) != owned))
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
        const struct filter_entry *e = &s->entries[i];
        if (e->owned)
            *find(&larger, e->owned & ~FILTER_TIMES, e->pair) = *e;
    }
    free(s->entries);
    s->entries = larger.entries;
    s->capacity = larger.capacity;
    return true;
}

static void insert(struct filter_set *s, struct filter_entry new)
{
    if (s->count >= s->capacity / 4 * 3 && !grow(s)) {
        s->saturated = true;
        return;
    }
    uint32_t times = new.owned &FILTER_TIMES;
    new.owned &= ~FILTER_TIMES;
    struct filter_entry *e = find(s, new.owned, new.pair);
    if (!e->owned) {
        *e = new;
        s->count++;
    }
    uint32_t before = e->owned & FILTER_TIMES;
    e->owned += before + times > FILTER_TIMES ? FILTER_TIMES - before : times;
}

void filter_settle(struct filter_set *s)
{
    for (uint32_t i = 0; i < s->pending_count && !s->saturated; i++)
        insert(s, s->pending[i]);
    s->pending_count = 0;
}

void filter_add(struct filter_set *s, uint32_t service, uint32_t pair, bool shared)
{
    uint32_t owned = owned_hash(service, pair);
    if (s->saturated)
        return;
    if (s->capacity)
        prefetch_to_write(&s->entries[owned >> 3 & (s->capacity - 1)]);
    s->pending[s->pending_count++] =
        (struct filter_entry){.pair = pair, .owned = owned | (shared ? FILTER_TIMES : 1)};
    if (s->pending_count == FILTER_PENDING)
        filter_settle(s);
}

void filter_clear(struct filter_set *s)
{
    if (s->capacity > 64 << 10)
        filter_free(s);
    else if (s->capacity)
        memset(s->entries, 0, s->capacity * sizeof *s->entries);
    s->count = 0;
    s->pending_count = 0;
    s->saturated = false;
}

void filter_free(struct filter_set *s)
{
    free(s->entries);
    *s = (struct filter_set){0};
}

static uint32_t position(uint32_t pair, uint32_t probe, uint64_t bits)
{
    uint32_t h = pair + probe * (pair * 0x9e3779b1u | 1);
    return (uint32_t)((h * bits) >> 32);
}

/* Pairs that are repeated so often that their services are listed: a set. */
struct pairs {
    uint32_t *items; /* 0: free; a pair of that value is left out */
    uint32_t mask;
    uint32_t count;
};

static bool is_repeated(const struct filter_entry *e)
{
    return (e->owned & FILTER_TIMES) == FILTER_TIMES && e->pair;
}

static uint32_t *find_pair(const struct pairs *p, uint32_t pair)
{
    uint32_t at = pair & p->mask;
    while (p->items[at] && p->items[at] != pair)
        at = (at + 1) & p->mask;
    return &p->items[at];
}

static bool collect_repeated(const struct filter_set *s, struct pairs *p)
{
    uint32_t repeated = 0;
    for (uint32_t i = 0; i < s->capacity; i++)
        repeated += is_repeated(&s->entries[i]);
    *p = (struct pairs){.mask = 63};
    while (p->mask < repeated * 2)
        p->mask = p->mask * 2 + 1;
    p->items = calloc(p->mask + 1, sizeof *p->items);
    if (!p->items)
        return false;
    for (uint32_t i = 0; i < s->capacity; i++) {
        if (!is_repeated(&s->entries[i]))
            continue;
        uint32_t *at = find_pair(p, s->entries[i].pair);
        p->count += *at == 0;
        *at = s->entries[i].pair;
    }
    return true;
}

static int compare_owned(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The services of repeated pairs into `out`, sorted; returns how many. */
static uint32_t list_owned(const struct filter_set *s, const struct pairs *p, uint32_t *out)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->capacity; i++) {
        const struct filter_entry *e = &s->entries[i];
        if (e->owned && *find_pair(p, e->pair))
            out[n++] = e->owned >> 8;
    }
    for (uint32_t i = 0; i <= p->mask; i++) {
        if (p->items[i])
            out[n++] = owned_hash(LISTED, p->items[i]) >> 8;
    }
    qsort(out, n, sizeof *out, compare_owned);
    return n;
}

static void put_owned(const uint32_t *list, uint32_t count, struct buffer *out)
{
    uint8_t *at = buffer_reserve(out, 4 + (size_t)count * FILTER_OWNED_BYTES);
    if (!at)
        return;
    uint32_t stored = htole32(count);
    memcpy(at, &stored, sizeof stored);
    at += sizeof stored;
    for (uint32_t i = 0; i < count; i++) {
        *at++ = (uint8_t)(list[i] >> 16);
        *at++ = (uint8_t)(list[i] >> 8);
        *at++ = (uint8_t)list[i];
    }
    out->len += 4 + (size_t)count * FILTER_OWNED_BYTES;
}

static void write_owned(const struct filter_set *s, struct buffer *out)
{
    struct pairs repeated;
    uint32_t *list = NULL;
    bool done = collect_repeated(s, &repeated);
    if (done)
        list = malloc((s->count + (size_t)repeated.count + 1) * sizeof *list);
    if (list)
        put_owned(list, list_owned(s, &repeated, list), out);
    else
        out->failed = true;
    free(list);
    free(repeated.items);
}

void filter_write(struct filter_set *s, struct buffer *out)
{
    filter_settle(s);
    if (s->saturated)
        return;
    write_owned(s, out);
    size_t len = (size_t)(s->count + 1) * BITS_PER_PAIR / 8 + 1;
    uint8_t *bits = buffer_reserve(out, len);
    if (!bits)
        return;
    memset(bits, 0, len);
    for (uint32_t i = 0; i < s->capacity; i++) {
        if (!s->entries[i].owned)
            continue;
        for (uint32_t probe = 0; probe < PROBES; probe++) {
            uint32_t at = position(s->entries[i].pair, probe, len * 8);
            bits[at / 8] |= (uint8_t)(1u << at % 8);
        }
    }
    out->len += len;
}

struct filter filter_of(struct bytes written)
{
    uint32_t count;
    if (written.len < 5)
        return (struct filter){.open = true};
    memcpy(&count, written.data, sizeof count);
    count = le32toh(count);
    size_t before = 4 + (size_t)count * FILTER_OWNED_BYTES;
    if (before >= written.len)
        return (struct filter){.open = true};
    return (struct filter){.owned = written.data + 4,
                           .owned_count = count,
                           .bits = bytes_of(written.data + before, written.len - before)};
}

bool filter_may_have(const struct filter *f, uint32_t pair)
{
    if (f->open)
        return true;
    for (uint32_t probe = 0; probe < PROBES; probe++) {
        uint32_t at = position(pair, probe, f->bits.len * 8);
        if (!(f->bits.data[at / 8] >> at % 8 & 1))
            return false;
    }
    return true;
}

static bool is_listed(const struct filter *f, uint32_t owned)
{
    uint32_t wanted = owned >> 8;
    uint32_t low = 0;
    for (uint32_t high = f->owned_count; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        const uint8_t *at = f->owned + (size_t)middle * FILTER_OWNED_BYTES;
        uint32_t value = (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
        if (value == wanted)
            return true;
        if (value < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

bool filter_may_have_owned(const struct filter *f, uint32_t service, uint32_t pair)
{
    return f->open || is_listed(f, owned_hash(service, pair)) ||
           !is_listed(f, owned_hash(LISTED, pair));
}
