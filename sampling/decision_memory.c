#include "sampling/decision_memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define TIME_UNIT_NS 250000000U
#define OUTCOMES_MAX 32768U
#define INDEX_SIZE   65536U /* open addressing over outcomes, at most half full */

/* A bucket: keys, outcomes and times of `ways` decisions, one array behind the other, so that a
 * look-up reads a kilobyte of keys in a row. A key of 0 is free. */
struct bucket {
    uint64_t *keys;
    uint16_t *outcomes;
    uint16_t *times;
};

#define DECISION_BYTES (sizeof(uint64_t) + 2 * sizeof(uint16_t))
#define WAYS_MIN       ((size_t)64)
#define BASE_MIN       64U

/* Linear hashing: `base` buckets are addressed by the low bits of the hash, and the first of them,
 * up to `split`, by one bit more. So the table grows by a bucket at a time and never all at once.
 * Full, it is a power of two again, so that buckets are alike, and `ways` takes up the rest. The
 * memory of all buckets is reserved at the beginning, and taken by the kernel as it is touched.
 */
struct decision_memory {
    uint8_t *buckets;
    uint8_t *next; /* of each bucket: where the next decision goes */
    uint64_t count;
    uint32_t base; /* a power of two */
    uint32_t split;
    uint32_t limit; /* buckets, a power of two; 0: remembers nothing */
    uint32_t ways;  /* a multiple of 4, below 128 */

    struct sampling_decision *outcomes;
    uint32_t outcome_count;
    uint16_t *index; /* by hash of the outcome: its number plus one; 0: free */
};

static void *reserve(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static void unreserve(void *p, size_t bytes)
{
    if (p)
        munmap(p, bytes);
}

static size_t bucket_bytes(const struct decision_memory *m)
{
    return DECISION_BYTES * m->ways * m->limit + 1;
}

struct decision_memory *decision_memory_create(size_t bytes)
{
    struct decision_memory *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    size_t limit = 1;
    while (limit < 1U << 30 && limit * 2 * WAYS_MIN * DECISION_BYTES <= bytes)
        limit *= 2;
    m->limit = bytes < WAYS_MIN * DECISION_BYTES ? 0 : (uint32_t)limit;
    size_t ways = bytes / limit / DECISION_BYTES / 4 * 4;
    m->ways = ways > 2 * WAYS_MIN - 4 ? 2 * WAYS_MIN - 4 : (uint32_t)ways;
    m->base = m->limit < BASE_MIN ? m->limit : BASE_MIN;
    m->buckets = reserve(bucket_bytes(m));
    m->next = reserve((size_t)m->limit + 1);
    m->index = calloc(INDEX_SIZE, sizeof *m->index);
    if (m->buckets && m->next && m->index)
        return m;
    decision_memory_destroy(m);
    return NULL;
}

void decision_memory_destroy(struct decision_memory *m)
{
    if (!m)
        return;
    unreserve(m->buckets, bucket_bytes(m));
    unreserve(m->next, (size_t)m->limit + 1);
    free(m->outcomes);
    free(m->index);
    free(m);
}

/* ---- outcomes ---- */

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15U;
    return h ^ (h >> 29);
}

static uint32_t outcome_hash(const struct sampling_decision *d)
{
    uint64_t h = mix(0, d->threshold);
    h = mix(h, (uint64_t)d->verdict << 33 | (uint64_t)d->policy << 17 |
                   (uint64_t)d->sub_policy << 1 | d->probability_known);
    return (uint32_t)(h >> 40);
}

static bool same(const struct sampling_decision *a, const struct sampling_decision *b)
{
    return a->verdict == b->verdict && a->policy == b->policy && a->sub_policy == b->sub_policy &&
           a->threshold == b->threshold && a->probability_known == b->probability_known;
}

static bool append(struct decision_memory *m, const struct sampling_decision *d)
{
    if ((m->outcome_count & (m->outcome_count - 1)) == 0) { /* full: its size is a power of two */
        size_t size = m->outcome_count ? (size_t)m->outcome_count * 2 : 1;
        struct sampling_decision *o = realloc(m->outcomes, sizeof *o * size);
        if (!o)
            return false;
        m->outcomes = o;
    }
    m->outcomes[m->outcome_count++] = *d;
    return true;
}

static uint16_t find_or_append(struct decision_memory *m, const struct sampling_decision *d,
                               uint32_t limit)
{
    uint32_t at = outcome_hash(d) % INDEX_SIZE;
    for (; m->index[at] != 0; at = (at + 1) % INDEX_SIZE) {
        if (same(&m->outcomes[m->index[at] - 1], d))
            return (uint16_t)(m->index[at] - 1);
    }
    if (m->outcome_count >= limit || !append(m, d))
        return OUTCOME_NONE;
    m->index[at] = (uint16_t)m->outcome_count;
    return (uint16_t)(m->outcome_count - 1);
}

