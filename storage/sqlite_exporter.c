/* The store as an exporter.
 *
 * While the writer is behind it answers busy, so that senders wait. But while nothing can be
 * written it accepts: a full disk costs spans here, counted, and not at the other exporters of the
 * pipeline. Health tells of both. */
#include "storage/sqlite_exporter.h"

#include "component/config.h"
#include "component/exporter_metrics.h"
#include "component/telemetry.h"
#include "storage/store_hops.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct settings {
    const char *directory;
    int64_t max_age_ns;
    int64_t max_bytes;
    int64_t slot_ns;
    int64_t queue_bytes;
    int64_t flush_ns;
};

static const struct config_field fields[] = {
    {.key = "directory", .type = FIELD_STRING, .offset = offsetof(struct settings, directory)},
    {.key = "max_age",
     .type = FIELD_DURATION,
     .offset = offsetof(struct settings, max_age_ns),
     .fallback = "72h"},
    {.key = "max_bytes",
     .type = FIELD_SIZE,
     .offset = offsetof(struct settings, max_bytes),
     .fallback = "2GiB"},
    {.key = "slot",
     .type = FIELD_DURATION,
     .offset = offsetof(struct settings, slot_ns),
     .fallback = "0"},
    {.key = "queue_bytes",
     .type = FIELD_SIZE,
     .offset = offsetof(struct settings, queue_bytes),
     .fallback = "64MiB"},
    {.key = "flush_interval",
     .type = FIELD_DURATION,
     .offset = offsetof(struct settings, flush_ns),
     .fallback = "200ms"},
    CONFIG_END,
};

#define SECOND_NS 1000000000ll
#define MIN_BYTES (16ll << 20)

enum { BUSY_ADVICE_MS = 1000 };

struct exporter {
    struct component component;
    struct store_options options;
    char *directory; /* of the options */
    struct telemetry *telemetry;
    struct counter *refused; /* answered busy: the sender has them still */
    struct store *store;     /* between start and stop */
};

static bool check(const struct component_spec *spec, struct settings *s, struct error *e)
{
    if (s->max_age_ns < SECOND_NS)
        return config_error(spec->config, e, "max_age has to be at least 1s");
    if (s->max_bytes < MIN_BYTES)
        return config_error(spec->config, e, "max_bytes has to be at least 16MiB");
    if (s->queue_bytes < 1 << 20)
        return config_error(spec->config, e, "queue_bytes has to be at least 1MiB");
    if (s->slot_ns == 0) /* some 24 slots: enough for retention, few enough to search them all */
        s->slot_ns = s->max_age_ns / 24 > 60 * SECOND_NS ? s->max_age_ns / 24 : 60 * SECOND_NS;
    if (s->slot_ns < SECOND_NS || s->max_age_ns / s->slot_ns > 200)
        return config_error(spec->config, e,
                            "slot has to be at least 1s, and at least a 200th of"
                            " max_age");
    return true;
}

static double read_written(void *context)
{
    struct store_stats stats;
    store_stats(((struct exporter *)context)->store, &stats);
    return (double)stats.spans_written;
}

static double read_failed(void *context)
{
    struct store_stats stats;
    store_stats(((struct exporter *)context)->store, &stats);
    return (double)stats.spans_dropped_failed;
}

static double read_refused(void *context)
{
    struct store_stats stats;
    store_stats(((struct exporter *)context)->store, &stats);
    return (double)stats.spans_dropped_queue;
}

static double read_dropped_hops(void *context)
{
    return (double)store_hops_dropped(((struct exporter *)context)->store);
}

static double read_queue(void *context)
{
    struct store_stats stats;
    store_stats(((struct exporter *)context)->store, &stats);
    return (double)stats.queued_bytes;
}

static double read_capacity(void *context)
{
    return (double)((struct exporter *)context)->options.queue_bytes;
}

static double read_disk(void *context)
{
    struct store_stats stats;
    store_stats(((struct exporter *)context)->store, &stats);
    return (double)stats.bytes_on_disk;
}

