/* Edits, held against protobuf-c: only the field that an edit names differs afterwards. */
#include "proto/edit.h"

#include "proto/attribute_writer.h"
#include "proto/frame.h"
#include "proto/message_writer.h"
#include "proto/otlp_fields.h"
#include "tests/unit/proto/failing_malloc.h"
#include "tests/unit/proto/oracle.h"
#include "tests/unit/proto/random_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#define KEY "http.route"

static struct buffer packed(const void *m)
{
    struct buffer out = {0};
    if (!m)
        return out;
    uint8_t *to = buffer_reserve(&out, protobuf_c_message_get_packed_size(m) + 1);
    out.len = protobuf_c_message_pack(m, to);
    return out;
}

static bool same_message(const void *a, const void *b)
{
    struct buffer x = packed(a);
    struct buffer y = packed(b);
    bool same = bytes_equal(buffer_bytes(&x), buffer_bytes(&y));
    buffer_free(&x);
    buffer_free(&y);
    return same;
}

static oracle_span *unpack_span(struct bytes s)
{
    oracle_span *m = opentelemetry__proto__trace__v1__span__unpack(NULL, s.len, s.data);
    assert_non_null(m);
    return m;
}

static void free_span(oracle_span *s)
{
    opentelemetry__proto__trace__v1__span__free_unpacked(s, NULL);
}

/* One way to edit a span: doing it, and doing the same to what protobuf-c decoded. */
struct edit_case {
    bool (*edit)(struct batch *b, uint32_t span, struct dice *d);
    void (*expect)(oracle_span *s);
};

static const struct value new_value = {.type = VALUE_INT, .integer = -5};

static bool set(struct batch *b, uint32_t span, struct dice *d)
{
    (void)d;
    return span_set_attribute(b, span, bytes_of_string(KEY), &new_value);
}

/* Takes attributes with KEY out but for the first, which is returned. */
static oracle_key_value *keep_first(oracle_span *s)
{
    oracle_key_value *first = NULL;
    size_t kept = 0;
    for (size_t i = 0; i < s->n_attributes; i++) {
        oracle_key_value *a = s->attributes[i];
        if (strcmp(a->key, KEY) == 0 && first) {
            opentelemetry__proto__common__v1__key_value__free_unpacked(a, NULL);
            continue;
        }
        if (strcmp(a->key, KEY) == 0)
            first = a;
        s->attributes[kept++] = a;
    }
    s->n_attributes = kept;
    return first;
}

