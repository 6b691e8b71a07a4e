/* The writer's thread: takes what has come in, groups it by trace, and commits it.
 *
 * A batch waits for up to flush_ns, so that spans of one trace that arrive in several requests
 * become one part and a commit is worth its cost; under load, until half of the queue is full. So
 * spans that trickle in one by one cost a few commits a second, whatever their number.
 *
 * When a commit fails the slot is closed and opened again, which puts every counter back to what is
 * on disk. The first failure is tried again for a second or so; if the disk stays full, each
 * following flush is tried once and dropped, counted, until one succeeds. Between flushes a probe
 * is tried, once a second: a process that is out of service for it gets no spans to flush. A file
 * whose content is broken is set aside and a new one begun. */
#include "component/clock.h"
#include "component/log.h"
#include "storage/sql.h"
#include "storage/writer_request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TICK_NS     1000000000u
#define RETRIES     4
#define RETRY_NS    100000000u /* doubled each time */
#define SLOTS_BYTES 8          /* a slot takes at most so much of max_bytes: an eighth */

/* With the lock held. */
static void wait_until(struct store *s, uint64_t ns)
{
    struct timespec until = {.tv_sec = (time_t)(ns / 1000000000u),
                             .tv_nsec = (long)(ns % 1000000000u)};
    pthread_cond_timedwait(&s->work, &s->lock, &until);
}

static void set_writable(struct store *s, bool writable, const char *error)
{
    pthread_mutex_lock(&s->lock);
    bool changed = s->writable != writable;
    s->writable = writable;
    if (!writable)
        snprintf(s->error, sizeof s->error, "%s", error);
    pthread_mutex_unlock(&s->lock);
    if (changed && s->options.changed)
        s->options.changed(s->options.context);
}

static bool is_current(const struct store *s, const struct slot *slot)
{
    return s->slot && slot_writer_slot(s->slot) == slot;
}

static void close_current(struct store *s)
{
    slot_writer_close(s->slot);
    s->slot = NULL;
}

static void tell_of_migration(struct slot *slot, int code)
{
    if (!atomic_load(&slot->older))
        log_info(NULL, "a slot of an older version was migrated", LOG_S("path", slot->path));
    else if (!slot->complained)
        log_error(NULL, "a slot of an older version cannot be migrated yet",
                  LOG_S("path", slot->path), LOG_S("error", sqlite3_errstr(code)));
    slot->complained = atomic_load(&slot->older);
}

/* Completes a slot that is no longer written: a crash left it, or readers were in the way, or it is
 * of an older version and gets migrated. False: not now. */
static bool seal(struct store *s, struct slot *slot)
{
    int code;
    bool older = atomic_load(&slot->older);
    struct slot_writer *w = slot_writer_open(slot, NULL, &code);
    if (w)
        code = slot_writer_seal(w);
    slot_writer_close(w);
    slot_measure(slot);
    if (older)
        tell_of_migration(slot, code);
    if (code == SQLITE_OK)
        slots_changed(s);
    else if (sql_is_corrupt(code))
        atomic_store(&slot->suspect, true);
    return code == SQLITE_OK;
}

static void give_up_slot(struct store *s, struct slot *slot, const char *why)
{
    if (is_current(s, slot))
        close_current(s);
    slot_set_aside(slot, why);
    slots_changed(s);
}

/* The newest is left to be written, unless it has ended or is about to be migrated. */
static bool wants_seal(const struct store *s, struct slot *slot, bool newest)
{
    return atomic_load(&slot->state) == SLOT_OPEN && !is_current(s, slot) &&
           (!newest || slot->ended || atomic_load(&slot->older));
}

