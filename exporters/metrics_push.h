/* Sending metrics to a backend, whatever the protocol: when, how often, and what if it fails.
 *
 * An exporter's sources are asked each at its own flush interval, on one thread of this exporter's,
 * which also sends, and waits for the backend. So a backend that hangs holds up nothing but these
 * metrics. What a source has shown becomes requests in memory first: no source waits for a network.
 *
 * A request that may be tried again is, with growing pauses: of a source that is cumulative until
 * it is to be asked again, as what it says then is newer and says the same; of one that wants
 * deltas for as long as retry_on_failure allows, as nobody else would say it again. */
#ifndef TAILSPAN_EXPORTERS_METRICS_PUSH_H
#define TAILSPAN_EXPORTERS_METRICS_PUSH_H

#include "component/metric.h"
#include "exporters/sending_queue.h"

/* Requests of one source that wait to be sent. */
struct push_requests {
    struct push_request *first;
    struct push_request **last;
    size_t bytes;
    uint64_t lost; /* points that found no room or memory */
    size_t count;

    size_t bytes_max;
    size_t count_max;
};

/* Takes over the body and leaves the buffer empty. A body that has failed, or finds no room, counts
 * as lost. */
void push_requests_add(struct push_requests *r, struct buffer *body, uint64_t points);

struct metrics_push_options {
    struct component *component; /* its id, status; not owned */
    struct telemetry *telemetry;
    struct retry_settings retry;
    size_t requests_max; /* that wait of one source; 0: no limit but their bytes */

    /* Makes requests of what a source shows now. */
    void (*collect)(void *context, struct metric_source *s, struct push_requests *out);
    /* Sends a request and waits for the answer, which is zeroed. `rejected_spans` means points. */
    void (*send)(void *context, struct bytes body, struct send_answer *answer);
    /* Has send() return soon, now and ever after. Any thread. */
    void (*cancel)(void *context);
    void *context;
};

struct metrics_push;

/* NULL: out of memory. */
struct metrics_push *metrics_push_create(const struct metrics_push_options *o);

/* take_metrics() of an exporter's; before start. */
bool metrics_push_add(struct metrics_push *p, struct metric_source *source);
bool metrics_push_has_sources(const struct metrics_push *p);

/* Starts the thread, when there are sources. */
bool metrics_push_start(struct metrics_push *p, struct error *e);

/* Sends once more what every source has, and ends the thread. At CLOCK_MONOTONIC `deadline_ns`, or
 * after five seconds, as exporters of spans may still want the rest, what is left is lost and
 * counted. Main thread. */
void metrics_push_drain(struct metrics_push *p, uint64_t deadline_ns);

/* Drains with no time left, if that has not been done. `p` may be NULL. */
void metrics_push_destroy(struct metrics_push *p);

#endif
