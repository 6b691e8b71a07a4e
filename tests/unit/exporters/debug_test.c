/* The debug and nop exporters: what is shown, how often, and that all is counted. */
#include "local.h"
#include "tests/unit/captured_stderr.h"
#include "tests/unit/prometheus/source.h"

#include "exporters/exporters.h"

#include <fcntl.h>

static void consume(struct component *c, int times)
{
    for (int i = 0; i < times; i++)
        component_consume(c, spans_from(1, 2), NULL);
}

/* A shop's metrics, once, at the end. `times`: 0 when there are more than memory to show them. */
static void take_metrics(struct component *c, int times)
{
    struct error e;
    struct test_source shop = shop_source();
    shop.short_of_memory = times == 0;
    assert_true(c->ops->take_metrics(c, &shop.source));
    assert_true(c->ops->start(c, &e));
    c->ops->drain(c, seconds_from_now(60));
}

/* What it writes to standard error when it is handed something. */
static char *shown_of(struct surroundings *s, const struct config_value *config,
                      void (*hand)(struct component *c, int times), int times)
{
    struct error e = {0};
    s->spec.config = config;
    struct component *c = debug_exporter.create(&s->spec, &e);
    assert_string_equal(e.text, "");
    assert_non_null(c);
    struct captured_stderr captured = capture_stderr();
    hand(c, times);
    char *text = captured_text(&captured);
    c->ops->destroy(c);
    return text;
}

/* What `consume` of `times` batches of 2 spans writes. */
static char *shown(struct surroundings *s, const struct config_value *config, int times)
{
    return shown_of(s, config, consume, times);
}

static size_t lines_in(const char *text)
{
    size_t n = 0;
    for (; (text = strchr(text, '\n')); text++)
        n++;
    return n;
}

static void basic_says_how_many(void **state)
{
    (void)state;
    struct surroundings s;
    local_open(&s, &debug_exporter, "debug");
    char *text = shown(&s, CONFIG(), 1);
    assert_non_null(strstr(text, "traces"));
    assert_int_equal(lines_in(text), 1);
    free(text);
    assert_int_equal(count_of(&s, "otelcol_exporter_sent_spans"), 2);
    assert_int_equal(batch_live_bytes(), 0);
    local_close(&s);
}

static void normal_prints_a_line_a_span(void **state)
{
    (void)state;
    struct surroundings s;
    local_open(&s, &debug_exporter, "debug");
    char *text = shown(&s, CONFIG("verbosity=normal"), 1);
    char expected[512];
    size_t len = 0;
    struct batch *b = spans_from(1, 2);
    for (uint32_t i = 0; i < 2; i++)
        len += (size_t)snprintf(expected + len, sizeof expected - len,
                                "07000000000000000000000000000000 00000000000000%02x unspecified "
                                "unset 0.001ms \"\" \"a name\"\n",
                                b->spans[i].span_id[7]);
    batch_release(b);
    assert_string_equal(text, expected);
    free(text);
    local_close(&s);
}

static void detailed_prints_all_of_it(void **state)
{
    (void)state;
    struct surroundings s;
    local_open(&s, &debug_exporter, "debug");
    char *text = shown(&s, CONFIG("verbosity=detailed"), 1);
    assert_non_null(strstr(text, "\"spanId\": \"0000000000000002\""));
    assert_non_null(strstr(text, "\"startTimeUnixNano\": \"1000\""));
    free(text);
    local_close(&s);
}

static void sampling_shows_the_first_ones(void **state)
{
    (void)state;
    struct surroundings s;
    local_open(&s, &debug_exporter, "debug");
    char *text =
        shown(&s, CONFIG("verbosity=normal", "sampling_initial=0", "sampling_thereafter=0"), 5);
    assert_string_equal(text, "");
    free(text);
    text = shown(&s, CONFIG("verbosity=normal", "sampling_initial=0", "sampling_thereafter=1"), 5);
    assert_int_equal(lines_in(text), 10);
    free(text);
    assert_int_equal(count_of(&s, "otelcol_exporter_sent_spans"), 20);
    local_close(&s);
}

