/* Redaction: what passes, what is removed and masked, how it is summed up, and that nothing hides
 * where the Collector does not look. tests/interop/redaction_collector.py compares with it. */
#include "component/pseudonym.h"
#include "tests/unit/processors/attributes_text.h"
#include "tests/unit/processors/pipe.h"

#define S(key, value) "{'key':'" key "','value':{'stringValue':'" value "'}}"
#define I(key, value) "{'key':'" key "','value':{'intValue':'" value "'}}"
#define SPAN(list)    "{'name':'a','attributes':[" list "]}"
#define ALL           "'allow_all_keys':true"
#define BLOCK(list)   "'blocked_values':[" list "]"
#define DEBUG         "'summary':'debug'"

static const struct {
    const char *config;
    const char *came;
    const char *left;
} cases[] = {
    {"{}", SPAN(S("a", "x")), ""},
    {"{" DEBUG "}", SPAN(S("b", "x") "," S("a", "x")),
     "span(redaction.redacted.keys='a,b' redaction.redacted.count=2)"},
    {"{'allowed_keys':['a'],'summary':'info'}", SPAN(S("b", "x") "," S("a", "x")),
     "span(a='x' redaction.redacted.count=1)"},
    {"{" ALL "," BLOCK("'4[0-9]{3}'") "}", SPAN(S("a", "is 4111, 4222") "," I("b", "4111")),
     "span(a='is ****, ****' b=4111)"},
    {"{" ALL "," BLOCK("'[0-9]+','x'") "," DEBUG "}",
     SPAN(S("b", "1x") "," S("c", "-") "," S("a", "x")),
     "span(b='********' c='-' a='****' redaction.masked.keys='a,b' redaction.masked.count=2)"},
    {"{" ALL "," BLOCK("'x'") ",'hash_function':'MD5'}", SPAN(S("a", "a x")),
     "span(a='a 9dd4e461268c8034f5c8564e155c67a6')"},
    {"{" ALL "," BLOCK("'x'") ",'hash_function':'sha1'}", SPAN(S("a", "x")),
     "span(a='11f6ad8ec52a2984abaafd7c3b516503785c2072')"},
    {"{" ALL "," BLOCK("'x'") ",'hash_function':'sha3'}", SPAN(S("a", "x")),
     "span(a='741efa311f97686956946758e0d95f70f11ff2da4f2feb7c54314f44134ac49f')"},
    {"{" ALL ",'blocked_key_patterns':['^pass'],'summary':'info'}",
     SPAN(S("password", "x") "," I("pass", "1") "," S("my.pass", "y")),
     "span(password='****' pass='****' my.pass='y' redaction.masked.count=2)"},
    {"{'ignored_keys':['a'],'ignored_key_patterns':['^b'],'allowed_keys':['c']," BLOCK(
         "'x'") "," DEBUG "}",
     SPAN(S("a", "x") "," S("b1", "x") "," S("c", "x") "," S("d", "x")),
     "span(a='x' b1='x' c='****' redaction.redacted.keys='d' redaction.redacted.count=1 "
     "redaction.masked.keys='c' redaction.masked.count=1 redaction.ignored.count=2)"},
    {"{" ALL "," BLOCK("'x'") ",'allowed_values':['^ok'],'blocked_key_patterns':['k']," DEBUG "}",
     SPAN(S("a", "ok x") "," S("k", "ok") "," S("b", "x")),
     "span(a='ok x' k='ok' b='****' redaction.masked.keys='b' redaction.masked.count=1 "
     "redaction.allowed.keys='a,k' redaction.allowed.count=2)"},
    {"{" ALL "," BLOCK("'41','true','y'") ",'redact_all_types':true}",
     SPAN(I("a", "4111") ","
                         "{'key':'b','value':{'boolValue':true}}"
                         ","
                         "{'key':'c','value':{'arrayValue':{'values':[{'stringValue':'y'}]}}}"),
     "span(a='****11' b='****' c='[\"****\"]')"},
    /* what a processor in front has noted adds up */
    {"{" ALL "," BLOCK("'x'") "," DEBUG "}",
     SPAN(S("redaction.masked.keys", "z,b") "," I("redaction.masked.count", "2") "," S("c", "x")),
     "span(c='****' redaction.masked.keys='b,c,z' redaction.masked.count=3)"},
    {"{" ALL "," BLOCK("'x'") "," DEBUG "}",
     SPAN(S("redaction.masked.keys", "z") "," I("redaction.masked.count", "1") "," S("c", "y")),
     "span(redaction.masked.keys='z' redaction.masked.count=1 c='y')"},
    {"{" ALL "," BLOCK("'x'") ",'summary':'silent'}",
     SPAN(S("redaction.masked.keys", "z") "," I("redaction.masked.count", "1") "," S("c", "x")),
     "span(c='****' redaction.masked.keys='z' redaction.masked.count=1)"},
};

