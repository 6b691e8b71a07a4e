/* Conditions: what they say of a span and of an event, and what is no condition. */
#include "sampling/ottl.h"

#include "policy_support.h"

static struct batch *sample;

static int make_sample(void **state)
{
    (void)state;
    sample = trace_of(
        "{'key':'service.name','value':{'stringValue':'cart'}},"
        "{'key':'pods','value':{'intValue':'3'}}",
        "{'name':'GET /','kind':2,'traceState':'vendor=1, ot=th:8','flags':257,"
        "'startTimeUnixNano':'1000','endTimeUnixNano':'5000',"
        "'status':{'code':2,'message':'boom'},"
        "'attributes':[{'key':'n','value':{'intValue':'-7'}},"
        "{'key':'f','value':{'doubleValue':1.5}},{'key':'s','value':{'stringValue':'a\\nb'}},"
        "{'key':'t','value':{'boolValue':true}},{'key':'b','value':{'bytesValue':'AQI='}},"
        "{'key':'list','value':{'arrayValue':{'values':[]}}},{'key':'empty','value':{}}],"
        "'events':[{'name':'exception','timeUnixNano':'2000',"
        "'attributes':[{'key':'type','value':{'stringValue':'IOError'}}]},{'name':'retry'}]}");
    return 0;
}

static int free_sample(void **state)
{
    (void)state;
    batch_release(sample);
    config_release();
    return 0;
}

static const struct {
    const char *condition;
    enum ottl_result expected;
} span_cases[] = {
    {"name == `GET /`", OTTL_TRUE},
    {"span.name != `GET /`", OTTL_FALSE},
    {"name < `H` and name > `GET`", OTTL_TRUE},
    {"kind == SPAN_KIND_SERVER", OTTL_TRUE},
    {"kind == 2 and kind.string == `Server`", OTTL_TRUE},
    {"kind.deprecated_string == `SPAN_KIND_SERVER`", OTTL_TRUE},
    {"status.code == STATUS_CODE_ERROR", OTTL_TRUE},
    {"status.code == STATUS_CODE_OK or status.message == `boom`", OTTL_TRUE},
    {"trace_id.string == `0123456789abcdef0123456789abcdef`", OTTL_TRUE},
    {"span_id.string == `0123456789abcdef`", OTTL_TRUE},
    {"parent_span_id.string == `0000000000000000`", OTTL_TRUE},
    {"trace_state == `vendor=1, ot=th:8`", OTTL_TRUE},
    {"trace_state[`ot`] == `th:8`", OTTL_TRUE},
    {"trace_state[`none`] == ``", OTTL_TRUE},
    {"start_time_unix_nano == 1000 and end_time_unix_nano >= 5000", OTTL_TRUE},
    {"flags == 257", OTTL_TRUE},
    {"resource.attributes[`service.name`] == `cart`", OTTL_TRUE},
    {"resource.attributes[`pods`] > 2.5", OTTL_TRUE},
    {"instrumentation_scope.name == `lib` and scope.version == `1.2`", OTTL_TRUE},
    {"instrumentation_scope.attributes[`none`] == nil", OTTL_TRUE},
    {"attributes[`n`] == -7", OTTL_TRUE},
    {"attributes[`n`] == -7.0", OTTL_TRUE},
    {"attributes[`n`] < -6 and attributes[`n`] >= -7", OTTL_TRUE},
    {"attributes[`n`] == `-7`", OTTL_FALSE},
    {"attributes[`n`] != `-7`", OTTL_TRUE},
    {"attributes[`n`] < `a`", OTTL_FALSE},
    {"attributes[`f`] == 1.5 and 1 < attributes[`f`]", OTTL_TRUE},
    {"attributes[`f`] <= 1", OTTL_FALSE},
    {"attributes[`s`] == `a\\\\nb`", OTTL_TRUE},
    {"attributes[`t`] == true", OTTL_TRUE},
    {"attributes[`t`] > false", OTTL_TRUE},
    {"attributes[`t`] != nil", OTTL_TRUE},
    {"attributes[`t`] == 1", OTTL_FALSE},
    {"attributes[`none`] == nil", OTTL_TRUE},
    {"attributes[`none`] <= nil", OTTL_TRUE},
    {"attributes[`none`] < 1", OTTL_FALSE},
    {"attributes[`none`] != 1", OTTL_TRUE},
    {"attributes[`empty`] == nil", OTTL_TRUE},
    {"attributes[`list`] == attributes[`list`]", OTTL_FALSE},
    {"attributes[`b`] != attributes[`s`]", OTTL_TRUE},
    {"true", OTTL_TRUE},
    {"false or not false", OTTL_TRUE},
    {"not (true and false)", OTTL_TRUE},
    {"true or true and false", OTTL_TRUE},
    {"(true or true) and false", OTTL_FALSE},
    {"not not true", OTTL_TRUE},
    {"IsRootSpan()", OTTL_TRUE},
    {"IsRootSpan() == false", OTTL_FALSE},
    {"IsMatch(name, `^G.T`)", OTTL_TRUE},
    {"IsMatch(name, `^get`)", OTTL_FALSE},
    {"IsMatch(attributes[`s`], `a.b`)", OTTL_FALSE},
    {"IsMatch(attributes[`s`], `(?s)a.b`)", OTTL_TRUE},
    {"IsMatch(attributes[`n`], `^-7$`) and IsMatch(attributes[`f`], `^1\\\\\\\\.5$`)", OTTL_TRUE},
    {"IsMatch(attributes[`t`], `^true$`)", OTTL_TRUE},
    {"IsMatch(attributes[`none`], `.*`)", OTTL_FALSE},
    {"IsMatch(attributes[`list`], `.*`)", OTTL_ERROR},
    {"not IsMatch(attributes[`list`], `.*`)", OTTL_ERROR},
    {"true or IsMatch(attributes[`list`], `.*`)", OTTL_TRUE},
    {"IsMatch(attributes[`list`], `.*`) or true", OTTL_ERROR},
    {"false and IsMatch(attributes[`list`], `.*`)", OTTL_FALSE},
    {"IsMatch(attributes[`list`], `.*`) == true", OTTL_ERROR},
};

