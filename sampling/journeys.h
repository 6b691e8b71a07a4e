/* Journeys: traces that belong together, so that they are kept together.
 *
 * A hop through Kafka joins the trace of a producer with that of a consumer; who is joined with one
 * of a journey is of the journey. When a policy keeps one of its traces, the others are kept too.
 * So a trace of a journey that no policy wants is not let go at the end of its wait, but held until
 * the others' waits are over as well, for a time that is bounded. A journey of which one is kept
 * and another was let go, because that time was over, it could not wait or a policy drops it, is
 * broken, which is counted. A trace with an open end, a message whose other side has not been seen
 * yet, is held likewise: the rest may be on its way. Ends are counted: each is told as open once
 * and closed by one join.
 *
 * Bounded: traces in one journey, traces in all; the journey that was quiet for longest is
 * forgotten first. A trace costs about 50 bytes. Traces are known by 64 bits of their id's hash
 * (trace_hash).
 *
 * Any thread; one lock. */
#ifndef TAILSPAN_SAMPLING_JOURNEYS_H
#define TAILSPAN_SAMPLING_JOURNEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct journeys_settings {
    uint64_t wait_ns; /* decision_wait: after a join, both traces are decided within this time */
    uint64_t hold_ns; /* a trace is held for at most this much longer than its own wait */
    uint64_t ask_again_ns; /* while an end is open; 0: not before the hold is over */
    uint64_t forget_ns;    /* a journey is forgotten when nothing joined it for so long */
    uint32_t most_traces_each;
    uint32_t most_traces; /* of all journeys */
};

struct journeys;
struct journeys *journeys_create(
    const struct journeys_settings *settings); /* NULL: out of memory */
void journeys_destroy(struct journeys *j);

enum journey_past {
    PAST_NONE, /* not decided, or not known any more */
    PAST_KEPT,
    PAST_DROPPED,
};

/* The trace has one more open end. The join that closes it may have come before, from another lane.
 * False: for want of room it is not noted. */
bool journeys_open(struct journeys *j, uint64_t trace, uint64_t now_ns);

/* Where a join closes an end that was told as open, or is about to be. */
struct journey_side {
    uint64_t trace;
    enum journey_past past;
    bool closes;
};

/* These two traces belong together; the pasts are what was decided of each before. False: they stay
 * apart, because the journey would be too large, or for want of memory. Times are CLOCK_MONOTONIC.
 */
bool journeys_join(struct journeys *j, const struct journey_side *a, const struct journey_side *b,
                   uint64_t now_ns);

enum journey_answer {
    JOURNEY_NONE, /* the trace is alone */
    JOURNEY_KEPT, /* keep it */
    JOURNEY_HOLD, /* ask again at `until_ns` */
    JOURNEY_OVER, /* nobody kept one of it: let it go */
};

/* What becomes of a trace, come at `arrived_ns`, that no policy keeps. */
enum journey_answer journeys_ask(struct journeys *j, uint64_t trace, uint64_t arrived_ns,
                                 uint64_t now_ns, uint64_t *until_ns);

/* The trace is kept: so is its journey from now on. False: it has none, or was kept already. */
bool journeys_keep(struct journeys *j, uint64_t trace);

/* The trace is let go whatever its journey says: it may not wait, or must not be kept. */
void journeys_let_go(struct journeys *j, uint64_t trace);

struct journeys_counts {
    uint32_t traces; /* known now */
    uint32_t journeys;
    uint64_t broken; /* journeys of which one trace was kept and another let go */
    uint64_t apart;  /* joins that were refused */
};
void journeys_count(struct journeys *j, struct journeys_counts *out);

/* Whether there is any: cheap, without the lock. */
bool journeys_any(const struct journeys *j);

#endif
