/* What a simulation counts, and how it is told. */
#ifndef TAILSPAN_COLLECTOR_SIMULATE_REPORT_H
#define TAILSPAN_COLLECTOR_SIMULATE_REPORT_H

#include "sampling/simulation.h"

struct tally {
    uint64_t traces;
    uint64_t spans;
};

struct policy_tally {
    uint64_t verdicts[4]; /* of its votes, by enum sampling_verdict */
    uint64_t asked;
    struct tally first; /* traces that it is the first to keep, or to drop */
};

struct service_tally {
    char *name;
    struct tally all, now, then;
};

#define KEEPERS_MAX 512

/* A policy that keeps traces now. */
struct keeper {
    char *name;
    struct tally kept;
};

/* What becomes of a trace now. */
struct kept_now {
    bool kept;
    struct bytes by; /* the policy; empty: not known */
};

struct simulation_report {
    struct tally all;
    struct tally now;  /* kept by the other configuration; all, when there is none */
    struct tally then; /* kept by the new one */
    uint64_t newly_kept;
    uint64_t newly_dropped;
    uint64_t too_large;
    uint64_t first_ns; /* of all spans */
    uint64_t last_ns;
    struct policy_tally *policies; /* of the new configuration */
    struct keeper keepers[KEEPERS_MAX];
    size_t keeper_count;
    struct service_tally *services;
    size_t service_count;
    size_t *service_table; /* index + 1, by hash of the name */
    size_t service_table_size;
    uint64_t trace_serial;    /* to count a service once a trace */
    uint64_t *service_serial; /* by service */
};

/* False: out of memory. To be freed in any case. */
bool report_init(struct simulation_report *r, const struct policy_set *policies);
void report_free(struct simulation_report *r);

/* The policy that a sampler says in a trace to have kept it for; empty: it says nothing. */
struct bytes report_keeper(const struct batch *trace);

/* Counts one trace. `asked`: the policies of `policies` have voted. False: out of memory. */
bool report_add(struct simulation_report *r, const struct batch *trace, const struct kept_now *now,
                const struct sampling_decision *then, const struct policy_set *policies,
                bool asked);

/* On standard output. `against`: there was another configuration. */
void report_print(const struct simulation_report *r, const struct policy_set *policies,
                  bool against);
void report_print_json(const struct simulation_report *r, const struct policy_set *policies,
                       bool against);

#endif
