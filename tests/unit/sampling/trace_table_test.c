/* The trace table against a list. */
#include "sampling/trace_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define IDS 300

static uint32_t numbers[IDS]; /* TRACE_NONE: not waiting */

static void id_of(uint32_t i, uint8_t id[16])
{
    memset(id, 0, 16);
    memcpy(id + (i % 2 ? 12 : 0), &i, 4); /* alike but for a few bits */
}

/* Few distinct hashes, so that runs of slots are long and wrap. */
static uint64_t hash_of(uint32_t i)
{
    return (i % 7) * 0x100000001U + 1020;
}

static void the_table_agrees_with_a_list(void **state)
{
    (void)state;
    struct trace_table *t = trace_table_create(IDS - 50, 3);
    uint32_t count = 0;
    for (uint32_t i = 0; i < IDS; i++)
        numbers[i] = TRACE_NONE;
    srand(3);
    for (unsigned step = 0; step < 200000; step++) {
        uint32_t i = (uint32_t)rand() % IDS;
        uint8_t id[16];
        id_of(i, id);
        assert_int_equal(trace_table_find(t, hash_of(i), id), numbers[i]);
        if (numbers[i] != TRACE_NONE) {
            struct trace *trace = trace_table_at(t, numbers[i]);
            assert_memory_equal(trace->id, id, 16);
            assert_int_equal(trace->bits[2], i);
            trace_table_remove(t, numbers[i]);
            trace_table_free(t, numbers[i]);
            numbers[i] = TRACE_NONE;
            count--;
        } else if (!trace_table_full(t)) {
            numbers[i] = trace_table_add(t, hash_of(i), id);
            struct trace *trace = trace_table_at(t, numbers[i]);
            assert_int_equal(trace->bits[0] | trace->bits[1] | trace->bits[2], 0);
            assert_int_equal(trace->spans.first.held, SPAN_NONE);
            trace->bits[2] = i;
            count++;
        }
        assert_int_equal(trace_table_count(t), count);
    }
    trace_table_destroy(t);
}

static void hashes_spread(void **state)
{
    (void)state;
    unsigned low[64] = {0}, high[64] = {0};
    for (uint32_t i = 0; i < 64000; i++) {
        uint8_t id[16] = {0};
        memcpy(id + 8, &i, 4);
        uint64_t h = trace_hash(id);
        low[h % 64]++;
        high[h >> 58]++;
    }
    for (unsigned i = 0; i < 64; i++) {
        assert_in_range(low[i], 800, 1200);
        assert_in_range(high[i], 800, 1200);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_agrees_with_a_list),
        cmocka_unit_test(hashes_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
