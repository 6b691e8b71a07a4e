/* The index, for the files that make it: index.c its life and its time, match.c what is certain,
 * infer.c what is likely, found.c a hop once it is found. */
#ifndef TAILSPAN_PROCESSORS_KAFKA_HOPS_INDEX_PRIVATE_H
#define TAILSPAN_PROCESSORS_KAFKA_HOPS_INDEX_PRIVATE_H

#include "processors/kafka_hops/chains.h"
#include "processors/kafka_hops/delivery.h"
#include "processors/kafka_hops/index.h"
#include "processors/kafka_hops/record.h"

enum {
    WALK_MAX = 1024, /* records looked at in one chain */
    LINKS_MAX = 1024,
};

/* How far clocks of different machines may be apart before a record that was taken before it was
 * written is another record. */
#define SKEW_NS UINT64_C(60000000000)

struct hop_index {
    struct index_settings settings;
    struct index_counters counters;
    struct hop_metrics *metrics;

    struct parties parties;
    struct deliveries deliveries;

    struct ring produced;
    struct chains produced_id;
    struct chains produced_place;
    struct chains produced_key;
    uint32_t judged; /* the first that was not yet asked whether anybody took it */

    struct ring consumed;
    struct chains consumed_target;
    struct chains consumed_place;
    struct chains consumed_key;
    uint32_t settled; /* the first that may still be waited for */
};

static inline struct produced *produced_at(const struct hop_index *ix, uint32_t number)
{
    return ring_at(&ix->produced, number);
}

static inline struct consumed *consumed_at(const struct hop_index *ix, uint32_t number)
{
    return ring_at(&ix->consumed, number);
}

static inline struct party *party_of_produced(const struct hop_index *ix, const struct produced *p)
{
    return parties_at(&ix->parties, p->party);
}

static inline struct party *party_of_consumed(const struct hop_index *ix, const struct consumed *c)
{
    return parties_at(&ix->parties, c->party);
}

/* ---- hashes ---- */

uint64_t ids_hash(const uint8_t trace_id[16], const uint8_t span_id[8]);
uint32_t place_hash(uint64_t topic_hash, int32_t partition, int64_t offset);
uint32_t key_hash(struct bytes key); /* 0 for no key, else not 0 */
uint32_t topic_key_hash(uint64_t topic_hash, uint32_t key);

/* What tells a group's deliveries apart: the group, and whether they are fetched, processed, or
 * repetitions of an original. */
uint32_t delivery_group(const struct party *consumer, const struct consumed *c);

/* ---- into the chains ---- */

/* A record has what it is found by, and is in no such chain. False: there are too many alike. */
bool insert_produced_id(struct hop_index *ix, uint32_t number);
bool insert_produced_place(struct hop_index *ix, uint32_t number);
bool insert_produced_key(struct hop_index *ix, uint32_t number);
bool insert_consumed_target(struct hop_index *ix, uint32_t number);
bool insert_consumed_place(struct hop_index *ix, uint32_t number);
bool insert_consumed_key(struct hop_index *ix, uint32_t number);

/* ---- who may be whose ---- */

/* Same topic, and clusters that may be the same. */
bool parties_match(const struct party *producer, const struct party *consumer);

/* The producer of a place, for a consumer that began at `start_ns`; the latest when there were
 * several. NULL: none. */
struct produced *find_by_place(struct hop_index *ix, const struct party *consumer,
                               int32_t partition, int64_t offset, uint64_t start_ns);

/* ---- found ---- */

/* They belong together. Counts, and appends to `found`; `span` as there. */
void found_hop(struct hop_index *ix, uint32_t produced, struct consumed *c, enum hop_match by,
               unsigned confidence, uint32_t span, struct found_hops *found);

/* Gives everybody who waits for the place of this record to it. */
void match_waiting_by_place(struct hop_index *ix, uint32_t produced, struct found_hops *found);

/* Lets the eldest record go when there is no room for one more. */
void index_make_room(struct hop_index *ix, uint32_t now_ms);

/* The party with this key; for one too many the eldest records go. NULL: in vain, which is counted,
 * or out of memory. */
struct party *index_party(struct hop_index *ix, const struct party_key *k, uint32_t now_ms);

/* ---- inference ---- */

/* Notes how long a consumer let a record wait. */
void infer_learn_lag(struct party *consumer, uint64_t end_ns, uint64_t start_ns);

/* Looks whether a waiting consumer's producer can be told by its key. */
void infer_consumed(struct hop_index *ix, uint32_t consumed, struct found_hops *found);

/* A producer came: looks again at those who waited for one of its key in vain. */
void infer_for_produced(struct hop_index *ix, uint32_t produced, struct found_hops *found);

#endif
