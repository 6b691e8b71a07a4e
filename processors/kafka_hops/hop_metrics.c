#include "processors/kafka_hops/hop_metrics.h"

#include "component/clock.h"
#include "component/hash_seed.h"

#include <pthread.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define IDLE_NS        UINT64_C(3600000000000)
#define FLUSH_INTERVAL UINT64_C(60000000000)

/* Seconds: from a record that was waited for to one that a consumer came back to after hours. */
static const double bounds[] = {0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,  1,    2.5,
                                5,     10,    30,   60,    300,  900, 3600, 7200, 14400};

enum { BOUNDS = sizeof bounds / sizeof *bounds, COPIED_AT_ONCE = 32 };

enum series_kind { SERIES_HOP, SERIES_PRODUCER, SERIES_CONSUMER, SERIES_OVERFLOW };

enum label_string { LABEL_TOPIC, LABEL_GROUP, LABEL_PRODUCER, LABEL_CONSUMER, LABEL_STRINGS };

/* Read under the lock, but for its label strings, which never change. */
struct series {
    uint64_t hash;
    uint64_t id;
    uint64_t start_ns;
    uint64_t last_ns;
    struct bytes labels[LABEL_STRINGS]; /* lie in memory */
    uint8_t *memory;
    enum series_kind kind;
    uint32_t chain;
    uint64_t hops[HOP_MATCHES];
    uint64_t redelivered;
    uint64_t negative;
    uint64_t unmatched[2]; /* consumers, producers */
    uint64_t count;
    double sum;
    uint64_t buckets[BOUNDS + 1];
    struct metric_exemplar exemplar;
};

struct hop_metrics {
    struct metric_source source;
    struct counter *overflow;
    uint32_t limit;

    pthread_mutex_t lock; /* guards what follows */
    struct series *items; /* number 0 is the overflow series */
    uint32_t count;
    uint32_t capacity;
    uint32_t *buckets; /* number of the first; 0: none */
    uint32_t bucket_mask;
    uint32_t swept;
    uint32_t latest; /* the series that was counted last */
    uint64_t next_id;
};

/* ---- series ---- */

struct series_key {
    struct bytes labels[LABEL_STRINGS];
    enum series_kind kind;
    uint64_t hash;
};

static void key_finish(struct series_key *k)
{
    k->hash = hash_seed() + k->kind;
    for (unsigned i = 0; i < LABEL_STRINGS; i++)
        k->hash = XXH3_64bits_withSeed(k->labels[i].data, k->labels[i].len, k->hash);
}

static bool is_series(const struct series *s, const struct series_key *k)
{
    if (s->kind != k->kind)
        return false;
    for (unsigned i = 0; i < LABEL_STRINGS; i++) {
        if (!bytes_equal(s->labels[i], k->labels[i]))
            return false;
    }
    return true;
}

/* Puts copies of the labels into `labels`, and where they lie into *memory. */
static bool copy_labels(struct bytes labels[LABEL_STRINGS], uint8_t **memory)
{
    size_t len = 0;
    for (unsigned i = 0; i < LABEL_STRINGS; i++)
        len += labels[i].len;
    uint8_t *at = *memory = malloc(len + 1);
    if (!at)
        return false;
    for (unsigned i = 0; i < LABEL_STRINGS; i++) {
        if (labels[i].len > 0)
            memcpy(at, labels[i].data, labels[i].len);
        labels[i].data = at;
        at += labels[i].len;
    }
    return true;
}

static void unchain(struct hop_metrics *m, uint32_t number)
{
    uint32_t *at = &m->buckets[m->items[number].hash & m->bucket_mask];
    while (*at != number)
        at = &m->items[*at].chain;
    *at = m->items[number].chain;
}

/* A series that has been idle, unchained and empty; 0: none among those looked at. */
static uint32_t reuse(struct hop_metrics *m, uint64_t now_ns)
{
    enum { LOOKED_AT = 8 };
    for (unsigned i = 0; i < LOOKED_AT && m->count > 1; i++) {
        uint32_t number = m->swept = m->swept + 1 < m->count ? m->swept + 1 : 1;
        if (now_ns > m->items[number].last_ns + IDLE_NS) {
            unchain(m, number);
            free(m->items[number].memory);
            return number;
        }
    }
    return 0;
}

