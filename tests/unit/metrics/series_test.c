/* The store of series: found and forgotten like in a plain list, while the table grows; expiry with
 * a clock of the test's. */
#include "metrics/series.h"

#include "metrics/series_walk.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const double bounds[] = {1, 2};
static const struct series_shape shape = {.histograms = 1, .bounds = bounds, .bound_count = 2};

static unsigned groups_freed;

static void free_group(struct series_group *g)
{
    groups_freed++;
    free(g);
}

static struct series_group *make_group(uint64_t seed)
{
    struct series_group *g = calloc(1, sizeof *g);
    g->free = free_group;
    g->references = 1;
    g->seed = seed;
    return g;
}

static void kill_group(struct series_group *g)
{
    g->dead = true;
    series_group_drop(g);
}

/* It runs backwards, which no series may feel. */
static uint64_t wall_at(uint64_t now)
{
    return 1000000000 - now;
}

static struct series *get(struct series_store *st, struct series_group *g, unsigned number,
                          uint64_t now)
{
    char name[32];
    snprintf(name, sizeof name, "operation-%u", number);
    struct series_key k = {.head = number % 7, .name = bytes_of_string(name)};
    struct moment moment = {.wall_ns = wall_at(now), .steady_ns = now};
    struct series *s = series_get(st, g, &k, series_hash(g, &k), moment);
    if (s)
        s->last_ns = now;
    return s;
}

static uint64_t dice = 1;

static uint32_t roll(uint32_t below)
{
    dice = dice * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(dice >> 33) % below;
}

enum { NAMES = 20000, GROUPS = 3, STEPS = 400000, IDLE = 1000 };

static uint64_t counted[GROUPS][NAMES], last[GROUPS][NAMES];

/* Counts at random, so that some series go and come back while the table grows under them. */
static void a_store_is_a_plain_list(void **state)
{
    (void)state;
    struct series_limits limits = {.store = 1000000, .idle_ns = IDLE};
    struct series_store st;
    struct series_group *groups[GROUPS];
    assert_true(series_store_init(&st, 0, &shape, &limits));
    for (unsigned g = 0; g < GROUPS; g++)
        groups[g] = make_group(g);
    for (uint64_t now = 1; now <= STEPS; now++) {
        unsigned g = roll(GROUPS), n = roll(1 + roll(NAMES));
        if (counted[g][n] > 0 && now >= last[g][n] + IDLE)
            counted[g][n] = 0;
        struct series *s = get(&st, groups[g], n, now);
        assert_int_equal(s->count, counted[g][n]);
        counted[g][n] = ++s->count;
        last[g][n] = now;
        series_sweep(&st, now, 3);
    }
    size_t live = 0;
    for (unsigned g = 0; g < GROUPS; g++) {
        for (unsigned n = 0; n < NAMES; n++)
            live += counted[g][n] > 0 && STEPS < last[g][n] + IDLE;
    }
    series_sweep(&st, STEPS, st.slot_end);
    assert_int_equal(st.count, live);
    series_sweep(&st, STEPS + IDLE, st.slot_end);
    assert_int_equal(st.count, 0);
    assert_int_equal(st.bytes, 0);
    for (unsigned g = 0; g < GROUPS; g++)
        kill_group(groups[g]);
    series_store_free(&st);
}

/* All of them at once, so that removals fall into the time in which the table moves. */
static void series_go_while_the_table_moves(void **state)
{
    (void)state;
    struct series_limits limits = {.store = 1000000, .idle_ns = 10};
    struct series_store st;
    struct series_group *g = make_group(5);
    assert_true(series_store_init(&st, 0, &shape, &limits));
    for (unsigned round = 0; round < 40; round++) {
        for (unsigned n = 0; n < 700 + round * 10; n++)
            get(&st, g, n, 100 * round);
        if (st.old.entries)
            series_sweep(&st, 100 * round + 50, st.slot_end / 2);
        for (unsigned n = 0; n < 700 + round * 10; n++)
            assert_int_equal(get(&st, g, n, 100 * round + 50)->start_ns, wall_at(100 * round + 50));
    }
    kill_group(g);
    series_store_free(&st);
}

static void a_dead_group_goes_with_its_series(void **state)
{
    (void)state;
    struct series_limits limits = {.store = 100};
    struct series_store st;
    struct series_group *g = make_group(1);
    groups_freed = 0;
    assert_true(series_store_init(&st, 0, &shape, &limits));
    for (unsigned n = 0; n < 50; n++)
        get(&st, g, n, 1);
    kill_group(g);
    assert_int_equal(groups_freed, 0);
    series_sweep(&st, 2, 49);
    assert_int_equal(groups_freed, 0);
    series_sweep(&st, 2, 1);
    assert_int_equal(groups_freed, 1);
    assert_int_equal(st.count, 0);
    series_store_free(&st);
}

