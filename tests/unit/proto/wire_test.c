/* Wire format: what it reads and writes at its limits, and what it refuses. */
#include "proto/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static void varints_are_read_as_they_were_written(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit <= 64; bit++) {
        for (int off = -1; off <= 1; off++) {
            uint64_t v = (bit < 64 ? (uint64_t)1 << bit : 0) + (uint64_t)off;
            uint8_t bytes[WIRE_MAX_VARINT];
            struct wire_writer w = wire_writer(bytes, sizeof bytes);
            wire_put_varint(&w, v);
            assert_false(w.overflow);
            size_t len = (size_t)(w.at - bytes);
            assert_int_equal(len, wire_varint_size(v));
            uint64_t read = ~v;
            assert_ptr_equal(wire_varint(bytes, bytes + len, &read), bytes + len);
            assert_true(read == v);
            for (size_t cut = 0; cut < len; cut++)
                assert_null(wire_varint(bytes, bytes + cut, &read));
        }
    }
}

static void varints_end_after_ten_bytes(void **state)
{
    (void)state;
    uint8_t bytes[11];
    uint64_t v;
    memset(bytes, 0x80, sizeof bytes);
    bytes[9] = 0x7f;
    assert_ptr_equal(wire_varint(bytes, bytes + 10, &v), bytes + 10);
    assert_true(v == (uint64_t)1 << 63);
    bytes[9] = 0x80;
    bytes[10] = 0;
    assert_null(wire_varint(bytes, bytes + 11, &v));
}

static const uint8_t *tag(const char *bytes, size_t len, uint32_t *out)
{
    const uint8_t *at = (const uint8_t *)bytes;
    return wire_tag(at, at + len, out);
}

static void tags_are_bounded(void **state)
{
    (void)state;
    uint32_t t;
    assert_non_null(tag("\x0a", 1, &t));
    assert_int_equal(wire_number(t), 1);
    assert_int_equal(wire_type(t), WIRE_LENGTH);
    assert_non_null(tag("\x85\x01", 2, &t));
    assert_int_equal(wire_number(t), 16);
    assert_non_null(tag("\x8a\x80\x00", 3, &t)); /* longer than need be */
    assert_int_equal(t, 0x0a);
    assert_non_null(tag("\xfa\xff\xff\xff\x0f", 5, &t));
    assert_int_equal(wire_number(t), (1U << 29) - 1);
    assert_null(tag("", 0, &t));
    assert_null(tag("\x85", 1, &t));
    assert_null(tag("\x02", 1, &t));                     /* field 0 */
    assert_null(tag("\x0b", 1, &t));                     /* group */
    assert_null(tag("\x0c", 1, &t));                     /* end of group */
    assert_null(tag("\x0e", 1, &t));                     /* no wire type */
    assert_null(tag("\xfa\xff\xff\xff\x1f", 5, &t));     /* more than 32 bits */
    assert_null(tag("\x8a\x80\x80\x80\x80\x00", 6, &t)); /* six bytes */
}

static void lengths_stay_inside(void **state)
{
    (void)state;
    uint8_t bytes[300] = {0};
    size_t len;
    bytes[0] = 5;
    assert_ptr_equal(wire_length(bytes, bytes + 6, &len), bytes + 1);
    assert_int_equal(len, 5);
    assert_null(wire_length(bytes, bytes + 5, &len));
    assert_null(wire_length(bytes, bytes, &len));
    bytes[0] = 0xaa; /* 298 */
    bytes[1] = 0x02;
    assert_ptr_equal(wire_length(bytes, bytes + 300, &len), bytes + 2);
    assert_int_equal(len, 298);
    assert_null(wire_length(bytes, bytes + 299, &len));
    assert_null(wire_length(bytes, bytes + 1, &len));
    memcpy(bytes, (const uint8_t[]){0xff, 0xff, 0xff, 0xff, 0x0f}, 5);
    assert_null(wire_length(bytes, bytes + 300, &len));
    memcpy(bytes, (const uint8_t[]){0x81, 0x80, 0x80, 0x80, 0x80, 0x00}, 6);
    assert_null(wire_length(bytes, bytes + 300, &len));
    memcpy(bytes, (const uint8_t[]){0x81, 0x80, 0x80, 0x80, 0x00}, 5);
    assert_ptr_equal(wire_length(bytes, bytes + 300, &len), bytes + 5);
}

static void fields_of_every_type_are_read_and_skipped(void **state)
{
    (void)state;
    uint8_t memory[64];
    struct wire_writer w = wire_writer(memory, sizeof memory);
    wire_put_integer(&w, 1, 300);
    wire_put_fixed64(&w, 2, 0x1122334455667788U);
    wire_put_fixed32(&w, 3, 0x99aabbcc);
    wire_put_bytes(&w, 4, bytes_of_string("four"));
    wire_put_double(&w, 5, 1.5);
    assert_false(w.overflow);

    const uint8_t *at = memory;
    const uint8_t *end = w.at;
    struct wire_field f = {0};
    uint32_t numbers = 0;
    while (at < end) {
        const uint8_t *begin = at;
        at = wire_field(at, end, &f);
        assert_non_null(at);
        assert_int_equal(wire_number(f.tag), ++numbers);
        assert_ptr_equal(f.framed.data, begin);
        assert_ptr_equal(f.framed.data + f.framed.len, at);
        assert_ptr_equal(wire_skip(begin + 1, end, wire_type(f.tag)), at);
        assert_null(wire_field(begin, at - 1, &f)); /* cut short */
    }
    assert_int_equal(numbers, 5);
    wire_field(memory, end, &f);
    assert_int_equal(f.integer, 300);
}

/* Apart, because gcc 12 sees overflows that the check before them excludes. */
__attribute__((noinline)) static struct wire_writer write_much(uint8_t *memory, size_t room,
                                                               bool *fitted)
{
    struct wire_writer w = wire_writer(memory, room);
    wire_put_bytes(&w, 100, bytes_of_string("0123456789"));
    *fitted = !w.overflow;
    wire_put_fixed32(&w, 1, 1);
    return w;
}

static void the_writer_never_passes_its_end(void **state)
{
    (void)state;
    for (size_t room = 0; room < 16; room++) {
        uint8_t *memory = malloc(room + 1);
        bool fitted;
        memory[room] = 0xee;
        struct wire_writer w = write_much(memory, room, &fitted);
        assert_int_equal(fitted, room >= 13);
        assert_true(w.overflow);
        assert_true(w.at <= memory + room);
        assert_int_equal(memory[room], 0xee);
        free(memory);
    }
}

static void sizes_are_those_of_what_is_written(void **state)
{
    (void)state;
    static uint8_t memory[20000];
    static const uint8_t zeros[17000];
    const size_t lengths[] = {0, 1, 127, 128, 16383, 16384, 17000};
    const uint32_t numbers[] = {1, 15, 16, 2047, 2048};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (size_t j = 0; j < sizeof numbers / sizeof numbers[0]; j++) {
            struct wire_writer w = wire_writer(memory, sizeof memory);
            wire_put_bytes(&w, numbers[j], bytes_of(zeros, lengths[i]));
            assert_int_equal(w.at - memory, wire_framed_size(numbers[j], lengths[i]));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(varints_are_read_as_they_were_written),
        cmocka_unit_test(varints_end_after_ten_bytes),
        cmocka_unit_test(tags_are_bounded),
        cmocka_unit_test(lengths_stay_inside),
        cmocka_unit_test(fields_of_every_type_are_read_and_skipped),
        cmocka_unit_test(the_writer_never_passes_its_end),
        cmocka_unit_test(sizes_are_those_of_what_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
