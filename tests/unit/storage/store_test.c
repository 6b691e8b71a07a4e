/* The store from its front: what is written is found, by id, by name, by search. */
#include "fixture.h"

#include "component/lane.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BASE (1700000000ull * SEC)

static const struct span_spec shop[] = {
    {.trace = 1,
     .id = 11,
     .start = BASE,
     .duration = 90 * MS,
     .service = "frontend",
     .name = "GET /cart",
     .kind = 2,
     .keys = {"http.request.method"},
     .values = {"GET"}},
    {.trace = 1,
     .id = 12,
     .parent = 11,
     .start = BASE + 10 * MS,
     .duration = 50 * MS,
     .service = "frontend",
     .name = "call cart",
     .kind = 3},
    {.trace = 1,
     .id = 13,
     .parent = 12,
     .start = BASE + 20 * MS,
     .duration = 30 * MS,
     .service = "cart",
     .name = "GET /items",
     .kind = 2,
     .status = 2,
     .status_text = "no such cart",
     .number_key = "http.response.status_code",
     .number = 404},
    {.trace = 2,
     .id = 21,
     .start = BASE + SEC,
     .duration = 5 * MS,
     .service = "frontend",
     .name = "GET /",
     .kind = 2,
     .keys = {"user.id"},
     .values = {"u-42"}},
};

struct world {
    char *directory;
    struct store *store;
    struct store_reader *reader;
};

static int begin(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    w->directory = make_directory();
    struct store_options o = options_of(w->directory);
    w->store = open_store(&o);
    w->reader = store_reader_open(w->store);
    *state = w;
    return 0;
}

static int end(void **state)
{
    struct world *w = *state;
    store_reader_close(w->reader);
    store_close(w->store);
    remove_directory(w->directory);
    free(w);
    return 0;
}

static void a_trace_comes_back_whole(void **state)
{
    struct world *w = *state;
    uint8_t id[16];
    write_spans(w->store, shop, 4);
    flush(w->store);
    trace_id_of(1, id);
    struct batch *b = store_trace(w->reader, id);
    assert_non_null(b);
    assert_int_equal(b->span_count, 3);
    assert_int_equal(b->spans[0].start_ns, BASE);
    assert_int_equal(b->spans[2].start_ns, BASE + 20 * MS);
    assert_true(bytes_equal_string(span_name(&b->spans[2]), "GET /items"));
    assert_true(bytes_equal_string(resource_service_name(span_resource(b, &b->spans[2])), "cart"));
    batch_release(b);
}

static void an_unknown_trace_is_not_found(void **state)
{
    struct world *w = *state;
    uint8_t id[16];
    trace_id_of(77, id);
    assert_null(store_trace(w->reader, id));
    write_spans(w->store, shop, 4);
    flush(w->store);
    assert_null(store_trace(w->reader, id));
}

