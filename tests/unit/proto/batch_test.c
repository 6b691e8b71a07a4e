/* Batches: what the index says, what it refuses and with which words, who holds what, and how many
 * bytes live. */
#include "proto/batch.h"

#include "tests/unit/proto/failing_malloc.h"
#include "tests/unit/proto/request.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static int nothing_lives(void **state)
{
    (void)state;
    return batch_live_bytes() == 0 ? 0 : -1;
}

/* One ResourceSpans with one ScopeSpans around these fields. */
static struct buffer around(struct buffer *scope_fields)
{
    struct buffer all = {0}, resource_spans = {0};
    message(&resource_spans, 2, scope_fields);
    message(&all, 1, &resource_spans);
    return all;
}

static struct buffer around_span(struct buffer *s)
{
    struct buffer scope_spans = {0};
    message(&scope_spans, 2, s);
    return around(&scope_spans);
}

static void an_index_points_into_the_request(void **state)
{
    (void)state;
    struct buffer r = request("shop", "http", 1, 3);
    struct batch_report report;
    struct batch *b = batch_from_request(buffer_bytes(&r), &report);
    assert_non_null(b);
    assert_false(report.malformed);
    assert_int_equal(report.rejected_spans, 0);
    assert_int_equal(b->span_count, 3);
    assert_int_equal(b->scope_count, 1);
    assert_int_equal(b->resource_count, 1);
    assert_true(bytes_equal(b->request, buffer_bytes(&r)));
    assert_true(b->received_ns > 1600000000000000000U);
    const struct span_view *s = &b->spans[2];
    assert_int_equal(s->trace_id[15], 3);
    assert_int_equal(s->span_id[7], 0x13);
    assert_true(span_is_root(s));
    assert_int_equal(s->start_ns, 1000);
    assert_int_equal(s->end_ns, 2000);
    assert_int_equal(s->kind, 2);
    assert_int_equal(s->frame_len, 2);
    assert_int_equal(s->data[-2], 0x12);
    assert_int_equal(s->data[-1], s->len);
    assert_true(bytes_equal_string(span_name(s), "GET /cart"));
    assert_true(bytes_equal_string(resource_service_name(span_resource(b, s)), "shop"));
    assert_int_equal(span_scope(b, s)->tail.len, 2 + strlen("https://scope.example/1"));
    batch_release(b);
    buffer_free(&r);
}

static void an_empty_request_is_a_request(void **state)
{
    (void)state;
    struct batch_report report;
    struct batch *b = batch_from_request(bytes_of(NULL, 0), &report);
    assert_non_null(b);
    assert_int_equal(b->span_count, 0);
    assert_int_equal(report.rejected_spans, 0);
    batch_release(b);
}

/* protobuf's rule: parts of a message are one message, of a scalar the last counts. */
static void what_comes_twice_is_merged(void **state)
{
    (void)state;
    struct buffer all = {0}, resource_spans = {0}, part = {0}, scope_spans = {0};
    struct buffer s = span(1, "first");
    text(&s, 5, "second");
    integer(&s, 6, 99);
    text(&s, 15, "\x18\x02");
    text(&s, 15, "\x12\x01x");
    message(&scope_spans, 2, &s);
    s = span(2, "other");
    text(&s, 15, "\x18\x02");
    integer(&part, 3, 0);
    message(&s, 15, &part);
    text(&scope_spans, 1, "\x0a\x01n");
    message(&scope_spans, 2, &s);
    text(&scope_spans, 1, "\x12\x01v");
    message(&resource_spans, 2, &scope_spans);
    attribute(&part, RESOURCE_ATTRIBUTES, "service.name", string_value("old"));
    message(&resource_spans, 1, &part);
    attribute(&part, RESOURCE_ATTRIBUTES, "service.name", string_value("new"));
    message(&resource_spans, 1, &part);
    message(&all, 1, &resource_spans);

    struct batch *b = indexed(&all);
    assert_non_null(b);
    assert_int_equal(b->span_count, 2);
    assert_true(bytes_equal_string(span_name(&b->spans[0]), "second"));
    assert_int_equal(b->spans[0].kind, 0); /* 99 is no kind */
    assert_int_equal(b->spans[0].status_code, 2);
    assert_true(bytes_equal_string(span_status_message(span_bytes(&b->spans[0])), "x"));
    assert_int_equal(b->spans[1].status_code, 0);
    assert_true(bytes_equal_string(scope_name(b->scopes[0].message), "n"));
    assert_true(bytes_equal_string(scope_version(b->scopes[0].message), "v"));
    assert_true(bytes_equal_string(resource_service_name(&b->resources[0]), "new"));
    assert_int_equal(b->scopes[0].head.len, 10); /* both parts, gathered from between the spans */
    assert_int_equal(b->scopes[0].tail.len, 0);
    batch_release(b);
}

