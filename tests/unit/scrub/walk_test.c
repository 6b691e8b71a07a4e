/* A batch before and after: every place, every kind of value, every action; what has nothing in it
 * stays byte for byte. */
#include "processors/scrub/walk.h"

#include "proto/frame.h"
#include "proto/otlp_json.h"
#include "tests/unit/scrub/config_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEAD                                                                                       \
    "{\"resourceSpans\":[{\"resource\":{\"attributes\":[%s]},\"scopeSpans\":[{\"scope\":{"         \
    "\"name\":\"lib\"},\"spans\":[{\"traceId\":\"0102030405060708090a0b0c0d0e0f10\",\"spanId\":"   \
    "\"0102030405060708\",\"name\":\"work\",\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":"      \
    "\"2\",\"attributes\":[%s]%s}]}]}]}"

/* Profiles secrets and pii; `class` (NULL: none) with this action. */
static struct scrub_rules *rules_with(const char *class, const char *action, const char *summary)
{
    struct error e = {{0}};
    struct config_value *config = node(NULL, CONFIG_MAP, "scrub", NULL);
    struct config_value *profiles = node(config, CONFIG_LIST, "profiles", NULL);
    node(profiles, CONFIG_SCALAR, NULL, "secrets");
    node(profiles, CONFIG_SCALAR, NULL, "pii");
    if (class) {
        struct config_value *classes = node(config, CONFIG_MAP, "classes", NULL);
        node(node(classes, CONFIG_MAP, class, NULL), CONFIG_SCALAR, "action", action);
        node(node(config, CONFIG_MAP, "hash", NULL), CONFIG_SCALAR, "key", "0123456789abcdef");
    }
    struct config_value *pattern =
        node(node(config, CONFIG_LIST, "patterns", NULL), CONFIG_MAP, NULL, NULL);
    node(pattern, CONFIG_SCALAR, "name", "order");
    node(pattern, CONFIG_SCALAR, "regex", "ORD-[0-9]+");
    node(node(config, CONFIG_LIST, "allowed_values", NULL), CONFIG_SCALAR, NULL,
         "[a-z]+@ours\\.example");
    node(node(config, CONFIG_LIST, "blocked_keys", NULL), CONFIG_SCALAR, NULL, "^internal\\.");
    node(node(config, CONFIG_LIST, "ignored_keys", NULL), CONFIG_SCALAR, NULL, "support.mail");
    node(config, CONFIG_SCALAR, "summary", summary);
    struct scrub_rules *r = scrub_rules_create(config, &e);
    if (!r)
        fail_msg("%s", e.text);
    return r;
}

static struct batch *batch_of(const char *resource, const char *attributes, const char *more)
{
    static char json[16384];
    char where[256];
    struct buffer wire = {0};
    struct batch_report report;
    snprintf(json, sizeof json, HEAD, resource, attributes, more);
    if (!otlp_json_parse(bytes_of_string(json), OTLP_TRACE_REQUEST, &wire, where, sizeof where))
        fail_msg("%s", where);
    struct batch *b = batch_from_request(buffer_bytes(&wire), &report);
    buffer_free(&wire);
    assert_non_null(b);
    return b;
}

static char *json_of(struct batch *b)
{
    struct buffer wire = {0}, text = {0};
    assert_true(frame_batch(b, &wire));
    assert_true(otlp_json_print(buffer_bytes(&wire), OTLP_TRACE_REQUEST, false, &text));
    buffer_free(&wire);
    return buffer_take(&text, NULL);
}

#define S(key, value) "{\"key\":\"" key "\",\"value\":{\"stringValue\":\"" value "\"}}"

static void becomes(struct scrub_rules *r, const char *attribute, const char *wanted)
{
    const struct scrub_walk walk = {.rules = r};
    struct batch *b = batch_of(S("service.name", "shop"), attribute, "");
    assert_true(scrub_batch(&walk, b));
    char *json = json_of(b);
    if (!strstr(json, wanted))
        fail_msg("%s\nbecame %s\nwanted %s", attribute, json, wanted);
    free(json);
    batch_release(b);
}