static oracle_key_value *unpack_new(void)
{
    uint8_t bytes[64];
    struct wire_writer w = wire_writer(bytes, sizeof bytes);
    wire_put_bytes(&w, 1, bytes_of_string(KEY));
    wire_put_bytes(&w, 2, bytes_of("\x18\xfb\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11));
    return opentelemetry__proto__common__v1__key_value__unpack(NULL, (size_t)(w.at - bytes), bytes);
}

static void expect_set(oracle_span *s)
{
    oracle_key_value *first = keep_first(s);
    size_t at = 0;
    while (at < s->n_attributes && s->attributes[at] != first)
        at++;
    if (first) {
        opentelemetry__proto__common__v1__key_value__free_unpacked(first, NULL);
    } else {
        s->attributes = realloc(s->attributes, (s->n_attributes + 1) * sizeof(void *));
        s->n_attributes++;
    }
    s->attributes[at] = unpack_new();
}

static bool remove_key(struct batch *b, uint32_t span, struct dice *d)
{
    (void)d;
    struct attribute a;
    struct bytes key = bytes_of_string(KEY);
    bool had = attribute_find(span_bytes(&b->spans[span]), SPAN_ATTRIBUTES, key, &a);
    const uint8_t *before = b->spans[span].data;
    bool removed = !had;
    bool done = span_remove_attribute(b, span, key, &removed);
    assert_int_equal(removed, had);
    assert_int_equal(b->spans[span].data == before, !had);
    return done;
}

static void expect_removed(oracle_span *s)
{
    oracle_key_value *first = keep_first(s);
    size_t kept = 0;
    for (size_t i = 0; i < s->n_attributes; i++) {
        if (s->attributes[i] != first)
            s->attributes[kept++] = s->attributes[i];
    }
    s->n_attributes = kept;
    if (first)
        opentelemetry__proto__common__v1__key_value__free_unpacked(first, NULL);
}

/* Which attributes of the span are the same bytes as its last. */
static bool like_last[64];

/* Replaces the last attribute, after another edit has moved it. */
static bool replace_last(struct batch *b, uint32_t span, struct dice *d)
{
    (void)d;
    struct attribute_iterator it;
    struct attribute a, last = {0};
    attribute_begin(&it, span_bytes(&b->spans[span]), SPAN_ATTRIBUTES);
    while (attribute_next(&it, &a))
        last = a;
    if (!last.framed.data)
        return true;
    attribute_begin(&it, span_bytes(&b->spans[span]), SPAN_ATTRIBUTES);
    for (size_t i = 0; i < 64 && attribute_next(&it, &a); i++)
        like_last[i] = bytes_equal(a.framed, last.framed);
    struct value mark = {.type = VALUE_STRING, .bytes = bytes_of_string("unmistakable")};
    return span_set_attribute(b, span, bytes_of_string("another"), &mark) &&
           span_replace_attribute(b, span, &last, bytes_of_string("replaced"), &new_value) &&
           span_remove_attribute(b, span, bytes_of_string("another"), NULL) &&
           span_replace_attribute(b, span, &last, bytes_of_string("not there"), &new_value);
}

static void expect_replaced(oracle_span *s)
{
    if (s->n_attributes == 0)
        return;
    oracle_key_value *old = s->attributes[s->n_attributes - 1];
    size_t kept = 0;
    size_t place = SIZE_MAX;
    for (size_t i = 0; i < s->n_attributes; i++) {
        if (!like_last[i]) {
            s->attributes[kept++] = s->attributes[i];
            continue;
        }
        if (place == SIZE_MAX)
            place = kept++;
        if (s->attributes[i] != old)
            opentelemetry__proto__common__v1__key_value__free_unpacked(s->attributes[i], NULL);
    }
    s->n_attributes = kept;
    opentelemetry__proto__common__v1__key_value__free_unpacked(old, NULL);
    s->attributes[place] = unpack_new();
    free(s->attributes[place]->key);
    s->attributes[place]->key = strdup("replaced");
}

static void replace_string(char **field, const char *s)
{
    if (*field != (const char *)protobuf_c_empty_string)
        free(*field);
    *field = strdup(s);
}

static bool rename_span(struct batch *b, uint32_t span, struct dice *d)
{
    (void)d;
    bool done = span_rename(b, span, bytes_of_string("a new name"));
    assert_true(!done || bytes_equal_string(span_name(&b->spans[span]), "a new name"));
    return done;
}

static void expect_name(oracle_span *s)
{
    replace_string(&s->name, "a new name");
}

static bool set_trace_state(struct batch *b, uint32_t span, struct dice *d)
{
    (void)d;
    return span_set_trace_state(b, span, bytes_of_string("ot=th:c"));
}

static void expect_trace_state(oracle_span *s)
{
    replace_string(&s->trace_state, "ot=th:c");
}

static bool is_even(void *context, const struct event_view *event)
{
    (void)context;
    return event->time_ns % 2 == 0;
}

static bool remove_even_events(struct batch *b, uint32_t span, struct dice *d)
{
    (void)d;
    return span_remove_events(b, span, is_even, NULL);
}

static void expect_odd_events(oracle_span *s)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->n_events; i++) {
        if (s->events[i]->time_unix_nano % 2)
            s->events[kept++] = s->events[i];
        else
            protobuf_c_message_free_unpacked(&s->events[i]->base, NULL);
    }
    s->n_events = kept;
}

static void put_link(struct buffer *b, const char *span, bool with_attributes)
{
    size_t link = message_begin(b, SPAN_LINKS);
    message_bytes(b, LINK_TRACE_ID, bytes_of_string("0123456789abcdef"));
    message_bytes(b, LINK_SPAN_ID, bytes_of_string(span));
    if (with_attributes) {
        attribute_append(b, LINK_ATTRIBUTES, bytes_of_string(KEY), &new_value);
        message_bytes(b, LINK_ATTRIBUTES, bytes_of("\x0a\x0ahttp.route\x12", 14));
    }
    message_end(b, link);
}

static bool add_links(struct batch *b, uint32_t span, struct dice *d)
{
    (void)d;
    struct buffer links = {0};
    put_link(&links, "01234567", true);
    put_link(&links, "89abcdef", false);
    bool done = !links.failed && span_append(b, span, buffer_bytes(&links));
    buffer_free(&links);
    return done;
}

static oracle_link *link_to(const char *span)
{
    uint8_t bytes[128];
    struct wire_writer w = wire_writer(bytes, sizeof bytes);
    wire_put_bytes(&w, 1, bytes_of_string("0123456789abcdef"));
    wire_put_bytes(&w, 2, bytes_of_string(span));
    return (oracle_link *)protobuf_c_message_unpack(
        &opentelemetry__proto__trace__v1__span__link__descriptor, NULL, (size_t)(w.at - bytes),
        bytes);
}