static void spans_without_ids_are_rejected_one_by_one(void **state)
{
    (void)state;
    static const uint8_t zero[16];
    struct buffer scope_spans = {0}, all, s;
    for (uint8_t i = 1; i <= 8; i++) {
        s = span(i, "n");
        if (i == 2)
            bytes(&s, 1, bytes_of(zero, 16)); /* the last one counts */
        else if (i == 3)
            bytes(&s, 1, bytes_of("short", 5));
        else if (i == 4)
            bytes(&s, 2, bytes_of(zero, 8));
        else if (i == 5)
            bytes(&s, 4, bytes_of("123", 3));
        else if (i == 6)
            bytes(&s, 4, bytes_of(zero, 8)); /* a root, spelt out */
        else if (i == 7)
            bytes(&s, 2, bytes_of(NULL, 0));
        message(&scope_spans, 2, &s);
    }
    all = around(&scope_spans);
    struct batch_report report;
    struct batch *b = batch_from_request(buffer_bytes(&all), &report);
    assert_non_null(b);
    assert_int_equal(report.rejected_spans, 5);
    assert_string_equal(report.where,
                        "resource_spans[0].scope_spans[0].spans[1].trace_id: all zero");
    assert_int_equal(b->span_count, 3);
    assert_int_equal(b->request.len, 0);
    assert_true(span_is_root(&b->spans[1]));
    batch_release(b);
    buffer_free(&all);
}

