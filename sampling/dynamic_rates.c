/* Keys in an array, found through a table of indices that is written anew at each update. */
#include "sampling/dynamic_rates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct key {
    uint64_t hash;
    double current; /* events since the last update */
    double average; /* ema; windowed: events in the window */
    double *window; /* by tick */
    uint64_t rate;  /* 0: none yet */
};

struct dynamic_rates {
    struct dynamic_goal goal;
    struct key *keys;
    uint32_t count;
    uint32_t *table; /* index + 1; 0: empty */
    uint32_t mask;
    double *windows; /* of all places in `keys` */
    uint32_t ticks;
    uint32_t tick;

    bool started;
    bool have_rates;
    uint64_t next_update_ns;
    int64_t intervals;
    double burst;     /* events since the last update */
    double burst_max; /* this many are one */
};

struct dynamic_rates *dynamic_rates_create(const struct dynamic_goal *goal)
{
    struct dynamic_rates *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    uint32_t slots = 16;
    while (slots < 2 * goal->max_keys)
        slots *= 2;
    r->goal = *goal;
    r->mask = slots - 1;
    if (goal->windowed)
        r->ticks = (uint32_t)((goal->lookback_ns + goal->interval_ns - 1) / goal->interval_ns);
    r->keys = calloc((size_t)goal->max_keys, sizeof *r->keys);
    r->table = calloc(slots, sizeof *r->table);
    r->windows = calloc((size_t)goal->max_keys * (r->ticks + 1), sizeof *r->windows);
    if (r->keys && r->table && r->windows)
        return r;
    dynamic_rates_destroy(r);
    return NULL;
}

void dynamic_rates_destroy(struct dynamic_rates *r)
{
    if (!r)
        return;
    free(r->keys);
    free(r->table);
    free(r->windows);
    free(r);
}

/* ---- keys ---- */

static uint32_t *find_slot(struct dynamic_rates *r, uint64_t hash)
{
    uint32_t i = (uint32_t)(hash >> 32 ^ hash) & r->mask;
    while (r->table[i] && r->keys[r->table[i] - 1].hash != hash)
        i = (i + 1) & r->mask;
    return &r->table[i];
}

/* The key, new if need be; NULL when there are as many as there may be. */
static struct key *find_key(struct dynamic_rates *r, uint64_t hash)
{
    uint32_t *slot = find_slot(r, hash);
    if (*slot)
        return &r->keys[*slot - 1];
    if (r->count == r->goal.max_keys)
        return NULL;
    struct key *k = &r->keys[r->count];
    *k = (struct key){.hash = hash};
    if (r->goal.windowed) {
        k->window = r->windows + (size_t)r->count * r->ticks;
        memset(k->window, 0, r->ticks * sizeof *k->window);
    }
    *slot = ++r->count;
    return k;
}

static int by_average(const void *x, const void *y)
{
    const struct key *a = x, *b = y;
    if (a->average != b->average)
        return a->average < b->average ? -1 : 1;
    return a->hash < b->hash ? -1 : a->hash > b->hash;
}

/* Forgets those whose average is below `least`, and writes the table anew. */
static void keep_keys(struct dynamic_rates *r, double least)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < r->count; i++) {
        struct key *k = &r->keys[i];
        if (k->average < least)
            continue;
        if (r->goal.windowed && kept != i) {
            double *to = r->windows + (size_t)kept * r->ticks;
            memcpy(to, k->window, r->ticks * sizeof *to);
            k->window = to;
        }
        r->keys[kept++] = *k;
    }
    r->count = kept;
    if (!r->goal.windowed)
        qsort(r->keys, r->count, sizeof *r->keys, by_average);
    memset(r->table, 0, ((size_t)r->mask + 1) * sizeof *r->table);
    for (uint32_t i = 0; i < r->count; i++)
        *find_slot(r, r->keys[i].hash) = i + 1;
}

/* ---- moving averages ---- */

static double at_least_one(double x)
{
    return x < 1 ? 1 : x;
}