static const struct {
    const char *condition;
    enum ottl_result of_exception;
    enum ottl_result of_retry;
} event_cases[] = {
    {"name == `exception`", OTTL_TRUE, OTTL_FALSE},
    {"spanevent.name == `retry` and span.name == `GET /`", OTTL_FALSE, OTTL_TRUE},
    {"attributes[`type`] == `IOError`", OTTL_TRUE, OTTL_FALSE},
    {"spanevent.attributes[`type`] == nil", OTTL_FALSE, OTTL_TRUE},
    {"time_unix_nano == 2000", OTTL_TRUE, OTTL_FALSE},
    {"resource.attributes[`service.name`] == `cart`", OTTL_TRUE, OTTL_TRUE},
};

/* The conditions above are C strings in the notation of policy_support.h. */
static struct ottl *compiled(const char *condition, enum ottl_context context)
{
    char quoted[512];
    snprintf(quoted, sizeof quoted, "['%s']", condition);
    struct error e = {0};
    struct ottl *o = ottl_compile(config_of(quoted)->children->text, context, &e);
    if (!o)
        fail_msg("%s: %s", condition, e.text);
    return o;
}

static void spans_are_asked(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof span_cases / sizeof *span_cases; i++) {
        struct ottl *o = compiled(span_cases[i].condition, OTTL_SPAN);
        enum ottl_result r = ottl_evaluate(o, sample, 0, NULL);
        if (r != span_cases[i].expected)
            fail_msg("%s: %d", span_cases[i].condition, r);
        ottl_destroy(o);
    }
}

static void events_are_asked(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof event_cases / sizeof *event_cases; i++) {
        struct ottl *o = compiled(event_cases[i].condition, OTTL_SPANEVENT);
        struct span_cursor c;
        struct event_view exception, retry;
        span_events_begin(&c, span_bytes(&sample->spans[0]));
        assert_true(event_next(&c, &exception));
        assert_true(event_next(&c, &retry));
        if (ottl_evaluate(o, sample, 0, &exception) != event_cases[i].of_exception ||
            ottl_evaluate(o, sample, 0, &retry) != event_cases[i].of_retry)
            fail_msg("%s", event_cases[i].condition);
        ottl_destroy(o);
    }
}