static void each_bad_id_has_its_words(void **state)
{
    (void)state;
    static const uint8_t zero[16];
    static const struct {
        uint32_t number;
        struct bytes id;
        const char *words;
    } cases[] = {
        {1, {zero, 0}, "trace_id: missing"},
        {1, {zero, 15}, "trace_id: 15 bytes where 16 were expected"},
        {2, {zero, 8}, "span_id: all zero"},
        {4, {zero, 9}, "parent_span_id: 9 bytes where 8 were expected"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer s = span(1, "n");
        bytes(&s, cases[i].number, cases[i].id);
        struct buffer all = around_span(&s);
        struct batch_report report;
        struct batch *b = batch_from_request(buffer_bytes(&all), &report);
        assert_non_null(b);
        assert_int_equal(b->span_count + b->scope_count + b->resource_count, 0);
        assert_int_equal(report.rejected_spans, 1);
        assert_non_null(strstr(report.where, cases[i].words));
        batch_release(b);
        buffer_free(&all);
    }
}

static void assert_malformed(struct buffer *all, const char *words)
{
    struct batch_report report;
    struct batch *b = batch_from_request(buffer_bytes(all), &report);
    assert_null(b);
    assert_true(report.malformed);
    assert_string_equal(report.where, words);
    buffer_free(all);
}

static void malformations_are_named_with_their_place(void **state)
{
    (void)state;
    struct buffer s = span(1, "n"), part = {0}, all;
    text(&s, 9, "\x0a\x01k\x12\x04\x0a\x5ahi");
    all = around_span(&s);
    assert_malformed(&all, "resource_spans[0].scope_spans[0].spans[0].attributes[1].value."
                           "string_value: length 90 runs past the end");

    s = span(1, "n");
    text(&part, 2, "ok");
    message(&s, 11, &part);
    integer(&part, 2, 1);
    message(&s, 11, &part);
    all = around_span(&s);
    assert_malformed(&all, "resource_spans[0].scope_spans[0].spans[0].events[1].name: "
                           "wire type 0 where 2 was expected");

    s = span(1, "n");
    text(&s, 13, "\x35\x01\x02");
    all = around_span(&s);
    assert_malformed(&all, "resource_spans[0].scope_spans[0].spans[0].links[0].flags: "
                           "4 bytes wanted, 2 left");

    s = span(1, "n");
    text(&s, 15, "\x18\xff\xff");
    all = around_span(&s);
    assert_malformed(&all, "resource_spans[0].scope_spans[0].spans[0].status.code: "
                           "the varint at byte 83 is cut off or too long");

    struct buffer first = request("a", "b", 1, 1), second = {0};
    text(&second, 1, "\x0b\x0c"); /* a group, as the Resource */
    message(&first, 1, &second);
    second = (struct buffer){0};
    struct batch_report report;
    assert_null(batch_from_request(buffer_bytes(&first), &report));
    assert_non_null(strstr(report.where, "resource_spans[1].resource: the tag at byte "));
    assert_non_null(strstr(report.where, "has wire type 3, which is not supported"));
    buffer_free(&first);
}

/* An array in an array … `levels` deep, in an attribute. */
static struct buffer nested(unsigned levels)
{
    struct buffer value = {0}, kv = {0}, s = span(1, "n");
    for (unsigned i = 0; i < levels; i++) {
        struct buffer outer = {0};
        message(&outer, i % 2 ? 5 : 1, &value); /* element of an ArrayValue, ArrayValue */
        value = outer;
    }
    message(&kv, 2, &value);
    message(&s, 9, &kv);
    return around_span(&s);
}

static void depth_is_limited(void **state)
{
    (void)state;
    struct batch_report report;
    struct buffer r = nested(94); /* and request, resource, scope, span, attribute, value: 100 */
    struct batch *b = batch_from_request(buffer_bytes(&r), &report);
    assert_non_null(b);
    batch_release(b);
    buffer_free(&r);
    r = nested(96);
    assert_null(batch_from_request(buffer_bytes(&r), &report));
    assert_non_null(strstr(report.where, "nested deeper than 100 messages"));
    assert_non_null(
        strstr(report.where, "resource_spans[0].scope_spans[0].spans[0].attributes[1]"));
    buffer_free(&r);
    r = nested(10000);
    assert_null(batch_from_request(buffer_bytes(&r), &report));
    assert_true(report.malformed);
    buffer_free(&r);
}

static void every_cut_is_malformed(void **state)
{
    (void)state;
    struct buffer r = request("shop", "http", 1, 2);
    for (size_t len = 1; len < r.len; len++) {
        struct batch_report report;
        struct batch *b = batch_from_request(bytes_of(r.data, len), &report);
        assert_null(b);
        assert_true(report.where[0] != 0);
    }
    buffer_free(&r);
}

static void empty_messages_cost_no_index(void **state)
{
    (void)state;
    size_t len = 1 << 20;
    struct batch *b = batch_create(len);
    for (size_t i = 0; i < len; i += 2)
        memcpy(batch_payload(b) + i, "\x0a\x00", 2);
    size_t before = batch_bytes(b);
    struct batch_report report;
    assert_true(batch_index(b, len, &report));
    assert_int_equal(b->resource_count, 0);
    assert_int_equal(batch_bytes(b), before);
    batch_release(b);
}

static void small_spans_get_an_index_of_their_own(void **state)
{
    (void)state;
    struct buffer scope_spans = {0};
    enum { SPANS = 5000 };
    for (unsigned i = 0; i < SPANS; i++) {
        struct buffer s = {0};
        uint8_t id[16] = {1, (uint8_t)i, (uint8_t)(i >> 8)};
        bytes(&s, 1, bytes_of(id, 16));
        bytes(&s, 2, bytes_of(id, 8));
        message(&scope_spans, 2, &s);
    }
    struct buffer all = around(&scope_spans);
    size_t len = all.len;
    struct batch *b = indexed(&all);
    assert_non_null(b);
    assert_int_equal(b->span_count, SPANS);
    for (unsigned i = 0; i < SPANS; i++)
        assert_int_equal(b->spans[i].span_id[1] | b->spans[i].span_id[2] << 8, i);
    assert_in_range(batch_bytes(b), len + SPANS * sizeof(struct span_view),
                    len * 5 / 4 + SPANS * sizeof(struct span_view) + 4096);
    assert_int_equal(batch_live_bytes(), batch_bytes(b));
    batch_release(b);
}

static void writable_is_the_same_batch_when_held_once(void **state)
{
    (void)state;
    struct buffer r = request("shop", "http", 1, 2);
    struct batch *b = indexed(&r);
    assert_ptr_equal(batch_writable(b), b);

    struct batch *other = batch_writable(batch_retain(b));
    assert_ptr_not_equal(other, b);
    assert_ptr_not_equal(other->spans, b->spans);
    assert_int_equal(other->span_count, 2);
    assert_ptr_equal(other->spans[1].data, b->spans[1].data);
    assert_ptr_equal(other->request.data, b->request.data);
    const uint8_t *data = b->spans[1].data;
    batch_release(b); /* `other` keeps the bytes */
    assert_ptr_equal(other->spans[1].data, data);
    assert_int_equal(data[0], 0x0a);
    assert_ptr_equal(batch_writable(other), other);
    batch_release(other);
}

static void a_selection_has_only_what_it_needs(void **state)
{
    (void)state;
    struct buffer r = request("one", "http", 1, 3), two = request("two", "sql", 4, 3);
    buffer_append(&r, two.data, two.len);
    buffer_free(&two);
    struct batch *b = indexed(&r);
    assert_int_equal(b->resource_count, 2);
    struct batch *chosen = batch_select(b, (const uint32_t[]){3, 5}, 2);
    assert_int_equal(chosen->span_count, 2);
    assert_int_equal(chosen->scope_count, 1);
    assert_int_equal(chosen->resource_count, 1);
    assert_int_equal(chosen->request.len, 0);
    assert_int_equal(chosen->span_bytes, (size_t)chosen->spans[0].len + chosen->spans[1].len);
    assert_int_equal(chosen->received_ns, b->received_ns);
    struct batch *all = batch_select(b, (const uint32_t[]){0, 1, 2, 3, 4, 5}, 6);
    assert_ptr_equal(all->request.data, b->request.data);
    struct batch *none = batch_select(b, NULL, 0);
    assert_int_equal(none->span_count, 0);
    batch_release(b);
    assert_true(
        bytes_equal_string(resource_service_name(span_resource(chosen, &chosen->spans[1])), "two"));
    batch_release(chosen);
    batch_release(all);
    batch_release(none);
}

static void a_builder_shares_neighbours_scopes(void **state)
{
    (void)state;
    struct buffer r = request("one", "http", 1, 3);
    struct batch *a = indexed(&r);
    r = request("two", "http", 4, 3);
    struct batch *b = indexed(&r);
    struct batch_builder *w = batch_builder_create();
    assert_true(batch_builder_add(w, a, 0));
    assert_true(batch_builder_add(w, a, 2));
    assert_true(batch_builder_add(w, b, 1));
    assert_true(batch_builder_add(w, a, 1));
    assert_int_equal(batch_builder_count(w), 4);
    batch_release(a);
    batch_release(b);
    struct batch *built = batch_builder_finish(w);
    assert_int_equal(built->span_count, 4);
    assert_int_equal(built->scope_count, 3);
    assert_int_equal(built->resource_count, 3);
    assert_int_equal(built->request.len, 0);
    assert_int_equal(built->spans[2].trace_id[0], 5);
    assert_true(
        bytes_equal_string(resource_service_name(span_resource(built, &built->spans[2])), "two"));
    batch_release(built);
    assert_null(batch_builder_finish(batch_builder_create()));
}

static void memory_lives_and_counts_with_the_batch(void **state)
{
    (void)state;
    struct buffer r = request("shop", "http", 1, 1);
    struct batch *b = indexed(&r);
    size_t before = batch_bytes(b);
    uint8_t *first = batch_memory(b, 10);
    uint8_t *second = batch_memory(b, 20);
    assert_ptr_equal(second, first + 10);
    memset(first, 1, 30);
    uint8_t *large = batch_memory(b, 1 << 20);
    memset(large, 2, 1 << 20);
    assert_true(batch_bytes(b) >= before + (1 << 20) + 30);
    assert_int_equal(batch_live_bytes(), batch_bytes(b));
    batch_release(b);
    assert_int_equal(batch_live_bytes(), 0);
}

static void *retain_and_release(void *batch)
{
    for (int i = 0; i < 20000; i++)
        batch_release(batch_retain(batch));
    batch_release(batch);
    return NULL;
}

static void references_are_counted_across_threads(void **state)
{
    (void)state;
    struct buffer r = request("shop", "http", 1, 1);
    struct batch *b = indexed(&r);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, retain_and_release, batch_retain(b)), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_ptr_equal(batch_writable(b), b);
    batch_release(b);
}

