/* Rewriting, held against protobuf-c: what the visitor changes differs afterwards, nothing else. */
#include "proto/rewrite.h"

#include "proto/frame.h"
#include "tests/unit/proto/failing_malloc.h"
#include "tests/unit/proto/oracle.h"
#include "tests/unit/proto/random_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the four above first */
#include <cmocka.h>

/* ---- what is done: texts and keys of maps get a !, some attributes go, lists get one more ---- */

static unsigned every = 1; /* 1: to all, 7: to few */

struct changer {
    struct buffer kept[4096]; /* texts that the message is written from */
    size_t count;
};

static bool goes(size_t key_len)
{
    return key_len % (5 * every) == 1;
}

static bool is_marked(size_t text_len)
{
    return text_len % every == 0;
}

static bool grows(enum rewrite_place place)
{
    return every == 1 || place == PLACE_LINK_ATTRIBUTE;
}

static bool stands_alone(enum rewrite_place place)
{
    return place == PLACE_SPAN_NAME || place == PLACE_STATUS_MESSAGE ||
           place == PLACE_TRACE_STATE || place == PLACE_EVENT_NAME ||
           place == PLACE_LINK_TRACE_STATE || place == PLACE_SCOPE_NAME;
}

static struct bytes marked(struct changer *c, struct bytes text)
{
    assert_true(c->count < sizeof c->kept / sizeof *c->kept);
    struct buffer *kept = &c->kept[c->count++];
    if (text.len)
        buffer_append(kept, text.data, text.len);
    buffer_append_byte(kept, '!');
    return buffer_bytes(kept);
}

static enum rewrite_verdict change(void *context, const struct rewrite_item *item,
                                   struct rewrite_change *change)
{
    struct changer *c = context;
    bool is_text = stands_alone(item->place);
    if (!is_text && !item->element && goes(item->key.len))
        return REWRITE_REMOVE;
    if (item->value.type == VALUE_ARRAY || item->value.type == VALUE_MAP) {
        if (!item->element && is_marked(item->key.len))
            change->key = marked(c, item->key);
        return REWRITE_ENTER;
    }
    if (item->value.type != VALUE_STRING || (is_text && item->value.bytes.len == 0) ||
        !is_marked(item->value.bytes.len))
        return REWRITE_KEEP;
    change->value.bytes = marked(c, item->value.bytes);
    return REWRITE_SET;
}

static const struct link_attribute one_more = {{(const uint8_t *)"added", 5},
                                               {.type = VALUE_INT, .integer = 7}};

static size_t add_one(void *context, enum rewrite_place place,
                      const struct link_attribute **attributes)
{
    (void)context;
    *attributes = &one_more;
    return grows(place);
}

static void changer_free(struct changer *c)
{
    for (size_t i = 0; i < c->count; i++)
        buffer_free(&c->kept[i]);
    free(c);
}

/* ---- the same to what protobuf-c decoded ---- */

static void append_mark(char **text)
{
    size_t len = strlen(*text);
    *text = *text == (const char *)protobuf_c_empty_string ? strdup("") : *text;
    *text = realloc(*text, len + 2);
    memcpy(*text + len, "!", 2);
}

static void after_text(char **text)
{
    if (**text && is_marked(strlen(*text)))
        append_mark(text);
}

static void after_pairs(size_t *count, oracle_key_value **pairs);

static void after_value(oracle_value *v)
{
    if (!v)
        return;
    if (v->value_case == OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_STRING_VALUE &&
        is_marked(strlen(v->string_value)))
        append_mark(&v->string_value);
    if (v->value_case == OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_ARRAY_VALUE) {
        for (size_t i = 0; i < v->array_value->n_values; i++)
            after_value(v->array_value->values[i]);
    }
    if (v->value_case == OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_KVLIST_VALUE)
        after_pairs(&v->kvlist_value->n_values, v->kvlist_value->values);
}

static bool holds_more(const oracle_value *v)
{
    return v && (v->value_case == OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_ARRAY_VALUE ||
                 v->value_case == OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_KVLIST_VALUE);
}

