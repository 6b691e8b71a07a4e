#include "metrics/series_private.h"

#include "metrics/explicit.h"
#include "proto/prefetch.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
    TABLE_FIRST = 1024,
    MOVE_STEP = 8,   /* entries of the old table that a look-up moves */
    SWEEP_FULL = 256 /* slots that are looked through for what is gone when the store is full */
};

static struct series *const tombstone = (struct series *)1;

/* ---- the lock ---- */

void series_lock_init(struct series_lock *l)
{
    *l = (struct series_lock){.held = false};
    pthread_mutex_init(&l->mutex, NULL);
    pthread_cond_init(&l->lanes.turn, NULL);
    pthread_cond_init(&l->others.turn, NULL);
}

void series_lock_destroy(struct series_lock *l)
{
    pthread_cond_destroy(&l->others.turn);
    pthread_cond_destroy(&l->lanes.turn);
    pthread_mutex_destroy(&l->mutex);
}

static void take_turn(struct series_lock *l, bool lane)
{
    struct series_queue *own = lane ? &l->lanes : &l->others;
    const struct series_queue *opposite = lane ? &l->others : &l->lanes;
    pthread_mutex_lock(&l->mutex);
    own->waiting++;
    while (l->held || (opposite->waiting > 0 && l->after_lane == lane))
        pthread_cond_wait(&own->turn, &l->mutex);
    own->waiting--;
    l->held = true;
    l->after_lane = lane;
    pthread_mutex_unlock(&l->mutex);
}

void series_lock_lane(struct series_lock *l)
{
    take_turn(l, true);
}

void series_lock_other(struct series_lock *l)
{
    take_turn(l, false);
}

void series_unlock(struct series_lock *l)
{
    pthread_mutex_lock(&l->mutex);
    struct series_queue *opposite = l->after_lane ? &l->others : &l->lanes;
    struct series_queue *next = opposite->waiting > 0 ? opposite
                                : l->after_lane       ? &l->lanes
                                                      : &l->others;
    l->held = false;
    if (next->waiting > 0)
        pthread_cond_signal(&next->turn);
    pthread_mutex_unlock(&l->mutex);
}

/* ---- the table ---- */

static bool table_init(struct series_table *t, size_t entries)
{
    *t = (struct series_table){.entries = calloc(entries, sizeof *t->entries), .mask = entries - 1};
    return t->entries != NULL;
}

static bool is_series(const struct series *s)
{
    return s && s != tombstone;
}

static void table_put(struct series_table *t, uint64_t hash, struct series *s)
{
    size_t i = hash & t->mask;
    while (is_series(t->entries[i].series))
        i = (i + 1) & t->mask;
    t->entries[i] = (struct series_entry){.hash = hash, .series = s};
}

static bool matches(const struct series *s, const struct series_group *g,
                    const struct series_key *k)
{
    return s->group == g && s->head == k->head && s->name_len == k->name.len &&
           s->rest_len == k->rest.len && !s->overflow && bytes_equal(series_name(s), k->name) &&
           bytes_equal(series_rest(s), k->rest);
}

static struct series *table_find(const struct series_table *t, const struct series_group *g,
                                 const struct series_key *k, uint64_t hash)
{
    for (size_t i = hash & t->mask; t->entries[i].series; i = (i + 1) & t->mask) {
        struct series *s = t->entries[i].series;
        if (t->entries[i].hash == hash && s != tombstone && matches(s, g, k))
            return s;
    }
    return NULL;
}

/* Closes the gap: what stands behind it and hashed to or before it moves up. */
static void table_remove(struct series_table *t, const struct series *s)
{
    size_t i = s->hash & t->mask;
    while (t->entries[i].series != s) {
        if (!t->entries[i].series)
            return;
        i = (i + 1) & t->mask;
    }
    for (size_t j = i;;) {
        j = (j + 1) & t->mask;
        if (!t->entries[j].series)
            break;
        size_t home = t->entries[j].hash & t->mask;
        if (((j - home) & t->mask) >= ((j - i) & t->mask)) {
            t->entries[i] = t->entries[j];
            i = j;
        }
    }
    t->entries[i].series = NULL;
}

