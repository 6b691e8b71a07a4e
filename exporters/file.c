/* `exporters: file`: a line of OTLP/JSON for every request.
 *
 * A disk may be slow or full, and printing JSON costs more than receiving protobuf, so a thread of
 * its own writes, from a queue that is bounded in bytes. A batch is accepted once it is queued; a
 * full queue answers busy. What cannot be written is counted and given up: a file has no other end
 * that could be waited for, and with the disk full the rest of the process has to go on.
 *
 * After a failure the writer looks every second whether the file would take something again: a
 * process that is taken out of service for it gets no spans whose writing could show that. */
#include "component/clock.h"
#include "component/exporter_metrics.h"
#include "component/log.h"
#include "component/telemetry.h"
#include "exporters/exporters.h"
#include "exporters/file_settings.h"

#include <stdlib.h>

#define PROBE_NS 1000000000u

struct entry {
    struct entry *next;
    struct batch *batch;
    size_t bytes;
};

struct file {
    struct component component;
    struct file_settings settings;
    struct counter *sent;
    struct counter *failed;
    struct counter *refused;
    struct counter *dropped_write;
    struct counter *dropped_memory;
    struct counter *dropped_shutdown;
    pthread_t thread;
    bool running; /* the main thread's */

    /* the writer thread's alone, while it runs */
    struct file_output output;
    struct file_encoder encoder;
    struct buffer record;

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t work;  /* the writer waits */
    pthread_cond_t idle;  /* drain waits */
    struct entry *first;
    struct entry **last;
    size_t queued_bytes; /* with the entry that is being written */
    bool writing;
    bool unflushed;
    uint64_t flush_at_ns; /* CLOCK_MONOTONIC, while unflushed */
    bool draining;
    bool stopping;
    bool full;            /* somebody was refused, and there is not much room yet */
    bool failing;         /* the last write failed, and no probe since has worked */
    uint64_t probe_at_ns; /* CLOCK_MONOTONIC, while failing */
    char error[256];      /* why it failed */
};

/* ---- state; all under the lock ---- */

static void follow_state(struct file *f)
{
    if (f->failing)
        component_set_state(&f->component, STATE_DEGRADED, "%s", f->error);
    else if (f->full)
        component_set_state(&f->component, STATE_DEGRADED, "the queue is full");
    else
        component_set_ok(&f->component);
}

static bool has_room_for(const struct file *f, size_t bytes)
{
    return f->queued_bytes == 0 || f->queued_bytes + bytes <= f->settings.queue_bytes;
}

static struct outcome refuse(struct file *f, const struct batch *b)
{
    counter_add(f->refused, b->span_count);
    if (!f->full) {
        f->full = true;
        follow_state(f);
    }
    return outcome_busy(1000, "%s: the queue is full", f->component.id);
}

static void leave_queue(struct file *f, size_t bytes)
{
    f->queued_bytes -= bytes;
    if (f->full && f->queued_bytes <= f->settings.queue_bytes / 2) {
        f->full = false;
        follow_state(f);
    }
}

/* ---- the writer ---- */

/* Counts what became of spans since the totals were `before`. */
static void settle(struct file *f, const struct file_output *before, bool ok, const struct error *e)
{
    uint64_t lost = f->output.lost_spans - before->lost_spans;
    counter_add(f->sent, f->output.written_spans - before->written_spans);
    counter_add(f->failed, lost);
    counter_add(f->dropped_write, lost);
    pthread_mutex_lock(&f->lock);
    if (!ok) {
        f->failing = true;
        f->probe_at_ns = monotonic_ns() + PROBE_NS;
        memcpy(f->error, e->text, sizeof f->error);
        f->error[sizeof f->error - 1] = '\0';
        follow_state(f);
    } else if (f->failing && f->output.written_spans > before->written_spans) {
        f->failing = false;
        follow_state(f);
    }
    pthread_mutex_unlock(&f->lock);
}

static void write_batch(struct file *f, struct batch *b)
{
    if (b->span_count == 0)
        return;
    if (!file_record_append(&f->encoder, b, &f->record)) {
        counter_add(f->failed, b->span_count);
        counter_add(f->dropped_memory, b->span_count);
        log_error(f->component.id, "out of memory: spans were not written",
                  LOG_I("spans", b->span_count));
        buffer_free(&f->record);
        return;
    }
    struct file_output before = f->output;
    struct error e;
    bool ok = file_output_append(&f->output, buffer_bytes(&f->record), b->span_count, &e);
    settle(f, &before, ok, &e);
    f->record.len = 0;
    if (f->record.capacity > FILE_KEPT_MAX)
        buffer_free(&f->record);
}