static void what_is_left_is_what_the_collector_leaves(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pipe *p = pipe_open(&redaction_processor, cases[i].config);
        assert_int_equal(pipe_send(p, trace_of("", cases[i].came)), VERDICT_ACCEPTED);
        assert_string_equal(text_of_span(p->received, 0), cases[i].left);
        pipe_close(p);
    }
    assert_int_equal(batch_live_bytes(), 0);
}

static void every_list_is_looked_through(void **state)
{
    (void)state;
    struct pipe *p = pipe_open(&redaction_processor, "{" ALL "," BLOCK("'x'") ",'summary':'info'}");
    pipe_send(
        p, batch_of("{'resourceSpans':[{'resource':{'attributes':[" S(
               "r", "x") "]},"
                         "'scopeSpans':[{'scope':{'name':'x','attributes':[" S(
                             "s",
                             "x") "]},"
                                  "'spans':[{'traceId':'0123456789abcdef0123456789abcdef',"
                                  "'spanId':'0123456789abcdef','name':'an x','traceState':'x=x',"
                                  "'status':{'code':2,'message':'x!'},"
                                  "'events':[{'name':'no'},{'name':'ex','attributes':[" S(
                                      "e",
                                      "x") "]},"
                                           "{'name':'n','attributes':[" S(
                                               "f",
                                               "y") "]}],"
                                                    "'links':[{'traceId':'"
                                                    "0123456789abcdef0123456789abcdef',"
                                                    "'spanId':'0123456789abcdef','attributes':[" S(
                                                        "l", "x") "]}]}]}]}]}"));
#define ONE " redaction.masked.count=1)"
    assert_string_equal(text_of_span(p->received, 0),
                        "resource(r='****'" ONE "scope(s='****'" ONE "<no><e****>event(e='****'" ONE
                        "<n>event(f='y')link(l='****'" ONE);
    const struct span_view *s = &p->received->spans[0];
    assert_true(bytes_equal_string(span_name(s), "an ****"));
    assert_true(bytes_equal_string(span_status_message(span_bytes(s)), "****!"));
    assert_true(bytes_equal_string(span_trace_state(span_bytes(s)), "x=x"));
    assert_counted(p, "tailspan_redaction_hits{processor=\"x\",rule=\"blocked_values[0]\","
                      "place=\"link_attribute\"} 1\n");
    assert_counted(p, "tailspan_redaction_hits{processor=\"x\",rule=\"blocked_values[0]\","
                      "place=\"span_name\"} 1\n");
    assert_counted(p, "tailspan_redaction_hits{processor=\"x\",rule=\"blocked_key_patterns\","
                      "place=\"span_attribute\"} 0\n");
    pipe_close(p);
}

#define LIST(list) "{'arrayValue':{'values':[" list "]}}"
#define MAP(list)  "{'kvlistValue':{'values':[" list "]}}"

