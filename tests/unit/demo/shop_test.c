/* Every scene, with many seeds, through the reader that receivers use: what the demonstration sends
 * has to be well-formed and to hang together. */
#include "collector/demo/shop.h"

#include "proto/attribute.h"
#include "proto/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SEEDS = 40 };

static const uint64_t now_ns = 1700000000123456789u;

static struct batch *told(struct shop *shop, size_t scene)
{
    struct story *s = shop_tell(shop, scene);
    size_t len, spans = story_spans(s);
    uint8_t *request = story_request(s, now_ns, &len);
    struct batch_report report = {0};
    struct batch *b = batch_from_request(bytes_of(request, len), &report);
    assert_string_equal(report.where, "");
    assert_non_null(b);
    assert_int_equal(report.rejected_spans, 0);
    assert_int_equal(b->span_count, spans);
    free(request);
    story_free(s);
    return b;
}

static size_t scene_of(void (*tell)(struct shop *, struct story *))
{
    for (size_t i = 0; i < shop_scene_count; i++)
        if (shop_scenes[i].tell == tell)
            return i;
    fail();
    return 0;
}

static const struct span_view *find(const struct batch *b, const uint8_t *trace_id,
                                    const uint8_t *span_id)
{
    for (uint32_t i = 0; i < b->span_count; i++)
        if (memcmp(b->spans[i].trace_id, trace_id, 16) == 0 &&
            memcmp(b->spans[i].span_id, span_id, 8) == 0)
            return &b->spans[i];
    return NULL;
}

static void check_span(const struct batch *b, const struct span_view *v, uint64_t *last_ns)
{
    assert_in_range(v->kind, INTERNAL, CONSUMER);
    assert_true(v->name_len > 0);
    assert_true(v->start_ns <= v->end_ns);
    assert_true(v->end_ns <= now_ns);
    assert_true(find(b, v->trace_id, v->span_id) == v); /* no other has its id */
    assert_true(resource_service_name(span_resource(b, v)).len > 0);
    if (v->end_ns > *last_ns)
        *last_ns = v->end_ns;
    if (span_is_root(v))
        return;
    const struct span_view *parent = find(b, v->trace_id, v->parent_span_id);
    assert_non_null(parent);
    assert_true(parent->start_ns <= v->start_ns);
}

static void every_scene_hangs_together(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct shop shop;
        shop_open(&shop, seed);
        for (size_t scene = 0; scene < shop_scene_count; scene++) {
            struct batch *b = told(&shop, scene);
            uint64_t last_ns = 0;
            for (uint32_t i = 0; i < b->span_count; i++)
                check_span(b, &b->spans[i], &last_ns);
            assert_true(now_ns - last_ns < 1000); /* laid in whole microseconds */
            batch_release(b);
        }
    }
}

/* The requests of every scene, one after the other. */
static struct batch **told_all(uint64_t seed)
{
    struct shop shop;
    shop_open(&shop, seed);
    struct batch **all = calloc(shop_scene_count, sizeof(struct batch *));
    assert_non_null(all);
    for (size_t scene = 0; scene < shop_scene_count; scene++)
        all[scene] = told(&shop, scene);
    return all;
}

static void release_all(struct batch **all)
{
    for (size_t scene = 0; scene < shop_scene_count; scene++)
        batch_release(all[scene]);
    free(all);
}

static void the_same_seed_tells_the_same(void **state)
{
    (void)state;
    struct batch **first = told_all(7), **second = told_all(7), **other = told_all(8);
    for (size_t scene = 0; scene < shop_scene_count; scene++) {
        assert_true(bytes_equal(first[scene]->request, second[scene]->request));
        for (uint32_t i = 0; i < other[scene]->span_count; i++)
            assert_null(find(first[scene], other[scene]->spans[i].trace_id,
                             other[scene]->spans[i].span_id));
    }
    release_all(first);
    release_all(second);
    release_all(other);
}

static void scenes_do_not_share_ids(void **state)
{
    (void)state;
    struct batch **all = told_all(3);
    for (size_t a = 0; a < shop_scene_count; a++)
        for (size_t b = 0; b < shop_scene_count; b++)
            for (uint32_t i = 0; a != b && i < all[a]->span_count; i++)
                for (uint32_t j = 0; j < all[b]->span_count; j++)
                    assert_memory_not_equal(all[a]->spans[i].trace_id, all[b]->spans[j].trace_id,
                                            16);
    release_all(all);
}

static bool has(const struct span_view *v, const char *key, struct value *out)
{
    struct attribute a;
    if (!attribute_find(span_bytes(v), SPAN_ATTRIBUTES, bytes_of_string(key), &a))
        return false;
    *out = a.value;
    return true;
}

static unsigned links_into(const struct batch *b, const struct span_view *v)
{
    struct span_cursor c;
    struct link_view link;
    unsigned count = 0;
    span_links_begin(&c, span_bytes(v));
    while (link_next(&c, &link)) {
        const struct span_view *to = find(b, link.trace_id.data, link.span_id.data);
        assert_non_null(to);
        assert_int_equal(to->kind, PRODUCER);
        count++;
    }
    return count;
}

struct hops {
    unsigned consumers;
    unsigned roots; /* of those, beginning a trace of their own */
    unsigned links;
    unsigned producer_offsets;
    unsigned old_offsets; /* consumers with the offset as an older instrumentation writes it */
};

