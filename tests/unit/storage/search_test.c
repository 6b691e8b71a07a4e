/* Searching: what matches, and that the newest come first, whatever came when. */
#include "fixture.h"

#include "component/lane.h"

#include <stdio.h>
#include <stdlib.h>

#define BASE (1700000000ull * SEC)

struct world {
    char *directory;
    struct store *store;
    struct store_reader *reader;
};

static int begin_with(void **state, int64_t slot_ns)
{
    struct world *w = calloc(1, sizeof *w);
    w->directory = make_directory();
    struct store_options o = options_of(w->directory);
    if (slot_ns)
        o.slot_ns = slot_ns;
    w->store = open_store(&o);
    w->reader = store_reader_open(w->store);
    *state = w;
    return 0;
}

static int begin(void **state)
{
    return begin_with(state, 0);
}

/* Every flush begins a slot. */
static int begin_many_slots(void **state)
{
    return begin_with(state, 1);
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

/* The traces found, as the low halves of their ids, in order. */
static size_t found(struct world *w, const struct store_query *q, uint64_t *traces)
{
    struct store_results results;
    struct error e = {{0}};
    if (!store_search(w->reader, q, UINT64_MAX, &results, &e))
        print_message("%s\n", e.text);
    for (size_t i = 0; i < results.count; i++) {
        traces[i] = 0;
        for (int n = 0; n < 8; n++)
            traces[i] = traces[i] << 8 | results.items[i].trace_id[8 + n];
    }
    size_t count = results.count;
    store_results_free(&results);
    return count;
}

static void expect(struct world *w, struct store_query q, const char *wanted)
{
    uint64_t traces[100];
    char text[1024] = "";
    size_t count = found(w, &q, traces);
    for (size_t i = 0; i < count; i++)
        sprintf(text + strlen(text), "%s%d", i ? " " : "", (int)traces[i]);
    assert_string_equal(text, wanted);
}

static struct store_query with_tags(const struct store_tag *tags, size_t count)
{
    struct store_query q = query_all();
    q.tags = tags;
    q.tag_count = count;
    return q;
}

static void expect_tag(struct world *w, const char *key, const char *value, const char *wanted)
{
    struct store_tag tag = {key, value};
    expect(w, with_tags(&tag, 1), wanted);
}

static const struct span_spec shop[] = {
    {.trace = 1,
     .id = 11,
     .start = BASE,
     .duration = 90 * MS,
     .service = "frontend",
     .name = "GET /cart",
     .kind = 2,
     .keys = {"http.method", "user"},
     .values = {"GET", "ann"},
     .resource_key = "host.name",
     .resource_value = "web-1",
     .scope = "http"},
    {.trace = 1,
     .id = 12,
     .parent = 11,
     .start = BASE + 10 * MS,
     .duration = 50 * MS,
     .service = "cart",
     .name = "select",
     .kind = 3,
     .keys = {"db"},
     .values = {"redis"},
     .status = 2,
     .status_text = "timeout",
     .scope = "jdbc"},
    {.trace = 2,
     .id = 21,
     .start = BASE + 1 * SEC,
     .duration = 5 * MS,
     .service = "frontend",
     .name = "GET /",
     .kind = 2,
     .keys = {"http.method", "user"},
     .values = {"GET", "bob"},
     .number_key = "http.status",
     .number = 200,
     .event_key = "level",
     .event_value = "warn",
     .resource_key = "host.name",
     .resource_value = "web-2",
     .scope = "http",
     .status = 1},
    {.trace = 3, .id = 31, .start = BASE + 2 * SEC, .duration = 700 * MS, .name = "job", .kind = 1},
};

static void fields(void **state)
{
    struct world *w = *state;
    struct store_query q = query_all();
    write_spans(w->store, shop, 4);
    flush(w->store);
    expect(w, q, "3 2 1");
    q.limit = 2;
    expect(w, q, "3 2");
    q.limit = 0;
    expect(w, q, "");
    q = query_all();
    q.service = "frontend";
    expect(w, q, "2 1");
    q.operation = "GET /";
    expect(w, q, "2");
    q.service = "cart"; /* of another service */
    expect(w, q, "");
    q = query_all();
    q.operation = "job";
    expect(w, q, "3");
    q = query_all();
    q.duration_min_ns = 60 * MS;
    expect(w, q, "3 1");
    q.duration_max_ns = 100 * MS;
    expect(w, q, "1");
    q.duration_min_ns = 90 * MS + 1;
    expect(w, q, "");
    q = query_all();
    q.service = "cart";
    q.duration_min_ns = 60 * MS; /* the frontend's span is longer, cart's is not */
    expect(w, q, "");
    q = query_all();
    q.start_min_ns = BASE + 1;
    expect(w, q, "3 2 1"); /* a later span of trace 1 began in the window */
    q.start_min_ns = BASE + 10 * MS + 1;
    expect(w, q, "3 2");
    q.start_max_ns = BASE + 1 * SEC;
    expect(w, q, "2");
    q.service = "nobody";
    expect(w, q, "");
}

static void tags(void **state)
{
    struct world *w = *state;
    write_spans(w->store, shop, 4);
    flush(w->store);
    expect_tag(w, "user", "ann", "1");
    expect_tag(w, "user", "an", "");
    expect_tag(w, "http.status", "200", "2");
    expect_tag(w, "http.method", "GET", "2 1");
    expect_tag(w, "level", "warn", "2");
    expect_tag(w, "host.name", "web-1", "1");
    expect_tag(w, "resource.host.name", "web-2", "2");
    expect_tag(w, "resource.user", "ann", "");
    expect_tag(w, "error", "true", "1");
    expect_tag(w, "error", "false", "3 2 1");
    expect_tag(w, "error", "perhaps", "");
    expect_tag(w, "span.kind", "client", "1");
    expect_tag(w, "span.kind", "SERVER", "2 1");
    expect_tag(w, "otel.status_code", "ERROR", "1");
    expect_tag(w, "otel.status_code", "OK", "2");
    expect_tag(w, "otel.status_description", "timeout", "1");
    expect_tag(w, "otel.scope.name", "jdbc", "1");
    expect_tag(w, "scope.name", "http", "2 1");
    expect_tag(w, "nothing", "at all", "");
}

static void all_conditions_on_one_span(void **state)
{
    struct world *w = *state;
    struct store_tag both[] = {{"user", "ann"}, {"http.method", "GET"}};
    struct store_tag apart[] = {{"user", "ann"}, {"db", "redis"}};
    struct store_tag contrary[] = {{"error", "true"}, {"error", "false"}};
    write_spans(w->store, shop, 4);
    flush(w->store);
    expect(w, with_tags(both, 2), "1");
    expect(w, with_tags(apart, 2), "");
    expect(w, with_tags(contrary, 2), "");
    struct store_query q = with_tags(apart + 1, 1);
    q.service = "cart";
    expect(w, q, "1");
    q.service = "frontend";
    expect(w, q, "");
}

static void a_late_part_moves_its_trace(void **state)
{
    struct world *w = *state;
    struct span_spec late = {
        .trace = 9, .id = 1, .start = BASE + 9 * SEC, .service = "frontend", .name = "tail"};
    struct span_spec early = {
        .trace = 9, .id = 2, .start = BASE - 9 * SEC, .service = "frontend", .name = "head"};
    write_spans(w->store, shop, 4);
    write_spans(w->store, &late, 1);
    flush(w->store);
    struct store_query q = query_all();
    q.service = "frontend";
    q.limit = 2;
    expect(w, q, "9 2");
    write_spans(w->store, &early, 1);
    flush(w->store);
    expect(w, q, "2 1"); /* it began before all others, whichever part matches */
    q.operation = "tail";
    expect(w, q, "9");
}

static void names_too_long_for_codes_are_found(void **state)
{
    struct world *w = *state;
    char name[3000];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    struct span_spec long_ones[] = {
        {.trace = 1, .id = 1, .start = BASE, .service = "s", .name = name},
        {.trace = 2, .id = 2, .start = BASE + 1, .service = name, .name = "op"},
        {.trace = 3, .id = 3, .start = BASE + 2, .service = "s", .name = "op"},
    };
    struct store_query q = query_all();
    write_spans(w->store, long_ones, 3);
    flush(w->store);
    q.operation = name;
    expect(w, q, "1");
    q.service = "s";
    expect(w, q, "1");
    q.operation = NULL;
    q.service = name;
    expect(w, q, "2");
    q.operation = "op";
    expect(w, q, "2");
}

static void time_limits_are_kept(void **state)
{
    struct world *w = *state;
    struct store_results results;
    struct error e = {{0}};
    struct store_query q = query_all();
    write_spans(w->store, shop, 4);
    flush(w->store);
    assert_false(store_search(w->reader, &q, 0, &results, &e));
    assert_int_equal(results.count, 0);
    assert_non_null(strstr(e.text, "time limit"));
}

/* The model: all spans in memory, every query answered by looking at each of them. */
enum { TRACES = 400, SPANS = 1500 };

static struct span_spec all[SPANS];
static const char *const services[] = {"a", "b", "c", "d"};
static const char *const operations[] = {"get", "put", "list"};
static const char *const values[] = {"v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7"};

static void make_all(void)
{
    for (size_t i = 0; i < SPANS; i++) {
        uint64_t trace = 1 + (uint64_t)(rand() % TRACES);
        all[i] = (struct span_spec){
            .trace = trace,
            .id = i + 1,
            .start = BASE + (trace * 7919 % TRACES) * SEC + (uint64_t)(rand() % 3000) * MS,
            .duration = (uint64_t)(rand() % 1000) * MS,
            .service = services[rand() % 4],
            .name = operations[rand() % 3],
            .kind = (uint8_t)(rand() % 6),
            .status = (uint8_t)(rand() % 3),
            .keys = {"k"},
            .values = {values[rand() % 8]},
        };
    }
}

static bool model_matches(const struct span_spec *s, const struct store_query *q)
{
    return (!q->service || strcmp(s->service, q->service) == 0) &&
           (!q->operation || strcmp(s->name, q->operation) == 0) && s->start >= q->start_min_ns &&
           s->start <= q->start_max_ns && s->duration >= q->duration_min_ns &&
           s->duration <= q->duration_max_ns &&
           (q->tag_count < 1 || strcmp(s->values[0], q->tags[0].value) == 0) &&
           (q->tag_count < 2 || (s->status == 2) == (strcmp(q->tags[1].value, "true") == 0));
}

struct modelled {
    uint64_t trace;
    uint64_t start;
    bool match;
};

static int compare_modelled(const void *a, const void *b)
{
    const struct modelled *x = a;
    const struct modelled *y = b;
    if (x->match != y->match)
        return x->match ? -1 : 1;
    if (x->start != y->start)
        return x->start > y->start ? -1 : 1;
    return x->trace > y->trace ? -1 : 1; /* the id's first half is the complement */
}

static size_t ask_model(size_t written, const struct store_query *q, uint64_t *traces)
{
    struct modelled model[TRACES + 1];
    size_t count = 0;
    for (uint64_t t = 0; t <= TRACES; t++)
        model[t] = (struct modelled){t, UINT64_MAX, false};
    for (size_t i = 0; i < written; i++) {
        struct modelled *m = &model[all[i].trace];
        m->start = all[i].start < m->start ? all[i].start : m->start;
        m->match = m->match || model_matches(&all[i], q);
    }
    qsort(model, TRACES + 1, sizeof *model, compare_modelled);
    for (; count < q->limit && count <= TRACES && model[count].match; count++)
        traces[count] = model[count].trace;
    return count;
}

static struct store_query random_query(struct store_tag *t)
{
    struct store_query q = query_all();
    t[0] = (struct store_tag){"k", values[rand() % 8]};
    t[1] = (struct store_tag){"error", rand() % 2 ? "true" : "false"};
    q.limit = 1 + (size_t)(rand() % 30);
    q.tags = t;
    q.tag_count = (size_t)(rand() % 3);
    if (rand() % 2)
        q.service = services[rand() % 4];
    if (rand() % 3 == 0)
        q.operation = operations[rand() % 3];
    if (rand() % 3 == 0)
        q.start_min_ns = BASE + (uint64_t)(rand() % TRACES) * SEC;
    if (rand() % 3 == 0)
        q.start_max_ns = BASE + (uint64_t)(rand() % TRACES) * SEC;
    if (rand() % 3 == 0)
        q.duration_min_ns = (uint64_t)(rand() % 1000) * MS;
    if (rand() % 4 == 0)
        q.duration_max_ns = (uint64_t)(rand() % 1000) * MS;
    return q;
}

static void answers_are_those_of_a_model(void **state)
{
    struct world *w = *state;
    uint64_t got[100], wanted[100];
    srand(42);
    make_all();
    for (size_t written = 0; written < SPANS; written += 150) {
        for (size_t i = written; i < written + 150; i += 15)
            write_spans(w->store, &all[i], 15);
        flush(w->store);
        for (int n = 0; n < 60; n++) {
            struct store_tag t[2];
            struct store_query q = random_query(t);
            size_t count = found(w, &q, got);
            assert_int_equal(count, ask_model(written + 150, &q, wanted));
            for (size_t i = 0; i < count; i++)
                assert_int_equal(got[i], wanted[i]);
        }
    }
}

static void traces_across_slots_are_whole(void **state)
{
    struct world *w = *state;
    struct store_stats stats;
    srand(43);
    make_all();
    for (size_t i = 0; i < SPANS; i += 100) {
        write_spans(w->store, &all[i], 100);
        flush(w->store);
    }
    store_stats(w->store, &stats);
    assert_int_equal(stats.slots, SPANS / 100);
    for (uint64_t trace = 1; trace <= TRACES; trace++) {
        uint8_t id[16];
        uint32_t spans = 0;
        for (size_t i = 0; i < SPANS; i++)
            spans += all[i].trace == trace;
        trace_id_of(trace, id);
        struct batch *b = store_trace(w->reader, id);
        assert_int_equal(b ? b->span_count : 0, spans);
        for (uint32_t i = 1; i < spans; i++)
            assert_true(b->spans[i - 1].start_ns <= b->spans[i].start_ns);
        if (b)
            batch_release(b);
    }
}

/* More blocks than are looked up behind the index, so that both ways are taken. */
static void ids_are_found_before_and_after_indexing(void **state)
{
    struct world *w = *state;
    enum { MANY = 20000 };
    struct span_spec specs[500];
    for (uint64_t i = 0; i < MANY; i += 500) {
        for (uint64_t n = 0; n < 500; n++)
            specs[n] = (struct span_spec){
                .trace = i + n + 1, .id = 1, .start = BASE + i + n, .service = "s", .name = "n"};
        write_spans(w->store, specs, 500);
    }
    flush(w->store);
    for (uint64_t trace = 1; trace <= MANY; trace += 97) {
        uint8_t id[16];
        trace_id_of(trace, id);
        struct batch *b = store_trace(w->reader, id);
        assert_non_null(b);
        assert_int_equal(b->span_count, 1);
        batch_release(b);
    }
    struct store_query q = query_all();
    uint64_t traces[100];
    assert_int_equal(found(w, &q, traces), 100);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(traces[i], MANY - i);
}

#define TEST(f)       cmocka_unit_test_setup_teardown(f, begin, end)
#define TEST_SLOTS(f) cmocka_unit_test_setup_teardown(f, begin_many_slots, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fields),
        TEST(tags),
        TEST(all_conditions_on_one_span),
        TEST(a_late_part_moves_its_trace),
        TEST(names_too_long_for_codes_are_found),
        TEST(time_limits_are_kept),
        TEST(answers_are_those_of_a_model),
        TEST_SLOTS(answers_are_those_of_a_model),
        TEST_SLOTS(traces_across_slots_are_whole),
        TEST(ids_are_found_before_and_after_indexing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
