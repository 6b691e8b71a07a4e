/* What stories are made of: HTTP calls, SQL statements, cache commands and Kafka messages, with the
 * attributes that instrumentations of today put on them. */
#ifndef TAILSPAN_COLLECTOR_DEMO_PARTS_H
#define TAILSPAN_COLLECTOR_DEMO_PARTS_H

#include "collector/demo/story.h"

/* A visitor's request: the server span that begins a trace in the frontend. */
struct span *shop_visit(struct story *s, uint64_t at_us, const char *method, const char *route,
                        const char *path);

/* One service calls another: the client's span and, a network's way later, the server's. */
struct shop_call {
    struct span *client;
    struct span *server;
    uint64_t server_us; /* when the server began */
};
struct shop_call shop_call(struct story *s, struct span *parent, enum service from, enum service to,
                           uint64_t at_us, const char *method, const char *route, const char *path);
/* Ends both; an answer of 500 or more makes errors of both. Returns when the client had it. */
uint64_t shop_answer(struct story *s, struct shop_call *c, uint64_t at_us, int status);
/* Ends a visit. */
uint64_t shop_served(struct span *visit, uint64_t at_us, int status);

/* A call to somebody who sends no spans. */
uint64_t shop_call_outside(struct story *s, struct span *parent, enum service from, uint64_t at_us,
                           uint64_t usual_us, const char *method, const char *host,
                           const char *path);

/* A statement with its literals in it. Return when it had ended. */
struct span *shop_sql_begin(struct story *s, struct span *parent, enum service service,
                            uint64_t at_us, const char *operation, const char *table,
                            const char *statement);
uint64_t shop_sql(struct story *s, struct span *parent, enum service service, uint64_t at_us,
                  uint64_t usual_us, const char *operation, const char *table,
                  const char *statement);
uint64_t shop_cache(struct story *s, struct span *parent, enum service service, uint64_t at_us,
                    const char *command, const char *key);

/* How a message's context fares on its way to the consumer. */
enum context {
    KEPT_AS_PARENT,     /* the consumer goes on with the producer's trace */
    KEPT_AS_LINK,       /* a trace of its own, with a link back */
    LOST,               /* a trace of its own; both sides know partition and offset */
    LOST_WITHOUT_OFFSET /* the producer did not wait to be told the offset either */
};

struct message {
    struct span *producer;
    const char *topic;
    const char *key; /* as long as the story */
    int partition;
    int64_t offset;
    enum context context;
    uint64_t sent_us;
};

struct message shop_send_message(struct story *s, struct span *parent, enum service from,
                                 uint64_t at_us, const char *topic, const char *key, int64_t offset,
                                 enum context context);
/* The consumer's span; the caller ends it. */
struct span *shop_process_message(struct story *s, enum service service, const struct message *m,
                                  uint64_t at_us, const char *group);

#endif
