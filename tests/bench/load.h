/* What to send, when, and what became of it: the part of the load generator that both protocols
 * share.
 *
 * A shot is one request with a place to be sent from. Closed loop: a shot is due as soon as one is
 * free. Open loop: shots are due at fixed intervals whatever the receiver does, and a shot's
 * latency counts from when it was due, so that a receiver that stalls does not hide the requests
 * that it kept from being sent. A refused shot (UNAVAILABLE, 429, 503, …) waits and is sent again.
 *
 * Plain requests get fresh ids for every sending. Compressed ones are compressed once, so a pool of
 * distinct requests goes round and ids repeat. */
#ifndef TAILSPAN_BENCH_LOAD_H
#define TAILSPAN_BENCH_LOAD_H

#include "tests/bench/histogram.h"
#include "tests/bench/spans.h"

#include <pthread.h>
#include <stdbool.h>

struct load_options {
    const char *endpoint; /* HOST:PORT */
    bool http;
    bool gzip;
    unsigned connections; /* gRPC channels; HTTP has one a shot */
    unsigned in_flight;   /* shots at once, over all connections */
    unsigned pool;        /* distinct requests, at least in_flight */
    double rate;          /* spans a second; 0: closed loop */
    uint64_t warmup_ns;   /* latencies before it are not counted */
    uint64_t duration_ns;
    uint64_t span_limit; /* 0: none */
    uint64_t seed;
    struct request_shape shape;
};

struct shot {
    struct shot *next;
    struct request request; /* owned; data is NULL when compressed */
    const uint8_t *data;    /* what to send */
    size_t len;
    uint64_t due_ns;   /* CLOCK_MONOTONIC; when it was intended to be sent first */
    uint64_t retry_ns; /* when refused */
    unsigned tries;
    void *transport; /* the transport's own */
};

enum answer {
    ANSWER_ACCEPTED,
    ANSWER_REFUSED, /* may be sent again */
    ANSWER_FAILED,  /* for good */
};

struct load_totals {
    uint64_t sent; /* spans, every sending */
    uint64_t acked;
    uint64_t refused;
    uint64_t rejected; /* by partial success, of those acknowledged */
    uint64_t failed;
};

struct load {
    struct load_options options;
    uint64_t start_ns;
    uint64_t end_ns;
    double interval_ns; /* between shots; 0: closed loop */

    pthread_mutex_t lock; /* guards all below */
    struct random random;
    struct shot *shots;
    struct shot *free_first;
    struct shot **free_last;
    struct shot *refused;
    unsigned busy; /* shots taken and not finished, refused ones included */
    uint64_t taken;
    uint64_t finished_ns;
    struct load_totals totals;
    struct histogram latency;
    struct histogram lag; /* how late the generator itself was */
};

uint64_t load_now_ns(void);

/* Builds the pool and starts the clock. Aborts when out of memory. */
void load_begin(struct load *l, const struct load_options *o);

/* A shot that is due, ready to be sent; NULL when none is, with the time at which one may be in
 * *wake_ns (UINT64_MAX: not before another is answered). Any thread. */
struct shot *load_take(struct load *l, uint64_t *wake_ns);

/* The shot's answer; `rejected` spans of an accepted one were not. Any thread. */
void load_answer(struct load *l, struct shot *s, enum answer answer, uint64_t rejected);

/* Nothing is left to send or to wait for. */
bool load_done(struct load *l);

/* rejected_spans of an ExportTraceServiceResponse. */
uint64_t load_rejected_spans(const uint8_t *response, size_t len);

/* One line of JSON with the totals so far, or with everything at the end. */
void load_report(struct load *l, bool final);

/* The transports: run until load_done(). */
void load_run_grpc(struct load *l);
void load_run_http(struct load *l);

#endif
