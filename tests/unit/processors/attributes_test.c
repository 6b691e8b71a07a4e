/* The processors attributes and resource: what each action does, whom it is done to, what is
 * refused. tests/interop/attributes_collector.py compares with the Collector. */
#include "component/pseudonym.h"
#include "proto/wire.h"
#include "tests/unit/processors/attributes_text.h"
#include "tests/unit/processors/pipe.h"

#define S(key, value)     "{'key':'" key "','value':{'stringValue':'" value "'}}"
#define I(key, value)     "{'key':'" key "','value':{'intValue':'" value "'}}"
#define ACTIONS(list)     "{'actions':[" list "]}"
#define SPAN(list)        "{'name':'a','attributes':[" list "]}"
#define DO(action, key)   "{'action':'" action "','key':'" key "'}"
#define WITH(action, key) "{'action':'" action "','key':'" key "',"

static const struct {
    const char *config;
    const char *came;
    const char *left;
} cases[] = {
    {ACTIONS(WITH("insert", "b") "'value':'n'}"), SPAN(S("a", "x")), "span(a='x' b='n')"},
    {ACTIONS(WITH("insert", "a") "'value':'n'}"), SPAN(S("a", "x")), "span(a='x')"},
    {ACTIONS(WITH("update", "a") "'value':2.5}"), SPAN(S("a", "x") "," I("b", "1")),
     "span(a=2.5 b=1)"},
    {ACTIONS(WITH("update", "b") "'value':'n'}"), SPAN(S("a", "x")), "span(a='x')"},
    {ACTIONS(WITH("UPSERT", "a") "'value':true}"
                                 "," WITH("upsert", "b") "'value':[1,{'k':null}]}"),
     SPAN(S("a", "x")), "span(a=true b=[1,{\"k\":null}])"},
    {ACTIONS(
         WITH("insert", "b") "'from_attribute':'a'}"
                             "," WITH("insert",
                                      "c") "'from_attribute':'z'}"
                                           "," WITH("insert",
                                                    "d") "'from_attribute':'z','default_value':7}"),
     SPAN(S("a", "x")), "span(a='x' b='x' d=7)"},
    {ACTIONS(DO("delete", "a") "," DO("delete", "z")), SPAN(S("a", "x") "," I("b", "1")),
     "span(b=1)"},
    {ACTIONS("{'action':'delete','pattern':'^a'}"),
     SPAN(S("a", "x") "," I("b", "1") "," S("ab", "y") "," S("c", "")), "span(b=1 c='')"},
    {ACTIONS(DO("delete", "a")), SPAN(S("a", "x") "," S("b", "y") "," S("a", "z")), "span(b='y')"},
    {ACTIONS(WITH("update", "a") "'value':1}"), SPAN(S("a", "x") "," S("b", "y") "," S("a", "z")),
     "span(a=1 b='y')"},
    {ACTIONS(DO("hash", "a") "," DO("hash", "b") "," DO("hash", "c")),
     SPAN(S("a", "x") ","
                      "{'key':'b','value':{'arrayValue':{}}}"
                      ","
                      "{'key':'c','value':{}}"),
     "span(a='2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881' b='' c='')"},
    {ACTIONS(DO("hash", "a")), SPAN(I("a", "1")),
     "span(a='7c9fa136d4413fa6173637e883b6998d32e1d675f88cddff9dcbcf331820f4b8')"},
    {ACTIONS(WITH("extract", "u") "'pattern':'^(?P<p>[a-z]+):(?P<q>z)?(?P<u>.*)'}"),
     SPAN(S("u", "http:x")), "span(u='x' p='http' q='')"},
    {ACTIONS(WITH("extract", "u") "'pattern':'(?P<p>z)'}"), SPAN(S("u", "http:x")),
     "span(u='http:x')"},
    {ACTIONS(
         WITH("convert", "a") "'converted_type':'string'}"
                              "," WITH("convert", "b") "'converted_type':'int'}"
                                                       "," WITH("convert",
                                                                "c") "'converted_type':'double'}"),
     SPAN(I("a", "12") "," S("b", "-7") "," S("c", "1e3")), "span(a='12' b=-7 c=1000)"},
    {ACTIONS(WITH("convert", "a") "'converted_type':'int'}"), SPAN(S("a", " 5")), "span(a=' 5')"},
    {ACTIONS(
         WITH("insert", "b") "'from_attribute':'a'}"
                             "," DO("delete", "a") "," WITH("insert", "a") "'from_attribute':'b'}"
                                                                           "," DO("delete", "b")),
     SPAN(S("a", "x") "," S("c", "y")), "span(c='y' a='x')"},
};