/* A request whose index outgrows its room and whose scope has to be gathered. */
static bool try_index(void *context)
{
    struct batch_report report;
    struct batch *b = batch_from_request(*(struct bytes *)context, &report);
    if (!b) {
        assert_true(report.malformed && report.no_memory);
        assert_string_equal(report.where, "out of memory");
        return false;
    }
    assert_int_equal(b->span_count, 200);
    batch_release(b);
    return true;
}

static bool try_copies(void *context)
{
    struct batch *b = context;
    struct batch *copy = batch_writable(batch_retain(b));
    struct batch *chosen = batch_select(b, (const uint32_t[]){1}, 1);
    bool done = copy && chosen;
    batch_release(copy);
    batch_release(chosen);
    struct batch_builder *w = batch_builder_create();
    if (!w)
        return false;
    for (uint32_t i = 0; i < 100; i++) {
        uint32_t count = batch_builder_count(w);
        bool added = batch_builder_add(w, b, i % b->span_count);
        assert_int_equal(batch_builder_count(w), count + added);
        done = done && added;
    }
    batch_release(batch_builder_finish(w));
    return done;
}

static void memory_that_runs_out_is_told(void **state)
{
    (void)state;
    struct buffer scope_spans = {0};
    for (unsigned i = 0; i < 200; i++) {
        struct buffer s = {0};
        uint8_t id[16] = {1, (uint8_t)i};
        bytes(&s, 1, bytes_of(id, 16));
        bytes(&s, 2, bytes_of(id, 8));
        message(&scope_spans, 2, &s);
        text(&scope_spans, 1, "");
    }
    struct buffer all = around(&scope_spans);
    struct bytes r = buffer_bytes(&all);
    assert_true(until_memory_suffices(try_index, &r) >= 3);
    buffer_free(&all);

    all = request("shop", "http", 1, 3);
    struct batch *b = indexed(&all);
    assert_true(until_memory_suffices(try_copies, b) >= 5);
    assert_ptr_equal(batch_writable(b), b);
    batch_release(b);
}

