/* Traces from OTLP JSON, as the exporter `file` writes it and as people keep it. */
#include "collector/simulate_traces.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SPAN(trace, span, end)                                                                     \
    "{\"traceId\":\"0000000000000000000000000000000" trace "\",\"spanId\":\"000000000000000" span  \
    "\",\"name\":\"n\",\"endTimeUnixNano\":\"" end "\"}"
#define REQUEST(spans) "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[" spans "]}]}]}"

static struct {
    char ids[32]; /* the last digit of each trace's id */
    uint32_t spans[32];
    unsigned count;
    unsigned stop_at;
    double done;
} seen;

static bool see(void *context, struct batch *trace, double done)
{
    (void)context;
    assert_true(done >= seen.done && done <= 1);
    seen.done = done;
    seen.spans[seen.count] = trace->span_count;
    seen.ids[seen.count++] = (char)('0' + trace->spans[0].trace_id[15]);
    return seen.count != seen.stop_at;
}

static bool read_text(const char *text, struct error *e)
{
    char path[] = "/tmp/simulate-traces-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), strlen(text));
    close(file);
    memset(&seen, 0, sizeof seen);
    *e = (struct error){{0}};
    bool done = traces_of_file(path, see, NULL, e);
    unlink(path);
    assert_int_equal(batch_live_bytes(), 0);
    return done;
}

static void a_trace_is_whole_wherever_its_spans_are(void **state)
{
    (void)state;
    struct error e;
    assert_true(read_text(REQUEST(SPAN("1", "1", "50") "," SPAN("2", "2", "30")) "\n\n" REQUEST(
                              SPAN("3", "3", "40")) "\n" REQUEST(SPAN("2", "4", "10")),
                          &e));
    assert_string_equal(seen.ids, "231");
    assert_int_equal(seen.spans[0], 2);
    assert_int_equal(seen.spans[1], 1);
    assert_int_equal(seen.spans[2], 1);
    assert_true(seen.done == 1);
}

static void a_request_may_take_many_lines(void **state)
{
    (void)state;
    struct error e;
    assert_true(read_text("{\n  \"resourceSpans\": [{\n \"scopeSpans\": [{\"spans\": [\n" SPAN(
                              "1", "1", "5") "\n]}]}]}\n",
                          &e));
    assert_string_equal(seen.ids, "1");
}

static void nothing_is_no_mistake(void **state)
{
    (void)state;
    struct error e;
    assert_true(read_text("{\"resourceSpans\":[]}\n{\"resourceSpans\":[]}\n", &e));
    assert_true(read_text("{\"resourceMetrics\":[]}\n{\"x\":1,\"resource_spans\":[]}\n", &e));
    assert_int_equal(seen.count, 0);
}

static void what_is_no_traces_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"", "but the file is empty"},
        {" \n\n", "but the file is empty"},
        {"{}", "but an empty object was found"},
        {"{\"data\":[{\"spans\":[]}]}", "\"data\" was found, which looks like Jaeger's JSON"},
        {"{\n \"data\": []\n}\n", "\"data\" was found"},
        {"{\"resourceLogs\":[]}\n{}\n", "\"resourceLogs\" was found, which is another signal"},
        {"{\"\\u001b[m\":1}", "\"\\u001b[m\" was found"},
        {"[]", "expected an object"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error e;
        assert_false(read_text(cases[i].text, &e));
        if (!strstr(e.text, cases[i].error))
            fail_msg("\"%s\" lacks \"%s\"", e.text, cases[i].error);
    }
}

static void a_mistake_is_named_by_its_line(void **state)
{
    (void)state;
    struct error e;
    assert_false(read_text(REQUEST(SPAN("1", "1", "5")) "\n{\"resourceSpans\": 7}\n", &e));
    assert_non_null(strstr(e.text, "line 2"));
    assert_int_equal(seen.count, 0);
    assert_false(read_text("{\n\"resourceSpans\": 7\n}", &e));
    assert_non_null(strstr(e.text, "resourceSpans"));
    assert_false(read_text(REQUEST(SPAN("1", "1", "5")) "\n{\"resourceSpans\": [{\"scop", &e));
    assert_false(traces_of_file("/nonexistent/file.json", see, NULL, &e));
    assert_non_null(strstr(e.text, "No such file"));
}

static void a_visitor_may_end_it(void **state)
{
    (void)state;
    struct error e;
    memset(&seen, 0, sizeof seen);
    char path[] = "/tmp/simulate-traces-XXXXXX";
    int file = mkstemp(path);
    const char *text = REQUEST(SPAN("1", "1", "50") "," SPAN("2", "2", "30"));
    assert_int_equal(write(file, text, strlen(text)), strlen(text));
    close(file);
    seen.stop_at = 1;
    assert_false(traces_of_file(path, see, NULL, &e));
    assert_int_equal(seen.count, 1);
    unlink(path);
    assert_int_equal(batch_live_bytes(), 0);
}

static void no_store_is_an_error(void **state)
{
    (void)state;
    struct error e;
    assert_false(traces_of_store("/nonexistent/store", see, NULL, &e));
    assert_non_null(strstr(e.text, "/nonexistent/store"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trace_is_whole_wherever_its_spans_are),
        cmocka_unit_test(a_request_may_take_many_lines),
        cmocka_unit_test(nothing_is_no_mistake),
        cmocka_unit_test(what_is_no_traces_is_told),
        cmocka_unit_test(a_mistake_is_named_by_its_line),
        cmocka_unit_test(a_visitor_may_end_it),
        cmocka_unit_test(no_store_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