static void unknown_verbosity_is_an_error(void **state)
{
    (void)state;
    struct surroundings s;
    local_open(&s, &debug_exporter, "debug");
    struct error e = {0};
    s.spec.config = CONFIG("verbosity=loud");
    assert_null(debug_exporter.create(&s.spec, &e));
    assert_non_null(strstr(e.text, "basic, normal, detailed"));
    local_close(&s);
}

static void metrics_are_shown_likewise(void **state)
{
    (void)state;
    struct surroundings s;
    local_open(&s, &debug_exporter, "debug");
    char *text = shown_of(&s, CONFIG(), take_metrics, 1);
    assert_int_equal(lines_in(text), 1);
    assert_non_null(strstr(text, "\"points\":4"));
    free(text);
    text = shown_of(&s, CONFIG("verbosity=normal"), take_metrics, 1);
    assert_string_equal(text, "traces.span.metrics.calls 7 \"span.name\"=\"GET /\" "
                              "\"span.kind\"=\"SPAN_KIND_SERVER\"\n"
                              "traces.span.metrics.duration count=7 sum=12.25 "
                              "\"span.name\"=\"GET /\" \"span.kind\"=\"SPAN_KIND_SERVER\"\n"
                              "traces.span.metrics.fine count=6 sum=3 "
                              "\"span.name\"=\"GET /\" \"span.kind\"=\"SPAN_KIND_SERVER\"\n"
                              "queue.length -0.5 "
                              "\"span.name\"=\"GET /\" \"span.kind\"=\"SPAN_KIND_SERVER\"\n");
    free(text);
    text = shown_of(&s, CONFIG("verbosity=detailed"), take_metrics, 1);
    assert_non_null(strstr(text, "\"asInt\": \"7\""));
    free(text);
    assert_int_equal(count_of(&s, "otelcol_exporter_sent_metric_points"), 12);
    local_close(&s);
}

static void metrics_that_are_not_shown_are_counted(void **state)
{
    (void)state;
    struct surroundings s;
    local_open(&s, &debug_exporter, "debug");
    free(shown_of(&s, CONFIG(), take_metrics, 0));
    free(shown_of(&s, CONFIG("verbosity=detailed"), take_metrics, 0));
    assert_int_equal(count_of(&s, "otelcol_exporter_sent_metric_points"), 8);
    assert_int_equal(count_of(&s, "otelcol_exporter_enqueue_failed_metric_points"), 2);
    local_close(&s);
}

static void nop_counts_and_releases(void **state)
{
    (void)state;
    struct surroundings s;
    local_open(&s, &nop_exporter, "nop");
    struct error e = {0};
    s.spec.config = CONFIG("x=1");
    assert_null(nop_exporter.create(&s.spec, &e));
    s.spec.config = CONFIG();
    struct component *c = nop_exporter.create(&s.spec, &e);
    assert_non_null(c);
    assert_int_equal(component_consume(c, spans_from(0, 5), NULL).verdict, VERDICT_ACCEPTED);
    assert_int_equal(count_of(&s, "otelcol_exporter_sent_spans"), 5);
    assert_int_equal(batch_live_bytes(), 0);
    c->ops->destroy(c);
    local_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(basic_says_how_many),
        cmocka_unit_test(normal_prints_a_line_a_span),
        cmocka_unit_test(detailed_prints_all_of_it),
        cmocka_unit_test(sampling_shows_the_first_ones),
        cmocka_unit_test(unknown_verbosity_is_an_error),
        cmocka_unit_test(metrics_are_shown_likewise),
        cmocka_unit_test(metrics_that_are_not_shown_are_counted),
        cmocka_unit_test(nop_counts_and_releases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
