/* Series: what a combination of labels has counted, in a bounded store.
 *
 * A series is found by a hash of the wire bytes that make it, in an open-addressing table that
 * grows a few entries at a time, so that no batch pays for all of it. Series are numbered by slots
 * that do not move; who shows them walks the slots and copies a few at a time under the lock.
 *
 * Memory. A series is one allocation: 80 bytes, its key, and per histogram 8 bytes and 8 for each
 * bucket; 16 to 43 bytes of table and slot come on top. Beyond a limit (of a group, or of the
 * store, in series and in bytes) what is new is counted in its group's overflow series.
 *
 * Everything here is guarded by one lock of the caller's (series_lock). */
#ifndef TAILSPAN_METRICS_SERIES_H
#define TAILSPAN_METRICS_SERIES_H

#include "component/clock.h"
#include "component/metric.h"
#include "metrics/exponential.h"

#include <pthread.h>

enum {
    SERIES_STORES = 3,       /* that share groups */
    SERIES_BYTES_EACH = 1024 /* that count as one: a longer one counts as several */
};

/* A moment by both clocks. What is shown tells the wall's; how long something waited or was idle is
 * measured by the other, which nobody sets. */
struct moment {
    uint64_t wall_ns;   /* CLOCK_REALTIME */
    uint64_t steady_ns; /* CLOCK_MONOTONIC */
};

static inline struct moment moment_now(void)
{
    return (struct moment){.wall_ns = realtime_ns(), .steady_ns = monotonic_ns()};
}

/* A lock that lanes take for a batch and others (who show or expire) for a moment at a time, again
 * and again. Where both wait they take turns: after one such moment some lane has it, and who shows
 * cannot be kept out by lanes that never pause. Among themselves, lanes take it as it comes. */
struct series_lock {
    pthread_mutex_t mutex; /* guards the rest; held for an instant only */
    struct series_queue {
        pthread_cond_t turn;
        unsigned waiting;
    } lanes, others;
    bool held;
    bool after_lane; /* it was a lane that held it last, or holds it */
};

void series_lock_init(struct series_lock *l);
void series_lock_destroy(struct series_lock *l);
void series_lock_lane(struct series_lock *l);
void series_lock_other(struct series_lock *l);
void series_unlock(struct series_lock *l);

struct series;

/* What series have in common, and what limits them together: a resource. Embedded in the caller's
 * struct; freed through `free` when it is dead and its last series gone. */
struct series_group {
    struct metric_resource resource;
    void (*free)(struct series_group *g);
    uint64_t seed;       /* of its series' hashes */
    uint64_t last_ns;    /* CLOCK_MONOTONIC: counted last */
    uint32_t references; /* its series, who copies them, and one while it is alive */
    bool dead;
    struct {
        uint32_t count;
        struct series *overflow;
    } in[SERIES_STORES];
};

static inline void series_group_drop(struct series_group *g)
{
    if (--g->references == 0)
        g->free(g);
}

/* What makes a series within its group. `types` is kept and not compared. */
struct series_key {
    uint64_t head;
    struct bytes name;
    struct bytes rest;
    struct bytes types;
};

/* What a series counts. */
struct series_shape {
    unsigned histograms;
    const double *bounds; /* of explicit buckets */
    uint32_t bound_count;
    uint32_t max_size; /* not 0: exponential ones instead, with at most as many buckets */
    uint32_t exemplars;
};

struct series_exemplars {
    uint32_t count;
    struct metric_exemplar items[];
};

struct series {
    uint64_t hash;
    uint64_t head;
    struct series_group *group;
    uint64_t count;
    uint64_t last_ns; /* CLOCK_MONOTONIC: counted last */
    struct series_exemplars *exemplars;
    uint32_t name_len;
    uint32_t rest_len;
    uint32_t values; /* offset of the histograms */
    uint32_t slot;
    uint64_t id;
    uint64_t start_ns; /* CLOCK_REALTIME */
    uint32_t types_len;
    bool overflow;
    uint8_t key[]; /* name, rest, types; then the histograms */
};

/* One histogram of a series. */
struct series_explicit {
    double sum;
    uint64_t buckets[];
};

struct series_exponential {
    double sum;
    struct exponential buckets;
};

struct series_limits {
    uint32_t group;         /* series of one group; 0: none */
    uint32_t store;         /* of all; at least 1 */
    uint64_t idle_ns;       /* a series that counted nothing for so long goes; 0: stays */
    uint64_t group_idle_ns; /* likewise a whole group */
};

struct series_entry {
    uint64_t hash;
    struct series *series; /* NULL: free */
};

struct series_table {
    struct series_entry *entries;
    size_t mask; /* entries - 1 */
};

struct series_store {
    unsigned number; /* in series_group.in */
    struct series_shape shape;
    struct series_limits limits;

    struct series_table table;
    struct series_table old; /* what is left of it before `moved` is not moved yet */
    size_t moved;

    struct series ***pages; /* of slots: series_private.h */
    uint32_t page_count;
    uint32_t slot_end;
    uint32_t free_slot; /* from 1; 0: none */
    uint32_t swept;     /* where the next sweep begins */

    size_t count;
    size_t bytes;
    uint64_t next_id;
    uint64_t overflowed; /* what overflow series have counted */
};

/* False: out of memory. */
bool series_store_init(struct series_store *st, unsigned number, const struct series_shape *shape,
                       const struct series_limits *limits);
void series_store_free(struct series_store *st);

uint64_t series_hash(const struct series_group *g, const struct series_key *k);

/* Fetches what series_get() will look at: first the table's line, later the series'. */
void series_prefetch(const struct series_store *st, uint64_t hash);
void series_prefetch_values(const struct series_store *st, uint64_t hash);

/* The series, made if need be, or the group's overflow series. NULL: out of memory. */
struct series *series_get(struct series_store *st, struct series_group *g,
                          const struct series_key *k, uint64_t hash, struct moment now);

static inline size_t series_histogram_bytes(const struct series_shape *shape)
{
    return shape->max_size
               ? sizeof(struct series_exponential)
               : sizeof(struct series_explicit) + (shape->bound_count + 1) * sizeof(uint64_t);
}

static inline void *series_values(const struct series *s, const struct series_shape *shape,
                                  unsigned histogram)
{
    return (uint8_t *)s + s->values + histogram * series_histogram_bytes(shape);
}

static inline struct bytes series_name(const struct series *s)
{
    return bytes_of(s->key, s->name_len);
}

static inline struct bytes series_rest(const struct series *s)
{
    return bytes_of(s->key + s->name_len, s->rest_len);
}

static inline struct bytes series_types(const struct series *s)
{
    return bytes_of(s->key + s->name_len + s->rest_len, s->types_len);
}

/* Adds `n` to the count, which ends at UINT64_MAX rather than begin anew. Returns how many were
 * added, for the histograms, whose buckets so never hold more. */
uint64_t series_count(struct series *s, uint64_t n);

/* Counts `value` `n` times in a histogram. */
void series_record(const struct series_store *st, struct series *s, unsigned histogram,
                   double value, uint64_t n);

/* Notes an example; without memory for it there is none. Of one bucket the latest is kept, and of
 * all buckets together as many as the shape says. */
void series_example(const struct series_store *st, struct series *s,
                    const struct metric_exemplar *e);

/* Whether it is not shown any more, and goes with the next sweep. Here and below `now_ns` is
 * CLOCK_MONOTONIC. */
bool series_is_gone(const struct series_store *st, const struct series *s, uint64_t now_ns);

/* Frees what is gone among the next `slots` slots. */
void series_sweep(struct series_store *st, uint64_t now_ns, uint32_t slots);

#endif