/* Slots whose file went away under us are forgotten, suspect ones set aside, one is sealed. */
static void look_after_slots(struct store *s)
{
    struct slot_list slots;
    bool sealed = false;
    if (!slots_copy(s, &slots))
        return;
    for (size_t i = 0; i < slots.count; i++) {
        struct slot *slot = slots.items[i];
        bool last = i + 1 == slots.count;
        enum slot_state state = atomic_load(&slot->state);
        if (!slot_measure(slot)) {
            log_error(NULL, "a slot of the store is gone", LOG_S("path", slot->path));
            if (is_current(s, slot))
                close_current(s);
            slots_remove(s, slot);
        } else if (atomic_load(&slot->suspect) && state != SLOT_BROKEN) {
            give_up_slot(s, slot, "its content is damaged");
        } else if (!sealed && wants_seal(s, slot, last)) {
            sealed = seal(s, slot);
        }
    }
    slot_list_free(&slots);
}

static bool is_full(const struct store *s, struct slot *slot)
{
    uint64_t end = atomic_load(&slot->end_ns);
    return realtime_ns() >= end ||
           atomic_load(&slot->bytes) >= (uint64_t)s->options.max_bytes / SLOTS_BYTES;
}

/* The newest slot, if it may still be written. Retained. */
static struct slot *continued(struct store *s)
{
    struct slot *slot = slots_newest(s);
    if (slot && atomic_load(&slot->state) == SLOT_OPEN && !slot->ended &&
        !atomic_load(&slot->older) && !is_full(s, slot))
        return slot;
    slot_release(slot);
    return NULL;
}

/* A new slot, in the list. Retained. NULL: out of memory. */
static struct slot *begun(struct store *s)
{
    struct slot *newest = slots_newest(s);
    uint64_t now = realtime_ns();
    uint64_t id = now / 1000000;
    if (newest && id <= newest->id)
        id = newest->id + 1;
    slot_release(newest);
    mkdir(s->options.directory, 0700);
    struct slot *slot = slot_create(s->options.directory, id, SLOT_OPEN);
    if (!slot)
        return NULL;
    atomic_store(&slot->end_ns, now + (uint64_t)s->options.slot_ns);
    return slot;
}

static int open_current(struct store *s)
{
    int code = SQLITE_NOMEM;
    struct slot *slot = continued(s);
    bool is_new = !slot;
    if (is_new)
        slot = begun(s);
    if (!slot)
        return code;
    s->slot = slot_writer_open(slot, s->blobs, &code);
    if (s->slot && is_new && !slots_add(s, slot_retain(slot))) {
        slot_release(slot);
        close_current(s);
        code = SQLITE_NOMEM;
    }
    if (!s->slot && is_new)
        slot_unlink(slot);
    else if (!s->slot && sql_is_corrupt(code))
        give_up_slot(s, slot, sqlite3_errstr(code));
    slot_release(slot);
    return code;
}

/* Has a slot open that may be written now. */
static int ensure_slot(struct store *s)
{
    if (s->slot && !slot_measure(slot_writer_slot(s->slot)))
        look_after_slots(s);
    if (s->slot && is_full(s, slot_writer_slot(s->slot))) {
        int code = slot_writer_seal(s->slot);
        slot_measure(slot_writer_slot(s->slot));
        if (code == SQLITE_OK)
            slots_changed(s);
        close_current(s);
    }
    int code = s->slot ? SQLITE_OK : open_current(s);
    int limit = atomic_load(&s->page_limit);
    if (code == SQLITE_OK)
        slot_writer_limit_pages(s->slot, limit);
    return code;
}

static int write_groups(struct store *s, struct source *sources)
{
    int code = slot_writer_begin(s->slot);
    for (uint32_t i = 0; i < s->groups.trace_count && code == SQLITE_OK; i++) {
        const struct trace_group *t = &s->groups.traces[i];
        code = slot_writer_add(s->slot, sources, s->groups.refs + t->first, t->count);
    }
    if (code == SQLITE_OK)
        code = slot_writer_add_hops(s->slot, buffer_bytes(&s->hops));
    return code == SQLITE_OK ? slot_writer_commit(s->slot) : code;
}

