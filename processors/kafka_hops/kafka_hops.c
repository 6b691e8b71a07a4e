/* `processors: kafka_hops`: puts together what Kafka took apart.
 *
 * Every batch is handed on at once, whatever it holds. Spans that are about Kafka records are read
 * (message.h) and met with those that came before (index.h); a consumer's span whose context was
 * lost gets a link to its producer, if that is known by now; and everybody who listens is told
 * (hops.h). What is found later is told as well; the span has left then.
 *
 * A batch without such spans costs a look at each span's kind. */
#include "processors/kafka_hops/hops.h"

#include "component/clock.h"
#include "component/config.h"
#include "component/lane.h"
#include "component/telemetry.h"
#include "processors/kafka_hops/hop_link.h"
#include "processors/kafka_hops/index.h"
#include "processors/kafka_hops/listeners.h"
#include "proto/edit.h"
#include "proto/span_kind.h"

#include <stdlib.h>

enum {
    RETRY_AFTER_MS = 1000,
    TICK_MS = 1000,
    LINKED_BYTES_MAX = 64 << 20, /* of spans of one batch, copied for links */
};

struct workspace;

struct kafka_hops {
    struct component component;
    struct lane *lane;       /* where time moves on; NULL: nowhere */
    struct lane_timer timer; /* that lane's */
    struct telemetry *telemetry;
    struct hop_metrics *metrics;
    struct counter *unlinked;

    pthread_mutex_t lock; /* guards index */
    struct hop_index *index;

    _Atomic(struct workspace *) spare; /* any lane's */
};

/* ---- configuration ---- */

struct infer_settings {
    bool enabled;
    int64_t window_ns;
    int64_t settle_ns;
};

struct settings {
    int64_t ttl_ns;
    int64_t wait_ns;
    int64_t max_records;
    int64_t max_series;
    struct infer_settings infer;
};

#define FIELD(struct_, key_, type_, member_, ...)                                                  \
    {                                                                                              \
        .key = key_, .type = type_, .offset = offsetof(struct struct_, member_), __VA_ARGS__       \
    }
static const struct config_field infer_fields[] = {
    FIELD(infer_settings, "enabled", FIELD_BOOL, enabled, .fallback = "true"),
    FIELD(infer_settings, "window", FIELD_DURATION, window_ns, .fallback = "1m"),
    FIELD(infer_settings, "settle", FIELD_DURATION, settle_ns, .fallback = "10s"),
    CONFIG_END,
};

static const struct config_field fields[] = {
    FIELD(settings, "ttl", FIELD_DURATION, ttl_ns, .fallback = "6h"),
    FIELD(settings, "wait", FIELD_DURATION, wait_ns, .fallback = "5m"),
    FIELD(settings, "max_records", FIELD_INT, max_records, .fallback = "1000000", .min = 1000,
          .max = 100000000),
    FIELD(settings, "max_series", FIELD_INT, max_series, .fallback = "2000", .min = 1,
          .max = 1000000),
    FIELD(settings, "infer", FIELD_SECTION, infer, .section = infer_fields),
    CONFIG_END,
};

/* Times are kept in milliseconds of 32 bits. */
#define LONGEST_NS (INT64_C(14) * 24 * 3600 * 1000000000)

static bool configure(const struct settings *s, const struct config_value *config,
                      struct index_settings *out, struct error *e)
{
    const int64_t ms = 1000000;
    if (s->ttl_ns > LONGEST_NS)
        return config_error(config, e, "ttl must be at most 336h");
    if (s->wait_ns > s->ttl_ns)
        return config_error(config, e, "wait must not be longer than ttl");
    if (s->infer.settle_ns > s->wait_ns)
        return config_error(config, e, "infer::settle must not be longer than wait");
    *out = (struct index_settings){.ttl_ms = (uint32_t)(s->ttl_ns / ms),
                                   .wait_ms = (uint32_t)(s->wait_ns / ms),
                                   .settle_ms = (uint32_t)(s->infer.settle_ns / ms),
                                   .window_ns = (uint64_t)s->infer.window_ns,
                                   .max_records = (uint32_t)s->max_records,
                                   .infer = s->infer.enabled};
    return true;
}

/* ---- telling ---- */