static void after_pairs(size_t *count, oracle_key_value **pairs)
{
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        oracle_key_value *p = pairs[i];
        if (goes(strlen(p->key))) {
            protobuf_c_message_free_unpacked(&p->base, NULL);
            continue;
        }
        after_value(p->value);
        if (holds_more(p->value) && is_marked(strlen(p->key)))
            append_mark(&p->key);
        pairs[kept++] = p;
    }
    *count = kept;
}

static void after_list(enum rewrite_place place, size_t *count, oracle_key_value ***pairs)
{
    static const uint8_t added[] = "\x0a\x05"
                                   "added\x12\x02\x18\x07";
    after_pairs(count, *pairs);
    if (!grows(place))
        return;
    *pairs = realloc(*pairs, (*count + 1) * sizeof **pairs);
    (*pairs)[(*count)++] =
        opentelemetry__proto__common__v1__key_value__unpack(NULL, sizeof added - 1, added);
}

static void after_span(oracle_span *s)
{
    after_text(&s->name);
    after_text(&s->trace_state);
    after_list(PLACE_SPAN_ATTRIBUTE, &s->n_attributes, &s->attributes);
    for (size_t i = 0; i < s->n_events; i++) {
        after_text(&s->events[i]->name);
        after_list(PLACE_EVENT_ATTRIBUTE, &s->events[i]->n_attributes, &s->events[i]->attributes);
    }
    for (size_t i = 0; i < s->n_links; i++) {
        after_text(&s->links[i]->trace_state);
        after_list(PLACE_LINK_ATTRIBUTE, &s->links[i]->n_attributes, &s->links[i]->attributes);
    }
    if (s->status)
        after_text(&s->status->message);
}

static bool same_packed(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
    size_t len = protobuf_c_message_get_packed_size(a);
    if (len != protobuf_c_message_get_packed_size(b))
        return false;
    uint8_t *x = malloc(2 * len + 1);
    protobuf_c_message_pack(a, x);
    protobuf_c_message_pack(b, x + len);
    bool same = memcmp(x, x + len, len) == 0;
    free(x);
    return same;
}

static oracle_span *unpack_span(const struct span_view *s)
{
    oracle_span *m = opentelemetry__proto__trace__v1__span__unpack(NULL, s->len, s->data);
    assert_non_null(m);
    return m;
}

static void rewrite_and_compare(struct batch *b, uint32_t span, bool compare,
                                struct buffer *scratch)
{
    struct changer *c = calloc(1, sizeof *c);
    struct rewriter w = {
        .context = c, .visit = change, .append = add_one, .scratch = span % 2 ? scratch : NULL};
    oracle_span *expected = unpack_span(&b->spans[span]);
    assert_true(span_rewrite(b, span, &w));
    oracle_span *written = unpack_span(&b->spans[span]);
    oracle_same_span(&b->spans[span], written);
    after_span(expected);
    if (compare)
        assert_true(same_packed(&expected->base, &written->base));
    opentelemetry__proto__trace__v1__span__free_unpacked(expected, NULL);
    opentelemetry__proto__trace__v1__span__free_unpacked(written, NULL);
    changer_free(c);
}

static void rewrite_many(uint64_t seed)
{
    struct dice d = {.state = seed};
    struct buffer scratch = {0};
    for (int i = 0; i < 300; i++) {
        struct batch_report report;
        d.weird = (unsigned)i % 3 * 10;
        struct buffer r = random_request(&d);
        struct batch *b = batch_from_request(buffer_bytes(&r), &report);
        assert_non_null(b);
        for (uint32_t s = 0; s < b->span_count; s++)
            rewrite_and_compare(b, s, d.weird == 0, &scratch);
        size_t total = 0;
        for (uint32_t s = 0; s < b->span_count; s++)
            total += b->spans[s].len;
        assert_int_equal(b->span_bytes, total);
        batch_release(b);
        buffer_free(&r);
    }
    buffer_free(&scratch);
    assert_int_equal(batch_live_bytes(), 0);
}

static void only_what_the_visitor_changes_differs(void **state)
{
    (void)state;
    rewrite_many(11);
    every = 3;
    rewrite_many(15);
    every = 7;
    rewrite_many(16);
    every = 1;
}

static enum rewrite_verdict look(void *context, const struct rewrite_item *item,
                                 struct rewrite_change *change)
{
    (void)change;
    (*(unsigned *)context)++;
    return item->value.type == VALUE_ARRAY || item->value.type == VALUE_MAP ? REWRITE_ENTER
                                                                            : REWRITE_KEEP;
}

