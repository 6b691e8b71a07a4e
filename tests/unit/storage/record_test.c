/* Records and the codes of durations. */
#include "fixture.h"

#include "storage/record.h"

#include <stdlib.h>

static void codes_hold_their_durations(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        for (int64_t d = -2; d <= 2; d++) {
            uint64_t ns = (1ull << bit) + (uint64_t)d;
            uint8_t code = duration_code(ns);
            assert_true(duration_least(code) <= ns);
            assert_true(duration_most(code) >= ns);
        }
    }
    for (unsigned code = 0; code < 251; code++) {
        assert_int_equal(duration_code(duration_least((uint8_t)code)), code);
        assert_int_equal(duration_code(duration_most((uint8_t)code)), code);
        assert_true(duration_least((uint8_t)(code + 1)) == duration_most((uint8_t)code) + 1);
    }
    assert_int_equal(duration_code(UINT64_MAX), 251);
    assert_true(duration_most(251) == UINT64_MAX);
    assert_true(duration_most(255) == UINT64_MAX);
}

static const struct record_entry entries[] = {
    {.service = 1, .operation = 2, .kind = 3, .error = true, .minimum = 4, .maximum = 5},
    {.service = 4000, .operation = 65535, .kind = 0, .minimum = 0, .maximum = 255},
};

static struct buffer two_records(void)
{
    struct buffer b = {0};
    uint8_t id[16];
    records_begin(&b, 1000);
    trace_id_of(1, id);
    record_write(&b, 1000, id, 1000, 1007, entries, 2);
    trace_id_of(2, id);
    record_write(&b, 1000, id, 3, UINT64_MAX, entries, 1);
    assert_false(b.failed);
    return b;
}

static void records_come_back(void **state)
{
    struct buffer b = two_records();
    struct record_reader reader = record_reader(buffer_bytes(&b));
    struct record record;
    struct record_entry e;
    uint8_t id[16];
    (void)state;
    assert_true(record_next(&reader, &record));
    trace_id_of(1, id);
    assert_memory_equal(record.trace_id, id, 16);
    assert_int_equal(record.start_ns, 1000);
    assert_int_equal(record.last_start_ns, 1007);
    for (int i = 0; i < 2; i++) {
        assert_true(record_entry_next(&record.entries, &e));
        assert_int_equal(e.service, entries[i].service);
        assert_int_equal(e.operation, entries[i].operation);
        assert_int_equal(e.kind, entries[i].kind);
        assert_int_equal(e.error, entries[i].error);
        assert_int_equal(e.minimum, entries[i].minimum);
        assert_int_equal(e.maximum, entries[i].maximum);
    }
    assert_false(record_entry_next(&record.entries, &e));
    assert_true(record_next(&reader, &record)); /* earlier than the base, as late as can be */
    assert_int_equal(record.start_ns, 3);
    assert_true(record.last_start_ns == UINT64_MAX);
    assert_int_equal(record.entry_count, 1);
    assert_false(record_next(&reader, &record));
    assert_false(record_next(&reader, &record));
    buffer_free(&b);
}

static void damaged_records_end_the_walk(void **state)
{
    struct buffer b = two_records();
    struct record record;
    struct record_entry e;
    (void)state;
    for (size_t len = 0; len <= b.len; len++) {
        for (int fill = -1; fill < 2; fill++) {
            uint8_t *copy = malloc(len + 1);
            memcpy(copy, b.data, len);
            if (fill >= 0 && len > 24)
                memset(copy + 24, fill ? 0xff : 0x80, len - 24);
            struct record_reader reader = record_reader(bytes_of(copy, len));
            unsigned count = 0;
            while (record_next(&reader, &record)) {
                count++;
                while (record_entry_next(&record.entries, &e))
                    ;
            }
            if (fill < 0)
                assert_true(count <= (len == b.len ? 2u : 1u));
            free(copy);
        }
    }
    buffer_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_hold_their_durations),
        cmocka_unit_test(records_come_back),
        cmocka_unit_test(damaged_records_end_the_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