static void flush(struct file *f)
{
    struct file_output before = f->output;
    struct error e;
    bool ok = file_output_flush(&f->output, &e);
    settle(f, &before, ok, &e);
}

/* Called and returns with the lock held. */
static void probe(struct file *f)
{
    struct error e;
    pthread_mutex_unlock(&f->lock);
    bool ok = file_output_probe(&f->output, &e);
    pthread_mutex_lock(&f->lock);
    f->probe_at_ns = monotonic_ns() + PROBE_NS;
    f->failing = !ok;
    if (ok)
        follow_state(f);
}

/* Writes the first entry. Called and returns with the lock held. */
static void write_first(struct file *f)
{
    struct entry *entry = f->first;
    f->first = entry->next;
    if (!f->first)
        f->last = &f->first;
    f->writing = true;
    pthread_mutex_unlock(&f->lock);

    write_batch(f, entry->batch);
    batch_release(entry->batch);

    pthread_mutex_lock(&f->lock);
    f->writing = false;
    if (!f->unflushed)
        f->flush_at_ns = monotonic_ns() + f->settings.flush_interval_ns;
    f->unflushed = true;
    leave_queue(f, entry->bytes);
    free(entry);
}

static void timed_wait(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t until_ns)
{
    struct timespec at = {.tv_sec = (time_t)(until_ns / 1000000000),
                          .tv_nsec = (long)(until_ns % 1000000000)};
    pthread_cond_timedwait(cond, lock, &at);
}

static bool flush_is_due(const struct file *f)
{
    return f->unflushed && ((f->draining && !f->first) || monotonic_ns() >= f->flush_at_ns);
}

static bool probe_is_due(const struct file *f)
{
    return f->failing && monotonic_ns() >= f->probe_at_ns;
}

/* Until there is something to do. Under the lock. */
static void wait_for_work(struct file *f)
{
    uint64_t until = f->unflushed ? f->flush_at_ns : UINT64_MAX;
    if (f->failing && f->probe_at_ns < until)
        until = f->probe_at_ns;
    if (!f->unflushed)
        pthread_cond_broadcast(&f->idle);
    if (until == UINT64_MAX)
        pthread_cond_wait(&f->work, &f->lock);
    else
        timed_wait(&f->work, &f->lock, until);
}

static void *writer(void *context)
{
    struct file *f = context;
    pthread_mutex_lock(&f->lock);
    for (;;) {
        if (flush_is_due(f)) {
            pthread_mutex_unlock(&f->lock);
            flush(f);
            pthread_mutex_lock(&f->lock);
            f->unflushed = false;
        } else if (f->first) {
            write_first(f);
        } else if (f->stopping) {
            break;
        } else if (probe_is_due(f)) {
            probe(f);
        } else {
            wait_for_work(f);
        }
    }
    pthread_mutex_unlock(&f->lock);
    flush(f);
    return NULL;
}

/* ---- the component ---- */

static bool file_start(struct component *c, struct error *e)
{
    struct file *f = (struct file *)c;
    if (!file_output_open(&f->output, &f->settings.output, e))
        return error_at(e, "path");
    f->running = pthread_create(&f->thread, NULL, writer, f) == 0;
    if (!f->running) {
        file_output_close(&f->output);
        return error_set(e, "cannot start a thread");
    }
    pthread_setname_np(f->thread, "file_exporter");
    return true;
}

static struct outcome file_consume(struct component *c, struct batch *b, struct receipt *r)
{
    (void)r;
    struct file *f = (struct file *)c;
    struct outcome answer = outcome_accepted();
    struct entry *entry = malloc(sizeof *entry);
    if (!entry) {
        counter_add(f->refused, b->span_count);
        batch_release(b);
        return outcome_busy(1000, "%s: out of memory", c->id);
    }
    *entry = (struct entry){.batch = b, .bytes = batch_bytes(b)};

    pthread_mutex_lock(&f->lock);
    bool room = has_room_for(f, entry->bytes);
    if (room) {
        *f->last = entry;
        f->last = &entry->next;
        f->queued_bytes += entry->bytes;
        pthread_cond_signal(&f->work);
    } else {
        answer = refuse(f, b);
    }
    pthread_mutex_unlock(&f->lock);

