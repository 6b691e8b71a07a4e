/* The exporter around the store: its keys, its health, its counts. */
#include "fixture.h"

#include "component/config.h"
#include "component/lane.h"
#include "component/telemetry.h"
#include "storage/sqlite_exporter.h"
#include "storage/store_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BASE (1700000000ull * SEC)

/* A map of scalars, without YAML. */
struct settings {
    struct config_value map;
    struct config_value pairs[4];
};

static void set(struct settings *s, size_t i, const char *key, const char *text)
{
    s->map.type = CONFIG_MAP;
    s->map.file = "test.yaml";
    s->pairs[i] = (struct config_value){.type = CONFIG_SCALAR,
                                        .key = key,
                                        .text = text,
                                        .file = "test.yaml",
                                        .line = (int)i + 1,
                                        .parent = &s->map};
    if (i)
        s->pairs[i - 1].next = &s->pairs[i];
    s->map.children = s->pairs;
}

struct world {
    struct settings settings;
    struct telemetry *telemetry;
    struct component_spec spec;
    char *directory;
};

static int begin(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    w->directory = make_directory();
    w->telemetry = telemetry_create();
    w->settings.map.type = CONFIG_NULL;
    w->spec = (struct component_spec){.kind = &sqlite_exporter,
                                      .id = "sqlite",
                                      .config = &w->settings.map,
                                      .lane_count = 1,
                                      .telemetry = w->telemetry,
                                      .data_directory = w->directory};
    *state = w;
    return 0;
}

static int end(void **state)
{
    struct world *w = *state;
    char *traces;
    assert_true(asprintf(&traces, "%s/traces", w->directory) > 0);
    remove_directory(traces);
    remove_directory(w->directory);
    telemetry_destroy(w->telemetry);
    free(w);
    return 0;
}

static struct component *made(struct world *w)
{
    struct error e = {{0}};
    struct component *c = sqlite_exporter.create(&w->spec, &e);
    assert_string_equal(e.text, "");
    assert_non_null(c);
    if (!c->ops->start(c, &e))
        fail_msg("%s", e.text);
    return c;
}

static void ended(struct component *c)
{
    c->ops->drain(c, monotonic_ns() + 60 * SEC);
    c->ops->stop(c);
    c->ops->destroy(c);
}

static struct outcome consume(struct component *c, uint64_t trace, size_t filler)
{
    struct span_spec spec = {.trace = trace,
                             .id = 1,
                             .start = BASE,
                             .service = "s",
                             .name = "n",
                             .filler_bytes = filler};
    return c->ops->consume(c, batch_of(&spec, 1), NULL);
}

static bool exposed(struct world *w, const char *line)
{
    struct buffer b = {0};
    telemetry_write(w->telemetry, &b);
    buffer_append_byte(&b, 0);
    assert_false(b.failed);
    bool there = strstr((const char *)b.data, line) != NULL;
    buffer_free(&b);
    return there;
}

static void spans_reach_the_store(void **state)
{
    struct world *w = *state;
    uint8_t id[16];
    struct component *c = made(w);
    assert_int_equal(component_report(c).state, STATE_OK);
    assert_int_equal(consume(c, 1, 0).verdict, VERDICT_ACCEPTED);
    c->ops->drain(c, monotonic_ns() + 60 * SEC);
    struct store_reader *r = store_reader_open(sqlite_exporter_store(c));
    trace_id_of(1, id);
    struct batch *b = store_trace(r, id);
    assert_non_null(b);
    batch_release(b);
    store_reader_close(r);
    assert_true(exposed(w, "otelcol_exporter_sent_spans{exporter=\"sqlite\"} 1\n"));
    assert_true(exposed(w, "otelcol_exporter_queue_capacity{exporter=\"sqlite\"} 67108864\n"));
    ended(c);
}

static void keys_are_checked(void **state)
{
    static const struct {
        const char *key;
        const char *text;
        const char *error;
    } wrong[] = {{"max_age", "0s", "max_age"},      {"max_bytes", "1MiB", "16MiB"},
                 {"queue_bytes", "1", "1MiB"},      {"slot", "1s", "slot"},
                 {"slot", "1ms", "slot"},           {"max_age", "soon", "max_age"},
                 {"directroy", "/tmp", "directroy"}};
    struct world *w = *state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct error e = {{0}};
        set(&w->settings, 0, wrong[i].key, wrong[i].text);
        assert_null(sqlite_exporter.create(&w->spec, &e));
        assert_non_null(strstr(e.text, wrong[i].error));
    }
}

