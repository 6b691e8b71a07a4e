/* Two walks over all sealed slots, or over all, when it only counts. The first finds which traces
 * are concerned and the oldest slot that has something of them; the second writes that slot and all
 * later ones anew, one at a time, so that room for one more slot is all that it takes. Each is
 * swapped in by the writer's thread, whose list it is; a reader that has the old file open keeps it
 * until it follows the list, at its next call. */
#include "storage/erase.h"

#include "component/log.h"
#include "storage/erase_hops.h"
#include "storage/erase_rewrite.h"
#include "storage/writer_request.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    SEAL_ATTEMPTS = 50, /* while readers are in the way */
    SEAL_PAUSE_MS = 100,
};

struct trace_ids {
    uint8_t (*items)[16];
    size_t count;
    size_t capacity;
};

struct erasure {
    struct store *store;
    const struct erase_options *options;
    struct erase_result *result;
    struct store_reader *reader;
    struct trace_ids traces; /* concerned; sorted and unique behind the first walk */
    struct span_set spans;   /* that go, when whole traces do not */
    int64_t oldest;          /* index of the oldest slot with something to erase; -1: none */
    int64_t current;         /* the slot that is being walked */
    bool no_memory;
};

/* ---- the slots that are written ---- */

struct seal_request {
    struct writer_request base;
    int code;
};

static void run_seal(struct writer_request *rq, struct store *s)
{
    ((struct seal_request *)rq)->code = writer_end_slots(s);
}

static bool end_slots(struct store *s, struct error *e)
{
    struct seal_request rq = {.base.run = run_seal, .code = SQLITE_BUSY};
    for (int i = 0; i < SEAL_ATTEMPTS && rq.code != SQLITE_OK; i++) {
        if (i > 0)
            usleep(SEAL_PAUSE_MS * 1000);
        if (!writer_ask(s, &rq.base))
            return error_set(e, "the store is being closed");
    }
    return rq.code == SQLITE_OK ||
           error_set(e, "the store's current slot cannot be ended: %s", sqlite3_errstr(rq.code));
}

static void run_nothing(struct writer_request *rq, struct store *s)
{
    (void)rq;
    (void)s;
}

/* What waits is written, so that it is seen. */
static bool write_out(struct store *s, struct error *e)
{
    struct writer_request rq = {.run = run_nothing};
    return writer_ask(s, &rq) || error_set(e, "the store is being closed");
}

/* ---- the first walk ---- */

static bool note_trace(struct trace_ids *t, const uint8_t id[16])
{
    if (t->count && memcmp(t->items[t->count - 1], id, 16) == 0)
        return true;
    if (t->count == t->capacity) {
        size_t capacity = t->capacity ? t->capacity * 2 : 64;
        uint8_t(*items)[16] = reallocarray(t->items, capacity, sizeof *items);
        if (!items)
            return false;
        t->items = items;
        t->capacity = capacity;
    }
    memcpy(t->items[t->count++], id, 16);
    return true;
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, 16);
}

static void sort_traces(struct trace_ids *t)
{
    size_t kept = 0;
    if (t->count)
        qsort(t->items, t->count, sizeof *t->items, compare_ids);
    for (size_t i = 0; i < t->count; i++) {
        if (kept == 0 || memcmp(t->items[kept - 1], t->items[i], 16) != 0)
            memmove(t->items[kept++], t->items[i], 16);
    }
    t->count = kept;
}

static bool search_part(void *context, struct batch *b)
{
    struct erasure *w = context;
    for (uint32_t i = 0; i < b->span_count; i++) {
        if (!erase_where_matches(w->options->where, b, i))
            continue;
        if (w->oldest < w->current)
            w->oldest = w->current;
        const struct span_view *span = &b->spans[i];
        w->no_memory = !note_trace(&w->traces, span->trace_id);
        if (w->no_memory || w->options->whole_traces)
            return !w->no_memory;
        w->no_memory = !span_set_add(&w->spans, span->trace_id, span->span_id);
        if (w->no_memory)
            return false;
    }
    return true;
}