static uint32_t room(struct hop_metrics *m, uint64_t now_ns)
{
    if (m->count > m->limit)
        return reuse(m, now_ns);
    if (m->count == m->capacity) {
        struct series *items = reallocarray(m->items, (size_t)m->capacity * 2, sizeof *items);
        if (!items)
            return 0;
        m->items = items;
        m->capacity *= 2;
    }
    return m->count++;
}

/* 0: one too many, or out of memory. */
static uint32_t add(struct hop_metrics *m, const struct series_key *k, uint64_t now_ns)
{
    struct series s = {.hash = k->hash, .start_ns = now_ns, .kind = k->kind};
    memcpy(s.labels, k->labels, sizeof s.labels);
    if (!copy_labels(s.labels, &s.memory))
        return 0;
    uint32_t number = room(m, now_ns);
    if (!number) {
        free(s.memory);
        return 0;
    }
    uint32_t *bucket = &m->buckets[k->hash & m->bucket_mask];
    s.id = m->next_id++;
    s.chain = *bucket;
    *bucket = number;
    m->items[number] = s;
    return number;
}

static uint32_t find(const struct hop_metrics *m, const struct series_key *k)
{
    uint32_t number = m->buckets[k->hash & m->bucket_mask];
    while (number && (m->items[number].hash != k->hash || !is_series(&m->items[number], k)))
        number = m->items[number].chain;
    return number;
}

/* Neighbours are mostly of one series, which need not be looked for again. */
static struct series *series_get(struct hop_metrics *m, struct series_key *k, uint64_t now_ns)
{
    if (!is_series(&m->items[m->latest], k)) {
        key_finish(k);
        m->latest = find(m, k);
        if (!m->latest)
            m->latest = add(m, k, now_ns);
        if (!m->latest)
            counter_add(m->overflow, 1);
    }
    struct series *s = &m->items[m->latest];
    s->last_ns = now_ns;
    return s;
}

/* ---- counting ---- */

/* A hop's moment need not be exact, and the exact clock would be the dearest part of counting it.
 */
static uint64_t about_now_ns(void)
{
    return clock_ns(CLOCK_REALTIME_COARSE);
}

static void record_latency(struct series *s, const struct hop *hop, uint64_t now_ns)
{
    double seconds = 0;
    if (hop->consumer_start_ns >= hop->producer_end_ns)
        seconds = (double)(hop->consumer_start_ns - hop->producer_end_ns) / 1e9;
    else
        s->negative++;
    unsigned bucket = 0;
    while (bucket < BOUNDS && seconds > bounds[bucket])
        bucket++;
    s->buckets[bucket]++;
    s->count++;
    s->sum += seconds;
    s->exemplar = (struct metric_exemplar){.time_ns = now_ns, .value = seconds};
    memcpy(s->exemplar.trace_id, hop->consumer_trace, sizeof s->exemplar.trace_id);
    memcpy(s->exemplar.span_id, hop->consumer_span, sizeof s->exemplar.span_id);
}

void hop_metrics_hop(struct hop_metrics *m, const struct hop *hop)
{
    struct series_key k = {
        .labels = {hop->topic, hop->group, hop->producer_service, hop->consumer_service},
        .kind = SERIES_HOP};
    uint64_t now_ns = about_now_ns();
    pthread_mutex_lock(&m->lock);
    struct series *s = series_get(m, &k, now_ns);
    s->hops[hop->matched_by]++;
    s->redelivered += hop->attempt > 1;
    if (!hop->receives && hop->matched_by != HOP_BY_ORIGINAL)
        record_latency(s, hop, now_ns);
    pthread_mutex_unlock(&m->lock);
}

void hop_metrics_unmatched(struct hop_metrics *m, const struct party *party, bool producer)
{
    struct series_key k = {.kind = producer ? SERIES_PRODUCER : SERIES_CONSUMER};
    k.labels[LABEL_TOPIC] = party_string(party, PARTY_TOPIC);
    if (!producer)
        k.labels[LABEL_GROUP] = party_string(party, PARTY_GROUP);
    k.labels[producer ? LABEL_PRODUCER : LABEL_CONSUMER] = party_string(party, PARTY_SERVICE);
    pthread_mutex_lock(&m->lock);
    series_get(m, &k, about_now_ns())->unmatched[producer]++;
    pthread_mutex_unlock(&m->lock);
}