static void expect_links(oracle_span *s)
{
    oracle_link *l = link_to("01234567");
    l->n_attributes = 2;
    l->attributes = malloc(2 * sizeof(void *));
    l->attributes[0] = unpack_new();
    l->attributes[1] = opentelemetry__proto__common__v1__key_value__unpack(
        NULL, 14, (const uint8_t *)"\x0a\x0ahttp.route\x12");
    s->links = realloc(s->links, (s->n_links + 2) * sizeof(void *));
    s->links[s->n_links++] = l;
    s->links[s->n_links++] = link_to("89abcdef");
    if (!l->attributes[1])
        abort();
}

static const struct edit_case cases[] = {
    {set, expect_set},
    {remove_key, expect_removed},
    {replace_last, expect_replaced},
    {rename_span, expect_name},
    {set_trace_state, expect_trace_state},
    {remove_even_events, expect_odd_events},
    {add_links, expect_links},
};

static void only_the_edited_field_differs(void **state)
{
    (void)state;
    struct dice d = {.state = 5};
    for (int i = 0; i < 300; i++) {
        struct batch_report report;
        d.weird = (unsigned)i % 3 * 10;
        struct buffer r = random_request(&d);
        struct batch *b = batch_from_request(buffer_bytes(&r), &report);
        assert_non_null(b);
        for (uint32_t s = 0; s < b->span_count; s++) {
            const struct edit_case *c = &cases[roll(&d, sizeof cases / sizeof cases[0])];
            struct span_view before = b->spans[s];
            oracle_span *expected = unpack_span(span_bytes(&before));
            assert_true(c->edit(b, s, &d));
            c->expect(expected);
            oracle_span *edited = unpack_span(span_bytes(&b->spans[s]));
            assert_true(same_message(expected, edited));
            oracle_same_span(&b->spans[s], edited);
            assert_int_equal(b->spans[s].scope, before.scope);
            free_span(expected);
            free_span(edited);
        }
        size_t total = 0;
        for (uint32_t s = 0; s < b->span_count; s++)
            total += b->spans[s].len;
        assert_int_equal(b->span_bytes, total);
        batch_release(b);
        buffer_free(&r);
    }
    assert_int_equal(batch_live_bytes(), 0);
}

static void a_status_message_is_replaced_in_every_part(void **state)
{
    (void)state;
    struct dice d = {.state = 6, .weird = 30};
    for (int i = 0; i < 200; i++) {
        struct batch_report report;
        struct buffer r = random_request(&d);
        struct batch *b = batch_from_request(buffer_bytes(&r), &report);
        for (uint32_t s = 0; s < b->span_count; s++) {
            uint8_t code = b->spans[s].status_code;
            assert_true(span_set_status_message(b, s, bytes_of_string("masked")));
            oracle_span *m = unpack_span(span_bytes(&b->spans[s]));
            assert_string_equal(m->status->message, "masked");
            assert_int_equal(m->status->code <= 2 ? m->status->code : 0, code);
            free_span(m);
        }
        batch_release(b);
        buffer_free(&r);
    }
}

static struct batch *reframed(struct batch *b)
{
    struct frame *f = frame_create();
    struct buffer out = {0};
    struct batch_report report;
    assert_true(frame_add(f, b, 0, b->span_count) && frame_finish(f));
    frame_flatten(f, &out);
    frame_release(f);
    struct batch *again = batch_from_request(buffer_bytes(&out), &report);
    buffer_free(&out);
    assert_non_null(again);
    return again;
}

static struct bytes find_text(struct bytes message, uint32_t field, const char *key)
{
    struct attribute a;
    return attribute_find(message, field, bytes_of_string(key), &a) ? a.value.bytes
                                                                    : bytes_of(NULL, 0);
}

