/* The order in which components stand, and graphs that have none. */
#include "surroundings.h"

enum { SEEN_MAX = 32 };

struct seen {
    const char *ids[SEEN_MAX];
    struct component *components[SEEN_MAX];
    size_t count;
};

static void see(void *context, struct component *c)
{
    struct seen *s = context;
    assert_true(s->count < SEEN_MAX);
    s->ids[s->count] = c->id;
    s->components[s->count++] = c;
}

static size_t place(const struct seen *s, const char *id)
{
    size_t found = SEEN_MAX;
    for (size_t i = 0; i < s->count; i++) {
        if (strcmp(s->ids[i], id) != 0)
            continue;
        assert_int_equal(found, SEEN_MAX); /* once */
        found = i;
    }
    assert_int_not_equal(found, SEEN_MAX);
    return found;
}

static void before(const struct seen *s, const char *first, const char *second)
{
    if (place(s, first) >= place(s, second))
        fail_msg("%s does not come before %s", first, second);
}

/* Pipelines in the worst order, a connector that two lead to, an exporter that three share. */
static void suppliers_come_before_consumers(void **state)
{
    (void)state;
    struct surroundings s;
    surroundings_open(
        &s, RECEIVER
        "processors: {batch/a: , batch/b: , batch/c: , batch/d: }\n"
        "connectors: {forward/1: , forward/2: , forward/3: }\n"
        "exporters: {nop: , nop/last: }\n"
        "extensions: {health_check: {endpoint: '127.0.0.1:0'}}\n"
        "service:\n"
        "  extensions: [health_check]\n"
        "  pipelines:\n"
        "    traces/d: {receivers: [forward/3], processors: [batch/d], exporters: [nop/last, "
        "nop]}\n"
        "    traces/c: {receivers: [forward/2], processors: [batch/c], exporters: [forward/3, "
        "nop]}\n"
        "    traces/b: {receivers: [forward/1], processors: [batch/b], exporters: [forward/3]}\n"
        "    traces/a: {receivers: [otlp], processors: [batch/a], exporters: [forward/1, "
        "forward/2, nop]}\n");
    if (!s.graph)
        fail_msg("%s", s.error.text);
    struct seen seen = {0};
    graph_each(s.graph, see, &seen);
    assert_int_equal(seen.count, 11);
    static const char *const edges[][2] = {
        {"otlp", "batch/a"},          {"batch/a", "forward/1"}, {"batch/a", "forward/2"},
        {"batch/a", "nop"},           {"forward/1", "batch/b"}, {"batch/b", "forward/3"},
        {"forward/2", "batch/c"},     {"batch/c", "forward/3"}, {"batch/c", "nop"},
        {"forward/3", "batch/d"},     {"batch/d", "nop/last"},  {"batch/d", "nop"},
        {"nop/last", "health_check"}, {"nop", "health_check"},
    };
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++)
        before(&seen, edges[i][0], edges[i][1]);
    assert_ptr_equal(seen.components[place(&seen, "otlp")]->next,
                     seen.components[place(&seen, "batch/a")]);
    assert_ptr_equal(seen.components[place(&seen, "batch/b")]->next,
                     seen.components[place(&seen, "forward/3")]);
    assert_null(seen.components[place(&seen, "nop")]->next);
    surroundings_close(&s);
}

static void processors_exist_once_a_pipeline(void **state)
{
    (void)state;
    struct surroundings s;
    surroundings_open(
        &s,
        RECEIVER "processors: {batch: }\nexporters: {nop: , nop/2: }\n"
                 "service:\n  pipelines:\n"
                 "    traces: {receivers: [otlp], processors: [batch], exporters: [nop]}\n"
                 "    traces/2: {receivers: [otlp], processors: [batch], exporters: [nop/2]}\n");
    assert_non_null(s.graph);
    struct seen seen = {0};
    graph_each(s.graph, see, &seen);
    assert_int_equal(seen.count, 5);
    size_t batches = 0;
    for (size_t i = 0; i < seen.count; i++)
        batches += strcmp(seen.ids[i], "batch") == 0;
    assert_int_equal(batches, 2);
    before(&seen, "otlp", "nop");
    before(&seen, "otlp", "nop/2");
    surroundings_close(&s);
}

static void is_a_cycle(const char *pipelines)
{
    char yaml[2048];
    struct surroundings s;
    snprintf(yaml, sizeof yaml,
             RECEIVER "processors: {batch: }\nexporters: {nop: }\n"
                      "connectors: {forward/1: , forward/2: , forward/3: }\n"
                      "service:\n  pipelines:\n%s",
             pipelines);
    surroundings_open(&s, yaml);
    assert_null(s.graph);
    if (!strstr(s.error.text, "the pipelines form a cycle through"))
        fail_msg("%s", s.error.text);
    surroundings_close(&s);
}

static void cycles_are_refused(void **state)
{
    (void)state;
    is_a_cycle("    traces: {receivers: [otlp, forward/1], exporters: [forward/1, nop]}\n"
               "    traces/2: {receivers: [forward/2], exporters: [forward/3]}\n"
               "    traces/3: {receivers: [forward/3, otlp], exporters: [forward/2]}\n");
    /* With processors on the way, and a way out of it. */
    is_a_cycle("    traces: {receivers: [otlp], exporters: [forward/1]}\n"
               "    traces/1: {receivers: [forward/1, forward/3], processors: [batch], "
               "exporters: [nop, forward/2]}\n"
               "    traces/2: {receivers: [forward/2], processors: [batch], "
               "exporters: [forward/3]}\n");
    /* That no receiver leads to. */
    is_a_cycle("    traces: {receivers: [otlp], exporters: [nop]}\n"
               "    traces/1: {receivers: [forward/1], exporters: [forward/2]}\n"
               "    traces/2: {receivers: [forward/2], exporters: [forward/3]}\n"
               "    traces/3: {receivers: [forward/3], exporters: [forward/1]}\n");
}

static void all_run_and_all_end(void **state)
{
    (void)state;
    struct surroundings s;
    surroundings_open(&s, RECEIVER "connectors: {forward: }\nexporters: {nop: }\n"
                                   "service:\n  pipelines:\n"
                                   "    traces: {receivers: [otlp], exporters: [forward]}\n"
                                   "    traces/2: {receivers: [forward], exporters: [nop]}\n");
    assert_non_null(s.graph);
    assert_int_equal(graph_phase(s.graph), GRAPH_STARTING);
    assert_int_equal(graph_started_ns(s.graph), 0);
    if (!graph_start(s.graph, &s.error))
        fail_msg("%s", s.error.text);
    assert_int_equal(graph_phase(s.graph), GRAPH_RUNNING);
    assert_true(graph_started_ns(s.graph) > 0);
    struct seen seen = {0};
    graph_each(s.graph, see, &seen);
    for (size_t i = 0; i < seen.count; i++)
        assert_int_equal(component_report(seen.components[i]).state, STATE_OK);
    graph_stop(s.graph, monotonic_ns() + 60000000000u);
    assert_int_equal(graph_phase(s.graph), GRAPH_STOPPING);
    for (size_t i = 0; i < seen.count; i++)
        assert_int_equal(component_report(seen.components[i]).state, STATE_STOPPED);
    surroundings_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(suppliers_come_before_consumers),
        cmocka_unit_test(processors_exist_once_a_pipeline),
        cmocka_unit_test(cycles_are_refused),
        cmocka_unit_test(all_run_and_all_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