static void nothing_hides_inside(void **state)
{
    (void)state;
    struct pipe *p =
        pipe_open(&redaction_processor, "{" ALL "," BLOCK("'x'") ",'blocked_key_patterns':['^p$'],"
                                                                 "'ignored_keys':['i']," DEBUG "}");
    pipe_send(
        p,
        trace_of(
            "",
            SPAN("{'key':'l','value':" LIST(
                "{'stringValue':'ax'}"
                ","
                "{'intValue':'1'}"
                "," LIST(
                    "{'stringValue':'x'}")) "}"
                                            ","
                                            "{'key':'m','value':" MAP(
                                                S("k", "x") "," S("p", "all") "," I("p", "2") "," S(
                                                    "i", "x") "," S("q", "y")) "}"
                                                                               ","
                                                                               "{'key':'n','value'"
                                                                               ":" LIST(
                                                                                   "{'stringValue':"
                                                                                   "'y'}") "}")));
    assert_string_equal(text_of_span(p->received, 0),
                        "span(l=[\"a****\",1,[\"****\"]] "
                        "m={\"i\":\"x\",\"k\":\"****\",\"p\":\"****\",\"q\":\"y\"} n=[\"y\"] "
                        "redaction.masked.keys='l,m' redaction.masked.count=2)");
    pipe_close(p);
}

/* JSON has bytes as base64: "xhello" is eGhlbGxv. */
static void bytes_are_judged_as_text(void **state)
{
    (void)state;
    struct pipe *p = pipe_open(&redaction_processor, "{" ALL "," BLOCK("'x'") "}");
    struct attribute a;
    pipe_send(p, trace_of("", SPAN("{'key':'b','value':{'bytesValue':'eGhlbGxv'}}")));
    assert_true(attribute_find(span_bytes(&p->received->spans[0]), SPAN_ATTRIBUTES,
                               bytes_of_string("b"), &a));
    assert_int_equal(a.value.type, VALUE_BYTES);
    assert_true(bytes_equal_string(a.value.bytes, "****hello"));
    pipe_close(p);
}

static void what_nobody_objects_to_is_the_same_batch(void **state)
{
    (void)state;
    struct pipe *p = pipe_open(&redaction_processor,
                               "{" ALL "," BLOCK("'x'") ",'ignored_keys':['a'],'blocked_key_"
                                                        "patterns':['^p'],'allowed_values':['z']}");
    struct batch *b = trace_of(S("r", "1"), SPAN(S("a", "x") "," S("b", "z x") "," I("c", "3")));
    pipe_send(p, b);
    assert_ptr_equal(p->received, b);
    assert_true(b->request.len > 0);
    pipe_close(p);
}

static void others_do_not_see_what_was_hidden(void **state)
{
    (void)state;
    struct pipe *p = pipe_open(&redaction_processor, "{" ALL "," BLOCK("'x'") "}");
    struct batch *b = trace_of("", SPAN(S("a", "x")) "," SPAN(S("b", "y")));
    const uint8_t *untouched = b->spans[1].data;
    pipe_send(p, batch_retain(b));
    assert_string_equal(text_of_span(p->received, 0), "span(a='****')");
    assert_ptr_equal(p->received->spans[1].data, untouched);
    assert_string_equal(text_of_span(b, 0), "span(a='x')");
    batch_release(b);
    pipe_close(p);
}

