/* The step thread walks all series, compares each with what it was a step before, and adds up what
 * they have grown by, per entry. What has not grown is not written: a record is its entry's number
 * and a few short integers, some 20 bytes.
 *
 * Exponential histograms are kept in the explicit buckets that the connectors have by default: a
 * bucket goes where its middle lies.
 *
 * Locks: `lock` guards entries and steps; readers hold it while they visit, so only the step thread
 * waits for them. The series' lock is taken a chunk at a time (series_walk.h), never with it. */
#include "metrics/history_keeper.h"

#include "component/clock.h"
#include "component/hash_seed.h"
#include "component/log.h"
#include "metrics/explicit.h"
#include "metrics/series_walk.h"
#include "proto/buffer.h"
#include "proto/message_writer.h"
#include "proto/wire.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { FIRST_ENTRIES = 256, FIRST_BEFORE = 1024, NO_ENTRY = 0 };

/* A service's operation, while some step has a record of it. */
struct entry {
    uint64_t hash;
    uint32_t records; /* of it in all steps; 0: free */
    uint32_t next;    /* in its bucket, or the next free one */
    uint32_t service_len;
    uint32_t operation_len;
    uint8_t kind;
    uint8_t *text; /* service, then operation */
};

struct step {
    uint64_t begin_ns;
    uint64_t end_ns;
    uint8_t *data;
    size_t len;
};

/* A series as it was a step ago: count, then buckets. */
struct before {
    uint64_t series; /* 0: free */
    uint32_t generation;
    uint64_t *values;
};

struct history {
    struct history_settings settings;
    struct history_source source;
    double *bounds; /* in seconds */
    uint32_t bound_count;
    size_t steps_limit;

    pthread_t thread;
    bool running;
    pthread_mutex_t stop_lock; /* guards stopping */
    pthread_cond_t stop_signal;
    bool stopping;

    /* the step thread's alone */
    struct before *before;
    size_t before_mask;
    size_t before_count;
    uint32_t generation;
    uint64_t last_ns;

    pthread_mutex_t lock;  /* guards all below */
    struct entry *entries; /* from 1 */
    uint32_t entry_end;
    uint32_t entry_capacity;
    uint32_t entry_free;
    uint32_t *buckets;  /* of entries, by hash; as many as entry_capacity */
    struct step *steps; /* a ring */
    size_t steps_first;
    size_t steps_count;
    size_t bytes;
    uint64_t *scratch; /* buckets of a record that is read */
};

/* ---- entries ---- */

static uint64_t hash_identity(const struct history_identity *id)
{
    uint64_t h = XXH3_64bits_withSeed(id->service.data, id->service.len, hash_seed() + id->kind);
    return XXH3_64bits_withSeed(id->operation.data, id->operation.len, h);
}

static bool is_entry(const struct entry *e, const struct history_identity *id, uint64_t hash)
{
    return e->hash == hash && e->kind == id->kind &&
           bytes_equal(bytes_of(e->text, e->service_len), id->service) &&
           bytes_equal(bytes_of(e->text + e->service_len, e->operation_len), id->operation);
}

static bool grow_entries(struct history *h)
{
    uint32_t capacity = h->entry_capacity ? h->entry_capacity * 2 : FIRST_ENTRIES;
    struct entry *entries = realloc(h->entries, capacity * sizeof *entries);
    if (!entries)
        return false;
    h->entries = entries;
    uint32_t *buckets = calloc(capacity, sizeof *buckets);
    if (!buckets)
        return false;
    free(h->buckets);
    h->buckets = buckets;
    h->entry_capacity = capacity;
    for (uint32_t i = 1; i < h->entry_end; i++) {
        uint32_t *bucket = &buckets[entries[i].hash & (capacity - 1)];
        if (!entries[i].text)
            continue;
        entries[i].next = *bucket;
        *bucket = i;
    }
    return true;
}

