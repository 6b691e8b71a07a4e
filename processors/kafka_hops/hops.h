/* `processors: kafka_hops`, and what it tells of the hops that it finds.
 *
 * A hop is one record's way through Kafka: a producer's span wrote it, a consumer's span took it.
 * One producer's record may be taken many times (by several groups, again after a failure, hours
 * later in a replay), which are as many hops; one consumer's span may take many records (a batch),
 * and is the consumer of as many. But no consumer's record ever has two producers. */
#ifndef TAILSPAN_PROCESSORS_KAFKA_HOPS_HOPS_H
#define TAILSPAN_PROCESSORS_KAFKA_HOPS_HOPS_H

#include "component/component.h"

extern const struct component_kind kafka_hops_processor;

/* How the two were found to belong together. */
enum hop_match {
    HOP_BY_LINK,     /* the consumer links to the producer */
    HOP_BY_PARENT,   /* the consumer is the producer's child */
    HOP_BY_OFFSET,   /* same cluster, topic, partition and offset */
    HOP_BY_ORIGINAL, /* headers of a retry or dead-letter record name the offset of the original:
                        the producer is the original's, not that of the record which was taken */
    HOP_BY_KEY,      /* same topic and message key, and the times fit: inferred, not known */
    HOP_MATCHES,
};

const char *hop_match_name(enum hop_match m); /* "link", "parent", "offset", "original", "key" */

/* Everything that is pointed at is good until the listener returns. */
struct hop {
    uint8_t producer_trace[16];
    uint8_t producer_span[8];
    uint8_t consumer_trace[16]; /* the producer's as well when the context was carried on */
    uint8_t consumer_span[8];
    uint64_t producer_end_ns;   /* since the Unix epoch, by the producer's clock */
    uint64_t consumer_start_ns; /* by the consumer's: may be the earlier one */
    struct bytes topic;         /* of the record; empty: not known. So are the others. */
    struct bytes group;
    struct bytes producer_service;
    struct bytes consumer_service;
    int64_t offset;     /* -1: not known */
    int32_t partition;  /* likewise */
    uint32_t attempt;   /* 1: the first delivery of this record to this group */
    uint8_t confidence; /* percent; 100 unless it was inferred */
    bool inferred;      /* from the key, or from an offset that was learned that way */
    bool receives;      /* the consumer is a poll or receive of kind CLIENT: the record's
                           processing, where it has a span, is a hop of its own */
    bool waited;        /* the consumer's end was told as open */
    enum hop_match matched_by;
};

/* Who wants to hear of the hops of all kafka_hops processors of the process. The listener owns this
 * struct; it stays where it is while subscribed.
 *
 * Functions run on the lane that brought the batch, or on another thread that moves time on,
 * several at once; no lock of the processor's is held. They must not block: who stores, queues.
 * They must not subscribe or unsubscribe. Either may be NULL.
 *
 * What a batch brings is told before the batch is handed on, so a listener further down the
 * pipeline knows of a hop before it sees the consumer's span. */
struct hop_listener {
    /* A hop was found. Each is told once, but for senders that repeat spans much later. Many are
     * told when the consumer's span left long ago. */
    void (*hop)(struct hop_listener *l, const struct hop *hop);

    /* A span of this trace wrote or took a record whose other side has not been seen: told for each
     * such record. It may never be told of again.
     *
     * Each hop closes an end of its producer's trace (one that others took before is told as open
     * anew) and, where it `waited`, one of its consumer's. With several lanes a hop may be told
     * before the ends that it closes. */
    void (*open)(struct hop_listener *l, const uint8_t trace_id[16]);

    struct hop_listener *next; /* the registry's */
};

/* Any thread. After hops_unsubscribe() has returned, the listener is not called any more, nor is a
 * call under way. */
void hops_subscribe(struct hop_listener *l);
void hops_unsubscribe(struct hop_listener *l);

#endif