static void parts_are_merged_in_order_of_time(void **state)
{
    struct world *w = *state;
    uint8_t id[16];
    write_spans(w->store, &shop[2], 1);
    flush(w->store);
    write_spans(w->store, &shop[0], 1);
    flush(w->store);
    write_spans(w->store, &shop[1], 1);
    flush(w->store);
    trace_id_of(1, id);
    struct batch *b = store_trace(w->reader, id);
    assert_non_null(b);
    assert_int_equal(b->span_count, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(b->spans[i].start_ns, shop[i].start);
    batch_release(b);
}

static void services_and_operations_are_listed(void **state)
{
    struct world *w = *state;
    struct store_names names;
    struct store_operations operations;
    assert_true(store_services(w->reader, &names));
    assert_int_equal(names.count, 0);
    store_names_free(&names);
    write_spans(w->store, shop, 4);
    write_spans(w->store, &(struct span_spec){.trace = 9, .id = 1, .start = BASE, .name = "x"}, 1);
    flush(w->store);

    assert_true(store_services(w->reader, &names));
    assert_int_equal(names.count, 2);
    assert_string_equal(names.items[0], "cart");
    assert_string_equal(names.items[1], "frontend");
    store_names_free(&names);

    assert_true(store_operations(w->reader, "frontend", -1, &operations));
    assert_int_equal(operations.count, 3);
    assert_string_equal(operations.items[0].name, "GET /");
    assert_string_equal(operations.items[2].name, "call cart");
    assert_int_equal(operations.items[2].kind, 3);
    store_operations_free(&operations);

    assert_true(store_operations(w->reader, "frontend", 3, &operations));
    assert_int_equal(operations.count, 1);
    store_operations_free(&operations);
    assert_true(store_operations(w->reader, "nobody", -1, &operations));
    assert_int_equal(operations.count, 0);
    store_operations_free(&operations);
    assert_true(store_operations(w->reader, NULL, -1, &operations));
    assert_int_equal(operations.count, 5);
    store_operations_free(&operations);
}

static void a_search_gives_summaries(void **state)
{
    struct world *w = *state;
    struct store_results results;
    struct error e;
    struct store_query q = query_all();
    write_spans(w->store, &shop[2], 2);
    flush(w->store);
    write_spans(w->store, &shop[0], 2);
    flush(w->store);
    assert_true(store_search(w->reader, &q, UINT64_MAX, &results, &e));
    assert_int_equal(results.count, 2);
    assert_string_equal(results.items[0].root_operation, "GET /");
    struct store_summary *s = &results.items[1];
    assert_int_equal(s->start_ns, BASE);
    assert_int_equal(s->end_ns, BASE + 90 * MS);
    assert_string_equal(s->root_service, "frontend");
    assert_string_equal(s->root_operation, "GET /cart");
    assert_int_equal(s->spans, 3);
    assert_int_equal(s->errors, 1);
    assert_int_equal(s->orphans, 0);
    assert_int_equal(s->service_count, 2);
    assert_string_equal(s->services[0].name, "cart");
    assert_int_equal(s->services[0].errors, 1);
    assert_int_equal(s->services[1].spans, 2);
    store_results_free(&results);
}

static void a_part_without_its_root_has_orphans(void **state)
{
    struct world *w = *state;
    struct store_results results;
    struct error e;
    struct store_query q = query_all();
    write_spans(w->store, &shop[1], 2);
    flush(w->store);
    assert_true(store_search(w->reader, &q, UINT64_MAX, &results, &e));
    assert_int_equal(results.count, 1);
    assert_string_equal(results.items[0].root_service, "");
    assert_int_equal(results.items[0].orphans, 1);
    store_results_free(&results);
}

static void all_files_are_the_owners_alone(void **state)
{
    struct world *w = *state;
    struct stat st;
    size_t count;
    write_spans(w->store, shop, 4);
    flush(w->store);
    assert_int_equal(stat(w->directory, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    const char *const suffixes[] = {".sqlite", "-wal", "-shm"};
    for (int i = 0; i < 3; i++) {
        char **paths = slot_paths(w->directory, suffixes[i], &count);
        assert_int_equal(count, 1);
        assert_int_equal(stat(paths[0], &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        free_paths(paths, count);
    }
}

static void what_was_committed_is_there_after_reopening(void **state)
{
    struct world *w = *state;
    uint8_t id[16];
    write_spans(w->store, shop, 3);
    flush(w->store);
    store_reader_close(w->reader);
    store_close(w->store);
    struct store_options o = options_of(w->directory);
    w->store = open_store(&o);
    w->reader = store_reader_open(w->store);
    write_spans(w->store, &shop[3], 1);
    flush(w->store);
    for (uint64_t trace = 1; trace <= 2; trace++) {
        trace_id_of(trace, id);
        struct batch *b = store_trace(w->reader, id);
        assert_non_null(b);
        batch_release(b);
    }
    struct store_stats stats;
    store_stats(w->store, &stats);
    assert_int_equal(stats.slots, 1); /* the slot was continued */
    assert_int_equal(stats.spans_written, 1);
    assert_true(stats.bytes_on_disk > 0);
}

static void a_full_queue_drops_and_counts(void **state)
{
    struct world *w = *state;
    char *directory = make_directory();
    struct store_options o = options_of(directory);
    struct store_stats stats;
    o.queue_bytes = 20000;
    o.flush_ns = 3600 * (int64_t)SEC;
    struct store *s = open_store(&o);
    struct span_spec large = {.trace = 5, .id = 1, .start = BASE, .filler_bytes = 4000};
    assert_true(store_write(s, batch_of(&large, 1)));
    large.filler_bytes = 18000; /* the first is below half of the queue, so it waits */
    assert_false(store_write(s, batch_of(&large, 1)));
    store_stats(s, &stats);
    assert_int_equal(stats.spans_dropped_queue, 1);
    assert_int_equal(stats.queued_spans, 1);
    flush(s);
    store_stats(s, &stats);
    assert_int_equal(stats.spans_written, 1);
    assert_int_equal(stats.queued_bytes, 0);
    assert_int_equal(stats.queued_spans, 0);
    store_close(s);
    remove_directory(directory);
    (void)w;
}

static void flush_gives_up_at_its_deadline(void **state)
{
    struct world *w = *state;
    assert_true(store_flush(w->store, 0)); /* nothing was queued */
    write_spans(w->store, shop, 4);
    (void)store_flush(w->store, 0);
    flush(w->store);
}

static void closing_writes_what_is_queued(void **state)
{
    struct world *w = *state;
    char *directory = make_directory();
    struct store_options o = options_of(directory);
    uint8_t id[16];
    o.flush_ns = 3600 * (int64_t)SEC;
    struct store *s = open_store(&o);
    write_spans(s, shop, 4);
    store_close(s);
    s = open_store(&o);
    struct store_reader *r = store_reader_open(s);
    trace_id_of(2, id);
    struct batch *b = store_trace(r, id);
    assert_non_null(b);
    batch_release(b);
    store_reader_close(r);
    store_close(s);
    remove_directory(directory);
    (void)w;
}

static void a_directory_that_cannot_be_made_is_an_error(void **state)
{
    struct store_options o = options_of("/proc/nowhere/traces");
    struct error e = {{0}};
    assert_null(store_open(&o, &e));
    assert_non_null(strstr(e.text, "/proc/nowhere/traces"));
    (void)state;
}

static void a_directory_has_one_store_at_a_time(void **state)
{
    char *directory = make_directory();
    struct store_options o = options_of(directory);
    struct error e = {{0}};
    struct store *first = open_store(&o);
    assert_null(store_open(&o, &e));
    assert_non_null(strstr(e.text, "in use"));
    store_close(first);
    store_close(open_store(&o));
    remove_directory(directory);
    (void)state;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_trace_comes_back_whole),
        TEST(an_unknown_trace_is_not_found),
        TEST(parts_are_merged_in_order_of_time),
        TEST(services_and_operations_are_listed),
        TEST(a_search_gives_summaries),
        TEST(a_part_without_its_root_has_orphans),
        TEST(all_files_are_the_owners_alone),
        TEST(what_was_committed_is_there_after_reopening),
        TEST(a_full_queue_drops_and_counts),
        TEST(flush_gives_up_at_its_deadline),
        TEST(closing_writes_what_is_queued),
        cmocka_unit_test(a_directory_that_cannot_be_made_is_an_error),
        cmocka_unit_test(a_directory_has_one_store_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