static void scopes_and_resources_are_edited_and_framed(void **state)
{
    (void)state;
    struct dice d = {.state = 7};
    struct value v = {.type = VALUE_STRING, .bytes = bytes_of_string("edited")};
    for (int i = 0; i < 200; i++) {
        struct batch_report report;
        d.weird = (unsigned)i % 3 * 15;
        struct buffer r = random_request(&d);
        struct batch *b = batch_from_request(buffer_bytes(&r), &report);
        oracle_request *m = oracle_unpack(buffer_bytes(&r));
        for (uint32_t s = 0; s < b->scope_count; s++) {
            bool removed;
            assert_true(scope_set_attribute(b, s, bytes_of_string("scope.new"), &v));
            assert_true(scope_remove_attribute(b, s, bytes_of_string("not there"), &removed));
            assert_false(removed);
        }
        for (uint32_t s = 0; s < b->resource_count; s++) {
            bool removed;
            assert_true(resource_set_attribute(b, s, bytes_of_string("service.name"), &v));
            assert_true(resource_set_attribute(b, s, bytes_of_string("gone"), &v));
            assert_true(resource_remove_attribute(b, s, bytes_of_string("gone"), &removed));
            assert_true(removed);
        }
        struct batch *again = reframed(b);
        assert_int_equal(again->span_count, b->span_count);
        for (uint32_t s = 0; s < b->span_count; s++) {
            struct bytes scope = span_scope(again, &again->spans[s])->message;
            struct bytes resource = span_resource(again, &again->spans[s])->message;
            assert_true(bytes_equal(span_bytes(&again->spans[s]), span_bytes(&b->spans[s])));
            assert_true(bytes_equal(scope, span_scope(b, &b->spans[s])->message));
            assert_true(bytes_equal(resource, span_resource(b, &b->spans[s])->message));
            assert_true(
                bytes_equal_string(find_text(scope, SCOPE_ATTRIBUTES, "scope.new"), "edited"));
            assert_true(bytes_equal_string(
                resource_service_name(span_resource(again, &again->spans[s])), "edited"));
        }
        batch_release(again);
        batch_release(b);
        oracle_free(m);
        buffer_free(&r);
    }
    assert_int_equal(batch_live_bytes(), 0);
}

static struct batch *some_batch(void)
{
    struct dice d = {.state = 8};
    for (;;) {
        struct batch_report report;
        struct buffer r = random_request(&d);
        struct batch *b = batch_from_request(buffer_bytes(&r), &report);
        buffer_free(&r);
        if (b->span_count >= 3)
            return b;
        batch_release(b);
    }
}

static void others_do_not_see_an_edit(void **state)
{
    (void)state;
    struct batch *b = some_batch();
    struct buffer before = {0};
    buffer_append(&before, b->request.data, b->request.len);
    struct batch *mine = batch_writable(batch_retain(b));
    for (uint32_t i = 0; i < mine->span_count; i++)
        assert_true(set(mine, i, NULL));
    assert_int_equal(mine->request.len, 0);
    assert_true(bytes_equal(b->request, buffer_bytes(&before)));
    assert_ptr_not_equal(b->spans[0].data, mine->spans[0].data);
    batch_release(mine);
    batch_release(b);
    buffer_free(&before);
}

static void spans_edited_in_order_leave_as_one_slice(void **state)
{
    (void)state;
    struct batch *b = some_batch();
    uint32_t in_scope = 0;
    while (in_scope < b->span_count && b->spans[in_scope].scope == 0)
        assert_true(set(b, in_scope++, NULL));
    struct frame *f = frame_create();
    size_t slices;
    assert_true(frame_add(f, b, 0, in_scope) && frame_finish(f));
    frame_slices(f, &slices);
    assert_true(slices <= 3);
    frame_release(f);
    batch_release(b);
}

static bool try_edits(void *context)
{
    (void)context;
    static uint8_t long_text[40000];
    struct value v = {.type = VALUE_BYTES, .bytes = bytes_of(long_text, sizeof long_text)};
    long left = allocations_left;
    allocations_left = -1;
    struct batch *b = some_batch();
    struct buffer before = {0};
    buffer_append(&before, b->spans[0].data, b->spans[0].len);
    allocations_left = left;
    bool done = span_set_attribute(b, 0, bytes_of_string("k"), &v);
    if (!done) {
        assert_true(bytes_equal(span_bytes(&b->spans[0]), buffer_bytes(&before)));
        assert_true(b->request.len > 0);
    }
    done = resource_set_attribute(b, 0, bytes_of_string("k"), &v) && done;
    done = scope_set_attribute(b, 0, bytes_of_string("k"), &v) && done;
    batch_release(b);
    buffer_free(&before);
    return done;
}

static void memory_that_runs_out_leaves_the_message(void **state)
{
    (void)state;
    assert_true(until_memory_suffices(try_edits, NULL) >= 2);
    assert_int_equal(batch_live_bytes(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_edited_field_differs),
        cmocka_unit_test(a_status_message_is_replaced_in_every_part),
        cmocka_unit_test(scopes_and_resources_are_edited_and_framed),
        cmocka_unit_test(others_do_not_see_an_edit),
        cmocka_unit_test(spans_edited_in_order_leave_as_one_slice),
        cmocka_unit_test(memory_that_runs_out_leaves_the_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
