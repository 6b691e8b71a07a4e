/* `processors: memory_limiter`: refuses spans while live batches take too much memory.
 *
 * The Collector samples its heap at intervals and hopes for its garbage collector. Here every byte
 * of a live batch is counted as it is allocated and freed, so the limit is checked against the
 * truth at every batch, and there is nothing to collect. Above limit - spike the answer is busy:
 * the client keeps its spans and tries again. */
#include "component/config.h"
#include "component/file.h"
#include "component/processor_metrics.h"
#include "component/telemetry.h"
#include "processors/processors.h"

#include <stdlib.h>
#include <unistd.h>

enum { RETRY_AFTER_MS = 1000 };

struct settings {
    int64_t check_interval_ns;
    int64_t limit_mib;
    int64_t spike_limit_mib;
    int64_t limit_percentage;
    int64_t spike_limit_percentage;
    int64_t soft_gc_ns;
    int64_t hard_gc_ns;
};

struct memory_limiter {
    struct component component;
    size_t soft_limit; /* bytes */
    size_t hard_limit;
    struct counter *accepted;
    struct counter *refused;
    struct processor_items items;

    /* shared by lanes */
    atomic_bool refusing; /* what the state says; changed under the lock */

    pthread_mutex_t lock; /* for changes of state, so that the last one is the newest */
};

#define FIELD(key_, type_, member_, ...)                                                           \
    {                                                                                              \
        .key = key_, .type = type_, .offset = offsetof(struct settings, member_), __VA_ARGS__      \
    }
/* check_interval has to be there, as in the Collector, whose configurations this reads; like the
 * intervals of garbage collection it means nothing where each batch is checked. */
static const struct config_field fields[] = {
    FIELD("check_interval", FIELD_DURATION, check_interval_ns),
    FIELD("limit_mib", FIELD_INT, limit_mib, .min = 0, .max = 1 << 30),
    FIELD("spike_limit_mib", FIELD_INT, spike_limit_mib, .min = 0, .max = 1 << 30),
    FIELD("limit_percentage", FIELD_INT, limit_percentage, .min = 0, .max = 100),
    FIELD("spike_limit_percentage", FIELD_INT, spike_limit_percentage, .min = 0, .max = 100),
    FIELD("min_gc_interval_when_soft_limited", FIELD_DURATION, soft_gc_ns),
    FIELD("min_gc_interval_when_hard_limited", FIELD_DURATION, hard_gc_ns),
    CONFIG_END,
};

static int64_t machine_memory(void)
{
    int64_t bytes = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
    struct error ignored;
    char *text = file_read("/sys/fs/cgroup/memory.max", &ignored);
    int64_t group;
    if (text) {
        text[strcspn(text, "\n")] = 0;
        if (config_parse_size(text, &group) && group < bytes)
            bytes = group;
        free(text);
    }
    return bytes;
}

static bool limit_of(const struct settings *s, const struct config_value *config,
                     struct memory_limiter *m, struct error *e)
{
    int64_t limit = s->limit_mib << 20, spike = s->spike_limit_mib << 20;
    if (limit == 0) {
        limit = machine_memory() / 100 * s->limit_percentage;
        spike = machine_memory() / 100 * s->spike_limit_percentage;
    }
    if (limit == 0)
        return config_error(config, e, "limit_mib or limit_percentage must be greater than zero");
    if (spike == 0)
        spike = limit / 5;
    if (spike >= limit)
        return config_error(config, e, "the spike limit must be smaller than the limit");
    m->soft_limit = (size_t)(limit - spike);
    m->hard_limit = (size_t)limit;
    return true;
}

/* Lets the state follow what is in memory now. */
static void memory_limiter_refresh(struct component *c)
{
    struct memory_limiter *m = (struct memory_limiter *)c;
    pthread_mutex_lock(&m->lock);
    size_t live = batch_live_bytes();
    bool over = live > m->soft_limit;
    bool before = atomic_exchange(&m->refusing, over);
    if (over && !before)
        component_set_state(c, STATE_DEGRADED, "refusing spans: %zu MiB in memory, limit %zu MiB",
                            live >> 20, m->soft_limit >> 20);
    else if (before && !over)
        component_set_ok(c);
    pthread_mutex_unlock(&m->lock);
}

