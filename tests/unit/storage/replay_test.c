/* Every trace once, whole, oldest first: of a store that is closed, that somebody writes to, and
 * that a crash left. */
#include "fixture.h"

#include "storage/replay.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define BASE (1700000000ull * SEC)

static void write_part(struct store *s, uint64_t trace, uint64_t span)
{
    const struct span_spec spec = {.trace = trace,
                                   .id = trace * 10 + span,
                                   .start = BASE + trace * SEC,
                                   .duration = MS,
                                   .service = "s",
                                   .name = "n"};
    write_spans(s, &spec, 1);
    flush(s);
}

struct seen {
    uint64_t traces;
    uint64_t spans;
    uint64_t last_start_ns;
    double done;
    uint64_t stop_at; /* traces; 0: never */
};

static bool see(void *context, struct batch *trace, double done)
{
    struct seen *s = context;
    assert_true(trace->spans[0].start_ns > s->last_start_ns); /* in order, each once */
    assert_true(done >= s->done && done <= 1);
    s->last_start_ns = trace->spans[0].start_ns;
    s->done = done;
    s->traces++;
    s->spans += trace->span_count;
    return s->traces != s->stop_at;
}

static struct seen replay(const char *directory, uint64_t stop_at)
{
    struct seen seen = {.stop_at = stop_at};
    struct error e = {{0}};
    struct store *s = store_open_to_read(directory, &e);
    assert_non_null(s);
    struct store_reader *r = store_reader_open(s);
    assert_int_equal(store_each_trace(r, see, &seen, &e), stop_at == 0);
    store_reader_close(r);
    store_close(s);
    return seen;
}

/* Twenty traces, of which every other one has a second part later. */
static void fill(struct store *s)
{
    for (uint64_t i = 1; i <= 20; i++)
        write_part(s, i, 1);
    for (uint64_t i = 2; i <= 20; i += 2)
        write_part(s, i, 2);
}

static void closed_open_and_stopped_half_way(void **state)
{
    (void)state;
    char *directory = make_directory();
    struct store_options o = options_of(directory);
    struct store *s = open_store(&o);
    fill(s);
    struct seen open = replay(directory, 0);
    assert_int_equal(open.traces, 20);
    assert_int_equal(open.spans, 30);
    write_part(s, 21, 1); /* the store did not mind */
    store_close(s);
    struct seen closed = replay(directory, 0);
    assert_int_equal(closed.traces, 21);
    assert_int_equal(closed.spans, 31);
    assert_true(closed.done > 0.99);
    assert_int_equal(replay(directory, 5).traces, 5);
    size_t count;
    char **paths = slot_paths(directory, "", &count);
    assert_int_equal(count, 3); /* ., .. and the slot: nothing was made beside it */
    free_paths(paths, count);
    remove_directory(directory);
}

static void what_a_crash_left_is_read(void **state)
{
    (void)state;
    char *directory = make_directory();
    struct store_options o = options_of(directory);
    pid_t child = fork();
    if (child == 0) {
        fill(open_store(&o));
        _exit(0); /* without closing anything */
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_int_equal(replay(directory, 0).traces, 20);
    struct store *s = open_store(&o);
    write_part(s, 21, 1);
    store_close(s);
    assert_int_equal(replay(directory, 0).spans, 31);
    remove_directory(directory);
}

static void a_missing_store_is_told(void **state)
{
    (void)state;
    struct error e = {{0}};
    assert_null(store_open_to_read("/nonexistent/store", &e));
    assert_string_equal(e.text, "there is no store at /nonexistent/store");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_crash_left_is_read), /* first: it forks */
        cmocka_unit_test(closed_open_and_stopped_half_way),
        cmocka_unit_test(a_missing_store_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
