/* Calls within a part, and the refs to what lies outside of it. */
#include "fixture.h"

#include "storage/kinship.h"

#include <stdlib.h>

static const struct kin part[] = {
    {.id = 0x1111, .parent = 0, .service = 1},      {.id = 0x2222, .parent = 0x1111, .service = 1},
    {.id = 0x3333, .parent = 0x2222, .service = 2}, {.id = 0x4444, .parent = 0x9999, .service = 3},
    {.id = 0x5555, .parent = 0x5555, .service = 4}, /* its own parent */
};

static void calls_and_orphans(void **state)
{
    struct kinship k = {0};
    struct edges edges = {0};
    struct buffer refs = {0};
    struct kin_part p;
    struct kin_ref ref;
    (void)state;
    assert_true(kinship_resolve(&k, part, 5, &edges, &refs));
    assert_true(kinship_resolve(&k, part, 1, &edges, &refs));
    assert_int_equal(edges.count, 3); /* 1-1, 1-2, 4-4 */
    struct bytes left = buffer_bytes(&refs);
    assert_true(kin_part_next(&left, &p));
    for (int i = 0; i < 5; i++) {
        assert_true(kin_ref_next(&p.spans, &ref));
        assert_int_equal(ref.service, part[i].service);
    }
    assert_false(kin_ref_next(&p.spans, &ref));
    assert_true(kin_ref_next(&p.orphans, &ref));
    assert_int_equal(ref.service, 3);
    assert_int_equal(ref.id, 0x9999);
    assert_false(kin_ref_next(&p.orphans, &ref));
    assert_true(kin_part_next(&left, &p));
    assert_int_equal(p.orphans.len, 0);
    assert_false(kin_part_next(&left, &p));
    for (size_t len = 0; len < refs.len; len++) {
        left = bytes_of(refs.data, len);
        while (kin_part_next(&left, &p)) {
            while (kin_ref_next(&p.spans, &ref) || kin_ref_next(&p.orphans, &ref))
                ;
        }
    }
    buffer_free(&refs);
    edges_free(&edges);
    kinship_free(&k);
}

static void many_spans(void **state)
{
    enum { N = 5000 };
    struct kinship k = {0};
    struct edges edges = {0};
    struct buffer refs = {0};
    struct kin *spans = calloc(N, sizeof *spans);
    (void)state;
    for (uint64_t i = 0; i < N; i++)
        spans[i] = (struct kin){.id = i + 1, .parent = i, .service = (uint32_t)(i % 2)};
    assert_true(kinship_resolve(&k, spans, N, &edges, &refs));
    uint64_t sum = 0;
    for (uint32_t i = 0; i < edges.capacity; i++)
        sum += edges.items[i].calls;
    assert_int_equal(edges.count, 2);
    assert_int_equal(sum, N - 1);
    free(spans);
    buffer_free(&refs);
    edges_free(&edges);
    kinship_free(&k);
}

/* Ids whose product with the golden ratio's fraction, the usual hash, has the same upper half: with
 * that they would all lie in one chain, and this would not end in an hour. */
static void ids_that_were_chosen_to_collide(void **state)
{
    enum { N = 1000000 };
    struct kinship k = {0};
    struct edges edges = {0};
    struct buffer refs = {0};
    struct kin *spans = calloc(N, sizeof *spans);
    uint64_t inverse = 1;
    (void)state;
    for (int i = 0; i < 6; i++)
        inverse *= 2 - inverse * 0x9e3779b97f4a7c15u;
    for (uint64_t i = 0; i < N; i++)
        spans[i] = (struct kin){.id = (i + 1) * inverse, .service = 1};
    assert_true(kinship_resolve(&k, spans, N, &edges, &refs));
    assert_int_equal(edges.count, 0);
    free(spans);
    buffer_free(&refs);
    edges_free(&edges);
    kinship_free(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_and_orphans),
        cmocka_unit_test(many_spans),
        cmocka_unit_test(ids_that_were_chosen_to_collide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
