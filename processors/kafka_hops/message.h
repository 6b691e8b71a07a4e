/* What a span says of a Kafka record: instrumentations' many spellings read into one form.
 *
 * Attribute names changed with every other version of the conventions, values are numbers here and
 * strings there, and some say the offset in the message's id. All of that ends here: behind this
 * file there is one topic, one partition, one offset.
 *
 * Everything borrows from the span's bytes. Any thread. */
#ifndef TAILSPAN_PROCESSORS_KAFKA_HOPS_MESSAGE_H
#define TAILSPAN_PROCESSORS_KAFKA_HOPS_MESSAGE_H

#include "processors/kafka_hops/message_keys.h"
#include "proto/attribute.h"
#include "proto/batch.h"

enum message_role {
    MESSAGE_NONE,     /* not about Kafka, or about neither writing nor taking a record */
    MESSAGE_PRODUCER, /* create, send, publish */
    MESSAGE_CONSUMER, /* process, receive */
    MESSAGE_RECEIVER, /* poll or receive of kind CLIENT */
};

/* Where a record lies. */
struct record_place {
    struct bytes topic; /* empty: not known */
    int64_t offset;     /* -1: not known; so is the partition */
    int32_t partition;
};

/* Whether it tells one record from all others of its cluster. */
static inline bool record_place_known(const struct record_place *p)
{
    return p->topic.len > 0 && p->partition >= 0 && p->offset >= 0;
}

struct message {
    enum message_role role;
    bool fetches; /* it is the taking from the broker, not the processing */
    bool linked;  /* a consumer with at least one valid link */
    bool batch; /* with more than one: what the span says of its record holds for the first only */
    struct record_place place;
    struct record_place original; /* of the record that this one repeats, from captured headers */
    uint32_t attempt;             /* from captured headers; 0: not said */
    struct bytes key;             /* the record's; empty: none */
    struct bytes group;
    struct bytes cluster_id;
    struct bytes addresses; /* bootstrap servers, as they were written */
};

/* Whether a span may be about a message at all: a look at its kind, for CLIENT spans one at all
 * their bytes, and for those that are left a walk over their attributes' keys. */
bool message_possible(const struct span_view *s);

/* Reads a span of one of those kinds; `keys` is for the next one. False, with the role NONE, when
 * it is none of ours. */
bool message_read(const struct span_view *s, struct message_keys *keys, struct message *m);

/* One link of a batch consumer. */
struct message_link {
    const uint8_t *trace_id;
    const uint8_t *span_id;
    struct record_place place; /* what its attributes say; else, but for a batch, as of the span */
    struct bytes key;
    struct bytes found_by; /* as a Tailspan before us found it; empty: it came with the span */
    unsigned confidence;   /* then: percent */
};

/* The next link with valid ids. `m` is of the span that `c` walks. */
bool message_link_next(struct span_cursor *c, const struct message *m, struct message_link *link);

/* Whether two sides may be of one cluster: ids are compared, else addresses, of which they have to
 * share one; what is not known on both sides does not tell them apart. */
bool clusters_compatible(struct bytes id_a, struct bytes addresses_a, struct bytes id_b,
                         struct bytes addresses_b);

#endif
