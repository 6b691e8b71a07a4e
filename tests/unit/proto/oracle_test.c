/* Whatever the index says about a request, protobuf-c says too: on requests that are random, and on
 * ones that were damaged at random. And whatever is framed decodes to what was chosen. */
#include "tests/unit/proto/oracle.h"

#include "proto/frame.h"
#include "tests/unit/proto/random_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants the four above first */
#include <cmocka.h>

enum { REQUESTS = 600, DAMAGES = 30 };

static void random_requests_index_alike(void **state)
{
    (void)state;
    struct dice d = {.state = 1};
    uint32_t spans = 0;
    uint32_t rejected = 0;
    for (int i = 0; i < REQUESTS; i++) {
        d.weird = (unsigned)i % 4 * 10;
        struct buffer request = random_request(&d);
        oracle_request *m = oracle_unpack(buffer_bytes(&request));
        struct batch_report report;
        struct batch *b = batch_from_request(buffer_bytes(&request), &report);
        assert_non_null(m);
        assert_non_null(b);
        oracle_same(b, m, report.rejected_spans);
        assert_int_equal(b->request.len, report.rejected_spans > 0 ? 0 : request.len);
        assert_int_equal(report.where[0] != 0, report.rejected_spans > 0);
        spans += b->span_count;
        rejected += report.rejected_spans;
        batch_release(b);
        oracle_free(m);
        buffer_free(&request);
    }
    assert_in_range(spans, 2000, 100000);
    assert_in_range(rejected, 50, 10000);
    assert_int_equal(batch_live_bytes(), 0);
}

/* Overwrites, removes or doubles a few bytes. */
static void damage(struct dice *d, struct buffer *b)
{
    for (uint32_t i = 1 + roll(d, 3); i > 0 && b->len > 0; i--) {
        uint32_t at = roll(d, (uint32_t)b->len);
        switch (roll(d, 5)) {
        case 0:
            b->data[at] = (uint8_t)roll(d, 256);
            break;
        case 1:
            b->data[at] ^= (uint8_t)(1 << roll(d, 8));
            break;
        case 2:
            memmove(b->data + at, b->data + at + 1, --b->len - at);
            break;
        case 3:
            b->len = at;
            break;
        default:
            b->data[at] = (uint8_t)(b->data[at] + 1);
        }
    }
}

static void damaged_requests_are_refused_or_index_alike(void **state)
{
    (void)state;
    struct dice d = {.state = 2, .weird = 5};
    unsigned accepted = 0;
    for (int i = 0; i < REQUESTS; i++) {
        struct buffer request = random_request(&d);
        for (int j = 0; j < DAMAGES; j++) {
            struct buffer copy = {0};
            buffer_append(&copy, request.data, request.len);
            damage(&d, &copy);
            struct batch_report report;
            struct batch *b = batch_from_request(buffer_bytes(&copy), &report);
            assert_int_equal(b == NULL, report.malformed);
            if (b) {
                oracle_request *m = oracle_unpack(buffer_bytes(&copy));
                assert_non_null(m);
                oracle_same(b, m, report.rejected_spans);
                oracle_free(m);
                accepted++;
            } else {
                assert_true(report.where[0] != 0);
                assert_int_equal(report.rejected_spans, 0);
            }
            batch_release(b);
            buffer_free(&copy);
        }
        buffer_free(&request);
    }
    assert_in_range(accepted, 1000, REQUESTS * DAMAGES - 1000);
    assert_int_equal(batch_live_bytes(), 0);
}

/* A protobuf-c message, packed: equal messages have equal bytes, unknown fields included. */
static struct buffer packed(const ProtobufCMessage *m)
{
    struct buffer out = {0};
    if (!m)
        return out;
    uint8_t *to = buffer_reserve(&out, protobuf_c_message_get_packed_size(m) + 1);
    out.len = protobuf_c_message_pack(m, to);
    return out;
}

static void assert_same_message(const void *a, const void *b)
{
    struct buffer x = packed(a);
    struct buffer y = packed(b);
    assert_true(bytes_equal(buffer_bytes(&x), buffer_bytes(&y)));
    buffer_free(&x);
    buffer_free(&y);
}

/* A decoded span with what surrounds it. */
struct found {
    oracle_resource_spans *resource;
    oracle_scope_spans *scope;
    oracle_span *span;
};

static size_t find_spans(oracle_request *m, struct found *out, size_t most)
{
    size_t count = 0;
    for (size_t i = 0; i < m->n_resource_spans; i++) {
        oracle_resource_spans *r = m->resource_spans[i];
        for (size_t j = 0; j < r->n_scope_spans; j++) {
            oracle_scope_spans *s = r->scope_spans[j];
            for (size_t k = 0; k < s->n_spans; k++) {
                if (!oracle_identified(s->spans[k]))
                    continue;
                assert_true(count < most);
                out[count++] = (struct found){r, s, s->spans[k]};
            }
        }
    }
    return count;
}

