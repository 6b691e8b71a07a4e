/* A history as its connector sees it (history.h has what its readers see). */
#ifndef TAILSPAN_METRICS_HISTORY_KEEPER_H
#define TAILSPAN_METRICS_HISTORY_KEEPER_H

#include "metrics/history.h"
#include "metrics/series.h"

enum { HISTORY_STEPS_MAX = 100000 };

struct history_settings {
    bool enabled;
    uint64_t step_ns;
    uint64_t retention_ns; /* at most HISTORY_STEPS_MAX steps */
    size_t bytes;          /* of steps, at most */
};

/* What a series is an entry of, and whether it counts failed calls. False: of none. */
struct history_identity {
    struct bytes service;
    struct bytes operation;
    uint8_t kind;
    bool error;
};

struct history_source {
    struct series_store *store;
    struct series_lock *lock;
    double unit; /* of its durations, in seconds */
    bool (*identify)(const struct series *s, struct history_identity *id);
};

/* NULL: out of memory. */
struct history *history_create(const struct history_settings *settings,
                               const struct history_source *source);
bool history_start(struct history *h); /* its thread */
void history_stop(struct history *h);
void history_destroy(struct history *h);

/* Ends a step at `now_ns`; what the thread does. */
void history_step(struct history *h, uint64_t now_ns);

#endif