/* Every hop closes an end of its producer's, so it is told as open for the second group as well. */
static void tell(const struct found_hops *found)
{
    if (found->count == 0 || !listeners_enter())
        return;
    for (uint32_t i = 0; i < found->count; i++) {
        const struct found_hop *f = &found->items[i];
        if (f->again)
            continue;
        if (!f->first)
            listeners_open(f->hop.producer_trace);
        listeners_hop(&f->hop);
    }
    listeners_leave();
}

/* ---- time ---- */

static uint32_t now_ms(void)
{
    return (uint32_t)(monotonic_ns() / 1000000);
}

static void tick(struct lane_timer *timer)
{
    struct kafka_hops *k =
        (struct kafka_hops *)((char *)timer - offsetof(struct kafka_hops, timer));
    struct found_hops found = {0};
    uint32_t now = now_ms();
    pthread_mutex_lock(&k->lock);
    uint32_t pause = hop_index_tick(k->index, now, &found) - now;
    pthread_mutex_unlock(&k->lock);
    tell(&found);
    found_hops_free(&found);
    lane_timer_set(k->lane, timer,
                   monotonic_ns() + (pause < TICK_MS ? pause : TICK_MS) * 1000000ULL);
}

/* ---- a batch ---- */

/* A messaging span of the batch, read. */
struct reading {
    struct message message;
    struct party_key party;
    struct index_hashes hashes;
    uint32_t span;
    uint32_t open; /* its records that wait */
};

struct readings {
    struct reading *items;
    uint32_t count;
    uint32_t capacity;
    struct message_keys keys;
};

static bool reserve(struct readings *r)
{
    if (r->count < r->capacity)
        return true;
    uint32_t capacity = r->capacity ? r->capacity * 2 : 16;
    struct reading *items = realloc(r->items, capacity * sizeof *items);
    if (!items)
        return false;
    r->items = items;
    r->capacity = capacity;
    return true;
}

/* Neighbours are mostly of one party, which need not be hashed again. */
static void read_party(struct reading *r, const struct reading *before, struct bytes service)
{
    const struct message *m = &r->message;
    r->party = (struct party_key){.strings = {[PARTY_SERVICE] = service,
                                              [PARTY_TOPIC] = m->place.topic,
                                              [PARTY_GROUP] = m->group,
                                              [PARTY_CLUSTER] = m->cluster_id,
                                              [PARTY_ADDRESSES] = m->addresses}};
    if (before && party_key_same_strings(&r->party, &before->party))
        party_key_copy_hashes(&r->party, &before->party);
    else
        party_key_finish(&r->party);
}

/* The first span that may be about a message; the batch's count of spans: none is. */
static uint32_t first_possible(const struct batch *b)
{
    uint32_t i = 0;
    while (i < b->span_count && !message_possible(&b->spans[i]))
        i++;
    return i;
}

/* Producers and consumers are nearly all ours: reading them tells. */
static bool is_worth_reading(const struct span_view *s)
{
    return s->kind == SPAN_KIND_CLIENT ? message_possible(s) : s->kind > SPAN_KIND_CLIENT;
}

/* Reads all messaging spans of a batch. False: out of memory, some were left out. */
static bool read_batch(const struct batch *b, uint32_t first, struct readings *r)
{
    const struct resource_view *resource = NULL;
    struct bytes service = {0};
    for (uint32_t i = first; i < b->span_count; i++) {
        const struct span_view *s = &b->spans[i];
        if (!is_worth_reading(s))
            continue;
        if (!reserve(r))
            return false;
        struct reading *reading = &r->items[r->count];
        if (!message_read(s, &r->keys, &reading->message))
            continue;
        if (resource != span_resource(b, s)) {
            resource = span_resource(b, s);
            service = resource_service_name(resource);
        }
        read_party(reading, r->count > 0 ? reading - 1 : NULL, service);
        hop_index_hash(s, &reading->message, &reading->party, &reading->hashes);
        reading->span = i;
        r->count++;
    }
    return true;
}

static void meet(struct kafka_hops *k, const struct batch *b, struct reading *r, uint32_t now,
                 struct found_hops *found)
{
    struct index_span s = {.view = &b->spans[r->span],
                           .message = &r->message,
                           .party = &r->party,
                           .hashes = &r->hashes,
                           .number = r->span,
                           .now_ms = now};
    r->open = r->hashes.producer ? hop_index_producer(k->index, &s, found)
                                 : hop_index_consumer(k->index, &s, found);
}

