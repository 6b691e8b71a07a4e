/* Grouping, against looking at every pair of spans. */
#include "fixture.h"

#include "storage/group.h"

#include <stdlib.h>

static const uint8_t *id_at(struct batch **batches, struct span_ref r)
{
    return batches[r.batch]->spans[r.span].trace_id;
}

static void check(struct grouping *g, struct batch **batches, uint32_t count)
{
    uint32_t spans = 0;
    for (uint32_t b = 0; b < count; b++)
        spans += batches[b]->span_count;
    assert_true(group_spans(g, batches, count));
    assert_int_equal(g->span_count, spans);
    uint32_t seen = 0;
    for (uint32_t t = 0; t < g->trace_count; t++) {
        const struct span_ref *refs = g->refs + g->traces[t].first;
        assert_true(g->traces[t].count > 0);
        assert_int_equal(g->traces[t].first, seen);
        for (uint32_t i = 0; i < g->traces[t].count; i++) {
            assert_memory_equal(id_at(batches, refs[i]), id_at(batches, refs[0]), 16);
            if (i) /* in order of arrival */
                assert_true(
                    refs[i].batch > refs[i - 1].batch ||
                    (refs[i].batch == refs[i - 1].batch && refs[i].span > refs[i - 1].span));
        }
        for (uint32_t other = 0; other < t; other++)
            assert_memory_not_equal(id_at(batches, g->refs[g->traces[other].first]),
                                    id_at(batches, refs[0]), 16);
        seen += g->traces[t].count;
    }
    assert_int_equal(seen, spans);
}

static void spans_of_many_batches(void **state)
{
    struct grouping g = {0};
    struct batch *batches[20];
    (void)state;
    srand(7);
    for (int round = 0; round < 20; round++) {
        uint32_t count = 1 + (uint32_t)rand() % 20;
        uint64_t traces = 1 + (uint64_t)rand() % 100;
        for (uint32_t b = 0; b < count; b++) {
            struct span_spec specs[64] = {{0}};
            size_t n = 1 + (size_t)rand() % 64;
            for (size_t i = 0; i < n; i++)
                specs[i] = (struct span_spec){.trace = (uint64_t)rand() % traces, .id = i + 1};
            batches[b] = batch_of(specs, n);
        }
        check(&g, batches, count);
        for (uint32_t b = 0; b < count; b++)
            batch_release(batches[b]);
    }
    group_free(&g);
}

static void nothing_to_group(void **state)
{
    struct grouping g = {0};
    (void)state;
    assert_true(group_spans(&g, NULL, 0));
    assert_int_equal(g.trace_count, 0);
    group_free(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_of_many_batches),
        cmocka_unit_test(nothing_to_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
