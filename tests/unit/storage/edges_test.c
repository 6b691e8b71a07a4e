/* Counted edges. */
#include "fixture.h"

#include "storage/edges.h"

static uint64_t calls(const struct edges *e, uint32_t parent, uint32_t child)
{
    for (uint32_t i = 0; i < e->capacity; i++) {
        if (e->items[i].calls && e->items[i].parent == parent && e->items[i].child == child)
            return e->items[i].calls;
    }
    return 0;
}

static void edges_add_up(void **state)
{
    struct edges e = {0}, back = {0};
    struct buffer b = {0};
    (void)state;
    for (uint32_t i = 0; i < 1000; i++)
        assert_true(edges_add(&e, i % 100, i % 7, i));
    assert_true(edges_add(&e, 5, 5, 0));
    assert_int_equal(e.count, 700);
    assert_int_equal(calls(&e, 3, 3), 3 + 703);
    assert_int_equal(calls(&e, 99, 1), 99 + 799);
    edges_write(&e, &b);
    assert_true(edges_read(buffer_bytes(&b), &back));
    assert_true(edges_read(buffer_bytes(&b), &back));
    assert_int_equal(back.count, e.count);
    assert_int_equal(calls(&back, 3, 3), 2 * (3 + 703));
    edges_clear(&back);
    assert_int_equal(back.count, 0);
    for (size_t len = 0; len < b.len; len++) { /* cut anywhere: what is whole counts */
        edges_clear(&back);
        assert_true(edges_read(bytes_of(b.data, len), &back));
        assert_true(back.count <= e.count);
    }
    buffer_free(&b);
    edges_free(&e);
    edges_free(&back);
}

/* Calls beyond counting, as a damaged row may have them, do not make the edge a free one. */
static void too_many_calls_are_many(void **state)
{
    struct edges e = {0};
    (void)state;
    assert_true(edges_add(&e, 1, 2, 1ULL << 63) && edges_add(&e, 1, 2, 1ULL << 63));
    assert_true(calls(&e, 1, 2) == UINT64_MAX);
    assert_int_equal(e.count, 1);
    edges_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edges_add_up),
        cmocka_unit_test(too_many_calls_are_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