/* A match that gives up blocks, and does not allow or ignore. */
static void it_fails_closed(void **state)
{
    (void)state;
    char letters[1500], spans[4000];
    memset(letters, 'a', sizeof letters);
    letters[sizeof letters - 2] = '!';
    letters[sizeof letters - 1] = 0;
    static const struct {
        const char *config;
        const char *left;
    } closed[] = {
        {"{" ALL "," BLOCK("'^(a+)+$','y'") "," DEBUG "}",
         "span(k='****' redaction.masked.keys='k' redaction.masked.count=1)"},
        {"{" ALL "," BLOCK("'a'") ",'allowed_values':['^(a+)+$'],'summary':'info'}", NULL},
    };
    snprintf(spans, sizeof spans, SPAN(S("k", "%s")), letters);
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++) {
        struct pipe *p = pipe_open(&redaction_processor, closed[i].config);
        pipe_send(p, trace_of("", spans));
        const char *left = text_of_span(p->received, 0);
        assert_null(strstr(left, "aa"));
        if (closed[i].left)
            assert_string_equal(left, closed[i].left);
        pipe_close(p);
    }
    snprintf(spans, sizeof spans, SPAN(S("%s", "v")), letters);
    struct pipe *p = pipe_open(&redaction_processor, "{" ALL ",'blocked_key_patterns':['^(a+)+$'],"
                                                     "'ignored_key_patterns':['^(a+)+$']}");
    pipe_send(p, trace_of("", spans));
    assert_non_null(strstr(text_of_span(p->received, 0), "='****'"));
    pipe_close(p);
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
    struct pipe *p = pipe_open(&redaction_processor, "{" ALL ",'hash_function':'md5'}");
    pseudonym_each(bytes_of_string("x"), note_form, form);
    assert_string_equal(form, "9dd4e461268c8034f5c8564e155c67a6");
    pipe_close(p);
    p = pipe_open(&redaction_processor, "{" ALL "}");
    form[0] = 0;
    pseudonym_each(bytes_of_string("x"), note_form, form);
    assert_string_equal(form, "");
    pipe_close(p);
}

static void short_of_memory_it_is_busy(void **state)
{
    (void)state;
    struct pipe *p =
        pipe_open(&redaction_processor,
                  "{'allowed_keys':['a','b','l','r']," BLOCK(
                      "'x','y'") ",'redact_all_types':true,"
                                 "'allowed_values':['^z'],'hash_function':'md5'," DEBUG "}");
    pipe_send_short_of_memory(
        p, trace_of(S("r", "x"), SPAN(S("a", "x") "," S("b", "z") "," S("c", "y") "," S(
                                     "redaction.masked.keys",
                                     "q") ","
                                          "{'key':'l','value':" LIST("{'stringValue':'y'}") "}")));
    assert_non_null(strstr(text_of_span(p->received, 0), "redaction.masked.keys='a,l,q'"));
    pipe_close(p);
    assert_int_equal(batch_live_bytes(), 0);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    static const char *const refused[][2] = {
        {"{'blocked_values':['a','(']}",
         "test.yaml:1: policies::blocked_values::[]: pattern 2: the regular expression is wrong at "
         "its column 2"},
        {"{'blocked_key_patterns':['[']}", "policies::blocked_key_patterns::[]: pattern 1"},
        {"{'ignored_key_patterns':['*']}", "pattern 1: the regular expression is wrong"},
        {"{'allowed_values':'a)'}", "policies::allowed_values: pattern 1"},
        {"{'allow_keys':[]}",
         "unknown key \"allow_keys\"; supported: allow_all_keys, allowed_keys"},
        {"{'summary':'loud'}", "supported: silent, info, debug"},
        {"{'hash_function':'sha2'}", "supported: md5, sha1, sha3, hmac-sha256, hmac-sha512"},
        {"{'hash_function':'hmac-sha256'}", "hmac-sha256 needs an hmac_key of at least 32 bytes"},
        {"{'hash_function':'hmac-sha512','hmac_key':'s3cret'}",
         "of at least 64 bytes; there are 6"},
        {"{'url_sanitizer':{'enabled':true}}", "url_sanitizer: is not supported"},
        {"{'db_sanitizer':{'redis':{'enabled':true,'attributes':['a']}}}",
         "db_sanitizer: is not supported"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_refused(&redaction_processor, refused[i][0], refused[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_is_what_the_collector_leaves),
        cmocka_unit_test(every_list_is_looked_through),
        cmocka_unit_test(nothing_hides_inside),
        cmocka_unit_test(bytes_are_judged_as_text),
        cmocka_unit_test(what_nobody_objects_to_is_the_same_batch),
        cmocka_unit_test(others_do_not_see_what_was_hidden),
        cmocka_unit_test(it_fails_closed),
        cmocka_unit_test(hashes_can_be_asked_for),
        cmocka_unit_test(short_of_memory_it_is_busy),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, pipe_teardown);
}