static void a_directory_of_ones_own(void **state)
{
    struct world *w = *state;
    char *own;
    size_t count;
    assert_true(asprintf(&own, "%s/own/deep", w->directory) > 0);
    set(&w->settings, 0, "directory", own);
    struct component *c = made(w);
    consume(c, 1, 0);
    ended(c);
    char **paths = slot_paths(own, ".sqlite", &count);
    assert_int_equal(count, 1);
    free_paths(paths, count);
    remove_directory(own);
    assert_true(asprintf(&own, "%s/own", w->directory) > 0);
    remove_directory(own);
}

static void a_full_disk_degrades_and_heals(void **state)
{
    struct world *w = *state;
    struct component *c = made(w);
    struct store *s = sqlite_exporter_store(c);
    consume(c, 1, 0);
    c->ops->drain(c, monotonic_ns() + 60 * SEC);
    store_limit_pages(s, 20);
    assert_int_equal(consume(c, 2, 4 << 20).verdict, VERDICT_ACCEPTED);
    c->ops->drain(c, monotonic_ns() + 60 * SEC);
    struct component_report report = component_report(c);
    assert_int_equal(report.state, STATE_DEGRADED);
    assert_non_null(strstr(report.error, "full"));
    assert_true(exposed(w, "otelcol_exporter_send_failed_spans{exporter=\"sqlite\"} 1\n"));
    assert_true(exposed(
        w, "tailspan_exporter_dropped_spans{exporter=\"sqlite\",reason=\"write_failed\"} 1\n"));
    store_limit_pages(s, 0);
    consume(c, 3, 0);
    c->ops->drain(c, monotonic_ns() + 60 * SEC);
    assert_int_equal(component_report(c).state, STATE_OK);
    ended(c);
}

/* Out of service for it, the process gets no spans whose writing could show that there is room. */
static void a_full_disk_heals_without_spans(void **state)
{
    struct world *w = *state;
    struct component *c = made(w);
    struct store *s = sqlite_exporter_store(c);
    consume(c, 1, 0);
    c->ops->drain(c, monotonic_ns() + 60 * SEC);
    store_limit_pages(s, 20);
    consume(c, 2, 4 << 20);
    c->ops->drain(c, monotonic_ns() + 60 * SEC);
    usleep(1500000); /* probes fail as writes do */
    assert_int_equal(component_report(c).state, STATE_DEGRADED);
    store_limit_pages(s, 0);
    while (component_report(c).state != STATE_OK)
        usleep(10000);
    struct store_reader *r = store_reader_open(s);
    struct store_query q = query_all();
    struct store_results results;
    struct error e;
    assert_true(store_search(r, &q, UINT64_MAX, &results, &e));
    assert_int_equal(results.count, 1); /* nothing of the probes */
    store_results_free(&results);
    store_reader_close(r);
    consume(c, 3, 0);
    c->ops->drain(c, monotonic_ns() + 60 * SEC);
    assert_true(exposed(w, "otelcol_exporter_sent_spans{exporter=\"sqlite\"} 2\n"));
    ended(c);
}

static void a_full_queue_degrades_and_heals(void **state)
{
    struct world *w = *state;
    set(&w->settings, 0, "queue_bytes", "1MiB");
    set(&w->settings, 1, "flush_interval", "1h");
    struct component *c = made(w);
    consume(c, 1, 400 << 10);
    assert_int_equal(component_report(c).state, STATE_OK);
    assert_int_equal(consume(c, 2, 900 << 10).verdict, VERDICT_BUSY); /* its sender keeps it */
    assert_int_equal(component_report(c).state, STATE_DEGRADED);
    assert_true(exposed(w, "otelcol_exporter_enqueue_failed_spans{exporter=\"sqlite\"} 0\n"));
    assert_true(exposed(w, "tailspan_exporter_refused_spans{exporter=\"sqlite\"} 1\n"));
    c->ops->drain(c, monotonic_ns() + 60 * SEC);
    assert_int_equal(component_report(c).state, STATE_OK);
    ended(c);
}

static void an_unusable_directory_fails_the_start(void **state)
{
    struct world *w = *state;
    struct error e = {{0}};
    set(&w->settings, 0, "directory", "/proc/none");
    struct component *c = sqlite_exporter.create(&w->spec, &e);
    assert_non_null(c);
    assert_false(c->ops->start(c, &e));
    assert_non_null(strstr(e.text, "/proc/none"));
    c->ops->destroy(c);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(spans_reach_the_store),
        TEST(keys_are_checked),
        TEST(a_directory_of_ones_own),
        TEST(a_full_disk_degrades_and_heals),
        TEST(a_full_disk_heals_without_spans),
        TEST(a_full_queue_degrades_and_heals),
        TEST(an_unusable_directory_fails_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
