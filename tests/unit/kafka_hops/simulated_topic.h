/* Topics as they might be, with known truth: who wrote what, who took it, what of that
 * instrumentation says, and when its spans arrive. For the tests, and for
 * tests/bench/hops_accuracy. */
#ifndef TAILSPAN_TESTS_KAFKA_HOPS_SIMULATED_TOPIC_H
#define TAILSPAN_TESTS_KAFKA_HOPS_SIMULATED_TOPIC_H

#include <stdbool.h>
#include <stdint.h>

struct simulated_topic {
    uint64_t seed;
    unsigned records;
    double rate; /* records a second, all topics together */
    unsigned topics;
    unsigned partitions;
    unsigned groups;
    unsigned keys;
    double key_skew; /* 1: all alike; more: some are much more frequent */
    double exact;    /* share of producers that say the offset */
    double context;  /* share of consumers that are children of their producers */
    bool consumers_know_offsets;
    double loss;        /* share of spans that never arrive */
    double redelivered; /* share of records that a group takes twice */
    double lag_ms;      /* means, of exponential distributions */
    double process_ms;
    double export_ms;   /* from a span's end to its arrival */
    double skew_ms;     /* clocks differ by up to so much */
    uint32_t settle_ms; /* the processor's */
};

struct simulated_result {
    uint64_t exact; /* hops told as certain, and those of them that are true */
    uint64_t exact_right;
    uint64_t
        exact_there; /* pairs seen whole that have an exact key, and those that were not told */
    uint64_t exact_missed;
    uint64_t inferred; /* hops told as inferred, and those of them that are true */
    uint64_t inferred_right;
    uint64_t inferable; /* pairs seen whole without an exact key, and those that were told */
    uint64_t inferable_found;
    uint64_t twice; /* consumers that were told of more than one producer */
};

/* What scenes begin with. */
static inline struct simulated_topic simulated_topic_usual(unsigned records)
{
    return (struct simulated_topic){.records = records,
                                    .rate = 200,
                                    .topics = 5,
                                    .partitions = 6,
                                    .groups = 2,
                                    .keys = 1000,
                                    .key_skew = 1.5,
                                    .consumers_know_offsets = true,
                                    .loss = 0.01,
                                    .redelivered = 0.01,
                                    .lag_ms = 40,
                                    .process_ms = 2,
                                    .export_ms = 2000,
                                    .skew_ms = 5,
                                    .settle_ms = 10000};
}

void simulated_topic_run(const struct simulated_topic *s, struct simulated_result *result);

static inline double simulated_precision(const struct simulated_result *r)
{
    return r->inferred ? (double)r->inferred_right / (double)r->inferred : 1;
}

static inline double simulated_recall(const struct simulated_result *r)
{
    return r->inferable ? (double)r->inferable_found / (double)r->inferable : 1;
}

#endif