static struct hops hops_of(void (*tell)(struct shop *, struct story *))
{
    struct shop shop;
    struct hops h = {0};
    struct value value;
    shop_open(&shop, 11);
    struct batch *b = told(&shop, scene_of(tell));
    for (uint32_t i = 0; i < b->span_count; i++) {
        const struct span_view *v = &b->spans[i];
        if (v->kind == PRODUCER)
            h.producer_offsets += has(v, "messaging.kafka.offset", &value);
        if (v->kind != CONSUMER)
            continue;
        h.consumers++;
        h.roots += span_is_root(v);
        h.links += links_into(b, v);
        h.old_offsets += has(v, "messaging.kafka.message.offset", &value) &&
                         value.type == VALUE_STRING && has(v, "messaging.kafka.partition", &value);
    }
    batch_release(b);
    return h;
}

static void context_is_kept_or_lost_as_announced(void **state)
{
    (void)state;
    struct hops kept = hops_of(scene_order), linked = hops_of(scene_order_linked);
    struct hops lost = hops_of(scene_order_context_lost);
    struct hops unknown = hops_of(scene_order_offset_unknown);
    struct hops batch = hops_of(scene_batch_shipping);
    assert_memory_equal(&kept, &((struct hops){2, 0, 0, 2, 0}), sizeof kept);
    assert_memory_equal(&linked, &((struct hops){2, 2, 2, 2, 0}), sizeof linked);
    assert_memory_equal(&lost, &((struct hops){2, 2, 0, 2, 2}), sizeof lost);
    assert_memory_equal(&unknown, &((struct hops){2, 2, 0, 0, 0}), sizeof unknown);
    assert_memory_equal(&batch, &((struct hops){1, 1, 3, 3, 0}), sizeof batch);
}

static void offsets_never_come_twice(void **state)
{
    (void)state;
    struct shop shop;
    int64_t last = -1;
    shop_open(&shop, 5);
    for (int n = 0; n < 30; n++) {
        struct batch *b = told(&shop, scene_of(scene_poison_message));
        int64_t highest = last;
        for (uint32_t i = 0; i < b->span_count; i++) {
            struct value value = {0};
            if (b->spans[i].kind != PRODUCER)
                continue;
            assert_true(has(&b->spans[i], "messaging.kafka.offset", &value));
            assert_true(value.integer > last);
            if (value.integer > highest)
                highest = value.integer;
        }
        last = highest;
        batch_release(b);
    }
}

static bool mentions(const struct batch *b, const char *text)
{
    return memmem(b->request.data, b->request.len, text, strlen(text)) != NULL;
}

static void what_is_planted_is_there(void **state)
{
    static const struct {
        void (*tell)(struct shop *, struct story *);
        const char *text;
    } planted[] = {
        {scene_login, "ada.lovelace@example.com"},
        {scene_login, "+44 20 7946 0958"},
        {scene_leaky_payment, "4111 1111 1111 1111"},
        {scene_leaky_payment, "'5555555555554444'"},
        {scene_leaky_payment, "eyJhbGciOiJIUzI1NiI"},
        {scene_leaky_payment, "Bearer "},
        {scene_leaky_payment, "GB82 WEST 1234 5698 7654 32"},
        {scene_leaky_export, "AKIAIOSFODNN7EXAMPLE"},
        {scene_leaky_export, "https://ada:hunter2@files.example.com"},
        {scene_leaky_export, "078-05-1120"},
    };
    (void)state;
    struct shop shop;
    shop_open(&shop, 1);
    for (size_t i = 0; i < sizeof planted / sizeof *planted; i++) {
        struct batch *b = told(&shop, scene_of(planted[i].tell));
        if (!mentions(b, planted[i].text))
            print_error("missing: %s\n", planted[i].text);
        assert_true(mentions(b, planted[i].text));
        batch_release(b);
    }
}

static void trouble_is_marked_as_errors(void **state)
{
    void (*const tells[])(struct shop *, struct story *) = {
        scene_payment_declined, scene_deadlock, scene_poison_message, scene_leaky_payment};
    (void)state;
    for (size_t n = 0; n < sizeof tells / sizeof *tells; n++) {
        struct shop shop;
        shop_open(&shop, n);
        struct batch *b = told(&shop, scene_of(tells[n]));
        unsigned errors = 0, exceptions = 0;
        for (uint32_t i = 0; i < b->span_count; i++) {
            struct span_cursor c;
            struct event_view event;
            errors += b->spans[i].status_code == 2;
            span_events_begin(&c, span_bytes(&b->spans[i]));
            while (event_next(&c, &event))
                exceptions += bytes_equal_string(event.name, "exception");
        }
        assert_true(errors > 0);
        assert_true(exceptions > 0);
        batch_release(b);
    }
}

static void every_scene_is_chosen_sometimes(void **state)
{
    (void)state;
    struct shop shop;
    unsigned chosen[32] = {0};
    shop_open(&shop, 42);
    assert_in_range(shop_scene_count, 1, 32);
    for (int n = 0; n < 2000; n++) {
        size_t scene = shop_choose(&shop);
        assert_true(scene < shop_scene_count);
        chosen[scene]++;
        story_free(shop_tell(&shop, scene));
    }
    for (size_t i = 0; i < shop_scene_count; i++)
        assert_true(chosen[i] > 0);
    assert_true(chosen[0] > chosen[shop_scene_count - 1] * 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scene_hangs_together),
        cmocka_unit_test(the_same_seed_tells_the_same),
        cmocka_unit_test(scenes_do_not_share_ids),
        cmocka_unit_test(context_is_kept_or_lost_as_announced),
        cmocka_unit_test(offsets_never_come_twice),
        cmocka_unit_test(what_is_planted_is_there),
        cmocka_unit_test(trouble_is_marked_as_errors),
        cmocka_unit_test(every_scene_is_chosen_sometimes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