    if (!room) {
        batch_release(b);
        free(entry);
    }
    return answer;
}

static bool file_has_room(struct component *c, const struct batch *b, struct outcome *why)
{
    struct file *f = (struct file *)c;
    pthread_mutex_lock(&f->lock);
    bool room = has_room_for(f, batch_bytes(b));
    if (!room)
        *why = refuse(f, b);
    pthread_mutex_unlock(&f->lock);
    return room;
}

/* What is still queued will not be written: counts and frees it. Under the lock. */
static void drop_queue(struct file *f)
{
    uint64_t spans = 0;
    while (f->first) {
        struct entry *entry = f->first;
        f->first = entry->next;
        f->queued_bytes -= entry->bytes;
        spans += entry->batch->span_count;
        batch_release(entry->batch);
        free(entry);
    }
    f->last = &f->first;
    if (spans == 0)
        return;
    counter_add(f->failed, spans);
    counter_add(f->dropped_shutdown, spans);
    log_error(f->component.id, "spans were not written before the end", LOG_I("spans", spans));
}

static void file_drain(struct component *c, uint64_t deadline_ns)
{
    struct file *f = (struct file *)c;
    pthread_mutex_lock(&f->lock);
    f->draining = true;
    pthread_cond_signal(&f->work);
    while (f->running && (f->first || f->writing || f->unflushed) && monotonic_ns() < deadline_ns)
        timed_wait(&f->idle, &f->lock, deadline_ns);
    drop_queue(f);
    pthread_mutex_unlock(&f->lock);
}

static void file_stop(struct component *c)
{
    struct file *f = (struct file *)c;
    if (!f->running)
        return;
    pthread_mutex_lock(&f->lock);
    f->stopping = true;
    pthread_cond_signal(&f->work);
    pthread_mutex_unlock(&f->lock);
    pthread_join(f->thread, NULL);
    f->running = false;
    file_output_close(&f->output);
}

static void file_destroy(struct component *c)
{
    struct file *f = (struct file *)c;
    drop_queue(f);
    file_encoder_free(&f->encoder);
    buffer_free(&f->record);
    pthread_cond_destroy(&f->idle);
    pthread_cond_destroy(&f->work);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

static const struct component_ops ops = {
    .start = file_start,
    .consume = file_consume,
    .has_room = file_has_room,
    .drain = file_drain,
    .stop = file_stop,
    .destroy = file_destroy,
};

static struct counter *dropped(const struct component_spec *spec, const char *reason)
{
    return telemetry_counter(spec->telemetry, EXPORTER_DROPPED_SPANS,
                             LABELS({"exporter", spec->id}, {"reason", reason}));
}

static void count_with(struct file *f, const struct component_spec *spec)
{
    const struct label *own = LABELS({"exporter", spec->id});
    f->sent = telemetry_counter(spec->telemetry, EXPORTER_SENT_SPANS, own);
    f->failed = telemetry_counter(spec->telemetry, EXPORTER_SEND_FAILED_SPANS, own);
    f->refused = telemetry_counter(spec->telemetry, EXPORTER_REFUSED_SPANS, own);
    f->dropped_write = dropped(spec, "write_failed");
    f->dropped_memory = dropped(spec, "out_of_memory");
    f->dropped_shutdown = dropped(spec, "shutdown");
}

static struct component *file_create(const struct component_spec *spec, struct error *e)
{
    struct file_settings settings;
    if (!file_settings_read(spec->config, &settings, e))
        return NULL;
    struct file *f = calloc(1, sizeof *f);
    if (!f || !file_encoder_init(&f->encoder, settings.format, settings.compress, settings.level)) {
        error_set(e, "out of memory");
        free(f);
        return NULL;
    }
    component_init(&f->component, spec, &ops);
    f->settings = settings;
    f->output.fd = -1;
    f->last = &f->first;
    pthread_mutex_init(&f->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&f->work, &monotonic);
    pthread_cond_init(&f->idle, &monotonic);
    pthread_condattr_destroy(&monotonic);
    count_with(f, spec);
    return &f->component;
}

const struct component_kind file_exporter = {
    .type = "file",
    .class = COMPONENT_EXPORTER,
    .summary = "writes requests to a file as lines of OTLP JSON",
    .create = file_create,
};