/* In the old table nothing moves, as the move goes through it in order. */
static void table_bury(struct series_table *t, const struct series *s)
{
    for (size_t i = s->hash & t->mask; t->entries[i].series; i = (i + 1) & t->mask) {
        if (t->entries[i].series == s) {
            t->entries[i].series = tombstone;
            return;
        }
    }
}

static void move_some(struct series_store *st)
{
    for (unsigned n = 0; n < MOVE_STEP && st->moved <= st->old.mask; n++, st->moved++) {
        struct series_entry *e = &st->old.entries[st->moved];
        if (is_series(e->series)) {
            table_put(&st->table, e->hash, e->series);
            e->series = tombstone;
        }
    }
    if (st->moved > st->old.mask) {
        free(st->old.entries);
        st->old = (struct series_table){0};
    }
}

/* Makes the table twice as large once it is three quarters full. Growth that finds no memory is
 * tried again with the next series; a table may fill up to fifteen sixteenths. */
static bool table_has_room(struct series_store *st)
{
    size_t size = st->table.mask + 1;
    if (st->count < size / 4 * 3)
        return true;
    struct series_table larger;
    if (st->old.entries || !table_init(&larger, size * 2))
        return st->count < size / 16 * 15;
    st->old = st->table;
    st->table = larger;
    st->moved = 0;
    return true;
}

uint64_t series_hash(const struct series_group *g, const struct series_key *k)
{
    uint64_t seed = g->seed ^ k->head * 0x9e3779b97f4a7c15U;
    if (k->rest.len > 0)
        seed = XXH3_64bits_withSeed(k->rest.data, k->rest.len, seed);
    return XXH3_64bits_withSeed(k->name.data, k->name.len, seed);
}

void series_prefetch(const struct series_store *st, uint64_t hash)
{
    prefetch(&st->table.entries[hash & st->table.mask]);
}

void series_prefetch_values(const struct series_store *st, uint64_t hash)
{
    const struct series_table *t = &st->table;
    for (size_t i = hash & t->mask; t->entries[i].series; i = (i + 1) & t->mask) {
        if (t->entries[i].hash == hash) {
            const uint8_t *s = (const uint8_t *)t->entries[i].series;
            prefetch_to_write(s);
            prefetch_to_write(s + 64);
            prefetch_to_write(s + 128);
            prefetch_to_write(s + 192);
            return;
        }
    }
}

/* ---- slots ---- */

static bool add_page(struct series_store *st)
{
    struct series ***pages = realloc(st->pages, (st->page_count + 1) * sizeof *pages);
    if (!pages)
        return false;
    st->pages = pages;
    pages[st->page_count] = malloc(SERIES_PAGE_SLOTS * sizeof **pages);
    if (!pages[st->page_count])
        return false;
    st->page_count++;
    return true;
}

static bool take_slot(struct series_store *st, struct series *s)
{
    if (st->free_slot) {
        s->slot = st->free_slot - 1;
        st->free_slot = series_next_free(*series_slot(st, s->slot));
    } else {
        if (st->slot_end == st->page_count * SERIES_PAGE_SLOTS && !add_page(st))
            return false;
        s->slot = st->slot_end++;
    }
    *series_slot(st, s->slot) = s;
    return true;
}

static void give_slot(struct series_store *st, uint32_t slot)
{
    *series_slot(st, slot) = series_free_slot(st->free_slot);
    st->free_slot = slot + 1;
}

/* ---- making and freeing ---- */

bool series_store_init(struct series_store *st, unsigned number, const struct series_shape *shape,
                       const struct series_limits *limits)
{
    *st = (struct series_store){.number = number, .shape = *shape, .limits = *limits, .next_id = 1};
    return table_init(&st->table, TABLE_FIRST);
}