/* The entry's number; NO_ENTRY: out of memory. */
static uint32_t add_entry(struct history *h, const struct history_identity *id, uint64_t hash)
{
    if (!h->entry_free && h->entry_end >= h->entry_capacity && !grow_entries(h))
        return NO_ENTRY;
    uint8_t *text = malloc(id->service.len + id->operation.len + 1);
    if (!text)
        return NO_ENTRY;
    uint32_t number = h->entry_free ? h->entry_free : h->entry_end;
    if (h->entry_free)
        h->entry_free = h->entries[number].next;
    else
        h->entry_end++;
    if (id->service.len > 0)
        memcpy(text, id->service.data, id->service.len);
    if (id->operation.len > 0)
        memcpy(text + id->service.len, id->operation.data, id->operation.len);
    uint32_t *bucket = &h->buckets[hash & (h->entry_capacity - 1)];
    h->entries[number] = (struct entry){.hash = hash,
                                        .next = *bucket,
                                        .service_len = (uint32_t)id->service.len,
                                        .operation_len = (uint32_t)id->operation.len,
                                        .kind = id->kind,
                                        .text = text};
    *bucket = number;
    h->bytes += sizeof(struct entry) + id->service.len + id->operation.len;
    return number;
}

static uint32_t get_entry(struct history *h, const struct history_identity *id)
{
    uint64_t hash = hash_identity(id);
    uint32_t number = h->entry_capacity ? h->buckets[hash & (h->entry_capacity - 1)] : NO_ENTRY;
    while (number != NO_ENTRY && !is_entry(&h->entries[number], id, hash))
        number = h->entries[number].next;
    return number != NO_ENTRY ? number : add_entry(h, id, hash);
}

static void free_entry(struct history *h, uint32_t number)
{
    struct entry *e = &h->entries[number];
    uint32_t *at = &h->buckets[e->hash & (h->entry_capacity - 1)];
    while (*at != number)
        at = &h->entries[*at].next;
    *at = e->next;
    h->bytes -= sizeof *e + e->service_len + e->operation_len;
    free(e->text);
    *e = (struct entry){.next = h->entry_free};
    h->entry_free = number;
}

static void drop_record(struct history *h, uint32_t number)
{
    if (--h->entries[number].records == 0)
        free_entry(h, number);
}

/* ---- what was before ---- */

static size_t value_count(const struct history *h)
{
    return 1 + h->bound_count + 1;
}

static struct before *find_before(struct before *table, size_t mask, uint64_t series)
{
    size_t i = series * 0x9e3779b97f4a7c15U >> 32 & mask;
    while (table[i].series && table[i].series != series)
        i = (i + 1) & mask;
    return &table[i];
}

/* Makes room, and leaves behind what was not seen in the step before this. */
static bool renew_before(struct history *h)
{
    size_t size = FIRST_BEFORE;
    while (size < h->before_count * 2 + 1)
        size *= 2;
    struct before *table = calloc(size, sizeof *table);
    if (!table)
        return false;
    size_t kept = 0;
    for (size_t i = 0; h->before && i <= h->before_mask; i++) {
        struct before *b = &h->before[i];
        if (b->series && h->generation - b->generation > 1) {
            free(b->values);
        } else if (b->series) {
            *find_before(table, size - 1, b->series) = *b;
            kept++;
        }
    }
    free(h->before);
    h->before = table;
    h->before_mask = size - 1;
    h->before_count = kept;
    return true;
}

/* What the series counted until the last step, to be overwritten; all zero for a new one. */
static struct before *get_before(struct history *h, uint64_t series)
{
    if (!h->before || h->before_count * 4 >= (h->before_mask + 1) * 3) {
        if (!renew_before(h))
            return NULL;
    }
    struct before *b = find_before(h->before, h->before_mask, series);
    if (!b->series) {
        b->values = calloc(value_count(h), sizeof(uint64_t));
        if (!b->values)
            return NULL;
        b->series = series;
        h->before_count++;
    }
    b->generation = h->generation;
    return b;
}

/* ---- a step ---- */

/* By how much an entry has grown: calls, errors, buckets. */
struct growth {
    struct history *h;
    uint64_t *sums; /* of entry i from i * (value_count + 1) */
    size_t capacity;
    uint64_t *now; /* values of the series looked at */
    bool failed;
};

