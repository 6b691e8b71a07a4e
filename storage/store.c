/* The store's front: opening, the queue that writers of other threads put batches into, stats.
 *
 * The queue is bounded by the bytes of the batches in it, those in the writer's hand included. A
 * batch is held by reference; nothing is copied, and store_write() takes a lock for the time of a
 * list append. */
#include "storage/store_private.h"

#include "component/clock.h"
#include "component/file.h"
#include "component/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Makes the directory and those above it that are missing. */
static bool make_directory(const char *path, struct error *e)
{
    struct error why;
    if (!file_make_parents(path, 0700, &why))
        return error_set(e, "cannot make the store's directory %s: %s", path, why.text);
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return error_set(e, "cannot make the store's directory %s: %s", path, strerror(errno));
    if (access(path, R_OK | W_OK | X_OK) != 0)
        return error_set(e, "cannot use the store's directory %s: %s", path, strerror(errno));
    return true;
}

/* Two writers would unlink and seal each other's slots. The lock goes with the process, however it
 * ends. A file system that has no such locks is not held against the user. */
static bool claim_directory(struct store *s, struct error *e)
{
    s->directory_fd = open(s->options.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->directory_fd < 0)
        return error_set(e, "cannot read the store's directory %s: %s", s->options.directory,
                         strerror(errno));
    if (flock(s->directory_fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return error_set(e,
                         "the store's directory %s is in use by another process, or by another"
                         " sqlite exporter; give each its own",
                         s->options.directory);
    return true;
}

static void init_sync(struct store *s)
{
    pthread_condattr_t attributes;
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->erasing, NULL);
    pthread_mutex_init(&s->hops_lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&s->work, &attributes);
    pthread_cond_init(&s->done, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void destroy(struct store *s)
{
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->erasing);
    pthread_mutex_destroy(&s->hops_lock);
    buffer_free(&s->hops_waiting);
    buffer_free(&s->hops);
    pthread_cond_destroy(&s->work);
    pthread_cond_destroy(&s->done);
    slot_list_free(&s->slots);
    blob_writer_destroy(s->blobs);
    group_free(&s->groups);
    if (s->directory_fd >= 0)
        close(s->directory_fd);
    free((char *)s->options.directory);
    free(s);
}

struct store *store_create_to_read(const char *directory)
{
    struct store *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    init_sync(s);
    s->directory_fd = -1;
    s->only_read = true;
    s->options.directory = strdup(directory);
    if (s->options.directory)
        return s;
    destroy(s);
    return NULL;
}

struct store *store_open(const struct store_options *o, struct error *e)
{
    if (!make_directory(o->directory, e))
        return NULL;
    struct store *s = calloc(1, sizeof *s);
    if (!s) {
        error_set(e, "out of memory");
        return NULL;
    }
    init_sync(s);
    s->directory_fd = -1;
    s->options = *o;
    s->options.directory = strdup(o->directory);
    s->last = &s->first;
    s->writable = true;
    s->blobs = blob_writer_create();
    if (!s->options.directory || !s->blobs) {
        error_set(e, "out of memory");
        destroy(s);
        return NULL;
    }
    if (!claim_directory(s, e) || !slots_scan(s, e)) {
        destroy(s);
        return NULL;
    }
    if (pthread_create(&s->thread, NULL, writer_run, s) != 0) {
        error_set(e, "cannot start the store's thread");
        destroy(s);
        return NULL;
    }
    return s;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_signal(&s->work);
    pthread_mutex_unlock(&s->lock);
    if (!s->only_read)
        pthread_join(s->thread, NULL);
    destroy(s);
}

/* A batch that is larger than the queue is taken when it is alone. The lock is held. */
static bool fits(const struct store *s, size_t bytes)
{
    size_t used = s->waiting_bytes + s->in_hand_bytes;
    return used == 0 || used + bytes <= (size_t)s->options.queue_bytes;
}

/* With the lock held. False: no room. */
static bool enqueue(struct store *s, struct queued *q)
{
    bool idle = !s->first;
    size_t half = (size_t)s->options.queue_bytes / 2;
    if (s->stopping || !fits(s, q->bytes))
        return false;
    if (idle)
        s->first_ns = monotonic_ns();
    *s->last = q;
    s->last = &q->next;
    bool filling = s->waiting_bytes < half && s->waiting_bytes + q->bytes >= half;
    s->waiting_bytes += q->bytes;
    s->queued_spans += q->batch->span_count;
    s->pushed++;
    if (idle || filling)
        pthread_cond_signal(&s->work);
    return true;
}

bool store_has_room(struct store *s, size_t bytes)
{
    pthread_mutex_lock(&s->lock);
    bool room = fits(s, bytes) || !s->writable || s->stopping;
    bool changed = !room && !s->behind;
    s->behind = s->behind || !room;
    pthread_mutex_unlock(&s->lock);
    if (changed && s->options.changed)
        s->options.changed(s->options.context);
    return room;
}

bool store_write(struct store *s, struct batch *b)
{
    uint32_t spans = b->span_count;
    struct queued *q = spans ? malloc(sizeof *q) : NULL;
    if (spans == 0) {
        batch_release(b);
        return true;
    }
    bool taken = false;
    if (q)
        *q = (struct queued){.batch = b, .bytes = batch_bytes(b)};
    pthread_mutex_lock(&s->lock);
    taken = q && enqueue(s, q);
    bool changed = !taken && !s->behind;
    s->behind = s->behind || !taken;
    pthread_mutex_unlock(&s->lock);
    if (!taken) {
        atomic_fetch_add(&s->dropped_queue, spans);
        free(q);
        batch_release(b);
    }
    if (changed && s->options.changed)
        s->options.changed(s->options.context);
    return taken;
}

bool store_flush(struct store *s, uint64_t deadline_ns)
{
    struct timespec until = {.tv_sec = (time_t)(deadline_ns / 1000000000u),
                             .tv_nsec = (long)(deadline_ns % 1000000000u)};
    pthread_mutex_lock(&s->lock);
    uint64_t target = s->pushed;
    if (s->flush_to < target)
        s->flush_to = target;
    pthread_cond_signal(&s->work);
    int wait = 0;
    while (s->finished < target && wait == 0)
        wait = pthread_cond_timedwait(&s->done, &s->lock, &until);
    bool finished = s->finished >= target;
    pthread_mutex_unlock(&s->lock);
    return finished;
}

void store_stats(struct store *s, struct store_stats *out)
{
    *out = (struct store_stats){
        .spans_written = atomic_load(&s->spans_written),
        .spans_dropped_queue = atomic_load(&s->dropped_queue),
        .spans_dropped_failed = atomic_load(&s->dropped_failed),
        .bytes_on_disk = atomic_load(&s->bytes_on_disk),
    };
    pthread_mutex_lock(&s->lock);
    out->queued_bytes = s->waiting_bytes + s->in_hand_bytes;
    out->queued_spans = s->queued_spans;
    out->slots = s->slots.count;
    out->behind = s->behind;
    out->writable = s->writable;
    memcpy(out->error, s->error, sizeof out->error);
    pthread_mutex_unlock(&s->lock);
}

void store_suspect(struct store *s, struct slot *slot)
{
    atomic_store(&slot->suspect, true);
    pthread_mutex_lock(&s->lock);
    pthread_cond_signal(&s->work);
    pthread_mutex_unlock(&s->lock);
}

void store_limit_pages(struct store *s, int pages)
{
    atomic_store(&s->page_limit, pages);
}
