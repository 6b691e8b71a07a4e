#include "sampling/decision_memory.h"

#include <stdlib.h>
#include <string.h>

#define WAYS         128U
#define TIME_UNIT_NS 250000000U
#define OUTCOMES_MAX 32768U
#define INDEX_SIZE   65536U /* open addressing over outcomes, at most half full */

/* Keys of a bucket lie together: a look-up reads a kilobyte in a row. A key of 0 is free. */
struct bucket {
    uint64_t keys[WAYS];
    uint16_t outcomes[WAYS];
    uint16_t times[WAYS];
};

struct decision_memory {
    struct bucket *buckets;
    uint8_t *next; /* of each bucket: where the next decision goes */
    uint64_t count;
    uint32_t bucket_count; /* 0: remembers nothing */
    uint32_t bucket_limit;

    struct sampling_decision *outcomes;
    uint32_t outcome_count;
    uint16_t *index; /* by hash of the outcome; OUTCOME_NONE: free */
};

struct decision_memory *decision_memory_create(size_t bytes)
{
    struct decision_memory *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    size_t limit = bytes / (sizeof(struct bucket) + 1);
    m->bucket_limit = limit > UINT32_MAX ? UINT32_MAX : (uint32_t)limit;
    m->bucket_count = m->bucket_limit;
    while (m->bucket_count > 127)
        m->bucket_count /= 2;
    m->buckets = calloc(m->bucket_count + 1, sizeof *m->buckets);
    m->next = calloc(m->bucket_count + 1, 1);
    m->index = malloc(sizeof *m->index * INDEX_SIZE);
    if (m->buckets && m->next && m->index) {
        memset(m->index, 0xff, sizeof *m->index * INDEX_SIZE);
        return m;
    }
    decision_memory_destroy(m);
    return NULL;
}

void decision_memory_destroy(struct decision_memory *m)
{
    if (!m)
        return;
    free(m->buckets);
    free(m->next);
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
    for (; m->index[at] != OUTCOME_NONE; at = (at + 1) % INDEX_SIZE) {
        if (same(&m->outcomes[m->index[at]], d))
            return m->index[at];
    }
    if (m->outcome_count >= limit || !append(m, d))
        return OUTCOME_NONE;
    return m->index[at] = (uint16_t)(m->outcome_count - 1);
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

static uint32_t bucket_of(uint64_t hash, uint32_t buckets)
{
    return (uint32_t)(((unsigned __int128)hash * buckets) >> 64);
}

static void put(struct decision_memory *m, uint64_t key, uint16_t outcome, uint16_t time)
{
    uint32_t at = bucket_of(key, m->bucket_count);
    struct bucket *b = &m->buckets[at];
    uint8_t way = m->next[at];
    m->count += b->keys[way] == 0;
    b->keys[way] = key;
    b->outcomes[way] = outcome;
    b->times[way] = time;
    m->next[at] = (uint8_t)((way + 1) % WAYS);
}

/* Doubles the buckets; those of one go to the two in its place, oldest first. */
static void grow(struct decision_memory *m)
{
    uint32_t old_count = m->bucket_count;
    struct bucket *buckets = calloc((size_t)old_count * 2, sizeof *buckets);
    uint8_t *next = calloc((size_t)old_count * 2, 1);
    if (!buckets || !next) { /* it stays as it is, and forgets sooner */
        free(buckets);
        free(next);
        return;
    }
    struct bucket *old_buckets = m->buckets;
    uint8_t *old_next = m->next;
    m->buckets = buckets;
    m->next = next;
    m->bucket_count = old_count * 2;
    m->count = 0;
    for (uint32_t i = 0; i < old_count; i++) {
        for (uint32_t way = 0; way < WAYS; way++) {
            uint32_t from = (old_next[i] + way) % WAYS;
            const struct bucket *b = &old_buckets[i];
            if (b->keys[from] != 0)
                put(m, b->keys[from], b->outcomes[from], b->times[from]);
        }
    }
    free(old_buckets);
    free(old_next);
}

void decision_memory_add(struct decision_memory *m, uint64_t hash, uint16_t outcome,
                         uint64_t now_ns)
{
    if (m->bucket_count == 0 || outcome == OUTCOME_NONE)
        return;
    if (m->count > (uint64_t)m->bucket_count * WAYS / 2 && m->bucket_count <= m->bucket_limit / 2)
        grow(m);
    put(m, hash | 1, outcome, (uint16_t)(now_ns / TIME_UNIT_NS));
}

uint16_t decision_memory_find(const struct decision_memory *m, uint64_t hash, uint64_t now_ns,
                              uint64_t *age_ns)
{
    if (m->bucket_count == 0)
        return OUTCOME_NONE;
    uint64_t key = hash | 1;
    const struct bucket *b = &m->buckets[bucket_of(key, m->bucket_count)];
    for (uint32_t way = 0; way < WAYS; way++) {
        if (b->keys[way] != key)
            continue;
        uint16_t units = (uint16_t)(now_ns / TIME_UNIT_NS - b->times[way]);
        if (age_ns)
            *age_ns = (uint64_t)units * TIME_UNIT_NS;
        return b->outcomes[way];
    }
    return OUTCOME_NONE;
}

size_t decision_memory_bytes(const struct decision_memory *m)
{
    return (size_t)m->bucket_count * (sizeof(struct bucket) + 1) + sizeof *m->index * INDEX_SIZE +
           sizeof *m->outcomes * m->outcome_count;
}

uint64_t decision_memory_count(const struct decision_memory *m)
{
    return m->count;
}