static void read_values(const struct history *h, const struct series *s, uint64_t *values)
{
    const struct series_shape *shape = &h->source.store->shape;
    memset(values, 0, value_count(h) * sizeof *values);
    values[0] = s->count;
    const void *histogram = series_values(s, shape, 0);
    if (!shape->max_size) {
        memcpy(values + 1, ((const struct series_explicit *)histogram)->buckets,
               (h->bound_count + 1) * sizeof *values);
        return;
    }
    const struct exponential *x = &((const struct series_exponential *)histogram)->buckets;
    values[1] = x->zero_count;
    for (uint32_t i = 0; i < x->len; i++) {
        double middle = exp2(ldexp((double)x->offset + i + 0.5, -x->scale)) * h->source.unit;
        values[1 + explicit_bucket(h->bounds, h->bound_count, middle)] += x->counts[i];
    }
}

static uint64_t *growth_of(struct growth *g, uint32_t entry)
{
    size_t each = value_count(g->h) + 1;
    if (entry >= g->capacity) {
        size_t capacity = g->h->entry_capacity;
        uint64_t *sums = realloc(g->sums, capacity * each * sizeof *sums);
        if (!sums)
            return NULL;
        memset(sums + g->capacity * each, 0, (capacity - g->capacity) * each * sizeof *sums);
        g->sums = sums;
        g->capacity = capacity;
    }
    return g->sums + entry * each;
}

/* Coarser exponential buckets can take from one of ours and give to another: what shrank counts as
 * not grown. */
static uint64_t take_growth(uint64_t *before, uint64_t now)
{
    uint64_t grown = now > *before ? now - *before : 0;
    *before = now;
    return grown;
}

static bool compare(void *context, const struct series *s)
{
    struct growth *g = context;
    struct history *h = g->h;
    struct history_identity id;
    if (s->overflow || !h->source.identify(s, &id))
        return true;
    struct before *b = get_before(h, s->id);
    if (!b) {
        g->failed = true;
        return true;
    }
    if (b->values[0] == s->count)
        return true;
    pthread_mutex_lock(&h->lock);
    uint32_t entry = get_entry(h, &id);
    uint64_t *sums = entry != NO_ENTRY ? growth_of(g, entry) : NULL;
    if (sums) {
        read_values(h, s, g->now);
        uint64_t calls = take_growth(&b->values[0], g->now[0]);
        sums[0] += calls;
        sums[1] += id.error ? calls : 0;
        for (size_t i = 1; i < value_count(h); i++)
            sums[i + 1] += take_growth(&b->values[i], g->now[i]);
    }
    g->failed |= !sums;
    pthread_mutex_unlock(&h->lock);
    return true;
}

/* Entry, calls, errors, how many buckets have grown; and each of these with its number. */
static void put_record(const struct history *h, struct buffer *out, uint32_t entry,
                       const uint64_t *sums)
{
    uint64_t grown = 0;
    for (size_t i = 0; i <= h->bound_count; i++)
        grown += sums[2 + i] > 0;
    message_varint(out, entry);
    message_varint(out, sums[0]);
    message_varint(out, sums[1]);
    message_varint(out, grown);
    for (size_t i = 0; i <= h->bound_count; i++) {
        if (sums[2 + i] > 0) {
            message_varint(out, i);
            message_varint(out, sums[2 + i]);
        }
    }
}

/* A record as it is read back; `at` moves behind it. */
static uint32_t get_record(const struct history *h, const uint8_t **at, const uint8_t *end,
                           struct history_record *r)
{
    uint64_t *buckets = h->scratch;
    uint64_t entry = 0, grown = 0, bucket = 0, n = 0;
    memset(buckets, 0, (h->bound_count + 1) * sizeof *buckets);
    *at = wire_varint(*at, end, &entry);
    *at = wire_varint(*at, end, &r->calls);
    *at = wire_varint(*at, end, &r->errors);
    *at = wire_varint(*at, end, &grown);
    for (; grown > 0; grown--) {
        *at = wire_varint(*at, end, &bucket);
        *at = wire_varint(*at, end, &n);
        buckets[bucket] = n;
    }
    r->buckets = buckets;
    return (uint32_t)entry;
}