/* Parts of concerned traces that do not match themselves may lie in older slots. */
static bool find_other_parts(struct erasure *w)
{
    for (size_t i = 0; i < w->traces.count && w->options->whole_traces; i++) {
        struct part_list parts = {0};
        bool done = reader_find_parts(w->reader, w->traces.items[i], &parts);
        for (size_t n = 0; n < parts.count; n++) {
            if (w->oldest < (int64_t)parts.items[n].slot)
                w->oldest = parts.items[n].slot;
        }
        free(parts.items);
        if (!done)
            return false;
    }
    return true;
}

/* Who only counts looks into those that are still written, too. */
static bool is_walked(const struct erasure *w, int64_t slot)
{
    return w->options->dry_run || atomic_load(&w->reader->slots[slot].slot->state) == SLOT_SEALED;
}

static bool is_concerned(const struct erasure *w, const uint8_t trace_id[16])
{
    return w->traces.count &&
           bsearch(trace_id, w->traces.items, w->traces.count, 16, compare_ids) != NULL;
}

static bool end_goes(const struct erasure *w, const uint8_t trace_id[16], const uint8_t span_id[8])
{
    return is_concerned(w, trace_id) &&
           (w->options->whole_traces || span_set_has(&w->spans, trace_id, span_id));
}

/* With what it leads from or to, and when it says itself what is to be erased. */
static bool hop_goes(void *context, const struct store_hop *hop)
{
    const struct erasure *w = context;
    return end_goes(w, hop->producer_trace, hop->producer_span) ||
           end_goes(w, hop->consumer_trace, hop->consumer_span) ||
           erase_where_matches_hop(w->options->where, hop);
}

/* Hops may lie in other slots than their spans. The later ones are written anew in any case. */
static bool search_hops(struct erasure *w)
{
    for (int64_t slot = (int64_t)w->reader->slot_count - 1; slot > w->oldest; slot--) {
        if (is_walked(w, slot) &&
            slot_has_hop(w->reader, (uint32_t)slot, hop_goes, w, &w->no_memory))
            w->oldest = slot;
        if (w->no_memory)
            return false;
    }
    return true;
}

static bool search(struct erasure *w, struct error *e)
{
    uint64_t damaged = 0;
    for (w->current = (int64_t)w->reader->slot_count - 1; w->current >= 0; w->current--) {
        if (!is_walked(w, w->current))
            continue;
        w->result->slots_searched++;
        if (!reader_walk(w->reader, (uint32_t)w->current, search_part, w, &damaged))
            return error_set(e, "%s: %s", w->reader->slots[w->current].slot->path,
                             w->no_memory ? "out of memory" : "cannot be read");
    }
    sort_traces(&w->traces);
    span_set_sort(&w->spans);
    w->result->traces = w->traces.count;
    return (find_other_parts(w) && (w->options->dry_run || search_hops(w))) ||
           error_set(e, "out of memory");
}

/* ---- the second walk ---- */

static bool goes(void *context, const struct batch *b, uint32_t span)
{
    struct erasure *w = context;
    if (!is_concerned(w, b->spans[span].trace_id))
        return false;
    return w->options->whole_traces || erase_where_matches(w->options->where, b, span);
}

static bool count_part(void *context, struct batch *b)
{
    struct erasure *w = context;
    for (uint32_t i = 0; i < b->span_count; i++)
        w->result->spans += goes(w, b, i);
    return true;
}

struct swap_request {
    struct writer_request base;
    struct slot *old;
    struct slot *draft;
    bool empty;
    bool swapped;
};

/* A slot that retention has taken in the meantime is gone, and so is what was to be erased. */
static void run_swap(struct writer_request *rq, struct store *s)
{
    struct swap_request *w = (struct swap_request *)rq;
    if (w->empty) {
        slot_unlink(w->old);
        slot_unlink(w->draft);
        slots_remove(s, w->old);
        w->swapped = true;
        return;
    }
    if (access(w->old->path, F_OK) != 0) {
        slot_unlink(w->draft);
        w->swapped = true;
        return;
    }
    w->swapped = slot_publish(w->draft, w->old);
    if (!w->swapped)
        return;
    fsync(s->directory_fd);
    slot_measure(w->draft);
    if (!slots_replace(s, w->old, slot_retain(w->draft)))
        slot_release(w->draft);
}