/* Meets all producers, or all consumers. */
static void meet_all(struct kafka_hops *k, const struct batch *b, struct readings *r,
                     bool producers, uint32_t now, struct found_hops *found)
{
    enum { STEP = 6, STEPS = 3 };
    for (uint32_t i = 0; i < r->count + STEPS * STEP; i++) {
        for (uint32_t step = 0; step <= STEPS; step++) {
            uint32_t at = i - step * STEP; /* beyond the count when negative */
            if (at >= r->count || r->items[at].hashes.producer != producers)
                continue;
            if (step == 0)
                hop_index_prefetch_buckets(k->index, &r->items[at].hashes);
            else if (step < STEPS)
                hop_index_prefetch_records(k->index, &r->items[at].hashes, step == 2);
            else
                meet(k, b, &r->items[at], now, found);
        }
    }
}

/* What a batch is worked on with; kept for the next one, because memory that is always given back
 * is always new. */
struct workspace {
    struct readings readings;
    struct found_hops found;
    struct hop_link_writer link;
    struct buffer links; /* of a span */
};

enum { KEPT_READINGS = 4096, KEPT_HOPS = 4096, KEPT_LINKS = 64 * 1024 };

static struct workspace *workspace_take(struct kafka_hops *k)
{
    struct workspace *w = atomic_exchange(&k->spare, NULL);
    return w ? w : calloc(1, sizeof *w);
}

static void workspace_free(struct workspace *w)
{
    if (!w)
        return;
    found_hops_free(&w->found);
    free(w->readings.items);
    hop_link_writer_free(&w->link);
    buffer_free(&w->links);
    free(w);
}

static void workspace_give(struct kafka_hops *k, struct workspace *w)
{
    found_hops_clear(&w->found);
    w->readings.count = 0;
    if (w->readings.capacity > KEPT_READINGS || w->found.capacity > KEPT_HOPS ||
        w->links.capacity > KEPT_LINKS) {
        workspace_free(w);
        return;
    }
    workspace_free(atomic_exchange(&k->spare, w));
}

static void tell_open(const struct batch *b, const struct readings *r)
{
    if (!listeners_enter())
        return;
    for (uint32_t i = 0; i < r->count; i++) {
        for (uint32_t n = r->items[i].open; n > 0; n--)
            listeners_open(b->spans[r->items[i].span].trace_id);
    }
    listeners_leave();
}

/* ---- links ---- */

/* Context that was carried on says as much as a link would. */
static bool wants_link(const struct found_hop *f)
{
    return f->span != HOP_NO_SPAN && f->hop.matched_by != HOP_BY_LINK &&
           f->hop.matched_by != HOP_BY_PARENT;
}

/* How many hops from `first` on want a link on the same span. */
static uint32_t count_links(const struct found_hop *first, const struct found_hop *end)
{
    const struct found_hop *f = first;
    while (f < end && f->span == first->span && wants_link(f))
        f++;
    return (uint32_t)(f - first);
}

/* The links that a span gets from `count` hops. False: out of memory. */
static bool add_span_links(struct workspace *w, struct batch *b, const struct found_hop *first,
                           uint32_t count)
{
    w->links.len = 0;
    for (uint32_t i = 0; i < count; i++)
        hop_link_write(&w->link, &first[i].hop, &w->links);
    if (!w->links.failed)
        return span_append(b, first->span, buffer_bytes(&w->links));
    buffer_free(&w->links);
    return false;
}

/* Hops of one span stand behind each other as a rule; the budget bounds what a stranger gets copied
 * who sees to it that they do not. Takes over a reference to `b`. NULL: out of memory. */
static struct batch *add_links(struct kafka_hops *k, struct batch *b, struct workspace *w)
{
    const struct found_hop *end = w->found.items + w->found.count;
    uint64_t budget = LINKED_BYTES_MAX;
    bool writable = false;
    uint32_t count;
    for (const struct found_hop *f = w->found.items; f < end; f += count ? count : 1) {
        count = count_links(f, end);
        if (count == 0)
            continue;
        if (!writable && !(b = batch_writable(b)))
            return NULL;
        writable = true;
        uint32_t len = b->spans[f->span].len;
        if (len > budget || !add_span_links(w, b, f, count))
            counter_add(k->unlinked, count);
        else
            budget -= len;
    }
    return b;
}

