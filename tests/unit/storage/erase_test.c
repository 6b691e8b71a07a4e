/* Erasing: what was asked for is gone from every file, dictionaries included, and everything else
 * is there. */
#include "fixture.h"

#include "component/clock.h"
#include "storage/erase.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASE (1700000000ull * SEC)

/* A trace of two spans; the first carries the user. */
static void write_trace(struct store *s, uint64_t trace, const char *user)
{
    const struct span_spec spans[] = {
        {.trace = trace,
         .id = trace * 10 + 1,
         .start = BASE + trace * MS,
         .duration = MS,
         .service = "shop",
         .name = "GET /cart",
         .keys = {"enduser.id", "padding"},
         .values = {user, "some text that is the same in every trace of the shop"}},
        {.trace = trace,
         .id = trace * 10 + 2,
         .parent = trace * 10 + 1,
         .start = BASE + trace * MS,
         .duration = MS,
         .service = "cart",
         .name = "read"},
    };
    write_spans(s, spans, 2);
}

static uint32_t spans_of(struct store *s, uint64_t trace)
{
    uint8_t id[16];
    trace_id_of(trace, id);
    struct store_reader *r = store_reader_open(s);
    struct batch *b = store_trace(r, id);
    uint32_t count = b ? b->span_count : 0;
    batch_release(b);
    store_reader_close(r);
    return count;
}

static struct erase_result erase(struct store *s, const char *text, bool whole_traces, bool dry_run)
{
    struct erase_where w;
    struct erase_result result;
    struct error e = {{0}};
    assert_true(erase_where_parse(text, &w, &e));
    struct erase_options o = {
        .where = &w, .whole_traces = whole_traces, .dry_run = dry_run, .asked = "test"};
    if (!store_erase(s, &o, &result, &e))
        fail_msg("%s", e.text);
    erase_where_free(&w);
    return result;
}

/* Whether any file in the directory has these bytes. */
static bool lies_in_a_file(const char *directory, const char *text)
{
    DIR *d = opendir(directory);
    bool found = false;
    for (struct dirent *entry; (entry = readdir(d)) && !found;) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        FILE *f = entry->d_name[0] == '.' ? NULL : fopen(path, "rb");
        if (!f)
            continue;
        fseek(f, 0, SEEK_END);
        size_t len = (size_t)ftell(f);
        rewind(f);
        char *data = malloc(len + 1);
        assert_int_equal(fread(data, 1, len, f), len);
        found = memmem(data, len, text, strlen(text)) != NULL;
        free(data);
        fclose(f);
    }
    closedir(d);
    return found;
}

static void spans_go_and_the_rest_of_their_trace_stays(void **state)
{
    (void)state;
    char *directory = make_directory();
    struct store_options o = options_of(directory);
    struct store *s = open_store(&o);
    write_trace(s, 1, "alice");
    write_trace(s, 2, "bob");
    write_trace(s, 3, "alice");
    struct erase_result dry = erase(s, "enduser.id=\"alice\"", false, true);
    assert_int_equal(dry.spans, 2);
    assert_int_equal(dry.traces, 2);
    assert_int_equal(dry.slots_rewritten, 0);
    assert_int_equal(spans_of(s, 1), 2);

    struct erase_result done = erase(s, "enduser.id=\"alice\"", false, false);
    assert_int_equal(done.spans, 2);
    assert_int_equal(done.traces, 2);
    assert_int_equal(done.slots_rewritten, 1);
    assert_int_equal(spans_of(s, 1), 1);
    assert_int_equal(spans_of(s, 2), 2);
    assert_int_equal(spans_of(s, 3), 1);
    assert_int_equal(erase(s, "enduser.id=\"alice\"", false, false).spans, 0);

    write_trace(s, 4, "carol"); /* life goes on */
    flush(s);
    assert_int_equal(spans_of(s, 4), 2);
    store_close(s);
    s = open_store(&o);
    assert_int_equal(spans_of(s, 1), 1);
    assert_int_equal(spans_of(s, 4), 2);
    store_close(s);
    remove_directory(directory);
}

static size_t count_files(const char *directory)
{
    DIR *d = opendir(directory);
    size_t count = 0;
    while (readdir(d))
        count++;
    closedir(d);
    return count;
}

static void counting_changes_nothing(void **state)
{
    (void)state;
    char *directory = make_directory();
    struct store_options o = options_of(directory);
    struct store *s = open_store(&o);
    write_trace(s, 1, "alice");
    erase(s, "enduser.id=\"nobody\"", false, false); /* ends the slot */
    write_trace(s, 2, "alice");
    flush(s);
    size_t files = count_files(directory);
    for (unsigned i = 0; i < 5; i++) {
        write_trace(s, 3 + i, "alice"); /* and that waits to be written */
        struct erase_result dry = erase(s, "enduser.id=\"alice\"", true, true);
        assert_int_equal(dry.spans, 2 * (3 + i));
        assert_int_equal(dry.traces, 3 + i);
        assert_int_equal(dry.slots_searched, 2);
        assert_int_equal(count_files(directory), files);
    }
    assert_int_equal(erase(s, "enduser.id=\"alice\"", true, false).spans, 14);
    store_close(s);
    remove_directory(directory);
}

