/* The contract between rooms: what a receiver, processor, connector, exporter or extension is.
 *
 * A pipeline is a graph of components, built once at start. Each has the same life:
 *
 *     create -> start -> consume … -> drain -> stop -> destroy
 *
 * started from the far end (exporters first, receivers last) and drained from the near end, so
 * nobody is handed spans before it runs or after it has been drained.
 *
 * Handing on. consume() takes over one reference to a batch and answers at once:
 *   accepted   it is the consumer's business now;
 *   busy       not now, nothing was taken: try again later;
 *   rejected   never;
 *   pending    the answer comes later, through the receipt.
 * Receivers turn the answer into their protocol's words. A consumer that answers accepted and then
 * loses a span counts it, with a reason.
 *
 * Threads. consume() runs on whichever lane the batch arrived, several at once when there are
 * several lanes; the other functions run on the main thread, one after the other. */
#ifndef TAILSPAN_COMPONENT_COMPONENT_H
#define TAILSPAN_COMPONENT_COMPONENT_H

#include "component/error.h"
#include "component/status.h"
#include "proto/batch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

enum component_class {
    COMPONENT_RECEIVER,
    COMPONENT_PROCESSOR,
    COMPONENT_CONNECTOR,
    COMPONENT_EXPORTER,
    COMPONENT_EXTENSION,
    COMPONENT_CLASSES,
};

enum verdict {
    VERDICT_ACCEPTED,
    VERDICT_PENDING,
    VERDICT_BUSY,
    VERDICT_REJECTED,
};

/* An answer. Of several, the worst (the highest verdict) counts. */
struct outcome {
    enum verdict verdict;
    int grpc_status; /* what to say upstream; 0: UNAVAILABLE when busy, INTERNAL when rejected */
    uint32_t retry_after_ms; /* when busy; 0: no advice */
    char message[160];
};

static inline struct outcome outcome_accepted(void)
{
    return (struct outcome){.verdict = VERDICT_ACCEPTED};
}

static inline struct outcome outcome_pending(void)
{
    return (struct outcome){.verdict = VERDICT_PENDING};
}

struct outcome outcome_busy(uint32_t retry_after_ms, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
struct outcome outcome_rejected(int grpc_status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Collects the answers to one request. The receiver begins it, hands it down with the batch, and
 * closes it with what consume() returned; whoever answers pending holds it before returning and
 * resolves it exactly once. `done` is called once, with the worst answer, on the thread of the last
 * to answer. The receipt may be freed from `done`, not before. */
struct receipt {
    void (*done)(struct receipt *r, const struct outcome *worst);

    /* shared: any thread that holds it */
    atomic_uint open;
    pthread_mutex_t lock; /* guards worst */
    struct outcome worst;
};

void receipt_begin(struct receipt *r, void (*done)(struct receipt *r, const struct outcome *worst));
void receipt_hold(struct receipt *r);
/* Resolves one hold. A pending answer adds nothing of its own. */
void receipt_resolve(struct receipt *r, const struct outcome *answer);

struct component;
struct metric_source;

struct component_ops {
    /* Opens what it needs; false with a reason when the process cannot do its work without. */
    bool (*start)(struct component *c, struct error *e);

    /* Takes over one reference to `b`, whatever the answer. `r` is NULL when nobody waits; then
     * pending is not a possible answer. NULL for receivers, extensions, and what takes metrics
     * only.
     */
    struct outcome (*consume)(struct component *c, struct batch *b, struct receipt *r);

    /* Whether consume() would now be answered with anything but busy; `why` is set when not.
     * Fan-out asks all before it hands to any, so that a retry does not deliver twice. NULL: always
     * has room. */
    bool (*has_room)(struct component *c, const struct batch *b, struct outcome *why);

    /* Receivers: take no more, and return when all requests are answered. Others: hand on or finish
     * what they hold. Returns at CLOCK_MONOTONIC `deadline_ns` at the latest; what is then left is
     * lost and counted. NULL: holds nothing. */
    void (*drain)(struct component *c, uint64_t deadline_ns);

    /* Brings the state up to date before it is told, for a component that else looks only when a
     * batch passes: one that is not ready gets none. Any thread, several at once. NULL: always is.
     */
    void (*refresh)(struct component *c);

    /* Ends threads and closes what start() opened. NULL: nothing to do. */
    void (*stop)(struct component *c);

    /* The metrics that it makes of spans (metric.h), living as long as it does. Asked after
     * create(), on the main thread. NULL: makes none. */
    struct metric_source *(*metrics)(struct component *c);

    /* Exporters of metrics: notes a source, before start(), for good. Returns false when out of
     * memory. NULL: does not take metrics. An exporter without consume() takes nothing else. */
    bool (*take_metrics)(struct component *c, struct metric_source *source);

    void (*destroy)(struct component *c);
};

/* What every component begins with; its own state follows it in one allocation. */
struct component {
    const struct component_ops *ops;
    const struct component_kind *kind;
    const char *id;         /* "otlp/jaeger", lives as long as the component */
    struct component *next; /* where its output goes, set by the graph; NULL at the ends */
    struct component_status status;
};

struct config_value;
struct lane;
struct telemetry;

/* Settings of a `batch` processor, which exporters behind it carry out. */
struct batch_settings {
    bool present;
    uint64_t timeout_ns;
    uint32_t min_spans;
    uint32_t max_spans; /* 0: no maximum */
};

/* What a component is made from, all living longer than it does. */
struct component_spec {
    const struct component_kind *kind;
    const char *id;
    const struct config_value *config; /* never NULL; its type is CONFIG_NULL when there is none */
    struct lane *const *lanes;
    unsigned lane_count; /* at least 1 */
    struct telemetry *telemetry;
    const char *data_directory;
    struct batch_settings batch; /* exporters: of the batch processor in front */
    /* Finds a component made before this one (extensions are made last). NULL when there is none.
     */
    struct component *(*find)(void *context, enum component_class class, const char *id);
    void *find_context;
};

/* A kind of component: one static constant a file. */
struct component_kind {
    const char *type;  /* "otlp_grpc" */
    const char *alias; /* an older name, or NULL */
    enum component_class class;
    const char *summary; /* one line, for `tailspan components` */
    /* Reads the configuration; NULL with `e` set when it is wrong. Opens nothing yet. */
    struct component *(*create)(const struct component_spec *spec, struct error *e);
};

/* For create(): fills in the common part. */
void component_init(struct component *c, const struct component_spec *spec,
                    const struct component_ops *ops);

/* Hands on. Takes over one reference to `b`. */
static inline struct outcome component_consume(struct component *c, struct batch *b,
                                               struct receipt *r)
{
    return c->ops->consume(c, b, r);
}

static inline bool component_has_room(struct component *c, const struct batch *b,
                                      struct outcome *why)
{
    return !c->ops->has_room || c->ops->has_room(c, b, why);
}

/* consume() and has_room() of a component that hands every batch on as it is; the second also of
 * one that may change spans, but refuses none for want of room. */
struct outcome component_pass(struct component *c, struct batch *b, struct receipt *r);
bool component_next_has_room(struct component *c, const struct batch *b, struct outcome *why);

const char *component_class_name(enum component_class class); /* "receiver" */

#endif
