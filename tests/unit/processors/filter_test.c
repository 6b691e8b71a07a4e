/* The filter: which spans and events go, what is passed on untouched, what is refused. */
#include "tests/unit/captured_stderr.h"
#include "tests/unit/processors/pipe.h"

#include <stdio.h>

#define SPANS                                                                                      \
    "{'name':'a','events':[{'name':'e'},{'name':'f'}]},"                                           \
    "{'name':'b','events':[{'name':'f'}]},"                                                        \
    "{'name':'c','attributes':[{'key':'n','value':{'intValue':'3'}}]},"                            \
    "{'name':'d','events':[{'name':'e'}]}"

static const struct {
    const char *config;
    const char *left;
} cases[] = {
    {"{}", "a(e f) b(f) c d(e)"},
    {"{'traces':{'span':['name == `b`']}}", "a(e f) c d(e)"},
    {"{'traces':{'span':['name == `b`','attributes[`n`] == 3']}}", "a(e f) d(e)"},
    {"{'traces':{'span':['resource.attributes[`r`] == `s`']}}", ""},
    {"{'traces':{'spanevent':['name == `e`']}}", "a(f) b(f) c d"},
    {"{'traces':{'spanevent':['name == `e`','span.name == `b`']}}", "a(f) b c d"},
    {"{'traces':{'span':['name == `a`'],'spanevent':['name == `e`']}}", "b(f) c d"},
    {"{'trace_conditions':['span.name == `b`','spanevent.name == `e`']}", "a(f) c d"},
    {"{'trace_conditions':[{'conditions':['span.name == `b`']},"
     "{'context':'spanevent','conditions':['name == `e`']}]}",
     "a(f) c d"},
};

static void what_hits_goes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pipe *p = pipe_open(&filter_processor, cases[i].config);
        struct batch *b = trace_of("{'key':'r','value':{'stringValue':'s'}}", SPANS);
        assert_int_equal(pipe_send(p, b), VERDICT_ACCEPTED);
        assert_string_equal(names_of(p->received), cases[i].left);
        pipe_close(p);
    }
    assert_int_equal(batch_live_bytes(), 0);
}

static void what_went_is_counted(void **state)
{
    (void)state;
    struct pipe *p = pipe_open(&filter_processor, "{'traces':{'span':['name != `a`']}}");
    pipe_send(p, trace_of("", SPANS));
    pipe_send(p, trace_of("", "{'name':'z'}"));
    assert_counted(p, "otelcol_processor_filter_spans_filtered{filter=\"x\"} 4\n");
    assert_counted(p, "incoming_items{processor=\"x\",otel_signal=\"traces\"} 5\n");
    assert_counted(p, "outgoing_items{processor=\"x\",otel_signal=\"traces\"} 1\n");
    pipe_close(p);
}

static void a_batch_without_a_hit_is_the_same_one(void **state)
{
    (void)state;
    struct pipe *p = pipe_open(&filter_processor, "{'traces':{'span':['name == `z`'],"
                                                  "'spanevent':['name == `z`']}}");
    struct batch *b = trace_of("", SPANS);
    pipe_send(p, b);
    assert_ptr_equal(p->received, b);
    assert_true(b->request.len > 0);
    pipe_close(p);
}

static void others_do_not_see_what_went(void **state)
{
    (void)state;
    struct pipe *p = pipe_open(&filter_processor, "{'traces':{'spanevent':['name == `e`']}}");
    struct batch *b = trace_of("", SPANS);
    pipe_send(p, batch_retain(b));
    assert_string_equal(names_of(p->received), "a(f) b(f) c d");
    assert_string_equal(names_of(b), "a(e f) b(f) c d(e)");
    assert_true(b->request.len > 0);
    batch_release(b);
    pipe_close(p);
}

