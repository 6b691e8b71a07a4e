/* Putting records into the index's chains. What a record is found by is computed from it, when its
 * chain is divided too, and kept nowhere; the topic's part comes from its party. */
#include "processors/kafka_hops/index_private.h"

static inline const struct hop_index *of_ring(const struct ring *r, size_t offset)
{
    return (const struct hop_index *)((const char *)r - offset);
}

static inline uint32_t hash_produced_id(const struct ring *r, const void *record)
{
    const struct produced *p = record;
    (void)r;
    return (uint32_t)ids_hash(p->trace_id, p->span_id);
}

static inline uint32_t hash_produced_place(const struct ring *r, const void *record)
{
    const struct produced *p = record;
    const struct hop_index *ix = of_ring(r, offsetof(struct hop_index, produced));
    return place_hash(party_of_produced(ix, p)->key.topic_hash, p->partition, p->offset);
}

static inline uint32_t hash_produced_key(const struct ring *r, const void *record)
{
    const struct produced *p = record;
    const struct hop_index *ix = of_ring(r, offsetof(struct hop_index, produced));
    return topic_key_hash(party_of_produced(ix, p)->key.topic_hash, p->key);
}

static inline uint32_t hash_consumed_target(const struct ring *r, const void *record)
{
    (void)r;
    return (uint32_t)((const struct consumed *)record)->target;
}

static inline uint32_t hash_consumed_place(const struct ring *r, const void *record)
{
    const struct consumed *c = record;
    const struct hop_index *ix = of_ring(r, offsetof(struct hop_index, consumed));
    return place_hash(party_of_consumed(ix, c)->key.topic_hash, c->partition, c->offset);
}

static inline uint32_t hash_consumed_key(const struct ring *r, const void *record)
{
    const struct consumed *c = record;
    const struct hop_index *ix = of_ring(r, offsetof(struct hop_index, consumed));
    return topic_key_hash(party_of_consumed(ix, c)->key.topic_hash, c->key);
}

#define INSERT(chains_, hash_)                                                                     \
    chains_prefetch_growth(&ix->chains_);                                                          \
    chains_grow(&ix->chains_, hash_);                                                              \
    return chains_put(&ix->chains_, number,                                                        \
                      hash_(ix->chains_.ring, ring_at(ix->chains_.ring, number)))

bool insert_produced_id(struct hop_index *ix, uint32_t number)
{
    INSERT(produced_id, hash_produced_id);
}

bool insert_produced_place(struct hop_index *ix, uint32_t number)
{
    INSERT(produced_place, hash_produced_place);
}

bool insert_produced_key(struct hop_index *ix, uint32_t number)
{
    INSERT(produced_key, hash_produced_key);
}

bool insert_consumed_target(struct hop_index *ix, uint32_t number)
{
    INSERT(consumed_target, hash_consumed_target);
}

bool insert_consumed_place(struct hop_index *ix, uint32_t number)
{
    INSERT(consumed_place, hash_consumed_place);
}

bool insert_consumed_key(struct hop_index *ix, uint32_t number)
{
    INSERT(consumed_key, hash_consumed_key);
}