static void each_action_does_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pipe *p = pipe_open(&attributes_processor, cases[i].config);
        assert_int_equal(pipe_send(p, trace_of("", cases[i].came)), VERDICT_ACCEPTED);
        assert_string_equal(text_of_span(p->received, 0), cases[i].left);
        pipe_close(p);
    }
    assert_int_equal(batch_live_bytes(), 0);
}

#define MARK "'actions':[{'action':'upsert','key':'m','value':1}]"

static const struct {
    const char *match;
    bool chosen;
} matches[] = {
    {"'include':{'match_type':'strict','services':['shop','db']}", true},
    {"'include':{'match_type':'strict','services':['sho']}", false},
    {"'include':{'match_type':'regexp','services':['^sho']}", true},
    {"'exclude':{'match_type':'regexp','services':['^sho']}", false},
    {"'include':{'match_type':'strict','span_names':['a']}", true},
    {"'include':{'match_type':'strict','span_names':['b'],'services':['shop']}", false},
    {"'include':{'match_type':'strict','span_kinds':['SPAN_KIND_SERVER']}", false},
    {"'include':{'match_type':'regexp','span_kinds':['UNSPEC']}", true},
    {"'include':{'match_type':'strict','attributes':[{'key':'n','value':3},{'key':'s'}]}", true},
    {"'include':{'match_type':'strict','attributes':[{'key':'n','value':4},{'key':'s'}]}", false},
    {"'include':{'attributes':[{'key':'s'}]}", true},
    {"'include':{'match_type':'strict','attributes':[{'key':'n','value':'3'}]}", false},
    {"'include':{'match_type':'regexp','attributes':[{'key':'n','value':'^[3]$'}]}", true},
    {"'include':{'match_type':'strict','resources':[{'key':'service.name','value':'shop'}]}", true},
    {"'exclude':{'match_type':'strict','resources':[{'key':'service.name','value':'x'}]}", true},
    {"'include':{'match_type':'strict','libraries':[{'name':'lib'}]}", true},
    {"'include':{'match_type':'strict','libraries':[{'name':'lib','version':''}]}", false},
    {"'include':{'match_type':'regexp','libraries':[{'name':'l'},{'name':'x'}]}", false},
    {"'include':{'match_type':'strict','services':['shop']},"
     "'exclude':{'match_type':'strict','span_names':['a']}",
     false},
    /* in doubt it is worked on: (a+)+$ gives up */
    {"'include':{'match_type':'regexp','attributes':[{'key':'l','value':'^(a+)+$'}]}", true},
    {"'exclude':{'match_type':'regexp','attributes':[{'key':'l','value':'^(a+)+$'}]}", true},
};

static struct batch *batch_to_match(void)
{
    char text[3000], letters[1500];
    memset(letters, 'a', sizeof letters);
    letters[sizeof letters - 2] = '!';
    letters[sizeof letters - 1] = 0;
    snprintf(text, sizeof text, SPAN(I("n", "3") "," S("s", "x") "," S("l", "%s")), letters);
    return trace_of(S("service.name", "shop"), text);
}

static void include_and_exclude_choose(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof matches / sizeof *matches; i++) {
        char config[400];
        struct attribute a;
        snprintf(config, sizeof config, "{" MARK ",%s}", matches[i].match);
        struct pipe *p = pipe_open(&attributes_processor, config);
        pipe_send(p, batch_to_match());
        bool chosen = attribute_find(span_bytes(&p->received->spans[0]), SPAN_ATTRIBUTES,
                                     bytes_of_string("m"), &a);
        if (chosen != matches[i].chosen)
            fail_msg("%s: %d", matches[i].match, chosen);
        pipe_close(p);
    }
}

static void scopes_are_told_apart(void **state)
{
    (void)state;
    struct pipe *p = pipe_open(&attributes_processor,
                               "{" MARK ",'include':{'match_type':'strict','services':['db']}}");
#define GROUP(service)                                                                             \
    "{'resource':{'attributes':[" S("service.name",                                                \
                                    service) "]},'scopeSpans':[{'spans':[{"                        \
                                             "'traceId':'0123456789abcdef0123456789abcdef','"      \
                                             "spanId':'0123456789abcdef','name':'x'}]}]}"
    pipe_send(p, batch_of("{'resourceSpans':[" GROUP("shop") "," GROUP("db") "," GROUP(
                     "db") "," GROUP("shop") "]}"));
    static const char *const left[] = {
        "resource(service.name='shop')", "resource(service.name='db')span(m=1)",
        "resource(service.name='db')span(m=1)", "resource(service.name='shop')"};
    for (uint32_t i = 0; i < 4; i++)
        assert_string_equal(text_of_span(p->received, i), left[i]);
    pipe_close(p);
}

