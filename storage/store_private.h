/* The store's own state, and who may touch it. Lock order: there is one lock, and nothing is called
 * with it held that could take another or wait for the disk. */
#ifndef TAILSPAN_STORAGE_STORE_PRIVATE_H
#define TAILSPAN_STORAGE_STORE_PRIVATE_H

#include "storage/group.h"
#include "storage/slot_writer.h"
#include "storage/store.h"

#include <pthread.h>
#include <stdatomic.h>

struct queued {
    struct queued *next;
    struct batch *batch; /* our reference */
    size_t bytes;
};

/* The slots on disk, oldest first. */
struct slot_list {
    struct slot **items;
    size_t count;
    size_t capacity;
};

struct store {
    struct store_options options; /* constant; directory is ours */
    int directory_fd;             /* holds the lock on the directory while the store is open */
    bool only_read;               /* constant; beside another process: there is no thread */
    pthread_t thread;

    pthread_mutex_t lock; /* guards, up to the next comment: */
    pthread_cond_t work;  /* the writer waits: something to do */
    pthread_cond_t done;  /* store_flush() and writer_ask() wait: `finished` has moved */
    struct queued *first;
    struct queued **last;
    uint64_t first_ns; /* CLOCK_MONOTONIC when `first` came */
    size_t waiting_bytes;
    size_t in_hand_bytes; /* taken by the writer, not committed yet */
    size_t queued_spans;  /* of both */
    uint64_t pushed;      /* batches, ever */
    uint64_t finished;    /* committed or dropped */
    uint64_t flush_to;    /* the writer does not wait for more before this many are finished */
    bool stopping;
    struct writer_request *requests; /* oldest first */
    struct slot_list slots;
    bool behind;
    bool writable;
    char error[256];

    pthread_mutex_t hops_lock;  /* guards the next two; nothing else is taken under it */
    struct buffer hops_waiting; /* records of hops */
    uint64_t hops_dropped;

    pthread_mutex_t erasing; /* one erasure at a time; taken before `lock` */

    atomic_uint_fast64_t generation; /* changes with `slots`; written under the lock */

    /* counters, atomic */
    atomic_uint_fast64_t spans_written;
    atomic_uint_fast64_t dropped_queue;
    atomic_uint_fast64_t dropped_failed;
    atomic_uint_fast64_t bytes_on_disk;
    atomic_int page_limit; /* for tests: see store_limit_pages() */

    /* the writer thread's alone */
    struct slot_writer *slot;
    struct blob_writer *blobs;
    struct grouping groups;
    struct buffer hops; /* in hand */
    uint64_t next_tick_ns;
};

/* writer.c */
void *writer_run(void *store);

/* store.c: a store without slots, lock and thread. NULL: out of memory. */
struct store *store_create_to_read(const char *directory);

/* hops.c */
struct buffer hops_take(struct store *s); /* what waits; the caller's */
bool hops_wait(struct store *s);
void hops_lose(struct store *s, struct bytes records); /* counts them */

/* slot_list.c. The writer's thread, or before it runs. */
bool slots_scan(struct store *s, struct error *e);  /* what lies in the directory */
bool slots_add(struct store *s, struct slot *slot); /* takes over the reference when true */
void slots_remove(struct store *s, struct slot *slot);
/* Puts `by`, whose reference it takes over, in the place of `old`. False: that is no longer there.
 */
bool slots_replace(struct store *s, struct slot *old, struct slot *by);
void slots_changed(struct store *s);
struct slot *slots_newest(struct store *s); /* retained; NULL: none */
/* A copy, each slot retained; false: out of memory. Any thread. */
bool slots_copy(struct store *s, struct slot_list *out);
void slot_list_free(struct slot_list *l);

/* retention.c. The writer's thread. */
void retention_apply(struct store *s, uint64_t now_ns);

/* Reports corruption that a reader met in a slot: it will be set aside. Any thread. */
void store_suspect(struct store *s, struct slot *slot);

/* For tests: slots' files may grow to so many pages, as if the disk were full. 0: no limit. */
void store_limit_pages(struct store *s, int pages);

#endif