/* ---- showing ---- */

enum family {
    FAMILY_LATENCY,
    FAMILY_HOPS,
    FAMILY_REDELIVERIES,
    FAMILY_NEGATIVE,
    FAMILY_PRODUCERS,
    FAMILY_CONSUMERS,
    FAMILIES,
};

static const struct metric_family families[FAMILIES] = {
    [FAMILY_LATENCY] = {"traces.kafka.hop.latency", "s",
                        "From the end of the producer's span to the start of the consumer's.",
                        METRIC_HISTOGRAM},
    [FAMILY_HOPS] = {"traces.kafka.hops", "", "Records that were taken, by how it was found.",
                     METRIC_SUM},
    [FAMILY_REDELIVERIES] = {"traces.kafka.hop.redeliveries", "",
                             "Records that the same group had taken before.", METRIC_SUM},
    [FAMILY_NEGATIVE] = {"traces.kafka.hop.negative_latencies", "",
                         "Hops whose consumer began before its producer ended; they count as 0 s.",
                         METRIC_SUM},
    [FAMILY_PRODUCERS] = {"traces.kafka.hop.unmatched_producers", "",
                          "Records that nobody was seen to take in time.", METRIC_SUM},
    [FAMILY_CONSUMERS] = {"traces.kafka.hop.unmatched_consumers", "",
                          "Records that were taken, and nobody was seen to write them.",
                          METRIC_SUM},
};

static const char *const label_names[LABEL_STRINGS] = {"topic", "consumer_group",
                                                       "producer_service", "consumer_service"};

static void put_label(struct metric_label *labels, struct metric_point *p, const char *name,
                      struct bytes text)
{
    labels[p->label_count++] =
        (struct metric_label){bytes_of_string(name), {.type = VALUE_STRING, .bytes = text}};
}

static void put_labels(const struct series *s, struct metric_label *labels, struct metric_point *p)
{
    p->labels = labels;
    p->label_count = 0;
    if (s->kind == SERIES_OVERFLOW) {
        labels[p->label_count++] = (struct metric_label){bytes_of_string("otel.metric.overflow"),
                                                         {.type = VALUE_BOOL, .boolean = true}};
        return;
    }
    for (unsigned i = 0; i < LABEL_STRINGS; i++) {
        bool absent = (s->kind == SERIES_PRODUCER && (i == LABEL_CONSUMER || i == LABEL_GROUP)) ||
                      (s->kind == SERIES_CONSUMER && i == LABEL_PRODUCER);
        if (!absent)
            put_label(labels, p, label_names[i], s->labels[i]);
    }
}

static bool show_hops(const struct series *s, struct metric_label *labels, struct metric_point *p,
                      struct metric_visitor *v)
{
    bool go_on = true;
    size_t label_count = p->label_count;
    for (unsigned i = 0; i < HOP_MATCHES && go_on; i++) {
        if (s->hops[i] == 0)
            continue;
        p->series = s->id * HOP_MATCHES + i;
        p->label_count = label_count;
        put_label(labels, p, "matched_by", bytes_of_string(hop_match_name((enum hop_match)i)));
        p->value = (double)s->hops[i];
        go_on = v->point(v, p);
    }
    return go_on;
}

/* Of the kind's series, and of the overflow series when it has any. */
static bool show_count(const struct series *s, enum series_kind kind, uint64_t count,
                       struct metric_point *p, struct metric_visitor *v)
{
    if (s->kind != kind && (s->kind != SERIES_OVERFLOW || count == 0))
        return true;
    p->value = (double)count;
    return v->point(v, p);
}