/* Keys lie by ascending average. */
static void share_out(struct dynamic_rates *r, double budget, double logarithms)
{
    double ratio = logarithms > 0 ? budget / logarithms : 0;
    double unused = 0;
    for (uint32_t i = 0; i < r->count; i++) {
        struct key *k = &r->keys[i];
        double count = at_least_one(k->average);
        double extra = unused / (r->count - i);
        double share = at_least_one(log10(count) * ratio) + extra;
        unused -= extra;
        k->rate = count <= share ? 1 : (uint64_t)ceil(count / share);
        unused += share - count / (double)k->rate;
    }
}

static void update_averages(struct dynamic_rates *r)
{
    double events = 0, logarithms = 0;
    for (uint32_t i = 0; i < r->count; i++) {
        struct key *k = &r->keys[i];
        k->average = k->average * (1 - r->goal.weight) + k->current * r->goal.weight;
        k->current = 0;
    }
    keep_keys(r, r->goal.age_out);
    for (uint32_t i = 0; i < r->count; i++) {
        events += at_least_one(r->keys[i].average);
        logarithms += log10(at_least_one(r->keys[i].average));
    }
    double budget = r->goal.rate > 0 ? events / r->goal.rate
                                     : r->goal.throughput * (double)r->goal.interval_ns * 1e-9;
    share_out(r, budget, logarithms);
    r->burst_max = events * r->goal.burst_multiple;
    r->have_rates = true;
}

static void pass_intervals(struct dynamic_rates *r, uint64_t now_ns)
{
    uint64_t interval = (uint64_t)r->goal.interval_ns;
    bool burst =
        r->burst_max > 0 && r->burst >= r->burst_max && r->intervals >= r->goal.burst_delay;
    if (now_ns < r->next_update_ns && !burst)
        return;
    /* intervals without events change nothing */
    if (r->burst > 0)
        update_averages(r);
    r->burst = 0;
    if (now_ns >= r->next_update_ns) {
        r->intervals++;
        r->next_update_ns += (1 + (now_ns - r->next_update_ns) / interval) * interval;
    }
}

/* ---- windows ---- */

static void sum_windows(struct dynamic_rates *r)
{
    for (uint32_t i = 0; i < r->count; i++) {
        double sum = 0;
        for (uint32_t t = 0; t < r->ticks; t++)
            sum += r->keys[i].window[t];
        r->keys[i].average = sum;
    }
    keep_keys(r, 1);
    double seconds = (double)r->goal.lookback_ns * 1e-9;
    double share = r->count ? r->goal.throughput * seconds / r->count : 0;
    for (uint32_t i = 0; i < r->count; i++) {
        double rate = share > 0 ? floor(r->keys[i].average / share) : r->keys[i].average;
        r->keys[i].rate = (uint64_t)at_least_one(rate);
    }
    r->have_rates = true;
}

static void pass_ticks(struct dynamic_rates *r, uint64_t now_ns)
{
    uint64_t interval = (uint64_t)r->goal.interval_ns;
    if (now_ns < r->next_update_ns)
        return;
    uint64_t passed = 1 + (now_ns - r->next_update_ns) / interval;
    r->next_update_ns += passed * interval;
    for (uint32_t i = 0; i < r->count; i++) {
        r->keys[i].window[r->tick] = r->keys[i].current;
        r->keys[i].current = 0;
    }
    r->tick = (r->tick + 1) % r->ticks;
    for (uint64_t idle = 1; idle < passed && idle <= r->ticks; idle++) {
        for (uint32_t i = 0; i < r->count; i++)
            r->keys[i].window[r->tick] = 0;
        r->tick = (r->tick + 1) % r->ticks;
    }
    sum_windows(r);
}

uint64_t dynamic_rates_count(struct dynamic_rates *r, uint64_t key, uint32_t events,
                             uint64_t now_ns)
{
    if (!r->started)
        r->next_update_ns = now_ns + (uint64_t)r->goal.interval_ns;
    r->started = true;
    if (r->goal.windowed)
        pass_ticks(r, now_ns);
    else
        pass_intervals(r, now_ns);
    struct key *k = find_key(r, key);
    if (k) {
        k->current += events;
        r->burst += events;
    }
    if (!r->have_rates)
        return r->goal.initial_rate > 0 ? (uint64_t)r->goal.initial_rate : 1;
    return k && k->rate > 0 ? k->rate : 1;
}