/* Takes over a reference to `b`, gives back one to the same spans, some of them linked. NULL: out
 * of memory. */
static struct batch *find_hops(struct kafka_hops *k, struct batch *b, uint32_t first,
                               struct workspace *w)
{
    if (!read_batch(b, first, &w->readings)) {
        batch_release(b);
        return NULL;
    }
    if (w->readings.count == 0)
        return b;
    uint32_t now = now_ms();
    pthread_mutex_lock(&k->lock);
    meet_all(k, b, &w->readings, true, now, &w->found);
    meet_all(k, b, &w->readings, false, now, &w->found);
    pthread_mutex_unlock(&k->lock);
    tell_open(b, &w->readings);
    tell(&w->found);
    return add_links(k, b, w);
}

static struct outcome kafka_hops_consume(struct component *c, struct batch *b, struct receipt *r)
{
    struct kafka_hops *k = (struct kafka_hops *)c;
    uint32_t first = first_possible(b);
    if (first == b->span_count)
        return component_consume(c->next, b, r);
    struct workspace *w = workspace_take(k);
    if (w) {
        b = find_hops(k, b, first, w);
        workspace_give(k, w);
    } else {
        batch_release(b);
        b = NULL;
    }
    if (!b)
        return outcome_busy(RETRY_AFTER_MS, "out of memory");
    return component_consume(c->next, b, r);
}

/* ---- its life ---- */

static void set_timer(void *context)
{
    struct kafka_hops *k = context;
    lane_timer_set(k->lane, &k->timer, monotonic_ns());
}

static void cancel_timer(void *context)
{
    struct kafka_hops *k = context;
    lane_timer_cancel(k->lane, &k->timer);
}

static bool kafka_hops_start(struct component *c, struct error *e)
{
    struct kafka_hops *k = (struct kafka_hops *)c;
    (void)e;
    k->timer.run = tick;
    if (k->lane)
        lane_call(k->lane, set_timer, k);
    return true;
}

/* What waits to be inferred is inferred now: nothing more will come. */
static void kafka_hops_drain(struct component *c, uint64_t deadline_ns)
{
    struct kafka_hops *k = (struct kafka_hops *)c;
    struct found_hops found = {0};
    (void)deadline_ns;
    pthread_mutex_lock(&k->lock);
    hop_index_settle(k->index, &found);
    pthread_mutex_unlock(&k->lock);
    tell(&found);
    found_hops_free(&found);
}

static void kafka_hops_stop(struct component *c)
{
    struct kafka_hops *k = (struct kafka_hops *)c;
    if (k->lane)
        lane_call(k->lane, cancel_timer, k);
}

static struct metric_source *kafka_hops_metrics(struct component *c)
{
    return hop_metrics_source(((struct kafka_hops *)c)->metrics);
}

static void kafka_hops_destroy(struct component *c)
{
    struct kafka_hops *k = (struct kafka_hops *)c;
    telemetry_remove(k->telemetry, k);
    workspace_free(atomic_load(&k->spare));
    hop_index_destroy(k->index);
    hop_metrics_destroy(k->metrics);
    pthread_mutex_destroy(&k->lock);
    free(k);
}

static const struct component_ops ops = {
    .start = kafka_hops_start,
    .consume = kafka_hops_consume,
    .has_room = component_next_has_room,
    .drain = kafka_hops_drain,
    .stop = kafka_hops_stop,
    .metrics = kafka_hops_metrics,
    .destroy = kafka_hops_destroy,
};

/* ---- own telemetry ---- */

static struct index_size size_of(void *context)
{
    struct kafka_hops *k = context;
    struct index_size size;
    pthread_mutex_lock(&k->lock);
    hop_index_size(k->index, &size);
    pthread_mutex_unlock(&k->lock);
    return size;
}

static double read_producers(void *context)
{
    return size_of(context).producers;
}

static double read_consumers(void *context)
{
    return size_of(context).consumers;
}