/* A list has no text to match. */
static void errors_follow_their_mode(void **state)
{
    (void)state;
    static const char spans[] = "{'name':'a','attributes':[{'key':'l','value':{'arrayValue':{}}}]},"
                                "{'name':'b'}";
    static const struct {
        const char *config;
        enum verdict verdict;
        const char *left;
    } modes[] = {
        {"{'error_mode':'ignore','traces':{'span':['IsMatch(attributes[`l`], `x`)',"
         "'name == `b`']}}",
         VERDICT_ACCEPTED, "a"},
        {"{'error_mode':'silent','traces':{'span':['IsMatch(attributes[`l`], `x`)']}}",
         VERDICT_ACCEPTED, "a b"},
        {"{'error_mode':'propagate','traces':{'span':['IsMatch(attributes[`l`], `x`)']}}",
         VERDICT_REJECTED, ""},
        {"{'error_mode':'propagate','traces':{'span':['name == `a`',"
         "'IsMatch(attributes[`l`], `x`)']}}",
         VERDICT_ACCEPTED, "b"},
        {"{'error_mode':'propagate','trace_conditions':[{'error_mode':'silent',"
         "'conditions':['IsMatch(span.attributes[`l`], `x`)']}]}",
         VERDICT_ACCEPTED, "a b"},
    };
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct pipe *p = pipe_open(&filter_processor, modes[i].config);
        assert_int_equal(pipe_send(p, trace_of("", spans)), modes[i].verdict);
        assert_string_equal(names_of(p->received), modes[i].left);
        pipe_close(p);
    }
}

/* The first at once, what follows at the end. */
static void errors_are_told_seldom(void **state)
{
    (void)state;
    static const char spans[] = "{'name':'a','attributes':[{'key':'l','value':{'arrayValue':{}}}]}";
    char last[1024] = "";
    struct captured_stderr captured = capture_stderr();
    struct pipe *p =
        pipe_open(&filter_processor, "{'traces':{'span':['IsMatch(attributes[`l`], `x`)']"
                                     "},'error_mode':'ignore'}");
    for (unsigned i = 0; i < 5; i++)
        pipe_send(p, trace_of("", spans));
    pipe_close(p);
    char *text = captured_text(&captured);
    assert_int_equal(lines_with(text, "could not be evaluated", last), 2);
    free(text);
    assert_non_null(strstr(last, "\"times\":4,\"requests\":4"));
}

static void short_of_memory_it_is_busy(void **state)
{
    (void)state;
    struct pipe *p = pipe_open(&filter_processor, "{'traces':{'span':['name == `a`'],"
                                                  "'spanevent':['name == `f`']}}");
    pipe_send_short_of_memory(p, trace_of("", SPANS));
    assert_string_equal(names_of(p->received), "b c d(e)");
    assert_counted(p, "otelcol_processor_filter_spans_filtered{filter=\"x\"} 1\n");
    pipe_close(p);
    assert_int_equal(batch_live_bytes(), 0);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    static const char *const refused[][2] = {
        {"{'traces':{'span':['name == `a`','nom == `b`']}}", "traces::span: condition 2: column 1"},
        {"{'traces':{'spanevent':['name = 1']}}", "condition 1"},
        {"{'traces':{'metric':['true']}}", "unknown key \"metric\"; supported: span, spanevent"},
        {"{'spans':{'include':{}}}", "supported: error_mode, traces, trace_conditions"},
        {"{'logs':{}}", "supported: error_mode, traces, trace_conditions"},
        {"{'error_mode':'shrug'}", "supported: ignore, silent, propagate"},
        {"{'traces':{'span':['true']},'trace_conditions':['true']}", "together with traces"},
        {"{'trace_conditions':['true',{'conditions':['true']}]}", "is not a single value"},
        {"{'trace_conditions':[{'conditions':['true']},'true']}", "a map was expected"},
        {"{'trace_conditions':[{'context':'resource','conditions':['true']}]}", "span, spanevent"},
        {"{'trace_conditions':[{}]}", "a condition is needed"},
        {"{'trace_conditions':'true'}", "is not a list"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_refused(&filter_processor, refused[i][0], refused[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_hits_goes),
        cmocka_unit_test(what_went_is_counted),
        cmocka_unit_test(a_batch_without_a_hit_is_the_same_one),
        cmocka_unit_test(others_do_not_see_what_went),
        cmocka_unit_test(errors_follow_their_mode),
        cmocka_unit_test(errors_are_told_seldom),
        cmocka_unit_test(short_of_memory_it_is_busy),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, pipe_teardown);
}
