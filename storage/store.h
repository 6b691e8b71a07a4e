/* The trace store: recent traces in SQLite files, one per time slot.
 *
 * Writing. store_write() queues a batch for the writer thread, which groups spans by trace,
 * compresses each trace's wire bytes and writes summary, blob and index rows, a transaction at a
 * time. A trace that goes on later gets another part; reading merges parts.
 *
 * Reading. Any thread, each with a reader of its own; readers never block the writer. */
#ifndef TAILSPAN_STORAGE_STORE_H
#define TAILSPAN_STORAGE_STORE_H

#include "component/error.h"
#include "proto/batch.h"

#include <stdint.h>

struct store;
struct store_reader;

struct store_options {
    const char *directory; /* made when missing, mode 0700 */
    int64_t max_age_ns;    /* slots older than this are unlinked */
    int64_t max_bytes;     /* of all files together; the oldest slots go first */
    int64_t slot_ns;       /* width of a slot */
    int64_t queue_bytes;   /* batches waiting for the writer; over it store_write() drops */
    int64_t flush_ns;      /* longest time between a span's arrival and its commit */

    /* Called when `writable` or `behind` of store_stats() has changed, on the writer's thread or on
     * the one that found the queue full; may be NULL. */
    void (*changed)(void *context);
    void *context;
};

struct store_stats {
    uint64_t spans_written;
    uint64_t spans_dropped_queue;  /* the writer was behind */
    uint64_t spans_dropped_failed; /* disk full, I/O error */
    uint64_t bytes_on_disk;
    uint64_t queued_bytes;
    uint64_t queued_spans;
    uint64_t slots;
    bool behind; /* the queue was full, and has not emptied since */
    bool writable;
    char error[256]; /* why it was last not writable */
};

/* Opens or makes the store. Files that are torn or not ours are set aside (renamed with .broken)
 * with a log line. NULL with `e` set when the directory cannot be used, or is in use: a store has
 * one process, and is open there once. */
struct store *store_open(const struct store_options *o, struct error *e);

/* Whether store_write() would take a batch of `bytes`. False only while the writer works and is
 * behind: then senders should wait. While nothing can be written there is room, and spans are
 * dropped and counted, so that a full disk does not stop what else is done with them. Any thread.
 */
bool store_has_room(struct store *s, size_t bytes);

/* Queues all spans of `b`; takes over one reference. False: the queue is full, spans were dropped
 * and counted. Any thread. */
bool store_write(struct store *s, struct batch *b);

/* Returns when everything queued before the call is committed or dropped, or at `deadline_ns`
 * (CLOCK_MONOTONIC). False: at the deadline. */
bool store_flush(struct store *s, uint64_t deadline_ns);

void store_stats(struct store *s, struct store_stats *out);
void store_close(struct store *s);

/* One thread at a time may use a reader. It follows slots as they come and go. */
struct store_reader *store_reader_open(struct store *s);
void store_reader_close(struct store_reader *r);

/* The whole trace, parts merged, spans by start time; NULL when not found. To be released. */
struct batch *store_trace(struct store_reader *r, const uint8_t trace_id[16]);

struct store_names {
    char **items; /* sorted, unique */
    size_t count;
};
void store_names_free(struct store_names *n);
bool store_services(struct store_reader *r, struct store_names *out);

struct store_operation {
    char *name;
    uint8_t kind; /* OTLP's span kind */
};
struct store_operations {
    struct store_operation *items; /* sorted by name, then kind; unique */
    size_t count;
};
/* Of one service, of all when `service` is NULL; of one kind, of all when `kind` is negative. */
bool store_operations(struct store_reader *r, const char *service, int kind,
                      struct store_operations *out);
void store_operations_free(struct store_operations *o);

/* A tag to match: a span attribute, resource attribute, scope attribute or event attribute of this
 * key whose value, written as text, equals. Also `error`=true|false, `span.kind`,
 * `otel.status_code` (OK, ERROR), `otel.status_description`, `otel.scope.name`,
 * `otel.scope.version` as Jaeger derives them. All tags have to match on one span. */
struct store_tag {
    const char *key;
    const char *value;
};

struct store_query {
    const char *service;   /* NULL: any */
    const char *operation; /* NULL: any */
    const struct store_tag *tags;
    size_t tag_count;
    uint64_t start_min_ns; /* of the matching span's start; 0 and UINT64_MAX: open */
    uint64_t start_max_ns;
    uint64_t duration_min_ns; /* of the matching span, as Jaeger means it; 0 and UINT64_MAX: open */
    uint64_t duration_max_ns;
    size_t limit; /* newest traces first, truly */
};

struct store_service_count {
    char *name;
    uint32_t spans;
    uint32_t errors;
};

struct store_summary {
    uint8_t trace_id[16];
    uint64_t start_ns;  /* earliest span */
    uint64_t end_ns;    /* latest end */
    char *root_service; /* "" while no root span has come */
    char *root_operation;
    uint32_t spans;
    uint32_t errors;
    uint32_t orphans; /* spans whose parent is not in the trace */
    struct store_service_count *services;
    size_t service_count;
};

struct store_results {
    struct store_summary *items; /* newest start first */
    size_t count;
};

/* False with `e` set when the search was cut short (time limit `timeout_ns`, I/O error). */
bool store_search(struct store_reader *r, const struct store_query *q, uint64_t timeout_ns,
                  struct store_results *out, struct error *e);
void store_results_free(struct store_results *r);

/* One trace's; false when it is not there, or out of memory. To be freed. */
bool store_summary_of(struct store_reader *r, const uint8_t trace_id[16],
                      struct store_summary *out);
void store_summary_free(struct store_summary *s);

/* Calls between services whose child span started within the window. */
struct store_dependency {
    char *parent;
    char *child;
    uint64_t calls;
};
struct store_dependencies {
    struct store_dependency *items; /* sorted by parent, child */
    size_t count;
};
bool store_dependencies(struct store_reader *r, uint64_t start_ns, uint64_t end_ns,
                        struct store_dependencies *out);
void store_dependencies_free(struct store_dependencies *d);

#endif
