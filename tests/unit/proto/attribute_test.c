/* Reading attributes, events and links in place: every type, what comes twice, what is broken. */
#include "proto/attribute.h"

#include "tests/unit/proto/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static struct attribute only(struct buffer *message)
{
    struct attribute_iterator it;
    struct attribute a, more;
    attribute_begin(&it, buffer_bytes(message), SPAN_ATTRIBUTES);
    assert_true(attribute_next(&it, &a));
    assert_false(attribute_next(&it, &more));
    return a;
}

static void every_type_is_read_as_written(void **state)
{
    (void)state;
    const struct value values[] = {
        {.type = VALUE_EMPTY},
        string_value(""),
        string_value("text"),
        {.type = VALUE_BOOL, .boolean = true},
        {.type = VALUE_BOOL, .boolean = false},
        int_value(0),
        int_value(127),
        int_value(128),
        int_value(INT64_MAX),
        int_value(-1),
        {.type = VALUE_DOUBLE, .real = -0.25},
        {.type = VALUE_ARRAY, .bytes = bytes_of_string("\x0a\x03\x0a\x01x")},
        {.type = VALUE_MAP, .bytes = bytes_of_string("\x0a\x03\x0a\x01k")},
        {.type = VALUE_BYTES, .bytes = bytes_of("\0\1", 2)},
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct buffer m = {0};
        text(&m, 5, "between");
        attribute(&m, SPAN_ATTRIBUTES, "key", values[i]);
        text(&m, 5, "between");
        struct attribute a = only(&m);
        assert_true(bytes_equal_string(a.key, "key"));
        assert_int_equal(a.value.type, values[i].type);
        assert_true(bytes_equal(a.value.bytes, values[i].bytes));
        if (a.value.type == VALUE_DOUBLE)
            assert_true(a.value.real == values[i].real);
        else if (a.value.type == VALUE_BOOL)
            assert_int_equal(a.value.boolean, values[i].boolean);
        else
            assert_true(a.value.integer == values[i].integer);
        assert_int_equal(a.framed.len, a.key_value.len + 2);
        assert_ptr_equal(a.framed.data + 2, a.key_value.data);
        buffer_free(&m);
    }
}

static void of_what_comes_twice_the_last_counts(void **state)
{
    (void)state;
    struct buffer m = {0}, kv = {0};
    text(&kv, 1, "first");
    text(&kv, 2, "\x0a\x03one");
    text(&kv, 2, "\x18\x07\x0a\x03two");
    text(&kv, 2, "");
    text(&kv, 1, "second");
    message(&m, SPAN_ATTRIBUTES, &kv);
    struct attribute a = only(&m);
    assert_true(bytes_equal_string(a.key, "second"));
    assert_true(bytes_equal_string(attribute_key(a.key_value), "second"));
    assert_int_equal(a.value.type, VALUE_STRING);
    assert_true(bytes_equal_string(a.value.bytes, "two"));
    buffer_free(&m);

    attribute(&m, SPAN_ATTRIBUTES, "k", int_value(1));
    attribute(&m, SPAN_ATTRIBUTES, "other", int_value(2));
    attribute(&m, SPAN_ATTRIBUTES, "k", int_value(3));
    assert_true(attribute_find(buffer_bytes(&m), SPAN_ATTRIBUTES, bytes_of_string("k"), &a));
    assert_int_equal(a.value.integer, 3);
    assert_false(attribute_find(buffer_bytes(&m), SPAN_ATTRIBUTES, bytes_of_string("none"), &a));
    assert_false(attribute_find(buffer_bytes(&m), EVENT_ATTRIBUTES, bytes_of_string("k"), &a));
    assert_false(attribute_find(bytes_of(NULL, 0), 1, bytes_of_string("k"), &a));
    buffer_free(&m);
}