static bool over_limit(struct memory_limiter *m, struct outcome *why)
{
    size_t live = batch_live_bytes();
    bool over = live > m->soft_limit;
    if (over)
        *why = outcome_busy(RETRY_AFTER_MS,
                            "data refused due to high memory usage: %zu MiB of spans in memory",
                            live >> 20);
    if (over != atomic_load_explicit(&m->refusing, memory_order_relaxed))
        memory_limiter_refresh(&m->component);
    return over;
}

/* Whether these spans are refused, counted. */
static bool refuses(struct memory_limiter *m, uint32_t spans, struct outcome *why)
{
    if (!over_limit(m, why))
        return false;
    counter_add(m->items.incoming, spans);
    counter_add(m->refused, spans);
    return true;
}

static struct outcome memory_limiter_consume(struct component *c, struct batch *b,
                                             struct receipt *r)
{
    struct memory_limiter *m = (struct memory_limiter *)c;
    struct outcome why;
    uint32_t spans = b->span_count;
    if (refuses(m, spans, &why)) {
        batch_release(b);
        return why;
    }
    counter_add(m->items.incoming, spans);
    counter_add(m->accepted, spans);
    counter_add(m->items.outgoing, spans);
    return component_consume(c->next, b, r);
}

static bool memory_limiter_has_room(struct component *c, const struct batch *b, struct outcome *why)
{
    struct memory_limiter *m = (struct memory_limiter *)c;
    return !refuses(m, b->span_count, why) && component_has_room(c->next, b, why);
}

/* A request is only asked about here once it is indexed, and that can take more memory than all
 * that is let pass. So indexing is held to the limit too; of several limiters, to the most
 * generous. */
static bool memory_limiter_start(struct component *c, struct error *e)
{
    static size_t most; /* the main thread's */
    const struct memory_limiter *m = (const struct memory_limiter *)c;
    (void)e;
    most = m->hard_limit > most ? m->hard_limit : most;
    batch_limit_live_bytes(most);
    component_set_ok(c);
    return true;
}

static void memory_limiter_destroy(struct component *c)
{
    pthread_mutex_destroy(&((struct memory_limiter *)c)->lock);
    free(c);
}

static const struct component_ops ops = {
    .start = memory_limiter_start,
    .consume = memory_limiter_consume,
    .has_room = memory_limiter_has_room,
    .refresh = memory_limiter_refresh,
    .destroy = memory_limiter_destroy,
};

static struct component *memory_limiter_create(const struct component_spec *spec, struct error *e)
{
    struct settings s = {0};
    struct memory_limiter limits = {0};
    if (!config_read(spec->config, fields, &s, e) || !limit_of(&s, spec->config, &limits, e))
        return NULL;
    if (s.check_interval_ns == 0) {
        config_error(spec->config, e, "check_interval must be greater than zero");
        return NULL;
    }
    struct memory_limiter *m = calloc(1, sizeof *m);
    if (!m) {
        error_set(e, "out of memory");
        return NULL;
    }
    component_init(&m->component, spec, &ops);
    pthread_mutex_init(&m->lock, NULL);
    m->soft_limit = limits.soft_limit;
    m->hard_limit = limits.hard_limit;
    const struct label *processor = LABELS({"processor", spec->id});
    struct telemetry *t = spec->telemetry;
    m->accepted = telemetry_counter(t, "otelcol_processor_memory_limiter_accepted_spans",
                                    "Spans that the memory limiter let pass.", processor);
    m->refused = telemetry_counter(t, "otelcol_processor_memory_limiter_refused_spans",
                                   "Spans that the memory limiter refused.", processor);
    m->items = processor_items(t, spec->id);
    return &m->component;
}

const struct component_kind memory_limiter_processor = {
    .type = "memory_limiter",
    .class = COMPONENT_PROCESSOR,
    .summary = "refuses spans while those in memory exceed a limit",
    .create = memory_limiter_create,
};