static void publish(struct exporter *x)
{
    const struct label *labels = LABELS({"exporter", x->component.id});
    struct telemetry *t = x->telemetry;
    telemetry_total(t, EXPORTER_SENT_SPANS, labels, read_written, x);
    telemetry_total(t, EXPORTER_SEND_FAILED_SPANS, labels, read_failed, x);
    telemetry_total(t, EXPORTER_ENQUEUE_FAILED_SPANS, labels, read_refused, x);
    telemetry_total(t, EXPORTER_DROPPED_SPANS,
                    LABELS({"exporter", x->component.id}, {"reason", "write_failed"}), read_failed,
                    x);
    telemetry_total(t, EXPORTER_DROPPED_SPANS,
                    LABELS({"exporter", x->component.id}, {"reason", "queue_full"}), read_refused,
                    x);
    telemetry_total(t, "tailspan_store_dropped_hops", "Hops that could not be kept.", labels,
                    read_dropped_hops, x);
    telemetry_gauge(t, EXPORTER_QUEUE_SIZE, labels, read_queue, x);
    telemetry_gauge(t, EXPORTER_QUEUE_CAPACITY, labels, read_capacity, x);
    telemetry_gauge(t, "tailspan_store_disk_bytes", "Bytes of the store's files.", labels,
                    read_disk, x);
}

static void on_changed(void *context)
{
    struct exporter *x = context;
    struct store_stats stats;
    store_stats(x->store, &stats);
    if (!stats.writable)
        component_set_state(&x->component, STATE_DEGRADED, "the store cannot write: %s",
                            stats.error);
    else if (stats.behind)
        component_set_state(&x->component, STATE_DEGRADED,
                            "the store's queue is full, spans are refused");
    else
        component_set_ok(&x->component);
}

static bool exporter_start(struct component *c, struct error *e)
{
    struct exporter *x = (struct exporter *)c;
    x->store = store_open(&x->options, e);
    if (!x->store)
        return false;
    if (x->telemetry)
        publish(x);
    component_set_ok(c);
    return true;
}

static bool exporter_has_room(struct component *c, const struct batch *b, struct outcome *why)
{
    struct exporter *x = (struct exporter *)c;
    if (store_has_room(x->store, batch_bytes(b)))
        return true;
    counter_add(x->refused, b->span_count);
    *why = outcome_busy(BUSY_ADVICE_MS, "%s: the store's queue is full", c->id);
    return false;
}

static struct outcome exporter_consume(struct component *c, struct batch *b, struct receipt *r)
{
    (void)r;
    struct outcome answer = outcome_accepted();
    if (exporter_has_room(c, b, &answer))
        store_write(((struct exporter *)c)->store, b);
    else
        batch_release(b);
    return answer;
}

static void exporter_drain(struct component *c, uint64_t deadline_ns)
{
    store_flush(((struct exporter *)c)->store, deadline_ns);
}

static void exporter_stop(struct component *c)
{
    struct exporter *x = (struct exporter *)c;
    if (x->telemetry)
        telemetry_remove(x->telemetry, x);
    store_close(x->store);
    x->store = NULL;
}

static void exporter_destroy(struct component *c)
{
    free(((struct exporter *)c)->directory);
    free(c);
}

static const struct component_ops ops = {
    .start = exporter_start,
    .consume = exporter_consume,
    .has_room = exporter_has_room,
    .drain = exporter_drain,
    .stop = exporter_stop,
    .destroy = exporter_destroy,
};

static struct component *exporter_create(const struct component_spec *spec, struct error *e)
{
    struct settings settings = {0};
    if (!config_read(spec->config, fields, &settings, e) || !check(spec, &settings, e))
        return NULL;
    struct exporter *x = calloc(1, sizeof *x);
    if (!x ||
        (settings.directory ? asprintf(&x->directory, "%s", settings.directory)
                            : asprintf(&x->directory, "%s/traces", spec->data_directory)) < 0) {
        free(x);
        error_set(e, "out of memory");
        return NULL;
    }
    component_init(&x->component, spec, &ops);
    x->telemetry = spec->telemetry;
    x->refused =
        telemetry_counter(spec->telemetry, EXPORTER_REFUSED_SPANS, LABELS({"exporter", spec->id}));
    x->options = (struct store_options){
        .directory = x->directory,
        .max_age_ns = settings.max_age_ns,
        .max_bytes = settings.max_bytes,
        .slot_ns = settings.slot_ns,
        .queue_bytes = settings.queue_bytes,
        .flush_ns = settings.flush_ns,
        .changed = on_changed,
        .context = x,
    };
    return &x->component;
}

const struct component_kind sqlite_exporter = {
    .type = "sqlite",
    .class = COMPONENT_EXPORTER,
    .summary = "keeps recent traces in SQLite files, for the query extension",
    .create = exporter_create,
};

struct store *sqlite_exporter_store(struct component *c)
{
    assert(c->kind == &sqlite_exporter);
    return ((struct exporter *)c)->store;
}

const char *sqlite_exporter_directory(const struct component *c)
{
    assert(c->kind == &sqlite_exporter);
    return ((const struct exporter *)c)->directory;
}