static void drop_oldest(struct history *h)
{
    struct step *s = &h->steps[h->steps_first];
    struct history_record r;
    const uint8_t *at = s->data;
    while (at < s->data + s->len)
        drop_record(h, get_record(h, &at, s->data + s->len, &r));
    h->bytes -= s->len + sizeof *s;
    free(s->data);
    h->steps_first = (h->steps_first + 1) % h->steps_limit;
    h->steps_count--;
}

/* Entries without a record are of a step that could not be written. */
static void free_unused(struct history *h)
{
    for (uint32_t i = 1; i < h->entry_end; i++) {
        if (h->entries[i].text && h->entries[i].records == 0)
            free_entry(h, i);
    }
}

static bool append_step(struct history *h, const struct growth *g, uint64_t begin_ns,
                        uint64_t end_ns)
{
    struct buffer out = {0};
    size_t each = value_count(h) + 1;
    for (uint32_t i = 1; i < g->capacity && i < h->entry_end; i++) {
        if (g->sums[i * each] > 0)
            put_record(h, &out, i, g->sums + i * each);
    }
    if (out.failed || out.len == 0) {
        bool ok = !out.failed;
        buffer_free(&out);
        return ok;
    }
    if (h->steps_count == h->steps_limit)
        drop_oldest(h);
    for (uint32_t i = 1; i < g->capacity && i < h->entry_end; i++)
        h->entries[i].records += g->sums[i * each] > 0;
    uint8_t *exact = realloc(out.data, out.len);
    size_t at = (h->steps_first + h->steps_count++) % h->steps_limit;
    h->steps[at] = (struct step){begin_ns, end_ns, exact ? exact : out.data, out.len};
    h->bytes += out.len + sizeof(struct step);
    return true;
}

static void drop_old(struct history *h, uint64_t now_ns)
{
    while (h->steps_count > 0 &&
           (h->bytes > h->settings.bytes ||
            h->steps[h->steps_first].end_ns + h->settings.retention_ns < now_ns))
        drop_oldest(h);
}

void history_step(struct history *h, uint64_t now_ns)
{
    struct growth g = {.h = h, .now = calloc(value_count(h), sizeof(uint64_t))};
    h->generation++;
    g.failed = !g.now || !series_walk(h->source.store, h->source.lock, monotonic_ns(), compare, &g);
    pthread_mutex_lock(&h->lock);
    uint64_t begin_ns = h->last_ns < now_ns ? h->last_ns : now_ns;
    if (g.sums)
        g.failed |= !append_step(h, &g, begin_ns, now_ns);
    free_unused(h);
    drop_old(h, now_ns);
    pthread_mutex_unlock(&h->lock);
    h->last_ns = now_ns;
    free(g.sums);
    free(g.now);
    if (g.failed)
        log_error(NULL, "no memory for all of a step of the metrics' history");
}

/* ---- reading ---- */

struct seen {
    bool seen;
    bool wanted;
    struct history_entry entry;
};

static const struct seen *see(struct history *h, struct seen *all, uint32_t number, uint32_t *next,
                              struct history_visitor *v)
{
    struct seen *s = &all[number];
    const struct entry *e = &h->entries[number];
    if (s->seen)
        return s;
    s->seen = true;
    s->entry =
        (struct history_entry){.id = (*next)++,
                               .service = bytes_of(e->text, e->service_len),
                               .operation = bytes_of(e->text + e->service_len, e->operation_len),
                               .kind = e->kind};
    s->wanted = v->wants(v, &s->entry);
    return s;
}

static void visit_step(struct history *h, const struct step *step, struct seen *all, uint32_t *next,
                       struct history_visitor *v)
{
    const uint8_t *at = step->data, *end = step->data + step->len;
    struct history_record r = {.begin_ns = step->begin_ns, .end_ns = step->end_ns};
    while (at < end) {
        uint32_t number = get_record(h, &at, end, &r);
        const struct seen *s = see(h, all, number, next, v);
        r.entry = &s->entry;
        if (s->wanted)
            v->record(v, &r);
    }
}