static void what_nothing_is_done_to_is_the_same_batch(void **state)
{
    (void)state;
    struct pipe *p = pipe_open(&attributes_processor,
                               ACTIONS(DO("delete", "z") "," WITH("upsert", "a") "'value':'x'}"));
    struct batch *b = trace_of("", SPAN(S("a", "x")));
    pipe_send(p, b);
    assert_ptr_equal(p->received, b);
    assert_true(b->request.len > 0);
    assert_counted(p, "incoming_items{processor=\"x\",otel_signal=\"traces\"} 1\n");
    assert_counted(p, "outgoing_items{processor=\"x\",otel_signal=\"traces\"} 1\n");
    pipe_close(p);
}

static void others_do_not_see_what_was_done(void **state)
{
    (void)state;
    struct pipe *p = pipe_open(&attributes_processor, ACTIONS(DO("delete", "a")));
    struct batch *b = trace_of("", SPAN(S("a", "x") "," S("b", "y")) "," SPAN(S("b", "z")));
    const uint8_t *untouched = b->spans[1].data;
    pipe_send(p, batch_retain(b));
    assert_string_equal(text_of_span(p->received, 0), "span(b='y')");
    assert_ptr_equal(p->received->spans[1].data, untouched);
    assert_string_equal(text_of_span(b, 0), "span(a='x' b='y')");
    batch_release(b);
    pipe_close(p);
}

static void resources_are_changed_once(void **state)
{
    (void)state;
    struct pipe *p =
        pipe_open(&resource_processor, "{'attributes':[" WITH("upsert", "zone") "'value':'eu'}," DO(
                                           "hash", "id") "," DO("delete", "host") "]}");
    pipe_send(p, trace_of(S("host", "h") "," S("id", ""), SPAN(S("host", "x")) "," SPAN("")));
    static const char left[] =
        "resource(id='e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' "
        "zone='eu')";
    assert_string_equal(text_of_span(p->received, 1), left);
    assert_non_null(strstr(text_of_span(p->received, 0), "span(host='x')"));
    pipe_close(p);
}

static void a_resource_that_is_missing_can_be_given_attributes(void **state)
{
    (void)state;
    struct pipe *p =
        pipe_open(&resource_processor, "{'attributes':[" WITH("insert", "zone") "'value':'eu'}]}");
    pipe_send(p, batch_of("{'resourceSpans':[{'scopeSpans':[{'spans':[{"
                          "'traceId':'0123456789abcdef0123456789abcdef',"
                          "'spanId':'0123456789abcdef'}]}]}]}"));
    assert_string_equal(text_of_span(p->received, 0), "resource(zone='eu')");
    pipe_close(p);
}

/* A megabyte of attributes of two bytes each is fifty to keep a list of: that one is refused, and a
 * million that all match a pattern take a walk, not one for each. */
static void many_attributes_are_bounded(void **state)
{
    (void)state;
    for (unsigned over = 0; over < 2; over++) {
        size_t count = (1 << 20) + over, size = 2 * count + 100;
        uint8_t *request = malloc(size);
        struct wire_writer w = wire_writer(request, size);
        struct batch_report report;
        size_t span_len = 28 + 2 * count, scope_len = wire_framed_size(2, span_len);
        wire_put_frame(&w, 1, wire_framed_size(2, scope_len));
        wire_put_frame(&w, 2, scope_len);
        wire_put_frame(&w, 2, span_len);
        wire_put_bytes(&w, 1, bytes_of("0123456789abcdef", 16));
        wire_put_bytes(&w, 2, bytes_of("01234567", 8));
        for (size_t i = 0; i < count; i++)
            wire_put_frame(&w, 9, 0);
        assert_false(w.overflow);
        struct pipe *p =
            pipe_open(&attributes_processor, ACTIONS("{'action':'hash','pattern':'^'},"
                                                     "{'action':'delete','pattern':'^$'}"));
        struct batch *b = batch_from_request(bytes_of(request, (size_t)(w.at - request)), &report);
        assert_non_null(b);
        assert_int_equal(pipe_send(p, b), over ? VERDICT_REJECTED : VERDICT_ACCEPTED);
        if (!over)
            assert_string_equal(text_of_span(p->received, 0), "");
        pipe_close(p);
        free(request);
    }
    assert_int_equal(batch_live_bytes(), 0);
}

static void note_form(void *context, struct bytes form)
{
    snprintf(context, 100, "%.*s", (int)form.len, (const char *)form.data);
}

/* So that an erasure finds what it can only find hashed. */
static void hashes_can_be_asked_for(void **state)
{
    (void)state;
    char form[100] = "";
    struct pipe *p = pipe_open(&resource_processor, "{'attributes':[" DO("delete", "a") "]}");
    pseudonym_each(bytes_of_string("x"), note_form, form);
    assert_string_equal(form, "");
    pipe_close(p);
    p = pipe_open(&resource_processor, "{'attributes':[" DO("hash", "a") "]}");
    pseudonym_each(bytes_of_string("x"), note_form, form);
    assert_string_equal(form, "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881");
    pipe_close(p);
}