uint16_t decision_memory_outcome(struct decision_memory *m, const struct sampling_decision *d)
{
    /* Outcomes without threshold are few, and have room kept for them. */
    uint16_t outcome = find_or_append(m, d, OUTCOMES_MAX - 2048);
    if (outcome != OUTCOME_NONE)
        return outcome;
    struct sampling_decision plain = *d;
    plain.threshold = 0;
    plain.probability_known = false;
    return find_or_append(m, &plain, OUTCOMES_MAX);
}

const struct sampling_decision *decision_memory_get(const struct decision_memory *m,
                                                    uint16_t outcome)
{
    static const struct sampling_decision forgotten = {.policy = UINT16_MAX,
                                                       .sub_policy = UINT16_MAX};
    return outcome < m->outcome_count ? &m->outcomes[outcome] : &forgotten;
}

/* ---- traces ---- */

static uint32_t bucket_count(const struct decision_memory *m)
{
    return m->limit == 0 ? 0 : m->base + m->split;
}

/* The key's low bit says that it is one, and is not addressed by. */
static uint32_t bucket_of(const struct decision_memory *m, uint64_t key)
{
    uint32_t at = (uint32_t)(key >> 1) & (m->base - 1);
    return at < m->split ? (uint32_t)(key >> 1) & (2 * m->base - 1) : at;
}

static struct bucket bucket_at(const struct decision_memory *m, uint32_t at)
{
    uint8_t *p = m->buckets + DECISION_BYTES * m->ways * at;
    return (struct bucket){.keys = (uint64_t *)p,
                           .outcomes = (uint16_t *)(p + sizeof(uint64_t) * m->ways),
                           .times = (uint16_t *)(p + (sizeof(uint64_t) + 2) * m->ways)};
}

static void put(struct decision_memory *m, uint32_t at, uint64_t key, uint16_t outcome,
                uint16_t time)
{
    struct bucket b = bucket_at(m, at);
    uint8_t way = m->next[at];
    m->count += b.keys[way] == 0;
    b.keys[way] = key;
    b.outcomes[way] = outcome;
    b.times[way] = time;
    m->next[at] = (uint8_t)((way + 1U) % m->ways);
}

/* One bucket more: half of what the oldest unsplit one holds goes there, oldest first. */
static void grow(struct decision_memory *m)
{
    uint64_t copy[2 * WAYS_MIN * DECISION_BYTES / sizeof(uint64_t)];
    struct bucket old = bucket_at(m, m->split);
    size_t size = DECISION_BYTES * m->ways;
    memcpy(copy, old.keys, size);
    memset(old.keys, 0, size);
    const uint16_t *outcomes = (const uint16_t *)(copy + m->ways);
    uint8_t oldest = m->next[m->split];
    m->next[m->split] = 0;
    if (++m->split == m->base) {
        m->base *= 2;
        m->split = 0;
    }
    for (uint32_t i = 0; i < m->ways; i++) {
        uint32_t way = (oldest + i) % m->ways;
        if (copy[way] == 0)
            continue;
        m->count--;
        put(m, bucket_of(m, copy[way]), copy[way], outcomes[way], outcomes[m->ways + way]);
    }
}

void decision_memory_add(struct decision_memory *m, uint64_t hash, uint16_t outcome,
                         uint64_t now_ns)
{
    if (m->limit == 0 || outcome == OUTCOME_NONE)
        return;
    if (m->count > (uint64_t)bucket_count(m) * m->ways * 3 / 8 && bucket_count(m) < m->limit)
        grow(m);
    uint64_t key = hash | 1;
    put(m, bucket_of(m, key), key, outcome, (uint16_t)(now_ns / TIME_UNIT_NS));
}

/* Where the key is; m->ways: nowhere. Most traces are new, so this mostly reads to the end: of what
 * is filled, which begins at the front. */
static uint32_t find_way(const struct decision_memory *m, const struct bucket *b, uint64_t key)
{
    for (uint32_t way = 0; way < m->ways; way += 4) {
        const uint64_t *k = &b->keys[way];
        if (__builtin_expect((k[0] == key) | (k[1] == key) | (k[2] == key) | (k[3] == key), 0)) {
            while (b->keys[way] != key)
                way++;
            return way;
        }
        if (k[3] == 0)
            break;
    }
    return m->ways;
}

uint16_t decision_memory_find(const struct decision_memory *m, uint64_t hash, uint64_t now_ns,
                              uint64_t *age_ns)
{
    if (m->limit == 0)
        return OUTCOME_NONE;
    uint64_t key = hash | 1;
    struct bucket b = bucket_at(m, bucket_of(m, key));
    uint32_t way = find_way(m, &b, key);
    if (way < m->ways) {
        uint16_t units = (uint16_t)(now_ns / TIME_UNIT_NS - b.times[way]);
        if (age_ns)
            *age_ns = (uint64_t)units * TIME_UNIT_NS;
        return b.outcomes[way];
    }
    return OUTCOME_NONE;
}

size_t decision_memory_bytes(const struct decision_memory *m)
{
    return (size_t)bucket_count(m) * (DECISION_BYTES * m->ways + 1) +
           sizeof *m->index * INDEX_SIZE + sizeof *m->outcomes * m->outcome_count;
}

uint64_t decision_memory_count(const struct decision_memory *m)
{
    return m->count;
}
