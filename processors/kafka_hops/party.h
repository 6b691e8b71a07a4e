/* Parties: who writes to or takes from a topic. A service, a topic, a group, a cluster: what all
 * records of one producer or consumer have in common is kept once, and records hold its number.
 *
 * A party is kept while records refer to it, and for some time after. Whoever hands one out beyond
 * the lock holds it (party_hold), and its strings stay readable until he lets go.
 *
 * Bounded in number and in bytes; what is beyond has no party, which its caller counts. Guarded by
 * the index's lock, but for holders. */
#ifndef TAILSPAN_PROCESSORS_KAFKA_HOPS_PARTY_H
#define TAILSPAN_PROCESSORS_KAFKA_HOPS_PARTY_H

#include "proto/bytes.h"

#include <stdatomic.h>

enum {
    PARTIES_MAX = 1 << 18,
    PARTIES_BYTES_MAX = 32 << 20,
    PARTY_STRING_MAX = 256, /* Kafka's own limit for topics is 249 */
};

enum party_string {
    PARTY_SERVICE,
    PARTY_TOPIC,
    PARTY_GROUP,
    PARTY_CLUSTER,   /* its id */
    PARTY_ADDRESSES, /* its bootstrap servers */
    PARTY_STRINGS,
};

struct party_key {
    struct bytes strings[PARTY_STRINGS];
    uint64_t topic_hash;
    uint64_t group_hash; /* of the group, or, without one, of the service */
    uint64_t hash;       /* of all */
};

struct party {
    atomic_uint holders;
    uint32_t number;
    uint32_t records; /* that refer to it */
    uint32_t seen_ms;
    uint32_t chain;
    /* what inference has learned of a consumer */
    uint32_t lags;        /* how many were seen, as far as it matters */
    float median_lag;     /* binary logarithm of its milliseconds */
    float orphans;        /* share of its records that nobody can have written */
    struct party_key key; /* strings lie behind */
};

struct parties {
    struct party **items; /* by number; number 0 is nobody */
    uint32_t end;
    uint32_t capacity;
    uint32_t free; /* numbers that are free again, chained through next_free; 0: none */
    uint32_t *next_free;
    uint32_t *buckets;
    uint32_t bucket_mask;
    uint32_t count;
    uint32_t swept; /* where the next sweep begins */
    size_t bytes;
};

/* False: out of memory. */
bool parties_init(struct parties *p);
void parties_free(struct parties *p);

/* Fills in the hashes; strings that are too long are cut. Without the lock. */
void party_key_finish(struct party_key *k);

/* Of keys that are finished or not. */
static inline bool party_key_same_strings(const struct party_key *a, const struct party_key *b)
{
    for (unsigned i = 0; i < PARTY_STRINGS; i++) {
        if (!bytes_equal(a->strings[i], b->strings[i]))
            return false;
    }
    return true;
}

static inline void party_key_copy_hashes(struct party_key *k, const struct party_key *from)
{
    k->topic_hash = from->topic_hash;
    k->group_hash = from->group_hash;
    k->hash = from->hash;
}

uint64_t topic_hash(struct bytes topic);

/* The party with this key, made if need be. NULL: one too many, or out of memory. */
struct party *parties_get(struct parties *p, const struct party_key *k, uint32_t now_ms);

static inline struct party *parties_at(const struct parties *p, uint32_t number)
{
    return p->items[number];
}

/* Frees one that no record refers to. */
void parties_give_up(struct parties *p, struct party *party);

/* Frees those among the next `slots` that no record refers to and that were not seen for a while.
 */
void parties_sweep(struct parties *p, uint32_t now_ms, uint32_t slots);

static inline struct bytes party_string(const struct party *p, enum party_string s)
{
    return p->key.strings[s];
}

static inline struct party *party_hold(struct party *p)
{
    atomic_fetch_add_explicit(&p->holders, 1, memory_order_relaxed);
    return p;
}

/* Any thread. */
void party_let_go(struct party *p);

#endif
