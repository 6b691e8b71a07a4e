/* What is let go, and when. */
#include "fixture.h"

#include "component/lane.h"
#include "storage/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BASE (1700000000ull * SEC)

static void write_filler(struct store *s, uint64_t trace, size_t bytes)
{
    struct span_spec spec = {.trace = trace,
                             .id = 1,
                             .start = BASE + trace,
                             .service = "s",
                             .name = "n",
                             .filler_bytes = bytes};
    write_spans(s, &spec, 1);
    flush(s);
}

static bool has_trace(struct store_reader *r, uint64_t trace)
{
    uint8_t id[16];
    trace_id_of(trace, id);
    struct batch *b = store_trace(r, id);
    if (b)
        batch_release(b);
    return b != NULL;
}

static uint64_t bytes_in(const char *directory)
{
    uint64_t total = 0;
    size_t count;
    char **paths = slot_paths(directory, "", &count);
    for (size_t i = 0; i < count; i++) {
        struct stat st;
        if (stat(paths[i], &st) == 0 && S_ISREG(st.st_mode))
            total += (uint64_t)st.st_size;
    }
    free_paths(paths, count);
    return total;
}

static void the_size_is_kept_and_the_newest_stays(void **state)
{
    char *directory = make_directory();
    struct store_options o = options_of(directory);
    struct store_stats stats;
    (void)state;
    o.max_bytes = 32 << 20;
    struct store *s = open_store(&o);
    struct store_reader *r = store_reader_open(s);
    for (uint64_t trace = 1; trace <= 80; trace++) {
        write_filler(s, trace, 1 << 20);
        assert_true(bytes_in(directory) <= (uint64_t)o.max_bytes);
        assert_true(has_trace(r, trace));
    }
    store_stats(s, &stats);
    assert_true(stats.slots > 1);
    assert_true(stats.bytes_on_disk <= (uint64_t)o.max_bytes);
    assert_false(has_trace(r, 1));
    assert_true(has_trace(r, 75));
    struct store_query q = query_all();
    struct store_results results;
    struct error e;
    assert_true(store_search(r, &q, UINT64_MAX, &results, &e));
    assert_true(results.count > 5 && results.count < 80);
    assert_int_equal(results.items[0].start_ns, BASE + 80);
    store_results_free(&results);
    store_reader_close(r);
    store_close(s);
    remove_directory(directory);
}

static void old_slots_go(void **state)
{
    char *directory = make_directory();
    struct store_options o = options_of(directory);
    (void)state;
    o.slot_ns = 1;
    struct store *s = open_store(&o);
    write_filler(s, 1, 10);
    write_filler(s, 2, 10);
    store_close(s);
    usleep(20000);
    o.max_age_ns = 10 * (int64_t)MS;
    o.slot_ns = 3600 * (int64_t)SEC;
    s = open_store(&o);
    struct store_reader *r = store_reader_open(s);
    write_filler(s, 3, 10);
    assert_false(has_trace(r, 1));
    assert_false(has_trace(r, 2));
    assert_true(has_trace(r, 3));
    store_reader_close(r);
    store_close(s);
    remove_directory(directory);
}

/* A slot that a reader has open is unlinked under it: what it reads is whole, and then gone. */
static void readers_survive(void **state)
{
    char *directory = make_directory();
    struct store_options o = options_of(directory);
    (void)state;
    o.max_bytes = 16 << 20;
    struct store *s = open_store(&o);
    struct store_reader *r = store_reader_open(s);
    write_filler(s, 1, 1 << 20);
    assert_true(reader_begin(r));
    struct part_list before = {0};
    uint8_t id[16];
    trace_id_of(1, id);
    assert_true(reader_find_parts(r, id, &before));
    assert_int_equal(before.count, 1);
    for (uint64_t trace = 2; trace <= 40; trace++)
        write_filler(s, trace, 1 << 20);
    struct batch *b = reader_load_part(r, &before.items[0]);
    assert_non_null(b);
    assert_memory_equal(b->spans[0].trace_id, id, 16);
    batch_release(b);
    free(before.items);
    reader_end(r);
    assert_false(has_trace(r, 1));
    assert_true(has_trace(r, 40));
    store_reader_close(r);
    store_close(s);
    remove_directory(directory);
}

static void broken_slots_count_and_go(void **state)
{
    char *directory = make_directory();
    struct store_options o = options_of(directory);
    struct store_stats stats;
    char path[512];
    (void)state;
    o.max_bytes = 16 << 20;
    o.max_age_ns = INT64_MAX / 2; /* of 2023: only the size may make it go, and only when asked */
    snprintf(path, sizeof path, "%s/slot-1700000000000.sqlite.broken", directory);
    FILE *f = fopen(path, "w");
    assert_int_equal(ftruncate(fileno(f), 13 << 20), 0); /* an eighth of max_bytes is held back */
    fclose(f);
    struct store *s = open_store(&o);
    store_stats(s, &stats);
    assert_int_equal(stats.bytes_on_disk, 13 << 20);
    write_filler(s, 1, 10);
    assert_int_equal(access(path, F_OK), 0);
    write_filler(s, 2, 1 << 20);
    write_filler(s, 3, 1 << 20);
    assert_int_not_equal(access(path, F_OK), 0);
    store_close(s);
    remove_directory(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_size_is_kept_and_the_newest_stays),
        cmocka_unit_test(old_slots_go),
        cmocka_unit_test(readers_survive),
        cmocka_unit_test(broken_slots_count_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
