/* Several writers and readers at once, slots coming and going: run under ThreadSanitizer, and what
 * readers see is always whole. */
#include "fixture.h"

#include "component/lane.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define BASE (1700000000ull * SEC)

enum { WRITERS = 2, READERS = 2, TRACES = 300, PARTS = 3 };

struct work {
    struct store *store;
    uint64_t first;
    atomic_bool *stop;
    uint64_t seen;
};

/* Each trace in three parts of two spans; the second names its parent in the first. */
static void *write_traces(void *context)
{
    struct work *w = context;
    for (uint64_t i = 0; i < TRACES * PARTS; i++) {
        uint64_t trace = w->first + i % TRACES;
        uint64_t id = 1 + i / TRACES * 2;
        struct span_spec spans[2] = {
            {.trace = trace,
             .id = id,
             .parent = id == 1 ? 0 : 1,
             .start = BASE + i,
             .service = "a",
             .name = "x",
             .keys = {"k"},
             .values = {"v"}},
            {.trace = trace,
             .id = id + 1,
             .parent = id,
             .start = BASE + i + 1,
             .service = "b",
             .name = "y"},
        };
        store_write(w->store, batch_of(spans, 2));
    }
    return NULL;
}

static void *read_traces(void *context)
{
    struct work *w = context;
    struct store_reader *r = store_reader_open(w->store);
    /* Three more once all is written: one of three asks for everything, and finds it. */
    for (uint64_t i = 0, after = 0; after < 3; i++, after += *w->stop) {
        struct store_tag tag = {"k", i % 2 ? "v" : "w"};
        struct store_query q = query_all();
        struct store_results results;
        struct store_dependencies d;
        struct store_names names;
        struct store_stats stats;
        struct error e;
        uint8_t id[16];
        trace_id_of(1 + i % TRACES, id);
        struct batch *b = store_trace(r, id);
        assert_true(!b || b->span_count % 2 == 0);
        if (b)
            batch_release(b);
        q.tags = &tag;
        q.tag_count = i % 3 ? 1 : 0;
        q.limit = 5;
        if (store_search(r, &q, UINT64_MAX, &results, &e)) {
            for (size_t n = 1; n < results.count; n++)
                assert_true(results.items[n - 1].start_ns >= results.items[n].start_ns);
            w->seen += results.count;
        }
        store_results_free(&results);
        if (i % 8 == 0 && store_dependencies(r, 0, UINT64_MAX, &d))
            store_dependencies_free(&d);
        if (store_services(r, &names)) {
            assert_true(names.count <= 2);
            store_names_free(&names);
        }
        store_stats(w->store, &stats);
    }
    store_reader_close(r);
    return NULL;
}

static void run(struct store_options o, bool everything_stays)
{
    struct store *s = open_store(&o);
    struct work work[WRITERS + READERS] = {{0}};
    pthread_t threads[WRITERS + READERS];
    atomic_bool stop = false;
    for (int i = 0; i < WRITERS + READERS; i++) {
        work[i] = (struct work){.store = s, .first = 1 + (uint64_t)i * TRACES, .stop = &stop};
        assert_int_equal(
            pthread_create(&threads[i], NULL, i < WRITERS ? write_traces : read_traces, &work[i]),
            0);
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    flush(s);
    stop = true;
    for (int i = WRITERS; i < WRITERS + READERS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(work[i].seen > 0 || !everything_stays);
    }
    struct store_reader *r = store_reader_open(s);
    for (uint64_t trace = 1; everything_stays && trace <= WRITERS * TRACES; trace++) {
        uint8_t id[16];
        trace_id_of(trace, id);
        struct batch *b = store_trace(r, id);
        assert_non_null(b);
        assert_int_equal(b->span_count, 2 * PARTS);
        batch_release(b);
    }
    store_reader_close(r);
    store_close(s);
}

static void one_slot(void **state)
{
    char *directory = make_directory();
    (void)state;
    run(options_of(directory), true);
    remove_directory(directory);
}

static void many_slots(void **state)
{
    char *directory = make_directory();
    struct store_options o = options_of(directory);
    (void)state;
    o.slot_ns = 30 * (int64_t)MS;
    o.flush_ns = 5 * (int64_t)MS;
    run(o, true);
    remove_directory(directory);
}

static void slots_that_go(void **state)
{
    char *directory = make_directory();
    struct store_options o = options_of(directory);
    (void)state;
    o.slot_ns = 20 * (int64_t)MS;
    o.max_age_ns = 60 * (int64_t)MS;
    o.flush_ns = 5 * (int64_t)MS;
    run(o, false);
    remove_directory(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_slot),
        cmocka_unit_test(many_slots),
        cmocka_unit_test(slots_that_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