static void what_is_no_condition_is_refused_with_its_column(void **state)
{
    (void)state;
    static const struct {
        const char *condition;
        unsigned column;
        const char *says;
    } cases[] = {
        {"", 1, "expected"},
        {"name", 1, "no condition"},
        {"name ==", 8, "expected"},
        {"name = \"x\"", 6, "unexpected"},
        {"name == \"x", 9, "no end"},
        {"name == \"\\d\"", 10, "escape"},
        {"duration > 5", 1, "not supported; supported: attributes"},
        {"spanevent.name == \"x\"", 1, "not supported"},
        {"attributes == nil", 12, "key"},
        {"name[\"x\"] == nil", 5, "no keys"},
        {"attributes[name] == nil", 12, "quotes"},
        {"attributes[\"a\"][\"b\"] == nil", 16, "not supported"},
        {"attributes[\"a\" == nil", 16, "]"},
        {"(name == \"x\"", 13, ")"},
        {"name == \"x\" name == \"y\"", 13, "unexpected"},
        {"name == \"x\" and", 16, "expected"},
        {"name == 99999999999999999999", 9, "too large"},
        {"name == 1.2.3", 9, "number"},
        {"IsString(name)", 1, "not supported; supported: IsMatch"},
        {"IsMatch(name)", 13, ","},
        {"IsMatch(name, name)", 15, "quotes"},
        {"IsMatch(name, \"(\")", 15, "regular expression"},
        {"IsMatch(IsRootSpan(), \"a\")", 1, "path"},
        {"1 + 1 == 2", 3, "unexpected"},
        {"name == \"x\" && true", 13, "unexpected"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error e = {0};
        char column[32];
        snprintf(column, sizeof column, "column %u:", cases[i].column);
        struct ottl *o = ottl_compile(cases[i].condition, OTTL_SPAN, &e);
        if (o || strncmp(e.text, column, strlen(column)) != 0 || !strstr(e.text, cases[i].says))
            fail_msg("%s: %s", cases[i].condition, e.text);
    }
}

static void depth_and_length_are_bounded(void **state)
{
    (void)state;
    struct error e = {0};
    char *text = calloc(1, 3 * OTTL_MAX_LENGTH);
    memset(text, '(', OTTL_MAX_LENGTH);
    assert_null(ottl_compile(text, OTTL_SPAN, &e));
    assert_non_null(strstr(e.text, "nested too deeply"));
    text[OTTL_MAX_LENGTH] = '(';
    assert_null(ottl_compile(text, OTTL_SPAN, &e));
    assert_non_null(strstr(e.text, "longer"));
    text[0] = 0;
    for (int i = 0; i < 1000; i++)
        strcat(text, "IsMatch(");
    assert_null(ottl_compile(text, OTTL_SPAN, &e));
    assert_non_null(strstr(e.text, "nested too deeply"));
    strcpy(text, "false");
    for (int i = 0; i < 1000; i++)
        strcat(text, " or false");
    strcat(text, " or true"); /* long, not deep */
    struct ottl *o = ottl_compile(text, OTTL_SPAN, &e);
    assert_non_null(o);
    assert_int_equal(ottl_evaluate(o, sample, 0, NULL), OTTL_TRUE);
    ottl_destroy(o);
    free(text);
}

static void a_match_without_end_gives_up(void **state)
{
    (void)state;
    char spans[4000], name[2000];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = 0;
    snprintf(spans, sizeof spans, "{'name':'%s!'}", name);
    struct batch *b = trace_of("", spans);
    struct ottl *o = compiled("IsMatch(name, `^(a+)+$`)", OTTL_SPAN);
    assert_int_equal(ottl_evaluate(o, b, 0, NULL), OTTL_ERROR);
    ottl_destroy(o);
    batch_release(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_are_asked),
        cmocka_unit_test(events_are_asked),
        cmocka_unit_test(what_is_no_condition_is_refused_with_its_column),
        cmocka_unit_test(depth_and_length_are_bounded),
        cmocka_unit_test(a_match_without_end_gives_up),
    };
    return cmocka_run_group_tests(tests, make_sample, free_sample);
}