/* Sources are made anew for each attempt: they hold codes of the slot. */
static int write_once(struct store *s, struct batch *const *batches, uint32_t count)
{
    int code = ensure_slot(s);
    if (code != SQLITE_OK)
        return code;
    struct source *sources = calloc(count + 1, sizeof *sources);
    bool ready = sources != NULL;
    for (uint32_t i = 0; ready && i < count; i++)
        ready = source_init(&sources[i], batches[i]);
    code = ready ? write_groups(s, sources) : SQLITE_NOMEM;
    for (uint32_t i = 0; sources && i < count; i++)
        source_free(&sources[i]);
    free(sources);
    return code;
}

static void after_failure(struct store *s, int code)
{
    struct slot *slot = s->slot ? slot_retain(slot_writer_slot(s->slot)) : NULL;
    char error[256];
    snprintf(error, sizeof error, "%s: %s", slot ? slot->path : s->options.directory,
             sqlite3_errstr(code));
    set_writable(s, false, error);
    close_current(s);
    if (slot && sql_is_corrupt(code))
        give_up_slot(s, slot, sqlite3_errstr(code));
    slot_release(slot);
}

static bool is_writable(struct store *s)
{
    pthread_mutex_lock(&s->lock);
    bool writable = s->writable;
    pthread_mutex_unlock(&s->lock);
    return writable;
}

static void probe(struct store *s)
{
    int code = ensure_slot(s);
    if (code == SQLITE_OK)
        code = slot_writer_probe(s->slot);
    if (code == SQLITE_OK)
        set_writable(s, true, "");
    else
        after_failure(s, code);
}

/* Refusing for want of memory, with nothing queued, is not followed by a flush that ends it. */
static void notice_idleness(struct store *s)
{
    pthread_mutex_lock(&s->lock);
    bool changed = s->behind && !s->first;
    if (changed)
        s->behind = false;
    pthread_mutex_unlock(&s->lock);
    if (changed && s->options.changed)
        s->options.changed(s->options.context);
}

static bool pause_before_retry(struct store *s, unsigned attempt)
{
    pthread_mutex_lock(&s->lock);
    uint64_t until = monotonic_ns() + ((uint64_t)RETRY_NS << attempt);
    while (!s->stopping && monotonic_ns() < until)
        wait_until(s, until);
    bool go_on = !s->stopping;
    pthread_mutex_unlock(&s->lock);
    return go_on;
}

static void write_batches(struct store *s, struct batch *const *batches, uint32_t count)
{
    uint64_t spans = 0;
    for (uint32_t i = 0; i < count; i++)
        spans += batches[i]->span_count;
    bool failing = !is_writable(s);
    s->hops = hops_take(s);
    bool grouped = group_spans(&s->groups, batches, count);
    int code = SQLITE_NOMEM;
    for (unsigned attempt = 0; grouped; attempt++) {
        code = write_once(s, batches, count);
        if (code == SQLITE_OK)
            break;
        after_failure(s, code);
        if (failing || attempt == RETRIES || !pause_before_retry(s, attempt))
            break;
    }
    if (code == SQLITE_OK) {
        atomic_fetch_add(&s->spans_written, spans);
        set_writable(s, true, "");
    } else {
        atomic_fetch_add(&s->dropped_failed, spans);
        hops_lose(s, buffer_bytes(&s->hops));
    }
    buffer_free(&s->hops);
}

static void tick(struct store *s)
{
    look_after_slots(s);
    retention_apply(s, realtime_ns());
    if (!is_writable(s))
        probe(s);
    else if (hops_wait(s))
        write_batches(s, NULL, 0);
    notice_idleness(s);
    s->next_tick_ns = monotonic_ns() + TICK_NS;
}

static void free_list(struct queued *list)
{
    for (struct queued *q = list, *next; q; q = next) {
        next = q->next;
        batch_release(q->batch);
        free(q);
    }
}

static void write_list(struct store *s, struct queued *list, uint32_t count)
{
    struct batch **batches = count ? malloc(count * sizeof *batches) : NULL;
    uint32_t i = 0;
    for (struct queued *q = list; q; q = q->next) {
        if (batches)
            batches[i++] = q->batch;
        else
            atomic_fetch_add(&s->dropped_failed, q->batch->span_count);
    }
    if (batches)
        write_batches(s, batches, count);
    free(batches);
}

