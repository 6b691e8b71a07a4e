/* Calls between services, within a part, between parts, and against a model. */
#include "fixture.h"

#include <stdlib.h>

#define BASE (1700000000ull * SEC)

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

static int begin_many_slots(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    w->directory = make_directory();
    struct store_options o = options_of(w->directory);
    o.slot_ns = 1;
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

static uint64_t calls(struct world *w, uint64_t from, uint64_t to, const char *parent,
                      const char *child)
{
    struct store_dependencies d;
    uint64_t n = 0;
    assert_true(store_dependencies(w->reader, from, to, &d));
    for (size_t i = 0; i < d.count; i++) {
        if (strcmp(d.items[i].parent, parent) == 0 && strcmp(d.items[i].child, child) == 0)
            n += d.items[i].calls;
        if (i) {
            int order = strcmp(d.items[i - 1].parent, d.items[i].parent);
            assert_true(order < 0 ||
                        (order == 0 && strcmp(d.items[i - 1].child, d.items[i].child) < 0));
        }
    }
    store_dependencies_free(&d);
    return n;
}

static const struct span_spec shop[] = {
    {.trace = 1, .id = 11, .start = BASE, .service = "web", .name = "a"},
    {.trace = 1, .id = 12, .parent = 11, .start = BASE + 1, .service = "web", .name = "b"},
    {.trace = 1, .id = 13, .parent = 12, .start = BASE + 2, .service = "cart", .name = "c"},
    {.trace = 1, .id = 14, .parent = 99, .start = BASE + 3, .service = "cart", .name = "d"},
};

static void within_one_part(void **state)
{
    struct world *w = *state;
    assert_int_equal(calls(w, 0, UINT64_MAX, "web", "cart"), 0);
    write_spans(w->store, shop, 4);
    flush(w->store);
    assert_int_equal(calls(w, 0, UINT64_MAX, "web", "cart"), 1);
    assert_int_equal(calls(w, 0, UINT64_MAX, "web", "web"), 1);
    assert_int_equal(calls(w, 0, UINT64_MAX, "cart", "cart"), 0);
}

static void between_parts_in_any_order(void **state)
{
    struct world *w = *state;
    write_spans(w->store, &shop[2], 2);
    flush(w->store);
    assert_int_equal(calls(w, 0, UINT64_MAX, "web", "cart"), 0);
    write_spans(w->store, &shop[0], 1);
    flush(w->store);
    write_spans(w->store, &shop[1], 1);
    flush(w->store);
    assert_int_equal(calls(w, 0, UINT64_MAX, "web", "cart"), 1);
    assert_int_equal(calls(w, 0, UINT64_MAX, "web", "web"), 1);
}

static void the_window_is_the_childs_start(void **state)
{
    struct world *w = *state;
    write_spans(w->store, &shop[2], 1);
    flush(w->store);
    write_spans(w->store, &shop[0], 2);
    flush(w->store);
    assert_int_equal(calls(w, BASE + 2, BASE + 2, "web", "cart"), 1);
    assert_int_equal(calls(w, BASE + 2, BASE + 2, "web", "web"), 0);
    assert_int_equal(calls(w, BASE + 3, UINT64_MAX, "web", "cart"), 0);
    assert_int_equal(calls(w, 0, BASE + 1, "web", "web"), 1);
    assert_int_equal(calls(w, 0, BASE + 1, "web", "cart"), 0);
}

static void spans_without_a_service_count(void **state)
{
    struct world *w = *state;
    struct span_spec nameless[] = {
        {.trace = 5, .id = 1, .start = BASE, .name = "a"},
        {.trace = 5, .id = 2, .parent = 1, .start = BASE, .service = "cart", .name = "b"},
    };
    write_spans(w->store, nameless, 2);
    flush(w->store);
    assert_int_equal(calls(w, 0, UINT64_MAX, "", "cart"), 1);
}

static void answers_are_those_of_a_model(void **state)
{
    static const char *const services[] = {"a", "b", "c"};
    enum { SPANS = 900 };
    static struct span_spec all[SPANS];
    struct world *w = *state;
    srand(11);
    for (uint64_t i = 0; i < SPANS; i++)
        all[i] =
            (struct span_spec){.trace = 1 + i % 60,
                               .id = i + 1,
                               .parent = i < 60 ? 0 : 1 + (i % 60) + 60 * (uint64_t)(rand() % 16),
                               .start = BASE + (uint64_t)(rand() % 1000),
                               .service = services[rand() % 3],
                               .name = "n"};
    for (size_t i = 0; i < SPANS; i += 90) {
        write_spans(w->store, &all[i], 90);
        flush(w->store);
    }
    for (int n = 0; n < 30; n++) {
        uint64_t from = n ? BASE + (uint64_t)(rand() % 1000) : 0;
        uint64_t to = n ? from + (uint64_t)(rand() % 1000) : UINT64_MAX;
        const char *parent = services[rand() % 3];
        const char *child = services[rand() % 3];
        uint64_t wanted = 0;
        for (size_t i = 60; i < SPANS; i++) {
            size_t p = all[i].parent - 1;
            wanted += p < SPANS && all[i].start >= from && all[i].start <= to &&
                      all[p].service == parent && all[i].service == child;
        }
        assert_int_equal(calls(w, from, to, parent, child), wanted);
    }
}

#define TEST(f)       cmocka_unit_test_setup_teardown(f, begin, end)
#define TEST_SLOTS(f) cmocka_unit_test_setup_teardown(f, begin_many_slots, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(within_one_part),
        TEST(between_parts_in_any_order),
        TEST_SLOTS(between_parts_in_any_order),
        TEST(the_window_is_the_childs_start),
        TEST(spans_without_a_service_count),
        TEST(answers_are_those_of_a_model),
        TEST_SLOTS(answers_are_those_of_a_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