static void assert_same_surroundings(const struct found *a, const struct found *b)
{
    assert_same_message(a->span, b->span);
    assert_same_message(a->scope->scope, b->scope->scope);
    assert_string_equal(a->scope->schema_url, b->scope->schema_url);
    assert_same_message(a->resource->resource, b->resource->resource);
    assert_string_equal(a->resource->schema_url, b->resource->schema_url);
    assert_int_equal(a->scope->base.n_unknown_fields, b->scope->base.n_unknown_fields);
    assert_int_equal(a->resource->base.n_unknown_fields, b->resource->base.n_unknown_fields);
}

enum { BATCHES = 4, MOST = 400 };

/* Several requests, a choice of their spans, and what was chosen. */
struct choice {
    struct buffer requests[BATCHES];
    oracle_request *decoded[BATCHES];
    struct batch *batches[BATCHES];
    struct found spans[MOST];
    size_t count;
};

static void choice_begin(struct choice *c, struct dice *d)
{
    memset(c, 0, sizeof *c);
    for (int i = 0; i < BATCHES; i++) {
        struct batch_report report;
        c->requests[i] = random_request(d);
        c->decoded[i] = oracle_unpack(buffer_bytes(&c->requests[i]));
        c->batches[i] = batch_from_request(buffer_bytes(&c->requests[i]), &report);
        assert_non_null(c->batches[i]);
    }
}

static void choose(struct choice *c, const struct found *all, uint32_t span)
{
    assert_true(c->count < MOST);
    c->spans[c->count++] = all[span];
}

static void choice_end(struct choice *c)
{
    for (int i = 0; i < BATCHES; i++) {
        batch_release(c->batches[i]);
        oracle_free(c->decoded[i]);
        buffer_free(&c->requests[i]);
    }
}

static void assert_frame_is(struct frame *f, const struct choice *c)
{
    struct buffer out = {0};
    struct found framed[MOST];
    assert_true(frame_finish(f));
    frame_flatten(f, &out);
    assert_int_equal(out.len, frame_bytes(f));
    oracle_request *m = oracle_unpack(buffer_bytes(&out));
    assert_non_null(m);
    assert_int_equal(frame_spans(f), c->count);
    assert_int_equal(find_spans(m, framed, MOST), c->count);
    for (size_t i = 0; i < c->count; i++)
        assert_same_surroundings(&framed[i], &c->spans[i]);
    oracle_free(m);
    buffer_free(&out);
}

static void frames_decode_to_what_was_added(void **state)
{
    (void)state;
    struct dice d = {.state = 3};
    for (int i = 0; i < 100; i++) {
        struct choice c;
        struct found all[MOST];
        d.weird = (unsigned)i % 3 * 10;
        choice_begin(&c, &d);
        struct frame *f = frame_create();
        for (int j = 0; j < BATCHES; j++) {
            struct batch *b = c.batches[j];
            find_spans(c.decoded[j], all, MOST);
            for (uint32_t at = 0; at < b->span_count;) {
                uint32_t count = 1 + roll(&d, b->span_count - at);
                size_t estimate = frame_estimate(b, at, count);
                struct frame *alone = frame_create();
                assert_true(frame_add(alone, b, at, count) && frame_finish(alone));
                assert_true(frame_bytes(alone) <= estimate);
                frame_release(alone);

                assert_true(frame_add(f, b, at, count));
                for (uint32_t k = 0; k < count; k++)
                    choose(&c, all, at + k);
                at += count + roll(&d, 3);
            }
        }
        assert_frame_is(f, &c);
        choice_end(&c); /* the frame holds the batches */
        frame_release(f);
    }
    assert_int_equal(batch_live_bytes(), 0);
}

static void selections_and_builders_frame_what_was_chosen(void **state)
{
    (void)state;
    struct dice d = {.state = 4};
    for (int i = 0; i < 100; i++) {
        struct choice c;
        struct found all[MOST];
        d.weird = (unsigned)i % 3 * 10;
        choice_begin(&c, &d);
        struct batch_builder *w = batch_builder_create();
        for (int j = 0; j < BATCHES; j++) {
            uint32_t indices[MOST];
            uint32_t count = 0;
            find_spans(c.decoded[j], all, MOST);
            for (uint32_t k = 0; k < c.batches[j]->span_count; k++) {
                if (roll(&d, 3) == 0)
                    continue;
                indices[count++] = k;
                choose(&c, all, k);
            }
            struct batch *chosen = batch_select(c.batches[j], indices, count);
            assert_non_null(chosen);
            assert_int_equal(chosen->span_count, count);
            for (uint32_t k = 0; k < count; k++)
                assert_true(batch_builder_add(w, chosen, k));
            batch_release(chosen);
        }
        assert_int_equal(batch_builder_count(w), c.count);
        struct batch *built = batch_builder_finish(w);
        assert_int_equal(built != NULL, c.count > 0);
        if (built) {
            struct frame *f = frame_create();
            assert_true(frame_add(f, built, 0, built->span_count));
            assert_frame_is(f, &c);
            frame_release(f);
        }
        batch_release(built);
        choice_end(&c);
    }
    assert_int_equal(batch_live_bytes(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_requests_index_alike),
        cmocka_unit_test(damaged_requests_are_refused_or_index_alike),
        cmocka_unit_test(frames_decode_to_what_was_added),
        cmocka_unit_test(selections_and_builders_frame_what_was_chosen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