bool history_visit(struct history *h, uint64_t from_ns, uint64_t to_ns, struct history_visitor *v)
{
    uint32_t next = 0;
    pthread_mutex_lock(&h->lock);
    struct seen *all = calloc(h->entry_end + 1, sizeof *all);
    for (size_t i = 0; all && i < h->steps_count; i++) {
        const struct step *s = &h->steps[(h->steps_first + i) % h->steps_limit];
        if (s->end_ns > from_ns && s->end_ns <= to_ns)
            visit_step(h, s, all, &next, v);
    }
    pthread_mutex_unlock(&h->lock);
    free(all);
    return all != NULL;
}

const double *history_bounds(const struct history *h)
{
    return h->bounds;
}

size_t history_bound_count(const struct history *h)
{
    return h->bound_count;
}

uint64_t history_step_ns(const struct history *h)
{
    return h->settings.step_ns;
}

/* ---- life ---- */

static bool copy_bounds(struct history *h)
{
    const struct series_shape *shape = &h->source.store->shape;
    uint32_t count = shape->bound_count;
    const double *bounds = shape->max_size ? explicit_bounds_default(true, &count) : shape->bounds;
    h->bound_count = count;
    h->bounds = calloc(count + 1, sizeof *h->bounds);
    h->scratch = calloc(count + 1, sizeof *h->scratch);
    for (uint32_t i = 0; h->bounds && i < count; i++)
        h->bounds[i] = shape->max_size ? bounds[i] : bounds[i] * h->source.unit;
    return h->bounds && h->scratch;
}

struct history *history_create(const struct history_settings *settings,
                               const struct history_source *source)
{
    struct history *h = calloc(1, sizeof *h);
    pthread_condattr_t monotonic;
    if (!h)
        return NULL;
    h->settings = *settings;
    h->source = *source;
    h->entry_end = 1;
    h->last_ns = realtime_ns();
    h->steps_limit = settings->retention_ns / settings->step_ns + 1;
    h->steps = calloc(h->steps_limit, sizeof *h->steps);
    pthread_mutex_init(&h->lock, NULL);
    pthread_mutex_init(&h->stop_lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&h->stop_signal, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (!h->steps || !copy_bounds(h)) {
        history_destroy(h);
        return NULL;
    }
    return h;
}

/* Steps end at whole multiples of their length, so that those of several processes do together. */
static bool wait_for_end(struct history *h, uint64_t *end_ns)
{
    uint64_t now = realtime_ns();
    *end_ns = (now / h->settings.step_ns + 1) * h->settings.step_ns;
    uint64_t until = monotonic_ns() + (*end_ns - now);
    struct timespec deadline = {.tv_sec = (time_t)(until / 1000000000),
                                .tv_nsec = (long)(until % 1000000000)};
    int waited = 0;
    pthread_mutex_lock(&h->stop_lock);
    while (!h->stopping && waited == 0)
        waited = pthread_cond_timedwait(&h->stop_signal, &h->stop_lock, &deadline);
    bool stopping = h->stopping;
    pthread_mutex_unlock(&h->stop_lock);
    return !stopping;
}

static void *keep_history(void *context)
{
    struct history *h = context;
    uint64_t end_ns;
    pthread_setname_np(pthread_self(), "metrics-history");
    while (wait_for_end(h, &end_ns))
        history_step(h, end_ns);
    return NULL;
}

bool history_start(struct history *h)
{
    h->running = pthread_create(&h->thread, NULL, keep_history, h) == 0;
    return h->running;
}

void history_stop(struct history *h)
{
    if (!h->running)
        return;
    pthread_mutex_lock(&h->stop_lock);
    h->stopping = true;
    pthread_cond_signal(&h->stop_signal);
    pthread_mutex_unlock(&h->stop_lock);
    pthread_join(h->thread, NULL);
    h->running = false;
}

void history_destroy(struct history *h)
{
    while (h->steps_count > 0)
        drop_oldest(h);
    for (size_t i = 0; h->before && i <= h->before_mask; i++)
        free(h->before[i].values);
    free(h->before);
    free(h->entries);
    free(h->buckets);
    free(h->steps);
    free(h->bounds);
    free(h->scratch);
    pthread_cond_destroy(&h->stop_signal);
    pthread_mutex_destroy(&h->stop_lock);
    pthread_mutex_destroy(&h->lock);
    free(h);
}
