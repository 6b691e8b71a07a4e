/* How a component fares: what /health/component/{id} tells, and readiness follows. */
#ifndef TAILSPAN_COMPONENT_STATUS_H
#define TAILSPAN_COMPONENT_STATUS_H

#include <pthread.h>
#include <stdint.h>

enum component_state {
    STATE_STARTING,
    STATE_OK,
    STATE_DEGRADED, /* refuses or loses spans: a full queue, a store that cannot write */
    STATE_FAILED,   /* does not work and will not by itself */
    STATE_STOPPED,
};

/* Room for what gRPC says of a handshake, whose reason comes last. */
enum { COMPONENT_ERROR_MAX = 512 };

struct component_status {
    pthread_mutex_t lock; /* guards all below */
    enum component_state state;
    uint64_t since_ns;               /* CLOCK_REALTIME of the last change of state */
    uint64_t error_ns;               /* of the last error; 0: none yet */
    char error[COMPONENT_ERROR_MAX]; /* the last error, kept after recovery */
};

/* Starting, since now. */
void component_status_init(struct component_status *s);

struct component;

/* Sets the state, from any thread. A change is logged. Without a format the last error stays. */
void component_set_state(struct component *c, enum component_state state, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Records an error that does not change the state: something failed and will be tried again. */
void component_note_error(struct component *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Healthy again. Costs a lock; exporters call it on a change, not for each request. */
void component_set_ok(struct component *c);

/* A copy, taken under the lock, once the component has had a look. */
struct component_report {
    enum component_state state;
    uint64_t since_ns;
    uint64_t error_ns;
    char error[COMPONENT_ERROR_MAX];
};
struct component_report component_report(struct component *c);
const char *component_state_name(enum component_state state); /* "ok", "degraded", … */

#endif