static void what_is_only_looked_at_takes_no_memory(void **state)
{
    (void)state;
    struct dice d = {.state = 12, .weird = 10};
    unsigned shown = 0;
    struct rewriter w = {.context = &shown, .visit = look};
    for (int i = 0; i < 100; i++) {
        struct batch_report report;
        struct buffer r = random_request(&d);
        struct batch *b = batch_from_request(buffer_bytes(&r), &report);
        size_t request = b->request.len, bytes = batch_bytes(b);
        allocations_left = 0;
        for (uint32_t s = 0; s < b->span_count; s++)
            assert_true(span_rewrite(b, s, &w));
        for (uint32_t s = 0; s < b->scope_count; s++)
            assert_true(scope_rewrite(b, s, &w));
        for (uint32_t s = 0; s < b->resource_count; s++)
            assert_true(resource_rewrite(b, s, &w));
        allocations_left = -1;
        assert_int_equal(b->request.len, request);
        assert_int_equal(batch_bytes(b), bytes);
        batch_release(b);
        buffer_free(&r);
    }
    assert_true(shown > 1000);
}

/* Resources and scopes, through the oracle of whole requests. */
static void groups_are_rewritten_like_spans(void **state)
{
    (void)state;
    struct dice d = {.state = 13};
    for (int i = 0; i < 100; i++) {
        struct batch_report report;
        struct buffer r = random_request(&d), out = {0};
        struct batch *b = batch_from_request(buffer_bytes(&r), &report);
        struct changer *c = calloc(1, sizeof *c);
        struct rewriter w = {.context = c, .visit = change, .append = add_one};
        for (uint32_t s = 0; s < b->scope_count; s++) {
            struct bytes before = b->scopes[s].tail;
            assert_true(scope_rewrite(b, s, &w));
            assert_true(before.len == b->scopes[s].tail.len || before.len > 0);
        }
        for (uint32_t s = 0; s < b->resource_count; s++) {
            struct attribute a;
            assert_true(resource_rewrite(b, s, &w));
            assert_true(
                attribute_find(b->resources[s].message, RESOURCE_ATTRIBUTES, one_more.key, &a));
            assert_int_equal(a.value.integer, 7);
        }
        assert_true(frame_batch(b, &out));
        oracle_request *m = oracle_unpack(buffer_bytes(&out));
        struct batch *again = batch_from_request(buffer_bytes(&out), &report);
        assert_non_null(again);
        assert_non_null(m);
        oracle_same(again, m, report.rejected_spans);
        oracle_free(m);
        changer_free(c);
        batch_release(again);
        batch_release(b);
        buffer_free(&r);
        buffer_free(&out);
    }
}

static enum rewrite_verdict shorten(void *context, const struct rewrite_item *item,
                                    struct rewrite_change *change)
{
    (void)context;
    change->value = (struct value){.type = VALUE_STRING, .bytes = bytes_of("-", 1)};
    return item->depth || item->place != PLACE_SPAN_NAME ? REWRITE_SET : REWRITE_KEEP;
}

static bool try_to_shorten(void *context)
{
    struct batch *b = context;
    struct rewriter w = {.visit = shorten, .append = add_one};
    struct span_view before = b->spans[0];
    bool done = span_rewrite(b, 0, &w);
    assert_true(done || memcmp(&before, &b->spans[0], sizeof before) == 0);
    return done;
}

static void short_of_memory_nothing_changes(void **state)
{
    (void)state;
    struct dice d = {.state = 14};
    struct batch *b = NULL;
    struct buffer r = {0};
    while (!b || b->span_count == 0) {
        struct batch_report report;
        if (b)
            batch_release(b);
        buffer_free(&r);
        r = random_request(&d);
        b = batch_from_request(buffer_bytes(&r), &report);
    }
    assert_true(until_memory_suffices(try_to_shorten, b) >= 1);
    batch_release(b);
    buffer_free(&r);
    assert_int_equal(batch_live_bytes(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_the_visitor_changes_differs),
        cmocka_unit_test(what_is_only_looked_at_takes_no_memory),
        cmocka_unit_test(groups_are_rewritten_like_spans),
        cmocka_unit_test(short_of_memory_nothing_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