static void arrays_and_maps_nest(void **state)
{
    (void)state;
    struct buffer m = {0}, array = {0}, map = {0};
    uint8_t memory[64];
    attribute(&map, 1, "inner", int_value(5));
    struct value v = {.type = VALUE_MAP, .bytes = buffer_bytes(&map)};
    struct wire_writer w = wire_writer(memory, sizeof memory);
    value_put(&w, &v);
    assert_int_equal(w.at - memory, value_size(&v));
    bytes(&array, 1, bytes_of(memory, (size_t)(w.at - memory)));
    text(&array, 1, "\x0a\x04last");
    attribute(&m, SPAN_ATTRIBUTES, "list",
              (struct value){.type = VALUE_ARRAY, .bytes = buffer_bytes(&array)});

    struct attribute a = only(&m);
    struct value_iterator it;
    struct value element;
    struct attribute inner;
    value_begin(&it, a.value.bytes);
    assert_true(value_next(&it, &element));
    assert_int_equal(element.type, VALUE_MAP);
    assert_true(attribute_find(element.bytes, 1, bytes_of_string("inner"), &inner));
    assert_int_equal(inner.value.integer, 5);
    assert_true(value_next(&it, &element));
    assert_true(bytes_equal_string(element.bytes, "last"));
    assert_false(value_next(&it, &element));
    buffer_free(&m);
    buffer_free(&array);
    buffer_free(&map);
}

static void events_and_links_are_walked_apart(void **state)
{
    (void)state;
    struct buffer s = span(1, "n"), event = {0}, link = {0};
    fixed64(&event, 1, 77);
    text(&event, 2, "exception");
    attribute(&event, EVENT_ATTRIBUTES, "exception.type", string_value("IOError"));
    bytes(&link, 1, bytes_of("0123456789abcdef", 16));
    bytes(&link, 2, bytes_of("01234567", 8));
    text(&link, 3, "a=b");
    attribute(&link, LINK_ATTRIBUTES, "k", int_value(1));
    message(&s, 13, &link);
    message(&s, 11, &event);
    text(&s, 3, "ot=th:8");
    text(&s, 15,
         "\x12\x03"
         "bad\x18\x02");

    struct span_cursor c;
    struct event_view e;
    struct link_view l;
    struct attribute a;
    span_events_begin(&c, buffer_bytes(&s));
    assert_true(event_next(&c, &e));
    assert_int_equal(e.time_ns, 77);
    assert_true(bytes_equal_string(e.name, "exception"));
    assert_true(attribute_find(e.message, EVENT_ATTRIBUTES, bytes_of_string("exception.type"), &a));
    assert_false(event_next(&c, &e));
    span_links_begin(&c, buffer_bytes(&s));
    assert_true(link_next(&c, &l));
    assert_true(bytes_equal_string(l.trace_id, "0123456789abcdef"));
    assert_true(bytes_equal_string(l.span_id, "01234567"));
    assert_true(bytes_equal_string(l.trace_state, "a=b"));
    assert_true(attribute_find(l.message, LINK_ATTRIBUTES, bytes_of_string("k"), &a));
    assert_false(link_next(&c, &l));
    assert_true(bytes_equal_string(span_trace_state(buffer_bytes(&s)), "ot=th:8"));
    assert_true(bytes_equal_string(span_status_message(buffer_bytes(&s)), "bad"));
    buffer_free(&s);
}

/* Any bytes at all: iterators end, and stay inside memory of exactly that size. */
static void broken_bytes_end_early(void **state)
{
    (void)state;
    struct buffer s = span(1, "name");
    attribute(&s, SPAN_ATTRIBUTES, "list",
              (struct value){.type = VALUE_ARRAY, .bytes = bytes_of_string("\x0a\x03\x0a\x01x")});
    for (size_t at = 0; at < s.len; at++) {
        for (unsigned flip = 1; flip < 256; flip++) {
            uint8_t *copy = malloc(s.len);
            memcpy(copy, s.data, s.len);
            copy[at] ^= (uint8_t)flip;
            struct attribute_iterator it;
            struct attribute a;
            struct value_iterator values;
            struct value v;
            unsigned count = 0;
            attribute_begin(&it, bytes_of(copy, s.len), SPAN_ATTRIBUTES);
            while (attribute_next(&it, &a)) {
                assert_true(++count <= s.len);
                assert_true(a.key.len <= s.len && a.value.bytes.len <= s.len);
                value_begin(&values, a.value.bytes);
                while (a.value.type == VALUE_ARRAY && value_next(&values, &v))
                    assert_true(v.bytes.len <= s.len);
            }
            assert_ptr_equal(it.at, it.end);
            free(copy);
        }
    }
    buffer_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_read_as_written),
        cmocka_unit_test(of_what_comes_twice_the_last_counts),
        cmocka_unit_test(arrays_and_maps_nest),
        cmocka_unit_test(events_and_links_are_walked_apart),
        cmocka_unit_test(broken_bytes_end_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