static bool show(const struct series *s, enum family family, uint64_t now_ns,
                 struct metric_visitor *v)
{
    struct metric_label labels[LABEL_STRINGS + 1];
    struct metric_point p = {
        .series = s->id * HOP_MATCHES, .start_ns = s->start_ns, .time_ns = now_ns};
    put_labels(s, labels, &p);
    switch (family) {
    case FAMILY_LATENCY:
        if (s->count == 0)
            return true;
        p.count = s->count;
        p.sum = s->sum;
        p.bounds = bounds;
        p.bound_count = BOUNDS;
        p.buckets = s->buckets;
        p.exemplars = &s->exemplar;
        p.exemplar_count = 1;
        return v->point(v, &p);
    case FAMILY_HOPS:
        return show_hops(s, labels, &p, v);
    case FAMILY_REDELIVERIES:
        return show_count(s, SERIES_HOP, s->redelivered, &p, v);
    case FAMILY_NEGATIVE:
        return show_count(s, SERIES_HOP, s->negative, &p, v);
    case FAMILY_PRODUCERS:
        return show_count(s, SERIES_PRODUCER, s->unmatched[true], &p, v);
    case FAMILY_CONSUMERS:
        return show_count(s, SERIES_CONSUMER, s->unmatched[false], &p, v);
    default:
        return true;
    }
}

/* A copy of the next few series, so that nobody waits while they are shown. */
struct copies {
    struct series items[COPIED_AT_ONCE];
    unsigned count;
    bool incomplete; /* for want of memory */
};

static bool copy_series(struct copies *to, const struct series *s)
{
    struct series *copy = &to->items[to->count];
    *copy = *s;
    if (!copy_labels(copy->labels, &copy->memory))
        return false;
    to->count++;
    return true;
}

static uint32_t copy_some(struct hop_metrics *m, uint32_t from, struct copies *to)
{
    to->count = 0;
    pthread_mutex_lock(&m->lock);
    while (from < m->count && to->count < COPIED_AT_ONCE && copy_series(to, &m->items[from]))
        from++;
    to->incomplete = from < m->count && to->count < COPIED_AT_ONCE;
    pthread_mutex_unlock(&m->lock);
    return from;
}

static void collect(struct metric_source *source, size_t family, struct metric_visitor *v)
{
    struct hop_metrics *m = (struct hop_metrics *)source;
    uint64_t now_ns = realtime_ns();
    struct copies *some = malloc(sizeof *some);
    bool go_on = some != NULL;
    v->incomplete = v->incomplete || !some;
    for (uint32_t at = 0; go_on;) {
        at = copy_some(m, at, some);
        v->incomplete = v->incomplete || some->incomplete;
        go_on = some->count > 0;
        for (unsigned i = 0; i < some->count; i++) {
            go_on = go_on && show(&some->items[i], (enum family)family, now_ns, v);
            free(some->items[i].memory);
        }
    }
    free(some);
}

/* ---- its life ---- */

static uint32_t power_of_two(uint32_t n)
{
    uint32_t p = 16;
    while (p < n)
        p *= 2;
    return p;
}

struct hop_metrics *hop_metrics_create(uint32_t limit, struct counter *overflow)
{
    enum { FIRST_CAPACITY = 16 };
    struct hop_metrics *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    pthread_mutex_init(&m->lock, NULL);
    m->limit = limit;
    m->overflow = overflow;
    m->source = (struct metric_source){.families = families,
                                       .family_count = FAMILIES,
                                       .scope = "kafka_hops",
                                       .flush_interval_ns = FLUSH_INTERVAL,
                                       .collect = collect};
    m->bucket_mask = power_of_two(limit) - 1;
    m->buckets = calloc(m->bucket_mask + 1, sizeof *m->buckets);
    m->items = calloc(FIRST_CAPACITY, sizeof *m->items);
    if (!m->buckets || !m->items) {
        hop_metrics_destroy(m);
        return NULL;
    }
    m->capacity = FIRST_CAPACITY;
    m->count = 1;
    m->next_id = 1;
    m->items[0] = (struct series){.kind = SERIES_OVERFLOW, .start_ns = realtime_ns()};
    return m;
}

void hop_metrics_destroy(struct hop_metrics *m)
{
    if (!m)
        return;
    for (uint32_t i = 0; m->items && i < m->count; i++)
        free(m->items[i].memory);
    free(m->items);
    free(m->buckets);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

struct metric_source *hop_metrics_source(struct hop_metrics *m)
{
    return &m->source;
}