/* With the lock held; lets it go while it writes. */
static void take_and_write(struct store *s)
{
    struct queued *list = s->first;
    uint32_t count = 0;
    size_t spans = 0;
    for (struct queued *q = list; q; q = q->next) {
        count++;
        spans += q->batch->span_count;
    }
    s->in_hand_bytes = s->waiting_bytes;
    s->waiting_bytes = 0;
    s->first = NULL;
    s->last = &s->first;
    pthread_mutex_unlock(&s->lock);
    write_list(s, list, count);
    free_list(list);
    retention_apply(s, realtime_ns());
    pthread_mutex_lock(&s->lock);
    s->in_hand_bytes = 0;
    s->queued_spans -= spans;
    bool caught_up = s->behind && s->waiting_bytes < (size_t)s->options.queue_bytes / 2;
    if (caught_up)
        s->behind = false;
    if (caught_up && s->options.changed) {
        pthread_mutex_unlock(&s->lock);
        s->options.changed(s->options.context);
        pthread_mutex_lock(&s->lock);
    }
    s->finished += count;
    pthread_cond_broadcast(&s->done);
}

/* ---- requests of other threads ---- */

bool writer_ask(struct store *s, struct writer_request *rq)
{
    pthread_mutex_lock(&s->lock);
    bool taken = !s->stopping;
    struct writer_request **last = &s->requests;
    while (*last)
        last = &(*last)->next;
    rq->done = false;
    rq->next = NULL;
    if (taken)
        *last = rq;
    s->flush_to = s->pushed;
    pthread_cond_signal(&s->work);
    while (taken && !rq->done)
        pthread_cond_wait(&s->done, &s->lock);
    pthread_mutex_unlock(&s->lock);
    return taken;
}

/* With the lock held; lets it go while the request runs. */
static void answer_request(struct store *s)
{
    struct writer_request *rq = s->requests;
    s->requests = rq->next;
    pthread_mutex_unlock(&s->lock);
    rq->run(rq, s);
    pthread_mutex_lock(&s->lock);
    rq->done = true;
    pthread_cond_broadcast(&s->done);
}

int writer_end_slots(struct store *s)
{
    struct slot_list slots;
    int code = SQLITE_OK;
    struct blob_writer *blobs = blob_writer_create();
    if (!blobs || !slots_copy(s, &slots)) {
        blob_writer_destroy(blobs);
        return SQLITE_NOMEM;
    }
    close_current(s);
    blob_writer_destroy(s->blobs);
    s->blobs = blobs;
    for (size_t i = 0; i < slots.count; i++) {
        if (atomic_load(&slots.items[i]->state) == SLOT_OPEN && !seal(s, slots.items[i]))
            code = SQLITE_BUSY;
    }
    slot_list_free(&slots);
    return code;
}

/* When what waits is to be written. With the lock held. */
static uint64_t due_ns(const struct store *s)
{
    if (!s->first)
        return UINT64_MAX;
    if (s->stopping || s->finished < s->flush_to ||
        s->waiting_bytes >= (size_t)s->options.queue_bytes / 2)
        return 0;
    return s->first_ns + (uint64_t)s->options.flush_ns;
}

void *writer_run(void *store)
{
    struct store *s = store;
    pthread_setname_np(pthread_self(), "store");
    pthread_mutex_lock(&s->lock);
    while (s->first || s->requests || !s->stopping) {
        uint64_t now = monotonic_ns();
        uint64_t due = due_ns(s);
        if (due <= now) {
            take_and_write(s);
        } else if (s->requests) {
            answer_request(s);
        } else if (s->next_tick_ns <= now) {
            pthread_mutex_unlock(&s->lock);
            tick(s);
            pthread_mutex_lock(&s->lock);
        } else {
            wait_until(s, due < s->next_tick_ns ? due : s->next_tick_ns);
        }
    }
    pthread_mutex_unlock(&s->lock);
    if (hops_wait(s))
        write_batches(s, NULL, 0);
    close_current(s);
    return NULL;
}