static size_t round_up(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

static size_t series_bytes(const struct series_store *st, const struct series *s)
{
    return s->values + st->shape.histograms * series_histogram_bytes(&st->shape);
}

static void free_series(struct series_store *st, struct series *s)
{
    for (unsigned i = 0; st->shape.max_size && i < st->shape.histograms; i++)
        exponential_free(&((struct series_exponential *)series_values(s, &st->shape, i))->buckets);
    free(s->exemplars);
    free(s);
}

static struct series *make_series(struct series_store *st, struct series_group *g,
                                  const struct series_key *k, uint64_t hash, struct moment now)
{
    size_t key = k->name.len + k->rest.len + k->types.len;
    size_t values = round_up(offsetof(struct series, key) + key);
    size_t size = values + st->shape.histograms * series_histogram_bytes(&st->shape);
    if (size > UINT32_MAX)
        return NULL;
    struct series *s = calloc(1, size);
    if (!s)
        return NULL;
    s->hash = hash;
    s->head = k->head;
    s->group = g;
    s->name_len = (uint32_t)k->name.len;
    s->rest_len = (uint32_t)k->rest.len;
    s->types_len = (uint32_t)k->types.len;
    s->values = (uint32_t)values;
    s->start_ns = now.wall_ns;
    s->last_ns = now.steady_ns;
    uint8_t *at = s->key;
    if (k->name.len > 0)
        memcpy(at, k->name.data, k->name.len);
    if (k->rest.len > 0)
        memcpy(at + k->name.len, k->rest.data, k->rest.len);
    if (k->types.len > 0)
        memcpy(at + k->name.len + k->rest.len, k->types.data, k->types.len);
    for (unsigned i = 0; st->shape.max_size && i < st->shape.histograms; i++) {
        struct series_exponential *x = series_values(s, &st->shape, i);
        if (!exponential_init(&x->buckets)) {
            free_series(st, s);
            return NULL;
        }
    }
    return s;
}

static struct series *add_series(struct series_store *st, struct series_group *g,
                                 const struct series_key *k, uint64_t hash, struct moment now)
{
    struct series *s = make_series(st, g, k, hash, now);
    if (!s)
        return NULL;
    if (!take_slot(st, s)) {
        free_series(st, s);
        return NULL;
    }
    s->id = st->next_id++;
    st->count++;
    st->bytes += series_bytes(st, s);
    g->references++;
    g->in[st->number].count++;
    return s;
}

static void remove_series(struct series_store *st, struct series *s)
{
    struct series_group *g = s->group;
    if (s->overflow) {
        g->in[st->number].overflow = NULL;
    } else {
        table_remove(&st->table, s);
        if (st->old.entries)
            table_bury(&st->old, s);
    }
    give_slot(st, s->slot);
    st->count--;
    st->bytes -= series_bytes(st, s);
    g->in[st->number].count--;
    free_series(st, s);
    series_group_drop(g);
}

static struct series *overflow_series(struct series_store *st, struct series_group *g,
                                      struct moment now)
{
    struct series **overflow = &g->in[st->number].overflow;
    if (!*overflow) {
        struct series_key none = {.head = 0};
        *overflow = add_series(st, g, &none, 0, now);
        if (*overflow)
            (*overflow)->overflow = true;
    }
    return *overflow;
}

static bool is_full(const struct series_store *st, const struct series_group *g,
                    const struct series_key *k)
{
    uint64_t limit = (uint64_t)st->limits.store * SERIES_BYTES_EACH;
    return (st->limits.group && g->in[st->number].count >= st->limits.group) ||
           st->count >= st->limits.store ||
           st->bytes + k->name.len + k->rest.len + SERIES_BYTES_EACH / 2 > limit;
}

struct series *series_get(struct series_store *st, struct series_group *g,
                          const struct series_key *k, uint64_t hash, struct moment now)
{
    struct series *s = table_find(&st->table, g, k, hash);
    if (st->old.entries) {
        if (!s)
            s = table_find(&st->old, g, k, hash);
        move_some(st);
    }
    if (s && series_is_gone(st, s, now.steady_ns)) {
        remove_series(st, s);
        s = NULL;
    }
    if (s)
        return s;
    if (is_full(st, g, k)) {
        series_sweep(st, now.steady_ns, SWEEP_FULL);
        if (is_full(st, g, k)) {
            st->overflowed++;
            return overflow_series(st, g, now);
        }
    }
    if (!table_has_room(st))
        return NULL;
    s = add_series(st, g, k, hash, now);
    if (s)
        table_put(&st->table, hash, s);
    return s;
}

/* ---- counting ---- */

uint64_t series_count(struct series *s, uint64_t n)
{
    uint64_t room = UINT64_MAX - s->count;
    n = n < room ? n : room;
    s->count += n;
    return n;
}

void series_record(const struct series_store *st, struct series *s, unsigned histogram,
                   double value, uint64_t n)
{
    void *values = series_values(s, &st->shape, histogram);
    if (st->shape.max_size) {
        struct series_exponential *x = values;
        x->sum += value * (double)n;
        exponential_add(&x->buckets, st->shape.max_size, value, n);
    } else {
        struct series_explicit *x = values;
        x->sum += value * (double)n;
        x->buckets[explicit_bucket(st->shape.bounds, st->shape.bound_count, value)] += n;
    }
}

static bool same_bucket(const struct series_shape *shape, double a, double b)
{
    if (shape->max_size)
        return a > 0 && b > 0 && exponential_index(a, 0) == exponential_index(b, 0);
    return explicit_bucket(shape->bounds, shape->bound_count, a) ==
           explicit_bucket(shape->bounds, shape->bound_count, b);
}

void series_example(const struct series_store *st, struct series *s,
                    const struct metric_exemplar *e)
{
    const struct series_shape *shape = &st->shape;
    if (!s->exemplars)
        s->exemplars =
            calloc(1, sizeof *s->exemplars + shape->exemplars * sizeof s->exemplars->items[0]);
    struct series_exemplars *x = s->exemplars;
    if (!x)
        return;
    uint32_t to = 0;
    bool found = false;
    for (uint32_t i = 0; i < x->count && !found; i++) {
        found = shape->histograms > 0 && same_bucket(shape, x->items[i].value, e->value);
        if (found || x->items[i].time_ns < x->items[to].time_ns)
            to = i;
    }
    if (!found && x->count < shape->exemplars)
        to = x->count++;
    x->items[to] = *e;
}

/* ---- what goes ---- */

bool series_is_gone(const struct series_store *st, const struct series *s, uint64_t now_ns)
{
    const struct series_limits *l = &st->limits;
    return s->group->dead || (l->idle_ns && now_ns >= s->last_ns + l->idle_ns) ||
           (l->group_idle_ns && now_ns >= s->group->last_ns + l->group_idle_ns);
}

void series_sweep(struct series_store *st, uint64_t now_ns, uint32_t slots)
{
    for (; slots > 0 && st->slot_end > 0; slots--) {
        if (st->swept >= st->slot_end)
            st->swept = 0;
        struct series *s = series_in_slot(st, st->swept++);
        if (s && series_is_gone(st, s, now_ns))
            remove_series(st, s);
    }
}

static void series_clear(struct series_store *st)
{
    for (uint32_t i = 0; st->pages && i < st->slot_end; i++) {
        struct series *s = series_in_slot(st, i);
        if (s)
            remove_series(st, s);
    }
}

void series_store_free(struct series_store *st)
{
    series_clear(st);
    for (uint32_t i = 0; st->pages && i < st->page_count; i++)
        free(st->pages[i]);
    free(st->pages);
    free(st->table.entries);
    free(st->old.entries);
}