/* A request of spans of nothing but ids: its index is many times what came. */
static void an_index_keeps_to_the_limit(void **state)
{
    (void)state;
    struct buffer scope_spans = {0};
    for (uint32_t i = 1; i <= 20000; i++) {
        struct buffer s = {0};
        uint8_t id[16] = {(uint8_t)i, (uint8_t)(i >> 8), 1};
        bytes(&s, 1, bytes_of(id, 16));
        bytes(&s, 2, bytes_of(id, 8));
        message(&scope_spans, 2, &s);
    }
    struct buffer all = around(&scope_spans);
    struct batch_report report;
    size_t most = all.len * 2;
    batch_limit_live_bytes(most);
    struct batch *b = batch_create(all.len);
    memcpy(batch_payload(b), all.data, all.len);
    assert_false(batch_index(b, all.len, &report));
    assert_string_equal(report.where, "out of memory");
    assert_true(batch_live_bytes() <= most);
    batch_release(b);

    batch_limit_live_bytes(0);
    b = batch_from_request(buffer_bytes(&all), &report);
    assert_int_equal(b->span_count, 20000);
    assert_true(batch_live_bytes() > most);
    batch_release(b);
    buffer_free(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(an_index_points_into_the_request, nothing_lives),
        cmocka_unit_test_teardown(an_empty_request_is_a_request, nothing_lives),
        cmocka_unit_test_teardown(what_comes_twice_is_merged, nothing_lives),
        cmocka_unit_test_teardown(spans_without_ids_are_rejected_one_by_one, nothing_lives),
        cmocka_unit_test_teardown(each_bad_id_has_its_words, nothing_lives),
        cmocka_unit_test_teardown(malformations_are_named_with_their_place, nothing_lives),
        cmocka_unit_test_teardown(depth_is_limited, nothing_lives),
        cmocka_unit_test_teardown(every_cut_is_malformed, nothing_lives),
        cmocka_unit_test_teardown(empty_messages_cost_no_index, nothing_lives),
        cmocka_unit_test_teardown(small_spans_get_an_index_of_their_own, nothing_lives),
        cmocka_unit_test_teardown(writable_is_the_same_batch_when_held_once, nothing_lives),
        cmocka_unit_test_teardown(a_selection_has_only_what_it_needs, nothing_lives),
        cmocka_unit_test_teardown(a_builder_shares_neighbours_scopes, nothing_lives),
        cmocka_unit_test_teardown(memory_lives_and_counts_with_the_batch, nothing_lives),
        cmocka_unit_test_teardown(references_are_counted_across_threads, nothing_lives),
        cmocka_unit_test_teardown(memory_that_runs_out_is_told, nothing_lives),
        cmocka_unit_test_teardown(an_index_keeps_to_the_limit, nothing_lives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