static void whole_traces_go_from_all_slots(void **state)
{
    (void)state;
    char *directory = make_directory();
    struct store_options o = options_of(directory);
    struct store *s = open_store(&o);
    const struct span_spec other = {
        .trace = 1, .id = 99, .start = BASE, .duration = MS, .service = "pay"};
    write_spans(s, &other, 1);
    erase(s, "enduser.id=\"nobody\"", false, false); /* ends the slot */
    write_trace(s, 1, "alice");
    write_trace(s, 2, "bob");
    struct erase_result done =
        erase(s, "enduser.id=\"alice\" and service.name=\"shop\"", true, false);
    assert_int_equal(done.spans, 3);
    assert_int_equal(done.traces, 1);
    assert_int_equal(done.slots_rewritten, 2);
    assert_int_equal(spans_of(s, 1), 0);
    assert_int_equal(spans_of(s, 2), 2);
    size_t count;
    char **paths = slot_paths(directory, ".sqlite", &count);
    assert_int_equal(count, 1); /* nothing was left in the first */
    free_paths(paths, count);
    store_close(s);
    remove_directory(directory);
}

/* Enough traces for zstd to be given a dictionary, and a user in each of them. */
static void dictionaries_do_not_keep_what_was_erased(void **state)
{
    (void)state;
    static const char user[] = "alice-whom-nobody-remembers";
    char *directory = make_directory();
    struct store_options o = options_of(directory);
    struct store *s = open_store(&o);
    for (uint64_t i = 1; i <= 6000; i++)
        write_trace(s, i, user);
    flush(s);
    store_close(s);
    s = open_store(&o);
    assert_true(lies_in_a_file(directory, user)); /* else this proves nothing */
    for (uint64_t i = 6001; i <= 6100; i++)
        write_trace(s, i, "bob");
    struct erase_result done = erase(s, "*=\"alice-whom-nobody-remembers\"", false, false);
    assert_int_equal(done.spans, 6000);
    for (uint64_t i = 6101; i <= 6200; i++)
        write_trace(s, i, "bob");
    flush(s);
    store_close(s);
    assert_false(lies_in_a_file(directory, user));
    assert_false(lies_in_a_file(directory, "nobody-remembers"));
    s = open_store(&o);
    assert_int_equal(spans_of(s, 1), 1);
    assert_int_equal(spans_of(s, 6050), 2);
    assert_int_equal(spans_of(s, 6150), 2);
    store_close(s);
    remove_directory(directory);
}

static void it_is_noted_without_the_value(void **state)
{
    (void)state;
    char *directory = make_directory();
    struct store_options o = options_of(directory);
    struct store *s = open_store(&o);
    write_trace(s, 1, "alice");
    erase(s, "enduser.id=\"alice\"", false, false);
    assert_true(lies_in_a_file(directory,
                               "\"where\":\"enduser.id=\",\"scope\":\"spans\",\"asked\":\"test\","
                               "\"spans\":1,\"traces\":1,\"slots\":1,\"complete\":true}"));
    assert_false(lies_in_a_file(directory, "alice"));
    store_close(s);
    remove_directory(directory);
}

static void a_draft_that_was_left_goes(void **state)
{
    (void)state;
    char *directory = make_directory();
    struct store_options o = options_of(directory);
    char path[4096];
    snprintf(path, sizeof path, "%s/draft-1700000000000.sqlite", directory);
    FILE *f = fopen(path, "w");
    fputs("half of it", f);
    fclose(f);
    struct store *s = open_store(&o);
    assert_null(fopen(path, "r"));
    store_close(s);
    remove_directory(directory);
}

struct race {
    struct store *store;
    uint64_t written;
    atomic_bool stop;
};

static void *go_on_writing(void *context)
{
    struct race *r = context;
    while (!atomic_load(&r->stop) && r->written < 20000)
        write_trace(r->store, 1000 + ++r->written, "bob");
    return NULL;
}

static void *go_on_reading(void *context)
{
    struct race *r = context;
    struct store_reader *reader = store_reader_open(r->store);
    uint8_t id[16];
    trace_id_of(2, id);
    while (!atomic_load(&r->stop)) {
        struct batch *b = store_trace(reader, id);
        assert_non_null(b); /* never away, not even for a moment */
        batch_release(b);
    }
    store_reader_close(reader);
    return NULL;
}

static void writers_and_readers_go_on_meanwhile(void **state)
{
    (void)state;
    char *directory = make_directory();
    struct store_options o = options_of(directory);
    struct store *s = open_store(&o);
    write_trace(s, 2, "bob");
    flush(s);
    struct race race = {.store = s};
    pthread_t writer, reader;
    pthread_create(&writer, NULL, go_on_writing, &race);
    pthread_create(&reader, NULL, go_on_reading, &race);
    for (uint64_t i = 0; i < 8; i++) {
        write_trace(s, 100 + i, "alice");
        assert_int_equal(erase(s, "enduser.id=\"alice\"", true, false).spans, 2);
    }
    atomic_store(&race.stop, true);
    pthread_join(writer, NULL);
    pthread_join(reader, NULL);
    flush(s);
    for (uint64_t i = 1; i <= race.written; i += 97)
        assert_int_equal(spans_of(s, 1000 + i), 2);
    store_close(s);
    remove_directory(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_go_and_the_rest_of_their_trace_stays),
        cmocka_unit_test(counting_changes_nothing),
        cmocka_unit_test(whole_traces_go_from_all_slots),
        cmocka_unit_test(dictionaries_do_not_keep_what_was_erased),
        cmocka_unit_test(it_is_noted_without_the_value),
        cmocka_unit_test(a_draft_that_was_left_goes),
        cmocka_unit_test(writers_and_readers_go_on_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
