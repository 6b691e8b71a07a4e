/* The history of a span_metrics connector: what its steps hold, and how it is bounded. */
#include "metrics/history_keeper.h"

#include "tests/unit/metrics/rig.h"

#define SERVER SPAN_KIND_SERVER
#define CLIENT SPAN_KIND_CLIENT

struct reader {
    struct history_visitor visitor;
    struct history *history;
    const char *service; /* NULL: all are wanted */
    struct buffer text;
    uint64_t records;
};

static bool wants(struct history_visitor *v, const struct history_entry *entry)
{
    const char *service = ((struct reader *)v)->service;
    return !service || bytes_equal_string(entry->service, service);
}

static void keep(struct history_visitor *v, const struct history_record *r)
{
    struct reader *reader = (struct reader *)v;
    reader->records++;
    buffer_printf(&reader->text, "%llu-%llu %.*s/%.*s/%u %llu %llu",
                  (unsigned long long)(r->begin_ns / SEC), (unsigned long long)(r->end_ns / SEC),
                  (int)r->entry->service.len, r->entry->service.data, (int)r->entry->operation.len,
                  r->entry->operation.data, r->entry->kind, (unsigned long long)r->calls,
                  (unsigned long long)r->errors);
    for (size_t i = 0; i <= history_bound_count(reader->history); i++) {
        if (r->buckets[i] > 0)
            buffer_printf(&reader->text, " %g:%llu",
                          i < history_bound_count(reader->history)
                              ? history_bounds(reader->history)[i]
                              : INFINITY,
                          (unsigned long long)r->buckets[i]);
    }
    buffer_append_byte(&reader->text, '\n');
}

static const char *steps(struct history *h, const char *service, uint64_t from, uint64_t to)
{
    struct reader r = {.visitor = {wants, keep}, .history = h, .service = service};
    assert_true(history_visit(h, from * SEC, to * SEC, &r.visitor));
    buffer_append_byte(&r.text, 0);
    char *kept = kept_text((const char *)r.text.data);
    buffer_free(&r.text);
    return kept;
}

static struct history *history_of(struct rig *r, uint64_t begin)
{
    struct error e;
    struct history *h = span_metrics_history(r->connector, &e);
    if (!h)
        fail_msg("%s", e.text);
    assert_ptr_equal(span_metrics_history(r->connector, &e), h);
    history_step(h, begin * SEC);
    return h;
}

/* Statuses and dimensions are summed up; a step without spans has no record. */
static void a_step_holds_what_was_added(void **state)
{
    (void)state;
    struct rig r = rig_open(&span_metrics_connector, "{'dimensions':[{'name':'d'}]}");
    struct history *h = history_of(&r, 100);
    SEND(&r, SPAN("a", "op", SERVER, 0, 3 * MS, 1, 1, 0),
         SPAN("a", "op", SERVER, SPAN_STATUS_ERROR, 3 * MS, 1, 2, 0),
         {"a", "op", SERVER, .attributes = "d=1", .id = 3, .duration_ns = 20 * SEC},
         SPAN("a", "op", CLIENT, 0, 3 * MS, 1, 4, 0));
    history_step(h, 160 * SEC);
    history_step(h, 220 * SEC);
    SEND(&r, SPAN("a", "op", SERVER, 0, 3 * MS, 1, 1, 0), SPAN("b", "op", SERVER, 0, 0, 1, 1, 0));
    history_step(h, 280 * SEC);
    assert_string_equal(steps(h, "a", 0, 1000), "100-160 a/op/2 3 1 0.004:2 inf:1\n"
                                                "100-160 a/op/3 1 0 0.004:1\n"
                                                "220-280 a/op/2 1 0 0.004:1\n");
    assert_string_equal(steps(h, NULL, 160, 280), "220-280 a/op/2 1 0 0.004:1\n"
                                                  "220-280 b/op/2 1 0 0.002:1\n");
    assert_string_equal(steps(h, NULL, 160, 279), "");
    rig_close(&r);
}

