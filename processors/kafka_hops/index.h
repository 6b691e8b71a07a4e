/* The index: records that were written and wait to be taken, and records that were taken and wait
 * for whoever wrote them.
 *
 * Whichever side comes first waits; the other finds it. A record that was written stays when it was
 * found, since other groups, redeliveries and replays take it as well; it goes after `ttl`. One
 * that was taken goes after `wait`. Both go early, eldest first, when there are too many.
 *
 * What is certain (link, parent, place) is found at once. What has to be inferred from the
 * message's key is decided when `settle` is over, so that the true producer has had its chance to
 * arrive.
 *
 * One lock, the caller's, which he takes for a batch. Nothing here blocks; every call does a
 * bounded amount of work. */
#ifndef TAILSPAN_PROCESSORS_KAFKA_HOPS_INDEX_H
#define TAILSPAN_PROCESSORS_KAFKA_HOPS_INDEX_H

#include "component/telemetry.h"
#include "processors/kafka_hops/hop_metrics.h"
#include "processors/kafka_hops/hops.h"
#include "processors/kafka_hops/message.h"
#include "processors/kafka_hops/party.h"

#define HOP_NO_SPAN UINT32_MAX

/* ---- what was found ---- */

struct found_hop {
    struct hop hop;
    struct party *producer; /* both held: the hop's strings are theirs */
    struct party *consumer;
    uint32_t span; /* of the batch at hand, the consumer; HOP_NO_SPAN: it left before */
    bool again;    /* was told before: the batch came once more */
    bool first;    /* the producer's end was open until now */
};

struct found_hops {
    struct found_hop *items;
    uint32_t count;
    uint32_t capacity;
    uint32_t lost; /* for want of memory */
};

/* Lets go of the parties; the memory stays for more, until found_hops_free(). */
void found_hops_clear(struct found_hops *f);
void found_hops_free(struct found_hops *f);

/* ---- settings and counts ---- */

struct index_settings {
    uint32_t ttl_ms;
    uint32_t wait_ms;
    uint32_t settle_ms;
    uint64_t window_ns; /* of inference, to both sides */
    uint32_t max_records;
    bool infer;
};

enum hop_overflow {
    OVERFLOW_RECORDS, /* the eldest went before its time */
    OVERFLOW_PARTIES, /* topics, services and groups */
    OVERFLOW_LINKS,   /* of one span */
    OVERFLOW_SEARCH,  /* too many alike to look at all */
    OVERFLOW_MEMORY,
    OVERFLOWS,
};

/* Counters, all set. */
struct index_counters {
    struct counter *found[HOP_MATCHES];
    struct counter *overflow[OVERFLOWS];
    struct counter *expired_producers; /* that nobody took */
    struct counter *expired_consumers; /* whose producer was not found */
    struct counter *unmatchable;       /* consumers that say nothing to find a producer by */
    struct counter *repeated;          /* spans that came again, and second producers of a place */
};

struct hop_index;

/* NULL: out of memory. `counters` and `metrics` live longer. */
struct hop_index *hop_index_create(const struct index_settings *settings,
                                   const struct index_counters *counters,
                                   struct hop_metrics *metrics);
void hop_index_destroy(struct hop_index *ix);

/* ---- spans ---- */

/* What a span is looked for by. */
struct index_hashes {
    uint64_t ids; /* a producer's own, a consumer's parent's */
    uint32_t place;
    uint32_t key;
    bool producer;
};

/* Without the lock. */
void hop_index_hash(const struct span_view *view, const struct message *message,
                    const struct party_key *party, struct index_hashes *out);

/* Fetches what a span will look at, in three steps with time between (buckets, the first record of
 * each, the second): the index is much larger than a processor's cache, and the spans of a batch
 * can wait for it together. */
void hop_index_prefetch_buckets(const struct hop_index *ix, const struct index_hashes *h);
void hop_index_prefetch_records(const struct hop_index *ix, const struct index_hashes *h,
                                bool second);

struct index_span {
    const struct span_view *view;
    const struct message *message;
    const struct party_key *party; /* finished */
    const struct index_hashes *hashes;
    uint32_t number; /* in its batch */
    uint32_t now_ms;
};

/* Takes a span in; appends the hops that this completes to `found`. Returns how many of its records
 * wait for their other side. Producers of a batch before its consumers: then links can be added to
 * all that it allows. */
uint32_t hop_index_producer(struct hop_index *ix, const struct index_span *s,
                            struct found_hops *found);
uint32_t hop_index_consumer(struct hop_index *ix, const struct index_span *s,
                            struct found_hops *found);

/* ---- time ---- */

/* Decides what has settled and lets go what is over, a bounded number each call. Returns when to
 * call again at the latest. */
uint32_t hop_index_tick(struct hop_index *ix, uint32_t now_ms, struct found_hops *found);

/* Decides everything that can be: nothing more will come. */
void hop_index_settle(struct hop_index *ix, struct found_hops *found);

struct index_size {
    uint32_t producers; /* records waiting */
    uint32_t consumers;
    uint32_t parties;
    size_t bytes;
};
void hop_index_size(const struct hop_index *ix, struct index_size *size);

#endif
