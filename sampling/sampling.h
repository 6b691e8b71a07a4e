/* `processors: tail_sampling`, and what it can tell of its decisions. */
#ifndef TAILSPAN_SAMPLING_SAMPLING_H
#define TAILSPAN_SAMPLING_SAMPLING_H

#include "component/component.h"
#include "sampling/policy.h"

extern const struct component_kind tail_sampling_processor;

enum explanation_state {
    EXPLANATION_UNKNOWN, /* never seen, or forgotten */
    EXPLANATION_WAITING,
    EXPLANATION_DECIDED,
};

enum explanation_reason {
    REASON_POLICIES,  /* the policies decided at the trace's time */
    REASON_EARLY,     /* they decided early, to make room */
    REASON_TOO_LARGE, /* over maximum_trace_size_bytes: never seen by a policy */
    REASON_SHUTDOWN,  /* they decided on what had come */
    REASON_JOURNEY,   /* they did not want it, and it was held until its journey was decided */
};

struct explained_vote {
    const char *policy;
    enum sampling_verdict verdict;
    char why[POLICY_WHY_LEN];
};

/* A decision and how it came about. Names live as long as the component. */
struct explanation {
    const char *component;
    enum explanation_state state;
    struct sampling_decision decision; /* when decided */
    const char *policy;                /* NULL: no policy decided */
    const char *sub_policy;

    /* While it waits, and for recent decisions. */
    bool detailed;
    enum explanation_reason reason;
    uint64_t decided_ns; /* CLOCK_REALTIME */
    uint64_t waited_ns;
    uint64_t duration_ns; /* from the earliest start to the latest end */
    uint64_t bytes;
    uint32_t spans;
    uint32_t late_spans;
    bool rooted;

    uint32_t vote_count; /* 0: the votes were not kept */
    struct explained_vote votes[POLICIES_MAX];
};

/* False when this sampler knows nothing of the trace. Any thread, while the component is started.
 */
bool sampling_explain(struct component *c, const uint8_t trace_id[16], struct explanation *out);

/* Tells every started sampler that a hop leads from one trace to another: they are of one journey,
 * and are kept together. `waited`: the consumer's end was told as open before. Any thread. */
void sampling_join_all(const uint8_t producer[16], const uint8_t consumer[16], bool waited);

/* Tells them of a message that this trace sent or took, whose other side has not been seen yet. */
void sampling_open_all(const uint8_t trace[16]);

/* Asks every started sampler of the process; `each` is called for those that know the trace. Any
 * thread. `out` is room for one answer. */
void sampling_explain_all(const uint8_t trace_id[16], struct explanation *out,
                          void (*each)(void *context, const struct explanation *e), void *context);

#endif