static bool rewrite(struct erasure *w, uint32_t slot, struct blob_writer *blobs, struct error *e)
{
    struct rewritten done;
    const struct erase_judge judge = {.goes = goes, .hop_goes = hop_goes, .context = w};
    struct swap_request rq = {.base.run = run_swap, .old = w->reader->slots[slot].slot};
    rq.draft = erase_rewrite(w->reader, slot, &judge, blobs, &done, e);
    if (!rq.draft)
        return false;
    rq.empty = done.spans_kept == 0 && done.hops_kept == 0;
    bool asked = writer_ask(w->store, &rq.base);
    if (asked && rq.swapped) {
        w->result->spans += done.spans_gone;
        w->result->slots_rewritten++;
    } else {
        slot_unlink(rq.draft);
        error_set(e, "cannot put a new file in the place of %s", rq.old->path);
    }
    slot_release(rq.draft);
    return asked && rq.swapped;
}

static bool remove_all(struct erasure *w, struct error *e)
{
    struct blob_writer *blobs = blob_writer_create();
    bool done = blobs || error_set(e, "out of memory");
    uint64_t damaged = 0;
    for (w->current = w->oldest; done && w->current >= 0; w->current--) {
        uint32_t slot = (uint32_t)w->current;
        if (!is_walked(w, w->current))
            continue;
        if (w->options->dry_run)
            done = reader_walk(w->reader, slot, count_part, w, &damaged) ||
                   error_set(e, "%s cannot be read", w->reader->slots[slot].slot->path);
        else
            done = rewrite(w, slot, blobs, e);
    }
    blob_writer_destroy(blobs);
    return done;
}

/* ---- the trace that it leaves ---- */

static void write_audit(const struct store *s, const struct erase_options *o,
                        const struct erase_result *result, bool complete)
{
    char where[2048], path[4096], line[4096], when[32];
    struct tm tm;
    time_t now = time(NULL);
    erase_where_describe(o->where, where, sizeof where);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
    log_info(NULL, complete ? "spans were erased" : "an erasure is not complete",
             LOG_S("where", where), LOG_S("asked", o->asked), LOG_I("spans", result->spans),
             LOG_I("traces", result->traces), LOG_I("slots", result->slots_rewritten));
    for (char *c = where; *c; c++) {
        if (*c == '"' || *c == '\\' || (unsigned char)*c < 0x20)
            *c = '?';
    }
    int len = snprintf(line, sizeof line,
                       "{\"time\":\"%s\",\"where\":\"%s\",\"scope\":\"%s\",\"asked\":\"%s\","
                       "\"spans\":%llu,\"traces\":%llu,\"slots\":%llu,\"complete\":%s}\n",
                       when, where, o->whole_traces ? "traces" : "spans", o->asked,
                       (unsigned long long)result->spans, (unsigned long long)result->traces,
                       (unsigned long long)result->slots_rewritten, complete ? "true" : "false");
    snprintf(path, sizeof path, "%s/erasures.jsonl", s->options.directory);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || write(fd, line, (size_t)len) != len)
        log_error(NULL, "the erasure cannot be noted", LOG_S("path", path));
    if (fd >= 0)
        close(fd);
}

static void count_broken(struct erasure *w)
{
    struct slot_list slots;
    if (!slots_copy(w->store, &slots))
        return;
    for (size_t i = 0; i < slots.count; i++)
        w->result->slots_broken += atomic_load(&slots.items[i]->state) == SLOT_BROKEN;
    slot_list_free(&slots);
}

static bool erase(struct erasure *w, struct error *e)
{
    if (!(w->options->dry_run ? write_out(w->store, e) : end_slots(w->store, e)))
        return false;
    w->reader = store_reader_open(w->store);
    if (!w->reader || !reader_begin(w->reader))
        return error_set(e, "out of memory");
    bool done = search(w, e) && remove_all(w, e);
    reader_end(w->reader);
    count_broken(w);
    return done;
}

bool store_erase(struct store *s, const struct erase_options *o, struct erase_result *out,
                 struct error *e)
{
    *out = (struct erase_result){0};
    struct erasure w = {.store = s, .options = o, .result = out, .oldest = -1};
    pthread_mutex_lock(&s->erasing);
    bool done = erase(&w, e);
    store_reader_close(w.reader);
    if (!o->dry_run)
        write_audit(s, o, out, done);
    pthread_mutex_unlock(&s->erasing);
    free(w.traces.items);
    span_set_free(&w.spans);
    return done;
}