static void old_steps_go(void **state)
{
    (void)state;
    struct rig r = rig_open(&span_metrics_connector, "{'history':{'step':'60s','retention':'2m'}}");
    struct history *h = history_of(&r, 60);
    for (uint64_t at = 120; at <= 600; at += 60) {
        SEND(&r, SPAN("a", "op", SERVER, 0, 0, 1, 1, 0));
        history_step(h, at * SEC);
    }
    assert_string_equal(steps(h, NULL, 0, 1000), "420-480 a/op/2 1 0 0.002:1\n"
                                                 "480-540 a/op/2 1 0 0.002:1\n"
                                                 "540-600 a/op/2 1 0 0.002:1\n");
    rig_close(&r);
}

/* New operations all the time: the history gets shorter, and not larger. */
static void bytes_are_bounded(void **state)
{
    (void)state;
    struct rig r = rig_open(&span_metrics_connector,
                            "{'history':{'max_bytes':'64KiB'},'series_expiration':'1ms'}");
    struct history *h = history_of(&r, 60);
    struct reader reader = {.visitor = {wants, keep}, .history = h};
    char names[100][24];
    for (uint64_t at = 1; at <= 100; at++) {
        struct test_span spans[100];
        for (int i = 0; i < 100; i++) {
            snprintf(names[i], sizeof names[i], "op-%llu-%d", (unsigned long long)at, i);
            spans[i] = (struct test_span){"a", names[i], SERVER, .id = 1};
        }
        rig_send(&r, spans, 100);
        history_step(h, (60 + at * 60) * SEC);
    }
    assert_true(history_visit(h, 0, UINT64_MAX, &reader.visitor));
    assert_in_range(reader.records, 100, 1500);
    buffer_free(&reader.text);
    rig_close(&r);
}

static void exponential_histograms_have_steps_too(void **state)
{
    (void)state;
    struct rig r =
        rig_open(&span_metrics_connector, "{'histogram':{'exponential':{'max_size':160}}}");
    struct history *h = history_of(&r, 60);
    SEND(&r, SPAN("a", "op", SERVER, 0, 3 * MS, 1, 1, 0), SPAN("a", "op", SERVER, 0, 0, 1, 1, 0),
         SPAN("a", "op", SERVER, 0, 300 * MS, 1, 1, 0));
    history_step(h, 120 * SEC);
    assert_string_equal(steps(h, NULL, 0, 1000), "60-120 a/op/2 3 0 0.002:1 0.004:1 0.4:1\n");
    rig_close(&r);
}

static void no_history_without_what_it_is_made_of(void **state)
{
    (void)state;
    static const char *const configs[] = {"{'history':{'enabled':false}}",
                                          "{'histogram':{'disable':true}}",
                                          "{'exclude_dimensions':['span.name']}"};
    struct error e;
    for (size_t i = 0; i < 3; i++) {
        struct rig r = rig_open(&span_metrics_connector, configs[i]);
        assert_null(span_metrics_history(r.connector, &e));
        assert_non_null(strstr(e.text, "no history"));
        rig_close(&r);
    }
    struct rig r = rig_open(&service_graph_connector, "{}");
    assert_null(span_metrics_history(r.connector, &e));
    rig_close(&r);
}

static bool wants_all(struct history_visitor *v, const struct history_entry *entry)
{
    (void)v;
    (void)entry;
    return true;
}

static void note_calls(struct history_visitor *v, const struct history_record *record)
{
    ((struct reader *)v)->records += record->calls;
}

/* The thread that connectors start ends its steps by itself. */
static void a_thread_takes_the_steps(void **state)
{
    (void)state;
    struct error e;
    struct rig r = rig_open(&span_metrics_connector, "{'history':{'step':'1s'}}");
    struct history *h = span_metrics_history(r.connector, &e);
    assert_true(r.connector->ops->start(r.connector, &e));
    SEND(&r, SPAN("a", "op", SERVER, 0, 0, 1, 1, 0));
    struct reader reader = {.visitor = {wants_all, note_calls}};
    while (reader.records == 0)
        assert_true(history_visit(h, 0, UINT64_MAX, &reader.visitor));
    assert_int_equal(reader.records, 1);
    r.connector->ops->stop(r.connector);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_holds_what_was_added),
        cmocka_unit_test(old_steps_go),
        cmocka_unit_test(bytes_are_bounded),
        cmocka_unit_test(exponential_histograms_have_steps_too),
        cmocka_unit_test(no_history_without_what_it_is_made_of),
        cmocka_unit_test(a_thread_takes_the_steps),
    };
    return cmocka_run_group_tests(tests, NULL, rig_teardown);
}