static double read_bytes(void *context)
{
    return (double)size_of(context).bytes;
}

static void register_counters(const struct component_spec *spec, struct index_counters *c,
                              struct counter **series, struct counter **unlinked)
{
    static const char *const reasons[OVERFLOWS] = {"max_records", "parties", "links", "search",
                                                   "memory"};
    static const char overflow[] = "tailspan_kafka_hops_overflow";
    static const char overflow_help[] = "What was left out for want of room, by reason.";
    static const char expired[] = "tailspan_kafka_hops_expired";
    static const char expired_help[] = "Records whose other side was not seen in time.";
    struct telemetry *t = spec->telemetry;
    for (unsigned i = 0; i < HOP_MATCHES; i++)
        c->found[i] = telemetry_counter(
            t, "tailspan_kafka_hops_found", "Hops, by how they were found.",
            LABELS({"processor", spec->id}, {"matched_by", hop_match_name((enum hop_match)i)}));
    for (unsigned i = 0; i < OVERFLOWS; i++)
        c->overflow[i] = telemetry_counter(t, overflow, overflow_help,
                                           LABELS({"processor", spec->id}, {"reason", reasons[i]}));
    *series = telemetry_counter(t, overflow, overflow_help,
                                LABELS({"processor", spec->id}, {"reason", "max_series"}));
    c->expired_producers = telemetry_counter(t, expired, expired_help,
                                             LABELS({"processor", spec->id}, {"side", "producer"}));
    c->expired_consumers = telemetry_counter(t, expired, expired_help,
                                             LABELS({"processor", spec->id}, {"side", "consumer"}));
    c->unmatchable = telemetry_counter(
        t, "tailspan_kafka_hops_unmatchable",
        "Consumer spans with neither link nor parent nor place nor key to find a producer by.",
        LABELS({"processor", spec->id}));
    c->repeated = telemetry_counter(t, "tailspan_kafka_hops_repeated",
                                    "Spans that came again, and second producers of one record.",
                                    LABELS({"processor", spec->id}));
    *unlinked = telemetry_counter(t, "tailspan_kafka_hops_unlinked",
                                  "Links that were not added for want of memory.",
                                  LABELS({"processor", spec->id}));
}

static void register_gauges(struct kafka_hops *k, const struct component_spec *spec)
{
    static const char waiting[] = "tailspan_kafka_hops_waiting";
    static const char help[] = "Records that are remembered.";
    telemetry_gauge(spec->telemetry, waiting, help,
                    LABELS({"processor", spec->id}, {"side", "producer"}), read_producers, k);
    telemetry_gauge(spec->telemetry, waiting, help,
                    LABELS({"processor", spec->id}, {"side", "consumer"}), read_consumers, k);
    telemetry_gauge(spec->telemetry, "tailspan_kafka_hops_bytes", "Memory of the index.",
                    LABELS({"processor", spec->id}), read_bytes, k);
}

static struct component *kafka_hops_create(const struct component_spec *spec, struct error *e)
{
    struct settings settings = {0};
    struct index_settings index;
    struct index_counters counters;
    struct counter *series;
    if (!config_read(spec->config, fields, &settings, e) ||
        !configure(&settings, spec->config, &index, e))
        return NULL;
    struct kafka_hops *k = calloc(1, sizeof *k);
    if (!k) {
        error_set(e, "out of memory");
        return NULL;
    }
    register_counters(spec, &counters, &series, &k->unlinked);
    component_init(&k->component, spec, &ops);
    pthread_mutex_init(&k->lock, NULL);
    k->telemetry = spec->telemetry;
    k->lane = spec->lane_count > 0 ? spec->lanes[0] : NULL;
    k->metrics = hop_metrics_create((uint32_t)settings.max_series, series);
    k->index = k->metrics ? hop_index_create(&index, &counters, k->metrics) : NULL;
    if (!k->index) {
        kafka_hops_destroy(&k->component);
        error_set(e, "out of memory");
        return NULL;
    }
    register_gauges(k, spec);
    return &k->component;
}

const struct component_kind kafka_hops_processor = {
    .type = "kafka_hops",
    .class = COMPONENT_PROCESSOR,
    .summary = "finds which span took what which other had sent, and links them",
    .create = kafka_hops_create,
};