/* Room that expiry makes is used before anything overflows. */
static void a_full_store_makes_room(void **state)
{
    (void)state;
    struct series_limits limits = {.store = 10, .idle_ns = 100};
    struct series_store st;
    struct series_group *g = make_group(1);
    assert_true(series_store_init(&st, 0, &shape, &limits));
    for (unsigned n = 0; n < 10; n++)
        assert_false(get(&st, g, n, n)->overflow);
    assert_true(get(&st, g, 10, 50)->overflow);
    assert_int_equal(st.overflowed, 1);
    assert_false(get(&st, g, 10, 105)->overflow);
    kill_group(g);
    series_store_free(&st);
}

struct walked {
    size_t count;
    size_t stop_at;
};

static bool count_series(void *context, const struct series *s)
{
    struct walked *w = context;
    const struct series_explicit *x = series_values(s, &shape, 0);
    assert_int_equal(x->buckets[0] + x->buckets[1] + x->buckets[2], s->count);
    return ++w->count != w->stop_at;
}

static void a_walk_shows_all_that_are_not_gone(void **state)
{
    (void)state;
    struct series_limits limits = {.store = 100000, .idle_ns = 100};
    struct series_store st;
    struct series_lock lock;
    struct series_group *g = make_group(1);
    struct walked w = {0}, some = {.stop_at = 70};
    series_lock_init(&lock);
    assert_true(series_store_init(&st, 0, &shape, &limits));
    for (unsigned n = 0; n < 5000; n++) {
        struct series *s = get(&st, g, n, n % 2 ? 1000 : 500);
        series_record(&st, s, 0, n % 4, 3);
        s->count += 3;
    }
    assert_true(series_walk(&st, &lock, 1000, count_series, &w));
    assert_int_equal(w.count, 2500);
    assert_true(series_walk(&st, &lock, 1000, count_series, &some));
    assert_int_equal(some.count, 70);
    assert_int_equal(g->references, 5001);
    kill_group(g);
    series_store_free(&st);
    series_lock_destroy(&lock);
}

enum { TURNS = 2000 };

/* Threads that want the lock without a pause. Who holds it and sees one of the other kind wait
 * knows who must be next. */
struct rivals {
    struct series_lock lock;
    unsigned turns[2];
    bool must_be_next[2];
    bool out_of_turn;
};

static void take_turns(struct rivals *r, bool lane)
{
    bool enough = false;
    while (!enough) {
        if (lane)
            series_lock_lane(&r->lock);
        else
            series_lock_other(&r->lock);
        r->out_of_turn |= r->must_be_next[!lane];
        r->must_be_next[lane] = false;
        r->turns[lane]++;
        enough = r->turns[0] >= TURNS && r->turns[1] >= TURNS;
        sched_yield();
        pthread_mutex_lock(&r->lock.mutex);
        r->must_be_next[!lane] = (lane ? r->lock.others : r->lock.lanes).waiting > 0;
        pthread_mutex_unlock(&r->lock.mutex);
        series_unlock(&r->lock);
    }
}

static void *be_a_lane(void *r)
{
    take_turns(r, true);
    return NULL;
}

static void *be_another(void *r)
{
    take_turns(r, false);
    return NULL;
}

static void lanes_and_others_take_turns(void **state)
{
    (void)state;
    struct rivals r = {.out_of_turn = false};
    pthread_t threads[4];
    series_lock_init(&r.lock);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, i % 2 ? be_a_lane : be_another, &r), 0);
    for (unsigned i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_false(r.out_of_turn);
    series_lock_destroy(&r.lock);
}

/* Spans of strangers stand for as many as their senders say. */
static void counts_end_at_their_largest(void **state)
{
    (void)state;
    struct series_limits limits = {.store = 10};
    struct series_store st;
    assert_true(series_store_init(&st, 0, &shape, &limits));
    struct series_group *g = make_group(1);
    struct series *s = get(&st, g, 1, 0);
    const struct series_explicit *x = series_values(s, &st.shape, 0);
    for (unsigned i = 0; i < 5; i++)
        series_record(&st, s, 0, 1.5, series_count(s, UINT64_MAX / 3));
    assert_true(s->count == UINT64_MAX);
    assert_true(x->buckets[1] == UINT64_MAX);
    assert_true(x->sum == 1.5 * 3 * (double)(UINT64_MAX / 3));
    assert_int_equal(series_count(s, 1), 0);
    kill_group(g);
    series_store_free(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_is_a_plain_list),
        cmocka_unit_test(series_go_while_the_table_moves),
        cmocka_unit_test(a_dead_group_goes_with_its_series),
        cmocka_unit_test(a_full_store_makes_room),
        cmocka_unit_test(a_walk_shows_all_that_are_not_gone),
        cmocka_unit_test(lanes_and_others_take_turns),
        cmocka_unit_test(counts_end_at_their_largest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