static void short_of_memory_it_is_busy(void **state)
{
    (void)state;
    struct pipe *p = pipe_open(
        &attributes_processor,
        ACTIONS(DO("delete", "a") "," DO("hash", "b") "," WITH(
            "insert", "c") "'value':[1]}"
                           "," WITH("convert", "d") "'converted_type':'string'}"
                                                    "," WITH("extract",
                                                             "e") "'pattern':'(?P<f>.)'}"));
    pipe_send_short_of_memory(
        p, trace_of("", SPAN(S("a", "x") "," S("b", "y") ","
                                                         "{'key':'d','value':{'arrayValue':{}}}"
                                                         "," S("e", "z"))));
    assert_non_null(strstr(text_of_span(p->received, 0), "d='[]' e='z' c=[1] f='z'"));
    pipe_close(p);
    p = pipe_open(&resource_processor, "{'attributes':[" WITH("insert", "c") "'value':1}]}");
    pipe_send_short_of_memory(p, trace_of("", SPAN("")));
    pipe_close(p);
    assert_int_equal(batch_live_bytes(), 0);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    static const char *const refused[][2] = {
        {"{}", "at least one action is needed, under actions"},
        {"{'actions':[]}", "at least one action"},
        {"{'actions':{'a':1}}", "is not a list"},
        {"{'action':[]}", "unknown key \"action\"; supported: actions, include, exclude"},
        {ACTIONS(DO("invent", "a")), "\"invent\" is not supported as action"},
        {ACTIONS("{'action':'insert','value':1}"), "a key is needed"},
        {ACTIONS("{'action':'delete'}"), "a key is needed"},
        {ACTIONS(DO("insert", "a")), "insert needs value, from_attribute or default_value"},
        {ACTIONS(WITH("insert", "a") "'value':1,'from_attribute':'b'}"), "used together"},
        {ACTIONS(WITH("insert", "a") "'from_context':'metadata.x'}"),
         "from_context: is not supported"},
        {ACTIONS(WITH("insert", "a") "'value':1,'pattern':'x'}"), "insert takes no pattern"},
        {ACTIONS(WITH("delete", "a") "'value':1}"), "delete takes no value"},
        {ACTIONS(WITH("hash", "a") "'pattern':'('}"),
         "test.yaml:1: policies::actions::[]::pattern: "
         "the regular expression is wrong at its column"},
        {ACTIONS(DO("extract", "a")), "extract needs a pattern"},
        {ACTIONS(WITH("extract", "a") "'pattern':'x'}"), "no named group"},
        {ACTIONS(WITH("extract", "a") "'pattern':'(?P<b>x)(y)'}"), "without a name"},
        {ACTIONS(DO("convert", "a")), "convert needs a converted_type"},
        {ACTIONS(WITH("convert", "a") "'converted_type':'bool'}"),
         "supported: string, int, double"},
        {ACTIONS(WITH("delete", "a") "'converted_type':'int'}"), "delete takes no converted_type"},
        {"{" MARK ",'include':{}}", "at least one of services"},
        {"{" MARK ",'include':{'services':['a']}}", "a match_type is needed: strict or regexp"},
        {"{" MARK ",'include':{'match_type':'fuzzy'}}", "supported: \"\", strict, regexp"},
        {"{" MARK ",'include':{'match_type':'regexp','services':['(']}}", "wrong at its column"},
        {"{" MARK ",'exclude':{'match_type':'strict','span_kinds':['SERVER']}}", "is not a kind"},
        {"{" MARK ",'exclude':{'match_type':'strict','log_bodies':['x']}}", "unknown key"},
        {"{" MARK ",'exclude':{'match_type':'regexp','attributes':[{'key':'a','value':1}]}}",
         "a string is needed"},
        {"{" MARK ",'exclude':{'match_type':'regexp','attributes':[{'value':'1'}]}}",
         "a key is needed"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_refused(&attributes_processor, refused[i][0], refused[i][1]);
    assert_refused(&resource_processor, "{}", "at least one action is needed, under attributes");
    assert_refused(&resource_processor, "{'attributes':[{}]}", "\"\" is not supported as action");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_action_does_its_own),
        cmocka_unit_test(include_and_exclude_choose),
        cmocka_unit_test(scopes_are_told_apart),
        cmocka_unit_test(what_nothing_is_done_to_is_the_same_batch),
        cmocka_unit_test(others_do_not_see_what_was_done),
        cmocka_unit_test(resources_are_changed_once),
        cmocka_unit_test(a_resource_that_is_missing_can_be_given_attributes),
        cmocka_unit_test(many_attributes_are_bounded),
        cmocka_unit_test(hashes_can_be_asked_for),
        cmocka_unit_test(short_of_memory_it_is_busy),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, pipe_teardown);
}