static void actions_do_what_they_say(void **state)
{
    (void)state;
    static const char *const cases[][4] = {
        {"email", "replace", S("m", "to a@b.com!"), S("m", "to [email]!")},
        {"email", "remove", S("m", "to a@b.com!"), S("m", "to !")},
        {"email", "remove", S("m", "a@b.com"), "\"attributes\":[],"},
        {"email", "mask", S("m", "to a@b.com!"), S("m", "to ****!")},
        {"payment_card", "mask", S("m", "4111-1111-1111-1111"), S("m", "****1111")},
        {"ipv4", "truncate", S("m", "8.8.4.4"), S("m", "8.8.4.0")},
        {"ipv6", "truncate", S("m", "2001:db8:1:2:3:4:5:6"), S("m", "2001:db8:1::")},
        {"ipv4", "replace", S("m", "8.8.4.4"), S("m", "[ipv4]")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scrub_rules *r = rules_with(cases[i][0], cases[i][1], "silent");
        bool gone = strncmp(cases[i][3], "\"attributes\":[]", 15) == 0;
        if (!gone)
            becomes(r, cases[i][2], cases[i][3]);
        scrub_rules_destroy(r);
    }
}

static void hashes_join_however_it_is_written(void **state)
{
    (void)state;
    struct scrub_rules *r = rules_with("email", "hash", "silent");
    struct buffer a = {0}, b = {0};
    scrub_pseudonym(r, SCRUB_EMAIL, bytes_of_string("Alice@Example.com"), &a);
    scrub_pseudonym(r, SCRUB_EMAIL, bytes_of_string("alice%40example.com"), &b);
    assert_true(bytes_equal(buffer_bytes(&a), buffer_bytes(&b)));
    assert_int_equal(a.len, strlen("[email:1:]") + 32);
    buffer_free(&a);
    buffer_free(&b);
    scrub_rules_destroy(r);
}

static void rules_of_the_users(void **state)
{
    (void)state;
    struct scrub_rules *r = rules_with(NULL, NULL, "silent");
    becomes(r, S("m", "order ORD-123 by a@b.com"), S("m", "order [order] by [email]"));
    becomes(r, S("paid.ORD-12", "yes"), S("paid.[order]", "yes"));
    becomes(r, S("m", "ask help@ours.example or a@b.com"),
            S("m", "ask help@ours.example or [email]"));
    becomes(r, S("internal.note", "anything"), S("internal.note", "[sensitive_key]"));
    becomes(r, S("support.mail", "a@b.com"), S("support.mail", "a@b.com"));
    scrub_rules_destroy(r);
}

static struct scrub_rules *rules_of(const char *key, const char *value)
{
    struct error e = {{0}};
    struct config_value *config = node(NULL, CONFIG_MAP, "scrub", NULL);
    struct config_value *profiles = node(config, CONFIG_LIST, "profiles", NULL);
    node(profiles, CONFIG_SCALAR, NULL, "secrets");
    node(profiles, CONFIG_SCALAR, NULL, "pii");
    node(config, CONFIG_SCALAR, key, value);
    node(node(config, CONFIG_MAP, "hash", NULL), CONFIG_SCALAR, "key", "0123456789abcdef");
    struct scrub_rules *r = scrub_rules_create(config, &e);
    if (!r)
        fail_msg("%s", e.text);
    return r;
}

#define MAP(key, pair) "{\"key\":\"" key "\",\"value\":{\"kvlistValue\":{\"values\":[" pair "]}}}"
#define LIST(key, element)                                                                         \
    "{\"key\":\"" key "\",\"value\":{\"arrayValue\":{\"values\":[{\"stringValue\":\"" element      \
    "\"}]}}}"
#define TWO(key, first, second)                                                                    \
    "{\"key\":\"" key "\",\"value\":{\"arrayValue\":{\"values\":[{\"stringValue\":\"" first        \
    "\"},{\"stringValue\":\"" second "\"}]}}}"
#define INT(key, n) "{\"key\":\"" key "\",\"value\":{\"intValue\":\"" n "\"}}"

/* Headers and settings are often kept with their names beside them. */
static void names_beside_values_say_what_they_are(void **state)
{
    (void)state;
    struct scrub_rules *r = rules_of("summary", "silent");
    becomes(r, MAP("m", S("name", "x-api-key") "," S("value", "hunter2")),
            MAP("m", S("name", "x-api-key") "," S("value", "[sensitive_key]")));
    becomes(r, MAP("m", S("Value", "Token hunter2") "," S("Key", "Authorization")),
            MAP("m", S("Value", "Token [bearer]") "," S("Key", "Authorization")));
    becomes(r, TWO("headers", "authorization", "Token hunter2"),
            TWO("headers", "authorization", "Token [bearer]"));
    becomes(r, TWO("m", "authorization: Basic x1", "accept: 1"),
            TWO("m", "authorization: Basic [bearer]", "accept: 1"));
    becomes(r, TWO("tags", "token", "refresh"), TWO("tags", "token", "refresh"));
    becomes(r, TWO("tags", "name", "hunter2"), TWO("tags", "name", "hunter2"));
    becomes(r, MAP("m", S("name", "host") "," S("value", "hunter2")),
            MAP("m", S("name", "host") "," S("value", "hunter2")));
    becomes(r, MAP("m", S("name", "password") "," S("type", "string")),
            MAP("m", S("name", "password") "," S("type", "string")));
    scrub_rules_destroy(r);
}

static void what_hides_behind_a_key_is_found(void **state)
{
    (void)state;
    struct scrub_rules *r = rules_of("summary", "silent");
    becomes(r, MAP("m", LIST("a@b.com", "AKIAIOSFODNN7EXAMPLE")),
            MAP("m", LIST("[email]", "[aws_key_id]")));
    becomes(r, MAP("m", MAP("a@b.com", S("x", "c@d.com"))),
            MAP("m", MAP("[email]", S("x", "[email]"))));
    becomes(r, LIST("of.a@b.com", "c@d.com"), LIST("[email]", "[email]"));
    becomes(r, S("4111111111111111", "fine"), S("[payment_card]", "fine"));
    becomes(r, S("password=hunter2", "fine"), S("password=[sensitive_key]", "[sensitive_key]"));
    becomes(r, TWO("process.command_args", "--password", "hunter2"),
            TWO("process.command_args", "--password", "[sensitive_key]"));
    becomes(r, TWO("process.command_args", "--password", "--verbose"),
            TWO("process.command_args", "--password", "--verbose"));
    becomes(r, TWO("process.command_args", "/usr/bin/mysql", "-phunter2"),
            TWO("process.command_args", "/usr/bin/mysql", "-p[sensitive_key]"));
    becomes(r, TWO("process.command_args", "ssh", "-p2222"),
            TWO("process.command_args", "ssh", "-p2222"));
    becomes(r,
            "{\"key\":\"a\",\"value\":{\"arrayValue\":{\"values\":[{\"stringValue\":\"aws\"},"
            "{\"stringValue\":\"aws_secret_access_key\"},{\"stringValue\":\"hunter2\"}]}}}",
            "\"aws_secret_access_key\"},{\"stringValue\":\"[sensitive_key]\"}");
    becomes(r, TWO("process.command_args", "--name", "hunter2"),
            TWO("process.command_args", "--name", "hunter2"));
    scrub_rules_destroy(r);
    r = rules_of("action", "remove");
    becomes(r, MAP("m", S("a@b.com", "v")), "\"kvlistValue\":{}");
    scrub_rules_destroy(r);
}

static void numbers_are_somebodys(void **state)
{
    (void)state;
    struct scrub_rules *r = rules_of("summary", "silent");
    becomes(r, INT("n", "4111111111111111"), S("n", "[payment_card]"));
    becomes(r, INT("user.ssn", "536228726"), S("user.ssn", "[us_ssn]"));
    becomes(r, INT("http.response.body.size", "536228726"),
            INT("http.response.body.size", "536228726"));
    becomes(r, "{\"key\":\"d\",\"value\":{\"doubleValue\":4111111111111111}}",
            S("d", "[payment_card]"));
    becomes(r, "{\"key\":\"api_token\",\"value\":{\"doubleValue\":0.25}}",
            S("api_token", "[sensitive_key]"));
    scrub_rules_destroy(r);
    r = rules_with(NULL, NULL, "silent");
    becomes(r, "{\"key\":\"internal.flag\",\"value\":{\"boolValue\":true}}",
            S("internal.flag", "[sensitive_key]"));
    scrub_rules_destroy(r);
}

/* As through an agent and a gateway. */
static void what_was_hashed_stays(void **state)
{
    (void)state;
    struct scrub_rules *r = rules_of("action", "hash");
    const struct scrub_walk walk = {.rules = r};
    struct batch *b = batch_of(S("owner", "a@b.com"),
                               S("m", "ghp_0123456789abcdefghijABCDEFGHIJ012345 of a@b.com") "," S(
                                   "password", "hunter2") "," INT("n", "4111111111111111"),
                               "");
    assert_true(scrub_batch(&walk, b));
    char *once = json_of(b);
    assert_null(strstr(once, "a@b.com"));
    assert_null(strstr(once, "hunter2"));
    assert_true(scrub_batch(&walk, b));
    char *twice = json_of(b);
    assert_string_equal(once, twice);
    free(once);
    free(twice);
    batch_release(b);
    becomes(r, S("m", "[email:AKIAIOSFODNN7EXAMPLE:00112233445566778899aabbccddeeff]"),
            "[aws_key_id:1:");
    scrub_rules_destroy(r);
}

/* What has been seen is not looked at again, unless it may mean something else now. */
static void nothing_is_remembered_wrongly(void **state)
{
    (void)state;
    static const char statement[] = S("db.query.text", "SELECT 1 FROM t WHERE c = \\\"Smith\\\"");
    static const char mysql[] = S("db.system.name", "mysql");
    static const char postgresql[] = S("db.system.name", "postgresql");
    char text[512];
    struct scrub_rules *r = rules_of("summary", "silent");
    struct scrub_rules *strict = rules_of("action", "mask");
    for (int i = 0; i < 3; i++) {
        snprintf(text, sizeof text, "%s,%s", postgresql, statement);
        becomes(r, text, "Smith");
        snprintf(text, sizeof text, "%s,%s", mysql, statement);
        becomes(r, text, "c = ?");
        becomes(r, S("a.note.of.some.length", "order of a@b.com, 2 pieces"),
                S("a.note.of.some.length", "order of [email], 2 pieces"));
        becomes(strict, S("a.note.of.some.length", "order of a@b.com, 2 pieces"),
                S("a.note.of.some.length", "order of ****, 2 pieces"));
        becomes(r, S("a.note.of.some.length", "order of a-b.com, 2 pieces"),
                S("a.note.of.some.length", "order of a-b.com, 2 pieces"));
    }
    scrub_rules_destroy(r);
    r = rules_with(NULL, NULL, "silent"); /* to it, this is an order */
    becomes(r, S("a.note.of.some.length", "about ORD-4711, two pieces of it"),
            S("a.note.of.some.length", "about [order], two pieces of it"));
    becomes(strict, S("a.note.of.some.length", "about ORD-4711, two pieces of it"),
            S("a.note.of.some.length", "about ORD-4711, two pieces of it"));
    becomes(r, S("a.note.of.some.length", "about ORD-4711, two pieces of it"),
            S("a.note.of.some.length", "about [order], two pieces of it"));
    scrub_rules_destroy(strict);
    scrub_rules_destroy(r);
}

static void every_place_and_kind(void **state)
{
    (void)state;
    struct scrub_rules *r = rules_with(NULL, NULL, "silent");
    const struct scrub_walk walk = {.rules = r};
    struct batch *b = batch_of(
        S("owner", "a@b.com"),
        "{\"key\":\"list\",\"value\":{\"arrayValue\":{\"values\":[{\"stringValue\":\"a@b.com\"},{"
        "\"stringValue\":\"ok\"}]}}},"
        "{\"key\":\"map\",\"value\":{\"kvlistValue\":{\"values\":[{\"key\":\"a@b.com\",\"value\":{"
        "\"stringValue\":\"v\"}},{\"key\":\"token\",\"value\":{\"stringValue\":\"zzz\"}}]}}},"
        "{\"key\":\"pin\",\"value\":{\"intValue\":\"1234\"}},"
        "{\"key\":\"card\",\"value\":{\"intValue\":\"4111111111111111\"}},"
        "{\"key\":\"raw\",\"value\":{\"bytesValue\":\"YUBiLmNvbQ==\"}},"
        "{\"key\":\"cookie\",\"value\":{\"arrayValue\":{\"values\":[{\"stringValue\":\"sid=zzz\"}]}"
        "}},"
        "{\"key\":\"flag.password\",\"value\":{\"boolValue\":true}}",
        ",\"traceState\":\"k=a@b.com\",\"status\":{\"code\":2,\"message\":\"no "
        "a@b.com\"},\"events\":[{"
        "\"name\":\"mail a@b.com\",\"attributes\":[" S(
            "x", "a@b.com") "]}],\"links\":[{\"traceId\":"
                            "\"0102030405060708090a0b0c0d0e0f10\",\"spanId\":\"0102030405060708\","
                            "\"attributes\":[" S("y", "a@b.com") "]}]");
    assert_true(scrub_batch(&walk, b));
    char *json = json_of(b);
    assert_null(strstr(json, "a@b.com"));
    assert_null(strstr(json, "YUBiLmNvbQ"));
    assert_null(strstr(json, "zzz"));
    assert_null(strstr(json, "1234"));
    assert_null(strstr(json, "4111"));
    assert_non_null(strstr(json, "\"stringValue\":\"ok\""));
    assert_non_null(strstr(json, "\"boolValue\":true"));
    assert_non_null(strstr(json, "mail [email]"));
    assert_non_null(strstr(json, "0102030405060708090a0b0c0d0e0f10"));
    free(json);
    batch_release(b);
    scrub_rules_destroy(r);
}

static void summaries_tell_of_their_own_list(void **state)
{
    (void)state;
    struct scrub_rules *r = rules_with(NULL, NULL, "debug");
    const struct scrub_walk walk = {.rules = r};
    struct batch *b =
        batch_of("", S("b", "a@b.com") "," S("a", "a@b.com") "," S("c", "fine"),
                 ",\"events\":[{\"name\":\"e\",\"attributes\":[" S("x", "a@b.com") "]}]");
    assert_true(scrub_batch(&walk, b));
    char *json = json_of(b);
    assert_non_null(strstr(json, S("redaction.masked.keys", "a,b")));
    assert_non_null(strstr(json, "\"redaction.masked.count\",\"value\":{\"intValue\":\"2\"}"));
    assert_non_null(strstr(json, S("redaction.masked.keys", "x")));
    free(json);
    batch_release(b);
    scrub_rules_destroy(r);
}

static void summaries_go_on_and_name_nobody(void **state)
{
    (void)state;
    struct scrub_rules *r = rules_with(NULL, NULL, "debug");
    becomes(r,
            S("b", "a@b.com") "," S("redaction.masked.keys",
                                    "a,z") "," INT("redaction.masked.count", "2"),
            S("b", "[email]") "," S("redaction.masked.keys",
                                    "a,b,z") "," INT("redaction.masked.count", "3") "]");
    becomes(r, S("redaction.masked.keys", "a,z") "," INT("redaction.masked.count", "2"),
            "[" S("redaction.masked.keys", "a,z") "," INT("redaction.masked.count", "2") "]");
    becomes(r, S("of.a@b.com", "x"), S("[email]", "x") "," S("redaction.masked.keys", "[email]"));
    becomes(r, S("redaction.note", "a@b.com"), S("redaction.note", "[email]"));
    becomes(r, S("redaction.masked.keys", "a@b.com"), S("redaction.masked.keys", "[email]"));
    scrub_rules_destroy(r);
}

static void what_has_nothing_in_it_stays_as_it_is(void **state)
{
    (void)state;
    struct scrub_rules *r = rules_with(NULL, NULL, "debug");
    const struct scrub_walk walk = {.rules = r};
    struct batch *b = batch_of(S("service.name", "shop"), S("http.route", "/cart/{id}"), "");
    const uint8_t *data = b->spans[0].data;
    size_t bytes = batch_bytes(b);
    assert_true(scrub_batch(&walk, b));
    assert_ptr_equal(b->spans[0].data, data);
    assert_int_equal(batch_bytes(b), bytes);
    assert_int_not_equal(b->request.len, 0);
    batch_release(b);
    scrub_rules_destroy(r);
}

static int end(void **state)
{
    (void)state;
    config_release();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(actions_do_what_they_say),
        cmocka_unit_test(hashes_join_however_it_is_written),
        cmocka_unit_test(rules_of_the_users),
        cmocka_unit_test(every_place_and_kind),
        cmocka_unit_test(what_hides_behind_a_key_is_found),
        cmocka_unit_test(names_beside_values_say_what_they_are),
        cmocka_unit_test(numbers_are_somebodys),
        cmocka_unit_test(what_was_hashed_stays),
        cmocka_unit_test(nothing_is_remembered_wrongly),
        cmocka_unit_test(summaries_go_on_and_name_nobody),
        cmocka_unit_test(summaries_tell_of_their_own_list),
        cmocka_unit_test(what_has_nothing_in_it_stays_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
